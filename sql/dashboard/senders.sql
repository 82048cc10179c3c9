-- Who sent the most messages of [$first, $end), what they cost, how they arrived, and how many on which day, at most $top.
SELECT
    sender,
    channel,
    count(*) AS messages,
    coalesce(sum(cost), 0) AS cost,
    count(*) FILTER (settled) AS settled,
    count(*) FILTER (arrived) AS arrived,
    histogram(date) AS days,
    count(*) OVER () AS senders
FROM (
    SELECT
        coalesce(source_number, '') AS sender, channel, cost, date,
        status IS DISTINCT FROM 'waiting' AND coalesce(delivery_status, '') NOT IN ('QUEUED', 'DISPATCHED') AS settled,
        settled AND if(channel = 'a2p', delivery_status = 'DELIVERED', status = 'success') AS arrived
    FROM messages
    WHERE date >= $first AND date < $end AND direction = 'OUT'
)
GROUP BY sender, channel
ORDER BY messages DESC, sender, channel
LIMIT $top;
