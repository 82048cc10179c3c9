-- No account has a message of sms_history twice.
SELECT account_id, message_id, count(*) AS times
FROM sms_history
WHERE message_id IN (
    SELECT message_id
    FROM sms_history
    WHERE (account_id, date) IN (SELECT (account_id, date) FROM fresh WHERE stream = 'sms')
)
GROUP BY account_id, message_id
HAVING count(*) > 1;
