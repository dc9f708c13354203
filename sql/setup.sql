--
-- What is set up once: environments, models, branches; the keys between the tables; and what a plain role may do.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS reefqbo CASCADE;
RESET client_min_messages;
\set SHOW_CONTEXT never

--
-- Every object of the extension says what it is.
--
SELECT pg_describe_object(d.classid, d.objid, 0) AS without_comment
FROM pg_depend d
LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'reefqbo')
  AND (d.classid IN ('pg_proc'::regclass, 'pg_namespace'::regclass) OR c.relkind IN ('r', 'v', 'm', 'p'))
  AND coalesce(obj_description(d.objid, d.classid::regclass::name), '') = ''
ORDER BY 1;
-- And so does every column of a table or view that a level may read.
SELECT format('%s.%s', c.oid::regclass, a.attname) AS column_without_comment
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'v') AND col_description(c.oid, a.attnum) IS NULL
  AND c.relnamespace = 'reefqbo'::regnamespace AND c.relname !~ '^_' AND has_column_privilege('reefqbo_admin', c.oid, a.attnum, 'SELECT')
ORDER BY 1;
-- Every table that belongs to a model has model_id as the first column of its primary key and of its foreign keys to others such.
SELECT c.conrelid::regclass AS "table", c.conname
FROM pg_constraint c
JOIN pg_attribute m ON m.attrelid = c.conrelid AND m.attname = 'model_id' AND NOT m.attisdropped
WHERE c.connamespace = 'reefqbo'::regnamespace
  AND (c.contype = 'p'
       OR c.contype = 'f' AND EXISTS (SELECT FROM pg_attribute r WHERE r.attrelid = c.confrelid AND r.attname = 'model_id'))
  AND c.conkey[1] <> m.attnum
ORDER BY 1, 2;
-- And as the first column of whatever else of it is unique; a model's name is unique among models.
SELECT i.indrelid::regclass AS "table", i.indexrelid::regclass AS unique_without_model
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid AND c.relnamespace = 'reefqbo'::regnamespace
JOIN pg_attribute m ON m.attrelid = i.indrelid AND m.attname = 'model_id' AND NOT m.attisdropped
WHERE i.indisunique AND i.indkey[0] <> m.attnum
ORDER BY 1, 2;
-- Ids of QuickBooks', and words of ours, in keys are compared byte by byte.
SELECT i.indexrelid::regclass AS key, a.attname AS compared_by_language
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid AND c.relnamespace = 'reefqbo'::regnamespace
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) AND a.attcollation <> 0
WHERE a.atttypid = 'text'::regtype AND a.attname ~ '(_id|^statement|^accounting_method|^dimension)$' AND a.attcollation <> '"C"'::regcollation
ORDER BY i.indexrelid::regclass::text COLLATE "C", 2;
-- Every SECURITY DEFINER function has a search path that nobody else can write to.
SELECT p.oid::regprocedure AS function, p.proconfig
FROM pg_proc p
WHERE p.pronamespace = 'reefqbo'::regnamespace AND p.prosecdef
  AND NOT coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)
ORDER BY p.oid::regprocedure::text COLLATE "C";

--
-- Environments: production and sandbox are there; a superuser adds others.
--
SELECT name, is_sandbox, authorize_url, token_url, revoke_url, api_url, is_builtin
FROM reefqbo.environment WHERE is_builtin ORDER BY name \gx
-- a slash at the end is dropped
SELECT reefqbo.create_environment('Setup fake', true, 'https://fake.example/oauth2', 'https://fake.example:8443/token/',
                                  'https://fake.example/revoke', 'https://fake.example/') >= 100 AS made;
