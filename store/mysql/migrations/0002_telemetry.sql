CREATE TABLE IF NOT EXISTS errand_schemas (
    worker  VARBINARY(255) NOT NULL PRIMARY KEY,
    record  LONGBLOB NOT NULL                     -- JSON: by task, the JSON Schema of its input
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS errand_series (
    step  INTEGER  NOT NULL,                      -- length of the slot, in seconds
    at    BIGINT   NOT NULL,                      -- start of the slot
    kind  SMALLINT NOT NULL,                      -- 0 sample, 1 depth of a queue, 2 of a message queue
    queue VARBINARY(255) NOT NULL,
    task  VARBINARY(255) NOT NULL,                -- empty for a depth
    data  BLOB     NOT NULL,                      -- a sample's numbers, see store/internal/sqlstore; a depth as JSON
    PRIMARY KEY (step, at, kind, queue, task)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS errand_audit (
    seq    BIGINT AUTO_INCREMENT PRIMARY KEY,
    id     BINARY(16) NOT NULL UNIQUE,
    at     BIGINT NOT NULL,
    who    VARBINARY(1000) NOT NULL,
    action VARBINARY(1000) NOT NULL,
    entry  BLOB   NOT NULL,                       -- JSON
    INDEX errand_audit_at (at, id)
) ENGINE = InnoDB;
