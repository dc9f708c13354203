package Reefqbo::Group;

# A group of four companies in one model, and what its statements must be by their ledgers, for TAP tests.
#
#   my ($intuit, $node) = start_group('statements');
#   my $books = books_of($intuit, 'reef');                     # whole cents, by method, statement, month and account
#   my @slots = slots_of('profit_and_loss', 'quarter', 1, $FIRST, $LAST);
#   check_statement($name, statement_rows($node, ...), 'profit_and_loss', [ $books ], \@slots);
#
# Nothing here asks the extension what is right: amounts are the ledger's own (the admin verb "truth"), and are summed,
# translated and divided by whole numbers.

use strict;
use warnings;

use Encode qw(decode_utf8);
use Exporter qw(import);
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;

our @EXPORT = qw($FIRST $LAST @COMPANIES %BRANCH %FISCAL start_group import_group books_of cents money rounded shift_month
  months_of period_label slots_of value_of statement_rows check_statement line_value rows_of sign_of is_income
  translated part_of eliminations_of cash_value);

# What is imported: two years by accrual, one by cash. The last month is not over.
our ($FIRST, $LAST) = ('2024-12-01', '2026-11-30');
our @COMPANIES = qw(reef atoll lagoon corail);
our %BRANCH = map { $_ => ucfirst } @COMPANIES;
our %FISCAL = (reef => 1, atoll => 7, lagoon => 1, corail => 1);
my %CONNECTED_AT = (Americas => [qw(Reef Atoll Lagoon)], Europe => ['Corail']);
my %FIRST_OF = (Accrual => '2024-12-01', Cash => '2025-12-01');
my $NEWEST = '2026-11-01';

# ---- the group ----

# A root, two branches below it, and the companies below those.
sub start_group
{
	my ($name) = @_;
	my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
	my $node = reefqbo_cluster($name, $intuit);

	$node->safe_psql('postgres', q{SELECT reefqbo.create_model('Group')});
	foreach my $above (sort keys %CONNECTED_AT)
	{
		$node->safe_psql('postgres', "SELECT reefqbo.create_branch('Group', '$above')");
		$node->safe_psql('postgres', "SELECT reefqbo.create_branch('Group', '$_', '$above')") foreach @{ $CONNECTED_AT{$above} };
	}
	$node->connect_company('Group', 'sim-production', $_, $BRANCH{$_}) foreach @COMPANIES;
	return ($intuit, $node);
}

sub import_group
{
	my ($node) = @_;

	$node->safe_psql('postgres', "SELECT FROM reefqbo.import_actuals('Group', '$FIRST_OF{$_}', '$LAST', '$_')") foreach sort keys %FIRST_OF;
	return;
}

# ---- whole numbers ----

sub cents
{
	my ($amount) = @_;

	$amount =~ /\A(-?)(\d+)\.(\d\d)\z/ or die "not an amount: $amount";
	return $1 ? -"$2$3" : 0 + "$2$3";
}

sub money
{
	my ($cents) = @_;

	return sprintf('%s%d.%02d', $cents < 0 ? '-' : '', int(abs($cents) / 100), abs($cents) % 100);
}

# A quotient of whole numbers, halves away from 0.
sub rounded
{
	my ($dividend, $divisor) = @_;
	use integer;
	my $sign = ($dividend < 0) == ($divisor < 0) ? 1 : -1;
	my ($above, $below) = map { $_ < 0 ? -$_ : $_ } $dividend, $divisor;

	return $sign * ((2 * $above + $below) / (2 * $below));
}

# ---- months and periods ----

sub shift_month
{
	my ($month, $by) = @_;
	my ($year, $number) = $month =~ /\A(\d{4})-(\d\d)-01\z/ or die "not a month: $month";
	my $months = $year * 12 + $number - 1 + $by;

	return sprintf('%04d-%02d-01', int($months / 12), $months % 12 + 1);
}

