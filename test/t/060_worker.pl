# The background worker refreshes what is due by itself, stands in nobody's way, tells once what is wrong with
# a database, and comes back whatever has ended it.
#
# Three servers: what one does by itself after a while happens while another is looked at. The days that pass
# are days of reefqbo.clock_offset and of the simulator's clock.

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

# A request that is not answered takes 130 seconds: whatever waited for one would take longer than this.
my $SOON = 60;
my $DAY = 86400;
# A worker that was cut off leaves its company alone for a minute.
my $NEXT_ATTEMPT = 120;

my $INTUIT = Reefqbo::Simulator->start(no_throttle => undef);

# ---- servers ----

sub start_server
{
	my ($name, $settings) = @_;

	return reefqbo_cluster($name, $INTUIT, preload => 1, settings => "restart_after_crash = on\n$settings");
}

# Names as they stand in reefqbo.databases.
sub serve
{
	my ($node, @databases) = @_;

	$node->set_option('reefqbo.databases', join(', ', @databases));
}

sub pass_time
{
	my ($node, $seconds) = @_;

	$INTUIT->admin('clock', { advance_seconds => $seconds });
	$node->{offset} += $seconds;
	$node->set_option('reefqbo.clock_offset', "$node->{offset}s");
}

# A model in a database, connected to a company, which is asked for changes once a day.
sub connect_in
{
	my ($node, $database, $model, $company) = @_;

	$node->safe_psql($database, "SELECT reefqbo.create_model('$model')");
	$node->safe_psql($database, "SELECT reefqbo.set_schedule('$model', refresh_every => '1 day', full_every => '366 days')");
	my $address = $node->safe_psql($database, "SELECT reefqbo.connect('$model', 'sim-production')");
	my $back = quote($INTUIT->browse($address, company => $company));
	$node->safe_psql($database, "SELECT reefqbo.complete_connection($back)");
}

# ---- what the ledger says, and what is stored ----

# A year up to the present month, on the moved clock.
sub range_of
{
	my ($node) = @_;

	return split /\|/, $node->safe_psql('postgres', <<'END');
SELECT (m - interval '11 months')::date, (m + interval '1 month')::date - 1 FROM date_trunc('month', reefqbo._now()) m
END
}

sub import_year
{
	my ($node, $model) = @_;
	my ($first, $last) = range_of($node);

	$node->safe_psql('postgres', "SELECT FROM reefqbo.import_actuals('$model', '$first', '$last')");
	$node->{first} = $first;
}

# A sale of 10.00 in the present month.
sub change_books
{
	my ($node, $company) = @_;
	my (undef, $last) = range_of($node);
	my $accounts = $INTUIT->admin('accounts', { company => $company })->{accounts};
	my ($bank) = grep { $_->{type} eq 'Bank' } @$accounts;
	my ($sales) = grep { $_->{type} eq 'Income' } @$accounts;

	$INTUIT->admin('post', { company => $company, date => $last =~ s/\d\d\z/01/r,
		lines => [ { account => $bank->{id}, amount => '10.00' }, { account => $sales->{id}, amount => '-10.00' } ] });
}

sub truth_holds
{
	my ($node, $model, $company, $name) = @_;
	my (undef, $last) = range_of($node);
	my $expected = ledger_lines($INTUIT, $company, $node->{first}, $last);

	die "the ledger of $company is empty" unless length $expected > 1000;
	is(stored_lines($node, $model), $expected, $name);
}

sub last_success
{
	my ($node, $database, $model) = @_;

	return $node->safe_psql($database, "SELECT last_success FROM reefqbo.upkeep_status WHERE model = '$model'");
}

# Wait for a refresh that nobody has asked for.
sub wait_for_refresh
{
	my ($node, $database, $model, $before) = @_;

	wait_until("$model is refreshed", sub { return last_success($node, $database, $model) ne $before });
}

sub wait_for_accounts
{
	my ($node, $database, $model) = @_;

	wait_until("the accounts of $model are there", sub {
		return $node->safe_psql($database, "SELECT count(*) > 5 FROM reefqbo.account JOIN reefqbo.model m USING (model_id) WHERE m.name = '$model'") eq 't';
	});
}

