# Every figure and every account of a company arrives as the ledger has it, for every company of the simulator.
#
# The ledger's own sums (the admin verb "truth") are what is expected; they share nothing with the reports
# that the extension reads. All companies are branches of two models and are imported side by side.

use strict;
use warnings;

use Encode qw(decode_utf8);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;

# The same day always gives the same books. Thirty-six months, of which the last is not over.
my $TODAY = '2026-11-20';
my ($FIRST, $LAST) = ('2023-12-01', '2026-11-30');
my $RUNNING = '2026-11-01';
my $MONTHS = 36;

# Which model a company belongs to. Sandbox companies are for training only.
my %MODEL = (
	(map { $_ => 'Group' } qw(reef atoll lagoon shell atlas kelp corail)),
	(map { $_ => 'Lessons' } qw(sandy shoal)));

my @STATEMENTS = ('balance_sheet', 'profit_and_loss');
my %CLASSIFICATION = (
	(map { $_ => 'Asset' } 'Bank', 'Accounts Receivable', 'Other Current Asset', 'Fixed Asset', 'Other Asset'),
	(map { $_ => 'Liability' } 'Accounts Payable', 'Credit Card', 'Other Current Liability', 'Long Term Liability'),
	(map { $_ => 'Revenue' } 'Income', 'Other Income'),
	(map { $_ => 'Expense' } 'Cost of Goods Sold', 'Expense', 'Other Expense'),
	Equity => 'Equity');

# ---- what the ledger says ----

sub cents
{
	my ($amount) = @_;

	$amount =~ /\A(-?\d+)\.(\d\d)\z/ or die "not an amount: $amount";
	return int("$1$2");
}

# Nobody touches the books in this test, so that asking once is enough.
my (%truth, %chart);

sub ledger_rows
{
	my ($intuit, $company, $statement, $method) = @_;

	$truth{$company}{$statement}{$method} //= $intuit->truth(
		company => $company, statement => $statement, method => $method, start => $FIRST, end => $LAST)->{rows};
	return @{ $truth{$company}{$statement}{$method} };
}

sub ledger_amounts
{
	my ($intuit, $company, $method) = @_;
	my %amounts;

	foreach my $statement (@STATEMENTS)
	{
		foreach my $row (ledger_rows($intuit, $company, $statement, $method))
		{
			my $account = $row->{account_id} // 'computed:NetIncome';
			$amounts{"$statement $row->{period_start} $row->{period_end} $account"} = plain($row->{amount});
		}
	}
	return \%amounts;
}

sub ledger_accounts
{
	my ($intuit, $company) = @_;

	$chart{$company} //=
	  { map { $_->{id} => $_ } @{ $intuit->admin('accounts', { company => $company })->{accounts} } };
	return $chart{$company};
}

# ---- what is stored ----

sub rows_of
{
	my ($node, $sql) = @_;

	return map { [ split /\|/, $_, -1 ] } split /\n/, decode_utf8($node->safe_psql('postgres', $sql));
}

# The rows of a table that belong to a company.
sub of
{
	my ($company) = @_;

	return "(model_id, connection_id) = (SELECT model_id, connection_id FROM reefqbo.connection"
	  . " JOIN reefqbo.branch USING (model_id, branch_id) WHERE name = '$company')";
}

sub stored_amounts
{
	my ($node, $company, $method) = @_;
	my $of_company = of($company);

	return { map { ("$_->[0] $_->[1] $_->[2] $_->[3]" => $_->[4]) } rows_of($node, <<"END") };
SELECT statement, period_start, period_end, account_id, trim_scale(amount) FROM reefqbo.actual
 WHERE $of_company AND accounting_method = '$method' AND amount <> 0
END
}

# ---- the chart of accounts ----

sub text
{
	my ($value) = @_;

	return defined $value ? $value : 'null';
}

sub expected_account
{
	my ($account) = @_;

	return join(' | ', map { text($_) }
		  $account->{name} . ($account->{deleted} ? ' (deleted)' : ''),
		@{$account}{qw(fully_qualified_name number)}, $CLASSIFICATION{ $account->{type} },
		@{$account}{qw(type subtype parent)}, ($account->{active} ? 't' : 'f'),
		$account->{currency}, plain($account->{balance}));
}

