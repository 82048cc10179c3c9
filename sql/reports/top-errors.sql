-- The errors that hit the most messages, and what those messages cost all the same.
SELECT
    regexp_replace(error_message, '[0-9]{5,}', '#', 'g') AS error,
    count(*) AS messages,
    sum(cost) AS cost,
    min(date) AS first_day,
    max(date) AS last_day
FROM messages
WHERE error_message IS NOT NULL
GROUP BY error
ORDER BY messages DESC, error;
