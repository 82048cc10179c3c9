-- A time of UTC as clocks in a zone show it, right across daylight saving, both without a zone in their type.
CREATE MACRO local_time(moment, zone) AS
CASE WHEN zone = 'UTC' THEN moment ELSE timezone(zone, timezone('UTC', moment)) END;
