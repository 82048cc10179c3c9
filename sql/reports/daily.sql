-- Messages, cost, success and delivery by day and channel, sent and received together, newest day first.
SELECT
    date,
    channel,
    count(*) AS messages,
    sum(fragments)::BIGINT AS parts,
    sum(cost) AS cost,
    round(100.0 * count(*) FILTER (status = 'success') / count(*), 2) AS success_pct,
    round(100.0 * count(*) FILTER (delivery_status = 'DELIVERED') / nullif(count(delivery_status), 0), 2) AS delivered_pct
FROM messages
WHERE date >= $from AND date < $to AND ($number::VARCHAR IS NULL OR $number IN (source_number, destination_number))
GROUP BY date, channel
ORDER BY date DESC, channel;
