-- What the messages of a2p_sms_history of some days are in odd_totals.
SELECT account_id, date, 'a2p' AS stream, warning, messages
FROM (
    SELECT
        account_id, date,
        count(*) FILTER (status = 'success' AND cost > 0 AND coalesce(segments, 0) < 1) AS "cost-without-segments",
        count(*) FILTER (cost < 0) AS "negative-cost",
        count(*) FILTER (coalesce(source_number, '') = '' OR coalesce(destination_number, '') = '') AS "no-number",
        count(*) FILTER (status = 'success' AND segments > 0 AND coalesce(cost, 0) = 0) AS "segments-without-cost",
        count(*) FILTER (delivery_status IS NULL OR delivery_status NOT IN ('QUEUED', 'DISPATCHED', 'ABORTED', 'REJECTED', 'DELIVERED', 'FAILED', 'EXPIRED', 'UNKNOWN')) AS "unknown-delivery",
        count(*) FILTER (extra IS NOT NULL) AS "unknown-fields",
        count(*) FILTER (status = 'unknown' OR status IS NULL) AS "unknown-status"
    FROM a2p_sms_history
    SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'a2p') USING (account_id, date)
    GROUP BY ALL
) UNPIVOT (messages FOR warning IN ("cost-without-segments", "negative-cost", "no-number", "segments-without-cost", "unknown-delivery", "unknown-fields", "unknown-status"))
WHERE messages > 0;
