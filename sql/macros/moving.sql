-- Whether a message is still on its way, as its status or what became of it can still change.
-- Example: SELECT moving('success', 'DISPATCHED')
-- Answer: true
CREATE MACRO moving(status, delivery_status) AS
coalesce(status = 'waiting', false) OR coalesce(delivery_status IN ('QUEUED', 'DISPATCHED'), false);
