-- Who may do what, for which models; and who has done what.

CREATE TABLE reefqbo.access (
    model_id bigint NOT NULL,
    grantee name NOT NULL,
    level text NOT NULL,
    granted_by name NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (model_id, grantee),
    CONSTRAINT access_level_is_known CHECK (level IN ('reader', 'operator', 'admin')),
    CONSTRAINT access_of_an_admin_is_to_all CHECK (level <> 'admin' OR model_id = 0)
);

COMMENT ON TABLE reefqbo.access IS
'Which role has which level for which model. Changed with reefqbo.grant_access and reefqbo.revoke_access, which also keep the privileges on tables and functions in step.';
COMMENT ON COLUMN reefqbo.access.model_id IS 'the model; 0 for all models, those to come included';
COMMENT ON COLUMN reefqbo.access.grantee IS 'the role, by name, so that a dump can be restored where the role is missing';
COMMENT ON COLUMN reefqbo.access.level IS 'reader: data; operator: also connect, reconnect, import; admin: also apps, environments, keys and access';

CREATE TABLE reefqbo.protection (
    since timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (since)
);

COMMENT ON TABLE reefqbo.protection IS
'One row since the first reefqbo.grant_access: from then on a role sees the models it has access to. As long as it is empty, whoever was granted privileges by hand sees all. A dump carries it, as it carries reefqbo.access; policies it does not, so that they are made with the tables.';
COMMENT ON COLUMN reefqbo.protection.since IS 'when access was given for the first time';

CREATE FUNCTION reefqbo._level_of(role oid, model_id bigint)
RETURNS integer
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN NOT EXISTS (SELECT FROM reefqbo.protection) THEN 3
                ELSE COALESCE(max(array_position(ARRAY['reader', 'operator', 'admin'], a.level)), 0) END
    FROM reefqbo.access a
    JOIN pg_roles r ON r.rolname = a.grantee
    WHERE a.model_id IN (0, $2) AND pg_has_role($1, r.oid, 'USAGE')
$$;

COMMENT ON FUNCTION reefqbo._level_of(oid, bigint) IS
'Internal: what a role may for a model, or for all of them (0), by itself or by a role it is a member of. Result: 0 nothing, 1 reader, 2 operator, 3 admin, or that nobody was given access yet.';

CREATE FUNCTION reefqbo._may_read(role name, model_id bigint)
RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.rolsuper OR r.rolbypassrls OR pg_has_role(r.oid, c.relowner, 'USAGE')
           OR reefqbo._level_of(r.oid, $2) > 0
    FROM pg_class c
    JOIN pg_roles r ON r.rolname = $1
    WHERE c.oid = 'reefqbo.model'::regclass
$$;

COMMENT ON FUNCTION reefqbo._may_read(name, bigint) IS
'Internal: whether a role may see a model beside the one that a gate has let it in for.';

-- Row-level security does not concern everybody. Who is concerned sees the models that a row of access names.
-- It calls no function of ours: a view runs the functions in it with the rights of whoever reads it.
CREATE VIEW reefqbo._my_model WITH (security_barrier) AS
SELECT m.model_id
FROM reefqbo.model m
WHERE NOT pg_catalog.row_security_active('reefqbo.model'::regclass)
   OR NOT EXISTS (SELECT FROM reefqbo.protection)
   OR EXISTS (
        SELECT FROM reefqbo.access a
        JOIN pg_catalog.pg_roles r ON r.rolname = a.grantee
        WHERE a.model_id IN (0, m.model_id) AND pg_catalog.pg_has_role(r.oid, 'USAGE'));

COMMENT ON VIEW reefqbo._my_model IS
'Internal: the models that whoever asks may see. Row-level security and the views go by it.';

CREATE VIEW reefqbo._my_work WITH (security_barrier) AS
SELECT m.model_id
FROM reefqbo.model m
WHERE NOT pg_catalog.row_security_active('reefqbo.model'::regclass)
   OR NOT EXISTS (SELECT FROM reefqbo.protection)
   OR EXISTS (
        SELECT FROM reefqbo.access a
        JOIN pg_catalog.pg_roles r ON r.rolname = a.grantee
        WHERE a.model_id IN (0, m.model_id) AND a.level <> 'reader' AND pg_catalog.pg_has_role(r.oid, 'USAGE'));

COMMENT ON VIEW reefqbo._my_work IS
'Internal: the models that whoever asks may work on, as an operator or admin. Row-level security goes by it where a table is written to by its users.';

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
        'revoke_asked', 'resealed', 'schedule_changed'))
);

CREATE INDEX audit_done_at ON reefqbo.audit (done_at);

COMMENT ON TABLE reefqbo.audit IS
'Who connected, reconnected, replaced, disconnected, granted, rotated keys, and when. Names are as they were then; rows are never changed or removed by reefqbo, not even by reefqbo.forget_company.';
COMMENT ON COLUMN reefqbo.audit.model_id IS 'the model, 0 if it is about none';
COMMENT ON COLUMN reefqbo.audit.session_role IS 'the role that the session belongs to';
COMMENT ON COLUMN reefqbo.audit.acting_role IS 'the role whose rights were used: of SET ROLE, or of a function that lends its owner''s';
COMMENT ON COLUMN reefqbo.audit.detail IS 'what else is worth knowing; never a secret';

CREATE FUNCTION reefqbo._caller()
RETURNS name
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_caller';

COMMENT ON FUNCTION reefqbo._caller() IS
'Internal: the role that has called a function which runs with other rights than its own.';

CREATE FUNCTION reefqbo._audit(action text, model_id bigint, model text, detail text)
RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO reefqbo.audit (model_id, session_role, acting_role, action, model, detail)
    VALUES (COALESCE($2, 0), session_user, reefqbo._caller(), $1, $3, $4)
$$;

COMMENT ON FUNCTION reefqbo._audit(text, bigint, text, text) IS
'Internal: writes down that something was done. Arguments: the columns of reefqbo.audit; model_id NULL or 0 if it is about no model.';
