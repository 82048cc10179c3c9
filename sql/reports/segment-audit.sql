-- Messages that were billed for more parts than their text needs, and what that cost, the dearest first.
SELECT
    date,
    channel,
    account_id,
    message_id,
    encoding,
    fragments,
    segments_expected,
    cost,
    (cost * (fragments - segments_expected) / fragments)::DECIMAL(18, 6) AS overcharge
FROM segments
WHERE fragments > segments_expected
ORDER BY overcharge DESC, date, channel, account_id, message_id;
