-- Every message billed for more parts than its text needs, and what the parts too many cost, dearest first.
SELECT
    date,
    channel,
    account_id,
    message_id,
    source_number,
    destination_number,
    length(text) AS characters,
    fragments AS billed_parts,
    segments_expected AS expected_parts,
    cost,
    round(cost * (fragments - segments_expected) / fragments, 6)::DECIMAL(18, 6) AS overpaid
FROM messages
WHERE fragments > segments_expected AND date >= $from AND date < $to AND ($number::VARCHAR IS NULL OR $number IN (source_number, destination_number))
ORDER BY overpaid DESC, date DESC, channel, account_id, message_id;
