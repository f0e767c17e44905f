CREATE TABLE errand_schemas (
    worker  TEXT NOT NULL PRIMARY KEY,
    record  BLOB NOT NULL                       -- JSON: by task, the JSON Schema of its input
) STRICT, WITHOUT ROWID;

CREATE TABLE errand_series (
    step  INTEGER NOT NULL,                     -- length of the slot, in seconds
    at    INTEGER NOT NULL,                     -- start of the slot
    kind  INTEGER NOT NULL,                     -- 0 sample, 1 depth of a queue, 2 of a message queue
    queue TEXT    NOT NULL,
    task  TEXT    NOT NULL,                     -- empty for a depth
    data  BLOB    NOT NULL,                     -- a sample's numbers, see store/internal/sqlstore; a depth as JSON
    PRIMARY KEY (step, at, kind, queue, task)
) STRICT, WITHOUT ROWID;

CREATE TABLE errand_audit (
    seq    INTEGER PRIMARY KEY,
    id     BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    at     INTEGER NOT NULL,
    who    TEXT    NOT NULL,
    action TEXT    NOT NULL,
    entry  BLOB    NOT NULL                     -- JSON
) STRICT;

CREATE INDEX errand_audit_at ON errand_audit (at, id);
