-- Days that cost half as much again as the same weekdays of the four weeks before, or less than half, widest first.
WITH whole_days AS (
    SELECT c.stream AS channel, c.date, sum(coalesce(d.cost, 0)) AS cost, sum(coalesce(d.messages, 0))::BIGINT AS messages
    FROM coverage AS c
    LEFT JOIN (
        SELECT account_id, channel, date, sum(cost) AS cost, count(*) AS messages
        FROM messages
        WHERE date >= $from - INTERVAL 28 DAYS AND date < $to AND ($number::VARCHAR IS NULL OR $number IN (source_number, destination_number))
        GROUP BY account_id, channel, date
    ) AS d ON d.account_id = c.account_id AND d.channel = c.stream AND d.date = c.date
    WHERE c.exported_at >= c.date + INTERVAL 1 DAY AND c.date >= $from - INTERVAL 28 DAYS AND c.date < $to
    GROUP BY c.stream, c.date
),

compared AS (
    SELECT *, avg(cost) OVER before AS usual_cost, avg(messages) OVER before AS usual_messages, count(*) OVER before AS weeks
    FROM whole_days
    WINDOW before AS (
        PARTITION BY channel, dayofweek(date) ORDER BY date
        RANGE BETWEEN INTERVAL 28 DAYS PRECEDING AND INTERVAL 7 DAYS PRECEDING
    )
)

SELECT
    date,
    strftime(date, '%A') AS weekday,
    channel,
    cost,
    round(usual_cost, 6) AS usual_cost,
    round(cost / usual_cost, 2) AS times_usual,
    messages,
    round(usual_messages, 1) AS usual_messages,
    weeks
FROM compared
WHERE date >= $from AND date < $to AND weeks >= 2 AND usual_cost > 0 AND NOT cost BETWEEN usual_cost / 2 AND usual_cost * 1.5
ORDER BY abs(cost - usual_cost) DESC, date DESC, channel;
