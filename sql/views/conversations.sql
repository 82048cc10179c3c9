-- Who answered whom, and after how long: each message that came in within 24 hours of the last one that went out to its sender, by either stream.
CREATE VIEW conversations AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    date, -- The UTC day of the answer.
    stream, -- The stream of the answer, sms, for nothing comes in by a2p.
    sender, -- Our side, the sender of the message that was answered, in its normal form.
    number, -- Who answered, in its normal form.
    asked_at, -- When the message that was answered was processed, in UTC.
    answered_at, -- When the answer was processed, in UTC.
    after, -- The time between the two.
    answered_to, -- The number that the answer was sent to, which need not be the sender.
    asked_stream, -- The stream of the message that was answered, sms or a2p.
    asked_message_id, -- The vendor's number of the message that was answered.
    answer_message_id -- The vendor's number of the answer.
FROM conversations(within := INTERVAL 24 HOURS);
