-- Whether a message arrived: of a2p what was delivered, of sms what succeeded.
CREATE MACRO arrived(channel, status, delivery_status) AS
if(channel = 'a2p', delivery_status = 'DELIVERED', status = 'success');
