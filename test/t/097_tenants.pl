# Models as an application's tenants: another name, another place in the tree, the end of one with all that belongs to
# it; what QuickBooks says of a company, and the currency of each amount; and foreign keys of the application's own
# tables, which stand in nobody's way but that of who removes what they refer to.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;

my ($FIRST, $LAST) = ('2026-09-01', '2026-10-31');

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('tenants', $intuit);

sub as { return sql("SET SESSION AUTHORIZATION $_[0]; $_[1]") }

sub error_as { return try("SET SESSION AUTHORIZATION $_[0];\n$_[1]") }

# What a query prints, and what it is told besides.
sub told
{
	my (undef, $out, $err) = $node->psql('postgres', $_[0]);

	return ($out, $err);
}

sub rows_of_model
{
	my ($model_id) = @_;

	return join ' ', grep { !/ 0$/ } map { "$_ " . sql("SELECT count(*) FROM $_ WHERE model_id = $model_id") } split /\n/,
	  sql(q{SELECT c.oid::regclass FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'model_id' AND NOT a.attisdropped
	    WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind = 'r' ORDER BY c.relname});
}

# ---- companies and currencies ----

# As the simulator's catalogue has them.
sub test_company
{
	is(as('a_reader', q{SELECT name, country, home_currency, multicurrency, fiscal_year_start_month, book_close_date, report_basis, environment, is_sandbox, status FROM reefqbo.company WHERE model = 'Isle'}),
		'Islet Supplies Ltd|GB|GBP|t|4|2026-03-31|Accrual|sim-production|f|connected', 'a reader sees what QuickBooks says of a company');
	is(as('a_reader', q{SELECT string_agg(model || ' ' || home_currency, ', ' ORDER BY model) FROM reefqbo.company}), 'Corail EUR, Isle GBP', 'of each that is connected');
	is(as('isle_reader', q{SELECT string_agg(model, ', ') FROM reefqbo.company}), 'Isle', 'and a reader of one model of that alone');
	is(error_as('a_monitor', q{SELECT count(*) FROM reefqbo.company})->{sqlstate}, '42501', 'and a monitor none');
	return;
}

# Whatever returns an amount says of which currency, each of its own company.
sub test_currency
{
	my %query = (
		actual => 'SELECT currency FROM reefqbo.actual WHERE model_id = %2$d',
		profit_and_loss => q{SELECT currency FROM reefqbo.profit_and_loss('%1$s', '-infinity', 'infinity')},
		balance_sheet => q{SELECT currency FROM reefqbo.balance_sheet('%1$s', '-infinity', 'infinity')},
		statement => qq{SELECT currency FROM reefqbo.statement('%1\$s', 'profit_and_loss', '$FIRST', '$LAST')},
		trial_balance => qq{SELECT currency FROM reefqbo.trial_balance('%1\$s', '$LAST')},
		actuals_as_of => q{SELECT currency FROM reefqbo.actuals_as_of('%1$s', now())},
		tie_out_check => 'SELECT currency FROM reefqbo.tie_out_check WHERE model_id = %2$d',
		tie_out => q{SELECT currency FROM reefqbo.tie_out('%1$s')},
		ledger_lines => qq{SELECT l.currency FROM (SELECT account_id FROM reefqbo.actual WHERE model_id = %2\$d AND statement = 'balance_sheet' AND amount <> 0 AND account_id !~ ':' LIMIT 1) a, reefqbo.ledger_lines('%1\$s', a.account_id, '$FIRST') l},
		unmapped_account => 'SELECT currency FROM reefqbo.unmapped_account WHERE model_id = %2$d');

	foreach my $model (['Isle', 'GBP'], ['Corail', 'EUR'])
	{
		my $id = sql("SELECT model_id FROM reefqbo.model WHERE name = '$model->[0]'");
		foreach my $what (sort keys %query)
		{
			is(as('an_operator', "SELECT string_agg(DISTINCT currency, ' '), count(*) > 0 FROM (" . sprintf($query{$what}, $model->[0], $id) . ') q'), "$model->[1]|t", "$model->[0]: $what says of which currency its amounts are");
		}
	}
	is(sql(<<'END'), '', 'there is no other function or view that returns amounts without one');
SELECT o.name FROM (
    SELECT c.relname AS name, array_agg(a.attname::text) AS columns, bool_or(a.atttypid = 'numeric'::regtype) AS has_amounts
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind = 'v' AND has_any_column_privilege('reefqbo_admin', c.oid, 'SELECT') GROUP BY c.relname
    UNION ALL
    SELECT p.proname, p.proargnames, 'numeric'::regtype = ANY (p.proallargtypes[p.pronargs + 1:])
    FROM pg_proc p WHERE p.pronamespace = 'reefqbo'::regnamespace AND p.proname !~ '^_' AND p.proallargtypes IS NOT NULL) o
WHERE o.has_amounts AND NOT o.columns && '{currency,from_currency}'
  -- a report's own text, which has no company; an import's speed; seconds; shares of time
  AND o.name NOT IN ('report_cells', 'import_progress', 'import_accounts', 'import_actuals', 'import_dimensions', 'refresh', 'metrics')
END
	return;
}

