-- The countries that the most messages of the days [$first, $end) were sent to, how they arrived, and costs by currency, at most $top.
SELECT
    country,
    sum(messages)::BIGINT AS messages,
    map_from_entries(list((currency, cost) ORDER BY currency)) AS costs,
    sum(settled)::BIGINT AS settled,
    sum(arrived)::BIGINT AS arrived,
    sum(moving)::BIGINT AS moving,
    sum(sum(messages)) OVER ()::BIGINT AS total
FROM (
    SELECT
        coalesce(destination_country, '') AS country,
        coalesce(currency, '') AS currency,
        sum(messages)::BIGINT AS messages,
        coalesce(sum(cost), 0) AS cost,
        messages_if(settled(stream, status, delivery_status), messages) AS settled,
        messages_if(arrived(stream, status, delivery_status), messages) AS arrived,
        messages_if(moving(status, delivery_status), messages) AS moving
    FROM totals_of($first, $end, NULL, $accounts, $tz)
    WHERE direction = 'OUT'
    GROUP BY coalesce(destination_country, ''), coalesce(currency, '')
)
GROUP BY country
ORDER BY messages DESC, country
LIMIT $top;
