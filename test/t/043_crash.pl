# A worker that is killed, a server that crashes, an answer that is lost: at whatever step it happens, the
# grant lives, and the next import ends with the figures of the ledger.

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;

# Two years up to the present month: two chunks.
my ($FIRST, $LAST);

sub read_range
{
	my ($node) = @_;

	($FIRST, $LAST) = split /\|/, $node->safe_psql('postgres', <<'END');
SELECT (m - interval '23 months')::date, (m + interval '1 month')::date - 1 FROM date_trunc('month', current_date) m
END
}

sub import_sql
{
	my ($model) = @_;

	return "SELECT branch_name, months FROM reefqbo.import_actuals('$model', '$FIRST', '$LAST')";
}

# ---- what the ledger says, and what is stored ----

# With how often each is there.
sub truth_holds
{
	my ($node, $intuit, $model, $company, $name) = @_;
	my $expected = ledger_lines($intuit, $company, $FIRST, $LAST);
	my $stored = stored_lines($node, $model);

	die "the ledger of $company is empty" unless length $expected > 1000;
	is($stored, $expected, "$name: the figures are those of the ledger, none twice");
}

# ---- the grant ----

sub tokens
{
	my ($intuit, $company) = @_;

	return $intuit->admin('tokens', { company => $company });
}

# The one living grant of the company is the one that the next refresh uses, at the first try.
sub grant_lives
{
	my ($node, $intuit, $model, $company, $name) = @_;

	is(scalar @{ tokens($intuit, $company)->{living_refresh} }, 1, "$name: the grant lives");
	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => $company });
	is($node->sqlstate_of("SELECT FROM reefqbo.import_accounts('$model')"), undef, "$name: it can be used");
	is(join(' ', map { $_->{status} } token_requests($intuit, $company)), '200', "$name: and its tokens can be refreshed, at once");
}

sub token_requests
{
	my ($intuit, $company) = @_;

	return grep { $_->{endpoint} eq 'token' } @{ $intuit->admin('log', { company => $company })->{log} };
}

# ---- a session beside this one ----

sub begin_sql
{
	my ($node, $sql) = @_;
	my $session = { out => '', err => '' };

	$session->{run} = IPC::Run::start(
		[ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('postgres'), '-c', $sql ],
		'<', \undef, '>', \$session->{out}, '2>', \$session->{err});
	return $session;
}

# Wait for the end of a session whose server went away.
sub end_sql
{
	my ($session) = @_;

	$session->{run}->finish;
	isnt($session->{err}, '', 'the caller is told');
}

# ---- killing ----

# Every step of an import that asks QuickBooks: how many requests of the kind are answered before, and how
# many statements of a month are stored by then.
my %STEP = (
	'a refresh of the tokens is sent' => { endpoint => 'token', expired => 1 },
	'the tokens are renewed, and the answer is under way' =>
	  { endpoint => 'token', expired => 1, kind => 'rotate_and_mute', grace => 3600 },
	'the accounts are counted' => { endpoint => 'query' },
	'a page of accounts is read' => { endpoint => 'query', answered => 1 },
	'the profit and loss is read' => { endpoint => 'ProfitAndLoss' },
	'the balance sheet is read' => { endpoint => 'BalanceSheet' },
	'the second chunk is read' => { endpoint => 'ProfitAndLoss', answered => 1, stored => 24 },
	'the second balance sheet is read' => { endpoint => 'BalanceSheet', answered => 1, stored => 24 });

