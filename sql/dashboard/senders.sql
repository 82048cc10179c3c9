-- Who sent the most messages of the days [$first, $end), at most $top, and by $unit (day to quarter) and currency how many, what they cost, and how they arrived.
SELECT
    sender,
    stream,
    sum(messages)::BIGINT AS messages,
    list(
        {
            'step': step, 'currency': currency, 'messages': messages, 'cost': cost, 'settled': settled, 'arrived': arrived,
            'moving': moving
        }
        ORDER BY step, currency
    ) AS steps,
    count(*) OVER () AS senders
FROM (
    SELECT
        coalesce(source, '') AS sender,
        stream,
        coalesce(currency, '') AS currency,
        date_trunc($unit, date)::DATE AS step,
        count(*) AS messages,
        coalesce(sum(cost), 0) AS cost,
        count(*) FILTER (settled(stream, status, delivery_status)) AS settled,
        count(*) FILTER (arrived(stream, status, delivery_status)) AS arrived,
        count(*) FILTER (moving(status, delivery_status)) AS moving
    FROM messages_of($first, $end, NULL, $accounts, $tz)
    WHERE direction = 'OUT'
    GROUP BY ALL
)
GROUP BY sender, stream
ORDER BY messages DESC, sender, stream
LIMIT $top;
