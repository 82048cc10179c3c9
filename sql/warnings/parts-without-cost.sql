-- An outgoing message that was sent in parts has a cost.
SELECT channel, count(*) AS messages, min(date) AS first_day, max(date) AS last_day
FROM messages
WHERE direction = 'OUT' AND status = 'success' AND fragments > 0 AND coalesce(cost, 0) = 0 AND ($accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id))
GROUP BY channel
ORDER BY channel;
