-- What everybody else fills who is measured: the same rows in tables as one would make them by hand.

CREATE TABLE account (
    company bigint NOT NULL,
    account_id text NOT NULL,
    name text NOT NULL,
    fully_qualified_name text NOT NULL,
    account_number text,
    classification text,
    account_type text,
    account_subtype text,
    parent_account_id text,
    is_active boolean NOT NULL,
    currency text,
    current_balance numeric,
    PRIMARY KEY (company, account_id)
);

CREATE TABLE actual (
    company bigint NOT NULL,
    account_id text NOT NULL,
    statement text NOT NULL,
    accounting_method text NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    amount numeric NOT NULL,
    PRIMARY KEY (company, statement, accounting_method, period_start, account_id),
    FOREIGN KEY (company, account_id) REFERENCES account
);

-- Of the user of PL/pgSQL: an answer as it came.
CREATE UNLOGGED TABLE answer (body text NOT NULL);

CREATE FUNCTION take_answer(file text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    document jsonb;
BEGIN
    EXECUTE format('COPY answer FROM %L WITH (FORMAT csv, DELIMITER E''\x01'', QUOTE E''\x02'')', file);
    SELECT string_agg(body, E'\n')::jsonb INTO document FROM answer;
    DELETE FROM answer;
    RETURN document;
END
$$;

CREATE FUNCTION put_accounts(company bigint, document jsonb) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO account
    SELECT $1, a ->> 'Id', a ->> 'Name', a ->> 'FullyQualifiedName', a ->> 'AcctNum', a ->> 'Classification',
        a ->> 'AccountType', a ->> 'AccountSubType', a #>> '{ParentRef,value}', (a ->> 'Active')::boolean,
        a #>> '{CurrencyRef,value}', (a ->> 'CurrentBalance')::numeric
    FROM jsonb_array_elements(document #> '{QueryResponse,Account}') a
    ON CONFLICT (company, account_id) DO UPDATE SET name = excluded.name,
        fully_qualified_name = excluded.fully_qualified_name, account_number = excluded.account_number,
        classification = excluded.classification, account_type = excluded.account_type,
        account_subtype = excluded.account_subtype, parent_account_id = excluded.parent_account_id,
        is_active = excluded.is_active, currency = excluded.currency, current_balance = excluded.current_balance
$$;

CREATE FUNCTION put_statement(company bigint, statement text, document jsonb) RETURNS void
LANGUAGE sql AS $$
    WITH RECURSIVE period AS (
        SELECT c.place, min(m ->> 'Value') FILTER (WHERE m ->> 'Name' = 'StartDate') AS first,
            min(m ->> 'Value') FILTER (WHERE m ->> 'Name' = 'EndDate') AS last
        FROM jsonb_array_elements(document #> '{Columns,Column}') WITH ORDINALITY c (value, place),
            jsonb_array_elements(c.value -> 'MetaData') m
        GROUP BY c.place
    ), line (row) AS (
        SELECT jsonb_array_elements(document #> '{Rows,Row}')
        UNION ALL
        SELECT jsonb_array_elements(row #> '{Rows,Row}') FROM line
    ), cells AS (
        SELECT COALESCE(row #> '{Header,ColData}', row -> 'ColData') AS cells FROM line
    ), amount AS MATERIALIZED (
        SELECT cells #>> '{0,id}' AS account_id, p.first, p.last, c.value ->> 'value' AS amount
        FROM cells, jsonb_array_elements(cells) WITH ORDINALITY c (value, place) JOIN period p USING (place)
        WHERE cells #>> '{0,id}' <> '' AND p.first IS NOT NULL AND c.value ->> 'value' <> ''
    )
    INSERT INTO actual
    SELECT $1, account_id, $2, 'Accrual', first::date, last::date, amount::numeric FROM amount WHERE amount::numeric <> 0
    ON CONFLICT (company, statement, accounting_method, period_start, account_id) DO UPDATE SET amount = excluded.amount
$$;

-- What curl has left in a directory: three files for each company.
CREATE PROCEDURE take_all(directory text, companies integer)
LANGUAGE plpgsql AS $$
BEGIN
    FOR company IN 1 .. companies LOOP
        PERFORM put_accounts(company, take_answer(directory || '/' || company || '-accounts'));
        PERFORM put_statement(company, 'profit_and_loss', take_answer(directory || '/' || company || '-ProfitAndLoss'));
        PERFORM put_statement(company, 'balance_sheet', take_answer(directory || '/' || company || '-BalanceSheet'));
        COMMIT;
    END LOOP;
END
$$;
