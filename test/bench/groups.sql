-- A group that is made up, for reading its statements: variables model, companies, accounts and months.
-- A company a branch below the root; a tenth of its accounts of each kind; every amount another.

SELECT reefqbo.create_model(:'model') AS id \gset
SELECT count(reefqbo.create_branch(:'model', 'Branch ' || n)) FROM generate_series(1, :companies) n;

INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest, company_name, home_currency,
                                fiscal_year_start_month)
SELECT b.model_id, b.branch_id, e.environment_id, 'connected', '\x00', sha256(b.branch_id::text::bytea), 'Company of ' || b.name, 'USD', 1
FROM reefqbo.branch b, reefqbo.environment e
WHERE b.model_id = :id AND b.parent_branch_id IS NOT NULL AND e.name = 'production';

INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, account_number, classification, account_type)
SELECT c.model_id, c.connection_id, n::text, 'Account ' || n, 'Account ' || n, (1000 + n)::text, t.classification, t.account_type
FROM reefqbo.connection c, generate_series(1, :accounts) n
JOIN (VALUES (0, 'Asset', 'Bank'), (1, 'Asset', 'Accounts Receivable'), (2, 'Liability', 'Accounts Payable'), (3, 'Equity', 'Equity'),
             (4, 'Asset', 'Fixed Asset'), (5, 'Revenue', 'Income'), (6, 'Expense', 'Cost of Goods Sold'), (7, 'Expense', 'Expense'),
             (8, 'Expense', 'Expense'), (9, 'Expense', 'Other Expense')) t (kind, classification, account_type) ON t.kind = n % 10
WHERE c.model_id = :id;

INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, classification, account_type, is_computed)
SELECT c.model_id, c.connection_id, 'computed:NetIncome', 'Net Income', 'Net Income', 'Equity', 'Equity', true
FROM reefqbo.connection c
WHERE c.model_id = :id;

INSERT INTO reefqbo.imported_month (model_id, connection_id, statement, accounting_method, period_start, period_end, is_provisional, import_id)
SELECT c.model_id, c.connection_id, s.statement, 'Accrual', m.month, (m.month + interval '1 month')::date - 1, false, 1
FROM reefqbo.connection c, unnest('{profit_and_loss,balance_sheet}'::text[]) s (statement),
     generate_series('2024-01-01'::timestamp, '2024-01-01'::timestamp + (:months - 1) * interval '1 month', '1 month') m (month)
WHERE c.model_id = :id;

CREATE TEMPORARY TABLE made AS
SELECT a.connection_id, a.account_id, CASE WHEN a.classification IN ('Revenue', 'Expense') THEN 'profit_and_loss' ELSE 'balance_sheet' END AS statement,
       reefqbo._debit_sign(a.account_type, a.classification) AS sign, m AS month, (a.account_id::integer * 11 + m * 17) % 977 + 0.25 AS amount
FROM reefqbo.account a, generate_series(0, :months - 1) m
WHERE a.model_id = :id AND NOT a.is_computed;

-- The year's profit, and in one account of equity what makes the balance sheet balance.
INSERT INTO made
SELECT p.connection_id, 'computed:NetIncome', 'balance_sheet', -1, p.month,
       sum(p.profit) OVER (PARTITION BY p.connection_id, p.month / 12 ORDER BY p.month)
FROM (SELECT connection_id, month, -sum(sign * amount) AS profit FROM made WHERE statement = 'profit_and_loss' GROUP BY connection_id, month) p;
UPDATE made e SET amount = e.amount + d.debit
FROM (SELECT connection_id, month, sum(sign * amount) AS debit FROM made WHERE statement = 'balance_sheet' GROUP BY connection_id, month) d
WHERE e.account_id = '3' AND d.connection_id = e.connection_id AND d.month = e.month;

INSERT INTO reefqbo._actual_year (model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id)
SELECT :id, m.connection_id, m.account_id, m.statement, 'Accrual', 2024 + m.month / 12,
       array_agg(m.amount ORDER BY m.month) || array_fill(NULL::numeric, ARRAY[12 - count(*)::integer]), 1
FROM made m
GROUP BY m.connection_id, m.account_id, m.statement, m.month / 12;
DROP TABLE made;
