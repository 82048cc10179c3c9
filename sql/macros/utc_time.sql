-- When it is that clocks in a zone show a time, as a time of UTC, both without a zone in their type.
-- Example: SELECT utc_time(TIMESTAMP '2026-03-29 03:00:00', 'Europe/Berlin')
-- Answer: 2026-03-29 01:00:00
CREATE MACRO utc_time(moment, zone) AS
CASE WHEN zone = 'UTC' THEN moment ELSE timezone('UTC', timezone(zone, moment)) END;
