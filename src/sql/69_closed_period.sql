-- Closed months: what was shown of a month, kept under a name, and what has changed in it since.

CREATE TABLE reefqbo.closed_period (
    model_id bigint NOT NULL REFERENCES reefqbo.model,
    closing_id bigint GENERATED ALWAYS AS IDENTITY,
    month date NOT NULL,
    note text,
    closed_at timestamptz NOT NULL,
    closed_by name NOT NULL,
    digest bytea NOT NULL,
    reopened_at timestamptz,
    reopened_by name,
    reopened_note text,
    PRIMARY KEY (model_id, closing_id),
    CONSTRAINT closed_period_is_a_month CHECK (month = pg_catalog.date_trunc('month', month::timestamp)::date)
);

CREATE UNIQUE INDEX closed_period_once ON reefqbo.closed_period (model_id, month) WHERE reopened_at IS NULL;

COMMENT ON TABLE reefqbo.closed_period IS
'The months that were closed with reefqbo.close_period: what was shown of each can be shown again, by reefqbo.statement with as_of => closed_at. A month that was opened again keeps its row.';
COMMENT ON COLUMN reefqbo.closed_period.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.closed_period.closing_id IS 'in the order they were closed';
COMMENT ON COLUMN reefqbo.closed_period.month IS 'first day of the month';
COMMENT ON COLUMN reefqbo.closed_period.note IS 'what was said of it';
COMMENT ON COLUMN reefqbo.closed_period.closed_at IS 'the moment of which what was shown is kept: the as_of of reefqbo.statement';
COMMENT ON COLUMN reefqbo.closed_period.closed_by IS 'the role that closed it';
COMMENT ON COLUMN reefqbo.closed_period.digest IS 'SHA-256 of all statements of the month as they were shown: reefqbo.check works it out again';
COMMENT ON COLUMN reefqbo.closed_period.reopened_at IS 'when it was opened again; NULL: it is closed';
COMMENT ON COLUMN reefqbo.closed_period.reopened_by IS 'the role that opened it again';
COMMENT ON COLUMN reefqbo.closed_period.reopened_note IS 'what was said of that';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.closed_period', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.closed_period_closing_id_seq', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.closed_period');

CREATE TABLE reefqbo.closed_figure (
    model_id bigint NOT NULL,
    closing_id bigint NOT NULL,
    accounting_method text COLLATE "C" NOT NULL,
    statement text COLLATE "C" NOT NULL,
    lines text COLLATE "C" NOT NULL,
    line integer NOT NULL,
    label text NOT NULL,
    currency text,
    amount numeric,
    PRIMARY KEY (model_id, closing_id, accounting_method, statement, lines, line),
    FOREIGN KEY (model_id, closing_id) REFERENCES reefqbo.closed_period
);

COMMENT ON TABLE reefqbo.closed_figure IS
'The totals of the statements of a month as they were shown when it was closed: a copy, which no later change of anything can reach. The details are in reefqbo.statement with as_of => closed_at, and in the digest of reefqbo.closed_period.';
COMMENT ON COLUMN reefqbo.closed_figure.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.closed_figure.closing_id IS 'the closing, as in reefqbo.closed_period';
COMMENT ON COLUMN reefqbo.closed_figure.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.closed_figure.statement IS 'profit_and_loss, balance_sheet or cash_flow';
COMMENT ON COLUMN reefqbo.closed_figure.lines IS 'account or category';
COMMENT ON COLUMN reefqbo.closed_figure.line IS 'as of reefqbo.statement';
COMMENT ON COLUMN reefqbo.closed_figure.label IS 'as of reefqbo.statement';
COMMENT ON COLUMN reefqbo.closed_figure.currency IS 'of the amount';
COMMENT ON COLUMN reefqbo.closed_figure.amount IS 'as of reefqbo.statement';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.closed_figure', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.closed_figure');

-- ---- what is shown of a month ----

CREATE FUNCTION reefqbo._pack_methods(model_id bigint, month date, as_of timestamptz)
RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
    SELECT d.method
    FROM reefqbo._scope($1, NULL, false, $3) s
    CROSS JOIN (VALUES ('Accrual'), ('Cash')) d (method)
    WHERE EXISTS (SELECT 1 FROM reefqbo._common_months($1, s.connections, reefqbo._statements_read('trial_balance'), d.method, $3, s.branches) m
                  WHERE m.month = $2)
$$;

COMMENT ON FUNCTION reefqbo._pack_methods(bigint, date, timestamptz) IS
'Internal: the accounting methods by which a month is known of every company, or was at a moment.';

