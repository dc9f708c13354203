-- Months, and the quarters, half-years and years they make up.

CREATE FUNCTION reefqbo._month_number(day date)
RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
    SELECT date_part('year', $1) * 12 + date_part('month', $1)
$$;

COMMENT ON FUNCTION reefqbo._month_number(date) IS
'Internal: the months from the year 0 to that of a date, so that months can be counted by subtraction.';

CREATE FUNCTION reefqbo._months_between(first_day date, last_day date)
RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
    SELECT reefqbo._month_number($2 + 1) - reefqbo._month_number($1 - 1) - 1
$$;

COMMENT ON FUNCTION reefqbo._months_between(date, date) IS
'Internal: how many whole months lie between two days, both of them counted.';

CREATE FUNCTION reefqbo._period_months(frequency text)
RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN CASE $1 WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 WHEN 'half-year' THEN 6 WHEN 'year' THEN 12 END;

COMMENT ON FUNCTION reefqbo._period_months(text) IS 'Internal: how many months a month, quarter, half-year or year has; NULL for another word.';

CREATE FUNCTION reefqbo._period_of(month date, frequency text, first_month integer)
RETURNS date
LANGUAGE sql IMMUTABLE
RETURN ($1 - interval '1 month' * ((date_part('month', $1)::integer - $3 + 12) % reefqbo._period_months($2)))::date;

COMMENT ON FUNCTION reefqbo._period_of(date, text, integer) IS
'Internal: the first day of the period that a month (its first day) lies in. first_month: the month, 1 to 12, that a year begins with.';

CREATE FUNCTION reefqbo._period_label(period_start date, frequency text, first_month integer)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $2 = 'month' THEN to_char($1, 'YYYY-MM')
                ELSE CASE WHEN $3 = 1 THEN '' ELSE 'FY' END || to_char(y.last_day, 'YYYY')
                     || CASE $2 WHEN 'quarter' THEN format(' Q%s', y.place / 3 + 1)
                                WHEN 'half-year' THEN format(' H%s', y.place / 6 + 1) ELSE '' END END
    FROM (SELECT (reefqbo._period_of($1, 'year', $3) + interval '1 year')::date - 1 AS last_day,
                 (date_part('month', $1)::integer - $3 + 12) % 12 AS place) y
$$;

COMMENT ON FUNCTION reefqbo._period_label(date, text, integer) IS
'Internal: 2026-01, 2026 Q1, 2026 H1, 2026; FY2026 Q1 and so on for a year that begins with another month than January, named by the calendar year it ends in.';

CREATE FUNCTION reefqbo._fiscal_month(model_id bigint, connections bigint[], as_of timestamptz)
RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    months integer[];
    told text;
    at_root integer;
BEGIN
    SELECT array_agg(DISTINCT coalesce(c.fiscal_year_start_month, 1)),
           string_agg(format('%s: %s', c.company_name, to_char(make_date(2000, coalesce(c.fiscal_year_start_month, 1), 1), 'FMMonth')),
                      ', ' ORDER BY c.company_name COLLATE "C"),
           min(coalesce(c.fiscal_year_start_month, 1)) FILTER (WHERE b.parent_branch_id IS NULL)
    INTO months, told, at_root
    FROM reefqbo._companies_at($1, $2, $3) c
    JOIN reefqbo._branches_at($1, $3) b ON b.branch_id = c.branch_id;
    IF cardinality(months) > 1 AND at_root IS NULL THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'the companies have different fiscal years, and none of them is at the root of the model',
            DETAIL = format('They begin with: %s.', reefqbo._show_line(told)),
            HINT = 'Pass ''calendar'' as year.';
    END IF;
    RETURN coalesce(at_root, months[1], 1);
END
$$;

COMMENT ON FUNCTION reefqbo._fiscal_month(bigint, bigint[], timestamptz) IS
'Internal: the month that the fiscal year begins with: of all these companies, or where they differ, of the one at the root. Error: 22023 they differ, and none is at the root.';

CREATE FUNCTION reefqbo._check_periods(start_date date, end_date date, frequency text, year text, accounting_method text,
                                       half_years boolean DEFAULT true)
RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $1 IS NULL OR $2 IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a start date and an end date are needed';
    ELSIF $1 > $2 THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('start date %s is after end date %s', to_char($1, 'YYYY-MM-DD'), to_char($2, 'YYYY-MM-DD'));
    ELSIF reefqbo._period_months($3) IS NULL OR ($3 = 'half-year' AND NOT $6) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('unknown frequency "%s"', $3),
            HINT = format('Pass ''month'', ''quarter''%s or ''year''.', CASE WHEN $6 THEN ', ''half-year''' ELSE '' END);
    ELSIF ($4 IN ('calendar', 'fiscal')) IS NOT TRUE THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('unknown kind of year "%s"', $4),
            HINT = 'Pass ''calendar'' or ''fiscal'', which is the company''s own.';
    ELSIF ($5 IN ('Accrual', 'Cash')) IS NOT TRUE THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('unknown accounting method "%s"', $5),
            HINT = 'Pass ''Accrual'' or ''Cash''.';
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._check_periods(date, date, text, text, text, boolean) IS
'Internal: the errors of what is said of periods; half_years, whether there are such. 22004 no date; 22023 start after end, or an unknown word.';
