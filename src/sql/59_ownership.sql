-- Groups: which share of a company belongs to the group, from which month on, how it is consolidated, and its own historical rates.

CREATE TABLE reefqbo.ownership (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    branch_id bigint NOT NULL,
    month date NOT NULL,
    method text NOT NULL,
    percent numeric NOT NULL,
    investment_connection_id bigint,
    investment_account_id text COLLATE "C",
    memo text,
    stated_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    stated_by name NOT NULL DEFAULT current_user,
    PRIMARY KEY (model_id, connection_id, branch_id, month),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection,
    FOREIGN KEY (model_id, branch_id) REFERENCES reefqbo.branch,
    FOREIGN KEY (model_id, investment_connection_id, investment_account_id) REFERENCES reefqbo.account,
    CONSTRAINT ownership_is_of_a_month CHECK (month = pg_catalog.date_trunc('month', month::timestamp)::date AND isfinite(month)),
    CONSTRAINT ownership_method_is_known CHECK (method IN ('full', 'proportional', 'equity', 'none')),
    CONSTRAINT ownership_is_a_share CHECK (percent >= 0 AND percent <= 100 AND (percent = 0) = (method = 'none')),
    CONSTRAINT ownership_investment_is_an_account CHECK ((investment_connection_id IS NULL) = (investment_account_id IS NULL)
        AND (investment_account_id IS NULL OR method IN ('full', 'proportional') AND investment_connection_id <> connection_id))
);

COMMENT ON TABLE reefqbo.ownership IS
'Which share of a company belongs to a group from the first day of a month on, and how it is consolidated in the statements of branch_id and those above. The first row of a company is its acquisition: nothing of before is shown. A row with method none is its disposal: nothing after it is shown. A company without a row belongs to the group as a whole, always. Write it with INSERT and UPDATE, or reefqbo.set_ownership, and take rows away with reefqbo.remove_ownership.
full: all of its amounts, with the share of others as non-controlling interests (IFRS 10.B94; ASC 810-10-45-20). proportional: its percentage of each amount (IFRS 11.20). equity: its percentage of what its net assets have changed by (IAS 28.10; ASC 323-10-35).';
COMMENT ON COLUMN reefqbo.ownership.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.ownership.connection_id IS 'the company, by its connection';
COMMENT ON COLUMN reefqbo.ownership.branch_id IS 'the branch whose group it belongs to: it is consolidated so in the statements of this one and those above';
COMMENT ON COLUMN reefqbo.ownership.month IS 'first day of the month from which on it is so, until the next row of the company';
COMMENT ON COLUMN reefqbo.ownership.method IS 'full, proportional, equity, or none';
COMMENT ON COLUMN reefqbo.ownership.percent IS 'of the company, what the owners of the group have: 80 for 80 %; 0 with the method none';
COMMENT ON COLUMN reefqbo.ownership.investment_connection_id IS 'the company in whose books the investment is, or NULL';
COMMENT ON COLUMN reefqbo.ownership.investment_account_id IS 'its account: what it has there is taken out, against equity; NULL: nothing is';
COMMENT ON COLUMN reefqbo.ownership.memo IS 'what it is about';
COMMENT ON COLUMN reefqbo.ownership.stated_at IS 'when it was stated as it is; what is written here does not count';
COMMENT ON COLUMN reefqbo.ownership.stated_by IS 'by which role; what is written here does not count';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.ownership', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.ownership');
INSERT INTO reefqbo._privilege VALUES
    ('operator', 'INSERT (model_id, connection_id, branch_id, month, method, percent, investment_connection_id, investment_account_id, memo, stated_at, stated_by)', 'TABLE reefqbo.ownership'),
    ('operator', 'UPDATE (model_id, connection_id, branch_id, month, method, percent, investment_connection_id, investment_account_id, memo, stated_at, stated_by)', 'TABLE reefqbo.ownership');

CREATE TRIGGER sign_ownership BEFORE INSERT OR UPDATE ON reefqbo.ownership
FOR EACH ROW EXECUTE FUNCTION reefqbo._sign('stated');

COMMENT ON TRIGGER sign_ownership ON reefqbo.ownership IS 'who has stated it, and when, is not the writer''s to say';

