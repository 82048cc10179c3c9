-- How many messages of a2p were delivered, failed, are still on their way or ended in an unknown way by day, newest day first.
-- Example: voxlake report delivery-rate --from 2026-01-01 --account shop
-- A narrow table leaves out unknown, moving, messages.
SELECT
    account_id,
    account,
    currency,
    date,
    sum(messages)::BIGINT AS messages,
    messages_if(delivery_status = 'DELIVERED', messages) AS delivered,
    messages_if(delivery_status IN ('ABORTED', 'REJECTED', 'FAILED', 'EXPIRED'), messages) AS failed,
    messages_if(moving(status, delivery_status), messages) AS moving,
    messages_if(
        NOT moving(status, delivery_status)
        AND coalesce(delivery_status NOT IN ('DELIVERED', 'ABORTED', 'REJECTED', 'FAILED', 'EXPIRED'), true),
        messages
    ) AS unknown,
    percent(
        messages_if(arrived(stream, status, delivery_status), messages),
        messages_if(settled(stream, status, delivery_status), messages)
    ) AS delivered_pct,
    percent(messages_if(moving(status, delivery_status), messages), sum(messages)::BIGINT) AS moving_pct
FROM days_of($from, $to, $number, $accounts, $tz)
WHERE stream = 'a2p'
GROUP BY account_id, account, currency, date
ORDER BY date DESC, account, account_id;
