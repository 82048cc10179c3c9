-- Who sent the most messages of the days [$first, $end), how they arrived, how many in which of $steps steps, and costs by currency, at most $top.
SELECT
    sender,
    stream,
    sum(messages)::BIGINT AS messages,
    map_from_entries(list((currency, cost) ORDER BY currency)) AS costs,
    sum(settled)::BIGINT AS settled,
    sum(arrived)::BIGINT AS arrived,
    sum(moving)::BIGINT AS moving,
    list(steps) AS steps,
    count(*) OVER () AS senders
FROM (
    SELECT
        coalesce(source_number, '') AS sender,
        stream,
        coalesce(currency, '') AS currency,
        count(*) AS messages,
        coalesce(sum(cost), 0) AS cost,
        count(*) FILTER (settled(stream, status, delivery_status)) AS settled,
        count(*) FILTER (arrived(stream, status, delivery_status)) AS arrived,
        count(*) FILTER (moving(status, delivery_status)) AS moving,
        histogram(((date - $first::DATE + 1) * $steps::BIGINT - 1) // ($end::DATE - $first::DATE)) AS steps
    FROM messages_of($first, $end, NULL, $accounts, $tz)
    WHERE direction = 'OUT'
    GROUP BY coalesce(source_number, ''), stream, coalesce(currency, '')
)
GROUP BY sender, stream
ORDER BY messages DESC, sender, stream
LIMIT $top;
