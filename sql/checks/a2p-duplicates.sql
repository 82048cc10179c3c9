-- No account has a message of a2p_sms_history twice.
SELECT account_id, message_id, count(*) AS times
FROM a2p_sms_history
SEMI JOIN (
    -- DuckDB skips the row groups without an id between the least and the greatest of these.
    SELECT account_id, message_id
    FROM a2p_sms_history
    SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'a2p') USING (account_id, date)
) USING (account_id, message_id)
GROUP BY account_id, message_id
HAVING count(*) > 1;
