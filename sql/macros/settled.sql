-- Whether a message's status stays as it is, null where the API gave none.
-- Example: SELECT settled('sms', 'waiting', NULL)
-- Answer: false
CREATE MACRO settled(stream, status, delivery_status) AS
CASE WHEN stream = 'a2p' THEN delivery_status NOT IN ('QUEUED', 'DISPATCHED') ELSE status <> 'waiting' END;
