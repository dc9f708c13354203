# A clock that is wrong for a moment, the server's, QuickBooks' or a proxy's, makes nothing known that is not, takes
# nothing away that is known, and has nobody wait for a time that it has named, once it is right again.
#
# Expected figures are the ledger's, expected months are counted by hand. The server's clock is moved by
# reefqbo.clock_offset, QuickBooks' by the simulator.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my $DAYS = 400;
my $AHEAD = $DAYS * 86400;
my ($FIRST, $LAST) = ('2025-12-01', '2026-11-30');

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('clock', $intuit, preload => 1);
skew_clock($node);

# ---- helpers ----

sub run
{
	my ($query) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $query);

	return { status => $status, out => $out, err => $err };
}

sub of { return "model_id = (SELECT model_id FROM reefqbo.model WHERE name = '$_[0]')" }

# How many months of each statement are known, and the last.
sub known
{
	my ($model) = @_;

	return sql("SELECT string_agg(format('%s %s', n, last), ' ' ORDER BY statement) FROM (SELECT statement, count(*) AS n, to_char(max(period_start), 'YYYY-MM') AS last FROM reefqbo.imported_month WHERE "
		  . of($model) . ' GROUP BY statement) s');
}

my $TWELVE = '12 2026-11 12 2026-11';

sub ties
{
	my ($model, $company, $name) = @_;

	is(stored_lines($node, $model), ledger_lines($intuit, $company, $FIRST, $LAST), "$name: the figures are the ledger's, and there are no others");
	is(known($model), $TWELVE, "$name: and so are the months");
	return;
}

sub now_in_log
{
	my $log = $intuit->admin('log')->{log};

	return @$log ? $log->[-1]{n} : 0;
}

# What a call asks of a company, and how it ends.
sub asked_by
{
	my ($company, $query) = @_;
	my $since = now_in_log();
	my $run = run($query);

	diag($run->{err}) if $run->{status};
	return asked($node, $since, $company);
}

sub connect_and_import
{
	my ($model, $company) = @_;

	$node->connect_company($model, 'sim-production', $company);
	sql("SELECT FROM reefqbo.import_actuals('$model', '$FIRST', '$LAST')");
	return;
}

sub quickbooks_is_wrong { return $intuit->admin('config', { wrong_time => $_[0], wrong_date => $_[1] }) }

# A new figure in the ledger, without which nothing need be read.
sub post
{
	my ($company, $date, $amount) = @_;
	my @accounts = grep { $_->{active} && !defined $_->{parent} } @{ $intuit->admin('accounts', { company => $company })->{accounts} };
	my ($expense) = grep { $_->{type} eq 'Expense' } @accounts;
	my ($bank) = grep { $_->{type} eq 'Bank' } @accounts;

	$intuit->admin('post', { company => $company, date => $date, type => 'JournalEntry',
		lines => [ { account => $expense->{id}, amount => $amount }, { account => $bank->{id}, amount => "-$amount" } ] });
	return;
}

# ---- ranges ----

sub import_of { return "SELECT months FROM reefqbo.import_actuals('$_[0]', '$_[1]', '$_[2]')" }

# The same ranges are accepted whatever the server's clock says.
sub test_ranges
{
	my ($when, $company) = @_;
	my $model = "Range $company";

	$node->connect_company($model, 'sim-production', $company);
	my $refused = run("\\set VERBOSITY verbose\n" . import_of($model, '2027-01-01', '2027-03-31'));
	like($refused->{err}, qr/ERROR:  22023: .*2027-01 has not begun/, "$when: a range that begins in the future is refused");
	like($refused->{err}, qr/DETAIL:.*2026-11/, "$when: and the month that it is at QuickBooks is said");
	like($refused->{err}, qr/HINT:.*refresh/, "$when: with a hint");
	is(known($model), '', "$when: and nothing is stored");
	my $cut = run(import_of($model, $FIRST, '2027-06-30'));
	is($cut->{out}, 12, "$when: of a range that ends in the future, the months that have begun are read");
	like($cut->{err}, qr/NOTICE:.*after 2026-11 have not begun/, "$when: which is said");
	ties($model, $company, $when);
	is(run(import_of($model, $FIRST, $LAST))->{out}, 12, "$when: a range up to the present month is accepted");
	is(sql("SELECT count(*) FROM reefqbo.upkeep WHERE backfill_is_wanted AND " . of($model)), 0, "$when: and nothing is left to read");
	return;
}

