-- The accounts with the most messages of the days [$first, $end), what they cost in the currency of each, how they arrived, in $steps steps, at most $top.
WITH top AS (
    SELECT
        account_id,
        account,
        coalesce(currency, '') AS currency,
        sum(messages)::BIGINT AS messages,
        coalesce(sum(cost), 0) AS cost,
        messages_if(direction = 'OUT' AND settled(stream, status, delivery_status), messages) AS settled,
        messages_if(direction = 'OUT' AND arrived(stream, status, delivery_status), messages) AS arrived,
        messages_if(direction = 'OUT' AND moving(status, delivery_status), messages) AS moving,
        messages_if(direction = 'OUT', messages) AS sent,
        count(*) OVER () AS accounts
    FROM days_of($first, $end, NULL, $accounts, $tz)
    GROUP BY account_id, account, coalesce(currency, '')
    ORDER BY messages DESC, account, account_id
    LIMIT $top
),

in_steps AS (
    SELECT
        account_id,
        ((date - $first::DATE + 1) * $steps::BIGINT - 1) // ($end::DATE - $first::DATE) AS step,
        sum(messages)::BIGINT AS messages
    FROM days_of($first, $end, NULL, $accounts, $tz)
    WHERE account_id IN (SELECT account_id FROM top)
    GROUP BY account_id, step
)

SELECT top.*, s.steps
FROM top
LEFT JOIN (
    SELECT account_id, map_from_entries(list((step, messages) ORDER BY step)) AS steps
    FROM in_steps
    GROUP BY account_id
) AS s ON s.account_id = top.account_id
ORDER BY top.messages DESC, top.account, top.account_id;
