-- Keys that tables of the application refer to, and removing a model.
--
-- Who makes or drops a foreign key locks the table that it refers to, against writing or against everybody, until his transaction ends.
-- So foreign keys of others refer to these tables, which hold keys and no more. Nobody reads them at work, and nobody waits for one to write
-- to it: a key that cannot be written down at once is written down later.

CREATE TABLE reefqbo.model_key (
    model_id bigint NOT NULL,
    PRIMARY KEY (model_id)
);

COMMENT ON TABLE reefqbo.model_key IS
'The keys of reefqbo.model, for foreign keys of the application to refer to: FOREIGN KEY (model_id) REFERENCES reefqbo.model_key. For operators of all models: what refers to a key stands in the way of removing what it is the key of, unless it says ON DELETE CASCADE or SET NULL.';
COMMENT ON COLUMN reefqbo.model_key.model_id IS 'the model';
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.model_key'), ('all_operators', 'REFERENCES', 'TABLE reefqbo.model_key');

CREATE TABLE reefqbo.branch_key (
    model_id bigint NOT NULL,
    branch_id bigint NOT NULL,
    PRIMARY KEY (model_id, branch_id)
);

COMMENT ON TABLE reefqbo.branch_key IS
'The keys of reefqbo.branch, for foreign keys of the application to refer to: FOREIGN KEY (model_id, branch_id) REFERENCES reefqbo.branch_key. As reefqbo.model_key.';
COMMENT ON COLUMN reefqbo.branch_key.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.branch_key.branch_id IS 'the branch';
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.branch_key'), ('all_operators', 'REFERENCES', 'TABLE reefqbo.branch_key');

CREATE TABLE reefqbo.account_key (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (model_id, connection_id, account_id)
);

COMMENT ON TABLE reefqbo.account_key IS
'The keys of reefqbo.account, for foreign keys of the application to refer to: FOREIGN KEY (model_id, connection_id, account_id) REFERENCES reefqbo.account_key. As reefqbo.model_key.';
COMMENT ON COLUMN reefqbo.account_key.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.account_key.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.account_key.account_id IS 'QuickBooks'' own id of the account';
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.account_key'), ('all_operators', 'REFERENCES', 'TABLE reefqbo.account_key');

CREATE TABLE reefqbo._key_to_come (
    model_id bigint NOT NULL,
    relation text COLLATE "C" NOT NULL,
    PRIMARY KEY (model_id, relation)
);

COMMENT ON TABLE reefqbo._key_to_come IS
'Internal: keys of a model that could not be written down, since somebody had model_key, branch_key or account_key locked: the background worker, or the next of their kind, does it.';

-- None of them is dumped: a restore fills them again as their models, branches and accounts come.

CREATE FUNCTION reefqbo._write_keys(relation text, model_id bigint)
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('LOCK TABLE reefqbo.%I IN ROW EXCLUSIVE MODE NOWAIT', $1);
    CASE $1
        WHEN 'model_key' THEN
            INSERT INTO reefqbo.model_key SELECT m.model_id FROM reefqbo.model m WHERE m.model_id = $2 ON CONFLICT DO NOTHING;
        WHEN 'branch_key' THEN
            INSERT INTO reefqbo.branch_key SELECT b.model_id, b.branch_id FROM reefqbo.branch b WHERE b.model_id = $2 ON CONFLICT DO NOTHING;
        WHEN 'account_key' THEN
            INSERT INTO reefqbo.account_key SELECT a.model_id, a.connection_id, a.account_id FROM reefqbo.account a
            WHERE a.model_id = $2
              AND NOT EXISTS (SELECT 1 FROM reefqbo.account_key k
                              WHERE k.model_id = $2 AND k.connection_id = a.connection_id AND k.account_id = a.account_id)
            ON CONFLICT DO NOTHING;
    END CASE;
    RETURN true;
EXCEPTION
    WHEN lock_not_available THEN
        RETURN false;
END
$$;

COMMENT ON FUNCTION reefqbo._write_keys(text, bigint) IS
'Internal: writes down the keys of a model that are missing in one of the three tables. Never waits. Result: false if somebody has that table locked.';

CREATE FUNCTION reefqbo._write_late_keys()
RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM reefqbo._key_to_come k
    USING (SELECT l.model_id, l.relation FROM reefqbo._key_to_come l FOR UPDATE SKIP LOCKED) late
    WHERE k.model_id = late.model_id AND k.relation = late.relation AND reefqbo._write_keys(k.relation, k.model_id)
$$;

COMMENT ON FUNCTION reefqbo._write_late_keys() IS 'Internal: writes down the keys that somebody''s lock has kept out.';

