# Once Intuit has rotated a refresh token, the new pair is stored: whoever holds which lock, however the server is
# ended, and whatever else goes wrong in the process that asked.
#
# The simulator gives no grace: a token that was replaced is dead, so that a token lost is a grant lost. Which tokens
# live is its to say.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Session;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my $MONTH = q{'2026-09-01', '2026-09-30'};

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('no_grant_lost', $intuit, preload => 1, side_by_side => 1, settings => "restart_after_crash = on\n");
my $pods = 0;

# ---- a company, and its grant ----

sub connected
{
	my ($model) = @_;
	my $company = 'pod-' . ++$pods;

	$node->connect_company($model, 'sim-production', $company);
	sql("SELECT FROM reefqbo.import_actuals('$model', $MONTH)");
	return $company;
}

sub importing { return "SELECT months FROM reefqbo.import_actuals('$_[0]', $MONTH)" }

sub of_grant
{
	my ($model, $columns) = @_;

	return sql("SELECT $columns FROM reefqbo.credential t JOIN reefqbo.connection USING (model_id, connection_id)"
		  . ' JOIN reefqbo.model m USING (model_id) WHERE m.name = ' . quote($model));
}

sub token_statuses { return join ' ', map { $_->{status} } grep { $_->{endpoint} eq 'token' } @{ $intuit->admin('log', { company => $_[0] })->{log} } }

# The next use of the company has to refresh its token, whose answer comes after so many seconds.
sub make_it_rotate
{
	my ($company, $seconds) = @_;

	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => $company });
	return $intuit->admin('fault', { kind => 'delay', company => $company, endpoint => 'token', seconds => $seconds });
}

sub files { return grep { !/\A\./ } -d $node->data_dir . '/reefqbo_tokens' ? slurp_dir($node->data_dir . '/reefqbo_tokens') : () }

# What lives is what is stored: the next refresh works at the first try.
sub grant_lives
{
	my ($model, $company, $name) = @_;

	$intuit->admin('clear_faults');
	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => $company });
	is(sqlstate(importing($model)), 'none', "$name: an hour later an import works");
	is(token_statuses($company), '200', "$name: with the refresh token that had come, at the first try");
	is(sql('SELECT status FROM reefqbo.connection_status WHERE model = ' . quote($model)), 'connected', "$name: and nobody has to sign in");
	is_deeply([ files() ], [], "$name: no file is left");
	return;
}

# The next job stores what is kept, before anything else.
sub grant_lives_after_taking
{
	my ($model, $company, $name) = @_;

	$intuit->admin('clear_faults');
	is(sqlstate(importing($model)), 'none', "$name: the next import works");
	is_deeply([ files() ], [], "$name: what was kept is stored");
	return grant_lives($model, $company, $name);
}

# ---- 1. what users lock ----

my $MAPPING = "INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('%s')";

sub test_mapping_beside
{
	my ($model, $name) = ('Beside', 'a transaction that has written to the mapping');
	my $company = connected($model);
	my $open = $node->background_psql('postgres');

	$open->query_safe('BEGIN; ' . sprintf($MAPPING, $model) . ';');
	make_it_rotate($company, 0);
	is(sqlstate(importing($model)), 'none', "$name: an import beside it works");
	grant_lives($model, $company, $name);
	$open->query_safe('COMMIT;');
	$open->quit;
	return;
}

sub test_mapping_before
{
	my ($model, $name) = ('Before', 'a transaction that has written to the mapping, and refreshes');
	my $company = connected($model);

	make_it_rotate($company, 0);
	is(sqlstate("BEGIN;\n" . sprintf($MAPPING, $model) . ";\nSELECT FROM reefqbo.refresh('$model', whole => true);\nCOMMIT"), 'none', "$name: works");
	grant_lives($model, $company, $name);
	return;
}

