-- Messages and cost by day and channel of [$first, $end), and of those sent how many are settled and how many arrived.
SELECT
    date,
    channel,
    count(*) AS messages,
    coalesce(sum(cost), 0) AS cost,
    count(*) FILTER (sent) AS sent,
    count(*) FILTER (sent AND settled) AS settled,
    count(*) FILTER (sent AND arrived) AS arrived
FROM (
    SELECT
        date, channel, cost,
        direction = 'OUT' AS sent,
        status IS DISTINCT FROM 'waiting' AND coalesce(delivery_status, '') NOT IN ('QUEUED', 'DISPATCHED') AS settled,
        settled AND if(channel = 'a2p', delivery_status = 'DELIVERED', status = 'success') AS arrived
    FROM messages
    WHERE date >= $first AND date < $end
)
GROUP BY date, channel
ORDER BY date, channel DESC;
