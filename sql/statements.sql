--
-- reefqbo.profit_and_loss and reefqbo.balance_sheet
--
-- The figures below are worked out by hand; see the comments. Rows are put into the tables directly.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS reefqbo CASCADE;
RESET client_min_messages;
\set SHOW_CONTEXT never
SET datestyle = ISO;

-- Helpers of this test, by branch: connections, fetched months, the amounts of a month by account id.
CREATE PROCEDURE pg_temp.link(branches text) LANGUAGE sql AS $$
    INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest, company_name)
    SELECT b.model_id, b.branch_id, 1, 'connected', '\x00', '\x00', b.name || ' Inc'
    FROM reefqbo.branch b
    WHERE b.name LIKE branches
$$;
CREATE PROCEDURE pg_temp.fetched(branch text, statement text, method text, VARIADIC months date[]) LANGUAGE sql AS $$
    INSERT INTO reefqbo.imported_month
    SELECT c.model_id, c.connection_id, fetched.statement, method, u.m, (u.m + interval '1 month')::date - 1,
           u.m = '2026-05-01', 1
    FROM reefqbo.connection c JOIN reefqbo.branch b USING (model_id, branch_id), unnest(months) u (m)
    WHERE b.name = branch
$$;
CREATE PROCEDURE pg_temp.amounts(branch text, statement text, method text, month date, amounts jsonb) LANGUAGE sql AS $$
    INSERT INTO reefqbo._actual_year AS y (model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id)
    SELECT c.model_id, c.connection_id, e.key, amounts.statement, method, extract(year FROM month),
           ARRAY(SELECT CASE WHEN n = extract(month FROM month) THEN e.value::numeric END FROM generate_series(1, 12) n), 1
    FROM reefqbo.connection c JOIN reefqbo.branch b USING (model_id, branch_id), jsonb_each_text(amounts.amounts) e
    WHERE b.name = branch
    ON CONFLICT ON CONSTRAINT _actual_year_pkey DO UPDATE
    SET amounts[extract(month FROM month)] = EXCLUDED.amounts[extract(month FROM month)]
$$;

SELECT reefqbo.create_model('Stmt Hill') > 0 AS made;
CALL pg_temp.link('Stmt Hill');

INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, account_number,
                             account_type, classification, parent_account_id, is_active, is_computed)
