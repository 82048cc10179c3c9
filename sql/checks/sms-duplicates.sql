-- No account has a message of sms_history twice.
WITH ids AS (
    SELECT min(message_id) AS least, max(message_id) AS most
    FROM sms_history
    SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'sms') USING (account_id, date)
)
SELECT account_id, message_id, count(*) AS times
FROM sms_history, ids
WHERE message_id BETWEEN least AND most
GROUP BY account_id, message_id
HAVING count(*) > 1;
