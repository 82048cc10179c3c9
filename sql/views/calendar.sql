-- Every UTC day from the first that exports look after up to today by the clock of the session, and every other day that was exported.
CREATE VIEW calendar AS
SELECT
    date, -- The day.
    year(date)::INTEGER AS year, -- Its year.
    quarter(date)::INTEGER AS quarter, -- The quarter of the year, 1 to 4.
    date_trunc('month', date)::DATE AS month, -- The first day of its month.
    date_trunc('week', date)::DATE AS week, -- The Monday of its week.
    isoyear(date)::INTEGER AS iso_year, -- The year that its ISO week belongs to, in the days around New Year not always its own.
    week(date)::INTEGER AS iso_week, -- The number of its ISO week, 1 to 53.
    isodow(date)::INTEGER AS weekday, -- 1 for Monday to 7 for Sunday.
    dayname(date) AS weekday_name, -- Monday to Sunday.
    isodow(date) >= 6 AS is_weekend -- Whether it is a Saturday or a Sunday.
FROM (
    SELECT unnest(range(first_day, last_day + INTERVAL 1 DAY, INTERVAL 1 DAY))::DATE AS date
    FROM (
        SELECT
            min(least(exported_since, first_day, retained_from))::TIMESTAMP AS first_day,
            greatest(utc_today(), (SELECT max(date) FROM coverage))::TIMESTAMP AS last_day
        FROM streams
    )
);
