-- Outgoing messages that repeat one of the minute before to the same recipient, with the same text, or from the same sender where texts are not stored, newest first.
-- Example: voxlake report duplicates --from 2026-01-01 --account shop
-- A narrow table leaves out sender, earlier_message_id, same, status, stream, time.
SELECT
    d.account_id,
    d.account,
    d.currency,
    local_date(d.processed_at, zone_of($tz, a.time_zone)) AS date,
    strftime(local_time(d.processed_at, zone_of($tz, a.time_zone)), '%H:%M:%S') AS time,
    d.stream,
    d.sender,
    d.number,
    d.same,
    date_diff('second', d.processed_at - d.after, d.processed_at) AS seconds,
    d.status,
    d.cost,
    d.message_id,
    d.earlier_message_id
FROM duplicates(within := INTERVAL 1 MINUTE, since := $from::DATE - 1, until := $to::DATE + 1) AS d
INNER JOIN accounts AS a ON a.account_id = d.account_id
WHERE
    ($accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], d.account_id))
    AND ($number::VARCHAR IS NULL OR normal_number($number::VARCHAR) IN (d.sender, d.number) OR getvariable('number_digest')::VARCHAR IN (d.sender, d.number))
    AND local_date(d.processed_at, zone_of($tz, a.time_zone)) >= $from AND local_date(d.processed_at, zone_of($tz, a.time_zone)) < $to
ORDER BY d.processed_at DESC, d.account, d.account_id, d.stream, d.message_id;
