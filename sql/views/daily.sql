-- Messages, parts, cost, success and delivery by UTC day, channel and direction.
CREATE VIEW daily AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    date, -- A UTC day.
    channel, -- sms or a2p.
    direction, -- IN or OUT.
    sum(messages)::BIGINT AS messages, -- How many.
    sum(parts)::BIGINT AS parts, -- Parts that were billed.
    sum(cost) AS cost, -- In the currency of the account.
    messages_if(status = 'success', messages) AS succeeded, -- Messages with the status success.
    round(100.0 * messages_if(status = 'success', messages) / sum(messages)::BIGINT, 2) AS success_pct, -- Their share of all, in percent.
    messages_if(delivery_status = 'DELIVERED', messages) AS delivered, -- Messages of a2p that arrived.
    round(100.0 * messages_if(delivery_status = 'DELIVERED', messages) / nullif(messages_if(delivery_status IS NOT NULL, messages), 0), 2) AS delivered_pct -- Their share of all with a delivery status, in percent.
FROM totals
GROUP BY account_id, account, currency, date, channel, direction;
