-- The countries that the most messages of [$first, $end) were sent to, what they cost, how they arrived, at most $top.
SELECT
    country,
    count(*) AS messages,
    coalesce(sum(cost), 0) AS cost,
    count(*) FILTER (settled) AS settled,
    count(*) FILTER (arrived) AS arrived,
    sum(count(*)) OVER ()::BIGINT AS total
FROM (
    SELECT
        coalesce(destination_country, '') AS country, cost,
        status IS DISTINCT FROM 'waiting' AND coalesce(delivery_status, '') NOT IN ('QUEUED', 'DISPATCHED') AS settled,
        settled AND if(channel = 'a2p', delivery_status = 'DELIVERED', status = 'success') AS arrived
    FROM messages
    WHERE date >= $first AND date < $end AND direction = 'OUT'
)
GROUP BY country
ORDER BY messages DESC, country
LIMIT $top;
