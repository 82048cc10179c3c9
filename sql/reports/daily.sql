-- Messages, cost, success and delivery of what has settled by day and stream, sent and received together, newest day first.
-- Example: voxlake report daily --from 2026-01-01 --to 2026-02-01
-- A narrow table leaves out segments, moving_pct, success_pct.
SELECT
    account_id,
    account,
    currency,
    date,
    stream,
    sum(messages)::BIGINT AS messages,
    sum(segments)::BIGINT AS segments,
    sum(cost) AS cost,
    percent(messages_if(status = 'success', messages), messages_if(status <> 'waiting', messages)) AS success_pct,
    percent(
        messages_if(stream = 'a2p' AND arrived(stream, status, delivery_status), messages),
        messages_if(stream = 'a2p' AND settled(stream, status, delivery_status), messages)
    ) AS delivered_pct,
    percent(messages_if(moving(status, delivery_status), messages), sum(messages)::BIGINT) AS moving_pct
FROM days_of($from, $to, $number, $accounts, $tz)
GROUP BY account_id, account, currency, date, stream
ORDER BY date DESC, account, account_id, stream;
