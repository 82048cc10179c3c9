-- The messages of each UTC day that break a rule of the vendor's, counted by stream and warning, equal to the rows.
CREATE TABLE meta.odd_totals (
    account_id BIGINT NOT NULL,  -- The Voximplant account.
    date       DATE NOT NULL,    -- A UTC day.
    stream     VARCHAR NOT NULL, -- sms or a2p.
    warning    VARCHAR NOT NULL, -- The name of the warning.
    messages   BIGINT NOT NULL,  -- How many, at least one.
    channel    VARCHAR GENERATED ALWAYS AS (stream) VIRTUAL -- Former name of stream, gone in 0.4.
);
