-- What is on its way to another store: jobs and messages that were taken out of a queue and are kept until they are there.
CREATE TABLE errand_parcels (
    queue     TEXT    NOT NULL,
    messages  INTEGER NOT NULL,                 -- 1: of a message queue
    dest      TEXT    NOT NULL,                 -- identity of the other store
    token     TEXT    NOT NULL,                 -- of the mover
    number    INTEGER NOT NULL,                 -- of its parcels of this queue
    packed_at INTEGER NOT NULL,
    body      BLOB    NOT NULL,
    PRIMARY KEY (queue, messages)
) STRICT;

-- The name that the store gave itself, so that one is not moved to itself.
CREATE TABLE errand_identity (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    name TEXT    NOT NULL
) STRICT;
