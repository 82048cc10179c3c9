-- What each month cost by channel, and what a message and a part cost in it, newest month first.
SELECT
    strftime(date, '%Y-%m') AS month,
    channel,
    count(*) AS messages,
    sum(fragments)::BIGINT AS parts,
    sum(cost) AS cost,
    round(sum(cost) / count(*), 6) AS cost_per_message,
    round(sum(cost) / nullif(sum(fragments), 0), 6) AS cost_per_part
FROM messages
WHERE date >= $from AND date < $to AND ($number::VARCHAR IS NULL OR $number IN (source_number, destination_number))
GROUP BY month, channel
ORDER BY month DESC, channel;
