-- The last 1,000 runs as of the last publish that wrote: those that came later come with the next one, and 'voxlake runs' has them all.
CREATE TABLE runs (
    started_at     TIMESTAMP NOT NULL, -- When the run began, in UTC.
    finished_at    TIMESTAMP,          -- When it ended, in UTC, or of the run that published this, when it began to publish, null where it was killed.
    command        VARCHAR NOT NULL,   -- What was run, such as export, audit or publish.
    account_id     BIGINT,             -- The account, null where the run worked on several or on all that there are.
    account        VARCHAR,            -- Its name, or its number where it has none, null as before.
    accounts       INTEGER,            -- How many accounts the run worked on, null where that is not known.
    days           BIGINT,             -- UTC days of all streams that it looked at, null where that is not known.
    rows_new       BIGINT,             -- Messages that were new, null where that is not known.
    rows_changed   BIGINT,             -- Messages that had changed, null where that is not known.
    rows_gone      BIGINT,             -- Messages that were removed because the API no longer has them, null where that is not known.
    requests       BIGINT,             -- Requests that it sent, with those that were repeated.
    least_requests BIGINT,             -- The fewest requests that would have brought the same.
    retries        BIGINT,             -- Requests that were repeated after a fault.
    seconds        DOUBLE,             -- How long it took.
    exit_code      INTEGER,            -- Its exit code, 0 where all went well, null where it was killed.
    problem        VARCHAR,            -- What was wrong, in a few words, null where nothing was.
    version        VARCHAR NOT NULL    -- The version of voxlake.
);
