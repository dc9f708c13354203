# What one import asks of a company is asked side by side: everything that is known to be wanted, at once, within
# Intuit's limits, which the simulator holds us to here; and is read and stored in the order of before.
#
# The simulator holds requests back, so that which of them are under way together is seen, and not guessed by a clock.
# Expected figures are its ledger's.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Session;
use Reefqbo::Simulator;

my $TODAY = '2026-11-20';
my ($FIRST, $LAST) = ('2023-12-01', '2026-11-30');
my $JOB = "backend_type = 'reefqbo worker'";

# Throttling is on.
my $intuit = Reefqbo::Simulator->start(today => $TODAY);
my $node = reefqbo_cluster('side', $intuit, proof_requests => 1, side_by_side => 1, settings => <<'END');
reefqbo.retry_budget = '5s'
reefqbo.throttle_wait = '1s'
END

sub log_of { my ($company) = @_; return @{ $intuit->admin('log', { company => $company })->{log} } }

sub asked { my ($company) = @_; return grep { $_->{endpoint} !~ /\A(?:authorize|token|revoke)\z/ } log_of($company) }

sub held { my ($company) = @_; return grep { ($_->{fault} // '') eq 'hold' } asked($company) }

sub forget { $intuit->admin('log_clear'); return }

sub hold_all
{
	my ($company) = @_;

	$intuit->admin('fault', { kind => 'hold', company => $company, endpoint => $_, times => -1 }) foreach qw(query report cdc);
	return;
}

# "ProfitAndLoss 3, query 2"
sub summary
{
	my %count;

	$count{ $_->{endpoint} }++ foreach @_;
	return join ', ', map { "$_ $count{$_}" } sort keys %count;
}

sub import_sql { my ($model, $first) = @_; return call('import_actuals', $model, $first // $FIRST, $LAST) }

sub connected
{
	my ($company, $model) = @_;

	$node->connect_company($model // $company, 'sim-production', $company);
	wait_until('what the sign-in has spent is there again', sub {
		return sql("SELECT count(*) FROM reefqbo.connection WHERE throttle_counted_at > clock_timestamp() - interval '1 second'") == 0;
	});
	forget();
	return;
}

sub figures_are_right
{
	my ($company, $name, $model) = @_;

	is(stored_lines($node, $model // $company), ledger_lines($intuit, $company, $FIRST, $LAST), "$name: every figure is the ledger's");
	is(sql("SELECT count(*) FROM reefqbo.tie_out_check WHERE NOT passed"), 0, "$name: no check has failed");
	return;
}

sub never_throttled
{
	my ($name) = @_;

	is(scalar(grep { $_->{status} == 429 } @{ $intuit->admin('log')->{log} }), 0, "$name: QuickBooks has refused nothing");
	return;
}

# ---- 1. everything at once ----

sub test_first_import
{
	my $name = 'thirty-six months';

	connected('reef');
	hold_all('reef');
	my $session = begin_sql(import_sql('reef'));
	wait_until('ten requests are under way', sub { return held('reef') == 10 });
	is(summary(held('reef')), 'BalanceSheet 3, ProfitAndLoss 4, TrialBalance 1, query 2',
		"$name: chart, reports and proofs are asked for before any of them is answered");
	$intuit->admin('clear_faults');
	isnt(end_sql($session), 'RQ', "$name: it goes on");
	is(summary(asked('reef')), 'BalanceSheet 3, ProfitAndLoss 4, TrialBalance 1, query 2', "$name: and that is all it asks for");
	is(sql('SELECT requests FROM reefqbo.import_log ORDER BY import_id DESC LIMIT 1'), 10, "$name: the log counts them");
	is(sql(q{SELECT count(*) FROM reefqbo.tie_out_check WHERE kind IN ('year_in_one_column', 'trial_balance_sides') AND passed}), 2,
		"$name: the proofs are about what was stored");
	figures_are_right('reef', $name);
	is(sql(q{SELECT count(*), count(*) FILTER (WHERE status = 200) FROM reefqbo.api_call WHERE method = 'GET' AND path !~ 'companyinfo|preferences'}),
		'10|10', "$name: there is evidence of each");
	never_throttled($name);
	return;
}

# A refresh of everything, and a proof of everything, at once after each other: in three processes.
sub test_budget
{
	my $name = 'one after the other';

	forget();
	sql(call('refresh', 'reef', undef, \'true')) foreach 1 .. 3;
	sql('SELECT count(*) FROM reefqbo.tie_out(' . quote('reef') . ')');
	figures_are_right('reef', $name);
	never_throttled($name);
	return;
}

# Two models have the same company: its budget is one, and a sign-in is not kept waiting by an import.
sub test_sign_in_meanwhile
{
	my $name = 'a sign-in during an import';

	connected('lagoon');
	my $session = begin_sql(import_sql('lagoon') . '; ' . call('refresh', 'lagoon', undef, \'true'));
	foreach my $number (1 .. 3)
	{
		$node->connect_company("Lagoon $number", 'sim-production', 'lagoon');
	}
	unlike(end_sql($session), qr/\ARQ/, "$name: both succeed");
	figures_are_right('lagoon', $name);
	never_throttled($name);
	return;
}

# ---- 2. what goes wrong ----

# Each of the ten is refused; the token is refreshed once.
sub test_token
{
	my $name = 'a token that is refused';

	connected('kelp');
	$intuit->admin('expire_access', { company => 'kelp' });
	sql(import_sql('kelp'));
	my @log = log_of('kelp');
	is(scalar(grep { $_->{endpoint} eq 'token' } @log), 1, "$name: it is refreshed once");
	cmp_ok(scalar(grep { $_->{status} == 401 } @log), '<=', 10, "$name: nothing is asked with it twice");
	figures_are_right('kelp', $name);
	return;
}

# Reports of more than six months are too much: all that was sent ahead is answered by 504, and the halves are read.
sub test_halving
{
	my $name = 'too much at once';

	connected('atoll');
	$intuit->admin('fault', { kind => 'max_months', company => 'atoll', endpoint => $_, summarize => 'Month', months => 6, times => -1 })
	  foreach qw(ProfitAndLoss BalanceSheet);
	sql(import_sql('atoll'));
	$intuit->admin('clear_faults');
	is(sql("SELECT status, chunks_done, chunks_total, months FROM reefqbo.import_log WHERE kind = 'actuals' ORDER BY import_id DESC LIMIT 1"),
		'succeeded|6|6|36', "$name: it is halved");
	figures_are_right('atoll', $name);
	return;
}

# The second chunk is wrong in its first month, and was answered with all others: it is halved down to that month, which
# alone is left out.
sub test_failing_chunk
{
	my $name = 'a chunk that does not tie out';
	my %dates = (start_date => '2024-12-01');

	connected('corail');
	$intuit->admin('fault', { kind => 'break_sum', company => 'corail', endpoint => 'ProfitAndLoss', summarize => 'Month', %dates, times => -1 });
	is(try(import_sql('corail'))->{sqlstate}, 'RQ007', "$name: the import fails");
	$intuit->admin('clear_faults');
	is(sql(q{SELECT count(DISTINCT period_start), min(period_start), max(period_end) FROM reefqbo.imported_month
	    JOIN reefqbo.model USING (model_id) WHERE name = 'corail' AND period_start <> '2024-12-01'}),
		'35|2023-12-01|2026-11-30', "$name: what ties out is stored, newer and older");
	is(sql(q{SELECT count(*) FROM reefqbo.imported_month JOIN reefqbo.model USING (model_id)
	    WHERE name = 'corail' AND period_start = '2024-12-01'}), 0, "$name: that month is not");
	sql(import_sql('corail'));
	figures_are_right('corail', $name);
	return;
}

# ---- 3. interrupted ----

sub test_cancel
{
	my $name = 'a cancel';

	connected('pod-1');
	hold_all('pod-1');
	my $session = begin_sql(import_sql('pod-1'));
	wait_until('ten requests are under way', sub { return held('pod-1') == 10 });
	sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'});
	is(end_sql($session), '57014', "$name: takes effect while all of them wait");
	wait_until('the worker has gone', sub { return sql("SELECT count(*) FROM pg_stat_activity WHERE $JOB") == 0 });
	is(sql(q{SELECT count(*) FROM reefqbo.api_call c JOIN reefqbo.model USING (model_id) WHERE name = 'pod-1'
	    AND error LIKE 'given up%'}), 10, "$name: there is evidence of each");
	is(sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 0, "$name: no lock is left");
	$intuit->admin('clear_faults');
	sql(import_sql('pod-1'));
	figures_are_right('pod-1', $name);
	return;
}

# ---- 4. the setting ----

sub test_one_at_a_time
{
	my $name = 'one at a time';

	connected('pod-2');
	sql('SET reefqbo.max_requests_per_company = 1; ' . import_sql('pod-2', '2025-12-01'));
	is(join(' ', map { $_->{endpoint} } asked('pod-2')), 'query query ProfitAndLoss BalanceSheet ProfitAndLoss TrialBalance',
		"$name: in the order in which it is stored");
	return;
}

test_first_import();
test_budget();
test_sign_in_meanwhile();
test_token();
test_halving();
test_failing_chunk();
test_cancel();
test_one_at_a_time();
done_testing();
