-- A schema for API layers (PostgREST, PostGraphile, generators of clients): what they cannot read of reefqbo is left out.
-- No function has an overload, no column is of type name or bytea, views have their keys in comments, in the form that
-- PostGraphile reads. By a superuser, once:
--
--     psql app -f contrib/api/reefqbo_api.sql
--
-- Whoever calls does so with his own rights: reefqbo.grant_access gives them, and nothing here adds to them.

BEGIN;
CREATE SCHEMA reefqbo_api;
COMMENT ON SCHEMA reefqbo_api IS 'reefqbo for API layers';
GRANT USAGE ON SCHEMA reefqbo_api TO reefqbo_reader, reefqbo_operator, reefqbo_admin;

-- ---- views ----

CREATE VIEW reefqbo_api.model WITH (security_invoker) AS
SELECT m.model_id, m.name, COALESCE(m.title, m.name) AS title, m.purpose, m.currency, m.created_at FROM reefqbo.model m;
COMMENT ON VIEW reefqbo_api.model IS E'@primaryKey model_id\n@unique name\nThe financial models that the caller may see.';

CREATE VIEW reefqbo_api.branch WITH (security_invoker) AS
SELECT b.model_id, b.branch_id, b.name, b.parent_branch_id, b.is_enabled, b.created_at FROM reefqbo.branch b;
COMMENT ON VIEW reefqbo_api.branch IS E'@primaryKey model_id,branch_id\n@foreignKey (model_id) references model (model_id)\n@foreignKey (model_id, parent_branch_id) references branch (model_id, branch_id)\nThe entities, divisions, stores or projects of the models.';

CREATE VIEW reefqbo_api.connection WITH (security_invoker) AS
SELECT c.model_id, c.connection_id, c.branch_id, c.name AS company, c.legal_name, c.country, c.home_currency, c.fiscal_year_start_month,
       c.book_close_date, c.report_basis, s.environment, s.status, s.since, s.sqlstate, s.reason_code, s.user_message, s.user_action,
       s.days_until_grant_ends, s.data_as_of, s.unsettled_months
FROM reefqbo.company c JOIN reefqbo.connection_status s USING (model_id, connection_id);
COMMENT ON VIEW reefqbo_api.connection IS E'@primaryKey model_id,connection_id\n@foreignKey (model_id, branch_id) references branch (model_id, branch_id)\nThe QuickBooks companies that are connected, and how each stands.';

CREATE VIEW reefqbo_api.account WITH (security_invoker) AS
SELECT a.model_id, a.connection_id, a.account_id, a.name, a.fully_qualified_name, a.account_number, a.classification, a.account_type,
       a.account_subtype, a.parent_account_id, a.is_active, a.is_computed, a.currency, a.gone_since
FROM reefqbo.account a;
COMMENT ON VIEW reefqbo_api.account IS E'@primaryKey model_id,connection_id,account_id\n@foreignKey (model_id, connection_id) references connection (model_id, connection_id)\nThe charts of accounts.';

CREATE VIEW reefqbo_api.actual WITH (security_invoker) AS
SELECT v.model_id, v.connection_id, v.account_id, v.statement, v.accounting_method, v.period_start, v.period_end, v.amount, v.currency
FROM reefqbo.actual v;
COMMENT ON VIEW reefqbo_api.actual IS E'@primaryKey model_id,connection_id,account_id,statement,accounting_method,period_start\n@foreignKey (model_id, connection_id, account_id) references account (model_id, connection_id, account_id)\nThe figures: an account, a month, a statement. Ask for one model.';

CREATE VIEW reefqbo_api.restatement WITH (security_invoker) AS
SELECT r.model_id, r.restatement_id, r.connection_id, r.account_id, r.statement, r.accounting_method, r.period_start, r.period_end,
       r.old_amount, r.new_amount, r.restated_at, r.in_closed_period, r.was_provisional
FROM reefqbo.restatement r;
COMMENT ON VIEW reefqbo_api.restatement IS E'@primaryKey model_id,restatement_id\n@foreignKey (model_id, connection_id, account_id) references account (model_id, connection_id, account_id)\nFigures that have changed after they had been imported.';

CREATE VIEW reefqbo_api.request WITH (security_invoker) AS
SELECT q.model_id, q.request_id, q.branch, q.kind, q.state, q.requested_at, q.requested_by::text AS requested_by, q.started_at, q.finished_at,
       q.chunks_done, q.chunks_total, q.place, q.not_before, q.sqlstate, q.message, q.hint, q.accounting_method, q.start_date, q.end_date
