-- No account has a message of sms_history twice.
SELECT account_id, message_id, count(*) AS times
FROM sms_history
GROUP BY account_id, message_id
HAVING count(*) > 1;
