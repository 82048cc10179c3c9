-- Every message of both channels, one row each.
CREATE VIEW messages AS
SELECT
    'sms' AS channel, -- sms or a2p.
    account_id, -- The Voximplant account.
    date, -- The UTC day of processed_at.
    message_id, -- The vendor's number of the message, unique for an account and channel.
    source_number, -- Who sent it: a number as the API gives it, or an alphanumeric SenderID.
    destination_number, -- Who it was sent to, as the API gives it.
    direction, -- IN or OUT, and OUT for all of a2p.
    fragments, -- Parts that were billed.
    cost, -- In the currency of the account.
    status_id, -- The vendor's number of the status.
    status, -- success, error or waiting, else unknown.
    NULL::VARCHAR AS delivery_status, -- What became of a message of a2p.
    error_message, -- What the vendor says went wrong.
    processed_at, -- When it was processed, in UTC.
    transaction_id, -- The vendor's number of the payment.
    text, -- What was written, where the account had storing on.
    extra, -- A JSON object of fields that voxlake does not know.
    destination_country, -- ISO 3166 code of the country of destination_number.
    segments_expected -- Parts that the stored text needs.
FROM sms_history
UNION ALL
SELECT
    'a2p' AS channel, account_id, date, message_id, source_number, destination_number, 'OUT' AS direction,
    fragments, cost, status_id, status, delivery_status, error_message, processed_at,
    transaction_id, text, extra, destination_country, segments_expected
FROM a2p_sms_history;
