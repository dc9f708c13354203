# What QuickBooks, or whoever signs in, sends and must not be believed: a chart without an account, a company that is
# in the model already, a second account of retained earnings that takes no profit.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('sent', $intuit);

# ---- a chart without an account ----

sub test_empty_chart
{
	my $chart = 'SELECT account_id, name, gone_since IS NULL FROM reefqbo.account ORDER BY 1';

	$node->connect_company('Pod', 'sim-production', 'pod-1');
	sql(q{SELECT FROM reefqbo.import_actuals('Pod', '2026-09-01', '2026-09-30')});
	my $before = sql($chart);
	$intuit->admin('fault', { kind => 'status', status => 200, endpoint => 'query', entity => 'Account', company => 'pod-1', times => -1,
		body => '{"QueryResponse":{"totalCount":0},"time":"2026-11-20T10:00:00-08:00"}' });
	foreach my $call ("import_accounts('Pod')", "refresh('Pod', whole => true)")
	{
		my $error = $node->sqlstate_of("SELECT FROM reefqbo.$call");
		is($error->{sqlstate}, 'RQ008', "$call: no account at all is refused");
		like($error->{message}, qr/the chart of accounts of "Pod 1 Ltd" came without a single account/, "$call: with the company");
		is(sql($chart), $before, "$call: and no account is gone");
		is(sql('SELECT count(*) FROM reefqbo.account_change'), '0', "$call: nor has anything been noticed");
	}
	$intuit->admin('clear_faults');
	is(sqlstate(q{SELECT FROM reefqbo.import_accounts('Pod')}), 'none', 'the next one is read');
	return;
}

# Of a company that never had any, it is no wonder.
sub test_chart_that_was_empty
{
	$node->connect_company('New', 'sim-production', 'pod-2');
	$intuit->admin('fault', { kind => 'status', status => 200, endpoint => 'query', entity => 'Account', company => 'pod-2', times => 1,
		body => '{"QueryResponse":{"totalCount":0},"time":"2026-11-20T10:00:00-08:00"}' });
	is(sql(q{SELECT accounts_seen FROM reefqbo.import_accounts('New')}), '0', 'a chart that was never known may be empty');
	return;
}

# ---- a company that is there already ----

sub test_same_company_twice
{
	my $connections = 'SELECT branch, company FROM reefqbo.connection_status ORDER BY 1, 2';

	$node->connect_company('Group', 'sim-production', 'pod-3', 'North');
	sql(q{SELECT reefqbo.create_branch('Group', 'South')});
	my $before = sql($connections);
	my $back = $intuit->browse(sql(call('connect', 'Group', 'sim-production', 'South')), company => 'pod-3');
	$intuit->admin('log_clear');
	my $error = $node->sqlstate_of(call('complete_connection', $back));
	is($error->{sqlstate}, 'RQ002', 'the same company in another branch of a model is refused');
	like($error->{message}, qr/connected to branch "North" of model "Group" already/, 'with the other branch');
	is(scalar(grep { $_->{endpoint} eq 'token' } @{ $intuit->admin('log')->{log} }), 0, 'before Intuit was asked for anything');
	is(sql($connections), $before, 'and nothing is stored');
	is(sqlstate(q{SELECT FROM reefqbo.import_accounts('Group')}), 'none', 'the grant that lives goes on living');

	# who has left the model still has its figures in it
	sql(q{SELECT FROM reefqbo.disconnect('Group', 'North')});
	is($node->sqlstate_of(call('complete_connection', $intuit->browse(sql(call('connect', 'Group', 'sim-production', 'South')), company => 'pod-3')))->{sqlstate},
		'RQ002', 'though the other branch be disconnected, it has the figures');
	sql(q{SELECT FROM reefqbo.forget_company('Group', 'North')});
	is(sqlstate(call('complete_connection', $intuit->browse(sql(call('connect', 'Group', 'sim-production', 'South')), company => 'pod-3'))), 'none',
		'when it is forgotten there, it can come here');
	$node->connect_company('Elsewhere', 'sim-production', 'pod-3');
	is(sql(q{SELECT count(*) FROM reefqbo.connection_status WHERE company = 'Pod 3 Ltd'}), '2', 'another model may have the same company');

	# one company in the place of another
	$node->connect_company('Group', 'sim-production', 'pod-4', 'West');
	my $other = $intuit->browse(sql(call('replace_company', 'Group', 'West')), company => 'pod-3');
	is($node->sqlstate_of(call('complete_connection', $other))->{sqlstate}, 'RQ002', 'nor can it take the place of another');
	is(sql(q{SELECT company FROM reefqbo.connection_status WHERE branch = 'West'}), 'Pod 4 Ltd', 'which stays');
	is(sqlstate(call('complete_connection', $intuit->browse(sql(call('reconnect', 'Group', 'South')), company => 'pod-3'))), 'none', 'a reconnect is none of that');
	return;
}

# ---- retained earnings ----

# Worked by hand. Before the end of the year: 100.00 EUR are earned in December, at the average of 1.10. In January, at
# closing rates of 1.40, the year's profit stands in the account that QuickBooks closes into, as it was translated. The
# other account of that kind, whose id comes first as a text, has a posting of 5.00 in January, at 1.30.
sub test_second_retained_earnings
{
	my %id;
	$intuit->admin('set_company', { company => 'shell', currency => 'EUR' });
	$id{ $_->{type} . '/' . $_->{subtype} } //= $_->{id} foreach @{ $intuit->admin('accounts', { company => 'shell' })->{accounts} };
	my ($retained) = map { $id{$_} } grep { m{/RetainedEarnings\z} } keys %id;
	my ($bank) = map { $id{$_} } grep { m{\ABank/} } sort keys %id;
	my ($income) = map { $id{$_} } grep { m{\AIncome/} } sort keys %id;
	my $second = '1000000';

	$intuit->admin('create_account', { company => 'shell', name => 'Other Retained Earnings', type => 'Equity', subtype => 'RetainedEarnings', id => $second });
	cmp_ok($second, 'lt', $retained, 'the other account comes first as a text');
	$intuit->admin('post', { company => 'shell', date => '2025-12-10', lines => [ { account => $bank, amount => '100.00' }, { account => $income, amount => '-100.00' } ] });
	$intuit->admin('post', { company => 'shell', date => '2026-01-10', lines => [ { account => $bank, amount => '5.00' }, { account => $second, amount => '-5.00' } ] });
	$node->connect_company('Shell', 'sim-production', 'shell');
	sql(q{SELECT FROM reefqbo.import_actuals('Shell', '2025-12-01', '2026-01-31')});
	sql(q{SELECT reefqbo.set_currency('Shell', 'USD')});
	sql(q{SELECT reefqbo.set_rate('Shell', 'EUR', '2025-12-01', closing => 1.20, average => 1.10, historical => 1.10)});
	sql(q{SELECT reefqbo.set_rate('Shell', 'EUR', '2026-01-01', closing => 1.40, average => 1.30)});
	is(sql("SELECT account_id, amount FROM reefqbo.statement('Shell', 'balance_sheet', '2026-01-01', '2026-01-31') WHERE kind IN ('account', 'computed') AND account_id <> '$bank' AND amount <> 0 ORDER BY amount"),
		join("\n", "$second|6.50", 'computed:Translation|30.50', "$retained|110.00"), 'the year\'s profit goes to the account that QuickBooks closes into');
	return;
}

test_empty_chart();
test_chart_that_was_empty();
test_same_company_twice();
test_second_retained_earnings();
done_testing();
