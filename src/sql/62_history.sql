-- History: what the statements of a model are made of beside its figures, as it was at any moment, who changed it, and why. A version
-- of a row holds from valid_from until valid_until, which is infinity for the one that the table itself has.

CREATE FUNCTION reefqbo._moment_of_changes(model_id bigint)
RETURNS timestamptz
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'rqbo_moment_of_changes';

COMMENT ON FUNCTION reefqbo._moment_of_changes(bigint) IS
'Internal: the time since which the present transaction has changed a model, by the clock of reefqbo._now(). Keeps a closing (reefqbo.close_period) waiting until the transaction ends, and waits for one.';

CREATE FUNCTION reefqbo._moment_of_closing(model_id bigint)
RETURNS timestamptz
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'rqbo_moment_of_closing';

COMMENT ON FUNCTION reefqbo._moment_of_closing(bigint) IS
'Internal: waits for all transactions that have changed a model, keeps others waiting until the present one ends, and says what time it is then.';

CREATE FUNCTION reefqbo._moment(model_id bigint)
RETURNS timestamptz
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moment timestamptz := reefqbo._moment_of_changes($1);
BEGIN
    -- a clock may be set back: what comes after a closing is later all the same
    RETURN greatest(moment, (SELECT max(c.closed_at) + interval '1 microsecond' FROM reefqbo.closed_period c WHERE c.model_id = $1));
END
$$;

