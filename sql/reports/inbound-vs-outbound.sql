-- Messages that came in and went out by day, and what each side cost, newest day first.
SELECT
    account_id,
    account,
    currency,
    date,
    messages_if(direction = 'IN', messages) AS inbound,
    messages_if(direction = 'OUT', messages) AS outbound,
    percent(messages_if(direction = 'IN', messages), sum(messages)::BIGINT) AS inbound_pct,
    coalesce(sum(cost) FILTER (direction = 'IN'), 0) AS inbound_cost,
    coalesce(sum(cost) FILTER (direction = 'OUT'), 0) AS outbound_cost
FROM days_of($from, $to, $number, $accounts, $tz)
GROUP BY account_id, account, currency, date
ORDER BY date DESC, account, account_id;
