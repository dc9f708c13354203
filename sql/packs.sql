--
-- Board packs: what was shown of a month is kept when it is closed, and shown again whatever changes later; and what has changed is told
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS reefqbo CASCADE;
RESET client_min_messages;
\set SHOW_CONTEXT never
SET datestyle = ISO;

SELECT count(reefqbo.create_model('Board'));
SELECT reefqbo.set_currency('Board', 'USD');
SELECT count(reefqbo.create_branch('Board', b)) FROM unnest('{Home,Abroad}'::text[]) b;
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest, company_name, home_currency)
SELECT b.model_id, b.branch_id, 1, 'connected', '\x00', '\x00', v.company, v.currency
FROM (VALUES ('Home', 'Home Inc', 'USD'), ('Abroad', 'Abroad SA', 'EUR')) v (branch, company, currency)
JOIN reefqbo.branch b ON b.name = v.branch JOIN reefqbo.model m ON m.model_id = b.model_id AND m.name = 'Board';

-- February and March. At home 100.00 were earned in March, and 30.00 spent; abroad 50.00 of euros were earned.
CREATE TEMPORARY TABLE book (company text, statement text, account_id text, name text, account_type text, classification text, amounts numeric[]);
INSERT INTO book VALUES
    ('Home Inc', 'profit_and_loss', '1', 'Sales', 'Income', 'Revenue', '{NULL,100.00}'),
    ('Home Inc', 'profit_and_loss', '2', 'Rent', 'Expense', 'Expense', '{NULL,30.00}'),
    ('Home Inc', 'profit_and_loss', '7', 'Overheads', 'Expense', 'Expense', '{NULL,NULL}'),
    ('Home Inc', 'balance_sheet', '3', 'Bank', 'Bank', 'Asset', '{500.00,530.00}'),
    ('Home Inc', 'balance_sheet', '8', 'Tools', 'Other Current Asset', 'Asset', '{NULL,40.00}'),
    ('Home Inc', 'balance_sheet', '4', 'Capital', 'Equity', 'Equity', '{500.00,500.00}'),
    ('Home Inc', 'balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', '{NULL,70.00}'),
    ('Abroad SA', 'profit_and_loss', '1', 'Ventes', 'Income', 'Revenue', '{NULL,50.00}'),
    ('Abroad SA', 'balance_sheet', '2', 'Banque', 'Bank', 'Asset', '{100.00,150.00}'),
    ('Abroad SA', 'balance_sheet', '3', 'Capital', 'Equity', 'Equity', '{100.00,100.00}'),
    ('Abroad SA', 'balance_sheet', 'computed:NetIncome', 'Net Income', 'Equity', 'Equity', '{NULL,50.00}');
INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, account_type, classification, is_computed)
SELECT c.model_id, c.connection_id, b.account_id, b.name, b.name, b.account_type, b.classification, b.account_id ~ '^computed'
FROM book b JOIN reefqbo.connection c ON c.company_name = b.company;
INSERT INTO reefqbo.imported_month
SELECT c.model_id, c.connection_id, s, 'Accrual', make_date(2026, n, 1), make_date(2026, n + 1, 1) - 1, n = 4, 1
FROM reefqbo.connection c, unnest('{profit_and_loss,balance_sheet}'::text[]) s, generate_series(2, 4) n
WHERE c.company_name IN ('Home Inc', 'Abroad SA');
INSERT INTO reefqbo._actual_year (model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id)
SELECT c.model_id, c.connection_id, b.account_id, b.statement, 'Accrual', 2026,
       ARRAY[NULL::numeric] || b.amounts || CASE b.statement WHEN 'balance_sheet' THEN b.amounts[2] END || array_fill(NULL::numeric, ARRAY[8]), 1
FROM book b JOIN reefqbo.connection c ON c.company_name = b.company WHERE b.amounts[2] IS NOT NULL;
INSERT INTO reefqbo.mapping (model, company_branch, account_id, variable_type, category)
VALUES ('Board', 'Home', '1', 'Revenue', 'Sales'), ('Board', 'Home', '2', 'Opex', 'Rent'), ('Board', 'Abroad', '1', 'Revenue', 'Sales');
SELECT reefqbo.set_rate('Board', 'EUR', '2026-02-01', closing => 1.00, average => 1.00, historical => 1.00);
SELECT reefqbo.set_rate('Board', 'EUR', '2026-03-01', closing => 1.20, average => 1.10);
SELECT reefqbo.set_rate('Board', 'EUR', '2026-04-01', closing => 1.20, average => 1.20);

