# A series is the whole history of a mapped account: each fetched month once, nothing made up beyond, with the sign a
# model reads it by and the ledger's own, by months and by longer periods, however the account or the variable is
# called, and whatever it is mapped to.
#
# What is expected is worked out from the simulator's trial balances, in cents: a balance as it stands there, a movement
# as what one month differs from the one before within a fiscal year.

use strict;
use warnings;

use Encode qw(encode_utf8);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Characters qw(sql);
use Reefqbo::Cluster qw(:DEFAULT !sql);
use Reefqbo::Ledger;
use Reefqbo::Simulator;

my %COMPANY = (Reef => 'reef', Atoll => 'atoll', Lagoon => 'lagoon', Corail => 'corail');
my %NAME = (Reef => 'Reef Trading Ltd', Atoll => 'Atoll Holdings Inc.', Lagoon => 'Lagoon Resorts LLC', Corail => 'Corail et Fils SARL');
my %YEAR_BEGINS = (Reef => 1, Atoll => 7, Lagoon => 1, Corail => 1);
my %FIRST = (Accrual => '2024-12', Cash => '2025-12');
my $LAST = '2026-11';

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('series', $intuit);

# ---- helpers ----

sub rows { return map { [ split /\|/, $_, -1 ] } split /\n/, sql($_[0]) }

sub as { return sql("SET SESSION AUTHORIZATION $_[0]; $_[1]") }

