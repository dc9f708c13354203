# Whatever ALTER DATABASE and a session say of PostgreSQL's own settings: the same calls leave the same rows and show
# the same statements, in workers and in the session, and nothing of reefqbo's fills the log.
#
# Two databases of one server do the same work on the same companies, one of them with every setting that changes
# the meaning of a statement, or whether it ends, as bad as it can be. The figures themselves are the ledger's.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;

my ($FIRST, $LAST) = ('2025-10-01', '2026-11-30');

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('settings', $intuit, preload => 1);

my %MEANING = (
	standard_conforming_strings => 'off', backslash_quote => 'off', transform_null_equals => 'on', array_nulls => 'off',
	quote_all_identifiers => 'on', datestyle => 'German, DMY', intervalstyle => 'sql_standard', timezone => 'Pacific/Kiritimati',
	extra_float_digits => -15, bytea_output => 'escape', xmlbinary => 'hex', xmloption => 'document',
	'plpgsql.variable_conflict' => 'use_column', 'plpgsql.extra_errors' => 'all', 'plpgsql.extra_warnings' => 'all',
	client_min_messages => 'error', default_transaction_isolation => 'serializable',
	default_transaction_deferrable => 'on', synchronous_commit => 'off', search_path => 'public, pg_catalog',
	lc_numeric => 'C.UTF-8', lc_monetary => 'C.UTF-8', lc_time => 'C.UTF-8');

my %PLANS = (
	enable_seqscan => 'off', enable_hashjoin => 'off', enable_mergejoin => 'off', enable_sort => 'off', enable_memoize => 'off',
	plan_cache_mode => 'force_generic_plan', join_collapse_limit => 1, from_collapse_limit => 1, geqo_threshold => 2, work_mem => '64kB',
	constraint_exclusion => 'on', jit => 'off', check_function_bodies => 'on', default_table_access_method => 'heap', cursor_tuple_fraction => 1);

# These end the session's own statements, or switch its triggers off, which is what whoever sets them asks for: only workers
# must not care. Row security is off in a session that restores a dump.
my %ENDS = (
	statement_timeout => '1ms', lock_timeout => '1ms', idle_in_transaction_session_timeout => '1ms', transaction_timeout => '1ms',
	idle_session_timeout => '1ms', default_transaction_read_only => 'on', exit_on_error => 'on', restrict_nonsystem_relation_kind => 'view',
	session_replication_role => 'replica', row_security => 'off', role => 'nobody');
my %GENTLE = (
	statement_timeout => 0, lock_timeout => 0, idle_in_transaction_session_timeout => 0, transaction_timeout => 0,
	idle_session_timeout => 0, default_transaction_read_only => 'off', exit_on_error => 'off', restrict_nonsystem_relation_kind => '',
	session_replication_role => 'origin', row_security => 'on', role => 'none');

my @DATABASES = ('clean', 'hostile');

sub is_known { return sql('SELECT count(*) FROM pg_settings WHERE name = ' . quote($_[0])) || $_[0] =~ /\Aplpgsql\.|\Arole\z/ }

# What a session says of itself counts before what its database says.
sub gentle { return join ' ', map { "-c $_=$GENTLE{$_}" } grep { is_known($_) } sort keys %GENTLE }

my $gentle;

sub in
{
	my ($database, $query) = @_;

	local $ENV{PGOPTIONS} = $database eq 'hostile' ? $gentle : '';
	return sql($query, $database);
}

# The same in both; the second result for those who look at it.
sub both
{
	my ($query, $name) = @_;
	my ($clean, $hostile) = map { in($_, $query) } @DATABASES;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is($hostile, $clean, $name);
	return $hostile;
}

sub shown { return both("SELECT * FROM ($_[0]) q ORDER BY q::text COLLATE \"C\"", $_[1]) }