CREATE FUNCTION reefqbo._moments(models bigint[])
RETURNS timestamptz[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF cardinality($1) > 100 THEN
        -- one lock is enough for all there are
        RETURN array_fill(greatest(reefqbo._moment_of_changes(0), (SELECT max(c.closed_at) + interval '1 microsecond'
                                                                    FROM reefqbo.closed_period c WHERE c.model_id = ANY ($1))),
                          ARRAY[cardinality($1)]);
    END IF;
    RETURN ARRAY(SELECT reefqbo._moment(u.model_id) FROM unnest($1) WITH ORDINALITY u (model_id, place) ORDER BY u.place);
END
$$;

COMMENT ON FUNCTION reefqbo._moments(bigint[]) IS 'Internal: reefqbo._moment of several models.';

COMMENT ON FUNCTION reefqbo._moment(bigint) IS
'Internal: the moment from which all holds that the present transaction changes of a model: later than any closing of a month.';

CREATE FUNCTION reefqbo._change_in_words(old jsonb, new jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(CASE WHEN $1 IS NULL OR $2 IS NULL THEN format('%s %s', k.name, coalesce($1, $2) ->> k.name)
                           ELSE format('%s %s, before %s', k.name, coalesce($2 ->> k.name, 'none'), coalesce($1 ->> k.name, 'none')) END,
                      ', ' ORDER BY k.name)
    FROM jsonb_object_keys(coalesce($1, $2)) k (name)
    WHERE k.name <> 'model_id' AND ($1 ->> k.name) IS DISTINCT FROM ($2 ->> k.name)
$$;

COMMENT ON FUNCTION reefqbo._change_in_words(jsonb, jsonb) IS
'Internal: what differs between two versions of a row, in words; of a row that is new, or was removed (NULL), all it has.';

CREATE FUNCTION reefqbo._of_row(columns text, alias text)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('(%s.%s)', $2, replace($1, ', ', format(', %s.', $2)))
$$;

COMMENT ON FUNCTION reefqbo._of_row(text, text) IS 'Internal: a list of columns, each of one table of a query.';

-- One trigger function for all: versions are ended that the statement has ended, and begun that it has made. Their columns are named as
-- those of the table; which rows have changed is what one side has and the other has not.
CREATE FUNCTION reefqbo.__keep_history()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    history regclass := TG_ARGV[0];
    keys text := TG_ARGV[1];
    columns text := TG_ARGV[1] || ', ' || TG_ARGV[2];
    old_rows text := format('SELECT %s FROM %s x', columns, CASE TG_LEVEL WHEN 'ROW' THEN '(SELECT ($1).*)' ELSE 'old_rows' END);
    new_rows text := format('SELECT %s FROM %s x', columns, CASE TG_LEVEL WHEN 'ROW' THEN '(SELECT ($2).*)' ELSE 'new_rows' END);
    none text := format('SELECT %s FROM %s x WHERE false', columns, TG_RELID::regclass);
    ended text := CASE TG_OP WHEN 'INSERT' THEN none WHEN 'DELETE' THEN old_rows ELSE format('%s EXCEPT %s', old_rows, new_rows) END;
    begun text := CASE TG_OP WHEN 'DELETE' THEN none WHEN 'INSERT' THEN new_rows ELSE format('%s EXCEPT %s', new_rows, old_rows) END;
    old_row record := NULL;
    new_row record := NULL;
    models bigint[];
    moments timestamptz[];
    is_loaded boolean := false;
BEGIN
    -- a restore brings the history itself; but anybody can say that it is one
    IF reefqbo._is_restoring()
        OR current_setting('row_security') = 'off'
           AND (SELECT pg_has_role(reefqbo._caller(), c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = TG_RELID) THEN
        RETURN NULL;
    END IF;
    IF TG_LEVEL = 'ROW' THEN
        old_row := OLD;
        new_row := NEW;
    END IF;
    EXECUTE format('SELECT array_agg(DISTINCT c.model_id) FROM (SELECT model_id FROM (%s) x UNION ALL SELECT model_id FROM (%s) x) c', ended, begun)
    INTO models USING old_row, new_row;
    IF models IS NULL THEN
        RETURN NULL;
    END IF;
    moments := reefqbo._moments(models);
    IF TG_OP <> 'INSERT' THEN
        EXECUTE reefqbo._history_ended(history, keys, ended) USING old_row, new_row, models, moments;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        EXECUTE reefqbo._history_begun(history, keys, columns, begun) USING old_row, new_row, models, moments;
    END IF;
    IF TG_OP = 'INSERT' AND TG_ARGV[3] <> '' THEN
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM (%s) x WHERE x.%I < reefqbo._now())',
                       CASE TG_LEVEL WHEN 'ROW' THEN 'SELECT ($1).*' ELSE 'SELECT * FROM new_rows' END, TG_ARGV[3])
        INTO is_loaded USING new_row;
    END IF;
    IF is_loaded THEN
        EXECUTE reefqbo._history_loaded(history, keys, TG_ARGV[3], TG_LEVEL = 'ROW') USING old_row, new_row;
    END IF;
    IF TG_ARGV[4] <> '' AND (TG_OP <> 'INSERT' OR TG_ARGV[5] <> '') THEN
        EXECUTE reefqbo._history_told(keys, ended, begun) USING old_row, new_row, TG_ARGV[4], TG_OP;
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION reefqbo.__keep_history() IS
'Internal: trigger function: keeps the versions of a table''s rows. Arguments: the table of the history; the columns of its key; the others; the column that says when a row was made, or nothing; the action of reefqbo.audit, or nothing; whether new rows are told there as well.';

-- The statements that it runs. Their arguments: $1 and $2, the old and the new row of a trigger for each row; $3 and $4, models and moments.

CREATE FUNCTION reefqbo._history_ended(history regclass, keys text, ended text)
RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    -- what has begun in the same transaction nobody has seen
    SELECT format('WITH ended AS ('
                  '  SELECT x.*, m.moment FROM (%1$s) x JOIN unnest($3, $4) m (model_id, moment) ON m.model_id = x.model_id'
                  '), unseen AS ('
                  '  DELETE FROM %2$s h USING ended x WHERE %3$s = %4$s AND h.valid_until = ''infinity'' AND h.valid_from = x.moment)'
                  ' UPDATE %2$s h SET valid_until = greatest(x.moment, h.valid_from + interval ''1 microsecond''), ended_by = reefqbo._caller(),'
                  '  ended_why = nullif(current_setting(''reefqbo.reason'', true), '''')'
                  ' FROM ended x'
                  ' WHERE %3$s = %4$s AND h.valid_until = ''infinity'' AND h.valid_from <> x.moment',
                  $3, $1, reefqbo._of_row($2, 'h'), reefqbo._of_row($2, 'x'))
$$;

COMMENT ON FUNCTION reefqbo._history_ended(regclass, text, text) IS 'Internal: the statement of reefqbo.__keep_history that ends versions.';

CREATE FUNCTION reefqbo._history_begun(history regclass, keys text, columns text, begun text)
RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('INSERT INTO %1$s (%2$s, valid_from, changed_by, why)'
                  ' SELECT %6$s, greatest(m.moment, (SELECT max(h.valid_until) FROM %1$s h WHERE %3$s = %4$s AND h.valid_until < ''infinity'')),'
                  '  reefqbo._caller(), nullif(current_setting(''reefqbo.reason'', true), '''')'
                  ' FROM (%5$s) x JOIN unnest($3, $4) m (model_id, moment) ON m.model_id = x.model_id',
                  $1, $3, reefqbo._of_row($2, 'h'), reefqbo._of_row($2, 'x'), $4, btrim(reefqbo._of_row($3, 'x'), '()'))
$$;

COMMENT ON FUNCTION reefqbo._history_begun(regclass, text, text, text) IS 'Internal: the statement of reefqbo.__keep_history that begins versions.';

CREATE FUNCTION reefqbo._history_loaded(history regclass, keys text, made_at text, is_of_row boolean)
RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    -- what the owner loads says itself since when it is there, if nothing was there before
    SELECT format('UPDATE %1$s h SET valid_from = x.%2$I FROM %3$s x WHERE %4$s = %5$s AND h.valid_until = ''infinity'''
                  ' AND x.%2$I < reefqbo._now() AND x.%2$I < h.valid_from'
                  ' AND NOT EXISTS (SELECT 1 FROM %1$s o WHERE %6$s = %5$s AND o.valid_until <= h.valid_from)',
                  $1, $3, CASE WHEN $4 THEN '(SELECT ($2).*)' ELSE 'new_rows' END, reefqbo._of_row($2, 'h'), reefqbo._of_row($2, 'x'),
                  reefqbo._of_row($2, 'o'))
$$;

COMMENT ON FUNCTION reefqbo._history_loaded(regclass, text, text, boolean) IS
'Internal: the statement of reefqbo.__keep_history that goes by what a row says of when it was made.';

-- Its further arguments: $3, the action; $4, the trigger's event.
CREATE FUNCTION reefqbo._history_told(keys text, ended text, begun text)
RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('SELECT reefqbo._audit($3, t.model_id, m.name, t.words)'
                  ' FROM (SELECT c.model_id, concat_ws('': '', CASE $4 WHEN ''INSERT'' THEN ''new'' WHEN ''DELETE'' THEN ''removed'' END,'
                  '   CASE WHEN count(*) > 1 THEN format(''%%s rows'', count(*)) END,'
                  '   left(string_agg(concat_ws('': '', c.key, reefqbo._change_in_words(c.was, c.became)), ''; '') FILTER (WHERE c.rank <= 10), 2000)) AS words'
                  '  FROM (SELECT model_id, CASE WHEN o.was IS NOT NULL AND n.became IS NOT NULL THEN concat_ws(''/'', %1$s) END AS key,'
                  '          o.was, n.became, row_number() OVER (PARTITION BY model_id) AS rank'
                  '        FROM (SELECT %1$s, to_jsonb(x) AS was FROM (%2$s) x) o'
                  '        FULL JOIN (SELECT %1$s, to_jsonb(x) AS became FROM (%3$s) x) n USING (%1$s)) c'
                  '  GROUP BY c.model_id) t'
                  ' LEFT JOIN reefqbo.model m ON m.model_id = t.model_id',
                  $1, $2, $3)
$$;

COMMENT ON FUNCTION reefqbo._history_told(text, text, text) IS 'Internal: the statement of reefqbo.__keep_history that writes to reefqbo.audit.';

CREATE FUNCTION reefqbo._keep_history()
RETURNS trigger
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_trigger';

COMMENT ON FUNCTION reefqbo._keep_history() IS
'Internal: trigger function: what reefqbo.__keep_history does, with the rights of the owner: whoever changes a row may not write to its history.';

CREATE TABLE reefqbo.model_history (
    model_id bigint NOT NULL,
    name text,
    title text,
    currency text,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    changed_by name NOT NULL,
    why text,
    ended_by name,
    ended_why text,
    PRIMARY KEY (model_id, valid_from),
    CONSTRAINT model_history_ends_after_it_begins CHECK (valid_until > valid_from)
);

COMMENT ON TABLE reefqbo.model_history IS
'The history of reefqbo.model: each version of its rows, the present one too, since when it holds, who made it, and why. Written by reefqbo alone.';
COMMENT ON COLUMN reefqbo.model_history.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.model_history.name IS 'its name';
COMMENT ON COLUMN reefqbo.model_history.title IS 'what messages call it';
COMMENT ON COLUMN reefqbo.model_history.currency IS 'the currency its companies are consolidated in';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.model_history', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.model_history');

CREATE TABLE reefqbo.branch_history (
    model_id bigint NOT NULL,
    branch_id bigint NOT NULL,
    name text,
    parent_branch_id bigint,
    is_enabled boolean,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    changed_by name NOT NULL,
    why text,
    ended_by name,
    ended_why text,
    PRIMARY KEY (model_id, branch_id, valid_from),
    CONSTRAINT branch_history_ends_after_it_begins CHECK (valid_until > valid_from)
);

