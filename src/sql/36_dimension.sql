-- By class and by department (location): the parts of each month's profit and loss, and which branch each part feeds.

CREATE TABLE reefqbo.dimension_value (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    dimension text COLLATE "C" NOT NULL,
    value_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    fully_qualified_name text NOT NULL,
    parent_value_id text,
    is_active boolean NOT NULL DEFAULT true,
    gone_since timestamptz,
    PRIMARY KEY (model_id, connection_id, dimension, value_id),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection,
    CONSTRAINT dimension_value_dimension_is_known CHECK (dimension IN ('class', 'department'))
);

COMMENT ON TABLE reefqbo.dimension_value IS
'The classes and departments (locations) of each connection, keyed by QuickBooks'' own id; what is not tagged has the id ''unspecified''. Rows are never removed: inactive ones, and those QuickBooks no longer names, keep their history.
See https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/class and …/department';
COMMENT ON COLUMN reefqbo.dimension_value.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.dimension_value.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.dimension_value.dimension IS 'class or department';
COMMENT ON COLUMN reefqbo.dimension_value.value_id IS 'QuickBooks'' own id of the class or department, or unspecified';
COMMENT ON COLUMN reefqbo.dimension_value.name IS 'its name';
COMMENT ON COLUMN reefqbo.dimension_value.fully_qualified_name IS 'the names from the top down, joined by colons';
COMMENT ON COLUMN reefqbo.dimension_value.parent_value_id IS 'the value it stands under; amounts of a value never contain those of the values under it';
COMMENT ON COLUMN reefqbo.dimension_value.is_active IS 'false: made inactive in QuickBooks';
COMMENT ON COLUMN reefqbo.dimension_value.gone_since IS 'since when QuickBooks no longer names it in its list; NULL while it does';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.dimension_value', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.dimension_value');

CREATE TABLE reefqbo.dimension_month (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    dimension text COLLATE "C" NOT NULL,
    accounting_method text COLLATE "C" NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    import_id bigint NOT NULL,
    fetched_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (model_id, connection_id, dimension, accounting_method, period_start),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection,
    CONSTRAINT dimension_month_dimension_is_known CHECK (dimension IN ('class', 'department')),
    CONSTRAINT dimension_month_method_is_known CHECK (accounting_method IN ('Accrual', 'Cash'))
);

COMMENT ON TABLE reefqbo.dimension_month IS
'Which months were fetched by that dimension. A value and account without a row in reefqbo.dimension_actual is 0 in a month that is here, and unknown in a month that is not.';
COMMENT ON COLUMN reefqbo.dimension_month.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.dimension_month.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.dimension_month.dimension IS 'class or department';
COMMENT ON COLUMN reefqbo.dimension_month.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.dimension_month.period_start IS 'first day of the month';
COMMENT ON COLUMN reefqbo.dimension_month.period_end IS 'last day of the month';
COMMENT ON COLUMN reefqbo.dimension_month.import_id IS 'the import that fetched it the last time';
COMMENT ON COLUMN reefqbo.dimension_month.fetched_at IS 'when that was; the parts summed to reefqbo.actual then';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.dimension_month', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.dimension_month');

CREATE TABLE reefqbo.dimension_actual (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    dimension text COLLATE "C" NOT NULL,
    accounting_method text COLLATE "C" NOT NULL,
    period_start date NOT NULL,
    value_id text COLLATE "C" NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    period_end date NOT NULL,
    amount numeric NOT NULL,
    import_id bigint NOT NULL,
    PRIMARY KEY (model_id, connection_id, dimension, accounting_method, period_start, value_id, account_id),
    FOREIGN KEY (model_id, connection_id, account_id) REFERENCES reefqbo.account,
    FOREIGN KEY (model_id, connection_id, dimension, value_id) REFERENCES reefqbo.dimension_value,
    CONSTRAINT dimension_actual_method_is_known CHECK (accounting_method IN ('Accrual', 'Cash'))
);

