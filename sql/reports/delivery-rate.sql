-- How many messages of a2p arrived, failed, are still on their way or ended nobody knows how by day, newest day first.
SELECT
    account_id,
    account,
    currency,
    date,
    count(*) AS messages,
    count(*) FILTER (delivery_status = 'DELIVERED') AS delivered,
    count(*) FILTER (delivery_status IN ('ABORTED', 'REJECTED', 'FAILED', 'EXPIRED')) AS failed,
    count(*) FILTER (delivery_status IN ('QUEUED', 'DISPATCHED')) AS moving,
    round(100.0 * count(*) FILTER (delivery_status = 'DELIVERED') / nullif(count(delivery_status), 0), 2) AS delivered_pct,
    round(
        100.0 * count(*) FILTER (delivery_status = 'DELIVERED')
        / nullif(count(*) FILTER (delivery_status NOT IN ('QUEUED', 'DISPATCHED')), 0), 2
    ) AS delivered_pct_of_settled,
    count(*) FILTER (
        coalesce(
            delivery_status NOT IN ('DELIVERED', 'ABORTED', 'REJECTED', 'FAILED', 'EXPIRED', 'QUEUED', 'DISPATCHED'), true
        )
    ) AS unknown
FROM messages_of($from, $to, $number, $accounts, $tz)
WHERE channel = 'a2p'
GROUP BY account_id, account, currency, date
ORDER BY date DESC, account, account_id;