sub make_hostile
{
	my %all = (%MEANING, %PLANS, %ENDS);

	sql('CREATE ROLE nobody; CREATE DATABASE clean; CREATE DATABASE hostile');
	foreach my $name (grep { is_known($_) } sort keys %all)
	{
		my $value = $name eq 'search_path' ? $all{$name} : quote($all{$name});
		my $error = $node->sqlstate_of("ALTER DATABASE hostile SET $name = $value");
		# one that can be had no more
		delete $MEANING{$name} if $error && $error->{sqlstate} =~ /\A(?:0A000|22023)\z/;
		note("$name: $error->{message}") if $error;
	}
	$gentle = gentle();
	return;
}

# From nothing: the script as well is run with the database's settings.
sub install
{
	my ($database) = @_;

	in($database, 'CREATE EXTENSION reefqbo CASCADE');
	foreach my $environment (sort keys %Reefqbo::Cluster::ENVIRONMENT)
	{
		in($database, $_) foreach $node->_environment_sql($environment);
	}
	foreach my $company ('reef', 'corail')
	{
		in($database, call('create_model', $company));
		my $address = in($database, call('connect', $company, 'sim-production'));
		my $back = $intuit->browse($address, company => $company);
		in($database, call('complete_connection', $back));
		in($database, "SELECT FROM reefqbo.import_actuals('$company', '$FIRST', '$LAST')");
		in($database, "SELECT FROM reefqbo.import_actuals('$company', '2026-09-01', '$LAST', 'Cash')");
	}
	return;
}

