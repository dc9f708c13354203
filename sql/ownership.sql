--
-- reefqbo.ownership: others' share, companies that join and leave, the equity method, shares of each amount, and adjustments
--
-- Worked out by hand. Figures are of the last month of a period; in comments, P is the parent.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS reefqbo CASCADE;
RESET client_min_messages;
\set SHOW_CONTEXT never
SET datestyle = ISO;

-- A company's books: what each account has at the end of each month from December 2024 on, or has moved by in it; the last amount goes on.
CREATE TEMPORARY TABLE books (company text, statement text, account_id text, name text, account_type text, classification text, amounts numeric[], goes_on boolean DEFAULT true);
CREATE PROCEDURE pg_temp.keep(model text, first_month date, months integer) LANGUAGE sql AS $$
    INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, account_type, classification, is_computed)
    SELECT c.model_id, c.connection_id, b.account_id, b.name, b.name, b.account_type, b.classification, b.account_id ~ '^computed'
    FROM books b JOIN reefqbo.connection c ON c.company_name = b.company JOIN reefqbo.model m ON m.model_id = c.model_id AND m.name = model;
    INSERT INTO reefqbo.imported_month
    SELECT DISTINCT c.model_id, c.connection_id, s.statement, 'Accrual', (first_month + interval '1 month' * n)::date,
           (first_month + interval '1 month' * (n + 1))::date - 1, false, 1
    FROM books b JOIN reefqbo.connection c ON c.company_name = b.company JOIN reefqbo.model m ON m.model_id = c.model_id AND m.name = model,
         (VALUES ('profit_and_loss'), ('balance_sheet')) s (statement), generate_series(0, months - 1) n;
    INSERT INTO reefqbo._actual_year (model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id)
    SELECT c.model_id, c.connection_id, b.account_id, b.statement, 'Accrual', y, a.amounts, 1
    FROM books b JOIN reefqbo.connection c ON c.company_name = b.company JOIN reefqbo.model m ON m.model_id = c.model_id AND m.name = model,
         generate_series(2024, 2026) y,
         LATERAL (SELECT ARRAY(SELECT CASE WHEN make_date(y, n, 1) >= first_month AND make_date(y, n, 1) < first_month + interval '1 month' * months
                                           THEN CASE WHEN k.place <= cardinality(b.amounts) THEN b.amounts[k.place] WHEN b.goes_on THEN b.amounts[cardinality(b.amounts)] END END
                               FROM generate_series(1, 12) n, LATERAL (SELECT (y - date_part('year', first_month)) * 12 + n - date_part('month', first_month) + 1 AS place) k) AS amounts) a
    WHERE num_nonnulls(VARIADIC a.amounts) > 0;
    TRUNCATE books
$$;
CREATE PROCEDURE pg_temp.found(model text, VARIADIC companies text[]) LANGUAGE sql AS $$
    SELECT reefqbo.create_model(model);
    SELECT reefqbo.create_branch(model, b) FROM unnest(companies) b WHERE b <> 'P';
    INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest, company_name, home_currency)
    SELECT b.model_id, b.branch_id, 1, 'connected', '\x00', '\x00', CASE WHEN b.parent_branch_id IS NULL THEN 'P' ELSE b.name END,
           CASE WHEN b.name ~ 'SA$' THEN 'EUR' ELSE 'USD' END
    FROM reefqbo.branch b JOIN reefqbo.model m USING (model_id) WHERE m.name = model
$$;
-- n amounts, each so much more than the one before
CREATE FUNCTION pg_temp.rising(first numeric, step numeric, n integer) RETURNS numeric[]
BEGIN ATOMIC SELECT array_agg(first + step * (i - 1) ORDER BY i) FROM generate_series(1, n) i; END;
CREATE FUNCTION pg_temp.lines(model text, statement text, first_day date, last_day date, frequency text DEFAULT 'month', lines text DEFAULT 'account')
RETURNS TABLE (label text, period text, amount numeric)
BEGIN ATOMIC
    SELECT regexp_replace(s.label, ' \[.*\]$', ''), s.period, s.amount FROM reefqbo.statement(model, statement, first_day, last_day, frequency, lines) s
    WHERE s.kind <> 'section' AND (s.amount <> 0 OR s.depth = 0) ORDER BY s.line, s.period_start;
END;