SELECT name, is_sandbox, authorize_url, token_url, revoke_url, api_url, is_builtin
FROM reefqbo.environment WHERE name = 'Setup fake' \gx
SELECT reefqbo.create_environment('Setup fake', true, 'https://a.example', 'https://a.example', 'https://a.example', 'https://a.example');
\echo :SQLSTATE
SELECT reefqbo.create_environment('sandbox', true, 'https://a.example', 'https://a.example', 'https://a.example', 'https://a.example');
\echo :SQLSTATE
-- an address that is not https, or has white space, a user, a query, a fragment, a backslash, an IPv6 host or no host
SELECT reefqbo.create_environment('Setup bad', true, 'http://a.example', 'https://a.example', 'https://a.example', 'https://a.example');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT reefqbo.create_environment('Setup bad', true, 'https://a.example', 'https://a.example/ token', 'https://a.example', 'https://a.example');
SELECT reefqbo.create_environment('Setup bad', true, 'https://a.example', 'https://a.example', 'https://b@a.example', 'https://a.example');
SELECT reefqbo.create_environment('Setup bad', true, 'https://a.example', 'https://a.example', 'https://a.example', 'https://a.example?x=1');
SELECT reefqbo.create_environment('Setup bad', true, 'https://a.example', 'https://a.example', 'https://a.example', 'https://a.example/#x');
SELECT reefqbo.create_environment('Setup bad', true, 'https://a.example', 'https://a.example', 'https://a.example', 'https://a.example\@b');
SELECT reefqbo.create_environment('Setup bad', true, 'https://a.example', 'https://a.example', 'https://a.example', 'https://[::1]/');
SELECT reefqbo.create_environment('Setup bad', true, 'https://a.example', 'https://a.example', 'https://a.example', 'https://');
SELECT reefqbo.create_environment('Setup bad', true, 'https://a.example', 'https://a.example', 'https://a.example', E'https://a.example\nHost: b');
SELECT reefqbo.create_environment('Setup bad', true, 'https://a.example', 'https://a.example', 'https://a.example', 'file:///etc/passwd');
-- a name that is empty, too long or not printable
SELECT reefqbo.create_environment('', true, 'https://a.example', 'https://a.example', 'https://a.example', 'https://a.example');
SELECT reefqbo.create_environment(E'Setup\tbad', true, 'https://a.example', 'https://a.example', 'https://a.example', 'https://a.example');
\set VERBOSITY default
-- nothing of it was kept; an argument that is NULL is refused
SELECT reefqbo.create_environment('Setup null', NULL, 'https://a.example', 'https://a.example', 'https://a.example', 'https://a.example');
SELECT count(*) FROM reefqbo.environment WHERE name ~ 'bad|null';

--
-- Models: each has a root branch of its name.
--
SELECT reefqbo.create_model('Setup one') > 0 AS made;
SELECT reefqbo.create_model('Setup two', 'training') > reefqbo._model_id('Setup one') AS made;
SELECT m.name AS model, m.purpose, b.name AS branch, b.parent_branch_id IS NULL AS is_root
FROM reefqbo.model m JOIN reefqbo.branch b USING (model_id) WHERE m.name LIKE 'Setup %' ORDER BY m.name;
SELECT reefqbo.create_model('Setup one');
\echo :SQLSTATE
SELECT reefqbo.create_model('Setup three', 'sandbox');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT reefqbo.create_model('');
SELECT reefqbo.create_model(repeat('x', 201));
SELECT reefqbo.create_model(E'Setup\nthree');
\set VERBOSITY default
SELECT reefqbo.create_model(NULL);

--
-- Branches: one tree a model.
--
SELECT reefqbo.create_branch('Setup one', 'North') > 0 AS made;
SELECT reefqbo.create_branch('Setup one', 'Store 1', 'North') > 0 AS made;
-- the same name in another model is another branch
SELECT reefqbo.create_branch('Setup two', 'North', 'Setup two') > 0 AS made;
SELECT m.name AS model, b.name AS branch, p.name AS parent
FROM reefqbo.model m JOIN reefqbo.branch b USING (model_id)
LEFT JOIN reefqbo.branch p ON p.model_id = b.model_id AND p.branch_id = b.parent_branch_id
WHERE m.name LIKE 'Setup %' ORDER BY m.name, b.branch_id;
SELECT reefqbo.create_branch('Setup one', 'North');
\echo :SQLSTATE
SELECT reefqbo.create_branch('Setup one', 'Setup one');
\echo :SQLSTATE
SELECT reefqbo.create_branch('Setup nine', 'North');
\echo :SQLSTATE
-- a parent that is not in this model
SELECT reefqbo.create_branch('Setup two', 'Store 2', 'Store 1');
\echo :SQLSTATE
SELECT reefqbo.create_branch('Setup one', NULL);
\echo :SQLSTATE
SELECT reefqbo.create_branch('Setup one', '');
\echo :SQLSTATE

