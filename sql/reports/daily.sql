-- Messages, cost and delivery rate by day and channel, newest day first.
SELECT
    date,
    channel,
    count(*) AS messages,
    sum(fragments)::BIGINT AS parts,
    sum(cost) AS cost,
    round(100.0 * count(*) FILTER (status = 'success') / count(*), 2) AS success_pct,
    round(
        100.0 * count(*) FILTER (delivery_status = 'DELIVERED')
        / nullif(count(*) FILTER (delivery_status IS NOT NULL), 0), 2
    ) AS delivered_pct
FROM messages
GROUP BY date, channel
ORDER BY date DESC, channel;
