-- Time travel: the figures as they were known.

CREATE FUNCTION reefqbo._actuals_as_of(model text, as_of timestamptz, branch text)
RETURNS TABLE (model_id bigint, connection_id bigint, account_id text, statement text, accounting_method text,
               period_start date, period_end date, amount numeric)
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
    SELECT in_model, c.connection_id, a.account_id, s.statement, s.accounting_method, a.period_start, a.period_end, a.amount
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
               period_start date, period_end date, amount numeric)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_gate_reader';

COMMENT ON FUNCTION reefqbo.actuals_as_of(text, timestamptz, text) IS
'The figures of reefqbo.actual as they were known at a moment: what did the board pack of 5 March say? Months first fetched later are left out, and every change seen later (reefqbo.restatement) is undone.
Arguments: model; as_of; branch, whose company''s figures, by default those of all. Result: the columns of reefqbo.actual; an account without a row is 0 in a month that had been fetched by then. reefqbo.statement takes as_of as well.
Errors: 42704 no such model or branch, 22004 no moment.';
