-- Figures without any sign-in, for tests of an application: reefqbo_test.seed. By a superuser, in a test's database only:
--
--     psql app_test -f "$(reefqbo-simulator seed-script)"
--
-- It writes what an import would store, and nothing that could ask QuickBooks: there are no tokens, and the schedule of
-- the model is paused.

CREATE SCHEMA reefqbo_test;

-- A company's accounts: with ids, by their places where they have none, and with those that QuickBooks makes by itself.
CREATE FUNCTION reefqbo_test._accounts(company jsonb)
RETURNS TABLE (account_id text, name text, path text, parent_path text, number text, type text, subtype text, class text,
               is_active boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
WITH given AS (
    SELECT a.account, a.place
    FROM jsonb_array_elements(company -> 'accounts') WITH ORDINALITY AS a (account, place)
), own (account, place) AS (
    VALUES ('{"name": "Retained Earnings", "type": "Equity", "subtype": "RetainedEarnings", "number": "3900"}'::jsonb, 1),
           ('{"name": "Opening Balance Equity", "type": "Equity", "subtype": "OpeningBalanceEquity", "number": "3000"}', 2),
           ('{"name": "Unapplied Cash Payment Income", "type": "Income", "subtype": "UnappliedCashPaymentIncome", "number": "4990"}', 3),
           ('{"name": "Unapplied Cash Bill Payment Expense", "type": "Expense", "subtype": "UnappliedCashBillPaymentExpense", "number": "6990"}', 4)
), whole AS (
    SELECT g.account, g.place FROM given g
    UNION ALL
    SELECT o.account, jsonb_array_length(company -> 'accounts') + row_number() OVER (ORDER BY o.place) FROM own o
    WHERE NOT EXISTS (SELECT 1 FROM given g WHERE g.account ->> 'subtype' = o.account ->> 'subtype')
)
SELECT COALESCE(w.account ->> 'id', w.place::text), w.account ->> 'name', concat_ws(':', w.account ->> 'parent', w.account ->> 'name'),
       w.account ->> 'parent', w.account ->> 'number', w.account ->> 'type',
       COALESCE(w.account ->> 'subtype', replace(w.account ->> 'type', ' ', '')),
       CASE WHEN w.account ->> 'type' IN ('Bank', 'Accounts Receivable', 'Other Current Asset', 'Fixed Asset', 'Other Asset') THEN 'Asset'
            WHEN w.account ->> 'type' IN ('Accounts Payable', 'Credit Card', 'Other Current Liability', 'Long Term Liability') THEN 'Liability'
            WHEN w.account ->> 'type' = 'Equity' THEN 'Equity'
            WHEN w.account ->> 'type' IN ('Income', 'Other Income') THEN 'Revenue'
            WHEN w.account ->> 'type' IN ('Cost of Goods Sold', 'Expense', 'Other Expense') THEN 'Expense' END,
       COALESCE((w.account ->> 'active')::boolean, true)
FROM whole w;
END;

-- Its postings, by account id, debits positive.
CREATE FUNCTION reefqbo_test._lines(company jsonb)
RETURNS TABLE (day date, account_id text, class text, amount numeric)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT (p.posting ->> 'date')::date, a.account_id, a.class, (l.line ->> 'amount')::numeric
FROM jsonb_array_elements(COALESCE(company -> 'postings', '[]')) AS p (posting)
CROSS JOIN jsonb_array_elements(p.posting -> 'lines') AS l (line)
LEFT JOIN reefqbo_test._accounts(company) a ON l.line ->> 'account' IN (a.account_id, a.path);
END;

-- What both statements print of each month, but for what is 0.
CREATE FUNCTION reefqbo_test._figures(company jsonb, start_date date, end_date date)
RETURNS TABLE (statement text, account_id text, month date, amount numeric)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
WITH months AS (
    -- year: when the fiscal year began that the month is in
    SELECT m::date AS month, (m + interval '1 month')::date AS ends,
           (m - interval '1 month' * ((date_part('month', m)::integer + 12 - COALESCE((company ->> 'fiscal_month')::integer, 1)) % 12))::date AS year
    FROM generate_series(start_date::timestamp, end_date::timestamp, interval '1 month') m
), lines AS (
    SELECT l.day, l.account_id, l.class, CASE WHEN l.class IN ('Asset', 'Expense') THEN l.amount ELSE -l.amount END AS natural, -l.amount AS credit
    FROM reefqbo_test._lines(company) l
), figures AS (
    SELECT 'profit_and_loss' AS statement, l.account_id, m.month, l.natural AS amount
    FROM months m JOIN lines l ON l.day >= m.month AND l.day < m.ends WHERE l.class IN ('Revenue', 'Expense')
    UNION ALL
    SELECT 'balance_sheet', l.account_id, m.month, l.natural
    FROM months m JOIN lines l ON l.day < m.ends WHERE l.class NOT IN ('Revenue', 'Expense')
    UNION ALL
    -- profit: of the fiscal year so far by itself, of those before in retained earnings
    SELECT 'balance_sheet', CASE WHEN l.day >= m.year THEN 'computed:NetIncome' ELSE e.account_id END, m.month, l.credit
    FROM months m JOIN lines l ON l.day < m.ends
    CROSS JOIN (SELECT a.account_id FROM reefqbo_test._accounts(company) a WHERE a.subtype = 'RetainedEarnings' LIMIT 1) e
    WHERE l.class IN ('Revenue', 'Expense')
)
SELECT f.statement, f.account_id, f.month, sum(f.amount) FROM figures f
GROUP BY f.statement, f.account_id, f.month HAVING sum(f.amount) <> 0;
END;

CREATE FUNCTION reefqbo_test._check(company jsonb, start_date date, end_date date)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wrong text;
BEGIN
    IF start_date IS DISTINCT FROM date_trunc('month', start_date)::date OR start_date > end_date
       OR end_date IS DISTINCT FROM (date_trunc('month', end_date) + interval '1 month')::date - 1 THEN
        RAISE 'the range is whole months' USING ERRCODE = '22023';
    END IF;
    SELECT string_agg(DISTINCT a.name, ', ') INTO wrong FROM reefqbo_test._accounts(company) a WHERE a.class IS NULL;
    IF wrong IS NOT NULL THEN
        RAISE 'accounts of an unknown type: %', wrong USING ERRCODE = '22023';
    END IF;
    IF EXISTS (SELECT 1 FROM reefqbo_test._lines(company) l WHERE l.account_id IS NULL) THEN
        RAISE 'a posting is to an account that is not in the chart' USING ERRCODE = '22023';
    END IF;
    IF EXISTS (SELECT 1 FROM jsonb_array_elements(company -> 'postings') p
               WHERE (SELECT sum((l ->> 'amount')::numeric) FROM jsonb_array_elements(p -> 'lines') l) <> 0) THEN
        RAISE 'the lines of a posting sum to zero' USING ERRCODE = '22023';
    END IF;
END;
$$;

-- The connection of the branch, made if there is none. One that has a grant is nobody's to seed.
CREATE FUNCTION reefqbo_test._connection(given_model reefqbo.model, branch text, company jsonb)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_training boolean := given_model.purpose = 'training';
    environment text := CASE WHEN is_training THEN 'reefqbo_test_sandbox' ELSE 'reefqbo_test' END;
    place bigint;
    found bigint;
BEGIN
    SELECT b.branch_id INTO place FROM reefqbo.branch b
    WHERE b.model_id = given_model.model_id AND (b.name = branch OR branch IS NULL AND b.parent_branch_id IS NULL);
    IF place IS NULL THEN
        RAISE 'model "%" has no branch "%"', given_model.name, branch USING ERRCODE = '42704';
    END IF;
    SELECT c.connection_id INTO found FROM reefqbo.connection c WHERE c.model_id = given_model.model_id AND c.branch_id = place;
    IF EXISTS (SELECT 1 FROM reefqbo.credential k WHERE k.model_id = given_model.model_id AND k.connection_id = found) THEN
        RAISE 'the branch is connected to a company of QuickBooks' USING ERRCODE = '55000';
    END IF;
    IF found IS NULL THEN
        IF NOT EXISTS (SELECT 1 FROM reefqbo.environment e WHERE e.name = environment) THEN
            PERFORM reefqbo.create_environment(environment, is_training, 'https://reefqbo-test.invalid/', 'https://reefqbo-test.invalid/',
                                               'https://reefqbo-test.invalid/', 'https://reefqbo-test.invalid/');
        END IF;
        INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest)
        SELECT given_model.model_id, place, e.environment_id, 'connected', '', sha256(gen_random_uuid()::text::bytea)
        FROM reefqbo.environment e WHERE e.name = environment
        RETURNING connection_id INTO found;
        PERFORM reefqbo.set_schedule(given_model.name, paused => true);
    END IF;
    UPDATE reefqbo.connection c
    SET company_name = COALESCE(company ->> 'name', company ->> 'key'), legal_name = COALESCE(company ->> 'name', company ->> 'key'),
        country = COALESCE(company ->> 'country', 'US'), home_currency = COALESCE(company ->> 'currency', 'USD'), multicurrency = false,
        fiscal_year_start_month = COALESCE((company ->> 'fiscal_month')::smallint, 1::smallint), book_close_date = (company ->> 'book_close_date')::date,
        report_basis = 'Accrual', company_read_at = reefqbo._now(), accounts_as_of = reefqbo._now(), actuals_as_of = reefqbo._now()
    WHERE c.model_id = given_model.model_id AND c.connection_id = found;
    RETURN found;