--
-- 80 % of S from January 2025 on, for 400, which is 80 % of its net assets (IFRS 10.22, B94; ASC 810-10-45-20): others have 20 % of its profit
-- and of its net assets. S earns 10 a month in 2025 and 15 in 2026; in June 2026 it pays out 50, of which P has 40.
--
CALL pg_temp.found('Two years', 'P', 'S');
INSERT INTO books VALUES
    ('P', 'balance_sheet', '1', 'Bank', 'Bank', 'Asset', ARRAY[1000.00] || array_fill(600.00, ARRAY[17]) || 640.00),
    ('P', 'balance_sheet', '2', 'Investment in S', 'Other Asset', 'Asset', ARRAY[NULL, 400.00]),
    ('P', 'balance_sheet', '3', 'Capital', 'Equity', 'Equity', ARRAY[1000.00]),
    ('P', 'balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', array_fill(NULL::numeric, ARRAY[18]) || 40.00),
    ('S', 'balance_sheet', '1', 'Bank', 'Bank', 'Asset', pg_temp.rising(500, 10, 13) || pg_temp.rising(635, 15, 5) || pg_temp.rising(660, 15, 7)),
    ('S', 'balance_sheet', '3', 'Capital', 'Equity', 'Equity', ARRAY[500.00]),
    ('S', 'balance_sheet', '4', 'Retained earnings', 'Equity', 'Equity', array_fill(NULL::numeric, ARRAY[13]) || array_fill(120.00, ARRAY[12])),
    ('S', 'balance_sheet', '5', 'Dividends', 'Equity', 'Equity', array_fill(NULL::numeric, ARRAY[18]) || array_fill(-50.00, ARRAY[7])),
    ('S', 'balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', pg_temp.rising(0, 10, 13) || pg_temp.rising(15, 15, 12)),
    ('S', 'profit_and_loss', '6', 'Sales', 'Income', 'Revenue', ARRAY[NULL::numeric] || array_fill(10.00, ARRAY[12]) || array_fill(15.00, ARRAY[12]));
INSERT INTO books VALUES ('P', 'profit_and_loss', '6', 'Dividends received', 'Other Income', 'Revenue', array_fill(NULL::numeric, ARRAY[18]) || 40.00, false);
CALL pg_temp.keep('Two years', '2024-12-01', 25);
UPDATE reefqbo.account SET account_subtype = 'RetainedEarnings' WHERE name = 'Retained earnings';
SELECT reefqbo.set_ownership('Two years', 'S', '2025-01-15', 80, investment_account => '2', memo => 'bought');
-- what P was paid by S is no income of the group
INSERT INTO reefqbo.elimination (model_id, branch_id, month, amount, debit_type, debit_account_type, debit_category, credit_type, credit_category)
SELECT b.model_id, b.branch_id, '2026-06-01', 40, 'Revenue', 'Other Income', 'Dividends', 'Dividend', 'Dividends'
FROM reefqbo.branch b JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Two years' AND b.parent_branch_id IS NULL;

-- 2025: profit 120, of which others' 24. 2026: 180, of which 36.
SELECT * FROM pg_temp.lines('Two years', 'profit_and_loss', '2025-01-01', '2026-12-31', 'year') WHERE label ~ '^Net Income';
SELECT * FROM pg_temp.lines('Two years', 'profit_and_loss', '2025-01-01', '2026-12-31', 'year', 'category') WHERE label ~ '^Net Income';
-- December 2024 is P alone. Net assets of S at the end of 2025: 620, of which 20 % is 124; of 2026: 620 + 180 - 50 = 750, 150. Owners have 1096, and
-- 1000 + 80 % of 300 = 1240.
SELECT * FROM pg_temp.lines('Two years', 'balance_sheet', '2024-12-01', '2024-12-31');
SELECT * FROM pg_temp.lines('Two years', 'balance_sheet', '2025-12-01', '2025-12-31', 'year');
SELECT * FROM pg_temp.lines('Two years', 'balance_sheet', '2026-12-01', '2026-12-31', 'year') WHERE label ~ 'Total|Non-contr|Owners';
SELECT * FROM pg_temp.lines('Two years', 'balance_sheet', '2026-12-01', '2026-12-31', 'month', 'category');
-- Cash of 2025: 1000, 120 earned, 400 paid for S, which had 500 (IAS 7.39 to 7.42): 1220. Of 2026: 180 earned, 10 paid to others (50, less 40
-- that stayed in the group; IAS 7.17): 1390.
SELECT * FROM pg_temp.lines('Two years', 'cash_flow', '2025-01-01', '2026-12-31', 'year');
SELECT label, debit, credit FROM reefqbo.trial_balance('Two years', '2026-12-01') ORDER BY line;