COMMENT ON TABLE reefqbo.branch_history IS
'The history of reefqbo.branch: each version of its rows, the present one too, since when it holds, who made it, and why. Written by reefqbo alone.';
COMMENT ON COLUMN reefqbo.branch_history.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.branch_history.branch_id IS 'the branch';
COMMENT ON COLUMN reefqbo.branch_history.name IS 'its name';
COMMENT ON COLUMN reefqbo.branch_history.parent_branch_id IS 'the branch above; NULL for the root';
COMMENT ON COLUMN reefqbo.branch_history.is_enabled IS 'false: left out of the statements of those above';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.branch_history', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.branch_history');

CREATE TABLE reefqbo.company_history (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    branch_id bigint,
    company_name text,
    home_currency text,
    fiscal_year_start_month smallint,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    changed_by name NOT NULL,
    why text,
    ended_by name,
    ended_why text,
    PRIMARY KEY (model_id, connection_id, valid_from),
    CONSTRAINT company_history_ends_after_it_begins CHECK (valid_until > valid_from)
);

COMMENT ON TABLE reefqbo.company_history IS
'The history of reefqbo.company: each version of its rows, the present one too, since when it holds, who made it, and why. Written by reefqbo alone.';
COMMENT ON COLUMN reefqbo.company_history.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.company_history.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.company_history.branch_id IS 'the branch';
COMMENT ON COLUMN reefqbo.company_history.company_name IS 'the company''s name';
COMMENT ON COLUMN reefqbo.company_history.home_currency IS 'the currency of its amounts';
COMMENT ON COLUMN reefqbo.company_history.fiscal_year_start_month IS 'first month of its fiscal year, 1 to 12';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.company_history', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.company_history');

-- A connection is written to all the time, for other reasons.
CREATE TRIGGER history_inserted AFTER INSERT ON reefqbo.connection FOR EACH ROW
    EXECUTE FUNCTION reefqbo._keep_history('reefqbo.company_history', 'model_id, connection_id',
        'branch_id, company_name, home_currency, fiscal_year_start_month', 'connected_at', '', '');
CREATE TRIGGER history_updated AFTER UPDATE ON reefqbo.connection FOR EACH ROW
    WHEN ((OLD.branch_id, OLD.company_name, OLD.home_currency, OLD.fiscal_year_start_month)
          IS DISTINCT FROM (NEW.branch_id, NEW.company_name, NEW.home_currency, NEW.fiscal_year_start_month))
    EXECUTE FUNCTION reefqbo._keep_history('reefqbo.company_history', 'model_id, connection_id',
        'branch_id, company_name, home_currency, fiscal_year_start_month', 'connected_at', '', '');
CREATE TRIGGER history_deleted AFTER DELETE ON reefqbo.connection FOR EACH ROW
    EXECUTE FUNCTION reefqbo._keep_history('reefqbo.company_history', 'model_id, connection_id',
        'branch_id, company_name, home_currency, fiscal_year_start_month', 'connected_at', '', '');
COMMENT ON TRIGGER history_inserted ON reefqbo.connection IS 'keeps reefqbo.company_history';
COMMENT ON TRIGGER history_updated ON reefqbo.connection IS 'keeps reefqbo.company_history';
COMMENT ON TRIGGER history_deleted ON reefqbo.connection IS 'keeps reefqbo.company_history';

CREATE TABLE reefqbo.unsettled_month_history (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    accounting_method text COLLATE "C" NOT NULL,
    period_start date NOT NULL,
    reason text COLLATE "C" NOT NULL,
    period_end date,
    detail text,
    import_id bigint,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    changed_by name NOT NULL,
    why text,
    ended_by name,
    ended_why text,
    PRIMARY KEY (model_id, connection_id, accounting_method, period_start, reason, valid_from),
    CONSTRAINT unsettled_month_history_ends_after_it_begins CHECK (valid_until > valid_from)
);

COMMENT ON TABLE reefqbo.unsettled_month_history IS
'The history of reefqbo.unsettled_month: each version of its rows, the present one too, since when it holds, who made it, and why. Written by reefqbo alone.';
COMMENT ON COLUMN reefqbo.unsettled_month_history.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.unsettled_month_history.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.unsettled_month_history.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.unsettled_month_history.period_start IS 'first day of the month';
COMMENT ON COLUMN reefqbo.unsettled_month_history.reason IS 'reclassified or does not tie out';
COMMENT ON COLUMN reefqbo.unsettled_month_history.period_end IS 'last day of the month';
COMMENT ON COLUMN reefqbo.unsettled_month_history.detail IS 'what is wrong with it';
COMMENT ON COLUMN reefqbo.unsettled_month_history.import_id IS 'the import that noticed it last';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.unsettled_month_history', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.unsettled_month_history');

CREATE TABLE reefqbo.account_history (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    name text,
    fully_qualified_name text,
    account_number text,
    classification text,
    account_type text,
    account_subtype text,
    parent_account_id text COLLATE "C",
    is_active boolean,
    is_computed boolean,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    changed_by name NOT NULL,
    why text,
    ended_by name,
    ended_why text,
    PRIMARY KEY (model_id, connection_id, account_id, valid_from),
    CONSTRAINT account_history_ends_after_it_begins CHECK (valid_until > valid_from)
);

COMMENT ON TABLE reefqbo.account_history IS
'The history of reefqbo.account: each version of its rows, the present one too, since when it holds, who made it, and why. Written by reefqbo alone.';
COMMENT ON COLUMN reefqbo.account_history.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.account_history.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.account_history.account_id IS 'QuickBooks'' own id of the account';
COMMENT ON COLUMN reefqbo.account_history.name IS 'its short name';
COMMENT ON COLUMN reefqbo.account_history.fully_qualified_name IS 'the names from the top down, joined by colons';
COMMENT ON COLUMN reefqbo.account_history.account_number IS 'the account''s number';
COMMENT ON COLUMN reefqbo.account_history.classification IS 'Asset, Liability, Equity, Revenue or Expense';
COMMENT ON COLUMN reefqbo.account_history.account_type IS 'QuickBooks'' account type';
COMMENT ON COLUMN reefqbo.account_history.account_subtype IS 'QuickBooks'' detail type';
COMMENT ON COLUMN reefqbo.account_history.parent_account_id IS 'the account it stands under';
COMMENT ON COLUMN reefqbo.account_history.is_active IS 'false: made inactive in QuickBooks';
COMMENT ON COLUMN reefqbo.account_history.is_computed IS 'a line that is in no chart';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.account_history', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.account_history');

