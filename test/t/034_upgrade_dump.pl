# A dump carries everything, and nothing of it is worth anything without the
# key: all rows, sequences and sealed values survive pg_dump in each format, and
# the restored database goes on where the dumped one was.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;

my $MONTH = q{'2026-09-01', '2026-09-30'};
my $YEAR = q{'2025-10-01', '2026-09-30'};

# For each format a company of its own: a refresh token that was used in one
# restored database is of no use in another.
my %FORMAT = (
	plain => { company => 'pod-1', options => [] },
	inserts => { company => 'pod-2', options => ['--inserts'] },
	custom => { company => 'pod-3', options => ['--format=custom'] });

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('dump', $intuit);

sub tables
{
	my ($database) = @_;
	return split /\n/, sql_in($database, q{SELECT relname FROM pg_class WHERE relnamespace = 'reefqbo'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1});
}

sub sequences
{
	my ($database) = @_;
	return split /\n/, sql_in($database, q{SELECT relname FROM pg_class WHERE relnamespace = 'reefqbo'::regnamespace AND relkind = 'S' ORDER BY 1});
}

sub contents
{
	my ($database) = @_;
	my %contents;

	$contents{$_} = sql_in($database, "SELECT count(*), md5(string_agg(t::text, ';' ORDER BY t::text)) FROM reefqbo.$_ t") foreach tables($database);
	$contents{$_} = sql_in($database, "SELECT last_value, is_called FROM reefqbo.$_") foreach sequences($database);
	return \%contents;
}

# Something in every table: a group, a company whose chart has levels, figures
# of two methods, a restatement, a failed import, a disconnected company and a
# sign-in under way.
sub fill
{
	$node->connect_company('Reef', 'sim-production', 'reef');
	$node->connect_company($_, 'sim-production', $FORMAT{$_}{company}, 'Store') foreach sort keys %FORMAT;
	sql(call('create_branch', 'plain', 'Shelf', 'Store'));
	sql(call('import_actuals', 'Reef', \$YEAR));
	sql(call('import_actuals', $_, \$MONTH, 'Cash')) foreach sort keys %FORMAT;
	map_accounts();
	restate();
	$node->connect_company('Gone', 'sim-sandbox', 'sandy');
	sql(call('import_accounts', 'Gone'));
	sql(call('disconnect', 'Gone'));
	$node->sqlstate_of(call('import_accounts', 'Gone'));
	sql(q{SELECT reefqbo._count_removed_calls(ARRAY[model_id], '{GET}', '{200}', '{120}') FROM reefqbo.model WHERE name = 'Reef'});
	sql(call('register_webhook', 'sim-production', 'a-verifier-token'));
	sql(call('request_refresh', 'Reef'));
	sql('CREATE ROLE all_seeing; CREATE ROLE of_reef');
	sql(call('grant_access', 'all_seeing', 'reader'));
	sql(call('grant_access', 'of_reef', 'operator', 'Reef'));
	return sql(call('reconnect', 'Reef'));
}

