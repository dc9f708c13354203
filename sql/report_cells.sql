-- Reports as rows: every shape QuickBooks is known to send, with figures worked out by hand, and every
-- reason to refuse one. The reports are in test/fixtures/reports.
SET client_min_messages = warning;
SET client_encoding = 'UTF8';
CREATE EXTENSION IF NOT EXISTS reefqbo CASCADE;

\getenv abs_srcdir PG_ABS_SRCDIR
\setenv fixtures :abs_srcdir/test/fixtures/reports

CREATE TEMP TABLE fixture (name text PRIMARY KEY, report text NOT NULL);
\set report `cat "$fixtures/pl_month.json"`
INSERT INTO fixture VALUES ('pl_month', :'report');
\set report `cat "$fixtures/pl_key_order.json"`
INSERT INTO fixture VALUES ('pl_key_order', :'report');
\set report `cat "$fixtures/pl_partial_months.json"`
INSERT INTO fixture VALUES ('pl_partial_months', :'report');
\set report `cat "$fixtures/pl_no_data_skeleton.json"`
INSERT INTO fixture VALUES ('pl_no_data_skeleton', :'report');
\set report `cat "$fixtures/pl_no_data_empty_rows.json"`
INSERT INTO fixture VALUES ('pl_no_data_empty_rows', :'report');
\set report `cat "$fixtures/bs_no_data_one_column.json"`
INSERT INTO fixture VALUES ('bs_no_data_one_column', :'report');
\set report `cat "$fixtures/tb_no_data_null_row.json"`
INSERT INTO fixture VALUES ('tb_no_data_null_row', :'report');
\set report `cat "$fixtures/pl_french.json"`
INSERT INTO fixture VALUES ('pl_french', :'report');
\set report `cat "$fixtures/bs_german.json"`
INSERT INTO fixture VALUES ('bs_german', :'report');
\set report `cat "$fixtures/pl_japanese.json"`
INSERT INTO fixture VALUES ('pl_japanese', :'report');
\set report `cat "$fixtures/bs_month.json"`
INSERT INTO fixture VALUES ('bs_month', :'report');
\set report `cat "$fixtures/tb_total.json"`
INSERT INTO fixture VALUES ('tb_total', :'report');
\set report `cat "$fixtures/pl_class.json"`
INSERT INTO fixture VALUES ('pl_class', :'report');

-- one line a row, its amounts side by side
CREATE FUNCTION pg_temp.lines(fixture text)
RETURNS TABLE (line integer, depth integer, section text, id text, name text, kinds text, amounts text)
LANGUAGE sql AS
$$
    SELECT c.line, c.depth, c.section, c.account_id, c.account_name,
           string_agg(DISTINCT c.kind, ' '), string_agg(c.amount::text, ' ' ORDER BY c.column_number)
    FROM fixture f, reefqbo.report_cells(f.report) c
    WHERE f.name = lines.fixture
    GROUP BY c.line, c.depth, c.section, c.account_id, c.account_name
    ORDER BY c.line
$$;

CREATE FUNCTION pg_temp.columns(fixture text)
RETURNS TABLE (number integer, title text, starts date, ends date, kinds text)
LANGUAGE sql AS
$$
    SELECT c.column_number, c.column_title, c.period_start, c.period_end, string_agg(DISTINCT c.kind, ' ')
    FROM fixture f, reefqbo.report_cells(f.report) c
    WHERE f.name = columns.fixture
    GROUP BY c.column_number, c.column_title, c.period_start, c.period_end
    ORDER BY c.column_number
$$;

-- A profit and loss by month. Kayak Tours (20) posts 100.00 and -0.50 itself; its section is
-- 100.00 + 12 + 0 = 112.00, 0 + 0 + 250.25 = 250.25, -0.50 + 1.50 + 0 = 1.00. Income is that + 1000.00,
-- 1100.10, 0. Net income is 1112.00 - 200.00 - 375.25 = 536.75; 1350.35 - 300.00 + 0.01 = 1050.36;
-- 1.00 - 274.75 = -273.75; in all 1313.36. Two accounts are called Supplies, in different places.
SELECT * FROM pg_temp.columns('pl_month');
SELECT * FROM pg_temp.lines('pl_month');

