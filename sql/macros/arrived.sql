-- Whether a message arrived: of a2p what was delivered, of sms what succeeded.
CREATE MACRO arrived(stream, status, delivery_status) AS
CASE WHEN stream = 'a2p' THEN delivery_status = 'DELIVERED' ELSE status = 'success' END;
