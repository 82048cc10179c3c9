-- The day in a zone in which a time of UTC lies.
CREATE MACRO local_date(moment, zone) AS
if(zone = 'UTC', moment, timezone(zone, timezone('UTC', moment)))::DATE;
