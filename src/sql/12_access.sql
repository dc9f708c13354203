-- Who may do what, for which models; giving access and taking it away.

-- The groups that hold the privileges of each level. They are roles, which a cluster has in common: another database with the extension
-- uses the same. Who is in one may call the functions and ask the tables of its level, and sees nothing by that alone: which models, and
-- whether any, is in reefqbo.access.
CREATE FUNCTION reefqbo._groups()
RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT ARRAY['reefqbo_reader', 'reefqbo_monitor', 'reefqbo_operator', 'reefqbo_admin', 'reefqbo_webhook', 'reefqbo_all_models', 'reefqbo_all_operators'] $$;

COMMENT ON FUNCTION reefqbo._groups() IS
'Internal: the names of the groups: one for each level; one of those with all models, for the plans of their queries; and one of operators of all models, who may refer to keys.';

DO $do$
DECLARE
    wanted text;
    stranger text := (SELECT string_agg(quote_ident(r.rolname), ', ' ORDER BY r.rolname)
                      FROM pg_roles r
                      WHERE r.rolname = ANY (reefqbo._groups())
                        AND (r.rolcanlogin OR r.rolsuper OR r.rolcreaterole OR r.rolbypassrls OR r.rolreplication));
BEGIN
    IF stranger IS NOT NULL THEN
        RAISE duplicate_object USING
            MESSAGE = format('there is a role already of a name that reefqbo needs for a group: %s', stranger),
            DETAIL = 'A group cannot log in and has no attribute of its own.',
            HINT = 'Rename that role, or take from it what a group does not have: ALTER ROLE ... NOLOGIN NOSUPERUSER NOCREATEROLE NOBYPASSRLS NOREPLICATION.';
    END IF;
    FOREACH wanted IN ARRAY reefqbo._groups() LOOP
        CONTINUE WHEN to_regrole(wanted) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- another database was given the extension at this moment
        END;
    END LOOP;
    IF NOT pg_has_role('reefqbo_operator', 'reefqbo_reader', 'USAGE') THEN
        GRANT reefqbo_reader TO reefqbo_operator;
    END IF;
    IF NOT pg_has_role('reefqbo_operator', 'reefqbo_monitor', 'USAGE') THEN
        GRANT reefqbo_monitor TO reefqbo_operator;
    END IF;
    IF NOT pg_has_role('reefqbo_operator', 'reefqbo_webhook', 'USAGE') THEN
        GRANT reefqbo_webhook TO reefqbo_operator;
    END IF;
    IF NOT pg_has_role('reefqbo_admin', 'reefqbo_operator', 'USAGE') THEN
        GRANT reefqbo_operator TO reefqbo_admin;
    END IF;
END
$do$;

CREATE TABLE reefqbo.access (
    model_id bigint NOT NULL,
    grantee regrole NOT NULL,
    level text NOT NULL,
    scoped boolean NOT NULL DEFAULT false,
    granted_by name NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (model_id, grantee),
    CONSTRAINT access_level_is_known CHECK (level IN ('reader', 'monitor', 'operator', 'admin', 'webhook')),
    CONSTRAINT access_of_an_admin_is_to_all CHECK (level NOT IN ('admin', 'webhook') OR model_id = 0 AND NOT scoped)
);

CREATE INDEX access_grantee ON reefqbo.access (grantee, model_id) INCLUDE (level, scoped);

COMMENT ON TABLE reefqbo.access IS
'Which role has which level for which model. What is not here nobody has who is no superuser, whatever was granted by hand. Changed with reefqbo.grant_access and reefqbo.revoke_access, which also keep the roles in the groups that hold the privileges (reefqbo_reader, reefqbo_monitor, reefqbo_operator, reefqbo_admin, reefqbo_webhook).';
COMMENT ON COLUMN reefqbo.access.model_id IS 'the model; 0 for all models, those to come included';
COMMENT ON COLUMN reefqbo.access.grantee IS 'the role itself, not its name: it may be renamed, and another role that gets its name after it was dropped has nothing. A dump has the name';
COMMENT ON COLUMN reefqbo.access.level IS 'reader: data; monitor: what goes on, and no data; operator: both, and connect, reconnect, import; admin: also apps, environments, keys and access; webhook: may hand in webhooks, and sees nothing';
COMMENT ON COLUMN reefqbo.access.scoped IS 'the role sees of this only the model that its transaction names in reefqbo.current_model';
COMMENT ON COLUMN reefqbo.access.granted_by IS 'who gave it';
COMMENT ON COLUMN reefqbo.access.granted_at IS 'when';