# Those from one to another.
sub months_of
{
	my ($first, $last) = @_;
	my @months;

	for (my $month = $first; $month le $last; $month = shift_month($month, 1))
	{
		push @months, $month;
	}
	return @months;
}

my %LENGTH = (month => 1, quarter => 3, 'half-year' => 6, year => 12);

sub period_start
{
	my ($month, $frequency, $first_month) = @_;
	my $number = substr($month, 5, 2);

	return shift_month($month, -(($number - $first_month + 12) % 12 % $LENGTH{$frequency}));
}

# A fiscal year is named by the calendar year it ends in.
sub period_label
{
	my ($starts, $frequency, $first_month) = @_;
	return substr($starts, 0, 7) if $frequency eq 'month';
	my $year_starts = period_start($starts, 'year', $first_month);
	my $year = ($first_month == 1 ? '' : 'FY') . substr(shift_month($year_starts, 11), 0, 4);
	return $year if $frequency eq 'year';
	my ($place) = grep { shift_month($year_starts, $_ * $LENGTH{$frequency}) eq $starts } 0 .. 3;

	return sprintf('%s %s%d', $year, $frequency eq 'quarter' ? 'Q' : 'H', $place + 1);
}

sub is_known
{
	my ($method, @months) = @_;

	return !grep { $_ lt $FIRST_OF{$method} || $_ gt $NEWEST } @months;
}

