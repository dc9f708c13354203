-- What QuickBooks says of each company.

CREATE VIEW reefqbo.company WITH (security_barrier) AS
SELECT c.model_id,
       c.connection_id,
       c.branch_id,
       m.name AS model,
       b.name AS branch,
       c.company_name AS name,
       c.legal_name,
       c.country,
       c.home_currency,
       c.multicurrency,
       c.fiscal_year_start_month,
       c.book_close_date,
       c.report_basis,
       e.name AS environment,
       e.is_sandbox,
       c.status,
       c.connected_at,
       c.company_read_at,
       c.accounts_as_of,
       c.actuals_as_of,
       u.changes_until AS quickbooks_time
FROM reefqbo.connection c
JOIN reefqbo.model m ON m.model_id = c.model_id
JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
JOIN reefqbo.environment e ON e.environment_id = c.environment_id
LEFT JOIN reefqbo.upkeep u ON u.model_id = c.model_id AND u.connection_id = c.connection_id
-- whoever has all models is spared the list of them
WHERE (SELECT EXISTS (SELECT 1 FROM reefqbo._my_access a WHERE a.model_id = 0 AND NOT a.scoped AND a.level = ANY (reefqbo._levels_with('reader'))))
   OR c.model_id IN (SELECT v.model_id FROM reefqbo._my_model v);

COMMENT ON VIEW reefqbo.company IS
'The company behind each connection, as QuickBooks describes it: read when it was connected; the closing date and the settings beside it again when figures were restated, and by reefqbo.check(model). A row a connection; how the connection stands is in reefqbo.connection_status.
See https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/companyinfo';
COMMENT ON COLUMN reefqbo.company.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.company.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.company.branch_id IS 'the branch';
COMMENT ON COLUMN reefqbo.company.model IS 'name of the model';
COMMENT ON COLUMN reefqbo.company.branch IS 'name of the branch';
COMMENT ON COLUMN reefqbo.company.name IS 'the company''s name, as QuickBooks has it; NULL until it was read once';
COMMENT ON COLUMN reefqbo.company.legal_name IS 'its legal name';
COMMENT ON COLUMN reefqbo.company.country IS 'its country, as QuickBooks writes it: mostly two letters';
COMMENT ON COLUMN reefqbo.company.home_currency IS 'the currency of its reports, and so of all its amounts here: an ISO 4217 code';
COMMENT ON COLUMN reefqbo.company.multicurrency IS 'whether it has accounts or customers in other currencies';
COMMENT ON COLUMN reefqbo.company.fiscal_year_start_month IS 'first month of its fiscal year, 1 to 12';
COMMENT ON COLUMN reefqbo.company.book_close_date IS 'the last day of the books that are closed; NULL: none are';
COMMENT ON COLUMN reefqbo.company.report_basis IS 'the accounting method of its own reports, Accrual or Cash. What is imported is said with each import';
COMMENT ON COLUMN reefqbo.company.environment IS 'the set of endpoints';
COMMENT ON COLUMN reefqbo.company.is_sandbox IS 'a test company of Intuit''s';
COMMENT ON COLUMN reefqbo.company.status IS 'as in reefqbo.connection_status';
COMMENT ON COLUMN reefqbo.company.connected_at IS 'when it was connected first';
COMMENT ON COLUMN reefqbo.company.company_read_at IS 'when this was read last';
COMMENT ON COLUMN reefqbo.company.accounts_as_of IS 'when its chart of accounts was read last';
COMMENT ON COLUMN reefqbo.company.actuals_as_of IS 'when the tables were last known to hold what QuickBooks holds';
COMMENT ON COLUMN reefqbo.company.quickbooks_time IS 'up to when changes are known, by QuickBooks'' own clock; NULL: they are not';
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.company');