CREATE TABLE reefqbo.account_mapping_history (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    variable_type text,
    category text,
    subcategory text,
    branch_id bigint,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    changed_by name NOT NULL,
    why text,
    ended_by name,
    ended_why text,
    PRIMARY KEY (model_id, connection_id, account_id, valid_from),
    CONSTRAINT account_mapping_history_ends_after_it_begins CHECK (valid_until > valid_from)
);

COMMENT ON TABLE reefqbo.account_mapping_history IS
'The history of reefqbo.account_mapping: each version of its rows, the present one too, since when it holds, who made it, and why. Written by reefqbo alone.';
COMMENT ON COLUMN reefqbo.account_mapping_history.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.account_mapping_history.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.account_mapping_history.account_id IS 'QuickBooks'' own id of the account';
COMMENT ON COLUMN reefqbo.account_mapping_history.variable_type IS 'Revenue, COGS, Opex, Staff, Tax; Asset, Liability, Equity, Dividend';
COMMENT ON COLUMN reefqbo.account_mapping_history.category IS 'category in the model';
COMMENT ON COLUMN reefqbo.account_mapping_history.subcategory IS 'subcategory in the model, or NULL';
COMMENT ON COLUMN reefqbo.account_mapping_history.branch_id IS 'the branch';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.account_mapping_history', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.account_mapping_history');

CREATE TABLE reefqbo.dimension_mapping_history (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    dimension text COLLATE "C" NOT NULL,
    value_id text COLLATE "C" NOT NULL,
    branch_id bigint,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    changed_by name NOT NULL,
    why text,
    ended_by name,
    ended_why text,
    PRIMARY KEY (model_id, connection_id, dimension, value_id, valid_from),
    CONSTRAINT dimension_mapping_history_ends_after_it_begins CHECK (valid_until > valid_from)
);

COMMENT ON TABLE reefqbo.dimension_mapping_history IS
'The history of reefqbo.dimension_mapping: each version of its rows, the present one too, since when it holds, who made it, and why. Written by reefqbo alone.';
COMMENT ON COLUMN reefqbo.dimension_mapping_history.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.dimension_mapping_history.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.dimension_mapping_history.dimension IS 'class or department';
COMMENT ON COLUMN reefqbo.dimension_mapping_history.value_id IS 'QuickBooks'' own id of the class or department';
COMMENT ON COLUMN reefqbo.dimension_mapping_history.branch_id IS 'the branch that it feeds';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.dimension_mapping_history', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.dimension_mapping_history');

CREATE TABLE reefqbo.dimension_actual_history (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    dimension text COLLATE "C" NOT NULL,
    accounting_method text COLLATE "C" NOT NULL,
    period_start date NOT NULL,
    value_id text COLLATE "C" NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    amount numeric,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    changed_by name NOT NULL,
    why text,
    ended_by name,
    ended_why text,
    PRIMARY KEY (model_id, connection_id, dimension, accounting_method, period_start, value_id, account_id, valid_from),
    CONSTRAINT dimension_actual_history_ends_after_it_begins CHECK (valid_until > valid_from)
);

COMMENT ON TABLE reefqbo.dimension_actual_history IS
'The history of reefqbo.dimension_actual: each version of its rows, the present one too, since when it holds, who made it, and why. Written by reefqbo alone.';
COMMENT ON COLUMN reefqbo.dimension_actual_history.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.dimension_actual_history.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.dimension_actual_history.dimension IS 'class or department';
COMMENT ON COLUMN reefqbo.dimension_actual_history.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.dimension_actual_history.period_start IS 'first day of the month';
COMMENT ON COLUMN reefqbo.dimension_actual_history.value_id IS 'QuickBooks'' own id of the class or department';
COMMENT ON COLUMN reefqbo.dimension_actual_history.account_id IS 'QuickBooks'' own id of the account';
COMMENT ON COLUMN reefqbo.dimension_actual_history.amount IS 'movement of the month, in the home currency';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.dimension_actual_history', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.dimension_actual_history');

CREATE TABLE reefqbo.exchange_rate_history (
    model_id bigint NOT NULL,
    from_currency text NOT NULL,
    to_currency text NOT NULL,
    month date NOT NULL,
    closing numeric,
    average numeric,
    historical numeric,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    changed_by name NOT NULL,
    why text,
    ended_by name,
    ended_why text,
    PRIMARY KEY (model_id, from_currency, to_currency, month, valid_from),
    CONSTRAINT exchange_rate_history_ends_after_it_begins CHECK (valid_until > valid_from)
);

COMMENT ON TABLE reefqbo.exchange_rate_history IS
'The history of reefqbo.exchange_rate: each version of its rows, the present one too, since when it holds, who made it, and why. Written by reefqbo alone.';
COMMENT ON COLUMN reefqbo.exchange_rate_history.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.exchange_rate_history.from_currency IS 'ISO 4217 code of what is translated';
COMMENT ON COLUMN reefqbo.exchange_rate_history.to_currency IS 'ISO 4217 code of what it is translated to';
COMMENT ON COLUMN reefqbo.exchange_rate_history.month IS 'the first day of the month';
COMMENT ON COLUMN reefqbo.exchange_rate_history.closing IS 'at the end of the month';
COMMENT ON COLUMN reefqbo.exchange_rate_history.average IS 'of the month';
COMMENT ON COLUMN reefqbo.exchange_rate_history.historical IS 'of equity';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.exchange_rate_history', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.exchange_rate_history');

CREATE TABLE reefqbo.ownership_history (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    branch_id bigint NOT NULL,
    month date NOT NULL,
    method text,
    percent numeric,
    investment_connection_id bigint,
    investment_account_id text COLLATE "C",
    memo text,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    changed_by name NOT NULL,
    why text,
    ended_by name,
    ended_why text,
    PRIMARY KEY (model_id, connection_id, branch_id, month, valid_from),
    CONSTRAINT ownership_history_ends_after_it_begins CHECK (valid_until > valid_from)
);

COMMENT ON TABLE reefqbo.ownership_history IS
'The history of reefqbo.ownership: each version of its rows, the present one too, since when it holds, who made it, and why. Written by reefqbo alone.';
COMMENT ON COLUMN reefqbo.ownership_history.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.ownership_history.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.ownership_history.branch_id IS 'the branch';
COMMENT ON COLUMN reefqbo.ownership_history.month IS 'the first day of the month';
COMMENT ON COLUMN reefqbo.ownership_history.method IS 'full, proportional, equity, or none';
COMMENT ON COLUMN reefqbo.ownership_history.percent IS 'of the company, what the owners of the group have';
COMMENT ON COLUMN reefqbo.ownership_history.investment_connection_id IS 'the company in whose books the investment is';
COMMENT ON COLUMN reefqbo.ownership_history.investment_account_id IS 'its account';
COMMENT ON COLUMN reefqbo.ownership_history.memo IS 'what it is about';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.ownership_history', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.ownership_history');

