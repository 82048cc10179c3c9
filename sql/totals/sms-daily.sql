-- What the messages of sms_history of some days are in daily_totals.
SELECT
    account_id, date, 'sms' AS stream, direction, destination_country, status_id, status, NULL::VARCHAR AS delivery_status,
    count(*) AS messages, sum(segments)::BIGINT AS segments, sum(cost) AS cost
FROM sms_history
SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'sms') USING (account_id, date)
GROUP BY ALL;
