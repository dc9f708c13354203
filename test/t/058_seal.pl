# What is sealed opens in its own place only: in its row, its database, its generation of tokens. A value that is
# put elsewhere is RQ010, the rows stay as they are and Intuit is not asked. Rows of one database that are exchanged
# have their test in 032; dumps, standbys and upgrades, which carry the identity along and go on, in 034, 065 and 073.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('seal', $intuit);

my %COMPANY = (postgres => 'pod-1', other => 'pod-2');
my @PAIR = qw(refresh_token_sealed access_token_sealed);

sub connect_in
{
	my ($database, $company) = @_;
	my $address = sql(call('connect', 'Own', 'sim-production'), $database);

	return sql(call('complete_connection', $intuit->browse($address, company => $company)), $database);
}

sub value
{
	my ($database, $table, $column) = @_;
	return sql("SELECT $column FROM reefqbo.$table" . ($table eq 'app' ? ' JOIN reefqbo.environment USING (environment_id) WHERE name = \'sim-production\'' : ''), $database);
}

sub put
{
	my ($database, $table, %values) = @_;
	my $where = $table eq 'app' ? q{ WHERE environment_id = (SELECT environment_id FROM reefqbo.environment WHERE name = 'sim-production')} : '';

	return sql("UPDATE reefqbo.$table SET " . join(', ', map { "$_ = " . quote($values{$_}) } sort keys %values) . $where, $database);
}

sub pair { my ($database) = @_; return map { $_ => value($database, 'credential', $_) } @PAIR }

