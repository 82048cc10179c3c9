-- Outgoing messages by UTC day and sender, in counts from which rates of any days can be made.
CREATE VIEW sender_days AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    date, -- A UTC day.
    stream, -- sms or a2p.
    source AS sender, -- A number in its normal form, or an alphanumeric SenderID.
    count(*) AS messages, -- How many.
    sum(segments)::BIGINT AS segments, -- Segments that were billed.
    sum(cost) AS cost, -- In the currency of the account.
    count(*) FILTER (status = 'success') AS succeeded, -- Messages with the status success.
    count(*) - count(*) FILTER (status <> 'waiting') AS waiting, -- Messages with the status waiting or none, success is of all but these.
    CASE WHEN stream = 'a2p' THEN count(*) FILTER (delivery_status = 'DELIVERED') END AS delivered, -- Messages of a2p with DELIVERED, null for sms.
    count(*) FILTER (settled) AS settled -- Messages whose status stays as it is, delivery is of these.
FROM messages
WHERE direction = 'OUT'
GROUP BY account_id, account, currency, date, stream, source;
