-- By class and by department (location): the parts of each month's profit and loss, and which branch each part feeds.

CREATE TABLE reefqbo.dimension_value (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    dimension text NOT NULL,
    value_id text NOT NULL,
    name text NOT NULL,
    fully_qualified_name text NOT NULL,
    parent_value_id text,
    is_active boolean NOT NULL DEFAULT true,
    gone_since timestamptz,
    PRIMARY KEY (model_id, connection_id, dimension, value_id),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection,
    CONSTRAINT dimension_value_dimension_is_known CHECK (dimension IN ('class', 'department'))
);

COMMENT ON TABLE reefqbo.dimension_value IS
'The classes and departments (locations) of each connection, keyed by QuickBooks'' own id; what is not tagged has the id ''unspecified''. Rows are never removed: inactive ones, and those QuickBooks no longer names, keep their history.
See https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/class and …/department';
COMMENT ON COLUMN reefqbo.dimension_value.parent_value_id IS 'the value it stands under; amounts of a value never contain those of the values under it';
COMMENT ON COLUMN reefqbo.dimension_value.gone_since IS 'since when QuickBooks no longer names it in its list; NULL while it does';

CREATE TABLE reefqbo.dimension_month (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    dimension text NOT NULL,
    accounting_method text NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    import_id bigint NOT NULL,
    fetched_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (model_id, connection_id, dimension, accounting_method, period_start),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection,
    CONSTRAINT dimension_month_dimension_is_known CHECK (dimension IN ('class', 'department')),
    CONSTRAINT dimension_month_method_is_known CHECK (accounting_method IN ('Accrual', 'Cash'))
);

COMMENT ON TABLE reefqbo.dimension_month IS
'Which months were fetched by that dimension. A value and account without a row in reefqbo.dimension_actual is 0 in a month that is here, and unknown in a month that is not.';
COMMENT ON COLUMN reefqbo.dimension_month.import_id IS 'the import that fetched it the last time';
COMMENT ON COLUMN reefqbo.dimension_month.fetched_at IS 'when that was; the parts summed to reefqbo.actual then';

CREATE TABLE reefqbo.dimension_actual (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    dimension text NOT NULL,
    accounting_method text NOT NULL,
    period_start date NOT NULL,
    value_id text NOT NULL,
    account_id text NOT NULL,
    period_end date NOT NULL,
    amount numeric NOT NULL,
    import_id bigint NOT NULL,
    PRIMARY KEY (model_id, connection_id, dimension, accounting_method, period_start, value_id, account_id),
    FOREIGN KEY (model_id, connection_id, account_id) REFERENCES reefqbo.account,
    FOREIGN KEY (model_id, connection_id, dimension, value_id) REFERENCES reefqbo.dimension_value,
    CONSTRAINT dimension_actual_method_is_known CHECK (accounting_method IN ('Accrual', 'Cash'))
);

COMMENT ON TABLE reefqbo.dimension_actual IS
'One account''s movement in one month that is tagged with one class or department, in the company''s home currency and with the sign the profit and loss prints.
The values of a dimension, ''unspecified'' included, sum to reefqbo.actual. What is 0 has no row, unless it once had another amount.';
COMMENT ON COLUMN reefqbo.dimension_actual.import_id IS 'the import that brought this amount';

CREATE TABLE reefqbo.dimension_mapping (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    dimension text NOT NULL,
    value_id text NOT NULL,
    branch_id bigint NOT NULL,
    PRIMARY KEY (model_id, connection_id, value_id),
    FOREIGN KEY (model_id, connection_id, dimension, value_id) REFERENCES reefqbo.dimension_value,
    FOREIGN KEY (model_id, branch_id) REFERENCES reefqbo.branch
);

COMMENT ON TABLE reefqbo.dimension_mapping IS
'Which branch a class or department of a company feeds; what is not mapped stays with the company''s own branch. Only one dimension of a company is mapped at a time. Changed with reefqbo.map_dimension.';