--
-- An acquisition and a disposal within a year (IFRS 10.20, B88; ASC 810-10-45-4): 80 % of S from July 2025 on, for 350. By the end of June S has net
-- assets of 300 + 6 * 10 = 360, and a building worth 40 more than its books say, which it uses up by 2 a month. Goodwill is
-- 350 - 80 % of (360 + 40) = 30, the owners' alone (IFRS 3.32, 3.19). In April 2026 P sells it for 450.
--
CALL pg_temp.found('Within', 'P', 'S');
INSERT INTO books VALUES
    ('P', 'balance_sheet', '1', 'Bank', 'Bank', 'Asset', array_fill(1000.00, ARRAY[7]) || array_fill(650.00, ARRAY[9]) || 1100.00),
    ('P', 'balance_sheet', '2', 'Investment in S', 'Other Asset', 'Asset', array_fill(NULL::numeric, ARRAY[7]) || array_fill(350.00, ARRAY[9]) || 0.00),
    ('P', 'balance_sheet', '3', 'Capital', 'Equity', 'Equity', ARRAY[1000.00]),
    ('P', 'balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', array_fill(NULL::numeric, ARRAY[16]) || 100.00),
    ('S', 'balance_sheet', '1', 'Bank', 'Bank', 'Asset', pg_temp.rising(300, 10, 25)),
    ('S', 'balance_sheet', '3', 'Capital', 'Equity', 'Equity', ARRAY[300.00]),
    ('S', 'balance_sheet', '4', 'Retained earnings', 'Equity', 'Equity', array_fill(NULL::numeric, ARRAY[13]) || array_fill(120.00, ARRAY[12])),
    ('S', 'balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', pg_temp.rising(0, 10, 13) || pg_temp.rising(10, 10, 12)),
    ('S', 'profit_and_loss', '6', 'Sales', 'Income', 'Revenue', ARRAY[NULL::numeric] || array_fill(10.00, ARRAY[24]));
INSERT INTO books VALUES ('P', 'profit_and_loss', '6', 'Gain', 'Other Income', 'Revenue', array_fill(NULL::numeric, ARRAY[16]) || 100.00, false);
CALL pg_temp.keep('Within', '2024-12-01', 25);
UPDATE reefqbo.account SET account_subtype = 'RetainedEarnings' WHERE name = 'Retained earnings';
SELECT reefqbo.set_ownership('Within', 'S', '2025-07-01', 80, investment_account => '2');
SELECT reefqbo.set_ownership('Within', 'S', '2026-04-01', 0, 'none');
CREATE PROCEDURE pg_temp.adjust(of_model text, of_company text, posted date, amount numeric, debit text, debit_among text, debit_category text, credit text, credit_among text,
                                credit_category text, whose text DEFAULT 'both') LANGUAGE sql AS $$
    INSERT INTO reefqbo.adjustment (model_id, connection_id, branch_id, month, amount, debit_type, debit_account_type, debit_category, credit_type,
                                    credit_account_type, credit_category, attributed_to)
    SELECT m.model_id, c.connection_id, b.branch_id, posted, amount, debit, debit_among, debit_category, credit, credit_among, credit_category, whose
    FROM reefqbo.model m JOIN reefqbo.connection c ON c.model_id = m.model_id AND c.company_name = of_company
    JOIN reefqbo.branch b ON b.model_id = m.model_id AND b.parent_branch_id IS NULL WHERE m.name = of_model
$$;
CALL pg_temp.adjust('Within', 'S', '2025-06-01', 40, 'Asset', 'Fixed Asset', 'Fair value of the building', 'Equity', NULL, 'Acquired');
CALL pg_temp.adjust('Within', 'S', '2025-06-01', 30, 'Asset', 'Other Asset', 'Goodwill', 'Equity', NULL, 'Acquired', 'owners');
DO $$
BEGIN
    FOR n IN 7..21 LOOP
        CALL pg_temp.adjust('Within', 'S', make_date(2025 + (n - 1) / 12, (n - 1) % 12 + 1, 1), 2, 'Opex', NULL, 'Depreciation of fair value', 'Asset', 'Fixed Asset', 'Fair value of the building');
    END LOOP;
