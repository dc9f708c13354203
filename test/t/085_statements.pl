# The statements of a company are the ledger's: by accounts, at every frequency, by the calendar and by the company's
# fiscal year, with what was before, a year before, by cash, and as a share; the same by what accounts are mapped to;
# the flow of cash ties to the bank accounts, and the trial balance to QuickBooks' own.
#
# Expected amounts are the simulator's ledger, summed here (Reefqbo::Group).

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Group;
use Reefqbo::Ledger;

my ($intuit, $node) = start_group('statements');
import_group($node);
my %books = map { $_ => books_of($intuit, $_) } @COMPANIES;

sub arguments
{
	my ($statement, $first, $last, %more) = @_;

	return join ', ', "'Group', '$statement', '$first', '$last'", map { "$_ => " . ($more{$_} eq 'true' ? 'true' : quote($more{$_})) } sort keys %more;
}

# ---- by accounts ----

sub test_company
{
	my ($company) = @_;

	foreach my $year ('calendar', 'fiscal')
	{
		my $first_month = $year eq 'fiscal' ? $FISCAL{$company} : 1;
		foreach my $frequency ('month', 'quarter', 'half-year', 'year')
		{
			foreach my $statement ('profit_and_loss', 'balance_sheet', 'cash_flow')
			{
				my $rows = statement_rows($node, arguments($statement, $FIRST, $LAST,
					frequency => $frequency, year => $year, branch => $BRANCH{$company}, company => 'true'));
				check_statement("$company, $statement by $year $frequency", $rows, $statement, [ $books{$company} ],
					[ slots_of($statement, $frequency, $first_month, $FIRST, $LAST) ]);
			}
		}
	}
	return;
}

# By cash, with accrual beside it.
sub test_by_cash
{
	foreach my $company (@COMPANIES)
	{
		foreach my $statement ('profit_and_loss', 'balance_sheet', 'cash_flow')
		{
			my $rows = statement_rows($node, arguments($statement, $FIRST, $LAST, frequency => 'quarter', accounting_method => 'Cash',
					branch => $BRANCH{$company}, company => 'true'));
			check_statement("$company, $statement by cash", $rows, $statement, [ $books{$company} ], [ slots_of($statement, 'quarter', 1,
					$FIRST, $LAST, 'Cash') ]);
		}
	}
	return;
}

# Where a period goes over the end of what was imported, it is left out; where the range ends within it, its part is shown.
sub test_edges
{
	foreach my $range ([ '2024-01-01', '2026-12-31' ], [ '2025-02-01', '2026-08-31' ], [ '2025-01-15', '2025-12-30' ])
	{
		foreach my $frequency ('quarter', 'year')
		{
			my $rows = statement_rows($node, arguments('profit_and_loss', @$range, frequency => $frequency, branch => 'Atoll',
					company => 'true', year => 'fiscal'));
			check_statement("atoll, @$range by $frequency", $rows, 'profit_and_loss', [ $books{atoll} ], [ slots_of('profit_and_loss',
					$frequency, 7, @$range) ]);
		}
	}
	is(join(' ', map { $_->{label} } slots_of('profit_and_loss', 'year', 1, '2024-01-01', '2026-12-31')), '2025',
			'of three years asked for, one was imported whole');
	return;
}

sub test_currency
{
	my %currency = map { $_->{currency} => 1 } @{ statement_rows($node, arguments('balance_sheet', '2026-10-01', '2026-10-31',
			branch => 'Corail', company => 'true')) };

	is(join(' ', keys %currency), 'EUR', 'the statement of a company is in its own currency');
	return;
}

# What is posted straight to retained earnings is no profit, and is told apart.
sub test_posted_to_equity
{
	my ($id) = grep { $books{reef}{chart}{$_}{subtype} eq 'RetainedEarnings' } keys %{ $books{reef}{chart} };
	my %posted;

	foreach my $line (@{ $intuit->truth(company => 'reef', statement => 'ledger_lines', account => $id, start => '2025-01-01',
			end => $LAST, method => 'Accrual')->{rows} })
	{
		$posted{ substr($line->{date}, 0, 7) } += cents($line->{amount});
	}
	cmp_ok(scalar(keys %posted), '>=', 1, 'reef has posted to retained earnings');
	my %shown = map { ($_->{period} => $_->{amount}) } grep { $_->{label} =~ /^Retained Earnings/ && $_->{amount} ne '0.00' }
	  @{ statement_rows($node, arguments('cash_flow', $FIRST, $LAST, branch => 'Reef', company => 'true')) };
	is_same(\%shown, { map { $_ => money($posted{$_}) } keys %posted }, 'what it has posted there stands in its cash flow, beside the profit');
	return;
}