COMMENT ON TABLE reefqbo.dimension_actual IS
'One account''s movement in one month that is tagged with one class or department, in the company''s home currency and with the sign the profit and loss prints.
The values of a dimension, ''unspecified'' included, sum to reefqbo.actual. What is 0 has no row, unless it once had another amount.';
COMMENT ON COLUMN reefqbo.dimension_actual.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.dimension_actual.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.dimension_actual.dimension IS 'class or department';
COMMENT ON COLUMN reefqbo.dimension_actual.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.dimension_actual.period_start IS 'first day of the month';
COMMENT ON COLUMN reefqbo.dimension_actual.value_id IS 'QuickBooks'' own id of the class or department, or unspecified';
COMMENT ON COLUMN reefqbo.dimension_actual.account_id IS 'QuickBooks'' own id of the account; computed lines have ids that begin with "computed:"';
COMMENT ON COLUMN reefqbo.dimension_actual.period_end IS 'last day of the month';
COMMENT ON COLUMN reefqbo.dimension_actual.amount IS 'movement of the month, in the home currency, with the sign QuickBooks prints';
COMMENT ON COLUMN reefqbo.dimension_actual.import_id IS 'the import that brought this amount';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.dimension_actual', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.dimension_actual');

CREATE TABLE reefqbo.dimension_mapping (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    dimension text COLLATE "C" NOT NULL,
    value_id text COLLATE "C" NOT NULL,
    branch_id bigint NOT NULL,
    PRIMARY KEY (model_id, connection_id, value_id),
    FOREIGN KEY (model_id, connection_id, dimension, value_id) REFERENCES reefqbo.dimension_value,
    FOREIGN KEY (model_id, branch_id) REFERENCES reefqbo.branch
);

COMMENT ON TABLE reefqbo.dimension_mapping IS
'Which branch a class or department of a company feeds; what is not mapped stays with the company''s own branch. Only one dimension of a company is mapped at a time. Changed with reefqbo.map_dimension.';
COMMENT ON COLUMN reefqbo.dimension_mapping.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.dimension_mapping.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.dimension_mapping.dimension IS 'class or department';
COMMENT ON COLUMN reefqbo.dimension_mapping.value_id IS 'QuickBooks'' own id of the class or department, or unspecified';
COMMENT ON COLUMN reefqbo.dimension_mapping.branch_id IS 'the branch that it feeds';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.dimension_mapping', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.dimension_mapping');

-- A figure that is restated after its parts were fetched is no longer their sum.
CREATE VIEW reefqbo.dimension_difference WITH (security_barrier) AS
WITH part AS (
    SELECT p.model_id, p.connection_id, p.dimension, p.accounting_method, p.period_start, p.account_id, sum(p.amount) AS amount
    FROM reefqbo.dimension_actual p
    WHERE p.model_id IN (SELECT v.model_id FROM reefqbo._my_model v)
    GROUP BY p.model_id, p.connection_id, p.dimension, p.accounting_method, p.period_start, p.account_id
), figure AS (
    SELECT m.model_id, m.connection_id, m.dimension, m.accounting_method, m.period_start, a.account_id, a.amount
    FROM reefqbo.dimension_month m
    JOIN reefqbo._amount a ON a.model_id = m.model_id AND a.connection_id = m.connection_id
        AND a.statement = 'profit_and_loss' AND a.accounting_method = m.accounting_method AND a.period_start = m.period_start
    WHERE m.model_id IN (SELECT v.model_id FROM reefqbo._my_model v)
)
SELECT model_id, connection_id, dimension, accounting_method, period_start, account_id,
       COALESCE(p.amount, 0) + 0.00 AS parts, COALESCE(f.amount, 0) + 0.00 AS figure, c.home_currency AS currency
FROM part p
FULL JOIN figure f USING (model_id, connection_id, dimension, accounting_method, period_start, account_id)
LEFT JOIN reefqbo.connection c USING (model_id, connection_id)
WHERE COALESCE(p.amount, 0) <> COALESCE(f.amount, 0);

COMMENT ON VIEW reefqbo.dimension_difference IS
'The accounts and months whose parts by class or department no longer sum to the figure, since that was restated after they were fetched: call reefqbo.import_dimensions for these months again. Empty while everything sums.';
COMMENT ON COLUMN reefqbo.dimension_difference.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.dimension_difference.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.dimension_difference.dimension IS 'class or department';
COMMENT ON COLUMN reefqbo.dimension_difference.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.dimension_difference.period_start IS 'first day of the month';
COMMENT ON COLUMN reefqbo.dimension_difference.account_id IS 'QuickBooks'' own id of the account; computed lines have ids that begin with "computed:"';
COMMENT ON COLUMN reefqbo.dimension_difference.parts IS 'what reefqbo.dimension_actual sums to, not specified included';
COMMENT ON COLUMN reefqbo.dimension_difference.currency IS 'the currency of both: the company''s home currency';
COMMENT ON COLUMN reefqbo.dimension_difference.figure IS 'the amount in reefqbo.actual';

INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.dimension_difference');

CREATE FUNCTION reefqbo._check_dimension(dimension text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF ($1 IN ('class', 'department')) IS NOT TRUE THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('dimension "%s" is not known', $1),
            HINT = 'It is ''class'' or ''department'' (location).';
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._check_dimension(text) IS 'Internal: 22023 unless the dimension is one there is.';

CREATE FUNCTION reefqbo._dimension_value_id(model_id bigint, connection_id bigint, dimension text, value text)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ids text[];
BEGIN
    SELECT array_agg(v.value_id ORDER BY v.value_id) INTO ids
    FROM reefqbo.dimension_value v
    WHERE v.model_id = $1 AND v.connection_id = $2 AND v.dimension = $3
      AND (v.value_id = $4 OR v.fully_qualified_name = $4);
    IF ids IS NULL THEN
        RAISE undefined_object USING
            MESSAGE = format('there is no %s "%s"', $3, $4),
            HINT = 'The table reefqbo.dimension_value lists those that reefqbo.import_dimensions has read.';
    ELSIF $4 = ANY (ids) THEN
        RETURN $4;
    ELSIF cardinality(ids) > 1 THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('several values of %s are called "%s"', $3, $4),
            HINT = format('Name one by its id: %s.', reefqbo._show_line(array_to_string(ids, ', ')));
    END IF;
    RETURN ids[1];
END
$$;

COMMENT ON FUNCTION reefqbo._dimension_value_id(bigint, bigint, text, text) IS
'Internal: the id of a class or department that is named by its id or its fully qualified name. Errors: 42704 none; 22023 several.';

CREATE FUNCTION reefqbo._map_dimension(model text, dimension text, value text, to_branch text, branch text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    company bigint;
    mapped text;
    other text;
    target bigint;
BEGIN
    PERFORM reefqbo._check_dimension($2);
    IF $3 IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'which class or department is to be mapped?';
    END IF;
    company := reefqbo._statement_connection(in_model, $5);
    mapped := reefqbo._dimension_value_id(in_model, company, $2, $3);
    -- one at a time: two sessions must not map a dimension each
    PERFORM 1 FROM reefqbo.connection c WHERE c.model_id = in_model AND c.connection_id = company FOR NO KEY UPDATE;
    IF $4 IS NULL THEN
        DELETE FROM reefqbo.dimension_mapping m
        WHERE m.model_id = in_model AND m.connection_id = company AND m.dimension = $2 AND m.value_id = mapped;
        RETURN;
    END IF;
    target := reefqbo._branch_id(in_model, $4);
    SELECT m.dimension INTO other FROM reefqbo.dimension_mapping m
    WHERE m.model_id = in_model AND m.connection_id = company AND m.dimension <> $2 LIMIT 1;
    IF other IS NOT NULL THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('the company is mapped by %s already', other),
            DETAIL = 'By two dimensions at once, amounts would count twice.',
            HINT = format('Unmap each %s first: reefqbo.map_dimension with to_branch NULL. The table reefqbo.dimension_mapping lists them.', other);
    END IF;
    INSERT INTO reefqbo.dimension_mapping AS m (model_id, connection_id, dimension, value_id, branch_id)
    VALUES (in_model, company, $2, mapped, target)
    ON CONFLICT (model_id, connection_id, value_id) DO UPDATE SET branch_id = EXCLUDED.branch_id
    WHERE m.branch_id <> EXCLUDED.branch_id;
END
$$;

COMMENT ON FUNCTION reefqbo._map_dimension(text, text, text, text, text) IS 'Internal: what reefqbo.map_dimension does, without asking who calls.';

CREATE FUNCTION reefqbo.map_dimension(model text, dimension text, value text, to_branch text, branch text DEFAULT NULL)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.map_dimension(text, text, text, text, text) IS
'Says which branch a class or department of a company feeds, so that one company feeds several branches. Reads nothing from QuickBooks and changes no amount.
Arguments: model; dimension, ''class'' or ''department''; value, by its id or its fully qualified name (''unspecified'' for what is not tagged); to_branch, the branch it feeds, NULL to unmap it;
branch, the company''s own, by default the root''s, or the model''s only connection.
Errors: 42704 no such model, branch, connection or value; 22023 unknown dimension, a name that several values have, or the company is mapped by the other dimension; 22004 no value.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.map_dimension(text, text, text, text, text)');

CREATE FUNCTION reefqbo._dimension_requests(model_id bigint, connection_id bigint, dimension text, start_date date, end_date date)
RETURNS integer
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    -- the count of the values, their pages of a thousand, and a report a month
    SELECT (1 + greatest(1, ceil(count(*) / 1000.0))
            + reefqbo._month_number($5) - reefqbo._month_number($4) + 1)::integer
    FROM reefqbo.dimension_value v
    WHERE v.model_id = $1 AND v.connection_id = $2 AND v.dimension = $3
      AND v.value_id <> 'unspecified' AND v.gone_since IS NULL
$$;

COMMENT ON FUNCTION reefqbo._dimension_requests(bigint, bigint, text, date, date) IS
'Internal: how many requests reefqbo.import_dimensions makes for one connection, unless one has to be repeated.';

CREATE FUNCTION reefqbo._dimension_cost(model text, dimension text, start_date date, end_date date, branch text)
RETURNS TABLE (branch_name text, company text, requests integer)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    in_branch bigint := CASE WHEN $5 IS NOT NULL THEN reefqbo._branch_id(in_model, $5) END;
BEGIN
    PERFORM reefqbo._check_dimension($2);
    IF num_nulls($3, $4) > 0 THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a range needs a start date and an end date';
    ELSIF $3 > $4 OR $3 <> date_trunc('month', $3::timestamp) OR $4 + 1 <> date_trunc('month', $4::timestamp + interval '1 day') THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'actuals are imported by whole months',
            HINT = 'For example: ''2024-01-01'', ''2024-12-31''.';
    END IF;
    RETURN QUERY
    SELECT b.name, c.company_name, reefqbo._dimension_requests(in_model, c.connection_id, $2, $3, $4)
    FROM reefqbo.connection c
    JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
    WHERE c.model_id = in_model AND (in_branch IS NULL OR c.branch_id = in_branch)
    ORDER BY b.name COLLATE "C";
    IF NOT FOUND THEN
        PERFORM reefqbo._statement_connection(in_model, $5);
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._dimension_cost(text, text, date, date, text) IS 'Internal: what reefqbo.dimension_cost does, without asking who calls.';

CREATE FUNCTION reefqbo.dimension_cost(model text, dimension text, start_date date, end_date date, branch text DEFAULT NULL)
RETURNS TABLE (branch_name text, company text, requests integer)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_reader';

COMMENT ON FUNCTION reefqbo.dimension_cost(text, text, date, date, text) IS
'How many requests reefqbo.import_dimensions with the same arguments would make to QuickBooks: one a month, and the list of values. Makes none itself.
Arguments: model; dimension, ''class'' or ''department''; start_date and end_date, whole months; branch, by default every connection of the model.
Result: a row a connection. More are made only if QuickBooks has to be asked again, or if more than 1,000 values are new. Errors: 42704; 22023 unknown dimension or not whole months; 22004 no date.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.dimension_cost(text, text, date, date, text)');

CREATE FUNCTION reefqbo.import_dimensions(model text, dimension text, start_date date, end_date date,
    accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL,
    OUT branch_name text, OUT company text, OUT "values" integer, OUT months integer, OUT amounts_inserted integer,
    OUT amounts_changed integer, OUT amounts_unchanged integer, OUT requests integer, OUT seconds numeric)
RETURNS SETOF record
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_import_dimensions';

COMMENT ON FUNCTION reefqbo.import_dimensions(text, text, date, date, text, text) IS
'Imports the profit and loss of each month by class or by department, on request only: it costs a request a month, and a notice says beforehand how many. Each month is stored whole or not at all.
A month is accepted if its lines and columns sum to its own totals, and if the parts of every account, what is not tagged included, sum to the figure in reefqbo.actual.
Waits for the end and shows progress as notices; see reefqbo.import_accounts.
Arguments: model; dimension, ''class'' or ''department''; start_date and end_date, whole months that reefqbo.import_actuals has imported by the same method; accounting_method, ''Accrual'' or ''Cash''; branch, by default every connection of the model.
Result: a row a connection with what was done. Errors: 22023 unknown dimension or method, not whole months, or a month was not imported; 42704; RQ001, RQ003 to RQ008, RQ010, RQ011.
See https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/profitandloss';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.import_dimensions(text, text, date, date, text, text)');
