-- Connections: one QuickBooks company bound to one branch of one model, with its grant.

CREATE TABLE reefqbo.connection (
    model_id bigint NOT NULL,
    connection_id bigint GENERATED ALWAYS AS IDENTITY,
    branch_id bigint NOT NULL,
    environment_id bigint NOT NULL REFERENCES reefqbo.environment,
    status text NOT NULL,
    status_since timestamptz NOT NULL DEFAULT reefqbo._now(),
    status_reason text,
    status_sqlstate text,
    realm_id_sealed bytea NOT NULL,
    realm_digest bytea NOT NULL,
    company_name text,
    legal_name text,
    country text,
    home_currency text,
    multicurrency boolean,
    fiscal_year_start_month smallint,
    book_close_date date,
    report_basis text,
    company_read_at timestamptz,
    connected_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    accounts_as_of timestamptz,
    actuals_as_of timestamptz,
    throttle_tokens double precision,
    throttle_counted_at timestamptz,
    pause_lifted_at timestamptz,
    wiped_generation bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (model_id, connection_id),
    UNIQUE (model_id, branch_id),
    FOREIGN KEY (model_id, branch_id) REFERENCES reefqbo.branch,
    CONSTRAINT connection_status_is_known
        CHECK (status IN ('connected', 'reconnect_required', 'suspended', 'disconnected')),
    CONSTRAINT connection_fiscal_month CHECK (fiscal_year_start_month BETWEEN 1 AND 12)
);

CREATE INDEX connection_realm_digest ON reefqbo.connection (realm_digest);

COMMENT ON TABLE reefqbo.connection IS
'One QuickBooks company bound to one branch of one model. Each connection has its own grant. The realm id is sealed. Read reefqbo.connection_status instead.';
COMMENT ON COLUMN reefqbo.connection.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.connection.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.connection.home_currency IS 'the currency of the company''s reports, and so of all its amounts here';
COMMENT ON COLUMN reefqbo.connection.book_close_date IS 'the closing date of the company''s books, NULL when none is set';
COMMENT ON COLUMN reefqbo.connection.company_read_at IS 'when CompanyInfo and Preferences were last read; NULL until they were read once';
COMMENT ON COLUMN reefqbo.connection.throttle_tokens IS 'how many requests could be sent at once at throttle_counted_at, so that one job keeps Intuit''s limits after another';
COMMENT ON COLUMN reefqbo.connection.pause_lifted_at IS 'when a pause of the company was last lifted, by the server''s clock: what was asked for until then is not kept, though a job under way brings it';
COMMENT ON COLUMN reefqbo.connection.wiped_generation IS 'the last generation of tokens that was wiped by a disconnect: later ones go on counting from it';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.connection', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.connection_connection_id_seq', '');
-- for reefqbo.actual and its like, which have the rights of whoever reads
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT (model_id, connection_id, home_currency)', 'TABLE reefqbo.connection');

CREATE TABLE reefqbo.credential (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    generation bigint NOT NULL DEFAULT 1,
    refresh_token_sealed bytea,
    refresh_expires_at timestamptz,
    hard_expires_at timestamptz,
    access_token_sealed bytea,
    access_expires_at timestamptz,
    previous_refresh_token_sealed bytea,
    refresh_started_at timestamptz,
    rejected_at timestamptz,
    obtained_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    keep_alive_at timestamptz NOT NULL,
    ending_told_days integer,
    PRIMARY KEY (model_id, connection_id),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection
);

COMMENT ON TABLE reefqbo.credential IS
'The sealed tokens of a connection. A generation is one answer of Intuit''s token endpoint, and what its tokens are sealed for: those of another do not open in their place. The refresh token before it is kept until the new one has worked.';
COMMENT ON COLUMN reefqbo.credential.hard_expires_at IS 'when the grant ends for good, five years after consent; NULL when Intuit did not say';
COMMENT ON COLUMN reefqbo.credential.refresh_started_at IS 'set, durably, before a refresh is sent and cleared when its answer is stored: still set means that an answer was lost';
COMMENT ON COLUMN reefqbo.credential.rejected_at IS 'when Intuit rejected this generation for good: it is not asked again';
COMMENT ON COLUMN reefqbo.credential.keep_alive_at IS 'when the grant is refreshed though nobody needs it: at a tenth of its rolling life, or after 7 days';
COMMENT ON COLUMN reefqbo.credential.ending_told_days IS 'the last of the marks 90, 30 and 7 days before its end that was told; NULL for none';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.credential', '');