# ---- names, titles and places ----

sub test_names
{
	my $before = sql(q{SELECT model_id, connection_id FROM reefqbo.company WHERE model = 'Isle'});

	sql(q{SELECT reefqbo.set_title('Isle', 'The Isle of Wight')});
	as('an_operator', q{SELECT reefqbo.rename_model('Isle', 'tenant-4711')});
	is(sql(q{SELECT model_id, connection_id FROM reefqbo.company WHERE model = 'tenant-4711' AND branch = 'tenant-4711'}), $before, 'a model has another name, its root branch too, and nothing else has changed');
	is(try(q{SELECT reefqbo.refresh('Isle')})->{sqlstate}, '42704', 'the old name is nobody\'s');
	is(as('isle_reader', 'SELECT name, title FROM reefqbo.model'), 'tenant-4711|The Isle of Wight', 'who could see it can');
	is(sql(q{SELECT model, title FROM reefqbo.connection_status WHERE title <> model}), 'tenant-4711|The Isle of Wight', 'and so does the status');
	is(try(q{SELECT reefqbo.rename_model('tenant-4711', 'Corail')})->{sqlstate}, '42710', 'no two models have one name');
	is(try(q{SELECT reefqbo.rename_model('tenant-4711', '')})->{sqlstate}, '22023', 'or none');
	is(try(q{SELECT reefqbo.set_title('tenant-4711', E'a\nb')})->{sqlstate}, '22023', 'a title is one line');
	is(error_as('isle_operator', q{SELECT reefqbo.rename_model('tenant-4711', 'Isle')})->{sqlstate}, '42501', 'who has one model does not learn by renaming which others there are');
	as('isle_operator', q{SELECT reefqbo.create_branch('tenant-4711', 'Shop'), reefqbo.create_branch('tenant-4711', 'Till', 'Shop'), reefqbo.create_branch('tenant-4711', 'East')});
	as('isle_operator', q{SELECT reefqbo.rename_branch('tenant-4711', 'Shop', 'Store'), reefqbo.set_branch('tenant-4711', 'Store', parent => 'East')});
	is(sql(q{SELECT string_agg(b.name || ' under ' || p.name, ', ' ORDER BY b.name) FROM reefqbo.branch b JOIN reefqbo.branch p ON p.model_id = b.model_id AND p.branch_id = b.parent_branch_id JOIN reefqbo.model m ON m.model_id = b.model_id WHERE m.name = 'tenant-4711'}),
		'East under tenant-4711, Store under East, Till under Store', 'a branch is renamed, and moved with all below it');
	is(try(q{SELECT reefqbo.set_branch('tenant-4711', 'East', parent => 'Till')})->{sqlstate}, '22023', 'not under one below it');
	is(try(q{SELECT reefqbo.set_branch('tenant-4711', 'tenant-4711', parent => 'East')})->{sqlstate}, '22023', 'and the root nowhere');
	like((told(q{SELECT reefqbo.connect('tenant-4711', 'sim-production', 'East')}))[1], qr/for branch "East" of model "The Isle of Wight"/, 'messages show the title');
	is(try(q{SELECT reefqbo.rename_branch('tenant-4711', 'Till', 'East')})->{sqlstate}, '42710', 'no two branches have one name');
	is(try(q{SELECT reefqbo.set_branch('tenant-4711', 'East')})->{sqlstate}, '22004', 'something must be said');
	return;
}

