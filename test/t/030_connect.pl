# Connecting, reconnecting and disconnecting: what a sign-in asks for, what it
# leaves behind, and everything that must end it without harm.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use Reefqbo::Cluster;
use Reefqbo::Simulator;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('connect', $intuit);
my %company = map { $_->{key} => $_ } @{ $intuit->admin('companies')->{companies} };

my $MONTH = q{'2026-09-01', '2026-09-30'};

# ---- helpers ----

sub unescape
{
	my ($text) = @_;

	$text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
	return $text;
}

# The fields of an address; dies if one stands there twice.
sub fields_of
{
	my ($address) = @_;
	my %field;

	foreach my $pair (split /&/, ($address =~ /\?(.*)/)[0])
	{
		my ($name, $value) = split /=/, $pair, 2;
		die "$name stands twice in $address" if exists $field{$name};
		$field{$name} = unescape($value);
	}
	return \%field;
}

sub state_of { return fields_of($_[0])->{state} }

# Begin to connect a model (made if there is none); the address to open.
sub begin
{
	my ($model, $environment, $branch) = @_;
	$environment //= 'sim-production';

	$node->ensure_model($model, $environment, $branch);
	return sql(call('connect', $model, $environment, $branch));
}

sub sign_in
{
	my ($address, $company, %choice) = @_;
	return $intuit->browse($address, company => $company, %choice);
}

sub completing { return call('complete_connection', @_) }

# Everything that was asked of Intuit since, but the user's own clicking.
sub requests
{
	return grep { $_->{endpoint} ne 'authorize' } @{ $intuit->admin('log')->{log} };
}

sub forget_requests { $intuit->admin('log_clear') }

sub endpoints { return join ' ', map { $_->{endpoint} } requests() }

# What a failed step may not have changed.
sub state_of_tables
{
	return join "\n", map { "$_ " . sql("SELECT md5(coalesce(string_agg(t::text, ';' ORDER BY t::text), '')) FROM reefqbo.$_ t") }
	  qw(connection credential account actual imported_month);
}

sub number_of { return sql("SELECT count(*) FROM reefqbo.$_[0]") }

sub connection_id { return sql('SELECT connection_id FROM reefqbo.connection_status WHERE model = ' . quote($_[0])) }

sub status_of
{
	my ($model, $columns) = @_;
	return sql("SELECT $columns FROM reefqbo.connection_status WHERE model = " . quote($model));
}

# A grant works if an import with it does.
sub import_works
{
	my ($model, $name) = @_;
	my $error = $node->sqlstate_of(call('import_accounts', $model));

	is($error ? "$error->{sqlstate} $error->{message}" : 'imported', 'imported', $name);
}

