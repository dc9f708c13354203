--
-- What is stored in fewer rows than are shown: a year of months of an account, and the checks of an import. And many companies.
--
-- The figures are worked out by hand. Rows are put into the tables directly.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS reefqbo CASCADE;
RESET client_min_messages;
\set SHOW_CONTEXT never
SET datestyle = ISO;

SELECT reefqbo.create_model('Store Hill') AS hill \gset
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest, company_name)
SELECT b.model_id, b.branch_id, 1, 'connected', '\x00', '\x00', b.name FROM reefqbo.branch b WHERE b.model_id = :hill
RETURNING connection_id AS link \gset
INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, classification, account_type)
SELECT :hill, :link, a.id, a.name, a.name, a.classification, a.type
FROM (VALUES ('9', 'Sales', 'Revenue', 'Income'), ('10', 'Bank', 'Asset', 'Bank')) a (id, name, classification, type);

--
-- A table of months would have these columns, and readers see no difference.
--
SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, col_description(a.attrelid, a.attnum)
FROM pg_attribute a WHERE a.attrelid = 'reefqbo.actual'::regclass AND a.attnum > 0 ORDER BY a.attnum;
-- A leap year: a zero that is one, months without an amount, the import of each month, and of all.
INSERT INTO reefqbo._actual_year (model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id, import_ids)
VALUES (:hill, :link, '9', 'profit_and_loss', 'Accrual', 2024, '{NULL,1.50,0.00,-2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,12345678901234567890.12}', 7,
        '{NULL,3,7,5,NULL,NULL,NULL,NULL,NULL,NULL,NULL,7}'),
       (:hill, :link, '10', 'balance_sheet', 'Cash', 2025, '{1,2,3,4,5,6,7,8,9,10,11,12}', 4, NULL);
SELECT account_id, statement, accounting_method, period_start, period_end, amount, import_id FROM reefqbo.actual
WHERE model_id = :hill AND account_id = '9' ORDER BY period_start;
SELECT count(*), sum(amount), count(DISTINCT import_id), min(period_start), max(period_end), bool_and(period_end = (period_start + interval '1 month')::date - 1) AS whole_months
FROM reefqbo.actual WHERE model_id = :hill AND account_id = '10';
SELECT amount FROM reefqbo.actual JOIN reefqbo.account USING (model_id, connection_id, account_id)
WHERE name = 'Bank' AND model_id = :hill AND period_start BETWEEN '2025-03-01' AND '2025-05-01' ORDER BY period_start;
-- by hand, one month of a year
UPDATE reefqbo._actual_year SET amounts[2] = 22.00 WHERE model_id = :hill AND account_id = '10' AND year = 2025;
SELECT period_start, amount FROM reefqbo.actual WHERE model_id = :hill AND account_id = '10' AND amount > 12;
-- a range within a year, across two, and without an end
INSERT INTO reefqbo._actual_year (model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id)
VALUES (:hill, :link, '9', 'profit_and_loss', 'Accrual', 2025, '{100,200,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL}', 8);
SELECT r.first_month, r.last_month, string_agg(a.amount::text, ' ' ORDER BY a.period_start)
FROM (VALUES ('2024-02-01'::date, '2024-04-01'::date), ('2024-12-01', '2025-01-01'), ('2024-12-02', '2025-02-27'), ('2024-03-01', '2024-03-01'),
             ('-infinity', '2024-04-30'), ('2025-02-01', 'infinity'), ('-infinity', 'infinity'), ('2026-01-01', 'infinity')) r (first_month, last_month)
LEFT JOIN LATERAL reefqbo._company_amounts(:hill, :link, 'profit_and_loss', 'Accrual', r.first_month, r.last_month, NULL) a ON true
GROUP BY 1, 2 ORDER BY 1, 2;
SELECT reefqbo._year('2024-12-31') AS year, reefqbo._year('-infinity') < -4713 AS before_all, reefqbo._year('infinity') > 5874897 AS after_all, reefqbo._year(NULL) AS none;

