-- Every row of a2p_sms_history lies within its UTC day.
SELECT account_id, message_id, date, processed_at
FROM a2p_sms_history
SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'a2p') USING (account_id, date)
WHERE processed_at::DATE <> date;
