-- Outgoing messages that repeat one of the minute before to the same recipient, with the same text, or from the same sender where texts cannot be compared.
CREATE VIEW duplicates AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    date, -- The UTC day of the repeat.
    stream, -- The stream of the repeat, sms or a2p.
    sender, -- Who sent the repeat, in its normal form.
    number, -- Who it was sent to, in its normal form.
    same, -- What both have in common besides the recipient, text or sender.
    text, -- What was written.
    processed_at, -- When the repeat was processed, in UTC.
    after, -- How long that was after the message that it repeats.
    status, -- The status of the repeat.
    segments, -- Segments of the repeat that were billed.
    cost, -- What the repeat cost, in the currency of the account, so that the sum is what repeats cost.
    message_id, -- The vendor's number of the repeat.
    earlier_stream, -- The stream of the message that it repeats.
    earlier_message_id, -- The vendor's number of the message that it repeats.
    earlier_status -- The status of the message that it repeats, by which a second try after an error can be told.
FROM duplicates(within := INTERVAL 1 MINUTE);