# Two moves that would make a circle between them.
sub test_two_moves
{
	my ($one, $two) = map { $node->background_psql('postgres', on_error_stop => 0) } 1, 2;

	sql(q{SELECT reefqbo.set_branch('tenant-4711', 'Store', parent => 'tenant-4711')});
	$one->query_safe(q{BEGIN; SELECT reefqbo.set_branch('tenant-4711', 'Store', parent => 'East')});
	$two->{stdin} .= qq{SELECT reefqbo.set_branch('tenant-4711', 'East', parent => 'Store');\n};
	$two->{run}->pump_nb;
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'set_branch'}) or die 'the second does not wait';
	$one->query_safe('COMMIT');
	$_->quit foreach $one, $two;
	is(sql(q{SELECT p.name FROM reefqbo.branch b JOIN reefqbo.branch p ON p.model_id = b.model_id AND p.branch_id = b.parent_branch_id WHERE b.name = 'East'}), 'tenant-4711', 'of two moves that would make a circle the second changes nothing');
	return;
}

# ---- foreign keys of the application ----

my $NOTE = 'CREATE TABLE app.note (note text, model_id bigint NOT NULL REFERENCES reefqbo.model_key, branch_id bigint, connection_id bigint, account_id text COLLATE "C",'
	. ' FOREIGN KEY (model_id, branch_id) REFERENCES reefqbo.branch_key, FOREIGN KEY (model_id, connection_id, account_id) REFERENCES reefqbo.account_key)';

sub test_keys
{
	sql('CREATE SCHEMA app; GRANT ALL ON SCHEMA app TO an_operator, isle_operator');
	is(error_as('isle_operator', $NOTE)->{sqlstate}, '42501', 'an operator of one model cannot put a key in the way of others');
	as('an_operator', $NOTE);
	is(sql('SELECT (SELECT count(*) FROM reefqbo.model_key) - (SELECT count(*) FROM reefqbo.model), (SELECT count(*) FROM reefqbo.branch_key) - (SELECT count(*) FROM reefqbo.branch), (SELECT count(*) FROM reefqbo.account_key) - (SELECT count(*) FROM reefqbo.account)'), '0|0|0', 'there is a key for each model, branch and account');
	as('an_operator', q{INSERT INTO app.note SELECT 'about an account', model_id, NULL, connection_id, account_id FROM reefqbo.account WHERE account_id = (SELECT min(account_id) FROM reefqbo.account WHERE account_id !~ ':')});
	is(error_as('an_operator', q{INSERT INTO app.note SELECT 'x', model_id, NULL, connection_id, 'no such' FROM reefqbo.account})->{sqlstate}, '23503', 'and for nothing else');
	return;
}

