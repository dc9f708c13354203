--
-- Who may do what: the privileges of each level on every object, and the models that each role sees.
--
-- Row-level security concerns a whole database, so this one has its own.
--
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE DATABASE regress_reefqbo_access;
CREATE ROLE regress_reefqbo_reader;
CREATE ROLE regress_reefqbo_operator;
CREATE ROLE regress_reefqbo_admin;
CREATE ROLE regress_reefqbo_one;
CREATE ROLE regress_reefqbo_mixed;
CREATE ROLE regress_reefqbo_by_hand;
CREATE ROLE regress_reefqbo_in_group;
CREATE ROLE regress_reefqbo_monitor;
CREATE ROLE regress_reefqbo_other_monitor;
CREATE ROLE regress_reefqbo_scoped;
CREATE ROLE regress_reefqbo_scoped_one;
CREATE ROLE regress_reefqbo_member IN ROLE regress_reefqbo_one;
SELECT current_database() AS home \gset
\c regress_reefqbo_access
SET client_min_messages = warning;
CREATE EXTENSION reefqbo CASCADE;
RESET client_min_messages;

-- Two models, each with a connection that has an account and an amount.
SELECT reefqbo.create_model('One') AS one \gset
SELECT reefqbo.create_model('Two') AS two \gset
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest, company_name, company_read_at)
SELECT b.model_id, b.branch_id, 1, 'connected', '\x00', '\x00', 'Company ' || b.name, '2026-01-01' FROM reefqbo.branch b;
INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, account_type)
SELECT c.model_id, c.connection_id, '1', 'Sales', 'Sales', 'Income' FROM reefqbo.connection c;
INSERT INTO reefqbo.imported_month
SELECT c.model_id, c.connection_id, 'profit_and_loss', 'Accrual', '2026-01-01', '2026-01-31', false, 1 FROM reefqbo.connection c;
INSERT INTO reefqbo._actual_year (model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id)
SELECT c.model_id, c.connection_id, '1', 'profit_and_loss', 'Accrual', 2026, (100 * c.model_id)::numeric || array_fill(NULL::numeric, ARRAY[11]), 1
FROM reefqbo.connection c;
INSERT INTO reefqbo.import_log (model_id, connection_id, kind, started_by, status)
SELECT c.model_id, c.connection_id, 'refresh', 'nobody', 'running' FROM reefqbo.connection c;
INSERT INTO reefqbo.api_call (model_id, connection_id, called_at, method, path, milliseconds, bytes)
SELECT c.model_id, c.connection_id, '2026-01-01', 'GET', '/v3/company', 1, 1 FROM reefqbo.connection c;
INSERT INTO reefqbo._proof (model_id, connection_id, import_id, kinds, statements, methods, starts, ends, figures, compared, passed)
SELECT c.model_id, c.connection_id, 1, '{3}', '{2}', '{1}', '{2026-01-01}', '{2026-01-31}', '{NULL}', '{0}', '{NULL}' FROM reefqbo.connection c;

--
-- Nobody has been given access: nobody sees anything, whatever was granted by hand.
--
GRANT USAGE ON SCHEMA reefqbo TO regress_reefqbo_by_hand;
GRANT SELECT ON reefqbo.actual, reefqbo._actual_year, reefqbo.connection_status, reefqbo.environment TO regress_reefqbo_by_hand;
GRANT SELECT (model_id, connection_id, home_currency) ON reefqbo.connection TO regress_reefqbo_by_hand;
GRANT EXECUTE ON FUNCTION reefqbo.profit_and_loss, reefqbo.create_branch TO regress_reefqbo_by_hand;
GRANT reefqbo_admin TO regress_reefqbo_in_group;
SET ROLE regress_reefqbo_by_hand;
SELECT count(*) FROM reefqbo.actual;
SELECT count(*) FROM reefqbo.environment;
SELECT count(*) FROM reefqbo.connection_status;
SELECT count(*) FROM reefqbo.profit_and_loss('Two', '2026-01-01', '2026-01-31') WHERE kind = 'account';
SET ROLE regress_reefqbo_in_group;
SELECT count(*) FROM reefqbo.actual;
SELECT count(*) FROM reefqbo.environment;
SELECT count(environment_id) FROM reefqbo.app;
SELECT reefqbo.grant_access('regress_reefqbo_in_group', 'admin');
\echo :SQLSTATE
RESET ROLE;

