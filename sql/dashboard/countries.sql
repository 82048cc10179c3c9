-- The countries that the most messages of the days [$first, $end) were sent to, how they arrived, and costs by currency, at most $top.
SELECT
    country,
    sum(messages)::BIGINT AS messages,
    map_from_entries(list((currency, cost) ORDER BY currency)) AS costs,
    sum(settled)::BIGINT AS settled,
    sum(arrived)::BIGINT AS arrived,
    sum(sum(messages)) OVER ()::BIGINT AS total
FROM (
    SELECT
        coalesce(destination_country, '') AS country,
        coalesce(currency, '') AS currency,
        count(*) AS messages,
        coalesce(sum(cost), 0) AS cost,
        count(*) FILTER (settled(channel, status, delivery_status)) AS settled,
        count(*) FILTER (arrived(channel, status, delivery_status)) AS arrived
    FROM messages_of($first, $end, NULL, $accounts, $tz)
    WHERE direction = 'OUT'
    GROUP BY coalesce(destination_country, ''), coalesce(currency, '')
)
GROUP BY country
ORDER BY messages DESC, country
LIMIT $top;
