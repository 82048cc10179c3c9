-- Every row of a2p_sms_history lies within its UTC day.
SELECT account_id, message_id, date, processed_at
FROM a2p_sms_history
WHERE processed_at::DATE <> date;
