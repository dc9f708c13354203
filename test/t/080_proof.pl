# Every import leaves both figures of each check it has passed, and tie_out proves all of it again.
#
# What the figures have to be comes from the ledger's own sums (the admin verb "truth"), put together by the
# types of the accounts as the simulator keeps them. A difference is told and never fails an import; a report
# that does not come is a check that was not made, and no failure.

use strict;
use warnings;

use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;

my $TODAY = '2026-11-20';
my @KINDS = qw(balance net_income section_totals total_column trial_balance_sides trial_balance_statements year_in_one_column);

# From the beginning of a fiscal year on; that of atoll begins in July.
my %FIRST = (reef => '2025-01-01', atoll => '2025-07-01', corail => '2025-01-01');
my %YEAR  = (reef => '2026-01-01', atoll => '2026-07-01', corail => '2026-01-01');
my $LAST  = '2026-11-30';

my $intuit = Reefqbo::Simulator->start(today => $TODAY);
my $node = reefqbo_cluster('main', $intuit, proof_requests => 1);

# ---- what the ledger says ----

# Amounts are added up in cents.
sub cents
{
	my ($amount) = @_;

	$amount =~ /\A(-?)(\d+)(?:\.(\d{1,2}))?\z/ or die "not an amount: $amount";
	return ($1 ? -1 : 1) * ($2 * 100 + substr(($3 // '') . '00', 0, 2));
}

sub euros
{
	my ($cents) = @_;

	return plain(sprintf '%s%d.%02d', $cents < 0 ? '-' : '', int(abs($cents) / 100), abs($cents) % 100);
}

my %chart;

sub type_of
{
	my ($company, $account) = @_;

	$chart{$company} //= { map { $_->{id} => $_->{type} } @{ $intuit->admin('accounts', { company => $company })->{accounts} } };
	return $chart{$company}{$account} // die "$company has no account $account";
}

my $EARNS  = qr/\A(?:Income|Other Income)\z/;
my $COSTS  = qr/\A(?:Cost of Goods Sold|Expense|Other Expense)\z/;
my $ASSETS = qr/\A(?:Bank|Accounts Receivable|Other Current Asset|Fixed Asset|Other Asset)\z/;

sub truth_rows
{
	my ($company, $statement, $method, $start, $end) = @_;

	return @{ $intuit->truth(company => $company, statement => $statement, method => $method, start => $start, end => $end)->{rows} };
}

# What a range has earned.
sub net_income
{
	my ($company, $method, $start, $end) = @_;
	my $sum = 0;

	foreach my $row (truth_rows($company, 'profit_and_loss', $method, $start, $end))
	{
		$sum += cents($row->{amount}) * (type_of($company, $row->{account_id}) =~ $EARNS ? 1 : -1);
	}
	return $sum;
}

sub fiscal_start
{
	my ($company, $month) = @_;
	my ($year, $number) = $month =~ /\A(\d+)-(\d+)/;
	my $first = $company eq 'atoll' ? 7 : 1;

	return sprintf '%04d-%02d-01', $number >= $first ? $year : $year - 1, $first;
}

# kind|statement|start|end => figure|other figure, of what the ledger can say.
sub expected_by_month
{
	my ($company, $method, $start) = @_;
	my (%assets, %equity, %line, %end, %expected);

	foreach my $row (truth_rows($company, 'balance_sheet', $method, $start, $LAST))
	{
		my $month = $row->{period_start};
		my $side = defined $row->{account_id} && type_of($company, $row->{account_id}) =~ $ASSETS ? \%assets : \%equity;
		$end{$month} = $row->{period_end};
		$side->{$month} += cents($row->{amount});
		$line{$month} = cents($row->{amount}) unless defined $row->{account_id};
	}
	foreach my $month (keys %end)
	{
		my $key = "balance_sheet|$month|$end{$month}";
		$expected{"balance|$key"} = euros($assets{$month}) . '|' . euros($equity{$month});
		$expected{"net_income|$key"} = euros($line{$month} // 0) . '|' . euros(net_income($company, $method, fiscal_start($company, $month), $end{$month}));
	}
	return \%expected;
}

sub trial_balance
{
	my ($company, $method, $end) = @_;

	return { map { $_->{account_id} => cents($_->{amount}) } truth_rows($company, 'trial_balance', $method, substr($end, 0, 8) . '01', $end) };
}

sub sum { my $sum = 0; $sum += $_ foreach @_; return $sum }

# The same of a fiscal year, which ends, or is as far as, $end.
sub expected_by_year
{
	my ($company, $method, $start, $end) = @_;
	my $trial = trial_balance($company, $method, $end);
	my @earning = grep { type_of($company, $_) =~ /$EARNS|$COSTS/ } keys %$trial;
	my @owned = grep { type_of($company, $_) !~ /$EARNS|$COSTS/ } keys %$trial;
	my $earned = euros(net_income($company, $method, $start, $end));
	my ($debits, $credits) = (euros(sum(grep { $_ > 0 } values %$trial)), euros(-sum(grep { $_ < 0 } values %$trial)));
	my ($of_earning, $of_owned) = map { euros(sum(map { abs } @{$trial}{@$_})) } \@earning, \@owned;

	return {
		"year_in_one_column|profit_and_loss|$start|$end" => "$earned|$earned",
		"trial_balance_sides|trial_balance|$start|$end" => "$debits|$credits",
		"trial_balance_statements|profit_and_loss|$start|$end" => "$of_earning|$of_earning",
		"trial_balance_statements|balance_sheet|$start|$end" => "$of_owned|$of_owned" };
}

# ---- what is kept ----

my $ROW = q{kind || '|' || statement || '|' || period_start || '|' || period_end};

# The rows of an import, or of the last of a company and kind.
sub import_id
{
	my ($company, $kind) = @_;

	return sql("SELECT max(l.import_id) FROM reefqbo.import_log l JOIN reefqbo.connection_status s USING (model_id, connection_id)"
		. " WHERE s.branch = '$company' AND l.kind = '$kind'");
}

sub checks
{
	my ($import, $method, @kinds) = @_;
	my $list = join ', ', map { "'$_'" } @kinds;

	return { map { my @f = split /=/; $f[0] => join '|', map { plain($_) } split /\|/, $f[1] } split /\n/, sql(<<"END") };
SELECT $ROW || '=' || figure || '|' || other_figure FROM reefqbo.tie_out_check
 WHERE import_id = $import AND accounting_method = '$method' AND account_id IS NULL AND kind IN ($list)
END
}

my @BY_YEAR = qw(year_in_one_column trial_balance_sides trial_balance_statements);

sub verdicts
{
	my ($import) = @_;

	return sql("SELECT string_agg(DISTINCT kind || ' ' || coalesce(passed::text, 'unknown'), ', ' ORDER BY kind || ' ' || coalesce(passed::text, 'unknown')) FROM reefqbo.tie_out_check WHERE import_id = $import");
}

sub all_passed { return join ', ', map { "$_ true" } sort @_ }

# Run SQL as a user at a terminal would, and have what it says.
sub told
{
	my ($sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nLISTEN reefqbo;\n$sql;\nSELECT 'after';", on_error_stop => 0);

	return { status => $status, out => $out, err => $err };
}

sub asked
{
	my ($what) = @_;

	return scalar grep { "$_->{path}?$_->{query}" =~ $what } @{ $intuit->admin('log')->{log} };
}

sub import_sql
{
	my ($company, $method, $start, $end) = @_;

	return "SELECT months FROM reefqbo.import_actuals('Group', '" . ($start // $FIRST{$company}) . "', '" . ($end // $LAST) . "', '$method', '$company')";
}

# ---- imports ----

sub test_import
{
	my ($company, $method) = @_;
	my $name = "$company, $method";
	my $said = told(import_sql($company, $method));
	my $import = import_id($company, 'actuals');

	unlike($said->{err}, qr/WARNING|ERROR/, "$name: nothing is objected to");
	is(verdicts($import), all_passed(@KINDS), "$name: all seven kinds were checked and passed");
	is(sql("SELECT count(*) FROM reefqbo.tie_out_check WHERE import_id = $import AND (figure <> other_figure OR difference <> 0 OR compared = 0)"), 0,
		"$name: with two equal figures each, of something");
	is_same(checks($import, $method, qw(balance net_income)), expected_by_month($company, $method, $FIRST{$company}),
		"$name: assets, equity and net income of each month are the ledger's");
	is_same(checks($import, $method, @BY_YEAR), expected_by_year($company, $method, $YEAR{$company}, $LAST),
		"$name: profit and loss of the year to date and trial balance are the ledger's");
	is(sql("SELECT sum(compared) FROM reefqbo.tie_out_check WHERE import_id = $import AND kind = 'trial_balance_statements'"),
		scalar keys %{ trial_balance($company, $method, $LAST) }, "$name: account by account");
	return;
}

sub test_cost
{
	my $name = 'what it costs';
	my $before = asked(qr{reports/});

	sql(import_sql('reef', 'Accrual', '2026-10-01', '2026-11-30'));
	is(asked(qr{reports/}) - $before, 4, "$name: two requests more an import");
	is(verdicts(import_id('reef', 'actuals')), all_passed(@KINDS), "$name: which prove the fiscal year, though two months were read");
	return;
}

# ---- tie_out ----

sub test_tie_out
{
	my ($company) = @_;
	my $name = "tie_out, $company";
	my $stored = sql('SELECT count(*), max(xmin::text::bigint) FROM reefqbo._actual_year');
	my $before = asked(qr{reports/});
	my $said = told("SELECT kind, passed FROM reefqbo.tie_out('Group', '$company')");
	my $import = import_id($company, 'tie_out');
	my ($announced) = $said->{err} =~ /proving \d+ months takes (\d+) requests/;

	is($announced, 16, "$name: says beforehand what it takes: four requests for each of two years, by two methods");
	is(asked(qr{reports/}) - $before, $announced, "$name: and takes that");
	is(verdicts($import), all_passed(@KINDS, 'stored'), "$name: all that was imported is what QuickBooks prints");
	is(sql("SELECT requests, status FROM reefqbo.import_log WHERE import_id = $import"), '16|succeeded', "$name: it has its line in the log");
	is(sql('SELECT count(*), max(xmin::text::bigint) FROM reefqbo._actual_year'), $stored, "$name: no figure was written");
	foreach my $method ('Accrual', 'Cash')
	{
		is_same(checks($import, $method, qw(balance net_income)), expected_by_month($company, $method, $FIRST{$company}), "$name, $method: the months are the ledger's");
		is_same(checks($import, $method, @BY_YEAR), expected_of_years($company, $method), "$name, $method: so are the years");
	}
	return;
}

sub expected_of_years
{
	my ($company, $method) = @_;
	my ($year) = $YEAR{$company} =~ /\A(\d+)/;
	my $end = $company eq 'atoll' ? "$year-06-30" : ($year - 1) . '-12-31';

	return {
		%{ expected_by_year($company, $method, $FIRST{$company}, $end) },
		%{ expected_by_year($company, $method, $YEAR{$company}, $LAST) } };
}

sub test_one_method
{
	my $rows = sql("SELECT DISTINCT model_name, branch_name, company, method FROM reefqbo.tie_out('Group', 'reef', 'cash')");

	is($rows, 'Group|reef|Reef Trading Ltd|Cash', 'tie_out of one method: names what it is about');
	is($node->sqlstate_of("SELECT reefqbo.tie_out('Group', NULL, 'modified cash')")->{sqlstate}, '22023', 'tie_out of a method that there is not: refused');
	is($node->sqlstate_of("SELECT reefqbo.tie_out('Nobody')")->{sqlstate}, '42704', 'tie_out of a model that there is not: refused');
	return;
}

# The books have moved on since the import: tie_out says where, and the next import knows nothing of it.
sub test_moved_books
{
	my ($company, $name) = ('reef', 'books that have moved on');
	my ($bank) = grep { type_of($company, $_) eq 'Bank' } sort keys %{ trial_balance($company, 'Accrual', $LAST) };
	my ($cost) = grep { type_of($company, $_) eq 'Expense' } sort keys %{ trial_balance($company, 'Accrual', $LAST) };
	my $was = { map { $_ => trial_balance($company, 'Accrual', $LAST)->{$_} // 0 } $bank, $cost };

	$intuit->admin('post', { company => $company, date => '2026-11-05', lines => [ { account => $cost, amount => '12.34' }, { account => $bank, amount => '-12.34' } ] });
	my $said = told("SELECT count(*) FROM reefqbo.tie_out('Group', '$company', 'Accrual')");
	my $import = import_id($company, 'tie_out');
	is($said->{status}, 0, "$name: tie_out does not fail");
	like($said->{err}, qr/WARNING:  RQ007: Reef Trading Ltd: /, "$name: it warns");
	is(verdicts($import), 'balance true, net_income true, section_totals true, stored false, stored true, total_column true,'
		. ' trial_balance_sides true, trial_balance_statements false, trial_balance_statements true, year_in_one_column false, year_in_one_column true',
		"$name: what QuickBooks prints is not what is stored");
	my $rows = sql("SELECT account_id, figure, other_figure, difference FROM reefqbo.tie_out_check WHERE import_id = $import"
		. " AND kind = 'trial_balance_statements' AND account_id IS NOT NULL ORDER BY figure - other_figure");
	is(join(' ', map { join '|', map { plain($_) } split /\|/ } split /\n/, $rows),
		join(' ', "$bank|" . euros($was->{$bank} - 1234) . '|' . euros($was->{$bank}) . '|-12.34', "$cost|" . euros($was->{$cost} + 1234) . '|' . euros($was->{$cost}) . '|12.34'),
		"$name: both accounts are named, with both figures");
	sql("SELECT FROM reefqbo.refresh('Group', '$company')");
	is(verdicts(import_id($company, 'refresh')), all_passed(@KINDS), "$name: after a refresh all is well");
	return;
}

# A year that is too long for one answer is asked for in parts.
sub test_halves
{
	$intuit->admin('fault', { kind => 'max_months', company => 'corail', months => 5, times => -1, endpoint => 'report' });
	sql("SELECT FROM reefqbo.tie_out('Group', 'corail', 'Cash')");
	$intuit->admin('clear_faults');
	my $import = import_id('corail', 'tie_out');

	is(sql("SELECT count(*), bool_and(passed) FROM reefqbo.tie_out_check WHERE import_id = $import AND kind = 'stored'"), '46|t',
		'reports that are too long: the months are asked for in parts, and all are proved');
	is(sql("SELECT DISTINCT passed IS NULL, detail LIKE '%too much%' FROM reefqbo.tie_out_check WHERE import_id = $import AND kind = 'year_in_one_column'"), 't|t',
		'reports that are too long: what cannot be had in parts is not known');
	return;
}

# QuickBooks prints sums that are wrong: an import would refuse the report, tie_out says which.
sub test_wrong_sums
{
	$intuit->admin('fault', { kind => 'break_total', company => 'corail', by => '1.00', endpoint => 'ProfitAndLoss' });
	$intuit->admin('fault', { kind => 'unbalance', company => 'corail', by => '2.00', endpoint => 'BalanceSheet' });
	my $said = told("SELECT count(*) FROM reefqbo.tie_out('Group', 'corail', 'Accrual')");
	$intuit->admin('clear_faults');
	my $import = import_id('corail', 'tie_out');

	is($said->{status}, 0, 'wrong sums: tie_out does not fail');
	is(sql("SELECT string_agg(kind || ' ' || difference::numeric(9,2) || ' ' || (detail ~ 'the difference is'), ', ' ORDER BY kind) FROM reefqbo.tie_out_check"
			. " WHERE import_id = $import AND NOT passed AND account_id IS NULL AND kind IN ('section_totals', 'balance')"),
		'balance 2.00 true, section_totals 1.00 true', 'wrong sums: the month, the kind and the difference are told');
	return;
}

# ---- trial balances that differ, or do not come ----

sub trial_fault
{
	my (%fault) = @_;

	$intuit->admin('fault', { company => 'atoll', endpoint => 'TrialBalance', %fault });
	my $begin = time;
	my $before = asked(qr{/TrialBalance});
	my $said = told("SET reefqbo.request_timeout = '2s'; " . import_sql('atoll', 'Accrual', '2026-11-01', '2026-11-30'));
	$said->{seconds} = time - $begin;
	$said->{asked} = asked(qr{/TrialBalance}) - $before;
	$intuit->admin('clear_faults');
	$said->{import} = import_id('atoll', 'actuals');
	return $said;
}

sub stands
{
	my ($said, $name) = @_;

	is(sql("SELECT status, months FROM reefqbo.import_log WHERE import_id = $said->{import}"), 'succeeded|1', "$name: the import stands");
	is($said->{asked}, 1, "$name: the trial balance was asked for once");
	return;
}

sub test_spoiled
{
	my $name = 'a trial balance with other amounts';
	my $trial = trial_balance('atoll', 'Accrual', $LAST);
	my ($bank) = grep { type_of('atoll', $_) eq 'Bank' } sort keys %$trial;
	my $said = trial_fault(kind => 'break_tb', account => $bank, by => '7.50', pair => 1);
	my ($figure, $other) = map { $_ / 100 } abs($trial->{$bank}) + 750, abs($trial->{$bank});

	stands($said, $name);
	like($said->{err}, qr/WARNING:  RQ007: Atoll Holdings Inc\.: what was imported does not tie out/, "$name: is warned of, with the company");
	my $accounts = sql("SELECT count(*), sum(abs(difference)), bool_or(account_id = '$bank') FROM reefqbo.tie_out_check WHERE import_id = $said->{import} AND kind = 'trial_balance_statements' AND account_id IS NOT NULL AND NOT passed");
	is($accounts, '2|15.00|t', "$name: has a row for each account that differs");
	like($said->{err}, qr/account ".+" \(\d+\): the trial balance has -?[\d.]+, the statement that was imported -?[\d.]+; the difference is -?7\.50\./,
		"$name: the warning has the account and both figures");
	is(plain(sql("SELECT abs(figure) FROM reefqbo.tie_out_check WHERE import_id = $said->{import} AND account_id = '$bank'")), plain("$figure"), "$name: what QuickBooks printed");
	is(plain(sql("SELECT abs(other_figure) FROM reefqbo.tie_out_check WHERE import_id = $said->{import} AND account_id = '$bank'")), plain("$other"), "$name: what the ledger has");
	like($said->{out}, qr/"event": "tie_out_failed", "model_id": \d+, "connection_id": \d+, "import_id": $said->{import}, "checks": \d/, "$name: is notified");
	unlike($said->{out}, qr/tie_out_failed[^\n]*Atoll/, "$name: without names");
	is(sql("SELECT passed FROM reefqbo.tie_out_check WHERE import_id = $said->{import} AND kind = 'trial_balance_sides'"), 't', "$name: its sides are equal");
	return;
}

sub test_one_sided
{
	my $name = 'a trial balance that does not balance';
	my $said = trial_fault(kind => 'break_tb', by => '3.00');

	stands($said, $name);
	like($said->{err}, qr/WARNING:  RQ007/, "$name: is warned of");
	is(sql("SELECT passed, abs(difference) FROM reefqbo.tie_out_check WHERE import_id = $said->{import} AND kind = 'trial_balance_sides'"), 'f|3.00', "$name: by how much");
	return;
}

sub test_no_answer
{
	my ($name, $reason, %fault) = @_;
	my $said = trial_fault(%fault);

	stands($said, $name);
	unlike($said->{err}, qr/WARNING|ERROR/, "$name: nobody is alarmed");
	cmp_ok($said->{seconds}, '<', 60, "$name: no retry budget is spent");
	is(sql("SELECT count(*), count(passed), bool_and(detail ~ '$reason') FROM reefqbo.tie_out_check WHERE import_id = $said->{import} AND kind LIKE 'trial_balance%'"), '3|0|t',
		"$name: three checks are not made, and say why") or diag(sql("SELECT detail FROM reefqbo.tie_out_check WHERE import_id = $said->{import} AND kind LIKE 'trial_balance%'"));
	is(sql("SELECT passed FROM reefqbo.tie_out_check WHERE import_id = $said->{import} AND kind = 'year_in_one_column'"), 't', "$name: the other report is proved");
	is(sql("SELECT status FROM reefqbo.connection_status WHERE branch = 'atoll'"), 'connected', "$name: the connection stands");
	return;
}

sub test_no_answers
{
	test_no_answer('a trial balance that never comes', 'no answer in time', kind => 'mute');
	test_no_answer('a trial balance that is refused', 'Fault 5020', kind => 'fault', code => '5020');
	test_no_answer('an outage', 'HTTP status 503', kind => 'status', status => 503);
	test_no_answer('an access token that is refused', 'refuses an access token', kind => 'fault', code => '3200');
	test_no_answer('an answer that is cut', 'could not be reached', kind => 'cut', fraction => 0.5);
	test_no_answer('a page of HTML', 'HTTP status', kind => 'html');
	test_no_answer('another range than was asked for', 'another report', kind => 'wrong_dates');
	return;
}

# ---- what is not known ----

sub test_part_of_year
{
	my $name = 'four months of a year';

	$node->connect_company('Part', 'sim-production', 'pod-1');
	sql("SELECT FROM reefqbo.import_actuals('Part', '2026-03-01', '2026-06-30')");
	is(sql(<<'END'), "net_income||4\ntrial_balance_statements|t|1\ntrial_balance_statements||1\nyear_in_one_column|t|1", "$name: what the others are needed for is not known, all else is proved");
SELECT k.kind, k.passed, count(*) FROM reefqbo.tie_out_check k JOIN reefqbo.model m USING (model_id)
 WHERE m.name = 'Part' AND k.kind IN ('net_income', 'year_in_one_column', 'trial_balance_statements') GROUP BY 1, 2 ORDER BY 1, 2
END
	is(sql("SELECT DISTINCT period_start FROM reefqbo.tie_out_check JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Part' AND kind = 'year_in_one_column'"), '2026-03-01',
		"$name: the one column is of those that are there");
	is(sql("SELECT count(*) FROM reefqbo.tie_out_check JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Part' AND passed IS NULL AND detail IS NULL"), 0, "$name: each says why");
	sql("SELECT FROM reefqbo.import_actuals('Part', '2026-01-01', '2026-02-28')");
	sql("SELECT FROM reefqbo.tie_out('Part')");
	is(sql("SELECT bool_and(k.passed) FROM reefqbo.tie_out_check k JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Part' AND import_id = (SELECT max(import_id) FROM reefqbo.tie_out_check)"), 't',
		"$name: once the first two are there as well, everything is");
	return;
}

# A balance sheet in the layout of a country whose groups nobody knows, with more than two parts at the top.
sub part
{
	my ($title, $account, $amount) = @_;

	return {
		type => 'Section', group => "Layout of $title", Header => { ColData => [ { value => $title }, { value => '' } ] },
		Rows => { Row => [ { type => 'Data', ColData => [ { value => $title, id => $account }, { value => $amount } ] } ] },
		Summary => { ColData => [ { value => "Total $title" }, { value => $amount } ] } };
}

sub foreign_balance_sheet
{
	my ($company) = @_;
	my %by_type = map { $_->{type} => $_->{id} } @{ $intuit->admin('accounts', { company => $company })->{accounts} };
	my ($start, $end) = ('2026-11-01', $LAST);
	my @period = map { { Name => $_->[0], Value => $_->[1] } } [ StartDate => $start ], [ EndDate => $end ], [ ColKey => 'Nov 2026' ];

	return JSON::PP->new->encode({
		Header => { Time => "${TODAY}T10:00:00-08:00", ReportName => 'BalanceSheet', ReportBasis => 'Accrual', StartPeriod => $start,
			EndPeriod => $end, SummarizeColumnsBy => 'Month', Currency => 'USD', Option => [ { Name => 'NoReportData', Value => 'false' } ] },
		Columns => { Column => [ { ColTitle => '', ColType => 'Account' }, { ColTitle => 'Nov 2026', ColType => 'Money', MetaData => \@period } ] },
		Rows => { Row => [ part('A', $by_type{Bank}, '100.00'), part('B', $by_type{'Credit Card'} // $by_type{'Accounts Payable'}, '40.00'), part('C', $by_type{Equity}, '60.00') ] } });
}

sub test_foreign_layout
{
	my $name = 'a layout that does not show its two sides';

	$node->connect_company('Abroad', 'sim-production', 'pod-4');
	$intuit->admin('fault', { company => 'pod-4', endpoint => 'BalanceSheet', kind => 'status', status => 200,
		content_type => 'application/json', body => foreign_balance_sheet('pod-4') });
	sql("SELECT FROM reefqbo.import_actuals('Abroad', '2026-11-01', '2026-11-30')");
	is(sql("SELECT figure, other_figure, compared, passed FROM reefqbo.tie_out_check JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Abroad' AND kind = 'balance'"),
		'100.00|100.00|1|t', "$name: is added up by what the accounts are");
	return;
}

sub test_nothing
{
	my $said = told("SELECT count(*) FROM reefqbo.tie_out('Empty')");

	is($said->{status}, 0, 'nothing imported: tie_out does not fail');
	like($said->{err}, qr/NOTICE:.*nothing to prove/, 'nothing imported: it says so');
	return;
}

sub test_off
{
	my $name = 'reefqbo.proof_requests = off';

	$node->append_conf('postgresql.conf', 'reefqbo.proof_requests = off');
	$node->reload;
	my $before = asked(qr{reports/});
	sql(import_sql('corail', 'Accrual', '2026-11-01', '2026-11-30'));
	is(asked(qr{reports/}) - $before, 2, "$name: an import asks for its two reports only");
	is(sql("SELECT string_agg(DISTINCT coalesce(passed::text, 'unknown') || ' ' || (detail LIKE '%reefqbo.proof_requests is off')::text, ', ')"
			. " FROM reefqbo.tie_out_check WHERE import_id = " . import_id('corail', 'actuals') . " AND kind IN ('" . join("', '", @BY_YEAR) . "')"),
		'unknown true', "$name: and says that it did not ask for more");
	sql("SELECT FROM reefqbo.tie_out('Group', 'corail', 'Accrual')");
	is(verdicts(import_id('corail', 'tie_out')), all_passed(@KINDS, 'stored'), "$name: tie_out asks all the same");
	$node->append_conf('postgresql.conf', 'reefqbo.proof_requests = on');
	$node->reload;
	return;
}

# ---- later ----

sub digest
{
	my ($import) = @_;

	return sql("SELECT count(*), md5(string_agg(t::text, ',' ORDER BY check_id)) FROM reefqbo.tie_out_check t WHERE import_id = $import");
}

sub test_past_imports
{
	my $import = import_id('atoll', 'actuals');
	my $digest = digest($import);

	sql(import_sql('atoll', 'Accrual', '2026-11-01', '2026-11-30'));
	isnt(import_id('atoll', 'actuals'), $import, 'another import: has checks of its own');
	is(digest($import), $digest, 'another import: those of the one before are as they were');
	return;
}

sub test_access
{
	sql("CREATE ROLE clerk LOGIN; CREATE ROLE chief LOGIN; SELECT reefqbo.grant_access('clerk', 'reader', 'Part'); SELECT reefqbo.grant_access('chief', 'operator', 'Part')");
	my $seen = sql("SET SESSION AUTHORIZATION clerk; SELECT string_agg(DISTINCT m.name, ',') FROM reefqbo.tie_out_check k JOIN reefqbo.model m USING (model_id)");
	my $all = sql("SELECT count(*) FROM reefqbo.tie_out_check k JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Part'");

	is($seen, 'Part', 'a reader of one model: sees its checks only');
	is(sql('SET SESSION AUTHORIZATION clerk; SELECT count(*) FROM reefqbo.tie_out_check'), $all, 'a reader of one model: and all of them');
	is($node->sqlstate_of("SET SESSION AUTHORIZATION clerk; SELECT reefqbo.tie_out('Part')")->{sqlstate}, '42501', 'a reader: may not ask QuickBooks');
	is($node->sqlstate_of("SET SESSION AUTHORIZATION chief; SELECT reefqbo.tie_out('Part')"), undef, 'an operator: may');
	is($node->sqlstate_of("SET SESSION AUTHORIZATION chief; SELECT reefqbo.tie_out('Group')")->{sqlstate}, '42704', 'an operator: not of another model');
	return;
}

sub test_forget
{
	sql("SELECT FROM reefqbo.forget_company('Part')");
	is(sql("SELECT count(*) FROM reefqbo.tie_out_check JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Part'"), 0, 'a company that is forgotten: so are its checks');
	return;
}

# The background worker removes them with the line of the log that they belong to.
sub test_retention
{
	my $keeper = reefqbo_cluster('keeper', $intuit, proof_requests => 1, preload => 1, settings => "reefqbo.databases = 'postgres'");
	my $month = "SELECT FROM reefqbo.import_actuals('Kept', '2026-11-01', '2026-11-30')";

	$keeper->connect_company('Kept', 'sim-production', 'pod-2');
	$keeper->safe_psql('postgres', "SELECT FROM reefqbo.set_schedule('Kept', paused => true); $month; $month");
	my $old = $keeper->safe_psql('postgres', "SELECT min(import_id) FROM reefqbo.tie_out_check");
	my $rest = $keeper->safe_psql('postgres', "SELECT count(*) FROM reefqbo.tie_out_check WHERE import_id <> $old");
	$keeper->safe_psql('postgres', "UPDATE reefqbo.import_log SET started_at = started_at - interval '91 days' WHERE import_id = $old");
	$keeper->safe_psql('postgres', "SELECT FROM reefqbo.import_accounts('Kept')");
	wait_until('the old import is removed', sub { $keeper->answer("SELECT count(*) FROM reefqbo.import_log WHERE import_id = $old") eq '0' });
	is($keeper->safe_psql('postgres', "SELECT count(*) FILTER (WHERE import_id = $old), count(*) FILTER (WHERE import_id <> $old) FROM reefqbo.tie_out_check"), "0|$rest",
		'imports older than reefqbo.log_retention: their checks go with them, and no others');
	$keeper->stop;
	return;
}

$node->connect_company('Group', 'sim-production', $_, $_) foreach sort keys %FIRST;
$node->connect_company('Empty', 'sim-production', 'pod-3');
foreach my $company (sort keys %FIRST)
{
	test_import($company, $_) foreach 'Accrual', 'Cash';
}
test_cost();
test_tie_out($_) foreach sort keys %FIRST;
test_one_method();
test_halves();
test_wrong_sums();
test_spoiled();
test_one_sided();
test_no_answers();
test_part_of_year();
test_foreign_layout();
test_nothing();
test_off();
test_past_imports();
test_moved_books();
test_access();
test_forget();
test_retention();

$node->stop;
done_testing();
