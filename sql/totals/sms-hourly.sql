-- What the messages of sms_history of some days are in hourly_totals.
SELECT
    account_id, date, date_trunc('hour', processed_at) AS hour, 'sms' AS stream, direction,
    status_id, status, NULL::VARCHAR AS delivery_status, count(*) AS messages, sum(segments)::BIGINT AS segments, sum(cost) AS cost
FROM sms_history
SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'sms') USING (account_id, date)
GROUP BY ALL;
