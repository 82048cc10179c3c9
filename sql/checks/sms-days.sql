-- Every row of sms_history lies within its UTC day.
SELECT account_id, message_id, date, processed_at
FROM sms_history
WHERE (account_id, date) IN (SELECT (account_id, date) FROM fresh WHERE stream = 'sms') AND processed_at::DATE <> date;
