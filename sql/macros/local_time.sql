-- A time of UTC as clocks in a zone show it, right across daylight saving, both without a zone in their type.
-- Example: SELECT local_time(TIMESTAMP '2026-03-29 01:00:00', 'Europe/Berlin')
-- Answer: 2026-03-29 03:00:00
CREATE MACRO local_time(moment, zone) AS
CASE WHEN zone = 'UTC' THEN moment ELSE timezone(zone, timezone('UTC', moment)) END;
