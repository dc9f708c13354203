-- Views for tools that ask by themselves: facts and what they are about, as a star.

CREATE FUNCTION reefqbo._account_group(account_type text, account_subtype text, is_computed boolean)
RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN is_computed AND account_type IS NOT DISTINCT FROM 'Equity' THEN 'net income'
    WHEN account_type IN ('Income', 'Other Income', 'Cost of Goods Sold', 'Expense', 'Other Expense') AND account_subtype IN (
        'InterestPaid', 'InterestEarned', 'BorrowingCost', 'FinanceCosts', 'MortgageInterest', 'VehicleLoanInterest') THEN 'interest'
    WHEN account_type IN ('Expense', 'Other Expense') AND account_subtype IN (
        'IncomeTaxExpense', 'IncomeTaxOtherExpense', 'DeferredTaxExpense', 'MatCredit') THEN 'income tax'
    WHEN account_type IN ('Expense', 'Other Expense') AND account_subtype IN (
        'Depreciation', 'Amortization', 'AmortizationExpense', 'AppropriationsToDepreciation', 'Depletion') THEN 'depreciation and amortization'
    ELSE CASE account_type
        WHEN 'Income' THEN 'revenue'
        WHEN 'Cost of Goods Sold' THEN 'cost of sales'
        WHEN 'Expense' THEN 'operating expense'
        WHEN 'Other Income' THEN 'other income'
        WHEN 'Other Expense' THEN 'other expense'
        WHEN 'Bank' THEN 'cash'
        WHEN 'Accounts Receivable' THEN 'receivables'
        WHEN 'Other Current Asset' THEN 'other current assets'
        WHEN 'Fixed Asset' THEN 'fixed assets'
        WHEN 'Other Asset' THEN 'other assets'
        WHEN 'Accounts Payable' THEN 'payables'
        WHEN 'Credit Card' THEN 'credit cards'
        WHEN 'Other Current Liability' THEN 'other current liabilities'
        WHEN 'Long Term Liability' THEN 'long-term liabilities'
        WHEN 'Equity' THEN 'equity'
        ELSE 'other' END
END;

COMMENT ON FUNCTION reefqbo._account_group(text, text, boolean) IS
'Internal: what an account is for an analyst, by QuickBooks'' type and detail type.';

INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo._account_group(text, text, boolean)');

CREATE VIEW reefqbo.dim_company WITH (security_barrier) AS
SELECT c.connection_id AS company_key,
       c.model_id,
       c.model,
       c.branch,
       c.name AS company,
       c.legal_name,
       c.country,
       c.home_currency AS currency,
       c.fiscal_year_start_month,
       c.book_close_date,
       c.status,
       c.actuals_as_of
FROM reefqbo.company c;

COMMENT ON VIEW reefqbo.dim_company IS
'For BI tools: the companies, a row each. Joined to reefqbo.fact_actual and reefqbo.dim_account by company_key.';
COMMENT ON COLUMN reefqbo.dim_company.company_key IS 'the key: the connection';
COMMENT ON COLUMN reefqbo.dim_company.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.dim_company.model IS 'name of the model';
COMMENT ON COLUMN reefqbo.dim_company.branch IS 'name of the branch';
COMMENT ON COLUMN reefqbo.dim_company.company IS 'the company''s name, as QuickBooks has it';
COMMENT ON COLUMN reefqbo.dim_company.legal_name IS 'its legal name';
COMMENT ON COLUMN reefqbo.dim_company.country IS 'its country, as QuickBooks writes it';
COMMENT ON COLUMN reefqbo.dim_company.currency IS 'the currency of its amounts';
COMMENT ON COLUMN reefqbo.dim_company.fiscal_year_start_month IS 'first month of its fiscal year, 1 to 12';
COMMENT ON COLUMN reefqbo.dim_company.book_close_date IS 'the last day of the books that are closed';
COMMENT ON COLUMN reefqbo.dim_company.status IS 'as in reefqbo.connection_status';
COMMENT ON COLUMN reefqbo.dim_company.actuals_as_of IS 'when the tables were last known to hold what QuickBooks holds';
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.dim_company');

