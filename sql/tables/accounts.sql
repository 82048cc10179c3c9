-- Every account with a day in this database, and what is known of it: the unit of its costs, and its time zone.
CREATE TABLE accounts (
    account_id     BIGINT NOT NULL, -- The Voximplant account.
    name           VARCHAR,         -- Its name, null where it is not known.
    parent_id      BIGINT,          -- The account that it is a child of, null where that is not known or it is nobody's child.
    currency       VARCHAR,         -- The currency of its costs, null where it is not known.
    time_zone      VARCHAR,         -- Its zone by the name that the IANA database has for it, null where it is not known.
    first_day      DATE NOT NULL,   -- The first UTC day in this database.
    exported_since DATE,            -- The first UTC day that exports look after, the earliest of its streams.
    vanished_on    DATE,            -- The UTC day on which its parent's list lacked it, null where that names it.
    refreshed_at   TIMESTAMP        -- When the API was asked for these facts, in UTC, null where it never was.
);