# ---- the processes ----

sub status_of
{
	my ($node, $database, $columns) = @_;

	return $node->safe_psql('postgres', "SELECT $columns FROM reefqbo.worker_status() WHERE database = " . quote($database));
}

sub launcher_pid
{
	my ($node) = @_;

	return $node->safe_psql('postgres', q{SELECT pid FROM reefqbo.worker_status() WHERE state = 'launcher'});
}

sub wait_for_start
{
	my ($node, $database, $before) = @_;

	wait_until("a worker is started in $database", sub { return status_of($node, $database, 'last_began') ne $before });
}

sub wait_for_idleness
{
	my ($node) = @_;

	wait_until('all is idle', sub {
		return $node->safe_psql('postgres', q{SELECT count(*) FROM reefqbo.worker_status() WHERE state NOT IN ('launcher', 'idle')}) eq '0';
	});
}

# What a process has waited for, how often; undef where that cannot be known.
sub count_sleeps
{
	my ($pid) = @_;

	return unless -r "/proc/$pid/status";
	return slurp_file("/proc/$pid/status") =~ /^voluntary_ctxt_switches:\s+(\d+)$/m ? $1 : undef;
}

# The launcher's own afterwork for a worker that has ended is over.
sub wait_for_sleep
{
	my ($pid) = @_;
	my ($before, $now) = (-1, count_sleeps($pid));

	while ($now != $before)
	{
		$before = $now;
		sleep 0.3;
		$now = count_sleeps($pid);
	}
}

sub server_is_back
{
	my ($node, $pid) = @_;

	wait_until('the server notices', sub { return slurp_file($node->logfile) =~ /\(PID $pid\) was terminated by signal 9/ });
	$node->wait_until_up;
}

# ---- the server's log ----

