-- A message has a sender and a recipient.
SELECT channel, count(*) AS messages, min(date) AS first_day, max(date) AS last_day
FROM messages
WHERE (coalesce(source_number, '') = '' OR coalesce(destination_number, '') = '') AND ($accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id))
GROUP BY channel
ORDER BY channel;
