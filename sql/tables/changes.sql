-- What each publish of the last 31 days changed, by day, to which a database that is built anew adds nothing.
CREATE TABLE changes (
    published_at TIMESTAMP NOT NULL, -- When the days were put into the database, in UTC.
    account_id   BIGINT NOT NULL,    -- The Voximplant account.
    stream       VARCHAR NOT NULL,   -- sms or a2p.
    date         DATE NOT NULL,      -- A UTC day.
    rows_new     BIGINT NOT NULL,    -- Messages that the day did not have before.
    rows_changed BIGINT NOT NULL,    -- Messages of which something is different now, such as the status.
    rows_gone    BIGINT NOT NULL     -- Messages that the day has no more.
);
