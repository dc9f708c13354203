-- On the managed server, which has no reefqbo: plain tables for what publisher.sql publishes, and a view of the amounts by
-- month. It needs no superuser and no extension. Then make the subscription.
--
--     psql app -f subscriber.sql

\set ON_ERROR_STOP on
BEGIN;

CREATE SCHEMA reefqbo;
COMMENT ON SCHEMA reefqbo IS 'Charts of accounts and monthly actuals of QuickBooks companies, replicated from a server that has the extension reefqbo. Read only.';

CREATE TABLE reefqbo.model (
    model_id bigint PRIMARY KEY,
    name text NOT NULL,
    title text,
    currency text
);

CREATE TABLE reefqbo.branch (
    model_id bigint NOT NULL,
    branch_id bigint NOT NULL,
    name text NOT NULL,
    parent_branch_id bigint,
    is_enabled boolean NOT NULL,
    PRIMARY KEY (model_id, branch_id)
);

CREATE TABLE reefqbo.connection (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    branch_id bigint NOT NULL,
    status text NOT NULL,
    company_name text,
    legal_name text,
    country text,
    home_currency text,
    fiscal_year_start_month smallint,
    book_close_date date,
    accounts_as_of timestamptz,
    actuals_as_of timestamptz,
    PRIMARY KEY (model_id, connection_id)
);

CREATE TABLE reefqbo.account (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    fully_qualified_name text NOT NULL,
    account_number text,
    classification text,
    account_type text,
    account_subtype text,
    parent_account_id text COLLATE "C",
    is_active boolean NOT NULL,
    is_computed boolean NOT NULL,
    currency text,
    gone_since timestamptz,
    PRIMARY KEY (model_id, connection_id, account_id)
);

CREATE TABLE reefqbo.account_mapping (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    variable_id bigint NOT NULL,
    variable_type text NOT NULL,
    category text NOT NULL,
    subcategory text,
    branch_id bigint NOT NULL,
    PRIMARY KEY (model_id, connection_id, account_id)
);

CREATE TABLE reefqbo.imported_month (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    statement text COLLATE "C" NOT NULL,
    accounting_method text COLLATE "C" NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    is_provisional boolean NOT NULL,
    known_since timestamptz NOT NULL,
    PRIMARY KEY (model_id, connection_id, statement, accounting_method, period_start)
);

CREATE TABLE reefqbo._actual_year (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    statement text COLLATE "C" NOT NULL,
    accounting_method text COLLATE "C" NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    year integer NOT NULL,
    amounts numeric[] NOT NULL,
    PRIMARY KEY (model_id, connection_id, statement, accounting_method, account_id, year)
);

CREATE TABLE reefqbo.restatement (
    model_id bigint NOT NULL,
    restatement_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    statement text COLLATE "C" NOT NULL,
    accounting_method text COLLATE "C" NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    old_amount numeric NOT NULL,
    new_amount numeric NOT NULL,
    restated_at timestamptz NOT NULL,
    in_closed_period boolean NOT NULL,
    was_provisional boolean NOT NULL,
    PRIMARY KEY (model_id, restatement_id)
);

CREATE VIEW reefqbo.actual AS
SELECT y.model_id, y.connection_id, y.account_id, y.statement, y.accounting_method,
       make_date(y.year, m.month::integer, 1) AS period_start,
       (make_date(y.year, m.month::integer, 1) + interval '1 month')::date - 1 AS period_end,
       m.amount,
       c.home_currency AS currency
FROM reefqbo._actual_year y
CROSS JOIN LATERAL unnest(y.amounts) WITH ORDINALITY m (amount, month)
LEFT JOIN reefqbo.connection c USING (model_id, connection_id)
WHERE m.amount IS NOT NULL;

COMMENT ON VIEW reefqbo.actual IS
'One account''s amount in one month, one statement and one accounting method, in the company''s home currency and with the sign QuickBooks prints: the movement of the month, or the balance at its end. An account without a row is 0 in a month that imported_month has, and unknown in others.';

COMMIT;
