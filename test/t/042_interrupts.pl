# While QuickBooks does not answer, a worker stands in nobody's way, and whatever ends it takes effect at once.
# What was committed stays, and the next import goes on from there. Tokens alone are waited for, until their request
# has timed out.
#
# "At once" is told from "when the request has timed out", which takes two minutes, or by what is there still: the
# worker that waits for tokens.

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;

my $BEFORE_ANY_TIMEOUT = 60;
my $LONG = 60;

# The processes that a test looks at; one test runs beside the others, in a database of its own.
my $WORKER = q{backend_type = 'reefqbo worker' AND datname <> 'locked'};
my $CALLER = q{application_name = 'caller' AND datname <> 'locked'};

# A year up to the present month.
my ($FIRST, $LAST);

sub read_range
{
	my ($node) = @_;

	($FIRST, $LAST) = split /\|/, $node->safe_psql('postgres', <<'END');
SELECT (m - interval '11 months')::date, (m + interval '1 month')::date - 1 FROM date_trunc('month', current_date) m
END
}

sub import_sql
{
	my ($model) = @_;

	return "SELECT branch_name, months FROM reefqbo.import_actuals('$model', '$FIRST', '$LAST')";
}

# ---- what the ledger says, and what is stored ----

sub truth_holds
{
	my ($node, $intuit, $model, $company, $name) = @_;
	my $expected = ledger_lines($intuit, $company, $FIRST, $LAST);

	die "the ledger of $company is empty" unless length $expected > 1000;
	is(stored_lines($node, $model), $expected, $name);
}

# ---- sessions that run beside this one ----

# Statements are sent one by one.
sub begin_sql
{
	my ($node, $sql, $database) = @_;
	my $session = { out => '', err => '', began => time() };
	local $ENV{PGAPPNAME} = 'caller';

	$session->{run} = IPC::Run::start(
		[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose', '-d', $node->connstr($database // 'postgres'),
			map { ('-c', $_) } split /;\s*/, $sql ],
		'<', \undef, '>', \$session->{out}, '2>', \$session->{err});
	return $session;
}

# Wait for a session's end. Returns what it has printed, or its error's SQLSTATE.
sub end_sql
{
	my ($session) = @_;
	my $deadline = time() + $LONG;

	while ($session->{run}->pumpable && time() < $deadline)
	{
		$session->{run}->pump_nb;
		sleep 0.01;
	}
	$session->{run}->kill_kill if $session->{run}->pumpable;
	$session->{run}->finish;
	chomp $session->{out};
	return $1 if $session->{err} =~ /(?:ERROR|FATAL):  (\w{5}):/;
	return $session->{out};
}

sub workers
{
	my ($node) = @_;

	return $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE $WORKER");
}

# ---- a QuickBooks that does not answer ----

# How to get a worker to wait at each endpoint.
my %JOB = (
	query => sub { return q{SELECT branch_name, months FROM reefqbo.import_accounts('Pod')} },
	report => sub { return import_sql('Pod') },
	token => sub { return import_sql('Pod') });

# Tokens are waited for, so not for long; but for longer than anything else that a test does meanwhile.
my %BRIEFLY = (token => q{SET reefqbo.request_timeout = '8s';});

