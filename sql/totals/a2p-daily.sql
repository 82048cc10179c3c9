-- What the messages of a2p_sms_history of some days are in daily_totals.
SELECT
    account_id, date, 'a2p' AS stream, 'OUT' AS direction, destination_country, status_id, status, delivery_status,
    count(*) AS messages, sum(segments)::BIGINT AS segments, sum(cost) AS cost
FROM a2p_sms_history
SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'a2p') USING (account_id, date)
GROUP BY ALL;
