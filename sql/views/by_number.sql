-- What each number sent and received, ours or not, and a SenderID counts as a number.
CREATE VIEW by_number AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    number, -- A number, digits with the country code however they were written, or a SenderID.
    stream, -- sms or a2p.
    count(*) FILTER (sent) AS sent, -- Messages that it sent.
    count(*) FILTER (NOT sent) AS received, -- Messages that were sent to it.
    sum(segments)::BIGINT AS segments, -- Segments that were billed, of both.
    sum(cost) AS cost, -- Of both, in the currency of the account.
    min(date) AS first_day, -- The first UTC day with a message.
    max(date) AS last_day, -- The last UTC day with a message.
    stream AS channel, -- Former name of stream, gone in 0.4.
    sum(segments)::BIGINT AS parts -- Former name of segments, gone in 0.4.
FROM (
    SELECT account_id, account, currency, stream, date, segments, cost, source AS number, true AS sent FROM messages
    UNION ALL
    SELECT account_id, account, currency, stream, date, segments, cost, destination AS number, false AS sent FROM messages
)
WHERE number IS NOT NULL
GROUP BY account_id, account, currency, number, stream;
