-- A message has no negative cost.
SELECT channel, count(*) AS messages, min(date) AS first_day, max(date) AS last_day
FROM messages
WHERE cost < 0 AND ($accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id))
GROUP BY channel
ORDER BY channel;