CREATE FUNCTION reefqbo._write_all_keys()
RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO reefqbo.model_key SELECT m.model_id FROM reefqbo.model m ON CONFLICT DO NOTHING;
    INSERT INTO reefqbo.branch_key SELECT b.model_id, b.branch_id FROM reefqbo.branch b ON CONFLICT DO NOTHING;
    INSERT INTO reefqbo.account_key SELECT a.model_id, a.connection_id, a.account_id FROM reefqbo.account a ON CONFLICT DO NOTHING
$$;

COMMENT ON FUNCTION reefqbo._write_all_keys() IS 'Internal: writes down every key that is missing, as after a restore with triggers off.';

CREATE FUNCTION reefqbo._note_keys()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of_model bigint;
BEGIN
    FOR of_model IN SELECT DISTINCT a.model_id FROM added a LOOP
        IF NOT reefqbo._write_keys(TG_TABLE_NAME || '_key', of_model) THEN
            INSERT INTO reefqbo._key_to_come VALUES (of_model, TG_TABLE_NAME || '_key') ON CONFLICT DO NOTHING;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION reefqbo._note_keys() IS 'Internal: trigger function: writes down the keys of new models, branches or accounts.';

CREATE TRIGGER model_keys AFTER INSERT ON reefqbo.model
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION reefqbo._note_keys();
CREATE TRIGGER branch_keys AFTER INSERT ON reefqbo.branch
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION reefqbo._note_keys();
CREATE TRIGGER account_keys AFTER INSERT ON reefqbo.account
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION reefqbo._note_keys();

-- ---- what stands in the way ----

