-- How well and at what cost each sender of outgoing messages reaches people.
CREATE VIEW by_sender AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    source AS sender, -- A number, digits with the country code however they were written, or a SenderID.
    stream, -- sms or a2p.
    count(*) AS messages, -- How many.
    sum(segments)::BIGINT AS segments, -- Segments that were billed.
    sum(cost) AS cost, -- In the currency of the account.
    count(*) FILTER (status = 'success') AS succeeded, -- Messages with the status success.
    percent(count(*) FILTER (status = 'success'), count(*) FILTER (status <> 'waiting')) AS success_pct, -- Their share of those with any other status than waiting, in percent.
    CASE WHEN stream = 'a2p' THEN count(*) FILTER (delivery_status = 'DELIVERED') END AS delivered, -- Messages of a2p with DELIVERED, null for sms.
    percent(
        count(*) FILTER (stream = 'a2p' AND arrived(stream, status, delivery_status)),
        count(*) FILTER (stream = 'a2p' AND settled(stream, status, delivery_status))
    ) AS delivered_pct, -- Their share of those that have settled, in percent.
    percent(count(*) FILTER (moving(status, delivery_status)), count(*)) AS moving_pct, -- The share of all that is still on its way, in percent.
    stream AS channel, -- Former name of stream, gone in 0.4.
    sum(segments)::BIGINT AS parts -- Former name of segments, gone in 0.4.
FROM messages
WHERE direction = 'OUT'
GROUP BY account_id, account, currency, source, stream;
