-- The errors that hit the most messages of [$first, $end), long numbers taken out so that they group, at most $top.
SELECT
    regexp_replace(error_message, '[0-9]{5,}', '#', 'g') AS error,
    count(*) AS messages,
    sum(cost) AS cost,
    max(date) AS last_day,
    sum(count(*)) OVER ()::BIGINT AS total
FROM messages
WHERE date >= $first AND date < $end AND error_message IS NOT NULL
GROUP BY error
ORDER BY messages DESC, error
LIMIT $top;
