--
-- reefqbo.statement_parts: from a cell to companies, accounts, months, rates and entries, each step summing to the one above
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS reefqbo CASCADE;
RESET client_min_messages;
\set SHOW_CONTEXT never
SET datestyle = ISO;

SELECT count(reefqbo.create_model('Under'));
SELECT count(reefqbo.create_branch('Under', b)) FROM unnest('{Home,Abroad,Shop}'::text[]) b;
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest, company_name, home_currency)
SELECT b.model_id, b.branch_id, 1, 'connected', '\x00', '\x00', b.name || ' Ltd', CASE b.name WHEN 'Home' THEN 'USD' ELSE 'EUR' END
FROM reefqbo.branch b JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Under' AND b.name IN ('Home', 'Abroad');
SELECT reefqbo.set_currency('Under', 'USD');

-- January to March: what each account has in each month; the same accounts in both companies.
CREATE TEMPORARY TABLE book (statement text, account_id text, name text, account_type text, classification text, account_subtype text, amounts numeric[]);
INSERT INTO book VALUES
    ('profit_and_loss', '1', 'Sales', 'Income', 'Revenue', NULL, '{100.01,200.02,300.03}'),
    ('profit_and_loss', '2', 'Goods', 'Cost of Goods Sold', 'Expense', NULL, '{40.00,50.00,60.00}'),
    ('profit_and_loss', '3', 'Wages', 'Expense', 'Expense', 'PayrollExpenses', '{20.00,20.00,20.00}'),
    ('profit_and_loss', '4', 'Interest', 'Expense', 'Expense', 'InterestPaid', '{1.00,2.00,3.00}'),
    ('profit_and_loss', '5', 'Tax', 'Other Expense', 'Expense', 'IncomeTaxOtherExpense', '{5.00,NULL,7.00}'),
    ('profit_and_loss', '6', 'Gains', 'Other Income', 'Revenue', NULL, '{NULL,4.00,NULL}'),
    -- profits 34.01, 132.02, 210.03; to date 34.01, 166.03, 376.06
    ('balance_sheet', '10', 'Bank', 'Bank', 'Asset', NULL, '{1034.01,1100.03,1300.06}'),
    ('balance_sheet', '11', 'Customers', 'Accounts Receivable', 'Asset', NULL, '{NULL,66.00,76.00}'),
    ('balance_sheet', '12', 'Suppliers', 'Accounts Payable', 'Liability', NULL, '{500.00,500.00,500.00}'),
    ('balance_sheet', '13', 'Capital', 'Equity', 'Equity', NULL, '{500.00,500.00,500.00}'),
    ('balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', NULL, '{34.01,166.03,376.06}');
INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, account_type, classification, account_subtype, is_computed)
SELECT c.model_id, c.connection_id, b.account_id, b.name, b.name, b.account_type, b.classification, b.account_subtype, b.account_id ~ '^computed'
FROM book b, reefqbo.connection c WHERE c.company_name IN ('Home Ltd', 'Abroad Ltd');
INSERT INTO reefqbo.imported_month
SELECT c.model_id, c.connection_id, s, 'Accrual', make_date(2026, n, 1), make_date(2026, n + 1, 1) - 1, false, 1
FROM reefqbo.connection c, unnest('{profit_and_loss,balance_sheet}'::text[]) s, generate_series(1, 3) n
WHERE c.company_name IN ('Home Ltd', 'Abroad Ltd');
INSERT INTO reefqbo._actual_year (model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id)
SELECT c.model_id, c.connection_id, b.account_id, b.statement, 'Accrual', 2026, b.amounts || array_fill(NULL::numeric, ARRAY[9]), 1
FROM book b, reefqbo.connection c WHERE c.company_name IN ('Home Ltd', 'Abroad Ltd');
SELECT count(reefqbo.set_rate('Under', 'EUR', make_date(2026, n, 1), 1.1 + 0.013 * n, 1.1 + 0.007 * n, CASE n WHEN 1 THEN 1.05 END)) FROM generate_series(1, 3) n;
INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Under', 'Home');
UPDATE reefqbo.mapping SET branch = 'Shop' WHERE model = 'Under' AND company_branch = 'Home' AND account_name IN ('Wages', 'Customers');
INSERT INTO reefqbo.elimination (model_id, branch_id, month, reversed_in, amount, debit_type, debit_category, credit_type, credit_category, memo)
SELECT b.model_id, b.branch_id, e.*
FROM reefqbo.branch b JOIN reefqbo.model m USING (model_id),
     (VALUES ('2026-01-01'::date, NULL::date, 30, 'Revenue', 'Income', 'COGS', 'Cost of Goods Sold', 'a sale'),
             ('2026-02-01', '2026-03-01', 12, 'Liability', 'Accounts Payable', 'Asset', 'Accounts Receivable', 'a claim'),
             ('2026-02-01', NULL, 3, 'COGS', 'Cost of Goods Sold', 'Asset', 'Stock', 'a profit in stock')) e
