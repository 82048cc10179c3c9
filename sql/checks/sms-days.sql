-- Every row of sms_history lies within its UTC day.
SELECT account_id, message_id, date, processed_at
FROM sms_history
SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'sms') USING (account_id, date)
WHERE processed_at::DATE <> date;
