-- Every message billed for more parts than its text needs, and what the parts too many cost, dearest first within a currency.
SELECT
    date,
    channel,
    account_id,
    account,
    currency,
    message_id,
    source_number,
    destination_number,
    length(text) AS characters,
    fragments AS billed_parts,
    segments_expected AS expected_parts,
    cost,
    round(cost * (fragments - segments_expected) / fragments, 6)::DECIMAL(18, 6) AS overpaid
FROM messages_of($from, $to, $number, $accounts, $tz)
WHERE fragments > segments_expected
ORDER BY currency NULLS LAST, overpaid DESC, date DESC, channel, account_id, message_id;