--
-- Checks: each with its own figures; what is as it should be takes no room.
--
INSERT INTO reefqbo._proof (model_id, connection_id, import_id, checked_at, kinds, statements, methods, starts, ends, figures, compared)
VALUES (:hill, :link, 1, '2026-01-01', '{1,3}', '{1,2}', '{1,2}', '{2025-01-01,2025-02-01}', '{2025-01-31,2025-02-28}', '{10.50,20}', '{4,1}');
INSERT INTO reefqbo._proof (model_id, connection_id, import_id, checked_at, kinds, statements, methods, starts, ends, figures, compared, other_figures, passed, account_ids, details)
VALUES (:hill, :link, 1, '2026-01-02', '{8,8,4}', '{1,1,2}', '{1,1,1}', '{2025-01-01,2025-01-01,2025-01-01}', '{2025-01-31,2025-01-31,2025-01-31}', '{10,10,5}', '{2,1,0}',
        '{12,12,NULL}', '{f,f,NULL}', '{NULL,9,NULL}', '{"1 of 2 accounts differ",Sales,"not imported"}');
SELECT kind, statement, accounting_method, period_start, period_end, account_id, figure, other_figure, difference, compared, passed, detail
FROM reefqbo.tie_out_check WHERE model_id = :hill ORDER BY check_id;
SELECT count(DISTINCT check_id) FROM reefqbo.tie_out_check WHERE model_id = :hill;
-- of every check there is all
\set VERBOSITY sqlstate
INSERT INTO reefqbo._proof (model_id, connection_id, import_id, kinds, statements, methods, starts, ends, figures, compared)
VALUES (:hill, :link, 1, '{1,3}', '{1}', '{1,2}', '{2025-01-01,2025-02-01}', '{2025-01-31,2025-02-28}', '{10.50,20}', '{4,1}');
INSERT INTO reefqbo._proof (model_id, connection_id, import_id, kinds, statements, methods, starts, ends, figures, compared)
VALUES (:hill, :link, 1, '{9}', '{1}', '{1}', '{2025-01-01}', '{2025-01-31}', '{10.50}', '{4}');
INSERT INTO reefqbo._proof (model_id, connection_id, import_id, kinds, statements, methods, starts, ends, figures, compared)
VALUES (:hill, :link, 1, '{}', '{}', '{}', '{}', '{}', '{}', '{}');
\set VERBOSITY default
SELECT cardinality(reefqbo._proof_kinds()), cardinality(reefqbo._proof_statements()), cardinality(reefqbo._proof_methods());

--
-- Of many companies that are in order check() says how many; what is not is named.
--
BEGIN;
INSERT INTO reefqbo.model (name) SELECT 'Store Many ' || i FROM generate_series(10, 34) i;
INSERT INTO reefqbo.branch (model_id, name) SELECT model_id, name FROM reefqbo.model WHERE name LIKE 'Store Many %';
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest, company_name)
SELECT b.model_id, b.branch_id, 1, 'connected', '\x00', '\x00', b.name FROM reefqbo.branch b WHERE b.name LIKE 'Store Many %';
INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, classification, account_type)
SELECT c.model_id, c.connection_id, a, 'Sales', 'Sales', 'Revenue', 'Income' FROM reefqbo.connection c, unnest(ARRAY['1', '2']) a
WHERE c.company_name LIKE 'Store Many %';
INSERT INTO reefqbo.mapping (model, account_id, variable_type, category)
SELECT m.name, a.account_id, 'Revenue', 'Sales' FROM reefqbo.account a JOIN reefqbo.model m USING (model_id)
WHERE m.name LIKE 'Store Many %' AND (m.name, a.account_id) NOT IN (('Store Many 12', '2'), ('Store Many 20', '1'));
SELECT subject, status, finding FROM reefqbo.check() WHERE item = 'mapping' AND subject LIKE 'Store Many %' OR item = 'mapping' AND subject IS NULL;
-- twenty and fewer are named each
UPDATE reefqbo.connection SET status = 'disconnected' WHERE company_name > 'Store Many 31';
SELECT count(*), count(subject) FROM reefqbo.check() WHERE item = 'mapping' AND (subject LIKE 'Store Many %' OR subject IS NULL);
ROLLBACK;

--
-- Clean up.
--
DELETE FROM reefqbo._proof WHERE model_id = :hill;
DELETE FROM reefqbo._actual_year WHERE model_id = :hill;
DELETE FROM reefqbo.account WHERE model_id = :hill;
DELETE FROM reefqbo.connection WHERE model_id = :hill;
DELETE FROM reefqbo.branch WHERE model_id = :hill;
DELETE FROM reefqbo.model WHERE model_id = :hill;
