-- How well and at what cost each sender of outgoing messages reaches people, busiest first.
-- Example: voxlake report sender-performance --from 2026-01-01 --account shop
-- A narrow table leaves out last_day, moving_pct, segments, cost_per_arrived, success_pct.
SELECT
    account_id,
    account,
    currency,
    source AS sender,
    stream,
    count(*) AS messages,
    sum(segments)::BIGINT AS segments,
    sum(cost) AS cost,
    percent(count(*) FILTER (status = 'success'), count(*) FILTER (status <> 'waiting')) AS success_pct,
    percent(
        count(*) FILTER (stream = 'a2p' AND arrived(stream, status, delivery_status)),
        count(*) FILTER (stream = 'a2p' AND settled(stream, status, delivery_status))
    ) AS delivered_pct,
    percent(count(*) FILTER (moving(status, delivery_status)), count(*)) AS moving_pct,
    round(
        sum(cost) FILTER (NOT moving(status, delivery_status))
        / nullif(count(*) FILTER (arrived(stream, status, delivery_status)), 0), 6
    ) AS cost_per_arrived,
    max(date) AS last_day
FROM messages_of($from, $to, $number, $accounts, $tz)
WHERE direction = 'OUT'
GROUP BY account_id, account, currency, source, stream
ORDER BY messages DESC, sender, stream, account, account_id;