CREATE TABLE reefqbo.authorization_request (
    model_id bigint NOT NULL,
    state_digest bytea NOT NULL,
    branch_id bigint NOT NULL,
    environment_id bigint NOT NULL REFERENCES reefqbo.environment,
    kind text NOT NULL,
    session_digest bytea,
    created_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (model_id, state_digest),
    FOREIGN KEY (model_id, branch_id) REFERENCES reefqbo.branch,
    CONSTRAINT authorization_request_kind_is_known CHECK (kind IN ('connect', 'reconnect', 'replace'))
);

CREATE INDEX authorization_request_state ON reefqbo.authorization_request (state_digest);

COMMENT ON TABLE reefqbo.authorization_request IS
'Sign-ins begun with reefqbo.connect, reefqbo.reconnect or reefqbo.replace_company: the SHA-256 of the state, single use, ten minutes.';
COMMENT ON COLUMN reefqbo.authorization_request.session_digest IS 'a digest, keyed by the state, of the browser''s session it was begun in and must be ended in; NULL when none was given';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.authorization_request', '');

CREATE FUNCTION reefqbo._statement_connection(model_id bigint, branch text)
RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted bigint := CASE WHEN $2 IS NOT NULL THEN reefqbo._branch_id($1, $2) END;
    connections bigint[];
    branches text;
    has_root boolean;
BEGIN
    SELECT array_agg(c.connection_id ORDER BY b.parent_branch_id NULLS FIRST),
           string_agg(quote_literal(b.name), ', ' ORDER BY b.name COLLATE "C"),
           bool_or(b.parent_branch_id IS NULL)
    INTO connections, branches, has_root
    FROM reefqbo.connection c
    JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
    WHERE c.model_id = $1 AND (wanted IS NULL OR c.branch_id = wanted);
    IF connections IS NULL THEN
        RAISE undefined_object USING
            MESSAGE = CASE WHEN $2 IS NULL THEN 'the model has no connection'
                           ELSE format('branch "%s" has no connection', $2) END,
            HINT = 'reefqbo.connect links a branch to a QuickBooks company; the view reefqbo.connection_status lists the connections.';
    ELSIF wanted IS NULL AND NOT has_root AND cardinality(connections) > 1 THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'the model has several connections and none at its root, so a branch must be named',
            HINT = format('Pass one of these as branch: %s. A statement shows one company; it does not consolidate.', branches);
    END IF;
    RETURN connections[1];
END
$$;

COMMENT ON FUNCTION reefqbo._statement_connection(bigint, text) IS
'Internal: the connection whose statements are read.
Arguments: model_id; branch, or NULL for the root''s connection, else the model''s only one.
Errors: 42704 no such branch, or no connection; 22023 several connections, none of them at the root.';

CREATE FUNCTION reefqbo.connect(model text, environment text, branch text DEFAULT NULL, session text DEFAULT NULL)
RETURNS text
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_connect';

COMMENT ON FUNCTION reefqbo.connect(text, text, text, text) IS
'Begins to link a branch of a model to a QuickBooks company. Never calls Intuit. Where a connection exists already this is a reconnect.
Arguments: model; environment, ''production'', ''sandbox'' or one a superuser has added; branch, by default the root; session, a text that the application keeps in the browser''s session, such as a random word made for it (not the session''s own id: statements can be logged).
An application always passes session: whoever is sent the address of somebody else''s sign-in, and opens it, would otherwise link a company of hers to his model. A digest of it is kept, and reefqbo.complete_connection must be given the same. It is left out where nobody but the caller opens the address, as in psql.
Result: the address to open in a browser within ten minutes, where an admin of the company signs in. Pass the address the browser comes back to on to reefqbo.complete_connection.
Errors: 42704 no such model, branch or environment, or no app registered for it; 22023 an empty session; RQ003 a sandbox for a production model.
See https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.connect(text, text, text, text)');

CREATE FUNCTION reefqbo.reconnect(model text, branch text DEFAULT NULL, session text DEFAULT NULL)
RETURNS text
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_reconnect';

COMMENT ON FUNCTION reefqbo.reconnect(text, text, text) IS
'Begins to renew the grant of an existing connection. Never calls Intuit, and keeps accounts and actuals.
Arguments: model; branch, by default the root; session, as with reefqbo.connect. Result: the address to open, as there; only the same company is accepted when it completes (RQ002).
Errors: 42704 no such model, branch or connection, or no app registered; 22023 an empty session.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.reconnect(text, text, text)');

CREATE FUNCTION reefqbo.replace_company(model text, branch text DEFAULT NULL, environment text DEFAULT NULL,
                                        session text DEFAULT NULL)
RETURNS text
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_replace_company';

