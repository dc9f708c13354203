# Forms of reports that differ between countries and years: the general ledger of 2026, whose parents have their own rows
# in a section without a Header; the names that two reports have in France; statutory balance sheets, which take one
# section from another and have no sides that are known.
#
# Expected figures are the ledger's own (the admin verb "truth").

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('forms', $intuit, proof_requests => 1);

# ---- the general ledger ----

sub test_general_ledger
{
	my $accounts = $intuit->admin('accounts', { company => 'reef' })->{accounts};
	my %is_parent = map { $_->{parent} => 1 } grep { $_->{parent} } @$accounts;
	my %posted;

	$node->connect_company('Reef', 'sim-production', 'reef');
	sql(q{SELECT FROM reefqbo.import_actuals('Reef', '2026-08-01', '2026-09-30')});
	push @{ $posted{ $_->{account_id} } }, "$_->{date}|" . plain($_->{amount}) foreach @{ $intuit->truth(company => 'reef', statement => 'ledger_lines', method => 'Accrual',
			start => '2026-09-01', end => '2026-09-30')->{rows} };
	my @parents = sort grep { $is_parent{$_} } map { $_->{id} } @$accounts;
	my @children = sort map { $_->{id} } grep { $_->{parent} && $posted{ $_->{id} } } @$accounts;
	foreach my $form ('nested', 'new', 'old')
	{
		my ($own, $none) = (0, 0);

		$intuit->admin('config', { company => 'reef', gl_form => $form });
		foreach my $account (@parents, @children)
		{
			my $got = sql("SELECT transaction_date || '|' || amount FROM reefqbo.ledger_lines('Reef', '$account', '2026-09-01') WHERE line > 0");
			my @got = map { my ($date, $amount) = split /\|/; "$date|" . plain($amount) } split /\n/, $got;
			is(join(' ', sort @got), join(' ', sort @{ $posted{$account} // [] }), "$form: the lines of $account are its own, and no other account's");
			$is_parent{$account} && (@got ? $own++ : $none++);
		}
		cmp_ok($own, '>=', 1, "$form: some of them have accounts below and rows of their own");
		cmp_ok($none, '>=', 1, "$form: and some have none");
	}
	return;
}

# ---- France ----

sub test_france
{
	$intuit->admin('set_company', { company => 'corail', country => 'FR' });
	$node->connect_company('Corail', 'sim-production', 'corail');
	my ($status, $out, $err) = $node->psql('postgres', q{SELECT months FROM reefqbo.import_actuals('Corail', '2026-01-01', '2026-11-30')});
	is($out, '11', 'a French company is imported');
	unlike($err, qr/WARNING/, 'and proved');
	is(sql(q{SELECT count(*), count(*) FILTER (WHERE passed) FROM reefqbo.tie_out_check k JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Corail' AND kind LIKE 'trial_balance%'}), '3|3', 'by its trial balance');
	my ($line) = @{ $intuit->truth(company => 'corail', statement => 'ledger_lines', method => 'Accrual', start => '2026-09-01', end => '2026-09-30')->{rows} };
	cmp_ok(sql("SELECT count(*) FROM reefqbo.ledger_lines('Corail', '$line->{account_id}', '2026-09-01') WHERE line > 0"), '>', 0, 'and has a ledger');
	is(join(' ', sort { $a cmp $b } grep { /FR\z/ } map { $_->{path} =~ m{/(\w+)(?:\?|\z)} ? $1 : '' } @{ $intuit->admin('log')->{log} }), 'GeneralLedgerFR TrialBalanceFR', 'by the names of France');
	return;
}

# ---- statutory balance sheets ----

sub balances { return join "\n", sort map { join '|', $_->{period_start}, $_->{account_id} // 'profit', plain($_->{amount}) } @{ $intuit->truth(company => $_[0], statement => 'balance_sheet', method => 'Accrual', start => $_[1], end => $_[2])->{rows} } }

sub stored
{
	my ($model) = @_;

	return join "\n", sort map { my @f = split /\|/; join '|', @f[0, 1], plain($f[2]) } split /\n/, sql("SELECT v.period_start, CASE WHEN v.account_id LIKE 'computed:%' THEN 'profit' ELSE v.account_id END, v.amount"
		  . " FROM reefqbo.actual v JOIN reefqbo.model m USING (model_id) WHERE m.name = '$model' AND v.statement = 'balance_sheet' AND v.amount <> 0");
}

sub test_statutory
{
	foreach my $form ('nested', 'flat')
	{
		my $model = "Islet $form";

		$intuit->admin('config', { company => 'islet', bs_layout => $form });
		$node->connect_company($model, 'sim-production', 'islet');
		is(sql("SELECT months FROM reefqbo.import_actuals('$model', '2025-04-01', '2026-10-31')"), '19', "$form: a statutory balance sheet is imported");
		is(stored($model), balances('islet', '2025-04-01', '2026-10-31'), "$form: with every balance of the ledger");
		is(sql("SELECT count(*) FILTER (WHERE passed), count(*) FROM reefqbo.tie_out_check k JOIN reefqbo.model m USING (model_id) WHERE m.name = '$model' AND kind = 'balance'"), '19|19', "$form: balanced by what the accounts are");
		is(sql("SELECT count(*) FROM reefqbo.statement('$model', 'balance_sheet', '2025-04-01', '2026-10-31') a JOIN reefqbo.statement('$model', 'balance_sheet', '2025-04-01', '2026-10-31') e USING (period)"
			  . " WHERE a.label = 'Total Assets' AND e.label = 'Total Liabilities and Equity' AND a.amount = e.amount"), '19', "$form: and so do its statements");

		# an amount that is not the ledger's
		$intuit->admin('fault', { kind => 'break_sum', company => 'islet', endpoint => 'BalanceSheet', by => '0.01', times => -1 });
		is($node->sqlstate_of("SELECT FROM reefqbo.import_actuals('$model', '2026-10-01', '2026-10-31')")->{sqlstate}, 'RQ007', "$form: a cent too much is refused");
		$intuit->admin('clear_faults');
	}
	return;
}

test_general_ledger();
test_france();
test_statutory();
done_testing();
