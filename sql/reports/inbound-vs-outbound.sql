-- Messages that were sent and received by day, and what each side cost, newest day first.
-- Example: voxlake report inbound-vs-outbound --from 2026-01-01
-- A narrow table leaves out received_pct.
SELECT
    account_id,
    account,
    currency,
    date,
    messages_if(direction = 'IN', messages) AS received,
    messages_if(direction = 'OUT', messages) AS sent,
    percent(messages_if(direction = 'IN', messages), sum(messages)::BIGINT) AS received_pct,
    coalesce(sum(cost) FILTER (direction = 'IN'), 0) AS received_cost,
    coalesce(sum(cost) FILTER (direction = 'OUT'), 0) AS sent_cost
FROM days_of($from, $to, $number, $accounts, $tz)
GROUP BY account_id, account, currency, date
ORDER BY date DESC, account, account_id;
