-- Restores: what a dump says of itself, what CREATE EXTENSION leaves out while one is under way, and the end of it.
--
-- A dump makes the extension first and fills its tables after, in any order, and maybe with several processes at once. So what
-- would be in the way is left out until all has come: the foreign keys. That all has come shows by the list of rows in each table
-- which every dump carries, and by the sequences, which are set last. Nobody writes until then.

CREATE TABLE reefqbo._expected (
    relation text NOT NULL,
    row_count bigint NOT NULL,
    PRIMARY KEY (relation)
);

COMMENT ON TABLE reefqbo._expected IS
'Internal: how many rows of each table are in the dump that this database is being restored from; of _expected itself, how many rows this list has. Empty when no restore is under way. pg_dump makes the rows as it dumps.';

CREATE TABLE reefqbo._left_out (
    relation text NOT NULL,
    name text NOT NULL,
    definition text NOT NULL,
    PRIMARY KEY (relation, name)
);

COMMENT ON TABLE reefqbo._left_out IS
'Internal: the foreign keys that CREATE EXTENSION has left out since a restore called it, until the restore has ended.';

-- ---- what there is, and what there should be ----

CREATE FUNCTION reefqbo._is_restoring()
RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT EXISTS (SELECT 1 FROM reefqbo._left_out) OR EXISTS (SELECT 1 FROM reefqbo._expected) $$;

COMMENT ON FUNCTION reefqbo._is_restoring() IS 'Internal: whether a restore is under way here, or has not been ended.';

CREATE FUNCTION reefqbo._dumped_relations(kind "char", OUT relation regclass, OUT name name, OUT condition text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.oid::regclass, c.relname, d.condition
    FROM pg_extension e
    CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition) AS d (oid, condition)
    JOIN pg_class c ON c.oid = d.oid
    WHERE e.extname = 'reefqbo' AND c.relkind = $1 AND c.oid <> 'reefqbo._expected'::regclass
    ORDER BY c.relname
$$;

COMMENT ON FUNCTION reefqbo._dumped_relations("char") IS
'Internal: the tables (r) or sequences (S) that a dump carries, but for _expected; condition, for the rows of them that it does.';

CREATE FUNCTION reefqbo._unset_sequences(OUT sequence regclass)
RETURNS SETOF regclass
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_called boolean;
BEGIN
    FOR sequence IN SELECT r.relation FROM reefqbo._dumped_relations('S') r LOOP
        EXECUTE format('SELECT s.is_called FROM %s s', sequence) INTO is_called;
        IF NOT is_called THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

COMMENT ON FUNCTION reefqbo._unset_sequences() IS
'Internal: the sequences that were never set. A restore sets each, as a rule after the tables are filled.';