# ---- by what accounts are mapped to ----

# A type, category and subcategory for each account, by a rule of this test: the type's first word, every third account
# with a subcategory, every seventh not mapped at all.
my %TYPE_OF = ('Income' => 'Revenue', 'Other Income' => 'Revenue', 'Cost of Goods Sold' => 'COGS', 'Expense' => 'Opex',
		'Other Expense' => 'Opex', 'Equity' => 'Equity',
	(map { $_ => 'Asset' } 'Bank', 'Accounts Receivable', 'Other Current Asset', 'Fixed Asset', 'Other Asset'),
	(map { $_ => 'Liability' } 'Accounts Payable', 'Credit Card', 'Other Current Liability', 'Long Term Liability'));

sub mapping_of
{
	my ($company) = @_;
	my $chart = $books{$company}{chart};
	my ($n, %mapping) = (0);

	foreach my $id (sort grep { $_ ne 'computed:NetIncome' } keys %$chart)
	{
		my $account = $chart->{$id};
		my $type = $TYPE_OF{ $account->{type} };
		$type = 'Staff' if $account->{subtype} =~ /^Payroll/ && $type eq 'Opex';
		$type = 'Tax' if $account->{subtype} eq 'GlobalTaxPayable' || $account->{subtype} eq 'ExchangeGainOrLoss';
		$type = 'Dividend' if $account->{subtype} eq 'PartnerDistributions';
		$mapping{$id} = { type => $type, category => (split / /, $account->{type})[0], $n++ % 3 ? () : (subcategory => $account->{subtype} || 'None') }
		  unless $n % 7 == 6 && ++$n;
	}
	return \%mapping;
}

sub map_accounts
{
	my ($company, $mapping) = @_;
	my @values = map { '(' . join(', ', map { quote($_) } 'Group', $BRANCH{$company}, $_,
			@{ $mapping->{$_} }{qw(type category subcategory)}) . ')' } sort keys %$mapping;

	sql('INSERT INTO reefqbo.mapping (model, company_branch, account_id, variable_type, category, subcategory) VALUES ' . join(', ', @values));
	return;
}

my @DEBIT_TYPES = qw(COGS Opex Staff Asset Dividend);

sub natural_sign
{
	my ($type, $statement) = @_;

	return grep({ $type eq $_ } @DEBIT_TYPES) || $type eq 'Tax' && $statement eq 'profit_and_loss' ? 1 : -1;
}