CREATE FUNCTION reefqbo._branch_company(model_id bigint, branch text)
RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT c.connection_id INTO found_id FROM reefqbo.connection c WHERE c.model_id = $1 AND c.branch_id = reefqbo._branch_id($1, $2);
    IF NOT FOUND THEN
        RAISE undefined_object USING
            MESSAGE = CASE WHEN $2 IS NULL THEN 'the root of the model has no company' ELSE format('branch "%s" has no company', $2) END,
            HINT = 'reefqbo.connect links a branch to a QuickBooks company; the view reefqbo.connection_status lists the connections.';
    END IF;
    RETURN found_id;
END
$$;

COMMENT ON FUNCTION reefqbo._branch_company(bigint, text) IS
'Internal: the connection of a branch, or (NULL) of the root. Error: 42704 no such branch, or it has none.';

CREATE FUNCTION reefqbo._set_ownership(model text, branch text, month date, percent numeric, method text, held_by text,
                                       investment_account text, investment_branch text, memo text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    held bigint;
    investor bigint;
BEGIN
    IF num_nulls($2, $3, $4, $5) > 0 THEN
        RAISE null_value_not_allowed USING MESSAGE = 'an ownership needs a branch, a month, a percentage and a method';
    END IF;
    held := reefqbo._branch_company(in_model, $2);
    IF $7 IS NOT NULL THEN
        investor := reefqbo._branch_company(in_model, coalesce($8, $6));
        PERFORM 1 FROM reefqbo.account a WHERE a.model_id = in_model AND a.connection_id = investor AND a.account_id = $7;
        IF NOT FOUND THEN
            RAISE undefined_object USING
                MESSAGE = format('the company has no account "%s"', reefqbo._show_line($7)),
                HINT = 'Pass account_id as the table reefqbo.account has it.';
        END IF;
    END IF;
    INSERT INTO reefqbo.ownership AS o (model_id, connection_id, branch_id, month, percent, method, investment_connection_id,
                                        investment_account_id, memo, stated_by)
    VALUES (in_model, held, reefqbo._branch_id(in_model, $6), date_trunc('month', $3::timestamp), $4, $5, investor, $7, $9, reefqbo._caller())
    ON CONFLICT ON CONSTRAINT ownership_pkey DO UPDATE
    SET percent = EXCLUDED.percent, method = EXCLUDED.method, investment_connection_id = EXCLUDED.investment_connection_id,
        investment_account_id = EXCLUDED.investment_account_id, memo = EXCLUDED.memo;
EXCEPTION
    WHEN check_violation THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'this is not an ownership',
            DETAIL = 'A percentage is above 0 and at most 100, and its method full, proportional or equity; after a disposal it is 0, with the method none. An investment is an account of another company, of what is consolidated in full or in proportion.',
            HINT = 'An acquisition of 80 %: percent => 80. A disposal: percent => 0, method => ''none''.';
END
$$;

COMMENT ON FUNCTION reefqbo._set_ownership(text, text, date, numeric, text, text, text, text, text) IS
'Internal: what reefqbo.set_ownership does, without asking who calls.';

CREATE FUNCTION reefqbo.set_ownership(model text, branch text, month date, percent numeric, method text DEFAULT 'full',
                                      held_by text DEFAULT NULL, investment_account text DEFAULT NULL,
                                      investment_branch text DEFAULT NULL, memo text DEFAULT NULL)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.set_ownership(text, text, date, numeric, text, text, text, text, text) IS
'States which share of a company belongs to the group from a month on, in reefqbo.ownership; what was stated for that month before is replaced.
Arguments: model; branch, that of the company; month, any day of it: it is so from its first day on, until the next month that is stated; percent, 80 for 80 %; method, ''full'', ''proportional'', ''equity'', or ''none'' (with 0 %: it has left);
held_by, the branch whose group it belongs to, by default the root; investment_account, the account_id in whose balance the holder has the investment (it is taken out against equity); investment_branch, the branch of that company, by default held_by; memo.
The first month is that of the acquisition: the company is in no statement of the group before. Of the figures there are, the month is the smallest piece: take the beginning of a month that is nearest to the day.
Errors: 42704 no such model, branch or account, or no company; 22023 not an ownership; 22004 something is missing.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.set_ownership(text, text, date, numeric, text, text, text, text, text)');

CREATE FUNCTION reefqbo._remove_ownership(model text, branch text, month date, held_by text)
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
BEGIN
    IF num_nulls($2, $3) > 0 THEN
        RAISE null_value_not_allowed USING MESSAGE = 'an ownership needs a branch and a month';
    END IF;
    DELETE FROM reefqbo.ownership o
    WHERE o.model_id = in_model AND o.connection_id = reefqbo._branch_company(in_model, $2)
      AND o.branch_id = reefqbo._branch_id(in_model, $4) AND o.month = date_trunc('month', $3::timestamp);
    RETURN FOUND;
END
$$;

COMMENT ON FUNCTION reefqbo._remove_ownership(text, text, date, text) IS 'Internal: what reefqbo.remove_ownership does, without asking who calls.';

CREATE FUNCTION reefqbo.remove_ownership(model text, branch text, month date, held_by text DEFAULT NULL)
RETURNS boolean
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.remove_ownership(text, text, date, text) IS
'Takes a row of reefqbo.ownership away.
Arguments: model; branch, that of the company; month, any day of it; held_by, by default the root. Result: whether there was one.
Errors: 42704 no such model or branch, or no company; 22004 no branch or month.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.remove_ownership(text, text, date, text)');

-- ---- historical rates of one company ----

CREATE TABLE reefqbo.historical_rate (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    to_currency text NOT NULL,
    month date NOT NULL,
    rate numeric NOT NULL,
    PRIMARY KEY (model_id, connection_id, to_currency, month),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection,
    CONSTRAINT historical_rate_is_of_a_month CHECK (month = pg_catalog.date_trunc('month', month::timestamp)::date),
    -- 'NaN' is greater than 'Infinity'
    CONSTRAINT historical_rate_is_positive CHECK (rate > 0 AND rate < 'Infinity'),
    CONSTRAINT historical_rate_currency CHECK (to_currency ~ '^[A-Z]{3}$')
);

COMMENT ON TABLE reefqbo.historical_rate IS
'Historical rates of one company, which go before those of its currency (reefqbo.exchange_rate): that of the month it came into the group, or of an earlier one, translates all equity it brought along; that of a later month, what was paid in or out in it. Write it with INSERT and UPDATE, or reefqbo.set_historical_rate, and take rates away with reefqbo.remove_historical_rate.';
COMMENT ON COLUMN reefqbo.historical_rate.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.historical_rate.connection_id IS 'the company, by its connection';
COMMENT ON COLUMN reefqbo.historical_rate.to_currency IS 'ISO 4217 code of what its equity is translated to';
COMMENT ON COLUMN reefqbo.historical_rate.month IS 'the first day of the month';
COMMENT ON COLUMN reefqbo.historical_rate.rate IS 'how many to_currency one of the company''s own is worth';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.historical_rate', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.historical_rate');
INSERT INTO reefqbo._privilege VALUES
    ('operator', 'INSERT (model_id, connection_id, to_currency, month, rate)', 'TABLE reefqbo.historical_rate'),
    ('operator', 'UPDATE (model_id, connection_id, to_currency, month, rate)', 'TABLE reefqbo.historical_rate');

