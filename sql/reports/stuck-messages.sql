-- Every message whose status could still change a day or more after it was processed, longest first.
SELECT date, channel, account_id, message_id, source_number, destination_number, status, delivery_status, cost, processed_at, hours
FROM stuck
WHERE hours >= 24 AND date >= $from AND date < $to AND ($number::VARCHAR IS NULL OR $number IN (source_number, destination_number))
ORDER BY hours DESC, channel, account_id, message_id;
