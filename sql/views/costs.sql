-- What outgoing messages cost by UTC day, stream and country, and for each that arrived.
CREATE VIEW costs AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    date, -- A UTC day.
    stream, -- sms or a2p.
    destination_country AS country, -- ISO 3166 code.
    sum(messages)::BIGINT AS messages, -- How many.
    sum(cost) AS cost, -- In the currency of the account.
    messages_if(status = 'success', messages) AS succeeded, -- Messages with the status success.
    CASE WHEN stream = 'a2p' THEN messages_if(delivery_status = 'DELIVERED', messages) END AS delivered, -- Messages of a2p with DELIVERED, null for sms.
    round(
        sum(cost) FILTER (NOT moving(status, delivery_status))
        / nullif(messages_if(arrived(stream, status, delivery_status), messages), 0), 6
    ) AS cost_per_arrived, -- What those that are not on their way any more cost, for each that arrived: of a2p with DELIVERED, of sms with success.
    stream AS channel, -- Former name of stream, gone in 0.4.
    round(
        sum(cost) FILTER (NOT moving(status, delivery_status))
        / nullif(messages_if(arrived(stream, status, delivery_status), messages), 0), 6
    ) AS cost_per_delivered -- Former name of cost_per_arrived, gone in 0.4.
FROM totals
WHERE direction = 'OUT'
GROUP BY account_id, account, currency, date, stream, destination_country;
