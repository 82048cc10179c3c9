-- Who sent the most messages of [$first, $end), what they cost, how they arrived, and how many on which day, at most $top.
SELECT
    coalesce(source_number, '') AS sender,
    channel,
    count(*) AS messages,
    coalesce(sum(cost), 0) AS cost,
    count(*) FILTER (settled(channel, status, delivery_status)) AS settled,
    count(*) FILTER (arrived(channel, status, delivery_status)) AS arrived,
    histogram(date) AS days,
    count(*) OVER () AS senders
FROM messages
WHERE date >= $first AND date < $end AND direction = 'OUT'
GROUP BY sender, channel
ORDER BY messages DESC, sender, channel
LIMIT $top;
