# Grants stay alive by themselves, whatever becomes of the models that they are for: through a year in which nobody
# reads anything, through weeks of outages, through wrong keys and lost answers. One that really ends is told of
# three times before, once when it has, and never asked about again.
#
# Time is virtual. Which tokens live and what was asked is the simulator's to say; unless a test says otherwise
# it gives no grace, so that a token lost is a grant lost.

use strict;
use warnings;

use IPC::Run ();
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;
use Reefqbo::Worker;


my $intuit = Reefqbo::Simulator->start(no_throttle => undef);
# A request that fails is not repeated at once: what is tested is when the schedule comes back to it.
my $node = reefqbo_cluster('grants', $intuit, preload => 1, settings => <<'END');
reefqbo.databases = 'postgres'
reefqbo.retry_budget = 0
reefqbo.request_timeout = '1500ms'
END

# ---- asking the server ----

# What is stored of a model's one connection.
sub of
{
	my ($model, $columns) = @_;

	return sql("SELECT $columns FROM reefqbo.connection c JOIN reefqbo.model m USING (model_id)"
		. ' LEFT JOIN reefqbo.credential t USING (model_id, connection_id) WHERE m.name = ' . quote($model));
}

# What monitoring sees of it.
sub status
{
	my ($model, $columns) = @_;

	return sql("SELECT $columns FROM reefqbo.connection_status WHERE model = " . quote($model));
}

sub upkeep
{
	my ($model, $columns) = @_;

	return sql("SELECT $columns FROM reefqbo.upkeep_status WHERE model = " . quote($model));
}

# ---- time ----

# "3.5 days" pass, and what is due then is done.
sub later { return pass_time($node, $_[0]) }

# ---- asking the simulator ----

sub asked_for
{
	my ($company, $endpoint) = @_;

	return grep { $_->{endpoint} =~ $endpoint } @{ $intuit->admin('log', { company => $company })->{log} };
}

my $TOKEN = qr/^token$/;
my $ACCOUNTING = qr/^(?!authorize|token|revoke)/;

sub token_statuses { return join ' ', map { $_->{status} } asked_for($_[0], $TOKEN) }

sub living_refresh { return @{ $intuit->admin('tokens', { company => $_[0] })->{living_refresh} } }

# ---- models ----

my ($FIRST, $LAST);

sub this_month_ends { return sql(q{SELECT (date_trunc('month', reefqbo._now()) + interval '1 month')::date - 1}) }

sub import_three_months
{
	my ($model) = @_;

	($FIRST, $LAST) = split /\|/, sql(<<'END') unless defined $FIRST;
SELECT (m - interval '2 months')::date, (m + interval '1 month')::date - 1 FROM date_trunc('month', reefqbo._now()) m
END
	sql("SELECT FROM reefqbo.import_actuals('$model', '$FIRST', '$LAST')");
	wait_until_idle($node);
	return;
}

sub pause
{
	my ($model, $paused) = @_;

	sql("SELECT FROM reefqbo.set_schedule('$model', paused => $paused)");
	wait_until_idle($node);
	return;
}

my $pods = 0;

# A model on a company of its own, whose grant is all that the worker looks after.
sub idle_model
{
	my ($model) = @_;
	my $company = 'pod-' . ++$pods;

	$node->ensure_model($model, 'sim-production');
	pause($model, 'true');
	$node->connect_company($model, 'sim-production', $company);
	wait_until_idle($node);
	return $company;
}

# One with figures, which the worker refreshes.
sub imported_model
{
	my ($model) = @_;
	my $company = idle_model($model);

	import_three_months($model);
	pause($model, 'false');
	return $company;
}

sub ties
{
	my ($model, $company, $name) = @_;
	my $expected = ledger_lines($intuit, $company, $FIRST, this_month_ends());

	die "the ledger of $company is empty" unless length $expected > 500;
	is(stored_lines($node, $model), $expected, "$name: every figure is the ledger's");
	return;
}

