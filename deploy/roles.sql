-- The roles of White Cross in PostgreSQL, and what each may do. A superuser runs it, before the first `upgrade`, again
-- after it, and when a release has changed this file (whatever is there already stays as it is):
--
--     psql --set ON_ERROR_STOP=1 --file deploy/roles.sql "dbname=postgres"
--
-- Other names:  --set database=health --set owner=health_owner ...  Passwords afterwards, typed and not kept in a file:
--     \password whitecross_owner

SET client_min_messages = warning;

\if :{?database} \else \set database whitecross \endif
\if :{?owner}    \else \set owner whitecross_owner \endif
\if :{?app}      \else \set app whitecross_app \endif
\if :{?backup}   \else \set backup whitecross_backup \endif
\if :{?monitor}  \else \set monitor whitecross_monitor \endif

SELECT format('CREATE ROLE %I LOGIN', name) FROM unnest(ARRAY[:'owner', :'app', :'backup', :'monitor']) AS name
WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec

-- Migrates, and owns what it makes. CREATEDB: for the scratch database in which `upgrade` looks for drift and `rollback`
-- verifies, and to restore a backup beside the database in use.
ALTER ROLE :"owner" CREATEDB NOSUPERUSER NOREPLICATION NOBYPASSRLS;
-- To see who holds a lock, in whose way `upgrade` is, and how far standbys lag; and to end a session that holds one
-- (docs/runbook.md, "A lock is held"). pg_signal_backend is of the whole server: this role can cancel or end every session
-- but a superuser's, also in databases that are not White Cross's. Where others share the server, take it out of this line,
-- REVOKE it, and let a superuser end what has to be ended.
GRANT pg_read_all_stats, pg_read_all_settings, pg_signal_backend TO :"owner";

SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'owner')
WHERE :'database' NOT IN (SELECT datname FROM pg_database) \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"app", :"backup", :"monitor";

-- The server's own log quotes the statement that fails, and with it a row. White Cross's log has table and rule.
ALTER DATABASE :"database" SET log_min_error_statement = 'panic';
ALTER DATABASE :"database" SET log_error_verbosity = 'terse';
ALTER DATABASE :"database" SET log_parameter_max_length = 0;
ALTER DATABASE :"database" SET log_parameter_max_length_on_error = 0;
ALTER DATABASE :"database" SET log_min_duration_statement = -1;
ALTER DATABASE :"database" SET log_statement = 'none';
-- A restore makes another database, and its owner gives it the settings of this one: without this it could not, and what
-- fails would be logged from then on.
GRANT SET ON PARAMETER log_min_error_statement, log_error_verbosity, log_parameter_max_length,
    log_parameter_max_length_on_error, log_min_duration_statement, log_statement TO :"owner";

-- Reads every table, and changes nothing.
GRANT pg_read_all_data TO :"backup";
ALTER ROLE :"backup" SET default_transaction_read_only = on;
-- Sees the catalogs, and of the tables only what doctor and verify_schema ask for. It is not in pg_monitor, nor in
-- pg_read_all_stats: with either it could read in pg_stat_activity what others' statements say, with the names of children
-- in them. An earlier version of this file granted it.
SELECT format('REVOKE pg_monitor FROM %I', :'monitor') WHERE EXISTS (
    SELECT FROM pg_auth_members WHERE roleid = 'pg_monitor'::regrole AND member = to_regrole(quote_ident(:'monitor'))
) \gexec
ALTER ROLE :"monitor" SET default_transaction_read_only = on;
-- Serves people. Nobody waits a minute for a page; a transaction that is forgotten holds up a migration.
ALTER ROLE :"app" NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE :"app" SET statement_timeout = '60s';
ALTER ROLE :"app" SET idle_in_transaction_session_timeout = '60s';

\connect :"database"
SET client_min_messages = warning;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"app", :"monitor";

-- Rows of tables that are there, and of those that the owner will make.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO :"app";
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO :"app";
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO :"app";

-- Records of what changed the schema, and what adopt set aside: none of the application's business to change. They are
-- there after the first `upgrade`.
SELECT format('REVOKE INSERT, UPDATE, DELETE ON %I FROM %I', relname, :'app') FROM pg_class
WHERE relnamespace = 'public'::regnamespace
    AND relname IN ('django_migrations', 'migration_runs', 'migration_run_steps', 'adoption_rejects') \gexec
SELECT format('GRANT SELECT ON %I TO %I', relname, :'monitor') FROM pg_class
WHERE relnamespace = 'public'::regnamespace
    AND relname IN ('django_migrations', 'migration_runs') \gexec
-- Which settings there are, not their values: some are secrets.
SELECT format('REVOKE SELECT ON %1$I FROM %2$I; GRANT SELECT (key, scope) ON %1$I TO %2$I', relname, :'monitor')
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = 'system_configurations' \gexec
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO :"monitor";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT SELECT ON SEQUENCES TO :"monitor";
