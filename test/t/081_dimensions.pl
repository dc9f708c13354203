# By class and by department: the parts are those of the ledger, sum to the whole, and are refused when they do not.
#
# What is expected is the simulator's own sums over its ledger (the admin verb "truth", by class or department).

use strict;
use warnings;

use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Characters qw(sql);
use Reefqbo::Cluster qw(:DEFAULT !sql);
use Reefqbo::Ledger;
use Reefqbo::Simulator;

# The last month is not over; the first ones have a class that is inactive since.
my $TODAY = '2026-11-20';
my ($FIRST, $LAST, $MONTHS) = ('2026-06-01', '2026-11-30', 6);
my $RANGE = "'$FIRST', '$LAST'";
my $MONTH = q{'2026-09-01', '2026-09-30'};

my $intuit = Reefqbo::Simulator->start(today => $TODAY, no_throttle => undef);
my $node = reefqbo_cluster('dimensions', $intuit);

sub import_by
{
	my ($dimension, $range, @rest) = @_;
	return 'SELECT * FROM reefqbo.import_dimensions(' . join(', ', "'Reef'", "'$dimension'", $range, map { quote($_) } @rest) . ')';
}

# ---- what the ledger says ----

sub ledger_parts
{
	my ($dimension, $method, $first, $last) = @_;
	my $rows = $intuit->truth(company => 'reef', statement => 'profit_and_loss', method => $method, start => $first, end => $last,
		by => $dimension)->{rows};

	return { map { ("$_->{period_start} " . ($_->{value_id} // 'unspecified') . " $_->{account_id}" => plain($_->{amount})) }
		  grep { $_->{amount} !~ /\A-?0*\.?0*\z/ } @$rows };
}

sub stored_parts
{
	my ($dimension, $method, $first, $last) = @_;
	return { map { my @row = split /\|/; ("$row[0] $row[1] $row[2]" => $row[3]) } split /\n/, sql(<<"END") };
SELECT period_start, value_id, account_id, trim_scale(amount) FROM reefqbo.dimension_actual
 WHERE dimension = '$dimension' AND accounting_method = '$method' AND amount <> 0 AND period_start BETWEEN '$first' AND '$last'
END
}

# The accounts and months in which the parts are not the whole.
sub not_whole
{
	my ($dimension) = @_;
	return sql(<<"END");
SELECT a.accounting_method, a.period_start, a.account_id FROM (
    SELECT accounting_method, period_start, account_id, sum(amount) AS amount FROM reefqbo.dimension_actual
     WHERE dimension = '$dimension' GROUP BY 1, 2, 3) p
  FULL JOIN (SELECT a.* FROM reefqbo.actual a JOIN reefqbo.dimension_month m
              USING (model_id, connection_id, accounting_method, period_start)
              WHERE a.statement = 'profit_and_loss' AND m.dimension = '$dimension') a
    USING (accounting_method, period_start, account_id)
 WHERE coalesce(a.amount, 0) <> coalesce(p.amount, 0)
END
}

sub everything
{
	return sql('SELECT (SELECT md5(string_agg(d::text, $$ $$ ORDER BY d::text)) FROM reefqbo.dimension_actual d),'
		  . ' (SELECT md5(string_agg(m::text, $$ $$ ORDER BY m::text)) FROM reefqbo.dimension_month m)');
}

# ---- the tests ----

sub test_arguments
{
	is(try(import_by('colour', $RANGE))->{sqlstate}, '22023', 'there are two dimensions');
	is(try(import_by('class', q{'2026-06-02', '2026-06-30'}))->{sqlstate}, '22023', 'only whole months');
	is(try(call('dimension_cost', 'Reef', 'class', \q{'2026-06-02', '2026-06-30'}))->{sqlstate}, '22023', 'of which alone the cost is told');
	is(try(call('dimension_cost', 'Nobody', 'class', \$RANGE))->{sqlstate}, '42704', 'of a model that is there');
	my $error = try(import_by('class', $RANGE));
	is($error->{sqlstate}, '22023', 'months that were not imported are refused');
	like($error->{detail}, qr/2026-06, 2026-07/, 'and named');
	like($error->{hint}, qr/reefqbo\.import_actuals/, 'with what to do first');
	is(sql('SELECT count(*) FROM reefqbo.dimension_value'), 0, 'before anything is asked of QuickBooks');
	return;
}

sub test_cost
{
	my ($dimension) = @_;
	my $told = sql("SELECT requests FROM reefqbo.dimension_cost('Reef', '$dimension', $RANGE)");

	$intuit->admin('log_clear');
	my ($status, $out, $err) = $node->psql('postgres', import_by($dimension, $RANGE));
	my @asked = grep { $_->{endpoint} =~ /\A(?:query|ProfitAndLoss)\z/ } @{ $intuit->admin('log')->{log} };
	is($status, 0, "by $dimension: imported") or diag($err);
	is(scalar(@asked), $told, "by $dimension: as many requests as were told beforehand, $told");
	like($err, qr/NOTICE: .*: $told requests to read $MONTHS months by $dimension/, 'and a notice tells it as well');
	my @row = split /\|/, $out;
	is($row[7], $told, 'which the result says, too');
	is($row[3], $MONTHS, 'with the months');
	is($row[4], sql("SELECT count(*) FROM reefqbo.dimension_actual WHERE dimension = '$dimension' AND accounting_method = 'Accrual'"), 'and the amounts');
	is(sql("SELECT kind, status, months, requests FROM reefqbo.import_log ORDER BY import_id DESC LIMIT 1"),
		"dimensions|succeeded|$MONTHS|$told", 'and the log of imports');
	return;
}

sub test_parts
{
	my ($dimension, $method) = @_;
	my $expected = ledger_parts($dimension, $method, $FIRST, $LAST);

	cmp_ok(scalar(keys %$expected), '>', 20, "by $dimension, $method: the ledger has parts");
	cmp_ok(scalar(grep { / unspecified / } keys %$expected), '>', 0, 'some of them without a tag');
	is_same(stored_parts($dimension, $method, $FIRST, $LAST), $expected, 'and each is stored to the cent');
	is(not_whole($dimension), '', 'not specified included, they sum to the whole');
	return;
}

sub test_values
{
	my $known = $intuit->admin('dimensions', { company => 'reef' });
	foreach my $dimension (qw(class department))
	{
		my $list = $known->{$dimension};
		my %expected = map { ($_->{id} => join ' | ', $_->{fully_qualified_name}, $_->{parent} // 'none', $_->{active} ? 't' : 'f') } @$list;
		my %stored = map { my @row = split /\|/; ($row[0] => join ' | ', @row[ 1 .. 3 ]) } split /\n/, sql(<<"END");
SELECT value_id, fully_qualified_name, coalesce(parent_value_id, 'none'), is_active FROM reefqbo.dimension_value
 WHERE dimension = '$dimension' AND value_id <> 'unspecified' AND gone_since IS NULL
END
		is_same(\%stored, \%expected, "each $dimension is there, nested ones and inactive ones too");
	}
	is(sql("SELECT count(*) FROM reefqbo.dimension_value WHERE value_id = 'unspecified' AND name = 'Not specified'"), 2,
		'and what is not tagged has a row in each dimension');
	return;
}

# A second import writes no amount; a line that is tagged otherwise moves its amount.
sub test_retagging
{
	my $again = sql('SELECT amounts_inserted, amounts_changed FROM (' . import_by('class', $RANGE) . ') r');
	is($again, '0|0', 'imported again, no amount is written');

	my ($txn, $line) = find_tagged_line('2026-09');
	$intuit->admin('tag', { company => 'reef', txn => $txn, line => $line, class => undef });
	my ($inserted, $changed) = split /\|/, sql('SELECT amounts_inserted, amounts_changed FROM (' . import_by('class', $MONTH) . ') r');
	cmp_ok($inserted + $changed, '==', 2, 'a line that has lost its class takes its amount from there to not specified');
	is_same(stored_parts('class', 'Accrual', $FIRST, $LAST), ledger_parts('class', 'Accrual', $FIRST, $LAST), 'as the ledger has it');
	is(not_whole('class'), '', 'and the sum is the same');
	return;
}

# The transactions' lines, as they are stored.
sub find_tagged_line
{
	my ($month) = @_;
	my %is_balance = map { $_->{id} => 1 } grep { $_->{type} !~ /\A(?:Income|Expense|Cost of Goods Sold|Other Income|Other Expense)\z/ }
	  @{ $intuit->admin('accounts', { company => 'reef' })->{accounts} };

	foreach my $txn (@{ $intuit->admin('transactions', { company => 'reef', limit => 100000 })->{transactions} })
	{
		next unless $txn->{date} =~ /\A$month/;
		foreach my $i (0 .. $#{ $txn->{lines} })
		{
			my $line = $txn->{lines}[$i];
			return ($txn->{id}, $i) if defined $line->{class} && !$is_balance{ $line->{account} };
		}
	}
	die 'no line has a class';
}

sub test_shapes
{
	my $expected = ledger_parts('class', 'Accrual', $FIRST, $LAST);

	foreach my $case (
		[ { dimension_subcolumns => JSON::PP::true() }, 'nested columns, whose sums are for checking only' ],
		[ { unspecified_key => undef }, 'a column of the untagged that has no key' ],
		[ { unspecified_key => '0' }, 'or the key 0' ],
		[ { zero_style => 'empty', title_case => JSON::PP::true() }, 'other zeros and titles' ])
	{
		my ($switches, $name) = @$case;
		$intuit->admin('config', { company => 'reef', %$switches });
		sql('DELETE FROM reefqbo.dimension_actual WHERE dimension = $$class$$ AND accounting_method = $$Accrual$$');
		my $error = try(import_by('class', $RANGE));
		is($error->{sqlstate}, 'none', "read: $name") or diag($error->{message} . "\n" . ($error->{detail} // ''));
		is_same(stored_parts('class', 'Accrual', $FIRST, $LAST), $expected, 'with the same parts');
	}
	$intuit->admin('config', { company => 'reef', dimension_subcolumns => JSON::PP::false(), unspecified_key => 'Not Specified' });
	return;
}

sub test_refusals
{
	my $before = everything();

	foreach my $case (
		[ 'RQ007', 'a line that does not sum to its section', kind => 'break_sum', by => '1.00' ],
		[ 'RQ007', 'a total that is not the sum of its parts', kind => 'break_total', by => '1.00' ],
		[ 'RQ008', 'other dates than were asked for', kind => 'wrong_dates' ],
		[ 'RQ008', 'the other method', kind => 'wrong_basis' ],
		[ 'RQ008', 'a report that was cut', kind => 'cut_report' ],
		[ 'RQ008', 'a zero character', kind => 'nul' ],
		[ 'RQ008', 'what is not UTF-8', kind => 'bad_utf8' ],
		[ 'RQ008', 'too deep a tree', kind => 'deep', depth => 5000 ],
		[ 'RQ008', 'half an answer', kind => 'truncate', fraction => '0.5' ],
		[ 'RQ008', 'a fault with status 200', kind => 'fault_200', code => '6000' ])
	{
		my ($sqlstate, $name, %fault) = @$case;
		$intuit->admin('fault', { company => 'reef', endpoint => 'ProfitAndLoss', times => -1, %fault });
		my $error = try('SET reefqbo.retry_budget = 0; ' . import_by('class', $MONTH));
		$intuit->admin('clear_faults');
		is($error->{sqlstate}, $sqlstate, "refused: $name") or diag($error->{message} . "\n" . ($error->{detail} // ''));
		is(everything(), $before, 'and nothing of it is stored');
	}
	return;
}

# The books change after the figures were imported: the parts are of today, the figure is not.
sub test_stale_figure
{
	my ($income, $bank) = map { sql("SELECT account_id FROM reefqbo.account WHERE account_type = '$_' AND is_active ORDER BY account_id LIMIT 1") } qw(Income Bank);
	my $before = everything();

	$intuit->admin('post', { company => 'reef', date => '2026-09-10', lines => [
		{ account => $bank, amount => '77.70' }, { account => $income, amount => '-77.70' } ] });
	my $error = try(import_by('class', $MONTH));
	is($error->{sqlstate}, 'RQ007', 'parts that do not sum to the figure that was imported are refused');
	like($error->{detail}, qr/\Q($income)\E: the parts are (-?[\d.]+), the figure that was imported is (-?[\d.]+)/, 'with account and figures');
	my ($parts, $figure) = $error->{detail} =~ /the parts are (-?[\d.]+), the figure that was imported is (-?[\d.]+\d)/;
	cmp_ok(abs($parts - $figure - 77.70), '<', 0.001, 'which differ by what was posted');
	like($error->{hint}, qr/reefqbo\.refresh first/, 'and a hint');
	is(everything(), $before, 'and nothing is stored');
	is(sql('SELECT status, sqlstate FROM reefqbo.import_log ORDER BY import_id DESC LIMIT 1'), 'failed|RQ007', 'but the failure, in the log');
	sql(call('refresh', 'Reef'));
	is(sql("SELECT DISTINCT dimension, accounting_method, account_id, figure - parts FROM reefqbo.dimension_difference"
			. " WHERE dimension = 'class' AND account_id = '$income' ORDER BY 2"),
		"class|Accrual|$income|77.70\nclass|Cash|$income|77.70", 'a refresh restates the figure, and a view tells which parts are old');
	is(try(import_by('class', $MONTH, $_))->{sqlstate}, 'none', "after a refresh they do ($_)") foreach qw(Accrual Cash);
	is(sql("SELECT count(*) FROM reefqbo.dimension_difference WHERE dimension = 'class'"), 0, 'and the view is empty again');
	is_same(stored_parts('class', 'Accrual', $FIRST, $LAST), ledger_parts('class', 'Accrual', $FIRST, $LAST), 'and are those of the ledger');
	return;
}

# A class that QuickBooks no longer lists keeps its history, and so does one that is only in a report.
sub test_gone
{
	my $class = sql(q{SELECT value_id FROM reefqbo.dimension_actual JOIN reefqbo.dimension_value USING (model_id, connection_id, dimension, value_id)
	  WHERE dimension = 'class' AND value_id <> 'unspecified' AND amount <> 0 AND period_start = '2026-09-01' LIMIT 1});
	my $name = sql("SELECT fully_qualified_name FROM reefqbo.dimension_value WHERE dimension = 'class' AND value_id = '$class'");
	my $parts = sql("SELECT count(*) FROM reefqbo.dimension_actual WHERE value_id = '$class' AND dimension = 'class'");

	$intuit->admin('vanish', { company => 'reef', class => $class });
	sql(import_by('class', $MONTH));
	is(sql("SELECT gone_since IS NOT NULL FROM reefqbo.dimension_value WHERE dimension = 'class' AND value_id = '$class'"), 't',
		"a class that is listed no more ($name) is marked gone");
	is(sql("SELECT count(*) FROM reefqbo.dimension_actual WHERE value_id = '$class' AND dimension = 'class'"), $parts, 'and keeps its parts');
	sql("DELETE FROM reefqbo.dimension_actual WHERE value_id = '$class' AND dimension = 'class';"
		  . " DELETE FROM reefqbo.dimension_value WHERE value_id = '$class' AND dimension = 'class'");
	sql(import_by('class', $RANGE));
	is(sql("SELECT fully_qualified_name, is_active, gone_since IS NOT NULL FROM reefqbo.dimension_value WHERE dimension = 'class' AND value_id = '$class'"),
		"$name|f|t", 'one that only a report names gets a row of its title');
	is_same(stored_parts('class', 'Accrual', $FIRST, $LAST), ledger_parts('class', 'Accrual', $FIRST, $LAST), 'with all its parts');
	return;
}

sub mapped
{
	return sql('SELECT d.dimension, d.value_id, b.name FROM reefqbo.dimension_mapping d JOIN reefqbo.branch b USING (model_id, branch_id) ORDER BY 1, 2');
}

sub test_mapping
{
	my $class = sql(q{SELECT value_id FROM reefqbo.dimension_value WHERE dimension = 'class' AND fully_qualified_name = 'Retail:Shop'});
	my $department = sql(q{SELECT min(value_id) FROM reefqbo.dimension_value WHERE dimension = 'department' AND value_id <> 'unspecified'});

	sql(call('create_branch', 'Reef', $_)) foreach qw(Shops Rest);
	sql(call('map_dimension', 'Reef', 'class', 'Retail:Shop', 'Shops'));
	is(mapped(), "class|$class|Shops", 'a class, by its name, feeds a branch');
	sql(call('map_dimension', 'Reef', 'class', $class, 'Rest'));
	is(mapped(), "class|$class|Rest", 'or another, by its id');
	sql(call('map_dimension', 'Reef', 'class', 'unspecified', 'Shops'));
	is(mapped(), "class|$class|Rest\nclass|unspecified|Shops", 'and so does what is not tagged');
	my $error = try(call('map_dimension', 'Reef', 'department', $department, 'Shops'));
	is($error->{sqlstate}, '22023', 'a second dimension is refused');
	like($error->{hint}, qr/Unmap each class first/, 'with a hint');
	sql(call('map_dimension', 'Reef', 'class', $_, undef)) foreach $class, 'unspecified';
	is(mapped(), '', 'NULL unmaps');
	sql(call('map_dimension', 'Reef', 'department', $department, 'Shops'));
	is(mapped(), "department|$department|Shops", 'after which the other dimension is free');
	is(try(call('map_dimension', 'Reef', 'class', 'no such class', 'Shops'))->{sqlstate}, '42704', 'there must be such a class');
	is(try(call('map_dimension', 'Reef', 'department', $department, 'nowhere'))->{sqlstate}, '42704', 'and such a branch');
	is(try(call('map_dimension', 'Reef', 'colour', $department, 'Shops'))->{sqlstate}, '22023', 'and such a dimension');
	is(try(call('map_dimension', 'Reef', 'department', undef, 'Shops'))->{sqlstate}, '22004', 'and a value');
	return;
}

# A class that is inactive has its parts in the months when it was not.
sub test_inactive
{
	my ($class) = map { $_->{id} } grep { !$_->{active} } @{ $intuit->admin('dimensions', { company => 'reef' })->{class} };
	my ($first, $last) = ('2025-04-01', '2025-06-30');
	my $expected = ledger_parts('class', 'Accrual', $first, $last);

	cmp_ok(scalar(grep { /-\d\d \Q$class\E / } keys %$expected), '>', 0, 'the ledger has parts of an inactive class');
	sql(call('import_actuals', 'Reef', $first, $last));
	sql(import_by('class', "'$first', '$last'"));
	is_same(stored_parts('class', 'Accrual', $first, $last), $expected, 'and so have we');
	is(not_whole('class'), '', 'in the sum as well');
	return;
}

# Companies that use no classes, and one that has no figures at all, however QuickBooks says so.
sub test_untagged
{
	$node->connect_company('Group', 'sim-production', 'pod-1', 'Pod');
	$node->connect_company('Group', 'sim-production', 'shell', 'Shell');
	sql(call('import_actuals', 'Group', \$MONTH));
	is(sql("SELECT branch_name, requests FROM reefqbo.dimension_cost('Group', 'class', $MONTH)"), "Pod|3\nShell|3", 'a row a connection, with what each costs');
	foreach my $form (qw(skeleton account_only empty_rows null_row))
	{
		$intuit->admin('config', { company => 'shell', nodata_form => $form });
		my $rows = sql("SELECT branch_name, r.values, months, requests FROM reefqbo.import_dimensions('Group', 'class', $MONTH) r ORDER BY 1");
		is($rows, "Pod|0|1|3\nShell|0|1|3", "without classes all is not specified, without figures nothing is ($form)");
	}
	is(sql("SELECT string_agg(DISTINCT value_id, ' ') FROM reefqbo.dimension_actual JOIN reefqbo.model USING (model_id) WHERE name = 'Group'"),
		'unspecified', 'all of it has no tag');
	is(sql('SELECT count(*) FROM reefqbo.dimension_difference JOIN reefqbo.model USING (model_id) WHERE name = $$Group$$'), 0, 'and sums to the whole');
	is(sql("SELECT branch_name, requests FROM reefqbo.dimension_cost('Group', 'class', $MONTH, 'Pod')"), 'Pod|3', 'one branch by itself');
	is(try(call('map_dimension', 'Group', 'class', 'unspecified', 'Pod'))->{sqlstate}, '22023', 'of several companies one must be named to be mapped');
	sql(call('map_dimension', 'Group', 'class', 'unspecified', 'Shell', 'Pod'));
	is(sql("SELECT count(*) FROM reefqbo.dimension_mapping JOIN reefqbo.model USING (model_id) WHERE name = 'Group'"), 1, 'by its branch');
	sql(call('map_dimension', 'Group', 'class', 'unspecified', undef, 'Pod'));
	return;
}

# Who sees what.
sub test_access
{
	sql(q{CREATE ROLE reading LOGIN; CREATE ROLE stranger LOGIN;});
	sql(call('grant_access', 'reading', 'reader', 'Reef'));
	sql(call('create_model', 'Other'));
	sql(call('grant_access', 'stranger', 'reader', 'Other'));
	is(try('SET ROLE reading; ' . import_by('class', $MONTH))->{sqlstate}, '42501', 'a reader may not import');
	is(try('SET ROLE reading; ' . call('map_dimension', 'Reef', 'class', 'unspecified', 'Shops'))->{sqlstate}, '42501', 'nor map');
	is(try('SET ROLE reading; ' . call('dimension_cost', 'Reef', 'class', \$MONTH))->{sqlstate}, 'none', 'but ask what it costs');
	cmp_ok(sql('SET ROLE reading; SELECT count(*) FROM reefqbo.dimension_actual'), '>', 0, 'and see the parts of its model');
	cmp_ok(sql('SET ROLE reading; SELECT count(*) FROM reefqbo.dimension_difference'), '>', 0, 'and which are old');
	is(sql('SET ROLE stranger; SELECT (SELECT count(*) FROM reefqbo.dimension_actual) + (SELECT count(*) FROM reefqbo.dimension_value)'
			. ' + (SELECT count(*) FROM reefqbo.dimension_month) + (SELECT count(*) FROM reefqbo.dimension_mapping)'
			. ' + (SELECT count(*) FROM reefqbo.dimension_difference)'), 0, 'one of another model sees none');
	is(try('SET ROLE stranger; ' . call('dimension_cost', 'Reef', 'class', \$MONTH))->{sqlstate}, '42704', 'and learns of no such model');
	return;
}

sub test_forget
{
	sql(call('forget_company', 'Reef'));
	sql(call('forget_company', 'Group', $_)) foreach qw(Pod Shell);
	is(sql(join ' + ', 'SELECT (SELECT count(*) FROM reefqbo.dimension_actual)', map { "(SELECT count(*) FROM reefqbo.dimension_$_)" } qw(value month mapping)),
		0, 'a company that is forgotten leaves nothing of it');
	return;
}

$node->connect_company('Reef', 'sim-production', 'reef');
test_arguments();
sql(call('import_actuals', 'Reef', \$RANGE, $_)) foreach qw(Accrual Cash);
test_cost($_) foreach qw(class department);
test_values();
sql(import_by($_, $RANGE, 'Cash')) foreach qw(class department);
foreach my $dimension (qw(class department))
{
	test_parts($dimension, $_) foreach qw(Accrual Cash);
}
test_retagging();
test_shapes();
test_refusals();
test_stale_figure();
test_inactive();
test_gone();
test_untagged();
test_mapping();
test_access();
test_forget();
$node->stop;

done_testing();
