# A consolidated statement is the sum of its companies, to the cent: in one currency, with eliminations, each amount in
# one branch only. What cannot be consolidated is refused, and named.
#
# Expected amounts are the ledgers', translated and summed here by whole numbers (Reefqbo::Group).

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Group;
use Reefqbo::Ledger;

my ($intuit, $node) = start_group('consolidation');

# ---- what the companies have with each other, and what was paid in ----

sub account_id
{
	my ($company, $field, $value) = @_;
	my ($account) = grep { $_->{$field} eq $value } @{ $intuit->admin('accounts', { company => $company })->{accounts} };

	return $account->{id} // die "$company has no account whose $field is $value";
}

sub post
{
	my ($company, $date, $debit, $credit, $amount) = @_;

	$intuit->admin('post', { company => $company, date => $date, type => 'JournalEntry', memo => 'for the group',
			lines => [ { account => $debit, amount => $amount }, { account => $credit, amount => "-$amount" } ] });
	return;
}

# Reef sells to Lagoon in February, which pays in May, and has a part of it in stock until April. Corail is given
# capital, twice, and corrects an earlier year.
post('reef', '2026-02-10', 'Accounts Receivable (A/R)', 'Sales', '1000.00');
post('lagoon', '2026-02-10', 'Materials Used', 'Accounts Payable (A/P)', '1000.00');
post('reef', '2026-05-06', 'Savings', 'Accounts Receivable (A/R)', '1000.00');
post('lagoon', '2026-05-06', 'Accounts Payable (A/P)', 'Checking', '1000.00');
post('corail', '2025-09-15', 'Banque', 'Capital social', '5000.33');
post('corail', '2026-03-15', 'Banque', 'Capital social', '700.77');
post('corail', '2025-06-15', account_id('corail', subtype => 'RetainedEarnings'), 'Banque', '333.33');
import_group($node);
my %books = map { $_ => books_of($intuit, $_) } @COMPANIES;

my @ELIMINATIONS = (
	[ '2026-02-01', undef, 100000, 'Revenue', 'COGS' ],
	[ '2026-02-01', '2026-05-01', 100000, 'Liability', 'Asset' ],
	[ '2026-02-01', '2026-04-01', 25050, 'COGS', 'Asset' ],
	# what Reef holds of Atoll, and what Atoll pays it
	[ '2025-03-01', undef, 512345, 'Equity', 'Asset' ],
	[ '2026-06-01', undef, 30099, 'Revenue', 'Dividend' ]);

sub state_eliminations
{
	sql(q{SELECT reefqbo.create_branch('Group', 'Eliminations')});
	foreach my $entry (@ELIMINATIONS)
	{
		my ($month, $reversed, $cents, @types) = @$entry;
		my $values = join ', ', map { quote($_) } $month, $reversed, money($cents), map { ($_, "Group $_") } @types;
		sql("INSERT INTO reefqbo.elimination (model_id, branch_id, month, reversed_in, amount, debit_type, debit_category, credit_type, credit_category)"
			  . " SELECT model_id, branch_id, v.* FROM reefqbo.branch, (VALUES ($values)) v (month, reversed, amount, dt, dc, ct, cc)" =~ s/v\.\*/v.month::date, v.reversed::date, v.amount::numeric, dt, dc, ct, cc/r
			  . " WHERE name = 'Eliminations'");
	}
	return;
}

# ---- rates ----

# Millionths, different each month, in no simple relation to each other.
my @MONTHS = months_of($FIRST, '2026-11-01');

sub made_rates
{
	my ($base, $n) = (@_, 0);

	return { map { $n++; ($_ => { closing => $base + $n * 7919 % 60013, average => $base + 1234 + $n * 104729 % 50021 }) } @MONTHS };
}

my %RATES = (EUR => made_rates(1060000), USD => made_rates(880000));
$RATES{EUR}{'2024-12-01'}{historical} = 1183456;
$RATES{EUR}{'2025-09-01'}{historical} = 1171717;
$RATES{USD}{'2023-05-01'}{historical} = 812345;

sub decimal { return defined $_[0] ? sprintf('%d.%06d', int($_[0] / 1000000), $_[0] % 1000000) : undef }

sub state_rates
{
	my ($from, $to) = @_;
	my $rates = $RATES{$from};

	sql('INSERT INTO reefqbo.exchange_rate (model_id, from_currency, to_currency, month, closing, average, historical)'
		  . " SELECT model_id, '$from', '$to', v.month::date, v.closing::numeric, v.average::numeric, v.historical::numeric FROM reefqbo.model, (VALUES "
		  . join(', ', map { my $month = $_; '(' . join(', ', map { quote($_) } $month,
				map { decimal($rates->{$month}{$_}) } qw(closing average historical)) . ')' } sort keys %$rates)
		  . ") v (month, closing, average, historical) WHERE name = 'Group'");
	return;
}

# ---- statements ----

sub arguments
{
	my ($statement, $first, $last, %more) = @_;

	return join ', ', "'Group', '$statement', '$first', '$last'", map { "$_ => " . ($more{$_} eq 'true' ? 'true' : quote($more{$_})) } sort keys %more;
}

sub check
{
	my ($name, $statement, $frequency, $books, %more) = @_;
	my $rows = statement_rows($node, arguments($statement, $FIRST, $LAST, frequency => $frequency, %more));

	check_statement("$name, $statement by $frequency", $rows, $statement, $books, [ slots_of($statement, $frequency, 1, $FIRST, $LAST) ]);
	return $rows;
}

sub check_balanced
{
	my ($name, $rows) = @_;
	my %side = map { my $label = $_; ($label => join ' ', map { "$_->{period} $_->{amount}" }
			grep { $_->{label} eq $label } @$rows) } 'Total Assets', 'Total Liabilities and Equity';

	is($side{'Total Liabilities and Equity'}, $side{'Total Assets'}, "$name: the balance sheet balances in every month");
	isnt($side{'Total Assets'}, '', "$name: there is one");
	return;
}

my ($EUR_IN_USD, $ELIMINATED);

sub whole_group { return ($books{reef}, $books{atoll}, $books{lagoon}, $EUR_IN_USD, $ELIMINATED) }

sub test_whole
{
	foreach my $frequency ('month', 'quarter', 'half-year', 'year')
	{
		check('the group', $_, $frequency, [ whole_group() ]) foreach 'profit_and_loss', 'cash_flow';
		my $rows = check('the group', 'balance_sheet', $frequency, [ whole_group() ]);
		check_balanced('the group', $rows) if $frequency eq 'month';
	}
	my ($difference) = grep { $_->{label} eq 'Translation Difference' && $_->{period} eq '2026-10' } @{ statement_rows($node,
			arguments('balance_sheet', '2026-10-01', '2026-10-31')) };
	is($difference->{amount}, money($EUR_IN_USD->{Accrual}{balance_sheet}{'2026-10-01'}{'computed:Translation'}), 'the translation difference is a line');
	is($difference->{currency}, 'USD', 'in the currency of the model');
	return;
}

