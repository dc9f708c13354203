# No connection is lost through our fault: new tokens are stored whatever happens while they are on their way,
# what two sessions do to one connection at once has one outcome, and only what Intuit says for certain, of the
# grant that is there now, ends a connection.
#
# Which tokens live, which were handed out, and what was asked, is the simulator's to say. It gives no grace:
# a token that was replaced is dead, so that a token lost is a grant lost.

use strict;
use warnings;

use IO::Socket::INET ();
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Session;
use Reefqbo::Simulator;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('durability', $intuit);

# ---- asking the server ----

my $WORKER = q{backend_type = 'reefqbo worker' AND datname = 'postgres'};
my $CALLER = q{application_name = 'caller' AND datname = 'postgres'};

sub wait_for_end_of_workers
{
	wait_until('the workers have gone', sub { return sql("SELECT count(*) FROM pg_stat_activity WHERE $WORKER") == 0 });
	return;
}

sub of_connection
{
	my ($model, $columns) = @_;

	return sql("SELECT $columns FROM reefqbo.connection c JOIN reefqbo.model m USING (model_id)"
		. ' LEFT JOIN reefqbo.credential t USING (model_id, connection_id) WHERE m.name = ' . quote($model));
}

sub status_of { return of_connection($_[0], 'c.status') }

sub generation_of { return of_connection($_[0], 't.generation') }

# ---- asking the simulator ----

sub asked
{
	my ($company, $endpoint) = @_;

	return grep { $_->{endpoint} ne 'authorize' && (!defined $endpoint || $_->{endpoint} eq $endpoint) }
	  @{ $intuit->admin('log', { company => $company })->{log} };
}

sub statuses { return join ' ', map { $_->{status} } asked(@_) }

sub living_refresh { return @{ $intuit->admin('tokens', { company => $_[0] })->{living_refresh} } }

# The next answer of an endpoint about a company comes when it is released, and whole.
sub hold
{
	my ($company, $endpoint) = @_;

	$intuit->admin('fault', { kind => 'hold', company => $company, endpoint => $endpoint });
	return;
}

sub release { return $intuit->admin('release') }

# ---- steps of a test ----

my $pods = 0;

# Every test has a company of its own.
sub new_company
{
	return 'pod-' . ++$pods;
}

sub connected_company
{
	my ($model, $branch) = @_;
	my $company = new_company();

	$node->connect_company($model, 'sim-production', $company, $branch);
	return $company;
}

# The address a browser comes back to, of a sign-in for a branch.
sub signed_in
{
	my ($model, $company) = @_;

	$node->ensure_model($model, 'sim-production');
	return quote($intuit->browse(sql(call('connect', $model, 'sim-production')), company => $company));
}

sub completing { return "SELECT company FROM reefqbo.complete_connection($_[0])" }

sub importing { return "SELECT company FROM reefqbo.import_accounts('$_[0]')" }

sub name_of
{
	my ($company) = @_;

	return (map { $_->{name} } grep { $_->{key} eq $company } @{ $intuit->admin('companies')->{companies} })[0];
}

# What is stored is what lives: the access token works as it is, and the refresh token at the first try.
sub nothing_is_lost
{
	my ($model, $company, $name) = @_;

	$intuit->admin('clear_faults');
	$intuit->admin('log_clear');
	is(sql(importing($model)), name_of($company), "$name: the next import works");
	is(statuses($company, 'token'), '', "$name: with the access token that had come");
	$intuit->admin('expire_access', { company => $company });
	is(sqlstate(importing($model)), 'none', "$name: an import an hour later works");
	is(statuses($company, 'token'), '200', "$name: with the refresh token that had come, at the first try");
	return;
}

# ---- (a) interrupts while tokens are on their way ----

my %INTERRUPT = (
	'cancel of the worker' => [ 'pg_cancel_backend', $WORKER, '57014' ],
	'termination of the worker' => [ 'pg_terminate_backend', $WORKER, '57P01' ],
	'cancel of the caller' => [ 'pg_cancel_backend', $CALLER, '57014' ],
	'termination of the caller' => [ 'pg_terminate_backend', $CALLER, '57P01' ]);