# Where an account stands, and its amount there with the sign of its type.
sub place_of
{
	my ($books, $mapping, $statement, $id) = @_;
	my $account = $books->{chart}{$id};
	my $mapped = $mapping->{$id};
	my $sign = sign_of($account->{type});

	return ('Equity', 'Net Income', '', 1) if $id eq 'computed:NetIncome';
	# other income is no revenue, and other expenses are none of the operations
	my $type = $mapped && $account->{type} eq 'Other Income' && $mapped->{type} eq 'Revenue' ? 'Other Income'
	  : $mapped && $account->{type} eq 'Other Expense' && $mapped->{type} eq 'Opex' ? 'Other Expenses' : $mapped && $mapped->{type};
	return ($type, $mapped->{category}, $mapped->{subcategory} // '', $sign * natural_sign($mapped->{type}, $statement)) if $mapped;
	my $section = $statement eq 'profit_and_loss' ? ($sign > 0 ? 'Unmapped Expenses' : 'Unmapped Income')
	  : $sign > 0 ? 'Unmapped Assets' : 'Unmapped Liabilities and Equity';
	return ($section, $account->{fully_qualified_name}, '', 1);
}

my %SECTION_OF_LINE = ('Asset' => 'Assets', 'Liability' => 'Liabilities', 'Dividend' => 'Dividends');

# Section / category / subcategory => cents, what is 0 left out.
sub expected_by_category
{
	my ($company, $mapping, $statement, $slot) = @_;
	my $books = $books{$company};
	my %expected;

	foreach my $id (grep { ($books->{chart}{$_}{type} =~ /Income|Expense|Cost/ ? 'profit_and_loss' : 'balance_sheet') eq $statement } keys %{ $books->{chart} })
	{
		my ($section, $category, $subcategory, $sign) = place_of($books, $mapping, $statement, $id);
		$expected{ join ' / ', $SECTION_OF_LINE{$section} // $section, $category, $subcategory } += $sign * value_of($books, $statement, $slot, $id);
	}
	return { map { $_ => money($expected{$_}) } grep { $expected{$_} } keys %expected };
}

# The same of the rows: the first of a section is its title, categories are a step below it, subcategories two.
sub shown_by_category
{
	my ($rows, $column) = @_;
	my (%shown, %title, %category);

	foreach my $row (grep { $_->{kind} eq 'account' || $_->{kind} eq 'section' } @$rows)
	{
		my $section = $row->{section};
		my $label = $row->{label} =~ s/ \[.*\]\z//r;
		my $step = $row->{depth} - ($title{$section} //= $row->{depth});
		$category{$section} = $label if $step == 1;
		next if $row->{kind} eq 'section' || $row->{$column} eq '' || $row->{$column} eq '0.00';
		$shown{ join ' / ', $section, $category{$section}, $step == 2 ? $label : '' } = $row->{$column};
	}
	return \%shown;
}

# Totals and computed lines, by the sections they are made of.
my %MADE_OF = (
	profit_and_loss => { 'Total Revenue' => ['Revenue'], 'Total COGS' => ['COGS'], 'Total Opex' => ['Opex'], 'Total Staff' => ['Staff'],
			'Total Tax' => ['Tax'],
		'Gross Profit' => [ 'Revenue', 'COGS' ], 'Total Other Income' => ['Other Income'], 'Total Other Expenses' => ['Other Expenses'],
		'Total Unmapped Income' => ['Unmapped Income'], 'Total Unmapped Expenses' => ['Unmapped Expenses'] },
	balance_sheet => { 'Total Liabilities' => ['Liabilities'], 'Total Tax' => ['Tax'], 'Total Equity' => ['Equity'],
			'Total Dividends Paid' => ['Dividends'],
		'Total Unmapped Assets' => ['Unmapped Assets'], 'Total Unmapped Liabilities and Equity' => ['Unmapped Liabilities and Equity'] });

sub total_of
{
	my ($expected, $sections) = @_;
	my $sum = 0;

	foreach my $key (keys %$expected)
	{
		my ($section) = split m{ / }, $key;
		my ($place) = grep { $sections->[$_] eq $section } 0 .. $#$sections;
		$sum += ($place ? -1 : 1) * cents($expected->{$key}) if defined $place;
	}
	return $sum;
}

# The lines that are the same however the accounts are told apart.
my %SAME = (profit_and_loss => ['Net Income'], balance_sheet => [ 'Total Assets', 'Total Liabilities and Equity' ],
	cash_flow => [ 'Net Income', 'Net Cash from Operating Activities', 'Net Cash from Investing Activities', 'Net Cash from Financing Activities',
		'Net Change in Cash', 'Cash at Beginning of Period', 'Cash at End of Period' ]);

sub shown_totals
{
	my ($rows, $column) = @_;

	return { map { ($_->{label} => $_->{$column}) } grep { $_->{kind} =~ /^(?:total|computed)$/ && $_->{depth} <= 1 } @$rows };
}

sub test_by_category
{
	my ($company, $mapping, $statement, $frequency) = @_;
	my $rows = statement_rows($node, arguments($statement, '2025-01-01', $LAST, frequency => $frequency, lines => 'category',
			branch => $BRANCH{$company}, company => 'true'));

	foreach my $slot (slots_of($statement, $frequency, 1, '2025-01-01', $LAST))
	{
		my @of_period = grep { $_->{period} eq $slot->{label} } @$rows;
		foreach my $column (grep { $slot->{$_} } qw(amount previous_period previous_year other_method))
		{
			my $expected = expected_by_category($company, $mapping, $statement, $slot->{$column});
			my $totals = shown_totals(\@of_period, $column);
			my %lines = ((map { ($_ => total_of($expected, $MADE_OF{$statement}{$_})) } keys %{ $MADE_OF{$statement} }),
				(map { ($_ => line_value($statement, [ $books{$company} ], $slot->{$column}, $_)) } @{ $SAME{$statement} }));
			my $name = "$company, $statement by category, $slot->{label}, $column";

			is_same(shown_by_category(\@of_period, $column), $expected, $name) unless $statement eq 'cash_flow';
			is_same({ map { ($_ => $totals->{$_} // '0.00') } keys %lines }, { map { ($_ => money($lines{$_})) } keys %lines }, "$name: totals");
		}
	}
	return;
}

sub test_categories
{
	foreach my $company (@COMPANIES)
	{
		my $mapping = mapping_of($company);
		map_accounts($company, $mapping);
		test_by_category($company, $mapping, $_, 'half-year') foreach 'profit_and_loss', 'balance_sheet', 'cash_flow';
		test_by_category($company, $mapping, 'profit_and_loss', 'month') if $company eq 'lagoon';
	}
	return;
}

# Names with the sign that stands between names: one category is not another's subcategory.
sub test_slashes
{
	my $total = sub { return sql("SELECT string_agg(s.label || ' ' || s.amount, ', ' ORDER BY s.line) FROM reefqbo.statement('Group', 'profit_and_loss', '2025-01-01', '2025-12-31', 'year', 'category', branch => 'Reef', company => true) s WHERE s.label IN ('Total Opex', 'Net Income')") };
	my $before = $total->();
	my @accounts = rows_of($node, q{SELECT account_id FROM reefqbo.mapping WHERE company_branch = 'Reef' AND variable_type = 'Opex' ORDER BY account_id});

	sql("UPDATE reefqbo.mapping SET category = 'Travel / Meals', subcategory = NULL WHERE company_branch = 'Reef' AND account_id = '$accounts[0][0]'");
	sql("UPDATE reefqbo.mapping SET category = 'Travel', subcategory = 'Meals' WHERE company_branch = 'Reef' AND account_id IN (" . join(', ', map { "'$_->[0]'" } @accounts[ 1 .. $#accounts ]) . ')');
	like($before, qr/Total Opex .*[1-9].*Net Income/, 'there are costs');
	is($total->(), $before, 'totals do not go by what categories are called');
	return;
}

# ---- the trial balance ----

# What the fiscal year made before the first month that was imported, in debits.
sub unknown_profit
{
	my ($company, $month) = @_;
	my $year_starts = shift_month($month, -((substr($month, 5, 2) - $FISCAL{$company} + 12) % 12));
	my ($books, $sum, %by_account) = ($books{$company}, 0);

	foreach my $past (grep { $_ ge $year_starts && $_ lt $FIRST } months_of('2024-01-01', $month))
	{
		my $amounts = $books->{Accrual}{profit_and_loss}{$past};
		foreach my $id (keys %$amounts)
		{
			my $debit = sign_of($books->{chart}{$id}{type}) * $amounts->{$id};
			$sum += $debit;
			$by_account{$id} += $debit;
		}
	}
	return ($sum, \%by_account);
}

sub ledger_trial_balance
{
	my ($company, $month) = @_;
	my ($unknown, $by_account) = unknown_profit($company, $month);
	my $rows = $intuit->truth(company => $company, statement => 'trial_balance', method => 'Accrual', start => $month, end => end_of($month))->{rows};
	my %debit = map { ($_->{account_id} => cents($_->{amount})) } @$rows;

	$debit{$_} -= $by_account->{$_} foreach keys %$by_account;
	$debit{'computed:NetIncome'} = $unknown;
	return { map { ($_ => $debit{$_} > 0 ? money($debit{$_}) . '|' : '|' . money(-$debit{$_})) } grep { $debit{$_} } keys %debit };
}

sub end_of { return sql("SELECT (date '$_[0]' + interval '1 month')::date - 1") }

sub test_trial_balance
{
	my ($company, $month) = @_;
	my @rows = rows_of($node, "SELECT account_id, debit, credit, label FROM reefqbo.trial_balance('Group', '$month', branch => '$BRANCH{$company}', company => true) WHERE coalesce(debit, credit) IS NOT NULL ORDER BY line");
	my $total = pop @rows;
	my $expected = ledger_trial_balance($company, $month);
	my ($debit, $credit) = (0, 0);

	foreach my $sides (values %$expected)
	{
		my @sides = split /\|/, $sides, -1;
		$debit += cents($sides[0]) if $sides[0] ne '';
		$credit += cents($sides[1]) if $sides[1] ne '';
	}
	is_same({ map { ($_->[0] => "$_->[1]|$_->[2]") } @rows }, $expected, "$company: the trial balance of $month is the ledger's");
	is("@$total[1 .. 3]", money($debit) . ' ' . money($credit) . ' Total', "$company: its last row has the totals of $month");
	is($total->[1], $total->[2], "$company: debits are credits in $month");
	return;
}

# ---- words and rights ----

sub test_errors
{
	my %error = (
		'unknown statement' => [ q{reefqbo.statement('Group', 'trial_balance', '2026-01-01', '2026-01-31')}, '22023', 'trial_balance' ],
		'unknown frequency' => [ q{reefqbo.statement('Group', 'profit_and_loss', '2026-01-01', '2026-01-31', frequency => 'week')}, '22023', 'week' ],
		'unknown lines' => [ q{reefqbo.statement('Group', 'profit_and_loss', '2026-01-01', '2026-01-31', lines => 'class')}, '22023', 'class' ],
		'unknown year' => [ q{reefqbo.statement('Group', 'profit_and_loss', '2026-01-01', '2026-01-31', year => 'tax')}, '22023', 'tax' ],
		'unknown method' => [ q{reefqbo.statement('Group', 'profit_and_loss', '2026-01-01', '2026-01-31', accounting_method => 'cash')}, '22023', 'cash' ],
		'no word' => [ q{reefqbo.statement('Group', NULL, '2026-01-01', '2026-01-31')}, '22023', 'unknown' ],
		'start after end' => [ q{reefqbo.statement('Group', 'profit_and_loss', '2026-02-01', '2026-01-31')}, '22023', '2026-02-01' ],
		'no date' => [ q{reefqbo.statement('Group', 'profit_and_loss', '2026-02-01', NULL)}, '22004', 'date' ],
		'no such model' => [ q{reefqbo.statement('Grove', 'profit_and_loss', '2026-02-01', '2026-02-28')}, '42704', 'Grove' ],
		'no such branch' => [ q{reefqbo.statement('Group', 'profit_and_loss', '2026-02-01', '2026-02-28', branch => 'Asia')}, '42704', 'Asia' ],
		'no company' => [ q{reefqbo.statement('Group', 'profit_and_loss', '2026-02-01', '2026-02-28', branch => 'Europe', company => true)}, '42704', 'Europe' ],
		'a company of which branch' => [ q{reefqbo.statement('Group', 'profit_and_loss', '2026-02-01', '2026-02-28', company => true)},
				'22023', 'branch' ],
		'trial balance of a month never imported' => [ q{reefqbo.trial_balance('Group', '2024-06-01', branch => 'Reef')}, '42704', '2024-06' ],
		'trial balance by an unknown method' => [ q{reefqbo.trial_balance('Group', '2026-06-01', 'accrual', 'Reef')}, '22023', 'accrual' ],
		'trial balance of no month' => [ q{reefqbo.trial_balance('Group', NULL)}, '22004', 'date' ],
		'reconciling an unknown statement' => [ q{reefqbo.reconcile('Group', 'trial_balance', '2026-01-01', '2026-01-31')}, '22023', 'trial_balance' ]);

	foreach my $name (sort keys %error)
	{
		my ($call, $sqlstate, $word) = @{ $error{$name} };
		my $error = $node->sqlstate_of("SELECT FROM $call");
		is($error->{sqlstate}, $sqlstate, $name);
		like($error->{message}, qr/\Q$word\E/, "$name: it is named");
	}
	return;
}

# A role of another model cannot tell this one from one that does not exist.
sub test_rights
{
	sql(q{SELECT reefqbo.create_model('Other'); CREATE ROLE other_reader LOGIN; CREATE ROLE group_reader LOGIN; CREATE ROLE nobody_at_all LOGIN});
	sql(q{SELECT reefqbo.grant_access('other_reader', 'reader', 'Other'), reefqbo.grant_access('group_reader', 'reader', 'Group')});
	my @calls = (q{reefqbo.statement('Group', 'balance_sheet', '2026-10-01', '2026-10-31', branch => 'Reef')},
		q{reefqbo.statement('Group', 'cash_flow', '2026-10-01', '2026-10-31', branch => 'Reef', company => true)},
		q{reefqbo.trial_balance('Group', '2026-10-01', branch => 'Reef')},
				q{reefqbo.reconcile('Group', 'balance_sheet', '2026-10-01', '2026-10-31', branch => 'Reef')});
	foreach my $call (@calls)
	{
		my ($other, $gone) = map { $node->sqlstate_of("SET SESSION AUTHORIZATION other_reader;\nSELECT FROM $_") } $call, $call =~ s/Group/Grave/r;
		is("$other->{sqlstate} $other->{message}", "42704 $gone->{message}" =~ s/Grave/Group/r, "a reader of another model is told there is no such model: $call");
		is($node->sqlstate_of("SET SESSION AUTHORIZATION nobody_at_all;\nSELECT FROM $call")->{sqlstate}, '42501', 'one without any access may not ask');
		is(sql("SET SESSION AUTHORIZATION group_reader; SELECT md5(string_agg(s::text, ';')) FROM $call s"),
				sql("SELECT md5(string_agg(s::text, ';')) FROM $call s"), 'a reader of the model sees what its owner does');
	}
	return;
}

test_company($_) foreach @COMPANIES;
test_by_cash();
test_edges();
test_currency();
test_posted_to_equity();
test_categories();
test_slashes();
foreach my $company (@COMPANIES)
{
	test_trial_balance($company, $_) foreach months_of($FIRST, '2026-11-01');
}
test_errors();
test_rights();
$node->stop;
done_testing();
