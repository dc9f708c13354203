-- On the server that has reefqbo, as a superuser: what may be read elsewhere. Columns are named, so that no sealed value,
-- no token and no realm id leaves the server. wal_level must be logical.
--
--     psql app -f publisher.sql

CREATE PUBLICATION reefqbo_figures FOR TABLE
    reefqbo.model (model_id, name, title, currency),
    reefqbo.branch (model_id, branch_id, name, parent_branch_id, is_enabled),
    reefqbo.connection (model_id, connection_id, branch_id, status, company_name, legal_name, country, home_currency,
        fiscal_year_start_month, book_close_date, accounts_as_of, actuals_as_of),
    reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, account_number, classification,
        account_type, account_subtype, parent_account_id, is_active, is_computed, currency, gone_since),
    reefqbo.account_mapping (model_id, connection_id, account_id, variable_id, variable_type, category, subcategory,
        branch_id),
    reefqbo.imported_month (model_id, connection_id, statement, accounting_method, period_start, period_end, is_provisional,
        known_since),
    reefqbo._actual_year (model_id, connection_id, statement, accounting_method, account_id, year, amounts),
    reefqbo.restatement (model_id, restatement_id, connection_id, account_id, statement, accounting_method, period_start,
        period_end, old_amount, new_amount, restated_at, in_closed_period, was_provisional);
