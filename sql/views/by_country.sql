-- Outgoing messages by country of destination, null where the number has none.
CREATE VIEW by_country AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    destination_country AS country, -- ISO 3166 code.
    stream, -- sms or a2p.
    sum(messages)::BIGINT AS messages, -- How many.
    sum(segments)::BIGINT AS segments, -- Segments that were billed.
    sum(cost) AS cost, -- In the currency of the account.
    messages_if(status = 'success', messages) AS succeeded, -- Messages with the status success.
    percent(messages_if(status = 'success', messages), messages_if(status <> 'waiting', messages)) AS success_pct, -- Their share of those with any other status than waiting, in percent.
    CASE WHEN stream = 'a2p' THEN messages_if(delivery_status = 'DELIVERED', messages) END AS delivered, -- Messages of a2p with DELIVERED, null for sms.
    percent(
        messages_if(stream = 'a2p' AND arrived(stream, status, delivery_status), messages),
        messages_if(stream = 'a2p' AND settled(stream, status, delivery_status), messages)
    ) AS delivered_pct, -- Their share of those that have settled, in percent.
    percent(messages_if(moving(status, delivery_status), messages), sum(messages)::BIGINT) AS moving_pct, -- The share of all that is still on its way, in percent.
    stream AS channel, -- Former name of stream, gone in 0.4.
    sum(segments)::BIGINT AS parts -- Former name of segments, gone in 0.4.
FROM totals
WHERE direction = 'OUT'
GROUP BY account_id, account, currency, destination_country, stream;