FROM reefqbo.request q;
COMMENT ON VIEW reefqbo_api.request IS E'@primaryKey model_id,request_id\n@foreignKey (model_id) references model (model_id)\nThe imports that were asked for, and how far they are.';

GRANT SELECT ON ALL TABLES IN SCHEMA reefqbo_api TO reefqbo_reader, reefqbo_operator, reefqbo_admin;

-- ---- functions: each is one of reefqbo's ----

CREATE FUNCTION reefqbo_api.connect(model text, environment text, session text, branch text DEFAULT NULL) RETURNS text
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT reefqbo.connect(model, environment, branch, session);
END;
COMMENT ON FUNCTION reefqbo_api.connect(text, text, text, text) IS 'The address to open, where the user signs in at QuickBooks. session is a random word of the browser''s session.';

CREATE FUNCTION reefqbo_api.reconnect(model text, session text, branch text DEFAULT NULL) RETURNS text
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT reefqbo.reconnect(model, branch, session);
END;
COMMENT ON FUNCTION reefqbo_api.reconnect(text, text, text) IS 'The address to open to renew the grant of the same company.';

CREATE FUNCTION reefqbo_api.complete_connection(redirect_url text, session text)
RETURNS TABLE (model text, branch text, company text, environment text, status text, connection_id bigint)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT c.model, c.branch, c.company, c.environment, c.status, c.connection_id FROM reefqbo.complete_connection(redirect_url, session) c;
END;
COMMENT ON FUNCTION reefqbo_api.complete_connection(text, text) IS 'Ends a sign-in: the address that the browser came back to, and the word it was begun with.';

CREATE FUNCTION reefqbo_api.disconnect(model text, branch text DEFAULT NULL)
RETURNS TABLE (company text, revoked boolean, note text)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT d.company, d.revoked, d.note FROM reefqbo.disconnect(model, branch) d;
END;
COMMENT ON FUNCTION reefqbo_api.disconnect(text, text) IS 'Ends a connection. Its figures stay.';

CREATE FUNCTION reefqbo_api.request_import(model text, start_date date, end_date date, accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL)
RETURNS bigint
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT reefqbo.request_import(model, start_date, end_date, accounting_method, branch);
END;
COMMENT ON FUNCTION reefqbo_api.request_import(text, date, date, text, text) IS 'Asks for an import of whole months, and returns at once the id of the request.';

CREATE FUNCTION reefqbo_api.request_refresh(model text, branch text DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT reefqbo.request_refresh(model, branch);
END;
COMMENT ON FUNCTION reefqbo_api.request_refresh(text, text) IS 'Asks for what has changed, and returns at once the id of the request.';

CREATE FUNCTION reefqbo_api.cancel_request(request_id bigint) RETURNS boolean
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT reefqbo.cancel_request(request_id);
END;
COMMENT ON FUNCTION reefqbo_api.cancel_request(bigint) IS 'Takes a request back. False if it had ended before.';

CREATE FUNCTION reefqbo_api.profit_and_loss(model text, start_date date, end_date date, frequency text DEFAULT 'month', accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text, period text, period_start date, period_end date, is_provisional boolean, amount numeric, currency text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT p.line, p.depth, trim(p.label), p.kind, p.section, p.account_id, p.period, p.period_start, p.period_end, p.is_provisional, p.amount, p.currency
FROM reefqbo.profit_and_loss(model, start_date, end_date, frequency, accounting_method, branch) p ORDER BY p.line, p.period_start;
END;
COMMENT ON FUNCTION reefqbo_api.profit_and_loss(text, date, date, text, text, text) IS 'The profit and loss of one company, as QuickBooks prints it.';

CREATE FUNCTION reefqbo_api.balance_sheet(model text, start_date date, end_date date, frequency text DEFAULT 'month', accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text, period text, period_start date, period_end date, is_provisional boolean, amount numeric, currency text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT p.line, p.depth, trim(p.label), p.kind, p.section, p.account_id, p.period, p.period_start, p.period_end, p.is_provisional, p.amount, p.currency
FROM reefqbo.balance_sheet(model, start_date, end_date, frequency, accounting_method, branch) p ORDER BY p.line, p.period_start;
END;
COMMENT ON FUNCTION reefqbo_api.balance_sheet(text, date, date, text, text, text) IS 'The balance sheet of one company, as QuickBooks prints it.';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA reefqbo_api FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA reefqbo_api TO reefqbo_reader, reefqbo_operator, reefqbo_admin;
COMMIT;
