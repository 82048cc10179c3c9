-- How well and at what cost each sender of outgoing messages reaches people.
CREATE VIEW by_sender AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    source_number AS sender, -- A number, or an alphanumeric SenderID.
    channel, -- sms or a2p.
    count(*) AS messages, -- How many.
    sum(fragments)::BIGINT AS parts, -- Parts that were billed.
    sum(cost) AS cost, -- In the currency of the account.
    count(*) FILTER (status = 'success') AS succeeded, -- Messages with the status success.
    percent(count(*) FILTER (status = 'success'), count(*) FILTER (status <> 'waiting')) AS success_pct, -- Their share of those with any other status than waiting, in percent.
    count(*) FILTER (delivery_status = 'DELIVERED') AS delivered, -- Messages of a2p that arrived.
    percent(
        count(*) FILTER (channel = 'a2p' AND arrived(channel, status, delivery_status)),
        count(*) FILTER (channel = 'a2p' AND settled(channel, status, delivery_status))
    ) AS delivered_pct, -- Their share of those that have settled, in percent.
    percent(count(*) FILTER (moving(status, delivery_status)), count(*)) AS moving_pct -- The share of all that is still on its way, in percent.
FROM messages
WHERE direction = 'OUT'
GROUP BY account_id, account, currency, source_number, channel;
