-- Jobs that were only inserted are soon changed: vacuuming them before is in vain. PostgreSQL 12 has no such setting.
DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 130000 THEN
        ALTER TABLE errand_jobs SET (autovacuum_vacuum_insert_threshold = -1);
        ALTER TABLE errand_messages SET (autovacuum_vacuum_insert_threshold = -1);
    END IF;
END
$$;