# ---- refreshes ----

my $WHOLE = 'query query ProfitAndLoss BalanceSheet';

sub test_refresh_ahead
{
	connect_and_import('Ahead', 'pod-1');
	is(asked_by('pod-1', q{SELECT FROM reefqbo.refresh('Ahead', whole => true)}), $WHOLE, 'the clock is right: what a whole refresh asks for');
	skew_clock($node, "$DAYS days");
	is(asked_by('pod-1', q{SELECT FROM reefqbo.refresh('Ahead', whole => true)}), $WHOLE, 'the server\'s clock is ahead: a whole refresh asks for no more');
	post('pod-1', '2026-11-05', '11.11');
	run(q{SELECT FROM reefqbo.refresh('Ahead')});
	ties('Ahead', 'pod-1', 'the server\'s clock is ahead');
	connect_and_import('New', 'pod-2');
	ties('New', 'pod-2', 'the server\'s clock is ahead, a first import');
	skew_clock($node);
	post('pod-1', '2026-11-06', '22.22');
	post('pod-2', '2026-11-06', '22.22');
	is(run(q{SELECT count(*) FROM reefqbo.refresh('Ahead') UNION ALL SELECT count(*) FROM reefqbo.refresh('New') UNION ALL SELECT count(*) FROM reefqbo.refresh('Range pod-11')})->{out}, "1\n1\n1", 'the clock is right again: refreshes work');
	ties('Ahead', 'pod-1', 'the clock is right again');
	ties('New', 'pod-2', 'the clock is right again');
	is(asked_by('pod-1', q{SELECT FROM reefqbo.refresh('Ahead', whole => true)}), $WHOLE, 'and a whole refresh asks for as much as before');
	# what was noted in the future is what was noted by now
	is(sql(q{SELECT count(*) FROM reefqbo.actuals_as_of('New', reefqbo._now()) WHERE amount <> 0}), scalar(split /\n/, ledger_lines($intuit, 'pod-2', $FIRST, $LAST)), 'as of now, all that is known is known');
	is(sql(q{SELECT (SELECT count(*) FROM reefqbo.imported_month WHERE known_since > reefqbo._now()) + (SELECT count(*) FROM reefqbo.restatement WHERE restated_at > reefqbo._now()) + (SELECT count(*) FROM reefqbo.import_log WHERE started_at > reefqbo._now())
		+ (SELECT count(*) FROM reefqbo.account WHERE changed_at > reefqbo._now()) + (SELECT count(*) FROM reefqbo.account_change WHERE noticed_at > reefqbo._now())}), 0, 'and nothing was noted in the future');
	return;
}

sub test_refresh_behind
{
	skew_clock($node, "-$DAYS days");
	post('pod-1', '2026-11-07', '33.33');
	run($_) foreach q{SELECT FROM reefqbo.refresh('Ahead')}, q{SELECT FROM reefqbo.refresh('Ahead', whole => true)};
	ties('Ahead', 'pod-1', 'the server\'s clock is behind');
	skew_clock($node);
	run(q{SELECT FROM reefqbo.refresh('Ahead')});
	ties('Ahead', 'pod-1', 'and right again');
	return;
}

# QuickBooks' answers, a proxy's Date, or both are wrong: nobody loses a month by it, and none is made.
sub test_quickbooks_wrong
{
	my $amount = 100;

	foreach my $case ([ 'the Date of answers is ahead', 0, $AHEAD ], [ 'the Date of answers is behind', 0, -$AHEAD ],
		[ 'the time in answers is ahead', $AHEAD, 0 ], [ 'the time in answers is behind', -$AHEAD, 0 ],
		[ 'QuickBooks is ahead', $AHEAD, $AHEAD ], [ 'QuickBooks is behind', -$AHEAD, -$AHEAD ],
		[ 'both are wrong in their own ways', $AHEAD, -$AHEAD ])
	{
		my ($name, $time, $date) = @$case;

		quickbooks_is_wrong($time, $date);
		post('pod-1', '2026-11-08', $amount++ . '.01');
		run(q{SELECT FROM reefqbo.refresh('Ahead')});
		run(q{SELECT FROM reefqbo.refresh('Ahead', whole => true)});
		ties('Ahead', 'pod-1', $name);
		quickbooks_is_wrong(0, 0);
		post('pod-1', '2026-11-09', $amount++ . '.02');
		is(run(q{SELECT count(*) FROM reefqbo.refresh('Ahead')})->{status}, 0, "$name, and right again");
		ties('Ahead', 'pod-1', "$name, and right again");
	}
	is(sql('SELECT count(*) FROM reefqbo.withdrawn_month'), 0, 'no month was taken back');
	return;
}