sub workers_have_gone
{
	return wait_until('the workers have gone', sub {
		return $node->answer(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'}) eq '0';
	});
}

sub end_callers
{
	sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'});
	return workers_have_gone();
}

# ---- 2. a lock on the table of tokens itself, which lasts ----

sub test_table_locked
{
	my ($model, $name) = ('Locked', 'a lock on the tokens\' own table while they are on their way');
	my $company = connected($model);
	my $generation = of_grant($model, 'generation');
	my $lock = $node->background_psql('postgres');

	make_it_rotate($company, 1);
	my $session = begin_sql(importing($model));
	$node->wait_for_fault($company, 'delay');
	$lock->query_safe('BEGIN; LOCK TABLE reefqbo.credential IN EXCLUSIVE MODE;');
	wait_until('the tokens are kept', sub { return slurp_file($node->logfile) =~ /new tokens of "Pod $pods Ltd", which are kept/ });
	end_callers();
	end_sql($session);
	is(of_grant($model, 'generation'), $generation, "$name: the table does not have them");
	is(scalar(files()), 1, "$name: they are in a file");
	is((stat $node->data_dir . '/reefqbo_tokens/' . (files())[0])[2] & 0777, 0600, "$name: which the server alone may read");
	like(sql("SELECT status, finding FROM reefqbo.check() WHERE item = 'grant' AND subject = '$model'"), qr/^warning\|.*newest tokens, which are in a file/, "$name: check tells it");
	$intuit->admin('expire_access', { company => $company });
	is(sqlstate(importing($model)), '55P03', "$name: while that lasts nobody asks Intuit with the token of before");
	is(token_statuses($company), '200', "$name: nobody has");
	$lock->query_safe('COMMIT;');
	$lock->quit;
	is(sqlstate(importing($model)), 'none', "$name: when it is over the next import works");
	is(of_grant($model, 'generation'), $generation + 2, "$name: both generations are stored");
	grant_lives($model, $company, $name);
	return;
}

# A sign-in is newer than what is kept: that must not take its place.
sub test_kept_and_reconnected
{
	my ($model, $name) = ('Again', 'tokens in a file, and a sign-in after them');
	my $company = connected($model);
	my $lock = $node->background_psql('postgres');

	make_it_rotate($company, 1);
	my $session = begin_sql(importing($model));
	$node->wait_for_fault($company, 'delay');
	$lock->query_safe('BEGIN; LOCK TABLE reefqbo.credential IN EXCLUSIVE MODE;');
	wait_until('the tokens are kept', sub { return slurp_file($node->logfile) =~ /new tokens of "Pod $pods Ltd", which are kept/ });
	end_callers();
	end_sql($session);
	is(scalar(files()), 1, "$name: they are kept");
	# as of a copy of the file that came back later
	my $file = $node->data_dir . '/reefqbo_tokens/' . (files())[0];
	my $content = slurp_file($file);
	$lock->query_safe('COMMIT;');
	$lock->quit;
	$node->connect_company($model, 'sim-production', $company);
	append_to_file($file, $content);
	chmod 0600, $file;
	my $generation = of_grant($model, 'generation');
	is(sqlstate(importing($model)), 'none', "$name: an import works");
	is(of_grant($model, 'generation'), $generation, "$name: with the newer ones");
	unlink $file;
	grant_lives($model, $company, $name);
	return;
}

# Nor may one from before the company was disconnected, whose numbers of generations go on; and what is revoked is the
# newest token.
sub test_kept_and_disconnected
{
	my ($model, $name) = ('Gone', 'tokens in a file, and a company that is disconnected');
	my $company = connected($model);
	my $generation = of_grant($model, 'generation');
	my $lock = $node->background_psql('postgres');

	make_it_rotate($company, 1);
	my $session = begin_sql(importing($model));
	$node->wait_for_fault($company, 'delay');
	$lock->query_safe('BEGIN; LOCK TABLE reefqbo.credential IN EXCLUSIVE MODE;');
	wait_until('the tokens are kept', sub { return slurp_file($node->logfile) =~ /new tokens of "Pod $pods Ltd", which are kept/ });
	end_callers();
	end_sql($session);
	my $file = $node->data_dir . '/reefqbo_tokens/' . (files())[0];
	my $content = slurp_file($file);
	$lock->query_safe('COMMIT;');
	$lock->quit;
	is(sql("SELECT revoked FROM reefqbo.disconnect('$model')"), 't', "$name: the grant that lives is revoked");
	is(scalar @{ $intuit->admin('tokens', { company => $company })->{living_refresh} }, 0, "$name: and lives no more");
	is_deeply([ files() ], [], "$name: the file goes");
	$node->connect_company($model, 'sim-production', $company);
	is(of_grant($model, 'generation'), $generation + 2, "$name: a sign-in goes on counting from what was kept");
	append_to_file($file, $content);
	chmod 0600, $file;
	is(sqlstate(importing($model)), 'none', "$name: an import works");
	is(of_grant($model, 'generation'), $generation + 2, "$name: a copy of the file is not taken for newer");
	grant_lives($model, $company, $name);
	return;
}

# What is sealed again meanwhile, in the table and in the file, is what it was: the one is still followed by the other.
my $of_a_file;

sub set_ring
{
	my (@lines) = @_;
	my $ring = $node->basedir . '/reefqbo.key';

	unlink "$ring.new";
	append_to_file("$ring.new", join '', @lines);
	chmod 0600, "$ring.new" or die "could not chmod: $!";
	rename "$ring.new", $ring or die "could not rename: $!";
	return;
}

sub test_kept_and_resealed
{
	my ($model, $name) = ('Resealed', 'tokens in a file, and everything sealed again');
	my $company = connected($model);
	my $generation = of_grant($model, 'generation');
	my $lock = $node->background_psql('postgres');
	my $old = slurp_file($node->basedir . '/reefqbo.key');
	(my $new = slurp_file($node->make_key_file($node->basedir . '/new.key'))) =~ s/^k1:/k2:/;

	make_it_rotate($company, 1);
	my $session = begin_sql(importing($model));
	$node->wait_for_fault($company, 'delay');
	$lock->query_safe("BEGIN; SELECT FROM reefqbo.credential JOIN reefqbo.model m USING (model_id) WHERE m.name = '$model' FOR UPDATE OF credential;");
	wait_until('the tokens are kept', sub { return slurp_file($node->logfile) =~ /new tokens of "Pod $pods Ltd", which are kept/ });
	end_callers();
	end_sql($session);
	my $file = $node->data_dir . '/reefqbo_tokens/' . (files())[0];
	$of_a_file = slurp_file($file);
	like($of_a_file, qr/\x01\x02k1.*\x01\x02k1/s, "$name: both are sealed with the old key");

	set_ring($old, $new);
	my $reseal = begin_sql('CALL reefqbo.reseal()');
	wait_until('the file is sealed again', sub { return slurp_file($file) =~ /\x01\x02k2.*\x01\x02k2/s });
	is((stat $file)[2] & 0777, 0600, "$name: the server alone may read what is sealed again");
	is_deeply([ files() ], [ (split m{/}, $file)[-1] ], "$name: and there is nothing beside it");
	$lock->query_safe('COMMIT;');
	$lock->quit;
	is(end_sql($reseal), '', "$name: that ends when the row can be had");
	like($reseal->{err}, qr/nothing is sealed with key "k1" any more/, "$name: with nothing left of the old key");
	set_ring($new);
	is(of_grant($model, 'generation'), $generation, "$name: the table still has those of before");
	grant_lives_after_taking($model, $company, $name);
	is(of_grant($model, 'generation'), $generation + 2, "$name: what was kept was one of them");
	return;
}

# ---- files that nobody comes back for ----

sub lay_file
{
	my ($database, $name, $content, $age) = @_;
	my $directory = $node->data_dir . '/reefqbo_tokens';
	my $file = $directory . '/' . sql("SELECT oid FROM pg_database WHERE datname = '$database'") . ".$name";

	mkdir $directory, 0700;
	append_to_file($file, $content);
	chmod 0600, $file or die "could not chmod: $!";
	utime time - $age, time - $age, $file or die "could not set the time: $!";
	return $file;
}

# As they stand in a file's name.
sub ids_of { return sql('SELECT model_id, connection_id FROM reefqbo.connection JOIN reefqbo.model USING (model_id) WHERE name = ' . quote($_[0])) =~ tr/|/./r }

sub test_places
{
	my ($model, $name) = ('Places', 'places for answers that were lost');
	my $company = connected($model);
	my $zeros = "\0" x 40960;
	my $lost = lay_file('postgres', ids_of('Resealed'), $zeros, 7200);
	my $cut_off = lay_file('postgres', ids_of('Gone'), substr($of_a_file, 0, 100), 7200);
	my $ownerless = lay_file('postgres', '987654.321', $zeros, 7200);
	my $young = lay_file('postgres', ids_of('Again'), $zeros, 60);
	my $renamed = lay_file('postgres', ids_of('Locked'), $of_a_file, 7200);
	my $foreign = lay_file('template1', '1.1', $zeros, 7200);

	make_it_rotate($company, 4);
	my $session = begin_sql(importing($model));
	$node->wait_for_fault($company, 'delay');
	my $under_way = lay_file('postgres', ids_of($model), '', 7200);
	is(sqlstate(importing('Locked')), 'none', "$name: an import of another company");
	ok(!-e $lost, "$name: one that nobody will fill is removed");
	ok(!-e $cut_off, "$name: and so are tokens that were cut off");
	ok(!-e $ownerless, "$name: and one of no connection");
	ok(!-e $renamed, "$name: and another's tokens under its name");
	ok(-e $young, "$name: one that may be filled yet is not");
	ok(-e $foreign, "$name: nor another database's");
	ok(-e $under_way, "$name: nor one that is about to be filled, though it looks old");
	is(end_sql($session), 1, "$name: which is");
	unlink $young, $foreign;
	grant_lives($model, $company, $name);
	return;
}

sub test_dropped_database
{
	my $name = 'files of a database that is dropped';

	sql('CREATE DATABASE dropped');
	my $file = lay_file('dropped', ids_of('Resealed'), $of_a_file, 0);
	is(sqlstate(importing('Locked')), 'none', "$name: an import in another database");
	ok(-e $file, "$name: they stay as long as it is there");
	sql('DROP DATABASE dropped');
	is(sqlstate(importing('Locked')), 'none', "$name: another import");
	ok(!-e $file, "$name: and go after it");
	like(slurp_file($node->logfile), qr/removed tokens of connection \d+ that were kept for database \d+, which does not exist any more/, "$name: which is said");
	return;
}

# The extension itself may be locked.
sub test_extension_locked
{
	my ($model, $name) = ('Extension', 'an extension about to be dropped while tokens are on their way');
	my $company = connected($model);
	my $lock = $node->background_psql('postgres');

	make_it_rotate($company, 2);
	my $session = begin_sql(importing($model));
	$node->wait_for_fault($company, 'delay');
	$lock->query_safe('BEGIN; SET LOCAL client_min_messages = error; DROP EXTENSION reefqbo CASCADE;');
	wait_until('the tokens are kept', sub { return slurp_file($node->logfile) =~ /new tokens of "Pod $pods Ltd", which are kept/ });
	end_callers();
	end_sql($session);
	is(scalar(files()), 1, "$name: they are in a file");
	$lock->query_safe('ROLLBACK;');
	$lock->quit;
	grant_lives_after_taking($model, $company, $name);
	return;
}

# ---- several companies in one process ----

# A step of one that waits for a lock must not end the process while tokens of another are on their way, nor keep its
# answer from being read in time.
sub test_two_companies
{
	my ($model, $name) = ('Two', 'a worker ended in a step of one company while tokens of another are on their way');
	my ($first, $second) = (connected($model), 'pod-' . ++$pods);
	my $generation = of_grant($model, 'generation');
	my $lock = $node->background_psql('postgres');

	$node->connect_company($model, 'sim-production', $second, 'Second');
	my $began = "t.connection_id = (SELECT min(connection_id) FROM reefqbo.connection JOIN reefqbo.model USING (model_id) WHERE name = '$model')";
	$lock->query_safe('BEGIN; LOCK TABLE reefqbo._actual_year IN ACCESS EXCLUSIVE MODE;');
	make_it_rotate($first, 4);
	my $session = begin_sql(importing($model));
	$node->wait_for_fault($first, 'delay');
	wait_until('the other waits for the lock', sub {
		return sql(q{SELECT count(*) FROM pg_locks WHERE relation = 'reefqbo._actual_year'::regclass AND NOT granted}) > 0;
	});
	sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'});
	end_sql($session);
	workers_have_gone();
	$lock->query_safe('COMMIT;');
	$lock->quit;
	is(sql("SELECT generation FROM reefqbo.credential t WHERE $began"), $generation + 1, "$name: they are stored");
	$intuit->admin('clear_faults');
	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => $first });
	is(sqlstate(importing($model)), 'none', "$name: an hour later an import works");
	is(token_statuses($first), '200', "$name: with the refresh token that had come, at the first try");
	return;
}