CREATE VIEW reefqbo.dim_account WITH (security_barrier) AS
SELECT a.connection_id || '/' || a.account_id AS account_key,
       a.connection_id AS company_key,
       a.model_id,
       a.account_id,
       a.name AS account,
       a.fully_qualified_name AS path,
       a.account_number,
       a.classification,
       a.account_type,
       a.account_subtype,
       CASE WHEN a.classification IN ('Revenue', 'Expense') THEN 'profit_and_loss' ELSE 'balance_sheet' END AS statement,
       g.account_group,
       CASE a.classification WHEN 'Revenue' THEN 1 WHEN 'Expense' THEN -1 ELSE 0 END AS profit_sign,
       a.classification IN ('Revenue', 'Expense')
           AND g.account_group NOT IN ('interest', 'income tax', 'depreciation and amortization') AS is_ebitda,
       p.variable_type,
       p.category,
       p.subcategory,
       a.is_active,
       a.is_computed
FROM reefqbo.account a
CROSS JOIN LATERAL (SELECT reefqbo._account_group(a.account_type, a.account_subtype, a.is_computed) AS account_group) g
LEFT JOIN reefqbo.account_mapping p
    ON p.model_id = a.model_id AND p.connection_id = a.connection_id AND p.account_id = a.account_id
WHERE (SELECT EXISTS (SELECT 1 FROM reefqbo._my_access m WHERE m.model_id = 0 AND NOT m.scoped AND m.level = ANY (reefqbo._levels_with('reader'))))
   OR a.model_id IN (SELECT v.model_id FROM reefqbo._my_model v);

COMMENT ON VIEW reefqbo.dim_account IS
'For BI tools: the accounts, a row each, with what they are for an analyst. Profit is the sum of amount times profit_sign; EBITDA is the same of the accounts with is_ebitda. account_group goes by QuickBooks'' type and detail type, category by the mapping.';
COMMENT ON COLUMN reefqbo.dim_account.account_key IS 'the key';
COMMENT ON COLUMN reefqbo.dim_account.company_key IS 'the company, as in reefqbo.dim_company';
COMMENT ON COLUMN reefqbo.dim_account.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.dim_account.account_id IS 'QuickBooks'' own id of the account';
COMMENT ON COLUMN reefqbo.dim_account.account IS 'its short name';
COMMENT ON COLUMN reefqbo.dim_account.path IS 'the names from the top down, joined by colons';
COMMENT ON COLUMN reefqbo.dim_account.account_number IS 'the account''s number, if the company uses numbers';
COMMENT ON COLUMN reefqbo.dim_account.classification IS 'Asset, Liability, Equity, Revenue or Expense';
COMMENT ON COLUMN reefqbo.dim_account.account_type IS 'QuickBooks'' account type';
COMMENT ON COLUMN reefqbo.dim_account.account_subtype IS 'QuickBooks'' detail type';
COMMENT ON COLUMN reefqbo.dim_account.statement IS 'profit_and_loss or balance_sheet';
COMMENT ON COLUMN reefqbo.dim_account.account_group IS 'revenue, cost of sales, operating expense, other income, other expense, interest, income tax, depreciation and amortization; cash, receivables, other current assets, fixed assets, other assets, payables, credit cards, other current liabilities, long-term liabilities, equity, net income; other';
COMMENT ON COLUMN reefqbo.dim_account.profit_sign IS '1 for what adds to profit, -1 for what lessens it, 0 on the balance sheet';
COMMENT ON COLUMN reefqbo.dim_account.is_ebitda IS 'counts in earnings before interest, income tax, depreciation and amortization';
COMMENT ON COLUMN reefqbo.dim_account.variable_type IS 'what it is mapped to; NULL: it is not mapped';
COMMENT ON COLUMN reefqbo.dim_account.category IS 'the category it is mapped to';
COMMENT ON COLUMN reefqbo.dim_account.subcategory IS 'the subcategory it is mapped to';
COMMENT ON COLUMN reefqbo.dim_account.is_active IS 'false: made inactive in QuickBooks';
COMMENT ON COLUMN reefqbo.dim_account.is_computed IS 'a line that is in no chart, such as Net Income inside equity';
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.dim_account');

CREATE VIEW reefqbo.dim_month WITH (security_barrier) AS
SELECT g.month::date AS month,
       (g.month + interval '1 month')::date - 1 AS month_end,
       to_char(g.month, 'YYYY-MM') AS label,
       date_part('year', g.month)::integer AS year,
       date_part('quarter', g.month)::integer AS quarter,
       date_part('month', g.month)::integer AS month_of_year,
       (date_part('year', g.month) * 12 + date_part('month', g.month))::integer AS month_number
FROM (SELECT min(i.period_start) AS first, max(i.period_start) AS last FROM reefqbo.imported_month i
      WHERE i.model_id IN (SELECT v.model_id FROM reefqbo._my_model v)) r
