-- Messages and costs by currency by day and stream of the days [$first, $end), and of those sent how many are settled, arrived, or on their way.
SELECT
    date,
    stream,
    sum(messages)::BIGINT AS messages,
    map_from_entries(list((currency, cost) ORDER BY currency)) AS costs,
    sum(sent)::BIGINT AS sent,
    sum(settled)::BIGINT AS settled,
    sum(arrived)::BIGINT AS arrived,
    sum(moving)::BIGINT AS moving
FROM (
    SELECT
        date,
        stream,
        coalesce(currency, '') AS currency,
        sum(messages)::BIGINT AS messages,
        coalesce(sum(cost), 0) AS cost,
        messages_if(direction = 'OUT', messages) AS sent,
        messages_if(direction = 'OUT' AND settled(stream, status, delivery_status), messages) AS settled,
        messages_if(direction = 'OUT' AND arrived(stream, status, delivery_status), messages) AS arrived,
        messages_if(direction = 'OUT' AND moving(status, delivery_status), messages) AS moving
    FROM days_of($first, $end, NULL, $accounts, $tz)
    GROUP BY date, stream, coalesce(currency, '')
)
GROUP BY date, stream
ORDER BY date, stream DESC;
