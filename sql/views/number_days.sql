-- What each number sent and received by UTC day, ours or not and however it is written, and a SenderID counts as a number.
CREATE VIEW number_days AS
SELECT
    d.account_id, -- The Voximplant account.
    coalesce(a.name, d.account_id::VARCHAR) AS account, -- Its name, or its number where that is not known.
    a.currency, -- The currency of the account, null where it is not known.
    d.date, -- A UTC day.
    d.stream, -- sms or a2p.
    d.number, -- A number in its normal form, or an alphanumeric SenderID.
    d.sent, -- Messages that it sent.
    d.messages - d.sent AS received, -- Messages that were sent to it.
    d.messages, -- Both, so that each message counts for its sender and for its recipient.
    d.segments, -- Segments that were billed, of both.
    d.cost, -- Of both, in the currency of the account.
    d.succeeded, -- Messages with the status success.
    d.messages - d.decided AS waiting, -- Messages with the status waiting or none, success is of all but these.
    CASE WHEN d.stream = 'a2p' THEN d.delivered END AS delivered, -- Messages of a2p with DELIVERED, null for sms.
    d.settled -- Messages whose status stays as it is, delivery is of these.
FROM (
    SELECT
        account_id, date, stream, number, count(*) FILTER (sent) AS sent, count(*) AS messages,
        sum(segments)::BIGINT AS segments, sum(cost) AS cost, count(*) FILTER (status = 'success') AS succeeded,
        count(*) FILTER (status <> 'waiting') AS decided,
        count(*) FILTER (delivery_status = 'DELIVERED') AS delivered, count(*) FILTER (settled) AS settled
    FROM (
        SELECT account_id, date, stream, segments, cost, status, delivery_status, settled, source AS number, true AS sent
        FROM messages
        UNION ALL
        SELECT account_id, date, stream, segments, cost, status, delivery_status, settled, destination AS number, false AS sent
        FROM messages
    )
    WHERE number IS NOT NULL
    GROUP BY account_id, date, stream, number
) AS d
LEFT JOIN accounts AS a ON a.account_id = d.account_id;
