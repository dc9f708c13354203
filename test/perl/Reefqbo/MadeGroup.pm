package Reefqbo::MadeGroup;

# Groups that chance makes up, as books in double entry, and the SQL that puts them into a database: for TAP tests.
# What their statements must be is in Reefqbo::MadeStatement, and not here.
#
#   my $group = make_group($number, $seed);      # the same group for the same two
#   $node->psql('postgres', group_sql($group));
#   my @changes = restate($group);               # the SQL of figures that have changed since
#   my @more = change_facts($group);             # and of accounts, mapping, rates, entries and branches
#
# Amounts are whole numbers of the smallest unit of their currency, debits positive, as sums; rates are whole millionths.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(make_group group_sql restate change_facts month_at decimals_of in_words KNOWN_AT CHANGED_AT);

use constant { KNOWN_AT => '2026-01-05 12:00+00', CHANGED_AT => '2026-03-05 12:00+00' };

my %DECIMALS = (JPY => 0, KWD => 3);
my @CURRENCIES = qw(USD EUR JPY KWD GBP);
# Of one US dollar, in millionths.
my %WORTH = (USD => 1000000, EUR => 930000, JPY => 151000000, KWD => 307000, GBP => 790000);

sub decimals_of { return $DECIMALS{ $_[0] } // 2 }

# Months are counted from January 2024.
sub month_at { return sprintf '%04d-%02d-01', 2024 + int($_[0] / 12), $_[0] % 12 + 1 }

sub in_words
{
	my ($amount, $currency) = @_;
	my $decimals = decimals_of($currency);
	my $sign = $amount < 0 ? '-' : '';
	my $digits = sprintf '%0*d', $decimals + 1, abs $amount;

	return $decimals ? $sign . substr($digits, 0, -$decimals) . '.' . substr($digits, -$decimals) : "$sign$digits";
}

# ---- chance ----

# The same numbers everywhere: perl's own generator is not the same on every machine.
my $state;

sub below
{
	my ($limit) = @_;

	$state = ($state * 1103515245 + 12345) % 2147483648;
	return int($state / 8) % $limit;
}

sub one_of { return $_[ below(scalar @_) ] }

sub chance { return below(100) < $_[0] }

# Rarely a nice one.
sub some_amount { return (chance(10) ? 0 : 1 + below(chance(20) ? 900000 : 9000)) * (chance(25) ? -1 : 1) }

# ---- charts ----

my %CLASS = ((map { $_ => 'Asset' } 'Bank', 'Accounts Receivable', 'Other Current Asset', 'Fixed Asset', 'Other Asset'),
	(map { $_ => 'Liability' } 'Accounts Payable', 'Credit Card', 'Other Current Liability', 'Long Term Liability'), Equity => 'Equity',
	(map { $_ => 'Revenue' } 'Income', 'Other Income'), (map { $_ => 'Expense' } 'Cost of Goods Sold', 'Expense', 'Other Expense'));
my %SUBTYPES = (
	'Bank' => ['Checking'], 'Other Current Asset' => [ 'Inventory', 'UndepositedFunds' ], 'Fixed Asset' => [ 'Buildings', 'AccumulatedDepreciation' ],
	'Equity' => [ 'OpeningBalanceEquity', 'OwnersEquity', 'PaidInCapitalOrSurplus' ],
	'Expense' => [ 'Rent', 'InterestPaid', 'Depreciation', 'IncomeTaxExpense', 'ExchangeGainOrLoss' ],
	'Other Expense' => [ 'Depreciation', 'Amortization', 'ExchangeGainOrLoss', 'IncomeTaxExpense', 'OtherMiscellaneousExpense' ],
	'Other Income' => [ 'InterestEarned', 'OtherMiscellaneousIncome' ]);

sub add_account
{
	my ($company, $type, $subtype, %more) = @_;
	my $id = $more{id} // scalar(keys %{ $company->{accounts} }) + 1;

	$company->{accounts}{$id} = { id => $id, type => $type, class => $CLASS{$type}, subtype => $subtype, name => "$type $id", %more };
	return $id;
}

sub make_chart
{
	my ($company) = @_;

	add_account($company, 'Bank', 'Checking');
	add_account($company, 'Equity', 'RetainedEarnings');
	add_account($company, 'Income', 'SalesOfProductIncome');
	add_account($company, 'Expense', 'Rent');
	foreach (1 .. 3 + below(9))
	{
		my $type = one_of(sort keys %CLASS);
		my ($above) = chance(30) ? grep { $company->{accounts}{$_}{type} eq $type } sort keys %{ $company->{accounts} } : ();
		add_account($company, $type, one_of(@{ $SUBTYPES{$type} // ['None'] }), parent => $above);
	}
	add_account($company, 'Equity', 'RetainedEarnings') if chance(20);
	# lines of the profit and loss that have no account, and an account of a type that nobody knows
	add_account($company, 'Other Income', undef, id => 'computed:OtherIncome:1', computed => 1) if chance(25);
	add_account($company, 'Other Expense', undef, id => 'computed:OtherExpenses:1', computed => 1) if chance(25);
	$company->{accounts}{'computed:NetIncome'} = { id => 'computed:NetIncome', type => 'Equity', class => 'Equity', name => 'Net Income', computed => 1 };
	return;
}

my %FITTING = (result => [qw(Revenue COGS Opex Staff Tax)], position => [qw(Asset Liability Equity Tax Dividend)]);

sub is_result { return $_[0]{class} =~ /^(?:Revenue|Expense)\z/ }

sub make_mapping
{
	my ($group, $company) = @_;
	my $share = one_of(0, 50, 100, 100);

	foreach my $account (map { $company->{accounts}{$_} } sort keys %{ $company->{accounts} })
	{
		next if $account->{id} eq 'computed:NetIncome' || !chance($share);
		$account->{mapped} = one_of(@{ $FITTING{ is_result($account) ? 'result' : 'position' } });
		$account->{category} = one_of('Goods', 'Work', 'Goods / Work', 'Rest');
		$account->{subcategory} = chance(30) ? one_of('North', 'South') : undef;
		$account->{branch} = chance(15) ? one_of(sort keys %{ $group->{branches} }) : $company->{branch};
	}
	return;
}

# ---- books ----

# An entry changes two accounts of one month.
sub make_books
{
	my ($company) = @_;
	my @ids = grep { $_ ne 'computed:NetIncome' } sort keys %{ $company->{accounts} };
	my @retained = grep { ($company->{accounts}{$_}{subtype} // '') eq 'RetainedEarnings' } @ids;
	my @usual = grep { my $id = $_; !grep { $_ eq $id } @retained } @ids;

	# what there was before, also of the fiscal year that had begun
	foreach my $month ($company->{first} - below(14) .. $company->{last})
	{
		foreach (1 .. 2 + below(5))
		{
			my ($debit, $credit) = (one_of(@usual), one_of(@usual));
			post($company, $month, $debit, $credit, some_amount());
		}
		# so little that nobody takes it for a year's profit
		post($company, $month, one_of(@retained), one_of(@usual), below(20)) if chance(5);
	}
	$company->{receiver} = $retained[0];
	return;
}

sub post
{
	my ($company, $month, $debit, $credit, $amount) = @_;

	push @{ $company->{entries} }, [ $month, $debit, $amount ], [ $month, $credit, -$amount ];
	return;
}

# Of each month that is known: {result}{month}{account} moved, {position}{month}{account} is. A year's profit goes to
# retained earnings when the next begins.
sub balance_books
{
	my ($company) = @_;
	my (%is, $profit, %result, %position);
	my ($begins) = sort { $a <=> $b } $company->{first}, map { $_->[0] } @{ $company->{entries} };
	my %of_month;

	push @{ $of_month{ $_->[0] } }, $_ foreach @{ $company->{entries} };
	foreach my $month ($begins .. $company->{last})
	{
		if ($month % 12 + 1 == $company->{fiscal})
		{
			$is{ $company->{receiver} } += $profit // 0;
			$profit = 0;
		}
		foreach my $entry (@{ $of_month{$month} // [] })
		{
			my (undef, $id, $amount) = @$entry;
			if (is_result($company->{accounts}{$id}))
			{
				$result{$month}{$id} += $amount;
				$profit += $amount;
			}
			else
			{
				$is{$id} += $amount;
			}
		}
		$position{$month} = { %is, 'computed:NetIncome' => $profit // 0 };
	}
	$company->{result} = { map { $_ => $result{$_} // {} } $company->{first} .. $company->{last} };
	$company->{position} = { map { $_ => $position{$_} } $company->{first} .. $company->{last} };
	return;
}

# ---- the group ----

sub make_branches
{
	my ($group) = @_;
	my $count = 1 + below(6);

	$group->{branches} = { 1 => { id => 1, enabled => 1 } };
	$group->{branches}{$_} = { id => $_, above => 1 + below($_ - 1), enabled => !chance(10) } foreach 2 .. $count + 1;
	return;
}

sub make_rates
{
	my ($group) = @_;

	foreach my $currency (grep { $_ ne $group->{currency} } @CURRENCIES)
	{
		my $worth = int($WORTH{ $group->{currency} } * 1000000 / $WORTH{$currency});
		my $rate = sub { return int($worth * (900 + below(200)) / 1000) + 1 };
		$group->{rates}{$currency}{$_} = { closing => $rate->(), average => $rate->(), chance(15) ? (historical => $rate->()) : () } foreach 0 .. 40;
		# of what companies have when they are told of first
		$group->{rates}{$currency}{ below(12) }{historical} = $rate->();
	}
	return;
}

sub make_eliminations
{
	my ($group) = @_;
	my @types = qw(Revenue COGS Opex Staff Asset Liability Equity Tax Dividend);
	my %among = (Revenue => [ 'Income', 'Other Income' ], Opex => [ 'Expense', 'Other Expense' ], Asset => [ 'Bank', 'Other Current Asset', 'Other Asset' ],
		Liability => [ 'Accounts Payable', 'Long Term Liability' ]);
	my $among = sub { return $among{ $_[0] } && chance(50) ? one_of(@{ $among{ $_[0] } }) : undef };

	foreach (1 .. below(5))
	{
		my $month = 12 + below(20);
		push @{ $group->{eliminations} }, { branch => one_of(sort keys %{ $group->{branches} }), month => $month,
			reversed => chance(40) ? $month + 1 + below(6) : undef, method => chance(10) ? 'Cash' : chance(10) ? 'Accrual' : undef,
			amount => some_amount(), debit => one_of(@types), credit => one_of(@types), category => one_of('Goods', 'Between us') };
		my $entry = $group->{eliminations}[-1];
		$entry->{"${_}_among"} = $among->($entry->{$_}) foreach 'debit', 'credit';
	}
	return;
}

# Which part of a company belongs to the group, from which month on, and in whose books it is an investment. In thousandths.
sub make_ownership
{
	my ($group) = @_;

	foreach my $company (grep { chance(60) } @{ $group->{companies} })
	{
		my %holders = map { $_ => 1 } 1, chance(20) ? one_of(sort keys %{ $group->{branches} }) : ();
		foreach my $holder (sort keys %holders)
		{
			my ($month, @rows) = (9 + below(14));
			foreach (1 .. 1 + below(3))
			{
				my $method = @rows && $rows[-1]{method} ne 'none' && chance(30) ? 'none' : one_of('full', 'full', 'full', 'proportional', 'equity');
				push @rows, { month => $month, method => $method, share => $method eq 'none' ? 0 : chance(20) ? 1000 : 1 + below(1000) };
				$rows[-1]{investment} = make_investment($group, $company) if $method =~ /full|prop/ && chance(50);
				$month += 1 + below(6);
			}
			push @{ $group->{ownership} }, { company => $company->{id}, holder => $holder, rows => \@rows };
		}
	}
	return;
}

sub make_investment
{
	my ($group, $company) = @_;
	my @others = grep { $_ != $company } @{ $group->{companies} } or return;
	my $other = one_of(@others);

	return { company => $other->{id}, account => one_of(grep { $other->{accounts}{$_}{class} eq 'Asset' } sort keys %{ $other->{accounts} }) };
}

sub make_adjustments
{
	my ($group) = @_;
	my @types = qw(Revenue COGS Opex Staff Asset Asset Liability Equity Equity Tax Dividend);
	my %among = (Revenue => [ 'Income', 'Other Income' ], Opex => [ 'Expense', 'Other Expense' ], Asset => [ 'Fixed Asset', 'Other Current Asset', 'Other Asset' ],
		Liability => [ 'Accounts Payable', 'Long Term Liability' ]);
	my $among = sub { return $among{ $_[0] } && chance(60) ? one_of(@{ $among{ $_[0] } }) : undef };

	foreach my $company (grep { chance(40) } @{ $group->{companies} })
	{
		foreach (1 .. 1 + below(5))
		{
			my $month = 9 + below(20);
			push @{ $group->{adjustments} }, { id => $group->{id} * 100 + @{ $group->{adjustments} } + 1, company => $company->{id}, holder => chance(80) ? 1 : one_of(sort keys %{ $group->{branches} }),
				month => $month, reversed => chance(25) ? $month + 1 + below(6) : undef, method => chance(10) ? 'Cash' : chance(10) ? 'Accrual' : undef, amount => some_amount(),
				debit => one_of(@types), credit => one_of(@types), category => one_of('Goodwill', 'Fair value'), attributed => one_of('both', 'both', 'both', 'owners', 'non-controlling') };
			my $entry = $group->{adjustments}[-1];
			$entry->{"${_}_among"} = $among->($entry->{$_}) foreach 'debit', 'credit';
		}
	}
	return;
}

sub make_historical_rates
{
	my ($group) = @_;

	foreach my $company (grep { $_->{currency} ne $group->{currency} && chance(30) } @{ $group->{companies} })
	{
		$company->{historical}{ below(30) } = int($WORTH{ $group->{currency} } * 1000000 / $WORTH{ $company->{currency} } * (900 + below(200)) / 1000) + 1 foreach 1 .. 1 + below(2);
	}
	return;
}

sub make_company
{
	my ($group, $number, $branch) = @_;
	my $first = 12 + (chance(60) ? 0 : below(5));
	my %company = (id => $group->{id} * 100 + $number, name => "Company $number", branch => $branch, fiscal => chance(60) ? 1 : 1 + below(12),
		currency => chance(50) ? $group->{currency} : one_of(@CURRENCIES), first => $first, last => $first + 4 + below(14), accounts => {}, entries => []);

	make_chart(\%company);
	make_mapping($group, \%company);
	make_books(\%company);
	balance_books(\%company);
	return \%company;
}

sub make_group
{
	my ($number, $seed) = @_;
	my %group = (id => 1000 + $number, name => "Made $number", eliminations => [], ownership => [], adjustments => []);

	$state = ($seed * 7919 + $number * 104729 + 1) % 2147483648;
	below(2) foreach 1 .. 5;
	$group{currency} = one_of(@CURRENCIES);
	make_branches(\%group);
	make_rates(\%group);
	make_eliminations(\%group);
	my @places = grep { chance(70) } sort keys %{ $group{branches} };
	@places = (1) unless grep { $group{branches}{$_}{enabled} } @places;
	my $count = 0;
	$group{companies} = [ map { make_company(\%group, ++$count, $_) } @places ];
	return \%group if chance(40);
	make_ownership(\%group);
	make_adjustments(\%group);
	make_historical_rates(\%group);
	return \%group;
}

# ---- into the database ----

sub quoted { return defined $_[0] ? "'" . $_[0] =~ s/'/''/gr . "'" : 'NULL' }

sub rows_into
{
	my ($table, $columns, @rows) = @_;
	return () unless @rows;

	return "INSERT INTO reefqbo.$table ($columns) OVERRIDING SYSTEM VALUE VALUES\n"
	  . join(",\n", map { '(' . join(', ', map { quoted($_) } @$_) . ')' } @rows) . ';';
}

my %IS_DEBIT = map { $_ => 1 } grep { $CLASS{$_} =~ /Asset|Expense/ } keys %CLASS;

sub printed_sign { return $IS_DEBIT{ $_[0]{type} } ? 1 : -1 }

# A row for each account and year, as QuickBooks prints its amounts.
sub figures_of
{
	my ($group, $company) = @_;
	my %year;

	foreach my $kind ('result', 'position')
	{
		foreach my $month (sort keys %{ $company->{$kind} })
		{
			foreach my $id (grep { $company->{$kind}{$month}{$_} } keys %{ $company->{$kind}{$month} })
			{
				my $amount = printed_sign($company->{accounts}{$id}) * $company->{$kind}{$month}{$id};
				$year{$kind}{$id}{ int($month / 12) }[ $month % 12 ] = in_words($amount, $company->{currency});
			}
		}
	}
	return map {
		my $kind = $_;
		map {
			my $id = $_;
			map { [ $group->{id}, $company->{id}, $id, $kind eq 'result' ? 'profit_and_loss' : 'balance_sheet', 'Accrual', 2024 + $_,
					'{' . join(',', map { $_ // 'NULL' } @{ $year{$kind}{$id}{$_} }[ 0 .. 11 ]) . '}', 1 ] } sort keys %{ $year{$kind}{$id} }
		} sort keys %{ $year{$kind} }
	} sort keys %year;
}

my $FIGURE = 'model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id';

sub months_sql
{
	my ($group, $company, $since, @months) = @_;

	return map { my $statement = $_;
		rows_into('imported_month', 'model_id, connection_id, statement, accounting_method, period_start, period_end, is_provisional, import_id, known_since',
			map { [ $group->{id}, $company->{id}, $statement, 'Accrual', month_at($_), last_day($_), 'false', 1, $since ] } @months) } 'profit_and_loss', 'balance_sheet';
}

sub last_day
{
	my ($month) = @_;
	my ($year, $number) = (2024 + int($month / 12), $month % 12 + 1);

	return month_at($month) =~ s/01\z/(31, $year % 4 ? 28 : 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[ $number - 1 ]/er;
}

sub company_sql
{
	my ($group, $company) = @_;
	my @accounts = map { $company->{accounts}{$_} } sort keys %{ $company->{accounts} };
	my @mapped = grep { defined $_->{mapped} } @accounts;
	my $of_variable = sub { my ($account) = @_; return (grep { $mapped[$_] == $account } 0 .. $#mapped)[0] + 1 + $company->{id} * 100 };

	return (rows_into('account', 'model_id, connection_id, account_id, name, fully_qualified_name, classification, account_type, account_subtype, is_computed, parent_account_id',
			map { [ $group->{id}, $company->{id}, @$_{ 'id', 'name', 'name', 'class', 'type', 'subtype' }, $_->{computed} ? 'true' : 'false', $_->{parent} ] } @accounts),
		rows_into('variable', 'model_id, variable_id, connection_id, account_id, name', map { [ $group->{id}, $of_variable->($_), $company->{id}, $_->{id}, $_->{name} ] } @mapped),
		rows_into('account_mapping', 'model_id, connection_id, account_id, variable_id, variable_type, category, subcategory, branch_id',
			map { [ $group->{id}, $company->{id}, $_->{id}, $of_variable->($_), $_->{mapped}, $_->{category}, $_->{subcategory}, branch_id($group, $_->{branch}) ] } @mapped),
		months_sql($group, $company, KNOWN_AT, $company->{first} .. $company->{last}), rows_into('_actual_year', $FIGURE, figures_of($group, $company)));
}

sub branch_id { return $_[0]{id} * 100 + $_[1] }

sub entry_id
{
	my ($group, $entry, $number) = @_;

	return $entry->{id} //= $group->{id} * 100 + $number;
}

sub rate_in_words { return defined $_[0] ? thousandth($_[0]) : undef }

sub group_sql
{
	my ($group) = @_;
	my @rates = map { my $from = $_; map { [ $from, $_, $group->{rates}{$from}{$_} ] } sort { $a <=> $b } keys %{ $group->{rates}{$from} } } sort keys %{ $group->{rates} };
	my $entry = 0;

	return join "\n", rows_into('model', 'model_id, name, currency', [ @$group{qw(id name currency)} ]),
	  rows_into('branch', 'model_id, branch_id, name, parent_branch_id, is_enabled', map { [ $group->{id}, branch_id($group, $_->{id}), "Branch $_->{id}",
				$_->{above} ? branch_id($group, $_->{above}) : undef, $_->{enabled} ? 'true' : 'false' ] } map { $group->{branches}{$_} } sort { $a <=> $b } keys %{ $group->{branches} }),
	  rows_into('connection', 'model_id, connection_id, branch_id, environment_id, status, realm_id_sealed, realm_digest, company_name, home_currency, fiscal_year_start_month',
		map { [ $group->{id}, $_->{id}, branch_id($group, $_->{branch}), 1, 'connected', '\x00', sprintf('\x%064d', $_->{id}), $_->{name}, $_->{currency}, $_->{fiscal} ] } @{ $group->{companies} }),
	  (map { company_sql($group, $_) } @{ $group->{companies} }),
	  rows_into('exchange_rate', 'model_id, from_currency, to_currency, month, closing, average, historical',
		map { my ($from, $month, $rate) = @$_; [ $group->{id}, $from, $group->{currency}, month_at($month), map { rate_in_words($_) } @$rate{qw(closing average historical)} ] } @rates),
	  rows_into('elimination', 'model_id, elimination_id, branch_id, month, reversed_in, accounting_method, amount, debit_type, debit_category, credit_type, credit_category, debit_account_type, credit_account_type',
		map { [ $group->{id}, entry_id($group, $_, ++$entry), branch_id($group, $_->{branch}), month_at($_->{month}), defined $_->{reversed} ? month_at($_->{reversed}) : undef,
					$_->{method}, in_words($_->{amount}, $group->{currency}), $_->{debit}, $_->{category}, $_->{credit}, $_->{category}, @$_{ 'debit_among', 'credit_among' } ] } @{ $group->{eliminations} }),
	  ownership_sql($group),
	  map { "UPDATE reefqbo.${_}_history SET valid_from = '@{[ KNOWN_AT ]}' WHERE model_id = $group->{id};" } qw(model branch company account account_mapping exchange_rate elimination ownership historical_rate adjustment);
}

sub thousandth { return sprintf '%d.%06d', int($_[0] / 1000000), $_[0] % 1000000 }

sub ownership_sql
{
	my ($group) = @_;
	my %company = map { $_->{id} => $_ } @{ $group->{companies} };

	return (rows_into('ownership', 'model_id, connection_id, branch_id, month, method, percent, investment_connection_id, investment_account_id',
			map { my $held = $_;
				map { [ $group->{id}, $held->{company}, branch_id($group, $held->{holder}), month_at($_->{month}), $_->{method}, sprintf('%d.%d', int($_->{share} / 10), $_->{share} % 10),
						map { $_ ? @$_{ 'company', 'account' } : (undef, undef) } $_->{investment} ] } @{ $held->{rows} } } @{ $group->{ownership} }),
		rows_into('historical_rate', 'model_id, connection_id, to_currency, month, rate',
			map { my $company = $_; map { [ $group->{id}, $company->{id}, $group->{currency}, month_at($_), thousandth($company->{historical}{$_}) ] } sort { $a <=> $b } keys %{ $company->{historical} // {} } } @{ $group->{companies} }),
		rows_into('adjustment', 'model_id, adjustment_id, connection_id, branch_id, month, reversed_in, accounting_method, amount, debit_type, debit_category, credit_type, credit_category, debit_account_type, credit_account_type, attributed_to',
			map { [ $group->{id}, $_->{id}, $_->{company}, branch_id($group, $_->{holder}), month_at($_->{month}), defined $_->{reversed} ? month_at($_->{reversed}) : undef,
					$_->{method}, in_words($_->{amount}, $company{ $_->{company} }{currency}), $_->{debit}, $_->{category}, $_->{credit}, $_->{category}, @$_{ 'debit_among', 'credit_among', 'attributed' } ] } @{ $group->{adjustments} }));
}

# ---- what changes later ----

# Each company has posted something to a month that was known, and its next month is known as well.
sub restate
{
	my ($group) = @_;

	return join "\n", map { restate_company($group, $_) } @{ $group->{companies} };
}

sub restate_company
{
	my ($group, $company) = @_;
	my @usual = grep { $_ ne 'computed:NetIncome' && ($company->{accounts}{$_}{subtype} // '') ne 'RetainedEarnings' } sort keys %{ $company->{accounts} };
	my %old = map { $_ => $company->{$_} } 'result', 'position';
	my @known = ($company->{first} .. $company->{last});
	my @changes;

	post($company, one_of(@known), one_of(@usual), one_of(@usual), 1 + below(9000)) foreach 1 .. 3;
	$company->{last}++;
	post($company, $company->{last}, one_of(@usual), one_of(@usual), some_amount()) foreach 1 .. 3;
	balance_books($company);
	foreach my $kind ('result', 'position')
	{
		foreach my $month (@known)
		{
			my ($was, $is) = ($old{$kind}{$month}, $company->{$kind}{$month});
			my %ids = (%$was, %$is);
			push @changes, map { [ $kind, $month, $_, $was->{$_} // 0, $is->{$_} // 0 ] } grep { ($was->{$_} // 0) != ($is->{$_} // 0) } sort keys %ids;
		}
	}
	return (rows_into('restatement', 'model_id, connection_id, account_id, statement, accounting_method, period_start, period_end, old_amount, new_amount, restated_at, import_id, in_closed_period, was_provisional',
			map { my ($kind, $month, $id, @amounts) = @$_;
				[ $group->{id}, $company->{id}, $id, $kind eq 'result' ? 'profit_and_loss' : 'balance_sheet', 'Accrual', month_at($month), last_day($month),
					(map { in_words(printed_sign($company->{accounts}{$id}) * $_, $company->{currency}) } @amounts), CHANGED_AT, 1, 'false', 'false' ] } @changes) =~ s/ OVERRIDING SYSTEM VALUE//r,
		"DELETE FROM reefqbo._actual_year WHERE model_id = $group->{id} AND connection_id = $company->{id};",
		kept_figures($group, $company, @changes), months_sql($group, $company, CHANGED_AT, $company->{last}));
}

sub updated
{
	my ($table, $row, $new) = @_;
	my $list = sub { my ($columns, $between, $equals) = @_; return join $between, map { "$_ $equals " . quoted($columns->{$_}) } sort keys %$columns };

	return "UPDATE reefqbo.$table SET " . $list->($new, ', ', '=') . ' WHERE ' . $list->($row, ' AND ', '=') . ';';
}

# What the statements are made of beside figures is otherwise now. A type stays on its side of its statement, so that no amount is to be
# printed otherwise.
sub change_facts
{
	my ($group) = @_;

	return join "\n", change_rates($group), change_branches($group), change_entries($group), change_ownership($group), map { change_accounts($group, $_) } @{ $group->{companies} };
}

sub change_rates
{
	my ($group) = @_;
	my @sql;

	foreach my $from (sort keys %{ $group->{rates} })
	{
		foreach my $month (grep { chance(25) } sort { $a <=> $b } keys %{ $group->{rates}{$from} })
		{
			my $rate = $group->{rates}{$from}{$month};
			next unless grep { defined } values %$rate;
			foreach my $kind (grep { defined $rate->{$_} } qw(closing average historical))
			{
				$rate->{$kind} = int($rate->{$kind} * (950 + below(100)) / 1000) + 1;
			}
			push @sql, updated('exchange_rate', { model_id => $group->{id}, from_currency => $from, month => month_at($month) },
				{ map { $_ => rate_in_words($rate->{$_}) } grep { defined $rate->{$_} } keys %$rate });
		}
	}
	return @sql;
}

sub change_branches
{
	my ($group) = @_;
	my @sql;

	foreach my $branch (grep { $_->{above} && chance(20) } map { $group->{branches}{$_} } sort { $a <=> $b } keys %{ $group->{branches} })
	{
		$branch->{enabled} = !$branch->{enabled};
		$branch->{above} = 1 if chance(50);
		push @sql, updated('branch', { branch_id => branch_id($group, $branch->{id}) }, { is_enabled => $branch->{enabled} ? 'true' : 'false', parent_branch_id => branch_id($group, $branch->{above}) });
	}
	return @sql;
}

sub change_entries
{
	my ($group) = @_;
	my (@kept, @sql);

	foreach my $entry (@{ $group->{eliminations} })
	{
		if (chance(20))
		{
			push @sql, "DELETE FROM reefqbo.elimination WHERE elimination_id = $entry->{id};";
			next;
		}
		$entry->{amount} = some_amount() if chance(50);
		push @kept, $entry;
		push @sql, updated('elimination', { elimination_id => $entry->{id} }, { amount => in_words($entry->{amount}, $group->{currency}) });
	}
	$group->{eliminations} = \@kept;
	return @sql;
}

sub change_ownership
{
	my ($group) = @_;
	my %company = map { $_->{id} => $_ } @{ $group->{companies} };
	my @sql;

	foreach my $held (@{ $group->{ownership} // [] })
	{
		foreach my $row (grep { $_->{share} && chance(40) } @{ $held->{rows} })
		{
			$row->{share} = 100 + below(900);
			push @sql, updated('ownership', { connection_id => $held->{company}, branch_id => branch_id($group, $held->{holder}), month => month_at($row->{month}) },
				{ percent => sprintf('%d.%d', int($row->{share} / 10), $row->{share} % 10) });
		}
	}
	foreach my $entry (grep { chance(50) } @{ $group->{adjustments} // [] })
	{
		$entry->{amount} = some_amount();
		push @sql, updated('adjustment', { adjustment_id => $entry->{id} }, { amount => in_words($entry->{amount}, $company{ $entry->{company} }{currency}) });
	}
	foreach my $company (@{ $group->{companies} })
	{
		foreach my $month (grep { chance(50) } sort { $a <=> $b } keys %{ $company->{historical} // {} })
		{
			$company->{historical}{$month} = int($company->{historical}{$month} * (950 + below(100)) / 1000) + 1;
			push @sql, updated('historical_rate', { connection_id => $company->{id}, month => month_at($month) }, { rate => thousandth($company->{historical}{$month}) });
		}
	}
	return @sql;
}

sub change_accounts
{
	my ($group, $company) = @_;
	my @sql;

	foreach my $account (grep { !$_->{computed} } map { $company->{accounts}{$_} } sort keys %{ $company->{accounts} })
	{
		my %key = (connection_id => $company->{id}, account_id => $account->{id});
		if (chance(30))
		{
			$account->{type} = one_of(grep { $CLASS{$_} eq $account->{class} && ($IS_DEBIT{$_} // 0) == ($IS_DEBIT{ $account->{type} } // 0) } sort keys %CLASS);
			$account->{parent} = undef;
			$account->{name} = "Renamed $account->{id}";
			push @sql, updated('account', \%key, { account_type => $account->{type}, parent_account_id => undef, name => $account->{name} });
		}
		next unless defined $account->{mapped} && chance(30);
		$account->{mapped} = one_of(@{ $FITTING{ is_result($account) ? 'result' : 'position' } });
		$account->{category} = one_of('Goods', 'Work', 'New');
		$account->{branch} = one_of(sort keys %{ $group->{branches} }) if chance(20);
		push @sql, updated('account_mapping', \%key, { variable_type => $account->{mapped}, category => $account->{category}, branch_id => branch_id($group, $account->{branch}) });
	}
	return @sql;
}

# What is 0 now, and was not, is stored as 0.
sub kept_figures
{
	my ($group, $company, @changes) = @_;
	my @rows = figures_of($group, $company);
	my %row = map { ("$_->[2] $_->[3] $_->[5]" => $_) } @rows;

	foreach my $change (grep { $_->[4] == 0 } @changes)
	{
		my ($kind, $month, $id) = @$change;
		my ($statement, $year) = ($kind eq 'result' ? 'profit_and_loss' : 'balance_sheet', 2024 + int($month / 12));
		my $row = $row{"$id $statement $year"} //= do {
			push @rows, [ $group->{id}, $company->{id}, $id, $statement, 'Accrual', $year, '{' . join(',', ('NULL') x 12) . '}', 1 ];
			$rows[-1];
		};
		my @amounts = split /,/, $row->[6] =~ tr/{}//dr;
		$amounts[ $month % 12 ] = 0;
		$row->[6] = '{' . join(',', @amounts) . '}';
	}
	return rows_into('_actual_year', $FIGURE, @rows);
}

1;
