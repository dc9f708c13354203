# A statement of one model reads that model's amounts only: with the actuals of hundreds of companies in the table, no
# plan scans it from end to end, for an owner, for a reader under row-level security, from the first call to the plans
# that are kept. And what views and functions return has the columns that others build on.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Group;
use Reefqbo::Ledger;

my $MODELS = 300;
my $ACCOUNTS = 40;

my ($intuit, $node) = start_group('plans');

# ---- the books of many others ----

sub fill
{
	sql(<<"END");
INSERT INTO reefqbo.model (name) SELECT 'Filler ' || n FROM generate_series(1, $MODELS) n;
INSERT INTO reefqbo.branch (model_id, name) SELECT model_id, name FROM reefqbo.model WHERE name LIKE 'Filler %';
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest, company_name, home_currency, fiscal_year_start_month)
SELECT m.model_id, b.branch_id, c.environment_id, 'disconnected', c.realm_id_sealed, sha256(m.name::bytea), m.name, 'USD', 1
  FROM reefqbo.model m JOIN reefqbo.branch b USING (model_id), (SELECT * FROM reefqbo.connection LIMIT 1) c WHERE m.name LIKE 'Filler %';
INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, classification, account_type, account_subtype)
SELECT model_id, connection_id, n::text, 'Account ' || n, 'Account ' || n, CASE n % 3 WHEN 0 THEN 'Revenue' WHEN 1 THEN 'Asset' ELSE 'Liability' END,
       CASE n % 3 WHEN 0 THEN 'Income' WHEN 1 THEN 'Bank' ELSE 'Accounts Payable' END, 'None'
  FROM reefqbo.connection, generate_series(1, $ACCOUNTS) n WHERE company_name LIKE 'Filler %';
INSERT INTO reefqbo.import_log (model_id, connection_id, kind, status, started_by) SELECT model_id, connection_id, 'actuals', 'succeeded', 'filler'
  FROM reefqbo.connection WHERE company_name LIKE 'Filler %';
INSERT INTO reefqbo.imported_month (model_id, connection_id, statement, accounting_method, period_start, period_end, is_provisional, import_id)
SELECT i.model_id, i.connection_id, s, 'Accrual', m::date, (m + interval '1 month')::date - 1, false, i.import_id
  FROM reefqbo.import_log i, unnest(ARRAY['profit_and_loss', 'balance_sheet']) s, generate_series(timestamp '2024-12-01', '2026-11-01', '1 month') m WHERE i.started_by = 'filler';
INSERT INTO reefqbo._actual_year (model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id)
SELECT i.model_id, i.connection_id, a.account_id, i.statement, 'Accrual', date_part('year', i.period_start),
       ARRAY(SELECT CASE WHEN n = ANY (array_agg(date_part('month', i.period_start))) THEN 100 + a.account_id::numeric END FROM generate_series(1, 12) n), min(i.import_id)
  FROM reefqbo.imported_month i JOIN reefqbo.account a USING (model_id, connection_id) JOIN reefqbo.import_log l USING (model_id, import_id)
 WHERE l.started_by = 'filler' AND i.statement = CASE a.classification WHEN 'Revenue' THEN 'profit_and_loss' ELSE 'balance_sheet' END
 GROUP BY i.model_id, i.connection_id, a.account_id, i.statement, date_part('year', i.period_start);
INSERT INTO reefqbo.mapping (model, account_id, variable_type, category) SELECT m.name, a.account_id,
       CASE a.classification WHEN 'Revenue' THEN 'Revenue' WHEN 'Asset' THEN 'Asset' ELSE 'Liability' END, 'Filled'
  FROM reefqbo.account a JOIN reefqbo.model m USING (model_id) WHERE m.name LIKE 'Filler %' AND CASE WHEN a.account_id ~ '^\\d+\$' THEN a.account_id::integer < $ACCOUNTS / 4 END;
ANALYZE;
END
	return;
}

# ---- what is read ----

