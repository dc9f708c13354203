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
INSERT INTO reefqbo.actual
SELECT c.model_id, c.connection_id, '1', 'profit_and_loss', 'Accrual', '2026-01-01', '2026-01-31', 100 * c.model_id, 1 FROM reefqbo.connection c;
INSERT INTO reefqbo.import_log (model_id, connection_id, kind, started_by, status)
SELECT c.model_id, c.connection_id, 'refresh', 'nobody', 'running' FROM reefqbo.connection c;
INSERT INTO reefqbo.tie_out_check (model_id, connection_id, import_id, kind, statement, accounting_method, period_start, period_end, compared)
SELECT c.model_id, c.connection_id, 1, 'balance', 'balance_sheet', 'Accrual', '2026-01-01', '2026-01-31', 0 FROM reefqbo.connection c;

--
-- Until access is given to somebody, there is no row-level security, and what was granted by hand holds.
--
GRANT USAGE ON SCHEMA reefqbo TO regress_reefqbo_by_hand;
GRANT SELECT ON reefqbo.actual, reefqbo.connection_status TO regress_reefqbo_by_hand;
GRANT EXECUTE ON FUNCTION reefqbo.profit_and_loss, reefqbo.create_branch TO regress_reefqbo_by_hand;
SET ROLE regress_reefqbo_by_hand;
SELECT count(*) FROM reefqbo.actual;
SELECT count(*) FROM reefqbo.connection_status;
SELECT count(*) FROM reefqbo.profit_and_loss('Two', '2026-01-01', '2026-01-31') WHERE kind = 'account';
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
SELECT count(*) FROM reefqbo.access;
-- the first that works says whom row-level security leaves without
SELECT reefqbo.grant_access('regress_reefqbo_reader', 'reader');
SELECT reefqbo.grant_access('regress_reefqbo_operator', 'operator');
SELECT reefqbo.grant_access('regress_reefqbo_admin', 'admin');
SELECT reefqbo.grant_access('regress_reefqbo_one', 'reader', 'One');
SELECT reefqbo.grant_access('regress_reefqbo_mixed', 'operator', 'One');
SELECT reefqbo.grant_access('regress_reefqbo_mixed', 'reader', 'Two');
SELECT model_id IN (0) AS of_all, grantee, level, granted_by = current_user AS by_me FROM reefqbo.access ORDER BY grantee, level;

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
       string_agg(x.privilege_type, ' ' ORDER BY x.privilege_type) FILTER (WHERE x.grantee = 'regress_reefqbo_reader'::regrole) AS reader,
       string_agg(x.privilege_type, ' ' ORDER BY x.privilege_type) FILTER (WHERE x.grantee = 'regress_reefqbo_operator'::regrole) AS operator,
       string_agg(x.privilege_type, ' ' ORDER BY x.privilege_type) FILTER (WHERE x.grantee = 'regress_reefqbo_admin'::regrole) AS admin
FROM object o LEFT JOIN LATERAL aclexplode(o.acl) x ON true
GROUP BY o.kind, o.name;
-- (an ACL that is NULL would mean the default, which is PUBLIC's for functions)
SELECT o.kind, o.name AS without_acl FROM object o WHERE o.acl IS NULL AND o.kind <> 'column' ORDER BY 1, 2;
SELECT kind, name AS of_public FROM held WHERE public IS NOT NULL ORDER BY 1, 2;
SELECT kind, name, reader, operator, admin FROM held WHERE admin IS NOT NULL
ORDER BY reader IS NULL, operator IS NULL, kind, name COLLATE "C";
SELECT kind, name AS the_owners_alone FROM held WHERE reader IS NULL AND operator IS NULL AND admin IS NULL
ORDER BY kind, name COLLATE "C";
-- A level has what the level before it has; and a role of one model has the privileges of a role of all.
SELECT count(*) AS gaps FROM held WHERE reader IS DISTINCT FROM operator AND reader IS NOT NULL
                                     OR operator IS DISTINCT FROM admin AND operator IS NOT NULL;
SELECT o.kind, o.name FROM object o
WHERE EXISTS (SELECT FROM aclexplode(o.acl) x WHERE x.grantee = 'regress_reefqbo_one'::regrole)
   <> EXISTS (SELECT FROM aclexplode(o.acl) x WHERE x.grantee = 'regress_reefqbo_reader'::regrole)
   OR EXISTS (SELECT FROM aclexplode(o.acl) x WHERE x.grantee = 'regress_reefqbo_mixed'::regrole)
   <> EXISTS (SELECT FROM aclexplode(o.acl) x WHERE x.grantee = 'regress_reefqbo_operator'::regrole);

--
-- Row-level security is in force on every table that has a model in it.
--
SELECT c.relname AS unprotected
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'model_id'
WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT (c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'own_models'));
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
-- a member of a role has what the role has; a role with two models has both; who was granted by hand has nothing now
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
-- Taking access away.
--
SELECT reefqbo.revoke_access('regress_reefqbo_reader', 'One');
\echo :SQLSTATE
SELECT reefqbo.revoke_access('regress_reefqbo_by_hand');
\echo :SQLSTATE
SELECT reefqbo.revoke_access('regress_reefqbo_mixed', 'One');
-- reader of Two is what is left
SET ROLE regress_reefqbo_mixed;
SELECT * FROM seen;
SELECT reefqbo.create_branch('One', 'West');
RESET ROLE;
SELECT reefqbo.revoke_access('regress_reefqbo_mixed');
SELECT reefqbo.revoke_access('regress_reefqbo_reader');
SELECT o.kind, o.name AS left_behind, x.grantee::regrole
FROM object o, aclexplode(o.acl) x WHERE x.grantee IN ('regress_reefqbo_mixed'::regrole, 'regress_reefqbo_reader'::regrole);
SELECT DISTINCT polname, polroles::regrole[] FROM pg_policy ORDER BY 1;
SET ROLE regress_reefqbo_mixed;
SELECT count(*) FROM reefqbo.actual;
RESET ROLE;

--
-- A new role of an old name has nothing of the old one's.
--
DROP OWNED BY regress_reefqbo_one;
DROP ROLE regress_reefqbo_one;
CREATE ROLE regress_reefqbo_one;
SELECT reefqbo.grant_access('regress_reefqbo_one', 'reader', 'Two');
SET ROLE regress_reefqbo_one;
SELECT * FROM seen;
RESET ROLE;

--
-- Clean up.
--
\c :home
DROP DATABASE regress_reefqbo_access;
DROP ROLE regress_reefqbo_reader, regress_reefqbo_operator, regress_reefqbo_admin, regress_reefqbo_one, regress_reefqbo_mixed,
    regress_reefqbo_by_hand, regress_reefqbo_member;
