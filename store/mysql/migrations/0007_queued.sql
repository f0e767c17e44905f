-- What most jobs have need not be said when they are inserted.
ALTER TABLE errand_jobs ALTER state SET DEFAULT 3;
