-- The day in a zone in which a time of UTC lies.
-- Example: SELECT local_date(TIMESTAMP '2026-01-31 23:30:00', 'Europe/Berlin')
-- Answer: 2026-02-01
CREATE MACRO local_date(moment, zone) AS
CASE WHEN zone = 'UTC' THEN moment ELSE timezone(zone, timezone('UTC', moment)) END::DATE;
