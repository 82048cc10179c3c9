-- What each number sent and received by UTC day, whosever it is and however it is written, and a SenderID counts as a number.
CREATE VIEW number_days AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    date, -- A UTC day.
    stream, -- sms or a2p.
    number, -- A number in its normal form, or an alphanumeric SenderID.
    count(*) FILTER (sent) AS sent, -- Messages that it sent.
    count(*) FILTER (NOT sent) AS received, -- Messages that were sent to it.
    count(*) AS messages, -- Both, so that each message counts for its sender and for its recipient.
    sum(segments)::BIGINT AS segments, -- Segments that were billed, of both.
    sum(cost) AS cost, -- Of both, in the currency of the account.
    count(*) FILTER (status = 'success') AS succeeded, -- Messages with the status success.
    count(*) - count(*) FILTER (status <> 'waiting') AS waiting, -- Messages with the status waiting or none, success is of all but these.
    CASE WHEN stream = 'a2p' THEN count(*) FILTER (delivery_status = 'DELIVERED') END AS delivered, -- Messages of a2p with DELIVERED, null for sms.
    count(*) FILTER (settled(stream, status, delivery_status)) AS settled -- Messages whose status stays as it is, delivery is of these.
FROM (
    SELECT
        account_id, account, currency, date, stream, segments, cost, status, delivery_status,
        source AS number, true AS sent
    FROM messages
    UNION ALL
    SELECT
        account_id, account, currency, date, stream, segments, cost, status, delivery_status,
        destination AS number, false AS sent
    FROM messages
)
WHERE number IS NOT NULL
GROUP BY account_id, account, currency, date, stream, number;