# What stands there of the launcher, of workers, and of their ends.
sub log_of
{
	my ($node) = @_;
	my @lines = grep { /\] reefqbo (?:launcher|worker) / || /background worker "reefqbo/ } split /\n/, slurp_file($node->logfile);

	return join "\n", sort map { s/^.*?(?=(?:DEBUG\d|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|CONTEXT):)//r } @lines;
}

sub log_is
{
	my ($node, $name, @expected) = @_;

	is(log_of($node), join("\n", sort @expected), $name);
}

# ---- a QuickBooks that does not answer ----

sub be_mute
{
	my ($company, $endpoint) = @_;

	$INTUIT->admin('fault', { kind => 'mute', company => $company, endpoint => $endpoint, times => -1 });
}

sub requests
{
	my ($company) = @_;

	return @{ $INTUIT->admin('log', { company => $company })->{log} };
}

# Those that are not answered: their numbers.
sub unanswered
{
	my ($company) = @_;

	return map { $_->{n} } grep { ($_->{fault} // '') eq 'mute' && !defined $_->{seconds} } requests($company);
}

sub wait_for_request
{
	my ($company, $last) = @_;

	wait_until("$company is asked", sub { return grep { $_ > $last } unanswered($company) });
}

# Have a worker wait for a company that does not answer.
sub have_worker_wait
{
	my ($node, $company, $seconds) = @_;
	my $last = (map { $_->{n} } requests($company))[-1] // 0;

	pass_time($node, $seconds);
	wait_for_request($company, $last);
}

sub succeeds
{
	my ($node, $database, $sql, $name) = @_;
	my $error = $node->sqlstate_of("SET statement_timeout = '${SOON}s';\n$sql", dbname => $database);

	is($error ? "$error->{sqlstate} $error->{message}" : 'done', 'done', $name);
}

sub is_soon
{
	my ($name, $code) = @_;
	my $began = time();

	$code->();
	cmp_ok(time() - $began, '<', $SOON, $name);
}

# ---- refreshing by itself ----

sub test_refresh
{
	my ($node) = @_;

	connect_in($node, 'postgres', 'Pod', 'pod-1');
	import_year($node, 'Pod');
	wait_for_idleness($node);
	truth_holds($node, 'Pod', 'pod-1', 'imported: the figures are those of the ledger');
	my $before = last_success($node, 'postgres', 'Pod');
	change_books($node, 'pod-1');
	pass_time($node, $DAY);
	wait_for_refresh($node, 'postgres', 'Pod', $before);
	truth_holds($node, 'Pod', 'pod-1', 'a refresh that is due happens by itself: the figures are those of the ledger');
	is($node->safe_psql('postgres', 'SELECT kind, status, started_by FROM reefqbo.import_log ORDER BY import_id DESC LIMIT 1'),
		'refresh|succeeded|reefqbo worker', 'and the log of imports says who it was');
}

sub test_launcher
{
	my ($node) = @_;
	my $pid = launcher_pid($node);

	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND datid IS NOT NULL"), 0,
		'the launcher is connected to no database');
	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE pid = $pid"), 0, 'and holds no lock');
}

# The model is overdue and paused; that it is paused no longer is told at commit.
sub test_wakes
{
	my ($node) = @_;
	my $pid = launcher_pid($node);
	my $go_on = q{SELECT reefqbo.set_schedule('Pod', paused => false)};

	$node->safe_psql('postgres', q{SELECT reefqbo.set_schedule('Pod', paused => true)});
	pass_time($node, $DAY);
	wait_for_idleness($node);
	my ($began, $before) = (status_of($node, 'postgres', 'last_began'), last_success($node, 'postgres', 'Pod'));
  SKIP:
	{
		skip 'there is no /proc to look into', 2 unless defined count_sleeps($pid);
		wait_for_sleep($pid);
		my $sleeps = count_sleeps($pid);
		sleep 3;
		is(count_sleeps($pid), $sleeps, 'with nothing due the launcher does not wake up');
		$node->safe_psql('postgres', "BEGIN; $go_on; ROLLBACK");
		sleep 0.5;
		is(count_sleeps($pid), $sleeps, 'nor does it when something would have become due, but was rolled back');
	}
	is(status_of($node, 'postgres', 'last_began'), $began, 'and no worker is started');
	$node->safe_psql('postgres', $go_on);
	wait_for_refresh($node, 'postgres', 'Pod', $before);
	isnt(status_of($node, 'postgres', 'last_began'), $began, 'a commit that makes something due has a worker started');

}

# A company that is connected is due at its first turn.
sub test_connect_wakes
{
	my ($node) = @_;
	my $next_due = q{SELECT min(next_due) FROM reefqbo.upkeep_status};

	$node->safe_psql('postgres', q{SELECT reefqbo.set_schedule('Pod', paused => true)});
	connect_in($node, 'postgres', 'New', 'pod-2');
	wait_for_idleness($node);
	is(status_of($node, 'postgres', 'next_due'), $node->safe_psql('postgres', "$next_due WHERE model = 'New'"),
		'when a company was connected, the launcher knows when it is due');
	$node->safe_psql('postgres', q{SELECT reefqbo.set_schedule('Pod', paused => false)});
	pass_time($node, $DAY);
	wait_for_accounts($node, 'postgres', 'New');
	is($node->safe_psql('postgres', q{SELECT started_by FROM reefqbo.import_log JOIN reefqbo.model USING (model_id) WHERE name = 'New'}),
		'reefqbo worker', 'and its accounts are read by itself');
	wait_for_idleness($node);
	is(status_of($node, 'postgres', 'next_due'), $node->safe_psql('postgres', $next_due), 'next is the one that is due first');
}

# ---- standing in nobody's way ----

sub begin_own_database
{
	my ($node) = @_;

	$node->safe_psql('postgres', 'CREATE ROLE plain LOGIN CREATEDB');
	$node->safe_psql('postgres', 'CREATE DATABASE own');
	$node->install_reefqbo('own');
	serve($node, 'postgres', 'own');
	be_mute('pod-3', 'query');
	connect_in($node, 'own', 'Own', 'pod-3');
	have_worker_wait($node, 'pod-3', $DAY);
}

sub test_no_transaction
{
	my ($node) = @_;
	my $worker = q{backend_type = 'reefqbo worker' AND datname = 'own'};

	is($node->safe_psql('postgres', "SELECT xact_start, backend_xmin, backend_xid, state FROM pg_stat_activity WHERE $worker"), '|||idle',
		'while it waits, the worker is in no transaction and holds back no vacuum');
	is($node->safe_psql('postgres', <<"END"), '', 'and it holds no lock but those on the company');
SELECT l.locktype, l.relation FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE $worker AND l.locktype <> 'advisory'
END
}

# Update scripts are made for the test, where that may be done.
sub make_update
{
	my ($from, $to) = @_;
	my $file = (split /\n/, qx(pg_config --sharedir))[0] . "/extension/reefqbo--$from--$to.sql";

	return unless open(my $script, '>', $file);
	print $script "COMMENT ON SCHEMA reefqbo IS 'made by an update';\n";
	close $script;
	return $file;
}

sub test_update
{
	my ($node) = @_;
	my @scripts = (make_update('1.0', '1.0.1'), make_update('1.0.1', '1.0'));

  SKIP:
	{
		skip 'no extension can be installed here', 2 unless @scripts == 2;
		succeeds($node, 'own', "ALTER EXTENSION reefqbo UPDATE TO '1.0.1'", 'ALTER EXTENSION UPDATE does not wait for it');
		succeeds($node, 'own', "ALTER EXTENSION reefqbo UPDATE TO '1.0'", 'nor does one back');
	}
	unlink @scripts;
}

# What the worker need not end for.
sub test_beside
{
	my ($node) = @_;
	my $pid = status_of($node, 'own', 'pid');
	my $request = join ' ', unanswered('pod-3');

	foreach my $sql ('DROP DATABASE own', 'ALTER DATABASE own RENAME TO mine', 'CREATE DATABASE mine TEMPLATE own')
	{
		is($node->sqlstate_of($sql, extra_params => [ '-U', 'plain' ])->{sqlstate}, '42501', "$sql: denied to who may not do it");
	}
	succeeds($node, 'postgres', "CREATE DATABASE other TEMPLATE template0;\nDROP DATABASE other",
		'CREATE and DROP DATABASE of another database do not wait for the worker');
	succeeds($node, 'own', 'REINDEX SCHEMA reefqbo', 'REINDEX of its tables does not wait for it');
	succeeds($node, 'own', 'VACUUM FULL reefqbo.connection, reefqbo.upkeep, reefqbo.credential', 'nor does VACUUM FULL');
	succeeds($node, 'own', "CREATE TABLE reefqbo.thing ();\nALTER EXTENSION reefqbo ADD TABLE reefqbo.thing;\n"
		  . "ALTER EXTENSION reefqbo DROP TABLE reefqbo.thing;\nDROP TABLE reefqbo.thing", 'nor does ALTER EXTENSION ADD and DROP');
	test_update($node);
	is($pid, status_of($node, 'own', 'pid'), 'and none of these ends it');
	is(join(' ', unanswered('pod-3')), $request, 'nor the request that it waits for');
}

sub test_copy
{
	my ($node) = @_;

	succeeds($node, 'postgres', 'CREATE DATABASE copy TEMPLATE own', 'CREATE DATABASE with the database as the template');
	is($node->safe_psql('copy', 'SELECT count(*) FROM reefqbo.connection'), 1, 'makes a copy');
	$node->safe_psql('postgres', 'DROP DATABASE copy');
}

sub test_rename
{
	my ($node) = @_;
	my $began = status_of($node, 'own', 'last_began');

	succeeds($node, 'postgres', 'ALTER DATABASE own RENAME TO mine', 'ALTER DATABASE RENAME of the database');
	succeeds($node, 'postgres', 'ALTER DATABASE mine RENAME TO own', 'and back');
	wait_for_start($node, 'own', $began);
	pass('the worker comes back by itself');
}

sub test_off_the_list
{
	my ($node) = @_;

	is_soon('a database that is taken off the list: its worker ends', sub {
		serve($node, 'postgres');
		wait_until('the worker has gone', sub { return status_of($node, 'own', 'count(*)') eq '0' });
	});
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE datname = 'own'}), 0, 'and is connected no longer');
	serve($node, 'postgres', 'own');
	wait_for_start($node, 'own', '');
	pass('on the list again: a worker comes');
}

