-- A report of QuickBooks as rows: for the developer who wants to see what is in one, and for tests.

CREATE FUNCTION reefqbo.report_cells(report text)
RETURNS TABLE (
    line integer,
    depth integer,
    section text,
    account_id text,
    account_name text,
    kind text,
    column_number integer,
    column_title text,
    period_start date,
    period_end date,
    amount numeric)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rqbo_report_cells';

COMMENT ON FUNCTION reefqbo.report_cells(text) IS
'The figures of a QuickBooks report, one row for each line and column of money, after every sum in it was made again.

report: the JSON answer of the report ProfitAndLoss, BalanceSheet or TrialBalance, whole and unchanged.

line counts from 1 in the order of the report, column_number from 1 at the first column of money. depth is 0 at the top. section is the group (Income, Equity, ...) of the nearest section that has one; a section''s own Header and Summary are inside it. kind: account is an account''s own amount, and account_id its id in QuickBooks; computed is a line QuickBooks works out, such as Net Income; total is the sum of a section or any figure in a total column, for checking only. period_start and period_end are the first and the last day of the column, NULL for a total column. amount is in the company''s home currency with the sign QuickBooks prints, and 0 where the report has nothing.

A report without data gives rows of 0, or no rows. Errors: RQ007 if its figures do not tie out, with the section, the column and the difference in the detail; RQ008 if the text is no such report, is a fault, or was cut short by QuickBooks.

reefqbo.max_response_size is not asked for here: a text is refused (RQ008) that would need more than 1 GB to parse. What else it takes grows as the text does, and it can be cancelled.

https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/profitandloss
https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/balancesheet
https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/trialbalance';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.report_cells(text)');
