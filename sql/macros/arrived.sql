-- Whether a message arrived: of a2p what was delivered, of sms what succeeded.
CREATE MACRO arrived(channel, status, delivery_status) AS
CASE WHEN channel = 'a2p' THEN delivery_status = 'DELIVERED' ELSE status = 'success' END;
