-- The mapping in a spreadsheet, which takes some texts for formulas.

-- Where a program that reads CSV begins a cell: at the beginning, and behind what some take for a separator. What begins a formula:
-- one of = + - @, a tab or a line's end, and the wide forms of the four. An apostrophe before it makes it a text. A text that has one
-- there already gets one more, so that taking one away gives back what there was.
-- https://owasp.org/www-community/attacks/CSV_Injection
CREATE FUNCTION reefqbo.sheet_text(text text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.regexp_replace($1, E'(?:^|(?<=[;,|"\t\r\n]))(?=''*[-=+@\t\r\n\\uFF1D\\uFF0B\\uFF0D\\uFF20])', '''', 'g');

COMMENT ON FUNCTION reefqbo.sheet_text(text) IS
'A text for a CSV file that a spreadsheet will open: what a spreadsheet might take for a formula, since it begins with =, +, -, @, a tab or a line''s end, has an apostrophe before it; also behind a comma, semicolon, vertical bar or quotation mark, where some programs begin a cell. All other texts stay as they are.
Names of accounts are whatever somebody has typed into QuickBooks. Argument: the text. Result: the text.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.sheet_text(text)');

CREATE FUNCTION reefqbo._from_sheet(text text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.regexp_replace($1, E'(?:^|(?<=[;,|"\t\r\n]))''(?=''*[-=+@\t\r\n\\uFF1D\\uFF0B\\uFF0D\\uFF20])', '', 'g');

COMMENT ON FUNCTION reefqbo._from_sheet(text) IS 'Internal: the text that reefqbo.sheet_text has made this of.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo._from_sheet(text)');

CREATE VIEW reefqbo.mapping_sheet WITH (security_barrier) AS
SELECT reefqbo.sheet_text(m.model) AS model,
       reefqbo.sheet_text(m.company_branch) AS company_branch,
       reefqbo.sheet_text(m.account_id) AS account_id,
       reefqbo.sheet_text(m.account_number) AS account_number,
       reefqbo.sheet_text(m.account_name) AS account_name,
       m.variable_type,
       reefqbo.sheet_text(m.category) AS category,
       reefqbo.sheet_text(m.subcategory) AS subcategory,
       reefqbo.sheet_text(m.branch) AS branch,
       m.confidence,
       reefqbo.sheet_text(m.reason) AS reason
FROM reefqbo.mapping m;

COMMENT ON VIEW reefqbo.mapping_sheet IS
E'reefqbo.mapping for a CSV file that is edited in a spreadsheet: every text as reefqbo.sheet_text makes it. What is inserted here goes into reefqbo.mapping as it was before that, so that a file that went out and comes back unchanged changes nothing.
    \\copy (SELECT * FROM reefqbo.mapping_sheet WHERE model = ''Acme'') TO ''mapping.csv'' CSV HEADER FORCE QUOTE *
    \\copy reefqbo.mapping_sheet FROM ''mapping.csv'' CSV HEADER
Errors: as reefqbo.mapping.';
COMMENT ON COLUMN reefqbo.mapping_sheet.model IS 'name of the model';
COMMENT ON COLUMN reefqbo.mapping_sheet.company_branch IS 'branch of the account''s company';
COMMENT ON COLUMN reefqbo.mapping_sheet.account_id IS 'QuickBooks'' own id of the account; computed lines have ids that begin with "computed:"';
COMMENT ON COLUMN reefqbo.mapping_sheet.account_number IS 'not written';
COMMENT ON COLUMN reefqbo.mapping_sheet.account_name IS 'not written';
COMMENT ON COLUMN reefqbo.mapping_sheet.variable_type IS 'Revenue, COGS, Opex, Staff, Tax; Asset, Liability, Equity, Dividend';
COMMENT ON COLUMN reefqbo.mapping_sheet.category IS 'category in the model';
COMMENT ON COLUMN reefqbo.mapping_sheet.subcategory IS 'subcategory in the model, or NULL';
COMMENT ON COLUMN reefqbo.mapping_sheet.branch IS 'the branch whose statements its amounts stand in';
COMMENT ON COLUMN reefqbo.mapping_sheet.confidence IS 'mapped; not written';
COMMENT ON COLUMN reefqbo.mapping_sheet.reason IS 'who mapped it, and when; not written';

INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.mapping_sheet');
INSERT INTO reefqbo._privilege VALUES
    ('operator', 'INSERT (model, company_branch, account_id, account_number, account_name, variable_type, category, subcategory, branch, confidence, reason)', 'TABLE reefqbo.mapping_sheet');

CREATE FUNCTION reefqbo._map_from_sheet()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO reefqbo.mapping (model, company_branch, account_id, variable_type, category, subcategory, branch)
    VALUES (reefqbo._from_sheet(NEW.model), reefqbo._from_sheet(NEW.company_branch), reefqbo._from_sheet(NEW.account_id),
            NEW.variable_type, reefqbo._from_sheet(NEW.category), reefqbo._from_sheet(NEW.subcategory),
            reefqbo._from_sheet(NEW.branch));
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION reefqbo._map_from_sheet() IS 'Internal: what writing to reefqbo.mapping_sheet does, row by row.';

CREATE TRIGGER map_from_sheet INSTEAD OF INSERT ON reefqbo.mapping_sheet
FOR EACH ROW EXECUTE FUNCTION reefqbo._map_from_sheet();

COMMENT ON TRIGGER map_from_sheet ON reefqbo.mapping_sheet IS 'writes to reefqbo.mapping';

CREATE FUNCTION reefqbo.proposed_sheet(model text, branch text DEFAULT NULL, template text DEFAULT NULL,
                                       template_model text DEFAULT NULL)
RETURNS SETOF reefqbo.mapping_sheet
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
    SELECT reefqbo.sheet_text(p.model_name), reefqbo.sheet_text(p.company_branch), reefqbo.sheet_text(p.account_id),
           reefqbo.sheet_text(p.account_number), reefqbo.sheet_text(p.account_name), p.variable_type,
           reefqbo.sheet_text(p.category), reefqbo.sheet_text(p.subcategory), reefqbo.sheet_text(p.branch_name), p.confidence,
           reefqbo.sheet_text(p.reason)
    FROM reefqbo.propose_mapping($1, $2, $3, $4) p
$$;

COMMENT ON FUNCTION reefqbo.proposed_sheet(text, text, text, text) IS
E'reefqbo.propose_mapping for a CSV file that is edited in a spreadsheet: every text as reefqbo.sheet_text makes it. It is read back into reefqbo.mapping_sheet:
    \\copy (SELECT * FROM reefqbo.proposed_sheet(''Acme'')) TO ''mapping.csv'' CSV HEADER FORCE QUOTE *
    \\copy reefqbo.mapping_sheet FROM ''mapping.csv'' CSV HEADER
Arguments, result and errors: as reefqbo.propose_mapping.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.proposed_sheet(text, text, text, text)');
