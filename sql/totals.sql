--
-- Gross profit, operating income, EBITDA, EBIT and profit before tax: by accounts and by categories the same.
--
-- The figures are worked out by hand. Which costs are of the operations: Regulation S-X 5-03 (ASC 220-10-S99-2) and IAS 1.85-1.105; EBIT and
-- EBITDA as the SEC's Non-GAAP C&DI 103.01 has them: net income before interest and tax, and before depreciation and amortization.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS reefqbo CASCADE;
\set SHOW_CONTEXT never
SET datestyle = ISO;

SELECT reefqbo.create_model('Measured') > 0 AS made;
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest, company_name, home_currency)
SELECT b.model_id, b.branch_id, 1, 'connected', '\x00', '\x00', 'Measured Inc', 'USD'
FROM reefqbo.branch b WHERE b.name = 'Measured';
CREATE TEMPORARY TABLE given (account_id text, name text, account_type text, classification text, account_subtype text, amount numeric);
INSERT INTO given VALUES
    ('1', 'Sales', 'Income', 'Revenue', 'SalesOfProductIncome', 1000.00),
    ('2', 'Materials', 'Cost of Goods Sold', 'Expense', 'SuppliesMaterialsCogs', 300.00),
    -- wages of the workshop: above the gross profit, whatever their name
    ('3', 'Workshop wages', 'Cost of Goods Sold', 'Expense', 'CostOfLaborCos', 120.00),
    ('4', 'Rent', 'Expense', 'Expense', 'RentOrLeaseOfBuildings', 80.00),
    ('5', 'Salaries', 'Expense', 'Expense', 'PayrollExpenses', 150.00),
    ('6', 'Interest paid', 'Expense', 'Expense', 'InterestPaid', 25.00),
    -- QuickBooks has it above its operating income
    ('7', 'Corporation tax', 'Expense', 'Expense', 'IncomeTaxExpense', 40.00),
    ('8', 'Interest earned', 'Other Income', 'Revenue', 'InterestEarned', 7.50),
    ('9', 'Depreciation', 'Other Expense', 'Expense', 'Depreciation', 60.00),
    ('10', 'Amortization', 'Other Expense', 'Expense', 'Amortization', 10.00),
    ('11', 'Exchange', 'Other Expense', 'Expense', 'ExchangeGainOrLoss', 4.00),
    ('12', 'Bonus of the founders', 'Other Expense', 'Expense', 'OtherMiscellaneousExpense', 30.00),
    ('13', 'Tax of other years', 'Other Expense', 'Expense', 'IncomeTaxOtherExpense', 5.00),
    -- no type is known of it
    ('14', 'Sundry', NULL, 'Revenue', NULL, 2.50);
INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, account_type, classification, account_subtype)
SELECT c.model_id, c.connection_id, g.account_id, g.name, g.name, g.account_type, g.classification, g.account_subtype
FROM given g, reefqbo.connection c WHERE c.company_name = 'Measured Inc';
INSERT INTO reefqbo.imported_month
SELECT c.model_id, c.connection_id, 'profit_and_loss', 'Accrual', '2026-03-01', '2026-03-31', false, 1
FROM reefqbo.connection c WHERE c.company_name = 'Measured Inc';
INSERT INTO reefqbo._actual_year (model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id)
SELECT c.model_id, c.connection_id, g.account_id, 'profit_and_loss', 'Accrual', 2026,
       ARRAY[NULL, NULL, g.amount] || array_fill(NULL::numeric, ARRAY[9]), 1
FROM given g, reefqbo.connection c WHERE c.company_name = 'Measured Inc';

CREATE VIEW pg_temp.shown AS
SELECT l.lines, s.line, s.label, s.amount
FROM (VALUES ('account'), ('category')) l (lines),
     LATERAL reefqbo.statement('Measured', 'profit_and_loss', '2026-03-01', '2026-03-31', lines => l.lines) s
WHERE s.kind IN ('total', 'computed') AND s.account_id IS NULL;

-- Nothing is mapped: by accounts all is as it will be.
--   Gross Profit           1000.00 - 300.00 - 120.00                              = 580.00
--   Net Operating Income   580.00 - 80.00 - 150.00 - 25.00 - 40.00                = 285.00, as QuickBooks prints it
--   Net Other Income       7.50 + 2.50 - 60.00 - 10.00 - 4.00 - 30.00 - 5.00      = -99.00
--   Net Income             285.00 - 99.00                                         = 186.00
--   Income Tax             40.00 + 5.00                                           =  45.00
--   Profit before Tax      186.00 + 45.00                                         = 231.00
--   Net Interest Expense   25.00 - 7.50                                           =  17.50
--   EBIT                   231.00 + 17.50                                         = 248.50
--   Depreciation           60.00 + 10.00                                          =  70.00
--   EBITDA                 248.50 + 70.00                                         = 318.50
SELECT label, amount FROM pg_temp.shown WHERE lines = 'account' ORDER BY line;
-- What is not mapped stands by itself, and is in the lines below all the same.
SELECT label, amount FROM pg_temp.shown WHERE lines = 'category' ORDER BY line;

-- The proposed mapping. COGS 300.00 + 120.00; Opex 80.00 + 25.00; Staff 150.00; Other Income 7.50 + 2.50;
-- Other Expenses 60.00 + 10.00 + 4.00 + 30.00; Tax 40.00 + 5.00.
INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Measured');
SELECT label, amount FROM pg_temp.shown WHERE lines = 'category' ORDER BY line;
-- Lines of the same name differ in one: by categories, other expenses are without the 5.00 of tax.
SELECT a.label, a.amount, c.amount AS by_category
FROM pg_temp.shown a
JOIN pg_temp.shown c ON c.label = a.label AND c.lines = 'category'
WHERE a.lines = 'account' AND a.amount IS DISTINCT FROM c.amount;
-- What the user calls tax is tax, and what he does not is not.
UPDATE reefqbo.mapping SET variable_type = 'Opex', category = 'Levies' WHERE model = 'Measured' AND account_id = '7';
UPDATE reefqbo.mapping SET variable_type = 'Tax', category = 'Tax' WHERE model = 'Measured' AND account_id = '4';
--   Income Tax 80.00 + 5.00 = 85.00, and profit before tax 186.00 + 85.00 = 271.00
SELECT lines, label, amount FROM pg_temp.shown WHERE label ~ 'Tax|Net|Gross|EBIT' ORDER BY lines, line;
-- One company as QuickBooks prints it has none of these lines.
SELECT label, amount FROM reefqbo.profit_and_loss('Measured', '2026-03-01', '2026-03-31') WHERE kind = 'computed';