my $YEAR = q{'2025-12-01', '2026-11-30'};
my $OCTOBER = q{'2026-10-01', '2026-10-31'};
my @FUNCTIONS = (
	"reefqbo.profit_and_loss('Group', $YEAR, 'quarter', branch => 'Reef')", "reefqbo.balance_sheet('Group', $OCTOBER, branch => 'Reef')",
	(map { ("reefqbo.statement('Group', '$_', $OCTOBER)", "reefqbo.statement('Group', '$_', $YEAR, 'quarter', 'category')",
			"reefqbo.statement('Group', '$_', $YEAR, 'quarter', branch => 'Reef', company => true)",
			"reefqbo.statement('Group', '$_', $YEAR, 'year', branch => 'Americas', as_of => now())",
					"reefqbo.reconcile('Group', '$_', $YEAR, 'half-year')") }
		  'profit_and_loss', 'balance_sheet', 'cash_flow'),
	q{reefqbo.trial_balance('Group', '2026-10-01')}, q{reefqbo.trial_balance('Group', '2026-10-01', branch => 'Reef', company => true)},
	q{reefqbo.series_by_period('Group', 'quarter')}, q{reefqbo.actuals_as_of('Group', now())},
	"reefqbo.statement('Filler 77', 'profit_and_loss', $YEAR)", "reefqbo.statement('Filler 77', 'cash_flow', $OCTOBER)");

my $IN_GROUP = q{model_id = (SELECT model_id FROM reefqbo.model WHERE name = 'Group')};
my @QUERIES = (
	"SELECT * FROM reefqbo.series_value WHERE $IN_GROUP",
	"SELECT * FROM reefqbo.series_value WHERE $IN_GROUP AND accounting_method = 'Accrual' AND period_start >= '2026-01-01'",
	"SELECT * FROM reefqbo.series_value WHERE $IN_GROUP AND variable_id = (SELECT min(variable_id) FROM reefqbo.variable WHERE $IN_GROUP)",
	"SELECT s.variable, v.amount FROM reefqbo.series s JOIN reefqbo.series_value v USING (model_id, variable_id, accounting_method) WHERE s.$IN_GROUP",
	"SELECT * FROM reefqbo.unmapped_account WHERE $IN_GROUP", q{SELECT * FROM reefqbo.unmapped_account WHERE model = 'Group'},
	"SELECT * FROM reefqbo.actual WHERE $IN_GROUP");

my $SCAN = qr/Seq Scan on (?:reefqbo\.)?_actual_year\b/;
my $READ = qr/(?:Index Scan|Index Only Scan|Bitmap Heap Scan)[^\n]* on (?:reefqbo\.)?_actual_year\b/;

# Each role has its own way to the rows: an owner is not concerned by row-level security.
my %AS = ('the owner' => '', 'a reader' => 'SET SESSION AUTHORIZATION group_reader;');

# Plans with parameters in the place of values are kept from the sixth call on.
sub test_functions
{
	my ($who) = @_;

	foreach my $call (grep { $who eq 'the owner' || !/Filler/ } @FUNCTIONS)
	{
		my $from = -s $node->logfile;
		sql("LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; $AS{$who} "
				. join '', map { "SELECT count(*) FROM $call;\n" } 1 .. 7);
		my $log = slurp_file($node->logfile, $from);
		my ($seen) = $log =~ /(Query Text: (?:(?!Query Text: ).)*?$SCAN[^\n]*)/s;
		is($seen, undef, "$who: $call scans no table of amounts");
		like($log, $READ, 'and reads amounts by an index');
	}
	return;
}

sub test_views
{
	my ($who) = @_;

	foreach my $query (@QUERIES)
	{
		my $plan = sql("$AS{$who} EXPLAIN (COSTS OFF) $query");
		unlike($plan, $SCAN, "$who: $query scans no table of amounts");
		like($plan, $READ, 'and reads amounts by an index');
	}
	return;
}

