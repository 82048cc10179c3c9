-- A part of a whole in percent, null where there is nothing.
-- Example: SELECT percent(1, 3)
-- Answer: 33.33
CREATE MACRO percent(part, whole) AS round(100.0 * part / nullif(whole, 0), 2);
