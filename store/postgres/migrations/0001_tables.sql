-- Times are microseconds since 1970, UTC. States are the numbers of errand.State. Texts sort by their bytes.

CREATE TABLE errand_jobs (
    seq           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- order of arrival
    id            BYTEA    NOT NULL,
    queue         TEXT     COLLATE "C" NOT NULL,
    state         SMALLINT NOT NULL CHECK (state BETWEEN 1 AND 7),
    rank          BIGINT   NOT NULL,             -- sort key within the state: see rank in store/internal/sqlstore
    task          TEXT     COLLATE "C" NOT NULL,
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
    worker        TEXT     COLLATE "C" NOT NULL DEFAULT '',
    claim         BIGINT   NOT NULL DEFAULT 0,   -- number of its worker's claim
    payload       BYTEA,                         -- NULL: no bytes
    options       BYTEA,                         -- JSON; NULL: all at their defaults
    history       BYTEA,                         -- JSON
    progress      BYTEA,                         -- JSON
    result        BYTEA
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000,
    autovacuum_analyze_scale_factor = 0.2, autovacuum_vacuum_cost_delay = 1);

CREATE UNIQUE INDEX errand_jobs_id ON errand_jobs (id);
-- The index of ready jobs stays small, whatever else is kept.
CREATE INDEX errand_jobs_ready ON errand_jobs (queue, rank, seq) WHERE state = 3;
CREATE INDEX errand_jobs_rank ON errand_jobs (queue, state, rank, seq) WHERE state <> 3;
CREATE INDEX errand_jobs_expiry ON errand_jobs (expires_at) WHERE expires_at IS NOT NULL;

-- Row 0 of a queue says whether it is paused; the others are what transactions have counted, to be added up.
CREATE TABLE errand_queues (
    name             TEXT COLLATE "C" NOT NULL,
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
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE errand_uniques (
    queue   TEXT COLLATE "C" NOT NULL,
    key     BYTEA NOT NULL,
    job     BYTEA NOT NULL,
    free_at BIGINT,                              -- NULL: when the job is final
    PRIMARY KEY (queue, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE errand_deps (
    parent BYTEA NOT NULL,
    child  BYTEA NOT NULL,
    kind   SMALLINT NOT NULL,
    PRIMARY KEY (parent, child)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE errand_claims (
    worker  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    number  BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- The row of nobody: who holds it does the housekeeping.
INSERT INTO errand_claims (worker, number, seen_at) VALUES ('', 0, 9223372036854775807);

CREATE TABLE errand_orders (
    worker TEXT COLLATE "C" NOT NULL,
    job    BYTEA NOT NULL,
    PRIMARY KEY (worker, job)
);

CREATE TABLE errand_workers (
    id      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL,
    record  BYTEA  NOT NULL                      -- JSON
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

CREATE TABLE errand_messages (
    seq   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue TEXT COLLATE "C" NOT NULL,
    body  BYTEA                                  -- NULL: no bytes
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);

CREATE INDEX errand_messages_queue ON errand_messages (queue, seq);

CREATE TABLE errand_message_queues (
    name        TEXT COLLATE "C" NOT NULL,
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
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE errand_producers (
    queue    TEXT COLLATE "C" NOT NULL,          -- of messages; empty: a producer of jobs
    producer TEXT COLLATE "C" NOT NULL,
    number   BIGINT NOT NULL,                    -- of its last request
    seen_at  BIGINT NOT NULL,
    refused  BYTEA,                              -- JSON: what of that request was refused, and why; NULL: nothing
    PRIMARY KEY (queue, producer)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