WHERE m.name = 'Under' AND b.parent_branch_id IS NULL;

-- Every line of every statement is the sum of its parts.
SELECT s.statement, l.lines, b.branch, count(*) > 8 AS many, count(*) FILTER (WHERE s.amount IS DISTINCT FROM coalesce(p.amount, 0)) AS wrong
FROM (VALUES ('account'), ('category')) l (lines),
     (VALUES (NULL), ('Home'), ('Abroad'), ('Shop')) b (branch),
     (VALUES ('profit_and_loss'), ('balance_sheet')) n (statement),
     LATERAL (SELECT n.statement, x.label, x.amount, x.period_start, x.period_end
              FROM reefqbo.statement('Under', n.statement, '2026-01-01', '2026-03-31', 'quarter', l.lines, branch => b.branch) x
              WHERE x.kind <> 'section') s,
     LATERAL (SELECT sum(y.amount) AS amount
              FROM reefqbo.statement_parts('Under', n.statement, s.label, s.period_start, s.period_end, l.lines, branch => b.branch) y) p
GROUP BY s.statement, l.lines, b.branch
ORDER BY s.statement, l.lines, b.branch;

-- Net income of January: at home 100.01 - 40 - 20 - 1 - 5 = 34.01; abroad each at 1.107: 110.71 - 44.28 - 22.14 - 1.11 - 5.54 (5.535);
-- a sale within the group is neither income (-30) nor cost (30).
SELECT company_name, account_id, account_name, month, home_currency, home_amount, rate, memo, currency, amount
FROM reefqbo.statement_parts('Under', 'profit_and_loss', 'Net Income', '2026-01-01', '2026-01-31');
-- Total assets at the end of February: abroad at 1.126, 1100.03 (1238.63) and 66 (74.32); less the claim and the profit in stock.
SELECT company_name, account_id, account_name, month, home_currency, home_amount, rate, memo, currency, amount
FROM reefqbo.statement_parts('Under', 'balance_sheet', 'Total Assets', '2026-02-01', '2026-02-28', lines => 'category');
-- What costs of interest and tax there were, in two months.
SELECT company_name, account_name, month, home_amount, amount
FROM reefqbo.statement_parts('Under', 'profit_and_loss', 'Net Interest Expense', '2026-01-01', '2026-02-28');
SELECT account_name, month, amount FROM reefqbo.statement_parts('Under', 'profit_and_loss', 'Total Tax', '2026-01-01', '2026-03-31', lines => 'category', branch => 'Home');
-- Errors.
SELECT amount FROM reefqbo.statement_parts('Under', 'profit_and_loss', 'Gross Loss', '2026-01-01', '2026-01-31');
SELECT amount FROM reefqbo.statement_parts('Under', 'cash_flow', 'Net Income', '2026-01-01', '2026-01-31');
SELECT amount FROM reefqbo.statement_parts('Under', 'profit_and_loss', 'Net Income', '2026-01-01', '2026-04-30');

-- A branch of entries alone has statements of its own. Income -30, cost -30 + 3, so that net income is -3; the claim is paid in March, and
-- what is left in assets is the profit in stock.
SELECT reefqbo.create_branch('Under', 'Eliminations') > 0 AS made;
UPDATE reefqbo.elimination SET branch_id = (SELECT b.branch_id FROM reefqbo.branch b WHERE b.model_id = elimination.model_id AND b.name = 'Eliminations')
WHERE model_id = (SELECT m.model_id FROM reefqbo.model m WHERE m.name = 'Under');
SELECT label, amount FROM reefqbo.statement('Under', 'profit_and_loss', '2026-01-01', '2026-03-31', 'quarter', branch => 'Eliminations') WHERE kind <> 'section';
SELECT label, period, amount FROM reefqbo.statement('Under', 'balance_sheet', '2026-02-01', '2026-03-31', branch => 'Eliminations', lines => 'category')
WHERE kind <> 'section' AND depth = 0;
SELECT label, amount FROM reefqbo.statement('Under', 'cash_flow', '2026-02-01', '2026-02-28', branch => 'Eliminations') WHERE kind <> 'section';
SELECT memo, month, amount FROM reefqbo.statement_parts('Under', 'profit_and_loss', 'Net Income', '2026-01-01', '2026-03-31', branch => 'Eliminations');

-- A month that one company alone has is left out, and told, where the parts are shown as well.
INSERT INTO reefqbo.imported_month
SELECT c.model_id, c.connection_id, s, 'Accrual', '2026-04-01', '2026-04-30', false, 1
FROM reefqbo.connection c, unnest('{profit_and_loss,balance_sheet}'::text[]) s WHERE c.company_name = 'Home Ltd';
SELECT part, home_amount, amount FROM reefqbo.reconcile('Under', 'profit_and_loss', '2026-03-01', '2026-04-30') WHERE label = 'Net Operating Income';