# Start a statement and wait until its worker waits at a step.
sub begin_step
{
	my ($node, $intuit, $company, $step, $sql) = @_;
	my $kind = $step->{kind} // 'mute';

	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => $company }) if $step->{expired};
	$intuit->admin('fault', { kind => 'delay', seconds => 0, endpoint => $step->{endpoint}, times => $step->{answered} })
	  if $step->{answered};
	$intuit->admin('fault', { kind => $kind, endpoint => $step->{endpoint}, times => -1 });
	my $session = begin_sql($node, $sql);
	wait_until("$step->{endpoint} is asked for",
		sub { return grep { ($_->{fault} // '') eq $kind } @{ $intuit->admin('log')->{log} } });
	return $session;
}

sub kill_worker
{
	my ($node) = @_;
	my $pid = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'});

	die "not one worker: $pid" unless $pid =~ /\A\d+\z/;
	kill 'KILL', $pid;
	wait_until('the server notices', sub { return slurp_file($node->logfile) =~ /\(PID $pid\) was terminated by signal 9/ });
	$node->wait_until_up;
}

my $pods = 0;

sub test_killed_import
{
	my ($node, $intuit, $name) = @_;
	my $step = $STEP{$name};
	my ($model, $company) = ("Killed while $name", 'pod-' . ++$pods);

	$intuit->admin('config', { grace => $step->{grace} // 0 });
	$node->connect_company($model, 'sim-production', $company);
	my $session = begin_step($node, $intuit, $company, $step, import_sql($model));
	kill_worker($node);
	end_sql($session);
	$intuit->admin('clear_faults');

	is($node->safe_psql('postgres', "SELECT count(*) FROM reefqbo.imported_month JOIN reefqbo.model USING (model_id) WHERE name = '$model'"),
		$step->{stored} // 0, "$model: whole chunks stay, and nothing else");
	is($node->safe_psql('postgres', import_sql($model)), "$model|24", "$model: a repeat works");
	is($node->safe_psql('postgres', <<"END"), "interrupted|t\nsucceeded|t", "$model: the log of imports tells of both");
SELECT status, finished_at IS NOT NULL FROM reefqbo.import_log JOIN reefqbo.model USING (model_id) WHERE name = '$model' ORDER BY import_id
END
	truth_holds($node, $intuit, $model, $company, $model);
	is($node->safe_psql('postgres', 'SELECT count(*) FROM reefqbo.restatement'), 0, "$model: nothing counts as restated");
	grant_lives($node, $intuit, $model, $company, $model);
}

# The code is used up and the tokens are stored before the company is asked for.
sub test_killed_completion
{
	my ($node, $intuit) = @_;
	my $name = 'killed while a new company is asked for its name';

	$node->safe_psql('postgres', q{SELECT reefqbo.create_model('New')});
	my $address = $node->safe_psql('postgres', q{SELECT reefqbo.connect('New', 'sim-production')});
	my $back = quote($intuit->browse($address, company => 'pod-20'));
	my $session = begin_step($node, $intuit, 'pod-20', { endpoint => 'companyinfo' }, "SELECT reefqbo.complete_connection($back)");
	kill_worker($node);
	end_sql($session);
	$intuit->admin('clear_faults');

	is($node->safe_psql('postgres', q{SELECT status FROM reefqbo.connection_status WHERE model = 'New'}), 'connected',
		"$name: it is connected");
	is($node->safe_psql('postgres', import_sql('New')), 'New|24', "$name: an import works");
	is($node->safe_psql('postgres', q{SELECT company FROM reefqbo.connection_status WHERE model = 'New'}), 'Pod 20 Ltd',
		"$name: and asks for the name");
	truth_holds($node, $intuit, 'New', 'pod-20', $name);
	grant_lives($node, $intuit, 'New', 'pod-20', $name);
}

# The server stops without warning when new tokens have come and the request that uses them is under way.
# Even a server that may lose its last commits must not lose these.
sub test_crash_after_refresh
{
	my ($node, $intuit) = @_;
	my $name = 'crash after the tokens were renewed';

	$node->connect_company('Crash', 'sim-production', 'pod-21');
	$node->append_conf('postgresql.conf', "synchronous_commit = off\nwal_writer_delay = 10s");
	$node->restart;
	my $before = tokens($intuit, 'pod-21')->{living_refresh}[0];
	my $session = begin_step($node, $intuit, 'pod-21', { endpoint => 'query', answered => 1, expired => 1 },
		q{SELECT FROM reefqbo.import_accounts('Crash')});
	$node->stop('immediate');
	end_sql($session);
	$intuit->admin('clear_faults');
	isnt(tokens($intuit, 'pod-21')->{living_refresh}[0], $before, "$name: they were renewed");
	$node->append_conf('postgresql.conf', 'synchronous_commit = on');
	$node->start;
	grant_lives($node, $intuit, 'Crash', 'pod-21', $name);
	is($node->psql('postgres', import_sql('Crash')), 0, "$name: an import works");
	truth_holds($node, $intuit, 'Crash', 'pod-21', $name);
}

# ---- an answer with tokens that is lost ----

# Intuit takes the token before for a while; trying it again brings the tokens that were lost.
sub test_lost_answer_with_grace
{
	my ($node, $intuit) = @_;
	my $name = 'an answer with tokens is lost, within the grace period';

	$intuit->admin('config', { grace => 3600 });
	$node->connect_company('Grace', 'sim-production', 'pod-22');
	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => 'pod-22' });
	$intuit->admin('fault', { kind => 'rotate_and_drop' });
	is($node->safe_psql('postgres', import_sql('Grace')), 'Grace|24', "$name: the import goes on");
	is(join(' ', map { $_->{status} } token_requests($intuit, 'pod-22')), '0 200', "$name: with the token of before");
	truth_holds($node, $intuit, 'Grace', 'pod-22', $name);
	grant_lives($node, $intuit, 'Grace', 'pod-22', $name);
	$intuit->admin('config', { grace => 0 });
}

# Without, nobody knows the living token; the connection says so, keeps all it has, and can be restored.
sub test_lost_answer_without_grace
{
	my ($node, $intuit) = @_;
	my $name = 'an answer with tokens is lost, without a grace period';
	my $kept = q{SELECT count(*), md5(string_agg(v::text, ',' ORDER BY v::text)) FROM reefqbo.%s v JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Lost'};
	my $status = q{SELECT status, what_to_do ~ 'reefqbo.reconnect' FROM reefqbo.connection_status WHERE model = 'Lost'};

	$node->connect_company('Lost', 'sim-production', 'pod-23');
	$node->safe_psql('postgres', import_sql('Lost'));
	my %before = map { $_ => $node->safe_psql('postgres', sprintf($kept, $_)) } 'account', 'actual';
	$intuit->admin('expire_access', { company => 'pod-23' });
	$intuit->admin('fault', { kind => 'rotate_and_drop' });
	is($node->sqlstate_of(import_sql('Lost'))->{sqlstate}, 'RQ001', "$name: the import fails");
	is($node->safe_psql('postgres', $status), 'reconnect_required|t', "$name: the connection says so, and what to do");
	$intuit->admin('log_clear');
	is($node->sqlstate_of(import_sql('Lost'))->{sqlstate}, 'RQ001', "$name: another import fails");
	is(scalar @{ $intuit->admin('log', { company => 'pod-23' })->{log} }, 0, "$name: and does not ask QuickBooks any more");

	my $address = $node->safe_psql('postgres', q{SELECT reefqbo.reconnect('Lost')});
	$node->safe_psql('postgres', 'SELECT reefqbo.complete_connection(' . quote($intuit->browse($address, company => 'pod-23')) . ')');
	is($node->safe_psql('postgres', $status), 'connected|f', "$name: a reconnect restores it");
	is($node->safe_psql('postgres', sprintf($kept, $_)), $before{$_}, "$name: and keeps every $_") foreach 'account', 'actual';
	is($node->safe_psql('postgres', import_sql('Lost')), 'Lost|24', "$name: the next import works");
	truth_holds($node, $intuit, 'Lost', 'pod-23', $name);
}

my $intuit = Reefqbo::Simulator->start(no_throttle => undef);
my $node = reefqbo_cluster('crash', $intuit, settings => 'restart_after_crash = on');
read_range($node);

test_killed_import($node, $intuit, $_) foreach sort keys %STEP;
$intuit->admin('config', { grace => 0 });
test_killed_completion($node, $intuit);
test_crash_after_refresh($node, $intuit);
test_lost_answer_with_grace($node, $intuit);
test_lost_answer_without_grace($node, $intuit);

$node->stop;
done_testing();
