-- Every number in the messages of an account, ours or not and however it is written, and a SenderID counts as a number.
CREATE VIEW numbers AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    number, -- A number in its normal form, or an alphanumeric SenderID.
    min(processed_at) AS first_seen, -- When its first message was processed, in UTC.
    max(processed_at) AS last_seen, -- When its last message was processed, in UTC.
    count(*) FILTER (sent) AS sent, -- Messages of both streams that it sent.
    count(*) FILTER (NOT sent) AS received, -- Messages of both streams that were sent to it.
    sum(segments)::BIGINT AS segments, -- Segments that were billed, of both.
    sum(cost) AS cost -- Of both, in the currency of the account.
FROM (
    SELECT account_id, account, currency, processed_at, segments, cost, source AS number, true AS sent FROM messages
    UNION ALL
    SELECT account_id, account, currency, processed_at, segments, cost, destination AS number, false AS sent FROM messages
)
WHERE number IS NOT NULL
GROUP BY account_id, account, currency, number;