-- A role that was dropped has a number in its place, which could be another role's where the dump is restored.
SELECT pg_catalog.pg_extension_config_dump('reefqbo.access',
    'WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_roles r WHERE r.oid OPERATOR(pg_catalog.=) grantee)');
INSERT INTO reefqbo._privilege VALUES ('admin', 'SELECT', 'TABLE reefqbo.access');

-- The one place that says which level includes which. Policies and views go by it, with the rights of whoever asks.
CREATE FUNCTION reefqbo._levels_with(level text)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE level WHEN 'reader' THEN ARRAY['reader', 'operator', 'admin']
                  WHEN 'monitor' THEN ARRAY['monitor', 'operator', 'admin']
                  WHEN 'operator' THEN ARRAY['operator', 'admin']
                  WHEN 'admin' THEN ARRAY['admin']
                  WHEN 'webhook' THEN ARRAY['webhook', 'operator', 'admin']
                  ELSE ARRAY['reader', 'monitor', 'operator', 'admin'] END;

COMMENT ON FUNCTION reefqbo._levels_with(text) IS 'Internal: the levels that include a level, itself first. level NULL: all by which something of a model is seen.';

CREATE FUNCTION reefqbo._has_level(role oid, model_id bigint, level text)
RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT 1 FROM reefqbo.access a
        WHERE a.model_id IN (0, $2)
          AND a.level = ANY (reefqbo._levels_with($3))
          AND pg_has_role($1, a.grantee, 'USAGE')
          AND (NOT a.scoped
               OR $2 = (SELECT m.model_id FROM reefqbo.model m WHERE m.name = current_setting('reefqbo.current_model', true))))
$$;

COMMENT ON FUNCTION reefqbo._has_level(oid, bigint, text) IS
'Internal: whether a role has a level for a model, or for all of them (0), by itself or by a role it is a member of. level NULL: any.';

CREATE FUNCTION reefqbo._may_read(role name, model_id bigint)
RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.rolsuper OR r.rolbypassrls OR pg_has_role(r.oid, c.relowner, 'USAGE')
           OR reefqbo._has_level(r.oid, $2, 'reader')
    FROM pg_class c
    JOIN pg_roles r ON r.rolname = $1
    WHERE c.oid = 'reefqbo.model'::regclass
$$;

COMMENT ON FUNCTION reefqbo._may_read(name, bigint) IS
'Internal: whether a role may see a model beside the one that a definer function has checked.';

CREATE FUNCTION reefqbo._caller()
RETURNS name
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_caller';

COMMENT ON FUNCTION reefqbo._caller() IS
'Internal: the role that has called a function which runs with other rights than its own.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo._caller()');

CREATE FUNCTION reefqbo._my_roles()
RETURNS oid[]
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rqbo_my_roles';

COMMENT ON FUNCTION reefqbo._my_roles() IS
'Internal: the roles whose privileges the present role has, itself included. Row-level security asks it, whoever reads.';

-- What whoever asks was given. Row-level security does not concern everybody: superusers, the owner and roles with BYPASSRLS have all.
-- No view here reads a catalog: who locks a view locks all that stands below it, and nobody could log in.
CREATE VIEW reefqbo._my_access WITH (security_barrier) AS
SELECT 0::bigint AS model_id, 'admin'::text AS level, false AS scoped
WHERE NOT pg_catalog.row_security_active('reefqbo.model'::regclass)
UNION ALL
SELECT a.model_id, a.level, a.scoped
FROM reefqbo.access a
WHERE a.grantee = ANY (reefqbo._my_roles());

