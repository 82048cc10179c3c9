-- The totals of each day are what the messages of sms_history add up to.
SELECT * EXCLUDE (found), sum(found) AS more
FROM (
    SELECT *, 1 AS found
    FROM (
        SELECT
            account_id, date, 'sms' AS stream, direction, destination_country, status_id, status, NULL::VARCHAR AS delivery_status,
            count(*) AS messages, sum(segments)::BIGINT AS segments, sum(cost) AS cost
        FROM sms_history
        SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'sms') USING (account_id, date)
        GROUP BY ALL
    )
    UNION ALL BY NAME
    SELECT * EXCLUDE (channel, parts), -1 AS found
    FROM meta.daily_totals
    SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'sms') USING (account_id, date)
    WHERE stream = 'sms'
)
GROUP BY ALL
HAVING sum(found) <> 0;