CREATE ROLE board_operator;
CREATE ROLE board_reader;
SELECT reefqbo.grant_access('board_operator', 'operator', 'Board'), reefqbo.grant_access('board_reader', 'reader', 'Board');
SET ROLE board_operator;
INSERT INTO reefqbo.elimination (model_id, branch_id, month, amount, debit_type, debit_category, credit_type, credit_category, memo)
SELECT b.model_id, b.branch_id, '2026-03-01', 10.00, 'Revenue', 'Sales', 'Opex', 'Rent', 'desks let to the daughter'
FROM reefqbo.branch b WHERE b.name = 'Board' AND b.parent_branch_id IS NULL;

CREATE FUNCTION pg_temp.pack(statement text, lines text, as_of timestamptz) RETURNS TABLE (label text, amount numeric)
BEGIN ATOMIC
    SELECT regexp_replace(s.label, ' \[.*\]$', ''), s.amount FROM reefqbo.statement('Board', $1, '2026-03-01', '2026-03-31', lines => $2, as_of => $3) s WHERE s.amount <> 0 ORDER BY s.line;
END;

-- 100.00 and 50.00 x 1.10 less 10.00 make 145.00; 30.00 less 10.00 make 20.00. In banks there are 530.00 and 150.00 x 1.20.
SELECT * FROM pg_temp.pack('profit_and_loss', 'category', NULL);
SELECT * FROM pg_temp.pack('profit_and_loss', 'account', NULL);
SELECT * FROM pg_temp.pack('balance_sheet', 'account', NULL);

-- What cannot be closed: a month that is not there, or not over; one that must be read again, or is out of balance.
SELECT reefqbo.close_period('Board', NULL);
SELECT reefqbo.close_period('Boards', '2026-03-31');
SELECT reefqbo.close_period('Board', '2026-05-01');
SELECT reefqbo.close_period('Board', '2026-04-30');
RESET ROLE;
INSERT INTO reefqbo.unsettled_month (model_id, connection_id, accounting_method, period_start, reason, period_end, detail, import_id)
SELECT c.model_id, c.connection_id, 'Accrual', '2026-03-01', 'does not tie out', '2026-03-31', 'Total Assets', 1 FROM reefqbo.connection c WHERE c.company_name = 'Home Inc';
SET ROLE board_operator;
SELECT reefqbo.close_period('Board', '2026-03-31');
RESET ROLE;
UPDATE reefqbo.unsettled_month SET reason = 'reclassified', detail = 'Tools' WHERE detail = 'Total Assets';
SET ROLE board_operator;
SELECT reefqbo.close_period('Board', '2026-03-31');
RESET ROLE;
DELETE FROM reefqbo.unsettled_month WHERE detail = 'Tools';
UPDATE reefqbo._actual_year SET amounts[3] = 531.00 WHERE amounts[3] = 530.00;
SET ROLE board_operator;
SELECT reefqbo.close_period('Board', '2026-03-31');
RESET ROLE;
UPDATE reefqbo._actual_year SET amounts[3] = 530.00 WHERE amounts[3] = 531.00;
SET ROLE board_reader;
SELECT reefqbo.close_period('Board', '2026-03-31');
SET ROLE board_operator;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT reefqbo.close_period('Board', '2026-03-31');
ROLLBACK;

SELECT reefqbo.close_period('Board', '2026-03-31', 'the pack of March') IS NOT NULL AS is_closed;
SELECT month, note, closed_at IS NOT NULL AS is_closed, closed_by, reopened_at FROM reefqbo.closed_period ORDER BY closing_id;
SELECT reefqbo.close_period('Board', '2026-03-01');
SELECT statement, label, amount FROM reefqbo.closed_figure WHERE lines = 'account' AND label IN ('Total Income', 'Net Income', 'Total Assets', 'Net Change in Cash') ORDER BY statement, line;
SELECT * FROM reefqbo.period_change('Board');
SELECT closed_month, is_as_shown, difference FROM reefqbo.check_period('Board');
CREATE TEMPORARY TABLE shown AS
SELECT s.statement, l.lines, t.*
FROM unnest('{profit_and_loss,balance_sheet,cash_flow}'::text[]) s (statement), unnest('{account,category}'::text[]) l (lines),
     LATERAL reefqbo.statement('Board', s.statement, '2026-03-01', '2026-03-31', lines => l.lines) t;
GRANT SELECT ON shown TO board_reader;