# What is locked by who makes and drops foreign keys, and what others do meanwhile.
sub test_locks_of_keys
{
	my $open = $node->background_psql('postgres', on_error_die => 1);

	$open->query_safe('SET SESSION AUTHORIZATION an_operator; BEGIN; CREATE TABLE app.other (LIKE app.note); ALTER TABLE app.other ADD FOREIGN KEY (model_id) REFERENCES reefqbo.model_key; DROP TABLE app.note;');
	is(sql(q{SELECT string_agg(DISTINCT relation::regclass::text, ' ' ORDER BY relation::regclass::text) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
	    WHERE c.relnamespace = 'reefqbo'::regnamespace AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')}),
		'reefqbo.account_key reefqbo.branch_key reefqbo.model_key', 'who makes or drops a foreign key locks keys, and no more');
	is(sqlstate(q{SET lock_timeout = '5s'; SELECT reefqbo.create_model('Meanwhile'), reefqbo.create_branch('Meanwhile', 'Below')}), 'none', 'models and branches are made meanwhile');
	$node->connect_company('Meanwhile', 'sim-production', 'pod-1');
	is(sqlstate(qq{SET lock_timeout = '5s'; SELECT FROM reefqbo.import_actuals('Meanwhile', '$FIRST', '$LAST')}), 'none', 'and accounts and figures are imported');
	is(sqlstate(q{SET lock_timeout = '5s'; SET SESSION AUTHORIZATION a_reader; SELECT count(*) FROM reefqbo.account; SELECT count(*) FROM reefqbo.profit_and_loss('Corail', '-infinity', 'infinity')}), 'none', 'and read');
	is(sql(q{SELECT count(*) FROM reefqbo._key_to_come}), '3', 'their keys are to come');
	$open->query_safe('ROLLBACK;');
	$open->quit;
	sql('SELECT reefqbo._write_late_keys()');
	is(sql('SELECT (SELECT count(*) FROM reefqbo.model_key) - (SELECT count(*) FROM reefqbo.model), (SELECT count(*) FROM reefqbo.branch_key) - (SELECT count(*) FROM reefqbo.branch), (SELECT count(*) FROM reefqbo.account_key) - (SELECT count(*) FROM reefqbo.account), (SELECT count(*) FROM reefqbo._key_to_come)'), '0|0|0|0', 'and come when the lock is gone');
	return;
}

# A row that refers to an account is locked with its key; the account is not.
sub test_rows_of_keys
{
	my $open = $node->background_psql('postgres', on_error_die => 1);

	$open->query_safe(q{BEGIN; INSERT INTO app.note SELECT 'x', model_id, NULL, connection_id, account_id FROM reefqbo.account});
	is(sqlstate(q{SET lock_timeout = '5s'; SELECT FROM reefqbo.refresh('Corail', whole => true)}), 'none', 'while rows that refer to its accounts are written, a company is refreshed');
	$open->query_safe('ROLLBACK');
	$open->quit;
	return;
}

sub test_forget
{
	my $error = error_as('an_admin', q{SELECT reefqbo.forget_company('Corail')});

	is($error->{sqlstate}, '23503', 'a company that the application refers to is not forgotten');
	is($error->{message}, '"Corail et Fils SARL" cannot be removed, since foreign keys refer to it', 'so it says');
	like($error->{detail}, qr/^1 rows of app\.note by foreign key note_model_id_connection_id_account_id_fkey, whose owner is an_operator\.$/, 'and whose they are');
	is(sql(q{SELECT status FROM reefqbo.connection_status WHERE model = 'Corail'}), 'connected', 'it stays connected');
	is(scalar(grep { $_->{endpoint} eq 'revoke' } @{ $intuit->admin('log')->{log} }), 0, 'and Intuit is asked nothing');
	is(error_as('an_admin', q{SELECT reefqbo.replace_company('Corail')})->{sqlstate}, '23503', 'nor is another put in its place');
	is(error_as('an_admin', q{SELECT reefqbo.delete_model('Corail', 'Corail')})->{detail}, $error->{detail} =~ s/\.$/; /r . '1 rows of app.note by foreign key note_model_id_fkey, whose owner is an_operator.', 'nor is the model deleted');
	as('an_operator', 'ALTER TABLE app.note DROP CONSTRAINT note_model_id_connection_id_account_id_fkey, ADD FOREIGN KEY (model_id, connection_id, account_id) REFERENCES reefqbo.account_key ON DELETE CASCADE');
	is(as('an_admin', q{SELECT company, revoked FROM reefqbo.forget_company('Corail')}), 'Corail et Fils SARL|t', 'a key that gives way is no obstacle');
	is(sql(q{SELECT count(*) FROM app.note n JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Corail'}), 0, 'its rows go along');
	return;
}

# A table that the owner of the extension may not read.
sub test_unreadable_table
{
	sql('DROP TABLE app.note');
	as('an_operator', 'CREATE TABLE app.hidden (model_id bigint REFERENCES reefqbo.model_key); INSERT INTO app.hidden SELECT model_id FROM reefqbo.model');
	like(error_as('an_admin', q{SELECT reefqbo.delete_model('Corail', 'Corail')})->{detail}, qr/app\.hidden/, 'a key of any table is told');
	as('an_operator', 'DROP TABLE app.hidden');
	return;
}

# ---- the end of a model ----

sub test_delete
{
	my $id = sql(q{SELECT model_id FROM reefqbo.model WHERE name = 'tenant-4711'});

	$node->connect_company('tenant-4711', 'sim-production', 'pod-2', 'East');
	like(rows_of_model($id), qr/reefqbo\.account .*reefqbo\.connection 2 /, 'there is much of a model');
	is(error_as('an_operator', q{SELECT reefqbo.delete_model('tenant-4711', 'tenant-4711')})->{sqlstate}, '42501', 'an operator does not delete it');
	is(error_as('an_admin', q{SELECT reefqbo.delete_model('tenant-4711', 'Tenant-4711')})->{sqlstate}, '22023', 'an admin does not by mistake');
	is(error_as('an_admin', q{SELECT reefqbo.delete_model('tenant-4711', NULL)})->{sqlstate}, '22004', 'nor by half');
	is(error_as('an_admin', q{SELECT reefqbo.delete_model('Nobody', 'Nobody')})->{sqlstate}, '42704', 'nor one that is not there');
	$intuit->admin('log_clear');
	my ($out, $told) = told(q{SET SESSION AUTHORIZATION an_admin; SELECT reefqbo.delete_model('tenant-4711', 'tenant-4711')});
	is($out, 2, 'but when he says its name twice: with two companies');
	is(join(' ', $told =~ /NOTICE:  "(.*?)" is removed: tokens wiped; Intuit has revoked the grant/g), 'Islet Supplies Ltd Pod 2 Ltd', 'of which each is told');
	is(scalar(grep { $_->{endpoint} eq 'revoke' } @{ $intuit->admin('log')->{log} }), 2, 'and revoked');
	like(rows_of_model($id), qr/^reefqbo\.audit \d+$/, 'nothing is left but the evidence');
	is(sql(q{SELECT acting_role, model, detail FROM reefqbo.audit WHERE action = 'model_deleted'}), 'an_admin|tenant-4711|with 2 companies', 'which says so');
	is(sql(q{SELECT count(*) FROM reefqbo.access a WHERE a.model_id <> 0}), 0, 'who had access to it has none');
	is(sql(q{SELECT count(*) FROM pg_auth_members WHERE member = 'isle_reader'::regrole}), 0, 'and is in no group for it');
	is(sql(q{SELECT string_agg(name, ', ' ORDER BY name) FROM reefqbo.model}), 'Corail, Meanwhile', 'others are as they were');
	return;
}

# ---- the run ----

sql("CREATE ROLE $_ LOGIN") foreach qw(a_reader a_monitor an_operator an_admin isle_reader isle_operator);
$intuit->admin('set_company', { company => 'islet', book_close_date => '2026-03-31' });
$node->connect_company('Isle', 'sim-production', 'islet');
$node->connect_company('Corail', 'sim-production', 'corail');
sql("SELECT FROM reefqbo.import_actuals('$_', '$FIRST', '$LAST')") foreach 'Isle', 'Corail';
sql(call('grant_access', @$_)) foreach [ 'a_reader', 'reader' ], [ 'a_monitor', 'monitor' ], [ 'an_operator', 'operator' ], [ 'an_admin', 'admin' ], [ 'isle_reader', 'reader', 'Isle' ], [ 'isle_operator', 'operator', 'Isle' ];
test_company();
test_currency();
test_names();
test_two_moves();
test_keys();
test_locks_of_keys();
test_rows_of_keys();
test_forget();
test_unreadable_table();
test_delete();
$node->stop;

done_testing();