# Run statements, each of a company whose tokens come when all have been interrupted.
sub interrupt
{
	my ($what, %query) = @_;
	my ($function, $whom, $expected) = @{ $INTERRUPT{$what} };

	$intuit->admin('log_clear');
	hold($_, 'token') foreach keys %query;
	my @session = map { begin_sql($_) } values %query;
	$node->wait_for_fault($_, 'hold') foreach keys %query;
	my @asked = map { asked($_) } keys %query;
	is(sql("SELECT $function(pid) FROM pg_stat_activity WHERE $whom"), "t\nt", "$what: while tokens are on their way");
	release();
	is(end_sql($_), $expected, "$what: the caller is told") foreach @session;
	wait_for_end_of_workers();
	is(scalar(map { asked($_) } keys %query), @asked, "$what: nothing else is begun");
	return;
}

sub test_interrupt
{
	my ($what) = @_;
	my ($refreshed, $new) = ("Refresh, $what", "Sign-in, $what");
	my @company = (connected_company($refreshed), new_company());
	my $back = signed_in($new, $company[1]);
	my ($generation, $old) = (generation_of($refreshed), living_refresh($company[0]));

	$intuit->admin('expire_access', { company => $company[0] });
	interrupt($what, $company[0] => importing($refreshed), $company[1] => completing($back));

	my $name = "$what while tokens are refreshed";
	isnt((living_refresh($company[0]))[0], $old, "$name: Intuit has replaced the refresh token");
	is(generation_of($refreshed), $generation + 1, "$name: the new pair is stored");
	is(status_of($refreshed), 'connected', "$name: the connection stays connected");
	nothing_is_lost($refreshed, $company[0], $name);

	$name = "$what while a code is exchanged";
	is(status_of($new), 'connected', "$name: the connection is there");
	is(scalar(living_refresh($company[1])), 1, "$name: with the one grant there is");
	nothing_is_lost($new, $company[1], $name);
	return;
}

# ---- (b) locks in the way of tokens ----

sub hold_lock
{
	my ($table, $seconds, $database) = @_;
	my $session = begin_sql("BEGIN; LOCK TABLE reefqbo.$table; SELECT pg_sleep($seconds); COMMIT", $database);

	wait_until("$table is locked", sub {
		return sql("SELECT count(*) FROM pg_locks WHERE relation = 'reefqbo.$table'::regclass AND mode = 'AccessExclusiveLock' AND granted", $database);
	});
	return $session;
}

# The simulator holds up these companies' requests for tokens.
sub wait_at_gate
{
	my @companies = sort @_;

	return wait_until("@companies ask for tokens", sub { return "@{ $intuit->admin('gate')->{waiting} }" eq "@companies" });
}

# Its pg_sleep is interrupted, and so its transaction ends.
sub let_go
{
	my ($lock) = @_;

	sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query ~ '^ *SELECT pg_sleep' AND pid <> pg_backend_pid()});
	return end_sql($lock);
}

# A refresh and a sign-in, both of whose tokens come while somebody else has locked a table.
sub test_locked
{
	my ($table) = @_;
	my ($refreshed, $new) = ("Refresh, $table locked", "Sign-in, $table locked");
	my @company = (connected_company($refreshed), new_company());
	my $back = signed_in($new, $company[1]);
	my $generation = generation_of($refreshed);

	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => $company[0] });
	$intuit->admin('gate', { closed => 1 });
	my @session = (begin_sql(importing($refreshed)), begin_sql(completing($back)));
	wait_at_gate(@company);
	my $lock = hold_lock($table, 3600);
	$intuit->admin('gate', { closed => 0 });
	wait_until('the tokens have come', sub {
		my $gate = $intuit->admin('gate');
		return !@{ $gate->{waiting} } && $gate->{under_way} == 0;
	});
	let_go($lock);
	is(end_sql($session[0]), name_of($company[0]), "$table locked while refreshed tokens come: the import waits and succeeds");
	is(end_sql($session[1]), name_of($company[1]), "$table locked while the tokens of a sign-in come: it waits and succeeds");
	is(generation_of($refreshed), $generation + 1, "$table locked while refreshed tokens come: they are stored, once");
	nothing_is_lost($refreshed, $company[0], "$table locked while refreshed tokens come");
	nothing_is_lost($new, $company[1], "$table locked while the tokens of a sign-in come");
	return;
}