# The worker that waits has lost its tables by then.
sub test_drop
{
	my ($node) = @_;

	succeeds($node, 'own', 'DROP EXTENSION reefqbo', 'DROP EXTENSION does not wait for the worker');
	is($node->safe_psql('own', q{SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text = 'reefqbo'}), 0, 'and leaves no table');
	succeeds($node, 'postgres', 'DROP DATABASE own', 'DROP DATABASE of its own database');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_database WHERE datname = 'own'}), 0, 'removes it');
	serve($node, 'postgres');
}

sub test_in_nobodys_way
{
	my ($node) = @_;

	begin_own_database($node);
	test_no_transaction($node);
	test_beside($node);
	test_rename($node);
	have_worker_wait($node, 'pod-3', $NEXT_ATTEMPT);
	test_copy($node);
	have_worker_wait($node, 'pod-3', $NEXT_ATTEMPT);
	test_off_the_list($node);
	have_worker_wait($node, 'pod-3', $NEXT_ATTEMPT);
	test_drop($node);
	$INTUIT->admin('clear_faults');
}

sub test_shutdown
{
	my ($node) = @_;

	be_mute('pod-1', 'cdc');
	have_worker_wait($node, 'pod-1', $DAY);
	is_soon('a fast shutdown does not wait for QuickBooks', sub { $node->stop('fast') });
	$INTUIT->admin('clear_faults');
}

