package Reefqbo::MadeStatement;

# What the statements of a group of Reefqbo::MadeGroup must be, worked out from its books by the rules that the manual
# states, for TAP tests. Nothing here asks the extension.
#
#   my $scope = scope_of($group, $branch);           # the branch with all below it that is enabled
#   my $cells = cells_of($group, $scope, 'balance_sheet', 'account', [ $months, ... ]);
#
# A cell is { place => amount }: a whole number of the smallest unit of the group's currency, as it is printed.

use strict;
use warnings;

use Exporter qw(import);

use Reefqbo::MadeGroup;

our @EXPORT = qw(scope_of common_months periods_of cells_of trial_cells);

my %IS_DEBIT = map { $_ => 1 } 'Bank', 'Accounts Receivable', 'Other Current Asset', 'Fixed Asset', 'Other Asset', 'Cost of Goods Sold', 'Expense', 'Other Expense';
my %IS_RESULT = map { $_ => 1 } qw(Revenue COGS Opex Staff Tax);

sub sign_of { return $IS_DEBIT{ $_[0] } ? 1 : -1 }

# ---- which companies, months and periods ----

sub scope_of
{
	my ($group, $branch) = @_;
	my %in = ($branch => 1);
	my $more = 1;

	while ($more)
	{
		$more = 0;
		foreach my $one (grep { !$in{ $_->{id} } && $_->{enabled} && $_->{above} && $in{ $_->{above} } } values %{ $group->{branches} })
		{
			$more = $in{ $one->{id} } = 1;
		}
	}
	my @companies = grep { my $company = $_; $in{ $company->{branch} } || grep { defined $_->{mapped} && $in{ $_->{branch} } } values %{ $company->{accounts} } } @{ $group->{companies} };
	return { branches => \%in, companies => \@companies };
}

sub common_months
{
	my ($scope) = @_;
	my ($first) = sort { $b <=> $a } map { $_->{first} } @{ $scope->{companies} };
	my ($last) = sort { $a <=> $b } map { $_->{last} } @{ $scope->{companies} };

	return $first .. $last;
}

# Lists of months: the parts, within a range, of months (1) or quarters (3) of which all months are known.
sub periods_of
{
	my ($scope, $statement, $length, $first, $last) = @_;
	my %known = map { $_ => 1 } common_months($scope);
	my %part;

	push @{ $part{ int($_ / $length) } }, $_ foreach $first .. $last;
	my @periods = grep { !grep { !$known{$_} } @$_ } map { $part{$_} } sort { $a <=> $b } keys %part;
	return $statement eq 'cash_flow' ? grep { $known{ $_->[0] - 1 } } @periods : @periods;
}

# ---- another currency ----

sub rounded
{
	use integer;
	my ($dividend, $divisor) = @_;
	my $above = $dividend < 0 ? -$dividend : $dividend;
	my $quotient = (2 * $above + $divisor) / (2 * $divisor);

	return $dividend < 0 ? -$quotient : $quotient;
}

sub exchanged
{
	my ($amount, $rate, $from, $to) = @_;
	my $places = decimals_of($to) - decimals_of($from);

	return $places >= 0 ? rounded($amount * $rate * 10**$places, 1000000) : rounded($amount * $rate, 1000000 * 10**-$places);
}

sub sum { my $sum = 0; $sum += $_ foreach @_; return $sum }

