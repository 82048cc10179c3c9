-- The totals of each hour are what the messages of a2p_sms_history add up to.
SELECT * EXCLUDE (found), sum(found) AS more
FROM (
    SELECT *, 1 AS found
    FROM (
        SELECT
            account_id, date, date_trunc('hour', processed_at) AS hour, 'a2p' AS stream, 'OUT' AS direction,
            status_id, status, delivery_status, count(*) AS messages, sum(segments)::BIGINT AS segments, sum(cost) AS cost
        FROM a2p_sms_history
        SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'a2p') USING (account_id, date)
        GROUP BY ALL
    )
    UNION ALL BY NAME
    SELECT * EXCLUDE (channel, parts), -1 AS found
    FROM meta.hourly_totals
    SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'a2p') USING (account_id, date)
    WHERE stream = 'a2p'
)
GROUP BY ALL
HAVING sum(found) <> 0;
