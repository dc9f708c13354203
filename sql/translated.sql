--
-- A company in another currency: its translation, rolled forward, and its cash flow; and what does not balance, which nothing takes up.
--
-- Worked out by hand, by IAS 21.39 to 21.41 and ASC 830-30-45-3 to 45-12 (translation), IAS 7.25 to 7.28 and ASC 830-230-45-1 (cash flow).
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS reefqbo CASCADE;
\set SHOW_CONTEXT never
SET datestyle = ISO;

SELECT count(reefqbo.create_model(m)) FROM unnest('{Asleep,Awake,Askew}'::text[]) m;
SELECT count(reefqbo.create_branch('Awake', 'Store'));
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest, company_name, home_currency)
SELECT b.model_id, b.branch_id, 1, 'connected', '\x00', '\x00', b.name || ' SA', CASE b.name WHEN 'Askew' THEN 'USD' ELSE 'EUR' END
FROM reefqbo.branch b WHERE b.name IN ('Asleep', 'Awake', 'Askew');
SELECT reefqbo.set_currency(m, 'USD') FROM unnest('{Asleep,Awake}'::text[]) m;

CREATE TEMPORARY TABLE books (company text, statement text, account_id text, name text, account_type text, classification text, amounts numeric[]);
-- The months are December 2025, January 2026, and so on.
CREATE PROCEDURE pg_temp.keep(first date) LANGUAGE sql AS $$
    INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, account_type, classification, is_computed)
    SELECT c.model_id, c.connection_id, b.account_id, b.name, b.name, b.account_type, b.classification, b.account_id ~ '^computed'
    FROM books b JOIN reefqbo.connection c ON c.company_name = b.company;
    INSERT INTO reefqbo.imported_month
    SELECT DISTINCT c.model_id, c.connection_id, s.statement, 'Accrual', (first + interval '1 month' * (n - 1))::date,
           (first + interval '1 month' * n)::date - 1, false, 1
    FROM books b JOIN reefqbo.connection c ON c.company_name = b.company, (VALUES ('profit_and_loss'), ('balance_sheet')) s (statement),
         generate_series(1, cardinality(b.amounts)) n;
    INSERT INTO reefqbo._actual_year (model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id)
    SELECT c.model_id, c.connection_id, b.account_id, b.statement, 'Accrual', y,
           ARRAY(SELECT b.amounts[(y - 2025) * 12 + m - 11] FROM generate_series(1, 12) m), 1
    FROM books b JOIN reefqbo.connection c ON c.company_name = b.company, generate_series(2025, 2026) y
    WHERE num_nonnulls(VARIADIC ARRAY(SELECT b.amounts[(y - 2025) * 12 + m - 11] FROM generate_series(1, 12) m)) > 0
$$;

-- Nothing happens in a year: 200 of cash, at 1.00 in the beginning and 1.20 at the end.
INSERT INTO books VALUES
    ('Asleep SA', 'balance_sheet', '1', 'Banque', 'Bank', 'Asset', array_fill(200.00, ARRAY[13])),
    ('Asleep SA', 'balance_sheet', '2', 'Capital', 'Equity', 'Equity', array_fill(200.00, ARRAY[13]));
-- Capital of 1000 at 1.00. In January it sells for 100 and is paid 80, buys a machine for 300, borrows 200, and pays its owners 50; the
-- average is 1.10, and the rate at the end 1.20.
INSERT INTO books VALUES
    ('Awake SA', 'profit_and_loss', '10', 'Ventes', 'Income', 'Revenue', '{NULL,100.00}'),
    ('Awake SA', 'balance_sheet', '1', 'Banque', 'Bank', 'Asset', '{1000.00,930.00}'),
    ('Awake SA', 'balance_sheet', '2', 'Clients', 'Accounts Receivable', 'Asset', '{NULL,20.00}'),
    ('Awake SA', 'balance_sheet', '3', 'Machine', 'Fixed Asset', 'Asset', '{NULL,300.00}'),
    ('Awake SA', 'balance_sheet', '4', 'Emprunt', 'Long Term Liability', 'Liability', '{NULL,200.00}'),
    ('Awake SA', 'balance_sheet', '5', 'Capital', 'Equity', 'Equity', '{1000.00,1000.00}'),
    ('Awake SA', 'balance_sheet', '6', 'Dividendes', 'Equity', 'Equity', '{NULL,-50.00}'),
    ('Awake SA', 'balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', '{NULL,100.00}');
