-- Every message of both channels, one row each.
CREATE VIEW messages AS
SELECT
    'sms' AS channel, account_id, date, message_id, source_number, destination_number, direction,
    fragments, cost, status_id, status, NULL::VARCHAR AS delivery_status, error_message, processed_at,
    transaction_id, text, extra
FROM sms_history
UNION ALL
SELECT
    'a2p' AS channel, account_id, date, message_id, source_number, destination_number, 'OUT' AS direction,
    fragments, cost, status_id, status, delivery_status, error_message, processed_at,
    transaction_id, text, extra
FROM a2p_sms_history;