CREATE TABLE reefqbo.historical_rate_history (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    to_currency text NOT NULL,
    month date NOT NULL,
    rate numeric,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    changed_by name NOT NULL,
    why text,
    ended_by name,
    ended_why text,
    PRIMARY KEY (model_id, connection_id, to_currency, month, valid_from),
    CONSTRAINT historical_rate_history_ends_after_it_begins CHECK (valid_until > valid_from)
);

COMMENT ON TABLE reefqbo.historical_rate_history IS
'The history of reefqbo.historical_rate: each version of its rows, the present one too, since when it holds, who made it, and why. Written by reefqbo alone.';
COMMENT ON COLUMN reefqbo.historical_rate_history.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.historical_rate_history.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.historical_rate_history.to_currency IS 'ISO 4217 code of what it is translated to';
COMMENT ON COLUMN reefqbo.historical_rate_history.month IS 'the first day of the month';
COMMENT ON COLUMN reefqbo.historical_rate_history.rate IS 'how many to_currency one of the company''s own is worth';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.historical_rate_history', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.historical_rate_history');

CREATE TABLE reefqbo.adjustment_history (
    model_id bigint NOT NULL,
    adjustment_id bigint NOT NULL,
    connection_id bigint,
    branch_id bigint,
    month date,
    reversed_in date,
    accounting_method text,
    amount numeric,
    debit_type text,
    debit_category text,
    debit_subcategory text,
    credit_type text,
    credit_category text,
    credit_subcategory text,
    debit_account_type text,
    credit_account_type text,
    attributed_to text,
    memo text,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    changed_by name NOT NULL,
    why text,
    ended_by name,
    ended_why text,
    PRIMARY KEY (model_id, adjustment_id, valid_from),
    CONSTRAINT adjustment_history_ends_after_it_begins CHECK (valid_until > valid_from)
);

COMMENT ON TABLE reefqbo.adjustment_history IS
'The history of reefqbo.adjustment: each version of its rows, the present one too, since when it holds, who made it, and why. Written by reefqbo alone.';
COMMENT ON COLUMN reefqbo.adjustment_history.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.adjustment_history.adjustment_id IS 'the entry';
COMMENT ON COLUMN reefqbo.adjustment_history.connection_id IS 'the company, by its connection';
COMMENT ON COLUMN reefqbo.adjustment_history.branch_id IS 'the branch in whose statements, and those above, it counts';
COMMENT ON COLUMN reefqbo.adjustment_history.month IS 'first day of the month it is posted in';
COMMENT ON COLUMN reefqbo.adjustment_history.reversed_in IS 'first day of the month the opposite is posted in';
COMMENT ON COLUMN reefqbo.adjustment_history.accounting_method IS 'Accrual or Cash; NULL: by either';
COMMENT ON COLUMN reefqbo.adjustment_history.amount IS 'in the company''s home currency';
COMMENT ON COLUMN reefqbo.adjustment_history.debit_type IS 'variable type that is debited';
COMMENT ON COLUMN reefqbo.adjustment_history.debit_category IS 'its category';
COMMENT ON COLUMN reefqbo.adjustment_history.debit_subcategory IS 'its subcategory, or NULL';
COMMENT ON COLUMN reefqbo.adjustment_history.credit_type IS 'variable type that is credited';
COMMENT ON COLUMN reefqbo.adjustment_history.credit_category IS 'its category';
COMMENT ON COLUMN reefqbo.adjustment_history.credit_subcategory IS 'its subcategory, or NULL';
COMMENT ON COLUMN reefqbo.adjustment_history.debit_account_type IS 'QuickBooks'' account type among whose accounts the debit stands';
COMMENT ON COLUMN reefqbo.adjustment_history.credit_account_type IS 'the same of the credit';
COMMENT ON COLUMN reefqbo.adjustment_history.attributed_to IS 'both, owners or non-controlling';
COMMENT ON COLUMN reefqbo.adjustment_history.memo IS 'what it is about';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.adjustment_history', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.adjustment_history');

CREATE TABLE reefqbo.elimination_history (
    model_id bigint NOT NULL,
    elimination_id bigint NOT NULL,
    branch_id bigint,
    month date,
    reversed_in date,
    accounting_method text,
    amount numeric,
    debit_type text,
    debit_category text,
    debit_subcategory text,
    credit_type text,
    credit_category text,
    credit_subcategory text,
    memo text,
    debit_account_type text,
    credit_account_type text,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    changed_by name NOT NULL,
    why text,
    ended_by name,
    ended_why text,
    PRIMARY KEY (model_id, elimination_id, valid_from),
    CONSTRAINT elimination_history_ends_after_it_begins CHECK (valid_until > valid_from)
);

COMMENT ON TABLE reefqbo.elimination_history IS
'The history of reefqbo.elimination: each version of its rows, the present one too, since when it holds, who made it, and why. Written by reefqbo alone.';
COMMENT ON COLUMN reefqbo.elimination_history.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.elimination_history.elimination_id IS 'the entry';
COMMENT ON COLUMN reefqbo.elimination_history.branch_id IS 'the branch from whose statements it is taken out';
COMMENT ON COLUMN reefqbo.elimination_history.month IS 'first day of the month it is posted in';
COMMENT ON COLUMN reefqbo.elimination_history.reversed_in IS 'first day of the month the opposite is posted in';
COMMENT ON COLUMN reefqbo.elimination_history.accounting_method IS 'Accrual or Cash; NULL: by either';
COMMENT ON COLUMN reefqbo.elimination_history.amount IS 'in the model''s currency';
COMMENT ON COLUMN reefqbo.elimination_history.debit_type IS 'variable type that is debited';
COMMENT ON COLUMN reefqbo.elimination_history.debit_category IS 'its category';
COMMENT ON COLUMN reefqbo.elimination_history.debit_subcategory IS 'its subcategory, or NULL';
COMMENT ON COLUMN reefqbo.elimination_history.credit_type IS 'variable type that is credited';
COMMENT ON COLUMN reefqbo.elimination_history.credit_category IS 'its category';
COMMENT ON COLUMN reefqbo.elimination_history.credit_subcategory IS 'its subcategory, or NULL';
COMMENT ON COLUMN reefqbo.elimination_history.memo IS 'what it is about';
COMMENT ON COLUMN reefqbo.elimination_history.debit_account_type IS 'QuickBooks'' account type among whose accounts the debit stands';
COMMENT ON COLUMN reefqbo.elimination_history.credit_account_type IS 'the same of the credit';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.elimination_history', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.elimination_history');

-- ---- what all histories have in common ----

