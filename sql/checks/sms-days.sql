-- Every row of sms_history lies within its UTC day.
SELECT account_id, message_id, date, processed_at
FROM sms_history
WHERE processed_at::DATE <> date;
