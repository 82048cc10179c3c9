-- Messages, received ones and costs by currency by day and stream of the days [$first, $end), and of those sent how many are settled, arrived, or on their way.
SELECT
    date,
    stream,
    sum(messages)::BIGINT AS messages,
    sum(received)::BIGINT AS received,
    map_from_entries(list((currency, cost) ORDER BY currency)) AS costs,
    sum(sent)::BIGINT AS sent,
    sum(settled)::BIGINT AS settled,
    sum(arrived)::BIGINT AS arrived,
    sum(moving)::BIGINT AS moving,
    sum(failed)::BIGINT AS failed,
    map_from_entries(list((currency, settled_cost) ORDER BY currency)) AS settled_costs,
    map_from_entries(list((currency, arrived) ORDER BY currency)) AS arrived_in
FROM (
    SELECT
        date,
        stream,
        coalesce(currency, '') AS currency,
        sum(messages)::BIGINT AS messages,
        coalesce(sum(cost), 0) AS cost,
        messages_if(direction = 'IN', messages) AS received,
        messages_if(direction = 'OUT', messages) AS sent,
        messages_if(direction = 'OUT' AND settled(stream, status, delivery_status), messages) AS settled,
        messages_if(direction = 'OUT' AND arrived(stream, status, delivery_status), messages) AS arrived,
        messages_if(direction = 'OUT' AND moving(status, delivery_status), messages) AS moving,
        messages_if(status = 'error', messages) AS failed,
        coalesce(sum(cost) FILTER (direction = 'OUT' AND settled(stream, status, delivery_status)), 0) AS settled_cost
    FROM days_of($first, $end, NULL, $accounts, $tz)
    GROUP BY date, stream, coalesce(currency, '')
)
GROUP BY date, stream
ORDER BY date, stream DESC;