COMMENT ON FUNCTION reefqbo.replace_company(text, text, text, text) IS
'Begins to put another company in the place of the one a branch is connected to, which reefqbo.reconnect refuses. Never calls Intuit. A notice says what ending the sign-in will remove: the old company''s accounts with their mapping (reefqbo.save_mapping_template keeps it for the new one), actuals, restatements and log of imports; until then, and if it fails, nothing changes.
Arguments: model; branch, by default the root; environment of the new company, by default that of the old one; session, as with reefqbo.connect. Result: the address to open, as there.
When it completes, the new company has a connection_id of its own, and the grant of the old one is not revoked (other programs may use it): call reefqbo.disconnect before, if it is to be. Choosing the same company again is a reconnect.
Errors: 42704 no such model, branch or environment, nothing to replace, or no app registered; 22023 an empty session; RQ003 a sandbox for a production model.';
INSERT INTO reefqbo._privilege VALUES ('admin', 'EXECUTE', 'FUNCTION reefqbo.replace_company(text, text, text, text)');

CREATE FUNCTION reefqbo.complete_connection(redirect_url text, session text DEFAULT NULL, OUT model text,
                                            OUT branch text, OUT company text, OUT environment text,
                                            OUT status text, OUT connection_id bigint)
RETURNS record
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_complete_connection_url';

COMMENT ON FUNCTION reefqbo.complete_connection(text, text) IS
'Ends what reefqbo.connect or reefqbo.reconnect began: checks the state and the session, exchanges the code, stores the sealed tokens and reads the company''s name.
The exchange runs and commits in a background worker, so a ROLLBACK of the caller does not lose the grant. Where one looks after the database it begins at once, whatever imports are under way, and goes on if the session is ended by anything but a cancel.
Arguments: redirect_url, the whole address the browser came back to; session, what was given to reefqbo.connect or reefqbo.reconnect, taken from the session of the browser that came back. Result: the connection.
An application always passes session, also when its own route never began anything: a sign-in that was begun without one, in psql or by a route that has none, is refused when it is to be ended in one, since it is somebody else''s; so is one that was begun in a session and is to be ended without. A sign-in that is refused for its session is not used up.
A page that is loaded again, with the same state in the same session, finds the connection made: the same result, and Intuit is asked nothing.
Errors: RQ009 the state is unknown, older than ten minutes, or used, unless it is such a page, the session is not the one it was begun in, or the user said no; 22023 an empty session; RQ002 another company than the connected one, or one that another branch of the model has; RQ003 keys and company of different kinds; RQ004, RQ005, RQ006, RQ008, RQ010, RQ011.
See https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.complete_connection(text, text)');

CREATE FUNCTION reefqbo.complete_connection(state text, code text, realm_id text, session text DEFAULT NULL,
                                            OUT model text, OUT branch text, OUT company text,
                                            OUT environment text, OUT status text, OUT connection_id bigint)
RETURNS record
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_complete_connection_parts';

COMMENT ON FUNCTION reefqbo.complete_connection(text, text, text, text) IS
'The same as complete_connection(redirect_url), for an application that has taken the address apart.
Arguments: state, code and realm_id, as the browser brought them (the query''s state, code and realmId); session. Result and errors: as there.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.complete_connection(text, text, text, text)');

CREATE FUNCTION reefqbo.disconnect(model text, branch text DEFAULT NULL, OUT company text, OUT revoked boolean,
                                   OUT note text)
RETURNS record
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_disconnect';

COMMENT ON FUNCTION reefqbo.disconnect(text, text) IS
'Ends a connection: wipes its tokens, keeps its accounts and actuals, and asks Intuit to revoke the grant. The local part always succeeds; revoked and note say what Intuit answered. It is not asked where that could end what others have from the same company, no app is registered or the tokens cannot be unsealed: a role that may read all models is told which, and reefqbo.audit has it.
Arguments: model; branch, by default the root. Errors: 42704 no such model, branch or connection.
See https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0#revoke-token-disconnect';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.disconnect(text, text)');

CREATE FUNCTION reefqbo.forget_company(model text, branch text DEFAULT NULL, OUT company text, OUT revoked boolean,
                                       OUT note text, OUT accounts bigint, OUT amounts bigint, OUT months bigint,
                                       OUT restatements bigint)
RETURNS record
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_forget_company';

COMMENT ON FUNCTION reefqbo.forget_company(text, text) IS
'Ends a connection as reefqbo.disconnect does, and removes it with everything that was imported: accounts and their mapping, actuals, restatements, log of imports. There is no way back but to connect and import again. Model, branch and schedule stay, and so do the rows of reefqbo.audit and reefqbo.api_call.
Arguments: model; branch, by default the root. Result: as reefqbo.disconnect, and how much was removed. Errors: 42704 no such model, branch or connection.';
INSERT INTO reefqbo._privilege VALUES ('admin', 'EXECUTE', 'FUNCTION reefqbo.forget_company(text, text)');