CREATE FUNCTION reefqbo._missing(OUT subject text, OUT finding text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one record;
    expected bigint;
    present bigint;
BEGIN
    IF (SELECT count(*) FROM reefqbo._expected e)
       IS DISTINCT FROM (SELECT e.row_count FROM reefqbo._expected e WHERE e.relation = '_expected') THEN
        subject := NULL;
        finding := 'what the dump says it holds has not come, or in part';
        RETURN NEXT;
    END IF;
    FOR one IN SELECT r.* FROM reefqbo._dumped_relations('r') r LOOP
        expected := (SELECT e.row_count FROM reefqbo._expected e WHERE e.relation = one.name);
        EXECUTE format('SELECT count(*) FROM %s %s', one.relation, one.condition) INTO present;
        IF present < expected THEN
            subject := one.relation;
            finding := format('it has %s rows, and the dump %s', present, expected);
            RETURN NEXT;
        END IF;
    END LOOP;
    RETURN QUERY SELECT u.sequence::text, 'the sequence has not been set' FROM reefqbo._unset_sequences() u;
    RETURN QUERY SELECT l.sequence::text, format('the sequence stands at %s, and %s is used', l.last_value, l.largest)
                 FROM reefqbo._lagging_sequences() l WHERE l.last_value IS NOT NULL;
END
$$;

COMMENT ON FUNCTION reefqbo._missing() IS
'Internal: what a restore has not brought yet of what its dump holds. No row if all has come. Result: subject, the table or sequence, NULL for the dump''s own list.';

CREATE FUNCTION reefqbo._check_restore(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT reefqbo._is_restoring() THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT 'restore', m.subject, 'problem', m.finding,
               'Wait for the restore to end. If it has ended or failed, restore into an empty database again; or, to go on with what there is, SELECT reefqbo.finish_restore(true);'
        FROM reefqbo._missing() m;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'restore', NULL, 'note', 'all that the dump holds has come',
                            'The first call that writes, or the background worker, ends the restore: it puts the foreign keys in force. SELECT reefqbo.finish_restore(); does it now.';
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._check_restore() IS 'Internal: rows of reefqbo.check about a restore that is under way, has stopped half-way or was not ended; none where there is no such thing.';

-- ---- ending it ----

CREATE FUNCTION reefqbo._set_fresh_sequences()
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM setval(u.sequence, s.seqmin, true) FROM reefqbo._unset_sequences() u JOIN pg_sequence s ON s.seqrelid = u.sequence;
END
$$;

COMMENT ON FUNCTION reefqbo._set_fresh_sequences() IS
'Internal: sets every sequence that was not set to the number before its first one, so that it can be told from one that a restore has not come to yet.';

CREATE FUNCTION reefqbo._put_keys_in_force()
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one record;
    detail text;
BEGIN
    FOR one IN SELECT l.* FROM reefqbo._left_out l ORDER BY l.relation, l.name LOOP
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', one.relation, one.name, one.definition);
    END LOOP;
    PERFORM 1 FROM reefqbo.branch b
    WHERE b.parent_branch_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM reefqbo.branch p WHERE p.model_id = b.model_id AND p.branch_id = b.parent_branch_id);
    IF FOUND THEN
        RAISE foreign_key_violation USING MESSAGE = 'branches are missing that others are below';
    END IF;
EXCEPTION
    WHEN foreign_key_violation THEN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
        RAISE foreign_key_violation USING
            MESSAGE = format('could not end the restore: %s', SQLERRM),
            DETAIL = detail,
            HINT = 'Restore the rows that are missing, or into an empty database again; or delete those that refer to them.';
    WHEN object_in_use THEN
        RAISE object_in_use USING
            MESSAGE = format('could not end the restore: %s', SQLERRM),
            HINT = 'SELECT reefqbo.finish_restore(); in a statement of its own, before the one that reads these tables.';
END
$$;

COMMENT ON FUNCTION reefqbo._put_keys_in_force() IS
'Internal: adds the foreign keys that were left out. Errors: 23503 a row refers to one that is not there, 55006 the statement that calls reads the tables itself.';

CREATE FUNCTION reefqbo._finish_restore(as_it_is boolean)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing text;
BEGIN
    LOCK TABLE reefqbo._expected, reefqbo._left_out IN SHARE ROW EXCLUSIVE MODE;
    IF NOT reefqbo._is_restoring() THEN
        RETURN;
    END IF;
    missing := (SELECT string_agg(concat_ws(': ', m.subject, m.finding), '; ') FROM reefqbo._missing() m);
    IF missing IS NOT NULL AND $1 IS DISTINCT FROM true THEN
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = 'this database is being restored, or was restored in part',
            DETAIL = missing,
            HINT = 'Wait for the restore to end. To go on with what there is, SELECT reefqbo.finish_restore(true);';
    END IF;
    PERFORM reefqbo._put_keys_in_force();
    PERFORM reefqbo._write_all_keys();
    PERFORM reefqbo._set_fresh_sequences();
    PERFORM 1 FROM reefqbo._repair_sequences();
    DELETE FROM reefqbo._left_out;
    DELETE FROM reefqbo._expected;
    IF missing IS NOT NULL THEN
        PERFORM reefqbo._audit('restore_finished', NULL, NULL, missing);
    END IF;
    -- the background worker has kept out
    UPDATE reefqbo.schedule SET is_paused = is_paused WHERE false;
END
$$;

COMMENT ON FUNCTION reefqbo._finish_restore(boolean) IS 'Internal: what reefqbo.finish_restore does, without asking who calls.';

CREATE FUNCTION reefqbo.finish_restore(as_it_is boolean DEFAULT false)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_restorer';

COMMENT ON FUNCTION reefqbo.finish_restore(boolean) IS
'Ends a restore by pg_restore or psql: looks whether all that the dump holds has come, and puts the foreign keys in force, which a restore does without. The background worker, or the first call that writes, does the same; without either it is called once. Does nothing when no restore is under way.
Arguments: as_it_is, true to go on although something is missing, which is then written down in reefqbo.audit; reefqbo.check() says what. Sequences are set behind what their tables hold.
Errors: 55000 something is missing, 23503 a row refers to one that is not there, 55006 the statement that calls reads these tables itself, 42501 the caller is no admin.';
INSERT INTO reefqbo._privilege VALUES ('admin', 'EXECUTE', 'FUNCTION reefqbo.finish_restore(boolean)');

CREATE FUNCTION reefqbo._end_restore()
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF reefqbo._is_restoring() THEN
        -- counting rows is work: as long as sequences are to come, it is too early
        IF EXISTS (SELECT 1 FROM reefqbo._unset_sequences()) OR EXISTS (SELECT 1 FROM reefqbo._missing()) THEN
            RETURN false;
        END IF;
        PERFORM reefqbo._finish_restore(false);
    END IF;
    RETURN true;
END
$$;

COMMENT ON FUNCTION reefqbo._end_restore() IS
'Internal: ends a restore that has brought all. Result: false if one is under way that has not.';

-- ---- what a dump says of itself, and how the extension begins ----

DO $do$
DECLARE
    counts text := (
        SELECT pg_catalog.string_agg(pg_catalog.format(
                   ' UNION ALL SELECT %L, (SELECT GREATEST(pg_catalog.count(*), (SELECT e.row_count FROM reefqbo._expected e WHERE e.relation = %L)) FROM %s %s)',
                   r.name, r.name, r.relation, r.condition), '' ORDER BY r.name)
        FROM reefqbo._dumped_relations('r') r);
    one record;
BEGIN
    -- Not a condition alone: the rows are made by the dump, in its own snapshot. Those of a restore that was not ended are carried on.
    PERFORM pg_catalog.pg_extension_config_dump('reefqbo._expected', pg_catalog.format(
        'WHERE false%s UNION ALL SELECT %L, %s', counts, '_expected',
        1 + (SELECT pg_catalog.count(*) FROM reefqbo._dumped_relations('r'))));
    FOR one IN SELECT r.relation, s.seqstart FROM reefqbo._dumped_relations('S') r JOIN pg_catalog.pg_sequence s ON s.seqrelid = r.relation
    LOOP
        EXECUTE pg_catalog.format('ALTER SEQUENCE %s MINVALUE %s', one.relation, one.seqstart - 1);
    END LOOP;
    -- What pg_dump writes at the head of each dump, and pg_restore says in each session, and nobody else.
    IF pg_catalog.current_setting('row_security') = 'off' THEN
        INSERT INTO reefqbo._left_out
            SELECT c.conrelid::pg_catalog.regclass, c.conname, pg_catalog.pg_get_constraintdef(c.oid)
            FROM pg_catalog.pg_constraint c
            WHERE c.contype = 'f' AND c.connamespace = 'reefqbo'::pg_catalog.regnamespace;
        FOR one IN SELECT l.* FROM reefqbo._left_out l LOOP
            EXECUTE pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', one.relation, one.name);
        END LOOP;
    ELSE
        PERFORM reefqbo._set_fresh_sequences();
    END IF;
END
$do$;
