-- Messages and cost by day and channel of [$first, $end), and of those sent how many are settled and how many arrived.
SELECT
    date,
    channel,
    count(*) AS messages,
    coalesce(sum(cost), 0) AS cost,
    count(*) FILTER (direction = 'OUT') AS sent,
    count(*) FILTER (direction = 'OUT' AND settled(channel, status, delivery_status)) AS settled,
    count(*) FILTER (direction = 'OUT' AND arrived(channel, status, delivery_status)) AS arrived
FROM messages
WHERE date >= $first AND date < $end
GROUP BY date, channel
ORDER BY date, channel DESC;
