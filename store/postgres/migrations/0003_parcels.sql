-- What is on its way to another store: jobs and messages that were taken out of a queue and are kept until they are there.
CREATE TABLE errand_parcels (
    queue     TEXT COLLATE "C" NOT NULL,
    messages  INTEGER NOT NULL,                  -- 1: of a message queue
    dest      TEXT COLLATE "C" NOT NULL,         -- identity of the other store
    token     TEXT COLLATE "C" NOT NULL,         -- of the mover
    number    BIGINT NOT NULL,                   -- of its parcels of this queue
    packed_at BIGINT NOT NULL,
    body      BYTEA  NOT NULL,
    PRIMARY KEY (queue, messages)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

-- The name that the store gave itself, so that one is not moved to itself.
CREATE TABLE errand_identity (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    name TEXT COLLATE "C" NOT NULL
);
