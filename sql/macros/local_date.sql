-- The day in a zone in which a time of UTC lies.
CREATE MACRO local_date(moment, zone) AS
CASE WHEN zone = 'UTC' THEN moment ELSE timezone(zone, timezone('UTC', moment)) END::DATE;