--
-- What the keys refuse, whoever writes.
--
\set VERBOSITY sqlstate
SELECT model_id AS one FROM reefqbo.model WHERE name = 'Setup one' \gset
SELECT model_id AS two FROM reefqbo.model WHERE name = 'Setup two' \gset
SELECT branch_id AS store FROM reefqbo.branch WHERE name = 'Store 1' AND model_id = :one \gset
SELECT branch_id AS north FROM reefqbo.branch WHERE name = 'North' AND model_id = :one \gset
-- a second root
INSERT INTO reefqbo.branch (model_id, name) VALUES (:one, 'Second root');
-- a branch under itself, or under another model's
UPDATE reefqbo.branch SET parent_branch_id = branch_id WHERE model_id = :one AND branch_id = :store;
INSERT INTO reefqbo.branch (model_id, name, parent_branch_id) VALUES (:two, 'Stray', :store);
-- removing a parent, or a model, that still has branches
DELETE FROM reefqbo.branch WHERE model_id = :one AND branch_id = :north;
DELETE FROM reefqbo.model WHERE model_id = :one;
-- a connection of another model's branch, in an unknown environment, or with an unknown status
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest)
VALUES (:two, :store, 1, 'connected', '\x00', '\x00');
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest)
VALUES (:one, :store, 99, 'connected', '\x00', '\x00');
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest)
VALUES (:one, :store, 1, 'perhaps', '\x00', '\x00');
-- two connections of one branch
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest)
VALUES (:one, :store, 1, 'connected', '\x00', '\x00') RETURNING connection_id AS link \gset
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest)
VALUES (:one, :store, 1, 'connected', '\x00', '\x00');
-- an account of a connection of another model
INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name) VALUES (:two, :link, '1', 'A', 'A');
\set january '''{1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL}'''
-- an amount of an account that is not there, of an unknown statement or method, or twice
INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name) VALUES (:one, :link, '1', 'A', 'A');
INSERT INTO reefqbo._actual_year VALUES (:one, :link, 1, 2026, '2', 'balance_sheet', 'Cash', :january);
INSERT INTO reefqbo._actual_year VALUES (:one, :link, 1, 2026, '1', 'cash_flow', 'Cash', :january);
INSERT INTO reefqbo._actual_year VALUES (:one, :link, 1, 2026, '1', 'balance_sheet', 'cash', :january);
INSERT INTO reefqbo._actual_year VALUES (:one, :link, 1, 2026, '1', 'balance_sheet', 'Cash', :january);
INSERT INTO reefqbo._actual_year VALUES (:one, :link, 1, 2026, '1', 'balance_sheet', 'Cash', :january);
-- a year that has not just twelve months, from the first on, or none with an amount, or not an import for each
UPDATE reefqbo._actual_year SET amounts = amounts[1:11] WHERE model_id = :one;
UPDATE reefqbo._actual_year SET amounts[13] = 1 WHERE model_id = :one;
UPDATE reefqbo._actual_year SET amounts[0] = 1 WHERE model_id = :one;
UPDATE reefqbo._actual_year SET amounts = '[0:11]={1,2,3,4,5,6,7,8,9,10,11,12}' WHERE model_id = :one;
UPDATE reefqbo._actual_year SET amounts = '{{1,2,3,4,5,6},{7,8,9,10,11,12}}' WHERE model_id = :one;
UPDATE reefqbo._actual_year SET amounts = '{}' WHERE model_id = :one;
UPDATE reefqbo._actual_year SET amounts[1] = NULL WHERE model_id = :one;
UPDATE reefqbo._actual_year SET import_ids = '{1,2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL}' WHERE model_id = :one;
UPDATE reefqbo._actual_year SET import_ids = '{1}' WHERE model_id = :one;
-- the view is read only
INSERT INTO reefqbo.actual SELECT * FROM reefqbo.actual;
DELETE FROM reefqbo.actual;
-- removing an account or a connection that has history
DELETE FROM reefqbo.account WHERE model_id = :one;
DELETE FROM reefqbo.connection WHERE model_id = :one;
\set VERBOSITY default
DELETE FROM reefqbo._actual_year WHERE model_id = :one;
DELETE FROM reefqbo.account WHERE model_id = :one;
DELETE FROM reefqbo.connection WHERE model_id = :one;

-- The models have no connection, and the view says so.
SELECT count(*) FROM reefqbo.connection_status WHERE model LIKE 'Setup %';

