/* reefqbo: the install script is joined from the parts in src/sql, in order */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION reefqbo CASCADE" to load this file. \quit

CREATE SCHEMA reefqbo;

COMMENT ON SCHEMA reefqbo IS
'Financial models linked to QuickBooks Online companies: connections, charts of accounts and monthly actuals. Read only towards QuickBooks.';
