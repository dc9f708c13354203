-- The figures: which months were fetched, the amounts in them, what was restated, and time travel to what was known before.

CREATE TABLE reefqbo.imported_month (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    statement text COLLATE "C" NOT NULL,
    accounting_method text COLLATE "C" NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    is_provisional boolean NOT NULL,
    import_id bigint NOT NULL,
    known_since timestamptz NOT NULL DEFAULT reefqbo._now(),
    over_since timestamptz,
    PRIMARY KEY (model_id, connection_id, statement, accounting_method, period_start),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection
);

COMMENT ON TABLE reefqbo.imported_month IS
'Which months were fetched. An account without a row in reefqbo.actual is 0 in a month that is here, and unknown in a month that is not.';
COMMENT ON COLUMN reefqbo.imported_month.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.imported_month.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.imported_month.statement IS 'profit_and_loss or balance_sheet';
COMMENT ON COLUMN reefqbo.imported_month.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.imported_month.period_start IS 'first day of the month';
COMMENT ON COLUMN reefqbo.imported_month.period_end IS 'last day of the month';
COMMENT ON COLUMN reefqbo.imported_month.is_provisional IS 'the month was not over yet in the company''s time zone when it was last fetched';
COMMENT ON COLUMN reefqbo.imported_month.import_id IS 'the import that fetched it first, or that found it over';
COMMENT ON COLUMN reefqbo.imported_month.known_since IS 'when it was fetched first: before that nothing was known of it';
COMMENT ON COLUMN reefqbo.imported_month.over_since IS 'when an import found that a month is over that had not been; NULL if none has';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.imported_month', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.imported_month');

CREATE TABLE reefqbo.withdrawn_month (
    model_id bigint NOT NULL,
    withdrawal_id bigint GENERATED ALWAYS AS IDENTITY,
    connection_id bigint NOT NULL,
    statement text COLLATE "C" NOT NULL,
    accounting_method text COLLATE "C" NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    known_since timestamptz NOT NULL,
    withdrawn_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    import_id bigint NOT NULL,
    PRIMARY KEY (model_id, withdrawal_id),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection
);

CREATE INDEX withdrawn_month_of_connection ON reefqbo.withdrawn_month (model_id, connection_id, period_start);

COMMENT ON TABLE reefqbo.withdrawn_month IS
'Months that were in reefqbo.imported_month and have not begun: a clock was ahead when they were imported. They are unknown again; what they held is in reefqbo.restatement, as changes to 0 by the same import.';
COMMENT ON COLUMN reefqbo.withdrawn_month.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.withdrawn_month.withdrawal_id IS 'in the order they were taken back';
COMMENT ON COLUMN reefqbo.withdrawn_month.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.withdrawn_month.statement IS 'profit_and_loss or balance_sheet';
COMMENT ON COLUMN reefqbo.withdrawn_month.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.withdrawn_month.period_start IS 'first day of the month';
COMMENT ON COLUMN reefqbo.withdrawn_month.period_end IS 'last day of the month';
COMMENT ON COLUMN reefqbo.withdrawn_month.known_since IS 'since when it counted as known; if that was noted in the future, it is when it was put right';
COMMENT ON COLUMN reefqbo.withdrawn_month.withdrawn_at IS 'until when';
COMMENT ON COLUMN reefqbo.withdrawn_month.import_id IS 'the import that took it back, as in reefqbo.import_log';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.withdrawn_month', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.withdrawn_month_withdrawal_id_seq', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.withdrawn_month');

-- What is stored: a year of months in a row. It takes a sixth of the room of a row a month, a sixth of the log, and one look-up of the
-- account in twelve. Readers have reefqbo.actual, a row a month.
CREATE TABLE reefqbo._actual_year (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    import_id bigint NOT NULL,
    year integer NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    statement text COLLATE "C" NOT NULL,
    accounting_method text COLLATE "C" NOT NULL,
    amounts numeric[] NOT NULL,
    import_ids bigint[],
    PRIMARY KEY (model_id, connection_id, statement, accounting_method, account_id, year),
    FOREIGN KEY (model_id, connection_id, account_id) REFERENCES reefqbo.account,
    CONSTRAINT actual_statement_is_known CHECK (statement IN ('profit_and_loss', 'balance_sheet')),
    CONSTRAINT actual_method_is_known CHECK (accounting_method IN ('Accrual', 'Cash')),
    CONSTRAINT actual_year_has_twelve_months CHECK (
        array_ndims(amounts) = 1 AND array_lower(amounts, 1) = 1 AND cardinality(amounts) = 12),
    CONSTRAINT actual_year_has_an_amount CHECK (num_nonnulls(VARIADIC amounts) > 0),
    -- where a month has an import of its own, each month with an amount has one
    CONSTRAINT actual_year_has_imports CHECK (
        array_ndims(import_ids) = 1 AND array_lower(import_ids, 1) = 1 AND cardinality(import_ids) = 12
        AND num_nonnulls(VARIADIC import_ids) = num_nonnulls(VARIADIC amounts))
);