CREATE FUNCTION reefqbo.realm_id(model text, branch text DEFAULT NULL)
RETURNS text
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_realm_id';

COMMENT ON FUNCTION reefqbo.realm_id(text, text) IS
'The realm id (QuickBooks'' company id) of a connection, which is stored sealed: for Intuit''s support, and for telling two companies of one name apart.
Arguments: model; branch, by default the root. Result: digits. Errors: 42704 no such model, branch or connection; RQ010 the key is not there.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.realm_id(text, text)');

CREATE TABLE reefqbo.unsettled_month (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    accounting_method text COLLATE "C" NOT NULL,
    period_start date NOT NULL,
    reason text COLLATE "C" NOT NULL,
    period_end date NOT NULL,
    detail text,
    since timestamptz NOT NULL DEFAULT reefqbo._now(),
    import_id bigint NOT NULL,
    PRIMARY KEY (model_id, connection_id, accounting_method, period_start, reason),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection,
    CONSTRAINT unsettled_month_reason_is_known CHECK (reason IN ('reclassified', 'does not tie out'))
);

COMMENT ON TABLE reefqbo.unsettled_month IS
'Months that must be read again, and why. reclassified: an account has gone to the other side of the ledger, or to the other statement, since the month was read, so that its amounts have the old sign; the next refresh reads the month. does not tie out: as QuickBooks prints it, the month was refused (RQ007), and reefqbo.actual has what was stored before, if anything; every refresh that would read it tries it again. A row goes when the month has been stored.';
COMMENT ON COLUMN reefqbo.unsettled_month.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.unsettled_month.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.unsettled_month.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.unsettled_month.period_start IS 'first day of the month';
COMMENT ON COLUMN reefqbo.unsettled_month.reason IS 'reclassified or does not tie out';
COMMENT ON COLUMN reefqbo.unsettled_month.period_end IS 'last day of the month';
COMMENT ON COLUMN reefqbo.unsettled_month.detail IS 'the accounts and their types before and now, or what does not tie out';
COMMENT ON COLUMN reefqbo.unsettled_month.since IS 'since when';
COMMENT ON COLUMN reefqbo.unsettled_month.import_id IS 'the import that noticed it last, as in reefqbo.import_log';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.unsettled_month', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.unsettled_month');

CREATE FUNCTION reefqbo._unsettled(model_id bigint, connections bigint[], accounting_method text, start_date date, end_date date,
                                   as_of timestamptz DEFAULT NULL)
RETURNS TABLE (connection_id bigint, reason text, months bigint, words text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT m.connection_id, m.reason, count(DISTINCT m.period_start),
           format('%s months %s, %s to %s (%s)', count(DISTINCT m.period_start),
                  CASE m.reason WHEN 'reclassified' THEN 'have accounts that were reclassified since they were read'
                                ELSE 'do not tie out in QuickBooks' END,
                  to_char(min(m.period_start), 'YYYY-MM'), to_char(max(m.period_start), 'YYYY-MM'), min(m.detail))
    FROM reefqbo._unsettled_at($1, $2, $6) m
    WHERE m.accounting_method = coalesce($3, m.accounting_method)
      AND m.period_start <= $5 AND m.period_end >= $4
    GROUP BY m.connection_id, m.reason
$$;

COMMENT ON FUNCTION reefqbo._unsettled(bigint, bigint[], text, date, date, timestamptz) IS
'Internal: what must be read again of some companies (by one accounting method, or NULL for both) between two dates, or had to be at a moment, in words.';

CREATE FUNCTION reefqbo._tell_unsettled_months(model_id bigint, connections bigint[], accounting_method text, start_date date,
                                               end_date date, as_of timestamptz DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    told text;
BEGIN
    SELECT string_agg(format('%s: %s', c.company_name, u.words), '; ' ORDER BY c.company_name COLLATE "C", u.reason) INTO told
    FROM reefqbo._unsettled($1, $2, $3, $4, $5, $6) u
    JOIN reefqbo.connection c ON c.model_id = $1 AND c.connection_id = u.connection_id;
    IF told IS NOT NULL THEN
        RAISE NOTICE USING
            MESSAGE = CASE WHEN $6 IS NULL THEN 'months in this statement must be read again'
                           ELSE 'months in this statement had to be read again then' END,
            DETAIL = reefqbo._show_line(told) || '.',
            HINT = CASE WHEN $6 IS NULL THEN 'Call reefqbo.refresh. The months are in reefqbo.unsettled_month.' END;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._tell_unsettled_months(bigint, bigint[], text, date, date, timestamptz) IS
'Internal: a notice of the months that a statement shows and that must be read again, or had to be at a moment.';
