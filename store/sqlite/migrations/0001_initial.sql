-- Times are microseconds since 1970, UTC. States are the numbers of errand.State.

CREATE TABLE errand_jobs (
    seq           INTEGER PRIMARY KEY,          -- order of arrival
    id            BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    queue         TEXT    NOT NULL,
    state         INTEGER NOT NULL CHECK (state BETWEEN 1 AND 7),
    rank          INTEGER NOT NULL,             -- sort key within the state: see rank in store/internal/sqlstore
    task          TEXT    NOT NULL,
    priority      INTEGER NOT NULL,
    flags         INTEGER NOT NULL,             -- what else must be touched when the job ends; 0: nothing
    created_at    INTEGER NOT NULL,
    ready_at      INTEGER NOT NULL,
    started_at    INTEGER,
    unknown_since INTEGER,
    expires_at    INTEGER,                      -- finished only: when it is deleted
    token         INTEGER NOT NULL DEFAULT 0,
    attempt       INTEGER NOT NULL DEFAULT 0,
    recoveries    INTEGER NOT NULL DEFAULT 0,
    settled       INTEGER NOT NULL DEFAULT 0,   -- how the attempt of this token was settled
    waits         INTEGER NOT NULL DEFAULT 0,   -- deferred only: jobs that it waits for
    worker        TEXT    NOT NULL DEFAULT '',
    claim         INTEGER NOT NULL DEFAULT 0,   -- number of its worker's claim
    payload       BLOB,                         -- NULL: no bytes
    options       BLOB,                         -- JSON; NULL: all at their defaults
    history       BLOB,                         -- JSON
    progress      BLOB,                         -- JSON
    result        BLOB
) STRICT;

CREATE INDEX errand_jobs_rank ON errand_jobs (queue, state, rank);
CREATE INDEX errand_jobs_expiry ON errand_jobs (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE errand_queues (
    name             TEXT    NOT NULL PRIMARY KEY,
    paused           INTEGER NOT NULL,
    scheduled        INTEGER NOT NULL,
    deferred         INTEGER NOT NULL,
    queued           INTEGER NOT NULL,
    started          INTEGER NOT NULL,
    finished         INTEGER NOT NULL,
    failed           INTEGER NOT NULL,
    canceled         INTEGER NOT NULL,
    enqueued_total   INTEGER NOT NULL,
    enqueued_minute  INTEGER NOT NULL,
    enqueued_current INTEGER NOT NULL,
    enqueued_before  INTEGER NOT NULL,
    finished_total   INTEGER NOT NULL,
    finished_minute  INTEGER NOT NULL,
    finished_current INTEGER NOT NULL,
    finished_before  INTEGER NOT NULL,
    failed_total     INTEGER NOT NULL,
    failed_minute    INTEGER NOT NULL,
    failed_current   INTEGER NOT NULL,
    failed_before    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE errand_uniques (
    queue   TEXT    NOT NULL,
    key     BLOB    NOT NULL,
    job     BLOB    NOT NULL,
    free_at INTEGER,                            -- NULL: when the job is final
    PRIMARY KEY (queue, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE errand_deps (
    parent BLOB    NOT NULL,
    child  BLOB    NOT NULL,
    kind   INTEGER NOT NULL,
    PRIMARY KEY (parent, child)
) STRICT, WITHOUT ROWID;

CREATE TABLE errand_claims (
    worker  TEXT    NOT NULL PRIMARY KEY,
    number  INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE errand_orders (
    worker TEXT NOT NULL,
    job    BLOB NOT NULL,
    PRIMARY KEY (worker, job)
) STRICT, WITHOUT ROWID;

CREATE TABLE errand_workers (
    id      TEXT    NOT NULL PRIMARY KEY,
    seen_at INTEGER NOT NULL,
    record  BLOB    NOT NULL                    -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE errand_messages (
    queue TEXT    NOT NULL,
    seq   INTEGER NOT NULL,
    body  BLOB,                                 -- NULL: no bytes
    PRIMARY KEY (queue, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE errand_message_queues (
    name        TEXT    NOT NULL PRIMARY KEY,
    next        INTEGER NOT NULL,               -- seq of the next message
    length      INTEGER NOT NULL,
    put_total   INTEGER NOT NULL,
    put_minute  INTEGER NOT NULL,
    put_current INTEGER NOT NULL,
    put_before  INTEGER NOT NULL,
    got_total   INTEGER NOT NULL,
    got_minute  INTEGER NOT NULL,
    got_current INTEGER NOT NULL,
    got_before  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE errand_producers (
    queue    TEXT    NOT NULL,                  -- of messages; empty: a producer of jobs
    producer TEXT    NOT NULL,
    number   INTEGER NOT NULL,                  -- of its last request
    seen_at  INTEGER NOT NULL,
    refused  BLOB,                              -- JSON: what of that request was refused, and why; NULL: nothing
    PRIMARY KEY (queue, producer)
) STRICT, WITHOUT ROWID;
