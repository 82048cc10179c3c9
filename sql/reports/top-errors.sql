-- The errors that hit the most messages, whoever it was, and what those messages cost all the same.
SELECT
    error_kind(error_message, source_number, destination_number) AS error,
    channel,
    count(*) AS messages,
    sum(cost) AS cost,
    min(date) AS first_day,
    max(date) AS last_day
FROM messages
WHERE error_message IS NOT NULL AND date >= $from AND date < $to AND ($number::VARCHAR IS NULL OR $number IN (source_number, destination_number))
GROUP BY error, channel
ORDER BY messages DESC, error, channel;
