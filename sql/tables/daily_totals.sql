-- The messages of each UTC day, counted and added up by all that they have in common here, always equal to the rows.
CREATE TABLE meta.daily_totals (
    account_id          BIGINT NOT NULL,  -- The Voximplant account.
    date                DATE NOT NULL,    -- A UTC day.
    stream              VARCHAR NOT NULL, -- sms or a2p.
    direction           VARCHAR,          -- IN or OUT, and OUT for all of a2p.
    destination_country VARCHAR,          -- ISO 3166 code of the country of destination_number.
    status_id           INTEGER,          -- The vendor's number of the status.
    status              VARCHAR,          -- success, error or waiting, else unknown.
    delivery_status     VARCHAR,          -- What became of messages of a2p.
    messages            BIGINT NOT NULL,  -- How many.
    segments            BIGINT,           -- Segments that were billed.
    cost                DECIMAL(38, 6),   -- In the currency of the account.
    channel             VARCHAR GENERATED ALWAYS AS (stream) VIRTUAL,  -- Former name of stream, gone in 0.4.
    parts               BIGINT GENERATED ALWAYS AS (segments) VIRTUAL  -- Former name of segments, gone in 0.4.
);
