-- How many messages of a2p arrived, failed, are still on their way or ended nobody knows how by day, newest day first.
SELECT
    account_id,
    account,
    currency,
    date,
    sum(messages)::BIGINT AS messages,
    messages_if(delivery_status = 'DELIVERED', messages) AS delivered,
    messages_if(delivery_status IN ('ABORTED', 'REJECTED', 'FAILED', 'EXPIRED'), messages) AS failed,
    messages_if(delivery_status IN ('QUEUED', 'DISPATCHED'), messages) AS moving,
    round(
        100.0 * messages_if(delivery_status = 'DELIVERED', messages)
        / nullif(messages_if(delivery_status IS NOT NULL, messages), 0), 2
    ) AS delivered_pct,
    round(
        100.0 * messages_if(delivery_status = 'DELIVERED', messages)
        / nullif(messages_if(delivery_status NOT IN ('QUEUED', 'DISPATCHED'), messages), 0), 2
    ) AS delivered_pct_of_settled,
    messages_if(
        coalesce(
            delivery_status NOT IN ('DELIVERED', 'ABORTED', 'REJECTED', 'FAILED', 'EXPIRED', 'QUEUED', 'DISPATCHED'), true
        ),
        messages
    ) AS unknown
FROM totals_of($from, $to, $number, $accounts, $tz)
WHERE channel = 'a2p'
GROUP BY account_id, account, currency, date
ORDER BY date DESC, account, account_id;