# A lock held for longer than a worker waits for one elsewhere, in a database where it is in nobody's way.
sub begin_locked_for_long
{
	my $company = new_company();

	sql('CREATE DATABASE locked');
	$node->install_reefqbo('locked');
	sql(q{SELECT reefqbo.create_model('Locked')}, 'locked');
	my $back = quote($intuit->browse(sql(call('connect', 'Locked', 'sim-production'), 'locked'), company => $company));
	sql(completing($back), 'locked');

	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => $company });
	$intuit->admin('gate', { closed => 1 });
	my $import = begin_sql(importing('Locked'), 'locked');
	wait_at_gate($company);
	my $lock = hold_lock('credential', 22, 'locked');
	$intuit->admin('gate', { closed => 0 });
	return { company => $company, lock => $lock, import => $import };
}

sub test_locked_for_long
{
	my ($begun) = @_;
	my $name = 'a lock held for 22 seconds while refreshed tokens come';

	is(end_sql($begun->{import}), name_of($begun->{company}), "$name: the import waits and succeeds");
	end_sql($begun->{lock});
	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => $begun->{company} });
	is(sql(importing('Locked'), 'locked'), name_of($begun->{company}), "$name: the next one works");
	is(statuses($begun->{company}, 'token'), '200', "$name: at the first try");
	return;
}

# ---- (c) a sign-in beside a refresh that hangs ----

sub test_sign_in_beside_hanging_refresh
{
	my ($model, $name) = ('Hanging', 'a sign-in that a hanging refresh holds up');
	my $company = connected_company($model);
	my $back = signed_in($model, $company);
	my $generation = generation_of($model);

	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => $company });
	$intuit->admin('fault', { kind => 'mute', company => $company, endpoint => 'token', times => -1 });
	my $import = begin_sql(q{SET reefqbo.request_timeout = '10s';} . importing($model));
	$node->wait_for_fault($company, 'mute');
	is(end_sql(begin_sql(q{SET statement_timeout = '700ms';} . completing($back))), '57014', "$name: is ended by statement_timeout");
	is(scalar(asked($company, 'token')), 1, "$name: its code was not sent");
	sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $WORKER");
	end_sql($import);
	wait_for_end_of_workers();
	$intuit->admin('clear_faults');
	is(generation_of($model), $generation, "$name: the tokens are those of before");

	is(sql(completing($back)), name_of($company), "$name: the same address works later");
	is(generation_of($model), $generation + 1, "$name: and brings the new grant");
	my ($old, $new) = living_refresh($company);
	nothing_is_lost($model, $company, $name);
	my @living = living_refresh($company);
	is(scalar(grep { $_ eq $old } @living), 1, "$name: the older grant is not used any more");
	is(scalar(grep { $_ eq $new } @living), 0, "$name: the newer is");
	return;
}

# ---- (d) two sign-ins of one branch at once ----

# Which company's tokens are stored is told by which grant's refresh token the next refresh replaces.
sub refreshed_company
{
	my ($model, @company) = @_;
	my %before = map { $_ => join(' ', living_refresh($_)) } @company;

	$intuit->admin('expire_access', { company => $_ }) foreach @company;
	sql(importing($model));
	return join ' ', grep { join(' ', living_refresh($_)) ne $before{$_} } @company;
}

sub realm_of
{
	my ($company) = @_;

	return (map { $_->{realm} } grep { $_->{key} eq $company } @{ $intuit->admin('companies')->{companies} })[0];
}

