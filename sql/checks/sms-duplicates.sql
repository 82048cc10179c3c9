-- No account has a message of sms_history twice.
SELECT account_id, message_id, count(*) AS times
FROM sms_history
SEMI JOIN (
    -- DuckDB skips the row groups without an id between the least and the greatest of these.
    SELECT account_id, message_id
    FROM sms_history
    SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'sms') USING (account_id, date)
) USING (account_id, message_id)
GROUP BY account_id, message_id
HAVING count(*) > 1;