END
$$;
-- What was paid, what was there, and what is to be stated.
SELECT company_name, branch, month, method, percent, currency, cost, net_assets, owners_share, non_controlling, stated, unexplained, home_currency, home_goodwill
FROM reefqbo.acquisitions('Within');
-- Six months of 10 - 2: 48, of which others' 20 % is 9.60.
SELECT * FROM pg_temp.lines('Within', 'profit_and_loss', '2025-01-01', '2025-12-31', 'year') WHERE label !~ 'EBIT|before Tax';
-- P 650; S 420; the building 40 - 6 * 2 = 28; goodwill 30: 1128. Others 20 % of (420 + 28) = 89.60, owners 1000 + 80 % of 48 = 1038.40.
SELECT * FROM pg_temp.lines('Within', 'balance_sheet', '2025-05-01', '2025-12-31', 'quarter') WHERE label ~ 'Owners|Attributable|Total Assets|Equity$' AND period !~ 'Q2 .part';
SELECT * FROM pg_temp.lines('Within', 'balance_sheet', '2025-12-01', '2025-12-31');
-- The cash that S had, 360, less 350 paid for it; 48 earned, and 12 of it no cash.
SELECT * FROM pg_temp.lines('Within', 'cash_flow', '2025-01-01', '2025-12-31', 'year');
SELECT * FROM pg_temp.lines('Within', 'cash_flow', '2025-05-01', '2025-09-30', 'month') WHERE label ~ 'Joined|End of';
-- Owners had 80 % of 360 + 90 + 40 - 18 = 472, and goodwill: 377.60 + 30 = 407.60 when it was sold for 450: a gain of 42.40 (IFRS 10.25, B98), of which
-- P's books have 100; 57.60 of that, 80 % of 9 months of 8, were earned before.
SELECT * FROM pg_temp.lines('Within', 'profit_and_loss', '2026-01-01', '2026-05-31', 'month') WHERE label ~ 'Disposal|Gain|^Net Income|Total Income';
SELECT * FROM pg_temp.lines('Within', 'balance_sheet', '2026-03-01', '2026-05-31', 'month') WHERE label ~ 'Total Assets|Equity';
-- 450 for it, of which 100 is in P's profit; 450 of cash it took along.
SELECT * FROM pg_temp.lines('Within', 'cash_flow', '2026-01-01', '2026-06-30', 'quarter');
SELECT part, amount FROM reefqbo.reconcile('Within', 'profit_and_loss', '2026-04-01', '2026-06-30', 'quarter') WHERE label ~ '^Net Income';

--
-- From 60 % to 80 % (IFRS 10.23, B96; ASC 810-10-45-23): no gain. S has 1000 when P has paid 600 for 60 %; in July, when it has 1100, 250 for 20 %
-- more. Others' part goes from 440 to 220: 250 - 220 = 30 is the owners' loss, in equity.
--
CALL pg_temp.found('Step', 'P', 'S');
INSERT INTO books VALUES
    ('P', 'balance_sheet', '1', 'Bank', 'Bank', 'Asset', ARRAY[1000, 400, 400, 400, 400, 400, 400, 150]),
    ('P', 'balance_sheet', '2', 'Investment in S', 'Other Asset', 'Asset', ARRAY[NULL, 600, 600, 600, 600, 600, 600, 850]),
    ('P', 'balance_sheet', '3', 'Capital', 'Equity', 'Equity', ARRAY[1000.00]),
    ('S', 'balance_sheet', '1', 'Bank', 'Bank', 'Asset', ARRAY[1000, 1100]),
    ('S', 'balance_sheet', '3', 'Capital', 'Equity', 'Equity', ARRAY[1000.00]),
    ('S', 'balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', ARRAY[NULL, 100.00]);
INSERT INTO books VALUES ('S', 'profit_and_loss', '6', 'Sales', 'Income', 'Revenue', ARRAY[NULL, 100.00], false);
CALL pg_temp.keep('Step', '2024-12-01', 13);
SELECT reefqbo.set_ownership('Step', 'S', '2025-01-01', 60, investment_account => '2');
SELECT reefqbo.set_ownership('Step', 'S', '2025-07-01', 80, investment_account => '2');
-- Owners: 1000 + 60 % of 100 = 1060, and 1030.
SELECT * FROM pg_temp.lines('Step', 'balance_sheet', '2025-06-01', '2025-07-31') WHERE label ~ 'Total Assets|Owners|Equity Attr';
SELECT * FROM pg_temp.lines('Step', 'profit_and_loss', '2025-06-01', '2025-07-31') WHERE label ~ '^Net Income';
-- What is paid to others for their part is financing (IAS 7.42A).
SELECT * FROM pg_temp.lines('Step', 'cash_flow', '2025-07-01', '2025-07-31');