# The grant is whole: alive, and what is stored of it is what lives, so that it is renewed at the first try.
sub grant_lives
{
	my ($model, $company, $name) = @_;

	$intuit->admin('clear_faults');
	$intuit->admin('config', { grace => 0 });
	is(scalar(living_refresh($company)), 1, "$name: the grant lives");
	$intuit->admin('log_clear');
	later('7 days');
	like(token_statuses($company), qr/^200(?: 200)*$/, "$name: and is renewed at the first try");
	is(of($model, 'c.status'), 'connected', "$name: the connection stays connected");
	return;
}

# ---- what is told ----

my $listener;

sub begin_listening
{
	$listener = { in => "LISTEN reefqbo;\n", out => '', marks => 0 };
	$listener->{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ],
		'<', \$listener->{in}, '>', \$listener->{out}, '2>', \$listener->{err});
	told();
	return;
}

# The payloads that have come since the last time.
sub told
{
	my $mark = 'mark ' . ++$listener->{marks};

	$listener->{in} .= "SELECT 'once';\nSELECT '$mark';\n\\echo $mark is over\n";
	wait_until("the listener says $mark", sub {
		$listener->{run}->pump_nb;
		return $listener->{out} =~ /^$mark is over$/m;
	});
	my @payloads = $listener->{out} =~ /^Asynchronous notification "reefqbo" with payload "(.*)" received from/mg;
	$listener->{out} = '';
	return @payloads;
}

sub end_listening
{
	$listener->{in} .= "\\q\n";
	$listener->{run}->finish;
	return;
}

# Those of an event about a model: numbers, and nothing else that a listener should not see.
sub events
{
	my ($event, $model, @payloads) = @_;
	my ($model_id, $connection_id) = split /\|/, of($model, 'c.model_id, c.connection_id');

	return grep { /^\{"event": "$event", "model_id": $model_id, "connection_id": $connection_id[,}]/ } @payloads;
}

sub days_notified
{
	my ($model, @payloads) = @_;

	return map { JSON::PP::decode_json($_)->{days} } events('grant_ending', $model, @payloads);
}

# What is told of the ends of models since the last time, by NOTIFY and in the server's log: of each, that it
# has come to a mark, or nothing. Half a day after a mark, either whole number beside it will do.
my $log_read = 0;

sub endings_told
{
	my ($name, $mark, %company) = @_;
	my $expected = $mark eq '' ? qr/^$/ : qr/^(?:$mark|@{[ $mark - 1 ]})$/;
	my @payloads = told();
	my $log = substr(slurp_file($node->logfile), $log_read);

	$log_read += length $log;
	foreach my $model (sort keys %company)
	{
		my $company = $company{$model} =~ s/pod-(\d+)/Pod $1 Ltd/r;
		my $grant = qr/the grant of "$company" \(branch "[^"]+" of model "\Q$model\E"\)/;
		my @logged = $log =~ /WARNING:  $grant ends in (\d+) days/g;
		my $what = $mark eq '' ? 'nothing' : "$mark days, once";
		like(join(' ', days_notified($model, @payloads)), $expected, "$name, $model: NOTIFY tells of $what");
		like("@logged", $expected, "$name, $model: so does the server's log");
	}
	return @payloads;
}

# ---- 1. a year ----

my %IDLE;

sub begin_year
{
	%IDLE = map { $_ => idle_model($_) } 'Paused', 'Paused as well', 'Paused and empty', 'Paused and suspended';
	import_three_months($_) foreach 'Paused', 'Paused as well';
	$intuit->admin('set_company', { company => $IDLE{'Paused and suspended'}, subscription => 'SUSPENDED' });

	my %busy = ('Never imported' => idle_model('Never imported'), 'Suspended' => idle_model('Suspended'));
	import_three_months('Suspended');
	$intuit->admin('set_company', { company => $busy{'Suspended'}, subscription => 'SUSPENDED' });
	pause($_, 'false') foreach keys %busy;
	return %busy;
}