-- A version's key is the row's with the moment; what else it has, but who made it and when, is compared. made_at, action and tells are
-- arguments of reefqbo.__keep_history.
DO $do$
DECLARE
    one record;
    event record;
BEGIN
    FOR one IN
        SELECT t.*, format('%L, %L, %L, %L, %L, %L', format('reefqbo.%s_history', t.name), k.keys, k.columns, t.made_at, t.action, t.tells) AS arguments
        FROM (VALUES
            ('model', 'created_at', 'model_changed', ''),
            ('branch', 'created_at', 'branch_changed', ''),
            ('unsettled_month', 'since', '', ''),
            ('account', 'first_seen_at', 'account_changed', ''),
            ('account_mapping', 'mapped_at', 'mapping_changed', 'inserts'),
            ('dimension_mapping', '', 'mapping_changed', 'inserts'),
            ('dimension_actual', '', '', ''),
            ('exchange_rate', '', 'rate_changed', 'inserts'),
            ('ownership', 'stated_at', 'ownership_changed', 'inserts'),
            ('historical_rate', '', 'rate_changed', 'inserts'),
            ('adjustment', 'stated_at', 'adjustment_changed', 'inserts'),
            ('elimination', 'stated_at', 'elimination_changed', 'inserts')
        ) t (name, made_at, action, tells)
        CROSS JOIN LATERAL (
            SELECT string_agg(a.attname, ', ' ORDER BY a.place) FILTER (WHERE a.place IS NOT NULL) AS keys,
                   string_agg(a.attname, ', ' ORDER BY a.attnum) FILTER (WHERE a.place IS NULL) AS columns
            FROM (SELECT h.attname, h.attnum, array_position(c.conkey, h.attnum) AS place
                  FROM pg_attribute h
                  JOIN pg_constraint c ON c.conrelid = h.attrelid AND c.contype = 'p'
                  WHERE h.attrelid = format('reefqbo.%s_history', t.name)::regclass AND h.attnum > 0
                    AND h.attname NOT IN ('valid_from', 'valid_until', 'changed_by', 'why', 'ended_by', 'ended_why')) a) k
    LOOP
        FOR event IN
            SELECT * FROM (VALUES ('inserted', 'INSERT', 'NEW TABLE AS new_rows'),
                                  ('updated', 'UPDATE', 'OLD TABLE AS old_rows NEW TABLE AS new_rows'),
                                  ('deleted', 'DELETE', 'OLD TABLE AS old_rows')) e (name, event, tables)
        LOOP
            EXECUTE format('CREATE TRIGGER history_%s AFTER %s ON reefqbo.%I REFERENCING %s FOR EACH STATEMENT'
                           ' EXECUTE FUNCTION reefqbo._keep_history(%s)',
                           event.name, event.event, one.name, event.tables, one.arguments);
            EXECUTE format('COMMENT ON TRIGGER history_%s ON reefqbo.%I IS %L', event.name, one.name, format('keeps reefqbo.%s_history', one.name));
        END LOOP;
    END LOOP;
    FOR one IN
        SELECT a.attrelid::regclass AS history, v.name, v.comment
        FROM (VALUES ('valid_from', 'since when it holds'),
                     ('valid_until', 'until when; infinity: it still does'),
                     ('changed_by', 'the role that made it so; of what an import brings, that of the background worker'),
                     ('why', 'what reefqbo.reason was set to, if it was'),
                     ('ended_by', 'the role that changed or removed it'),
                     ('ended_why', 'what reefqbo.reason was set to then')) v (name, comment)
        JOIN pg_attribute a ON a.attname = v.name
        JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind = 'r' AND c.relname ~ '_history$'
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', one.history, one.name, one.comment);
    END LOOP;
END
$do$;

-- ---- as it was at a moment ----

-- With the moment NULL what holds now, which is the table itself. Functions, and no views: a join with what they give back is planned
-- for many rows, whatever a table's statistics say.

CREATE FUNCTION reefqbo._companies_at(model_id bigint, connections bigint[], as_of timestamptz)
RETURNS SETOF reefqbo.company_history
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $3 IS NULL THEN
        RETURN QUERY
        SELECT x.model_id, x.connection_id, x.branch_id, x.company_name, x.home_currency, x.fiscal_year_start_month,
               NULL::timestamptz, NULL::timestamptz, NULL::name, NULL::text, NULL::name, NULL::text
        FROM reefqbo.connection x
        WHERE x.model_id = $1 AND ($2 IS NULL OR x.connection_id = ANY ($2));
    ELSE
        RETURN QUERY
        SELECT h.* FROM reefqbo.company_history h
        WHERE h.model_id = $1 AND ($2 IS NULL OR h.connection_id = ANY ($2)) AND h.valid_from <= $3 AND h.valid_until > $3;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._companies_at(bigint, bigint[], timestamptz) IS
'Internal: the companies of a model (connections NULL), or some of them, as they are or were at a moment.';

CREATE FUNCTION reefqbo._branches_at(model_id bigint, as_of timestamptz)
RETURNS SETOF reefqbo.branch_history
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $2 IS NULL THEN
        RETURN QUERY
        SELECT x.model_id, x.branch_id, x.name, x.parent_branch_id, x.is_enabled, NULL::timestamptz, NULL::timestamptz,
               NULL::name, NULL::text, NULL::name, NULL::text
        FROM reefqbo.branch x
        WHERE x.model_id = $1;
    ELSE
        RETURN QUERY
        SELECT h.* FROM reefqbo.branch_history h
        WHERE h.model_id = $1 AND h.valid_from <= $2 AND h.valid_until > $2;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._branches_at(bigint, timestamptz) IS
'Internal: the branches of a model, as they are or were at a moment.';

CREATE FUNCTION reefqbo._accounts_at(model_id bigint, connections bigint[], as_of timestamptz)
RETURNS SETOF reefqbo.account_history
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $3 IS NULL THEN
        RETURN QUERY
        SELECT x.model_id, x.connection_id, x.account_id, x.name, x.fully_qualified_name, x.account_number,
               x.classification, x.account_type, x.account_subtype, x.parent_account_id, x.is_active, x.is_computed,
               NULL::timestamptz, NULL::timestamptz, NULL::name, NULL::text, NULL::name, NULL::text
        FROM reefqbo.account x
        WHERE x.model_id = $1 AND x.connection_id = ANY ($2);
    ELSE
        RETURN QUERY
        SELECT h.* FROM reefqbo.account_history h
        WHERE h.model_id = $1 AND h.connection_id = ANY ($2) AND h.valid_from <= $3 AND h.valid_until > $3;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._accounts_at(bigint, bigint[], timestamptz) IS
'Internal: the charts of accounts of some companies, as they are or were at a moment.';