sub generation { return value($_[0] // 'postgres', 'credential', 'generation') }

# An import with the access token, and one that needs the refresh token.
sub refused
{
	my ($name, $database, @spans) = @_;

	foreach my $expires (@spans ? @spans : ('1 hour', '0'))
	{
		put($database, 'credential', access_expires_at => sql("SELECT now() + interval '$expires'"));
		my $before = sql('SELECT c FROM reefqbo.credential c', $database);
		$intuit->admin('log_clear');
		my $error = try(call('import_accounts', 'Own'), $database);
		is($error->{sqlstate}, 'RQ010', "$name ($expires): refused");
		like($error->{detail}, qr/belongs to another row, database or generation of tokens/, "$name ($expires): it says why");
		like($error->{hint}, qr/restore the row from a backup, whole, or reconnect/, "$name ($expires): and what to do");
		is(scalar @{ $intuit->admin('log')->{log} }, 0, "$name ($expires): Intuit is not asked");
		is(sql('SELECT c FROM reefqbo.credential c', $database), $before, "$name ($expires): the row is as it was");
	}
	return;
}

sub works
{
	my ($name, $database) = @_;
	my $before = generation($database);

	sql('UPDATE reefqbo.credential SET access_expires_at = now()', $database);
	is(sqlstate(call('import_accounts', 'Own'), $database), 'none', "$name: an import works");
	is(generation($database), $before + 1, "$name: with new tokens");
	return;
}

sub sealed_values { return sql(q{SELECT string_agg(status || ': ' || finding, '; ') FROM reefqbo.check() WHERE item = 'sealed values'}, $_[0]) }

# ---- databases ----

# Everything else that a value is bound to is the same in both.
sub test_same_ids
{
	my $ids = q{SELECT t.model_id, t.connection_id, t.generation, c.environment_id FROM reefqbo.credential t JOIN reefqbo.connection c USING (model_id, connection_id)};

	is(sql($ids, 'other'), sql($ids), 'two databases: rows of the same ids and generation');
	isnt(value('other', 'installation', 'identity'), value('postgres', 'installation', 'identity'), 'two databases: identities of their own');
	is(sql('SELECT count(*) FROM reefqbo.installation', 'other'), 1, 'two databases: one each');
	return;
}

sub test_databases
{
	my %own = pair('other');
	my $realm = value('other', 'connection', 'realm_id_sealed');
	my $secret = value('other', 'app', 'client_secret_sealed');

	put('other', 'credential', pair('postgres'));
	refused('tokens of another database', 'other');
	like(sealed_values('other'), qr/^problem: .*, 2 do not unseal: they were changed or belong elsewhere/, 'tokens of another database: check tells it');
	put('other', 'credential', %own);

	put('other', 'connection', realm_id_sealed => value('postgres', 'connection', 'realm_id_sealed'));
	is(sqlstate(call('realm_id', 'Own'), 'other'), 'RQ010', 'the realm id of another database is not shown');
	refused('the realm id of another database', 'other', '1 hour');
	put('other', 'connection', realm_id_sealed => $realm);

	put('other', 'app', client_secret_sealed => value('postgres', 'app', 'client_secret_sealed'));
	refused('the client secret of another database', 'other', '0');
	put('other', 'app', client_secret_sealed => $secret);
	works('with its own values again', 'other');
	return;
}

# It is the identity that was in the way, and nothing else.
sub test_identity
{
	my $identity = value('other', 'installation', 'identity');
	my $realm = value('other', 'connection', 'realm_id_sealed');

	put('other', 'installation', identity => value('postgres', 'installation', 'identity'));
	put('other', 'connection', realm_id_sealed => value('postgres', 'connection', 'realm_id_sealed'));
	is(sql(call('realm_id', 'Own'), 'other'), '9341700000000001', 'with the identity of the other database its realm id opens');
	put('other', 'connection', realm_id_sealed => $realm);
	is(sqlstate(call('realm_id', 'Own'), 'other'), 'RQ010', 'and the own one does not');
	put('other', 'installation', identity => $identity);
	is(sql(call('realm_id', 'Own'), 'other'), '9341700000000002', 'with the own one it does again');
	return;
}

sub test_no_identity
{
	sql('CREATE TABLE saved AS SELECT * FROM reefqbo.installation; DELETE FROM reefqbo.installation');
	foreach my $query (call('realm_id', 'Own'), call('import_accounts', 'Own'))
	{
		my $error = try($query);
		is($error->{sqlstate}, 'RQ010', "without an identity: $query says so");
		like($error->{detail}, qr/The row of reefqbo\.installation/, 'and what is missing');
	}
	like(sealed_values(), qr/^problem: .* do not unseal/, 'without an identity: check tells it');
	sql('INSERT INTO reefqbo.installation SELECT * FROM saved; DROP TABLE saved');
	works('with it put back', 'postgres');
	is(sqlstate('INSERT INTO reefqbo.installation (is_this) VALUES (true)'), '23505', 'there is one identity only');
	is(sqlstate('INSERT INTO reefqbo.installation (is_this) VALUES (false)'), '23514', 'whatever is tried');
	return;
}

# ---- generations ----

sub test_older_pair
{
	my %old = pair('postgres');

	works('a refresh', 'postgres');
	my %present = pair('postgres');
	is(value('postgres', 'credential', 'previous_refresh_token_sealed'), $old{refresh_token_sealed}, 'the token before is kept as it was sealed');
	like(sealed_values(), qr/^ok: /, 'and still opens');
	put('postgres', 'credential', %old);
	refused('the pair of before in its own row', 'postgres');
	like(sealed_values(), qr/^problem: .*, 2 do not unseal/, 'the pair of before: check tells it');
	put('postgres', 'credential', %present, access_token_sealed => $old{access_token_sealed});
	refused('the access token of before alone', 'postgres', '1 hour');
	put('postgres', 'credential', %present, previous_refresh_token_sealed => $present{refresh_token_sealed});
	like(sealed_values(), qr/^problem: .*, 1 do not unseal/, 'the newest token in the place of the one before: check tells it');
	put('postgres', 'credential', previous_refresh_token_sealed => $old{refresh_token_sealed});
	works('with the present pair again', 'postgres');
	return;
}

# The row with its generation is what a backup has, and opens: only Intuit knows which token lives.
sub test_whole_row
{
	my %old = (pair('postgres'), generation => generation(), previous_refresh_token_sealed => value('postgres', 'credential', 'previous_refresh_token_sealed'));

	works('a refresh', 'postgres');
	my %present = (pair('postgres'), generation => generation(), previous_refresh_token_sealed => value('postgres', 'credential', 'previous_refresh_token_sealed'));
	put('postgres', 'credential', %old);
	like(sealed_values(), qr/^ok: /, 'a whole row of before opens, as from a backup');
	put('postgres', 'credential', %present);
	return;
}

# Sealing again makes nothing of it that opens.
sub test_resealed
{
	my $ring = $node->basedir . '/reefqbo.key';
	my %old = pair('postgres');

	works('a refresh', 'postgres');
	my %present = pair('postgres');
	(my $line = slurp_file($node->make_key_file($node->basedir . '/new.key'))) =~ s/^k1:/k2:/;
	append_to_file($ring, $line);
	put('postgres', 'credential', %old);
	my $error = try('CALL reefqbo.reseal()');
	is("$error->{sqlstate} $error->{message}", 'RQ010 could not unseal 2 values', 'reseal: the pair of before is not sealed again');
	is(value('postgres', 'credential', 'refresh_token_sealed'), $old{refresh_token_sealed}, 'reseal: it is left as it is');
	put('postgres', 'credential', %present);
	is(sqlstate('CALL reefqbo.reseal()'), 'none', 'reseal: the present one is');
	is(sealed_values() =~ s/ are sealed.*//r =~ s/\d+ //gr, 'ok: access tokens, client secrets, realm digests, realm ids, refresh tokens', 'reseal: everything opens, the token before too');
	put('postgres', 'credential', %old);
	refused('reseal: the pair of before, of the key before', 'postgres');
	put('postgres', 'credential', %present);
	is(sqlstate('CALL reefqbo.reseal()'), 'none', 'reseal: once more');
	works('reseal', 'postgres');
	return;
}

# ---- sign-ins ----

sub test_reconnected
{
	my %old = pair('postgres');
	my $generation = generation();

	connect_in('postgres', 'pod-1');
	is(generation(), $generation + 1, 'a sign-in has a generation of its own');
	my %present = pair('postgres');
	put('postgres', 'credential', %old);
	refused('the pair from before a sign-in', 'postgres');
	put('postgres', 'credential', %present);
	works('a sign-in', 'postgres');
	return;
}

# Numbers go on where tokens were wiped, so that none of before is of the present generation.
sub test_disconnected
{
	my %old = pair('postgres');
	my $generation = generation();

	sql(call('disconnect', 'Own'));
	connect_in('postgres', 'pod-1');
	is(generation(), $generation + 1, 'a sign-in after a disconnect: generations go on counting');
	my %present = pair('postgres');
	put('postgres', 'credential', %old);
	refused('the pair from before a disconnect', 'postgres');
	put('postgres', 'credential', %present);
	sql(call('disconnect', 'Own')) for 1 .. 2;
	connect_in('postgres', 'pod-1');
	is(generation(), $generation + 2, 'a disconnect of what is disconnected does not set them back');
	works('a sign-in after a disconnect', 'postgres');
	return;
}

sub test_replaced
{
	my %old = pair('postgres');
	my $address = sql(call('replace_company', 'Own'));

	sql(call('complete_connection', $intuit->browse($address, company => 'pod-3')));
	my %present = pair('postgres');
	put('postgres', 'credential', %old);
	refused('the pair of the company that was replaced', 'postgres');
	put('postgres', 'credential', %old, generation => 2);
	refused('the same with another generation', 'postgres');
	put('postgres', 'credential', %present, generation => 1);
	works('the new company', 'postgres');
	return;
}

sql('CREATE DATABASE other');
$node->install_reefqbo('other');
foreach my $database (sort keys %COMPANY)
{
	sql(call('create_model', 'Own'), $database);
	connect_in($database, $COMPANY{$database});
}
test_same_ids();
test_databases();
test_identity();
test_no_identity();
test_older_pair();
test_whole_row();
test_resealed();
test_reconnected();
test_disconnected();
test_replaced();
$node->stop;
$intuit->stop;

done_testing();
