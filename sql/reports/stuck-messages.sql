-- Every message whose status could still change a day or more after it was processed, longest first.
-- Example: voxlake report stuck-messages --from 2026-01-01
-- A narrow table leaves out cost, processed_at, source, status, stream, delivery_status.
SELECT
    m.date,
    m.stream,
    m.account_id,
    m.account,
    m.currency,
    m.message_id,
    m.source,
    m.destination,
    m.status,
    m.delivery_status,
    m.cost,
    m.processed_at,
    s.hours
FROM messages_of($from, $to, $number, $accounts, $tz) AS m
INNER JOIN stuck AS s ON s.account_id = m.account_id AND s.stream = m.stream AND s.message_id = m.message_id
WHERE s.hours >= 24
ORDER BY s.hours DESC, m.stream, m.account_id, m.message_id;