# ---- being killed ----

# What was cut off is done by the next worker.
sub is_made_up_for
{
	my ($node, $before, $name) = @_;

	$INTUIT->admin('clear_faults');
	pass_time($node, $NEXT_ATTEMPT);
	wait_for_refresh($node, 'postgres', 'Pod', $before);
	truth_holds($node, 'Pod', 'pod-1', "$name: the refresh is made up for");
}

sub begin_refresh
{
	my ($node) = @_;
	my $before = last_success($node, 'postgres', 'Pod');

	change_books($node, 'pod-1');
	be_mute('pod-1', 'cdc');
	have_worker_wait($node, 'pod-1', $DAY);
	return ($before, status_of($node, 'postgres', 'pid'));
}

sub test_worker_is_killed
{
	my ($node) = @_;
	my ($before, $pid) = begin_refresh($node);

	kill 'KILL', $pid;
	server_is_back($node, $pid);
	wait_for_start($node, 'postgres', '');
	pass('a worker that was killed in the midst of a refresh: another one is started');
	is_made_up_for($node, $before, 'killed');
}

sub test_worker_is_terminated
{
	my ($node) = @_;
	my ($before, $pid) = begin_refresh($node);
	my $began = status_of($node, 'postgres', 'last_began');

	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
	wait_for_start($node, 'postgres', $began);
	isnt(status_of($node, 'postgres', q{COALESCE(pid, 0)}), $pid, 'a worker that was terminated: another one is started');
	is_made_up_for($node, $before, 'terminated');
}

sub test_launcher_is_killed
{
	my ($node) = @_;
	my $pid = launcher_pid($node);

	kill 'KILL', $pid;
	server_is_back($node, $pid);
	wait_until('the launcher is back', sub { return launcher_pid($node) =~ /\A\d+\z/ });
	isnt(launcher_pid($node), $pid, 'the launcher comes back when it was killed');
	my $before = last_success($node, 'postgres', 'Pod');
	change_books($node, 'pod-1');
	pass_time($node, $DAY);
	wait_for_refresh($node, 'postgres', 'Pod', $before);
	truth_holds($node, 'Pod', 'pod-1', 'and refreshes go on');
}

# It is away for ten seconds; what is committed meanwhile is not overlooked.
sub begin_without_launcher
{
	my ($node) = @_;
	my $pid = launcher_pid($node);

	$node->safe_psql('postgres', q{SELECT reefqbo.set_schedule('Pod', paused => true)});
	pass_time($node, $DAY);
	wait_for_idleness($node);
	kill 'TERM', $pid;
	wait_until('the launcher has gone', sub { return launcher_pid($node) eq '' });
	change_books($node, 'pod-1');
	my $before = last_success($node, 'postgres', 'Pod');
	$node->safe_psql('postgres', q{SELECT reefqbo.set_schedule('Pod', paused => false)});
	return { node => $node, pid => $pid, before => $before };
}

