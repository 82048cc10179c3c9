-- Every message of both streams, from or to a number where one is given, however it is spelt, newest first.
-- Example: voxlake report messages --number "+44 7400 123456" --from 2026-01-01
-- A narrow table leaves out transaction_id, error_message, segments, message_id, text, delivery_status, cost, direction, stream.
SELECT
    date,
    strftime(processed_at, '%H:%M:%S') AS time,
    stream,
    direction,
    account_id,
    account,
    currency,
    message_id,
    source,
    destination,
    status,
    delivery_status,
    segments,
    cost,
    error_message,
    text,
    transaction_id
FROM messages_of($from, $to, $number, $accounts, $tz)
ORDER BY processed_at DESC, stream, account, account_id, message_id;