# Whoever has won, the row is his, and says so.
sub one_has_won
{
	my ($model, $company, $outcome, $name) = @_;
	my @won = grep { $outcome->[$_] eq name_of($company->[$_]) } 0, 1;

	is(scalar(@won), 1, "$name: one wins") or diag("outcomes: @$outcome");
	my $winner = $company->[ $won[0] // 0 ];
	like($outcome->[ 1 - ($won[0] // 0) ], qr/^RQ00[29]$/, "$name: the other is told that the branch has another company");
	is(of_connection($model, 'count(*), max(company_name)'), '1|' . name_of($winner), "$name: there is one connection, with the winner's name");
	is(sql(call('realm_id', $model)), realm_of($winner), "$name: to the winner's company");
	is(refreshed_company($model, @$company), $winner, "$name: with the winner's grant");
	return;
}

sub test_two_sign_ins
{
	my ($model, $name) = ('Two', 'two sign-ins for two companies at once');
	my @company = (new_company(), new_company());
	my @back = map { signed_in($model, $_) } @company;

	$intuit->admin('log_clear');
	hold($_, 'token') foreach @company;
	my @session = map { begin_sql(completing($_)) } @back;
	wait_until('one code is being exchanged, and both are at it', sub {
		return sql("SELECT count(*) FROM pg_stat_activity WHERE $WORKER") == 2 && grep { ($_->{fault} // '') eq 'hold' } @{ $intuit->admin('log')->{log} };
	});
	release();
	my @outcome = map { end_sql($_) } @session;
	$intuit->admin('clear_faults');
	one_has_won($model, \@company, \@outcome, $name);
	return;
}

# The first has its grant, and the answer that names its company is late.
sub test_sign_in_while_company_is_read
{
	my ($model, $name) = ('Two, late', 'a sign-in for another company while that of the first is being read');
	my @company = (new_company(), new_company());
	my @back = map { signed_in($model, $_) } @company;

	$intuit->admin('log_clear');
	hold($company[0], 'companyinfo');
	my $first = begin_sql(completing($back[0]));
	$node->wait_for_fault($company[0], 'hold');
	my $second = begin_sql(completing($back[1]));
	wait_until('both are at it', sub { return sql("SELECT count(*) FROM pg_stat_activity WHERE $WORKER") == 2 });
	release();
	one_has_won($model, \@company, [ end_sql($first), end_sql($second) ], $name);
	return;
}

# ---- (e) what happens to a connection while an import runs ----

sub actuals { return "SELECT months FROM reefqbo.import_actuals('$_[0]', '2026-09-01', '2026-09-30')" }

sub test_disconnect_during_import
{
	my ($model, $revoked, $name) = @_;
	my $company = connected_company($model);

	$node->connect_company("$model, other", 'sim-production', $company) if $revoked eq 'f';
	$intuit->admin('log_clear');
	hold($company, 'ProfitAndLoss');
	my $import = begin_sql(actuals($model));
	$node->wait_for_fault($company, 'hold');
	is(sql("SELECT revoked FROM reefqbo.disconnect('$model')"), $revoked, "$name: whether the grant is revoked");
	is(status_of($model), 'disconnected', "$name: the connection is disconnected");
	release();
	note('the import ended with: ' . end_sql($import));
	wait_for_end_of_workers();
	is(of_connection($model, 'c.status, c.status_reason, t.generation'), 'disconnected|disconnected on request|', "$name: and stays so, without tokens, when the import ends");
	return;
}

# Intuit refuses a grant that the user has withdrawn; the refusal is on its way while he signs in anew.
sub test_reconnect_during_import
{
	my ($model, $name) = ('Anew', 'reconnect while an import with the old grant is refused');
	my $company = connected_company($model);

	$intuit->admin('log_clear');
	$intuit->admin('revoke_grant', { company => $company });
	hold($company, 'query');
	my $import = begin_sql(importing($model));
	$node->wait_for_fault($company, 'hold');
	is(sql(completing(signed_in($model, $company))), name_of($company), "$name: the reconnect succeeds");
	release();
	is(end_sql($import), 'RQ003', "$name: the import fails");
	is(of_connection($model, 'c.status, c.status_reason'), 'connected|', "$name: which says nothing about the new grant");
	nothing_is_lost($model, $company, $name);
	return;
}

# The same when Intuit calls the old access token expired: then the new one is at hand.
sub test_reconnect_during_import_with_expired_token
{
	my ($model, $name) = ('Anew, expired', 'reconnect while the old access token is refused as expired');
	my $company = connected_company($model);

	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => $company });
	hold($company, 'query');
	my $import = begin_sql(importing($model));
	# the row still calls the token fresh, so that it is used
	$node->wait_for_fault($company, 'hold');
	is(sql(completing(signed_in($model, $company))), name_of($company), "$name: the reconnect succeeds");
	release();
	is(end_sql($import), name_of($company), "$name: and so does the import, with the new token");
	is(join(' ', map { $_->{grant_type} } asked($company, 'token')), 'authorization_code', "$name: which nobody had to refresh");
	nothing_is_lost($model, $company, $name);
	return;
}

# ---- (f) the hard end of a grant ----

sub test_hard_end_is_not_inherited
{
	my ($model, $name) = ('Hard end', 'a new consent whose hard end Intuit does not tell');
	my $company = connected_company($model);

	sql(q{UPDATE reefqbo.credential t SET hard_expires_at = now() - interval '1 day' FROM reefqbo.model m
	       WHERE m.model_id = t.model_id AND m.name = 'Hard end'});
	is(sql(q{SELECT status FROM reefqbo.connection_status WHERE model = 'Hard end'}), 'reconnect_required', 'a grant past its hard end has ended');
	my $back = signed_in($model, $company);
	$intuit->admin('fault', { kind => 'missing_token', company => $company, field => 'x_refresh_token_hard_expires_in' });
	sql(completing($back));
	is(of_connection($model, 't.hard_expires_at IS NULL'), 't', "$name: it has none, and not that of the grant before");
	is(sql(q{SELECT status, days_until_grant_ends FROM reefqbo.connection_status WHERE model = 'Hard end'}), 'connected|100', "$name: the view says connected");
	nothing_is_lost($model, $company, $name);
	return;
}

# A refresh is no new consent: what is known of the grant's end stays.
sub test_hard_end_is_kept
{
	my ($model, $name) = ('Hard end kept', 'a refresh whose answer does not tell the hard end');
	my $company = connected_company($model);
	my $before = of_connection($model, 't.hard_expires_at');

	$intuit->admin('expire_access', { company => $company });
	$intuit->admin('fault', { kind => 'missing_token', company => $company, field => 'x_refresh_token_hard_expires_in' });
	is(sqlstate(importing($model)), 'none', "$name: it succeeds");
	is(of_connection($model, 't.hard_expires_at'), $before, "$name: and keeps the one that is known");
	return;
}

# ---- (g), (h) disconnecting, and keys ----

my $KEY_FILE = $node->basedir . '/reefqbo.key';

sub write_ring
{
	my ($text) = @_;

	open(my $file, '>', $KEY_FILE) or die "could not open $KEY_FILE: $!";
	print $file $text;
	close $file or die "could not write $KEY_FILE: $!";
	return;
}

sub test_shared_grant_after_new_key
{
	my ($one, $two, $name) = ('Shared, old key', 'Shared, new key', 'a second model on a company, since there is a new key');
	my $company = connected_company($one);

	append_to_file($KEY_FILE, 'k2:' . encode_base64('2' x 32, '') . "\n");
	$node->connect_company($two, 'sim-production', $company);
	is(scalar(living_refresh($company)), 2, "$name: each has a grant of its own");
	$intuit->admin('log_clear');
	my $row = sql("SELECT revoked, note FROM reefqbo.disconnect('$two')");
	like($row, qr/^f\|.*another connection is to the same company/, "$name: its disconnect does not revoke, and says why");
	is(scalar(asked($company)), 0, "$name: and asks Intuit nothing");
	is(scalar(living_refresh($company)), 2, "$name: both grants live");
	nothing_is_lost($one, $company, "$name: the first, after the second was disconnected");
	is(sql("SELECT revoked FROM reefqbo.disconnect('$one')"), 't', "$name: the last one's disconnect revokes");
	return;
}

sub test_disconnect_without_key
{
	my ($model, $name) = ('No key', 'disconnect when the key ring is another one');
	my $company = connected_company($model);
	my $ring = slurp_file($KEY_FILE);

	write_ring('other:' . encode_base64('x' x 32, '') . "\n");
	my ($status, $row, $error) = $node->psql('postgres', "SELECT company, revoked, note FROM reefqbo.disconnect('$model')");
	write_ring($ring);
	is($error, '', "$name: it succeeds");
	like($row, qr/^\Q@{[ name_of($company) ]}\E\|f\|tokens wiped; not revoked at Intuit, since they could not be unsealed/, "$name: and says what was not done");
	is(of_connection($model, 'c.status, t.generation'), 'disconnected|', "$name: the tokens are wiped");
	return;
}

# ---- (i) nobody there ----

# A port that takes no connection in and refuses none: its queue is full. Returns undef where the system
# does not do that.
sub full_port
{
	my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'tcp', Listen => 1) or die "could not listen: $!";

	listen($server, 0) or die "could not listen: $!";
	my @guests = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->sockport, Blocking => 0) } 1 .. 4;
	return if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->sockport, Timeout => 0.5);
	return { port => $server->sockport, server => $server, guests => \@guests };
}

