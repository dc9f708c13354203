/* reefqbo: the install script is joined from the parts in src/sql, in order */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION reefqbo CASCADE" to load this file. \quit

-- The schema, the list of privileges, and the clock.

-- What is bound below is bound for good. Operators are not named by schema here, and the path that CREATE EXTENSION sets begins
-- with a schema in which others may have made some.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

CREATE SCHEMA reefqbo;

COMMENT ON SCHEMA reefqbo IS
'Financial models linked to QuickBooks Online companies: connections, charts of accounts and monthly actuals. Read only towards QuickBooks.';

-- Beside each object stands what each level is granted on it, beyond what the level before it is. What stands nowhere is the owner's
-- and the superusers' alone. The last part grants it to the groups; the table is there while the script runs.
CREATE TABLE reefqbo._privilege (
    level text NOT NULL,
    privilege text NOT NULL,
    object text NOT NULL,
    PRIMARY KEY (object, level, privilege),
    CONSTRAINT privilege_level_is_known CHECK (level IN ('reader', 'monitor', 'operator', 'all_operators', 'admin', 'webhook'))
);

INSERT INTO reefqbo._privilege VALUES ('reader', 'USAGE', 'SCHEMA reefqbo');
INSERT INTO reefqbo._privilege VALUES ('monitor', 'USAGE', 'SCHEMA reefqbo');
INSERT INTO reefqbo._privilege VALUES ('webhook', 'USAGE', 'SCHEMA reefqbo');

CREATE FUNCTION reefqbo._now()
RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rqbo_now_sql';

COMMENT ON FUNCTION reefqbo._now() IS
'Internal: the time that schedules, expiries and the log go by: when the present statement began, moved by reefqbo.clock_offset.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo._now()');

CREATE FUNCTION reefqbo._show_line(text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rqbo_show_line_sql';

COMMENT ON FUNCTION reefqbo._show_line(text) IS
'Internal: a text of QuickBooks'' for a message, in one line: control characters and those that turn the direction of writing are spaces.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo._show_line(text)');