SELECT c.model_id, c.connection_id, a.*
FROM reefqbo.connection c JOIN reefqbo.branch b USING (model_id, branch_id), (VALUES
    ('1', 'Sales', 'Sales', '4000', 'Income', 'Revenue', NULL, true, false),
    ('2', 'Design', 'Sales:Design', '4010', 'Income', 'Revenue', '1', true, false),
    ('3', 'Labor', 'Sales:Labor', '4020', 'Income', 'Revenue', '1', true, false),
    ('4', 'Landscaping', 'Landscaping', '4100', 'Income', 'Revenue', NULL, true, false),
    ('5', 'Labor', 'Landscaping:Labor', '4110', 'Income', 'Revenue', '4', true, false),
    ('6', 'Plants', 'Landscaping:Labor:Plants', NULL, 'Income', 'Revenue', '5', true, false),
    ('10', 'Cost of Goods Sold', 'Cost of Goods Sold', NULL, 'Cost of Goods Sold', 'Expense', NULL, true, false),
    ('20', 'Rent (deleted)', 'Rent (deleted)', '6900', 'Expense', 'Expense', NULL, false, false),
    ('21', 'advertising', 'advertising', NULL, 'Expense', 'Expense', NULL, true, false),
    ('22', 'Zoo fees', 'Zoo fees', NULL, 'Expense', 'Expense', NULL, true, false),
    ('23', 'Never used', 'Never used', NULL, 'Expense', 'Expense', NULL, true, false),
    ('30', 'Interest Earned', 'Interest Earned', NULL, 'Other Income', 'Revenue', NULL, true, false),
    ('31', 'Depreciation', 'Depreciation', NULL, 'Other Expense', 'Expense', NULL, true, false),
    -- a type nobody knows, and a child whose parent is an Expense
    ('32', 'Adjustments', 'Adjustments', NULL, 'Brand New Type', 'Revenue', NULL, true, false),
    ('33', 'Penalties', 'advertising:Penalties', NULL, 'Other Expense', 'Expense', '21', true, false),
    ('50', 'Checking', 'Checking', NULL, 'Bank', 'Asset', NULL, true, false),
    ('51', 'Savings', 'Savings', NULL, 'Bank', 'Asset', NULL, true, false),
    ('52', 'Accounts Receivable (A/R)', 'Accounts Receivable (A/R)', NULL, 'Accounts Receivable', 'Asset', NULL, true, false),
    ('53', 'Inventory Asset', 'Inventory Asset', NULL, 'Other Current Asset', 'Asset', NULL, true, false),
    ('54', 'Truck', 'Truck', NULL, 'Fixed Asset', 'Asset', NULL, true, false),
    ('55', 'Original Cost', 'Truck:Original Cost', NULL, 'Fixed Asset', 'Asset', '54', true, false),
    ('56', 'Depreciation', 'Truck:Depreciation', NULL, 'Fixed Asset', 'Asset', '54', true, false),
    ('57', 'Security Deposits', 'Security Deposits', NULL, 'Other Asset', 'Asset', NULL, true, false),
    ('60', 'Accounts Payable (A/P)', 'Accounts Payable (A/P)', NULL, 'Accounts Payable', 'Liability', NULL, true, false),
    ('61', 'Mastercard', 'Mastercard', NULL, 'Credit Card', 'Liability', NULL, true, false),
    ('62', 'Tax Payable', 'Tax Payable', NULL, 'Other Current Liability', 'Liability', NULL, true, false),
    ('63', 'Notes Payable', 'Notes Payable', NULL, 'Long Term Liability', 'Liability', NULL, true, false),
    ('64', 'Mystery', 'Mystery', NULL, NULL, 'Liability', NULL, true, false),
    ('70', 'Opening Balance Equity', 'Opening Balance Equity', NULL, 'Equity', 'Equity', NULL, true, false),
    ('71', 'Retained Earnings', 'Retained Earnings', NULL, 'Equity', 'Equity', NULL, true, false),
    ('computed:NetIncome', 'Net Income', 'Net Income', NULL, NULL, NULL, NULL, true, true)
) a (account_id, name, fqn, number, type, class, parent, is_active, is_computed)
WHERE b.name = 'Stmt Hill';

-- Profit and loss, Accrual: January to March and May were fetched, April never.
-- In March nothing happened; May was not over yet.
CALL pg_temp.fetched('Stmt Hill', 'profit_and_loss', 'Accrual',
                       '2026-01-01', '2026-02-01', '2026-03-01', '2026-05-01');
CALL pg_temp.amounts('Stmt Hill', 'profit_and_loss', 'Accrual', '2026-01-01',
    '{"1": 100.00, "2": 1000.10, "3": 200.20, "5": 50.05, "6": 25.00, "10": 300.30, "20": 400.00, "21": 10.00,
      "22": 5.50, "30": 1.01, "31": 7.07, "32": 0.50, "33": 2.00}');
CALL pg_temp.amounts('Stmt Hill', 'profit_and_loss', 'Accrual', '2026-02-01',
    '{"1": -100.00, "2": 500, "20": 400.00, "23": 0.00}');
CALL pg_temp.amounts('Stmt Hill', 'profit_and_loss', 'Accrual', '2026-05-01', '{"2": 12.34, "21": 20.00}');
CALL pg_temp.fetched('Stmt Hill', 'profit_and_loss', 'Cash', '2026-01-01');
CALL pg_temp.amounts('Stmt Hill', 'profit_and_loss', 'Cash', '2026-01-01', '{"2": 900.00, "20": 400.00}');

-- Balance sheet.
CALL pg_temp.fetched('Stmt Hill', 'balance_sheet', 'Accrual',
                       '2025-12-01', '2026-01-01', '2026-02-01', '2026-03-01', '2026-05-01');
CALL pg_temp.amounts('Stmt Hill', 'balance_sheet', 'Accrual', '2025-12-01',
    '{"50": 5000.00, "70": 4000.00, "computed:NetIncome": 1000.00}');
\set others '\'{"51": 100.00, "52": 300.05, "53": 96.25, "55": 1349.50, "56": -49.50, "57": 55.69, "61": 30.00, "62": 20.00, "63": 900.00, "64": 100.00, "70": 4000.00, "71": 1000.00}\'::jsonb'
CALL pg_temp.amounts('Stmt Hill', 'balance_sheet', 'Accrual', '2026-01-01',
    :others || '{"50": 5000.00, "60": 150.00, "computed:NetIncome": 651.99}');