-- Everything changes. A rate: 50.00 x 1.16.
BEGIN;
SET LOCAL reefqbo.reason = 'the bank has corrected its average';
SELECT reefqbo.set_rate('Board', 'EUR', '2026-03-01', average => 1.16);
COMMIT;
INSERT INTO reefqbo.mapping (model, company_branch, account_id, variable_type, category) VALUES ('Board', 'Home', '2', 'Opex', 'Offices');
UPDATE reefqbo.elimination SET amount = 4.00, credit_category = 'Offices' WHERE memo = 'desks let to the daughter';
SELECT reefqbo.rename_branch('Board', 'Abroad', 'Overseas');
-- What changes nothing is no change.
SELECT reefqbo.set_rate('Board', 'EUR', '2026-03-01', closing => 1.2);
INSERT INTO reefqbo.mapping (model, company_branch, account_id, variable_type, category) VALUES ('Board', 'Home', '1', 'Revenue', 'Sales');
SELECT reefqbo.set_rate('Board', 'EUR', '2026-04-01', closing => 1.30);
RESET ROLE;
-- An import: rent has another name and stands under overheads, tools are fixed assets, and the rent was 35.00.
INSERT INTO reefqbo.import_log (model_id, import_id, connection_id, kind, started_by) OVERRIDING SYSTEM VALUE
SELECT c.model_id, 4711, c.connection_id, 'refresh', 'reefqbo worker' FROM reefqbo.connection c WHERE c.company_name = 'Home Inc';
BEGIN;
UPDATE reefqbo.account a SET name = 'Office rent', fully_qualified_name = 'Overheads:Office rent', parent_account_id = '7'
FROM reefqbo.connection c WHERE c.company_name = 'Home Inc' AND a.connection_id = c.connection_id AND a.account_id = '2';
UPDATE reefqbo.account a SET account_type = 'Fixed Asset' WHERE a.name = 'Tools';
INSERT INTO reefqbo.account_change (model_id, connection_id, account_id, change, noticed_at, import_id)
SELECT a.model_id, a.connection_id, a.account_id, 'renamed', reefqbo._moment(a.model_id), 4711 FROM reefqbo.account a WHERE a.name = 'Office rent';
INSERT INTO reefqbo.restatement (model_id, connection_id, account_id, statement, accounting_method, period_start, period_end, old_amount,
                                 new_amount, restated_at, import_id, in_closed_period, was_provisional)
SELECT a.model_id, a.connection_id, a.account_id, v.statement, 'Accrual', '2026-03-01', '2026-03-31', v.was, v.became,
       reefqbo._moment(a.model_id), 4711, v.statement = 'profit_and_loss', false
FROM (VALUES ('2', 'profit_and_loss', 30.00, 35.00), ('3', 'balance_sheet', 530.00, 525.00), ('computed:NetIncome', 'balance_sheet', 70.00, 65.00))
     v (account_id, statement, was, became)
JOIN reefqbo.connection c ON c.company_name = 'Home Inc' JOIN reefqbo.account a ON a.connection_id = c.connection_id AND a.account_id = v.account_id;
UPDATE reefqbo._actual_year y SET amounts[3] = r.new_amount FROM reefqbo.restatement r
WHERE r.import_id = 4711 AND y.connection_id = r.connection_id AND y.account_id = r.account_id AND y.statement = r.statement;
COMMIT;
SET ROLE board_reader;

-- Today: 100.00 and 58.00 less 4.00; 35.00 less 4.00.
SELECT * FROM pg_temp.pack('profit_and_loss', 'category', NULL);
SELECT * FROM pg_temp.pack('profit_and_loss', 'account', NULL);
SELECT * FROM pg_temp.pack('balance_sheet', 'account', NULL);
-- The pack is as it was shown, all of it.
SELECT p.lines, p.statement, count(*) AS differ
FROM (SELECT s.statement, l.lines, t.*
      FROM reefqbo.closed_period c, unnest('{profit_and_loss,balance_sheet,cash_flow}'::text[]) s (statement), unnest('{account,category}'::text[]) l (lines),
           LATERAL reefqbo.statement('Board', s.statement, '2026-03-01', '2026-03-31', lines => l.lines, as_of => c.closed_at) t
      EXCEPT SELECT * FROM shown) p GROUP BY p.lines, p.statement;
