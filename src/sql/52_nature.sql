-- What an account of the profit and loss is by its nature: depreciation, interest, exchange differences, income tax; and which section of a
-- statement by categories its amounts stand in.

CREATE FUNCTION reefqbo._nature(account_subtype text)
RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN $1 ~ '^(Depreciation|Amorti[sz]ation|Depletion)' THEN '~Depreciation'
            WHEN $1 ~ '^Interest' OR $1 IN ('FinanceCosts', 'LoanInterest') THEN '~Interest'
            WHEN $1 ~ '^(Exchange(GainOrLoss|Difference)|Unreali[sz]edExchange)' THEN '~Exchange'
            WHEN $1 IN ('IncomeTaxExpense', 'IncomeTaxOtherExpense', 'DeferredTaxExpense', 'MatCredit') THEN '~Tax' END;

COMMENT ON FUNCTION reefqbo._nature(text) IS
'Internal: what EBITDA, EBIT and profit before tax tell apart, by QuickBooks'' detail type; NULL for all else.';

CREATE FUNCTION reefqbo._natures(model_id bigint, connections bigint[], as_of timestamptz)
RETURNS TABLE (connection_id bigint, account_id text, nature text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH account AS (
        -- what an account is mapped to goes before what QuickBooks calls it
        SELECT a.connection_id, a.account_id, a.account_type, p.variable_type,
               CASE WHEN p.variable_type = 'Tax' THEN '~Tax'
                    WHEN p.variable_type IS NULL OR reefqbo._nature(a.account_subtype) <> '~Tax' THEN reefqbo._nature(a.account_subtype) END AS nature
        FROM reefqbo._accounts_at($1, $2, $3) a
        LEFT JOIN reefqbo._mappings_at($1, $2, $3) p ON p.connection_id = a.connection_id AND p.account_id = a.account_id
    )
    SELECT a.connection_id, a.account_id, a.nature FROM account a WHERE a.nature IS NOT NULL
    UNION ALL
    -- QuickBooks has it above its operating income
    SELECT a.connection_id, a.account_id, '~Operating Tax' FROM account a WHERE a.variable_type = 'Tax' AND a.account_type IN ('Income', 'Cost of Goods Sold', 'Expense')
    UNION ALL
    -- eliminations of tax
    SELECT 0, 'Tax', '~Tax'
$$;

COMMENT ON FUNCTION reefqbo._natures(bigint, bigint[], timestamptz) IS
'Internal: the accounts whose amounts EBITDA, EBIT and profit before tax tell apart, and eliminations by the key 0 and their type. An account may have two natures.';

CREATE FUNCTION reefqbo._result_section(variable_type text, account_type text)
RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN $1 = 'Tax' OR $2 IN ('Income', 'Cost of Goods Sold', 'Expense') THEN $1
            WHEN $2 = 'Other Income' THEN 'Other Income'
            WHEN $2 = 'Other Expense' THEN 'Other Expenses'
            -- of no known type
            WHEN $1 = 'Revenue' THEN 'Other Income'
            ELSE 'Other Expenses' END;

COMMENT ON FUNCTION reefqbo._result_section(text, text) IS
'Internal: the section of a profit and loss by categories that a mapped account stands in: that of its variable type, but for other income and other expenses, which are not of the operations (ASC 220, Regulation S-X 5-03; IAS 1.87).';
