-- Whether a message arrived: of a2p what was delivered, of sms what succeeded.
-- Example: SELECT arrived('a2p', 'success', 'DISPATCHED')
-- Answer: false
CREATE MACRO arrived(stream, status, delivery_status) AS
CASE WHEN stream = 'a2p' THEN delivery_status = 'DELIVERED' ELSE status = 'success' END;
