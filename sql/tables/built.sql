-- With which statements this database was made and checked: where they differ, the next publish rebuilds it.
CREATE TABLE meta.built (
    fingerprint    VARCHAR NOT NULL, -- A digest of the statements.
    index_id       VARCHAR,          -- The index of the lake whose changes it includes.
    sequence       BIGINT,           -- The number of the last of them: the next publish loads those that came later.
    settled_after  BIGINT NOT NULL,  -- Seconds after its end from which a day is final, unless messages can change.
    given_up_after BIGINT NOT NULL,  -- Seconds after its end from which that is not waited for.
    rows_folder    VARCHAR           -- The folder of the files that hold the messages, null where this database does.
);