CALL pg_temp.amounts('Stmt Hill', 'balance_sheet', 'Accrual', '2026-02-01',
    :others || '{"50": 4900.00, "60": 50.00, "computed:NetIncome": 651.99}');
CALL pg_temp.amounts('Stmt Hill', 'balance_sheet', 'Accrual', '2026-03-01',
    :others || '{"50": 4900.00, "60": 50.00, "computed:NetIncome": 651.99}');
CALL pg_temp.amounts('Stmt Hill', 'balance_sheet', 'Accrual', '2026-05-01',
    :others || '{"50": 4892.34, "60": 50.00, "computed:NetIncome": 644.33}');

--
-- Months. January by hand:
--   Income    100.00 + 1000.10 + 200.20 = 1300.30 Sales; 50.05 + 25.00 = 75.05 Landscaping; 1375.35 in all
--   Gross Profit          1375.35 - 300.30 = 1075.05
--   Expenses              400.00 + 10.00 + 5.50 = 415.50
--   Net Operating Income  1075.05 - 415.50 = 659.55
--   Net Other Income      (1.01 + 0.50) - (7.07 + 2.00) = -7.56
--   Net Income            659.55 - 7.56 = 651.99
-- February: 500.00 - 100.00 - 400.00 = 0.00. March: 0.00. May: 12.34 - 20.00 = -7.66.
-- April is absent, and so is the account that never had an amount other than 0.
--
SELECT label, period, amount FROM reefqbo.profit_and_loss('Stmt Hill', '2026-01-01', '2026-12-31') \crosstabview

-- One month with every column.
SELECT line, depth, label, kind, section, account_id AS id, account_number AS no, amount
FROM reefqbo.profit_and_loss('Stmt Hill', '2026-01-01', '2026-01-31');

-- Cash: 900.00 - 400.00 = 500.00, and what was not moved in Cash is not there.
SELECT label, period, amount
FROM reefqbo.profit_and_loss('Stmt Hill', '2026-01-01', '2026-12-31', accounting_method => 'Cash') \crosstabview

-- A month without a row: the lines that always come.
SELECT label, amount FROM reefqbo.profit_and_loss('Stmt Hill', '2026-03-01', '2026-03-31');

--
-- Quarters: the first is whole, 651.99 + 0.00 + 0.00. April to June lacks April, so it is absent ...
--
SELECT label, period, amount
FROM reefqbo.profit_and_loss('Stmt Hill', '2026-01-01', '2026-12-31', 'quarter') \crosstabview
-- ... and the part of it that is asked for here is May alone, which is there and not over.
SELECT period, period_start, period_end, is_provisional, amount
FROM reefqbo.profit_and_loss('Stmt Hill', '2026-02-01', '2026-05-31', 'quarter') WHERE label = 'Net Income';
SELECT period, period_start, period_end, is_provisional, amount
FROM reefqbo.profit_and_loss('Stmt Hill', '2026-05-01', '2026-05-31', 'quarter') WHERE label = 'Net Income';
-- Years: the months asked for, if all of them were fetched.
SELECT period, period_start, period_end, is_provisional, amount
FROM reefqbo.profit_and_loss('Stmt Hill', '2026-01-01', '2026-03-31', 'year') WHERE label = 'Net Income';
SELECT count(*) FROM reefqbo.profit_and_loss('Stmt Hill', '2026-01-01', '2026-12-31', 'year');
-- A month that is only partly inside the dates is not shown: February and March lie inside these.
SELECT period, amount FROM reefqbo.profit_and_loss('Stmt Hill', '2026-01-02', '2026-04-29') WHERE label = 'Net Income';
SELECT period, period_start, period_end FROM reefqbo.profit_and_loss('Stmt Hill', '2026-01-02', '2026-04-29', 'quarter')
WHERE label = 'Net Income';
SELECT count(*) FROM reefqbo.profit_and_loss('Stmt Hill', '2026-01-02', '2026-01-31');
-- Open ends: everything that was fetched.
SELECT period, amount FROM reefqbo.profit_and_loss('Stmt Hill', '-infinity', 'infinity') WHERE label = 'Net Income';
SELECT period, amount FROM reefqbo.profit_and_loss('Stmt Hill', '-infinity', 'infinity', 'quarter') WHERE label = 'Net Income';

