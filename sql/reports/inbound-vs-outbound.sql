-- Messages that came in and went out by day, and what each side cost, newest day first.
SELECT
    account_id,
    account,
    currency,
    date,
    count(*) FILTER (direction = 'IN') AS inbound,
    count(*) FILTER (direction = 'OUT') AS outbound,
    round(100.0 * count(*) FILTER (direction = 'IN') / count(*), 2) AS inbound_pct,
    coalesce(sum(cost) FILTER (direction = 'IN'), 0) AS inbound_cost,
    coalesce(sum(cost) FILTER (direction = 'OUT'), 0) AS outbound_cost
FROM messages_of($from, $to, $number, $accounts, $tz)
GROUP BY account_id, account, currency, date
ORDER BY date DESC, account, account_id;