COMMENT ON TABLE reefqbo._actual_year IS
'Internal: what reefqbo.actual shows, a calendar year in a row. amounts has twelve elements, January first; NULL where the month has no amount. A row has one amount at least.
import_ids: the import that brought each amount; NULL if import_id brought them all. To load figures by hand: INSERT a row with its array, or UPDATE ... SET amounts[5] = 100.';

SELECT pg_catalog.pg_extension_config_dump('reefqbo._actual_year', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo._actual_year');

CREATE FUNCTION reefqbo._year(day date)
RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN isfinite($1) THEN date_part('year', $1)::integer
            WHEN $1 < '2000-01-01' THEN -2147483648 WHEN $1 > '2000-01-01' THEN 2147483647 END;

COMMENT ON FUNCTION reefqbo._year(date) IS 'Internal: the calendar year of a date; of infinity, the last there is.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo._year(date)');

-- With the rights of whoever reads: what a table of months would show. A condition on the model and the company is one on the key.
CREATE VIEW reefqbo.actual WITH (security_invoker) AS
SELECT y.model_id, y.connection_id, y.account_id, y.statement, y.accounting_method,
       make_date(y.year, m.month, 1) AS period_start,
       make_date(y.year + m.month / 12, m.month % 12 + 1, 1) - 1 AS period_end,
       y.amounts[m.month] AS amount,
       c.home_currency AS currency,
       COALESCE(y.import_ids[m.month], y.import_id) AS import_id
FROM reefqbo._actual_year y
CROSS JOIN (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) AS m (month)
-- left out of the plan where nobody asks for the currency
LEFT JOIN reefqbo.connection c ON c.model_id = y.model_id AND c.connection_id = y.connection_id
WHERE y.amounts[m.month] IS NOT NULL;

COMMENT ON VIEW reefqbo.actual IS
'One account''s amount in one month, one statement and one accounting method, in the company''s home currency and with the sign QuickBooks prints.
statement profit_and_loss: the movement in the month; balance_sheet: the balance at its end. An account that is 0 has no row, unless it once had another amount.
A view with the rights of whoever reads: reefqbo.grant_access gives what it takes. Say of which model: by model_id or connection_id rows are found by a key, by the month alone they are not.';
COMMENT ON COLUMN reefqbo.actual.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.actual.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.actual.account_id IS 'QuickBooks'' own id of the account; computed lines have ids that begin with "computed:"';
COMMENT ON COLUMN reefqbo.actual.statement IS 'profit_and_loss or balance_sheet';
COMMENT ON COLUMN reefqbo.actual.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.actual.period_start IS 'first day of the month';
COMMENT ON COLUMN reefqbo.actual.period_end IS 'last day of the month';
COMMENT ON COLUMN reefqbo.actual.amount IS 'in the home currency of the company, with the sign QuickBooks prints';
COMMENT ON COLUMN reefqbo.actual.currency IS 'the currency of the amount: the company''s home currency';
COMMENT ON COLUMN reefqbo.actual.import_id IS 'the import that brought this amount';

INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.actual');

CREATE VIEW reefqbo._amount AS
SELECT y.model_id, y.connection_id, y.account_id, y.statement, y.accounting_method, y.year,
       make_date(y.year, m.month, 1) AS period_start,
       make_date(y.year + m.month / 12, m.month % 12 + 1, 1) - 1 AS period_end,
       y.amounts[m.month] AS amount,
       COALESCE(y.import_ids[m.month], y.import_id) AS import_id
FROM reefqbo._actual_year y
CROSS JOIN (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) AS m (month)
WHERE y.amounts[m.month] IS NOT NULL;

COMMENT ON VIEW reefqbo._amount IS
'Internal: reefqbo.actual with the rights of the owner, and with the year, by which a range of months leaves the other years'' rows unread.';

CREATE TABLE reefqbo.restatement (
    model_id bigint NOT NULL,
    restatement_id bigint GENERATED ALWAYS AS IDENTITY,
    connection_id bigint NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    statement text COLLATE "C" NOT NULL,
    accounting_method text COLLATE "C" NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    old_amount numeric NOT NULL,
    new_amount numeric NOT NULL,
    restated_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    import_id bigint NOT NULL,
    in_closed_period boolean NOT NULL,
    was_provisional boolean NOT NULL,
    PRIMARY KEY (model_id, restatement_id),
    FOREIGN KEY (model_id, connection_id, account_id) REFERENCES reefqbo.account
);