--
-- Balances. January by hand:
--   Total Current Assets  5000.00 + 100.00 + 300.05 + 96.25 = 5496.30
--   Total Assets          5496.30 + (1349.50 - 49.50) + 55.69 = 6851.99
--   Total Liabilities     150.00 + 30.00 + 20.00 + 900.00 + 100.00 = 1200.00
--   Total Equity          4000.00 + 1000.00 + 651.99 = 5651.99, together 6851.99
-- February: both 100.00 less. May: Checking and Net Income 7.66 less, 6744.33.
--
SELECT label, period, amount FROM reefqbo.balance_sheet('Stmt Hill', '2025-12-01', '2026-12-31') \crosstabview
SELECT period, sum(amount) FILTER (WHERE label = 'Total Assets') AS assets,
       sum(amount) FILTER (WHERE label = 'Total Liabilities and Equity') AS liabilities_and_equity,
       sum(amount) FILTER (WHERE kind IN ('account', 'computed')) AS all_lines
FROM reefqbo.balance_sheet('Stmt Hill', '2025-12-01', '2026-12-31')
GROUP BY period ORDER BY period;
SELECT line, depth, label, kind, section, account_id AS id
FROM reefqbo.balance_sheet('Stmt Hill', '2026-01-01', '2026-01-31') WHERE section IN ('Fixed Assets', 'Equity');
-- A quarter or a year has the balance of its last month.
SELECT label, period, period_end, amount
FROM reefqbo.balance_sheet('Stmt Hill', '2025-12-01', '2026-03-31', 'quarter')
WHERE label IN ('Total Assets', '      Checking') ORDER BY line, period;
SELECT label, period, period_start, period_end, amount
FROM reefqbo.balance_sheet('Stmt Hill', '2025-12-01', '2026-03-31', 'year')
WHERE label IN ('Total Assets', '      Checking') ORDER BY line, period;
-- Never fetched: nothing at all.
SELECT count(*) FROM reefqbo.balance_sheet('Stmt Hill', '2025-12-01', '2026-12-31', accounting_method => 'Cash');

--
-- A label occurs once, whatever the accounts are called.
--
BEGIN;
UPDATE reefqbo.account a SET name = n.name
FROM (VALUES ('4', 'Total Sales'), ('2', 'Labor'), ('6', 'Labor [3]'), ('22', 'Total advertising'), ('57', 'Bank Accounts'),
             ('62', 'Total Accounts Payable'), ('63', 'Net Income')) n (id, name)
WHERE a.account_id = n.id AND a.model_id = (SELECT model_id FROM reefqbo.model WHERE name = 'Stmt Hill');
SELECT label, amount FROM reefqbo.profit_and_loss('Stmt Hill', '2026-01-01', '2026-01-31') WHERE section = 'Income';
SELECT count(DISTINCT line) AS lines, count(DISTINCT label) AS labels
FROM reefqbo.profit_and_loss('Stmt Hill', '2026-01-01', '2026-12-31');
SELECT count(DISTINCT line) AS lines, count(DISTINCT label) AS labels
FROM reefqbo.balance_sheet('Stmt Hill', '2026-01-01', '2026-12-31');
ROLLBACK;

--
-- Parents in a circle, and a parent of another type: nothing is lost and no line comes twice.
-- 1300.30 of Sales and 75.05 of Landscaping stay 1375.35.
--
BEGIN;
UPDATE reefqbo.account a SET parent_account_id = n.parent
FROM (VALUES ('1', '2'), ('4', '4'), ('10', '20')) n (id, parent)
WHERE a.account_id = n.id AND a.model_id = (SELECT model_id FROM reefqbo.model WHERE name = 'Stmt Hill');
SELECT label, amount FROM reefqbo.profit_and_loss('Stmt Hill', '2026-01-01', '2026-01-31')
WHERE section IN ('Income', 'Cost of Goods Sold') OR label = 'Net Income';
ROLLBACK;

