-- No account has a message of a2p_sms_history twice.
WITH ids AS (
    SELECT min(message_id) AS least, max(message_id) AS most
    FROM a2p_sms_history
    SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'a2p') USING (account_id, date)
)
SELECT account_id, message_id, count(*) AS times
FROM a2p_sms_history, ids
WHERE message_id BETWEEN least AND most
GROUP BY account_id, message_id
HAVING count(*) > 1;