sub is_equity { return ($_[0]{class} // '') eq 'Equity' }

# The books in the group's currency: {result} and {position} as those of the company, with the translation difference.
sub translated
{
	my ($group, $company) = @_;
	return $company if $company->{currency} eq $group->{currency};
	my $rates = $group->{rates}{ $company->{currency} };
	my $turned = sub { return exchanged($_[0], $_[1], $company->{currency}, $group->{currency}) };
	my %new = (%$company, home => $company);

	$new{result} = { map { my $month = $_; ($month => { map { ($_ => $turned->($company->{result}{$month}{$_}, $rates->{$month}{average})) } keys %{ $company->{result}{$month} } }) }
		  $company->{first} .. $company->{last} };
	my $equity = carried_equity($company, $rates, $new{result}, $turned);
	$new{position} = {};
	foreach my $month ($company->{first} .. $company->{last})
	{
		my %is = map { ($_ => $turned->($company->{position}{$month}{$_}, $rates->{$month}{closing})) } grep { !is_equity($company->{accounts}{$_}) } keys %{ $company->{position}{$month} };
		%is = (%is, %{ $equity->{$month} });
		$is{'computed:Translation'} = -sum(values %is);
		$new{position}{$month} = \%is;
	}
	return \%new;
}

# All it has by the end of its first month at the last historical rate stated until then, but for what the month earned;
# from there what each month earned as it was translated, and what else came or went at the month's historical rate, or its average.
sub carried_equity
{
	my ($company, $rates, $result, $turned) = @_;
	my ($stated) = grep { defined $rates->{$_}{historical} } reverse 0 .. $company->{first};
	my @equity = grep { is_equity($company->{accounts}{$_}) && $_ ne 'computed:NetIncome' } keys %{ $company->{accounts} };
	my (%was, %is, %carried);

	foreach my $month ($company->{first} .. $company->{last})
	{
		my $now = $company->{position}{$month};
		my $rate = $month == $company->{first} ? $rates->{$stated}{historical} : $rates->{$month}{historical} // $rates->{$month}{average};
		if ($month > $company->{first} && $month % 12 + 1 == $company->{fiscal})
		{
			# last year's profit goes over as it stands, in both currencies
			foreach my $books (\%was, \%is)
			{
				$books->{ $company->{receiver} } = ($books->{ $company->{receiver} } // 0) + $books->{'computed:NetIncome'};
				$books->{'computed:NetIncome'} = 0;
			}
		}
		$is{$_} = ($is{$_} // 0) + $turned->(($now->{$_} // 0) - ($was{$_} // 0), $rate) foreach @equity;
		my ($earned, $here) = map { sum(values %{ $_->{$month} }) } $company->{result}, $result;
		my $other = ($now->{'computed:NetIncome'} // 0) - ($was{'computed:NetIncome'} // 0) - $earned;
		$is{'computed:NetIncome'} = ($is{'computed:NetIncome'} // 0) + $here + $turned->($other, $rate);
		%was = map { ($_ => $now->{$_} // 0) } @equity, 'computed:NetIncome';
		$carried{$month} = {%is};
	}
	return \%carried;
}

# ---- what is in the branches ----

# What stands in the branches of a scope, company by company: of a balance sheet also what the company has elsewhere.
sub part_of
{
	my ($scope, $company, $kind, $month) = @_;
	my %in;
	my $elsewhere = 0;

	foreach my $id (keys %{ $company->{$kind}{$month} })
	{
		my $amount = $company->{$kind}{$month}{$id};
		my $account = $company->{accounts}{$id};
		my $branch = $account && defined $account->{mapped} ? $account->{branch} : $company->{branch};
		if   ($scope->{branches}{$branch}) { $in{$id} = $amount }
		else                               { $elsewhere += $amount }
	}
	$in{'computed:OtherBranches'} = $elsewhere if $kind eq 'position';
	return \%in;
}

# Of entries: { type|category|account type => debit } posted in months, or until the end of one.
sub eliminated
{
	my ($group, $scope, $statement, @months) = @_;
	my %debit;

	foreach my $entry (grep { $scope->{branches}{ $_->{branch} } && ($_->{method} // 'Accrual') eq 'Accrual' } @{ $group->{eliminations} })
	{
		foreach my $posting ([ $entry->{month}, 1 ], defined $entry->{reversed} ? [ $entry->{reversed}, -1 ] : ())
		{
			my ($month, $sign) = @$posting;
			foreach my $side ([ 'debit', 1 ], [ 'credit', -1 ])
			{
				my ($type, $among) = ($entry->{ $side->[0] }, $entry->{"$side->[0]_among"} // '');
				my $amount = $side->[1] * $sign * $entry->{amount};
				if ($statement eq 'result')
				{
					$debit{"$type|$entry->{category}|$among"} += $amount if $IS_RESULT{$type} && grep { $_ == $month } @months;
				}
				elsif ($month <= $months[-1])
				{
					$debit{ $IS_RESULT{$type} ? 'Equity|Eliminated Profit|' : "$type|$entry->{category}|$among" } += $amount;
				}
			}
		}
	}
	return \%debit;
}

# The books of a scope: by company, those in the group's currency, once and for all.
sub books_of
{
	my ($group, $scope) = @_;

	return map { translated($group, $_) } @{ $scope->{companies} };
}

# ---- the lines ----

my %SECTIONS = (
	'Total Income' => ['Income'], 'Total Cost of Goods Sold' => ['Cost of Goods Sold'], 'Total Expenses' => ['Expense'], 'Total Other Income' => ['Other Income'],
	'Total Other Expenses' => ['Other Expense'], 'Gross Profit' => [ 'Income', 'Cost of Goods Sold' ], 'Net Operating Income' => [ 'Income', 'Cost of Goods Sold', 'Expense' ],
	'Net Other Income' => [ 'Other Income', 'Other Expense' ], 'Net Income' => [ 'Income', 'Cost of Goods Sold', 'Expense', 'Other Income', 'Other Expense' ],
	'Total Assets' => [ 'Bank', 'Accounts Receivable', 'Other Current Asset', 'Fixed Asset', 'Other Asset' ], 'Total Bank Accounts' => ['Bank'],
	'Total Current Assets' => [ 'Bank', 'Accounts Receivable', 'Other Current Asset' ], 'Total Equity' => ['Equity'],
	'Total Liabilities' => [ 'Accounts Payable', 'Credit Card', 'Other Current Liability', 'Long Term Liability' ],
	'Total Liabilities and Equity' => [ 'Accounts Payable', 'Credit Card', 'Other Current Liability', 'Long Term Liability', 'Equity' ]);
my @RESULT_LINES = grep { $SECTIONS{$_}[0] =~ /Income|Cost|Expense/ } keys %SECTIONS;
my @POSITION_LINES = grep { $SECTIONS{$_}[0] !~ /Income|Cost|Expense/ } keys %SECTIONS;

my %SECTION_OF = (Revenue => 'Income', COGS => 'Cost of Goods Sold', Opex => 'Expense', Staff => 'Expense', Tax => 'Other Expense', Asset => 'Other Current Asset',
	Liability => 'Other Current Liability', Equity => 'Equity', Dividend => 'Equity');

sub section_of_elimination { my ($type, $kind) = @_; return $kind eq 'position' && $type eq 'Tax' ? 'Equity' : $SECTION_OF{$type} }

# Costs by their nature: what an account is mapped to goes before its detail type.
sub nature_of
{
	my ($account) = @_;
	my $subtype = $account->{subtype} // '';
	return 'Tax' if ($account->{mapped} // '') eq 'Tax';

	return 'Depreciation' if $subtype =~ /^(?:Depreciation|Amortization)/;
	return 'Interest' if $subtype =~ /^Interest/;
	return 'Exchange' if $subtype =~ /^Exchange/;
	return defined $account->{mapped} ? '' : 'Tax' if $subtype eq 'IncomeTaxExpense';
	return '';
}

my %NATURES = ('EBITDA' => [ 1, qw(Depreciation Interest Tax) ], 'EBIT' => [ 1, qw(Interest Tax) ], 'Profit before Tax' => [ 1, 'Tax' ],
	'Depreciation and Amortization' => [ 0, 'Depreciation' ], 'Net Interest Expense' => [ 0, 'Interest' ], 'Exchange Losses' => [ 0, 'Exchange' ]);

sub nature_lines
{
	my ($books, $parts, $eliminated) = @_;
	my %debit;
	my $all = 0;

	foreach my $n (0 .. $#$books)
	{
		foreach my $id (keys %{ $parts->[$n] })
		{
			$debit{ nature_of($books->[$n]{accounts}{$id}) } += $parts->[$n]{$id};
			$all += $parts->[$n]{$id};
		}
	}
	foreach my $key (keys %$eliminated)
	{
		$debit{Tax} += $eliminated->{$key} if $key =~ /^Tax\|/;
		$all += $eliminated->{$key};
	}
	return map { my ($is_added, @natures) = @{ $NATURES{$_} };
		("line $_" => ($is_added ? -$all : 0) + sum(map { $debit{$_} // 0 } @natures)) } keys %NATURES;
}

# What companies have in the branches in a period, the eliminations, and which kind it is.
sub parts_of
{
	my ($group, $scope, $books, $kind, @months) = @_;
	my @parts;

	foreach my $company (@$books)
	{
		my %sum;
		foreach my $month ($kind eq 'result' ? @months : $months[-1])
		{
			my $part = part_of($scope, $company, $kind, $month);
			$sum{$_} += $part->{$_} foreach keys %$part;
		}
		push @parts, \%sum;
	}
	return (\@parts, eliminated($group, $scope, $kind, @months));
}

sub account_cells
{
	my ($books, $parts, $eliminated, $kind) = @_;
	my (%cells, %section);

	foreach my $n (0 .. $#$books)
	{
		foreach my $id (keys %{ $parts->[$n] })
		{
			my $type = ($books->[$n]{accounts}{$id} // { type => 'Equity' })->{type};
			$cells{"$books->[$n]{id} $id"} = sign_of($type) * $parts->[$n]{$id};
			$section{$type} += $parts->[$n]{$id};
		}
	}
	foreach my $key (keys %$eliminated)
	{
		my ($type, undef, $among) = split /\|/, $key;
		my $section = $among ? $among : section_of_elimination($type, $kind);
		my $name = $among || $type;
		$cells{"eliminated $name"} += sign_of($section) * $eliminated->{$key};
		$section{$section} += $eliminated->{$key};
	}
	foreach my $line ($kind eq 'result' ? @RESULT_LINES : @POSITION_LINES)
	{
		my @sections = @{ $SECTIONS{$line} };
		my $sign = @sections > 1 && $kind eq 'result' ? -1 : sign_of($sections[0]);
		$cells{"line $line"} = $sign * sum(map { $section{$_} // 0 } @sections);
	}
	return \%cells;
}

# ---- by category ----

my %CREDIT_SECTION = map { $_ => 1 } 'Revenue', 'Liability', 'Equity', 'Other Income', 'Unmapped Income', 'Unmapped Liabilities and Equity';

sub category_sign { my ($section, $kind) = @_; return $CREDIT_SECTION{$section} || $section eq 'Tax' && $kind eq 'position' ? -1 : 1 }

# Other income is no revenue, and other expenses are none of the operations, whatever they are mapped to but for tax.
sub category_of
{
	my ($account, $kind) = @_;
	my $debit = sign_of($account->{type}) == 1;

	if (!defined $account->{mapped})
	{
		return $kind eq 'result' ? ($debit ? 'Unmapped Expenses' : 'Unmapped Income') : $debit ? 'Unmapped Assets' : 'Unmapped Liabilities and Equity';
	}
	return $account->{mapped} eq 'Tax' || $account->{type} !~ /^Other (Income|Expense)\z/ ? $account->{mapped} : $1 eq 'Income' ? 'Other Income' : 'Other Expenses';
}

my %OPERATING = map { $_ => 1 } qw(Revenue COGS Opex Staff);
my %WORDS = ('computed:Translation' => 'Translation Difference', 'computed:OtherBranches' => 'Position in Other Branches', 'computed:NetIncome' => 'Net Income');

sub category_cells
{
	my ($books, $parts, $eliminated, $kind) = @_;
	my (%debit, %section);
	my $operating_tax = 0;

	foreach my $n (0 .. $#$books)
	{
		foreach my $id (keys %{ $parts->[$n] })
		{
			my $account = $books->[$n]{accounts}{$id};
			my @place = $WORDS{$id} ? ('Equity', $WORDS{$id}) : (category_of($account, $kind), $account->{category} // $account->{name}, $account->{subcategory} // ());
			$debit{ join '|', @place } += $parts->[$n]{$id};
			$operating_tax += $parts->[$n]{$id} if ($account->{mapped} // '') eq 'Tax' && $account->{type} =~ /^(?:Income|Cost of Goods Sold|Expense)\z/;
		}
	}
	foreach my $key (keys %$eliminated)
	{
		my ($type, $category, $among) = split /\|/, $key;
		$type = category_of({ mapped => $type, type => $among }, $kind) if $among;
		$debit{"$type|$category"} += $eliminated->{$key};
	}
	my %cells;
	foreach my $place (keys %debit)
	{
		my ($section) = split /\|/, $place;
		$cells{$place} = category_sign($section, $kind) * $debit{$place};
		$section{$section} += $debit{$place};
	}
	if ($kind eq 'result')
	{
		$cells{'line Net Income'} = -sum(values %section);
		$cells{'line Gross Profit'} = -sum(map { $section{$_} // 0 } 'Revenue', 'COGS');
		$cells{'line Net Operating Income'} = -sum(map { $section{$_} // 0 } keys %OPERATING) - $operating_tax;
	}
	else
	{
		$cells{'line Total Assets'} = sum(map { $section{$_} // 0 } 'Asset', 'Unmapped Assets');
		$cells{'line Total Liabilities and Equity'} = $cells{'line Total Assets'};
	}
	return \%cells;
}

# ---- the flow of cash ----

sub cash_section
{
	my ($id, $account) = @_;
	my ($type, $subtype) = ($account->{type} // 'Equity', $account->{subtype} // '');

	return 'Cash' if $type eq 'Bank' || $subtype eq 'UndepositedFunds';
	return 'Operating' if $subtype eq 'AccumulatedDepreciation' || $type =~ /^(?:Accounts |Credit|Other Current)/;
	return $type =~ /Asset/ ? 'Investing' : 'Financing';
}

# What an account did to cash in a period. Of a company in another currency: at the average rate of each month, but for cash and
# equity, which move as they are translated.
sub flow_of
{
	my ($group, $scope, $company, $id, @months) = @_;
	my $account = $company->{accounts}{$id} // {};
	my $at = sub { my ($books, $month) = @_; return part_of($scope, $books, 'position', $month)->{$id} // 0 };

	return $at->($company, $months[0] - 1) - $at->($company, $months[-1])
	  if !$company->{home} || cash_section($id, $account) eq 'Cash' || is_equity($account);
	return sum(map { exchanged($at->($company->{home}, $_ - 1) - $at->($company->{home}, $_), $group->{rates}{ $company->{currency} }{$_}{average}, $company->{currency}, $group->{currency}) } @months);
}

sub is_profit { my ($id, $account) = @_; return $id eq 'computed:NetIncome' || ($account->{subtype} // '') eq 'RetainedEarnings' }

sub cash_cells
{
	my ($group, $scope, $books, $by, @months) = @_;
	my (%cells, %sum);
	my $profit = 0;
	my $before = 0;

	foreach my $company (@$books)
	{
		my $earned = -sum(map { values %{ part_of($scope, $company, 'result', $_) } } @months);
		my $rest = -$earned;
		my $all = 0;
		foreach my $id (keys %{ { map { %{ $company->{position}{$_} } } $months[0] - 1, @months } }, 'computed:OtherBranches')
		{
			next if $id eq 'computed:Translation';
			my $account = $company->{accounts}{$id} // {};
			my ($section, $flow) = (cash_section($id, $account), flow_of($group, $scope, $company, $id, @months));
			$all += $flow;
			if (is_profit($id, $account)) { $rest += $flow }
			else
			{
				$sum{$section} += $flow;
				$cells{"$company->{id} $id"} = $flow if $by eq 'account' && $section ne 'Cash';
			}
			$before += part_of($scope, $company, 'position', $months[0] - 1)->{$id} // 0 if $section eq 'Cash';
		}
		$profit += $earned;
		$sum{Financing} += $rest;
		$sum{Exchange} += -$all if $company->{home};
	}
	my ($was, $is) = map { eliminated($group, $scope, 'position', $_) } $months[0] - 1, $months[-1];
	my $eliminated = eliminated($group, $scope, 'result', @months);
	foreach my $key (keys %{ { %$was, %$is } })
	{
		my ($type, undef, $among) = split /\|/, $key;
		my $section = $among ? cash_section('', { type => $among }) : $type =~ /^(?:Asset|Liability)\z/ ? 'Operating' : 'Financing';
		$sum{$section} += ($was->{$key} // 0) - ($is->{$key} // 0);
		$before += $was->{$key} // 0 if $section eq 'Cash';
	}
	$profit -= sum(values %$eliminated);
	$sum{Financing} += sum(values %$eliminated);
	my $change = -($sum{Cash} // 0);
	return { %cells, 'line Net Income' => $profit, 'line Net Cash from Operating Activities' => $profit + ($sum{Operating} // 0), 'line Net Cash from Investing Activities' => $sum{Investing} // 0,
		'line Net Cash from Financing Activities' => $sum{Financing} // 0, 'line Effect of Exchange Rates' => $sum{Exchange} // 0, 'line Net Change in Cash' => $change,
		'line Cash at Beginning of Period' => $before, 'line Cash at End of Period' => $before + $change };
}

# ---- all of them ----

# The cells of a statement in each of these periods: { 'first month of it' => { place => amount } }.
sub cells_of
{
	my ($group, $scope, $statement, $by, @periods) = @_;
	my @books = books_of($group, $scope);
	my $kind = $statement eq 'profit_and_loss' ? 'result' : 'position';
	my %cells;

	foreach my $months (@periods)
	{
		my $key = month_at($months->[0]);
		if ($statement eq 'cash_flow')
		{
			$cells{$key} = cash_cells($group, $scope, \@books, $by, @$months);
			next;
		}
		my ($parts, $eliminated) = parts_of($group, $scope, \@books, $kind, @$months);
		my $cells = $by eq 'account' ? account_cells(\@books, $parts, $eliminated, $kind) : category_cells(\@books, $parts, $eliminated, $kind);
		$cells{$key} = { %$cells, $kind eq 'result' ? nature_lines(\@books, $parts, $eliminated) : () };
	}
	return \%cells;
}

# The trial balance at the end of a month, debits positive: balances, and the movements of each company's fiscal year.
sub trial_cells
{
	my ($group, $scope, $month) = @_;
	my %cells;

	foreach my $company (books_of($group, $scope))
	{
		my $position = part_of($scope, $company, 'position', $month);
		my $year = $month - ($month % 12 + 1 - $company->{fiscal} + 12) % 12;
		$cells{"$company->{id} $_"} += $position->{$_} foreach keys %$position;
		foreach my $one (grep { $company->{result}{$_} } $year .. $month)
		{
			my $result = part_of($scope, $company, 'result', $one);
			foreach my $id (keys %$result)
			{
				$cells{"$company->{id} $id"} += $result->{$id};
				$cells{"$company->{id} computed:NetIncome"} -= $result->{$id};
			}
		}
	}
	return \%cells;
}

1;
