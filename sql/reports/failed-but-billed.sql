-- Every message that failed, or ended without being delivered, and yet cost something, dearest first within a currency.
-- Example: voxlake report failed-but-billed --from 2026-01-01 --out failed.xlsx
-- A narrow table leaves out transaction_id, segments, error_message, source, stream, status, delivery_status.
SELECT
    date,
    stream,
    account_id,
    account,
    currency,
    message_id,
    source,
    destination,
    status,
    delivery_status,
    error_message,
    segments,
    cost,
    transaction_id
FROM messages_of($from, $to, $number, $accounts, $tz)
WHERE
    cost > 0
    AND (status = 'error' OR delivery_status IN ('ABORTED', 'REJECTED', 'FAILED', 'EXPIRED', 'UNKNOWN'))
ORDER BY currency NULLS LAST, cost DESC, date DESC, stream, account_id, message_id;
