# Lines of the profit and loss that are in no chart of accounts: a company with several currencies has an unrealized
# gain or loss. Whatever view shows a statement, it sums to the statement's own total. They can be mapped, have a
# series and stand in unmapped_account; two of one title are two lines; another language restates nothing.
#
# What the figures have to be are the ledger's own sums (the admin verb "truth"), and the revaluations made here.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;

my ($FIRST, $LAST) = ('2026-01-01', '2026-11-30');
my $RANGE = "'$FIRST', '$LAST'";

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('lines', $intuit);

my ($EURO) = map { $_->{id} } grep { $_->{currency} eq 'EUR' } @{ $intuit->admin('accounts', { company => 'lagoon' })->{accounts} };

sub revalue
{
	my ($date, $amount, %where) = @_;

	$intuit->admin('revalue', { company => 'lagoon', account => $EURO, date => $date, amount => $amount, %where });
	return;
}

sub cents { my ($amount) = @_; return sprintf '%.0f', $amount * 100 }

# What each month has earned, by the ledger.
sub earned
{
	my %type = map { $_->{id} => $_->{type} } @{ $intuit->admin('accounts', { company => 'lagoon' })->{accounts} };
	my %sum;

	foreach my $row (@{ $intuit->truth(company => 'lagoon', statement => 'profit_and_loss', method => 'Accrual', start => $FIRST, end => $LAST)->{rows} })
	{
		my $earns = ($row->{section} // $type{ $row->{account_id} }) =~ /Income\z/;
		$sum{ substr $row->{period_start}, 0, 7 } += ($earns ? 1 : -1) * cents($row->{amount});
	}
	return join "\n", map { sprintf '%s|%.2f', $_, $sum{$_} / 100 } sort keys %sum;
}

sub net_income
{
	my (%as) = @_;
	my $arguments = join ', ', "'Lagoon', 'profit_and_loss', $RANGE", map { "$_ => $as{$_}" } sort keys %as;

	return sql("SELECT period, amount FROM reefqbo.statement($arguments) WHERE label = 'Net Income' ORDER BY 1");
}

sub every_view_is
{
	my ($name) = @_;
	my $earned = earned();

	is(net_income(), $earned, "$name: net income by account");
	is(net_income(lines => q{'category'}), $earned, "$name: net income by category");
	is(net_income(lines => q{'category'}, company => 'true'), $earned, "$name: of the company, by category");
	is(sql("SELECT period, amount FROM reefqbo.profit_and_loss('Lagoon', $RANGE) WHERE label = 'Net Income' ORDER BY 1"),
		$earned, "$name: in profit_and_loss()");
	foreach my $lines ('account', 'category')
	{
		is(sql("SELECT count(*), count(*) FILTER (WHERE a.amount = e.amount) FROM reefqbo.statement('Lagoon', 'balance_sheet', $RANGE, lines => '$lines') a"
			  . " JOIN reefqbo.statement('Lagoon', 'balance_sheet', $RANGE, lines => '$lines') e USING (period)"
			  . " WHERE a.label = 'Total Assets' AND e.label = 'Total Liabilities and Equity'"), '11|11', "$name: balance sheets by $lines balance");
	}
	return;
}

revalue('2026-02-10', '-3.00');
revalue('2026-03-10', '-4.00');
revalue('2026-03-10', '4.00', section => 'OtherIncome');
revalue('2026-03-11', '-5.00', place => 2);
$node->connect_company('Lagoon', 'sim-production', 'lagoon');
sql("SELECT FROM reefqbo.import_actuals('Lagoon', $RANGE)");

my $LINES = "FROM reefqbo.account WHERE account_id LIKE 'computed:Other%'";
is(sql("SELECT account_id, name, account_type, is_computed $LINES ORDER BY 1"),
	join("\n", 'computed:OtherExpenses:1|Unrealized Gain or Loss|Other Expense|t', 'computed:OtherExpenses:2|Unrealized Gain or Loss|Other Expense|t',
		'computed:OtherIncome:1|Unrealized Gain or Loss|Other Income|t'), 'each line has an id by its section and place');
is(sql("SELECT account_id, period_start, amount FROM reefqbo.actual WHERE account_id LIKE 'computed:Other%' ORDER BY 1, 2"),
	join("\n", 'computed:OtherExpenses:1|2026-02-01|3.00', 'computed:OtherExpenses:1|2026-03-01|4.00',
		'computed:OtherExpenses:2|2026-03-01|5.00', 'computed:OtherIncome:1|2026-03-01|4.00'), 'and its own amounts');
every_view_is('unmapped');
is(sql("SELECT account_id, statement, amount_at_stake FROM reefqbo.unmapped_account WHERE account_id LIKE 'computed:%' ORDER BY 1"),
	join("\n", 'computed:OtherExpenses:1|profit_and_loss|7.00', 'computed:OtherExpenses:2|profit_and_loss|5.00', 'computed:OtherIncome:1|profit_and_loss|4.00'),
	'they are unmapped accounts with what is at stake');

# ---- mapped ----

is(sql("SELECT account_id, variable_type, category FROM reefqbo.propose_mapping('Lagoon') WHERE account_id LIKE 'computed:%' ORDER BY 1"),
	join("\n", 'computed:OtherExpenses:1|Opex|Other Expenses', 'computed:OtherExpenses:2|Opex|Other Expenses', 'computed:OtherIncome:1|Revenue|Other Income'),
	'a mapping is proposed for them');
sql("INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Lagoon')");
is(sql('SELECT count(*) FROM reefqbo.unmapped_account'), '0', 'all are mapped');
every_view_is('mapped');
is(sql("SELECT account_id, statement, measure FROM reefqbo.series WHERE account_id LIKE 'computed:%' ORDER BY 1 LIMIT 1"),
	'computed:OtherExpenses:1|profit_and_loss|movement', 'they have a series');
is(sql("SELECT period_start, amount, ledger_amount FROM reefqbo.series_value WHERE account_id = 'computed:OtherExpenses:1' AND period_start < '2026-05-01' ORDER BY 1"),
	join("\n", '2026-01-01|0.00|0.00', '2026-02-01|3.00|3.00', '2026-03-01|4.00|4.00', '2026-04-01|0.00|0.00'), 'with the values of all months');
is(sqlstate("INSERT INTO reefqbo.mapping (model, account_id, variable_type, category) VALUES ('Lagoon', 'computed:NetIncome', 'Equity', 'Profit')"),
	'42704', 'the profit inside equity is mapped nowhere');

# ---- in another currency ----

sql("SELECT reefqbo.set_currency('Lagoon', 'EUR')");
sql("SELECT reefqbo.set_rate('Lagoon', 'USD', g::date, closing => 0.9, average => 0.8, historical => CASE WHEN g = '2026-01-01' THEN 0.7 END)"
	  . " FROM generate_series('2026-01-01'::timestamp, '2026-11-01', interval '1 month') g");
is(net_income(lines => q{'category'}), net_income(), 'translated, they are the same by account and by category');
sql("SELECT reefqbo.set_currency('Lagoon', NULL)");

# ---- another language ----

my $before = sql('SELECT account_id, statement, period_start, amount FROM reefqbo.actual ORDER BY 1, 2, 3');
$intuit->admin('set_company', { company => 'lagoon', language => 'fr' });
is(sql("SELECT amounts_changed FROM reefqbo.refresh('Lagoon', whole => true)"), '0', 'another language restates nothing');
is(sql('SELECT count(*) FROM reefqbo.restatement'), '0', 'so that there is no restatement');
is(sql('SELECT account_id, statement, period_start, amount FROM reefqbo.actual ORDER BY 1, 2, 3'), $before, 'and the figures are what they were');
is(sql("SELECT DISTINCT name $LINES"), 'Gain ou perte latent', 'the lines have their new titles');

# ---- what a statement shows is what there is ----

is(sqlstate(q{SELECT reefqbo._check_sum('profit_and_loss', 887.00, 890.00)}), 'RQ007', 'a statement that leaves an amount out is refused');

done_testing();