sub point_to
{
	my ($column, $address) = @_;

	sql("UPDATE reefqbo.environment SET $column = " . quote($address) . q{ WHERE name = 'sim-production'});
	return;
}

my $SHORT = q{SET reefqbo.connect_timeout = '300ms'; SET reefqbo.retry_budget = '500ms';};

sub test_unreachable
{
	my $name = 'a server that takes no connection in';
	my $full = full_port();

  SKIP:
	{
		skip 'a full queue does not hold up connections here', 8 unless $full;
		my $model = 'Unreachable';
		my $company = connected_company($model);
		my $back = signed_in('Unreached', new_company());
		sql(importing($model));

		point_to('api_url', "https://127.0.0.1:$full->{port}/production");
		my $error = $node->sqlstate_of("$SHORT SELECT FROM reefqbo.import_actuals('$model', '2025-01-01', '2025-12-31')");
		point_to('api_url', $intuit->api_url('production'));
		is($error->{sqlstate}, 'RQ011', "$name: RQ011");
		like($error->{message}, qr/QuickBooks could not be reached/, "$name: the message says so");
		is(sql(q{SELECT requests FROM reefqbo.import_log WHERE kind = 'actuals' ORDER BY import_id DESC LIMIT 1}), 1,
			"$name: a smaller range would not help, and is not tried");
		is(status_of($model), 'connected', "$name: the connection stays connected");

		point_to('token_url', "https://127.0.0.1:$full->{port}/token");
		$intuit->admin('log_clear');
		sql(q{UPDATE reefqbo.credential SET access_expires_at = now()});
		is(sqlstate($SHORT . importing($model)), 'RQ011', "$name, for tokens: RQ011");
		is(status_of($model), 'connected', "$name, for tokens: the connection stays connected");
		point_to('token_url', $intuit->token_url);
		is(sqlstate(importing($model)), 'none', "$name: when it does again, the import works");
		is(statuses($company, 'token'), '200', "$name: with the refresh token there was");
	}
	return;
}