-- the cells of one account
SELECT c.* FROM fixture f, reefqbo.report_cells(f.report) c WHERE f.name = 'pl_month' AND c.account_id = '20';

-- Keys in another order, no "type", one row where a list is usual, an id and an amount as numbers: the
-- amount has 21 digits and none is lost. The only column of money is the data, though its key is "total".
SELECT * FROM pg_temp.columns('pl_key_order');
SELECT * FROM pg_temp.lines('pl_key_order');

-- Months cut at both ends of the range: 10.00 + 20.00 + 5.00 = 35.00.
SELECT * FROM pg_temp.columns('pl_partial_months');
SELECT * FROM pg_temp.lines('pl_partial_months');

-- No data, four ways: all zero, or nothing at all.
SELECT * FROM pg_temp.lines('pl_no_data_skeleton');
SELECT * FROM pg_temp.lines('pl_no_data_empty_rows');
SELECT * FROM pg_temp.lines('bs_no_data_one_column');
SELECT * FROM pg_temp.lines('tb_no_data_null_row');

-- Titles in other languages and groups of other countries. 500.00 - 120.40 = 379.60; 0 - 80.00; 299.60.
SELECT * FROM pg_temp.columns('pl_french');
SELECT * FROM pg_temp.lines('pl_french');
-- 810.00 + 190.00 = 1000.00 = 600.00 + 400.00
SELECT * FROM pg_temp.lines('bs_german');
-- 98000 - 12000 = 86000
SELECT * FROM pg_temp.columns('pl_japanese');
SELECT * FROM pg_temp.lines('pl_japanese');

-- A balance sheet by month. Boat (37) has 8000.00 of its own. Net Income is a line without id and counts in
-- equity: 9000.00 + 400.00 = 9400.00, 9000.00 + 552.50 = 9552.50. Assets: 1500.00 + 7900.00 = 9400.00;
-- 1740.50 + 7800.00 = 9540.50 = -12.00 + 9552.50.
SELECT * FROM pg_temp.columns('bs_month');
SELECT * FROM pg_temp.lines('bs_month');

-- A trial balance: rows without type. 1740.50 + 8000.00 = 9740.50 = 9000.00 + 740.50.
SELECT * FROM pg_temp.columns('tb_total');
SELECT * FROM pg_temp.lines('tb_total');

-- By class, one with two columns inside it; what has no class counts: 60.00 + 4.00 = 64.00.
SELECT * FROM pg_temp.columns('pl_class');
SELECT * FROM pg_temp.lines('pl_class');

-- The same with the sum of the two inside, which has no key: 10.00 + 20.00 = 30.0 is for checking only.
INSERT INTO fixture
SELECT 'pl_class_sums', replace(replace(regexp_replace(report, '("Value": "502"}]\s*})', '\1, {"ColTitle": "Total North Reef", "ColType": "Money"}'),
    '{"value": "20.00"}', '{"value": "20.00"}, {"value": "30.0"}'), '{"value": "Not Specified"}', '{"value": "Not Specified"}, {"value": ""}')
FROM fixture WHERE name = 'pl_class';
SELECT * FROM pg_temp.columns('pl_class_sums');
SELECT * FROM pg_temp.lines('pl_class_sums');