--
-- The equity method (IAS 28.10; ASC 323-10-35-4): 30 % of S for 150, when it has 400. It earns 20 a month and pays out 100 in March, of which P has 30.
-- Carrying amount at the end of March: 150 + 30 % of 60 - 30 = 138. 50 % of J is a joint operation: half of each amount (IFRS 11.20).
--
CALL pg_temp.found('Parts', 'P', 'S', 'J');
INSERT INTO books VALUES
    ('P', 'balance_sheet', '1', 'Bank', 'Bank', 'Asset', ARRAY[1000, 850, 850, 880]),
    ('P', 'balance_sheet', '2', 'Investment in S', 'Other Asset', 'Asset', ARRAY[NULL, 150]),
    ('P', 'balance_sheet', '3', 'Capital', 'Equity', 'Equity', ARRAY[1000.00]),
    ('P', 'balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', ARRAY[NULL, NULL, NULL, 30]),
    ('S', 'balance_sheet', '1', 'Bank', 'Bank', 'Asset', ARRAY[400, 420, 440, 360, 380]),
    ('S', 'balance_sheet', '3', 'Capital', 'Equity', 'Equity', ARRAY[400.00]),
    ('S', 'balance_sheet', '5', 'Dividends', 'Equity', 'Equity', ARRAY[NULL, NULL, NULL, -100.00]),
    ('S', 'balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', ARRAY[0, 20, 40, 60, 80]),
    ('S', 'profit_and_loss', '6', 'Sales', 'Income', 'Revenue', ARRAY[NULL, 20.00]),
    ('J', 'balance_sheet', '1', 'Bank', 'Bank', 'Asset', ARRAY[100.00, 110.01, 120.02, 130.03]),
    ('J', 'balance_sheet', '2', 'Suppliers', 'Accounts Payable', 'Liability', ARRAY[30.00, 31.01, 32.01, 33.01]),
    ('J', 'balance_sheet', '3', 'Capital', 'Equity', 'Equity', ARRAY[70.00]),
    ('J', 'balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', ARRAY[NULL, 9.00, 18.01, 27.02]),
    ('J', 'profit_and_loss', '6', 'Sales', 'Income', 'Revenue', ARRAY[NULL, 12.00, 12.01]),
    ('J', 'profit_and_loss', '7', 'Rent', 'Expense', 'Expense', ARRAY[NULL, 3.00, 3.00]);
INSERT INTO books VALUES ('P', 'profit_and_loss', '6', 'Dividends received', 'Other Income', 'Revenue', ARRAY[NULL, NULL, NULL, 30.00], false);
CALL pg_temp.keep('Parts', '2024-12-01', 4);
SELECT reefqbo.set_ownership('Parts', 'S', '2025-01-01', 30, 'equity');
SELECT reefqbo.set_ownership('Parts', 'J', '2024-12-01', 50, 'proportional');
INSERT INTO reefqbo.elimination (model_id, branch_id, month, amount, debit_type, debit_account_type, debit_category, credit_type, credit_category)
SELECT b.model_id, b.branch_id, '2025-03-01', 30, 'Revenue', 'Other Income', 'Dividends', 'Dividend', 'Dividends'
FROM reefqbo.branch b JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Parts' AND b.parent_branch_id IS NULL;
SELECT * FROM pg_temp.lines('Parts', 'profit_and_loss', '2025-01-01', '2025-03-31', 'quarter');
-- Half of 110.01, 31.01, 70 and 9: 55.01 (55.005), 15.51 (15.505), 35 and 4.50, so that rounding has taken 0.00; in February 60.01, 16.01 (16.005),
-- 35 and 9.01 (9.005): 0.01 too much on the right.
SELECT * FROM pg_temp.lines('Parts', 'balance_sheet', '2025-01-01', '2025-03-31');
SELECT * FROM pg_temp.lines('Parts', 'cash_flow', '2025-01-01', '2025-03-31');
SELECT line, label, debit, credit FROM reefqbo.trial_balance('Parts', '2025-03-01') WHERE label ~ 'Equity Method|Net Income|Total' ORDER BY line;

--
-- A foreign company (IAS 21.39 to 21.41 and 21.47; ASC 830-30-45-10 to 45-12, 810-10-45): 80 % of S SA from January 2026 on, for 1100 USD, 1000 EUR
-- at 1.10. It has 1000 EUR, so that goodwill is 1000 - 800 = 200 EUR. In January it earns 100 EUR, at 1.15; the rate at the end is 1.20. T SA, of
-- the same currency, was always in the group: the currency's historical rate is 1.00, T's own 1.05.
--
CALL pg_temp.found('Abroad', 'P', 'S SA', 'T SA');
SELECT reefqbo.set_currency('Abroad', 'USD');
INSERT INTO books VALUES
    ('P', 'balance_sheet', '1', 'Bank', 'Bank', 'Asset', ARRAY[2000, 2000, 900, 2400]),
    ('P', 'balance_sheet', '2', 'Investment in S', 'Other Asset', 'Asset', ARRAY[NULL, NULL, 1100, NULL]),
    ('P', 'balance_sheet', '3', 'Capital', 'Equity', 'Equity', ARRAY[2000.00]),
    ('P', 'balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', ARRAY[NULL, NULL, NULL, 400]),
    ('T SA', 'balance_sheet', '1', 'Banque', 'Bank', 'Asset', ARRAY[100.00]),
    ('T SA', 'balance_sheet', '3', 'Capital', 'Equity', 'Equity', ARRAY[100.00]);
