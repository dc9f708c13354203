-- Evidence: who has done what, and every request that was made.

CREATE TABLE reefqbo.audit (
    model_id bigint NOT NULL DEFAULT 0,
    audit_id bigint GENERATED ALWAYS AS IDENTITY,
    done_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    session_role name NOT NULL,
    acting_role name NOT NULL,
    action text NOT NULL,
    model text,
    branch text,
    company text,
    detail text,
    PRIMARY KEY (model_id, audit_id),
    CONSTRAINT audit_action_is_known CHECK (action IN (
        'environment_created', 'app_registered', 'connect_begun', 'reconnect_begun', 'replace_begun', 'connected',
        'reconnected', 'replaced', 'sign_in_failed', 'disconnected', 'forgotten', 'access_granted', 'access_revoked',
        'revoke_asked', 'model_renamed', 'branch_renamed', 'model_deleted', 'webhook_registered', 'resealed', 'schedule_changed', 'pause_lifted', 'restore_finished',
        'extension_taken_over', 'model_changed', 'branch_changed', 'account_changed', 'mapping_changed', 'rate_changed',
        'elimination_changed', 'ownership_changed', 'adjustment_changed', 'period_closed', 'period_reopened'))
);

CREATE INDEX audit_done_at ON reefqbo.audit (done_at);

COMMENT ON TABLE reefqbo.audit IS
'Who connected, reconnected, replaced, disconnected, granted, rotated keys, and when. Names are as they were then; rows are never changed or removed by reefqbo, not even by reefqbo.forget_company.';
COMMENT ON COLUMN reefqbo.audit.model_id IS 'the model, 0 if it is about none';
COMMENT ON COLUMN reefqbo.audit.audit_id IS 'in the order they were done';
COMMENT ON COLUMN reefqbo.audit.done_at IS 'when';
COMMENT ON COLUMN reefqbo.audit.session_role IS 'the role that the session belongs to';
COMMENT ON COLUMN reefqbo.audit.acting_role IS 'the role whose rights were used: of SET ROLE, or of a function that lends its owner''s';
COMMENT ON COLUMN reefqbo.audit.action IS 'what was done';
COMMENT ON COLUMN reefqbo.audit.model IS 'name of the model';
COMMENT ON COLUMN reefqbo.audit.branch IS 'name of the branch';
COMMENT ON COLUMN reefqbo.audit.company IS 'the company''s name, as QuickBooks has it';
COMMENT ON COLUMN reefqbo.audit.detail IS 'what else is worth knowing; never a secret';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.audit', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.audit_audit_id_seq', '');
INSERT INTO reefqbo._privilege VALUES ('admin', 'SELECT', 'TABLE reefqbo.audit');

CREATE FUNCTION reefqbo._audit(action text, model_id bigint, model text, detail text)
RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO reefqbo.audit (model_id, session_role, acting_role, action, model, detail)
    VALUES (COALESCE($2, 0), session_user, reefqbo._caller(), $1, $3, $4)
$$;

COMMENT ON FUNCTION reefqbo._audit(text, bigint, text, text) IS
'Internal: writes down that something was done. Arguments: the columns of reefqbo.audit; model_id NULL or 0 if it is about no model.';

CREATE TABLE reefqbo.api_call (
    model_id bigint NOT NULL,
    call_id bigint GENERATED ALWAYS AS IDENTITY,
    connection_id bigint,
    called_at timestamptz NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    status integer,
    intuit_tid text,
    milliseconds integer NOT NULL,
    bytes bigint NOT NULL,
    error text,
    PRIMARY KEY (model_id, call_id)
);

CREATE INDEX api_call_called_at ON reefqbo.api_call (called_at);

COMMENT ON TABLE reefqbo.api_call IS
'Every request that was sent to Intuit: POST to the token and revoke endpoints, and GET to everything else. A row is stored with the transaction that follows the answer; of a request under way when the server crashes there is none.
Rows older than reefqbo.log_retention are removed. There is no foreign key, so that the evidence outlives what it is about.';
COMMENT ON COLUMN reefqbo.api_call.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.api_call.call_id IS 'in the order they were made';
COMMENT ON COLUMN reefqbo.api_call.connection_id IS 'NULL while a first sign-in has not made the connection yet';
COMMENT ON COLUMN reefqbo.api_call.called_at IS 'when';
COMMENT ON COLUMN reefqbo.api_call.method IS 'HTTP method';
COMMENT ON COLUMN reefqbo.api_call.path IS 'path and query of the address; the realm id is blanked, and tokens are in no address';
COMMENT ON COLUMN reefqbo.api_call.status IS 'HTTP status; NULL if there was no answer';
COMMENT ON COLUMN reefqbo.api_call.intuit_tid IS 'Intuit''s own id of the answer, for its support';
COMMENT ON COLUMN reefqbo.api_call.milliseconds IS 'from sending to the end of the answer, or to giving up';
COMMENT ON COLUMN reefqbo.api_call.bytes IS 'of the answer''s body, as they came over the wire (compressed)';
COMMENT ON COLUMN reefqbo.api_call.error IS 'why there was no whole answer, in libcurl''s words; NULL if there was one';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.api_call', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.api_call_call_id_seq', '');
INSERT INTO reefqbo._privilege VALUES ('operator', 'SELECT', 'TABLE reefqbo.api_call');
INSERT INTO reefqbo._privilege VALUES
    ('monitor', 'SELECT (model_id, call_id, connection_id, called_at, method, status, intuit_tid, milliseconds, bytes, error)', 'TABLE reefqbo.api_call');

CREATE FUNCTION reefqbo._may_write_history(relation oid)
RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = $1
$$;

COMMENT ON FUNCTION reefqbo._may_write_history(oid) IS
'Internal: whether what the present role inserts into a table says itself who wrote it, and when. A dump that is restored does, by the table''s owner or a superuser.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo._may_write_history(oid)');

CREATE FUNCTION reefqbo._sign()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' OR NOT reefqbo._may_write_history(TG_RELID) THEN
        NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0] || '_at', reefqbo._now(), TG_ARGV[0] || '_by', reefqbo._caller()));
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION reefqbo._sign() IS
'Internal: trigger function: whoever writes to a table is named in its row, whatever is written. Argument: what its two columns begin with, before _at and _by.';
