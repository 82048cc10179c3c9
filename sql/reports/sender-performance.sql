-- How well and at what cost each sender of outgoing messages reaches people, busiest first.
SELECT
    account_id,
    account,
    currency,
    source_number AS sender,
    channel,
    count(*) AS messages,
    sum(fragments)::BIGINT AS parts,
    sum(cost) AS cost,
    round(100.0 * count(*) FILTER (status = 'success') / count(*), 2) AS success_pct,
    round(100.0 * count(*) FILTER (delivery_status = 'DELIVERED') / nullif(count(delivery_status), 0), 2) AS delivered_pct,
    round(
        sum(cost) / nullif(count(*) FILTER (CASE channel WHEN 'a2p' THEN delivery_status = 'DELIVERED' ELSE status = 'success' END), 0), 6
    ) AS cost_per_arrived,
    max(date) AS last_day
FROM messages_of($from, $to, $number, $accounts, $tz)
WHERE direction = 'OUT'
GROUP BY account_id, account, currency, source_number, channel
ORDER BY messages DESC, sender, channel, account, account_id;
