# The views for BI tools hold what the ledger says: every question of the manual's page, worked out from the books of
# two companies beside what the query of the page returns. And each reader sees the models it has.

use strict;
use warnings;

use Encode qw(encode);
use Math::BigFloat;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger qw(plain is_same);
use Reefqbo::Manual;
use Reefqbo::Simulator;

my ($FIRST, $LAST) = ('2025-01-01', '2026-10-31');
my %COMPANY = (reef => 'Reef Trading Ltd', atoll => 'Atoll Holdings Inc.');
my %SIGN = ('Income' => 1, 'Other Income' => 1, 'Cost of Goods Sold' => -1, 'Expense' => -1, 'Other Expense' => -1);
# By their meaning: what stands between earnings and earnings before interest, income tax, depreciation and amortization.
my %NOT_EBITDA = map { $_ => 1 } qw(InterestPaid InterestEarned IncomeTaxExpense Depreciation Amortization);

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('analysis', $intuit);

my (%type, %subtype);

# ---- what the ledger says ----

# Rows of a statement: [ company, month, account, amount ].
sub truth
{
	my ($statement, %more) = @_;

	return map {
		my $company = $_;
		map { [ $company, $_->{period_start}, $_->{account_id} // 'computed:NetIncome', $_->{amount} ] }
		  @{ $intuit->truth(company => $company, statement => $statement, method => 'Accrual', start => $FIRST, end => $LAST, %more)->{rows} }
	} sort keys %COMPANY;
}

sub type_of { my ($row) = @_; return $type{"$row->[0] $row->[2]"} // 'Equity' }

sub subtype_of { my ($row) = @_; return $subtype{"$row->[0] $row->[2]"} // '' }

# { key => sum } of rows; $keyed gives the key, nothing for a row that does not count, $signed the sign.
sub sums
{
	my ($keyed, $signed, @rows) = @_;
	my %sum;

	foreach my $row (@rows)
	{
		my $key = $keyed->($row) // next;
		$sum{$key} //= Math::BigFloat->new(0);
		$sum{$key} += Math::BigFloat->new($row->[3]) * $signed->($row);
	}
	return { map { $_ => plain($sum{$_}->bstr) } grep { !$sum{$_}->is_zero } keys %sum };
}

# ---- what the page's queries say ----

# The rows of the n-th question of the page, its columns separated by |.
sub page_query
{
	my ($title) = @_;
	my ($text) = slurp_file("$Reefqbo::Simulator::HERE/../../../docs/analysis.md") =~ /\*\*\Q$title\E\.?\*\*.*?```\n(.*?)```/s or die "no question $title";
	my @statements = map { s/^=> //r } grep { /\S/ } split /(?<=;)\n/, $text;

	sql($_) foreach @statements[ 0 .. $#statements - 1 ];
	return split /\n/, sql(trimmed($statements[-1]));
}

# Amounts are compared without the zeros at their end.
sub trimmed { return $_[0] =~ s/;\s*\z//r }

# { all columns but the last => the last }, without those that are 0.
sub table { return { map { my @c = split /\|/, $_, -1; my $v = pop @c; $v ne '' && $v + 0 != 0 ? (join('|', @c) => plain($v)) : () } @_ } }

# ---- the facts ----

sub test_facts
{
	my $all = sub { my ($row) = @_; return "$row->[0]|$row->[1]|$row->[2]" };
	my $one = sub { 1 };

	foreach my $statement ('profit_and_loss', 'balance_sheet')
	{
		is_same(table(split /\n/, sql("SELECT c.model, f.month, f.account_id, f.accrual FROM reefqbo.fact_actual f JOIN reefqbo.dim_company c USING (company_key) WHERE f.statement = '$statement'")),
			sums($all, $one, truth($statement)), "$statement: every fact is the ledger's");
	}
	is_same(table(split /\n/, sql(q{SELECT c.model, f.month, f.account_id, f.cash FROM reefqbo.fact_actual f JOIN reefqbo.dim_company c USING (company_key) WHERE f.statement = 'profit_and_loss' AND f.cash IS NOT NULL})),
		sums(sub { $_[0][0] eq 'reef' ? $all->($_[0]) : undef }, $one, truth('profit_and_loss', method => 'Cash', start => '2026-10-01')), 'and by cash, where that was fetched');
	is(sql(q{SELECT count(*) FROM reefqbo.fact_actual WHERE accrual IS NULL}), 0, 'a month that was fetched has an amount');
	is(sql(q{SELECT count(cash) FROM reefqbo.fact_actual WHERE month < '2026-10-01'}), 0, 'one that was not fetched by cash has none');
	is(sql(q{SELECT count(*) FROM reefqbo.fact_actual f JOIN reefqbo.dim_account a USING (company_key, account_id) WHERE a.classification IN ('Revenue', 'Expense')}),
		sql(q{SELECT count(*) * 22 FROM reefqbo.account WHERE classification IN ('Revenue', 'Expense')}), 'each account of the profit and loss has a row for each month, though it is 0');
	is(sql(q{SELECT count(*), min(label), max(label) FROM reefqbo.dim_month}), '22|2025-01|2026-10', 'months run through');
	is(sql(q{SELECT count(*) FROM reefqbo.fact_actual f LEFT JOIN reefqbo.dim_account a USING (account_key) LEFT JOIN reefqbo.dim_company c ON c.company_key = f.company_key LEFT JOIN reefqbo.dim_month m USING (month)
	    WHERE a.account_key IS NULL OR c.company_key IS NULL OR m.month IS NULL}), 0, 'every fact has its account, company and month');
	is(sql(q{SELECT count(*) - count(DISTINCT account_key) FROM reefqbo.dim_account}), 0, 'an account is there once');
	return;
}

# ---- the ten questions ----

my $of_company = sub { my ($row) = @_; return "$row->[1]|$COMPANY{$row->[0]}|USD" };
my $of_month = sub { my ($row) = @_; return "$row->[1]|USD" };

sub where
{
	my ($keyed, $condition) = @_;

	return sub { my ($row) = @_; return $condition->($row) ? $keyed->($row) : undef };
}

sub test_questions
{
	my @flows = truth('profit_and_loss');
	my @balances = truth('balance_sheet');
	my $sign = sub { $SIGN{ type_of($_[0]) } // die "no sign for @{$_[0]}" };
	my $one = sub { 1 };

	is_same(table(page_query('Revenue by month and company')), sums(where($of_company, sub { type_of($_[0]) eq 'Income' }), $one, @flows), 'revenue by month and company');
	my $october = sums(where(sub { type_of($_[0]) }, sub { $_[0][1] eq '2026-10-01' && !$NOT_EBITDA{ subtype_of($_[0]) } }), $one, @flows);
	is_same(table(page_query('Budget against actual')), { '2026-10-01|revenue|30000' => $october->{Income}, '2026-10-01|operating expense|9000' => $october->{Expense} }, 'budget against actual');
	my $path = sub { my ($row) = @_; return $row->[1] =~ /^\d+-(?:0\d|10)-/ ? $intuit->{paths}{"$row->[0] $row->[2]"} : undef };
	my $growth = sums(where($path, sub { type_of($_[0]) =~ /Expense|Cost/ }), sub { $_[0][1] =~ /^2026/ ? 1 : -1 }, @flows);
	my @largest = (sort { $b <=> $a } values %$growth)[ 0 .. 9 ];
	my $shown = table(page_query('The ten expenses that have grown most'));
	is_deeply([ sort { $b <=> $a } values %$shown ], \@largest, 'the ten expenses that have grown most');
	is_same($shown, { map { $_ => $growth->{$_} } keys %$shown }, 'each by what it has');
	is_same(table(page_query('The trend of cash')), sums(where($of_month, sub { type_of($_[0]) eq 'Bank' }), $one, @balances), 'the trend of cash');
	is_same(table(page_query('Receivables and payables')), sums(
		where(sub { $of_month->($_[0]) . (type_of($_[0]) eq 'Accounts Payable' ? '|payables' : '|receivables') }, sub { type_of($_[0]) =~ /^Accounts / }), $one, @balances), 'receivables and payables');
	is_same(table(page_query('EBITDA of the group')), sums(where($of_month, sub { !$NOT_EBITDA{ subtype_of($_[0]) } }), $sign, @flows), 'EBITDA of the group');
	is_same(table(split /\n/, sql(q{SELECT f.month, f.currency, sum(f.accrual * a.profit_sign) FROM reefqbo.fact_actual f JOIN reefqbo.dim_account a USING (company_key, account_id) GROUP BY 1, 2})),
		sums($of_month, $sign, @flows), 'and profit is the sum by profit_sign');
	return;
}

sub test_margin_by_class
{
	sql(q{UPDATE reefqbo.model SET name = 'Reef forecast' WHERE name = 'reef'});
	my @rows = page_query('Gross margin by class');
	sql(q{UPDATE reefqbo.model SET name = 'reef' WHERE name = 'Reef forecast'});
	my %name = map { $_->{id} => encode('UTF-8', $_->{name}) } @{ $intuit->admin('dimensions', { company => 'reef' })->{class} };
	my %sum;

	foreach my $row (@{ $intuit->truth(company => 'reef', statement => 'profit_and_loss', method => 'Accrual', start => '2026-09-01', end => '2026-10-31', by => 'class')->{rows} })
	{
		my $type = $type{"reef $row->{account_id}"} // next;
		next unless $type eq 'Income' || $type eq 'Cost of Goods Sold';
		my $class = defined $row->{value_id} ? $name{ $row->{value_id} } : 'Not specified';
		$sum{$class} = ($sum{$class} // Math::BigFloat->new(0)) + Math::BigFloat->new($row->{amount}) * $SIGN{$type};
	}
	is_same(table(@rows), { map { $_ => plain($sum{$_}->bstr) } grep { !$sum{$_}->is_zero } keys %sum }, 'gross margin by class');
	return;
}

sub test_changes
{
	my @id = map { my $t = $_; (grep { $type{"reef $_"} eq $t && $intuit->{paths}{"reef $_"} !~ /deleted/ } map { /^reef (.*)/ } grep { /^reef / } sort keys %type)[0] } 'Expense', 'Bank';

	$intuit->admin('set_company', { company => 'reef', book_close_date => '2026-06-30' });
	is(scalar(page_query('What has changed since the books were closed')), 0, 'nothing has changed since the books were closed');
	$intuit->admin('post', { company => 'reef', date => '2026-05-03', lines => [ { account => $id[0], amount => '77.70' }, { account => $id[1], amount => '-77.70' } ] });
	sql(q{SELECT FROM reefqbo.refresh('reef', whole => true)});
	my @rows = page_query('What has changed since the books were closed');
	cmp_ok(scalar(grep { /\|2026-05-01\|/ } @rows), '>=', 1, 'what has is told');
	is(scalar(grep { !/\|2026-0[1-6]-01\|/ } @rows), 0, 'of closed months alone');
	return;
}

sub test_rest
{
	is(join(' ', page_query('How many days old the figures are')), 'atoll|Atoll Holdings Inc.|connected|0 reef|Reef Trading Ltd|connected|0', 'how old the figures are') or 1;
	my $stake = sub { join ' ', sort map { join '|', (split /\|/)[ 0 .. 2 ] } page_query('What is not mapped yet, and what is at stake') };
	is($stake->(), sql(q{SELECT string_agg(c, ' ' ORDER BY c) FROM (SELECT company || '|USD|' || count(*) AS c FROM reefqbo.unmapped_account GROUP BY company) q}), 'what is not mapped');
	sql(q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('reef')});
	is(scalar(grep { /^Reef/ } page_query('What is not mapped yet, and what is at stake')), 0, 'and nothing when all is');
	is(sql(q{SELECT count(*) FROM reefqbo.dim_account WHERE variable_type IS NULL AND NOT is_computed AND model_id = reefqbo._model_id('reef')}), 0, 'the accounts have what they are mapped to');
	return;
}

# ---- who sees it ----

sub test_readers
{
	sql('CREATE ROLE all_reader LOGIN; CREATE ROLE reef_reader LOGIN; CREATE ROLE a_monitor LOGIN; CREATE ROLE scoped LOGIN');
	sql(call('grant_access', @$_)) foreach [ 'all_reader', 'reader' ], [ 'reef_reader', 'reader', 'reef' ], [ 'a_monitor', 'monitor' ], [ 'scoped', 'reader', undef, \'true' ];
	foreach my $view (qw(dim_company dim_account dim_month fact_actual))
	{
		my $of = sub { sql("SET SESSION AUTHORIZATION $_[0]; " . ($_[1] // '') . "SELECT count(*) FROM reefqbo.$view") };
		my ($all, $reef) = (sql("SELECT count(*) FROM reefqbo.$view"), $view eq 'dim_month' ? 23 : sql("SELECT count(*) FROM reefqbo.$view WHERE model_id = reefqbo._model_id('reef')"));
		is_deeply([ $of->('all_reader'), $of->('reef_reader'), $of->('scoped'), $of->('scoped', "BEGIN; SET LOCAL reefqbo.current_model = 'reef'; ") ], [ $all, $reef, 0, $reef ], "$view: each reader sees what it has");
		is(sqlstate("SET SESSION AUTHORIZATION a_monitor; SELECT count(*) FROM reefqbo.$view"), '42501', "$view: a monitor none of it");
	}
	return;
}

# ---- the run ----

foreach my $company (sort keys %COMPANY)
{
	$node->connect_company($company, 'sim-production', $company);
	sql("SELECT FROM reefqbo.import_actuals('$company', '$FIRST', '$LAST')");
	foreach my $account (@{ $intuit->admin('accounts', { company => $company })->{accounts} })
	{
		$type{"$company $account->{id}"} = $account->{type};
		$subtype{"$company $account->{id}"} = $account->{subtype};
		$intuit->{paths}{"$company $account->{id}"} = encode('UTF-8', $account->{fully_qualified_name});
	}
}
sql(q{SELECT FROM reefqbo.import_actuals('reef', '2026-10-01', '2026-10-31', 'Cash')});
test_facts();
test_questions();
test_margin_by_class();
test_changes();
test_rest();
test_readers();
$node->stop;

done_testing();