-- Out of balance by 5 in January.
INSERT INTO books VALUES
    ('Askew SA', 'balance_sheet', '1', 'Bank', 'Bank', 'Asset', '{70.00,80.00}'),
    ('Askew SA', 'balance_sheet', '2', 'Capital', 'Equity', 'Equity', '{70.00,75.00}');
CALL pg_temp.keep('2025-12-01');
INSERT INTO reefqbo.exchange_rate (model_id, from_currency, to_currency, month, closing, average, historical)
SELECT m.model_id, 'EUR', 'USD', ('2025-12-01'::date + interval '1 month' * n)::date,
       CASE WHEN n = 0 THEN 1.00 WHEN m.name = 'Awake' OR n = 12 THEN 1.20 ELSE 1.00 + 0.015 * n END,
       CASE WHEN n = 0 THEN 1.00 ELSE 1.10 END, CASE WHEN n = 0 THEN 1.00 END
FROM reefqbo.model m, generate_series(0, 12) n WHERE m.name IN ('Asleep', 'Awake');

-- No flow, and the effect of rates on cash alone: 200 * (1.20 - 1.00) = 40.
SELECT label, amount FROM reefqbo.statement('Asleep', 'cash_flow', '2026-01-01', '2026-12-31', 'year') WHERE kind <> 'section';

-- Translated: 930 * 1.20 = 1116, 20 * 1.20 = 24, 300 * 1.20 = 360, 200 * 1.20 = 240; capital 1000 * 1.00; dividends 50 * 1.10 = 55;
-- profit 100 * 1.10 = 110. The translation difference, rolled forward:
--   net assets in the beginning  1000 * (1.20 - 1.00)  = 200
--   profit of the month           100 * (1.20 - 1.10)  =  10
--   dividends                     -50 * (1.20 - 1.10)  =  -5; together 205
SELECT label, amount FROM reefqbo.statement('Awake', 'balance_sheet', '2026-01-01', '2026-01-31') WHERE kind <> 'section' AND account_id IS NOT NULL OR depth = 0;
-- Profit 110; claims -20 * 1.10 = -22; machine -300 * 1.10 = -330; loan 200 * 1.10 = 220; dividends -55.
-- Rates on cash: 1000 * (1.20 - 1.00) + (930 - 1000) * (1.20 - 1.10) = 200 - 7 = 193. Cash 1000 and 1116.
SELECT label, amount FROM reefqbo.statement('Awake', 'cash_flow', '2026-01-01', '2026-01-31') WHERE kind <> 'section';

-- The machine in another branch: there it stands against what its company has elsewhere, and here the company's position is the machine.
INSERT INTO reefqbo.mapping (model, company_branch, account_id, variable_type, category, branch) VALUES ('Awake', 'Awake', '3', 'Asset', 'Machines', 'Store');
SELECT label, amount FROM reefqbo.statement('Awake', 'balance_sheet', '2026-01-01', '2026-01-31', branch => 'Store') WHERE kind <> 'section';
SELECT label, amount FROM reefqbo.statement('Awake', 'cash_flow', '2026-01-01', '2026-01-31', branch => 'Store') WHERE kind <> 'section';

-- What does not balance is an error that tells the amount, and no line: 80 - 75 = 5. December is in order.
SELECT label, amount FROM reefqbo.statement('Askew', 'balance_sheet', '2025-12-01', '2025-12-31') WHERE depth = 0 AND kind = 'total';
SELECT label, amount FROM reefqbo.statement('Askew', 'balance_sheet', '2026-01-01', '2026-01-31');
SELECT label, amount FROM reefqbo.statement('Askew', 'cash_flow', '2026-01-01', '2026-01-31');
\set VERBOSITY sqlstate
SELECT label, amount FROM reefqbo.statement('Askew', 'balance_sheet', '2026-01-01', '2026-01-31', lines => 'category');
\set VERBOSITY default
-- Nor does translating hide it: 5 * 1.20 = 6.
SELECT reefqbo.set_currency('Askew', 'EUR');
SELECT reefqbo.set_rate('Askew', 'USD', m, 1.20, 1.20, 1.20) FROM unnest('{2025-12-01,2026-01-01}'::date[]) m;
SELECT label, amount FROM reefqbo.statement('Askew', 'balance_sheet', '2026-01-01', '2026-01-31');