# The columns of figures that a statement (by accrual, or by what is said) must have: the months of each, or undef where one of them was
# not imported. Of a period at the edge of the range, the part within it.
sub slots_of
{
	my ($statement, $frequency, $first_month, $first, $last, $method) = @_;
	my ($this, $other) = ($method // 'Accrual') eq 'Cash' ? ('Cash', 'Accrual') : ('Accrual', 'Cash');
	my @wanted = grep { $_ ge $first && shift_month($_, 1) le next_day($last) } months_of('2024-01-01', '2027-12-01');
	my (%part, @slots);

	push @{ $part{ period_start($_, $frequency, $first_month) } }, $_ foreach @wanted;
	foreach my $starts (sort keys %part)
	{
		my @months = @{ $part{$starts} };
		my %slot = (label => period_label($starts, $frequency, $first_month) . (@months < $LENGTH{$frequency} ? ' (part)' : ''), months => \@months,
			amount => slot($statement, $this, @months), other_method => slot($statement, $other, @months),
			previous_period => slot($statement, $this, map { shift_month($_, -$LENGTH{$frequency}) } @months),
			previous_year => slot($statement, $this, map { shift_month($_, -12) } @months));
		push @slots, \%slot if $slot{amount};
	}
	return @slots;
}

# A flow of cash needs the balances before it as well.
sub slot
{
	my ($statement, $method, @months) = @_;
	my @needed = $statement eq 'cash_flow' ? (shift_month($months[0], -1), @months) : @months;

	return is_known($method, @needed) ? { method => $method, months => \@months } : undef;
}

sub next_day
{
	my ($day) = @_;
	my ($year, $month, $number) = split /-/, $day;
	my $length = $month == 2 ? ($year % 4 ? 28 : 29) : $month =~ /^(?:04|06|09|11)$/ ? 30 : 31;

	return $number < $length ? sprintf('%s-%s-%02d', $year, $month, $number + 1) : shift_month("$year-$month-01", 1);
}

# ---- books ----

my @COST = ('Cost of Goods Sold', 'Expense', 'Other Expense');
my @ASSET = ('Bank', 'Accounts Receivable', 'Other Current Asset', 'Fixed Asset', 'Other Asset');
my %IS_DEBIT = map { $_ => 1 } @COST, @ASSET;

# What a printed amount is multiplied with for debits to be positive.
sub sign_of { return $IS_DEBIT{ $_[0] } ? 1 : -1 }

sub is_income { return $_[0] =~ /Income\z/ }

# The chart, and the amounts as QuickBooks prints them: {Accrual}{balance_sheet}{month}{account} = cents. Months before
# those that are imported are there as well, so that nothing but the statements can tell them apart.
sub books_of
{
	my ($intuit, $company) = @_;
	my $chart = { map { $_->{id} => $_ } @{ $intuit->admin('accounts', { company => $company })->{accounts} } };
	my %books = (company => $company, chart => $chart);

	$chart->{'computed:NetIncome'} = { type => 'Equity', subtype => '', name => 'Net Income', parent => undef };
	foreach my $method (sort keys %FIRST_OF)
	{
		foreach my $statement ('profit_and_loss', 'balance_sheet')
		{
			my $rows = $intuit->truth(company => $company, statement => $statement, method => $method, start => '2024-01-01', end => $LAST)->{rows};
			$books{$method}{$statement}{ $_->{period_start} }{ $_->{account_id} // 'computed:NetIncome' } = cents($_->{amount}) foreach @$rows;
		}
	}
	return \%books;
}

# ---- in another currency ----

# Rates are whole millionths.
sub exchanged { return rounded($_[0] * $_[1], 1000000) }

# The historical rate of all that a company has when it is told of first, and the month: the last one stated until
# then, or else the first one after it.
sub opening_of
{
	my ($rates, $first) = @_;
	my @stated = grep { defined $rates->{$_}{historical} } sort keys %$rates;
	my ($at) = ((reverse grep { $_ le $first } @stated), (grep { $_ gt $first } @stated));

	return ($at gt $first ? $at : $first, $rates->{$at}{historical});
}

# The books of a company in another currency, as far as they were imported: what a month earned at its average rate,
# assets and liabilities at the closing rate, equity as it came about, and what is left over.
sub translated
{
	my ($books, $rates) = @_;
	my %chart = (%{ $books->{chart} }, 'computed:Translation' => { type => 'Equity', subtype => '', name => 'Translation Difference', parent => undef });
	my %translated = (company => $books->{company}, chart => \%chart, home => $books, rates => $rates);

	foreach my $method (sort keys %FIRST_OF)
	{
		my @months = months_of($FIRST_OF{$method}, $NEWEST);
		my $home = $books->{$method};
		my %new;
		foreach my $month (@months)
		{
			my ($result, $position) = map { $home->{$_}{$month} // {} } 'profit_and_loss', 'balance_sheet';
			$new{profit_and_loss}{$month}{$_} = exchanged($result->{$_}, $rates->{$month}{average} // 0) foreach keys %$result;
			$new{balance_sheet}{$month}{$_} = exchanged($position->{$_}, $rates->{$month}{closing} // 0) foreach
					grep { $chart{$_}{type} ne 'Equity' } keys %$position;
		}
		carry_equity($books, $home, \%new, $rates, @months);
		$translated{$method} = \%new;
	}
	return \%translated;
}

sub earned
{
	my ($chart, $amounts) = @_;
	my $sum = 0;

	$sum -= sign_of($chart->{$_}{type}) * $amounts->{$_} foreach keys %$amounts;
	return $sum;
}

# Month by month: what was earned, as it was translated; what else came in or went out at the historical rate of its
# month, or its average. With a new fiscal year the profit of the old one goes to retained earnings as it stands.
sub carry_equity
{
	my ($books, $home, $new, $rates, @months) = @_;
	my ($chart, $fiscal) = ($books->{chart}, $FISCAL{ $books->{company} });
	my ($opening, $rate) = opening_of($rates, $months[0]);
	my ($retained) = grep { $chart->{$_}{subtype} eq 'RetainedEarnings' } keys %$chart;
	my @others = grep { $chart->{$_}{type} eq 'Equity' && $_ ne 'computed:NetIncome' } keys %$chart;
	my (%was, %is) = ();

	foreach my $month (grep { $_ ge $opening } @months)
	{
		my $balances = $home->{balance_sheet}{$month};
		$rate = $rates->{$month}{historical} // $rates->{$month}{average} if $month ne $opening;
		my ($profit, $made) = (0, 0);
		if ($month ne $opening && substr($month, 5, 2) == $fiscal)
		{
			($profit, $made) = map { $_->{'computed:NetIncome'} // 0 } \%was, \%is;
			delete $_->{'computed:NetIncome'} foreach \%was, \%is;
		}
		foreach my $id (@others)
		{
			my $change = ($balances->{$id} // 0) - ($was{$id} // 0);
			$is{$id} = ($is{$id} // 0) + ($id eq $retained ? exchanged($change - $profit, $rate) + $made : exchanged($change, $rate));
		}
		my ($earned, $here) = map { earned($chart, $_->{profit_and_loss}{$month}) } $home, $new;
		my $change = ($balances->{'computed:NetIncome'} // 0) - ($was{'computed:NetIncome'} // 0);
		$is{'computed:NetIncome'} = ($is{'computed:NetIncome'} // 0) + $here + exchanged($change - $earned, $rate);
		%was = map { ($_ => $balances->{$_} // 0) } @others, 'computed:NetIncome';
		$new->{balance_sheet}{$month}{$_} = $is{$_} foreach keys %is;
		$new->{balance_sheet}{$month}{'computed:Translation'} = -earned($chart, { map { ($_ => $new->{balance_sheet}{$month}{$_}) }
				grep { $_ ne 'computed:Translation' } keys %{ $new->{balance_sheet}{$month} } });
	}
	return;
}

# ---- branches and eliminations ----

# What of a company's books is in a branch, by the branch of each account that is not its own.
sub part_of
{
	my ($books, $branch, $moved) = @_;
	my $own = $BRANCH{ $books->{company} };
	my $other = 'computed:OtherBranches';
	my %part = (company => $books->{company}, $books->{home} ? (home => part_of($books->{home}, $branch, $moved), rates => $books->{rates}) : (), chart => { %{ $books->{chart} }, $other => { type => 'Equity', subtype => '',
			name => 'Position in Other Branches', parent => undef } });

	foreach my $method (sort keys %FIRST_OF)
	{
		foreach my $statement ('profit_and_loss', 'balance_sheet')
		{
			foreach my $month (keys %{ $books->{$method}{$statement} })
			{
				my $all = $books->{$method}{$statement}{$month};
				my %in = map { ($_ => $all->{$_}) } grep { ($moved->{$_} // $own) eq $branch } keys %$all;
				$in{$other} = -earned($books->{chart}, \%in) if $statement eq 'balance_sheet';
				$part{$method}{$statement}{$month} = \%in;
			}
		}
	}
	return \%part;
}

my %SECTION_OF = (Revenue => 'Income', COGS => 'Cost of Goods Sold', Asset => 'Other Current Asset', Liability => 'Other Current Liability',
	Equity => 'Equity', Dividend => 'Equity', Profit => 'Equity');

# Entries [ month, month of the reverse, cents, debited type, credited type ] as books of their own. What they change
# of profits is in equity, by itself.
sub eliminations_of
{
	my (@entries) = @_;
	my %chart = map { ($_ => { type => $SECTION_OF{$_}, subtype => $_ eq 'Profit' ? 'RetainedEarnings' : '', name => $_,
			parent => undef }) } keys %SECTION_OF;
	my %books = (company => '', chart => \%chart);

	foreach my $entry (@entries)
	{
		my ($month, $reversed, $cents, @types) = @$entry;
		foreach my $posting ([ $month, $types[0], $cents ], [ $month, $types[1], -$cents ], defined $reversed ? ([ $reversed, $types[0],
				-$cents ], [ $reversed, $types[1], $cents ]) : ())
		{
			post_elimination(\%books, @$posting);
		}
	}
	return \%books;
}

sub post_elimination
{
	my ($books, $month, $type, $debit) = @_;
	my $is_result = $SECTION_OF{$type} =~ /Income|Cost/;
	my $balance = $is_result ? 'Profit' : $type;

	foreach my $method (sort keys %FIRST_OF)
	{
		$books->{$method}{profit_and_loss}{$month}{$type} += sign_of($SECTION_OF{$type}) * $debit if $is_result;
		$books->{$method}{balance_sheet}{$_}{$balance} += sign_of($SECTION_OF{$balance}) * $debit foreach months_of($month, $NEWEST);
	}
	return;
}

# What an account has in a column: movements sum, of balances the last counts.
sub value_of
{
	my ($books, $statement, $slot, $account) = @_;
	my @months = $statement eq 'balance_sheet' ? $slot->{months}[-1] : @{ $slot->{months} };
	my $sum = 0;

	$sum += $books->{ $slot->{method} }{$statement}{$_}{$account} // 0 foreach @months;
	return $sum;
}

# ---- the lines of a statement by accounts ----

my %TYPES = (
	profit_and_loss => {
		'Total Income' => ['Income'],
		'Total Cost of Goods Sold' => ['Cost of Goods Sold'],
		'Gross Profit' => [ 'Income', 'Cost of Goods Sold' ],
		'Total Expenses' => ['Expense'],
		'Net Operating Income' => [ 'Income', 'Cost of Goods Sold', 'Expense' ],
		'Total Other Income' => ['Other Income'],
		'Total Other Expenses' => ['Other Expense'],
		'Net Other Income' => [ 'Other Income', 'Other Expense' ],
		'Net Income' => [ 'Income', 'Other Income', @COST ] },
	balance_sheet => {
		'Total Bank Accounts' => ['Bank'],
		'Total Accounts Receivable' => ['Accounts Receivable'],
		'Total Other Current Assets' => ['Other Current Asset'],
		'Total Current Assets' => [ @ASSET[ 0 .. 2 ] ],
		'Total Fixed Assets' => ['Fixed Asset'],
		'Total Other Assets' => ['Other Asset'],
		'Total Assets' => \@ASSET,
		'Total Accounts Payable' => ['Accounts Payable'],
		'Total Credit Cards' => ['Credit Card'],
		'Total Other Current Liabilities' => ['Other Current Liability'],
		'Total Current Liabilities' => [ 'Accounts Payable', 'Credit Card', 'Other Current Liability' ],
		'Total Long-Term Liabilities' => ['Long Term Liability'],
		'Total Liabilities' => [ 'Accounts Payable', 'Credit Card', 'Other Current Liability', 'Long Term Liability' ],
		'Total Equity' => ['Equity'],
		'Total Liabilities and Equity' => [ 'Accounts Payable', 'Credit Card', 'Other Current Liability', 'Long Term Liability', 'Equity' ] });

sub sum_of_types
{
	my ($books, $statement, $slot, $types) = @_;
	my $sum = 0;

	foreach my $type (@$types)
	{
		my $sign = grep({ is_income($_) } @$types) && $IS_DEBIT{$type} ? -1 : 1;
		$sum += $sign * value_of($books, $statement, $slot, $_) foreach grep { $books->{chart}{$_}{type} eq $type } keys %{ $books->{chart} };
	}
	return $sum;
}

# Lines of the profit and loss that tell costs apart by their nature: those of the sum, and whether it is added to net income.
my %NATURES = (
	'EBITDA' => [ 1, qw(Depreciation Interest Tax) ],
	'Depreciation and Amortization' => [ 0, 'Depreciation' ],
	'EBIT' => [ 1, qw(Interest Tax) ],
	'Exchange Losses' => [ 0, 'Exchange' ],
	'Net Interest Expense' => [ 0, 'Interest' ],
	'Profit before Tax' => [ 1, 'Tax' ],
	'Income Tax' => [ 0, 'Tax' ]);

# By detail type: Depreciation, InterestEarned, InterestPaid, ExchangeGainOrLoss, IncomeTaxExpense.
sub nature_value
{
	my ($books, $slot, $label) = @_;
	my ($is_added, @natures) = @{ $NATURES{$label} };
	my $sum = $is_added ? sum_of_types($books, 'profit_and_loss', $slot, $TYPES{profit_and_loss}{'Net Income'}) : 0;

	foreach my $id (grep { $books->{chart}{$_}{type} =~ /Income|Expense|Cost/ } keys %{ $books->{chart} })
	{
		my ($nature) = $books->{chart}{$id}{subtype} =~ /^(?:Income)?(Depreciation|Interest|Exchange|Tax)/ or next;
		$sum += sign_of($books->{chart}{$id}{type}) * value_of($books, 'profit_and_loss', $slot, $id) if grep { $_ eq $nature } @natures;
	}
	return $sum;
}

# One of cash: of bank accounts and undeposited funds it begins with, and why it changed. All is in debits.
sub cash_part
{
	my ($account, $id) = @_;

	return 'Exchange' if $id eq 'computed:Translation';
	return 'Cash' if $account->{type} eq 'Bank' || $account->{subtype} eq 'UndepositedFunds';
	return 'Operating' if $account->{type} =~ /^(?:Accounts|Credit Card|Other Current)/ || $account->{subtype} =~ /^AccumulatedDepreciation/;
	return 'Investing' if $account->{type} =~ /Asset/;
	return 'Financing';
}

sub flow_of
{
	my ($books, $slot, $id) = @_;
	my $months = $slot->{months};
	my $balances = $books->{ $slot->{method} }{balance_sheet};
	my ($before, $after) = map { $balances->{$_}{$id} // 0 } shift_month($months->[0], -1), $months->[-1];

	return foreign_flow($books, $slot, $id) if $books->{home} && !is_carried($books->{chart}{$id}, $id);
	return sign_of($books->{chart}{$id}{type}) * ($before - $after);
}

# In another currency, cash and equity move as they are translated.
sub is_carried
{
	my ($account, $id) = @_;

	return cash_part($account, $id) eq 'Cash' || $account->{type} eq 'Equity' && $id !~ /:(?:Translation|OtherBranches)/;
}

# All else moves at the average rate of each month. What is left is what the rates have done to cash.
sub foreign_flow
{
	my ($books, $slot, $id) = @_;
	my $sum = 0;

	if ($id eq 'computed:Translation')
	{
		$sum -= flow_of($books, $slot, $_) foreach grep { $_ ne $id } keys %{ $books->{chart} };
		return $sum;
	}
	my $balances = $books->{home}{ $slot->{method} }{balance_sheet};
	foreach my $month (@{ $slot->{months} })
	{
		my ($before, $after) = map { $balances->{$_}{$id} // 0 } shift_month($month, -1), $month;
		$sum += exchanged(sign_of($books->{chart}{$id}{type}) * ($before - $after), $books->{rates}{$month}{average});
	}
	return $sum;
}

sub cash_value
{
	my ($books, $slot, $label) = @_;
	my $chart = $books->{chart};
	my %sum = map { $_ => 0 } qw(Cash Operating Investing Financing Exchange Before Earned);
	my $profit = sum_of_types($books, 'profit_and_loss', $slot, $TYPES{profit_and_loss}{'Net Income'});

	foreach my $id (keys %$chart)
	{
		my $flow = flow_of($books, $slot, $id);
		$sum{ cash_part($chart->{$id}, $id) } += $flow;
		$sum{Earned} += $flow if $chart->{$id}{subtype} eq 'RetainedEarnings' || $id eq 'computed:NetIncome';
	}
	foreach my $id (grep { cash_part($chart->{$_}, $_) eq 'Cash' } keys %$chart)
	{
		$sum{Before} += $books->{ $slot->{method} }{balance_sheet}{ shift_month($slot->{months}[0], -1) }{$id} // 0;
	}
	return {
		'Net Income' => $profit,
		'Net Cash from Operating Activities' => $sum{Operating} + $profit,
		'Net Cash from Investing Activities' => $sum{Investing},
		'Net Cash from Financing Activities' => $sum{Financing} - $profit,
		# what was posted to equity that nothing earned
		'Retained Earnings' => $sum{Earned} - $profit,
		'Effect of Exchange Rates' => $sum{Exchange},
		'Net Change in Cash' => -$sum{Cash},
		'Cash at Beginning of Period' => $sum{Before},
		'Cash at End of Period' => $sum{Before} - $sum{Cash} }->{$label};
}

# A fixed line, of all companies together.
sub line_value
{
	my ($statement, $books, $slot, $label) = @_;
	my $sum = 0;

	foreach my $one (@$books)
	{
		my $value = $statement eq 'cash_flow' ? cash_value($one, $slot, $label)
		  : $statement eq 'profit_and_loss' && $NATURES{$label} ? nature_value($one, $slot, $label)
		  : sum_of_types($one, $statement, $slot, $TYPES{$statement}{$label} // return);
		return unless defined $value;
		$sum += $value;
	}
	return $sum;
}

# An account and all below it in the chart that stand in its section.
sub subtree
{
	my ($chart, $id) = @_;
	my @below = grep { ($chart->{$_}{parent} // '') eq $id && $chart->{$_}{type} eq $chart->{$id}{type} } keys %$chart;

	return ($id, map { subtree($chart, $_) } @below);
}

# ---- what the extension shows ----

sub rows_of
{
	my ($node, $sql) = @_;

	return map { [ split /\|/, $_, -1 ] } split /\n/, decode_utf8($node->safe_psql('postgres', $sql));
}

my @COLUMNS = qw(line depth label kind section company account_id period period_start period_end is_provisional currency amount share
  previous_period previous_year other_method);

# The rows of a statement, with the company's key in the place of connection_id. Arguments are as SQL has them.
sub statement_rows
{
	my ($node, $arguments) = @_;
	my %key = map { ($_->[0] => lc $_->[1]) } rows_of($node,
		q{SELECT connection_id, b.name FROM reefqbo.connection c JOIN reefqbo.branch b USING (model_id, branch_id)});
	my $columns = join ', ', map { $_ eq 'company' ? 'connection_id' : $_ } @COLUMNS;
	my @rows;

	foreach my $row (rows_of($node, "SELECT $columns FROM reefqbo.statement($arguments)"))
	{
		my %row;
		@row{@COLUMNS} = @$row;
		$row{company} = $key{ $row{company} } // '';
		$row{label} =~ s/^ +//;
		push @rows, \%row;
	}
	return \@rows;
}

# What a row must show in a column; undef for a row that is not known of.
sub row_value
{
	my ($row, $statement, $books, $slot) = @_;
	my ($one) = grep { $_->{company} eq $row->{company} } @$books;
	my $id = $row->{account_id};

	if ($id ne '')
	{
		($one) = @$books if @$books == 1;
		return $row->{kind} eq 'total' ? undef : flow_of($one, $slot, $id) if $statement eq 'cash_flow';
		my $sum = 0;
		$sum += value_of($one, $statement, $slot, $_) foreach $row->{kind} eq 'total' ? subtree($one->{chart}, $id) : $id;
		return $sum;
	}
	return cash_value($one, $slot, 'Retained Earnings') if $statement eq 'cash_flow' && $row->{company} ne '';
	return elimination_value($row, $statement, $books, $slot) if $row->{label} =~ /^Eliminations/;
	# the total of a company in a section
	return sum_of_types($one, $statement, $slot, $TYPES{$statement}{"Total $row->{section}"}) if $row->{company} ne '' && $row->{kind} eq 'total';
	return line_value($statement, $books, $slot, $row->{label});
}

# By accounts eliminations stand under their type, those of equity with the profit that was eliminated; in a flow of
# cash all of a section together.
sub elimination_value
{
	my ($row, $statement, $books, $slot) = @_;
	my ($one) = grep { $_->{company} eq '' } @$books or return;
	my ($type) = $row->{label} =~ /\((\w+)\)/;

	return value_of($one, $statement, $slot, $type) if $statement ne 'cash_flow' && defined $type;
	return value_of($one, $statement, $slot, 'Equity') + value_of($one, $statement, $slot, 'Profit') if $statement ne 'cash_flow';
	my $sum = 0;
	$sum += flow_of($one, $slot, $_) foreach $row->{section} =~ /^Operating/ ? ('Asset', 'Liability') : ('Equity', 'Dividend');
	return $sum;
}

sub row_name { return join ' ', map { $_[0]{$_} } qw(period kind section label company account_id) }

# Every figure of every row, and every account of the ledger that has an amount.
sub check_statement
{
	my ($name, $rows, $statement, $books, $slots) = @_;
	my %slot = map { $_->{label} => $_ } @$slots;
	my (@wrong, %seen, %periods);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $base = { profit_and_loss => 'Total Income', balance_sheet => 'Total Assets' }->{$statement};

	foreach my $row (@$rows)
	{
		my $slot = $slot{ $row->{period} };
		$periods{ $row->{period} } = 1;
		next unless $slot;
		$seen{"$row->{company} $row->{account_id} $row->{period}"} = 1 if $row->{kind} ne 'total' && $row->{account_id} ne '';
		push @wrong, map { row_name($row) . ": $_" } wrong_columns($row, $statement, $books, $slot, $base);
	}
	is(join(', ', sort keys %periods), join(', ', sort keys %slot), "$name: periods");
	push @wrong, missing($statement, $books, $slots, \%seen);
	is(scalar @wrong, 0, "$name: " . @$rows . ' rows') or diag(join "\n", grep { defined } @wrong[ 0 .. 9 ]);
	return;
}

sub wrong_columns
{
	my ($row, $statement, $books, $slot, $base) = @_;
	my @wrong;

	push @wrong, "begins $row->{period_start}, ends $row->{period_end}"
	  unless $row->{period_start} eq $slot->{months}[0] && next_day($row->{period_end}) eq shift_month($slot->{months}[-1], 1);
	push @wrong, "provisional: $row->{is_provisional}" unless $row->{is_provisional} eq ($slot->{months}[-1] eq $NEWEST ? 't' : 'f');
	foreach my $column ('amount', 'previous_period', 'previous_year', 'other_method')
	{
		my $value = $row->{kind} eq 'section' || !$slot->{$column} ? '' : row_value($row, $statement, $books, $slot->{$column});
		my $wanted = !defined $value ? 'no such row' : $value eq '' ? '' : money($value);
		push @wrong, "$column $row->{$column}, should be $wanted" if $row->{$column} ne $wanted;
	}
	my $share = share_of($row, $statement, $books, $slot, $base);
	push @wrong, "share $row->{share}, should be $share" if $row->{share} ne $share;
	return @wrong;
}

sub share_of
{
	my ($row, $statement, $books, $slot, $base) = @_;
	return '' if !defined $base || $row->{kind} eq 'section';
	my $whole = line_value($statement, $books, $slot->{amount}, $base) or return '';
	my $millionths = rounded(cents($row->{amount}) * 1000000, $whole);

	return sprintf('%s%d.%06d', $millionths < 0 ? '-' : '', int(abs($millionths) / 1000000), abs($millionths) % 1000000);
}

sub missing
{
	my ($statement, $books, $slots, $seen) = @_;
	my @missing;

	return if $statement eq 'cash_flow';
	foreach my $one (grep { $_->{company} ne '' } @$books)
	{
		foreach my $slot (@$slots)
		{
			push @missing, map { "$slot->{label} $one->{company} $_ is missing" }
			  grep { value_of($one, $statement, $slot->{amount}, $_) && !$seen->{"$one->{company} $_ $slot->{label}"} } keys %{ $one->{chart} };
		}
	}
	return @missing;
}

1;
