-- Today's UTC day by the clock of the session, or the day in its variable voxlake_today.
-- Example: SELECT utc_today()
-- Answer: 2026-01-05
CREATE MACRO utc_today() AS
coalesce(getvariable('voxlake_today')::DATE, make_timestamp(epoch_us(now()))::DATE);