--
-- A plain role may do nothing, not even once it may look into the schema: every function and relation refuses it.
--
CREATE ROLE regress_reefqbo_plain;
SET ROLE regress_reefqbo_plain;
SELECT reefqbo.create_model('Setup plain');
SELECT * FROM reefqbo.connection_status;
RESET ROLE;
GRANT USAGE ON SCHEMA reefqbo TO regress_reefqbo_plain;
CREATE FUNCTION pg_temp.sqlstate_of(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    RETURN '00000';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
SELECT nspname AS temporary_schema FROM pg_namespace WHERE oid = pg_my_temp_schema() \gset
-- (NULLs the planner cannot see, since it would drop the call of a STRICT function before anybody asks who may make it)
CREATE TEMPORARY TABLE attempt AS
SELECT format('SELECT %s(%s) FROM (SELECT NULL AS nothing OFFSET 0) x', p.oid::regproc, (
           SELECT string_agg(format('x.nothing::%s', format_type(u.t, NULL)), ', ' ORDER BY u.n)
           FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY u (t, n))) AS query
FROM pg_proc p WHERE p.pronamespace = 'reefqbo'::regnamespace AND p.prokind = 'f' AND p.proname NOT IN ('_my_roles', '_levels_with')
UNION ALL
SELECT format(u.command, c.oid::regclass)
FROM pg_class c
CROSS JOIN LATERAL unnest(CASE
    WHEN c.relkind = 'S' THEN ARRAY['SELECT FROM %s', 'SELECT nextval(''%s'')']
    WHEN c.relkind IN ('r', 'p') THEN ARRAY['SELECT FROM %s', 'DELETE FROM %s', 'TRUNCATE %s', 'INSERT INTO %s DEFAULT VALUES']
    WHEN c.relkind IN ('v', 'm') THEN ARRAY['SELECT FROM %s'] END) u (command)
WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relname NOT IN ('_my_access', '_my_model', '_my_watch', '_my_work');  -- which policies ask
GRANT SELECT ON attempt TO regress_reefqbo_plain;
GRANT USAGE ON SCHEMA :temporary_schema TO regress_reefqbo_plain;
SET ROLE regress_reefqbo_plain;
SELECT count(*) > 60 AS many FROM attempt;
SELECT a.query, s.state AS not_refused
FROM attempt a CROSS JOIN LATERAL (SELECT pg_temp.sqlstate_of(a.query) OFFSET 0) s (state)
WHERE s.state <> '42501' ORDER BY a.query COLLATE "C";
RESET ROLE;

-- The hosts are the superuser's to choose, even where the function was granted.
GRANT EXECUTE ON FUNCTION reefqbo.create_environment(text, boolean, text, text, text, text) TO regress_reefqbo_plain;
GRANT EXECUTE ON FUNCTION reefqbo.create_model(text, text), reefqbo.create_branch(text, text, text) TO regress_reefqbo_plain;
SET ROLE regress_reefqbo_plain;
SELECT reefqbo.create_environment('Setup plain', true, 'https://a.example', 'https://a.example', 'https://a.example', 'https://a.example');
\echo :SQLSTATE
-- What is granted by hand is nobody's access: models and branches are made by whoever was given that, with no right on the tables.
SELECT reefqbo.create_model('Setup plain') > 0 AS made;
RESET ROLE;
SELECT reefqbo.grant_access('regress_reefqbo_plain', 'operator');
SET ROLE regress_reefqbo_plain;
SELECT reefqbo.create_model('Setup plain') > 0 AS made;
SELECT reefqbo.create_branch('Setup plain', 'Branch') > 0 AS made;
INSERT INTO reefqbo.branch (model_id, name) SELECT model_id, 'By hand' FROM reefqbo.model WHERE name = 'Setup plain';
RESET ROLE;
SELECT reefqbo.revoke_access('regress_reefqbo_plain');
DROP OWNED BY regress_reefqbo_plain;
DROP ROLE regress_reefqbo_plain;

--
-- Clean up.
--
DELETE FROM reefqbo.branch WHERE model_id IN (SELECT model_id FROM reefqbo.model WHERE name LIKE 'Setup %');
DELETE FROM reefqbo.model WHERE name LIKE 'Setup %';
DELETE FROM reefqbo.environment WHERE name LIKE 'Setup %';