sub refused
{
	my ($query, $sqlstate, $message, $hint, $name) = @_;
	my $error = $node->sqlstate_of($query) // { sqlstate => 'none', message => '', hint => '' };

	is($error->{sqlstate}, $sqlstate, "$name: $sqlstate");
	like($error->{message}, $message, "$name: the message says what was wrong");
	like($error->{hint} // '', $hint, "$name: the hint says what to do next");
	return $error;
}

sub end_tokens { sql('UPDATE reefqbo.credential SET access_expires_at = now()') }

# ---- the address ----

sub test_address
{
	$node->ensure_model('Address', 'sim-production');
	forget_requests();
	my $address = sql(call('connect', 'Address', 'sim-production'));
	my ($base) = $address =~ /\A([^?]*)/;
	my $field = fields_of($address);

	is($base, $intuit->authorize_url, 'connect returns the authorize page of the environment');
	is_deeply([ sort keys %$field ], [qw(client_id redirect_uri response_type scope state)],
		'with every field Intuit asks for and no other');
	is($field->{client_id}, 'prod-client', 'client_id is that of the registered app');
	is($field->{response_type}, 'code', 'response_type is code');
	is($field->{scope}, 'com.intuit.quickbooks.accounting', 'scope is accounting and nothing more');
	is($field->{redirect_uri}, $Reefqbo::Simulator::REDIRECT_URI, 'redirect_uri is the registered one, encoded');
	unlike($address, qr/prod-secret/, 'the client secret is not in it');
	is(scalar(requests()), 0, 'and Intuit was asked nothing');
	return;
}

sub test_state
{
	my %seen = map { state_of(begin('Address')) => 1 } 1 .. 10;
	my @states = keys %seen;

	is(scalar(@states), 10, 'every sign-in has a state of its own');
	is(scalar(grep { /\A[0-9a-f]{64}\z/ } @states), 10, 'of 256 bits');
	is(sql("SELECT count(*) FROM reefqbo.authorization_request WHERE encode(state_digest, 'hex') IN ("
		. join(', ', map { quote(sha256_hex($_)) } @states) . ')'),
		10, 'the table has the SHA-256 of each');
	my $everything = sql('SELECT r FROM reefqbo.authorization_request r');
	is(scalar(grep { index($everything, $_) >= 0 } @states), 0, 'and none in the clear');
	is(sql(q{SELECT bool_and(abs(extract(epoch FROM expires_at - created_at) - 600) < 1) FROM reefqbo.authorization_request}),
		't', 'it is good for ten minutes');
	return;
}

# ---- completing ----

sub test_complete_by_address
{
	$intuit->admin('set_company', { company => 'atoll', book_close_date => '2026-06-30' });
	my $back = sign_in(begin('Atoll'), 'atoll');
	forget_requests();
	my $row = sql('SELECT model, branch, company, environment, status FROM reefqbo.complete_connection(' . quote($back) . ')');

	is($row, 'Atoll|Atoll|Atoll Holdings Inc.|sim-production|connected', 'the result names the company and the environment');
	is(endpoints(), 'token companyinfo preferences', 'the code is exchanged, then the company is read');
	is(sql(q{SELECT fiscal_year_start_month, home_currency, book_close_date, country, report_basis
	           FROM reefqbo.connection WHERE company_name = 'Atoll Holdings Inc.'}),
		'7|USD|2026-06-30|US|Accrual', 'fiscal month, home currency and closing date are stored');
	is(sql('SELECT connection_id FROM reefqbo.connection WHERE company_name IS NOT NULL'), connection_id('Atoll'),
		'and the view has the connection');
	return;
}

sub test_complete_by_parts
{
	my $field = fields_of(sign_in(begin('Corail'), 'corail'));
	my $id = sql('SELECT connection_id FROM reefqbo.complete_connection('
		. join(', ', map { quote($field->{$_}) } qw(state code realmId)) . ')');

	is($id, connection_id('Corail'), 'state, code and realm id in parts do the same');
	is(sql(q{SELECT company_name, home_currency, book_close_date IS NULL, fiscal_year_start_month
	           FROM reefqbo.connection WHERE company_name ~ 'Corail'}),
		'Corail et Fils SARL|EUR|t|1', 'a company without a closing date has none');
	return;
}

sub test_lifetimes
{
	is(sql(q{SELECT abs(extract(epoch FROM access_expires_at - obtained_at) - 3600) < 30,
	                abs(extract(epoch FROM refresh_expires_at - obtained_at) - 8726400) < 30,
	                abs(extract(epoch FROM hard_expires_at - obtained_at) - 157680000) < 30
	           FROM reefqbo.credential WHERE connection_id = } . connection_id('Atoll')),
		't|t|t', 'all three ends are stored: the hard one, too, which Intuit tells only when asked');
	is(status_of('Atoll', 'days_until_grant_ends'), 100, 'the view counts to the earlier end');
	return;
}

# What an address may carry besides, and in which order.
sub test_address_forms
{
	my $field = fields_of(sign_in(begin('Forms'), 'pod-1'));
	my $address = 'https://another.example/x?extra=%C3%A9&' . "realmId=$field->{realmId}&code=$field->{code}"
	  . "&state=$field->{state}#_=_";

	is(sql('SELECT company FROM reefqbo.complete_connection(' . quote($address) . ')'), 'Pod 1 Ltd',
		'further fields, another order and a fragment do no harm');
	return;
}

# ---- what ends a sign-in ----

sub test_user_said_no
{
	my $back = sign_in(begin('Refusals'), 'reef', deny => 1);
	forget_requests();
	my $error = refused(completing($back), 'RQ009', qr/user did not allow/, qr/reefqbo\.connect/, 'the user said no');
	is($error->{detail}, 'Intuit says: access_denied.', 'the user said no: Intuit\'s own word');
	refused(completing($back), 'RQ009', qr/has been used already/, qr/reefqbo\.connect/, 'the same address again');

	my $state = state_of(begin('Refusals'));
	$error = refused(completing("https://app.example.com/?error=invalid_scope&state=$state"),
		'RQ009', qr/Intuit ended the sign-in/, qr/reefqbo\.connect/, 'another refusal');
	like($error->{detail}, qr/invalid_scope/, 'another refusal: Intuit\'s own word');
	is(endpoints(), '', 'and nothing was asked of Intuit');
	is(number_of('connection c JOIN reefqbo.model m USING (model_id) WHERE m.name = \'Refusals\''), 0, 'nor stored');
	return;
}

# A sign-in begun now that could be completed, and was not yet.
sub fresh_sign_in
{
	my ($company) = @_;
	my $back = sign_in(begin('Refusals'), $company // 'pod-2');

	forget_requests();
	return ($back, fields_of($back));
}

sub age_requests
{
	my ($interval) = @_;
	sql("UPDATE reefqbo.authorization_request SET created_at = created_at - interval '$interval',"
		. " expires_at = expires_at - interval '$interval' WHERE used_at IS NULL");
	return;
}

sub test_bad_states
{
	my ($back, $field) = fresh_sign_in();
	my $unknown = 'f' x 64;

	(my $foreign = $back) =~ s/state=[^&]*/state=$unknown/;
	refused(completing($foreign), 'RQ009', qr/is not known/, qr/reefqbo\.connect/, 'an unknown state');
	refused(completing(uc $field->{state}, $field->{code}, $field->{realmId}),
		'RQ009', qr/is not known/, qr/reefqbo\.connect/, 'a state in capitals');
	refused(completing(sha256_hex($field->{state}), $field->{code}, $field->{realmId}),
		'RQ009', qr/is not known/, qr/reefqbo\.connect/, 'the digest from the table in place of the state');
	is(endpoints(), '', 'an unknown state is refused before Intuit is asked');

	age_requests('10 minutes');
	refused(completing($back), 'RQ009', qr/older than ten minutes/, qr/within ten minutes/, 'a state that is too old');
	is(endpoints(), '', 'a state too old is refused before Intuit is asked');
	return;
}

sub test_state_works_once
{
	my ($back) = fresh_sign_in();

	age_requests('9 minutes');
	is(sql('SELECT company FROM reefqbo.complete_connection(' . quote($back) . ')'), 'Pod 2 Ltd', 'a state of nine minutes is good');
	my $before = state_of_tables();
	forget_requests();
	refused(completing($back), 'RQ009', qr/has been used already/, qr/once/, 'an address passed on twice');
	is(endpoints(), '', 'the second time Intuit is not asked');
	is(state_of_tables(), $before, 'and nothing changes');
	import_works('Refusals', 'the grant of the first time lives');
	return;
}

# Two sessions pass on the same address: the state is used up, durably, before
# the code is sent, so the one who comes while Intuit is still thinking is late.
sub test_state_works_once_at_a_time
{
	my ($back) = fresh_sign_in();
	my ($out, $err) = ('', '');

	$intuit->admin('fault', { kind => 'hold', company => 'pod-2', endpoint => 'token' });
	my $first = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SELECT company FROM reefqbo.complete_connection(' . quote($back) . ')' ],
		'<', \undef, '>', \$out, '2>', \$err);
	for (1 .. 600)
	{
		last if endpoints() eq 'token';
		sleep 0.05;
	}
	refused(completing($back), 'RQ009', qr/has been used already/, qr/once/, 'an address passed on while it is being worked on');
	$intuit->admin('release');
	$first->finish;
	is($out, "Pod 2 Ltd\n", 'the first is not disturbed');
	is(endpoints(), 'token companyinfo preferences', 'and the code was sent once');
	return;
}

sub test_wrong_addresses
{
	my ($back, $field) = fresh_sign_in('pod-2');
	my $ok = 'https://app.example.com/quickbooks/callback';
	my $pair = "code=$field->{code}&realmId=$field->{realmId}";
	my @wrong = (
		[ '', 'nothing at all' ],
		[ 'hello', 'no address' ],
		[ $ok, 'an address without fields' ],
		[ "$ok?$pair", 'no state' ],
		[ "$ok?$pair&state=", 'an empty state' ],
		[ "$ok?state=$field->{state}&code=$field->{code}", 'no realm id' ],
		[ "$ok?state=$field->{state}&realmId=$field->{realmId}", 'no code' ],
		[ begin('Refusals'), 'the address that connect returned' ],
		[ "$ok?$pair#state=$field->{state}", 'a state in the fragment' ],
		[ "$ok?$pair&xstate=$field->{state}", 'a field whose name ends in state' ],
		[ "$ok?$pair&STATE=$field->{state}", 'field names in capitals' ]);

	foreach my $case (@wrong)
	{
		refused(completing($case->[0]), 'RQ009', qr/not the address that Intuit sends/, qr/whole address/, $case->[1]);
	}
	is(endpoints(), '', 'none of them asks Intuit anything');
	is(sql('SELECT company FROM reefqbo.complete_connection(' . quote($back) . ')'), 'Pod 2 Ltd',
		'and none of them uses the sign-in up');
	return;
}

sub test_malformed_fields
{
	my (undef, $field) = fresh_sign_in();
	my $ok = "https://app.example.com/?code=$field->{code}&realmId=$field->{realmId}&state=";
	my %encoding = (
		'a lone percent sign' => '%', 'half an escape' => 'a%4', 'no hex digits' => '%zz', 'half a hex digit' => '%4g',
		'a nul byte' => 'a%00b', 'a line feed' => 'a%0Ab', 'a carriage return' => 'a%0d', 'a byte beyond ASCII' => '%C3%A9',
		'a character beyond ASCII' => "\x{c3}\x{a9}", 'a delete character' => '%7f');

	foreach my $what (sort keys %encoding)
	{
		refused(completing($ok . $encoding{$what}), 'RQ009', qr/malformed|acceptable/, qr/whole address|^$/, "state with $what");
	}
	refused(completing($ok . 'a+b'), 'RQ009', qr/state is not acceptable/, qr//, 'state with a space');
	refused(completing('s' x 1024, $field->{code}, $field->{realmId}), 'RQ009', qr/state is not acceptable/, qr//, 'a state too long');
	refused(completing($field->{state}, 'c' x 1024, $field->{realmId}), 'RQ009', qr/code is not acceptable/, qr//, 'a code too long');
	refused(completing($field->{state}, "a\nb", $field->{realmId}), 'RQ009', qr/code is not acceptable/, qr//, 'a code of two lines');
	refused(completing($field->{state}, $field->{code}, ''), 'RQ009', qr/realm_id is not acceptable/, qr//, 'an empty realm id');
	is(endpoints(), '', 'none of them asks Intuit anything');
	return;
}

# The realm id ends up in a path: it may be digits and nothing else.
sub test_malformed_realm_ids
{
	foreach my $realm ('12/../34', '12%3F34', '-1', '1' x 33, 'reef')
	{
		my (undef, $field) = fresh_sign_in();
		refused(completing($field->{state}, $field->{code}, $realm), 'RQ009', qr/realm id .* is malformed/, qr/digits only/,
			"realm id $realm");
		is(endpoints(), '', "realm id $realm: Intuit is not asked");
	}
	return;
}

sub test_null_arguments
{
	refused('SELECT reefqbo.complete_connection(NULL::text)', '22004', qr/"redirect_url" must not be null/, qr//, 'no address');
	refused(q{SELECT reefqbo.complete_connection('s', NULL, '1')}, '22004', qr/"code" must not be null/, qr//, 'no code');
	return;
}

# The state says for whom a sign-in was begun; nothing else in the address can.
sub test_state_is_bound
{
	my $first = begin('Bound one', undef, 'North');
	my $second = begin('Bound two');
	my $back = sign_in($first, 'pod-3');

	is(sql('SELECT model, branch FROM reefqbo.complete_connection(' . quote("$back&model=Bound%20two&branch=Bound%20two") . ')'),
		'Bound one|North', 'a sign-in ends at the branch that it was begun for');
	is(connection_id('Bound two'), '', 'and at no other, though one was begun later');
	(my $again = sign_in($second, 'pod-3')) =~ s/state=[^&]*/'state=' . state_of($first)/e;
	refused(completing($again), 'RQ009', qr/has been used already/, qr/reefqbo\.connect/, 'its state with another\'s code');
	is(connection_id('Bound two'), '', 'and the other model still has no connection');
	return;
}

sub test_code_refused
{
	my $other = fields_of(sign_in(begin('Code'), 'pod-5'));
	sql(completing($other->{state}, $other->{code}, $other->{realmId}));

	my $before = number_of('connection');
	my $error = refused(completing(state_of(begin('Code two')), $other->{code}, $other->{realmId}),
		'RQ009', qr/Intuit refused the authorization code/, qr/reefqbo\.connect/, 'a code that was used already');
	like($error->{detail}, qr/HTTP status 400\..*invalid_grant.*intuit_tid: 1-\w+-\w+/, 'a code that was used: Intuit\'s words and its id');
	unlike(join(' ', map { $_ // '' } %$error), qr/\Q$other->{code}\E/, 'a code that was used: it is not repeated');

	my $late = fields_of(sign_in(begin('Code two'), 'pod-5'));
	$intuit->admin('clock', { advance_seconds => 601 });
	forget_requests();
	refused(completing($late->{state}, $late->{code}, $late->{realmId}),
		'RQ009', qr/Intuit refused the authorization code/, qr/reefqbo\.connect/, 'a code that is too old for Intuit');
	is(endpoints(), 'token', 'a refused code is sent once');
	is(number_of('connection'), $before, 'and nothing is stored');
	return;
}

sub test_app_refused
{
	sql(call('register_app', 'sim-production', 'prod-client', 'not-the-secret', $Reefqbo::Simulator::REDIRECT_URI));
	my $back = sign_in(begin('App'), 'pod-6');
	my $error = refused(completing($back), 'RQ009', qr/refused the client id or secret .*"sim-production"/, qr/register_app/,
		'a wrong client secret');
	like($error->{detail}, qr/401.*invalid_client/, 'a wrong client secret: Intuit\'s words');
	end_tokens();
	refused(call('import_accounts', 'Atoll'), 'RQ009', qr/refused the client id or secret/, qr/stay as they are/,
		'a refresh with a wrong client secret');
	is(status_of('Atoll', 'status'), 'connected', 'which is the app\'s fault and not the connection\'s');
	sql(call('register_app', 'sim-production', 'prod-client', 'prod-secret', $Reefqbo::Simulator::REDIRECT_URI));
	import_works('Atoll', 'with the right secret the connection works again');
	return;
}

# ---- what must survive ----

sub test_caller_rolls_back
{
	my $back = sign_in(begin('Rollback'), 'pod-7');

	is(sql('BEGIN; SELECT company FROM reefqbo.complete_connection(' . quote($back) . '); ROLLBACK'), 'Pod 7 Ltd',
		'a sign-in can be completed in a transaction');
	is(status_of('Rollback', 'company, status'), 'Pod 7 Ltd|connected', 'whose ROLLBACK does not lose the grant');
	import_works('Rollback', 'which works');
	return;
}

sub test_begun_in_open_transaction
{
	$node->ensure_model('Open', 'sim-production');
	sql('BEGIN; ' . call('connect', 'Open', 'sim-production') . '; ROLLBACK');
	my $state = sql('BEGIN; ' . call('connect', 'Open', 'sim-production') . '; ROLLBACK');
	refused(completing(state_of($state), 'code', '123'), 'RQ009', qr/is not known/, qr/still open, commit it/,
		'a sign-in begun in a transaction that was rolled back');
	return;
}

sub test_token_answer_not_whole
{
	foreach my $field (qw(access_token refresh_token))
	{
		my $back = sign_in(begin('Partial'), 'pod-8');
		my $before = state_of_tables();
		$intuit->admin('fault', { kind => 'missing_token', company => 'pod-8', field => $field });
		refused(completing($back), 'RQ008', qr/not a whole set of tokens/, qr/Nothing was stored.*reefqbo\.connect/,
			"an answer without $field");
		is(state_of_tables(), $before, "an answer without $field: nothing is stored");
	}
	my $back = sign_in(begin('Partial'), 'pod-8');
	is(sql('SELECT company FROM reefqbo.complete_connection(' . quote($back) . ')'), 'Pod 8 Ltd', 'the next sign-in works');
	return;
}

sub generation { return sql('SELECT generation FROM reefqbo.credential WHERE connection_id = ' . connection_id($_[0])) }

# With a period of grace, as Intuit had it, the old token is good a while yet.
sub test_refresh_answer_not_whole
{
	my $name = 'a refresh answered without refresh_token';

	$intuit->admin('config', { grace => 3600 });
	end_tokens();
	my ($generation, $tokens) = (generation('Partial'), sealed_tokens('Partial'));
	$intuit->admin('fault', { kind => 'missing_token', company => 'pod-8', field => 'refresh_token', times => -1 });
	my $error = $node->sqlstate_of("SET reefqbo.retry_budget = '100ms'; " . call('import_accounts', 'Partial'));
	is($error->{sqlstate}, 'RQ008', "$name: RQ008");
	is(sealed_tokens('Partial'), $tokens, "$name: the old pair is kept");
	is(status_of('Partial', 'status'), 'connected', "$name: the connection stays connected");
	$intuit->admin('clear_faults');
	import_works('Partial', "$name: the old pair is usable");
	is(generation('Partial'), $generation + 1, "$name: one new generation");
	$intuit->admin('config', { grace => 0 });
	return;
}

# Without an access token: the refresh token that has come is stored all the same, since the one before may be dead.
sub test_refresh_answer_without_access
{
	my $name = 'a refresh answered without access_token';

	end_tokens();
	my $generation = generation('Partial');
	$intuit->admin('fault', { kind => 'missing_token', company => 'pod-8', field => 'access_token', times => -1 });
	my $error = $node->sqlstate_of("SET reefqbo.retry_budget = '100ms'; " . call('import_accounts', 'Partial'));
	is($error->{sqlstate}, 'RQ008', "$name: RQ008");
	is(generation('Partial'), $generation + 2, "$name: the new refresh token is stored, and the one that came when it was asked again");
	is(status_of('Partial', 'status'), 'connected', "$name: the connection stays connected");
	$intuit->admin('clear_faults');
	import_works('Partial', "$name: it is usable");
	is(generation('Partial'), $generation + 3, "$name: one new generation");
	return;
}

# Lifetimes are asked of nobody (RFC 6749): without them an access token is taken to live for an hour, and a
# refresh token for the hundred days that Intuit documents. The old refresh token is dead by then.
sub test_no_lifetimes
{
	my $day = 86400;
	my %lifetime = ('' => [ 3600, 101 * $day ], expires_in => [ 3600, 101 * $day ], x_refresh_token_expires_in => [ 3600, 100 * $day ]);

	foreach my $field (sort keys %lifetime)
	{
		my $name = 'an answer without ' . ($field || 'nothing');

		sql(completing(sign_in(begin('Lifetimes'), 'pod-22'))) if connection_id('Lifetimes') eq '';
		end_tokens();
		my $generation = generation('Lifetimes');
		$intuit->admin('fault', { kind => 'missing_token', company => 'pod-22', field => $field }) if $field;
		import_works('Lifetimes', "$name: a refresh works");
		is(generation('Lifetimes'), $generation + 1, "$name: by one new generation");
		lives_for('Lifetimes', $name, @{ $lifetime{$field} });
		end_tokens();
		import_works('Lifetimes', "$name: what it brought is kept, and is good for the next");

		$intuit->admin('fault', { kind => 'missing_token', company => 'pod-22', field => $field }) if $field;
		is(sql('SELECT company FROM reefqbo.complete_connection(' . quote(sign_in(begin('Lifetimes'), 'pod-22')) . ')'), 'Pod 22 Ltd', "$name: a sign-in works");
		lives_for('Lifetimes', "$name, of a sign-in", @{ $lifetime{$field} });
	}
	return;
}

sub lives_for
{
	my ($model, $name, $access, $refresh) = @_;

	is(sql("SELECT abs(extract(epoch FROM access_expires_at - obtained_at) - $access) < 30, abs(extract(epoch FROM refresh_expires_at - obtained_at) - $refresh) < 30"
			. ' FROM reefqbo.credential WHERE connection_id = ' . connection_id($model)), 't|t', "$name: the tokens end when they should");
	return;
}

sub sealed_tokens
{
	return sql('SELECT generation, refresh_token_sealed, access_token_sealed, hard_expires_at FROM reefqbo.credential WHERE connection_id = '
		  . connection_id($_[0]));
}

# ---- reconnecting ----

sub test_reconnect_same_company
{
	$node->connect_company('Keep', 'sim-production', 'pod-10');
	sql(call('import_actuals', 'Keep', \$MONTH));
	my ($id, $kept) = (connection_id('Keep'), kept_rows());
	my $generation = generation('Keep');

	forget_requests();
	my $address = sql(call('reconnect', 'Keep'));
	is(scalar(requests()), 0, 'reconnect asks Intuit nothing');
	is_deeply([ sort keys %{ fields_of($address) } ], [qw(client_id redirect_uri response_type scope state)],
		'and returns an address like that of connect');
	is(sql('SELECT connection_id FROM reefqbo.complete_connection(' . quote(sign_in($address, 'pod-10')) . ')'),
		$id, 'reconnect keeps the connection');
	is(kept_rows(), $kept, 'its accounts and its actuals');
	is(generation('Keep'), $generation + 1, 'and has a new grant');

	is(sql('SELECT connection_id FROM reefqbo.complete_connection(' . quote(sign_in(begin('Keep'), 'pod-10')) . ')'),
		$id, 'connect of a connected branch is a reconnect');
	is(kept_rows(), $kept, 'and keeps as much');
	return;
}

# Without the column that tells when it was read.
sub kept_rows
{
	return join "\n", map { number_of("$_ WHERE connection_id = " . connection_id('Keep')) . ' ' .
		sql("SELECT md5(string_agg(t::text, ';' ORDER BY t::text)) FROM reefqbo.$_ t WHERE connection_id = " . connection_id('Keep')) }
	  qw(account actual imported_month);
}

sub test_reconnect_other_company
{
	foreach my $function ('reconnect', 'connect')
	{
		my $address = sql($function eq 'connect' ? call('connect', 'Keep', 'sim-production') : call('reconnect', 'Keep'));
		my $back = sign_in($address, 'pod-11');
		my $before = state_of_tables();
		forget_requests();
		my $error = refused(completing($back), 'RQ002', qr/"Pod 11 Ltd", another company than "Pod 10 Ltd"/, qr/choose "Pod 10 Ltd"/,
			"$function with another company names both");
		like($error->{detail}, qr/keeps its accounts and actuals/, "$function with another company: the detail says what is kept");
		is(state_of_tables(), $before, "$function with another company changes nothing");
		is(endpoints(), 'token companyinfo', "$function with another company: it is asked for its name and nothing else");
		import_works('Keep', "$function with another company: the old tokens work");
	}
	return;
}

sub test_reconnect_other_environment
{
	$node->ensure_model('Training', 'sim-sandbox');
	refused(call('connect', 'Keep', 'sim-sandbox'), 'RQ003', qr/production model cannot link/, qr/'training'/,
		'a sandbox company for a production model');
	$node->connect_company('Training', 'sim-sandbox', 'sandy');
	is(status_of('Training', 'company, environment, status'), 'Sandy Test Company|sim-sandbox|connected',
		'a training model may have a sandbox company');
	refused(call('connect', 'Training', 'sim-production'), 'RQ002', qr/is connected to "Sandy Test Company"/, qr/reefqbo\.reconnect/,
		'another environment for a connected branch');
	$node->safe_psql('postgres', call('create_model', 'Trainee', 'training'));
	$node->connect_company('Trainee', 'sim-production', 'pod-12');
	is(status_of('Trainee', 'environment, status'), 'sim-production|connected', 'and a training model may have a real one');
	return;
}

sub test_wrong_arguments
{
	refused(call('connect', 'No such model', 'sim-production'), '42704', qr/model "No such model" does not exist/, qr/create_model/, 'no such model');
	refused(call('connect', 'Keep', 'nowhere'), '42704', qr/environment "nowhere" does not exist/, qr/create_environment/, 'no such environment');
	refused(call('connect', 'Keep', 'sim-production', 'No branch'), '42704', qr/branch "No branch" does not exist/, qr/create_branch/, 'no such branch');
	refused(call('connect', 'Keep', undef), '22004', qr/"environment" must not be null/, qr//, 'the environment is never a default');
	refused(call('connect', 'Address', 'production'), '42704', qr/no app is registered for environment "production"/, qr/register_app/, 'no app');
	refused(call('reconnect', 'Address'), '42704', qr/no connection/, qr/reefqbo\.connect/, 'a reconnect of nothing');
	refused(call('disconnect', 'Address'), '42704', qr/no connection/, qr/reefqbo\.connect/, 'a disconnect of nothing');
	return;
}

# Development keys in the production environment: Intuit signs in to a sandbox
# company, and refuses to say a word about it.
sub test_wrong_keys
{
	sql(call('register_app', 'sim-production', 'dev-client', 'dev-secret', $Reefqbo::Simulator::REDIRECT_URI));
	my $back = sign_in(begin('Wrong keys'), 'shoal');
	my $error = refused(completing($back), 'RQ003', qr/keys and the company do not belong together/, qr/Development keys .*reefqbo\.register_app/,
		'development keys in production');
	like($error->{detail}, qr/403\. Fault 3100\..*ApplicationAuthorizationFailed.*intuit_tid: 1-/, 'development keys in production: Intuit\'s words');
	is(status_of('Wrong keys', 'status'), 'reconnect_required', 'the view tells of it');
	sql(call('register_app', 'sim-production', 'prod-client', 'prod-secret', $Reefqbo::Simulator::REDIRECT_URI));
	is(sql('SELECT company, status FROM reefqbo.complete_connection(' . quote(sign_in(begin('Wrong keys'), 'pod-13')) . ')'),
		'Pod 13 Ltd|connected', 'with the right keys the right company takes its place');
	return;
}

# A realm id that was not the user's choice: Intuit refuses it, and the
# company of the connection is never another's.
sub test_forged_realm_id
{
	my $field = fields_of(sign_in(begin('Forged'), 'pod-14'));

	refused(completing($field->{state}, $field->{code}, $company{reef}{realm}), 'RQ003', qr/do not belong together/, qr/reconnect/,
		'a realm id that the code is not for');
	is(sql(q{SELECT count(*) FROM reefqbo.connection_status WHERE model = 'Forged' AND company IS NOT NULL}), 0, 'no company is read');
	is(sql('SELECT company FROM reefqbo.complete_connection(' . quote(sign_in(begin('Forged'), 'pod-14')) . ')'), 'Pod 14 Ltd',
		'and the right sign-in can follow');
	return;
}

# ---- disconnecting ----

sub living_grants { return $intuit->admin('tokens', { company => $_[0] })->{counts}{grants} }

sub test_disconnect
{
	my $kept = kept_rows();
	forget_requests();

	is(sql(q{SELECT company, revoked, note FROM reefqbo.disconnect('Keep')}), 'Pod 10 Ltd|t|tokens wiped; Intuit has revoked the grant',
		'disconnect says what was done');
	is(join(' ', map { "$_->{method} $_->{endpoint} $_->{status}" } requests()), 'POST revoke 200', 'it asks Intuit to revoke');
	is(sql('SELECT count(*) FROM reefqbo.credential WHERE connection_id = ' . connection_id('Keep')), 0, 'the tokens are wiped');
	is(kept_rows(), $kept, 'accounts and actuals are kept');
	is(status_of('Keep', 'status, reason, days_until_grant_ends IS NULL'), 'disconnected|disconnected on request|t', 'the view tells of it');
	is(sql(q{SELECT revoked, note FROM reefqbo.disconnect('Keep')}), 'f|there were no tokens', 'a second disconnect does no harm');
	return;
}

sub test_import_when_disconnected
{
	forget_requests();
	foreach my $query (call('import_accounts', 'Keep'), call('import_actuals', 'Keep', \$MONTH), call('refresh', 'Keep'))
	{
		my ($name) = $query =~ /reefqbo\.(\w+)/;
		refused($query, 'RQ001', qr/is disconnected/, qr/reefqbo\.reconnect/, "$name of a disconnected company");
	}
	is(endpoints(), '', 'nothing is asked of Intuit');
	is(status_of('Keep', 'status'), 'disconnected', 'and it stays disconnected');
	return;
}

sub test_reconnect_after_disconnect
{
	my ($id, $kept) = (connection_id('Keep'), kept_rows());
	my $back = sign_in(sql(call('reconnect', 'Keep')), 'pod-10');

	is(sql('SELECT connection_id, status FROM reefqbo.complete_connection(' . quote($back) . ')'), "$id|connected",
		'a disconnected company can be reconnected');
	is(kept_rows(), $kept, 'and has its accounts and actuals');
	is(status_of('Keep', 'status, reason IS NULL'), 'connected|t', 'the view tells of it');
	import_works('Keep', 'it imports again');
	return;
}

sub test_disconnect_when_intuit_fails
{
	my @misery = (
		[ 'mute', { kind => 'mute' }, qr/did not confirm.*libcurl says/ ],
		[ 'a reset', { kind => 'reset' }, qr/did not confirm.*libcurl says/ ],
		[ '400', { kind => 'status', status => 400, body => '{"error":"invalid_request"}' }, qr/revoked already/ ],
		[ '401', { kind => 'status', status => 401, body => '{"error":"invalid_client"}' }, qr/did not confirm.*401/ ],
		[ '500', { kind => 'status', status => 500, body => 'oops' }, qr/did not confirm.*500/ ]);

	foreach my $case (@misery)
	{
		my ($what, $fault, $note) = @$case;
		$node->connect_company('Misery', 'sim-production', 'pod-15');
		$intuit->admin('fault', { %$fault, endpoint => 'revoke' });
		my ($revoked, $said) = split /\|/, sql("SET reefqbo.request_timeout = '500ms'; SELECT revoked, note FROM reefqbo.disconnect('Misery')");
		is($revoked, 'f', "disconnect answered by $what works and does not claim more than it knows");
		like($said, $note, "disconnect answered by $what: the note says so");
		is(status_of('Misery', 'status') . number_of('credential WHERE connection_id = ' . connection_id('Misery')), 'disconnected0',
			"disconnect answered by $what: the tokens are wiped");
		$intuit->admin('clear_faults');
	}
	return;
}

sub test_disconnect_without_key
{
	$node->connect_company('Misery', 'sim-production', 'pod-15');
	forget_requests();
	is(sql(q{SET reefqbo.key_file = '/nonexistent'; SELECT revoked, note FROM reefqbo.disconnect('Misery')}),
		'f|tokens wiped; not revoked at Intuit, since they could not be unsealed', 'disconnect works without the key');
	is(endpoints(), '', 'then nothing can be asked of Intuit');
	is(number_of('credential WHERE connection_id = ' . connection_id('Misery')), 0, 'and the tokens are wiped');
	return;
}

# Two more key rings: one with a newer key behind the present one, and one with
# the newer key alone.
sub make_key_rings
{
	my ($both, $newer) = map { $node->basedir . "/$_.key" } qw(both newer);
	(my $line = slurp_file($node->make_key_file($node->basedir . '/fresh.key'))) =~ s/\Ak1:/k2:/;

	append_to_file($both, slurp_file(sql('SHOW reefqbo.key_file')) . $line);
	append_to_file($newer, $line);
	chmod 0600, $both, $newer;
	return ($both, $newer);
}

# The tokens were sealed with a newer key than the app's secret, whose key is gone.
sub test_disconnect_without_key_of_app
{
	my ($both, $ring) = @_;
	my $back = sign_in(begin('Misery'), 'pod-15');
	sql("SET reefqbo.key_file = '$both'; " . completing($back));
	my ($status, $out, $err) = $node->psql('postgres', "SET reefqbo.key_file = '$ring'; SELECT revoked FROM reefqbo.disconnect('Misery')");
	is("$status $out $err", '0 f ', 'disconnect works without the key of the app\'s secret');
	is(status_of('Misery', 'status'), 'disconnected', 'and is done');
	return;
}

# ---- several connections ----

sub test_shared_company
{
	$node->connect_company('Share one', 'sim-production', 'pod-16');
	$node->connect_company('Share two', 'sim-production', 'pod-16');
	isnt(connection_id('Share one'), connection_id('Share two'), 'two models may link one company, each by a connection of its own');
	is(living_grants('pod-16'), 2, 'and a grant of its own');
	is(sql(q{SELECT count(DISTINCT c.realm_id_sealed), count(DISTINCT c.realm_digest) FROM reefqbo.connection c
	           JOIN reefqbo.model m USING (model_id) WHERE m.name ~ '^Share'}), '2|1', 'sealed for each, equal by digest alone');

	forget_requests();
	like(sql(q{SELECT revoked, note FROM reefqbo.disconnect('Share one')}), qr/^f\|.*another connection is to the same company/,
		'ending one does not ask Intuit to revoke');
	is(endpoints(), '', 'it asks nothing');
	end_tokens();
	import_works('Share two', 'and the other\'s grant lives');
	is(sql(q{SELECT revoked FROM reefqbo.disconnect('Share two')}), 't', 'ending the last one does');
	return;
}

# Which company is which must be known across a change of keys.
sub test_shared_company_after_new_key
{
	my ($both) = @_;

	$node->connect_company('Share three', 'sim-production', 'pod-21');
	my $back = sign_in(begin('Share four'), 'pod-21');
	sql("SET reefqbo.key_file = '$both'; " . completing($back));
	forget_requests();
	like(sql("SET reefqbo.key_file = '$both'; SELECT revoked, note FROM reefqbo.disconnect('Share three')"),
		qr/^f\|.*another connection is to the same company/, 'ending one of two that were sealed with different keys does not ask to revoke');
	is(endpoints(), '', 'it asks nothing');
	return;
}

sub test_consolidation
{
	$node->connect_company('Group', 'sim-production', 'pod-17', 'North');
	$node->connect_company('Group', 'sim-production', 'pod-18', 'South');
	is(sql(q{SELECT branch, company, status FROM reefqbo.connection_status WHERE model = 'Group' ORDER BY branch}),
		"North|Pod 17 Ltd|connected\nSouth|Pod 18 Ltd|connected", 'a consolidation model has a company for each branch');
	is(sql(q{SELECT branch_name, company, months FROM reefqbo.import_actuals('Group', } . "$MONTH) ORDER BY 1"),
		"North|Pod 17 Ltd|1\nSouth|Pod 18 Ltd|1", 'an import reaches both');
	is(sql(q{SELECT branch_name FROM reefqbo.import_accounts('Group', 'South')}), 'South', 'or the one that is named');
	refused(call('disconnect', 'Group'), '42704', qr/no connection/, qr/connection_status/, 'the root of a group has no connection');
	sql(call('disconnect', 'Group', 'North'));
	is(sql(q{SELECT branch, status FROM reefqbo.connection_status WHERE model = 'Group' ORDER BY branch}),
		"North|disconnected\nSouth|connected", 'ending one leaves the other');
	return;
}

# One company of two fails: the other is imported all the same.
sub test_consolidation_with_one_failing
{
	my $error = $node->sqlstate_of(call('import_accounts', 'Group'));

	is($error->{sqlstate}, 'RQ001', 'the failure of one branch is the error of the call');
	is(sql(q{SELECT b.name, l.status, l.sqlstate FROM reefqbo.import_log l JOIN reefqbo.connection c USING (model_id, connection_id)
	           JOIN reefqbo.branch b USING (model_id, branch_id) JOIN reefqbo.model m USING (model_id)
	          WHERE m.name = 'Group' ORDER BY l.import_id DESC LIMIT 2}) =~ s/^(.*)\n(.*)$/join "\n", sort($1, $2)/er,
		"North|failed|RQ001\nSouth|succeeded|", 'and the other branch is imported all the same');
	return;
}

# ---- what the view says ----

sub test_status_texts
{
	$node->connect_company('Status', 'sim-production', 'pod-19');
	is(status_of('Status', 'status, reason IS NULL, what_to_do, data_as_of IS NULL'),
		'connected|t|nothing is wrong; import with reefqbo.import_accounts and reefqbo.import_actuals|t', 'connected, and nothing imported');
	sql(call('import_actuals', 'Status', \$MONTH));
	is(status_of('Status', 'status, what_to_do, data_as_of > now() - interval \'1 hour\''), 'connected|nothing|t', 'connected, and imported');

	my $id = connection_id('Status');
	sql("UPDATE reefqbo.credential SET refresh_expires_at = now() + interval '29 days' WHERE connection_id = $id");
	is(status_of('Status', 'status, what_to_do, days_until_grant_ends'),
		q{connected|SELECT reefqbo.reconnect('Status', 'Status') before the grant ends|28}, 'the grant ends soon');
	sql("UPDATE reefqbo.credential SET refresh_expires_at = now() + interval '90 days', hard_expires_at = now() + interval '5 days' WHERE connection_id = $id");
	is(status_of('Status', 'days_until_grant_ends'), 4, 'the hard end of the grant counts as well');
	sql("UPDATE reefqbo.credential SET hard_expires_at = now() WHERE connection_id = $id");
	like(status_of('Status', 'status, reason, what_to_do'),
		qr/^reconnect_required\|the grant has ended\|SELECT reefqbo\.reconnect\('Status', 'Status'\); then open the address/, 'the grant has ended');

	sql("UPDATE reefqbo.credential SET hard_expires_at = NULL, access_expires_at = now() WHERE connection_id = $id");
	$intuit->admin('revoke_grant', { company => 'pod-19' });
	is($node->sqlstate_of(call('import_accounts', 'Status'))->{sqlstate}, 'RQ001', 'a revoked grant is noticed');
	like(status_of('Status', 'status, reason, what_to_do, days_until_grant_ends IS NULL'),
		qr/^reconnect_required\|the grant of "Pod 19 Ltd" has ended or was revoked\|SELECT reefqbo\.reconnect\(.*\|t$/, 'and shown');
	sql(completing(sign_in(sql(call('reconnect', 'Status')), 'pod-19')));
	$intuit->admin('set_company', { company => 'pod-19', subscription => 'SUSPENDED' });
	is($node->sqlstate_of(call('import_accounts', 'Status'))->{sqlstate}, 'RQ004', 'a suspended company is noticed');
	like(status_of('Status', 'status, what_to_do'), qr/^suspended\|renew the company's QuickBooks subscription/, 'and shown');
	$intuit->admin('set_company', { company => 'pod-19', subscription => 'SUBSCRIBED' });
	import_works('Status', 'once renewed it imports');
	is(status_of('Status', 'status, reason IS NULL, what_to_do'), 'connected|t|nothing', 'and is connected again');
	sql(call('disconnect', 'Status'));
	is(status_of('Status', 'status, what_to_do'),
		q{disconnected|nothing, or SELECT reefqbo.connect('Status', 'sim-production', 'Status') to link it again}, 'disconnected');
	return;
}

# A name with quotes in it must not make a statement that does something else.
sub test_status_quotes
{
	my $name = "O'Hara; DROP";
	$node->connect_company($name, 'sim-production', 'pod-20');
	sql(call('disconnect', $name));
	my ($statement) = status_of($name, 'what_to_do') =~ /(SELECT .*\))/;
	like(sql($statement), qr/^https:/, 'what to do can be done as it stands, whatever the name is');
	return;
}

test_address();
test_state();
test_complete_by_address();
test_complete_by_parts();
test_lifetimes();
test_address_forms();
test_user_said_no();
test_bad_states();
test_state_works_once();
test_state_works_once_at_a_time();
test_wrong_addresses();
test_malformed_fields();
test_malformed_realm_ids();
test_null_arguments();
test_state_is_bound();
test_code_refused();
test_app_refused();
test_caller_rolls_back();
test_begun_in_open_transaction();
test_token_answer_not_whole();
test_refresh_answer_not_whole();
test_refresh_answer_without_access();
test_no_lifetimes();
test_reconnect_same_company();
test_reconnect_other_company();
test_reconnect_other_environment();
test_wrong_arguments();
test_wrong_keys();
test_forged_realm_id();
test_disconnect();
test_import_when_disconnected();
test_reconnect_after_disconnect();
test_disconnect_when_intuit_fails();
test_disconnect_without_key();
my ($both, $newer) = make_key_rings();
test_disconnect_without_key_of_app($both, $newer);
test_shared_company();
test_shared_company_after_new_key($both);
test_consolidation();
test_consolidation_with_one_failing();
test_status_texts();
test_status_quotes();
$node->stop;

done_testing();
