-- With which statements this database was made and checked: where they differ, the next publish rebuilds it.
CREATE TABLE meta.built (
    fingerprint VARCHAR NOT NULL -- A digest of the statements.
);
