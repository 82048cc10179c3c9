-- Messages, parts, cost, success and delivery by UTC hour, channel and direction.
CREATE VIEW hourly AS
SELECT
    t.account_id, -- The Voximplant account.
    coalesce(a.name, t.account_id::VARCHAR) AS account, -- Its name, or its number where that is not known.
    a.currency, -- The currency of the account, null where it is not known.
    t.hour, -- The beginning of a UTC hour.
    t.channel, -- sms or a2p.
    t.direction, -- IN or OUT.
    t.messages, -- How many.
    t.parts, -- Parts that were billed.
    t.cost, -- In the currency of the account.
    t.succeeded, -- Messages with the status success.
    round(100.0 * t.succeeded / t.messages, 2) AS success_pct, -- Their share of all, in percent.
    t.delivered, -- Messages of a2p that arrived.
    round(100.0 * t.delivered / nullif(t.with_delivery, 0), 2) AS delivered_pct -- Their share of all with a delivery status, in percent.
FROM meta.hourly_totals AS t
LEFT JOIN accounts AS a ON a.account_id = t.account_id;