# ---- (j), (k) what a refusal means ----

sub answer_with
{
	my ($company, $status, $type, $body, $times) = @_;

	$intuit->admin('fault', { kind => 'status', company => $company, endpoint => 'query', status => $status,
		content_type => $type, body => $body, times => $times });
	return;
}

sub test_forbidden_page
{
	my ($model, $name) = ('Forbidden', 'a web page with status 403');
	my $company = connected_company($model);

	answer_with($company, 403, 'text/html', '<html><body>no</body></html>', -1);
	$intuit->admin('log_clear');
	is(sqlstate(importing($model)), 'RQ005', "$name: RQ005");
	is(statuses($company), '403', "$name: asked once");
	is(status_of($model), 'connected', "$name: the connection stays connected");
	$intuit->admin('clear_faults');
	is(sqlstate(importing($model)), 'none', "$name: the next import works");
	return;
}

sub test_fault_without_number
{
	my ($model, $name) = ('Numberless', 'a fault with status 401 and no number');
	my $company = connected_company($model);

	answer_with($company, 401, 'application/json',
		'{"fault":{"error":[{"message":"Authentication failed"}],"type":"AUTHENTICATION"}}', 1);
	$intuit->admin('log_clear');
	is(sqlstate(importing($model)), 'none', "$name: the tokens are refreshed and the import succeeds");
	is(scalar(asked($company, 'token')), 1, "$name: once");
	is(status_of($model), 'connected', "$name: the connection stays connected");
	$intuit->admin('clear_faults');
	is(sqlstate(importing($model)), 'none', "$name: the next import works");
	return;
}

sub test_refused_after_refresh
{
	my ($model, $name) = ('Refused', 'an access token refused although it is fresh');
	my $company = connected_company($model);

	$intuit->admin('log_clear');
	$intuit->admin('fault', { kind => 'fault', company => $company, endpoint => 'query', code => 3200, status => 401, times => 2 });
	is(sqlstate(importing($model)), 'RQ011', "$name: RQ011");
	is(join(' ', map { $_->{endpoint} } asked($company)), 'query token query', "$name: after one refresh");
	is(status_of($model), 'connected', "$name: the connection stays connected");
	is(sqlstate(importing($model)), 'none', "$name: the next import asks again, and succeeds when Intuit thinks better of it");
	is(of_connection($model, 'c.status, c.status_reason'), 'connected|', "$name: as if nothing had been");
	nothing_is_lost($model, $company, $name);
	return;
}

