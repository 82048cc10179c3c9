-- Every message that failed, or ended without being delivered, and yet cost something, dearest first within a currency.
SELECT
    date,
    stream,
    account_id,
    account,
    currency,
    message_id,
    source_number,
    destination_number,
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
