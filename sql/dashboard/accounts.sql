-- The accounts with the most messages of the days [$first, $end), what they cost in the currency of each, how they arrived, at most $top.
SELECT
    account_id,
    account,
    coalesce(currency, '') AS currency,
    count(*) AS messages,
    coalesce(sum(cost), 0) AS cost,
    count(*) FILTER (direction = 'IN') AS received,
    count(*) FILTER (direction = 'OUT' AND settled(channel, status, delivery_status)) AS settled,
    count(*) FILTER (direction = 'OUT' AND arrived(channel, status, delivery_status)) AS arrived,
    histogram(date) AS days,
    count(*) OVER () AS accounts
FROM messages_of($first, $end, NULL, $accounts, $tz)
GROUP BY account_id, account, currency
ORDER BY messages DESC, account, account_id
LIMIT $top;
