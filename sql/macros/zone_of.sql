-- The zone that tz means for an account: each its own for 'account', UTC where that is not known, and tz for all otherwise.
-- Example: SELECT zone_of('account', 'Europe/Berlin')
-- Answer: Europe/Berlin
CREATE MACRO zone_of(tz, time_zone) AS
CASE WHEN tz = 'account' THEN coalesce(time_zone, 'UTC') ELSE coalesce(tz, 'UTC') END;