COMMENT ON VIEW reefqbo._my_access IS 'Internal: the rows of reefqbo.access that are about whoever asks.';

-- Every query of whoever has some models comes by here, so that nothing of it goes through those that others have: the list of all
-- models is made for who has all, which is asked first.
CREATE VIEW reefqbo._my_right WITH (security_barrier) AS
SELECT m.model_id, l.level
FROM pg_catalog.unnest(ARRAY(SELECT a.level FROM reefqbo._my_access a WHERE a.model_id = 0 AND NOT a.scoped)) AS l (level)
CROSS JOIN reefqbo.model m
WHERE (SELECT EXISTS (SELECT 1 FROM reefqbo._my_access a WHERE a.model_id = 0 AND NOT a.scoped))
UNION ALL
SELECT a.model_id, a.level
FROM reefqbo._my_access a
WHERE a.model_id <> 0 AND NOT a.scoped
UNION ALL
SELECT m.model_id, a.level
FROM reefqbo.model m
JOIN reefqbo._my_access a ON a.model_id IN (0, m.model_id)
WHERE a.scoped AND m.name = pg_catalog.current_setting('reefqbo.current_model', true);

COMMENT ON VIEW reefqbo._my_right IS
'Internal: which level whoever asks has for which model in the present transaction. Views that readers and monitors share go by it.';

CREATE VIEW reefqbo._my_model WITH (security_barrier) AS
SELECT r.model_id FROM reefqbo._my_right r WHERE r.level = ANY (reefqbo._levels_with('reader'));

COMMENT ON VIEW reefqbo._my_model IS
'Internal: the models whose data whoever asks may see. Row-level security and the views go by it.';

CREATE VIEW reefqbo._my_watch WITH (security_barrier) AS
SELECT r.model_id FROM reefqbo._my_right r WHERE r.level = ANY (reefqbo._levels_with('monitor'));

COMMENT ON VIEW reefqbo._my_watch IS
'Internal: the models that whoever asks may watch: what goes on, and no data.';

CREATE VIEW reefqbo._my_work WITH (security_barrier) AS
SELECT r.model_id FROM reefqbo._my_right r WHERE r.level = ANY (reefqbo._levels_with('operator'));

COMMENT ON VIEW reefqbo._my_work IS
'Internal: the models that whoever asks may work on, as an operator or admin. Row-level security goes by it where a table is written to by its users.';

-- ---- row-level security ----

CREATE FUNCTION reefqbo._protected_tables(OUT relation regclass, OUT has_model boolean, OUT is_written boolean)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.oid::regclass,
           EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'model_id' AND NOT a.attisdropped),
           EXISTS (SELECT 1 FROM unnest(reefqbo._groups()) AS g (name)
                   WHERE has_any_column_privilege(g.name, c.oid, 'INSERT, UPDATE') OR has_table_privilege(g.name, c.oid, 'DELETE'))
    FROM pg_class c
    WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind IN ('r', 'p')
    ORDER BY c.relname
$$;

COMMENT ON FUNCTION reefqbo._protected_tables() IS
'Internal: every table, whether its rows belong to a model, and whether any level writes to it without a function.';

CREATE FUNCTION reefqbo._make_policies()
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    relation regclass;
    has_model boolean;
    is_written boolean;
    seen text;