CREATE INDEX restatement_month ON reefqbo.restatement
    (model_id, connection_id, statement, accounting_method, period_start, account_id);

COMMENT ON TABLE reefqbo.restatement IS
'Every change of an amount in a month that had been imported already: what it was, what it is, when and by which import that was seen. A row that vanished from a report is a change to 0, a new row one from 0.';
COMMENT ON COLUMN reefqbo.restatement.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.restatement.restatement_id IS 'in the order they were noticed';
COMMENT ON COLUMN reefqbo.restatement.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.restatement.account_id IS 'QuickBooks'' own id of the account; computed lines have ids that begin with "computed:"';
COMMENT ON COLUMN reefqbo.restatement.statement IS 'profit_and_loss or balance_sheet';
COMMENT ON COLUMN reefqbo.restatement.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.restatement.period_start IS 'first day of the month';
COMMENT ON COLUMN reefqbo.restatement.period_end IS 'last day of the month';
COMMENT ON COLUMN reefqbo.restatement.old_amount IS 'what was stored before';
COMMENT ON COLUMN reefqbo.restatement.new_amount IS 'what QuickBooks prints since; 0 if the month was taken back (reefqbo.withdrawn_month)';
COMMENT ON COLUMN reefqbo.restatement.restated_at IS 'when the import noticed it';
COMMENT ON COLUMN reefqbo.restatement.import_id IS 'the import, as in reefqbo.import_log';
COMMENT ON COLUMN reefqbo.restatement.in_closed_period IS 'the month ends on or before the closing date of the company''s books';
COMMENT ON COLUMN reefqbo.restatement.was_provisional IS 'the month was not over when the old amount was fetched';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.restatement', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.restatement_restatement_id_seq', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.restatement');

CREATE FUNCTION reefqbo._known_months(model_id bigint, connection_id bigint, statement text, accounting_method text,
                                      as_of timestamptz)