sub end_without_launcher
{
	my ($begun) = @_;
	my ($node, $pid) = @{$begun}{qw(node pid)};

	wait_until('the launcher is back', sub { return launcher_pid($node) =~ /\A\d+\z/ });
	isnt(launcher_pid($node), $pid, 'the launcher comes back when it was terminated');
	wait_for_refresh($node, 'postgres', 'Pod', $begun->{before});
	truth_holds($node, 'Pod', 'pod-1', 'and does what has become due while it was away');
}

# ---- what is wrong with a database ----

my $QUOTED = 'the "quoted", one';
# By company, where it is connected.
my %MODEL = ('pod-11' => [ 'postgres', 'One' ], 'pod-12' => [ 'Shell', 'Two' ], 'pod-13' => [ $QUOTED, 'Three' ]);
my %PROBLEM = (
	missing => [ 'database "missing" does not exist',
		'Create it, or take it out of reefqbo.databases. It is tried again by itself.' ],
	bare => [ 'extension "reefqbo" does not exist there',
		'Run CREATE EXTENSION reefqbo CASCADE in it, or take it out of reefqbo.databases.' ],
	older => [ 'the extension is version 0.9 and the library is version 1.0', 'Run ALTER EXTENSION reefqbo UPDATE in it.' ],
	newer => [ 'the extension is version 2.0 and the library is version 1.0',
		'Install the library of the newer version and restart the server.' ]);

sub told
{
	my ($database, $what, $hint, @more) = @_;

	return (qq{WARNING:  reefqbo cannot work in database "$database": $what}, "HINT:  $hint", @more);
}

sub told_again
{
	my ($database) = @_;

	return qq{LOG:  reefqbo works in database "$database" again};
}

sub set_version
{
	my ($node, $database, $version) = @_;

	$node->safe_psql($database, "UPDATE pg_extension SET extversion = '$version' WHERE extname = 'reefqbo'");
}

# All that are said to fail have been tried since.
# The launcher tells it after the worker has ended.
sub wait_for_recoveries
{
	my ($node, $count) = @_;

	wait_until("$count times something works again", sub { return (() = log_of($node) =~ /again$/mg) == $count });
}

sub retry
{
	my ($node, $times, @databases) = @_;
	my $since = $node->wait_for_failures('-infinity', @databases);

	foreach (1 .. $times)
	{
		$node->reload;
		$since = $node->wait_for_failures($since, @databases);
	}
}

sub begin_broken
{
	my ($node) = @_;
	my @broken = sort keys %PROBLEM;

	$node->safe_psql('postgres', "CREATE DATABASE $_") foreach 'bare', 'older', 'newer', 'idle', '"Shell"', '"the ""quoted"", one"';
	$node->install_reefqbo($_) foreach 'older', 'newer', 'idle', 'Shell', $QUOTED;
	set_version($node, 'older', '0.9');
	set_version($node, 'newer', '2.0');
	connect_in($node, @{ $MODEL{$_} }, $_) foreach sort keys %MODEL;
	pass_time($node, $DAY);
	serve($node, @broken, 'postgres', 'Shell', '"the ""quoted"", one"');
	retry($node, 1, @broken);
	is(status_of($node, $_, 'problem, hint'), join('|', @{ $PROBLEM{$_} }), "$_: worker_status tells what is wrong and what to do")
	  foreach @broken;
	log_is($node, 'what is wrong is told once, however often it is tried', map { told($_, @{ $PROBLEM{$_} }) } @broken);
	wait_for_accounts($node, @{ $MODEL{$_} }) foreach sort keys %MODEL;
	pass('databases with nothing wrong are served, whatever their name');

	set_version($node, $_, '1.0') foreach 'older', 'newer';
	$node->install_reefqbo('bare');
	$node->safe_psql('postgres', 'CREATE DATABASE missing TEMPLATE bare');
}

sub end_broken
{
	my ($node) = @_;
	my @broken = sort keys %PROBLEM;

	wait_for_recoveries($node, scalar @broken);
	log_is($node, 'once put right, each works by itself, which is told once',
		map { (told($_, @{ $PROBLEM{$_} }), told_again($_)) } @broken);
	wait_for_idleness($node);
	is($node->safe_psql('postgres', q{SELECT count(*) FROM reefqbo.worker_status() WHERE problem IS NOT NULL OR hint IS NOT NULL}), 0,
		'and worker_status shows no problem');
}