# What the model is made of: mapped accounts, a variable with a name of its own, a template, classes that feed a
# branch, the lines behind a figure, and what a group states.
sub map_accounts
{
	my ($rent) = grep { $_->{fully_qualified_name} eq 'Rent' } @{ $intuit->admin('accounts', { company => 'reef' })->{accounts} };

	sql(call('create_branch', 'Reef', 'Shop'));
	sql(q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Reef')});
	sql("UPDATE reefqbo.mapping SET category = 'Premises', subcategory = NULL, branch = 'Shop' WHERE account_id = '$rent->{id}' AND model = 'Reef'");
	sql("UPDATE reefqbo.variable SET name = 'What the shop costs' WHERE account_id = '$rent->{id}'");
	sql(call('save_mapping_template', 'Reef', 'Dive shops'));
	sql(call('import_dimensions', 'Reef', 'class', \$MONTH));
	sql(q{SELECT reefqbo.map_dimension('Reef', 'class', value_id, 'Shop') FROM reefqbo.dimension_value WHERE name = 'Shop'});
	sql("SELECT count(*) FROM reefqbo.ledger_lines('Reef', '$rent->{id}', '2026-09-01', keep => true)");
	sql(q{SELECT FROM reefqbo.tie_out('Reef')});
	sql(call('set_currency', 'Reef', 'USD'));
	sql(q{SELECT reefqbo.set_rate('Reef', 'EUR', '2026-09-01', 1.17, 1.165)});
	sql(q{INSERT INTO reefqbo.elimination (model_id, branch_id, month, amount, debit_type, debit_category, credit_type, credit_category)
	                  SELECT model_id, branch_id, '2026-09-01', 1.23, 'Revenue', 'Income', 'Opex', 'Expenses' FROM reefqbo.branch WHERE name = 'Shop'});
	sql(q{SELECT reefqbo.set_ownership('Reef', 'Reef', '2026-01-01', 80)});
	sql(q{SELECT reefqbo.set_historical_rate('Reef', 'Reef', '2026-01-01', 1.1, 'EUR')});
	sql(q{INSERT INTO reefqbo.adjustment (model_id, connection_id, branch_id, month, amount, debit_type, debit_category, credit_type, credit_category)
	                  SELECT c.model_id, c.connection_id, c.branch_id, '2026-01-01', 1.23, 'Asset', 'Goodwill', 'Equity', 'Acquired' FROM reefqbo.connection c JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Reef'});
	sql(q{INSERT INTO reefqbo.unsettled_month (model_id, connection_id, accounting_method, period_start, reason, period_end, import_id)
	        SELECT model_id, connection_id, 'Accrual', '2026-09-01', 'reclassified', '2026-09-30', max(import_id) FROM reefqbo.import_log GROUP BY 1, 2});
	sql(q{INSERT INTO reefqbo.withdrawn_month (model_id, connection_id, statement, accounting_method, period_start, period_end, known_since, import_id)
	                  SELECT model_id, connection_id, statement, accounting_method, '2027-01-01', '2027-01-31', known_since, import_id FROM reefqbo.imported_month LIMIT 1});
	sql(q{INSERT INTO reefqbo.closed_period (model_id, month, note, closed_at, closed_by, digest)
	                  SELECT model_id, '2026-08-01', 'of August', now(), current_user, sha256('') FROM reefqbo.model});
	sql(q{INSERT INTO reefqbo.closed_figure (model_id, closing_id, accounting_method, statement, lines, line, label, currency, amount)
	                  SELECT model_id, closing_id, 'Accrual', 'balance_sheet', 'account', 1, 'Total Assets', 'USD', 1.23 FROM reefqbo.closed_period});
	# what others have written before
	sql(q{BEGIN; CREATE TEMP TABLE old ON COMMIT DROP AS SELECT * FROM reefqbo.elimination;
		UPDATE old SET stated_by = 'of_reef', stated_at = '2026-02-03'; DELETE FROM reefqbo.elimination;
		INSERT INTO reefqbo.elimination OVERRIDING SYSTEM VALUE SELECT * FROM old; COMMIT});
	sql(q{BEGIN; CREATE TEMP TABLE old ON COMMIT DROP AS SELECT * FROM reefqbo.account_mapping;
		UPDATE old SET mapped_by = 'of_reef', mapped_at = '2026-02-03'; DELETE FROM reefqbo.account_mapping;
		INSERT INTO reefqbo.account_mapping SELECT * FROM old; COMMIT});
	is(sql(q{SELECT DISTINCT mapped_by, mapped_at::date FROM reefqbo.account_mapping}), 'of_reef|2026-02-03', 'others have mapped');
	return;
}

# An account that is renamed and given a number later comes to stand, in the
# table, behind those below it.
sub restate
{
	my @accounts = @{ $intuit->admin('accounts', { company => 'reef' })->{accounts} };
	my %is_parent = map { $_->{parent} => 1 } grep { defined $_->{parent} } @accounts;
	my ($expense) = grep { $_->{type} eq 'Expense' && $_->{active} } @accounts;
	my ($bank) = grep { $_->{type} eq 'Bank' && $_->{active} } @accounts;

	$intuit->admin('rename', { company => 'reef', account => $_->{id}, name => "$_->{name} (renamed)" }) foreach grep { $is_parent{ $_->{id} } && $_->{active} } @accounts;
	$intuit->admin('post', { company => 'reef', date => '2026-08-15', type => 'JournalEntry',
		lines => [ { account => $expense->{id}, amount => '12.34' }, { account => $bank->{id}, amount => '-12.34' } ] });
	sql(call('refresh', 'Reef'));
	return;
}

sub dump_file { return $node->basedir . "/$_[0].dump" }

sub test_dump
{
	foreach my $format (sort keys %FORMAT)
	{
		my ($out, $err) = run_command([ 'pg_dump', @{ $FORMAT{$format}{options} }, '-f', dump_file($format), '-d', $node->connstr('postgres') ]);
		is($err, '', "$format: a dump is made, and pg_dump warns of nothing");
	}
	my $text = slurp_file(dump_file('plain'));
	unlike($text, qr/CREATE TABLE reefqbo\./, 'a dump makes the extension, not its tables');
	is(scalar(() = $text =~ /CREATE EXTENSION/g), 2 + ($text =~ /CREATE EXTENSION IF NOT EXISTS plpgsql/ ? 1 : 0), 'with pgcrypto');
	return;
}

sub restore
{
	my ($format) = @_;
	my $database = "restored_$format";
	my @restore = $format eq 'custom'
	  ? ('pg_restore', '--exit-on-error', '-d', $node->connstr($database), dump_file($format))
	  : ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database), '-f', dump_file($format));

	sql("CREATE DATABASE $database TEMPLATE template0");
	command_ok(\@restore, "$format: and restored without an error");
	sql_in($database, call('finish_restore'));
	return $database;
}

sub test_contents
{
	my ($format, $database, $before) = @_;
	my $after = contents($database);

	is_deeply($after, $before, "$format: every row and every sequence is as it was");
	is(sql_in($database, 'SELECT count(*) FROM reefqbo.environment WHERE is_builtin'), 2, "$format: what the extension makes itself is there once");
	return;
}

sub test_goes_on
{
	my ($format, $database) = @_;
	my $model = $format;

	sql_in($database, 'UPDATE reefqbo.credential SET access_expires_at = now()');
	my $error = $node->sqlstate_of(q{SET reefqbo.key_file = ''; } . call('refresh', $model), dbname => $database);
	is($error->{sqlstate}, 'RQ010', "$format: without the key nothing can be done with it");
	my $other = $node->make_key_file($node->basedir . "/other_$format.key");
	$error = $node->sqlstate_of("SET reefqbo.key_file = '$other'; " . call('refresh', $model), dbname => $database);
	is($error->{sqlstate}, 'RQ010', "$format: nor with another");

	$error = $node->sqlstate_of(call('refresh', $model), dbname => $database);
	is($error && "$error->{sqlstate} $error->{message}", undef, "$format: with the key the grant is refreshed, and the figures with it");
	is(sql_in($database, "SELECT status FROM reefqbo.connection_status WHERE model = '$model'"), 'connected', "$format: the connection lives");
	is(sql_in($database, 'SELECT c.generation FROM reefqbo.credential c JOIN reefqbo.connection_status s USING (connection_id) WHERE s.model = ' . quote($model)),
		2, "$format: with a new pair of tokens");
	return;
}

# Mapping, series and past figures are what they were, and a variable is not made twice.
my @MODEL = (
	mapping => q{SELECT * FROM reefqbo.mapping},
	series => q{SELECT * FROM reefqbo.series_value},
	statement => q{SELECT * FROM reefqbo.statement('Reef', 'profit_and_loss', '2025-10-01', '2026-09-30', 'quarter', 'category')},
	history => q{SELECT * FROM reefqbo.actuals_as_of('Reef', (SELECT min(restated_at) - interval '1 microsecond' FROM reefqbo.restatement))});

sub model_layer
{
	my ($database) = @_;
	my %layer = @MODEL;

	return { map { ($_ => sql_in($database, "SELECT count(*), md5(string_agg(t::text, ';' ORDER BY t::text)) FROM ($layer{$_}) t")) } keys %layer };
}

sub test_model
{
	my ($format, $database, $before) = @_;
	my $variables = q{SELECT count(*), max(variable_id) FROM reefqbo.variable};
	my $made = sql_in($database, $variables);

	is_deeply(model_layer($database), $before, "$format: mapping, series, statements and the past are as they were");
	sql_in($database, q{DELETE FROM reefqbo.mapping WHERE variable_type = 'Opex'});
	sql_in($database, q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Reef', NULL, 'Dive shops')});
	is(sql_in($database, $variables), $made, "$format: what is mapped again has its variable");
	is(sql_in($database, q{SELECT p.category, b.name FROM reefqbo.variable v JOIN reefqbo.account_mapping p USING (model_id, variable_id) JOIN reefqbo.branch b USING (model_id, branch_id)
	                    WHERE v.name = 'What the shop costs'}), 'Premises|Shop', "$format: and the template what it held");
	sql_in($database, qq{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('$format')});
	is(sql_in($database, q{SELECT count(*) FROM (SELECT 1 FROM reefqbo.variable GROUP BY variable_id HAVING count(*) > 1) d}), 0, "$format: new variables have new numbers");
	return;
}

# What a role may see and do, it may in the restored database.
sub test_access
{
	my ($format, $database) = @_;
	my $seen = sub { sql_in($_[0], "SET ROLE $_[1]; SELECT string_agg(DISTINCT name, ' ' ORDER BY name) FROM reefqbo.model JOIN reefqbo.actual USING (model_id)") };

	is($seen->($database, 'all_seeing'), $seen->('postgres', 'all_seeing'), "$format: all_seeing sees the models it saw");
	is($seen->($database, 'of_reef'), $seen->('postgres', 'of_reef'), "$format: of_reef sees the models it saw");
	is($seen->($database, 'of_reef'), 'Reef', "$format: row-level security is in force");
	my $error = $node->sqlstate_of('SET ROLE of_reef; ' . call('disconnect', 'plain'), dbname => $database);
	is($error->{sqlstate}, '42704', "$format: for functions as well");
	sql_in($database, call('grant_access', 'of_reef', 'reader', 'plain'));
	is($seen->($database, 'of_reef'), 'Reef plain', "$format: and access can be given");
	return;
}

# New rows must not meet the old ones.
sub test_new_rows
{
	my ($format, $database) = @_;

	is(sql_in($database, q{SELECT reefqbo.create_model('New') > max(model_id) FROM reefqbo.model}), 't', "$format: a new model has a new number");
	is(sql_in($database, q{SELECT reefqbo.create_environment('New', true, 'https://a.example', 'https://a.example', 'https://a.example', 'https://a.example')
	                         > max(environment_id) FROM reefqbo.environment}), 't', "$format: and so has a new environment");
	return;
}

# A sign-in that was under way when the dump was made.
sub test_sign_in_under_way
{
	my ($database, $address) = @_;
	my $back = $intuit->browse($address, company => 'reef');

	is(sql_in($database, 'SELECT company, status FROM reefqbo.complete_connection(' . quote($back) . ')'), 'Reef Trading Ltd|connected',
		'a sign-in begun before the dump can end after it');
	return;
}

my $address = fill();
my $before = contents('postgres');
my $layer = model_layer('postgres');
# but in those of a restore under way (038), of keys that somebody's lock has kept out (097), and of webhooks that wait (098)
my %passing = map { $_ => 1 } qw(_expected _left_out _key_to_come _webhook_seen webhook_event);
foreach my $table (grep { !$passing{$_} } tables('postgres'))
{
	cmp_ok((split /\|/, $before->{$table})[0], '>', 0, "there is something in $table to be dumped");
}
test_dump();
foreach my $format (sort keys %FORMAT)
{
	my $database = restore($format);
	test_contents($format, $database, $before);
	test_model($format, $database, $layer);
	test_goes_on($format, $database);
	test_new_rows($format, $database);
	test_access($format, $database);
	test_sign_in_under_way($database, $address) if $format eq 'plain';
}
is_deeply(contents('postgres'), $before, 'the database that was dumped is as it was');
$node->stop;

done_testing();
