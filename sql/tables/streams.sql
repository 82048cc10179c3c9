-- Every stream of each account in this database, and from which UTC day on exports look after it.
CREATE TABLE streams (
    account_id     BIGINT NOT NULL,  -- The Voximplant account.
    stream         VARCHAR NOT NULL, -- sms or a2p.
    first_day      DATE,             -- The first UTC day in this database, null where none is.
    exported_since DATE,             -- The first UTC day that exports look after, null where that was never decided, which counts as first_day.
    retained_from  DATE,             -- The first UTC day that was taken away because of its age, null where none was.
    kept_since     DATE              -- The first UTC day that is kept, null where all are.
);