--
-- Giving access. Bad calls first: nothing comes of them.
--
SELECT reefqbo.grant_access('regress_reefqbo_nobody', 'reader');
\echo :SQLSTATE
SELECT reefqbo.grant_access('public', 'reader');
\echo :SQLSTATE
SELECT reefqbo.grant_access('regress_reefqbo_reader', 'owner');
\echo :SQLSTATE
SELECT reefqbo.grant_access('regress_reefqbo_reader', NULL);
\echo :SQLSTATE
SELECT reefqbo.grant_access('regress_reefqbo_reader', 'reader', 'Three');
\echo :SQLSTATE
SELECT reefqbo.grant_access('regress_reefqbo_admin', 'admin', 'One');
\echo :SQLSTATE
SELECT reefqbo.grant_access('regress_reefqbo_one', 'operator', 'One', NULL);
\echo :SQLSTATE
SELECT reefqbo.grant_access('regress_reefqbo_one', 'admin', scoped => true);
\echo :SQLSTATE
SELECT reefqbo.grant_access('reefqbo_reader', 'reader');
\echo :SQLSTATE
SELECT count(*) FROM reefqbo.access;
SELECT reefqbo.grant_access('regress_reefqbo_reader', 'reader');
SELECT reefqbo.grant_access('regress_reefqbo_operator', 'operator');
SELECT reefqbo.grant_access('regress_reefqbo_admin', 'admin');
SELECT reefqbo.grant_access('regress_reefqbo_one', 'reader', 'One');
SELECT reefqbo.grant_access('regress_reefqbo_mixed', 'operator', 'One');
SELECT reefqbo.grant_access('regress_reefqbo_mixed', 'reader', 'Two');
SELECT reefqbo.grant_access('regress_reefqbo_monitor', 'monitor');
SELECT reefqbo.grant_access('regress_reefqbo_scoped', 'reader', scoped => true);
SELECT reefqbo.grant_access('regress_reefqbo_scoped_one', 'operator', 'One', scoped => true);
SELECT model_id IN (0) AS of_all, grantee, level, scoped, granted_by = current_user AS by_me
FROM reefqbo.access ORDER BY grantee::text COLLATE "C", level;

--
-- What each level has on each object. What is nobody's but the owner's is listed too, and nothing is PUBLIC's.
--
CREATE TEMPORARY VIEW object AS
SELECT 'schema' AS kind, 'reefqbo' AS name, n.nspacl AS acl FROM pg_namespace n WHERE n.nspname = 'reefqbo'
UNION ALL
SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'table' END, c.oid::regclass::text, c.relacl
FROM pg_class c WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
UNION ALL
SELECT 'column', a.attrelid::regclass || '.' || a.attname, a.attacl
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'reefqbo'::regnamespace AND a.attacl IS NOT NULL
UNION ALL
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.oid::regprocedure::text, p.proacl
FROM pg_proc p WHERE p.pronamespace = 'reefqbo'::regnamespace;
CREATE TEMPORARY TABLE held AS
SELECT o.kind, o.name,
       string_agg(x.privilege_type, ' ' ORDER BY x.privilege_type) FILTER (WHERE x.grantee = 0) AS public,
       string_agg(x.privilege_type, ' ' ORDER BY x.privilege_type) FILTER (WHERE x.grantee = 'reefqbo_reader'::regrole) AS reader,
       string_agg(x.privilege_type, ' ' ORDER BY x.privilege_type) FILTER (WHERE x.grantee = 'reefqbo_monitor'::regrole) AS monitor,
       string_agg(x.privilege_type, ' ' ORDER BY x.privilege_type) FILTER (WHERE x.grantee = 'reefqbo_operator'::regrole) AS operator,
       string_agg(x.privilege_type, ' ' ORDER BY x.privilege_type) FILTER (WHERE x.grantee = 'reefqbo_admin'::regrole) AS admin,
       string_agg(x.privilege_type, ' ' ORDER BY x.privilege_type) FILTER (WHERE x.grantee IN ('reefqbo_webhook'::regrole, 'reefqbo_all_operators'::regrole)) AS other