CROSS JOIN LATERAL generate_series(r.first::timestamp, r.last::timestamp, interval '1 month') AS g (month);

COMMENT ON VIEW reefqbo.dim_month IS
'For BI tools: the months, from the first that was fetched of any company to the last. Joined to reefqbo.fact_actual by month. Fiscal years differ by company: reefqbo.dim_company has their first month.';
COMMENT ON COLUMN reefqbo.dim_month.month IS 'the key: first day of the month';
COMMENT ON COLUMN reefqbo.dim_month.month_end IS 'last day of the month';
COMMENT ON COLUMN reefqbo.dim_month.label IS 'such as 2026-01';
COMMENT ON COLUMN reefqbo.dim_month.year IS 'calendar year';
COMMENT ON COLUMN reefqbo.dim_month.quarter IS '1 to 4';
COMMENT ON COLUMN reefqbo.dim_month.month_of_year IS '1 to 12';
COMMENT ON COLUMN reefqbo.dim_month.month_number IS 'months counted through, so that the one a year before is 12 less';
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.dim_month');

CREATE VIEW reefqbo.fact_actual WITH (security_barrier) AS
SELECT i.model_id,
       i.connection_id AS company_key,
       i.connection_id || '/' || a.account_id AS account_key,
       i.period_start AS month,
       i.statement,
       c.home_currency AS currency,
       sum(COALESCE(x.amounts[date_part('month', i.period_start)::integer], 0)) FILTER (WHERE i.accounting_method = 'Accrual') AS accrual,
       sum(COALESCE(x.amounts[date_part('month', i.period_start)::integer], 0)) FILTER (WHERE i.accounting_method = 'Cash') AS cash,
       bool_or(i.is_provisional) AS is_provisional,
       a.account_id
FROM reefqbo.imported_month i
JOIN reefqbo.connection c ON c.model_id = i.model_id AND c.connection_id = i.connection_id
JOIN reefqbo.account a ON a.model_id = i.model_id AND a.connection_id = i.connection_id
LEFT JOIN reefqbo._actual_year x
    ON x.model_id = i.model_id AND x.connection_id = i.connection_id AND x.account_id = a.account_id
   AND x.statement = i.statement AND x.accounting_method = i.accounting_method AND x.year = reefqbo._year(i.period_start)
WHERE (x.amounts[date_part('month', i.period_start)::integer] IS NOT NULL
       OR (i.statement = 'profit_and_loss') = COALESCE(a.classification IN ('Revenue', 'Expense'), false))
  AND ((SELECT EXISTS (SELECT 1 FROM reefqbo._my_access m WHERE m.model_id = 0 AND NOT m.scoped AND m.level = ANY (reefqbo._levels_with('reader'))))
       OR i.model_id IN (SELECT v.model_id FROM reefqbo._my_model v))
GROUP BY i.model_id, i.connection_id, a.account_id, i.period_start, i.statement, c.home_currency;

COMMENT ON VIEW reefqbo.fact_actual IS
'For BI tools: a row for each account and month that was fetched, also where the amount is 0. The two accounting methods are two columns, so that no sum takes both: accrual, cash.
Profit and loss: the movement in the month; balance sheet: the balance at its end, which is not to be summed over months. In the company''s home currency, with the sign QuickBooks prints. Joined by company_key, account_key and month.';
COMMENT ON COLUMN reefqbo.fact_actual.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.fact_actual.company_key IS 'the company, as in reefqbo.dim_company';
COMMENT ON COLUMN reefqbo.fact_actual.account_key IS 'the account, as in reefqbo.dim_account';
COMMENT ON COLUMN reefqbo.fact_actual.month IS 'first day of the month, as in reefqbo.dim_month';
COMMENT ON COLUMN reefqbo.fact_actual.statement IS 'profit_and_loss or balance_sheet';
COMMENT ON COLUMN reefqbo.fact_actual.currency IS 'the currency of both amounts';
COMMENT ON COLUMN reefqbo.fact_actual.accrual IS 'the amount by the accrual method; NULL: not fetched by that';
COMMENT ON COLUMN reefqbo.fact_actual.cash IS 'the amount by the cash method; NULL: not fetched by that';
COMMENT ON COLUMN reefqbo.fact_actual.is_provisional IS 'the month was not over when it was fetched';
COMMENT ON COLUMN reefqbo.fact_actual.account_id IS 'QuickBooks'' own id of the account';
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.fact_actual');