sub check_chart
{
	my ($node, $intuit, $company) = @_;
	my $chart = ledger_accounts($intuit, $company);
	my $of_company = of($company);
	my %stored = map { (shift @$_ => join(' | ', @$_)) } rows_of($node, <<"END");
SELECT account_id, name, fully_qualified_name, coalesce(account_number, 'null'), classification, account_type,
       account_subtype, coalesce(parent_account_id, 'null'), is_active, currency, trim_scale(current_balance)
  FROM reefqbo.account WHERE $of_company AND NOT is_computed
END

	is_same(\%stored, { map { $_ => expected_account($chart->{$_}) } keys %$chart },
		"$company: each of its " . keys(%$chart) . ' accounts is there, with parent, type, state and balance');
	is($node->safe_psql('postgres', "SELECT count(*) FROM reefqbo.account WHERE $of_company AND gone_since IS NOT NULL"),
		0, "$company: and none is taken for gone");
}

# What makes the check above worth something.
sub check_variety
{
	my ($node) = @_;
	my $states = $node->safe_psql('postgres', <<'END');
SELECT bool_or(NOT is_active AND name !~ ' \(deleted\)$'), bool_or(NOT is_active AND name ~ ' \(deleted\)$'),
       bool_or(parent_account_id IS NOT NULL), bool_or(account_number IS NOT NULL), bool_or(length(account_id) = 19),
       bool_or(name = 'Euro Account' AND currency = 'EUR')
  FROM reefqbo.account
END

	is($states, 't|t|t|t|t|t', 'among them inactive, deleted, nested, numbered and foreign ones, and ids of 19 digits');
}

# ---- actuals ----

sub check_actuals
{
	my ($node, $intuit, $company, $method) = @_;
	my $expected = ledger_amounts($intuit, $company, $method);

	is_same(stored_amounts($node, $company, $method), $expected,
		"$company: all " . keys(%$expected) . " amounts of the ledger, $method, and no others, to the cent");
	check_closing_lines($intuit, $company, $method, $expected) unless $company eq 'shell';
	check_balances($node, $company, $method);
	check_months($node, $company, $method);
}

# The lines of equity that no transaction has: both are among what was compared.
sub check_closing_lines
{
	my ($intuit, $company, $method, $expected) = @_;
	my $chart = ledger_accounts($intuit, $company);
	my ($retained) = grep { $chart->{$_}{subtype} eq 'RetainedEarnings' } keys %$chart;

	cmp_ok(scalar(grep { / \Q$retained\E\z/ } keys %$expected), '>=', 12, "$company: Retained Earnings, $method");
	cmp_ok(scalar(grep { / computed:NetIncome\z/ } keys %$expected), '>=', 12, "$company: Net Income, $method");
}

sub check_balances
{
	my ($node, $company, $method) = @_;
	my $of_company = of($company);

	is($node->safe_psql('postgres', <<"END"), ($company eq 'shell' ? 0 : $MONTHS) . '|', "$company: the balance sheet balances in every month, $method");
SELECT count(*), string_agg(period_start::text, ',') FILTER (WHERE assets <> others)
  FROM (SELECT v.period_start, coalesce(sum(v.amount) FILTER (WHERE classification = 'Asset'), 0) AS assets,
               coalesce(sum(v.amount) FILTER (WHERE classification IN ('Liability', 'Equity')), 0) AS others
          FROM reefqbo.actual v JOIN reefqbo.account a USING (model_id, connection_id, account_id)
         WHERE $of_company AND statement = 'balance_sheet' AND accounting_method = '$method'
         GROUP BY v.period_start) AS month
END
}