FROM object o LEFT JOIN LATERAL aclexplode(o.acl) x ON true
GROUP BY o.kind, o.name;
-- (an ACL that is NULL would mean the default, which is PUBLIC's for functions)
SELECT o.kind, o.name AS without_acl FROM object o WHERE o.acl IS NULL AND o.kind <> 'column' ORDER BY 1, 2;
SELECT kind, name AS of_public FROM held WHERE public IS NOT NULL ORDER BY 1, 2;
SELECT kind, name, reader, monitor, operator, admin FROM held WHERE num_nonnulls(reader, monitor, operator, admin) > 0
ORDER BY reader IS NULL, monitor IS NULL, operator IS NULL, kind, name COLLATE "C";
SELECT kind, name, other AS of_webhook_or_all_operators FROM held WHERE other IS NOT NULL ORDER BY kind, name COLLATE "C";
SELECT kind, name AS the_owners_alone FROM held WHERE num_nonnulls(reader, monitor, operator, admin, other) = 0
ORDER BY kind, name COLLATE "C";
-- Nothing is granted to a role itself: it is in the group of its level, an operator's in those of readers and monitors, an admin's in an
-- operator's. A role of one model has the privileges of a role of all.
SELECT o.kind, o.name, x.grantee::regrole FROM object o, aclexplode(o.acl) x WHERE x.grantee::regrole::text ~ '^regress' ORDER BY 1, 2;
SELECT m.roleid::regrole AS "group", m.member::regrole FROM pg_auth_members m WHERE m.roleid::regrole::text ~ '^reefqbo_' AND m.member::regrole::text ~ '^(regress_)?reefqbo_'
ORDER BY m.roleid::regrole::text COLLATE "C", m.member::regrole::text COLLATE "C";

--
-- Row-level security is in force on every table that has a model in it.
--
SELECT c.relname AS unprotected
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'model_id'
WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT (c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'own_models'));
SELECT c.relname AS unprotected FROM pg_class c WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity;
SELECT DISTINCT polname, polroles::regrole[] FROM pg_policy ORDER BY 1;
CREATE FUNCTION pg_temp.seen() RETURNS TABLE (what text, models text) LANGUAGE plpgsql AS $$
DECLARE
    relation text;
BEGIN
    FOREACH relation IN ARRAY ARRAY['model', 'branch', 'account', 'actual', 'imported_month', 'import_log', 'tie_out_check',
                                    'schedule', 'connection_status', 'import_progress', 'upkeep_status'] LOOP
        what := relation;
        EXECUTE format('SELECT string_agg(DISTINCT model_id::text, '' '' ORDER BY model_id::text) FROM reefqbo.%I', relation) INTO models;
        RETURN NEXT;
    END LOOP;
END
$$;
SELECT nspname AS temporary_schema FROM pg_namespace WHERE oid = pg_my_temp_schema() \gset
GRANT USAGE ON SCHEMA :temporary_schema TO PUBLIC;
CREATE TEMPORARY VIEW seen AS
SELECT current_user AS role, CASE s.models WHEN format('%s %s', :one, :two) THEN 'both' WHEN :'one' THEN 'One' WHEN :'two' THEN 'Two' ELSE s.models END AS models,
       string_agg(s.what, ', ' ORDER BY s.what) AS relations
FROM pg_temp.seen() s GROUP BY 2;
GRANT SELECT ON seen TO PUBLIC;
SET ROLE regress_reefqbo_reader;
SELECT * FROM seen;
SET ROLE regress_reefqbo_one;
SELECT * FROM seen;
-- a member of a role has what the role has; a role with two models has both; who was granted by hand has nothing
SET ROLE regress_reefqbo_member;
SELECT * FROM seen;
SET ROLE regress_reefqbo_mixed;
SELECT * FROM seen;
SET ROLE regress_reefqbo_by_hand;
SELECT count(*) FROM reefqbo.actual;
SELECT count(*) FROM reefqbo.connection_status;
SELECT count(*) FROM reefqbo.profit_and_loss('Two', '2026-01-01', '2026-01-31');
\echo :SQLSTATE
SELECT reefqbo.create_branch('Two', 'North');
\echo :SQLSTATE

--
-- A monitor sees what goes on, and no data.
--
SET ROLE regress_reefqbo_monitor;
SELECT count(*) FROM reefqbo.upkeep_status;
SELECT count(call_id) FROM reefqbo.api_call;
SELECT count(DISTINCT item) > 3 AS answered FROM reefqbo.check();
SELECT count(*) FROM reefqbo.worker_status() WHERE database = current_database();
SELECT path FROM reefqbo.api_call;
\echo :SQLSTATE
SELECT count(*) FROM reefqbo.actual;
SELECT count(*) FROM reefqbo.profit_and_loss('One', '2026-01-01', '2026-01-31');
\echo :SQLSTATE
SELECT reefqbo.refresh('One');
\echo :SQLSTATE
-- a reader of one model who watches another has no data of the other
RESET ROLE;
SELECT reefqbo.grant_access('regress_reefqbo_monitor', 'reader', 'One');
SELECT reefqbo.grant_access('regress_reefqbo_other_monitor', 'reader', 'One');
SELECT reefqbo.grant_access('regress_reefqbo_other_monitor', 'monitor', 'Two');
SET ROLE regress_reefqbo_monitor;
SELECT * FROM seen;
SELECT array_agg(DISTINCT m.name ORDER BY m.name) FROM reefqbo.api_call a JOIN reefqbo.model m USING (model_id);
SET ROLE regress_reefqbo_other_monitor;
SELECT * FROM seen;
SELECT amount FROM reefqbo.profit_and_loss('Two', '2026-01-01', '2026-01-31') WHERE kind = 'account';
SELECT count(call_id) FROM reefqbo.api_call;
SELECT count(*) FROM reefqbo.check();
\echo :SQLSTATE

