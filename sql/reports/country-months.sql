-- What outgoing messages to each country cost each month, newest month first, then dearest country, shares within a month and account.
-- Example: voxlake report country-months --from 2026-01-01 --account shop
-- A narrow table leaves out segments, messages, cost_pct.
SELECT
    account_id,
    account,
    currency,
    strftime(date, '%Y-%m') AS month,
    coalesce(destination_country, 'unknown') AS country,
    sum(messages)::BIGINT AS messages,
    sum(segments)::BIGINT AS segments,
    sum(cost) AS cost,
    percent(sum(cost), sum(sum(cost)) OVER (PARTITION BY account_id, month)) AS cost_pct
FROM totals_of($from, $to, $number, $accounts, $tz)
WHERE direction = 'OUT'
GROUP BY account_id, account, currency, month, country
ORDER BY month DESC, account, account_id, cost DESC NULLS LAST, country;
