-- A message came in or went out.
SELECT channel, count(*) AS messages, min(date) AS first_day, max(date) AS last_day
FROM messages
WHERE (direction IS NULL OR direction NOT IN ('IN', 'OUT')) AND ($accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id))
GROUP BY channel
ORDER BY channel;
