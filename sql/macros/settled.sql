-- Whether a message's status stays as it is, null where the API gave none.
CREATE MACRO settled(channel, status, delivery_status) AS
if(channel = 'a2p', delivery_status NOT IN ('QUEUED', 'DISPATCHED'), status <> 'waiting');
