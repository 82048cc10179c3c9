-- Every message billed for more segments than its text needs, and what the surplus cost, dearest first within a currency.
-- Example: voxlake report segment-audit --from 2026-01-01 --limit 20
-- A narrow table leaves out characters, source, stream, cost, segments_expected, segments.
SELECT
    date,
    stream,
    account_id,
    account,
    currency,
    message_id,
    source,
    destination,
    length(text) AS characters,
    segments,
    segments_expected,
    cost,
    round(cost * (segments - segments_expected) / segments, 6)::DECIMAL(18, 6) AS overpaid
FROM messages_of($from, $to, $number, $accounts, $tz)
WHERE segments > segments_expected
ORDER BY currency NULLS LAST, overpaid DESC, date DESC, stream, account_id, message_id;
