-- Messages, parts, cost, success and delivery by UTC day, channel and direction.
CREATE VIEW daily AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    date, -- A UTC day.
    channel, -- sms or a2p.
    direction, -- IN or OUT.
    count(*) AS messages, -- How many.
    sum(fragments)::BIGINT AS parts, -- Parts that were billed.
    sum(cost) AS cost, -- In the currency of the account.
    count(*) FILTER (status = 'success') AS succeeded, -- Messages with the status success.
    round(100.0 * count(*) FILTER (status = 'success') / count(*), 2) AS success_pct, -- Their share of all, in percent.
    count(*) FILTER (delivery_status = 'DELIVERED') AS delivered, -- Messages of a2p that arrived.
    round(100.0 * count(*) FILTER (delivery_status = 'DELIVERED') / nullif(count(delivery_status), 0), 2) AS delivered_pct -- Their share of all with a delivery status, in percent.
FROM messages
GROUP BY account_id, account, currency, date, channel, direction;