INSERT INTO books VALUES ('P', 'profit_and_loss', '6', 'Gain', 'Other Income', 'Revenue', ARRAY[NULL, NULL, NULL, 400.00], false);
CALL pg_temp.keep('Abroad', '2025-11-01', 4);
INSERT INTO books VALUES
    ('S SA', 'balance_sheet', '1', 'Banque', 'Bank', 'Asset', ARRAY[1000.00, 1100.00]),
    ('S SA', 'balance_sheet', '3', 'Capital', 'Equity', 'Equity', ARRAY[900.00]),
    -- of December
    ('S SA', 'balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', ARRAY[100.00, 100.00]),
    ('S SA', 'balance_sheet', '4', 'Retained earnings', 'Equity', 'Equity', ARRAY[NULL, 100.00]);
INSERT INTO books VALUES ('S SA', 'profit_and_loss', '6', 'Ventes', 'Income', 'Revenue', ARRAY[100.00, 100.00], false);
CALL pg_temp.keep('Abroad', '2025-12-01', 3);
UPDATE reefqbo.account SET account_subtype = 'RetainedEarnings' WHERE name = 'Retained earnings';
SELECT reefqbo.set_ownership('Abroad', 'S SA', '2026-01-01', 80, investment_account => '2');
SELECT reefqbo.set_rate('Abroad', 'EUR', '2025-11-01', 1.08, 1.08, 1.00);
SELECT reefqbo.set_rate('Abroad', 'EUR', '2025-12-01', 1.10, 1.09);
SELECT reefqbo.set_rate('Abroad', 'EUR', '2026-01-01', 1.20, 1.15);
SELECT reefqbo.set_rate('Abroad', 'EUR', '2026-02-01', 1.25, 1.22);
SELECT reefqbo.set_historical_rate('Abroad', 'T SA', '2025-11-01', 1.05);
SELECT company_name, cost, net_assets, owners_share, non_controlling, stated, unexplained, home_currency, home_goodwill FROM reefqbo.acquisitions('Abroad');
CALL pg_temp.adjust('Abroad', 'S SA', '2025-12-01', 200, 'Asset', 'Other Asset', 'Goodwill', 'Equity', NULL, 'Acquired', 'owners');
-- Profit 100 * 1.15, of which 20 % is 23.
SELECT * FROM pg_temp.lines('Abroad', 'profit_and_loss', '2025-11-01', '2026-01-31') WHERE label ~ '^Net Income';
-- S SA has 1100 * 1.20 = 1320; goodwill 200 * 1.20 = 240; T SA 120; P 900: 2580. Translation of S SA: 1000 * 0.10 + 100 * 0.05 = 105, and of goodwill
-- 200 * 0.10 = 20; of T SA 100 * (1.20 - 1.05) = 15. Others 20 % of 1320 = 264, which is 220 + 23 + 21, their share of translation.
SELECT * FROM pg_temp.lines('Abroad', 'balance_sheet', '2026-01-01', '2026-01-31');
-- 1000 EUR came in at 1.10; 115 earned; rates on cash 1320 - 1100 - 115 = 105, and on T SA's 100 * 0.10 = 10.
SELECT * FROM pg_temp.lines('Abroad', 'cash_flow', '2026-01-01', '2026-01-31');
-- Sold in February for 1500: the owners had 80 % of 1320 = 1056 and goodwill of 240, and of translation 84 + 20 = 104, which is a gain now (IAS 21.48):
-- 1500 - 1296 + 104 = 308.
SELECT reefqbo.set_ownership('Abroad', 'S SA', '2026-02-01', 0, 'none');
SELECT * FROM pg_temp.lines('Abroad', 'profit_and_loss', '2026-02-01', '2026-02-28') WHERE label ~ 'Disposal|Gain|^Net Income';
SELECT * FROM pg_temp.lines('Abroad', 'balance_sheet', '2026-02-01', '2026-02-28') WHERE label ~ 'Total Assets|Owners|Equity$';
-- By the equity method instead, 50 %, with goodwill of 100 EUR in what was paid: since then 50 % of 100 * 1.15 = 57.50 earned; of translation 50 % of 105
-- and 100 * 0.10.
SELECT reefqbo.remove_ownership('Abroad', 'S SA', '2026-02-01');
UPDATE reefqbo.adjustment SET amount = 100 WHERE amount = 200;
SELECT reefqbo.set_ownership('Abroad', 'S SA', '2026-01-01', 50, 'equity');
SELECT * FROM pg_temp.lines('Abroad', 'balance_sheet', '2026-01-01', '2026-01-31') WHERE label ~ 'Equity Method|Translation|Net Income|Total (Assets|Equity)';
SELECT * FROM pg_temp.lines('Abroad', 'cash_flow', '2026-01-01', '2026-01-31');
-- And half of each amount.
SELECT reefqbo.set_ownership('Abroad', 'S SA', '2026-01-01', 50, 'proportional');
SELECT label, amount FROM pg_temp.lines('Abroad', 'balance_sheet', '2026-01-01', '2026-01-31') WHERE label ~ 'Banque|Translation|Total (Assets|Equity)|Goodwill';
SELECT reefqbo.set_ownership('Abroad', 'S SA', '2026-01-01', 80, investment_account => '2');