sub test_rejected_grant
{
	my ($model, $name) = ('Rejected', 'a refresh token rejected for certain');
	my $company = connected_company($model);

	$intuit->admin('revoke_grant', { company => $company });
	sql(q{UPDATE reefqbo.credential t SET access_expires_at = now() FROM reefqbo.model m WHERE m.model_id = t.model_id AND m.name = 'Rejected'});
	is(sqlstate(importing($model)), 'RQ001', "$name: RQ001");
	is(status_of($model), 'reconnect_required', "$name: the connection says so");
	foreach my $function ('import_accounts', 'refresh')
	{
		$intuit->admin('log_clear');
		is(sqlstate("SELECT FROM reefqbo.$function('$model')"), 'RQ001', "$name: $function fails");
		is(scalar(asked($company)), 0, "$name: and asks Intuit nothing");
	}
	is(sql(completing(signed_in($model, $company))), name_of($company), "$name: until a reconnect");
	is(of_connection($model, 'c.status, t.rejected_at'), 'connected|', "$name: which makes it connected");
	nothing_is_lost($model, $company, $name);
	return;
}

# ---- (l) several companies ----

sub accounts_stored
{
	my ($branch) = @_;

	return sql('SELECT account_id FROM reefqbo.account JOIN reefqbo.connection USING (model_id, connection_id)'
		. " JOIN reefqbo.branch b USING (model_id, branch_id) WHERE b.name = '$branch' AND NOT is_computed ORDER BY account_id COLLATE \"C\"");
}

sub accounts_in_books
{
	my ($company) = @_;

	return join "\n", sort map { $_->{id} } grep { !$_->{vanished} } @{ $intuit->admin('accounts', { company => $company })->{accounts} };
}

# The second of four has withdrawn its consent, and the third is suspended, which is told later.
sub test_one_of_several_fails
{
	my ($model, $name) = ('Group', 'an import of several companies of which two fail');
	my @branch = ('North', 'East', 'South', 'West');
	my %company = map { $_ => connected_company($model, $_) } @branch;

	$intuit->admin('revoke_grant', { company => $company{East} });
	$intuit->admin('set_company', { company => $company{South}, subscription => 'SUSPENDED' });
	hold($company{South}, 'query');
	my $session = begin_sql(importing($model));
	wait_until('the first has failed', sub {
		return sql(q{SELECT count(*) FROM reefqbo.connection c JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Group' AND c.status = 'reconnect_required'}) == 1;
	});
	release();
	is(end_sql($session), 'RQ001', "$name: the error is that of the first that failed");
	like($session->{err}, qr/ERROR:  RQ001: .*\Q@{[ name_of($company{East}) ]}\E/, "$name: the message names that company");
	is(accounts_stored($_), accounts_in_books($company{$_}), "$name: $_ is imported") foreach 'North', 'West';
	is(accounts_stored($_), '', "$name: $_ is not") foreach 'East', 'South';
	is(sql(q{SELECT string_agg(b.name || ' ' || c.status, ', ' ORDER BY b.branch_id) FROM reefqbo.connection c JOIN reefqbo.branch b USING (model_id, branch_id)
	          JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Group'}),
		'North connected, East reconnect_required, South suspended, West connected', "$name: each connection says how it stands");
	is(sql(q{SELECT string_agg(l.status || coalesce(' ' || l.sqlstate, ''), ', ' ORDER BY l.connection_id) FROM reefqbo.import_log l JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Group'}),
		'succeeded, failed RQ001, failed RQ004, succeeded', "$name: and the log of imports has the error of each");
	return;
}

# ---- the run ----

$intuit->admin('config', { grace => 0 });
my $locked = begin_locked_for_long();
test_interrupt($_) foreach sort keys %INTERRUPT;
test_locked($_) foreach 'credential', 'connection';
test_sign_in_beside_hanging_refresh();
test_two_sign_ins();
test_sign_in_while_company_is_read();
test_disconnect_during_import('Ended', 't', 'disconnect while an import runs');
test_disconnect_during_import('Ended, shared', 'f', 'disconnect while an import runs with a token that lives on');
test_reconnect_during_import();
test_reconnect_during_import_with_expired_token();
test_hard_end_is_not_inherited();
test_hard_end_is_kept();
test_shared_grant_after_new_key();
test_disconnect_without_key();
test_unreachable();
test_forbidden_page();
test_fault_without_number();
test_refused_after_refresh();
test_rejected_grant();
test_one_of_several_fails();
test_locked_for_long($locked);

$node->stop;
done_testing();
