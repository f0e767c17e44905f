-- A claim takes a job out of one small index and puts it into another, at its end, in place of twice into one of all jobs.
CREATE INDEX errand_jobs_queued ON errand_jobs (queue, rank) WHERE state = 3;
CREATE INDEX errand_jobs_started ON errand_jobs (queue, rank) WHERE state = 4;
CREATE INDEX errand_jobs_other ON errand_jobs (queue, state, rank) WHERE state NOT IN (3, 4);
DROP INDEX errand_jobs_rank;