sub error_of
{
	my ($query) = @_;
	my $error = $node->sqlstate_of(encode_utf8($query)) or return 'none';

	return join ' ', $error->{sqlstate}, map { $_ // '' } @{$error}{qw(message detail)};
}

# What the books say is asked once, until they are changed.
my %known;

sub change_books
{
	my ($verb, %what) = @_;

	%known = ();
	return $intuit->admin($verb, { company => 'reef', %what });
}

sub cents { return $_[0] =~ /\A(-?)(\d+)\.(\d\d)\z/ ? "$1$2$3" + 0 : die "not an amount: $_[0]" }

# Months as YYYY-MM; how far one is from another, and the one so far away.
sub number { my ($y, $m) = split /-/, $_[0]; return $y * 12 + $m - 1 }

sub month { return sprintf '%04d-%02d', int($_[0] / 12), $_[0] % 12 + 1 }

sub months { return map { month($_) } number($_[0]) .. number($_[1]) }

sub last_day
{
	my ($y, $m) = split /-/, $_[0];
	my @days = (31, $y % 4 == 0 ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31);

	return "$_[0]-$days[ $m - 1 ]";
}

sub is_result { return $_[0] =~ /\A(?:Income|Other Income|Cost of Goods Sold|Expense|Other Expense)\z/ }

sub chart
{
	my ($branch) = @_;

	return $known{"chart of $branch"} //= { map { $_->{id} => $_ } @{ $intuit->admin('accounts', { company => $COMPANY{$branch} })->{accounts} } };
}

sub account_id
{
	my ($branch, $name) = @_;
	my ($account) = grep { $_->{fully_qualified_name} eq $name } values %{ chart($branch) };

	return $account->{id} // die "$branch has no account $name";
}

# ---- what the ledger says ----

# Debit-positive cents of each account and month: a balance, or a movement.
sub ledger
{
	my ($branch, $method) = @_;
	return $known{"$branch by $method"} if $known{"$branch by $method"};
	my $before = month(number($FIRST{$method}) - 1);
	my $rows = $intuit->truth(company => $COMPANY{$branch}, statement => 'trial_balance', method => $method, start => "$before-01", end => last_day($LAST))->{rows};
	my (%stands, %ledger);
	my $chart = chart($branch);

	$stands{ $_->{account_id} }{ substr $_->{period_start}, 0, 7 } = cents($_->{amount}) foreach @$rows;
	foreach my $id (keys %$chart)
	{
		foreach my $month (months($FIRST{$method}, $LAST))
		{
			my $previous = month(number($month) - 1);
			my $is_first = substr($month, 5) == $YEAR_BEGINS{$branch};
			my $amount = $stands{$id}{$month} // 0;

			$amount -= $stands{$id}{$previous} // 0 if is_result($chart->{$id}{type}) && !$is_first;
			$ledger{$id}{$month} = $amount;
		}
	}
	return $known{"$branch by $method"} = \%ledger;
}

# What is ordinary for a type of variable is positive.
sub natural
{
	my ($variable_type, $account_type, $debit) = @_;
	my $is_debit = $variable_type =~ /\A(?:COGS|Opex|Staff|Asset|Dividend)\z/ || ($variable_type eq 'Tax' && is_result($account_type));

	return $is_debit ? $debit : -$debit;
}

# ---- a group ----

sub make_group
{
	foreach my $branch (sort keys %COMPANY)
	{
		$node->connect_company('Group', 'sim-production', $COMPANY{$branch}, $branch);
		foreach my $method ('Accrual', 'Cash')
		{
			sql("SELECT FROM reefqbo.import_actuals('Group', '$FIRST{$method}-01', '" . last_day($LAST) . "', '$method', '$branch')");
		}
	}
	sql(call('set_currency', 'Group', 'USD'));
	sql(call('create_branch', 'Group', 'Shop', 'Reef'));
	sql(q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Group')});
	remap('Reef', 'Sales Tax Payable', "variable_type = 'Tax', category = 'Levies'");
	remap('Reef', 'Bank Charges', "variable_type = 'Tax', category = 'Levies'");
	remap('Atoll', 'Travel', "branch = 'Shop', subcategory = NULL");
	foreach my $access ([ 'reader_of_group', 'Group' ], [ 'reader_of_other', 'Other' ])
	{
		sql(call('create_model', 'Other')) if $access->[1] eq 'Other';
		sql("CREATE ROLE $access->[0] LOGIN");
		sql(call('grant_access', $access->[0], 'reader', $access->[1]));
	}
	return;
}

sub remap
{
	my ($branch, $name, $set) = @_;
	my $id = account_id($branch, $name);

	sql("UPDATE reefqbo.mapping SET $set WHERE model = 'Group' AND company_branch = '$branch' AND account_id = '$id'");
	return;
}

# By company's branch and account id: variable_id, type, name, branch. The mapping itself is another test's matter.
sub variables
{
	return map { ("$_->[0] $_->[1]" => { id => $_->[2], type => $_->[3], name => $_->[4], branch => $_->[5], category => $_->[6], subcategory => $_->[7] }) } rows(<<'END');
SELECT s.branch, p.account_id, p.variable_id, p.variable_type, v.name, b.name, p.category, p.subcategory
  FROM reefqbo.account_mapping p JOIN reefqbo.variable v USING (model_id, variable_id) JOIN reefqbo.branch b USING (model_id, branch_id)
  JOIN reefqbo.connection_status s ON (s.model_id, s.connection_id) = (p.model_id, p.connection_id) WHERE s.model = 'Group'
END
}

# ---- 1. the library ----

sub test_library
{
	my %variables = variables();
	my (%expected, %got);

	foreach my $branch (keys %COMPANY)
	{
		my $chart = chart($branch);
		foreach my $account (values %$chart)
		{
			my $v = $variables{"$branch $account->{id}"};
			my $name = $account->{name} . ($account->{deleted} ? ' (deleted)' : '');
			my $number = $account->{number} // '';
			foreach my $method ('Accrual', 'Cash')
			{
				$expected{"$v->{id} $method"} = join '|', $v->{branch}, join(' ', grep { $_ ne '' } $number, $account->{name}), $v->{type}, $v->{category},
				  is_result($account->{type}) ? 'profit_and_loss|movement' : 'balance_sheet|balance', 1, $branch eq 'Corail' ? 'EUR' : 'USD', 'month',
				  $account->{id}, $number, $name, $account->{active} ? 't' : 'f', 'QuickBooks Online', $NAME{$branch},
				  "$FIRST{$method}-01", "$LAST-01", scalar(months($FIRST{$method}, $LAST)), "$LAST-01", 't', 't';
			}
		}
	}
	foreach my $row (rows(<<'END'))
SELECT s.variable_id, s.accounting_method, s.branch, s.variable, s.variable_type, s.category, s.statement, s.measure, s.unit, s.currency, s.frequency,
       s.account_id, s.account_number, s.account_name, s.is_active, s.source, s.company, s.first_month, s.last_month, s.months, s.provisional_from,
       s.tags @> ARRAY[s.category, s.company, lower(s.variable_type)] AND (s.subcategory IS NULL OR s.subcategory = ANY (s.tags)) AND array_position(s.tags, NULL) IS NULL,
       s.data_as_of = c.actuals_as_of AND EXISTS (SELECT FROM reefqbo.import_log l WHERE (l.model_id, l.connection_id, l.import_id) = (s.model_id, s.connection_id, s.last_import_id)
                                                  AND l.status = 'succeeded' AND l.kind = 'actuals')
  FROM reefqbo.series s JOIN reefqbo.connection c USING (model_id, connection_id) WHERE s.model = 'Group'
END
	{
		my ($variable, $method, @rest) = @$row;
		my $key = "$variable $method";
		$key .= ' again' while exists $got{$key};
		$got{$key} = join '|', @rest;
	}
	is_same(\%got, \%expected, 'one series for each mapped account and method, with all that belongs to it');
	return;
}

# ---- 2. the values ----

sub expected_values
{
	my (%variables) = variables();
	my %expected;

	foreach my $branch (keys %COMPANY)
	{
		my $chart = chart($branch);
		foreach my $method ('Accrual', 'Cash')
		{
			my $ledger = ledger($branch, $method);
			foreach my $id (keys %$chart)
			{
				my $v = $variables{"$branch $id"} // next;
				foreach my $month (months($FIRST{$method}, $LAST))
				{
					my $debit = $ledger->{$id}{$month};
					$expected{"$v->{id} $method $month-01"} = join '|', last_day($month), natural($v->{type}, $chart->{$id}{type}, $debit) + 0, $debit + 0, $month eq $LAST ? 't' : 'f';
				}
			}
		}
	}
	return \%expected;
}

sub values_found
{
	my (%got, $key);

	foreach my $row (rows(<<'END'))
SELECT variable_id, accounting_method, period_start, period_end, trim_scale(amount * 100), trim_scale(ledger_amount * 100), is_provisional
  FROM reefqbo.series_value JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Group'
END
	{
		$key = join ' ', @$row[ 0 .. 2 ];
		$key .= ' again' while exists $got{$key};
		$got{$key} = join '|', @$row[ 3 .. 6 ];
	}
	return \%got;
}

sub test_values
{
	is_same(values_found(), expected_values(), 'each month that was fetched has its value, with the natural and the ledger\'s sign, and no other month has');
	is(sql(q{SELECT count(*) FROM reefqbo.series_value WHERE scale(amount) <> 2 OR scale(ledger_amount) <> 2}), 0, 'to the cent, 0 too');
	cmp_ok(sql(q{SELECT count(*) FROM reefqbo.series_value WHERE amount = 0}), '>', 100, 'and 0 is a value');
	is(sql(q{SELECT count(*) FROM reefqbo.series_value v WHERE NOT EXISTS (SELECT FROM reefqbo.import_log l WHERE (l.model_id, l.connection_id, l.import_id) = (v.model_id, v.connection_id, v.import_id))}),
		0, 'each says which import brought it');
	my %id = map { ($_ => account_id('Reef', $_)) } 'Bank Charges', 'Sales', 'Vehicles:Boats:Depreciation';
	my $signs = sub { sql("SELECT DISTINCT sign(amount) * sign(ledger_amount) FROM reefqbo.series_value v WHERE account_id = '$id{$_[0]}' AND connection_id = " . connection('Reef') . ' AND amount <> 0') };
	is($signs->('Bank Charges'), 1, 'tax that is spent is positive where it is a debit');
	is($signs->('Sales'), -1, 'revenue where it is a credit');
	is($signs->('Vehicles:Boats:Depreciation'), 1, 'assets where they are debits, and so what takes away from them is negative');
	return;
}

sub connection { return sql("SELECT connection_id FROM reefqbo.connection_status WHERE model = 'Group' AND branch = '$_[0]'") }

# Not all accounts stand in the books with what is ordinary for them; entries see to it.
sub test_signs
{
	my ($dividends, $tax) = map { account_id('Reef', $_) } 'Dividends', 'Sales Tax Payable';
	my $post = sub { change_books('post', date => '2026-10-10', type => 'JournalEntry',
		lines => [ { account => $_[0], amount => $_[1] }, { account => 'Main Bank', amount => $_[1] =~ /^-/ ? substr($_[1], 1) : "-$_[1]" } ]) };
	my $moved = sub { my ($id) = @_; sql("SELECT trim_scale(o.amount - s.amount), trim_scale(o.ledger_amount - s.ledger_amount) FROM reefqbo.series_value o JOIN reefqbo.series_value s USING (variable_id, accounting_method)
		WHERE o.account_id = '$id' AND o.connection_id = " . connection('Reef') . " AND accounting_method = 'Accrual' AND o.period_start = '2026-10-01' AND s.period_start = '2026-09-01'") };
	my ($before_dividends, $before_tax) = ($moved->($dividends), $moved->($tax));

	$post->($dividends, '5000000.00');
	$post->($tax, '-3000000.00');
	sql(q{SELECT FROM reefqbo.refresh('Group', 'Reef')});
	my ($natural, $debit) = split /\|/, $moved->($dividends);
	my ($was_natural, $was_debit) = split /\|/, $before_dividends;
	is(join('|', map { sprintf '%.0f', $_ } $natural - $was_natural, $debit - $was_debit), '5000000|5000000', 'a dividend paid out is positive, and a debit');
	($natural, $debit) = split /\|/, $moved->($tax);
	($was_natural, $was_debit) = split /\|/, $before_tax;
	is(join('|', map { sprintf '%.0f', $_ } $natural - $was_natural, $debit - $was_debit), '3000000|-3000000', 'tax that is owed is positive, and a credit');
	is_same(values_found(), expected_values(), 'all the rest is as the ledger has it');
	return;
}

# ---- 3. longer periods ----

my %LENGTH = (month => 1, quarter => 3, 'half-year' => 6, year => 12);

sub label
{
	my ($first, $frequency, $begins) = @_;
	return $first if $frequency eq 'month';
	my $n = number($first);
	my $place = ($n % 12 - ($begins - 1)) % 12;
	my $year = ($begins == 1 ? '' : 'FY') . substr(month($n - $place + 11), 0, 4);

	return $year if $frequency eq 'year';
	return $year . ($frequency eq 'quarter' ? ' Q' : ' H') . (int($place / $LENGTH{$frequency}) + 1);
}

# The months of a stretch, cut into periods; only the whole ones unless the stretch was asked for.
sub expected_periods
{
	my ($frequency, $year, $method, $from, $to) = @_;
	my %variables = variables();
	my %expected;

	foreach my $branch (keys %COMPANY)
	{
		my $chart = chart($branch);
		my $ledger = ledger($branch, $method);
		my $begins = $year eq 'fiscal' ? $YEAR_BEGINS{$branch} : 1;
		my %period;

		foreach my $month (months($from // $FIRST{$method}, $to // $LAST))
		{
			my $n = number($month);
			push @{ $period{ $n - ($n - ($begins - 1)) % $LENGTH{$frequency} } }, $month;
		}
		foreach my $start (keys %period)
		{
			my @months = @{ $period{$start} };
			# what was not asked to be cut off must be there
			next if !defined $from && number($months[0]) != $start;
			next if !defined $to && number($months[-1]) != $start + $LENGTH{$frequency} - 1;
			foreach my $id (keys %$chart)
			{
				my $v = $variables{"$branch $id"};
				my $debit = 0;
				if (is_result($chart->{$id}{type})) { $debit += $ledger->{$id}{$_} foreach @months }
				else { $debit = $ledger->{$id}{ $months[-1] } }
				$expected{"$v->{id} " . label(month($start), $frequency, $begins)} = join '|', "$months[0]-01", last_day($months[-1]),
				  natural($v->{type}, $chart->{$id}{type}, $debit) + 0, $debit + 0, $months[-1] eq $LAST ? 't' : 'f', $v->{name}, $v->{type}, $v->{category}, $v->{subcategory}, $v->{branch},
				  $branch eq 'Corail' ? 'EUR' : 'USD';
			}
		}
	}
	return \%expected;
}

sub periods_found
{
	my ($call) = @_;
	my %got;

	foreach my $row (rows(<<"END"))
SELECT variable_id, period, period_start, period_end, trim_scale(amount * 100), trim_scale(ledger_amount * 100), is_provisional, variable, variable_type, category, subcategory, branch, currency FROM $call
END
	{
		my $key = join ' ', @$row[ 0 .. 1 ];
		$key .= ' again' while exists $got{$key};
		$got{$key} = join '|', @$row[ 2 .. 12 ];
	}
	return \%got;
}

sub test_periods
{
	foreach my $frequency ('month', 'quarter', 'half-year', 'year')
	{
		foreach my $year ('calendar', 'fiscal')
		{
			my $expected = expected_periods($frequency, $year, 'Accrual');
			cmp_ok(scalar(keys %$expected), '>', 50, "$frequency, $year: there is something to compare");
			is_same(periods_found("reefqbo.series_by_period('Group', '$frequency', '$year')"), $expected, "$frequency, $year: movements sum, balances take the last, whole periods only");
			is_same(periods_found("reefqbo.series_by_period('Group', '$frequency', '$year', '2025-02-01', '2026-11-30')"), expected_periods($frequency, $year, 'Accrual', '2025-02', '2026-11'),
				"$frequency, $year: between two dates, the part of a period that lies between them");
		}
	}
	is_same(periods_found(q{reefqbo.series_by_period('Group', 'quarter', accounting_method => 'Cash')}), expected_periods('quarter', 'calendar', 'Cash'), 'by cash');
	is_same(periods_found(q{reefqbo.series_by_period('Group', 'quarter', 'calendar', '2025-01-02', '2025-05-30')}), expected_periods('quarter', 'calendar', 'Accrual', '2025-02', '2025-04'),
		'a month must lie wholly between the dates');
	is_same(periods_found(q{reefqbo.series_by_period('Group', 'year', 'calendar', '2024-11-01', '2025-12-31')}),
		expected_periods('year', 'calendar', 'Accrual', '2025-01', '2025-12'),
		'a period of which a month was asked for that was never fetched is not there');
	is(sql(q{SELECT count(*) FROM reefqbo.series_by_period('Group', 'month', 'calendar', '2025-01-02', '2025-01-31')}), 0, 'nothing lies between');
	is(sql(q{SELECT string_agg(DISTINCT period, ' ') FROM reefqbo.series_by_period('Group', 'year', 'fiscal')}), '2025 FY2026', 'a fiscal year is called by the calendar year it ends in');
	return;
}

sub test_errors
{
	my %error = (
		q{'Nobody', 'month'} => qr/^42704 .*Nobody/, q{'Group', 'week'} => qr/^22023 .*week/, q{'Group', NULL} => qr/^22023 /, q{'Group', 'month', 'lunar'} => qr/^22023 .*lunar/,
		q{'Group', 'month', NULL} => qr/^22023 /, q{'Group', 'month', 'calendar', '2026-02-01', '2026-01-31'} => qr/^22023 /, q{'Group', 'month', 'calendar', NULL} => qr/^22004 /,
		q{'Group', 'month', 'calendar', '2026-01-01', NULL} => qr/^22004 /, q{'Group', 'month', accounting_method => 'cash'} => qr/^22023 .*cash/,
		q{'Group', 'month', accounting_method => NULL} => qr/^22023 /, q{NULL, 'month'} => qr/^(?:22004|42704) /);

	foreach my $arguments (sort keys %error)
	{
		like(error_of("SELECT * FROM reefqbo.series_by_period($arguments)"), $error{$arguments}, "series_by_period($arguments) is refused");
	}
	return;
}

# ---- 4. a hole ----

sub test_hole
{
	$node->connect_company('Holes', 'sim-production', 'pod-1');
	sql("SELECT FROM reefqbo.import_actuals('Holes', '$_->[0]', '$_->[1]')") foreach [ '2026-01-01', '2026-02-28' ], [ '2026-04-01', '2026-06-30' ];
	is(sql(q{SELECT count(*) FROM reefqbo.series WHERE model = 'Holes'}), 0, 'what is not mapped has no series');
	sql(q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Holes')});
	my $months = "SELECT DISTINCT string_agg(to_char(period_start, 'MM'), ' ' ORDER BY period_start) FROM reefqbo.series_value JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Holes' GROUP BY variable_id";
	is(sql($months), '01 02 04 05 06', 'a month that was not fetched is unknown, and no 0');
	is(sql(q{SELECT DISTINCT first_month, last_month, months, provisional_from FROM reefqbo.series WHERE model = 'Holes'}), '2026-01-01|2026-06-01|5|', 'the series tells how many months it has');
	is(sql(q{SELECT DISTINCT period FROM reefqbo.series_by_period('Holes', 'quarter')}), '2026 Q2', 'a quarter with an unknown month is not there');
	is(sql(q{SELECT string_agg(DISTINCT period, ' ') FROM reefqbo.series_by_period('Holes', 'quarter', 'calendar', '2026-01-01', '2026-02-28')}), '2026 Q1', 'what there is of it can be asked for');
	sql(q{SELECT FROM reefqbo.import_actuals('Holes', '2026-03-01', '2026-03-31')});
	is(sql($months), '01 02 03 04 05 06', 'the hole is filled by an import');
	is(sql(q{SELECT string_agg(DISTINCT period, ' ') FROM reefqbo.series_by_period('Holes', 'half-year')}), '2026 H1', 'and the half-year is whole');
	sql(q{SELECT FROM reefqbo.create_model('Empty')});
	is(sql(q{SELECT count(*) FROM reefqbo.series_by_period('Empty', 'month')}), 0, 'a model without a company has none');
	$node->connect_company('Chart', 'sim-production', 'pod-2');
	sql(q{SELECT FROM reefqbo.import_accounts('Chart')});
	sql(q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Chart')});
	is(sql(q{SELECT count(*) > 5, count(accounting_method), count(months), count(last_import_id) FROM reefqbo.series WHERE model = 'Chart'}), 't|0|0|0', 'of which nothing was fetched has no method and no months');
	is(sql(q{SELECT count(*) FROM reefqbo.series_value JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Chart'}), 0, 'and no values');
	return;
}

# ---- 5. names and mappings come and go ----

sub values_of
{
	my ($variable) = @_;

	return sql("SELECT string_agg(format('%s %s %s', accounting_method, period_start, ledger_amount), ', ' ORDER BY accounting_method, period_start) FROM reefqbo.series_value WHERE variable_id = $variable");
}

sub test_lasting
{
	my %variables = variables();
	my ($rent, $office) = (account_id('Reef', 'Rent'), account_id('Reef', 'Office'));
	my $v = $variables{"Reef $rent"}{id};
	my $before = values_of($v);
	my $count = sql('SELECT count(*) FROM reefqbo.variable');
	my $name = sub { sql("SELECT DISTINCT variable, account_name, account_number, variable_type, category, branch FROM reefqbo.series WHERE variable_id = $v") };

	sql("UPDATE reefqbo.variable SET name = 'Our \x{1f3e0}' WHERE variable_id = $v");
	is($name->(), "Our \x{1f3e0}|Rent|6100|Opex|Expenses|Reef", 'a variable is renamed freely');
	sql("UPDATE reefqbo.variable SET name = 'Our \x{1f3e0}' WHERE variable_id = " . $variables{"Reef $office"}{id});
	is(sql("SELECT count(DISTINCT variable_id) FROM reefqbo.series WHERE variable = 'Our \x{1f3e0}'"), 2, 'even like another');
	is(values_of($v), $before, 'which changes no value');
	like(error_of("UPDATE reefqbo.variable SET name = E'two\\nlines' WHERE variable_id = $v"), qr/^23514 /, 'but not over two lines');

	change_books('rename', account => $rent, name => 'Loyer');
	change_books('renumber', account => $rent, number => '6199');
	sql(q{SELECT FROM reefqbo.refresh('Group', 'Reef')});
	is($name->(), "Our \x{1f3e0}|Loyer|6199|Opex|Expenses|Reef", 'an account that is renamed keeps its variable and the name given to that');
	is(values_of($v), $before, 'and its history');

	remap('Reef', 'Loyer', "variable_type = 'COGS', category = 'Premises', branch = 'Shop'");
	is($name->(), "Our \x{1f3e0}|Loyer|6199|COGS|Premises|Shop", 'one that is mapped anew');
	is(values_of($v), $before, 'keeps its history');
	sql("DELETE FROM reefqbo.mapping WHERE model = 'Group' AND company_branch = 'Reef' AND account_id = '$rent'");
	is($name->(), '', 'one that is not mapped has no series');
	is(sql("SELECT count(*) FROM reefqbo.series_by_period('Group', 'month') WHERE variable_id = $v"), 0, 'by no period either');
	sql(q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Group')});
	is($name->(), "Our \x{1f3e0}|Loyer|6199|Opex|Expenses|Reef", 'until it is mapped again');
	is(values_of($v), $before, 'with the history it had');
	is(sql('SELECT count(*) FROM reefqbo.variable'), $count, 'no variable was made twice');
	like(error_of("DELETE FROM reefqbo.variable WHERE variable_id = $v"), qr/^23503 /, 'one that is mapped cannot be removed');

	# Signs follow the variable's type; the ledger's own does not change.
	my $natural = "SELECT string_agg(amount::text, ' ' ORDER BY accounting_method, period_start) FROM reefqbo.series_value WHERE variable_id = $v";
	my $negated = "SELECT string_agg((-amount)::text, ' ' ORDER BY accounting_method, period_start) FROM reefqbo.series_value WHERE variable_id = $v";
	my $cost = sql($negated);
	remap('Reef', 'Loyer', "variable_type = 'Revenue'");
	is(sql($natural), $cost, 'a cost that is mapped to revenue lessens it');
	is(values_of($v), $before, 'and is a debit still');
	return;
}

# Whatever the account becomes in QuickBooks, its debits are debits.
sub test_becoming
{
	my @becomes = ([ 'Marketing:Online', 'Other Expense', 'OtherMiscellaneousExpense' ], [ 'Office', 'Other Income', 'OtherMiscellaneousIncome' ],
		[ 'Security Deposits', 'Long Term Liability', 'OtherLongTermLiabilities' ], [ 'Insurance', 'Other Current Asset', 'PrepaidExpenses' ]);

	change_books('reclassify', account => $_->[0], type => $_->[1], subtype => $_->[2]) foreach @becomes;
	sql(q{SELECT FROM reefqbo.refresh('Group', 'Reef')});
	is_same(values_found(), expected_values(), 'accounts that have come to be of another type have the values that the ledger has for them');
	foreach my $verb (qw(deactivate remove vanish))
	{
		my %account = (deactivate => 'Marketing:Print', remove => 'Utilities:Power', vanish => 'Petty Cash');
		my $before = values_found();
		change_books($verb, account => $account{$verb});
		sql(q{SELECT FROM reefqbo.refresh('Group', 'Reef')});
		is_same(values_found(), $before, "$verb: no series loses its history");
	}
	return;
}

# ---- 6. who sees it ----

sub test_roles
{
	my $count = sql(q{SELECT count(*) FROM reefqbo.series WHERE model = 'Group'});

	is(as('reader_of_group', q{SELECT count(*) FROM reefqbo.series}), $count, 'a reader sees the series of the model, and no others');
	is(as('reader_of_group', q{SELECT count(*) FROM reefqbo.series_value}), scalar keys %{ values_found() }, 'and their values');
	is(as('reader_of_group', q{SELECT count(*) FROM reefqbo.series_by_period('Group', 'year')}), sql(q{SELECT count(*) FROM reefqbo.series_by_period('Group', 'year')}), 'by periods too');
	is(as('reader_of_other', 'SELECT (SELECT count(*) FROM reefqbo.series) + (SELECT count(*) FROM reefqbo.series_value) + (SELECT count(*) FROM reefqbo.variable)'), 0, 'a reader of another model sees none');
	like(error_of(q{SET SESSION AUTHORIZATION reader_of_other; SELECT * FROM reefqbo.series_by_period('Group', 'year')}), qr/^42704 .*Group/, 'for whom the model does not exist');
	return;
}

make_group();
test_library();
test_values();
test_signs();
test_periods();
test_errors();
test_lasting();
test_hole();
test_becoming();
test_roles();
$node->stop;

done_testing();