# Whoever has been looked at in vain for minutes need not wait for the next time.
sub test_new_extension
{
	my ($node) = @_;
	my $served = $node->safe_psql('postgres', 'SHOW reefqbo.databases');

	$node->safe_psql('postgres', 'CREATE DATABASE fresh');
	serve($node, $served, 'fresh');
	retry($node, 6, 'fresh');
	$node->safe_psql('fresh', 'CREATE EXTENSION reefqbo CASCADE');
	wait_until('the extension is found', sub { return status_of($node, 'fresh', 'state') eq 'idle' });
	pass('an extension that was just made is found at once');
	return serve($node, $served);
}

sub test_max_workers
{
	my ($node) = @_;
	my %before = map { $_ => last_success($node, @{ $MODEL{$_} }) } keys %MODEL;

	$node->append_conf('postgresql.conf', 'reefqbo.max_workers = 1');
	pass_time($node, $DAY);
	wait_for_refresh($node, @{ $MODEL{$_} }, $before{$_}) foreach sort keys %MODEL;
	pass('more databases are due than reefqbo.max_workers: all are served');
	wait_for_idleness($node);
	is($node->safe_psql('postgres', <<'END'), 0, 'one after the other');
SELECT count(*) FROM (SELECT last_began < lag(last_ended) OVER (ORDER BY last_began) AS is_early FROM reefqbo.worker_status()) s WHERE is_early
END
}