-- Every line of every statement is the sum of its parts, and companies side by side come to the whole.
SELECT m.model, n.statement, m.lines, count(*) > 1 AS many, count(*) FILTER (WHERE s.amount IS DISTINCT FROM coalesce(p.amount, 0)) AS wrong
FROM (VALUES ('Within', '2025-07-01'::date, '2025-08-31'::date, 'account'), ('Abroad', '2026-01-01', '2026-01-31', 'category')) m (model, starts, ends, lines),
     (VALUES ('profit_and_loss'), ('balance_sheet')) n (statement),
     LATERAL (SELECT x.label, x.amount, x.period_start, x.period_end FROM reefqbo.statement(m.model, n.statement, m.starts, m.ends, 'year', m.lines) x WHERE x.kind <> 'section' AND x.depth = 0) s,
     LATERAL (SELECT sum(y.amount) AS amount FROM reefqbo.statement_parts(m.model, n.statement, s.label, s.period_start, s.period_end, m.lines) y) p
GROUP BY m.model, n.statement, m.lines ORDER BY m.model, n.statement, m.lines;
SELECT m.model, n.statement, count(*) > 2 AS many, count(*) FILTER (WHERE r.amount <> 0) AS wrong
FROM (VALUES ('Abroad', '2026-01-01'::date, '2026-01-31'::date)) m (model, starts, ends),
     unnest('{profit_and_loss,balance_sheet,cash_flow}'::text[]) n (statement), LATERAL reefqbo.reconcile(m.model, n.statement, m.starts, m.ends, 'year') r
WHERE r.part = 'Difference' GROUP BY m.model, n.statement ORDER BY m.model, n.statement;
SELECT part, sum(amount) FROM reefqbo.statement_by_company('Within', 'balance_sheet', '2025-12-01', '2025-12-31') WHERE btrim(label) IN ('Total Assets', 'Non-controlling Interests') GROUP BY label, part ORDER BY label, part;
SELECT company_name, account_name, home_amount, rate, amount FROM reefqbo.statement_parts('Abroad', 'balance_sheet', 'Equity Attributable to Non-controlling Interests', '2026-01-01', '2026-01-31');
-- The company itself is what its books say, and so is its own branch: it is the group that has a part of it.
SELECT label, amount FROM reefqbo.statement('Within', 'balance_sheet', '2025-03-01', '2025-03-31', branch => 'S') WHERE label ~ '^ *Total (Assets|Equity)$';
SELECT count(*) FROM reefqbo.statement('Within', 'balance_sheet', '2025-12-01', '2025-12-31', branch => 'S', company => true) WHERE label ~ 'contr';

-- A group within the group: of 60 % of 80 %. Held by Middle, others have 40 % of what G has; by the root, 52 %.
SELECT count(reefqbo.create_branch('Step', 'G', 'S'));
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest, company_name, home_currency)
SELECT b.model_id, b.branch_id, 1, 'connected', '\x00', '\x00', 'G', 'USD' FROM reefqbo.branch b WHERE b.name = 'G';
INSERT INTO books VALUES ('G', 'balance_sheet', '1', 'Bank', 'Bank', 'Asset', ARRAY[100]), ('G', 'balance_sheet', '3', 'Capital', 'Equity', 'Equity', ARRAY[100]);
CALL pg_temp.keep('Step', '2024-12-01', 13);
SELECT reefqbo.set_ownership('Step', 'G', '2024-12-01', 60, held_by => 'S');
SELECT reefqbo.set_ownership('Step', 'G', '2024-12-01', 48);
SELECT b.branch, s.amount FROM unnest('{Step,S}'::text[]) b (branch), LATERAL reefqbo.statement('Step', 'balance_sheet', '2025-12-01', '2025-12-31', branch => b.branch) s
WHERE s.label ~ '^ *Non-controlling Interests' AND s.amount <> 220;

