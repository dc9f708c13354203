-- What makes up a figure: the general ledger behind one account and month, or a range of months.

CREATE TABLE reefqbo.ledger_line (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    accounting_method text COLLATE "C" NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    period_start date NOT NULL,
    line integer NOT NULL,
    transaction_date date NOT NULL,
    transaction_type text,
    transaction_id text,
    document_number text,
    name text,
    memo text,
    split_account text,
    amount numeric NOT NULL,
    import_id bigint NOT NULL,
    PRIMARY KEY (model_id, connection_id, accounting_method, account_id, period_start, line),
    FOREIGN KEY (model_id, connection_id, account_id) REFERENCES reefqbo.account,
    CONSTRAINT ledger_line_method_is_known CHECK (accounting_method IN ('Accrual', 'Cash'))
);

COMMENT ON TABLE reefqbo.ledger_line IS
'The postings that reefqbo.ledger_lines was asked to keep, by account and month, in the company''s home currency and with the sign the statements print. Beginning balances are not among them: see reefqbo.actual.';
COMMENT ON COLUMN reefqbo.ledger_line.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.ledger_line.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.ledger_line.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.ledger_line.account_id IS 'QuickBooks'' own id of the account; computed lines have ids that begin with "computed:"';
COMMENT ON COLUMN reefqbo.ledger_line.period_start IS 'first day of the month';
COMMENT ON COLUMN reefqbo.ledger_line.line IS 'place in the month, from 1, in the order QuickBooks prints';
COMMENT ON COLUMN reefqbo.ledger_line.transaction_date IS 'date of the transaction';
COMMENT ON COLUMN reefqbo.ledger_line.transaction_type IS 'as QuickBooks prints it';
COMMENT ON COLUMN reefqbo.ledger_line.transaction_id IS 'QuickBooks'' own id of the transaction';
COMMENT ON COLUMN reefqbo.ledger_line.document_number IS 'number of the document';
COMMENT ON COLUMN reefqbo.ledger_line.name IS 'customer, vendor or employee';
COMMENT ON COLUMN reefqbo.ledger_line.memo IS 'memo or description';
COMMENT ON COLUMN reefqbo.ledger_line.split_account IS 'the account on the other side, where there is one';
COMMENT ON COLUMN reefqbo.ledger_line.amount IS 'in the home currency of the company, with the sign QuickBooks prints';
COMMENT ON COLUMN reefqbo.ledger_line.import_id IS 'the import that brought it';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.ledger_line', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.ledger_line');

CREATE FUNCTION reefqbo._ledger_account(model_id bigint, connection_id bigint, account text)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ids text[];
BEGIN
    SELECT array_agg(a.account_id ORDER BY a.account_id) INTO ids
    FROM reefqbo.account a
    WHERE a.model_id = $1 AND a.connection_id = $2 AND NOT a.is_computed
      AND $3 IN (a.account_id, a.account_number, a.fully_qualified_name);
    IF ids IS NULL THEN
        RAISE undefined_object USING
            MESSAGE = format('there is no account "%s"', $3),
            HINT = 'Name it by its account_id, its number or its fully qualified name, as in reefqbo.account. What QuickBooks works out, such as Net Income, has no postings.';
    ELSIF $3 = ANY (ids) THEN
        RETURN $3;
    ELSIF cardinality(ids) > 1 THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('several accounts are called "%s"', $3),
            HINT = format('Name one by its account_id: %s.', reefqbo._show_line(array_to_string(ids, ', ')));
    END IF;
    RETURN ids[1];
END
$$;

COMMENT ON FUNCTION reefqbo._ledger_account(bigint, bigint, text) IS
'Internal: the id of an account that is named by its id, number or fully qualified name; an id comes before a number or name like it. Errors: 42704 none; 22023 several.';

CREATE FUNCTION reefqbo.ledger_lines(model text, account text, month date, until date DEFAULT NULL,
    accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL, keep boolean DEFAULT false)
RETURNS TABLE (line integer, account_id text, transaction_date date, transaction_type text, transaction_id text,
               document_number text, name text, memo text, split_account text, amount numeric, running numeric,
               currency text)
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_ledger_lines';

COMMENT ON FUNCTION reefqbo.ledger_lines(text, text, date, date, text, text, boolean) IS
'What makes up a figure: the postings to one account in one month, or a range of months, read from QuickBooks'' general ledger. Postings to accounts under it are not its own.
They are accepted if they sum to the figure: for income and expenses to the movement in reefqbo.actual, for other accounts from the balance before to the balance at the end. What an account in another currency gains or loses by its rate has no posting: it is the last line, of type Revaluation. If the figure was not imported, a notice says so.
Nothing is stored but the import''s line in reefqbo.import_log, unless keep is true: then reefqbo.ledger_line holds them, in the place of those of the same account and months.
Arguments: model; account, by its account_id, its number or its fully qualified name; month, any day of it; until, any day of the last month of a range, by default the same month;
accounting_method, ''Accrual'' or ''Cash''; branch, by default the root''s company, or the model''s only one; keep.
Result: the postings in QuickBooks'' order, with amount in the home currency and with the sign the statements print; line 0 is the beginning balance of an account that has balances, with amount NULL; running, the sum so far, ends with the figure; currency, that of both.
Errors: 42704 no such model, branch, connection or account; 22023 several accounts of that name, until before month, unknown method; RQ001, RQ003 to RQ006, RQ010, RQ011; RQ007 they do not sum to the figure; RQ008.
See https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/generalledger';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.ledger_lines(text, text, date, date, text, text, boolean)');
