--
-- reefqbo.elimination: entries among the accounts of a type, amounts of the currency, and categories that there are
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS reefqbo CASCADE;
RESET client_min_messages;
\set SHOW_CONTEXT never
SET datestyle = ISO;

SELECT count(reefqbo.create_model('Loans'));
SELECT count(reefqbo.create_branch('Loans', b)) FROM unnest('{Parent,Daughter}'::text[]) b;
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest, company_name, home_currency)
SELECT b.model_id, b.branch_id, 1, 'connected', '\x00', '\x00', b.name || ' Ltd', 'USD'
FROM reefqbo.branch b JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Loans' AND b.parent_branch_id IS NOT NULL;

-- The parent, which has 1,000.00, lends 400.00 to its daughter in February; from then on 10.00 of interest a month.
CREATE TEMPORARY TABLE book (company text, statement text, account_id text, name text, account_type text, classification text, amounts numeric[]);
INSERT INTO book VALUES
    ('Parent Ltd', 'profit_and_loss', '1', 'Interest earned', 'Other Income', 'Revenue', '{NULL,10.00,10.00}'),
    ('Parent Ltd', 'balance_sheet', '2', 'Bank', 'Bank', 'Asset', '{1000.00,610.00,620.00}'),
    ('Parent Ltd', 'balance_sheet', '3', 'Loan to Daughter', 'Other Asset', 'Asset', '{NULL,400.00,400.00}'),
    ('Parent Ltd', 'balance_sheet', '4', 'Capital', 'Equity', 'Equity', '{1000.00,1000.00,1000.00}'),
    ('Parent Ltd', 'balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', '{NULL,10.00,20.00}'),
    ('Daughter Ltd', 'profit_and_loss', '1', 'Interest paid', 'Other Expense', 'Expense', '{NULL,10.00,10.00}'),
    ('Daughter Ltd', 'balance_sheet', '2', 'Bank', 'Bank', 'Asset', '{50.00,440.00,430.00}'),
    ('Daughter Ltd', 'balance_sheet', '3', 'Loan from Parent', 'Long Term Liability', 'Liability', '{NULL,400.00,400.00}'),
    ('Daughter Ltd', 'balance_sheet', '4', 'Capital', 'Equity', 'Equity', '{50.00,50.00,50.00}'),
    ('Daughter Ltd', 'balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', '{NULL,-10.00,-20.00}');
INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, account_type, classification, is_computed)
SELECT c.model_id, c.connection_id, b.account_id, b.name, b.name, b.account_type, b.classification, b.account_id ~ '^computed'
FROM book b JOIN reefqbo.connection c ON c.company_name = b.company;
INSERT INTO reefqbo.imported_month
SELECT c.model_id, c.connection_id, s, 'Accrual', make_date(2026, n, 1), make_date(2026, n + 1, 1) - 1, false, 1
FROM reefqbo.connection c, unnest('{profit_and_loss,balance_sheet}'::text[]) s, generate_series(1, 3) n
WHERE c.company_name IN ('Parent Ltd', 'Daughter Ltd');
INSERT INTO reefqbo._actual_year (model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id)
SELECT c.model_id, c.connection_id, b.account_id, b.statement, 'Accrual', 2026, b.amounts || array_fill(NULL::numeric, ARRAY[9]), 1
FROM book b JOIN reefqbo.connection c ON c.company_name = b.company;
INSERT INTO reefqbo.mapping (model, company_branch, account_id, variable_type, category)
VALUES ('Loans', 'Parent', '1', 'Revenue', 'Interest'), ('Loans', 'Parent', '3', 'Asset', 'Loans'), ('Loans', 'Daughter', '1', 'Opex', 'Interest'),
       ('Loans', 'Daughter', '3', 'Liability', 'Loans');

CREATE ROLE loans_operator;
SELECT reefqbo.grant_access('loans_operator', 'operator', 'Loans');
CREATE FUNCTION pg_temp.state(month date, amount numeric, debit text, debit_among text, debit_category text, credit text, credit_among text,
                              credit_category text)
