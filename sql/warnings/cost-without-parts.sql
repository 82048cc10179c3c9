-- A message that was sent and cost something has parts.
SELECT channel, count(*) AS messages, min(date) AS first_day, max(date) AS last_day
FROM messages
WHERE status = 'success' AND cost > 0 AND coalesce(fragments, 0) < 1 AND ($accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id))
GROUP BY channel
ORDER BY channel;
