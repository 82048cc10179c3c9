-- The countries that the most messages of [$first, $end) were sent to, what they cost, how they arrived, at most $top.
SELECT
    coalesce(destination_country, '') AS country,
    count(*) AS messages,
    coalesce(sum(cost), 0) AS cost,
    count(*) FILTER (settled(channel, status, delivery_status)) AS settled,
    count(*) FILTER (arrived(channel, status, delivery_status)) AS arrived,
    sum(count(*)) OVER ()::BIGINT AS total
FROM messages
WHERE date >= $first AND date < $end AND direction = 'OUT'
GROUP BY country
ORDER BY messages DESC, country
LIMIT $top;