# The script makes the same objects of the same text.
sub test_objects
{
	both(q{SELECT string_agg(p.proname || ' ' || md5(p.prosrc), chr(10) ORDER BY p.proname COLLATE "C", md5(p.prosrc)) FROM pg_proc p WHERE p.pronamespace = 'reefqbo'::regnamespace}, 'the same functions');
	both(q{SELECT string_agg(d.description, chr(10) ORDER BY d.description COLLATE "C") FROM pg_description d, pg_proc p WHERE p.oid = d.objoid AND p.pronamespace = 'reefqbo'::regnamespace}, 'with the same comments');
	both(q{SELECT count(*) FROM pg_constraint c WHERE c.connamespace = 'reefqbo'::regnamespace}, 'as many constraints');
	foreach my $address ('https://a.example/x', 'https://a.example\\b/', 'https://a\\.example/', 'http://a.example/')
	{
		my @states = map { my $d = $_; local $ENV{PGOPTIONS} = $d eq 'hostile' ? $gentle : ''; ($node->sqlstate_of('BEGIN; INSERT INTO reefqbo.environment (name, is_sandbox, authorize_url, token_url, revoke_url, api_url) VALUES ('
			  . join(', ', q{'e'}, 'false', map { "\$u\$$address\$u\$" } 1 .. 4) . '); ROLLBACK', dbname => $d) // { sqlstate => 'none' })->{sqlstate} } @DATABASES;
		is($states[1], $states[0], "the same addresses are accepted: $address ($states[0])");
	}
	return;
}

sub test_figures
{
	my ($when) = @_;

	foreach my $company ('reef', 'corail')
	{
		my $stored = both("SELECT string_agg(statement || '|' || to_char(period_start, 'YYYY-MM-DD') || '|' || account_id || '|' || trim_scale(amount), chr(10) ORDER BY statement COLLATE \"C\", period_start, account_id COLLATE \"C\")"
			  . " FROM reefqbo.actual JOIN reefqbo.model m USING (model_id) WHERE m.name = '$company' AND amount <> 0 AND accounting_method = 'Accrual'", "$when: the same figures of $company");
		is(join("\n", sort split /\n/, $stored), ledger_lines($intuit, $company, $FIRST, $LAST), "$when: which are the ledger's");
	}
	shown(q{SELECT m.name, a.account_id, a.name, a.fully_qualified_name, a.account_number, a.account_type, a.is_active, a.current_balance FROM reefqbo.account a JOIN reefqbo.model m USING (model_id)}, "$when: the same chart");
	shown(q{SELECT m.name, i.statement, i.accounting_method, to_char(i.period_start, 'YYYY-MM'), i.is_provisional FROM reefqbo.imported_month i JOIN reefqbo.model m USING (model_id)}, "$when: the same months");
	shown(q{SELECT m.name, r.statement, r.account_id, to_char(r.period_start, 'YYYY-MM'), r.old_amount, r.new_amount, r.in_closed_period, r.was_provisional FROM reefqbo.restatement r JOIN reefqbo.model m USING (model_id)}, "$when: the same restatements");
	shown(q{SELECT m.name, c.change, c.account_id, c.old_value, c.new_value FROM reefqbo.account_change c JOIN reefqbo.model m USING (model_id)}, "$when: the same changes of accounts");
	shown(q{SELECT m.name, l.kind, l.status, l.sqlstate, l.months, l.accounts_seen, l.amounts_inserted, l.amounts_changed, l.amounts_unchanged FROM reefqbo.import_log l JOIN reefqbo.model m USING (model_id) ORDER BY l.import_id}, "$when: the same imports");
	return;
}

sub test_functions
{
	foreach my $company ('reef', 'corail')
	{
		shown("SELECT * FROM reefqbo.propose_mapping('$company')", "$company: the same proposals");
		shown("SELECT * FROM reefqbo.proposed_sheet('$company')", "$company: also for a spreadsheet");
		in($_, "INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('$company')") foreach @DATABASES;
		foreach my $statement ('profit_and_loss', 'balance_sheet')
		{
			both("SELECT label, kind, depth, period, amount FROM reefqbo.$statement('$company', '2026-01-01', '2026-10-31', 'quarter')", "$company: the same $statement");
			both("SELECT label, kind, depth, period, amount FROM reefqbo.statement('$company', '$statement', '2026-01-01', '2026-10-31')", "$company: and as the model's");
		}
		both("SELECT label, kind, period, amount FROM reefqbo.statement('$company', 'cash_flow', '2026-09-01', '2026-10-31')", "$company: the same cash flow");
		both("SELECT variable, period, amount FROM reefqbo.series_by_period('$company', 'quarter', 'fiscal') ORDER BY 1, 2", "$company: the same series");
		shown("SELECT kind, statement, method, to_char(period_start, 'YYYY-MM'), to_char(period_end, 'YYYY-MM'), figure, other_figure, passed FROM reefqbo.tie_out('$company')", "$company: the same proof");
		both("SELECT line, to_char(transaction_date, 'YYYY-MM-DD'), transaction_type, amount, running FROM reefqbo.ledger_lines('$company', (SELECT account_id FROM reefqbo.account a JOIN reefqbo.model m USING (model_id) WHERE m.name = '$company' AND account_type = 'Bank' ORDER BY account_id COLLATE \"C\" LIMIT 1), '2026-09-01')", "$company: the same postings");
	}
	shown(q{SELECT model, variable, to_char(period_start, 'YYYY-MM'), accounting_method, amount, ledger_amount, is_provisional FROM reefqbo.series_value}, 'the same values of series');
	both(q{SELECT refresh_every = interval '5 hours 30 minutes', full_every = interval '3 days', quiet_from, quiet_until, time_zone FROM reefqbo.set_schedule('reef', '5 hours 30 minutes', NULL, '3 days', '22:00', '06:00', 'Indian/Mahe')}, 'the same schedule');
	both(q{SELECT line, kind, account_name, amount FROM reefqbo.report_cells($r${"Header":{"ReportName":"ProfitAndLoss","StartPeriod":"2026-01-01","EndPeriod":"2026-01-31","ReportBasis":"Accrual","SummarizeColumnsBy":"Month","Currency":"USD"},"Columns":{"Column":[{"ColType":"Account","ColTitle":""},{"ColType":"Money","ColTitle":"Jan 2026","MetaData":[{"Name":"StartDate","Value":"2026-01-01"},{"Name":"EndDate","Value":"2026-01-31"}]}]},"Rows":{"Row":[]}}$r$)}, 'the same cells of a report');
	return;
}

# What the worker does is done by its own session, which nobody has made gentle.
sub test_worker
{
	my ($expense) = grep { $_->{type} eq 'Expense' && $_->{active} && !defined $_->{parent} } @{ $intuit->admin('accounts', { company => 'reef' })->{accounts} };
	my ($bank) = grep { $_->{type} eq 'Bank' && $_->{active} } @{ $intuit->admin('accounts', { company => 'reef' })->{accounts} };

	$intuit->admin('rename', { company => 'reef', account => $expense->{id}, name => 'A \\ back\'slash' });
	$intuit->admin('post', { company => 'reef', date => '2026-08-15', type => 'JournalEntry', lines => [ { account => $expense->{id}, amount => '12.34' }, { account => $bank->{id}, amount => '-12.34' } ] });
	my $restatements = sub { return join ' ', map { in($_, 'SELECT count(*) > 0 FROM reefqbo.restatement') } @DATABASES };
	in($_, q{SELECT FROM reefqbo.set_schedule('reef', quiet_from => '00:00', quiet_until => '00:00')}) foreach @DATABASES;
	in($_, q{UPDATE reefqbo.upkeep SET refresh_due_at = now(), full_due_at = now()}) foreach @DATABASES;
	$node->set_option('reefqbo.databases', 'clean, hostile');
	wait_until('both databases have found what has changed', sub { return $restatements->() eq 't t' });
	wait_until('and are at rest', sub { return sql(q{SELECT count(*) FROM reefqbo.worker_status() WHERE state = 'idle' AND database IN ('clean', 'hostile')}, 'clean') == 2 });
	is(in('hostile', q{SELECT count(*) FROM reefqbo.upkeep WHERE failures > 0}), 0, 'nothing on schedule has failed');
	$node->set_option('reefqbo.databases', '');
	return;
}

# What is said for one transaction is over with it: to tell listeners and to store tokens takes settings of its own. A trigger
# notes what the log of imports is written with.
sub watch_settings
{
	sql(<<'END', 'clean');
CREATE TABLE public.seen (kind text, is_caller boolean, lock_timeout text, synchronous_commit text);
CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.seen SELECT NEW.kind, NEW.started_by <> 'reefqbo worker', current_setting('lock_timeout'), current_setting('synchronous_commit');
    RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE ON reefqbo.import_log FOR EACH ROW EXECUTE FUNCTION public.note();
END
	return;
}

sub seen { return sql("SELECT string_agg(DISTINCT concat_ws(' ', lock_timeout, synchronous_commit), ', ') FROM public.seen WHERE is_caller = $_[0]", 'clean') }

sub test_settings_last
{
	$intuit->admin('expire_access', { company => 'reef' });
	in($_, q{SELECT FROM reefqbo.import_actuals('reef', '2026-09-01', '2026-11-30')}) foreach @DATABASES;
	is(seen('true'), '20s on', 'in a call\'s own worker settings last, whatever it has told and stored');
	return;
}

make_hostile();
install($_) foreach @DATABASES;
test_objects();
test_figures('an import');
test_functions();
watch_settings();
test_settings_last();
test_worker();
is(seen('false'), '1s off', 'and in the background worker too');
test_figures('a refresh on schedule');
my $log = slurp_file($node->logfile);
is(() = $log =~ /nonstandard use of|WARNING:.*(?:escape|\\)/g, 0, 'nothing of reefqbo\'s is warned of in the log');
unlike($log, qr/reefqbo (?:worker|upkeep) (?!57P01)\w{5} .*(?:ERROR|FATAL|PANIC): /, 'no worker has failed');
$node->stop;

done_testing();
