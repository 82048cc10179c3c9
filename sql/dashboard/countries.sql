-- What was sent to each country by $unit (day to year) and currency in the days [$first, $end), what it cost, and how it arrived.
SELECT
    coalesce(destination_country, '') AS country,
    date_trunc($unit, date)::DATE AS step,
    coalesce(currency, '') AS currency,
    sum(messages)::BIGINT AS messages,
    coalesce(sum(cost), 0) AS cost,
    messages_if(settled(stream, status, delivery_status), messages) AS settled,
    messages_if(arrived(stream, status, delivery_status), messages) AS arrived,
    messages_if(moving(status, delivery_status), messages) AS moving,
    coalesce(sum(cost) FILTER (settled(stream, status, delivery_status)), 0) AS settled_cost
FROM totals_of($first, $end, NULL, $accounts, $tz)
WHERE direction = 'OUT'
GROUP BY ALL
ORDER BY ALL;