--
-- Which company is shown.
--
SELECT reefqbo.create_model('Stmt Group') > 0 AS made;
SELECT reefqbo.create_branch('Stmt Group', 'Stmt North') > 0 AS made;
SELECT reefqbo.create_branch('Stmt Group', 'Stmt South') > 0 AS made;
-- no connection
SELECT * FROM reefqbo.profit_and_loss('Stmt Group', '2026-01-01', '2026-12-31');
\echo :SQLSTATE
-- the only one
CALL pg_temp.link('Stmt South');
CALL pg_temp.fetched('Stmt South', 'profit_and_loss', 'Accrual', '2026-01-01');
SELECT label, amount FROM reefqbo.profit_and_loss('Stmt Group', '2026-01-01', '2026-12-31');
SELECT label, amount FROM reefqbo.profit_and_loss('Stmt Group', '2026-01-01', '2026-12-31', branch => 'Stmt North');
\echo :SQLSTATE
-- several and none at the root
CALL pg_temp.link('Stmt North');
CALL pg_temp.fetched('Stmt North', 'profit_and_loss', 'Accrual', '2026-02-01');
SELECT * FROM reefqbo.balance_sheet('Stmt Group', '2026-01-01', '2026-12-31');
\echo :SQLSTATE
SELECT DISTINCT period FROM reefqbo.profit_and_loss('Stmt Group', '2026-01-01', '2026-12-31', branch => 'Stmt North');
SELECT DISTINCT period FROM reefqbo.profit_and_loss('Stmt Group', '2026-01-01', '2026-12-31', branch => 'Stmt South');
-- the root's
CALL pg_temp.link('Stmt Group');
CALL pg_temp.fetched('Stmt Group', 'profit_and_loss', 'Accrual', '2026-03-01');
SELECT DISTINCT period FROM reefqbo.profit_and_loss('Stmt Group', '2026-01-01', '2026-12-31');

--
-- Errors.
--
SELECT * FROM reefqbo.profit_and_loss('Stmt Nobody', '2026-01-01', '2026-12-31');
\echo :SQLSTATE
SELECT * FROM reefqbo.profit_and_loss(NULL, '2026-01-01', '2026-12-31');
\echo :SQLSTATE
SELECT * FROM reefqbo.profit_and_loss('Stmt Hill', '2026-01-01', '2026-12-31', branch => 'Stmt Valley');
\echo :SQLSTATE
SELECT * FROM reefqbo.profit_and_loss('Stmt Hill', '2026-01-01', '2026-12-31', 'week');
\echo :SQLSTATE
SELECT * FROM reefqbo.balance_sheet('Stmt Hill', '2026-01-01', '2026-12-31', NULL);
\echo :SQLSTATE
SELECT * FROM reefqbo.balance_sheet('Stmt Hill', '2026-01-01', '2026-12-31', accounting_method => 'accrual');
\echo :SQLSTATE
SELECT * FROM reefqbo.profit_and_loss('Stmt Hill', '2026-12-31', '2026-01-01');
\echo :SQLSTATE
SELECT * FROM reefqbo.profit_and_loss('Stmt Hill', NULL, '2026-01-01');
\echo :SQLSTATE

--
-- Who has access to the model and is granted the function reads statements, and nothing else.
--
CREATE ROLE regress_reefqbo_reader;
GRANT USAGE ON SCHEMA reefqbo TO regress_reefqbo_reader;
GRANT EXECUTE ON FUNCTION reefqbo.profit_and_loss(text, date, date, text, text, text) TO regress_reefqbo_reader;
INSERT INTO reefqbo.access (model_id, grantee, level, granted_by)
SELECT model_id, 'regress_reefqbo_reader', 'reader', current_user FROM reefqbo.model WHERE name = 'Stmt Hill';
SET ROLE regress_reefqbo_reader;
SELECT amount FROM reefqbo.profit_and_loss('Stmt Hill', '2026-01-01', '2026-01-31') WHERE label = 'Net Income';
SELECT amount FROM reefqbo.balance_sheet('Stmt Hill', '2026-01-01', '2026-01-31');
SELECT count(*) FROM reefqbo._statement_tree(1, 1, 'profit_and_loss');
SELECT count(*) FROM reefqbo.actual;
RESET ROLE;
DELETE FROM reefqbo.access WHERE grantee = 'regress_reefqbo_reader'::regrole;
DROP OWNED BY regress_reefqbo_reader;
DROP ROLE regress_reefqbo_reader;

