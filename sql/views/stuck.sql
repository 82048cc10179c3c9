-- Messages whose status could still change when they were last read, and how long after their processing that was.
CREATE VIEW stuck AS
SELECT
    m.account_id, -- The Voximplant account.
    m.account, -- Its name, or its number where that is not known.
    m.currency, -- The currency of the account, null where it is not known.
    m.stream, -- sms or a2p.
    m.date, -- The UTC day of processed_at.
    m.message_id, -- The vendor's number of the message.
    m.source_number, -- Who sent it.
    m.destination_number, -- Who it was sent to.
    m.status, -- The status of the sending.
    m.delivery_status, -- The status of the delivery, of a2p only.
    m.cost, -- In the currency of the account.
    m.processed_at, -- When it was processed, in UTC.
    round(epoch(c.exported_at - m.processed_at) / 3600, 1) AS hours, -- From processed_at to the last reading of the day.
    m.stream AS channel -- Former name of stream, gone in 0.4.
FROM messages AS m
INNER JOIN coverage AS c ON c.account_id = m.account_id AND c.stream = m.stream AND c.date = m.date
WHERE m.status_id = 3 OR m.delivery_status IN ('QUEUED', 'DISPATCHED');