RETURNS TABLE (period_start date, period_end date, is_provisional boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT i.period_start, i.period_end, i.is_provisional OR coalesce(i.over_since > $5, false)
    FROM reefqbo.imported_month i
    WHERE i.model_id = $1 AND i.connection_id = $2 AND i.statement = $3 AND i.accounting_method = $4
      AND ($5 IS NULL OR i.known_since <= $5)
    UNION ALL
    SELECT w.period_start, w.period_end, true
    FROM reefqbo.withdrawn_month w
    WHERE w.model_id = $1 AND w.connection_id = $2 AND w.statement = $3 AND w.accounting_method = $4
      AND w.known_since <= $5 AND w.withdrawn_at > $5
$$;

COMMENT ON FUNCTION reefqbo._known_months(bigint, bigint, text, text, timestamptz) IS
'Internal: the months of a company that are imported, or were at a moment.';

CREATE FUNCTION reefqbo._amounts_as_of(model_id bigint, connection_id bigint, statement text, accounting_method text,
                                       first_month date, last_month date, as_of timestamptz)
RETURNS TABLE (account_id text, period_start date, period_end date, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT y.account_id, i.period_start, i.period_end, coalesce(r.old_amount, m.amount)
    FROM reefqbo.imported_month i
    JOIN reefqbo._actual_year y
        ON y.model_id = i.model_id AND y.connection_id = i.connection_id AND y.statement = i.statement
       AND y.accounting_method = i.accounting_method AND y.year = reefqbo._year(i.period_start)
    CROSS JOIN LATERAL (SELECT y.amounts[date_part('month', i.period_start)::integer] AS amount) m
    LEFT JOIN LATERAL (
        -- what it was before the first change that was not known then
        SELECT x.old_amount
        FROM reefqbo.restatement x
        WHERE x.model_id = i.model_id AND x.connection_id = i.connection_id AND x.statement = i.statement
          AND x.accounting_method = i.accounting_method AND x.period_start = i.period_start
          AND x.account_id = y.account_id AND x.restated_at > $7
        ORDER BY x.restated_at, x.restatement_id
        LIMIT 1
    ) r ON true
    WHERE i.model_id = $1 AND i.connection_id = $2 AND i.statement = $3 AND i.accounting_method = $4
      AND i.period_start BETWEEN $5 AND $6 AND i.known_since <= $7 AND m.amount IS NOT NULL
    UNION ALL
    -- of a month that was taken back since, every amount has become 0 by then
    SELECT r.account_id, w.period_start, w.period_end, r.old_amount
    FROM reefqbo.withdrawn_month w
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (x.account_id) x.account_id, x.old_amount
        FROM reefqbo.restatement x
        WHERE x.model_id = w.model_id AND x.connection_id = w.connection_id AND x.statement = w.statement
          AND x.accounting_method = w.accounting_method AND x.period_start = w.period_start
          AND x.restated_at > $7 AND x.restated_at <= w.withdrawn_at
        ORDER BY x.account_id, x.restated_at, x.restatement_id
    ) r
    WHERE w.model_id = $1 AND w.connection_id = $2 AND w.statement = $3 AND w.accounting_method = $4
      AND w.period_start BETWEEN $5 AND $6 AND w.known_since <= $7 AND w.withdrawn_at > $7
$$;

COMMENT ON FUNCTION reefqbo._amounts_as_of(bigint, bigint, text, text, date, date, timestamptz) IS
'Internal: the amounts of a company as they were known at a moment.';

CREATE FUNCTION reefqbo._company_amounts(model_id bigint, connection_id bigint, statement text, accounting_method text,
                                         first_month date, last_month date, as_of timestamptz)
RETURNS TABLE (account_id text, period_start date, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT y.account_id, make_date(y.year, m.month, 1), y.amounts[m.month]
    FROM reefqbo._actual_year y
    -- no more months than are asked for
    CROSS JOIN LATERAL generate_series(CASE y.year WHEN reefqbo._year($5) THEN date_part('month', $5)::integer ELSE 1 END,
                                       CASE y.year WHEN reefqbo._year($6) THEN date_part('month', $6)::integer ELSE 12 END) AS m (month)
    WHERE $7 IS NULL AND y.model_id = $1 AND y.connection_id = $2 AND y.statement = $3 AND y.accounting_method = $4
      AND y.year BETWEEN reefqbo._year($5) AND reefqbo._year($6)
      AND make_date(y.year, m.month, 1) BETWEEN $5 AND $6 AND y.amounts[m.month] <> 0
    UNION ALL
    SELECT x.account_id, x.period_start, x.amount
    FROM reefqbo._amounts_as_of($1, $2, $3, $4, $5, $6, $7) x
    WHERE $7 IS NOT NULL AND x.amount <> 0
$$;

COMMENT ON FUNCTION reefqbo._company_amounts(bigint, bigint, text, text, date, date, timestamptz) IS
'Internal: the amounts of a company in its home currency, with the sign QuickBooks prints for what the account is, or was then: those of today, or as they were known at a moment.';

CREATE FUNCTION reefqbo._actuals_as_of(model text, as_of timestamptz, branch text)
RETURNS TABLE (model_id bigint, connection_id bigint, account_id text, statement text, accounting_method text,
               period_start date, period_end date, amount numeric, currency text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    of_branch bigint := CASE WHEN $3 IS NOT NULL THEN reefqbo._branch_id(in_model, $3) END;
BEGIN
    IF $2 IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'as of when?';
    END IF;
    RETURN QUERY
    SELECT in_model, c.connection_id, a.account_id, s.statement, s.accounting_method, a.period_start, a.period_end, a.amount,
           c.home_currency
    FROM reefqbo.connection c
    CROSS JOIN (VALUES ('profit_and_loss', 'Accrual'), ('profit_and_loss', 'Cash'), ('balance_sheet', 'Accrual'),
                       ('balance_sheet', 'Cash')) s (statement, accounting_method)
    CROSS JOIN LATERAL reefqbo._amounts_as_of(in_model, c.connection_id, s.statement, s.accounting_method, '-infinity',
                                              'infinity', $2) a
    WHERE c.model_id = in_model AND (of_branch IS NULL OR c.branch_id = of_branch)
    ORDER BY c.connection_id, s.statement, s.accounting_method, a.period_start, a.account_id COLLATE "C";
END
$$;

COMMENT ON FUNCTION reefqbo._actuals_as_of(text, timestamptz, text) IS 'Internal: what reefqbo.actuals_as_of does, without asking who calls.';

CREATE FUNCTION reefqbo.actuals_as_of(model text, as_of timestamptz, branch text DEFAULT NULL)
RETURNS TABLE (model_id bigint, connection_id bigint, account_id text, statement text, accounting_method text,
               period_start date, period_end date, amount numeric, currency text)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_reader';

COMMENT ON FUNCTION reefqbo.actuals_as_of(text, timestamptz, text) IS
'The figures of reefqbo.actual as they were known at a moment: what did the board pack of 5 March say? Months first fetched later are left out, and every change seen later (reefqbo.restatement) is undone.
Arguments: model; as_of; branch, whose company''s figures, by default those of all. Result: the columns of reefqbo.actual but import_id; an account without a row is 0 in a month that had been fetched by then. reefqbo.statement takes as_of as well.
Errors: 42704 no such model or branch, 22004 no moment.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.actuals_as_of(text, timestamptz, text)');