# What is wrong with a key file, how that comes about, and how it goes away.
my %KEY_PROBLEM = (
	missing => {
		told => [ 'could not open reefqbo.key_file: No such file or directory', q{reefqbo.key_file must name a file that the server's own user can read.} ],
		make => sub { return rename $_[0], "$_[0].away" },
		mend => sub { return rename "$_[0].away", $_[0] } },
	'open to all' => {
		told => [ 'reefqbo.key_file has group or world access', q{It must be a plain file, readable by the server's own user only: chmod 600.} ],
		make => sub { return chmod 0644, $_[0] },
		mend => sub { return chmod 0600, $_[0] } });

sub begin_without_key
{
	my ($node, $kind, $model, $company) = @_;
	my $problem = $KEY_PROBLEM{$kind};
	my $key = $node->basedir . '/reefqbo.key';
	my ($what, $hint) = @{ $problem->{told} };
	my $begun = { node => $node, kind => $kind, model => $model, log => [ split /\n/, log_of($node) ],
		told => [ $what, $hint, qq{DETAIL:  reefqbo.key_file is "$key".} ], before => last_success($node, 'postgres', $model) };
	my @asked = requests($company);

	$problem->{make}->($key) or die "could not change $key: $!";
	pass_time($node, $DAY);
	retry($node, 1, 'postgres');
	is(status_of($node, 'postgres', 'problem, hint'), "$what|$hint", "the key is $kind: worker_status tells it");
	is(join(' ', map { $_->{n} } requests($company)), join(' ', map { $_->{n} } @asked), 'and QuickBooks is not asked');
	$problem->{mend}->($key) or die "could not change $key: $!";
	return $begun;
}

# It was tried all the same.
sub test_idle_without_key
{
	my ($node) = @_;

	wait_for_start($node, 'idle', '');
	is(status_of($node, 'idle', 'problem'), '', 'where there is no work, no key is no problem');
}

sub end_without_key
{
	my ($begun) = @_;
	my $node = $begun->{node};

	wait_for_refresh($node, 'postgres', $begun->{model}, $begun->{before});
	wait_for_recoveries($node, 1 + grep { /again$/ } @{ $begun->{log} });
	log_is($node, "the key was $begun->{kind}: told once, and when it is right again",
		@{ $begun->{log} }, told('postgres', @{ $begun->{told} }), told_again('postgres'));
}

# ---- no room for a worker ----

my @FULL = ('all of max_worker_processes are in use',
	'It is tried again by itself. If that lasts, raise max_worker_processes and restart the server.');

# The server's own launcher of logical replication and ours take two of three; an import that waits takes the last, in a
# process of its own since it has a setting of its own.
sub begin_full
{
	my ($node) = @_;

	connect_in($node, 'postgres', 'Full', 'pod-21');
	serve($node, 'postgres');
	wait_for_start($node, 'postgres', '');
	wait_for_idleness($node);
	be_mute('pod-21', 'query');
	my $session = { out => '', err => '' };
	$session->{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') . ' application_name=caller',
			'-c', q{SET reefqbo.connect_timeout = '10s'}, '-c', q{SELECT FROM reefqbo.import_accounts('Full')} ], '<', \undef, '>', \$session->{out}, '2>', \$session->{err});
	wait_for_request('pod-21', 0);
	pass_time($node, $DAY);
	my $next = '';
	foreach my $try (1 .. 2)
	{
		wait_until('no worker can be started', sub {
			return status_of($node, 'postgres', 'state') eq 'failing' && status_of($node, 'postgres', 'next_due') ne $next;
		});
		$next = status_of($node, 'postgres', 'next_due');
		$node->reload if $try == 1;
	}
	is(status_of($node, 'postgres', 'problem, hint'), join('|', @FULL), 'no process is left: worker_status tells it');
	log_is($node, 'no process is left: told once', told('postgres', @FULL));
	$INTUIT->admin('clear_faults');
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'});
	$session->{run}->finish;
}

sub end_full
{
	my ($node) = @_;

	wait_for_recoveries($node, 1);
	log_is($node, 'it works by itself when there is one, which is told once', told('postgres', @FULL), told_again('postgres'),
		'ERROR:  canceling reefqbo work because the session that asked for it has gone');
}

# ---- without being preloaded ----

sub test_not_preloaded
{
	my ($node) = @_;
	my $told = length slurp_file($node->logfile);

	$node->append_conf('postgresql.conf', q{shared_preload_libraries = ''});
	$node->start;
	is($node->safe_psql('postgres', 'SELECT count(*) FROM reefqbo.worker_status()'), 0, 'not preloaded: worker_status has no row');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ 'reefqbo'}), 0, 'and nothing runs');
	change_books($node, 'pod-1');
	connect_in($node, 'postgres', 'Later', 'pod-4');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM reefqbo.import_accounts('Later')}), 1, 'a company can be connected and imported');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM reefqbo.refresh('Pod')}), 1, 'another refreshed');
	truth_holds($node, 'Pod', 'pod-1', 'with the figures of the ledger');
	is($node->safe_psql('postgres', q{SELECT (reefqbo.set_schedule('Pod', refresh_every => '2 days')).refresh_every}), '2 days', 'a schedule set');
	succeeds($node, 'postgres', "CREATE DATABASE other;\nDROP DATABASE other", 'and a database made and dropped');
	unlike(substr(slurp_file($node->logfile), $told), qr/(?:WARNING|ERROR|FATAL): |reefqbo launcher/, 'nothing is wrong by the log');
}

my $main = start_server('worker', q{reefqbo.databases = ''});
my $broken = start_server('broken', q{reefqbo.databases = ''});
my $full = start_server('full', qq{reefqbo.databases = ''\nmax_worker_processes = 3});

begin_broken($broken);
begin_full($full);
serve($main, 'postgres');
test_refresh($main);
test_launcher($main);
test_wakes($main);
test_connect_wakes($main);
test_in_nobodys_way($main);

end_full($full);
end_broken($broken);
test_max_workers($broken);
serve($broken, 'postgres', 'idle');
my @begun = (begin_without_key($broken, 'missing', 'One', 'pod-11'), begin_without_key($full, 'open to all', 'Full', 'pod-21'));
test_idle_without_key($broken);
my $without_launcher = begin_without_launcher($main);
end_without_key($_) foreach @begun;
$_->stop foreach $broken, $full;
end_without_launcher($without_launcher);

test_new_extension($main);
test_worker_is_killed($main);
test_worker_is_terminated($main);
test_launcher_is_killed($main);
test_shutdown($main);
test_not_preloaded($main);

$main->stop;
$INTUIT->stop;
done_testing();
