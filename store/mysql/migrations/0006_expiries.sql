-- Jobs that expire, which most never do: an index in errand_jobs would have an entry for all of them. What is listed may be gone,
-- or have another time.
CREATE TABLE IF NOT EXISTS errand_expiries (
    job        BINARY(16) NOT NULL PRIMARY KEY,
    expires_at BIGINT     NOT NULL,
    INDEX errand_expiries_at (expires_at)
) ENGINE = InnoDB;
INSERT INTO errand_expiries (job, expires_at) SELECT id, expires_at FROM errand_jobs WHERE expires_at IS NOT NULL
ON DUPLICATE KEY UPDATE expires_at = VALUES(expires_at);
ALTER TABLE errand_jobs DROP INDEX errand_jobs_expiry;
