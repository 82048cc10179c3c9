-- The errors that hit the most messages of [$first, $end), numbers and names taken out so that they group, at most $top.
SELECT
    error_kind(error_message, source_number, destination_number) AS error,
    count(*) AS messages,
    coalesce(sum(cost), 0) AS cost,
    max(date) AS last_day,
    sum(count(*)) OVER ()::BIGINT AS total
FROM messages
WHERE date >= $first AND date < $end AND error_message IS NOT NULL
GROUP BY error
ORDER BY messages DESC, error
LIMIT $top;
