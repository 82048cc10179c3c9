-- Every row of a2p_sms_history lies within its UTC day.
SELECT account_id, message_id, date, processed_at
FROM a2p_sms_history
WHERE (account_id, date) IN (SELECT (account_id, date) FROM fresh WHERE stream = 'a2p') AND processed_at::DATE <> date;