SELECT p.* FROM reefqbo.closed_period c, LATERAL pg_temp.pack('profit_and_loss', 'account', c.closed_at) p;
SELECT closed_month, is_as_shown, difference FROM reefqbo.check_period('Board');
-- And by the other ways to ask.
SELECT s.part, s.amount FROM reefqbo.closed_period c, LATERAL reefqbo.statement_by_company('Board', 'profit_and_loss', '2026-03-01', '2026-03-31', as_of => c.closed_at) s WHERE s.label = 'Total Revenue';
SELECT s.company_name, s.account_name, s.rate, s.memo, s.amount FROM reefqbo.closed_period c, LATERAL reefqbo.statement_parts('Board', 'profit_and_loss', 'Net Income', '2026-03-01', '2026-03-31', as_of => c.closed_at) s;
SELECT t.label, t.debit, t.credit FROM reefqbo.closed_period c, LATERAL reefqbo.trial_balance('Board', '2026-03-01', as_of => c.closed_at) t WHERE t.label IN ('Rent', 'Tools', 'Total', 'Ventes') ORDER BY t.line;
SELECT count(*) > 0 AS by_its_name_of_then FROM reefqbo.closed_period c, LATERAL reefqbo.statement('Board', 'balance_sheet', '2026-03-01', '2026-03-31', branch => 'Abroad', as_of => c.closed_at) s;

\x
SELECT kind, company, regexp_replace(subject, '^entry \d+', 'entry') AS subject, old_value, new_value,
       CASE WHEN changed_by <> (SELECT r.rolname FROM pg_roles r WHERE r.oid = 10) THEN changed_by END AS changed_by, why
FROM reefqbo.period_change('Board', '2026-03-01');
\x
SELECT count(*) FROM reefqbo.period_change('Board') WHERE changed_at <= closed_at;
SELECT reefqbo.period_change('Board', '2026-02-01');
RESET ROLE;
SELECT action, model, detail ~ 'Rent|1.16|4.00|Overseas|March' AS says_so, acting_role FROM reefqbo.audit
WHERE model = 'Board' AND action IN ('period_closed', 'rate_changed', 'mapping_changed', 'elimination_changed') AND acting_role = 'board_operator' ORDER BY audit_id;

-- The history is written by nobody else, and read by those who read the model.
SET ROLE board_operator;
INSERT INTO reefqbo.exchange_rate_history SELECT * FROM reefqbo.exchange_rate_history;
UPDATE reefqbo.closed_period SET closed_at = now();
DELETE FROM reefqbo.account_history;
SELECT closing, average, historical, valid_until = 'infinity' AS holds, changed_by = 'board_operator' AS is_operator, why, ended_by, ended_why FROM reefqbo.exchange_rate_history WHERE month = '2026-03-01' ORDER BY valid_from;
-- Nor does the setting that dumps begin with let anybody change something without it.
BEGIN;
SET LOCAL row_security = off;
SELECT reefqbo.set_rate('Board', 'EUR', '2026-03-01', closing => 1.31, average => 1.30);
SET LOCAL row_security = on;
SELECT closing, average, changed_by = 'board_operator' AS is_operator FROM reefqbo.exchange_rate_history WHERE month = '2026-03-01' AND valid_until = 'infinity';
ROLLBACK;

-- Opened again, and closed as it is.
SELECT reefqbo.reopen_period('Board', '2026-03-15', 'the auditor asked for it');
SELECT reefqbo.reopen_period('Board', '2026-03-15');
SELECT reefqbo.reopen_period('Board', NULL);
SELECT reefqbo.close_period('Board', '2026-03-15', 'audited') IS NOT NULL AS is_closed;
SELECT count(*) FROM reefqbo.period_change('Board');
SELECT month, note, reopened_by, reopened_note FROM reefqbo.closed_period ORDER BY closing_id;
SELECT closed_month, is_as_shown, difference FROM reefqbo.check_period('Board');

-- Whoever tampers with what is kept is found out.
RESET ROLE;
UPDATE reefqbo.exchange_rate_history SET average = 1.11 WHERE average = 1.10 AND month = '2026-03-01';
SELECT closed_month, is_as_shown, difference FROM reefqbo.check_period('Board');
UPDATE reefqbo.exchange_rate_history SET average = 1.10 WHERE average = 1.11 AND month = '2026-03-01';
-- What came without its history cannot be closed.
SET session_replication_role = replica;
UPDATE reefqbo.exchange_rate SET average = 1.00 WHERE month = '2026-02-01' OR average = 1.16;
RESET session_replication_role;
SELECT reefqbo.reopen_period('Board', '2026-03-15'), reefqbo.close_period('Board', '2026-03-15');
