-- The accounts with the most messages of the days [$first, $end), what they cost in the currency of each, how they arrived, at most $top.
SELECT
    account_id,
    account,
    coalesce(currency, '') AS currency,
    sum(messages)::BIGINT AS messages,
    coalesce(sum(cost), 0) AS cost,
    sum(received)::BIGINT AS received,
    sum(settled)::BIGINT AS settled,
    sum(arrived)::BIGINT AS arrived,
    map_from_entries(list((date, messages) ORDER BY date)) AS days,
    count(*) OVER () AS accounts
FROM (
    SELECT
        account_id,
        account,
        currency,
        date,
        sum(messages)::BIGINT AS messages,
        sum(cost) AS cost,
        messages_if(direction = 'IN', messages) AS received,
        messages_if(direction = 'OUT' AND settled(channel, status, delivery_status), messages) AS settled,
        messages_if(direction = 'OUT' AND arrived(channel, status, delivery_status), messages) AS arrived
    FROM totals_of($first, $end, NULL, $accounts, $tz)
    GROUP BY account_id, account, currency, date
)
GROUP BY account_id, account, currency
ORDER BY messages DESC, account, account_id
LIMIT $top;