# Start a job and wait until its request is there and not answered.
sub begin_muted
{
	my ($node, $intuit, $endpoint, %options) = @_;

	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => 'pod-1' }) if $endpoint eq 'token';
	$intuit->admin('fault', { kind => 'mute', endpoint => $endpoint, times => -1 });
	my $session = begin_sql($node, ($options{before} // '') . ($options{sql} // $JOB{$endpoint}->()), $options{database});
	wait_until("$endpoint is asked for",
		sub { return grep { ($_->{fault} // '') eq 'mute' } @{ $intuit->admin('log')->{log} } });
	return $session;
}

sub is_at_once
{
	my ($seconds, $name) = @_;

	note(sprintf('%.2f s', $seconds));
	cmp_ok($seconds, '<', $BEFORE_ANY_TIMEOUT, "$name, long before the request has timed out");
}

# The next import is not hindered by what was cut off, and the log of imports tells of that.
sub recovers
{
	my ($node, $intuit, $name) = @_;

	$intuit->admin('clear_faults');
	my $cut_off = $node->safe_psql('postgres', 'SELECT max(import_id) FROM reefqbo.import_log');
	is(end_sql(begin_sql($node, import_sql('Pod'))), 'Pod|12', "$name: the next import works");
	like($node->safe_psql('postgres', "SELECT status, sqlstate, finished_at IS NOT NULL FROM reefqbo.import_log WHERE import_id = $cut_off"),
		qr/^(?:failed\|57014|interrupted\|)\|t$/, "$name: the log of imports tells of the one before");
	truth_holds($node, $intuit, 'Pod', 'pod-1', "$name: the figures are those of the ledger");
}

# ---- standing in nobody's way ----

sub test_no_transaction
{
	my ($node, $intuit, $endpoint) = @_;
	my $session = begin_muted($node, $intuit, $endpoint, before => $BRIEFLY{$endpoint});

	is($node->safe_psql('postgres', <<"END"), '||', "waiting at $endpoint: the worker is in no transaction and holds back no vacuum");
SELECT xact_start, backend_xmin, backend_xid FROM pg_stat_activity WHERE $WORKER
END
	is($node->safe_psql('postgres', <<"END"), '', "waiting at $endpoint: it holds no lock but those on the connection");
SELECT l.locktype, l.relation::regclass FROM pg_locks l JOIN pg_stat_activity a USING (pid)
 WHERE $WORKER AND l.locktype <> 'advisory'
END
	$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $WORKER");
	end_sql($session);
	wait_until('the worker has gone', sub { return workers($node) == 0 });
	$intuit->admin('clear_faults');
}

# ---- ending a job ----

# While tokens may be on their way, the worker waits for them, though nobody else does any more: only the caller is
# free at once. wait_until has less patience than any request that a worker need not wait for.
sub worker_ends
{
	my ($node, $endpoint, $name) = @_;

	is(workers($node), 1, "$name: the worker waits still") if $endpoint eq 'token';
	wait_until('the worker has gone', sub { return workers($node) == 0 });
	pass("$name: the worker ends");
}

sub test_end_of_caller
{
	my ($node, $intuit, $endpoint, $function, $expected) = @_;
	my $session = begin_muted($node, $intuit, $endpoint, before => $BRIEFLY{$endpoint});
	my $name = "$function of the caller, waiting at $endpoint";
	my $began = time();

	$node->safe_psql('postgres', "SELECT $function(pid) FROM pg_stat_activity WHERE $CALLER");
	is(end_sql($session), $expected, "$name: it is told");
	is_at_once(time() - $began, $name);
	worker_ends($node, $endpoint, $name);
	recovers($node, $intuit, $name);
}

sub test_statement_timeout
{
	my ($node, $intuit, $endpoint) = @_;
	my $session = begin_muted($node, $intuit, $endpoint,
		before => ($BRIEFLY{$endpoint} // '') . q{SET statement_timeout = '3s';});
	my $name = "statement_timeout of the caller, waiting at $endpoint";

	is(end_sql($session), '57014', "$name: it is told");
	is_at_once(time() - $session->{began} - 3, $name);
	worker_ends($node, $endpoint, $name);
	recovers($node, $intuit, $name);
}

sub test_end_of_worker
{
	my ($node, $intuit, $endpoint) = @_;
	my $session = begin_muted($node, $intuit, $endpoint, before => $BRIEFLY{$endpoint});
	my $name = "pg_terminate_backend of the worker, waiting at $endpoint";
	my $began = time();

	$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $WORKER");
	is(end_sql($session), '57P01', "$name: the caller is told");
	is_at_once(time() - $began, $name) if $endpoint ne 'token';
	is(workers($node), 0, "$name: it has gone");
	recovers($node, $intuit, $name);
}

sub test_shutdown
{
	my ($node, $intuit, $endpoint) = @_;
	my $session = begin_muted($node, $intuit, $endpoint, before => $BRIEFLY{$endpoint});
	my $began = time();

	$node->stop('fast');
	is_at_once(time() - $began, "a fast shutdown of the server, waiting at $endpoint") if $endpoint ne 'token';
	end_sql($session);
	$node->start;
	recovers($node, $intuit, "a fast shutdown, waiting at $endpoint");
}

# ---- DROP in another session ----

sub test_drop_other_database
{
	my ($node, $intuit) = @_;

	$node->safe_psql('postgres', 'CREATE DATABASE other');
	my $session = begin_muted($node, $intuit, 'report');
	my $began = time();
	$node->safe_psql('postgres', 'DROP DATABASE other');
	is_at_once(time() - $began, 'DROP DATABASE of another database');
	is(workers($node), 1, 'which the worker survives');
	$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE $CALLER");
	end_sql($session);
	recovers($node, $intuit, 'DROP DATABASE');
}

# A model in another database, connected to a company.
sub connect_in
{
	my ($node, $intuit, $database, $model, $company) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->install_reefqbo($database);
	$node->safe_psql($database, "SELECT reefqbo.create_model('$model')");
	my $address = $node->safe_psql($database, "SELECT reefqbo.connect('$model', 'sim-production')");
	$node->safe_psql($database, 'SELECT reefqbo.complete_connection(' . quote($intuit->browse($address, company => $company)) . ')');
}

sub test_drop_own_database
{
	my ($node, $intuit) = @_;

	connect_in($node, $intuit, 'mine', 'Pod', 'pod-2');
	my $session = begin_muted($node, $intuit, 'report', database => 'mine');
	my $began = time();
	$node->safe_psql('postgres', 'DROP DATABASE mine WITH (FORCE)');
	is_at_once(time() - $began, 'DROP DATABASE of its own database, by force');
	end_sql($session);
	is(workers($node), 0, 'ends the worker');
	$intuit->admin('clear_faults');
}

sub test_drop_extension
{
	my ($node, $intuit) = @_;

	connect_in($node, $intuit, 'bare', 'Pod', 'pod-2');
	my $session = begin_muted($node, $intuit, 'report', database => 'bare',
		before => q{SET reefqbo.request_timeout = '15s';});
	my $error = $node->sqlstate_of(q{SET lock_timeout = '10s'; DROP EXTENSION reefqbo}, dbname => 'bare');
	$intuit->admin('clear_faults');
	is($error->{sqlstate}, undef, 'DROP EXTENSION waits for no answer of QuickBooks');
	is(end_sql($session), '42704', 'and the import that was under way ends with an error');
	is($node->safe_psql('bare', q{SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text = 'reefqbo'}), 0,
		'in a database without the extension');
	$node->safe_psql('postgres', 'DROP DATABASE bare');
}

# ---- the caller's transaction ----

sub test_rollback
{
	my ($node, $intuit) = @_;
	my $address = $node->safe_psql('postgres', q{SELECT reefqbo.create_model('Rolled'); SELECT reefqbo.connect('Rolled', 'sim-production')});
	my $back = quote($intuit->browse($address =~ s/.*\n//r, company => 'pod-3'));

	$node->safe_psql('postgres', "BEGIN; SELECT reefqbo.complete_connection($back); ROLLBACK");
	is($node->safe_psql('postgres', q{SELECT status FROM reefqbo.connection_status WHERE model = 'Rolled'}), 'connected',
		'ROLLBACK after complete_connection: the connection stays');
	$node->safe_psql('postgres', 'BEGIN; ' . import_sql('Rolled') . '; ROLLBACK');
	truth_holds($node, $intuit, 'Rolled', 'pod-3', 'and its tokens work: ROLLBACK after an import keeps the figures');
	$intuit->admin('expire_access', { company => 'pod-3' });
	$node->safe_psql('postgres', 'BEGIN; ' . import_sql('Rolled') . '; ROLLBACK');
	is($node->safe_psql('postgres', q{SELECT reefqbo.import_accounts('Rolled') IS NOT NULL}), 't', 'ROLLBACK after a refresh of the tokens keeps them');
}

# A worker is a process of its own and cannot see what its caller has not committed.
sub test_uncommitted_model
{
	my ($node, $intuit) = @_;
	my $browser = "PYTHONDONTWRITEBYTECODE=1 python3 $Reefqbo::Simulator::SIMULATOR/browser.py --ca " . $intuit->ca_file . ' --company pod-4';
	my $error = $node->sqlstate_of(<<"END");
BEGIN;
SELECT reefqbo.create_model('Unborn');
SELECT reefqbo.connect('Unborn', 'sim-production') AS address \\gset
\\set back `$browser :'address'`
SELECT reefqbo.complete_connection(:'back');
END
	is($error->{sqlstate}, 'RQ009', 'connect and complete_connection in one transaction: refused');
	like($error->{hint}, qr/commit it/, 'with the hint to commit');

	$error = $node->sqlstate_of(<<"END");
BEGIN;
SELECT reefqbo.create_model('Unborn');
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest)
SELECT b.model_id, b.branch_id, c.environment_id, c.status, c.realm_id_sealed, c.realm_digest
  FROM reefqbo.branch b, (SELECT * FROM reefqbo.connection LIMIT 1) c WHERE b.name = 'Unborn';
@{[ import_sql('Unborn') ]};
END
	is($error->{sqlstate}, '42704', 'import of a connection that is not committed: refused');
	like($error->{hint}, qr/commit it/, 'with the hint to commit');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM reefqbo.model WHERE name = 'Unborn'}), 0, 'and nothing of it stays');
}

# A caller that locks the table and waits for a worker that wants to write to it: begun early, since the
# worker waits for twenty seconds.
sub begin_locked
{
	my ($node, $intuit) = @_;

	connect_in($node, $intuit, 'locked', 'Pod', 'pod-5');
	return begin_sql($node, 'BEGIN; LOCK TABLE reefqbo._actual_year; ' . import_sql('Pod'), 'locked');
}

sub test_locked
{
	my ($node, $session) = @_;

	is(end_sql($session), '55P03', 'a caller that locks the table it imports into gets an error, and does not wait for ever');
	is($node->safe_psql('locked', 'SELECT status, sqlstate FROM reefqbo.import_log'), 'failed|55P03', 'which the log of imports has');
	is($node->safe_psql('locked', import_sql('Pod')), 'Pod|12', 'without the lock it works');
}

# ---- a key command that does not end ----

my $command_file;
my $REGISTER = q{SELECT reefqbo.register_app('sim-production', 'id', 'secret', 'https://example.com/')};

# It leaves word of its process group, whose second process outlives the shell unless the group is ended.
sub hanging_command { return "echo \$\$ >> $command_file; sleep 1000 & sleep 1000; true" }

sub hanging_groups { return -e $command_file ? grep { kill 0, -$_ } split /\n/, slurp_file($command_file) : () }

# Begin something that needs the key, and wait until its command runs.
sub begin_hanging
{
	my ($node, $sql, $before) = @_;

	unlink $command_file;
	my $session = begin_sql($node, "SET reefqbo.key_command = '@{[ hanging_command() =~ s/;/\n/gr ]}';" . ($before // '') . $sql);
	wait_until('the key command runs', sub { return -s $command_file });
	return $session;
}

sub nothing_is_left
{
	my ($node, $name) = @_;

	wait_until("$name: the worker has gone", sub { return workers($node) == 0 });
	wait_until("$name: and so has the command, with all that it began", sub { return !hanging_groups() });
	pass("$name: neither worker nor command stays");
}

sub test_key_command
{
	my ($node) = @_;
	foreach my $case (
		[ 'pg_cancel_backend', $CALLER, '57014' ], [ 'pg_terminate_backend', $CALLER, '57P01' ],
		[ 'pg_cancel_backend', $WORKER, '57014' ], [ 'pg_terminate_backend', $WORKER, '57P01' ])
	{
		my ($function, $whom, $expected) = @$case;
		my $name = "$function of the " . ($whom eq $CALLER ? 'caller' : 'worker') . ', whose key command hangs';
		my $session = begin_hanging($node, import_sql('Pod'));

		$node->safe_psql('postgres', "SELECT $function(pid) FROM pg_stat_activity WHERE $whom");
		is(end_sql($session), $expected, "$name: it is told");
		nothing_is_left($node, $name);
		next if $whom eq $WORKER;
		$session = begin_hanging($node, $REGISTER);
		$node->safe_psql('postgres', "SELECT $function(pid) FROM pg_stat_activity WHERE $whom");
		is(end_sql($session), $expected, "$function of a session that runs the key command itself: it is told");
		nothing_is_left($node, "$function of the session itself");
	}
	foreach my $sql (import_sql('Pod'), $REGISTER)
	{
		is(end_sql(begin_hanging($node, $sql, q{SET statement_timeout = '2s';})), '57014', 'statement_timeout, while a key command hangs');
		nothing_is_left($node, 'statement_timeout');
	}
	my $session = begin_hanging($node, import_sql('Pod'));
	my $name = 'a fast shutdown of the server, while a key command hangs';
	$node->stop('fast');
	isnt(end_sql($session), 'Pod|12', "$name: the caller is told");
	wait_until("$name: the command has gone", sub { return !hanging_groups() });
	$node->start;
	is(end_sql(begin_sql($node, import_sql('Pod'))), 'Pod|12', "$name: the next import works");
	is($node->safe_psql('postgres', q{SELECT client_id <> 'id' FROM reefqbo.app WHERE environment_id = (SELECT environment_id FROM reefqbo.environment WHERE name = 'sim-production')}), 't', 'and no app was registered');
}

# One that has closed its output, and one that goes on printing, has its time as well; begun early, since that is half a minute.
sub begin_endless_commands
{
	my ($node) = @_;

	return map { begin_sql($node, "SET reefqbo.key_command = '$_';" . $REGISTER, 'locked') } 'sleep 1000', "exec >&-\nsleep 1000", 'yes';
}

sub test_endless_commands
{
	my ($node, @sessions) = @_;

	foreach my $session (@sessions)
	{
		is(end_sql($session), 'RQ010', 'a key command that does not end is ended');
		like($session->{err}, qr/has not ended within 30 seconds/, 'and that is said');
	}
}

# ---- a cancel is meant for all of the work ----

# The companies of a model, of which the first waits for a lock that the others would wait for as well.
sub test_cancel_of_many
{
	my ($node) = @_;

	$node->connect_company('Many', 'sim-production', "pod-$_", "branch $_") foreach 7 .. 12;
	my $locker = begin_sql($node, q{BEGIN; LOCK TABLE reefqbo.import_log IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1000)});
	wait_until('a table is locked', sub { return $node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE relation = 'reefqbo.import_log'::regclass AND mode = 'AccessExclusiveLock' AND granted}) });
	my $session = begin_sql($node, import_sql('Many'));
	wait_until('the worker waits for it', sub { return $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE $WORKER AND wait_event_type = 'Lock'") });
	$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE $WORKER");
	is(end_sql($session), '57014', 'a cancel of the worker is one of all companies: of those that had not begun, none waits for a lock');
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(1000)%' AND pid <> pg_backend_pid()});
	end_sql($locker);
}

# ---- two at once ----

sub token_requests
{
	my ($intuit, $company) = @_;

	return scalar grep { $_->{endpoint} eq 'token' && $_->{grant_type} eq 'refresh_token' }
	  @{ $intuit->admin('log', { company => $company })->{log} };
}

sub test_two_refreshes
{
	my ($node, $intuit) = @_;

	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => 'pod-1' });
	$intuit->admin('fault', { kind => 'delay', endpoint => 'token', seconds => 0.7, times => -1 });
	my @sessions = map { begin_sql($node, q{SELECT branch_name, months FROM reefqbo.refresh('Pod')}) } 1 .. 2;
	is(end_sql($_), 'Pod|12', 'two sessions refresh at once: both succeed') foreach @sessions;
	$intuit->admin('clear_faults');
	is(token_requests($intuit, 'pod-1'), 1, 'and the tokens are refreshed once');
	is(scalar @{ $intuit->admin('tokens', { company => 'pod-1' })->{living_refresh} }, 1, 'and there is one grant');
	truth_holds($node, $intuit, 'Pod', 'pod-1', 'and the figures are those of the ledger');
}

sub test_two_imports
{
	my ($node, $intuit) = @_;

	$node->connect_company('Twice', 'sim-production', 'pod-6');
	# what the first wants to store has to wait until the second has met it
	my $lock = $node->background_psql('postgres');
	$lock->query_safe('BEGIN; LOCK TABLE reefqbo._actual_year IN ACCESS EXCLUSIVE MODE;');
	my @sessions = map { begin_sql($node, import_sql('Twice')) } 1 .. 2;
	wait_until('one waits for the other', sub {
		$_->{run}->pump_nb foreach @sessions;
		return ($sessions[0]{err} . $sessions[1]{err}) =~ /waiting for another import/;
	});
	$lock->query_safe('COMMIT;');
	$lock->quit;
	is(end_sql($_), 'Twice|12', 'two sessions import the same company at once: both succeed') foreach @sessions;
	like($sessions[0]{err} . $sessions[1]{err}, qr/NOTICE.*waiting for another import/, 'and one tells that it waits for the other');
	truth_holds($node, $intuit, 'Twice', 'pod-6', 'nothing is doubled');
	is($node->safe_psql('postgres', <<'END'), '24|0', 'neither a month nor, as a restatement, a figure');
SELECT count(*), (SELECT count(*) FROM reefqbo.restatement JOIN reefqbo.model USING (model_id) WHERE name = 'Twice')
  FROM reefqbo.imported_month JOIN reefqbo.model USING (model_id) WHERE name = 'Twice'
END
}

# A sign-in writes a connection and then what is due of it: an import that did it the other way round would lock itself in with it.
sub test_lock_order
{
	my ($node, $intuit) = @_;
	my $of = q{WHERE model_id = (SELECT model_id FROM reefqbo.model WHERE name = 'Twice')};

	$intuit->admin('fault', { kind => 'hold', endpoint => 'report', company => 'pod-6' });
	my $import = begin_sql($node, import_sql('Twice'));
	$node->wait_for_fault('pod-6', 'hold');
	my $lock = $node->background_psql('postgres');
	$lock->query_safe("BEGIN; SELECT FROM reefqbo.upkeep $of FOR UPDATE;");
	$intuit->admin('release');
	wait_until('the import waits for what is due', sub {
		return $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE $WORKER AND wait_event_type = 'Lock'") > 0;
	});
	is($node->sqlstate_of("SELECT FROM reefqbo.connection $of FOR UPDATE NOWAIT")->{sqlstate}, '55P03',
		'an import has its connection locked before it waits for what is due');
	$lock->query_safe('COMMIT;');
	$lock->quit;
	is(end_sql($import), 'Twice|12', 'and ends');
	return;
}

# A user signs in anew while a worker refreshes the tokens of before: the newest grant must be the one kept.
sub test_reconnect_beside_refresh
{
	my ($node, $intuit) = @_;
	my $address = $node->safe_psql('postgres', q{SELECT reefqbo.reconnect('Twice')});
	my $back = quote($intuit->browse($address, company => 'pod-6'));

	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => 'pod-6' });
	$intuit->admin('fault', { kind => 'hold', endpoint => 'token', company => 'pod-6' });
	my $import = begin_sql($node, import_sql('Twice'));
	$node->wait_for_fault('pod-6', 'hold');
	my $sign_in = begin_sql($node, "SELECT status FROM reefqbo.complete_connection($back)");
	wait_until('both are at it', sub { return workers($node) == 2 });
	$intuit->admin('release');
	is(end_sql($sign_in), 'connected', 'a reconnect beside a refresh succeeds');
	is(end_sql($import), 'Twice|12', 'and so does the import');
	my ($old, $new) = @{ $intuit->admin('tokens', { company => 'pod-6' })->{living_refresh} };
	isnt($new, undef, 'both grants live');
	$intuit->admin('expire_access', { company => 'pod-6' });
	$node->safe_psql('postgres', import_sql('Twice'));
	is(scalar(grep { $_ eq $old } @{ $intuit->admin('tokens', { company => 'pod-6' })->{living_refresh} }), 1,
		'the older one is not used any more: the newer is the one that was kept');
}

my $intuit = Reefqbo::Simulator->start(no_throttle => undef);
my $node = reefqbo_cluster('interrupts', $intuit);
read_range($node);
my $locked = begin_locked($node, $intuit);
$node->connect_company('Pod', 'sim-production', 'pod-1');
$node->safe_psql('postgres', q{SELECT FROM reefqbo.import_accounts('Pod')});

$command_file = $node->basedir . '/key_command';
my @endless = begin_endless_commands($node);

test_two_imports($node, $intuit);
test_lock_order($node, $intuit);
test_reconnect_beside_refresh($node, $intuit);
test_rollback($node, $intuit);
test_uncommitted_model($node, $intuit);
foreach my $endpoint ('query', 'report', 'token')
{
	test_no_transaction($node, $intuit, $endpoint);
	test_end_of_caller($node, $intuit, $endpoint, 'pg_cancel_backend', '57014');
	test_end_of_caller($node, $intuit, $endpoint, 'pg_terminate_backend', '57P01');
	test_statement_timeout($node, $intuit, $endpoint);
	test_end_of_worker($node, $intuit, $endpoint);
}
test_two_refreshes($node, $intuit);
test_drop_other_database($node, $intuit);
test_drop_own_database($node, $intuit);
test_drop_extension($node, $intuit);
test_locked($node, $locked);
test_endless_commands($node, @endless);
test_cancel_of_many($node);
test_key_command($node);
test_shutdown($node, $intuit, $_) foreach 'query', 'report', 'token';

$node->stop;
done_testing();
