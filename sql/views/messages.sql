-- Every message of both streams, one row each.
CREATE VIEW messages AS
SELECT
    m.stream, -- sms or a2p.
    m.account_id, -- The Voximplant account.
    coalesce(a.name, m.account_id::VARCHAR) AS account, -- Its name, or its number where that is not known.
    a.currency, -- The currency of the account, null where it is not known.
    m.date, -- The UTC day of processed_at.
    m.message_id, -- The vendor's number of the message, unique for an account and stream.
    m.source_number, -- Who sent it: a number as the API gives it, or an alphanumeric SenderID.
    m.destination_number, -- Who it was sent to, as the API gives it.
    m.source, -- Who sent it: digits with the country code however they were written, or a SenderID.
    m.destination, -- Who it was sent to, in the same form.
    m.direction, -- IN or OUT, and OUT for all of a2p.
    m.segments, -- Segments that were billed.
    m.cost, -- In the currency of the account.
    m.status_id, -- The vendor's number of the status.
    m.status, -- success, error or waiting, else unknown.
    m.delivery_status, -- What became of a message of a2p.
    m.settled, -- Whether its status can no longer change, null where the API gave none.
    m.error_message, -- What the vendor says went wrong.
    m.processed_at, -- When it was processed, in UTC, the only time that the API gives.
    m.transaction_id, -- The vendor's number of the payment.
    m.text, -- What was written, where the account had storing on.
    m.extra, -- A JSON object of fields that voxlake does not know.
    m.destination_country, -- ISO 3166 code of the country of destination_number.
    m.segments_expected, -- Segments that the stored text needs.
    m.stream AS channel, -- Former name of stream, gone in 0.4.
    m.segments AS fragments -- Former name of segments, gone in 0.4.
FROM (
    SELECT *, 'sms' AS stream, NULL::VARCHAR AS delivery_status FROM sms_history
    UNION ALL BY NAME
    SELECT *, 'a2p' AS stream, 'OUT' AS direction FROM a2p_sms_history
) AS m
LEFT JOIN accounts AS a ON a.account_id = m.account_id;
