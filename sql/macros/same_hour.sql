-- Whether an hour that begins at this time of UTC is one hour of a zone, too, as it is where clocks differ by whole hours.
-- Example: SELECT same_hour(TIMESTAMP '2026-01-01 00:00:00', 'Asia/Kolkata')
-- Answer: false
CREATE MACRO same_hour(moment, zone) AS
local_time(moment, zone) = date_trunc('hour', local_time(moment, zone))
AND local_time(moment + INTERVAL 3599 SECONDS, zone) = local_time(moment, zone) + INTERVAL 3599 SECONDS;
