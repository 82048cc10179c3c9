-- Every message that failed, or ended without being delivered, and yet cost something, dearest first.
SELECT
    date,
    channel,
    account_id,
    message_id,
    source_number,
    destination_number,
    status,
    delivery_status,
    error_message,
    fragments AS parts,
    cost,
    transaction_id
FROM messages
WHERE
    cost > 0
    AND (status = 'error' OR delivery_status IN ('ABORTED', 'REJECTED', 'FAILED', 'EXPIRED', 'UNKNOWN'))
    AND date >= $from AND date < $to AND ($number::VARCHAR IS NULL OR $number IN (source_number, destination_number))
ORDER BY cost DESC, date DESC, channel, account_id, message_id;