RETURNS bigint
BEGIN ATOMIC
    INSERT INTO reefqbo.elimination (model_id, branch_id, month, amount, debit_type, debit_account_type, debit_category, credit_type,
                                     credit_account_type, credit_category)
    SELECT b.model_id, b.branch_id, $1, $2, $3, $4, $5, $6, $7, $8
    FROM reefqbo.branch b JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Loans' AND b.parent_branch_id IS NULL
    RETURNING amount::bigint;
END;
SET ROLE loans_operator;
SELECT pg_temp.state('2026-02-01', 400.00, 'Liability', 'Long Term Liability', 'Loans', 'Asset', 'Other Asset', 'Loans');
SELECT pg_temp.state('2026-02-01', 10.00, 'Revenue', 'Other Income', 'Interest', 'Opex', 'Other Expense', 'Interest');

-- Neither the loan nor its interest is the group's: 1,050.00 it has, all in banks, and it has earned nothing.
SELECT label, period, amount FROM reefqbo.statement('Loans', 'balance_sheet', '2026-01-01', '2026-02-28') WHERE depth <= 1 AND kind = 'total';
SELECT label, amount FROM reefqbo.statement('Loans', 'balance_sheet', '2026-02-01', '2026-02-28') WHERE label ~ 'Eliminations' ORDER BY line;
SELECT label, amount FROM reefqbo.statement('Loans', 'profit_and_loss', '2026-02-01', '2026-02-28') WHERE depth = 0 AND kind <> 'section' ORDER BY line;
SELECT label, amount FROM reefqbo.statement('Loans', 'profit_and_loss', '2026-02-01', '2026-02-28', lines => 'category') WHERE depth = 0 AND kind <> 'section' ORDER BY line;
-- The parent has invested 400.00, the daughter was financed by it; the group did neither.
SELECT b.branch, s.label, s.amount
FROM unnest('{Loans,Parent,Daughter}'::text[]) WITH ORDINALITY b (branch, place)
CROSS JOIN LATERAL reefqbo.statement('Loans', 'cash_flow', '2026-02-01', '2026-02-28', branch => CASE WHEN b.place > 1 THEN b.branch END) s
WHERE s.label ~ '^(Net Cash|Net Change|Cash at End)' ORDER BY b.place, s.line;
-- What is it made of?
SELECT company_name, account_name, amount FROM reefqbo.statement_parts('Loans', 'balance_sheet', 'Total Other Assets', '2026-02-01', '2026-02-28');
SELECT company_name, account_name, amount FROM reefqbo.statement_parts('Loans', 'profit_and_loss', 'Total Other Income', '2026-02-01', '2026-02-28', lines => 'category');

-- An account type of another kind, an amount that the currency has not, a category that nothing is mapped to.
SELECT pg_temp.state('2026-03-01', 1.00, 'Liability', 'Other Asset', 'Loans', 'Asset', NULL, 'Loans');
SELECT pg_temp.state('2026-03-01', 1.00, 'Tax', 'Expense', 'Tax', 'Asset', NULL, 'Loans');
SELECT pg_temp.state('2026-03-01', 1.005, 'Liability', NULL, 'Loans', 'Asset', NULL, 'Loans');
SELECT pg_temp.state('2026-03-01', 1.00, 'Liability', NULL, 'Laons', 'Asset', NULL, 'Loans');
UPDATE reefqbo.elimination SET amount = 400.001 WHERE amount = 400;
-- No account is mapped to the type: there is nothing to hold it against.
SELECT pg_temp.state('2026-03-01', 1.00, 'Equity', NULL, 'Shares', 'Asset', NULL, 'Loans');
RESET ROLE;
SELECT count(*) FROM reefqbo.elimination e JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Loans';
SELECT reefqbo.revoke_access('loans_operator', 'Loans');
DROP ROLE loans_operator;
