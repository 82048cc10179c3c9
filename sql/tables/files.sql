-- The Parquet files beside this database that hold its messages, and those that a reader of an earlier one may still read.
CREATE TABLE meta.files (
    name       VARCHAR NOT NULL, -- The name of the file in the folder that meta.built names.
    stream     VARCHAR,          -- sms or a2p, null where that is not known.
    row_count  BIGINT,           -- The rows in it, of days that another file holds by now, too.
    size       BIGINT,           -- Its size in bytes.
    dropped_at TIMESTAMP         -- Since when, in UTC, no message of this database is read from it, null where some are.
);
