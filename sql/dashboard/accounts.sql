-- The accounts with the most messages of the days [$first, $end), at most $top, by $unit (day to quarter), null for the days from $before on: messages and the sum of their squares by day, what they cost in the currency of each, and how what was sent arrived.
WITH by_day AS (
    SELECT
        account_id,
        account,
        coalesce(currency, '') AS currency,
        date,
        sum(messages)::BIGINT AS messages,
        coalesce(sum(cost), 0) AS cost,
        messages_if(direction = 'OUT', messages) AS sent,
        messages_if(direction = 'OUT' AND settled(stream, status, delivery_status), messages) AS settled,
        messages_if(direction = 'OUT' AND arrived(stream, status, delivery_status), messages) AS arrived,
        messages_if(direction = 'OUT' AND moving(status, delivery_status), messages) AS moving,
        coalesce(sum(cost) FILTER (direction = 'OUT' AND settled(stream, status, delivery_status)), 0) AS settled_cost
    FROM days_of($before, $end, NULL, $accounts, $tz)
    GROUP BY account_id, account, coalesce(currency, ''), date
),

by_step AS (
    SELECT
        account_id,
        account,
        currency,
        CASE WHEN date >= $first::DATE THEN date_trunc($unit, date)::DATE END AS step,
        sum(messages)::BIGINT AS messages,
        sum(messages::DOUBLE * messages) AS squares,
        sum(cost) AS cost,
        sum(sent)::BIGINT AS sent,
        sum(settled)::BIGINT AS settled,
        sum(arrived)::BIGINT AS arrived,
        sum(moving)::BIGINT AS moving,
        sum(settled_cost) AS settled_cost
    FROM by_day
    GROUP BY ALL
)

SELECT
    account_id,
    account,
    currency,
    coalesce(sum(messages) FILTER (step IS NOT NULL), 0)::BIGINT AS messages,
    list(
        {
            'step': step, 'messages': messages, 'squares': squares, 'cost': cost, 'sent': sent, 'settled': settled,
            'arrived': arrived, 'moving': moving, 'settled_cost': settled_cost
        }
        ORDER BY step
    ) AS steps,
    count(*) OVER () AS accounts
FROM by_step
GROUP BY account_id, account, currency
ORDER BY messages DESC, account, account_id
LIMIT $top;
