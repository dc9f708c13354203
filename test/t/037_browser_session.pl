# Sign-ins that belong to a session of a browser: whoever sends somebody else the address of a sign-in of his own must
# not get her company by it (RFC 6749, 10.12). Whoever may call is the application's one role, as it is in practice.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_hex sha256_hex);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Session;
use Reefqbo::Simulator;

my ($HIS, $HERS) = ('mallory-4f1d0c77', 'bookkeeper-93ab51e2');
my $ANOTHER = qr/\Athis sign-in was begun in another session\z/;
my $WITHOUT = qr/\Athis sign-in was begun without a session, and is to be ended in one\z/;
my $ENDED_WITHOUT = qr/\Athis sign-in was begun in a session, and is to be ended without one\z/;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('sessions', $intuit, settings => "log_min_messages = debug5\nlog_min_error_statement = panic\nlog_statement = none\n");

# ---- helpers ----

sub begin
{
	my ($model, $session) = @_;

	$node->ensure_model($model, 'sim-production');
	return sql(call('connect', $model, 'sim-production', undef, $session));
}

sub signed_in { return $intuit->browse($_[0], company => $_[1]) }

sub parts_of { return map { $_[0] =~ /[?&]$_=([^&#]*)/ } qw(state code realmId) }

sub asked { return join ' ', map { $_->{endpoint} } grep { $_->{endpoint} ne 'authorize' } @{ $intuit->admin('log')->{log} } }

# Everything but who did what, and what was asked.
sub everything
{
	return join "\n", map { sql("SELECT '$_', count(*), md5(coalesce(string_agg(t::text, ';' ORDER BY t::text), '')) FROM reefqbo.$_ t") }
	  qw(authorization_request connection credential account actual);
}

# Refused for its session, with nothing changed and nothing asked; in parts as well.
sub refused
{
	my ($back, $session, $message, $name) = @_;
	my $before = everything();

	$intuit->admin('log_clear');
	foreach my $query (call('complete_connection', $back, $session), call('complete_connection', parts_of($back), $session))
	{
		my $error = try($query);
		is($error->{sqlstate}, 'RQ009', "$name: RQ009");
		like($error->{message}, $message, "$name: the message says what was wrong");
		like($error->{detail}, qr/asked nothing, and the state is not used up/, "$name: the detail says that nothing is lost");
		like($error->{hint}, qr/in her own browser.*reefqbo\.connect.*complete_connection with the same/, "$name: the hint says what to do");
		unlike(join(' ', map { $_ // '' } values %$error), qr/mallory|bookkeeper|Victim|Attacker/, "$name: nobody's session or model is told");
	}
	is(asked(), '', "$name: Intuit is asked nothing");
	is(everything(), $before, "$name: nothing is stored or used up");
	return;
}

sub connects
{
	my ($back, $session, $expected, $name) = @_;

	is(sql('SELECT company FROM reefqbo.complete_connection(' . join(', ', quote($back), quote($session)) . ')'), $expected, $name);
	return;
}

# ---- the attack ----

sub test_attack
{
	my $back = signed_in(begin('Attacker', $HIS), 'pod-1');

	refused($back, $HERS, $ANOTHER, 'she opens his address');
	is(sql(q{SELECT count(*) FROM reefqbo.connection_status WHERE model = 'Attacker'}), 0, 'her company is not linked to his model');
	like(sql(q{SELECT DISTINCT detail FROM reefqbo.audit WHERE action = 'sign_in_failed' AND model = 'Attacker'}),
		qr/\ARQ009: this sign-in was begun in another session\z/, 'and an admin can see that it was tried');
	connects($back, $HIS, 'Pod 1 Ltd', 'the session it was begun in can end it');
	return;
}

sub test_begun_by_hand
{
	my $back = signed_in(begin('Attacker two', undef), 'pod-2');

	refused($back, $HERS, $WITHOUT, 'she opens an address that was made without a session');
	connects($back, undef, 'Pod 2 Ltd', 'without one at both ends it works');
	return;
}

sub test_ended_without
{
	my $back = signed_in(begin('Attacker three', $HIS), 'pod-3');

	refused($back, undef, $ENDED_WITHOUT, 'begun in a session, ended by a route that has none');
	is(sql('SELECT company FROM reefqbo.complete_connection(' . join(', ', map { quote($_) } parts_of($back), $HIS) . ')'), 'Pod 3 Ltd',
		'in parts the right session ends it');
	return;
}

# ---- no stranger uses a state up ----

sub test_user_said_no
{
	my $back = $intuit->browse(begin('Refusals', $HIS), company => 'pod-4', deny => 1);
	my $before = everything();

	foreach my $case ([ $HERS, $ANOTHER ], [ undef, $ENDED_WITHOUT ])
	{
		my $error = try(call('complete_connection', $back, $case->[0]));
		is($error->{sqlstate}, 'RQ009', 'a stranger says no: RQ009');
		like($error->{message}, $case->[1], 'a stranger says no: it is told like every other');
	}
	is(everything(), $before, 'a stranger says no: the state is not used up');
	like(try(call('complete_connection', $back, $HIS))->{message}, qr/user did not allow/, 'the right one says no');
	like(try(call('complete_connection', $back, $HIS))->{message}, qr/has been used already/, 'which uses it up');
	my $without = $intuit->browse(begin('Refusals', undef), company => 'pod-4', deny => 1);
	like(try(call('complete_connection', $without, $HERS))->{message}, $WITHOUT, 'no to one that was begun without a session');
	return;
}

# What is used or too old is told as ever, whatever session it comes from.
sub test_used_and_old
{
	my $back = signed_in(begin('Old', $HIS), 'pod-5');

	connects($back, $HIS, 'Pod 5 Ltd', 'a sign-in is ended');
	like(try(call('complete_connection', $back, $_))->{message}, qr/has been used already/, 'a used state is used') foreach $HERS, undef;
	my $old = signed_in(begin('Old', $HIS), 'pod-5');
	sql(q{UPDATE reefqbo.authorization_request SET expires_at = now() WHERE used_at IS NULL});
	like(try(call('complete_connection', $old, $_))->{message}, qr/older than ten minutes/, 'an old state is old') foreach $HIS, $HERS, undef;
	return;
}

# The page that the browser comes back to, in the same session: the connection is made, and nothing is asked for that.
sub test_loaded_again
{
	my $back = signed_in(begin('Again', $HIS), 'pod-7');
	my ($state, $code, $realm) = parts_of($back);
	my $columns = 'SELECT model, branch, company, environment, status, connection_id FROM reefqbo.complete_connection(' . quote($back) . ', ' . quote($HIS) . ')';
	my $first = sql($columns);
	my $grants = sql(q{SELECT md5(string_agg(t::text, ';' ORDER BY connection_id)) FROM reefqbo.credential t});

	$intuit->admin('log_clear');
	is(sql($columns), $first, 'loaded again: the same connection');
	is(sql('SELECT status FROM reefqbo.complete_connection(' . join(', ', map { quote($_) } $state, $code, $realm, $HIS) . ')'), 'connected', 'loaded again: in parts');
	is(asked(), '', 'loaded again: Intuit is asked nothing');
	is(sql(q{SELECT md5(string_agg(t::text, ';' ORDER BY connection_id)) FROM reefqbo.credential t}), $grants, 'loaded again: the grant is as it was');
	like(try(call('complete_connection', $state, $code, '9' . $realm, $HIS))->{message}, qr/has been used already/, 'loaded again: not with another company');
	like(try(call('complete_connection', $back, $HERS))->{message}, qr/has been used already/, 'loaded again: not in another session');
	sql(call('disconnect', 'Again'));
	like(try(call('complete_connection', $back, $HIS))->{message}, qr/has been used already/, 'loaded again: not once it was disconnected');
	return;
}

# While the first time is under way, the second waits for it.
sub test_loaded_meanwhile
{
	my $back = signed_in(begin('Impatient', $HIS), 'pod-8');
	my $query = 'SELECT status FROM reefqbo.complete_connection(' . quote($back) . ', ' . quote($HIS) . ')';

	$intuit->admin('fault', { kind => 'hold', endpoint => 'token' });
	my $first = begin_sql($query);
	wait_until('the code is being exchanged', sub { return grep { ($_->{fault} // '') eq 'hold' } @{ $intuit->admin('log')->{log} } });
	my $second = begin_sql($query);
	wait_until('the second waits', sub { return sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'") == 2 });
	$intuit->admin('clear_faults');
	is(end_sql($_), 'connected', 'loaded meanwhile: both find the connection made') foreach $first, $second;
	is(scalar(grep { $_->{endpoint} eq 'token' && $_->{status} == 200 } @{ $intuit->admin('log')->{log} }), 1, 'loaded meanwhile: the code is exchanged once');
	return;
}

# ---- reconnect and replace_company ----

sub test_renewing
{
	sql(call('complete_connection', signed_in(begin('Renewed', $HIS), 'pod-6'), $HIS));
	my %begin = (reconnect => call('reconnect', 'Renewed', undef, $HIS), connect => call('connect', 'Renewed', 'sim-production', undef, $HIS),
		replace_company => call('replace_company', 'Renewed', undef, undef, $HIS));

	foreach my $function (sort keys %begin)
	{
		my $back = signed_in(sql($begin{$function}), 'pod-6');
		refused($back, $HERS, $ANOTHER, $function);
		refused($back, undef, $ENDED_WITHOUT, $function);
		connects($back, $HIS, 'Pod 6 Ltd', "$function: the right session ends it");
	}
	refused(signed_in(sql(call('reconnect', 'Renewed')), 'pod-6'), $HERS, $WITHOUT, 'reconnect without a session');
	refused(signed_in(sql(call('replace_company', 'Renewed')), 'pod-6'), $HERS, $WITHOUT, 'replace_company without a session');
	return;
}

# ---- which texts are the same ----

sub test_texts
{
	my $long = 'x' x 100_000;
	my %other = ('Case' => 'case', 'abc' => 'abcd', 'abcd' => 'abc', ' a' => 'a', 'a' => 'a ', "\x{c3}\x{a9}" => 'e', $long => "${long}y", '0' => '00');

	foreach my $session (sort keys %other)
	{
		my $back = signed_in(begin('Texts', $session), 'pod-7');
		my $name = length $session > 10 ? 'a long session' : "session '$session'";
		is(try(call('complete_connection', $back, $other{$session}))->{message}, 'this sign-in was begun in another session', "$name is no other");
		connects($back, $session, 'Pod 7 Ltd', "$name is itself");
	}
	return;
}

sub test_empty
{
	my $back = signed_in(begin('Empty', undef), 'pod-8');
	my %query = (connect => call('connect', 'Empty', 'sim-production', undef, ''), reconnect => call('reconnect', 'Texts', undef, ''),
		replace_company => call('replace_company', 'Texts', undef, undef, ''), complete_connection => call('complete_connection', $back, ''),
		'complete_connection in parts' => call('complete_connection', parts_of($back), ''));

	foreach my $function (sort keys %query)
	{
		my $error = try($query{$function});
		is("$error->{sqlstate} $error->{message}", '22023 argument "session" must not be empty', "$function with an empty session");
		like($error->{hint}, qr/leave it out/, "$function with an empty session: what to do");
	}
	connects($back, undef, 'Pod 8 Ltd', 'and nothing is used up');
	return;
}

# By name, too: each overload has its own arguments.
sub test_overloads
{
	my $back = signed_in(begin('Overloads', $HIS), 'pod-9');
	my ($state, $code, $realm) = parts_of($back);

	is(try("SELECT reefqbo.complete_connection('$back', '$HERS')")->{sqlstate}, 'RQ009', 'two texts are an address and a session');
	is(try("SELECT reefqbo.complete_connection('$state', '$code', '$realm')")->{message} =~ $ENDED_WITHOUT, 1, 'three are the parts');
	is(sql("SELECT status FROM reefqbo.complete_connection(session => '$HIS', redirect_url => '$back')"), 'connected', 'and by name they are what they say');
	is(sql("SELECT status FROM reefqbo.complete_connection(state => '$state', realm_id => '$realm', code => '$code', session => '$HIS')"), 'connected',
		'in parts as well');
	return;
}

# ---- what is kept ----

sub test_digest
{
	my ($one, $two) = map { begin('Digests', $HIS) } 1 .. 2;
	my ($state) = $one =~ /state=(\w+)/;
	my $digest = sql(q{SELECT encode(session_digest, 'hex') FROM reefqbo.authorization_request WHERE encode(state_digest, 'hex') = } . quote(sha256_hex($state)));

	is($digest, hmac_sha256_hex("reefqbo session/$HIS", $state), 'the table has a digest keyed by the state, which no table has');
	my ($model) = sql(q{SELECT model_id FROM reefqbo.model WHERE name = 'Digests'});
	is(sql("SELECT count(DISTINCT session_digest) FROM reefqbo.authorization_request WHERE model_id = $model"), 2, 'so that one session has another for each sign-in');
	my $dump = join "\n", map { sql("SELECT t FROM reefqbo.$_ t") } split /\n/,
	  sql(q{SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = 'reefqbo'::regnamespace AND relkind = 'r'});
	unlike($dump, qr/mallory|bookkeeper/, 'no table has a session');
	return;
}

# Nobody's key is needed to begin, whatever session it is for.
sub test_needs_no_key
{
	like(sql("SET reefqbo.key_file = '/nowhere'; " . call('reconnect', 'Texts', undef, $HIS)), qr/^https:/, 'a session needs no key ring');
	return;
}

sub test_log
{
	my $log = slurp_file($node->logfile);
	my @found = grep { /mallory-|bookkeeper-/ } split /\n/, $log;

	like($log, qr/reefqbo worker/, 'the log has the workers, at DEBUG5');
	is_deeply(\@found, [], 'and no session');
	return;
}

# ---- snapshots ----

# A transaction that does not see a state yet does not know whose it is, and must not hand it on.
sub test_old_snapshot
{
	my ($state_file, $script) = map { $node->basedir . "/$_" } qw(state begin.sql);

	$node->ensure_model('Hidden', 'sim-production');
	sql('CREATE ROLE stranger LOGIN; ' . call('create_model', 'Elsewhere') . '; ' . call('grant_access', 'stranger', 'operator', 'Elsewhere'));
	append_to_file($script, "SELECT substring(reefqbo.connect('Hidden', 'sim-production') FROM 'state=([0-9a-f]+)');\n");
	$intuit->admin('log_clear');
	my $error = try(join "\n", 'SET SESSION AUTHORIZATION stranger;', 'BEGIN ISOLATION LEVEL REPEATABLE READ;', 'SELECT count(*) FROM pg_class;',
		"\\! psql -XAtq -d \"@{[ $node->connstr('postgres') ]}\" -f $script -o $state_file 2>/dev/null",
		"\\set state `cat $state_file`", q{SELECT reefqbo.complete_connection(:'state', 'code', '123');});
	like(slurp_file($state_file), qr/\A[0-9a-f]{64}$/, 'a state is made behind a snapshot');
	is("$error->{sqlstate} $error->{message}", 'RQ009 the state of this sign-in is not known', 'it is not known in front of it');
	is(asked(), '', 'and Intuit is not asked');
	return;
}

test_attack();
test_begun_by_hand();
test_ended_without();
test_user_said_no();
test_used_and_old();
test_loaded_again();
test_loaded_meanwhile();
test_renewing();
test_texts();
test_empty();
test_overloads();
test_digest();
test_needs_no_key();
test_log();
test_old_snapshot();
$node->stop;

done_testing();