CREATE FUNCTION reefqbo._mappings_at(model_id bigint, connections bigint[], as_of timestamptz)
RETURNS SETOF reefqbo.account_mapping_history
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $3 IS NULL THEN
        RETURN QUERY
        SELECT x.model_id, x.connection_id, x.account_id, x.variable_type, x.category, x.subcategory, x.branch_id,
               NULL::timestamptz, NULL::timestamptz, NULL::name, NULL::text, NULL::name, NULL::text
        FROM reefqbo.account_mapping x
        WHERE x.model_id = $1 AND ($2 IS NULL OR x.connection_id = ANY ($2));
    ELSE
        RETURN QUERY
        SELECT h.* FROM reefqbo.account_mapping_history h
        WHERE h.model_id = $1 AND ($2 IS NULL OR h.connection_id = ANY ($2)) AND h.valid_from <= $3 AND h.valid_until > $3;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._mappings_at(bigint, bigint[], timestamptz) IS
'Internal: what the accounts of a model (connections NULL), or of some companies, are mapped to, as they are or were at a moment.';

CREATE FUNCTION reefqbo._dimension_mappings_at(model_id bigint, connections bigint[], as_of timestamptz)
RETURNS SETOF reefqbo.dimension_mapping_history
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $3 IS NULL THEN
        RETURN QUERY
        SELECT x.model_id, x.connection_id, x.dimension, x.value_id, x.branch_id, NULL::timestamptz, NULL::timestamptz,
               NULL::name, NULL::text, NULL::name, NULL::text
        FROM reefqbo.dimension_mapping x
        WHERE x.model_id = $1 AND ($2 IS NULL OR x.connection_id = ANY ($2));
    ELSE
        RETURN QUERY
        SELECT h.* FROM reefqbo.dimension_mapping_history h
        WHERE h.model_id = $1 AND ($2 IS NULL OR h.connection_id = ANY ($2)) AND h.valid_from <= $3 AND h.valid_until > $3;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._dimension_mappings_at(bigint, bigint[], timestamptz) IS
'Internal: the branches that classes and departments of a model (connections NULL), or of some companies, feed, as they are or were at a moment.';

CREATE FUNCTION reefqbo._unsettled_at(model_id bigint, connections bigint[], as_of timestamptz)
RETURNS SETOF reefqbo.unsettled_month_history
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $3 IS NULL THEN
        RETURN QUERY
        SELECT x.model_id, x.connection_id, x.accounting_method, x.period_start, x.reason, x.period_end, x.detail,
               x.import_id, NULL::timestamptz, NULL::timestamptz, NULL::name, NULL::text, NULL::name, NULL::text
        FROM reefqbo.unsettled_month x
        WHERE x.model_id = $1 AND x.connection_id = ANY ($2);
    ELSE
        RETURN QUERY
        SELECT h.* FROM reefqbo.unsettled_month_history h
        WHERE h.model_id = $1 AND h.connection_id = ANY ($2) AND h.valid_from <= $3 AND h.valid_until > $3;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._unsettled_at(bigint, bigint[], timestamptz) IS
'Internal: the months of some companies that must be read again, as they are or were at a moment.';

CREATE FUNCTION reefqbo._ownership_at(model_id bigint, connections bigint[], as_of timestamptz)
RETURNS SETOF reefqbo.ownership_history
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $3 IS NULL THEN
        RETURN QUERY
        SELECT x.model_id, x.connection_id, x.branch_id, x.month, x.method, x.percent, x.investment_connection_id,
               x.investment_account_id, x.memo, NULL::timestamptz, NULL::timestamptz, NULL::name, NULL::text, NULL::name,
               NULL::text
        FROM reefqbo.ownership x
        WHERE x.model_id = $1 AND ($2 IS NULL OR x.connection_id = ANY ($2));
    ELSE
        RETURN QUERY
        SELECT h.* FROM reefqbo.ownership_history h
        WHERE h.model_id = $1 AND ($2 IS NULL OR h.connection_id = ANY ($2)) AND h.valid_from <= $3 AND h.valid_until > $3;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._ownership_at(bigint, bigint[], timestamptz) IS
'Internal: what is stated of the ownership of a model (connections NULL), or of some companies, as they are or were at a moment.';

CREATE FUNCTION reefqbo._adjustments_at(model_id bigint, connections bigint[], as_of timestamptz)
RETURNS SETOF reefqbo.adjustment_history
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $3 IS NULL THEN
        RETURN QUERY
        SELECT x.model_id, x.adjustment_id, x.connection_id, x.branch_id, x.month, x.reversed_in, x.accounting_method,
               x.amount, x.debit_type, x.debit_category, x.debit_subcategory, x.credit_type, x.credit_category,
               x.credit_subcategory, x.debit_account_type, x.credit_account_type, x.attributed_to, x.memo,
               NULL::timestamptz, NULL::timestamptz, NULL::name, NULL::text, NULL::name, NULL::text
        FROM reefqbo.adjustment x
        WHERE x.model_id = $1 AND x.connection_id = ANY ($2);
    ELSE
        RETURN QUERY
        SELECT h.* FROM reefqbo.adjustment_history h
        WHERE h.model_id = $1 AND h.connection_id = ANY ($2) AND h.valid_from <= $3 AND h.valid_until > $3;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._adjustments_at(bigint, bigint[], timestamptz) IS
'Internal: the entries in the books of some companies, as they are or were at a moment.';

CREATE FUNCTION reefqbo._eliminations_at(model_id bigint, branches bigint[], as_of timestamptz)
RETURNS SETOF reefqbo.elimination_history
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $3 IS NULL THEN
        RETURN QUERY
        SELECT x.model_id, x.elimination_id, x.branch_id, x.month, x.reversed_in, x.accounting_method, x.amount,
               x.debit_type, x.debit_category, x.debit_subcategory, x.credit_type, x.credit_category,
               x.credit_subcategory, x.memo, x.debit_account_type, x.credit_account_type, NULL::timestamptz,
               NULL::timestamptz, NULL::name, NULL::text, NULL::name, NULL::text
        FROM reefqbo.elimination x
        WHERE x.model_id = $1 AND x.branch_id = ANY ($2);
    ELSE
        RETURN QUERY
        SELECT h.* FROM reefqbo.elimination_history h
        WHERE h.model_id = $1 AND h.branch_id = ANY ($2) AND h.valid_from <= $3 AND h.valid_until > $3;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._eliminations_at(bigint, bigint[], timestamptz) IS
'Internal: the eliminations of some branches, as they are or were at a moment.';

