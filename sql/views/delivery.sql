-- What became of the messages of a2p: each UTC day by delivery status.
CREATE VIEW delivery AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    date, -- A UTC day.
    delivery_status, -- Null where the API gave none.
    messages, -- How many.
    percent(messages, sum(messages) OVER its_day) AS share_pct, -- Their share of the day, in percent.
    percent(sum(moving) OVER its_day, sum(messages) OVER its_day) AS moving_pct -- The share of the day that is still on its way, in percent.
FROM (
    SELECT
        account_id, account, currency, date, delivery_status, sum(messages)::BIGINT AS messages,
        messages_if(moving(status, delivery_status), messages) AS moving
    FROM totals
    WHERE stream = 'a2p'
    GROUP BY account_id, account, currency, date, delivery_status
)
WINDOW its_day AS (PARTITION BY account_id, date);
