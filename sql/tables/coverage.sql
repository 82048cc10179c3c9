-- What is proved of each account, stream and UTC day: the rows here, the API's own count, and whether they agree, without days that are missing (see the view days).
CREATE TABLE coverage (
    account_id  BIGINT NOT NULL,   -- The Voximplant account.
    stream      VARCHAR NOT NULL,  -- sms or a2p.
    date        DATE NOT NULL,     -- A UTC day.
    row_count   BIGINT NOT NULL,   -- Messages of the day in this database.
    total_count BIGINT,            -- Messages of the day as the API counts them, null where it gave none.
    forgotten   BIGINT NOT NULL,   -- Messages of the day that were erased here: the API counts them still.
    verified    BOOLEAN NOT NULL,  -- Whether the two were proved to agree.
    final       BOOLEAN NOT NULL,  -- Whether nothing of the day can change any more.
    problem     VARCHAR,           -- Why the day is not verified, null where it is.
    proof       VARCHAR,           -- What proved a verified day, counts or two readings that agree.
    exported_at TIMESTAMP NOT NULL -- When the day was last read, in UTC, which a reading without news may leave as it was.
);