# ---- what lies ahead already ----

sub snapshot { return sql("SELECT string_agg(format('%s %s %s %s', statement, period_start, account_id, trim_scale(amount)), chr(10) ORDER BY statement, period_start, account_id) FROM reefqbo.$_[0] WHERE amount <> 0" . ($_[1] // '')) }

sub test_taken_back
{
	connect_and_import('Back', 'pod-3');
	# all clocks go by the same wrong time, and there is a posting in a month that has not begun
	post('pod-3', '2026-12-15', '5.55');
	quickbooks_is_wrong($AHEAD, $AHEAD);
	skew_clock($node, "$DAYS days");
	run(q{SELECT FROM reefqbo.refresh('Back', whole => true)});
	is(known('Back'), '25 2027-12 25 2027-12', 'all clocks are ahead: so many months count as known');
	quickbooks_is_wrong(0, 0);
	run(q{SELECT FROM reefqbo.refresh('Back', whole => true)});
	is(known('Back'), '25 2027-12 25 2027-12', 'the server\'s clock alone is ahead: nothing is taken back on QuickBooks\' word');
	skew_clock($node);
	quickbooks_is_wrong(-$AHEAD, 0);
	run(q{SELECT FROM reefqbo.refresh('Back', whole => true)});
	is(known('Back'), '25 2027-12 25 2027-12', 'clocks disagree: nor then');
	quickbooks_is_wrong(0, 0);
	my $back = run(q{SELECT FROM reefqbo.refresh('Back')});
	like($back->{err}, qr/WARNING:.*13 months from 2026-12 on were taken back/, 'all clocks are right: the months that have not begun are taken back, with a warning');
	ties('Back', 'pod-3', 'they are taken back');
	is(sql('SELECT count(*) FROM reefqbo.actual WHERE period_start > $$2026-11-30$$'), 0, 'not one figure is left of them');
	is(sql(q{SELECT count(*), min(period_start), max(period_start), count(*) FILTER (WHERE withdrawn_at <= reefqbo._now()) FROM reefqbo.withdrawn_month}), '26|2026-12-01|2027-12-01|26', 'which ones is kept');
	is(sql(q{SELECT old_amount, new_amount FROM reefqbo.restatement r JOIN reefqbo.account a USING (model_id, connection_id, account_id) WHERE r.statement = 'profit_and_loss' AND r.period_start = '2026-12-01' AND } . of('Back')), '5.55|0', 'and so is what they held');
	is(asked_by('pod-3', q{SELECT FROM reefqbo.refresh('Back', whole => true)}), $WHOLE, 'a whole refresh asks for as much as ever');
	return;
}

# When the month has begun it is known, like any other.
sub test_month_begins
{
	set_clock($node, '12 days');
	run(q{SELECT FROM reefqbo.refresh('Back')});
	is(known('Back'), '13 2026-12 13 2026-12', 'when the month has begun, it is known');
	is(stored_lines($node, 'Back'), ledger_lines($intuit, 'pod-3', $FIRST, '2026-12-31'), 'and its figures are the ledger\'s');
	$intuit->admin('clock', { advance_seconds => -12 * 86400 });
	skew_clock($node);
	return;
}

# Months that were shown while QuickBooks was ahead, by a clock of ours that was right: as of then they are shown again.
sub test_shown_again
{
	connect_and_import('Shown', 'pod-4');
	post('pod-4', '2026-12-15', '7.77');
	quickbooks_is_wrong(60 * 86400, 60 * 86400);
	run(import_of('Shown', '2026-12-01', '2026-12-31'));
	is(known('Shown'), '13 2026-12 13 2026-12', 'QuickBooks is ahead, and a month is asked for by its word');
	my $shown = snapshot('actual', ' AND ' . of('Shown'));
	my $then = sql('SELECT reefqbo._now()');
	quickbooks_is_wrong(0, 0);
	run(q{SELECT FROM reefqbo.refresh('Shown')});
	ties('Shown', 'pod-4', 'QuickBooks is right again');
	is(snapshot("actuals_as_of('Shown', '$then')"), $shown, 'what was shown can be shown again');
	isnt(snapshot("actuals_as_of('Shown', reefqbo._now())"), $shown, 'and is not what is known now');
	is(sql("SELECT count(*) FROM reefqbo._known_months((SELECT model_id FROM reefqbo.model WHERE name = 'Shown'), (SELECT connection_id FROM reefqbo.connection_status WHERE model = 'Shown'), 'balance_sheet', 'Accrual', '$then')"), 13, 'nor are the months');
	return;
}

# ---- what is due ----

sub test_due
{
	my ($when, $span) = @_;
	my @companies = map { "pod-$_" } 20 .. 24;

	connect_many($node, 'sim-production', @companies) unless sql(q{SELECT count(*) FROM reefqbo.model WHERE name = 'pod-20'});
	import_many($node, $FIRST, $LAST, @companies);
	$node->set_option('reefqbo.databases', 'postgres');
	skew_clock($node, $span);
	wait_until_idle($node);
	run("SELECT FROM reefqbo.refresh('pod-20')");
	$intuit->admin('fault', { kind => 'status', status => 503, company => 'pod-21', times => -1 });
	sql(q{UPDATE reefqbo.upkeep SET refresh_due_at = reefqbo._now() WHERE } . of('pod-21'));
	wait_until_idle($node);
	$intuit->admin('clear_faults');
	skew_clock($node);
	wait_until_idle($node);
	my $since = now_in_log();
	pass_time($node, '7 hours');
	my %asked = map { $_ => asked($node, $since, $_) } @companies;
	is(scalar(grep { !$asked{$_} } @companies), 0, "$when: within its interval each company is asked") or diag(explain(\%asked));
	is(sql(q{SELECT count(*) FROM reefqbo.upkeep u JOIN reefqbo.schedule s USING (model_id) JOIN reefqbo.model m USING (model_id) WHERE m.name LIKE 'pod-2%' AND
		(u.refresh_due_at > reefqbo._now() + s.refresh_every OR u.full_due_at > reefqbo._now() + s.full_every OR u.not_before > reefqbo._now() + interval '2 days')}), 0, "$when: nobody waits longer than that");
	is(sql(q{SELECT count(*) FROM reefqbo.credential WHERE keep_alive_at > reefqbo._now() + interval '8 days' OR refresh_expires_at > reefqbo._now() + interval '102 days'}), 0, "$when: nor does a grant");
	is(sql(q{SELECT count(*) FROM reefqbo.worker_status() WHERE database = 'postgres' AND next_due > reefqbo._now() + interval '8 days'}), 0, "$when: nor the launcher");
	is(sql(q{SELECT count(*) FROM reefqbo.upkeep_status WHERE failures_in_a_row > 0}), 0, "$when: and nothing fails");
	$node->set_option('reefqbo.databases', '');
	return;
}

# A sign-in that was begun by a clock that was ahead is not open for a year.
sub test_sign_in
{
	sql(call('create_model', 'Late'));
	skew_clock($node, "$DAYS days");
	my $address = sql(call('connect', 'Late', 'sim-production'));
	skew_clock($node);
	my $back = $intuit->browse($address, company => 'pod-30');
	is(sqlstate(call('complete_connection', $back)), 'RQ009', 'a sign-in that began in the future has to begin again');
	$node->connect_company('Late', 'sim-production', 'pod-30');
	is(sql(q{SELECT status FROM reefqbo.connection_status WHERE model = 'Late'}), 'connected', 'which it can');
	return;
}

test_ranges('the clock is right', 'pod-10');
skew_clock($node, "$DAYS days");
test_ranges('the server\'s clock is ahead', 'pod-11');
skew_clock($node, "-$DAYS days");
test_ranges('the server\'s clock is behind', 'pod-12');
skew_clock($node);
test_refresh_ahead();
test_refresh_behind();
test_quickbooks_wrong();
test_taken_back();
test_month_begins();
test_shown_again();
test_sign_in();
test_due('the clock was ahead', "$DAYS days");
test_due('the clock was behind', "-$DAYS days");
$node->stop;

done_testing();