--
-- Among many companies, actuals are found by their key: 500 companies, 50,000 rows, none of them scanned through.
--
BEGIN;
INSERT INTO reefqbo.model (name) SELECT 'Stmt Many ' || i FROM generate_series(1, 500) i;
INSERT INTO reefqbo.branch (model_id, name) SELECT model_id, name FROM reefqbo.model WHERE name LIKE 'Stmt Many %';
CALL pg_temp.link('Stmt Many %');
INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, account_type, classification)
SELECT c.model_id, c.connection_id, i::text, 'Account ' || i, 'Account ' || i, 'Income', 'Revenue'
FROM reefqbo.connection c JOIN reefqbo.model m USING (model_id), generate_series(1, 10) i
WHERE m.name LIKE 'Stmt Many %';
CALL pg_temp.fetched('Stmt Many 250', 'profit_and_loss', 'Accrual',
    '2025-01-01', '2025-02-01', '2025-03-01', '2025-04-01', '2025-05-01', '2025-06-01',
    '2025-07-01', '2025-08-01', '2025-09-01', '2025-10-01');
INSERT INTO reefqbo._actual_year (model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id)
SELECT a.model_id, a.connection_id, a.account_id, 'profit_and_loss', 'Accrual', 2025, '{1,1,1,1,1,1,1,1,1,1,NULL,NULL}', 1
FROM reefqbo.account a JOIN reefqbo.model USING (model_id) WHERE model.name LIKE 'Stmt Many %';
ANALYZE reefqbo._actual_year;
CREATE TEMPORARY VIEW scans AS
SELECT seq_scan, idx_scan FROM pg_stat_xact_user_tables WHERE relid = 'reefqbo._actual_year'::regclass;
CREATE TEMPORARY TABLE before ON COMMIT DROP AS SELECT * FROM scans;
-- 10 accounts, 1 a month each; of the last quarter only October is asked for
SELECT period, amount FROM reefqbo.profit_and_loss('Stmt Many 250', '2025-01-01', '2025-10-31', 'quarter')
WHERE label = 'Total Income';
SELECT s.seq_scan - b.seq_scan AS sequential_scans, s.idx_scan > b.idx_scan AS index_used FROM scans s, before b;
ROLLBACK;

--
-- The statements of groups say the same of one company, of accounts without a type too.
--
WITH ours AS (
    SELECT s.label, s.period, s.amount FROM reefqbo.profit_and_loss('Stmt Hill', '-infinity', 'infinity') s
    UNION ALL SELECT s.label, s.period, s.amount FROM reefqbo.balance_sheet('Stmt Hill', '-infinity', 'infinity') s
), theirs AS (
    SELECT s.label, s.period, s.amount FROM reefqbo.statement('Stmt Hill', 'profit_and_loss', '-infinity', 'infinity', company => true) s
    UNION ALL SELECT s.label, s.period, s.amount FROM reefqbo.statement('Stmt Hill', 'balance_sheet', '-infinity', 'infinity', company => true) s
), untyped AS (
    SELECT v.account_id FROM reefqbo.actual v
    JOIN reefqbo.account a USING (model_id, connection_id, account_id) JOIN reefqbo.model m USING (model_id)
    WHERE m.name = 'Stmt Hill' AND a.account_type IS NULL AND v.amount <> 0
)
SELECT (SELECT count(*) > 50 FROM ours) AS many, (SELECT count(*) > 0 FROM untyped) AS some_without_type,
       (SELECT count(*) FROM (SELECT * FROM ours WHERE amount <> 0 EXCEPT SELECT * FROM theirs) d) AS missing,
       (SELECT count(*) FROM (SELECT * FROM theirs WHERE amount <> 0 EXCEPT SELECT * FROM ours) d) AS surplus;

--
-- Clean up.
--
DELETE FROM reefqbo._actual_year WHERE model_id IN (SELECT model_id FROM reefqbo.model WHERE name LIKE 'Stmt %');
DELETE FROM reefqbo.imported_month WHERE model_id IN (SELECT model_id FROM reefqbo.model WHERE name LIKE 'Stmt %');
DELETE FROM reefqbo.account WHERE model_id IN (SELECT model_id FROM reefqbo.model WHERE name LIKE 'Stmt %');
DELETE FROM reefqbo.connection WHERE model_id IN (SELECT model_id FROM reefqbo.model WHERE name LIKE 'Stmt %');
DELETE FROM reefqbo.branch WHERE model_id IN (SELECT model_id FROM reefqbo.model WHERE name LIKE 'Stmt %');
DELETE FROM reefqbo.model WHERE name LIKE 'Stmt %';