-- Columns in columns in columns, each with the sum of what stands in it, not only of what stands right in it:
-- 1 + 2 = 3, 3 + 4 + 5 = 12, 12 + 6 = 18. Text in a column of columns is no part.
INSERT INTO fixture VALUES ('pl_class_nested', $json$
{"Header": {"ReportName": "ProfitAndLoss", "SummarizeColumnsBy": "Classes"},
 "Columns": {"Column": [
   {"ColTitle": "", "ColType": "Account"},
   {"ColTitle": "Words", "Columns": {"Column": [{"ColTitle": "Notes", "ColType": "String"}]}},
   {"ColTitle": "Sea", "ColType": "Money", "Columns": {"Column": [
     {"ColTitle": "Reef", "ColType": "Money", "Columns": {"Column": [
       {"ColTitle": "Shallow", "ColType": "Money", "MetaData": [{"Name": "ColKey", "Value": "1"}]},
       {"ColTitle": "Deep", "ColType": "Money", "MetaData": [{"Name": "ColKey", "Value": "2"}]},
       {"ColTitle": "Sum of Reef", "ColType": "Money"}]}},
     {"ColTitle": "Wreck", "ColType": "Money", "MetaData": [{"Name": "ColKey", "Value": "3"}]},
     {"ColTitle": "Shore", "ColType": "Money", "MetaData": [{"Name": "ColKey", "Value": "4"}]},
     {"ColTitle": "Total Sea", "ColType": "Money"}]}},
   {"ColTitle": "Land", "ColType": "Money", "MetaData": [{"Name": "ColKey", "Value": "5"}]},
   {"ColTitle": "TOTAL", "ColType": "Money", "MetaData": [{"Name": "ColKey", "Value": "total"}]}]},
 "Rows": {"Row": [
   {"Header": {"ColData": [{"value": "Income"}]},
    "Rows": {"Row": [{"ColData": [{"value": "Dives", "id": "1"}, {"value": ""}, {"value": "1"}, {"value": "2"}, {"value": "3"},
      {"value": "4"}, {"value": "5"}, {"value": "12"}, {"value": "6"}, {"value": "18"}]}]},
    "Summary": {"ColData": [{"value": "Total Income"}, {"value": ""}, {"value": "1"}, {"value": "2"}, {"value": "3"},
      {"value": "4"}, {"value": "5"}, {"value": "12"}, {"value": "6"}, {"value": "18"}]}, "group": "Income"},
   {"Summary": {"ColData": [{"value": "Net Income"}, {"value": ""}, {"value": "1"}, {"value": "2"}, {"value": "3"},
      {"value": "4"}, {"value": "5"}, {"value": "12"}, {"value": "6"}, {"value": "18"}]}, "group": "NetIncome"}]}}
$json$);
SELECT * FROM pg_temp.columns('pl_class_nested');
SELECT * FROM pg_temp.lines('pl_class_nested');

-- Rows that say nothing make no line; a title with an amount does, and counts: 1 + 2 = 3.
INSERT INTO fixture VALUES ('odd_rows', $json$
{"Header": {"ReportName": "ProfitAndLoss"},
 "Columns": {"Column": [{"ColType": "account"}, {"ColType": "money", "ColTitle": null}]},
 "Rows": {"Row": [
   {}, null, {"ColData": []}, {"ColData": [{"value": ""}, {"value": ""}]}, {"Rows": {}},
   {"Header": {"ColData": [{"value": "Income"}, {"value": "1"}, {"value": "0.00"}]},
    "Rows": {"Row": [{"ColData": [{"value": "Sales", "id": "1"}, {"value": "2"}]}, {"ColData": [{"value": "None", "id": "2"}]}]},
    "Summary": {"ColData": [{"value": "Total Income", "id": "1"}, {"value": "3"}, {"value": ""}]},
    "group": "Income"},
   {"Header": {}, "Rows": {}, "Summary": {"ColData": [{"value": "Net Income"}, {"value": "+3."}]}, "group": "NetIncome"}]}}
$json$);
SELECT * FROM pg_temp.columns('odd_rows');
SELECT * FROM pg_temp.lines('odd_rows');

-- a byte order mark and white space around the document
SELECT count(*) FROM fixture, reefqbo.report_cells(E'\uFEFF\r\n ' || report || E' \t\n') WHERE name = 'pl_month';

