-- Who replied within a day, how many minutes after, and to which sender, newest reply first.
-- Example: voxlake report replies --from 2026-01-01 --number "My Shop"
-- A narrow table leaves out asked_message_id, asked_stream, answered_to.
SELECT
    c.account_id,
    c.account,
    local_date(c.answered_at, zone_of($tz, a.time_zone)) AS date,
    strftime(local_time(c.answered_at, zone_of($tz, a.time_zone)), '%H:%M:%S') AS time,
    c.number,
    c.sender,
    round(epoch(c.after) / 60, 1) AS minutes,
    c.answered_to,
    c.asked_stream,
    c.asked_message_id,
    c.answer_message_id
FROM conversations(within := INTERVAL 24 HOURS, since := $from::DATE - 1, until := $to::DATE + 1) AS c
INNER JOIN accounts AS a ON a.account_id = c.account_id
WHERE
    ($accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], c.account_id))
    AND ($number::VARCHAR IS NULL OR normal_number($number::VARCHAR) IN (c.sender, c.number) OR getvariable('number_digest')::VARCHAR IN (c.sender, c.number))
    AND local_date(c.answered_at, zone_of($tz, a.time_zone)) >= $from AND local_date(c.answered_at, zone_of($tz, a.time_zone)) < $to
ORDER BY c.answered_at DESC, c.account, c.account_id, c.answer_message_id;
