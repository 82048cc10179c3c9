-- What outgoing messages cost by UTC day, channel and country, and for each that arrived.
CREATE VIEW costs AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    date, -- A UTC day.
    channel, -- sms or a2p.
    destination_country AS country, -- ISO 3166 code.
    sum(messages)::BIGINT AS messages, -- How many.
    sum(cost) AS cost, -- In the currency of the account.
    messages_if(arrived(channel, status, delivery_status), messages) AS delivered, -- Messages of a2p with DELIVERED, of sms with success.
    round(
        sum(cost) FILTER (NOT moving(status, delivery_status))
        / nullif(messages_if(arrived(channel, status, delivery_status), messages), 0), 6
    ) AS cost_per_delivered -- What those that are not on their way any more cost, for each that arrived.
FROM totals
WHERE direction = 'OUT'
GROUP BY account_id, account, currency, date, channel, destination_country;
