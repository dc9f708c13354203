-- Copies of the database that become a database of their own.

CREATE FUNCTION reefqbo._lagging_sequences(OUT relation regclass, OUT attname name, OUT sequence regclass,
                                           OUT last_value bigint, OUT next_value bigint, OUT largest bigint)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    FOR relation, attname IN
        SELECT a.attrelid::regclass, a.attname
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind IN ('r', 'p')
          AND a.attidentity <> '' AND NOT a.attisdropped
        ORDER BY c.relname, a.attnum
    LOOP
        sequence := pg_get_serial_sequence(relation::text, attname);
        -- the number before the first one, which a fresh sequence stands at, was not given out
        EXECUTE format('SELECT CASE WHEN s.is_called AND s.last_value > p.seqmin THEN s.last_value END,'
                       ' CASE WHEN s.is_called THEN s.last_value + 1 ELSE s.last_value END,'
                       ' (SELECT max(t.%I) FROM %s t) FROM %s s, pg_sequence p WHERE p.seqrelid = $1',
                       attname, relation, sequence)
        INTO last_value, next_value, largest USING sequence;
        IF largest >= next_value THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

COMMENT ON FUNCTION reefqbo._lagging_sequences() IS
'Internal: the identity columns whose sequence would give out a number that the table has already. Result: last_value, what it has given out last, NULL for nothing; next_value; and the largest number in the table.';

CREATE FUNCTION reefqbo._repair_sequences()
RETURNS TABLE (table_name text, column_name text, was bigint, "is" bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    lag record;
BEGIN
    FOR lag IN SELECT l.* FROM reefqbo._lagging_sequences() l
    LOOP
        -- Nobody takes a number between the looking and the setting.
        EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', lag.relation);
    END LOOP;
    FOR lag IN SELECT l.*, c.relname FROM reefqbo._lagging_sequences() l JOIN pg_class c ON c.oid = l.relation
               ORDER BY c.relname, l.attname
    LOOP
        PERFORM setval(lag.sequence, lag.largest);
        table_name := lag.relname;
        column_name := lag.attname;
        was := lag.last_value;
        "is" := lag.largest;
        RETURN NEXT;
    END LOOP;
END
$$;

COMMENT ON FUNCTION reefqbo._repair_sequences() IS 'Internal: what reefqbo.repair_sequences does, without asking who calls.';

CREATE FUNCTION reefqbo.repair_sequences()
RETURNS TABLE (table_name text, column_name text, was bigint, "is" bigint)
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_admin';

COMMENT ON FUNCTION reefqbo.repair_sequences() IS
'Sets every sequence of the schema that lags behind the numbers in its table to the highest of them. For a copy made by logical replication, which carries rows but not sequences, before it is written to.
Result: a row for each sequence that was set: table_name and column_name of the column it numbers; was, the last number it had given out, NULL for none; is, the one it stands at now. No rows if nothing lagged behind.';
INSERT INTO reefqbo._privilege VALUES ('admin', 'EXECUTE', 'FUNCTION reefqbo.repair_sequences()');
