-- Outgoing messages by UTC day and country of destination, in counts from which rates of any days can be made.
CREATE VIEW country_days AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    date, -- A UTC day.
    stream, -- sms or a2p.
    destination_country AS country, -- ISO 3166 code, null where the number has none.
    sum(messages)::BIGINT AS messages, -- How many.
    sum(segments)::BIGINT AS segments, -- Segments that were billed.
    sum(cost) AS cost, -- In the currency of the account.
    messages_if(status = 'success', messages) AS succeeded, -- Messages with the status success.
    messages_if(coalesce(status = 'waiting', true), messages) AS waiting, -- Messages with the status waiting or none, success is of all but these.
    CASE WHEN stream = 'a2p' THEN messages_if(delivery_status = 'DELIVERED', messages) END AS delivered, -- Messages of a2p with DELIVERED, null for sms.
    messages_if(settled(stream, status, delivery_status), messages) AS settled -- Messages whose status stays as it is, delivery is of these.
FROM totals
WHERE direction = 'OUT'
GROUP BY account_id, account, currency, date, stream, destination_country;
