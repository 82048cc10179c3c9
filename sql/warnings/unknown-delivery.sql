-- The delivery status of a message of a2p is one that the vendor documents.
SELECT channel, count(*) AS messages, min(date) AS first_day, max(date) AS last_day
FROM messages
WHERE channel = 'a2p' AND (
    delivery_status IS NULL
    OR delivery_status NOT IN ('QUEUED', 'DISPATCHED', 'ABORTED', 'REJECTED', 'DELIVERED', 'FAILED', 'EXPIRED', 'UNKNOWN')
) AND ($accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id))
GROUP BY channel
ORDER BY channel;