CREATE FUNCTION reefqbo._set_historical_rate(model text, branch text, month date, rate numeric, to_currency text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
BEGIN
    IF num_nulls($2, $3, $4) > 0 THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a historical rate needs a branch, a month and a rate';
    END IF;
    INSERT INTO reefqbo.historical_rate (model_id, connection_id, to_currency, month, rate)
    VALUES (in_model, reefqbo._branch_company(in_model, $2), reefqbo._into_currency(in_model, $5), date_trunc('month', $3::timestamp), $4)
    ON CONFLICT ON CONSTRAINT historical_rate_pkey DO UPDATE SET rate = EXCLUDED.rate;
EXCEPTION
    WHEN check_violation THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'this is not a rate',
            DETAIL = 'A rate is greater than 0, and to a currency that is an ISO 4217 code.',
            HINT = 'Pass how many to_currency one unit of the company''s own currency is worth.';
END
$$;

COMMENT ON FUNCTION reefqbo._set_historical_rate(text, text, date, numeric, text) IS
'Internal: what reefqbo.set_historical_rate does, without asking who calls.';

CREATE FUNCTION reefqbo.set_historical_rate(model text, branch text, month date, rate numeric, to_currency text DEFAULT NULL)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.set_historical_rate(text, text, date, numeric, text) IS
'States a historical rate of one company, in reefqbo.historical_rate, which goes before that of its currency.
Arguments: model; branch, that of the company; month, any day of it; rate: how many to_currency one unit of the company''s own is worth; to_currency, by default the model''s (reefqbo.set_currency).
Errors: 42704 no such model or branch, or no company; 22023 not a rate, or the model has no currency; 22004 something is missing.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.set_historical_rate(text, text, date, numeric, text)');

CREATE FUNCTION reefqbo._remove_historical_rate(model text, branch text, month date, to_currency text)
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
BEGIN
    IF num_nulls($2, $3) > 0 THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a historical rate needs a branch and a month';
    END IF;
    DELETE FROM reefqbo.historical_rate r
    WHERE r.model_id = in_model AND r.connection_id = reefqbo._branch_company(in_model, $2)
      AND r.to_currency = reefqbo._into_currency(in_model, $4) AND r.month = date_trunc('month', $3::timestamp);
    RETURN FOUND;
END
$$;

COMMENT ON FUNCTION reefqbo._remove_historical_rate(text, text, date, text) IS
'Internal: what reefqbo.remove_historical_rate does, without asking who calls.';

CREATE FUNCTION reefqbo.remove_historical_rate(model text, branch text, month date, to_currency text DEFAULT NULL)
RETURNS boolean
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.remove_historical_rate(text, text, date, text) IS
'Takes a historical rate of one company away.
Arguments: model; branch, that of the company; month, any day of it; to_currency, by default the model''s. Result: whether there was one.
Errors: 42704 no such model or branch, or no company; 22023 the model has no currency; 22004 no branch or month.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.remove_historical_rate(text, text, date, text)');

-- ---- who belongs to a group, and when ----

CREATE FUNCTION reefqbo._held(model_id bigint, connections bigint[], branches bigint[], as_of timestamptz)
RETURNS TABLE (connection_id bigint, month date, until date, method text, share numeric, investment_connection_id bigint,
               investment_account_id text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH holder AS (
        -- of several groups one above the other, the one that is asked about
        SELECT DISTINCT ON (o.connection_id) o.connection_id, o.branch_id
        FROM reefqbo._ownership_at($1, $2, $4) o
        WHERE o.branch_id = ANY ($3)
        ORDER BY o.connection_id, array_position($3, o.branch_id)
    )
    SELECT o.connection_id, o.month,
           coalesce((lead(o.month) OVER (PARTITION BY o.connection_id ORDER BY o.month) - interval '1 month')::date, 'infinity'),
           o.method, o.percent / 100, o.investment_connection_id, o.investment_account_id
    FROM holder h
    JOIN reefqbo._ownership_at($1, $2, $4) o ON o.connection_id = h.connection_id AND o.branch_id = h.branch_id
$$;

COMMENT ON FUNCTION reefqbo._held(bigint, bigint[], bigint[], timestamptz) IS
'Internal: what is stated, or was at a moment, of the ownership of companies in the statements of these branches, the first of which is above the others: from month until the month until.';

-- A stay is an unbroken time in the group by one method: each begins with an acquisition, and ends with a disposal.
CREATE FUNCTION reefqbo._stays(model_id bigint, connections bigint[], branches bigint[], as_of timestamptz)
RETURNS TABLE (connection_id bigint, since date, until date, method text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH held AS MATERIALIZED (
        SELECT h.connection_id, h.month, h.until, h.method FROM reefqbo._held($1, $2, $3, $4) h
    ), begun AS (
        SELECT h.*, lag(h.method) OVER (PARTITION BY h.connection_id ORDER BY h.month) IS DISTINCT FROM h.method AS is_new
        FROM held h
    ), numbered AS (
        SELECT b.*, count(*) FILTER (WHERE b.is_new) OVER (PARTITION BY b.connection_id ORDER BY b.month) AS stay FROM begun b
    )
    SELECT n.connection_id, min(n.month), max(n.until), n.method
    FROM numbered n
    WHERE n.method <> 'none'
    GROUP BY n.connection_id, n.stay, n.method
    UNION ALL
    SELECT u.connection_id, '-infinity', 'infinity', 'full'
    FROM unnest($2) u (connection_id)
    WHERE u.connection_id NOT IN (SELECT h.connection_id FROM held h)
$$;

COMMENT ON FUNCTION reefqbo._stays(bigint, bigint[], bigint[], timestamptz) IS
'Internal: when companies belong to the group that statements of these branches are of: the first and the last month, and how they are consolidated. One of which nothing is stated always does, as a whole.';

CREATE FUNCTION reefqbo._month_before(month date)
RETURNS date
LANGUAGE sql IMMUTABLE
RETURN ($1 - interval '1 month')::date;

COMMENT ON FUNCTION reefqbo._month_before(date) IS 'Internal: the first day of the month before.';