BEGIN
    FOR relation, has_model, is_written IN SELECT * FROM reefqbo._protected_tables() LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
        IF NOT has_model THEN
            -- for those who have some access in this database, apps for those who have them in hand
            EXECUTE format('CREATE POLICY has_access ON %s FOR SELECT USING ((SELECT EXISTS (SELECT 1 FROM reefqbo._my_access a WHERE a.level = ANY (reefqbo._levels_with(%L)))))', relation,
                           CASE relation WHEN 'reefqbo.app'::regclass THEN 'admin' ELSE 'reader' END);
            CONTINUE;
        END IF;
        seen := CASE relation WHEN 'reefqbo.api_call'::regclass THEN '_my_watch' ELSE '_my_model' END;
        -- what no level writes to nobody does but the owner, also who may write to all tables there are (pg_write_all_data): rows of ours
        -- say where requests go, who has access, and what is done with the owner's rights
        EXECUTE format('CREATE POLICY own_models ON %s FOR %s USING (model_id = ANY (ARRAY(SELECT v.model_id FROM reefqbo.%I v)))', relation,
                       CASE WHEN is_written THEN 'ALL' ELSE 'SELECT' END, seen);
        -- who has all models is spared the list of them: a table is read from end to end, and no index by model helps. Whether that is so
        -- is asked once a query; who is in the group and no more has no more by it. (Of several policies the last by name is asked first.)
        EXECUTE format('CREATE POLICY sees_all_models ON %s FOR SELECT TO reefqbo_all_models
                            USING ((SELECT EXISTS (SELECT 1 FROM reefqbo._my_access a
                                                   WHERE a.model_id = 0 AND NOT a.scoped AND a.level = ANY (reefqbo._levels_with(''reader'')))))', relation);
        CONTINUE WHEN NOT is_written;
        -- what operators write to without a function, readers of the same model do not
        EXECUTE format('CREATE POLICY work_inserts ON %s AS RESTRICTIVE FOR INSERT WITH CHECK (model_id = ANY (ARRAY(SELECT v.model_id FROM reefqbo._my_work v)))', relation);
        EXECUTE format('CREATE POLICY work_updates ON %s AS RESTRICTIVE FOR UPDATE USING (model_id = ANY (ARRAY(SELECT v.model_id FROM reefqbo._my_work v)))', relation);
        EXECUTE format('CREATE POLICY work_deletes ON %s AS RESTRICTIVE FOR DELETE USING (model_id = ANY (ARRAY(SELECT v.model_id FROM reefqbo._my_work v)))', relation);
    END LOOP;
END
$$;

COMMENT ON FUNCTION reefqbo._make_policies() IS
'Internal: puts row-level security in force on every table, once, when they are made: pg_dump does not carry the policies of an extension''s tables, and giving access changes rows, no table.
own_models goes by reefqbo._my_model, which is asked once a query. What is written besides takes an operator of the model (reefqbo._my_work).';

-- ---- giving and taking away ----

CREATE FUNCTION reefqbo._groups_of(role regrole)
RETURNS SETOF regrole
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ('reefqbo_' || a.level)::regrole FROM reefqbo.access a WHERE a.grantee = $1
    UNION
    SELECT 'reefqbo_all_models'::regrole FROM reefqbo.access a
    WHERE a.grantee = $1 AND a.model_id = 0 AND NOT a.scoped AND a.level = ANY (reefqbo._levels_with('reader'))
    UNION
    SELECT 'reefqbo_all_operators'::regrole FROM reefqbo.access a
    WHERE a.grantee = $1 AND a.model_id = 0 AND NOT a.scoped AND a.level = ANY (reefqbo._levels_with('operator'))
$$;

COMMENT ON FUNCTION reefqbo._groups_of(regrole) IS 'Internal: the groups that a role belongs in by what it has in reefqbo.access.';

CREATE FUNCTION reefqbo._keep_in_groups(role regrole)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    belongs regrole[] := ARRAY(SELECT * FROM reefqbo._groups_of($1));
    one record;
BEGIN
    FOR one IN
        SELECT g.group_role, g.group_role = ANY (belongs) AS is_needed,
               EXISTS (SELECT 1 FROM pg_auth_members m WHERE m.roleid = g.group_role AND m.member = $1) AS is_there,
               -- the groups are the cluster's: what another database has given by them is not ours to take away
               EXISTS (SELECT 1 FROM pg_shdepend d
                       WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = g.group_role
                         AND d.dbid NOT IN (0, (SELECT b.oid FROM pg_database b WHERE b.datname = current_database()))) AS is_shared
        FROM unnest(reefqbo._groups()::regrole[]) AS g (group_role)
    LOOP
        IF one.is_needed AND NOT one.is_there THEN
            -- from 16 on a membership says by itself whether it is inherited
            EXECUTE format(CASE WHEN current_setting('server_version_num')::integer >= 160000
                                THEN 'GRANT %s TO %s WITH INHERIT TRUE, SET FALSE' ELSE 'GRANT %s TO %s' END, one.group_role, $1);
        ELSIF one.is_there AND NOT one.is_needed AND NOT one.is_shared THEN
            EXECUTE format('REVOKE %s FROM %s', one.group_role, $1);
        END IF;
    END LOOP;
END
$$;

COMMENT ON FUNCTION reefqbo._keep_in_groups(regrole) IS
'Internal: puts a role into the groups of the levels it has for any model, and takes it out of the others. Where another database of the cluster has the extension it stays in them, and has nothing by that here.';

CREATE FUNCTION reefqbo._grantee(role text)
RETURNS regrole
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found pg_roles := (SELECT r FROM pg_roles r WHERE r.rolname = $1);
BEGIN
    IF found.oid IS NULL THEN
        RAISE undefined_object USING
            MESSAGE = format('role "%s" does not exist', $1),
            HINT = 'Make it with CREATE ROLE. Nothing of reefqbo is granted to PUBLIC.';
    ELSIF $1 = ANY (reefqbo._groups()) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('"%s" is one of reefqbo''s own groups', $1),
            HINT = 'Give access to a role of yours.';
    ELSIF NOT found.rolinherit AND current_setting('server_version_num')::integer < 160000 THEN
        RAISE invalid_grant_operation USING
            MESSAGE = format('role "%s" inherits no privileges', $1),
            DETAIL = 'What it is given it has as a member of a group.',
            HINT = format('Let it inherit: ALTER ROLE %I INHERIT.', $1);
    END IF;
    RETURN found.oid;
END
$$;

COMMENT ON FUNCTION reefqbo._grantee(text) IS 'Internal: the role of a name that may be given access, or an error.';

CREATE FUNCTION reefqbo._grant_access(role text, level text, model text, scoped boolean)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := CASE WHEN $3 IS NULL THEN 0 ELSE reefqbo._model_id($3) END;
    grantee regrole;
BEGIN
    IF num_nulls($1, $2, $4) > 0 THEN
        RAISE null_value_not_allowed USING MESSAGE = 'access needs a role and a level, and is scoped or not';
    ELSIF $2 <> ALL (reefqbo._levels_with(NULL) || 'webhook'::text) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('level "%s" is not known', $2),
            HINT = 'It is ''reader'' (data), ''monitor'' (what goes on, no data), ''operator'' (both, and connect, reconnect, import), ''admin'' (also apps, environments, keys and access) or ''webhook'' (hands in webhooks, and no more).';
    ELSIF $2 IN ('admin', 'webhook') AND ($3 IS NOT NULL OR $4) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('level "%s" is for all models', $2),
            DETAIL = CASE $2 WHEN 'admin' THEN 'Apps, environments, keys and access belong to no model.'
                             ELSE 'A webhook may be about any company.' END,
            HINT = CASE $2 WHEN 'admin' THEN 'Leave the model and the scope out, or give the level ''operator''.' ELSE 'Leave the model and the scope out.' END;
    END IF;
    grantee := reefqbo._grantee($1);
    -- roles that were dropped since
    DELETE FROM reefqbo.access a WHERE NOT EXISTS (SELECT 1 FROM pg_roles r WHERE r.oid = a.grantee);
    INSERT INTO reefqbo.access AS a (model_id, grantee, level, scoped, granted_by) VALUES (in_model, grantee, $2, $4, reefqbo._caller())
    ON CONFLICT ON CONSTRAINT access_pkey DO UPDATE
    SET level = EXCLUDED.level, scoped = EXCLUDED.scoped, granted_by = EXCLUDED.granted_by, granted_at = EXCLUDED.granted_at;
    PERFORM reefqbo._keep_in_groups(grantee);
    PERFORM reefqbo._audit('access_granted', in_model, $3, format('%s%s to %s', $2, CASE WHEN $4 THEN ', scoped,' END, quote_ident($1)));
END
$$;

COMMENT ON FUNCTION reefqbo._grant_access(text, text, text, boolean) IS 'Internal: what reefqbo.grant_access does, without asking who calls.';

CREATE FUNCTION reefqbo.grant_access(role text, level text, model text DEFAULT NULL, scoped boolean DEFAULT false)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_admin';

COMMENT ON FUNCTION reefqbo.grant_access(text, text, text, boolean) IS
'Gives a role access to one model, or to all of them, those to come included. Members of the role have it too. A role may have several models, each with a level of its own; a level given again replaces the one before.
It writes rows, puts the role into a group of its level, and waits for no reader. What was given to nobody nobody sees, whatever was granted by hand; superusers, the owner and roles with BYPASSRLS see all.
Arguments: role; level, ''reader'' (tables, views and statements), ''monitor'' (check, worker_status, upkeep_status, metrics, and api_call without paths), ''operator'' (both, and connect, reconnect, disconnect, import, schedule), ''admin'' (also apps, replacing and forgetting companies, keys, access; for all models only) or ''webhook'' (reefqbo.receive_webhook and nothing else; for all models only); model, by default all; scoped, whether the role sees of it, in tables, views and functions, only the model that its transaction has named: SET LOCAL reefqbo.current_model = ''name''. It sees nothing until then. One role of an application can so serve many tenants.
Superusers only add environments and choose files, commands and hosts. An admin can make admins: it is a trusted role.
Errors: 42704 no such role or model; 22023 unknown level, admin or webhook for one model or scoped, or one of reefqbo''s own groups; 22004 no role or level; 0LP01 the role inherits no privileges (before PostgreSQL 16); 42501 the caller is no admin.
See https://www.postgresql.org/docs/current/ddl-rowsecurity.html';
INSERT INTO reefqbo._privilege VALUES ('admin', 'EXECUTE', 'FUNCTION reefqbo.grant_access(text, text, text, boolean)');

CREATE FUNCTION reefqbo._revoke_access(role text, model text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := CASE WHEN $2 IS NOT NULL THEN reefqbo._model_id($2) END;
    of_role regrole := to_regrole(quote_ident($1));
    removed bigint;
BEGIN
    IF $1 IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'whose access is to be taken away?';
    END IF;
    DELETE FROM reefqbo.access a WHERE a.grantee = of_role AND (in_model IS NULL OR a.model_id = in_model);
    GET DIAGNOSTICS removed = ROW_COUNT;
    IF removed = 0 THEN
        RAISE undefined_object USING
            MESSAGE = CASE WHEN in_model IS NULL THEN format('role "%s" has no access', $1)
                           ELSE format('role "%s" has no access to model "%s" by itself', $1, $2) END,
            HINT = CASE WHEN EXISTS (SELECT 1 FROM reefqbo.access a WHERE a.grantee = of_role AND a.model_id = 0)
                        THEN 'It has access to all models, which can be taken away as a whole only.'
                        ELSE 'The table reefqbo.access lists who has which.' END;
    END IF;
    PERFORM reefqbo._keep_in_groups(of_role);
    PERFORM reefqbo._audit('access_revoked', in_model, $2, format('from %s', quote_ident($1)));
END
$$;

COMMENT ON FUNCTION reefqbo._revoke_access(text, text) IS 'Internal: what reefqbo.revoke_access does, without asking who calls.';

CREATE FUNCTION reefqbo.revoke_access(role text, model text DEFAULT NULL)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_admin';

COMMENT ON FUNCTION reefqbo.revoke_access(text, text) IS
'Takes away what reefqbo.grant_access gave: to one model, or all of it. The role stays in the groups of the levels it still has.
Arguments: role; model, by default every one. Errors: 42704 no such model, or the role has no such access; 22004 no role; 42501 the caller is no admin.';
INSERT INTO reefqbo._privilege VALUES ('admin', 'EXECUTE', 'FUNCTION reefqbo.revoke_access(text, text)');