# A grant lives for 101 days, so that four refreshes a year would do if nothing went wrong. It is refreshed when
# 5.25 to 7 days have passed: at every other step in the first eight weeks, at every step in the other 44, so 52
# times in all.
sub test_year
{
	my %busy = begin_year();
	my @steps = (('3.5 days') x 16, ('7 days') x 44);

	$intuit->admin('log_clear');
	later($_) foreach @steps;
	foreach my $model (sort keys %IDLE)
	{
		my @tokens = asked_for($IDLE{$model}, $TOKEN);
		cmp_ok(scalar @tokens, '>=', 50, "a year, $model: the grant is refreshed about weekly");
		cmp_ok(scalar @tokens, '<=', 55, "a year, $model: and no more often");
		is(scalar(asked_for($IDLE{$model}, $ACCOUNTING)), 0, "a year, $model: nothing is read");
	}
	foreach my $model (sort keys %busy)
	{
		my @tokens = asked_for($busy{$model}, $TOKEN);
		cmp_ok(scalar @tokens, '<=', scalar @steps, "a year, $model: tokens are renewed no more often than they are used");
		cmp_ok(scalar @tokens, '>=', 50, "a year, $model: and about weekly at least");
	}
	my %all = (%IDLE, %busy);
	foreach my $model (sort keys %all)
	{
		is(scalar(grep { $_->{status} != 200 } asked_for($all{$model}, $TOKEN)), 0, "a year, $model: no refresh was refused");
		is(scalar(living_refresh($all{$model})), 1, "a year, $model: the grant lives");
		is(status($model, 'status, days_until_grant_ends > 90'), ($model eq 'Suspended' ? 'suspended' : 'connected') . '|t',
			"a year, $model: and monitoring sees that");
	}
	is(join("\n", slurp_file($node->logfile) =~ /^.*the grant of .*$/mg), '', 'a year: nobody was warned');
	return %busy;
}

sub test_after_year
{
	my %busy = @_;

	pause('Paused', 'false');
	ties('Paused', $IDLE{'Paused'}, 'a model that was paused for a year, refreshed by itself');
	pause('Paused', 'true');
	is(sql(q{SELECT months > 12 FROM reefqbo.refresh('Paused as well')}), 't', 'one that still is can be refreshed by hand');
	ties('Paused as well', $IDLE{'Paused as well'}, 'refreshed by hand after a year');
	is(sql(q{SELECT accounts_seen > 0 FROM reefqbo.import_accounts('Paused and empty')}), 't', 'one that never was imported can be');
	is($node->sqlstate_of(q{SELECT FROM reefqbo.import_accounts('Never imported')}), undef, 'and so can one that was not paused');
	wait_until_idle($node);

	$intuit->admin('set_company', { company => $busy{'Suspended'}, subscription => 'SUBSCRIBED' });
	later('1.5 days');
	is(of('Suspended', 'c.status'), 'connected', 'a subscription that is renewed after a year is noticed by itself');
	ties('Suspended', $busy{'Suspended'}, 'a company that was suspended for a year');
	pause($_, 'true') foreach keys %busy;
	return;
}

# ---- 2. outages, and the end of the rolling life ----

# What the token endpoint of each company does instead of answering.
my %OUTAGE = (
	'Unavailable' => [ { kind => 'status', status => 503, times => -1 } ],
	'Mute' => [ { kind => 'timeout', times => 1 }, { kind => 'reset', times => -1 } ],
	'Maintenance' => [ { kind => 'html', times => -1 } ]);

sub begin_outage
{
	my %company = @_;

	foreach my $model (keys %company)
	{
		$intuit->admin('fault', { %$_, company => $company{$model}, endpoint => 'token' }) foreach @{ $OUTAGE{$model} };
	}
	return;
}

