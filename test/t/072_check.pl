# The doctor: reefqbo.check() tells what is right and what is wrong, each with what to do about it, and asks nobody;
# reefqbo.check(model) asks QuickBooks what an import would ask, and stores nothing of it.
#
# What is wrong is made wrong: files are moved and chmodded, rings rotated, grants revoked, servers restarted.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my $INTUIT = Reefqbo::Simulator->start(no_throttle => undef);
my $node = reefqbo_cluster('check', $INTUIT, preload => 1,
	settings => "wal_level = replica\nmax_wal_senders = 5\nhot_standby = on\nreefqbo.databases = ''");
my $KEY_FILE = $node->basedir . '/reefqbo.key';

# What nobody may read out of a row.
my $PRIVATE = quotemeta $node->basedir . '/reefqbo';

# ---- the rows ----

# Rows of a call, each a hash; what is in $before runs in the same session.
sub rows_of
{
	my ($call, %options) = @_;
	my $on = $options{on} // $node;
	my $text = $on->safe_psql('postgres', ($options{before} // '') . ";\n" . <<"END");
SELECT concat_ws(E'\\x1f', item, COALESCE(subject, ''), status, finding, COALESCE(what_to_do, '')) FROM reefqbo.$call
END
	my @rows;

	foreach my $line (split /\n/, $text)
	{
		my %row;
		@row{qw(item subject status finding what_to_do)} = split /\x1f/, $line, -1;
		push @rows, \%row;
	}
	return @rows;
}

sub check       { return rows_of('check()', @_) }
sub check_model { my ($model, @more) = @_; return rows_of('check(' . quote($model) . ')', @more) }

sub outline { return join "\n", map { "$_->{item} | $_->{subject} | $_->{status}" } @_ }

# That there is just one such row, and what it says; and that a row with something to do, and no other, says what.
sub says
{
	my ($rows, $item, $subject, $status, $finding, $what_to_do, $name) = @_;
	my @found = grep { $_->{item} eq $item && $_->{subject} eq $subject } @$rows;

	is(outline(@found), "$item | $subject | $status", "$name: it is told, as $status") or return diag(outline(@$rows));
	like($found[0]{finding}, $finding, "$name: with what was found");
	defined $what_to_do
	  ? like($found[0]{what_to_do}, $what_to_do, "$name: with what to do")
	  : is($found[0]{what_to_do}, '', "$name: with nothing to do");
	return;
}

# Every row of every kind: a known status, and a sentence for whoever has something to do.
sub is_well_formed
{
	my ($name, @rows) = @_;
	my @bad = grep {
		$_->{status} !~ /\A(?:ok|note|warning|problem)\z/ || $_->{finding} eq '' || ($_->{status} eq 'ok') != ($_->{what_to_do} eq '')
		  || $_->{what_to_do} !~ /\A(?:\z|(?:[A-Z]|reefqbo\.).*[.;]\z)/
	} @rows;

	cmp_ok(scalar @rows, '>', 0, "$name: there are rows");
	is(join("\n", map { join ' | ', @$_{qw(item status finding what_to_do)} } @bad), '',
		"$name: each row has a status, a finding, and a sentence that says what to do unless it is ok");
}

sub shows_no_path
{
	my ($name, @rows) = @_;

	unlike(join("\n", map { "$_->{finding} $_->{what_to_do}" } @rows), qr/$PRIVATE/, "$name: the path of the key file is not told");
}

# ---- what is stored and asked ----

sub digest_of
{
	my (@tables) = @_;

	return join "\n", map { sql("SELECT '$_', count(*), md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM reefqbo.$_ t") } @tables;
}

sub tables
{
	return split /\n/, sql(q{SELECT relname FROM pg_class WHERE relnamespace = 'reefqbo'::regnamespace AND relkind = 'r' ORDER BY 1});
}

sub requests { return @{ $INTUIT->admin('log')->{log} } }

sub set_option
{
	my ($name, $value) = @_;

	$node->set_option($name, $value);
	wait_until("$name is $value", sub { sql("SELECT count(*) FROM pg_settings WHERE name = '$name' AND current_setting(name) = " . quote($value)) });
}

# ---- a new server ----

sub test_new_server
{
	my @rows = check();

	is(outline(@rows), <<'END' =~ s/\n\z//r, 'a new server: all is right but what is not set up, in an order that does not change');
library | shared_preload_libraries | ok
library | version | ok
worker | launcher | ok
worker | reefqbo.databases | warning
key ring |  | ok
sealed values | k1 | ok
pgcrypto |  | ok
ownership |  | ok
CA file | reefqbo.ca_file | ok
clock | reefqbo.clock_offset | ok
app | production | note
app | sandbox | note
app | sim-production | ok
app | sim-sandbox | ok
environment |  | ok
sequence |  | ok
END
	is_well_formed('a new server', @rows);
	says(\@rows, 'key ring', '', 'ok', qr/one key, and seals with "k1"/, undef, 'the key ring');
	says(\@rows, 'sealed values', 'k1', 'ok', qr/^2 client secrets are sealed/, undef, 'what is sealed');
}

# ---- library, worker, pgcrypto ----

sub test_worker
{
	my ($row) = grep { $_->{subject} eq 'reefqbo.databases' } check();

	like($row->{what_to_do}, qr/\AAdd it: ALTER SYSTEM SET reefqbo\.databases = postgres; SELECT pg_reload_conf\(\);\z/, 'a database that is not listed: how to list it');
	sql($row->{what_to_do} =~ s/\AAdd it: //r);
	wait_until('the database is listed', sub { grep { $_->{subject} eq 'postgres' && $_->{item} eq 'worker' } check() });
	my @rows = check();
	says(\@rows, 'worker', 'reefqbo.databases', 'ok', qr/"postgres"/, undef, 'what it says to do helps');
	says(\@rows, 'worker', 'postgres', 'ok', qr/worker of this database is/, undef, 'and the worker is fine');

	sql('ALTER SYSTEM RESET reefqbo.databases; SELECT pg_reload_conf()');
	wait_until('the database is not listed', sub { !grep { $_->{subject} eq 'postgres' } check() });

	kill 'TERM', sql(q{SELECT pid FROM reefqbo.worker_status() WHERE state = 'launcher'});
	wait_until('the launcher has gone', sub { @rows = check(); grep { $_->{subject} eq 'launcher' && $_->{status} ne 'ok' } @rows });
	says(\@rows, 'worker', 'launcher', 'problem', qr/is not there/, qr/starts it again/, 'a launcher that was ended');
	wait_until('the launcher is back', sub { grep { $_->{subject} eq 'launcher' && $_->{status} eq 'ok' } check() });
}

sub test_library
{
	sql(q{UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'reefqbo'});
	says([ check() ], 'library', 'version', 'problem', qr/the extension is 0\.9, the library 1\.0/, qr/ALTER EXTENSION reefqbo UPDATE/, 'another version of the library');
	sql(q{UPDATE pg_extension SET extversion = '1.0' WHERE extname = 'reefqbo'});

	sql('ALTER FUNCTION decrypt_iv(bytea, bytea, bytea, text) RENAME TO decrypt_iv_away');
	says([ check() ], 'pgcrypto', '', 'problem', qr/could not find function decrypt_iv/, qr/CREATE EXTENSION reefqbo CASCADE/, 'pgcrypto taken apart');
	sql('ALTER FUNCTION decrypt_iv_away(bytea, bytea, bytea, text) RENAME TO decrypt_iv');
	says([ check() ], 'pgcrypto', '', 'ok', qr/seals and unseals/, undef, 'pgcrypto put right');
}

sub test_not_preloaded
{
	$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
	$node->restart;
	my @rows = check();
	says(\@rows, 'library', 'shared_preload_libraries', 'warning', qr/no background worker/, qr/shared_preload_libraries = 'reefqbo'.* restart/, 'not preloaded');
	is(scalar(grep { $_->{item} eq 'worker' } @rows), 0, 'not preloaded: nothing is said of processes that cannot be there');
	is_well_formed('not preloaded', @rows);
	says([ check_model('Acme') ], 'grant', 'Acme', 'ok', qr/takes the grant/, undef, 'not preloaded, a model all the same');
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'reefqbo'");
	$node->restart;
}

# ---- keys ----

sub write_ring
{
	my ($file, @lines) = @_;

	unlink $file;
	append_to_file($file, join '', map { "$_\n" } @lines);
	chmod 0600, $file or die $!;
	return "SET reefqbo.key_file = " . quote($file);
}

sub test_key_ring
{
	rename $KEY_FILE, "$KEY_FILE.away" or die $!;
	my @rows = check();
	says(\@rows, 'key ring', '', 'problem', qr/could not open reefqbo\.key_file: No such file/, qr/must name a file/, 'a key file that is not there');
	says(\@rows, 'sealed values', 'k1', 'problem', qr/2 client secrets.*no key ring/, qr/Put this key's own line back/, 'what was sealed with it');
	is_well_formed('a key file that is not there', @rows);
	shows_no_path('a key file that is not there', @rows);
	my ($grant) = check_model('Acme');
	is($grant->{item}, 'grant', 'a key file that is not there, asked about a model: no error, but a row');
	like($grant->{finding}, qr/could not open reefqbo\.key_file.*\(RQ010\)/, 'that says so');
	shows_no_path('and there', $grant);
	rename "$KEY_FILE.away", $KEY_FILE or die $!;

	chmod 0644, $KEY_FILE or die $!;
	@rows = check();
	says(\@rows, 'key ring', '', 'problem', qr/reefqbo\.key_file has group or world access/, qr/chmod 600/, 'a key file for all to read');
	shows_no_path('a key file for all to read', @rows);
	chmod 0600, $KEY_FILE or die $!;

	my $command = 'exit 3 # a secret place';
	@rows = check(before => 'SET reefqbo.key_command = ' . quote($command));
	says(\@rows, 'key ring', '', 'problem', qr/key_command failed\. The command ended thus: child process exited with exit code 3/, qr/./, 'a key command that fails');
	unlike(join(' ', map { values %$_ } @rows), qr/secret place/, 'a key command that fails: the command is not told');
	says([ check(before => q{SET reefqbo.key_command = 'cat } . "$KEY_FILE'") ], 'key ring', '', 'ok', qr/one key/, undef, 'a key command that works');
	says([ check(before => q{SET reefqbo.key_file = ''}) ], 'key ring', '', 'problem', qr/no key ring is configured/, qr/Set reefqbo\.key_file or/, 'no key ring at all');
}

sub test_rotation
{
	my ($k1) = slurp_file($KEY_FILE) =~ /^(k1:.*)$/m;
	my ($k2, $other) = ('k2:' . ('A' x 43) . '=', 'k1:' . ('B' x 42) . 'A=');
	my $ring = $node->basedir . '/ring';
	my @rows = check(before => write_ring($ring, $k1, $k2));

	says(\@rows, 'key ring', '', 'ok', qr/2 keys, and seals with "k2"/, undef, 'a ring with a new key');
	# of three connections, each with an access token, a realm id and its digest, and a refresh token and perhaps the one before
	says(\@rows, 'sealed values', 'k1', 'note', qr/^3 access tokens, 2 client secrets, 3 realm digests, 3 realm ids, 3 refresh tokens are sealed/,
		qr/CALL reefqbo\.reseal\(\)/, 'what the old key has sealed');
	@rows = check(before => write_ring($ring, $k2));
	says(\@rows, 'sealed values', 'k1', 'problem', qr/3 realm ids.*which the key ring does not have/, qr/line back.*reefqbo\.reconnect/, 'a key that was taken out too early');
	is_well_formed('a key that was taken out too early', @rows);
	@rows = check(before => write_ring($ring, $other));
	says(\@rows, 'key ring', '', 'ok', qr/seals with "k1"/, undef, 'another key of the same name, as a ring');
	says(\@rows, 'sealed values', 'k1', 'problem', qr/11 do not unseal: .*the ring's key of that name is another one/, qr/own line back/, 'another key of the same name');
	unlike(join(' ', map { values %$_ } @rows), qr/B{20}|A{20}/, 'another key of the same name: no key is told');

	sql(<<'END');
CREATE TABLE kept AS SELECT * FROM reefqbo.credential;
UPDATE reefqbo.credential c SET access_token_sealed = o.access_token_sealed
FROM reefqbo.credential o WHERE c.connection_id = (SELECT min(connection_id) FROM kept) AND o.connection_id = (SELECT max(connection_id) FROM kept)
END
	says([ check() ], 'sealed values', 'k1', 'problem', qr/, 1 do not unseal: they were changed/, qr/^Restore these rows/, 'a token copied over another');
	sql(q{UPDATE reefqbo.credential SET access_token_sealed = '\x0102' WHERE connection_id = (SELECT min(connection_id) FROM kept)});
	says([ check() ], 'sealed values', '', 'problem', qr/^1 access tokens are not in the form/, qr/Restore/, 'a token that is none');
	sql('UPDATE reefqbo.credential c SET access_token_sealed = k.access_token_sealed FROM kept k WHERE k.connection_id = c.connection_id; DROP TABLE kept');
	says([ check() ], 'sealed values', 'k1', 'ok', qr/are sealed with this key$/, undef, 'put right');
}

# ---- certificate authorities, apps, environments, sequences ----

sub test_ca_file
{
	my $file = $node->basedir . '/ca.pem';

	append_to_file($file, "nothing of the kind\n");
	says([ check(before => "SET reefqbo.ca_file = '$file'") ], 'CA file', 'reefqbo.ca_file', 'problem', qr/has no certificate/, qr/PEM/, 'a CA file without a certificate');
	chmod 0, $file or die $!;
	says([ check(before => "SET reefqbo.ca_file = '$file'") ], 'CA file', 'reefqbo.ca_file', 'problem', qr/Permission denied/, qr/can read/, 'a CA file that cannot be read');
	unlink $file;
	says([ check(before => "SET reefqbo.ca_file = '$file'") ], 'CA file', 'reefqbo.ca_file', 'problem', qr/No such file/, qr/can read/, 'a CA file that is not there');
	my ($row) = grep { $_->{item} eq 'CA file' } check(before => q{SET reefqbo.ca_file = ''});
	is($row->{subject}, 'of the operating system', 'no CA file: the operating system\'s is looked at');
	unlike($row->{finding}, qr/intuit/, 'and no other');
}

sub test_apps
{
	sql('CREATE TABLE kept AS SELECT * FROM reefqbo.app; DELETE FROM reefqbo.app');
	my @rows = check();
	says(\@rows, 'app', 'sim-production', 'problem', qr/no app is registered, and 2 connections need it/, qr/SELECT reefqbo\.register_app\('sim-production', /, 'no app where there are connections');
	says(\@rows, 'app', 'production', 'note', qr/no app is registered, and no connection needs it/, qr/./, 'no app where there is none');
	sql('INSERT INTO reefqbo.app SELECT * FROM kept; DROP TABLE kept');
	says([ check() ], 'app', 'sim-production', 'ok', qr/2 connections use it/, undef, 'an app');

	sql(q{UPDATE reefqbo.model SET purpose = 'production' WHERE name = 'Sandy'});
	says([ check() ], 'environment', 'Sandy', 'problem', qr/production model is linked to a company of "sim-sandbox"/, qr/SELECT reefqbo\.disconnect\('Sandy', 'Sandy'\)/, 'a sandbox on a production model');
	says([ check_model('Sandy') ], 'environment', 'Sandy', 'problem', qr/"sim-sandbox", a sandbox, and the model is for production/, qr/reefqbo\.disconnect/, 'the same, asked about the model');
	sql(q{UPDATE reefqbo.model SET purpose = 'training' WHERE name = 'Sandy'});
	says([ check() ], 'environment', '', 'ok', qr/no production model/, undef, 'put right');

	sql('ALTER SEQUENCE reefqbo.import_log_import_id_seq RESTART WITH 1');
	says([ check() ], 'sequence', 'reefqbo.import_log.import_id', 'problem', qr/next value is 1, and 1 is used/, qr/SELECT reefqbo\.repair_sequences\(\);/, 'a sequence behind its column');
	sql(q{SELECT nextval('reefqbo.import_log_import_id_seq')});
	says([ check() ], 'sequence', '', 'ok', qr/ahead/, undef, 'a sequence that has just passed it');
}

# ---- companies ----

my $READING = <<'END' =~ s/\n\z//r;
grant | Acme | ok
clock | Acme | ok
company | Acme | ok
environment | Acme | ok
reading | Acme: Preferences | ok
currency | Acme | ok
closed period | Acme | ok
reading | Acme: Account | ok
reading | Acme: ProfitAndLoss | ok
reading | Acme: BalanceSheet | ok
reading | Acme: change data capture | ok
END

sub test_connections
{
	my ($month) = sql(q{SELECT quote_literal(m::date) || ', ' || quote_literal((m + interval '1 month')::date - 1) FROM date_trunc('month', now()) m});

	$node->connect_company('Acme', 'sim-production', 'reef');
	$node->connect_company('Group', 'sim-production', 'pod-1', 'North');
	$node->connect_company('Sandy', 'sim-sandbox', 'sandy');
	sql("SELECT FROM reefqbo.import_actuals('Acme', $month)");
	$INTUIT->admin('log_clear');
	my $before = digest_of(tables());
	my @rows = check(before => 'SET default_transaction_read_only = on');
	is(join(' ', map { $_->{path} } requests()), '', 'check() asks nobody anything');
	is(digest_of(tables()), $before, 'check() writes nothing, and may run where nothing can be written');
	is_well_formed('connections', @rows);
	says(\@rows, 'grant', 'Acme', 'ok', qr/^connected, \d+ days are left$/, undef, 'a grant that lives');
	says(\@rows, 'import', 'Acme', 'ok', qr/^up to date as of /, undef, 'an import');
	says(\@rows, 'import', 'Group / North', 'note', qr/no actuals have been imported/, qr/reefqbo\.import_actuals\('Group', start_date, end_date, branch => 'North'\)/, 'a connection that was never imported');
	sql(q{SELECT reefqbo.set_schedule('Acme', paused => true)});
	says(\@rows, 'mapping', 'Acme', 'note', qr/^0 of [1-9]\d* accounts are mapped$/, qr/reefqbo\.propose_mapping\('Acme', 'Acme'\)/, 'a company nothing of which is mapped');
	sql(q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Acme')});
	says([ check() ], 'mapping', 'Acme', 'ok', qr/^all [1-9]\d* accounts are mapped$/, undef, 'one all of which is');
	sql(q{DELETE FROM reefqbo.mapping WHERE model = 'Acme' AND account_id = (SELECT min(account_id) FROM reefqbo.mapping)});
	says([ check() ], 'mapping', 'Acme', 'warning', qr/^\d+ of \d+ accounts are mapped$/, qr/reefqbo\.unmapped_account/, 'and one that lacks one');
	says([ check() ], 'import', 'Acme', 'note', qr/paused/, qr/SELECT reefqbo\.set_schedule\('Acme', paused => false\)/, 'a schedule that is paused');
	sql(q{SELECT reefqbo.set_schedule('Acme', paused => false)});
}

sub test_reading
{
	my @figures = qw(account actual imported_month import_log restatement);
	my $before = digest_of(@figures);

	$INTUIT->admin('log_clear');
	my @rows = check_model('Acme');
	is(outline(@rows), $READING, 'a company that is well: all that an import needs is there');
	is_well_formed('a company that is well', @rows);
	is(join(' ', map { "$_->{method} $_->{endpoint}" } requests()), join(' ', map { "GET $_" } qw(companyinfo preferences query ProfitAndLoss BalanceSheet cdc)),
		'six requests tell so, and none is but GET');
	is(digest_of(@figures), $before, 'nothing of it is stored');
	is(sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}), 0, 'and no lock stays');
	my $count = grep { !$_->{vanished} } @{ $INTUIT->admin('accounts', { company => 'reef' })->{accounts} };
	says(\@rows, 'reading', 'Acme: Account', 'ok', qr/has $count accounts/, undef, 'the accounts are those of the ledger');

	sql('UPDATE reefqbo.credential SET access_expires_at = now()');
	$INTUIT->admin('log_clear');
	is(outline(check_model('Acme')), $READING, 'an access token that has ended is renewed');
	is(join(' ', map { "$_->{method} $_->{endpoint}" } (requests())[0, 1]), 'POST token GET companyinfo', 'once, before anything is asked');
	is(scalar(grep { $_->{endpoint} eq 'token' } requests()), 1, 'and not again');

	@rows = rows_of(q{check('Group', 'North')});
	says(\@rows, 'grant', 'Group / North', 'ok', qr/takes/, undef, 'a branch');
	is($node->sqlstate_of(q{SELECT * FROM reefqbo.check('Nobody')})->{sqlstate}, '42704', 'a model that does not exist is the caller\'s mistake');
	is($node->sqlstate_of(q{SELECT * FROM reefqbo.check('Acme', 'Nobody')})->{sqlstate}, '42704', 'and so is such a branch');
}

sub test_company_states
{
	$INTUIT->admin('set_company', { company => 'reef', name => 'Reef & Sons', book_close_date => '2025-12-31', multicurrency => JSON::PP::true() });
	my @rows = check_model('Acme');
	says(\@rows, 'company', 'Acme', 'note', qr/called "Reef & Sons" in QuickBooks now, and "Reef Trading Ltd" here/, qr/Nothing is wrong/, 'a company that was renamed');
	says(\@rows, 'closed period', 'Acme', 'note', qr/closed up to 2025-12-31/, qr/restatement/, 'closed books');
	says(\@rows, 'currency', 'Acme', 'note', qr/home currency is USD, and there are accounts in others/, qr/in the home currency/, 'several currencies');
	is_well_formed('notes', @rows);
	$INTUIT->admin('set_company', { company => 'reef', name => 'Reef Trading Ltd', book_close_date => undef, multicurrency => JSON::PP::false() });
	is(outline(check_model('Acme')), $READING, 'and all is as it was');
}

sub test_refusals
{
	$INTUIT->admin('set_company', { company => 'reef', reports_forbidden => JSON::PP::true() });
	my @rows = check_model('Acme');
	is(outline(@rows), $READING =~ s/(?:ProfitAndLoss|BalanceSheet) \| \Kok/problem/gr, 'reports that are forbidden: they are told, and the rest is asked all the same');
	says(\@rows, 'reading', "Acme: $_", 'problem', qr/$_.*may not read this \(RQ005\)\. .*intuit_tid/, qr/reefqbo\.reconnect and sign in as an admin/, "forbidden, $_")
	  foreach qw(ProfitAndLoss BalanceSheet);
	is(sql(q{SELECT status FROM reefqbo.connection_status WHERE model = 'Acme'}), 'connected', 'reports that are forbidden end no connection');
	$INTUIT->admin('set_company', { company => 'reef', reports_forbidden => JSON::PP::false() });

	$INTUIT->admin('fault', { company => 'reef', endpoint => 'cdc', kind => 'fault', code => '5020', times => -1 });
	$INTUIT->admin('fault', { company => 'reef', endpoint => 'ProfitAndLoss', kind => 'break_sum', times => -1 });
	@rows = check_model('Acme');
	says(\@rows, 'reading', 'Acme: change data capture', 'note', qr/RQ005/, qr/a refresh reads everything/, 'changes that are not told are no problem');
	says(\@rows, 'reading', 'Acme: ProfitAndLoss', 'problem', qr/RQ007/, qr/./, 'a report that does not add up is one');
	says(\@rows, 'reading', 'Acme: BalanceSheet', 'ok', qr/adds up/, undef, 'and the other report is not blamed');
	$INTUIT->admin('clear_faults');

	$INTUIT->admin('fault', { company => 'reef', endpoint => 'any', kind => 'status', status => 503, times => -1 });
	$INTUIT->admin('log_clear');
	@rows = check_model('Acme', before => 'SET reefqbo.retry_budget = 0');
	says(\@rows, 'reading', 'Acme: CompanyInfo', 'problem', qr/not available \(RQ011\)/, qr/Try again later/, 'an outage');
	says(\@rows, 'reading', 'Acme', 'note', qr/nothing else was asked/, qr/./, 'an outage is not met six times');
	is(join(' ', map { $_->{endpoint} } requests()), 'companyinfo', 'but once');
	$INTUIT->admin('clear_faults');
}

sub test_throttled
{
	$INTUIT->admin('fault', { company => 'reef', endpoint => 'companyinfo', kind => 'fault', code => '3001', headers => { 'Retry-After' => '1800' }, times => -1 });
	my @rows = check_model('Acme');
	says(\@rows, 'reading', 'Acme: CompanyInfo', 'problem', qr/throttles requests \(RQ006\)/, qr/Try again later/, 'QuickBooks throttles');
	$INTUIT->admin('clear_faults');
	$INTUIT->admin('log_clear');
	@rows = check_model('Acme');
	says(\@rows, 'reading', 'Acme: CompanyInfo', 'problem', qr/asked not to be asked for another \d+ seconds/, qr/Try again later/, 'the pause it asks for is kept by the next check');
	is(scalar(requests()), 0, 'which asks nothing');
	sql('UPDATE reefqbo.connection SET throttle_counted_at = NULL, throttle_tokens = NULL');
}

sub test_grants
{
	$INTUIT->admin('set_company', { company => 'pod-1', subscription => 'SUSPENDED' });
	says([ check_model('Group') ], 'grant', 'Group / North', 'problem', qr/subscription is not active \(RQ004\)/, qr/Renew/, 'a subscription that has lapsed');
	says([ check() ], 'grant', 'Group / North', 'problem', qr/^suspended, .*subscription is not active/, qr/^Renew the company's/, 'from then on check() knows it, without asking');
	$INTUIT->admin('set_company', { company => 'pod-1', subscription => 'ACTIVE' });
	says([ check_model('Group') ], 'grant', 'Group / North', 'ok', qr/takes the grant/, undef, 'a subscription that was renewed');
	says([ check() ], 'grant', 'Group / North', 'ok', qr/^connected, /, undef, 'and check() knows that as well');

	$INTUIT->admin('revoke_grant', { company => 'sandy' });
	says([ check_model('Sandy') ], 'grant', 'Sandy', 'problem', qr/RQ001|RQ003/, qr/reefqbo\.reconnect/, 'a grant that was revoked');
	says([ check() ], 'grant', 'Sandy', 'problem', qr/^reconnect_required, /, qr/^SELECT reefqbo\.reconnect\('Sandy', 'Sandy'\);/, 'from then on check() knows it');
	$INTUIT->admin('set_company', { company => 'sandy', subscription => 'ACTIVE' });

	sql(q{SELECT reefqbo.disconnect('Group', 'North')});
	$INTUIT->admin('log_clear');
	says([ check_model('Group') ], 'grant', 'Group / North', 'note', qr/is disconnected/, qr/reefqbo\.reconnect/, 'a connection that was ended on request');
	is(scalar(requests()), 0, 'is not asked about');
	says([ check() ], 'grant', 'Group / North', 'note', qr/^disconnected, disconnected on request/, qr/^Nothing, or SELECT reefqbo\.connect/, 'and is no problem');
}

sub test_clock
{
	set_option('reefqbo.clock_offset', '5min');
	says([ check() ], 'clock', 'reefqbo.clock_offset', 'warning', qr/moved by 00:05:00/, qr/for tests only/, 'a clock that is moved');
	says([ check_model('Acme') ], 'clock', 'Acme', 'warning', qr/clock is (?:29\d|[3-5]\d\d) seconds ahead of QuickBooks'/, qr/reefqbo\.clock_offset/, 'a clock that is minutes ahead');
	set_option('reefqbo.clock_offset', '-1200');
	says([ check_model('Acme') ], 'clock', 'Acme', 'problem', qr/clock is 1[12]\d\d seconds behind QuickBooks'/, qr/reefqbo\.clock_offset/, 'a clock that is far behind');
	set_option('reefqbo.clock_offset', '0');
	$INTUIT->admin('clock', { advance_seconds => 900 });
	says([ check_model('Acme') ], 'clock', 'Acme', 'problem', qr/clock is (?:89\d|900) seconds behind/, qr/^Set the server's clock/, 'a clock that nobody has moved');
	$INTUIT->admin('clock', { advance_seconds => -900 });

	# of the 100 days that a grant lives unless it is used, about so many are left
	foreach my $left ([ 31, 'ok' ], [ 29, 'warning' ], [ 6, 'problem' ])
	{
		my $passed = sql(q{SELECT round(extract(epoch FROM min(refresh_expires_at) - now()) / 86400) FROM reefqbo.credential JOIN reefqbo.connection USING (model_id, connection_id) WHERE status = 'connected'}) - $left->[0];
		set_option('reefqbo.clock_offset', $passed . 'd');
		my ($row) = grep { $_->{item} eq 'grant' && $_->{subject} eq 'Acme' } check();
		is($row->{status}, $left->[1], "about $left->[0] days before a grant ends");
		like($row->{what_to_do}, $left->[1] eq 'ok' ? qr/\A\z/ : qr/\ASELECT reefqbo\.reconnect\('Acme', 'Acme'\) before the grant ends\.\z/, "about $left->[0] days before: what to do");
	}
	set_option('reefqbo.clock_offset', '101d');
	says([ check() ], 'grant', 'Acme', 'problem', qr/^reconnect_required, the grant has ended/, qr/reefqbo\.reconnect/, 'a grant that has ended');
	set_option('reefqbo.clock_offset', '0');
}

# ---- who may, and where ----

sub test_roles
{
	my $as = 'SET ROLE operator; ';

	sql('CREATE ROLE operator; GRANT USAGE ON SCHEMA reefqbo TO operator');
	is($node->sqlstate_of($as . 'SELECT * FROM reefqbo.check()')->{sqlstate}, '42501', 'whoever was not granted check() is refused');
	is($node->sqlstate_of($as . q{SELECT * FROM reefqbo.check('Acme')})->{sqlstate}, '42501', 'and so with check(model)');
	sql('GRANT EXECUTE ON FUNCTION reefqbo.check(), reefqbo.check(text, text) TO operator');
	is($node->sqlstate_of($as . 'SELECT * FROM reefqbo.check()')->{sqlstate}, '42501', 'and whoever was granted it and has no access');
	sql(q{INSERT INTO reefqbo.access (model_id, grantee, level, granted_by) VALUES (0, 'operator', 'operator', current_user)});
	is(outline(check(before => $as)), outline(check()), 'whoever was granted check(), and has access, sees all of it');
	is(outline(check_model('Acme', before => $as)), $READING, 'and so with check(model)');
	is($node->sqlstate_of($as . 'SELECT reefqbo._key_ids()')->{sqlstate}, '42501', 'but has no more rights than that');
	sql(q{DELETE FROM reefqbo.access WHERE grantee = 'operator'::regrole; DROP OWNED BY operator; DROP ROLE operator});
}

sub test_standby
{
	my $standby = bless PostgreSQL::Test::Cluster->new('standby'), 'Reefqbo::Cluster';

	$node->backup('standby');
	$standby->init_from_backup($node, 'standby', has_streaming => 1);
	$standby->start;
	$INTUIT->admin('log_clear');
	my @rows = check(on => $standby);
	is_well_formed('a standby', @rows);
	says(\@rows, 'standby', '', 'note', qr/nothing is asked of QuickBooks here/, qr/after a promotion/, 'a standby');
	is(scalar(grep { $_->{item} eq 'worker' } @rows), 0, 'a standby: a launcher that must not be there is not missed');
	says(\@rows, 'sealed values', 'k1', 'ok', qr/are sealed/, undef, 'a standby: what is sealed can be looked at');
	@rows = check_model('Acme', on => $standby);
	says(\@rows, 'worker', 'Acme', 'problem', qr/on a standby/, qr/primary/, 'a standby, asked about a model');
	is(scalar(requests()), 0, 'a standby asks nothing');
	$standby->stop;
}

# ---- the schedule ----

sub test_schedule
{
	$INTUIT->admin('set_company', { company => 'reef', subscription => 'SUSPENDED' });
	set_option('reefqbo.databases', 'postgres');
	align_clock($node);
	pass_time($node, '7 hours');
	says([ check() ], 'import', 'Acme', 'warning', qr/^the last 1 attempts on schedule have failed: .*subscription is not active \(RQ004\)$/,
		qr/SELECT \* FROM reefqbo\.check\('Acme', 'Acme'\);/, 'a refresh on schedule that fails');
	pass_time($node, '50 hours') foreach 1 .. 3;
	my @rows = grep { $_->{item} eq 'import' && $_->{subject} eq 'Acme' } check();
	is(outline(@rows), "import | Acme | problem\nimport | Acme | warning", 'when it fails again and again, and the figures grow old, both are told');
	like($rows[0]{finding}, qr/^the last 4 attempts/, 'with how often');
	like($rows[1]{finding}, qr/^the figures are 6 days \d\d:\d\d:\d\d old/, 'and how old');
	is_well_formed('a schedule that fails', @rows);

	rename $KEY_FILE, "$KEY_FILE.away" or die $!;
	set_clock($node, '50 hours');
	wait_until('the worker fails', sub { sql(q{SELECT count(*) FROM reefqbo.worker_status() WHERE state = 'failing'}) });
	@rows = check();
	says(\@rows, 'worker', 'postgres', 'problem', qr/could not open reefqbo\.key_file: No such file/, qr/reefqbo\.key_file must name/, 'a worker that cannot work');
	shows_no_path('a worker that cannot work', @rows);
	rename "$KEY_FILE.away", $KEY_FILE or die $!;
	$node->reload;
	wait_for_worker($node, virtual_time($node));
	says([ check() ], 'worker', 'postgres', 'ok', qr/worker of this database is idle/, undef, 'a worker that can work again');
}

test_new_server();
test_worker();
test_library();
test_connections();
test_key_ring();
test_rotation();
test_ca_file();
test_apps();
test_reading();
test_company_states();
test_refusals();
test_throttled();
test_not_preloaded();
test_roles();
test_standby();
test_grants();
test_clock();
test_schedule();

$node->stop;
$INTUIT->stop;
done_testing();