CREATE FUNCTION reefqbo._pack(model_id bigint, month date, as_of timestamptz)
RETURNS TABLE (accounting_method text, statement text, lines text, line integer, depth integer, label text, kind text, section text,
               connection_id bigint, account_id text, account_number text, is_provisional boolean, currency text, amount numeric,
               previous_period numeric, previous_year numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
    SELECT d.method, k.statement, k.lines, s.line, s.depth, s.label, s.kind, s.section, s.connection_id, s.account_id, s.account_number,
           s.is_provisional, s.currency, s.amount, s.previous_period, s.previous_year
    FROM reefqbo._pack_methods($1, $2, $3) d (method)
    CROSS JOIN (SELECT t.statement, l.lines FROM unnest('{profit_and_loss,balance_sheet,cash_flow}'::text[]) t (statement),
                unnest('{account,category}'::text[]) l (lines)) k
    CROSS JOIN LATERAL reefqbo._statement((SELECT m.name FROM reefqbo.model m WHERE m.model_id = $1), k.statement, $2,
                                          ($2 + interval '1 month')::date - 1, 'month', k.lines, 'calendar', d.method, NULL, false, $3, false) s
$$;

COMMENT ON FUNCTION reefqbo._pack(bigint, date, timestamptz) IS
'Internal: all that the statements of a whole model show of a month, or showed at a moment.';

CREATE FUNCTION reefqbo._pack_digest(model_id bigint, month date, as_of timestamptz)
RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1
AS $$
    SELECT sha256(convert_to(coalesce(string_agg(to_jsonb(p)::text, E'\n' ORDER BY p.accounting_method, p.statement COLLATE "C",
                                                 p.lines COLLATE "C", p.line), ''), 'UTF8'))
    FROM reefqbo._pack($1, $2, $3) p
$$;

COMMENT ON FUNCTION reefqbo._pack_digest(bigint, date, timestamptz) IS 'Internal: the SHA-256 of reefqbo._pack.';

-- ---- closing ----

CREATE FUNCTION reefqbo._last_moment(model_id bigint)
RETURNS timestamptz
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last timestamptz := greatest(
        (SELECT max(r.restated_at) FROM reefqbo.restatement r WHERE r.model_id = $1),
        (SELECT max(greatest(i.known_since, i.over_since)) FROM reefqbo.imported_month i WHERE i.model_id = $1),
        (SELECT max(w.withdrawn_at) FROM reefqbo.withdrawn_month w WHERE w.model_id = $1));
    history regclass;
    latest timestamptz;
BEGIN
    FOR history IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind = 'r' AND c.relname ~ '_history$' LOOP
        EXECUTE format('SELECT max(greatest(h.valid_from, nullif(h.valid_until, ''infinity''))) FROM %s h WHERE h.model_id = $1', history)
        INTO latest USING $1;
        last := greatest(last, latest);
    END LOOP;
    RETURN last;
END
$$;

COMMENT ON FUNCTION reefqbo._last_moment(bigint) IS 'Internal: the last moment at which anything has changed in a model, whatever the clock says.';

CREATE FUNCTION reefqbo._check_closing(model_id bigint, month date)
RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    words text := to_char($2, 'YYYY-MM');
    last_day date := ($2 + interval '1 month')::date - 1;
    scope record;
    unsettled record;
BEGIN
    IF EXISTS (SELECT 1 FROM reefqbo.closed_period c WHERE c.model_id = $1 AND c.month = $2 AND c.reopened_at IS NULL) THEN
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = format('%s is closed already', words),
            HINT = 'reefqbo.period_change lists what has changed since. reefqbo.reopen_period opens it again.';
    END IF;
    SELECT s.* INTO scope FROM reefqbo._scope($1, NULL, false, NULL) s;
    PERFORM 1 FROM reefqbo._pack_methods($1, $2, NULL);
    IF NOT FOUND THEN
        PERFORM reefqbo._check_trial_months($1, scope.connections, 'Accrual', $2, NULL, scope.branches);
    END IF;
    IF EXISTS (SELECT 1 FROM reefqbo._pack_methods($1, $2, NULL) d (method)
               CROSS JOIN LATERAL reefqbo._common_months($1, scope.connections, reefqbo._statements_read('trial_balance'), d.method, NULL, scope.branches) k
               WHERE k.month = $2 AND k.is_provisional) THEN
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = format('%s was not over when it was imported', words),
            HINT = 'Call reefqbo.refresh when it is.';
    END IF;
    SELECT u.reason, c.company_name, u.words INTO unsettled
    FROM reefqbo._unsettled($1, scope.connections, NULL, $2, last_day) u
    JOIN reefqbo.connection c ON c.model_id = $1 AND c.connection_id = u.connection_id
    ORDER BY u.reason, c.company_name
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = CASE unsettled.reason WHEN 'does not tie out' THEN 'RQ007' ELSE '55000' END,
            MESSAGE = format('%s must be read again before it is closed', words),
            DETAIL = reefqbo._show_line(format('%s: %s', unsettled.company_name, unsettled.words)) || '.',
            HINT = 'Call reefqbo.refresh. The months are in reefqbo.unsettled_month.';
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._check_closing(bigint, date) IS 'Internal: the errors of reefqbo.close_period but those of the statements.';

CREATE FUNCTION reefqbo._close_period(model text, month date, note text)
RETURNS timestamptz
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    of_month date := date_trunc('month', $2::timestamp);
    at timestamptz;
    shown bytea;
    closing bigint;
BEGIN
    IF of_month IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'which month is to be closed?';
    ELSIF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE invalid_transaction_state USING
            MESSAGE = 'a month is closed in a transaction of isolation level READ COMMITTED',
            DETAIL = 'Others do not see what was changed since they began.';
    END IF;
    at := reefqbo._moment_of_closing(in_model);
    at := greatest(at, reefqbo._last_moment(in_model), (SELECT max(p.closed_at) FROM reefqbo.closed_period p WHERE p.model_id = in_model));
    PERFORM reefqbo._check_closing(in_model, of_month);
    shown := reefqbo._pack_digest(in_model, of_month, NULL);
    IF shown <> reefqbo._pack_digest(in_model, of_month, at) THEN
        RAISE EXCEPTION USING ERRCODE = 'RQ007',
            MESSAGE = format('what is shown of %s could not be shown again', to_char(of_month, 'YYYY-MM')),
            DETAIL = 'The history of what it is made of is not complete: tables were written to with their triggers disabled.',
            HINT = 'Compare reefqbo.statement with and without as_of => now().';
    END IF;
    INSERT INTO reefqbo.closed_period (model_id, month, note, closed_at, closed_by, digest)
    VALUES (in_model, of_month, $3, at, reefqbo._caller(), shown)
    RETURNING closing_id INTO closing;
    INSERT INTO reefqbo.closed_figure (model_id, closing_id, accounting_method, statement, lines, line, label, currency, amount)
    SELECT in_model, closing, p.accounting_method, p.statement, p.lines, p.line, p.label, p.currency, p.amount
    FROM reefqbo._pack(in_model, of_month, at) p
    WHERE p.kind IN ('total', 'computed') AND p.connection_id IS NULL AND p.account_id IS NULL;
    PERFORM reefqbo._audit('period_closed', in_model, $1, concat_ws(': ', to_char(of_month, 'YYYY-MM'), $3));
    RETURN at;
END
$$;

COMMENT ON FUNCTION reefqbo._close_period(text, date, text) IS 'Internal: what reefqbo.close_period does, without asking who calls.';

CREATE FUNCTION reefqbo.close_period(model text, month date, note text DEFAULT NULL)
RETURNS timestamptz
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.close_period(text, date, text) IS
'Closes a month of a model: keeps what its statements show under a moment, at which they can be shown again to the cent whatever changes later: reefqbo.statement with as_of => that moment. Nothing is locked: figures, accounts, mapping, rates and the like go on changing, and reefqbo.period_change lists what has changed of a closed month.
It waits for transactions under way that have changed something in the model, and they for it. The totals are copied to reefqbo.closed_figure, and a digest of everything to reefqbo.closed_period, by which reefqbo.check and reefqbo.check_period prove that it is still shown as it was. Closing the books in QuickBooks is another thing: reefqbo.company.book_close_date.
Arguments: model; month, any day of it; note, such as the name of the pack. Result: the moment. Months may be closed in any order.
Errors: 42704 no such model, a month that was not imported for every company, or a rate that is missing; 55000 it is closed already, was not over when it was imported, or must be read again since accounts were reclassified; RQ007 it does not tie out or does not balance; 25000 another isolation level than READ COMMITTED; 22004 no month.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.close_period(text, date, text)');

CREATE FUNCTION reefqbo._reopen_period(model text, month date, note text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
BEGIN
    IF $2 IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'which month is to be opened again?';
    END IF;
    UPDATE reefqbo.closed_period c SET reopened_at = reefqbo._now(), reopened_by = reefqbo._caller(), reopened_note = $3
    WHERE c.model_id = in_model AND c.month = date_trunc('month', $2::timestamp) AND c.reopened_at IS NULL;
    IF NOT FOUND THEN
        RAISE undefined_object USING
            MESSAGE = format('%s is not closed', to_char($2, 'YYYY-MM')),
            HINT = 'The table reefqbo.closed_period lists the months that are.';
    END IF;
    PERFORM reefqbo._audit('period_reopened', in_model, $1, concat_ws(': ', to_char($2, 'YYYY-MM'), $3));
END
$$;

COMMENT ON FUNCTION reefqbo._reopen_period(text, date, text) IS 'Internal: what reefqbo.reopen_period does, without asking who calls.';

CREATE FUNCTION reefqbo.reopen_period(model text, month date, note text DEFAULT NULL)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.reopen_period(text, date, text) IS
'Opens a closed month again, so that it can be closed anew. What was closed stays in reefqbo.closed_period, and can be shown as before.
Arguments: model; month, any day of it; note, why. Errors: 42704 no such model, or the month is not closed; 22004 no month.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.reopen_period(text, date, text)');

-- ---- what has changed since ----

CREATE FUNCTION reefqbo._facts(side jsonb, other jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(format('%s %s', replace(f.name, '_', ' '), coalesce(f.value, 'none')), ', ' ORDER BY f.name)
    FROM jsonb_each_text($1) f (name, value)
    WHERE CASE WHEN $2 IS NULL THEN f.value IS NOT NULL ELSE f.value IS DISTINCT FROM $2 ->> f.name END
$$;

COMMENT ON FUNCTION reefqbo._facts(jsonb, jsonb) IS
'Internal: what one version of a row has that the other has not, in words; beside none, all it has.';

CREATE FUNCTION reefqbo._versions_since(history regclass, model_id bigint, since timestamptz)
RETURNS TABLE (was jsonb, became jsonb, changed_at timestamptz, changed_by name, why text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys text := (SELECT string_agg(format('n.%1$I = o.%1$I', a.attname), ' AND ' ORDER BY a.attnum)
                  FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::smallint[])
                  WHERE i.indrelid = $1 AND i.indisprimary AND a.attname <> 'valid_from');
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT to_jsonb(o) - $3, to_jsonb(n) - $3, coalesce(n.valid_from, o.valid_until), coalesce(n.changed_by, o.ended_by),'
        '       coalesce(n.why, o.ended_why)'
        ' FROM (SELECT * FROM %1$s h WHERE h.model_id = $1 AND h.valid_from > $2) n'
        ' FULL JOIN (SELECT * FROM %1$s h WHERE h.model_id = $1 AND h.valid_until > $2 AND h.valid_until < ''infinity'') o'
        '  ON %2$s AND o.valid_until = n.valid_from', $1, keys)
    USING $2, $3, ARRAY['model_id', 'valid_from', 'valid_until', 'changed_by', 'why', 'ended_by', 'ended_why'];
END
$$;

COMMENT ON FUNCTION reefqbo._versions_since(regclass, bigint, timestamptz) IS
'Internal: what has changed in a table since a moment, by its history: the row before (NULL: there was none) and after (NULL: it was removed).';

-- Whether a change is one of a closed month: of one row before and after.
CREATE FUNCTION reefqbo._rate_touches(was jsonb, became jsonb, month date)
RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    -- equity is carried forward at the average and historical rates of all months until then; a flow of cash begins at the closing
    -- rate of the month before
    SELECT r.month <= $3
           AND (r.month >= ($3 - interval '1 month')::date AND ($1 -> 'closing') IS DISTINCT FROM ($2 -> 'closing')
                OR ($1 -> 'average') IS DISTINCT FROM ($2 -> 'average') OR ($1 -> 'historical') IS DISTINCT FROM ($2 -> 'historical'))
    FROM (SELECT (coalesce($2, $1) ->> 'month')::date AS month) r
$$;

COMMENT ON FUNCTION reefqbo._rate_touches(jsonb, jsonb, date) IS 'Internal: whether a change of rates can be seen in the statements of a month.';

CREATE FUNCTION reefqbo._elimination_touches(was jsonb, became jsonb, month date)
RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT bool_or((e.side ->> 'month')::date <= $3 AND coalesce((e.side ->> 'reversed_in')::date >= $3, true))
    FROM (VALUES ($1), ($2)) e (side)
    WHERE e.side IS NOT NULL
$$;

COMMENT ON FUNCTION reefqbo._elimination_touches(jsonb, jsonb, date) IS
'Internal: whether a change of an elimination can be seen in the statements of a month.';

CREATE FUNCTION reefqbo._account_touches(model_id bigint, side jsonb, month date)
RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT 1 FROM reefqbo._amount x
                   WHERE x.model_id = $1 AND x.connection_id = ($2 ->> 'connection_id')::bigint AND x.account_id = $2 ->> 'account_id'
                     AND x.period_start IN ($3, ($3 - interval '1 month')::date, ($3 - interval '12 months')::date))
           OR EXISTS (SELECT 1 FROM reefqbo.account_history h
                      WHERE h.model_id = $1 AND h.connection_id = ($2 ->> 'connection_id')::bigint
                        AND h.parent_account_id = $2 ->> 'account_id')
$$;

COMMENT ON FUNCTION reefqbo._account_touches(bigint, jsonb, date) IS
'Internal: whether an account has an amount in a month, or in one that it is compared with, or others stand under it.';

CREATE FUNCTION reefqbo._changes_of_facts(model_id bigint, month date, since timestamptz)
RETURNS TABLE (kind text, was jsonb, became jsonb, changed_at timestamptz, changed_by name, why text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'account', v.* FROM reefqbo._versions_since('reefqbo.account_history', $1, $3) v
    WHERE v.was IS NOT NULL AND reefqbo._account_touches($1, v.was, $2)
    UNION ALL
    SELECT 'mapping', v.* FROM reefqbo._versions_since('reefqbo.account_mapping_history', $1, $3) v
    WHERE reefqbo._account_touches($1, coalesce(v.was, v.became), $2)
    UNION ALL
    SELECT 'class or department', v.* FROM reefqbo._versions_since('reefqbo.dimension_mapping_history', $1, $3) v
    UNION ALL
    SELECT 'part', v.* FROM reefqbo._versions_since('reefqbo.dimension_actual_history', $1, $3) v
    WHERE (coalesce(v.was, v.became) ->> 'period_start')::date = $2
    UNION ALL
    SELECT 'rate', v.* FROM reefqbo._versions_since('reefqbo.exchange_rate_history', $1, $3) v
    WHERE reefqbo._rate_touches(v.was, v.became, $2)
    UNION ALL
    SELECT 'elimination', v.* FROM reefqbo._versions_since('reefqbo.elimination_history', $1, $3) v
    WHERE reefqbo._elimination_touches(v.was, v.became, $2)
    UNION ALL
    SELECT 'adjustment', v.* FROM reefqbo._versions_since('reefqbo.adjustment_history', $1, $3) v
    WHERE reefqbo._elimination_touches(v.was, v.became, $2)
    UNION ALL
    SELECT 'ownership', v.* FROM reefqbo._versions_since('reefqbo.ownership_history', $1, $3) v
    WHERE (coalesce(v.was, v.became) ->> 'month')::date <= $2
    UNION ALL
    -- also that of the month that a company has begun with
    SELECT 'historical rate', v.* FROM reefqbo._versions_since('reefqbo.historical_rate_history', $1, $3) v
    WHERE (coalesce(v.was, v.became) ->> 'month')::date <= $2    UNION ALL
    SELECT 'branch', v.* FROM reefqbo._versions_since('reefqbo.branch_history', $1, $3) v WHERE v.was IS NOT NULL
    UNION ALL
    SELECT 'company', v.* FROM reefqbo._versions_since('reefqbo.company_history', $1, $3) v
    UNION ALL
    SELECT 'model', v.* FROM reefqbo._versions_since('reefqbo.model_history', $1, $3) v
    UNION ALL
    -- what was read again since is told by what has changed of it
    SELECT 'unsettled', NULL, v.became, v.changed_at, v.changed_by, v.why
    FROM reefqbo._versions_since('reefqbo.unsettled_month_history', $1, $3) v
    WHERE (v.became ->> 'period_start')::date = $2
      AND EXISTS (SELECT 1 FROM reefqbo.unsettled_month u
                  WHERE u.model_id = $1 AND u.connection_id = (v.became ->> 'connection_id')::bigint
                    AND u.accounting_method = v.became ->> 'accounting_method' AND u.period_start = $2 AND u.reason = v.became ->> 'reason')
$$;

COMMENT ON FUNCTION reefqbo._changes_of_facts(bigint, date, timestamptz) IS
'Internal: what has changed since a moment of what the statements of a month are made of beside figures: rows before and after.';

CREATE FUNCTION reefqbo._named_facts(model_id bigint, side jsonb)
RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_strip_nulls($2 - ARRAY['period_start', 'period_end', 'connection_id', 'account_id', 'dimension', 'value_id', 'branch_id', 'parent_branch_id',
                                        'parent_account_id', 'from_currency', 'to_currency', 'elimination_id', 'adjustment_id', 'investment_connection_id', 'accounting_method', 'import_id'])
           || CASE WHEN $2 ? 'accounting_method' THEN jsonb_build_object('accounting_method', $2 -> 'accounting_method') ELSE '{}' END
           || CASE WHEN $2 ? 'branch_id' THEN jsonb_build_object('branch', (SELECT b.name FROM reefqbo.branch b
                   WHERE b.model_id = $1 AND b.branch_id = ($2 ->> 'branch_id')::bigint)) ELSE '{}' END
           || CASE WHEN $2 ? 'parent_branch_id' THEN jsonb_build_object('parent', (SELECT b.name FROM reefqbo.branch b
                   WHERE b.model_id = $1 AND b.branch_id = ($2 ->> 'parent_branch_id')::bigint)) ELSE '{}' END
           || CASE WHEN $2 ? 'parent_account_id' THEN jsonb_build_object('parent', (SELECT a.fully_qualified_name FROM reefqbo.account a
                   WHERE a.model_id = $1 AND a.connection_id = ($2 ->> 'connection_id')::bigint AND a.account_id = $2 ->> 'parent_account_id')) ELSE '{}' END
$$;

COMMENT ON FUNCTION reefqbo._named_facts(bigint, jsonb) IS 'Internal: a version of a row with names in the place of ids, and without its key.';

CREATE FUNCTION reefqbo._subject(model_id bigint, kind text, side jsonb)
RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $2 = 'account' THEN $3 ->> 'fully_qualified_name'
                WHEN $2 = 'mapping' THEN (SELECT a.fully_qualified_name FROM reefqbo.account a
                     WHERE a.model_id = $1 AND a.connection_id = ($3 ->> 'connection_id')::bigint AND a.account_id = $3 ->> 'account_id')
                WHEN $2 IN ('class or department', 'part') THEN (SELECT concat_ws(', ', v.fully_qualified_name,
                     (SELECT a.fully_qualified_name FROM reefqbo.account a
                      WHERE a.model_id = $1 AND a.connection_id = v.connection_id AND a.account_id = $3 ->> 'account_id')) FROM reefqbo.dimension_value v
                     WHERE v.model_id = $1 AND v.connection_id = ($3 ->> 'connection_id')::bigint AND v.dimension = $3 ->> 'dimension'
                       AND v.value_id = $3 ->> 'value_id')
                WHEN $2 = 'rate' THEN format('%s to %s, %s', $3 ->> 'from_currency', $3 ->> 'to_currency', left($3 ->> 'month', 7))
                WHEN $2 = 'adjustment' THEN concat_ws(': ', 'entry ' || ($3 ->> 'adjustment_id'), $3 ->> 'memo')
                WHEN $2 = 'ownership' THEN format('from %s on', left($3 ->> 'month', 7))
                WHEN $2 = 'historical rate' THEN format('to %s, %s', $3 ->> 'to_currency', left($3 ->> 'month', 7))
                WHEN $2 = 'elimination' THEN concat_ws(': ', 'entry ' || ($3 ->> 'elimination_id'), $3 ->> 'memo')
                WHEN $2 = 'unsettled' THEN $3 ->> 'reason'
                WHEN $2 = 'company' THEN $3 ->> 'company_name'
                ELSE $3 ->> 'name' END
$$;

COMMENT ON FUNCTION reefqbo._subject(bigint, text, jsonb) IS 'Internal: what a row is about, in words.';

CREATE FUNCTION reefqbo._changes_of_figures(model_id bigint, month date, since timestamptz)
RETURNS TABLE (connection_id bigint, account_id text, subject text, old_value text, new_value text, changed_at timestamptz, changed_by name,
               why text, import_id bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.connection_id, r.account_id,
           format('%s, %s (%s)', a.fully_qualified_name, replace(r.statement, '_', ' '), r.accounting_method),
           reefqbo._in_decimals(r.old_amount, c.home_currency)::text, reefqbo._in_decimals(r.new_amount, c.home_currency)::text,
           r.restated_at, l.started_by,
           concat_ws(', ', 'QuickBooks prints another amount', CASE WHEN r.in_closed_period THEN 'within the books that are closed there' END,
                     CASE WHEN l.kind IS NOT NULL THEN format('seen by %s %s', l.kind, r.import_id) END), r.import_id
    FROM reefqbo.restatement r
    JOIN reefqbo.account a ON a.model_id = $1 AND a.connection_id = r.connection_id AND a.account_id = r.account_id
    JOIN reefqbo.connection c ON c.model_id = $1 AND c.connection_id = r.connection_id
    LEFT JOIN reefqbo.import_log l ON l.model_id = $1 AND l.import_id = r.import_id
    WHERE r.model_id = $1 AND r.period_start = $2 AND r.restated_at > $3
$$;

COMMENT ON FUNCTION reefqbo._changes_of_figures(bigint, date, timestamptz) IS 'Internal: the restatements of a month since a moment.';

CREATE FUNCTION reefqbo._period_change(model text, month date)
RETURNS TABLE (closed_month date, closed_at timestamptz, kind text, company text, subject text, old_value text, new_value text,
               changed_at timestamptz, changed_by name, why text, import_id bigint, account_id text, connection_id bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    of_month date := date_trunc('month', $2::timestamp);
BEGIN
    IF of_month IS NOT NULL AND NOT EXISTS (SELECT 1 FROM reefqbo.closed_period p
                                            WHERE p.model_id = in_model AND p.month = of_month AND p.reopened_at IS NULL) THEN
        RAISE undefined_object USING
            MESSAGE = format('%s is not closed', to_char(of_month, 'YYYY-MM')),
            HINT = 'reefqbo.close_period closes it; the table reefqbo.closed_period lists the months that are.';
    END IF;
    RETURN QUERY
    WITH closed AS MATERIALIZED (
        SELECT p.month, p.closed_at
        FROM reefqbo.closed_period p
        WHERE p.model_id = in_model AND p.reopened_at IS NULL AND (of_month IS NULL OR p.month = of_month)
    ), fact AS MATERIALIZED (
        SELECT p.month, p.closed_at, f.kind, coalesce(f.was, f.became) AS side, reefqbo._named_facts(in_model, f.was) AS was,
               reefqbo._named_facts(in_model, f.became) AS became, f.changed_at, f.changed_by, f.why
        FROM closed p
        CROSS JOIN LATERAL reefqbo._changes_of_facts(in_model, p.month, p.closed_at) f
        WHERE f.was IS DISTINCT FROM f.became
    ), seen AS (
        -- which import has brought it
        SELECT f.*, (SELECT max(h.import_id) FROM reefqbo.account_change h
                     WHERE f.kind = 'account' AND h.model_id = in_model AND h.connection_id = (f.side ->> 'connection_id')::bigint
                       AND h.account_id = f.side ->> 'account_id' AND h.noticed_at = f.changed_at) AS import_id
        FROM fact f
    ), change AS (
        SELECT s.month, s.closed_at, s.kind, reefqbo._subject(in_model, s.kind, s.side) AS subject, reefqbo._facts(s.was, s.became) AS old_value,
               reefqbo._facts(s.became, s.was) AS new_value, s.changed_at, coalesce(l.started_by, s.changed_by) AS changed_by,
               concat_ws(', ', s.why, CASE WHEN l.kind IS NOT NULL THEN format('seen by %s %s', l.kind, s.import_id) END) AS why,
               s.import_id, s.side ->> 'account_id' AS account_id, (s.side ->> 'connection_id')::bigint AS connection_id
        FROM seen s
        LEFT JOIN reefqbo.import_log l ON l.model_id = in_model AND l.import_id = s.import_id
        UNION ALL
        SELECT p.month, p.closed_at, 'restatement', r.subject, r.old_value, r.new_value, r.changed_at, r.changed_by, r.why, r.import_id,
               r.account_id, r.connection_id
        FROM closed p
        CROSS JOIN LATERAL reefqbo._changes_of_figures(in_model, p.month, p.closed_at) r
    )
    SELECT c.month, c.closed_at, c.kind, o.company_name, c.subject, c.old_value, c.new_value, c.changed_at, c.changed_by, nullif(c.why, ''),
           c.import_id, c.account_id, c.connection_id
    FROM change c
    LEFT JOIN reefqbo.connection o ON o.model_id = in_model AND o.connection_id = c.connection_id
    ORDER BY c.month, c.changed_at, c.kind, o.company_name COLLATE "C", c.subject COLLATE "C", c.old_value COLLATE "C";
END
$$;

COMMENT ON FUNCTION reefqbo._period_change(text, date) IS 'Internal: what reefqbo.period_change does, without asking who calls.';

CREATE FUNCTION reefqbo.period_change(model text, month date DEFAULT NULL)
RETURNS TABLE (closed_month date, closed_at timestamptz, kind text, company text, subject text, old_value text, new_value text,
               changed_at timestamptz, changed_by name, why text, import_id bigint, account_id text, connection_id bigint)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_reader';

COMMENT ON FUNCTION reefqbo.period_change(text, date) IS
'What has changed of closed months since they were closed: each change that their statements can show, which those with as_of => closed_at do not.
Arguments: model; month, any day of one that is closed, by default all that are. Result: a row for each change, in their order.
kind: restatement (an amount that QuickBooks prints otherwise), account (name, number, type or place), mapping, class or department (the branch it feeds), part (an amount by class or department), rate, historical rate (of a company), elimination, adjustment, ownership, branch, company (also one that has come or gone), model (its name and currency), unsettled (the month must be read again).
subject: the account, rate, entry and so on; old_value and new_value: NULL where there was nothing, or is nothing any more; changed_by: the role, or who began the import; why: what reefqbo.reason was set to, and by which import it was seen. A restatement also says whether the month is within the books that are closed in QuickBooks, which is another closing.
Errors: 42704 no such model, or the month is not closed.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.period_change(text, date)');

CREATE FUNCTION reefqbo._check_period(model text, month date)
RETURNS TABLE (closed_month date, closed_at timestamptz, is_as_shown boolean, difference text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    one record;
BEGIN
    FOR one IN SELECT p.* FROM reefqbo.closed_period p
               WHERE p.model_id = in_model AND ($2 IS NULL OR p.month = date_trunc('month', $2::timestamp)) ORDER BY p.month, p.closing_id
    LOOP
        closed_month := one.month;
        closed_at := one.closed_at;
        difference := NULL;
        BEGIN
            is_as_shown := one.digest = reefqbo._pack_digest(in_model, one.month, one.closed_at);
            IF NOT is_as_shown THEN
                difference := reefqbo._pack_difference(in_model, one.closing_id, one.month, one.closed_at);
            END IF;
        EXCEPTION WHEN undefined_object OR invalid_parameter_value OR SQLSTATE 'RQ007' OR SQLSTATE 'RQ003' THEN
            is_as_shown := false;
            difference := SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
END
$$;

COMMENT ON FUNCTION reefqbo._check_period(text, date) IS 'Internal: what reefqbo.check_period does, without asking who calls.';

CREATE FUNCTION reefqbo._pack_difference(model_id bigint, closing_id bigint, month date, as_of timestamptz)
RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce((
        SELECT format('%s, %s by %s: %s and not %s', btrim(coalesce(f.label, p.label)), replace(coalesce(f.statement, p.statement), '_', ' '),
                      coalesce(f.lines, p.lines), coalesce(p.amount::text, 'nothing'), coalesce(f.amount::text, 'nothing'))
        FROM (SELECT f.* FROM reefqbo.closed_figure f WHERE f.model_id = $1 AND f.closing_id = $2) f
        FULL JOIN (SELECT p.* FROM reefqbo._pack($1, $3, $4) p
                   WHERE p.kind IN ('total', 'computed') AND p.connection_id IS NULL AND p.account_id IS NULL) p
            ON p.accounting_method = f.accounting_method AND p.statement = f.statement AND p.lines = f.lines AND p.label = f.label
        WHERE p.amount IS DISTINCT FROM f.amount
        ORDER BY coalesce(f.statement, p.statement) COLLATE "C", coalesce(f.line, p.line)
        LIMIT 1), 'the totals are the same, and something below them is not')
$$;

COMMENT ON FUNCTION reefqbo._pack_difference(bigint, bigint, date, timestamptz) IS
'Internal: the first total of a closed month that is not shown as it was.';

CREATE FUNCTION reefqbo.check_period(model text, month date DEFAULT NULL)
RETURNS TABLE (closed_month date, closed_at timestamptz, is_as_shown boolean, difference text)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_reader';

COMMENT ON FUNCTION reefqbo.check_period(text, date) IS
'Proves that what was shown of closed months is shown again with as_of => closed_at: works their statements out as of then, and compares them with the digest that was kept.
Arguments: model; month, any day of it, by default all that were closed. Result: a row for each closing, also of a month that was opened again: is_as_shown; difference, the first total that is not the same, or why nothing can be shown: a company that was forgotten takes its history along.
Errors: 42704 no such model.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.check_period(text, date)');
