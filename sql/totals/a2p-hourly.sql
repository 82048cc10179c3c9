-- What the messages of a2p_sms_history of some days are in hourly_totals.
SELECT
    account_id, date, date_trunc('hour', processed_at) AS hour, 'a2p' AS channel, 'OUT' AS direction,
    count(*) AS messages, sum(fragments)::BIGINT AS parts, sum(cost) AS cost,
    count(*) FILTER (status = 'success') AS succeeded,
    count(*) FILTER (delivery_status = 'DELIVERED') AS delivered,
    count(delivery_status) AS with_delivery
FROM a2p_sms_history
SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'a2p') USING (account_id, date)
GROUP BY ALL;
