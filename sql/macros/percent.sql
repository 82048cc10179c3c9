-- A part of a whole in percent, null where there is nothing.
CREATE MACRO percent(part, whole) AS round(100.0 * part / nullif(whole, 0), 2);
