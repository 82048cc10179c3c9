-- The zone that tz means for an account: each its own for 'account', UTC where that is not known, and tz for all otherwise.
CREATE MACRO zone_of(tz, time_zone) AS
if(tz = 'account', coalesce(time_zone, 'UTC'), coalesce(tz, 'UTC'));