--
-- Scoped: nothing but the model that the transaction has named, and only where the role has it.
--
SET ROLE regress_reefqbo_scoped;
SELECT * FROM seen;
SELECT count(*) FROM reefqbo.profit_and_loss('One', '2026-01-01', '2026-01-31');
\echo :SQLSTATE
BEGIN;
SET LOCAL reefqbo.current_model = 'One';
SELECT * FROM seen;
SELECT amount FROM reefqbo.profit_and_loss('One', '2026-01-01', '2026-01-31') WHERE kind = 'account';
SELECT count(*) FROM reefqbo.profit_and_loss('Two', '2026-01-01', '2026-01-31');
ROLLBACK;
BEGIN;
SET LOCAL reefqbo.current_model = 'Two';
SELECT * FROM seen;
SET LOCAL reefqbo.current_model = 'Nonesuch';
SELECT * FROM seen;
COMMIT;
SELECT * FROM seen;
SET ROLE regress_reefqbo_scoped_one;
BEGIN;
SET LOCAL reefqbo.current_model = 'Two';
SELECT * FROM seen;
SELECT reefqbo.create_branch('Two', 'North');
ROLLBACK;
BEGIN;
SET LOCAL reefqbo.current_model = 'One';
SELECT * FROM seen;
SELECT reefqbo.create_branch('One', 'Scoped') > 0 AS made;
SELECT reefqbo.create_model('Mine');
ROLLBACK;
-- what others have is not changed by it
SET ROLE regress_reefqbo_one;
BEGIN;
SET LOCAL reefqbo.current_model = 'Two';
SELECT * FROM seen;
ROLLBACK;
RESET ROLE;

--
-- Functions: a model one has nothing to do with does not exist; one that is seen but not worked with says what is missing.
--
SET ROLE regress_reefqbo_one;
SELECT amount FROM reefqbo.profit_and_loss('One', '2026-01-01', '2026-01-31') WHERE kind = 'account';
SELECT amount FROM reefqbo.profit_and_loss('Two', '2026-01-01', '2026-01-31') WHERE kind = 'account';
\echo :SQLSTATE
SELECT reefqbo.create_branch('One', 'North');
\echo :SQLSTATE
SET ROLE regress_reefqbo_mixed;
SELECT reefqbo.create_branch('One', 'North') > 0 AS made;
SELECT reefqbo.create_branch('Two', 'North');
\echo :SQLSTATE
SELECT reefqbo.create_branch('Three', 'North');
\echo :SQLSTATE
SELECT (reefqbo.set_schedule('One', refresh_every => '2 hours')).refresh_every;
SELECT reefqbo.set_schedule('Two', refresh_every => '2 hours');
SELECT reefqbo.connect('Two', 'production');
SELECT reefqbo.reconnect('Two');
SELECT reefqbo.disconnect('Two');
SELECT reefqbo.realm_id('Two');
SELECT reefqbo.import_accounts('Two');
SELECT reefqbo.import_actuals('Two', '2026-01-01', '2026-01-31');
SELECT reefqbo.refresh('Two');
-- a model of one's own takes the level for all models, since nobody has given it for this one
SELECT reefqbo.create_model('Three');
\echo :SQLSTATE
SET ROLE regress_reefqbo_operator;
SELECT reefqbo.create_model('Three') > 0 AS made;
SELECT count(*) FROM reefqbo.model;
SELECT reefqbo.grant_access('regress_reefqbo_operator', 'admin');
SET ROLE regress_reefqbo_admin;
SELECT reefqbo.create_environment('mine', true, 'https://a.example', 'https://a.example', 'https://a.example', 'https://a.example');
SELECT client_id FROM reefqbo.app;
SELECT client_secret_sealed FROM reefqbo.app;
SELECT reefqbo.grant_access('regress_reefqbo_one', 'operator', 'Three');
SELECT session_role = session_user AS session, acting_role, action, model, detail FROM reefqbo.audit ORDER BY audit_id DESC LIMIT 1;
-- an operator of one model may not take a level for itself by calling what it may not
SET ROLE regress_reefqbo_one;
SELECT reefqbo.grant_access('regress_reefqbo_one', 'admin');
RESET ROLE;

