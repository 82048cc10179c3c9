-- A message that cost something was sent in parts.
SELECT channel, count(*) AS messages, min(date) AS first_day, max(date) AS last_day
FROM messages
WHERE cost > 0 AND coalesce(fragments, 0) < 1
GROUP BY channel
ORDER BY channel;
