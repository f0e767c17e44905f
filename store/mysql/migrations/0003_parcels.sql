-- What is on its way to another store: jobs and messages that were taken out of a queue and are kept until they are there.
CREATE TABLE IF NOT EXISTS errand_parcels (
    queue     VARBINARY(255) NOT NULL,
    messages  INTEGER NOT NULL,                  -- 1: of a message queue
    dest      VARBINARY(255) NOT NULL,           -- identity of the other store
    token     VARBINARY(255) NOT NULL,           -- of the mover
    number    BIGINT NOT NULL,                   -- of its parcels of this queue
    packed_at BIGINT NOT NULL,
    body      LONGBLOB NOT NULL,
    PRIMARY KEY (queue, messages)
) ENGINE = InnoDB;

-- The name that the store gave itself, so that one is not moved to itself.
CREATE TABLE IF NOT EXISTS errand_identity (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    name VARBINARY(255) NOT NULL
) ENGINE = InnoDB;