-- Operators of the model state them, readers read them.
CREATE ROLE ownership_operator;
CREATE ROLE ownership_reader;
SELECT reefqbo.grant_access('ownership_operator', 'operator', 'Step');
SELECT reefqbo.grant_access('ownership_reader', 'reader', 'Step');
SET ROLE ownership_reader;
SELECT count(*) FROM reefqbo.ownership;
SELECT count(*) FROM reefqbo.historical_rate;
SELECT count(*) FROM reefqbo.adjustment;
SELECT reefqbo.set_ownership('Step', 'S', '2025-08-01', 100);
SELECT reefqbo.set_historical_rate('Step', 'S', '2025-08-01', 1, 'EUR');
INSERT INTO reefqbo.adjustment (model_id, connection_id, branch_id, month, amount, debit_type, debit_category, credit_type, credit_category)
SELECT o.model_id, o.connection_id, o.branch_id, '2025-08-01', 1, 'Asset', 'A', 'Equity', 'B' FROM reefqbo.ownership o LIMIT 1;
RESET ROLE;
SET ROLE ownership_operator;
SELECT count(*) FROM reefqbo.ownership;
SELECT reefqbo.set_ownership('Step', 'S', '2025-08-01', 100, memo => 'the rest');
SELECT month, percent, method, memo, stated_by FROM reefqbo.ownership WHERE month = '2025-08-01';
SELECT reefqbo.set_ownership('Step', 'S', '2025-08-31', 90);
SELECT month, percent, method, memo FROM reefqbo.ownership WHERE month = '2025-08-01';
SELECT reefqbo.remove_ownership('Step', 'S', '2025-08-01'), reefqbo.remove_ownership('Step', 'S', '2025-08-01');
SELECT reefqbo.set_historical_rate('Step', 'S', '2025-08-09', 1.5, 'EUR');
SELECT reefqbo.set_historical_rate('Step', 'S', '2025-08-01', 1.25, 'EUR');
SELECT month, rate FROM reefqbo.historical_rate;
SELECT reefqbo.remove_historical_rate('Step', 'S', '2025-08-01', 'EUR'), reefqbo.remove_historical_rate('Step', 'S', '2025-08-01', 'EUR');
INSERT INTO reefqbo.adjustment (model_id, connection_id, branch_id, month, amount, debit_type, debit_category, credit_type, credit_category)
SELECT o.model_id, o.connection_id, o.branch_id, '2025-08-01', 1, 'Asset', 'A', 'Equity', 'B' FROM reefqbo.ownership o LIMIT 1 RETURNING stated_by;
UPDATE reefqbo.adjustment SET amount = 1.005;
SELECT reefqbo.remove_adjustment('Step', adjustment_id), reefqbo.remove_adjustment('Step', adjustment_id) FROM reefqbo.adjustment;
SELECT reefqbo.set_ownership('Within', 'S', '2025-08-01', 100);
-- What is no ownership, and no rate.
SELECT reefqbo.set_ownership('Step', 'S', '2025-08-01', 101);
SELECT reefqbo.set_ownership('Step', 'S', '2025-08-01', -1);
SELECT reefqbo.set_ownership('Step', 'S', '2025-08-01', 'NaN');
SELECT reefqbo.set_ownership('Step', 'S', '2025-08-01', 0);
SELECT reefqbo.set_ownership('Step', 'S', '2025-08-01', 50, 'none');
SELECT reefqbo.set_ownership('Step', 'S', '2025-08-01', 50, 'half');
SELECT reefqbo.set_ownership('Step', 'S', 'infinity', 50);
SELECT reefqbo.set_ownership('Step', 'S', '2025-08-01', 30, 'equity', investment_account => '2');
SELECT reefqbo.set_ownership('Step', 'S', '2025-08-01', NULL);
SELECT reefqbo.set_ownership('Step', NULL, '2025-08-01', 50);
SELECT reefqbo.set_ownership('Step', 'T', '2025-08-01', 50);
SELECT reefqbo.set_ownership('Step', 'S', '2025-08-01', 50, held_by => 'T');
SELECT reefqbo.set_ownership('Step', 'S', '2025-08-01', 50, investment_account => '22');
SELECT reefqbo.remove_ownership('Step', 'S', NULL);
SELECT reefqbo.set_historical_rate('Step', 'S', '2025-08-01', 0, 'EUR');
SELECT reefqbo.set_historical_rate('Step', 'S', '2025-08-01', 1);
SELECT reefqbo.set_historical_rate('Step', 'S', '2025-08-01', NULL, 'EUR');
SELECT reefqbo.remove_historical_rate('Step', 'S', NULL, 'EUR');
SELECT reefqbo.remove_adjustment('Step', NULL);
SELECT count(*) FROM reefqbo.acquisitions('Step');
SELECT count(*) FROM reefqbo.acquisitions('Step', 'Sometimes');
SELECT count(*) FROM reefqbo.acquisitions('Step', held_by => 'T');
RESET ROLE;
SELECT reefqbo.revoke_access('ownership_operator', 'Step'), reefqbo.revoke_access('ownership_reader', 'Step');
DROP ROLE ownership_operator, ownership_reader;
