-- Times are microseconds since 1970, UTC. States are the numbers of errand.State. Texts are bytes, for collations would
-- take "a " for "a". A step that was interrupted is done again, for here every statement is a transaction of its own.

CREATE TABLE IF NOT EXISTS errand_jobs (
    seq           BIGINT AUTO_INCREMENT PRIMARY KEY, -- order of arrival
    id            BINARY(16)    NOT NULL,
    queue         VARBINARY(255) NOT NULL,
    state         SMALLINT NOT NULL CHECK (state BETWEEN 1 AND 7),
    `rank`        BIGINT   NOT NULL,             -- sort key within the state: see rank in store/internal/sqlstore
    task          VARBINARY(255) NOT NULL,
    priority      INTEGER  NOT NULL,
    flags         INTEGER  NOT NULL,             -- what else must be touched when the job ends; 0: nothing
    created_at    BIGINT   NOT NULL,
    ready_at      BIGINT   NOT NULL,
    started_at    BIGINT,
    unknown_since BIGINT,
    expires_at    BIGINT,                        -- finished only: when it is deleted
    token         BIGINT   NOT NULL DEFAULT 0,
    attempt       INTEGER  NOT NULL DEFAULT 0,
    recoveries    INTEGER  NOT NULL DEFAULT 0,
    settled       SMALLINT NOT NULL DEFAULT 0,   -- how the attempt of this token was settled
    waits         BIGINT   NOT NULL DEFAULT 0,   -- deferred only: jobs that it waits for
    worker        VARBINARY(255) NOT NULL DEFAULT '',
    claim         BIGINT   NOT NULL DEFAULT 0,   -- number of its worker's claim
    payload       LONGBLOB,                         -- NULL: no bytes
    options       LONGBLOB,                         -- JSON; NULL: all at their defaults
    history       LONGBLOB,                         -- JSON
    progress      LONGBLOB,                         -- JSON
    result        LONGBLOB,
    UNIQUE INDEX errand_jobs_id (id),
    -- With the primary key at its end, as every index has it, it covers what a claim looks for.
    INDEX errand_jobs_rank (queue, state, `rank`),
    INDEX errand_jobs_expiry (expires_at)
) ENGINE = InnoDB;

-- Row 0 of a queue says whether it is paused; the others are what transactions have counted, to be added up.
CREATE TABLE IF NOT EXISTS errand_queues (
    name             VARBINARY(255) NOT NULL,
    id               BIGINT  NOT NULL,
    paused           INTEGER NOT NULL,
    scheduled        BIGINT  NOT NULL,
    deferred         BIGINT  NOT NULL,
    queued           BIGINT  NOT NULL,
    started          BIGINT  NOT NULL,
    finished         BIGINT  NOT NULL,
    failed           BIGINT  NOT NULL,
    canceled         BIGINT  NOT NULL,
    enqueued_total   BIGINT  NOT NULL,
    enqueued_minute  BIGINT  NOT NULL,
    enqueued_current BIGINT  NOT NULL,
    enqueued_before  BIGINT  NOT NULL,
    finished_total   BIGINT  NOT NULL,
    finished_minute  BIGINT  NOT NULL,
    finished_current BIGINT  NOT NULL,
    finished_before  BIGINT  NOT NULL,
    failed_total     BIGINT  NOT NULL,
    failed_minute    BIGINT  NOT NULL,
    failed_current   BIGINT  NOT NULL,
    failed_before    BIGINT  NOT NULL,
    PRIMARY KEY (name, id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS errand_uniques (
    queue   VARBINARY(255) NOT NULL,
    `key`   VARBINARY(2000) NOT NULL,
    job     BINARY(16) NOT NULL,
    free_at BIGINT,                              -- NULL: when the job is final
    PRIMARY KEY (queue, `key`)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS errand_deps (
    parent BINARY(16) NOT NULL,
    child  BINARY(16) NOT NULL,
    kind   SMALLINT NOT NULL,
    PRIMARY KEY (parent, child)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS errand_claims (
    worker  VARBINARY(255) NOT NULL PRIMARY KEY,
    number  BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
) ENGINE = InnoDB;

-- The row of nobody: who holds it does the housekeeping.
INSERT IGNORE INTO errand_claims (worker, number, seen_at) VALUES ('', 0, 9223372036854775807);

CREATE TABLE IF NOT EXISTS errand_orders (
    worker VARBINARY(255) NOT NULL,
    job    BINARY(16) NOT NULL,
    PRIMARY KEY (worker, job)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS errand_workers (
    id      VARBINARY(255) NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL,
    record  LONGBLOB  NOT NULL                      -- JSON
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS errand_messages (
    seq   BIGINT AUTO_INCREMENT PRIMARY KEY,
    queue VARBINARY(255) NOT NULL,
    body  LONGBLOB,                              -- NULL: no bytes
    INDEX errand_messages_queue (queue)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS errand_message_queues (
    name        VARBINARY(255) NOT NULL,
    id          BIGINT NOT NULL,
    next        BIGINT NOT NULL,                 -- of no use here
    length      BIGINT NOT NULL,
    put_total   BIGINT NOT NULL,
    put_minute  BIGINT NOT NULL,
    put_current BIGINT NOT NULL,
    put_before  BIGINT NOT NULL,
    got_total   BIGINT NOT NULL,
    got_minute  BIGINT NOT NULL,
    got_current BIGINT NOT NULL,
    got_before  BIGINT NOT NULL,
    PRIMARY KEY (name, id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS errand_producers (
    queue    VARBINARY(255) NOT NULL,          -- of messages; empty: a producer of jobs
    producer VARBINARY(255) NOT NULL,
    number   BIGINT NOT NULL,                    -- of its last request
    seen_at  BIGINT NOT NULL,
    refused  LONGBLOB,                              -- JSON: what of that request was refused, and why; NULL: nothing
    PRIMARY KEY (queue, producer)
) ENGINE = InnoDB;