# The server's own count of such scans, for servers without auto_explain too. A session reports when it ends, if it
# has not before.
sub scans
{
	wait_until('no other session is left', sub { sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'}) == 1 });
	return sql(q{SELECT seq_scan FROM pg_stat_user_tables WHERE relid = 'reefqbo._actual_year'::regclass});
}

sub test_counted
{
	my $before = scans();

	sql(join '', map { "SELECT count(*) FROM $_;\n" } @FUNCTIONS);
	is(scans(), $before, 'nor does the server count one');
	sql('SELECT count(*) FROM reefqbo.actual WHERE amount = 0.001');
	cmp_ok(scans(), '>', $before, 'who counts one when there is one');
	return;
}

# ---- what others build on ----

my %COLUMNS = (
	account => 'model_id connection_id account_id name fully_qualified_name account_number classification account_type '
	  . 'account_subtype parent_account_id is_active is_computed currency current_balance',
	actual => 'model_id connection_id account_id statement accounting_method period_start period_end amount',
	mapping => 'model company_branch account_id account_number account_name variable_type category subcategory branch confidence reason',
	unmapped_account => 'model branch company account_id account_number name fully_qualified_name account_type account_subtype is_active '
	  . 'statement amount_at_stake accounting_method first_month last_month currency since',
	series => 'model_id variable_id model branch variable variable_type category subcategory statement measure unit currency '
	  . 'frequency account_id account_number account_name fully_qualified_name is_active gone_since source company tags '
	  . 'data_as_of accounting_method first_month last_month months provisional_from last_import_id',
	series_value => 'model_id variable_id accounting_method period_start period_end statement amount ledger_amount is_provisional import_id',
	exchange_rate => 'model_id from_currency to_currency month closing average historical',
	elimination => 'model_id elimination_id branch_id month reversed_in accounting_method amount debit_type debit_category debit_subcategory '
	  . 'credit_type credit_category credit_subcategory memo');
my %RESULT = (
	profit_and_loss => 'line depth label kind section account_id account_number period period_start period_end is_provisional amount',
	balance_sheet => 'line depth label kind section account_id account_number period period_start period_end is_provisional amount',
	statement => 'line depth label kind section connection_id account_id account_number period period_start period_end '
	  . 'is_provisional currency amount share previous_period previous_year other_method year_to_date previous_year_to_date trailing_twelve_months',
	trial_balance => 'line company_name label account_id account_number account_type period period_end is_provisional debit credit share previous_period previous_year other_method currency connection_id',
	reconcile => 'period line label part home_currency home_amount currency amount',
	series_by_period => 'variable_id variable variable_type category subcategory branch currency period period_start period_end amount '
	  . 'ledger_amount is_provisional',
	actuals_as_of => 'model_id connection_id account_id statement accounting_method period_start period_end amount');

# Columns may be added at the end.
sub test_columns
{
	foreach my $relation (sort keys %COLUMNS)
	{
		like(sql("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'reefqbo.$relation'::regclass AND attnum > 0"),
			qr/\A$COLUMNS{$relation}(?: |\z)/, "reefqbo.$relation has its columns, in their order");
	}
	foreach my $function (sort keys %RESULT)
	{
		like(sql("SELECT string_agg(name, ' ' ORDER BY place) FROM pg_proc, unnest(proargnames, proargmodes) WITH ORDINALITY u (name, mode, place) WHERE oid IN (SELECT oid FROM pg_proc WHERE proname = '$function' AND pronamespace = 'reefqbo'::regnamespace) AND mode = 't'"),
			qr/\A$RESULT{$function}(?: |\z)/, "reefqbo.$function returns its columns, in their order");
	}
	return;
}

import_group($node);
sql(q{SELECT reefqbo.set_currency('Group', 'USD')});
sql(q{INSERT INTO reefqbo.exchange_rate SELECT model_id, 'EUR', 'USD', m::date, 1.1, 1.2, 1.3 FROM reefqbo.model, generate_series(timestamp '2024-12-01', '2026-11-01', '1 month') m});
sql(q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Group') WHERE account_id::numeric % 5 <> 0});
sql(q{CREATE ROLE group_reader LOGIN; SELECT reefqbo.grant_access('group_reader', 'reader', 'Group')});
fill();
cmp_ok(sql('SELECT count(*) FROM reefqbo.actual'), '>', $MODELS * $ACCOUNTS * 20, 'there are the amounts of many companies');
foreach my $who (sort keys %AS)
{
	test_views($who);
	has_module('auto_explain') ? test_functions($who) : diag('auto_explain is not here: the plans inside functions are not looked at');
}
test_counted();
test_columns();
$node->stop;
done_testing();
