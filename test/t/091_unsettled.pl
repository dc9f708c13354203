# Months that must be read again are a fact that lasts: an account that has gone to the other side of the ledger leaves
# the old sign in every month that was read before, whoever noticed it; and a month that QuickBooks itself prints out of
# balance keeps no other month out.
#
# Expected figures are the ledger's own sums (the admin verb "truth"), and those of the change made here.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('unsettled', $intuit);

sub balanced
{
	my ($model, $first, $last) = @_;

	return sql("SELECT count(*) FILTER (WHERE a.amount = e.amount), count(*) FROM reefqbo.statement('$model', 'balance_sheet', '$first', '$last') a"
		  . " JOIN reefqbo.statement('$model', 'balance_sheet', '$first', '$last') e USING (period)"
		  . " WHERE a.label = 'Total Assets' AND e.label = 'Total Liabilities and Equity'");
}

sub unsettled { return sql("SELECT count(*), min(u.period_start), max(u.period_start), min(u.reason) FROM reefqbo.unsettled_month u JOIN reefqbo.model m USING (model_id) WHERE m.name = '$_[0]'") }

# The figures of a company are those of its ledger.
sub is_the_ledger
{
	my ($model, $company, $first, $last, $name) = @_;
	my (@expected, @stored);

	foreach my $statement ('profit_and_loss', 'balance_sheet')
	{
		push @expected, map { join '|', $statement, $_->{period_start}, $_->{account_id} // 'computed:NetIncome', plain($_->{amount}) }
		  @{ $intuit->truth(company => $company, statement => $statement, method => 'Accrual', start => $first, end => $last)->{rows} };
	}
	@stored = map { s/\|(-?[\d.]+)\z/'|' . plain($1)/er } split /\n/, sql("SELECT statement, period_start, account_id, amount FROM reefqbo.actual"
		  . " JOIN reefqbo.connection_status USING (model_id, connection_id) WHERE model = '$model' AND amount <> 0 AND period_start BETWEEN '$first' AND '$last'");
	is_deeply([ sort @stored ], [ sort @expected ], $name);
	return;
}

# What a statement tells of itself.
sub notice_of { return try($_[0])->{err} // '' }

# ---- an account goes to the other side ----

sub other_side
{
	my ($company, $from) = @_;
	my %sum;

	$sum{ $_->{account_id} } += abs $_->{amount} foreach grep { defined $_->{account_id} } @{ $intuit->truth(company => $company,
			statement => 'balance_sheet', method => 'Accrual', start => '2025-06-01', end => '2026-11-30')->{rows} };
	my ($id) = grep { $sum{$_} } map { $_->{id} } grep { $_->{type} eq $from && $_->{active} && !$_->{parent} } @{ $intuit->admin('accounts', { company => $company })->{accounts} };
	return $id // die "$company has no $from";
}

sub test_reclassified
{
	my ($model, $company, $from, $type, $subtype, $notices) = @_;
	my $range = q{'2025-06-01', '2026-11-30'};

	$node->connect_company($model, 'sim-production', $company);
	sql("SELECT FROM reefqbo.import_actuals('$model', $range)");
	is(balanced($model, '2025-06-01', '2026-11-30'), '18|18', "$company: 18 balance sheets balance");
	is(unsettled($model), '0|||', "$company: no month is to be read again");

	my $account = other_side($company, $from);
	$intuit->admin('reclassify', { company => $company, account => $account, type => $type, subtype => $subtype });
	sql(sprintf $notices, $model);
	like(unsettled($model), qr/\A1[0-9]\|2025-06-01\|.*\|reclassified\z/, "$company, $from to $type: months are to be read again") or diag unsettled($model);
	like(sql("SELECT what_to_do FROM reefqbo.connection_status WHERE model = '$model'"), qr/reefqbo\.refresh\('$model'.*reclassified/, "$company: connection_status says so");
	like(sql("SELECT status, finding FROM reefqbo.check() WHERE item = 'import' AND subject = '$model'"), qr/\Awarning\|.*reclassified.*now $type/, "$company: check() says so");
	foreach my $call ("statement('$model', 'balance_sheet', '2025-06-01', '2025-06-30')", "balance_sheet('$model', '2025-06-01', '2025-06-30')",
		"trial_balance('$model', '2025-06-01')", "reconcile('$model', 'balance_sheet', '2025-06-01', '2025-06-30')")
	{
		my ($status, $out, $err) = $node->psql('postgres', "SELECT count(*) FROM reefqbo.$call");
		like($err, qr/NOTICE:  months in this statement must be read again/, "$company: " . ($call =~ /\A(\w+)/)[0] . ' says so');
	}
	sql("SELECT FROM reefqbo.refresh('$model')");
	is(unsettled($model), '0|||', "$company: a refresh reads them, though nothing else has changed");
	is(balanced($model, '2025-06-01', '2026-11-30'), '18|18', "$company: and the balance sheets balance");
	is_the_ledger($model, $company, '2025-06-01', '2026-11-30', "$company: every figure is the ledger's");
	is(sql("SELECT count(*) FROM reefqbo.check() WHERE item = 'import' AND subject = '$model' AND status <> 'ok'"), '0', "$company: check() is content");
	return;
}

# Whoever notices: the chart, or a report that knows another one.
test_reclassified('Owed', 'reef', 'Other Current Asset', 'Other Current Liability', 'OtherCurrentLiabilities', "SELECT FROM reefqbo.import_accounts('%s')");
test_reclassified('Seen', 'atoll', 'Other Current Asset', 'Long Term Liability', 'NotesPayable', "SELECT FROM reefqbo.import_actuals('%s', '2026-10-01', '2026-10-31')");

# The same side and the same statement: nothing is to be read again.
sub test_same_side
{
	my ($account) = map { $_->{id} } grep { $_->{type} eq 'Expense' && $_->{active} && !$_->{parent} } @{ $intuit->admin('accounts', { company => 'reef' })->{accounts} };

	$intuit->admin('reclassify', { company => 'reef', account => $account, type => 'Other Expense', subtype => 'OtherMiscellaneousExpense' });
	sql("SELECT FROM reefqbo.import_accounts('Owed')");
	is(unsettled('Owed'), '0|||', 'an account that stays on its side leaves the figures as they are');
	return;
}

test_same_side();

# ---- a month out of balance ----

sub reports { return join ' ', map { ($_->{query} =~ /start_date=(\d+-\d+)/)[0] . '..' . ($_->{query} =~ /end_date=(\d+-\d+)/)[0] }
	  grep { $_->{endpoint} eq 'BalanceSheet' } @{ $intuit->admin('log')->{log} } }

sub months { return sql("SELECT string_agg(to_char(period_start, 'YYMM'), ' ' ORDER BY period_start) FROM reefqbo.imported_month JOIN reefqbo.connection_status USING (model_id, connection_id) WHERE model = '$_[0]' AND statement = 'balance_sheet'") }

sub yymm
{
	my ($first, $last, %without) = @_;
	my ($year, $month) = $first =~ /(\d\d)-(\d\d)\z/;
	my @months;

	for (; sprintf('20%02d-%02d', $year, $month) le $last; $month == 12 ? ($year++, $month = 1) : $month++)
	{
		push @months, sprintf '%02d%02d', $year, $month;
	}
	return join ' ', grep { !$without{$_} } @months;
}

sub test_one_month
{
	$node->connect_company('Mu', 'sim-production', 'lagoon');
	$intuit->admin('fault', { kind => 'unbalance', company => 'lagoon', endpoint => 'BalanceSheet', month => '2025-10', by => '1.00', times => -1 });
	my $error = $node->sqlstate_of(q{SELECT FROM reefqbo.import_actuals('Mu', '2024-12-01', '2026-10-31')});
	is($error->{sqlstate}, 'RQ007', 'a month out of balance: the import ends in an error');
	like("$error->{message} $error->{detail}", qr/1 months do not tie out, and the other 22 are stored.*2025-10.*difference is -?1\.00/s, 'which names the month');
	is(months('Mu'), yymm('2024-12', '2026-10', '2510' => 1), 'every other month is there, older ones too');
	is(unsettled('Mu'), '1|2025-10-01|2025-10-01|does not tie out', 'and the one is remembered');
	is(sql(q{SELECT status, sqlstate, months FROM reefqbo.import_log WHERE kind = 'actuals' ORDER BY import_id DESC LIMIT 1}), 'failed|RQ007|22', 'the log has it as failed, with what it has stored');
	like(sql(q{SELECT what_to_do FROM reefqbo.connection_status WHERE model = 'Mu'}), qr/does not tie out in 2025-10/, 'connection_status names it');
	like(sql(q{SELECT status, finding FROM reefqbo.check() WHERE item = 'import' AND subject = 'Mu'}), qr/warning\|1 months do not tie out in QuickBooks, 2025-10/, 'check() names it');
	return;
}

sub test_refresh_goes_around
{
	$intuit->admin('log_clear');
	my ($status, $out, $err) = $node->psql('postgres', q{SELECT months FROM reefqbo.refresh('Mu', whole => true)});
	is($out, '23', 'a whole refresh reads all months but the one');
	like($err, qr/WARNING:  Lagoon Resorts LLC: 1 months do not tie out in QuickBooks\nDETAIL:  These are left as they were: 2025-10/, 'warns of it');
	is(reports(), '2025-12..2026-11 2025-11..2025-11 2025-10..2025-10 2024-12..2025-09', 'and asks for it by itself, so that nothing is asked for twice');
	is(months('Mu'), yymm('2024-12', '2026-11', '2510' => 1), 'the new month is there');

	$intuit->admin('clear_faults');
	sql(q{SELECT FROM reefqbo.refresh('Mu', whole => true)});
	is(months('Mu'), yymm('2024-12', '2026-11'), 'when it is put right, a refresh has it');
	is(unsettled('Mu'), '0|||', 'and nothing is to be read again');
	is_the_ledger('Mu', 'lagoon', '2024-12-01', '2026-11-30', 'every figure is that of the ledger');
	return;
}

# A month that was good and is not any more keeps what it had.
sub test_good_month_goes_bad
{
	my $before = sql(q{SELECT account_id, amount FROM reefqbo.actual JOIN reefqbo.connection_status USING (model_id, connection_id) WHERE model = 'Mu' AND period_start = '2026-03-01' ORDER BY 1, 2});
	my ($bank, $cost) = map { my $type = $_; (grep { $_->{type} eq $type && $_->{active} } @{ $intuit->admin('accounts', { company => 'lagoon' })->{accounts} })[0]{id} } 'Bank', 'Expense';

	$intuit->admin('post', { company => 'lagoon', date => '2026-03-05', lines => [ { account => $cost, amount => '7.77' }, { account => $bank, amount => '-7.77' } ] });
	$intuit->admin('fault', { kind => 'unbalance', company => 'lagoon', endpoint => 'BalanceSheet', month => '2026-03', by => '1.00', times => -1 });
	sql(q{SELECT FROM reefqbo.refresh('Mu')});
	is(sql(q{SELECT account_id, amount FROM reefqbo.actual JOIN reefqbo.connection_status USING (model_id, connection_id) WHERE model = 'Mu' AND period_start = '2026-03-01' ORDER BY 1, 2}), $before, 'a month that no longer ties out keeps what it had');
	my ($status, $out, $err) = $node->psql('postgres', q{SELECT count(*) FROM reefqbo.statement('Mu', 'profit_and_loss', '2026-03-01', '2026-03-31')});
	like($err, qr/must be read again.*do not tie out/s, 'and a statement says so');
	$intuit->admin('clear_faults');
	$intuit->admin('post', { company => 'lagoon', date => '2026-03-06', lines => [ { account => $cost, amount => '1.11' }, { account => $bank, amount => '-1.11' } ] });
	sql(q{SELECT FROM reefqbo.refresh('Mu')});
	is_the_ledger('Mu', 'lagoon', '2024-12-01', '2026-11-30', 'when it changes again it is read');
	is(unsettled('Mu'), '0|||', 'and is settled');
	return;
}

test_one_month();
test_refresh_goes_around();
test_good_month_goes_bad();
done_testing();