SELECT count(*) FROM reefqbo.report_cells(NULL);

-- What is refused. Each case is a good report with something changed in it.
CREATE FUNCTION pg_temp.refusal(report text, OUT code text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM reefqbo.report_cells(report);
    message := 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END
$$;

CREATE TEMP TABLE change (
    number integer GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL REFERENCES fixture,
    old text NOT NULL,
    new text NOT NULL);

CREATE FUNCTION pg_temp.refusals()
RETURNS TABLE (change text, code text, message text, detail text, hint text)
LANGUAGE sql AS
$$
    SELECT format('%s: %s -> %s', c.name, left(c.old, 60), left(c.new, 60)), r.*
    FROM change c
    JOIN fixture f USING (name)
    CROSS JOIN pg_temp.refusal(replace(f.report, c.old, c.new)) r
    ORDER BY c.number
$$;

\pset expanded on

-- figures that do not tie out, or periods with a gap: RQ007
INSERT INTO change (name, old, new) VALUES
    ('pl_month', '"value": "12"', '"value": "12.01"'),
    ('pl_month', '"value": "100.00"', '"value": ""'),
    ('pl_month', '"value": "2463.35"', '"value": "2463.34"'),
    ('pl_month', '"value": "912.00"', '"value": "913.00"'),
    ('pl_month', '"value": "13.50"', '"value": ".50"'),
    ('pl_month', '"value": "1050.35"', '"value": "1050.36"'),
    ('pl_month', '"group": "NetIncome"', '"group": "Other"'),
    ('pl_month', '"group": "COGS"', '"group": "OtherIncome"'),
    ('pl_month', '"StartPeriod": "2024-01-01"', '"StartPeriod": "2023-12-01"'),
    ('pl_month', '"EndPeriod": "2024-03-31"', '"EndPeriod": "2024-12-31"'),
    ('pl_month', '"Value": "2024-02-29"', '"Value": "2024-02-28"'),
    ('pl_french', '"group": "ProfitOrLoss"', '"Header": {"ColData": [{"value": "X", "id": "1"}, {"value": "379.60"}, {"value": "-80.00"}, {"value": "299.60"}]}'),
    ('pl_no_data_skeleton', '"value": "0.00"', '"value": "0.01"'),
    ('pl_class', '"value": "4.00"', '"value": "5.00"'),
    ('pl_class_sums', '"value": "30.0"', '"value": "31.0"'),
    ('pl_class_nested', '"value": "3"}', '"value": "9"}'),
    ('pl_class_nested', '"value": "12"}', '"value": "9"}'),
    ('pl_class_nested', '"value": "18"}', '"value": "9"}'),
    ('bs_month', '"value": "9000.00"', '"value": "9000.01"'),
    ('bs_german', '"600.00"', '"599.00"'),
    ('bs_german', '"value": "1000.00"', '"value": "-1000.00"'),
    ('tb_total', '"value": "740.50"', '"value": "740.51"'),
    ('tb_total', '"value": "Boat:Original Cost", "id": "38"', '"value": "Boat:Original Cost", "id": ""'),
    ('tb_total', '"group": "GrandTotal"', '"Header": {"ColData": [{"value": "T"}]}'),
    ('pl_key_order', '456789.01"', '456789.02"');
SELECT * FROM pg_temp.refusals();
TRUNCATE change;

-- Every column sums, but the last is not the sum of the others: 61.00 is not 10.00 + 20.00 + 30.00.
SELECT r.*
FROM fixture, pg_temp.refusal(replace(replace(report, '"value": "60.00"', '"value": "61.00"'), '"value": "64.00"', '"value": "65.00"')) r
WHERE name = 'pl_class';

-- The two sides of a balance sheet differ, or one is not there. Where the groups are not the known ones and
-- there are not two sides, only somebody who knows the accounts can tell: accepted here.
SELECT r.*
FROM fixture, pg_temp.refusal(replace(replace(report,
    '"value": "600.00"', '"value": "599.00"'),
    '"value": "SUMME PASSIVA"}, {"value": "1000.00"}', '"value": "SUMME PASSIVA"}, {"value": "999.00"}')) r
WHERE name = 'bs_german';
SELECT r.*
FROM fixture, pg_temp.refusal(left(report, strpos(report, '"PASSIVA"') - 1) || '"PASSIVA"}]}}]}}') r
WHERE name = 'bs_german';
SELECT r.*
FROM fixture, pg_temp.refusal(replace(left(report, strpos(report, '"PASSIVA"') - 1), '"Aktiva"', '"TotalAssets"')
    || '"PASSIVA"}]}}]}}') r
WHERE name = 'bs_german';

-- no such report, or none that can be read: RQ008
INSERT INTO change (name, old, new) VALUES
    ('pl_month', '"ProfitAndLoss"', '"CashFlow"'),
    ('pl_month', '"ReportName": "ProfitAndLoss",', ''),
    ('pl_month', '"Header"', '"Heading"'),
    ('pl_month', '"StartPeriod": "2024-01-01"', '"StartPeriod": "01/01/2024"'),
    ('pl_month', '"StartPeriod": "2024-01-01"', '"StartPeriod": "2024-04-01"'),
    ('pl_month', '"Value": "2024-02-29"', '"Value": "2024-02-30"'),
    ('pl_month', '"Value": "2024-02-29"', '"Value": ""'),
    ('pl_month', '"Value": "2024-02-29"', '"Value": "2024-01-29"'),
    ('pl_month', '"Account"', '"Label"'),
    ('pl_class', '"Name": "ColKey", "Value": "', '"Name": "ColKey", "Value": "total", "Was": "'),
    ('pl_month', '"Columns": {', '"Pillars": {'),
    ('pl_month', '"value": "1000.00"', '"value": "1,000.00"'),
    ('pl_month', '"value": "1000.00"', '"value": "1e3"'),
    ('pl_month', '"value": "1000.00"', '"value": 1e3'),
    ('pl_month', '"value": "1000.00"', '"value": "NaN"'),
    ('pl_month', '"value": "1000.00"', '"value": NaN'),
    ('pl_month', '"value": "1000.00"', '"value": "1000.00 %"'),
    ('pl_month', '"value": "1000.00"', '"value": " 1000.00"'),
    ('pl_month', '"value": "1000.00"', '"value": "1.000.00"'),
    ('pl_month', '"value": "1000.00"', '"value": "."'),
    ('pl_month', '"value": "1000.00"', '"value": "1000.0000000000000000000000000000000000000"'),
    ('pl_month', '"value": "1000.00"', '"value": true'),
    ('pl_month', '"value": "1000.00"', '"value": {"amount": "1000.00"}'),
    ('pl_month', '"value": "1000.00"', '"value": 99999999999999999999999'),
    ('pl_month', '{"value": "1000.00"}', '"1000.00"'),
    ('pl_month', '{"value": "1000.00"}', '{"value": "1000.00"}, {"value": "7"}'),
    ('pl_month', '"id": "30"', '"id": "60"'),
    ('pl_month', '"id": "30"', '"id": "' || repeat('3', 101) || '"'),
    ('pl_month', '"value": "Ticket Sales"', '"value": "' || repeat('x', 4001) || '"'),
    ('pl_month', '"ColTitle": "Jan 2024"', '"ColTitle": "' || repeat('x', 4001) || '"'),
    ('pl_month', '"group": "COGS"', '"group": "' || repeat('x', 4001) || '"'),
    ('pl_month', '"value": "Ticket Sales"', '"value": "Unable to display more data. Please reduce the date range."'),
    ('pl_month', '{"value": "Rent", "id": "60"}', '{"value": "Rent", "id": "60"}, {"value": "Unable to display more data"}'),
    ('pl_key_order', '"Rows": {
          "Row"', '"Rows": {
          "Row": 1, "Row" : "x", "Were"'),
    ('pl_key_order', '"Header": {"ColData": [{"value": "Income"}]}', '"Header": "Income"'),
    ('pl_key_order', '"Header": {"ColData": [{"value": "Income"}]}', '"Header": {"ColData": "Income"}'),
    ('pl_key_order', '"Header": {"ColData": [{"value": "Income"}]}', '"ColData": [{"value": "Income"}]'),
    ('tb_total', '"Summary"', '"Sum"'),
    ('tb_total', '"ColTitle": "Credit", "ColType": "Money"', '"ColTitle": "Credit", "ColType": "String"'),
    ('bs_no_data_one_column', '"value": "Net Income"}', '"value": "Net Income"}, {"value": "12.00"}');
SELECT * FROM pg_temp.refusals();
TRUNCATE change;

-- no JSON: RQ008
SELECT label, r.*
FROM (VALUES
    (1, 'empty', ''),
    (2, 'white space', E' \n'),
    (3, 'a scalar', '12'),
    (4, 'null', 'null'),
    (5, 'a page', '<html><body>Service Unavailable</body></html>'),
    (6, 'cut', '{"Header": {"ReportName": "ProfitAndLoss"'),
    (7, 'two documents', '{} {}'),
    (8, 'single quotes', '{''Header'': {}}'),
    (9, 'a comma too many', '{"Header": {},}'),
    (10, 'too deep', repeat('{"Rows":', 200) || repeat('}', 200)),
    (11, 'too deep', repeat('[', 100000)),
    (12, 'too large', '[' || repeat('[],', 11000000) || '[]]'),
    (13, 'zero character', '{"Header": {"ReportName": "Profit\u0000AndLoss"}}'),
    (14, 'zero character in a key', '{"Header\u0000": {"ReportName": "ProfitAndLoss"}}'),
    (15, 'a bad escape', '{"Header": "\q"}'),
    (16, 'a line break in a string', E'{"Header": "\n"}'),
    (17, 'a string cut at a backslash', '{"Header": "\'),
    (18, 'an array', '[]'),
    (19, 'an object', '{}'),
    (20, 'a number without a digit before its point', '[-.5]'),
    (21, 'a number with a zero before it', '[01]'),
    (22, 'a number and a letter', '[1a]'),
    (23, 'half a word', '[tru]'),
    (24, 'a key without a value', '{"Header"}'),
    (25, 'no bracket closes', '[1}')) AS v (number, label, report),
    pg_temp.refusal(report) r
ORDER BY number;

-- characters by their codes, one in two halves, half a one, and of two members of a name the last one
SELECT account_name, ascii(right(account_name, 1)) AS last_code, account_id, amount FROM reefqbo.report_cells(
    '{"Header": {"ReportName": "TrialBalance", "ReportName": "ProfitAndLoss"}, "Columns": {"Column": [{"ColType": "Account"}, {"ColType": "Money"}]},'
    ' "Rows": {"Row": [{"Header": {"ColData": [{"value": "Income"}]}, "group": "Income", "Rows": {"Row": {"ColData": ['
    '{"id": "\u0031\/2", "value": "\"Caf\u00E9\" \ud83d\ude00 \\ \ud800"}, {"value": 12.50}]}}}, '
    '{"group": "NetIncome", "Summary": {"ColData": [{"value": "Net"}, {"value": "12.50"}]}}]}}') WHERE kind = 'account';

-- a wrapper is no report
SELECT r.* FROM fixture, pg_temp.refusal(format('{"QueryResponse": %s}', report)) r WHERE name = 'pl_month';

-- more rows times columns than QuickBooks ever sends
SELECT * FROM pg_temp.refusal(format(
    '{"Header": {"ReportName": "ProfitAndLoss"}, "Columns": {"Column": [{"ColType": "Account"}%s]}, "Rows": {"Row": [{}%s]}}',
    repeat(', {"ColType": "Money"}', 2000), repeat(',{}', 1000)));

-- Faults, in both spellings; what looks like a token is not repeated, and not more than 200 characters.
SELECT * FROM pg_temp.refusal(
    '{"Fault": {"Error": [{"Message": "Permission Denied Error", "Detail": "None", "code": "5020"}], "type": "ValidationFault"}}');
SELECT * FROM pg_temp.refusal(
    '{"warnings": null, "fault": {"error": [{"message": "Token expired: AB0123456789abcdefghijKLMNOPQRST/x+y=", "code": "3200"}]}, "Header": null}');
SELECT * FROM pg_temp.refusal(format('{"Fault": {"Error": {"Message": "%s", "code": 610}}}', repeat(U&'d\00E9j\00E0 vu ', 30)));
SELECT * FROM pg_temp.refusal('{"Fault": {}}');

-- What an unknown answer says is free text, and may name the company or a token: neither is repeated, anywhere.
-- Words, times, figures and the names of lines are.
SELECT * FROM pg_temp.refusal(
    '{"Fault": {"Error": [{"Message": "message=AuthenticationFailed; company 9341452187654321, at 2026-11-20T09:30:00.000-08:00",
                           "Detail": "realm 9341452187654321", "code": "3100"}]}}');
SELECT * FROM pg_temp.refusal('{"Fault": {"Error": {"Message": "/v3/company/123456789/reports", "code": "realm9341452187654321"}}}');
SELECT * FROM pg_temp.refusal('{"Header": {"ReportName": "Reports of company 9341452187654321"}}');
INSERT INTO change (name, old, new) VALUES
    ('pl_month', '"StartPeriod": "2024-01-01"', '"StartPeriod": "of 9341452187654321"'),
    ('pl_month', '"Value": "2024-02-29"', '"Value": "of 9341452187654321"'),
    ('pl_month', '"value": "1000.00"', '"value": "not for 9341452187654321"'),
    ('pl_month', '"value": "1000.00"', '"value": "9341452187654321.00.00"'),
    ('pl_month', '"value": "Ticket Sales", "id": "30"}', '"value": "Account 9341452187654321", "id": "30"}, {"value": "7"}');
SELECT * FROM pg_temp.refusals();
TRUNCATE change;

\pset expanded off

-- Large reports can be interrupted, while they are parsed and after: these two are refused in the end, if they are let.
-- The first is no JSON. The second has 100,000 columns, each of which is called the total of another.
CREATE TEMP TABLE large (name text, report text);
INSERT INTO large VALUES ('cut', '[' || repeat('"1000.00", "2000.00", ', 1000000));
INSERT INTO large
SELECT 'columns', format('{"Header": {"ReportName": "ProfitAndLoss", "SummarizeColumnsBy": "Classes"}, "Columns": {"Column": '
    '[{"ColType": "Account"}%s]}, "Rows": {"Row": [{"ColData": [{"value": "Dives", "id": "1"}, {"value": "1"}]}]}}',
    string_agg(format(', {"ColTitle": "Total %s", "ColType": "Money"}', g), ''))
FROM generate_series(1, 100000) g;
SET statement_timeout = '10ms';
SELECT count(*) FROM large, reefqbo.report_cells(report) WHERE name = 'cut';
SELECT count(*) FROM large, reefqbo.report_cells(report) WHERE name = 'columns';
RESET statement_timeout;

\pset expanded on
SELECT r.* FROM large, pg_temp.refusal(report) r ORDER BY name;
\pset expanded off

-- nobody may call it who was not granted it
SELECT has_function_privilege('public', 'reefqbo.report_cells(text)', 'EXECUTE');
SELECT provolatile, proisstrict, proparallel FROM pg_proc WHERE oid = 'reefqbo.report_cells(text)'::regprocedure;
