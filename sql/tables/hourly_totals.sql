-- The messages of each UTC hour, counted and added up as by day, but not by country, always equal to the rows.
CREATE TABLE meta.hourly_totals (
    account_id      BIGINT NOT NULL,    -- The Voximplant account.
    date            DATE NOT NULL,      -- The UTC day of the hour.
    hour            TIMESTAMP NOT NULL, -- The beginning of a UTC hour.
    stream          VARCHAR NOT NULL,   -- sms or a2p.
    direction       VARCHAR,            -- IN or OUT, and OUT for all of a2p.
    status_id       INTEGER,            -- The vendor's number of the status.
    status          VARCHAR,            -- success, error or waiting, else unknown.
    delivery_status VARCHAR,            -- What became of messages of a2p.
    messages        BIGINT NOT NULL,    -- How many.
    segments        BIGINT,             -- Segments that were billed.
    cost            DECIMAL(38, 6),     -- In the currency of the account.
    channel         VARCHAR GENERATED ALWAYS AS (stream) VIRTUAL,  -- Former name of stream, gone in 0.4.
    parts           BIGINT GENERATED ALWAYS AS (segments) VIRTUAL  -- Former name of segments, gone in 0.4.
);