sub test_branches
{
	check('Americas', $_, 'quarter', [ @books{qw(reef atoll lagoon)} ], branch => 'Americas') foreach 'profit_and_loss', 'balance_sheet', 'cash_flow';
	check('Europe', $_, 'quarter', [$EUR_IN_USD], branch => 'Europe') foreach 'profit_and_loss', 'balance_sheet', 'cash_flow';
	check('Corail', $_, 'month', [$EUR_IN_USD], branch => 'Corail') foreach 'profit_and_loss', 'balance_sheet', 'cash_flow';
	check('Corail itself', $_, 'month', [ $books{corail} ], branch => 'Corail', company => 'true') foreach 'profit_and_loss', 'balance_sheet';
	return;
}

# What was sold within the group is in the books of both, and in those of the group no more.
sub test_eliminated
{
	my %shown;

	foreach my $branch ('Reef', 'Lagoon', 'Group')
	{
		foreach my $statement ('profit_and_loss', 'balance_sheet')
		{
			$shown{$branch}{"$_->{label} $_->{period}"} = $_->{amount} foreach grep { $_->{company} eq '' || $_->{account_id} ne '' }
			  @{ statement_rows($node, arguments($statement, '2026-01-01', '2026-06-30', branch => $branch)) };
		}
	}
	is($shown{Reef}{"Sales 2026-02"}, money(value_of($books{reef}, 'profit_and_loss', { method => 'Accrual', months => ['2026-02-01'] },
			account_id('reef', fully_qualified_name => 'Sales'))),
		'the sale is in the books of the company that sold');
	my @lines = map { "Eliminations$_" } ' (Revenue)', ' (COGS)', ' (Asset)', ' (Liability)', ' (Dividend)', '';
	my @periods = map { "2026-0$_" } 1 .. 6;
	my %zero = map { my $period = $_; map { ("$_ $period" => '0.00') } @lines } @periods;
	is_same({ map { ($_ => $shown{Group}{$_} // '0.00') } keys %zero }, { %zero,
			'Eliminations (Revenue) 2026-02' => '-1000.00', 'Eliminations (COGS) 2026-02' => '-749.50', 'Eliminations (COGS) 2026-04' => '-250.50',
			# 5123.45 of the share held, 1000.00 of the claim, 250.50 of the stock
			(map { ("Eliminations (Asset) $_->[0]" => $_->[1]) } [ '2026-01', '-5123.45' ], [ '2026-02', '-6373.95' ], [ '2026-03', '-6373.95' ],
				[ '2026-04', '-6123.45' ], [ '2026-05', '-5123.45' ], [ '2026-06', '-5123.45' ]),
			(map { ("Eliminations (Liability) 2026-0$_" => '-1000.00') } 2 .. 4),
			# the dividend is no income of the group, and nothing that it paid
			'Eliminations (Revenue) 2026-06' => '-300.99', 'Eliminations (Dividend) 2026-06' => '300.99',
			(map { ("Eliminations $_->[0]" => $_->[1]) } [ '2026-01', '-5123.45' ], [ '2026-02', '-5373.95' ], [ '2026-03', '-5373.95' ],
				[ '2026-04', '-5123.45' ], [ '2026-05', '-5123.45' ], [ '2026-06', '-5424.44' ]) },
		'sale, claim and the profit in stock are taken out, each until its end');
	return;
}

# By category they stand under what they were stated with.
sub test_eliminated_by_category
{
	my %shown = map { ("$_->{section} $_->{label} $_->{period}" =~ s/Total Group/Group/r => $_->{amount}) } grep { $_->{label} =~ /^(?:Total Group \w+|Eliminated Profit)$/ }
	  map { @{ statement_rows($node, arguments($_, '2026-02-01', '2026-02-28', lines => 'category')) } } 'profit_and_loss', 'balance_sheet';

	is_same(\%shown, { 'Revenue Group Revenue 2026-02' => '-1000.00', 'COGS Group COGS 2026-02' => '-749.50', 'Assets Group Asset 2026-02' => '-6373.95',
			'Equity Group Equity 2026-02' => '-5123.45',
			'Liabilities Group Liability 2026-02' => '-1000.00', 'Equity Eliminated Profit 2026-02' => '-250.50' }, 'eliminations by category');
	return;
}

# Those of a branch with companies below it are its own and those above's, not those below's.
sub test_eliminated_in_branch
{
	my $move = q{UPDATE reefqbo.elimination SET branch_id = (SELECT branch_id FROM reefqbo.branch WHERE name = '%s')};

	sql(sprintf $move, 'Americas');
	check('eliminations of Americas', $_, 'quarter', [ @books{qw(reef atoll lagoon)}, $ELIMINATED ], branch => 'Americas')
			foreach 'profit_and_loss', 'balance_sheet', 'cash_flow';
	check('eliminations of Americas, the group', $_, 'quarter', [ whole_group() ]) foreach 'profit_and_loss', 'balance_sheet', 'cash_flow';
	check('eliminations of Americas, Europe', 'balance_sheet', 'quarter', [$EUR_IN_USD], branch => 'Europe');
	check('eliminations of Americas, Reef', 'balance_sheet', 'quarter', [ $books{reef} ], branch => 'Reef');
	sql(sprintf $move, 'Eliminations');
	return;
}

sub test_by_cash
{
	foreach my $statement ('profit_and_loss', 'balance_sheet', 'cash_flow')
	{
		my $rows = statement_rows($node, arguments($statement, $FIRST, $LAST, frequency => 'month', accounting_method => 'Cash'));
		check_statement("the group by cash, $statement", $rows, $statement, [ whole_group() ], [ slots_of($statement, 'month', 1,
				'2025-12-01', $LAST, 'Cash') ]);
		is(sql("SELECT count(*) > 0, count(*) FILTER (WHERE amount::text <> '0.00') FROM reefqbo.reconcile('Group', '$statement', '$FIRST', '$LAST', 'quarter', 'Cash') WHERE part = 'Difference'"),
			't|0', "$statement by cash: nothing is left to reconcile");
	}
	return;
}

sub test_disabled
{
	sql(q{SELECT reefqbo.set_branch('Group', 'Lagoon', false)});
	check('without Lagoon', $_, 'quarter', [ $books{reef}, $books{atoll}, $EUR_IN_USD, $ELIMINATED ]) foreach 'profit_and_loss',
			'balance_sheet', 'cash_flow';
	check('Lagoon, by its name', 'profit_and_loss', 'quarter', [ $books{lagoon} ], branch => 'Lagoon');
	sql(q{SELECT reefqbo.set_branch('Group', 'Lagoon', true), reefqbo.set_branch('Group', 'Americas', false)});
	check('without Americas and all below', $_, 'quarter', [ $EUR_IN_USD, $ELIMINATED ]) foreach 'profit_and_loss', 'balance_sheet';
	sql(q{SELECT reefqbo.set_branch('Group', 'Americas', true), reefqbo.set_branch('Group', 'Eliminations', false)});
	check('without eliminations', $_, 'quarter', [ @books{qw(reef atoll lagoon)}, $EUR_IN_USD ]) foreach 'profit_and_loss', 'balance_sheet', 'cash_flow';
	sql(q{SELECT reefqbo.set_branch('Group', 'Eliminations', true)});
	return;
}

# ---- the parts and the whole ----

# Each part is the company by its ledger, in its own currency and in that of the model.
sub test_reconciled
{
	my ($statement) = @_;
	my %name = ('Reef Trading Ltd (Reef)' => [ @books{qw(reef reef)} ], 'Atoll Holdings Inc. (Atoll)' => [ @books{qw(atoll atoll)} ],
		'Lagoon Resorts LLC (Lagoon)' => [ @books{qw(lagoon lagoon)} ], 'Corail et Fils SARL (Corail)' => [ $books{corail}, $EUR_IN_USD ],
				'Eliminations' => [ undef, $ELIMINATED ]);
	my %slot = map { ($_->{label} => $_->{amount}) } slots_of($statement, 'quarter', 1, $FIRST, $LAST);
	my (%shown, %expected, %difference, %sum);

	foreach my $row (rows_of($node, "SELECT period, label, part, home_currency, home_amount, currency, amount FROM reefqbo.reconcile('Group', '$statement', '$FIRST', '$LAST', 'quarter')"))
	{
		my ($period, $label, $part, $home_currency, $home_amount, $currency, $amount) = @$row;
		my $key = "$period $label $part";
		$shown{$key} = "$home_currency $home_amount $currency $amount";
		if ($part eq 'Difference')
		{
			$expected{$key} = '  USD 0.00';
		}
		elsif ($part eq 'Consolidated')
		{
			$expected{$key} = '  USD ' . money(line_value($statement, [ whole_group() ], $slot{$period}, $label));
		}
		else
		{
			my ($home, $there) = map { defined $_ ? money(line_value($statement, [$_], $slot{$period}, $label)) : '' } @{ $name{$part} };
			$expected{$key} = join ' ', $part eq 'Eliminations' ? '' : $part =~ /Corail/ ? 'EUR' : 'USD', $home, 'USD', $there;
		}
	}
	cmp_ok(scalar(keys %shown), '>', 7 * 5 * keys %slot, "$statement: there is much to reconcile");
	is_same(\%shown, \%expected, "$statement: each part is what its ledger says, and together they are the whole");
	return;
}

sub differences
{
	my ($statement) = @_;

	return sql("SELECT count(*) > 0, count(*) FILTER (WHERE amount::text <> '0.00') FROM reefqbo.reconcile('Group', '$statement', '$FIRST', '$LAST') WHERE part = 'Difference'");
}

# ---- accounts in other branches than their companies ----

my @LEAVES = qw(Reef Atoll Lagoon Corail Shop);

sub map_elsewhere
{
	my ($company, $branch, @accounts) = @_;

	sql("INSERT INTO reefqbo.mapping (model, company_branch, account_id, variable_type, category, branch) VALUES ('Group', '$BRANCH{$company}', '$_->[0]', '$_->[1]', 'Moved', '$branch')") foreach @accounts;
	return map { ($_->[0] => $branch) } @accounts;
}

# The amounts of a statement's fixed lines, added up over branches.
sub added_up
{
	my ($statement, @branches) = @_;
	my %sum;

	foreach my $branch (@branches)
	{
		$sum{"$_->{period} $_->{label}"} += cents($_->{amount}) foreach grep { $_->{kind} =~ /total|computed/ && $_->{company} eq '' && $_->{account_id} eq '' && $_->{label} !~ /^Eliminations/ }
		  @{ statement_rows($node, arguments($statement, $FIRST, $LAST, branch => $branch)) };
	}
	return { map { ($_ => money($sum{$_})) } grep { $sum{$_} } keys %sum };
}

sub test_other_branches
{
	sql(q{SELECT reefqbo.create_branch('Group', 'Shop', 'Americas')});
	my %moved = (
		reef => { map_elsewhere('reef', 'Shop', [ account_id('reef', fully_qualified_name => 'Sales'), 'Revenue' ], [ account_id('reef',
				fully_qualified_name => 'Petty Cash'), 'Asset' ],
				[ account_id('reef', fully_qualified_name => 'Rent'), 'Opex' ]) },
		lagoon => { map_elsewhere('lagoon', 'Shop', [ account_id('lagoon', fully_qualified_name => 'Wages'), 'Staff' ]) },
		corail => { map_elsewhere('corail', 'Reef', [ account_id('corail', fully_qualified_name => 'Clients'), 'Asset' ],
				[ account_id('corail', subtype => 'ServiceFeeIncome'), 'Revenue' ]) });
	my %in_usd = (%books, corail => $EUR_IN_USD);
	my %companies = (Reef => [qw(reef corail)], Atoll => ['atoll'], Lagoon => ['lagoon'], Corail => ['corail'], Shop => [qw(reef lagoon)]);

	foreach my $branch (@LEAVES)
	{
		my @parts = map { part_of($in_usd{$_}, $branch, $moved{$_} // {}) } @{ $companies{$branch} };
		check("accounts of others, $branch", $_, 'quarter', \@parts, branch => $branch) foreach 'profit_and_loss', 'balance_sheet', 'cash_flow';
		is(sql("SELECT debit = credit AND debit > 0 FROM reefqbo.trial_balance('Group', '2026-10-01', branch => '$branch') ORDER BY line DESC LIMIT 1"), 't', "accounts of others, $branch: debits are credits");
		check_balanced("accounts of others, $branch", statement_rows($node, arguments('balance_sheet', $FIRST, $LAST, branch => $branch)));
	}
	check('accounts in other branches, the group', $_, 'quarter', [ whole_group() ]) foreach 'profit_and_loss', 'balance_sheet', 'cash_flow';
	check("accounts in other branches, Reef's company", 'balance_sheet', 'quarter', [ $books{reef} ], branch => 'Reef', company => 'true');
	foreach my $statement ('profit_and_loss', 'balance_sheet', 'cash_flow')
	{
		sql(q{SELECT reefqbo.set_branch('Group', 'Eliminations', false)});
		is_same(added_up($statement, @LEAVES), added_up($statement, 'Group'), "$statement: every line of the group is the sum of its branches");
		is_same(added_up($statement, qw(Reef Atoll Lagoon Shop)), added_up($statement, 'Americas'),
				"$statement: and of a branch with some below it") if $statement eq 'profit_and_loss';
		sql(q{SELECT reefqbo.set_branch('Group', 'Eliminations', true)});
		is(differences($statement), 't|0', "$statement: nothing is left to reconcile");
	}
	sql(q{DELETE FROM reefqbo.mapping WHERE category = 'Moved'});
	check('accounts back where they were, Shop and Reef', 'balance_sheet', 'quarter', [ $books{reef} ], branch => 'Reef');
	is(error_of(month_of_group('balance_sheet', '2026-03-01', '2026-03-31', branch => 'Shop'))->{sqlstate}, '42704',
			'a branch that nothing is in any more has no statement');
	return;
}

# ---- trial balance ----

sub expected_trial
{
	my ($month, @books) = @_;
	my %debit;

	foreach my $books (@books)
	{
		my $fiscal = $FISCAL{ $books->{company} } // 1;
		my $year_starts = shift_month($month, -((substr($month, 5, 2) - $fiscal + 12) % 12));
		my $profit = "$books->{company} computed:NetIncome";
		foreach my $past (grep { $_ ge $FIRST } months_of($year_starts, $month))
		{
			my $amounts = $books->{Accrual}{profit_and_loss}{$past} // {};
			foreach my $id (keys %$amounts)
			{
				my $debit = sign_of($books->{chart}{$id}{type}) * $amounts->{$id};
				$debit{"$books->{company} $id"} += $debit;
				$debit{$profit} -= $debit;
			}
		}
		my $balances = $books->{Accrual}{balance_sheet}{$month};
		$debit{"$books->{company} $_"} += sign_of($books->{chart}{$_}{type}) * $balances->{$_} foreach keys %$balances;
	}
	return { map { ($_ => money($debit{$_})) } grep { $debit{$_} } keys %debit };
}

sub test_trial_balance
{
	my ($month) = @_;
	my %key = ('Reef Trading Ltd' => 'reef', 'Atoll Holdings Inc.' => 'atoll', 'Lagoon Resorts LLC' => 'lagoon', 'Corail et Fils SARL' => 'corail');
	my @rows = rows_of($node, "SELECT company_name, account_id, coalesce(debit, -credit), debit, credit, label FROM reefqbo.trial_balance('Group', '$month') WHERE coalesce(debit, credit) IS NOT NULL ORDER BY line");
	my $total = pop @rows;
	my %elimination = map { ($_->[5] => cents($_->[2])) } grep { $_->[0] eq '' } @rows;
	my ($debit, $credit, $eliminated) = (0, 0, 0);

	$debit += cents($_->[3]) foreach grep { $_->[3] ne '' } @rows;
	$credit += cents($_->[4]) foreach grep { $_->[4] ne '' } @rows;
	$eliminated += $_ foreach values %elimination;
	is_same({ map { ("$key{ $_->[0] } $_->[1]" => $_->[2]) } grep { $_->[0] ne '' } @rows }, expected_trial($month,
			@books{qw(reef atoll lagoon)}, $EUR_IN_USD), "trial balance of the group, $month");
	is($eliminated, 0, "$month: eliminations have debits like credits");
	is("@$total[3 .. 5]", money($debit) . ' ' . money($debit) . ' Total', "$month: debits are credits, and the last row says so");
	is($credit, $debit, "$month: both sides are the same");
	return;
}

# What was sold within the group is neither its income nor its cost: in the trial balance as in the profit and loss.
sub test_eliminated_in_trial_balance
{
	my $shown = sub { return sql("SELECT string_agg(label || ' ' || coalesce(debit, -credit), ', ' ORDER BY label) FROM reefqbo.trial_balance('Group', '$_[0]', branch => '$_[1]') WHERE label ~ '^Eliminations'") };

	is($shown->('2026-02-01', 'Group'), 'Eliminations (Asset) -6373.95, Eliminations (COGS) -749.50, Eliminations (Equity) 5123.45, Eliminations (Liability) 1000.00, Eliminations (Revenue) 1000.00',
		'a sale, its cost, the claim, the profit in stock and the share that is held');
	is($shown->('2026-07-01', 'Group'), 'Eliminations (Asset) -5123.45, Eliminations (COGS) -1000.00, Eliminations (Dividend) -300.99, Eliminations (Equity) 5123.45, Eliminations (Revenue) 1300.99',
		'after the claim was paid, the stock sold and a dividend, for the rest of the year');
	sql(q{INSERT INTO reefqbo.elimination (model_id, branch_id, month, amount, debit_type, debit_category, credit_type, credit_category, memo)}
		  . q{ SELECT model_id, branch_id, '2026-06-01', 77, 'Revenue', 'Income', 'Asset', 'Receivable', 'one year' FROM reefqbo.branch WHERE name = 'Atoll'});
	is($shown->('2026-06-01', 'Atoll'), 'Eliminations (Asset) -77.00, Eliminations (Revenue) 77.00', 'at the end of a fiscal year');
	is($shown->('2026-07-01', 'Atoll'), 'Eliminations (Asset) -77.00, Eliminations (Equity) 77.00', 'in the next one it is of former years');
	sql(q{UPDATE reefqbo.elimination SET accounting_method = 'Cash' WHERE memo = 'one year'});
	is($shown->('2026-06-01', 'Atoll'), '', 'nor is it there by accrual, if it is stated for cash');
	sql(q{DELETE FROM reefqbo.elimination WHERE memo = 'one year'});
	return;
}

# Companies may have the same name: what each has posted to its retained earnings counts once.
sub test_same_name
{
	my $flow = sub { return { map { ("$_->{period} $_->{label}" => $_->{amount}) } grep { $_->{label} =~ /^(?:Net|Cash)/ } @{ statement_rows($node, arguments('cash_flow', '2026-01-01', '2026-06-30', branch => 'Americas')) } } };

	post('reef', '2026-03-09', account_id('reef', subtype => 'RetainedEarnings'), 'Savings', '100.00');
	post('lagoon', '2026-03-09', account_id('lagoon', subtype => 'RetainedEarnings'), 'Checking', '40.00');
	sql(q{SELECT FROM reefqbo.refresh('Group')});
	my $expected = $flow->();
	my @ledgers = map { books_of($intuit, $_) } qw(reef atoll lagoon);
	is($expected->{'2026-03 Cash at End of Period'}, money(line_value('cash_flow', \@ledgers, { method => 'Accrual', months => ['2026-03-01'] }, 'Cash at End of Period')), 'cash is what the ledgers have');
	sql(q{UPDATE reefqbo.connection SET company_name = 'Same Ltd'});
	is_same($flow->(), $expected, 'and that is so when all companies have the same name');
	return;
}

# ---- the other way round: companies in dollars, one of them with a year from July, in a group in euros ----

sub test_in_euros
{
	sql(q{SELECT reefqbo.set_currency('Group', 'EUR')});
	state_rates('USD', 'EUR');
	my @in_euros = ((map { translated($books{$_}, $RATES{USD}) } qw(reef atoll lagoon)), $books{corail}, $ELIMINATED);
	check('in euros', $_, 'quarter', \@in_euros) foreach 'profit_and_loss', 'cash_flow';
	check_balanced('in euros', check('in euros', 'balance_sheet', 'month', \@in_euros));
	check('Atoll in euros', 'balance_sheet', 'month', [ $in_euros[1] ], branch => 'Atoll');
	sql(q{SELECT reefqbo.set_currency('Group', 'USD')});
	return;
}

# A historical rate of a later month only: before it, equity is not known.
sub test_later_opening
{
	my %rates = map { my $month = $_; ($month => { %{ $RATES{EUR}{$month} } }) } keys %{ $RATES{EUR} };

	delete $rates{'2024-12-01'}{historical};
	sql(q{UPDATE reefqbo.exchange_rate SET historical = NULL WHERE from_currency = 'EUR' AND month = '2024-12-01'});
	my $books = translated($books{corail}, \%rates);
	my $rows = statement_rows($node, arguments('balance_sheet', '2026-03-01', $LAST, branch => 'Corail', accounting_method => 'Accrual'));
	my @amounts = grep { $_->{kind} ne 'section' && $_->{kind} ne 'total' && $_->{section} eq 'Equity' && $_->{account_id} ne '' } @$rows;
	is_same({ map { ("$_->{period} $_->{account_id}" => $_->{amount}) } @amounts },
		{ map { my $row = $_; ("$row->{period} $row->{account_id}" => money($books->{Accrual}{balance_sheet}{"$row->{period}-01"}{ $row->{account_id} } // 0)) } @amounts },
		'equity from a later historical rate on');
	my $error = $node->sqlstate_of('SELECT FROM reefqbo.statement(' . arguments('balance_sheet', '2025-05-01', '2025-05-31') . ')');
	is($error->{sqlstate}, '42704', 'before it');
	like($error->{message}, qr/historical.*EUR.*USD.*2024-12/, 'the historical rate that is missing is named');
	sql('UPDATE reefqbo.exchange_rate SET historical = ' . decimal($RATES{EUR}{'2024-12-01'}{historical})
			. q{ WHERE from_currency = 'EUR' AND month = '2024-12-01'});
	return;
}

# ---- what cannot be ----

sub error_of { return $node->sqlstate_of("SELECT FROM $_[0]") // { sqlstate => 'none', message => '', detail => '', hint => '' } }

sub month_of_group { return 'reefqbo.statement(' . arguments($_[0], $_[1], $_[2], @_[ 3 .. $#_ ]) . ')' }

sub test_missing_rates
{
	my @march = ('2026-03-01', '2026-03-31');
	foreach my $kind ('average', 'closing')
	{
		my $statement = $kind eq 'average' ? 'profit_and_loss' : 'balance_sheet';
		sql("UPDATE reefqbo.exchange_rate SET $kind = NULL WHERE from_currency = 'EUR' AND month = '2026-03-01'");
		foreach my $call (month_of_group($statement, @march), "reefqbo.reconcile('Group', '$statement', '2026-03-01', '2026-03-31')",
				month_of_group('cash_flow', @march), q{reefqbo.trial_balance('Group', '2026-03-01')})
		{
			my $error = error_of($call);
			is($error->{sqlstate}, '42704', "no $kind rate: $call");
			like($error->{message}, qr/$kind rate from EUR to USD for 2026-03/, 'it is named');
		}
		is(error_of(month_of_group($statement, @march, branch => 'Americas'))->{sqlstate}, 'none', 'where it is not needed it is not missed');
		is(error_of(month_of_group($statement, @march, branch => 'Corail', company => 'true'))->{sqlstate}, 'none',
				'nor in a statement of the company in its own currency');
		my ($april) = grep { $_->{label} eq 'Net Income' } @{ statement_rows($node, arguments('profit_and_loss', '2026-04-01', '2026-04-30')) };
		is($april->{previous_period}, $kind eq 'average' ? '' : money(line_value('profit_and_loss', [ whole_group() ],
				{ method => 'Accrual', months => ['2026-03-01'] }, 'Net Income')),
			'a column beside it that lacks a rate is empty');
		sql("UPDATE reefqbo.exchange_rate SET $kind = " . decimal($RATES{EUR}{'2026-03-01'}{$kind})
				. q{ WHERE from_currency = 'EUR' AND month = '2026-03-01'});
	}
	sql(q{DELETE FROM reefqbo.exchange_rate WHERE from_currency = 'EUR' AND month = '2026-03-01'});
	is(error_of(month_of_group('profit_and_loss', @march))->{sqlstate}, '42704', 'no row of rates at all');
	sql('SELECT reefqbo.set_rate(' . join(', ', map { quote($_) } 'Group', 'EUR', '2026-03-17',
			map { decimal($RATES{EUR}{'2026-03-01'}{$_}) } qw(closing average)) . ')');
	check('rates stated again', 'balance_sheet', 'quarter', [ whole_group() ]);
	return;
}

sub test_no_historical
{
	sql(q{UPDATE reefqbo.exchange_rate SET historical = NULL WHERE from_currency = 'EUR'});
	my $error = error_of(month_of_group('balance_sheet', '2026-03-01', '2026-03-31'));
	is($error->{sqlstate}, '42704', 'no historical rate at all');
	like($error->{message}, qr/historical rate from EUR to USD for 2024-12/, 'it is named, with the month that is told of first');
	is(error_of(month_of_group('profit_and_loss', '2026-03-01', '2026-03-31'))->{sqlstate}, 'none', 'a profit and loss needs none');
	sql("UPDATE reefqbo.exchange_rate SET historical = " . decimal($RATES{EUR}{$_}{historical})
			. " WHERE from_currency = 'EUR' AND month = '$_'") foreach '2024-12-01', '2025-09-01';
	return;
}

# A trial balance has the months of the fiscal year so far: a rate that lacks for one of them would leave amounts out.
sub test_missing_in_year
{
	sql(q{UPDATE reefqbo.exchange_rate SET historical = NULL WHERE from_currency = 'EUR' AND month = '2024-12-01'});
	sql(q{UPDATE reefqbo.exchange_rate SET average = NULL WHERE from_currency = 'EUR' AND month = '2025-03-01'});
	foreach my $branch ('Group', 'Corail')
	{
		my $error = error_of("reefqbo.trial_balance('Group', '2025-12-01', branch => '$branch')");
		is($error->{sqlstate}, '42704', "no average rate of an earlier month of the fiscal year: the trial balance of $branch");
		like($error->{message}, qr/average rate from EUR to USD for 2025-03/, 'it is named');
		is(error_of("reefqbo.trial_balance('Group', '2026-01-01', branch => '$branch')")->{sqlstate}, 'none', 'the next year does not need it');
	}
	sql('UPDATE reefqbo.exchange_rate SET historical = ' . decimal($RATES{EUR}{'2024-12-01'}{historical})
			. q{ WHERE from_currency = 'EUR' AND month = '2024-12-01'});
	sql('UPDATE reefqbo.exchange_rate SET average = ' . decimal($RATES{EUR}{'2025-03-01'}{average})
			. q{ WHERE from_currency = 'EUR' AND month = '2025-03-01'});
	return;
}

# Amounts in nobody knows what currency are not added to others.
sub test_unknown_currency
{
	sql(q{UPDATE reefqbo.connection SET home_currency = NULL WHERE company_name = 'Corail et Fils SARL'});
	foreach my $currency ("'USD'", 'NULL')
	{
		sql("SELECT reefqbo.set_currency('Group', $currency)");
		foreach my $call (month_of_group('profit_and_loss', '2026-03-01', '2026-03-31'), month_of_group('balance_sheet', '2026-03-01', '2026-03-31'),
			q{reefqbo.trial_balance('Group', '2026-03-01')}, q{reefqbo.reconcile('Group', 'profit_and_loss', '2026-03-01', '2026-03-31')})
		{
			my $error = error_of($call);
			is($error->{sqlstate}, '22023', "a company of unknown currency in a group in $currency: $call");
			like($error->{message}, qr/currency.*Corail et Fils SARL/, 'it is named');
		}
	}
	is(error_of(month_of_group('profit_and_loss', '2026-03-01', '2026-03-31', branch => 'Corail'))->{sqlstate}, 'none', 'alone it can be shown');
	sql(q{UPDATE reefqbo.connection SET home_currency = 'EUR' WHERE company_name = 'Corail et Fils SARL'; SELECT reefqbo.set_currency('Group', 'USD')});
	return;
}

sub test_currencies
{
	sql(q{SELECT reefqbo.set_currency('Group', NULL)});
	my $error = error_of(month_of_group('balance_sheet', '2026-03-01', '2026-03-31'));
	is($error->{sqlstate}, '22023', 'different currencies, and none stated');
	like($error->{message}, qr/EUR.*USD/, 'they are named');
	check('companies of one currency', 'profit_and_loss', 'year', [ @books{qw(reef atoll lagoon)} ], branch => 'Americas');
	sql(q{UPDATE reefqbo.connection SET home_currency = NULL WHERE company_name = 'Corail et Fils SARL'});
	$error = error_of(month_of_group('balance_sheet', '2026-03-01', '2026-03-31'));
	is($error->{sqlstate}, '22023', 'a currency that is not known is no other\'s');
	like($error->{detail}, qr/Corail et Fils SARL/, 'the company is named');
	is(error_of(month_of_group('balance_sheet', '2026-03-01', '2026-03-31', branch => 'Corail', company => 'true'))->{sqlstate}, 'none', 'its own statement is shown');
	sql(q{UPDATE reefqbo.connection SET home_currency = 'EUR' WHERE company_name = 'Corail et Fils SARL'});
	sql(q{SELECT reefqbo.set_currency('Group', 'USD')});
	my %wrong = (q{reefqbo.set_currency('Group', 'usd')} => '22023', q{reefqbo.set_currency('Grove', 'USD')} => '42704',
			q{reefqbo.set_rate('Group', 'EUR', '2026-03-01', 0)} => '22023',
		q{reefqbo.set_rate('Group', 'USD', '2026-03-01', 1)} => '22023', q{reefqbo.set_rate('Group', 'EUR', '2026-03-01', 'NaN')} => '22023', q{reefqbo.set_rate('Group', 'EUR', '2026-03-01', NULL, 'Infinity')} => '22023', q{reefqbo.set_rate('Group', 'EUR', NULL, 1)} => '22004',
				q{reefqbo.set_rate('Grove', 'EUR', '2026-03-01', 1)} => '42704',
		q{reefqbo.remove_rate('Grove', 'EUR', '2026-03-01')} => '42704', q{reefqbo.remove_rate('Group', 'EUR', NULL)} => '22004',
		q{reefqbo.remove_elimination('Grove', 1)} => '42704', q{reefqbo.remove_elimination('Group', NULL)} => '22004',
		q{reefqbo.set_branch('Group', 'Asia', false)} => '42704', q{reefqbo.set_branch('Group', NULL, false)} => '22004');
	is(error_of($_)->{sqlstate}, $wrong{$_}, $_) foreach sort keys %wrong;
	return;
}

# A row gets where it may not be only past the functions.
sub test_sandbox
{
	my $environment = q{UPDATE reefqbo.connection SET environment_id = (SELECT environment_id FROM reefqbo.environment WHERE name = '%s')}
	  . q{ WHERE branch_id = (SELECT branch_id FROM reefqbo.branch WHERE name = 'Lagoon')};
	sql(sprintf $environment, 'sim-sandbox');
	foreach my $call ((map { month_of_group($_, '2026-03-01', '2026-03-31') } 'profit_and_loss', 'balance_sheet', 'cash_flow'),
			q{reefqbo.trial_balance('Group', '2026-03-01')},
		q{reefqbo.reconcile('Group', 'profit_and_loss', '2026-03-01', '2026-03-31')}, month_of_group('profit_and_loss', '2026-03-01',
				'2026-03-31', branch => 'Lagoon'))
	{
		my $error = error_of($call);
		is($error->{sqlstate}, 'RQ003', "a sandbox company in a production model: $call");
		like($error->{detail}, qr/Lagoon Resorts LLC/, 'it is named');
	}
	is(error_of(month_of_group('profit_and_loss', '2026-03-01', '2026-03-31', branch => 'Reef'))->{sqlstate}, 'none', 'other branches are not hindered');
	sql(q{SELECT reefqbo.set_branch('Group', 'Lagoon', false)});
	is(error_of(month_of_group('profit_and_loss', '2026-03-01', '2026-03-31'))->{sqlstate}, 'none', 'nor is the group without it');
	sql(q{UPDATE reefqbo.model SET purpose = 'training'; SELECT reefqbo.set_branch('Group', 'Lagoon', true)});
	is(error_of(month_of_group('profit_and_loss', '2026-03-01', '2026-03-31'))->{sqlstate}, 'none', 'a training model may have it');
	sql(q{UPDATE reefqbo.model SET purpose = 'production'});
	sql(sprintf $environment, 'sim-production');
	return;
}

sub notices_of
{
	my ($query) = @_;
	my (undef, undef, $stderr) = $node->psql('postgres', "SELECT FROM $query", on_error_die => 1);

	return $stderr;
}

sub test_fiscal_years
{
	like(notices_of(month_of_group('profit_and_loss', '2026-03-01', '2026-03-31')),
			qr/different fiscal years.*calendar month.*Atoll Holdings Inc\. in July.*Reef Trading Ltd in January/s, 'fiscal years differ, and it is said');
	is(notices_of(month_of_group('profit_and_loss', '2026-03-01', '2026-03-31', branch => 'Atoll')), '', 'of one company there is nothing to say');
	is(error_of(month_of_group('profit_and_loss', '2026-03-01', '2026-03-31', year => 'fiscal'))->{sqlstate}, '22023',
			'there is no fiscal year of them all');
	return;
}

# A month that only one company has is left out, and that is said.
sub test_missing_months
{
	sql(q{SELECT FROM reefqbo.import_actuals('Group', '2024-10-01', '2024-11-30', 'Accrual', 'Reef')});
	my $call = month_of_group('profit_and_loss', '2024-01-01', '2025-02-28');
	my $notice = notices_of($call);
	like($notice, qr/left out/, 'months that one company alone has are left out, and it is said');
	like($notice, qr/\Q$_\E: 2 months, 2024-10 to 2024-11/, "$_ lacks them") foreach 'Atoll Holdings Inc.', 'Corail et Fils SARL', 'Lagoon Resorts LLC';
	unlike($notice, qr/Reef Trading Ltd: /, 'and Reef does not');
	is(sql("SELECT string_agg(DISTINCT period, ' ' ORDER BY period) FROM $call"), '2024-12 2025-01 2025-02', 'the other months are there');
	is(sql('SELECT count(DISTINCT period) FROM ' . month_of_group('profit_and_loss', '2024-01-01', '2025-02-28', branch => 'Reef')), 5,
			'of Reef itself all are there');
	is(error_of(q{reefqbo.trial_balance('Group', '2024-11-01')})->{sqlstate}, '42704', 'there is no trial balance of such a month');
	like(error_of(q{reefqbo.trial_balance('Group', '2024-11-01')})->{detail}, qr/Atoll.*Corail.*Lagoon/, 'for want of those companies');
	return;
}

# A third currency, and a third fiscal year.
sub test_third_currency
{
	$node->safe_psql('postgres', q{SELECT reefqbo.create_branch('Group', 'Islet', 'Europe')});
	($BRANCH{islet}, $FISCAL{islet}) = ('Islet', 4);
	$node->connect_company('Group', 'sim-production', 'islet', 'Islet');
	import_group($node);
	my $error = error_of(month_of_group('profit_and_loss', '2026-03-01', '2026-03-31'));
	is("$error->{sqlstate} $error->{message}", '42704 there is no average rate from GBP to USD for 2026-03', 'each currency needs its own rates');
	$RATES{GBP} = made_rates(1290000);
	$RATES{GBP}{$_->[0]}{historical} = $_->[1] foreach [ '2024-12-01', 1270001 ], [ '2026-04-01', 1333333 ];
	state_rates('GBP', 'USD');
	my $in_usd = translated(books_of($intuit, 'islet'), $RATES{GBP});
	check('three currencies', $_, 'month', [ whole_group(), $in_usd ]) foreach 'profit_and_loss', 'cash_flow';
	check_balanced('three currencies', check('three currencies', 'balance_sheet', 'month', [ whole_group(), $in_usd ]));
	check('three currencies, Europe', $_, 'quarter', [ $EUR_IN_USD, $in_usd ], branch => 'Europe') foreach 'profit_and_loss', 'balance_sheet', 'cash_flow';
	is(differences($_), 't|0', "three currencies, $_: nothing is left to reconcile") foreach 'profit_and_loss', 'balance_sheet', 'cash_flow';
	sql(q{SELECT reefqbo.set_branch('Group', 'Islet', false)});
	return;
}

# A company at the root says when the year of a group begins whose companies differ.
sub test_root_year
{
	$node->connect_company('Rooted', 'sim-production', 'atoll');
	$node->connect_company('Rooted', 'sim-production', 'lagoon', 'Below');
	sql(q{SELECT FROM reefqbo.import_actuals('Rooted', '2025-07-01', '2026-06-30')});
	my %sum;
	foreach my $month (months_of('2025-07-01', '2026-06-01'))
	{
		my ($quarter) = grep { $month ge $_->[1] } [ 'FY2026 Q4', '2026-04-01' ], [ 'FY2026 Q3', '2026-01-01' ], [ 'FY2026 Q2',
				'2025-10-01' ], [ 'FY2026 Q1', '2025-07-01' ];
		$sum{ $quarter->[0] } += line_value('profit_and_loss', [ @books{qw(atoll lagoon)} ], { method => 'Accrual', months => [$month] }, 'Net Income');
	}
	is_same({ map { (@$_) } rows_of($node, q{SELECT period, amount FROM reefqbo.statement('Rooted', 'profit_and_loss', '2025-07-01', '2026-06-30', 'quarter', year => 'fiscal') WHERE label = 'Net Income'}) },
		{ map { ($_ => money($sum{$_})) } keys %sum }, 'quarters of the fiscal year of the company at the root');
	is(sql(q{SELECT DISTINCT currency FROM reefqbo.statement('Rooted', 'profit_and_loss', '2025-07-01', '2026-06-30', 'year')}), 'USD',
			'companies of one currency need none stated');
	return;
}

# What only an operator states.
sub test_rights
{
	sql(q{SELECT reefqbo.create_model('Other'); CREATE ROLE other_operator LOGIN; CREATE ROLE group_reader LOGIN});
	sql(q{SELECT reefqbo.grant_access('other_operator', 'operator', 'Other'), reefqbo.grant_access('group_reader', 'reader', 'Group')});
	foreach my $call (q{reefqbo.set_currency('Group', 'EUR')}, q{reefqbo.set_rate('Group', 'EUR', '2026-03-01', 2)}, q{reefqbo.remove_rate('Group', 'EUR', '2026-03-01')},
			q{reefqbo.set_branch('Group', 'Lagoon', false)}, q{reefqbo.remove_elimination('Group', 1)})
	{
		is($node->sqlstate_of("SET SESSION AUTHORIZATION other_operator; SELECT $call")->{sqlstate}, '42704',
				"an operator of another model is told there is no such model: $call");
		is($node->sqlstate_of("SET SESSION AUTHORIZATION group_reader; SELECT $call")->{sqlstate}, '42501', 'a reader may not');
	}
	foreach my $statement ('profit_and_loss', 'balance_sheet', 'cash_flow')
	{
		my $everything = "SELECT count(*), md5(string_agg(s::text, ';')) FROM " . month_of_group($statement, $FIRST, $LAST) . ' s';
		is(sql("SET SESSION AUTHORIZATION group_reader; $everything"), sql($everything), "a reader sees the same $statement of the group as its owner");
	}
	my $group = q{(SELECT model_id, branch_id FROM reefqbo.branch WHERE name = 'Eliminations') b};
	my $insert = "INSERT INTO reefqbo.elimination (model_id, branch_id, month, amount, debit_type, debit_category, credit_type, credit_category)";
	my ($model, $branch) = split /\|/, sql("SELECT * FROM $group");
	is($node->sqlstate_of("SET SESSION AUTHORIZATION other_operator; $insert VALUES ($model, $branch, '2026-01-01', 1, 'Asset', 'A', 'Asset', 'B')")->{sqlstate}, '42501', 'an operator of another model states no elimination here');
	is($node->sqlstate_of("SET SESSION AUTHORIZATION other_operator; INSERT INTO reefqbo.exchange_rate VALUES ($model, 'EUR', 'JPY', '2026-01-01', 1)")->{sqlstate}, '42501', 'nor a rate');
	test_removing($model, $branch);
	my %wrong = ("'2026-01-02', NULL, 1, 'Asset'" => 'a month begins on its first day',
			"'2026-01-01', '2026-01-01', 1, 'Asset'" => 'what is reversed is reversed later',
		"'2026-01-01', NULL, 1, 'Assets'" => 'types are known');
	is($node->sqlstate_of($insert =~ s/month,/month, reversed_in,/r . " VALUES ($model, $branch, $_, 'A', 'Asset', 'B')")->{sqlstate}, '23514', $wrong{$_}) foreach sort keys %wrong;
	foreach my $table ('exchange_rate', 'elimination')
	{
		is($node->sqlstate_of("SET SESSION AUTHORIZATION $_; DELETE FROM reefqbo.$table")->{sqlstate}, '42501', "rows of reefqbo.$table are not deleted by name: $_") foreach 'other_operator', 'group_reader';
		is(sql("SET SESSION AUTHORIZATION group_reader; SELECT count(*) > 0 FROM reefqbo.$table"), 't', 'who sees them');
	}
	return;
}

# Who may DELETE from a table may lock it: rows are taken away by functions.
sub test_removing
{
	my ($model, $branch) = @_;
	my $as = 'SET SESSION AUTHORIZATION group_operator;';

	sql(q{CREATE ROLE group_operator; SELECT reefqbo.grant_access('group_operator', 'operator', 'Group')});
	sql("$as INSERT INTO reefqbo.exchange_rate VALUES ($model, 'CHF', 'USD', '2026-01-01', 1), ($model, 'CHF', 'JPY', '2026-01-01', 2), ($model, 'CHF', 'USD', '2026-02-01', 3)");
	is(sql("$as SELECT reefqbo.remove_rate('Group', 'CHF', '2026-01-17'), reefqbo.remove_rate('Group', 'CHF', '2026-01-17')"), 't|f', 'a rate is removed, once');
	is(sql(q{SELECT string_agg(closing::text, ' ' ORDER BY closing) FROM reefqbo.exchange_rate WHERE from_currency = 'CHF'}), '2 3', 'that of the month, into the currency of the model');
	sql("$as SELECT reefqbo.remove_rate('Group', from_currency, month, to_currency) FROM reefqbo.exchange_rate WHERE from_currency = 'CHF'");
	is(sql(q{SELECT count(*) FROM reefqbo.exchange_rate WHERE from_currency = 'CHF'}), 0, 'or all that a query finds');

	# a category is one that there is, if any is
	my $category = q{coalesce((SELECT min(category) FROM reefqbo.account_mapping WHERE variable_type = 'Asset'), 'A')};
	my @entries = map { sql("$as INSERT INTO reefqbo.elimination (model_id, branch_id, month, amount, debit_type, debit_category, credit_type, credit_category)"
		  . " VALUES ($model, $branch, '2026-01-01', $_, 'Asset', $category, 'Asset', $category) RETURNING elimination_id") } 11, 12;
	is(sql("$as SELECT reefqbo.remove_elimination('Group', $entries[0]), reefqbo.remove_elimination('Group', $entries[0])"), 't|f', 'an elimination is removed, once');
	is(sql(qq{SELECT string_agg(amount::text, ' ') FROM reefqbo.elimination WHERE elimination_id IN ($entries[0], $entries[1])}), '12', 'and no other');
	is(sql("SET SESSION AUTHORIZATION other_operator; SELECT reefqbo.remove_elimination('Other', $entries[1])"), 'f', 'one of another model is not there');
	is(sql("$as SELECT reefqbo.remove_elimination('Group', $entries[1])"), 't', 'for who works on that one it is');
	return;
}

sql(q{SELECT reefqbo.set_currency('Group', 'USD')});
state_rates('EUR', 'USD');
state_eliminations();
$EUR_IN_USD = translated($books{corail}, $RATES{EUR});
$ELIMINATED = eliminations_of(@ELIMINATIONS);

test_whole();
test_branches();
test_eliminated();
test_eliminated_by_category();
test_eliminated_in_branch();
test_by_cash();
test_disabled();
test_reconciled($_) foreach 'profit_and_loss', 'balance_sheet', 'cash_flow';
test_trial_balance($_) foreach '2024-12-01', '2025-06-01', '2025-07-01', '2025-12-01', '2026-01-01', '2026-02-01', '2026-07-01', '2026-11-01';
test_eliminated_in_trial_balance();
test_in_euros();
test_later_opening();
test_missing_rates();
test_no_historical();
test_missing_in_year();
test_unknown_currency();
test_currencies();
test_other_branches();
test_sandbox();
test_fiscal_years();
test_third_currency();
test_root_year();
test_rights();
test_missing_months();
test_same_name();
$node->stop;
done_testing();
