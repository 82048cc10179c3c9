-- The status of a message is one that the vendor documents.
SELECT channel, count(*) AS messages, min(date) AS first_day, max(date) AS last_day
FROM messages
WHERE (status = 'unknown' OR status IS NULL) AND ($accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id))
GROUP BY channel
ORDER BY channel;
