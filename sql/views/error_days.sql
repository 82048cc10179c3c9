-- Errors by UTC day and by what went wrong, whatever the number, see the macro error_kind.
CREATE VIEW error_days AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    date, -- A UTC day.
    stream, -- sms or a2p.
    error_kind(error_message, source_number, destination_number) AS error, -- The text with # in place of numbers and names.
    count(*) AS messages, -- How many it hit.
    sum(segments)::BIGINT AS segments, -- Segments that were billed all the same.
    sum(cost) AS cost, -- What they cost all the same, in the currency of the account.
    count(*) FILTER (status = 'success') AS succeeded, -- Messages with the status success.
    count(*) - count(*) FILTER (status <> 'waiting') AS waiting, -- Messages with the status waiting or none.
    CASE WHEN stream = 'a2p' THEN count(*) FILTER (delivery_status = 'DELIVERED') END AS delivered, -- Messages of a2p with DELIVERED, null for sms.
    count(*) FILTER (settled) AS settled -- Messages whose status stays as it is.
FROM messages
WHERE error_message IS NOT NULL
GROUP BY account_id, account, currency, date, stream, error;
