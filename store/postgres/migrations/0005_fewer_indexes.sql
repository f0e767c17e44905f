-- Rows are found by id. An index of seq was one more entry to write for each insert and each claim of a job.
ALTER TABLE errand_jobs DROP CONSTRAINT errand_jobs_pkey;
ALTER TABLE errand_jobs ADD CONSTRAINT errand_jobs_id PRIMARY KEY USING INDEX errand_jobs_id;
