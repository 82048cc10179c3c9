-- The UTC day that it is for whoever asks, or the one that the variable voxlake_today of the session holds.
-- Example: SELECT utc_today()
-- Answer: 2026-01-05
CREATE MACRO utc_today() AS
coalesce(getvariable('voxlake_today')::DATE, make_timestamp(epoch_us(now()))::DATE);