# ---- 3. the evidence ----

sub test_evidence_locked
{
	my ($model, $name) = ('Evidence', 'a lock on the log of requests');
	my $company = connected($model);
	my $lock = $node->background_psql('postgres');

	make_it_rotate($company, 0);
	$lock->query_safe('BEGIN; LOCK TABLE reefqbo.api_call IN ACCESS EXCLUSIVE MODE;');
	is(sqlstate(importing($model)), 'none', "$name: an import works");
	$lock->query_safe('COMMIT;');
	$lock->quit;
	like(slurp_file($node->logfile), qr/requests to Intuit are not in reefqbo\.api_call/, "$name: what it could not take is said");
	grant_lives($model, $company, $name);
	return;
}

# ---- 4. the end of the process, or of the server ----

my %END = (
	'a fast restart' => sub { $node->restart },
	'a termination' => sub { sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'}) },
	'a cancel' => sub { sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'}) },
	'the end of the caller' => sub { sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'}) });

sub test_end
{
	my ($what) = @_;
	my $model = "End by $what";
	my $company = connected($model);
	my $generation = of_grant($model, 'generation');

	make_it_rotate($company, 3);
	my $session = begin_sql(importing($model));
	$node->wait_for_fault($company, 'delay');
	$END{$what}->();
	end_sql($session);
	workers_have_gone();
	is(of_grant($model, 'generation'), $generation + 1, "$what while tokens take three seconds to come: they are stored");
	grant_lives($model, $company, $what);
	return;
}

# ---- 5. the background worker ----

sub keep_alive_now
{
	my ($model) = @_;

	sql('UPDATE reefqbo.credential t SET keep_alive_at = now() FROM reefqbo.model m WHERE m.model_id = t.model_id AND m.name = ' . quote($model));
	return sql('UPDATE reefqbo.schedule SET is_paused = true');
}

sub test_restart_of_worker
{
	my ($model, $name) = ('Worker', 'a fast restart while the background worker waits for tokens');
	my $company = connected($model);
	my $generation = of_grant($model, 'generation');

	make_it_rotate($company, 3);
	keep_alive_now($model);
	$node->wait_for_fault($company, 'delay');
	$node->restart;
	is(of_grant($model, 'generation'), $generation + 1, "$name: they are stored");
	like(slurp_file($node->logfile), qr/waits for answers of Intuit's that carry tokens: 1/, "$name: and the log says what was waited for");
	wait_until_idle($node);
	grant_lives($model, $company, $name);
	return;
}

# Ending the worker is not all that can end its engine: the question of what else is due fails behind a lock.
sub test_source_fails
{
	my ($model, $name) = ('Source', 'an error of the worker\'s own while it waits for tokens');
	my $company = connected($model);
	my $generation = of_grant($model, 'generation');
	my $lock = $node->background_psql('postgres');

	make_it_rotate($company, 25);
	keep_alive_now($model);
	$node->wait_for_fault($company, 'delay');
	$lock->query_safe('BEGIN; LOCK TABLE reefqbo.upkeep IN ACCESS EXCLUSIVE MODE;');
	sql('SELECT pg_reload_conf()');
	wait_until('the tokens are stored', sub { return of_grant($model, 'generation') == $generation + 1 });
	pass("$name: they are stored");
	$lock->query_safe('COMMIT;');
	$lock->quit;
	wait_until_idle($node);
	grant_lives($model, $company, $name);
	return;
}

# What a token answer can have wrong beside a refresh token that is whole.
my %ODD = (
	'no access token' => { kind => 'missing_token', field => 'access_token' },
	'no word of how long it lives' => { kind => 'missing_token', field => 'x_refresh_token_expires_in' },
	'no word of how long the access token lives' => { kind => 'missing_token', field => 'expires_in' },
	'a connection that breaks behind its last byte' => { kind => 'cut', fraction => 1 }
);

sub test_odd_answers
{
	foreach my $name (sort keys %ODD)
	{
		my $model = "Odd $name";
		my $company = connected($model);

		make_it_rotate($company, 0);
		$intuit->admin('clear_faults');
		$intuit->admin('fault', { %{ $ODD{$name} }, company => $company, endpoint => 'token' });
		is(sqlstate(importing($model)), 'none', "$name: the import works");
		grant_lives($model, $company, $name);
	}
	return;
}

# Intuit goes on giving refresh tokens and no access tokens: each is stored, and nothing is sent that has died.
sub test_never_an_access_token
{
	my ($model, $name) = ('Never', 'never an access token');
	my $company = connected($model);

	make_it_rotate($company, 0);
	$intuit->admin('clear_faults');
	$intuit->admin('fault', { kind => 'missing_token', field => 'access_token', company => $company, endpoint => 'token', times => -1 });
	is(sqlstate(importing($model)), 'RQ008', "$name: an import fails");
	is(sqlstate(importing($model)), 'RQ008', "$name: and another");
	is(token_statuses($company), '200 200 200 200', "$name: no refresh token was refused");
	grant_lives($model, $company, $name);
	return;
}

# The same while the tables cannot take it: what is kept in the file is not asked with, nor is its place taken.
sub test_alone_and_kept
{
	my ($model, $name) = ('Alone', 'a refresh token alone that the tables cannot take');
	my $company = connected($model);

	make_it_rotate($company, 0);
	$intuit->admin('clear_faults');
	$intuit->admin('fault', { kind => 'missing_token', field => 'access_token', company => $company, endpoint => 'token' });
	sql(<<'END_OF_BLOCK');
CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$;
CREATE TRIGGER refuse BEFORE UPDATE OF generation ON reefqbo.credential FOR EACH ROW EXECUTE FUNCTION public.refuse();
END_OF_BLOCK
	is(sqlstate(importing($model)), 'RQ008', "$name: the import fails");
	is(token_statuses($company), '200', "$name: nothing is asked with what has died");
	is(scalar(files()), 1, "$name: it is in a file");
	sql('DROP TRIGGER refuse ON reefqbo.credential; DROP FUNCTION public.refuse()');
	grant_lives_after_taking($model, $company, $name);
	return;
}

# The old token lives for a while only: the answer that was lost is asked for again at once, however long the company
# would have to wait after a failure.
sub test_killed
{
	my ($model, $name) = ('Killed', 'a worker killed while tokens are on their way');
	my $company = connected($model);

	$intuit->admin('config', { grace => 86400 });
	sql("INSERT INTO reefqbo.upkeep (model_id, connection_id, refresh_due_at, failures, sqlstate) SELECT model_id, connection_id, now(), 6, 'RQ011'"
		  . " FROM reefqbo.connection JOIN reefqbo.model USING (model_id) WHERE name = '$model'"
		  . ' ON CONFLICT (model_id, connection_id) DO UPDATE SET failures = 6, sqlstate = EXCLUDED.sqlstate');
	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => $company });
	$intuit->admin('fault', { kind => 'rotate_and_mute', company => $company, endpoint => 'token' });
	keep_alive_now($model);
	$node->wait_for_fault($company, 'rotate_and_mute');
	kill 'KILL', sql(q{SELECT pid FROM reefqbo.worker_status() WHERE database = 'postgres'});
	$node->wait_until_up;
	wait_until('it is asked again', sub { return token_statuses($company) eq '0 200' });
	pass("$name: it is asked again at once");
	wait_until_idle($node);
	$intuit->admin('config', { grace => 0 });
	grant_lives($model, $company, $name);
	return;
}

# ---- the run ----

test_odd_answers();
test_never_an_access_token();
test_alone_and_kept();

test_mapping_beside();
test_mapping_before();
test_table_locked();
test_kept_and_reconnected();
test_kept_and_disconnected();
test_kept_and_resealed();
test_places();
test_dropped_database();
test_extension_locked();
test_two_companies();
test_evidence_locked();
test_end($_) foreach sort keys %END;
$node->set_option('reefqbo.databases', 'postgres');
wait_until_idle($node);
test_restart_of_worker();
test_source_fails();
test_killed();
$node->stop;
$intuit->stop;

done_testing();
