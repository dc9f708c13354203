# What fits: a mapping whose account has gone to the other statement is told everywhere; a branch that has only a class
# has no retained earnings; amounts have the decimals of their currency.
#
# Expected amounts are the ledger's (the admin verb "truth"), translated here in whole numbers.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('fit', $intuit);

sub cents { my ($amount) = @_; return sprintf '%.0f', $amount * 100 }

# ---- a mapping that no longer fits ----

sub test_mapping
{
	my ($rent) = map { $_->{id} } grep { $_->{type} eq 'Expense' && $_->{active} && !$_->{parent} } @{ $intuit->admin('accounts', { company => 'pod-1' })->{accounts} };

	$node->connect_company('Pod', 'sim-production', 'pod-1');
	sql(q{SELECT FROM reefqbo.import_actuals('Pod', '2026-08-01', '2026-09-30')});
	sql(q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Pod')});
	is(sql('SELECT count(*) FROM reefqbo.unmapped_account'), '0', 'all accounts are mapped');
	$intuit->admin('reclassify', { company => 'pod-1', account => $rent, type => 'Fixed Asset', subtype => 'OtherFixedAssets' });
	sql(q{SELECT FROM reefqbo.import_accounts('Pod')});
	my $was = sql("SELECT variable_type FROM reefqbo.mapping WHERE account_id = '$rent'");
	is(sql('SELECT account_id, reason FROM reefqbo.unmapped_account'), "$rent|mapped to $was, which does not fit the account type Fixed Asset", 'one whose account is an asset now is told, with the reason');
	is(sql(q{SELECT change, old_value, new_value FROM reefqbo.account_change ORDER BY change}), "mismapped|$was|Fixed Asset\n" . sql(q{SELECT change, old_value, new_value FROM reefqbo.account_change WHERE change = 'reclassified'}), 'account_change has it');
	like(sql(q{SELECT status, finding FROM reefqbo.check() WHERE item = 'mapping'}), qr/\Awarning\|.*; the mapping of 1 no longer fits/, 'check() has it');
	is(sql(q{SELECT account_id, variable_type FROM reefqbo.propose_mapping('Pod')}), "$rent|Asset", 'another is proposed');
	sql(q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Pod')});
	is(sql('SELECT count(*) FROM reefqbo.unmapped_account'), '0', 'and accepted as the first was');
	sql(q{SELECT FROM reefqbo.import_accounts('Pod')});
	is(sql(q{SELECT count(*) FROM reefqbo.account_change WHERE change = 'mismapped'}), '1', 'it is noticed once');
	return;
}

# ---- a branch that has only a class ----

sub test_class
{
	$node->connect_company('Reef', 'sim-production', 'reef');
	sql(q{SELECT reefqbo.create_branch('Reef', 'Boats')});
	sql(q{SELECT FROM reefqbo.import_actuals('Reef', '2026-07-01', '2026-09-30')});
	sql(q{SELECT FROM reefqbo.import_dimensions('Reef', 'class', '2026-07-01', '2026-09-30')});
	sql(q{SELECT reefqbo.map_dimension('Reef', 'class', 'Charter', 'Boats')});
	my $lines = q{SELECT count(*) FROM reefqbo.statement('Reef', 'cash_flow', '2026-08-01', '2026-09-30', branch => 'Boats')};
	cmp_ok(sql("$lines WHERE btrim(label) = 'Net Income' AND amount <> 0"), '>', 0, 'a branch that has only a class has a profit');
	is(sql("$lines WHERE label ~ 'Retained Earnings'"), '0', 'and no retained earnings that nobody posted');
	is(sql(q{SELECT DISTINCT amount FROM reefqbo.statement('Reef', 'cash_flow', '2026-08-01', '2026-09-30', branch => 'Boats') WHERE btrim(label) = 'Net Change in Cash'}), '0.00', 'nor any cash');
	return;
}

# ---- decimals ----

sub translated
{
	my ($numerator, $denominator, $decimals) = @_;
	my @lines;

	foreach my $row (@{ $intuit->truth(company => 'pod-2', statement => 'profit_and_loss', method => 'Accrual', start => '2026-09-01', end => '2026-09-30')->{rows} })
	{
		my $cents = cents($row->{amount});
		my $units = ($cents < 0 ? -1 : 1) * int((abs($cents) * $numerator * 2 + $denominator) / (2 * $denominator));
		next unless $units;
		push @lines, "$row->{account_id}|" . ($decimals ? sprintf('%s%d.%03d', $units < 0 ? '-' : '', int(abs($units) / 1000), abs($units) % 1000) : $units);
	}
	return join "\n", sort @lines;
}

sub shown { return join "\n", sort split /\n/, sql(q{SELECT account_id, amount FROM reefqbo.statement('Money', 'profit_and_loss', '2026-09-01', '2026-09-30') WHERE kind = 'account' AND amount <> 0}) }

sub test_decimals
{
	$node->connect_company('Money', 'sim-production', 'pod-2');
	sql(q{SELECT FROM reefqbo.import_actuals('Money', '2026-08-01', '2026-09-30')});
	sql(q{SELECT reefqbo.set_currency('Money', 'JPY')});
	sql(q{SELECT reefqbo.set_rate('Money', 'USD', g::date, closing => 151.3, average => 150.5, historical => 149.9) FROM generate_series('2026-08-01'::timestamp, '2026-09-01', interval '1 month') g});
	is(shown(), translated(1505, 1000, 0), 'yen have no decimals');
	is(sql(q{SELECT count(*) FROM reefqbo.statement('Money', 'balance_sheet', '2026-09-01', '2026-09-30') WHERE scale(amount) <> 0}), '0', 'nowhere in a balance sheet');
	is(sql(q{SELECT count(*) FROM reefqbo.trial_balance('Money', '2026-09-01') WHERE scale(coalesce(debit, credit)) <> 0}), '0', 'nor in a trial balance');
	sql(q{SELECT reefqbo.set_currency('Money', 'KWD')});
	sql(q{SELECT reefqbo.set_rate('Money', 'USD', g::date, closing => 0.308, average => 0.307, historical => 0.309) FROM generate_series('2026-08-01'::timestamp, '2026-09-01', interval '1 month') g});
	is(shown(), translated(307, 100, 3), 'dinars have three');
	is(sql(q{SELECT DISTINCT scale(amount) FROM reefqbo.statement('Money', 'balance_sheet', '2026-09-01', '2026-09-30') WHERE amount IS NOT NULL}), '3', 'everywhere in a balance sheet');
	sql(q{SELECT reefqbo.set_currency('Money', NULL)});
	is(sql(q{SELECT DISTINCT scale(amount) FROM reefqbo.statement('Money', 'balance_sheet', '2026-09-01', '2026-09-30') WHERE amount IS NOT NULL}), '2', 'dollars have two');
	return;
}

test_mapping();
test_class();
test_decimals();
done_testing();