END;
$$;

CREATE FUNCTION reefqbo_test._store_accounts(model bigint, connection bigint, company jsonb)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
INSERT INTO reefqbo.account AS o (model_id, connection_id, account_id, name, fully_qualified_name, account_number, classification,
                                  account_type, account_subtype, parent_account_id, is_active, currency, current_balance)
SELECT $1, $2, a.account_id, a.name, a.path, a.number, a.class, a.type, a.subtype, p.account_id, a.is_active,
       COALESCE($3 ->> 'currency', 'USD'), 0
FROM reefqbo_test._accounts($3) a LEFT JOIN reefqbo_test._accounts($3) p ON p.path = a.parent_path
ON CONFLICT (model_id, connection_id, account_id) DO UPDATE
SET name = EXCLUDED.name, fully_qualified_name = EXCLUDED.fully_qualified_name, account_number = EXCLUDED.account_number,
    classification = EXCLUDED.classification, account_type = EXCLUDED.account_type, account_subtype = EXCLUDED.account_subtype,
    parent_account_id = EXCLUDED.parent_account_id, is_active = EXCLUDED.is_active, gone_since = NULL;
INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, classification, account_type, is_computed,
                             currency)
VALUES ($1, $2, 'computed:NetIncome', 'Net Income', 'Net Income', 'Equity', 'Equity', true, COALESCE($3 ->> 'currency', 'USD'))
ON CONFLICT (model_id, connection_id, account_id) DO NOTHING;
END;

