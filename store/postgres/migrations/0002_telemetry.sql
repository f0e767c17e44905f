CREATE TABLE errand_schemas (
    worker  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    record  BYTEA NOT NULL                       -- JSON: by task, the JSON Schema of its input
);

CREATE TABLE errand_series (
    step  INTEGER  NOT NULL,                     -- length of the slot, in seconds
    at    BIGINT   NOT NULL,                     -- start of the slot
    kind  SMALLINT NOT NULL,                     -- 0 sample, 1 depth of a queue, 2 of a message queue
    queue TEXT COLLATE "C" NOT NULL,
    task  TEXT COLLATE "C" NOT NULL,             -- empty for a depth
    data  BYTEA    NOT NULL,                     -- a sample's numbers, see store/internal/sqlstore; a depth as JSON
    PRIMARY KEY (step, at, kind, queue, task)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

CREATE TABLE errand_audit (
    seq    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id     BYTEA  NOT NULL UNIQUE CHECK (octet_length(id) = 16),
    at     BIGINT NOT NULL,
    who    TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    entry  BYTEA  NOT NULL                       -- JSON
);

CREATE INDEX errand_audit_at ON errand_audit (at, id);