--
-- Whose rights count is who calls, not whose session it is: a function of the application lends its owner's.
--
CREATE SCHEMA app;
GRANT CREATE, USAGE ON SCHEMA app TO regress_reefqbo_mixed;
SET ROLE regress_reefqbo_mixed;
CREATE FUNCTION app.add_branch(model text, branch text) RETURNS boolean LANGUAGE sql SECURITY DEFINER
AS $$ SELECT reefqbo.create_branch($1, $2) > 0 $$;
GRANT EXECUTE ON FUNCTION app.add_branch TO PUBLIC;
RESET ROLE;
GRANT USAGE ON SCHEMA app TO PUBLIC;
-- a role without any access, through a function of one who has it
SET ROLE regress_reefqbo_by_hand;
SELECT app.add_branch('One', 'South');
-- and a superuser through the same has no more than its owner
RESET ROLE;
SELECT app.add_branch('Two', 'South');
\echo :SQLSTATE

--
-- Taking access away. (Where another database of the cluster has the extension, who was in a group stays in it, and its tables are empty.)
--
CREATE FUNCTION pg_temp.is_refused(query text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    RETURN false;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RETURN true;
END
$$;
CREATE FUNCTION pg_temp.amounts_seen() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT count(*) FROM reefqbo.actual);
EXCEPTION WHEN insufficient_privilege THEN
    RETURN 0;
END
$$;
SELECT reefqbo.revoke_access('regress_reefqbo_reader', 'One');
\echo :SQLSTATE
SELECT reefqbo.revoke_access('regress_reefqbo_by_hand');
\echo :SQLSTATE
SELECT reefqbo.revoke_access('regress_reefqbo_mixed', 'One');
-- reader of Two is what is left
SET ROLE regress_reefqbo_mixed;
SELECT * FROM seen;
SELECT pg_temp.is_refused($$SELECT reefqbo.create_branch('One', 'West')$$);
RESET ROLE;
SELECT reefqbo.revoke_access('regress_reefqbo_mixed');
SELECT reefqbo.revoke_access('regress_reefqbo_reader');
SELECT m.roleid::regrole AS left_behind FROM pg_auth_members m
WHERE m.member IN ('regress_reefqbo_mixed'::regrole, 'regress_reefqbo_reader'::regrole)
  AND NOT EXISTS (SELECT FROM pg_shdepend d JOIN pg_database b ON b.oid = d.dbid
                  WHERE d.refobjid = m.roleid AND d.refclassid = 'pg_authid'::regclass AND b.datname <> current_database());
SET ROLE regress_reefqbo_mixed;
SELECT pg_temp.amounts_seen();
RESET ROLE;

--
-- A role that was renamed has what it had, and another that gets its name has nothing; nor has one that is made with the name of a
-- role that was dropped, even as a member of those who have.
--
ALTER ROLE regress_reefqbo_one RENAME TO regress_reefqbo_first;
CREATE ROLE regress_reefqbo_one IN ROLE reefqbo_reader;
SET ROLE regress_reefqbo_first;
SELECT * FROM seen;
SET ROLE regress_reefqbo_one;
SELECT * FROM seen;
RESET ROLE;
SELECT grantee, level FROM reefqbo.access WHERE grantee = 'regress_reefqbo_first'::regrole;
DROP ROLE regress_reefqbo_first;
DROP ROLE regress_reefqbo_one;
CREATE ROLE regress_reefqbo_first IN ROLE reefqbo_reader;
CREATE ROLE regress_reefqbo_one;
SET ROLE regress_reefqbo_first;
SELECT * FROM seen;
SET ROLE regress_reefqbo_member;
SELECT pg_temp.amounts_seen();
RESET ROLE;
SELECT reefqbo.grant_access('regress_reefqbo_one', 'reader', 'Two');
SELECT count(*) AS of_dropped_roles FROM reefqbo.access a WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = a.grantee);
SET ROLE regress_reefqbo_one;
SELECT * FROM seen;
RESET ROLE;

--
-- Clean up.
--
\c :home
DROP DATABASE regress_reefqbo_access;
DROP ROLE regress_reefqbo_reader, regress_reefqbo_operator, regress_reefqbo_admin, regress_reefqbo_one, regress_reefqbo_mixed,
    regress_reefqbo_by_hand, regress_reefqbo_member, regress_reefqbo_in_group, regress_reefqbo_monitor, regress_reefqbo_other_monitor,
    regress_reefqbo_scoped, regress_reefqbo_scoped_one, regress_reefqbo_first;
