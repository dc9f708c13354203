/* reefqbo: the install script is joined from the parts in src/sql, in order */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION reefqbo CASCADE" to load this file. \quit

-- The schema, and the clock.

CREATE SCHEMA reefqbo;

COMMENT ON SCHEMA reefqbo IS
'Financial models linked to QuickBooks Online companies: connections, charts of accounts and monthly actuals. Read only towards QuickBooks.';

CREATE FUNCTION reefqbo._now()
RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rqbo_now_sql';

COMMENT ON FUNCTION reefqbo._now() IS
'Internal: the time that schedules, expiries and the log go by: when the present statement began, moved by reefqbo.clock_offset.';
