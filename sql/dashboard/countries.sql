-- The countries that the most messages of [$first, $end) were sent to, what they cost in each currency, how they arrived, at most $top of a currency.
SELECT
    currency,
    coalesce(destination_country, '') AS country,
    count(*) AS messages,
    coalesce(sum(cost), 0) AS cost,
    count(*) FILTER (settled(channel, status, delivery_status)) AS settled,
    count(*) FILTER (arrived(channel, status, delivery_status)) AS arrived,
    sum(count(*)) OVER (PARTITION BY currency)::BIGINT AS total
FROM messages_of($first, $end, NULL, $accounts, $tz)
WHERE direction = 'OUT'
GROUP BY currency, country
QUALIFY row_number() OVER (PARTITION BY currency ORDER BY count(*) DESC, country) <= $top
ORDER BY currency NULLS LAST, messages DESC, country;