sub check_months
{
	my ($node, $company, $method) = @_;
	my $of_company = of($company);

	is($node->safe_psql('postgres', <<"END"), <<"END" =~ s/\n\z//r, "$company: every month is known to be fetched, once, and the last one not to be over, $method");
SELECT statement, count(*), count(DISTINCT period_start), min(period_start), max(period_end),
       string_agg(period_start::text, ',') FILTER (WHERE is_provisional)
  FROM reefqbo.imported_month WHERE $of_company AND accounting_method = '$method' GROUP BY 1 ORDER BY 1
END
balance_sheet|$MONTHS|$MONTHS|$FIRST|$LAST|$RUNNING
profit_and_loss|$MONTHS|$MONTHS|$FIRST|$LAST|$RUNNING
END
}

# ---- the statements ----

# The name of the month, calendar quarter or year that a day is in.
sub period_of
{
	my ($day, $frequency) = @_;
	my ($year, $month) = $day =~ /\A(\d{4})-(\d\d)-/ or die "not a day: $day";

	return "$year-$month" if $frequency eq 'month';
	return $frequency eq 'year' ? $year : "$year Q" . (1 + int(($month - 1) / 3));
}

sub all_months
{
	my ($year, $month) = $FIRST =~ /\A(\d{4})-(\d\d)-/;

	return map { sprintf('%04d-%02d-01', $year + int(($month + $_ - 1) / 12), ($month + $_ - 1) % 12 + 1) } 0 .. $MONTHS - 1;
}

sub as_amounts
{
	my ($totals) = @_;

	return { map { $_ => sprintf('%.2f', $totals->{$_} / 100) } keys %$totals };
}

# Net income is income less costs.
sub net_income
{
	my ($intuit, $company, $frequency) = @_;
	my $chart = ledger_accounts($intuit, $company);
	my %total = map { period_of($_, $frequency) => 0 } all_months();

	foreach my $row (ledger_rows($intuit, $company, 'profit_and_loss', 'Accrual'))
	{
		my $is_income = $CLASSIFICATION{ $chart->{ $row->{account_id} }{type} } eq 'Revenue';
		$total{ period_of($row->{period_start}, $frequency) } += ($is_income ? 1 : -1) * cents($row->{amount});
	}
	return as_amounts(\%total);
}

# A period ends with its last month.
sub total_assets
{
	my ($intuit, $company, $frequency) = @_;
	my $chart = ledger_accounts($intuit, $company);
	my %last = map { period_of($_, $frequency) => $_ } all_months();
	my %total = map { $_ => 0 } keys %last;

	foreach my $row (ledger_rows($intuit, $company, 'balance_sheet', 'Accrual'))
	{
		my $period = period_of($row->{period_start}, $frequency);
		next unless defined $row->{account_id} && $row->{period_start} eq $last{$period};
		next unless $CLASSIFICATION{ $chart->{ $row->{account_id} }{type} } eq 'Asset';
		$total{$period} += cents($row->{amount});
	}
	return as_amounts(\%total);
}

# The figures of one line of a statement, by period.
sub statement_line
{
	my ($node, $company, $statement, $frequency, $label) = @_;
	my $arguments = join ', ', map { quote($_) } ($MODEL{$company}, $FIRST, $LAST, $frequency, 'Accrual', $company);

	return { map { @$_ } rows_of($node, <<"END") };
SELECT period, amount FROM reefqbo.$statement($arguments) WHERE label = '$label'
END
}

sub check_statements
{
	my ($node, $intuit, $company) = @_;

	foreach my $frequency ('month', 'quarter', 'year')
	{
		my $assets = total_assets($intuit, $company, $frequency);

		is_same(statement_line($node, $company, 'profit_and_loss', $frequency, 'Net Income'),
			net_income($intuit, $company, $frequency), "$company: net income of every $frequency");
		is_same(statement_line($node, $company, 'balance_sheet', $frequency, 'Total Assets'),
			$assets, "$company: total assets at the end of every $frequency");
		is_same(statement_line($node, $company, 'balance_sheet', $frequency, 'Total Liabilities and Equity'),
			$assets, "$company: total liabilities and equity at the end of every $frequency");
	}
}

# ---- importing ----

sub import_actuals
{
	my ($node, $model, $method, $branch, $first) = @_;
	my $arguments = join ', ', map { quote($_) } ($model, $first // $FIRST, $LAST, $method, $branch);

	return $node->safe_psql('postgres', <<"END");
SELECT branch_name, months, amounts_inserted, amounts_changed, requests FROM reefqbo.import_actuals($arguments)
END
}

sub newest_entry
{
	my ($intuit) = @_;
	my @log = @{ $intuit->admin('log')->{log} };

	return @log ? $log[-1]{n} : 0;
}

# How many requests the accounting API of a company has had since an entry of the simulator's log.
sub requests_since
{
	my ($intuit, $company, $since) = @_;
	my $log = $intuit->admin('log', { company => $company, since => $since })->{log};

	return scalar grep { $_->{path} =~ m{^/(?:production|sandbox)/} } @$log;
}

# Books of three years must not cost more requests than they have chunks and pages.
sub test_requests
{
	my ($node, $intuit) = @_;
	my $since = newest_entry($intuit);
	my (undef, $months, undef, undef, $requests) = split /\|/, import_actuals($node, 'Group', 'Accrual', 'kelp');
	my $seen = requests_since($intuit, 'kelp', $since);

	is($months, $MONTHS, 'kelp: the summary counts the months');
	cmp_ok($seen, '<=', 8, "kelp: the chart and $MONTHS months of both statements take at most 8 requests");
	is($requests, $seen, 'kelp: the summary counts the same as QuickBooks');
	is($node->safe_psql('postgres', q{SELECT requests FROM reefqbo.import_log}), $seen, 'kelp: so does the log of imports');
}

sub import_everything
{
	my ($node, $model) = @_;

	$node->safe_psql('postgres', "SELECT FROM reefqbo.import_accounts('$model')");
	import_actuals($node, $model, $_) foreach 'Accrual', 'Cash';
}

sub test_company
{
	my ($node, $intuit, $company) = @_;

	check_chart($node, $intuit, $company);
	check_actuals($node, $intuit, $company, $_) foreach 'Accrual', 'Cash';
	check_statements($node, $intuit, $company);
}

# A production model takes no sandbox company.
sub test_training_only
{
	my ($node) = @_;

	$node->safe_psql('postgres', q{SELECT reefqbo.create_branch('Group', 'sandbox')});
	my $error = $node->sqlstate_of(q{SELECT reefqbo.connect('Group', 'sim-sandbox', 'sandbox')});
	is($error->{sqlstate}, 'RQ003', 'a production model may not link a sandbox company');
}

# QuickBooks writes the same figures in many ways. None of them may change one.
sub test_wording
{
	my ($node, $intuit, $company, $switch, $value) = @_;

	$intuit->admin('config', { company => $company, $switch => $value });
	is(import_actuals($node, 'Group', 'Accrual', $company, '2025-12-01'), "$company|12|0|0|2",
		"$company: the same figures with $switch = $value");
}

my $intuit = Reefqbo::Simulator->start(today => $TODAY, no_throttle => undef);
my $node = reefqbo_cluster('import', $intuit, side_by_side => 1);

$node->connect_company($MODEL{$_}, $MODEL{$_} eq 'Lessons' ? 'sim-sandbox' : 'sim-production', $_, $_) foreach sort keys %MODEL;
test_requests($node, $intuit);
import_everything($node, $_) foreach 'Group', 'Lessons';
test_company($node, $intuit, $_) foreach sort keys %MODEL;
check_variety($node);
test_training_only($node);

test_wording($node, $intuit, 'reef', zero_style => $_) foreach qw(zero empty dot);
test_wording($node, $intuit, 'reef', $_ => 1) foreach qw(shuffle title_case bs_total_column);
test_wording($node, $intuit, 'reef', locale => $_) foreach qw(fr de);
test_wording($node, $intuit, 'shell', nodata_form => $_) foreach qw(account_only empty_rows null_row);
is($node->safe_psql('postgres', 'SELECT count(*) FROM reefqbo.restatement'), 0, 'and nothing was ever restated');

$node->stop;
done_testing();
