-- When it is that clocks in a zone show a time, as a time of UTC, both without a zone in their type.
CREATE MACRO utc_time(moment, zone) AS
CASE WHEN zone = 'UTC' THEN moment ELSE timezone('UTC', timezone(zone, moment)) END;