CREATE FUNCTION reefqbo._rates_at(model_id bigint, from_currency text, to_currency text, as_of timestamptz)
RETURNS SETOF reefqbo.exchange_rate_history
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $4 IS NULL THEN
        RETURN QUERY
        SELECT x.model_id, x.from_currency, x.to_currency, x.month, x.closing, x.average, x.historical,
               NULL::timestamptz, NULL::timestamptz, NULL::name, NULL::text, NULL::name, NULL::text
        FROM reefqbo.exchange_rate x
        WHERE x.model_id = $1 AND ($2 IS NULL OR x.from_currency = $2) AND x.to_currency = $3;
    ELSE
        RETURN QUERY
        SELECT h.* FROM reefqbo.exchange_rate_history h
        WHERE h.model_id = $1 AND ($2 IS NULL OR h.from_currency = $2) AND h.to_currency = $3 AND h.valid_from <= $4 AND h.valid_until > $4;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._rates_at(bigint, text, text, timestamptz) IS
'Internal: the rates of one currency, or (NULL) of all, into another, as they are or were at a moment.';

CREATE FUNCTION reefqbo._home_currency_at(model_id bigint, connection_id bigint, as_of timestamptz)
RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.home_currency FROM reefqbo._companies_at($1, ARRAY[$2], $3) c
$$;

COMMENT ON FUNCTION reefqbo._home_currency_at(bigint, bigint, timestamptz) IS 'Internal: the currency of a company, as it is or was at a moment.';

CREATE FUNCTION reefqbo._rates_of(model_id bigint, connection_id bigint, currency text, as_of timestamptz)
RETURNS SETOF reefqbo.exchange_rate_history
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT r.* FROM reefqbo._rates_at($1, coalesce(reefqbo._home_currency_at($1, $2, $4), ''), $3, $4) r;
END
$$;

COMMENT ON FUNCTION reefqbo._rates_of(bigint, bigint, text, timestamptz) IS
'Internal: the rates of a company''s currency into another, as they are or were at a moment.';

CREATE FUNCTION reefqbo._model_currency_at(model_id bigint, as_of timestamptz)
RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT m.currency FROM reefqbo.model m WHERE m.model_id = $1 AND $2 IS NULL
    UNION ALL
    SELECT h.currency FROM reefqbo.model_history h WHERE h.model_id = $1 AND h.valid_from <= $2 AND h.valid_until > $2
$$;

COMMENT ON FUNCTION reefqbo._model_currency_at(bigint, timestamptz) IS
'Internal: the currency that a model''s companies are consolidated in, as it is or was at a moment.';

CREATE FUNCTION reefqbo._branch_id_at(model_id bigint, branch text, as_of timestamptz)
RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- who asks speaks of today's branches, unless there is none of that name any more
    IF $3 IS NULL OR $2 IS NULL OR EXISTS (SELECT 1 FROM reefqbo.branch b WHERE b.model_id = $1 AND b.name = $2) THEN
        RETURN reefqbo._branch_id($1, $2);
    END IF;
    RETURN coalesce((SELECT b.branch_id FROM reefqbo._branches_at($1, $3) b WHERE b.name = $2), reefqbo._branch_id($1, $2));
END
$$;

COMMENT ON FUNCTION reefqbo._branch_id_at(bigint, text, timestamptz) IS
'Internal: the id of a model''s branch by the name it has, or had at a moment. Error: 42704 there is none.';

CREATE FUNCTION reefqbo._set_history_back(model_id bigint)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    history regclass;
BEGIN
    FOR history IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind = 'r' AND c.relname ~ '_history$' LOOP
        -- of several versions of times that have not come, the last one is left
        EXECUTE format('DELETE FROM %s h WHERE h.model_id = $1 AND h.valid_from > reefqbo._now() AND h.valid_until < ''infinity''', history) USING $1;
        EXECUTE format('UPDATE %s h SET valid_from = least(h.valid_from, reefqbo._now()),'
                       '  valid_until = CASE WHEN h.valid_until < ''infinity'' THEN least(h.valid_until, reefqbo._now()) ELSE h.valid_until END'
                       ' WHERE h.model_id = $1 AND (h.valid_from > reefqbo._now() OR h.valid_until > reefqbo._now() AND h.valid_until < ''infinity'')',
                       history) USING $1;
    END LOOP;
END
$$;

COMMENT ON FUNCTION reefqbo._set_history_back(bigint) IS
'Internal: what a clock that was ahead has left in the history of a model: times that have not come are now.';

CREATE FUNCTION reefqbo._parts_at(model_id bigint, connection_id bigint, accounting_method text, first_month date, last_month date,
                                  as_of timestamptz)
RETURNS SETOF reefqbo.dimension_actual_history
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $6 IS NULL THEN
        RETURN QUERY
        SELECT x.model_id, x.connection_id, x.dimension, x.accounting_method, x.period_start, x.value_id, x.account_id, x.amount,
               NULL::timestamptz, NULL::timestamptz, NULL::name, NULL::text, NULL::name, NULL::text
        FROM reefqbo.dimension_mapping p
        JOIN reefqbo.dimension_actual x
            ON x.model_id = p.model_id AND x.connection_id = p.connection_id AND x.dimension = p.dimension AND x.value_id = p.value_id
        WHERE p.model_id = $1 AND p.connection_id = $2 AND x.accounting_method = $3 AND x.period_start BETWEEN $4 AND $5;
    ELSE
        RETURN QUERY
        SELECT h.*
        FROM reefqbo.dimension_actual_history h
        WHERE h.model_id = $1 AND h.connection_id = $2 AND h.accounting_method = $3 AND h.period_start BETWEEN $4 AND $5
          AND h.valid_from <= $6 AND h.valid_until > $6;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._parts_at(bigint, bigint, text, date, date, timestamptz) IS
'Internal: the parts of a company''s profit and loss by class or department: those that are mapped, or all there were at a moment.';

CREATE FUNCTION reefqbo._historical_rates_at(model_id bigint, connections bigint[], to_currency text, as_of timestamptz)
RETURNS SETOF reefqbo.historical_rate_history
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $4 IS NULL THEN
        RETURN QUERY
        SELECT x.model_id, x.connection_id, x.to_currency, x.month, x.rate,
               NULL::timestamptz, NULL::timestamptz, NULL::name, NULL::text, NULL::name, NULL::text
        FROM reefqbo.historical_rate x
        WHERE x.model_id = $1 AND x.connection_id = ANY ($2) AND x.to_currency = $3;
    ELSE
        RETURN QUERY
        SELECT h.* FROM reefqbo.historical_rate_history h
        WHERE h.model_id = $1 AND h.connection_id = ANY ($2) AND h.to_currency = $3 AND h.valid_from <= $4 AND h.valid_until > $4;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._historical_rates_at(bigint, bigint[], text, timestamptz) IS
'Internal: the historical rates of some companies into a currency, as they are or were at a moment.';
