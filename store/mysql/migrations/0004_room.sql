-- A claim writes when a job started and who runs it. Rows have room for that from the beginning, so that it changes them in
-- place: one that grew would be moved within its page, or to another.
ALTER TABLE errand_jobs ALTER started_at SET DEFAULT 0;
ALTER TABLE errand_jobs ALTER worker SET DEFAULT '                                                ';