CREATE FUNCTION reefqbo._references(OUT constraint_oid oid, OUT referring regclass, OUT condition text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.oid, c.conrelid::regclass,
           (SELECT string_agg(format('t.%I = $%s', f.attname, CASE k.attname WHEN 'model_id' THEN 1 ELSE 2 END), ' AND ') FILTER (WHERE k.attname IN ('model_id', 'connection_id'))
                   -- a row with a NULL in its key refers to nothing
                   || coalesce(string_agg(format(' AND t.%I IS NOT NULL', f.attname), '') FILTER (WHERE k.attname NOT IN ('model_id', 'connection_id')), '')
            FROM unnest(c.conkey, c.confkey) AS p (mine, theirs)
            JOIN pg_attribute f ON f.attrelid = c.conrelid AND f.attnum = p.mine
            JOIN pg_attribute k ON k.attrelid = c.confrelid AND k.attnum = p.theirs
            )
    FROM pg_constraint c
    WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confdeltype IN ('a', 'r')
      AND c.confrelid IN ('reefqbo.model_key'::regclass, 'reefqbo.branch_key'::regclass, 'reefqbo.account_key'::regclass)
    ORDER BY c.conrelid::regclass::text COLLATE "C", c.conname
$$;

COMMENT ON FUNCTION reefqbo._references() IS
'Internal: the foreign keys of others that could stand in the way: condition is about rows t of the referring table, of model $1 and, if it names one, connection $2.';

CREATE FUNCTION reefqbo._refuse_removal(model_id bigint, connection_id bigint, words text)
RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE foreign_key_violation USING
        MESSAGE = format('%s cannot be removed, since foreign keys refer to it',
                         CASE WHEN $2 IS NULL THEN 'the model'
                              ELSE format('"%s"', (SELECT reefqbo._show_line(coalesce(c.company_name, 'the company')) FROM reefqbo.connection c
                                                   WHERE c.model_id = $1 AND c.connection_id = $2)) END),
        DETAIL = $3 || '.',
        HINT = 'Remove those rows first, or have the foreign key say ON DELETE CASCADE or ON DELETE SET NULL. Nothing was changed.';
END
$$;

COMMENT ON FUNCTION reefqbo._refuse_removal(bigint, bigint, text) IS 'Internal: error 23503, with whose keys stand in the way.';

CREATE FUNCTION reefqbo._need_no_references(model_id bigint, connection_id bigint)
RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one record;
    found_rows bigint;
    words text;
BEGIN
    FOR one IN
        SELECT r.*, c.conname, t.relowner::regrole AS owner
        FROM reefqbo._references() r
        JOIN pg_constraint c ON c.oid = r.constraint_oid
        JOIN pg_class t ON t.oid = r.referring
        WHERE ($2 IS NULL OR c.confrelid = 'reefqbo.account_key'::regclass)
          -- of a table that the owner of reefqbo may not read PostgreSQL itself tells, when the keys go
          AND has_table_privilege(r.referring, 'SELECT')
    LOOP
        EXECUTE format('SELECT count(*) FROM %s t WHERE %s', one.referring,
                       CASE WHEN $2 IS NULL THEN replace(one.condition, ' = $2', ' IS NOT NULL') ELSE one.condition END)
        INTO found_rows USING $1, $2;
        IF found_rows > 0 THEN
            words := concat_ws('; ', words, format('%s rows of %s by foreign key %I, whose owner is %s', found_rows, one.referring, one.conname, one.owner));
        END IF;
    END LOOP;
    IF words IS NOT NULL THEN
        PERFORM reefqbo._refuse_removal($1, $2, words);
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._need_no_references(bigint, bigint) IS
'Internal: nothing of the application refers to an account of a connection, or with NULL to anything of the model. Error: 23503 something does, and whose it is.';

CREATE FUNCTION reefqbo._remove_keys(model_id bigint, connection_id bigint)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM reefqbo._need_no_references($1, $2);
    DELETE FROM reefqbo.account_key k WHERE k.model_id = $1 AND k.connection_id = coalesce($2, k.connection_id);
    IF $2 IS NULL THEN
        DELETE FROM reefqbo.branch_key k WHERE k.model_id = $1;
        DELETE FROM reefqbo.model_key k WHERE k.model_id = $1;
    END IF;
EXCEPTION
    WHEN foreign_key_violation THEN
        IF SQLERRM ~ 'cannot be removed, since' THEN
            RAISE;
        END IF;
        PERFORM reefqbo._refuse_removal($1, $2, SQLERRM);
END
$$;

COMMENT ON FUNCTION reefqbo._remove_keys(bigint, bigint) IS
'Internal: removes the keys of a connection''s accounts, or with NULL all of a model''s, before what they are the keys of. Error: 23503 as reefqbo._need_no_references.';

-- ---- removing a model ----

CREATE FUNCTION reefqbo._remove_model(model_id bigint)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    grantees regrole[] := ARRAY(SELECT a.grantee FROM reefqbo.access a WHERE a.model_id = $1);
    relations oid[] := ARRAY(
        SELECT c.oid FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'model_id' AND NOT a.attisdropped
        WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind = 'r' AND c.oid <> 'reefqbo.audit'::regclass);
    free oid[];
    one oid;
BEGIN
    PERFORM reefqbo._remove_keys($1, NULL);
    -- what refers to a table goes before it
    WHILE cardinality(relations) > 0 LOOP
        free := ARRAY(SELECT r.oid FROM unnest(relations) r (oid)
                      WHERE NOT EXISTS (SELECT 1 FROM pg_constraint f WHERE f.contype = 'f' AND f.confrelid = r.oid AND f.conrelid <> r.oid
                                          AND f.conrelid = ANY (relations)));
        IF cardinality(free) = 0 THEN
            RAISE EXCEPTION 'tables refer to each other in a circle: %', relations::regclass[];
        END IF;
        FOREACH one IN ARRAY free LOOP
            EXECUTE format('DELETE FROM %s t WHERE t.model_id = $1', one::regclass) USING $1;
        END LOOP;
        relations := ARRAY(SELECT r.oid FROM unnest(relations) r (oid) WHERE r.oid <> ALL (free));
    END LOOP;
    FOREACH one IN ARRAY grantees LOOP
        CONTINUE WHEN NOT EXISTS (SELECT 1 FROM pg_roles r WHERE r.oid = one);
        PERFORM reefqbo._keep_in_groups(one::regrole);
    END LOOP;
END
$$;

COMMENT ON FUNCTION reefqbo._remove_model(bigint) IS
'Internal: removes a model without companies from every table of reefqbo but audit. Error: 23503 as reefqbo._remove_keys.';

CREATE FUNCTION reefqbo.delete_model(model text, name_again text)
RETURNS bigint
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_delete_model';

COMMENT ON FUNCTION reefqbo.delete_model(text, text) IS
'Removes a model with everything that belongs to it: each of its companies as reefqbo.forget_company does, which asks Intuit to revoke the grant; then branches, mapping, rates, eliminations, ownership, schedule, access and the log of requests. There is no way back. Rows of reefqbo.audit stay, and say that it was done.
Companies are removed and their grants revoked by a background worker, which commits: a ROLLBACK of the caller brings back none of them. A notice says of each what Intuit answered.
Arguments: model; name_again, its name once more. Result: how many companies were removed.
Errors: 42704 no such model; 22023 name_again is another name; 23503 rows of the application refer to the model, a branch or an account, and whose they are: nothing is changed then; 42501 the caller is no admin.';
INSERT INTO reefqbo._privilege VALUES ('admin', 'EXECUTE', 'FUNCTION reefqbo.delete_model(text, text)');
