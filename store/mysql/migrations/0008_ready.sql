-- 0: when it was created, as with most jobs.
ALTER TABLE errand_jobs ALTER ready_at SET DEFAULT 0;