sub all_connected
{
	my ($name, @models) = @_;

	is(sql(q{SELECT string_agg(s.model || ' ' || s.status || ' ' || c.status, ', ' ORDER BY s.model)
	          FROM reefqbo.connection_status s JOIN reefqbo.connection c USING (model_id, connection_id)
	         WHERE s.model IN (} . join(', ', map { quote($_) } @models) . ')'),
		join(', ', map { "$_ connected connected" } sort @models), "$name: the connections stay connected");
	return;
}

# The grants have 101 days from their last refresh on: 89.5 are left when 11.5 have passed.
sub test_countdown
{
	my ($which, %company) = @_;
	my $today = 0;

	begin_outage(%company);
	foreach my $step ([ 7 => '' ], [ 11.5 => 90 ], [ 13 => '' ], [ 71.5 => 30 ], [ 80 => '' ], [ 94.5 => 7 ], [ 99.5 => '' ])
	{
		my ($day, $mark) = @$step;
		my $name = "$which outage, day $day";

		later(($day - $today) . ' days');
		$today = $day;
		endings_told($name, $mark, %company);
		all_connected($name, keys %company);
	}
	like(status('Unavailable', 'days_until_grant_ends, what_to_do'), qr/^1\|SELECT reefqbo\.reconnect\('Unavailable', .* before the grant ends$/,
		"$which outage: monitoring sees how long is left and what to do");
	$intuit->admin('clear_faults');
	later('0.5 days');
	foreach my $model (sort keys %company)
	{
		is(status($model, 'status, days_until_grant_ends'), 'connected|100', "$which outage, $model: when it is over the grant is refreshed");
		is(scalar(living_refresh($company{$model})), 1, "$which outage, $model: and lives");
	}
	endings_told("after the $which outage", '', %company);
	return;
}

# The worker comes for a mark by itself, and not only because there is something else to do.
sub test_mark_alone
{
	my %company = ('Unavailable' => $_[0]);
	my $name = 'a mark that is reached while nothing else is due';

	begin_outage(%company);
	later('7 days');
	my $left = int(of('Unavailable', q{extract(epoch FROM t.refresh_expires_at - interval '90 days' - reefqbo._now())}));
	later(($left - 3) . ' seconds');
	$node->poll_query_until('postgres', q{SELECT ending_told_days = 90 FROM reefqbo.credential JOIN reefqbo.model USING (model_id) WHERE name = 'Unavailable'})
	  or die 'the mark is not told';
	wait_until_idle($node);
	is(join(' ', days_notified('Unavailable', endings_told($name, ''))), 90, "$name: it is told, as what it is");
	$intuit->admin('clear_faults');
	later('0.5 days');
	is(status('Unavailable', 'status, days_until_grant_ends'), 'connected|100', "$name: and taken back by a refresh");
	return;
}

# ---- 3. what ends a grant, and what does not ----

sub register_app
{
	my ($secret) = @_;

	sql("SELECT FROM reefqbo.register_app('sim-production', 'prod-client', '$secret', '$Reefqbo::Simulator::REDIRECT_URI')");
	return;
}

sub test_wrong_keys
{
	my ($name, $company) = ('wrong keys of the app', $IDLE{'Paused'});

	register_app('not-the-secret');
	$intuit->admin('log_clear');
	later('7 days') foreach 1 .. 3;
	like(token_statuses($company), qr/^401(?: 401){2}$/, "$name: are tried again now and then");
	is(upkeep('Paused', 'sqlstate, failures_in_a_row'), 'RQ009|3', "$name: monitoring sees that");
	is(sql(q{SELECT count(*) FROM reefqbo.connection WHERE status = 'reconnect_required'}), 0, "$name: no connection is given up");
	register_app('prod-secret');
	later('0.5 days');
	like(token_statuses($company), qr/ 200$/, "$name: when they are right again, the grant is refreshed");
	is(upkeep('Paused', 'status, sqlstate, failures_in_a_row'), 'connected||0', "$name: and all is well");
	return;
}

sub post_expense
{
	my ($company) = @_;
	my %id = map { $_->{type} => $_->{id} } grep { $_->{active} } @{ $intuit->admin('accounts', { company => $company })->{accounts} };

	$intuit->admin('post', { company => $company, date => this_month_ends() =~ s/\d\d\z/01/r,
		lines => [ { account => $id{Expense}, amount => '123.45' }, { account => $id{Bank}, amount => '-123.45' } ] });
	return;
}

sub test_rejection
{
	my ($model, $name) = ('Revoked', 'a grant that was ended inside QuickBooks');
	my $company = imported_model($model);

	later('7 days');
	told();
	$intuit->admin('revoke_grant', { company => $company });
	post_expense($company);
	$intuit->admin('log_clear');
	later('1 days');
	is(status($model, 'status'), 'reconnect_required', "$name: is noticed");
	like(status($model, 'what_to_do'), qr/reefqbo\.reconnect\('Revoked', /, "$name: monitoring sees what to do");
	# the present token twice, since an outage may look like it, and the one before it once
	is(token_statuses($company), '400 400 400', "$name: Intuit was asked thrice");
	is(scalar(events('reconnect_required', $model, told())), 1, "$name: NOTIFY tells of it");

	$intuit->admin('log_clear');
	later('3 days') foreach 1 .. 5;
	is(scalar(asked_for($company, qr/./)), 0, "$name: Intuit is not asked about it any more");
	is(scalar(events('reconnect_required', $model, told())), 0, "$name: and it is told once");

	$node->connect_company($model, 'sim-production', $company);
	wait_until_idle($node);
	is(status($model, 'status, days_until_grant_ends'), 'connected|100', "$name: a reconnect restores it");
	ties($model, $company, "$name: what it has missed is read at once");
	is(upkeep($model, 'sqlstate, failures_in_a_row'), '|0', "$name: and nothing is wrong any more");
	pause($model, 'true');
	grant_lives($model, $company, $name);
	return;
}

# A gateway in trouble refuses every access token, the new one as well. The token endpoint renews the grant all the while.
sub test_refused_access
{
	my ($model, $name) = ('Gateway', 'access tokens that are refused although they are new');
	my $company = imported_model($model);

	told();
	$intuit->admin('fault', { kind => 'fault', code => '3200', company => $company, endpoint => 'cdc', times => 2 });
	post_expense($company);
	$intuit->admin('log_clear');
	later('1 days');
	is(join(' ', map { "$_->{endpoint} $_->{status}" } asked_for($company, qr/cdc|token/)) =~ s/^token 200 //r, 'cdc 401 token 200 cdc 401', "$name: after one more refresh it is given up");
	is(status($model, 'status, reason'), 'connected|', "$name: the connection stays connected");
	is(upkeep($model, 'sqlstate, failures_in_a_row'), 'RQ011|1', "$name: monitoring sees an outage");
	is(upkeep($model, q{next_due - reefqbo._now() < interval '10 minutes'}), 't', "$name: it is tried again within minutes");
	is(scalar(events('reconnect_required', $model, told())), 0, "$name: nobody is told to sign in");

	later('0.5 hours');
	is(upkeep($model, 'status, sqlstate, failures_in_a_row'), 'connected||0', "$name: which succeeds");
	ties($model, $company, $name);
	pause($model, 'true');
	return;
}

# ---- 4. lost answers ----

sub test_lost_answer
{
	my ($model, $company) = @_;
	my $name = 'an answer with new tokens that is lost';
	my $generation = of($model, 't.generation');

	$intuit->admin('config', { grace => 86400 });
	$intuit->admin('fault', { kind => 'rotate_and_drop', company => $company, endpoint => 'token' });
	$intuit->admin('log_clear');
	later('7 days');
	is(token_statuses($company), '0', "$name: the worker gets none");
	is(of($model, 'c.status, t.generation, t.refresh_started_at IS NOT NULL'), "connected|$generation|t", "$name: it is known to be lost");
	later('1 hours');
	is(token_statuses($company), '0 200', "$name: the token before it is used within its grace");
	is(of($model, 'c.status, t.generation, t.refresh_started_at'), 'connected|' . ($generation + 1) . '|', "$name: and brings new ones");
	grant_lives($model, $company, $name);
	return;
}

# Whoever asks must know, even after a crash, that Intuit may have renewed the tokens.
sub test_crash_while_answer_is_under_way
{
	my ($model, $company) = @_;
	my $name = 'a crash while new tokens are on their way to the worker';

	$intuit->admin('config', { grace => 86400 });
	$intuit->admin('fault', { kind => 'rotate_and_mute', company => $company, endpoint => 'token' });
	$intuit->admin('log_clear');
	set_clock($node, '7 days');
	$node->wait_for_fault($company, 'rotate_and_mute');
	is(of($model, 't.refresh_started_at > t.obtained_at'), 't', "$name: the intent stands before the answer comes");
	end_listening();
	$node->stop('immediate');
	# the worker would be at it at once
	$node->set_option('reefqbo.databases', '');
	$node->start;
	is(of($model, 'c.status, t.refresh_started_at > t.obtained_at'), 'connected|t', "$name: and after the crash");
	$node->set_option('reefqbo.databases', 'postgres');
	begin_listening();
	later('1 hours');
	like(token_statuses($company), qr/^0 200$/, "$name: the token before them is used within its grace");
	is(of($model, 't.refresh_started_at'), '', "$name: and brings new ones");
	grant_lives($model, $company, $name);
	return;
}

# A rejection that is not the last word: the refresh token before the rejected one still works.
sub test_previous_token
{
	my ($model, $company) = @_;
	my $name = 'a newest token that is rejected while the one before it works';

	$intuit->admin('config', { grace => 30 * 86400 });
	later('7 days');
	$intuit->admin('fault', { kind => 'status', company => $company, endpoint => 'token', status => 400,
		content_type => 'application/json', body => '{"error":"invalid_grant"}', times => 2 });
	$intuit->admin('log_clear');
	later('7 days');
	is(token_statuses($company), '400 400 200', "$name: it has its try");
	is(status($model, 'status'), 'connected', "$name: and saves the grant");
	grant_lives($model, $company, $name);
	return;
}

# ---- 5. a server that cannot write ----

# A superuser's trigger in the way of every change of a grant, or of the commit that stores new tokens. What it
# counts outlives its failures.
sub obstruct
{
	my ($trigger) = @_;

	sql(<<"END");
CREATE SEQUENCE obstructions;
CREATE FUNCTION obstruct() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
    PERFORM nextval('public.obstructions');
    RAISE disk_full USING MESSAGE = 'no space left on this device';
END \$\$;
$trigger
END
	return;
}

sub clear_obstruction
{
	sql('DROP FUNCTION obstruct() CASCADE; DROP SEQUENCE obstructions');
	return;
}

sub obstructions { return sql('SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM obstructions') }

sub test_cannot_write
{
	my ($model, $company) = @_;
	my $name = 'a server that cannot write';

	obstruct('CREATE TRIGGER obstruct BEFORE UPDATE ON reefqbo.credential FOR EACH ROW EXECUTE FUNCTION obstruct();');
	$intuit->admin('log_clear');
	later('7 days');
	cmp_ok(obstructions(), '>', 0, "$name: the worker has tried");
	is(token_statuses($company), '', "$name: no token is used up that could not be replaced");
	is(of($model, 'c.status'), 'connected', "$name: the connection stays connected");
	clear_obstruction();
	later('0.5 days');
	is(token_statuses($company), '200', "$name: when it can again, the grant is refreshed by itself");
	grant_lives($model, $company, $name);
	return;
}

sub test_cannot_commit
{
	my ($model, $company) = @_;
	my $name = 'a commit that fails while new tokens are to be stored';
	my $generation = of($model, 't.generation');

	obstruct(<<'END');
CREATE CONSTRAINT TRIGGER obstruct AFTER UPDATE ON reefqbo.credential DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.generation <> OLD.generation) EXECUTE FUNCTION obstruct();
END
	$intuit->admin('log_clear');
	my $now = set_clock($node, '7 days');
	wait_until('storing has failed a few times', sub { return obstructions() >= 3 });
	is(token_statuses($company), '200', "$name: Intuit has renewed them");
	is(of($model, 't.generation'), $generation, "$name: they are not stored yet");
	clear_obstruction();
	wait_for_worker($node, $now);
	is(of($model, 't.generation'), $generation + 1, "$name: they are as soon as it works again");
	is(token_statuses($company), '200', "$name: without asking again");
	grant_lives($model, $company, $name);
	return;
}

sub test_read_only
{
	my ($model, $company) = @_;
	my $name = 'a database that is read-only by default';

	sql('ALTER DATABASE postgres SET default_transaction_read_only = on');
	$intuit->admin('log_clear');
	later('7 days');
	like(token_statuses($company), qr/^(?:200)?$/, "$name: whatever the worker does, it does not use up a token in vain");
	is(of($model, 'c.status'), 'connected', "$name: the connection stays connected");
	$node->safe_psql('template1', 'ALTER DATABASE postgres RESET default_transaction_read_only');
	later('0.5 days');
	is(token_statuses($company), '200', "$name: the grant is refreshed, once");
	grant_lives($model, $company, $name);
	return;
}

# ---- 6. two at once ----

# In a process of its own, as for whoever has a setting of their own.
sub begin_refresh
{
	my ($model) = @_;
	my $session = { out => '', err => '' };

	$session->{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', q{SET reefqbo.connect_timeout = '10s'}, '-c', "SELECT branch_name FROM reefqbo.refresh('$model')" ],
		'<', \undef, '>', \$session->{out}, '2>', \$session->{err});
	return $session;
}

sub ends_well
{
	my ($session, $model, $name) = @_;

	$session->{run}->finish;
	is($session->{out}, "$model\n", "$name: the session's succeeds") or diag($session->{err});
	wait_until_idle($node);
	return;
}

# The simulator holds up the company's request for tokens.
sub waits_at_gate
{
	my ($company) = @_;

	return wait_until("$company asks for tokens", sub { return grep { $_ eq $company } @{ $intuit->admin('gate')->{waiting} } });
}

sub test_session_beside_worker
{
	my ($model, $company) = @_;
	my $name = 'a refresh in a session while the worker is at one';

	$node->set_option('reefqbo.request_timeout', '1min');
	$intuit->admin('log_clear');
	$intuit->admin('gate', { closed => 1 });
	my $now = set_clock($node, '7 days');
	waits_at_gate($company);
	my $session = begin_refresh($model);
	wait_until('the session is at it too', sub { return sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'}) == 2 });
	$intuit->admin('gate', { closed => 0 });
	ends_well($session, $model, $name);
	wait_for_worker($node, $now);
	is(token_statuses($company), '200', "$name: one token request serves both");
	is(upkeep($model, 'failures_in_a_row, last_success > reefqbo._now() - interval \'1 hour\''), '0|t', "$name: the worker's succeeds");
	ties($model, $company, $name);
	return;
}

sub test_worker_beside_session
{
	my ($model, $company) = @_;
	my $name = 'a turn of the worker while a session is at a refresh';

	pause($model, 'true');
	later('3 days');
	$intuit->admin('log_clear');
	$intuit->admin('gate', { closed => 1 });
	my $session = begin_refresh($model);
	waits_at_gate($company);
	pause($model, 'false');
	is(of($model, 't.refresh_started_at > t.obtained_at'), 't', "$name: the session's is under way still");
	$intuit->admin('gate', { closed => 0 });
	ends_well($session, $model, $name);
	later('0.5 hours');
	is(token_statuses($company), '200', "$name: one token request serves both");
	is(upkeep($model, 'status, failures_in_a_row'), 'connected|0', "$name: the worker has come to no harm");
	$node->set_option('reefqbo.request_timeout', '1500ms');
	grant_lives($model, $company, $name);
	return;
}

# ---- the hard end ----

# Intuit ends a grant five years, 1825 days, after consent, however often it was refreshed.
sub test_hard_end
{
	my ($model, $company) = @_;
	my $day = sub { return $node->{clock_offset} / 86400 };
	my $go = sub { later(($_[0] - $day->()) . ' days') };

	while ($day->() < 1734)
	{
		$go->($day->() + 90 < 1734 ? $day->() + 90 : 1734);
	}
	told();
	$log_read = length slurp_file($node->logfile);
	is(status($model, 'status, days_until_grant_ends'), 'connected|90', 'nearly five years: the grant still lives');
	foreach my $step ([ 1735.5 => 90 ], [ 1740 => '' ], [ 1795.5 => 30 ], [ 1810 => '' ], [ 1818.5 => 7 ], [ 1822 => '' ])
	{
		$go->($step->[0]);
		my @payloads = endings_told("day $step->[0] of five years", $step->[1], $model => $company);
		is(join("\n", grep { !/^\{"event": "[a-z_]+"(?:, "[a-z_]+": \d+)+\}$/ } @payloads), '', "day $step->[0] of five years: payloads hold numbers only");
	}
	like(slurp_file($node->logfile), qr/ of model "\Q$model\E"\) ends in [67] days\n.*DETAIL:  Intuit ends every grant five years after consent\.\n.*HINT:  Call reefqbo\.reconnect/,
		'five years: the log says why, and what to do');
	is(status($model, 'status, days_until_grant_ends'), 'connected|2', 'five years: until then the connection stays connected');
	return $go;
}

# When it has ended, monitoring sees that even though Intuit cannot be asked; when it can, that is all the same.
sub test_after_hard_end
{
	my ($model, $company, $go) = @_;
	my $name = 'after five years';
	my $seen = qr/^reconnect_required\|SELECT reefqbo\.reconnect\('\Q$model\E', /;

	$intuit->admin('fault', { kind => 'status', status => 503, company => $company, endpoint => 'token', times => -1 });
	$go->(1825.5);
	like(status($model, 'status, what_to_do'), $seen, "$name: monitoring sees the end, and what to do, though Intuit cannot be asked");
	is(status($model, 'reason'), 'the grant has ended', "$name: and why");
	is(scalar(events('reconnect_required', $model, told())), 0, "$name: nobody has rejected it yet");
	$intuit->admin('clear_faults');
	$intuit->admin('log_clear');
	$go->(1826);
	like(status($model, 'status, what_to_do'), $seen, "$name: Intuit says so as well");
	is(scalar(events('reconnect_required', $model, told())), 1, "$name: NOTIFY tells of it");
	$intuit->admin('log_clear');
	$go->($_) foreach 1830, 1835;
	is(scalar(asked_for($company, qr/./)), 0, "$name: Intuit is not asked any more");
	is(scalar(grep { /reconnect_required|grant_ending/ } events('[a-z_]+', $model, told())), 0, "$name: and nothing is told again");
	$node->connect_company($model, 'sim-production', $company);
	wait_until_idle($node);
	later('7 days');
	is(status($model, 'status, days_until_grant_ends'), 'connected|100', "$name: a reconnect restores it");
	is(join(' ', map { $_->{status} } grep { ($_->{grant_type} // '') eq 'refresh_token' } asked_for($company, $TOKEN)), '200',
		"$name: and the new grant is kept alive");
	return;
}

# ---- the run ----

begin_listening();
my %busy = test_year();
test_after_year(%busy);
told();
$log_read = length slurp_file($node->logfile);

my %company = map { $_ => idle_model($_) } sort keys %OUTAGE;
test_countdown('first', %company);
test_countdown('second', %company);
test_mark_alone($company{'Unavailable'});
test_wrong_keys();
test_rejection();
test_refused_access();

my $lost = idle_model('Lost');
test_lost_answer('Lost', $lost);
test_crash_while_answer_is_under_way('Lost', $lost);
test_previous_token('Lost', $lost);

my $unwritten = idle_model('Unwritten');
test_cannot_write('Unwritten', $unwritten);
test_cannot_commit('Unwritten', $unwritten);
test_read_only('Unwritten', $unwritten);

my $both = imported_model('Both');
test_session_beside_worker('Both', $both);
test_worker_beside_session('Both', $both);
pause('Both', 'true');

test_after_hard_end('Paused', $IDLE{'Paused'}, test_hard_end('Paused', $IDLE{'Paused'}));

end_listening();
$node->stop;
done_testing();
