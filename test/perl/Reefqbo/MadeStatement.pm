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

our @EXPORT = qw(scope_of common_months unknown_openings periods_of cells_of trial_cells);

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

# Those that every company that belonged to the group then has, if there was one.
sub common_months
{
	my ($group, $scope) = @_;
	my @stays = map { my $company = $_; map { [ $company, $_ ] } stays_of($group, $scope, $company) } @{ $scope->{companies} };
	my @months;

	foreach my $month (0 .. 60)
	{
		my @in = grep { $_->[1]{since} <= $month && $month <= $_->[1]{until} } @stays;
		push @months, $month if @in && !grep { $month < $_->[0]{first} || $month > $_->[0]{last} } @in;
	}
	return @months;
}

# The months in which a company joins and nobody knows with what.
sub unknown_openings
{
	my ($group, $scope) = @_;

	return map { my $company = $_;
		map { $_->{since} } grep { $_->{is_stated} && ($_->{since} - 1 < $company->{first} || $_->{since} - 1 > $company->{last}) } stays_of($group, $scope, $company) } @{ $scope->{companies} };
}

# Lists of months: the parts, within a range, of months (1) or quarters (3) of which all months are known.
sub periods_of
{
	my ($group, $scope, $statement, $length, $first, $last) = @_;
	my %known = map { $_ => 1 } common_months($group, $scope);
	my %unknown = map { $_ => 1 } unknown_openings($group, $scope);
	my %part;

	push @{ $part{ int($_ / $length) } }, $_ foreach $first .. $last;
	my @periods = grep { !grep { !$known{$_} } @$_ } map { $part{$_} } sort { $a <=> $b } keys %part;
	return $statement eq 'cash_flow' ? grep { $known{ $_->[0] - 1 } && !grep { $unknown{$_} } @$_ } @periods : @periods;
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

# The books in the group's currency: {result} and {position} as those of the company, with the translation difference. Those of a company
# that joined begin with the month before.
sub translated
{
	my ($group, $company, $since) = @_;
	return $company if $company->{currency} eq $group->{currency};
	my $rates = $group->{rates}{ $company->{currency} };
	my $turned = sub { return exchanged($_[0], $_[1], $company->{currency}, $group->{currency}) };
	my %new = (%$company, home => $company);

	$new{result} = { map { my $month = $_; ($month => { map { ($_ => $turned->($company->{result}{$month}{$_}, $rates->{$month}{average})) } keys %{ $company->{result}{$month} } }) }
		  $company->{first} .. $company->{last} };
	my $equity = carried_equity($company, $rates, $new{result}, $turned, $since // -1);
	$new{position} = {};
	foreach my $month (sort { $a <=> $b } keys %$equity)
	{
		my %is = map { ($_ => $turned->($company->{position}{$month}{$_}, $rates->{$month}{closing})) } grep { !is_equity($company->{accounts}{$_}) } keys %{ $company->{position}{$month} };
		%is = (%is, %{ $equity->{$month} });
		$is{'computed:Translation'} = -sum(values %is);
		$new{position}{$month} = \%is;
	}
	return \%new;
}

# The month with which equity begins, and the rate of all there is: the company's own historical rate, the closing rate of the day on which
# it joined, or its currency's historical rate: the last that was stated until then.
sub opening_of
{
	my ($company, $rates, $since) = @_;
	my ($first) = sort { $b <=> $a } $company->{first}, $since - 1;
	my ($until) = sort { $b <=> $a } $first, $since;
	my $own = $company->{historical} // {};
	my ($mine) = grep { defined $own->{$_} } reverse 0 .. $until;
	my ($theirs) = grep { defined $rates->{$_}{historical} } reverse 0 .. $until;

	return ($first, defined $mine ? $own->{$mine} : $since > 0 && $first <= $since ? $rates->{ $since - 1 }{closing} : $rates->{$theirs}{historical});
}

# All it has by the end of its first month at the last historical rate stated until then, but for what the month earned;
# from there what each month earned as it was translated, and what else came or went at the month's historical rate, or its average.
sub carried_equity
{
	my ($company, $rates, $result, $turned, $since) = @_;
	my ($first, $opening) = opening_of($company, $rates, $since);
	my $own = $company->{historical} // {};
	my @equity = grep { is_equity($company->{accounts}{$_}) && $_ ne 'computed:NetIncome' } keys %{ $company->{accounts} };
	my (%was, %is, %carried);

	foreach my $month ($first .. $company->{last})
	{
		my $now = $company->{position}{$month};
		my $rate = $month == $first ? $opening : $own->{$month} // $rates->{$month}{historical} // $rates->{$month}{average};
		if ($month > $first && $month % 12 + 1 == $company->{fiscal})
		{
			# last year's profit goes over as it stands, in both currencies
			foreach my $books (\%was, \%is)
			{
				$books->{ $company->{receiver} } = ($books->{ $company->{receiver} } // 0) + $books->{'computed:NetIncome'};
				$books->{'computed:NetIncome'} = 0;
			}
		}
		$is{$_} = ($is{$_} // 0) + $turned->(($now->{$_} // 0) - ($was{$_} // 0), $rate) foreach @equity;
		# what was earned before it joined is part of what it brought along
		my ($earned, $here) = map { $month < $since ? 0 : sum(values %{ $_->{$month} }) } $company->{result}, $result;
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
	return { %{ $company->{$kind}{$month} // {} } } if $company->{is_shared};

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

# The books of a scope: by company and stay, those in the group's currency, once and for all.
sub books_of
{
	my ($group, $scope) = @_;

	return map { my $company = $_; map { $_->{is_plain} ? { %{ translated($group, $company) }, stay => $_ } : shared($group, $scope, $company, $_) } stays_of($group, $scope, $company) } @{ $scope->{companies} };
}

# ---- what a group has of its companies ----

# When a company belongs to the group, and how: of two holders, the root's rows.
sub stays_of
{
	my ($group, $scope, $company) = @_;
	my ($held) = sort { $a->{holder} <=> $b->{holder} } grep { $_->{company} == $company->{id} && $scope->{branches}{ $_->{holder} } } @{ $group->{ownership} };
	my $is_adjusted = grep { $_->{company} == $company->{id} && $scope->{branches}{ $_->{holder} } } @{ $group->{adjustments} };
	my @stays;

	return { since => -1, until => 99, method => 'full', rows => [], is_plain => !$is_adjusted } unless $held;
	foreach my $n (0 .. $#{ $held->{rows} })
	{
		my $row = $held->{rows}[$n];
		my $until = $n < $#{ $held->{rows} } ? $held->{rows}[ $n + 1 ]{month} - 1 : 99;
		if ($n && $held->{rows}[ $n - 1 ]{method} eq $row->{method})
		{
			$stays[-1]{until} = $until if $row->{method} ne 'none';
			push @{ $stays[-1]{rows} }, { %$row, until => $until } if $row->{method} ne 'none';
		}
		elsif ($row->{method} ne 'none')
		{
			push @stays, { since => $row->{month}, until => $until, method => $row->{method}, rows => [ { %$row, until => $until } ], is_stated => 1 };
		}
	}
	return @stays;
}

sub row_at { my ($stay, $month) = @_; return (grep { $_->{month} <= ($month < $stay->{since} ? $stay->{since} : $month) } @{ $stay->{rows} })[-1] }

sub share_at { my ($stay, $month) = @_; my $row = row_at($stay, $month); return $row ? $row->{share} : 1000 }

sub owners_part { my ($attributed, $share) = @_; return $attributed eq 'both' ? $share : $attributed eq 'owners' ? 1000 : 0 }

sub year_of { my ($month, $fiscal) = @_; return $month - ($month % 12 + 1 - $fiscal + 12) % 12 }

my %IS_COST = map { $_ => 1 } qw(COGS Opex Staff);

# The line that a side of an entry has: that of the first entry of its kind.
sub line_of_side
{
	my ($group, $entry, $side) = @_;
	my $kind = sub {
		my ($one, $this) = @_;
		my $other = $this eq 'debit' ? 'credit' : 'debit';
		my $nature = $one->{$this} eq 'Tax' ? 'Tax' : $IS_COST{ $one->{$this} } && ($one->{"${other}_among"} // '') =~ /^(?:Fixed|Other) Asset\z/ ? 'Depreciation' : '';
		return join '|', $one->{company}, $one->{$this}, $one->{"${this}_among"} // '', $one->{category}, $nature;
	};
	my $mine = $kind->($entry, $side);
	my ($first) = sort { $a <=> $b } map { my $one = $_; map { $one->{id} * 2 + ($_ eq 'credit') } grep { $kind->($one, $_) eq $mine } 'debit', 'credit' } @{ $group->{adjustments} };
	my (undef, $type, $among, $category, $nature) = split /\|/, $mine, -1;

	return { id => "computed:Adjusted:$first", variable => $type, type => $among, category => $category, nature => $nature };
}

# What adjustments come to: rows of { id, attributed, kind, amount } by month, in the group's currency or (at home) the company's.
sub adjusted
{
	my ($group, $scope, $company, $stay, $at_home) = @_;
	my $rates = $group->{rates}{ $company->{currency} };
	my $abroad = !$at_home && $company->{currency} ne $group->{currency};
	my $turned = sub { return $abroad ? exchanged($_[0], $_[1], $company->{currency}, $group->{currency}) : $_[0] };
	my ($first, $opening) = $abroad ? opening_of($company, $rates, $stay->{since}) : (0, 0);
	my (@postings, %result, %position);

	foreach my $entry (grep { $_->{company} == $company->{id} && $scope->{branches}{ $_->{holder} } && ($_->{method} // 'Accrual') eq 'Accrual' } @{ $group->{adjustments} })
	{
		foreach my $when ([ $entry->{month}, 1 ], defined $entry->{reversed} ? [ $entry->{reversed}, -1 ] : ())
		{
			foreach my $side ([ 'debit', 1 ], [ 'credit', -1 ])
			{
				my $line = line_of_side($group, $entry, $side->[0]);
				my $month = $when->[0] < $stay->{since} - 1 ? $stay->{since} - 1 : $when->[0];
				my $is_result = $IS_RESULT{ $line->{variable} } && $when->[0] >= $stay->{since};
				my $rate = !$abroad ? 0 : $month < $first || $month == $first && !$is_result ? $opening : $is_result ? $rates->{$month}{average}
				  : $company->{historical}{$month} // $rates->{$month}{historical} // $rates->{$month}{average};
				push @postings, { line => $line, month => $month, is_result => $is_result, rate => $rate, amount => $side->[1] * $when->[1] * $entry->{amount}, attributed => $entry->{attributed} }
				  if $when->[0] <= $stay->{until};
			}
		}
	}
	foreach my $month (0 .. 45)
	{
		my (%sum, %amount, %rest);
		foreach my $posting (@postings)
		{
			push @{ $result{$month} }, { id => $posting->{line}{id}, attributed => $posting->{attributed}, kind => 'result', amount => $turned->($posting->{amount}, $posting->{rate}) }
			  if $posting->{is_result} && $posting->{month} == $month;
			next if $posting->{month} > $month;
			if ($posting->{line}{variable} =~ /^(?:Asset|Liability)\z/)
			{
				$sum{"$posting->{line}{id}|$posting->{attributed}"} += $posting->{amount};
				next;
			}
			my $id = !$IS_RESULT{ $posting->{line}{variable} } ? $posting->{line}{id} : !$posting->{is_result} ? 'computed:AdjustedProfit' : $posting->{month} >= year_of($month, $company->{fiscal}) ? 'computed:NetIncome' : 'computed:AdjustedProfit';
			$amount{"$id|$posting->{attributed}"} += $turned->($posting->{amount}, $posting->{rate});
		}
		my %kind = ((map { $_ => 'position' } keys %sum), map { $_ => 'equity' } keys %amount);
		$amount{$_} = $turned->($sum{$_}, $rates->{$month}{closing}) foreach keys %sum;
		foreach my $key (keys %amount)
		{
			my ($id, $attributed) = split /\|/, $key;
			push @{ $position{$month} }, { id => $id, attributed => $attributed, kind => $kind{$key}, amount => $amount{$key} };
			$rest{$attributed} -= $amount{$key};
		}
		push @{ $position{$month} }, map { { id => 'computed:Translation', attributed => $_, kind => 'translation', amount => $rest{$_} } } keys %rest;
	}
	return { result => \%result, position => \%position };
}

sub kind_of
{
	my ($company, $id) = @_;
	my $account = $company->{accounts}{$id};

	return $id eq 'computed:Translation' ? 'translation' : !$account || is_equity($account) ? 'equity' : 'position';
}

# The rows of a company in a month, with adjustments.
sub rows_of
{
	my ($scope, $company, $books, $adjusted, $kind, $month) = @_;
	return () unless $books->{$kind}{$month};
	my $part = part_of($scope, $books, $kind, $month);

	return ((map { { id => $_, attributed => 'both', kind => $kind eq 'result' ? 'result' : kind_of($company, $_), amount => $part->{$_} } } keys %$part), @{ $adjusted->{$kind}{$month} // [] });
}

sub weighted { my ($rows, $share, $kinds) = @_; return sum(map { owners_part($_->{attributed}, $share) * $_->{amount} } grep { $_->{kind} =~ $kinds } @$rows) }

# What others have of net assets or a profit, with debits positive.
sub others_part
{
	my ($rows, $share) = @_;
	my @of = grep { $_->{kind} =~ /^(?:position|result)\z/ } @$rows;

	return rounded((1000 - $share) * sum(map { $_->{amount} } grep { $_->{attributed} eq 'both' } @of), 1000) + sum(map { $_->{amount} } grep { $_->{attributed} eq 'non-controlling' } @of);
}

# What a holder has in the account of its investment.
sub invested
{
	my ($group, $scope, $stay, $month) = @_;
	my $at = $month < $stay->{since} ? $stay->{since} : $month;
	my $investment = row_at($stay, $at)->{investment} or return;
	my ($other) = grep { $_->{id} == $investment->{company} } @{ $group->{companies} };
	my $books = translated($group, $other);

	return { %$investment, amount => $books->{position}{$at} ? part_of($scope, $books, 'position', $at)->{ $investment->{account} } // 0 : 0 };
}

# A company's books as they are in the group's statements, for one stay.
sub shared
{
	my ($group, $scope, $company, $stay) = @_;
	my %new = (%{ shared_books($group, $scope, $company, $stay, 0) }, stay => $stay);

	$new{home} = shared_books($group, $scope, $company, $stay, 1) if $company->{currency} ne $group->{currency};
	return \%new;
}

sub shared_books
{
	my ($group, $scope, $company, $stay, $at_home) = @_;
	my $books = $at_home ? $company : translated($group, $company, $stay->{since});
	my $adjusted = adjusted($group, $scope, $company, $stay, $at_home);
	my ($first) = sort { $b <=> $a } $company->{first}, $stay->{since} - 1;
	my ($last) = sort { $a <=> $b } $company->{last}, $stay->{until};
	my %rows = map { my $month = $_; ($month => { result => $month < $stay->{since} ? [] : [ rows_of($scope, $company, $books, $adjusted, 'result', $month) ],
			position => [ rows_of($scope, $company, $books, $adjusted, 'position', $month) ] }) } $first .. $last;
	my %new = (%$company, is_shared => 1, result => {}, position => {}, group => $group);
	my $changes = $stay->{method} eq 'equity' ? associate_changes($stay, \%rows, $first .. $last) : {};

	foreach my $month ($first .. $last)
	{
		my $share = share_at($stay, $month);
		my ($result, $position) = map { $stay->{method} eq 'equity' ? {} : lines_of($_, $stay->{method}, $share) } @{ $rows{$month} }{ 'result', 'position' };
		if ($stay->{method} eq 'proportional')
		{
			$position->{'computed:Rounding'} = (weighted($rows{$month}{position}, $share, qr/./) - 1000 * sum(values %$position)) / 1000;
		}
		elsif ($stay->{method} eq 'full')
		{
			my ($profit, $assets) = map { others_part($_, $share) } @{ $rows{$month} }{ 'result', 'position' };
			($position->{'computed:NonControlling'}, $position->{'computed:NonControllingShare'}) = (-$assets, $assets);
			$new{others}{$month} = -$profit;
		}
		else
		{
			my $e = $changes->{$month};
			my $earned = sum(map { rounded(-weighted($rows{$_}{result}, share_at($stay, $_), qr/./), 1000) } grep { $_ >= year_of($month, $company->{fiscal}) && $_ >= $stay->{since} } $first .. $month);
			$position = { 'computed:Associate' => $e->[0], 'computed:AssociateEquity' => $earned - $e->[0], 'computed:NetIncome' => -$earned,
				'computed:AssociateTranslation' => $e->[1], 'computed:Translation' => -$e->[1] };
			$result->{'computed:ShareOfProfit'} = rounded(weighted($rows{$month}{result}, $share, qr/./), 1000) if $month >= $stay->{since};
		}
		my $investment = $at_home || $stay->{method} eq 'equity' || !$stay->{is_stated} ? undef : invested($group, $scope, $stay, $month);
		if ($investment)
		{
			$position->{"computed:Eliminated:$investment->{company}:$investment->{account}"} = -$investment->{amount};
			$position->{'computed:Investment'} = $investment->{amount};
		}
		$new{result}{$month} = $result if $month >= $stay->{since};
		$new{position}{$month} = $position;
	}
	dispose($group, $scope, \%new, $stay, \%rows, $changes) if !$at_home && $rows{ $stay->{until} };
	return \%new;
}

sub lines_of
{
	my ($rows, $method, $share) = @_;
	my %sum;

	$sum{ $_->{id} } += ($method eq 'full' ? 1 : owners_part($_->{attributed}, $share)) * $_->{amount} foreach @$rows;
	return $method eq 'full' ? \%sum : { map { ($_ => rounded($sum{$_}, 1000)) } keys %sum };
}

# IAS 28: since it was acquired, each month's change of equity, and of translation, by the share of that month.
sub associate_changes
{
	my ($stay, $rows, @months) = @_;
	my (%was, %sum, %change);

	foreach my $month (@months)
	{
		foreach my $kind ('equity', 'translation')
		{
			foreach my $attributed ('both', 'owners')
			{
				my $is = -sum(map { $_->{amount} } grep { $_->{kind} eq $kind && $_->{attributed} eq $attributed } @{ $rows->{$month}{position} });
				my $moved = $is - ($was{"$kind $attributed"} // 0);
				# what there is first is not of the group's time, but what that month has earned in it
				$moved = $month < $stay->{since} ? 0 : $kind eq 'translation' ? $is : -sum(map { $_->{amount} } grep { $_->{attributed} eq $attributed } @{ $rows->{$month}{result} }) if $month == $months[0];
				$sum{$kind} += owners_part($attributed, share_at($stay, $month)) * $moved;
				$was{"$kind $attributed"} = $is;
			}
		}
		$change{$month} = [ map { rounded($sum{$_}, 1000) } 'equity', 'translation' ];
	}
	return \%change;
}

# In the month after it has left: what the owners had of net assets beyond the investment, but for translation.
sub dispose
{
	my ($group, $scope, $new, $stay, $rows, $changes) = @_;
	my $until = $stay->{until};

	if ($stay->{method} eq 'equity')
	{
		$new->{result}{ $until + 1 }{'computed:Disposal'} = $changes->{$until}[0];
		return;
	}
	my $investment = $stay->{is_stated} ? invested($group, $scope, $stay, $until) : undef;
	$new->{result}{ $until + 1 }{'computed:Disposal'} = rounded(weighted($rows->{$until}{position}, share_at($stay, $until), qr/^(?:position|translation)\z/), 1000) - $investment->{amount} if $investment;
	return;
}

sub has_others { my ($group, $scope) = @_; return scalar grep { $_->{method} eq 'full' && $_->{share} < 1000 } map { @{ $_->{rows} } } grep { $scope->{branches}{ $_->{holder} } } @{ $group->{ownership} } }

# A line that is in no chart, as an account: what it is mapped to, and its type.
sub computed_account
{
	my ($books, $id) = @_;

	return { type => 'Other Asset', mapped => 'Asset', category => $id } if $id =~ /^computed:Associate(?:Translation)?\z/;
	return { type => 'Other Income', mapped => 'Revenue', category => $id } if $id =~ /^computed:(?:ShareOfProfit|Disposal)\z/;
	if ($id =~ /^computed:Eliminated:([0-9]+):(.*)\z/)
	{
		my ($company, $account) = ($1, $2);
		my ($other) = grep { $_->{id} == $company } @{ $books->{group}{companies} };
		return { %{ $other->{accounts}{$account} }, subtype => undef };
	}
	if ($id =~ /^computed:Adjusted:([0-9]+)\z/)
	{
		my ($entry) = grep { $_->{id} == int($1 / 2) } @{ $books->{group}{adjustments} };
		my $line = line_of_side($books->{group}, $entry, $1 % 2 ? 'credit' : 'debit');
		return { type => $line->{type} || section_of_elimination($line->{variable}, $IS_RESULT{ $line->{variable} } ? 'result' : 'position'), mapped => $line->{variable}, category => $line->{category}, nature => $line->{nature} };
	}
	return;
}

sub account_of { my ($books, $id) = @_; return $books->{accounts}{$id} // computed_account($books, $id) }

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
	return $account->{nature} if defined $account->{nature};
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
			$debit{ nature_of(account_of($books->[$n], $id)) } += $parts->[$n]{$id};
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
		# what its disposal has brought is of the month after
		foreach my $month (grep { $company->{stay}{since} <= $_ && $_ <= $company->{stay}{until} + ($kind eq 'result') } $kind eq 'result' ? @months : $months[-1])
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
			my $type = (account_of($books->[$n], $id) // { type => 'Equity' })->{type};
			$cells{"$books->[$n]{id} $id"} += sign_of($type) * $parts->[$n]{$id};
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
			my $account = account_of($books->[$n], $id);
			my @place = $WORDS{$id} || !$account ? ('Equity', $WORDS{$id} // $id) : (category_of($account, $kind), $account->{category} // $account->{name}, $account->{subcategory} // ());
			$debit{ join '|', @place } += $parts->[$n]{$id};
			$operating_tax += $parts->[$n]{$id} if $books->[$n]{accounts}{$id} && ($account->{mapped} // '') eq 'Tax' && $account->{type} =~ /^(?:Income|Cost of Goods Sold|Expense)\z/;
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
	return 'Operating' if $id eq 'computed:Associate' || $subtype eq 'AccumulatedDepreciation' || $type =~ /^(?:Accounts |Credit|Other Current)/;
	return $type =~ /Asset/ ? 'Investing' : 'Financing';
}

# What an account did to cash in a period. Of a company in another currency: at the average rate of each month, but for cash and
# equity, which move as they are translated.
sub flow_of
{
	my ($group, $scope, $company, $id, @months) = @_;
	my $account = account_of($company, $id) // {};
	my $at = sub { my ($books, $month) = @_; return part_of($scope, $books, 'position', $month)->{$id} // 0 };

	return 0 unless @months;
	return $at->($company, $months[0] - 1) - $at->($company, $months[-1])
	  if !$company->{home} || !@months || cash_section($id, $account) eq 'Cash' || is_equity($account) || $id =~ /^computed:(?!OtherBranches|Adjusted)/
	  || $id =~ /^computed:Adjusted/ && ($account->{mapped} // '') !~ /^(?:Asset|Liability)\z/;
	return sum(map { exchanged($at->($company->{home}, $_ - 1) - $at->($company->{home}, $_), $group->{rates}{ $company->{currency} }{$_}{average}, $company->{currency}, $group->{currency}) } @months);
}

sub is_profit { my ($id, $account) = @_; return $id =~ /^computed:(?:NetIncome|AdjustedProfit|AssociateEquity|Rounding)\z/ || ($account->{subtype} // '') eq 'RetainedEarnings' }

sub cash_cells
{
	my ($group, $scope, $books, $by, @months) = @_;
	my (%cells, %sum);
	my $profit = 0;
	my $before = 0;

	foreach my $company (@$books)
	{
		my $stay = $company->{stay};
		my @in = grep { $stay->{since} <= $_ && $_ <= $stay->{until} } @months;
		my %result = map { ($_ => part_of($scope, $company, 'result', $_)) } @in, grep { $_ == $stay->{until} + 1 } @months;
		my $disposed = sum(map { $_->{'computed:Disposal'} // 0 } values %result);
		my $earned = -sum(map { values %$_ } values %result);
		my $rest = -$earned - $disposed;
		my $all = 0;
		# it is the group's from the balances that it brought along to those it took away
		my $starts = @in ? $in[0] - 1 : $stay->{until} == $months[0] - 1 ? $months[0] - 1 : undef;
		my ($has_joined, $has_left) = (defined $starts && $starts + 1 == $stay->{since}, defined $starts && $stay->{until} < $months[-1]);
		foreach my $id (defined $starts ? keys %{ { (map { %{ $company->{position}{$_} // {} } } $starts, @in), 'computed:OtherBranches' => 0 } } : ())
		{
			next if $id =~ /^computed:(?:Translation|NonControlling.*|AssociateTranslation)\z/;
			my $account = account_of($company, $id) // {};
			my ($section, $flow) = (cash_section($id, $account), flow_of($group, $scope, $company, $id, @in));
			$all += $flow;
			if (is_profit($id, $account)) { $rest += $flow }
			elsif ($section eq 'Cash')
			{
				my ($was, $is) = map { part_of($scope, $company, 'position', $_)->{$id} // 0 } $starts, @in ? $in[-1] : $starts;
				my $moved = ($has_joined ? $was : 0) - ($has_left ? $is : 0);
				$before += $was unless $has_joined;
				$sum{Investing} += $moved;
				$sum{Cash} += $flow - $moved;
			}
			else
			{
				$sum{$section} += $flow;
				$cells{"$company->{id} $id"} += $flow if $by eq 'account';
			}
		}
		$profit += $earned;
		$sum{Financing} += $rest;
		$sum{Operating} += $disposed;
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
		owners_lines($cells{$key}, \@books, $kind, @$months) if has_others($group, $scope) && ($kind eq 'result' || $by eq 'account');
	}
	return \%cells;
}

# What of a profit, or of equity, is the owners', and what others'.
sub owners_lines
{
	my ($cells, $books, $kind, @months) = @_;
	my $others = $kind eq 'result' ? sum(map { my $one = $_; map { $one->{others}{$_} // 0 } grep { $one->{stay}{since} <= $_ && $_ <= $one->{stay}{until} } @months } @$books)
	  : -sum(map { $_->{stay}{since} <= $months[-1] && $months[-1] <= $_->{stay}{until} ? $_->{position}{ $months[-1] }{'computed:NonControlling'} // 0 : 0 } @$books);
	my ($all, $name) = $kind eq 'result' ? ('line Net Income', 'line Net Income') : ('line Total Equity', 'line Equity');

	$cells->{"$name Attributable to Non-controlling Interests"} = $others;
	$cells->{"$name Attributable to Owners"} = $cells->{$all} - $others;
	return;
}

# The trial balance at the end of a month, debits positive: balances, and the movements of each company's fiscal year.
sub trial_cells
{
	my ($group, $scope, $month) = @_;
	my %cells;

	foreach my $company (books_of($group, $scope))
	{
		my $stay = $company->{stay};
		my $position = $stay->{since} <= $month && $month <= $stay->{until} ? part_of($scope, $company, 'position', $month) : {};
		my $year = year_of($month, $company->{fiscal});
		$cells{"$company->{id} $_"} += $position->{$_} foreach keys %$position;
		foreach my $one (grep { $company->{result}{$_} && $stay->{since} <= $_ && $_ <= $stay->{until} + 1 } $year .. $month)
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
