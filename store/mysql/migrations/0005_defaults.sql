-- What most jobs have need not be said when they are inserted.
ALTER TABLE errand_jobs ALTER priority SET DEFAULT 0;
ALTER TABLE errand_jobs ALTER flags SET DEFAULT 0;
