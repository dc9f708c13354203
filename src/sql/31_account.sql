-- The charts of accounts, what has happened to the accounts, and the side of the ledger they are on.

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
    is_active boolean NOT NULL DEFAULT true,
    is_computed boolean NOT NULL DEFAULT false,
    currency text,
    current_balance numeric,
    description text,
    gone_since timestamptz,
    first_seen_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    changed_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (model_id, connection_id, account_id),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection
);

COMMENT ON TABLE reefqbo.account IS
'The chart of accounts of each connection, keyed by QuickBooks'' account id. Rows are never removed: inactive and deleted accounts, and those QuickBooks no longer names, keep their history.
See https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/account';
COMMENT ON COLUMN reefqbo.account.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.account.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.account.account_id IS 'QuickBooks'' own id, text; a line QuickBooks computes has an id that begins with "computed:", by its group, or the section it stands in and its place there, which no language changes';
COMMENT ON COLUMN reefqbo.account.name IS 'its short name; deleted ones end in (deleted)';
COMMENT ON COLUMN reefqbo.account.fully_qualified_name IS 'the names from the top down, joined by colons';
COMMENT ON COLUMN reefqbo.account.account_number IS 'the account''s number, if the company uses numbers';
COMMENT ON COLUMN reefqbo.account.classification IS 'Asset, Liability, Equity, Revenue or Expense';
COMMENT ON COLUMN reefqbo.account.account_type IS 'QuickBooks'' account type, such as Expense';
COMMENT ON COLUMN reefqbo.account.account_subtype IS 'QuickBooks'' detail type, such as OfficeExpenses';
COMMENT ON COLUMN reefqbo.account.parent_account_id IS 'the account it stands under; always an account of the same connection, though no constraint says so, since that would keep pg_dump --inserts from being restored';
COMMENT ON COLUMN reefqbo.account.is_active IS 'false: made inactive in QuickBooks';
COMMENT ON COLUMN reefqbo.account.is_computed IS 'a line that is in no chart: Net Income inside equity, kept so that a balance sheet balances, or a line of the profit and loss such as an unrealized gain or loss';
COMMENT ON COLUMN reefqbo.account.currency IS 'currency the account holds amounts in';
COMMENT ON COLUMN reefqbo.account.current_balance IS 'today''s balance as QuickBooks delivers it: in the account''s own currency, in the ledger''s sign (credit cards excepted), 0 for income and expenses. Statements use reefqbo.actual instead';
COMMENT ON COLUMN reefqbo.account.description IS 'QuickBooks'' own text';
COMMENT ON COLUMN reefqbo.account.gone_since IS 'since when QuickBooks no longer names the account in its chart; NULL while it does';
COMMENT ON COLUMN reefqbo.account.first_seen_at IS 'when an import first met it';
COMMENT ON COLUMN reefqbo.account.changed_at IS 'when an import last found it changed';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.account', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.account');

CREATE TABLE reefqbo.account_change (
    model_id bigint NOT NULL,
    change_id bigint GENERATED ALWAYS AS IDENTITY,
    connection_id bigint NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    change text NOT NULL,
    old_value text,
    new_value text,
    noticed_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    import_id bigint NOT NULL,
    PRIMARY KEY (model_id, change_id),
    FOREIGN KEY (model_id, connection_id, account_id) REFERENCES reefqbo.account,
    CONSTRAINT account_change_is_known CHECK (change IN ('new', 'renamed', 'renumbered', 'reclassified', 'moved',
        'inactivated', 'reactivated', 'deleted', 'gone', 'returned', 'merged', 'mismapped'))
);

CREATE INDEX account_change_account ON reefqbo.account_change (model_id, connection_id, account_id, change_id);

COMMENT ON TABLE reefqbo.account_change IS
'What has happened to accounts since the chart was first read, as imports noticed it: old, new, when. The accounts of the first chart are no news.';
COMMENT ON COLUMN reefqbo.account_change.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.account_change.change_id IS 'in the order they were noticed';
COMMENT ON COLUMN reefqbo.account_change.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.account_change.account_id IS 'QuickBooks'' own id of the account; computed lines have ids that begin with "computed:"';
COMMENT ON COLUMN reefqbo.account_change.change IS
'new; renamed and moved (old and new full name); renumbered (account number); reclassified (type and subtype); inactivated and reactivated; deleted (inactive, with QuickBooks'' suffix to its name); gone and returned (no longer, again named in the chart); merged (new_value is the id of the account that has its figures now); mismapped (what it is mapped to no longer fits its type)';
COMMENT ON COLUMN reefqbo.account_change.old_value IS 'what it was before';
COMMENT ON COLUMN reefqbo.account_change.new_value IS 'what it is now';
COMMENT ON COLUMN reefqbo.account_change.noticed_at IS 'when the import noticed it';
COMMENT ON COLUMN reefqbo.account_change.import_id IS 'the import, as in reefqbo.import_log';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.account_change', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.account_change_change_id_seq', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.account_change');

-- Functions with RETURN, here and in the parts after this one, are bound to what they call when they are made, and need no
-- search_path, so that the planner can put them in the place of their calls.

CREATE FUNCTION reefqbo._is_closing_line(is_computed boolean, classification text)
RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN $1 AND coalesce($2, 'Equity') = 'Equity';

COMMENT ON FUNCTION reefqbo._is_closing_line(boolean, text) IS
'Internal: whether a row of reefqbo.account is the profit inside equity: that is mapped nowhere, while another line that is in no chart is mapped as accounts are.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo._is_closing_line(boolean, text)');

CREATE FUNCTION reefqbo._debit_sign(account_type text, classification text)
RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN $1 IN ('Cost of Goods Sold', 'Expense', 'Other Expense', 'Bank', 'Accounts Receivable',
                        'Other Current Asset', 'Fixed Asset', 'Other Asset') THEN 1
            WHEN $1 IN ('Income', 'Other Income', 'Accounts Payable', 'Credit Card', 'Other Current Liability',
                        'Long Term Liability', 'Equity') THEN -1
            WHEN $2 IN ('Asset', 'Expense') THEN 1 ELSE -1 END;

COMMENT ON FUNCTION reefqbo._debit_sign(text, text) IS
'Internal: what to multiply an amount as QuickBooks prints it with, for debits to be positive: 1 for an asset or a cost, -1 for income, liabilities and equity.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo._debit_sign(text, text)');

CREATE FUNCTION reefqbo._decimals(currency text)
RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN $1 IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
            WHEN $1 IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3 ELSE 2 END;

COMMENT ON FUNCTION reefqbo._decimals(text) IS
'Internal: how many decimals the amounts of a currency have, by ISO 4217: yen none, dinars three; two where the currency is not known.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo._decimals(text)');

CREATE FUNCTION reefqbo._in_decimals(amount numeric, currency text)
RETURNS numeric
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN $1 = round($1, reefqbo._decimals($2)) THEN round($1, reefqbo._decimals($2)) ELSE $1 END;

COMMENT ON FUNCTION reefqbo._in_decimals(numeric, text) IS
'Internal: an amount with the decimals of its currency; one that has more keeps them.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo._in_decimals(numeric, text)');