-- In the place of all that was seeded before.
CREATE FUNCTION reefqbo_test._store_figures(model bigint, connection bigint, import bigint, company jsonb, start_date date, end_date date)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
DELETE FROM reefqbo._actual_year y WHERE y.model_id = $1 AND y.connection_id = $2;
DELETE FROM reefqbo.imported_month m WHERE m.model_id = $1 AND m.connection_id = $2;
INSERT INTO reefqbo.imported_month (model_id, connection_id, statement, accounting_method, period_start, period_end, is_provisional, import_id,
                                    known_since)
SELECT $1, $2, s, 'Accrual', m::date, (m + interval '1 month')::date - 1, (m + interval '1 month') > reefqbo._now(), $3, reefqbo._now()
FROM generate_series($5::timestamp, $6::timestamp, interval '1 month') m, (VALUES ('profit_and_loss'), ('balance_sheet')) AS v (s);
INSERT INTO reefqbo._actual_year (model_id, connection_id, import_id, year, account_id, statement, accounting_method, amounts)
SELECT $1, $2, $3, date_part('year', f.month)::integer, f.account_id, f.statement, 'Accrual',
       ARRAY[max(f.amount) FILTER (WHERE date_part('month', f.month) = 1),
             max(f.amount) FILTER (WHERE date_part('month', f.month) = 2),
             max(f.amount) FILTER (WHERE date_part('month', f.month) = 3),
             max(f.amount) FILTER (WHERE date_part('month', f.month) = 4),
             max(f.amount) FILTER (WHERE date_part('month', f.month) = 5),
             max(f.amount) FILTER (WHERE date_part('month', f.month) = 6),
             max(f.amount) FILTER (WHERE date_part('month', f.month) = 7),
             max(f.amount) FILTER (WHERE date_part('month', f.month) = 8),
             max(f.amount) FILTER (WHERE date_part('month', f.month) = 9),
             max(f.amount) FILTER (WHERE date_part('month', f.month) = 10),
             max(f.amount) FILTER (WHERE date_part('month', f.month) = 11),
             max(f.amount) FILTER (WHERE date_part('month', f.month) = 12)]
FROM reefqbo_test._figures($4, $5, $6) f
GROUP BY date_part('year', f.month), f.account_id, f.statement;
END;

CREATE FUNCTION reefqbo_test.seed(model text, company jsonb, start_date date, end_date date, branch text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found reefqbo.model;
    connection bigint;
    import bigint;
BEGIN
    PERFORM reefqbo_test._check(company, start_date, end_date);
    SELECT m.* INTO found FROM reefqbo.model m WHERE m.name = seed.model;
    IF found.model_id IS NULL THEN
        PERFORM reefqbo.create_model(model);
        SELECT m.* INTO found FROM reefqbo.model m WHERE m.name = seed.model;
    END IF;
    connection := reefqbo_test._connection(found, branch, company);
    PERFORM reefqbo_test._store_accounts(found.model_id, connection, company);
    INSERT INTO reefqbo.import_log (model_id, connection_id, kind, accounting_method, start_date, end_date, status, finished_at, started_by)
    VALUES (found.model_id, connection, 'actuals', 'Accrual', start_date, end_date, 'succeeded', reefqbo._now(), session_user)
    RETURNING import_id INTO import;
    PERFORM reefqbo_test._store_figures(found.model_id, connection, import, company, start_date, end_date);
    PERFORM pg_notify('reefqbo', json_build_object('event', 'figures_changed', 'model_id', found.model_id, 'connection_id', connection,
                                                   'import_id', import)::text);
    RETURN connection;
END;
$$;

COMMENT ON FUNCTION reefqbo_test.seed(text, jsonb, date, date, text) IS
'Puts a company''s figures into a model, as an import would have stored them, without any sign-in: for tests of an application.

Arguments: model, made if there is none of that name; company, an object as in the simulator''s file of companies: its accounts and postings; start_date and end_date, whole months, which are known then; branch, by default the root. Called again for the same branch it replaces the figures.

Result: the connection_id. Errors: 22023 the company or the range cannot be; 42704 no such branch; 55000 the branch is connected to QuickBooks.';
