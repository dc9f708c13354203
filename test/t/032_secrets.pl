# No secret in the clear, anywhere, with everything logged that PostgreSQL can
# log; and sealed values that were changed, copied or exchanged are refused.
#
# Two things stand in the log since the caller himself wrote them into his
# statement: the client secret, in the one call of register_app, which is made
# here as the manual advises, with the logging of statements off; and the code
# and the realm id in the address that he passes on to complete_connection.
# That address is taken out, whole, before the log is searched.  The code in it
# has been used up by the time anybody can read it there.

use strict;
use warnings;

use IPC::Run ();
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use Reefqbo::Cluster;
use Reefqbo::Secrets;
use Reefqbo::Simulator;

my $MONTH = q{'2026-09-01', '2026-09-30'};
my @COMPANIES = ('reef', 'atoll', 'pod-1', 'pod-2', 'pod-3', 'pod-5', 'pod-6');

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my %realm = map { $_->{key} => $_->{realm} } @{ $intuit->admin('companies')->{companies} };

my @seen;      # what sessions were told: errors, notices, rows
my @passed_on; # the addresses that the caller passed on
my @tables;    # the tables, more than once

# ---- the server ----

sub settings
{
	my @modules = grep { has_module($_) } qw(auto_explain pg_stat_statements pgaudit);

	diag('PostgreSQL\'s contrib modules are not here: less is logged') unless has_module('auto_explain') && has_module('pg_stat_statements');
	return join "\n", "shared_preload_libraries = '" . join(', ', 'reefqbo', @modules) . "'", 'log_min_messages = debug5',
	  'log_min_error_statement = debug5', q{log_statement = 'all'}, 'log_min_duration_statement = 0', 'log_duration = on',
	  'log_error_verbosity = verbose', 'log_parameter_max_length = -1', 'log_parameter_max_length_on_error = -1',
	  'track_activity_query_size = 65536', 'auto_explain.log_min_duration = 0', 'auto_explain.log_nested_statements = on',
	  'auto_explain.log_analyze = on', 'auto_explain.log_verbose = on',
	  (grep { has_module('pg_stat_statements') } q{pg_stat_statements.track = 'all'}),
	  (has_module('pgaudit') ? (q{pgaudit.log = 'all'}, 'pgaudit.log_parameter = on', 'pgaudit.log_catalog = on', 'pgaudit.log_relation = on') : ());
}

my $node = plain_cluster('secrets', intuit => $intuit, settings => settings());

# Run a query, whatever becomes of it, and keep all that it said.
sub run
{
	my ($query) = @_;
	my ($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSET client_min_messages = debug5;\n$query");

	push @seen, $out, $err;
	return $status;
}

sub sqlstate_of
{
	my ($query) = @_;
	my $error = $node->sqlstate_of($query);

	push @seen, map { $_ // '' } values %$error if $error;
	return $error ? $error->{sqlstate} : 'none';
}

sub install
{
	my $quiet = q{SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = panic;}
	  . (has_module('auto_explain') ? ' SET auto_explain.log_min_duration = -1;' : '')
	  . (has_module('pgaudit') ? q{ SET pgaudit.log = 'none';} : '');

	sql('CREATE EXTENSION reefqbo CASCADE');
	sql("CREATE EXTENSION $_") foreach grep { has_module($_) } qw(pg_stat_statements pgaudit);
	foreach my $environment (sort keys %Reefqbo::Cluster::ENVIRONMENT)
	{
		sql("$quiet " . $node->_environment_sql($environment));
	}
	return;
}

# ---- what to search for ----

sub searched_for
{
	foreach my $company (@COMPANIES)
	{
		cmp_ok(scalar(tokens_of($intuit, $company)), '>=', 3, "there are tokens of $company to search for");
	}
	return secrets_of($intuit, [ slurp_file($node->basedir . '/reefqbo.key') ], @COMPANIES);
}

# ---- what is done ----

sub complete
{
	my ($model, $company) = @_;

	$node->ensure_model($model, 'sim-production');
	my $back = $intuit->browse(sql(call('connect', $model, 'sim-production')), company => $company);
	push @passed_on, $back;
	return run(call('complete_connection', $back));
}

sub end_tokens { sql('UPDATE reefqbo.credential SET access_expires_at = now()') }

sub newest
{
	my ($company, $kind) = @_;
	return $intuit->admin('tokens', { company => $company })->{$kind}[-1];
}

sub do_ordinary_things
{
	is(complete('Reef', 'reef'), 0, 'a company is connected');
	is(complete('Atoll', 'atoll'), 0, 'and another');
	is(run(call('import_actuals', $_, \$MONTH)), 0, "$_ is imported") foreach qw(Reef Atoll);
	end_tokens();
	is(run(call('refresh', 'Reef')), 0, 'tokens that have ended are refreshed');
	$intuit->admin('expire_access', { company => 'reef' });
	is(run(call('refresh', 'Reef')), 0, 'and so are those that Intuit has ended, whose fault repeats them');
	return;
}

# Intuit's own words may hold a token, or the realm id, in every form of fault.
sub do_faults
{
	my %talkative = (
		'an access token' => sub { 'Token expired: ' . newest('reef', 'access_tokens') },
		'the beginning of an access token' => sub { 'Token expired: ' . substr newest('reef', 'access_tokens'), 0, 96 },
		'a refresh token' => sub { 'no such token: ' . newest('reef', 'refresh_tokens') . ', sorry' },
		'a realm id' => sub { "company $realm{reef} is not yours" },
		'an address' => sub { "https://quickbooks.api.intuit.com/v3/company/$realm{reef}/companyinfo/$realm{reef}" });

	foreach my $what (sort keys %talkative)
	{
		foreach my $format (qw(json gateway xml text))
		{
			$intuit->admin('fault', { kind => 'fault', company => 'reef', endpoint => 'query', code => '5020', status => 403, format => $format,
				message => 'Permission denied', detail => $talkative{$what}->(), times => -1 });
			is(sqlstate_of('SET reefqbo.retry_budget = 0; ' . call('import_accounts', 'Reef')), 'RQ005', "a fault in $format that tells $what");
			$intuit->admin('clear_faults');
		}
	}
	$intuit->admin('fault', { kind => 'status', company => 'reef', endpoint => 'query', status => 502,
		body => 'upstream refused Authorization: Bearer ' . newest('reef', 'access_tokens') . " for $realm{reef}" });
	is(sqlstate_of('SET reefqbo.retry_budget = 0; ' . call('import_accounts', 'Reef')), 'RQ011', 'a gateway that tells all it knows');
	$intuit->admin('clear_faults');
	return;
}

# A report that is none is quoted as well, and so is a fault that only the report's reader knows for one.
sub do_reports
{
	my %talkative = (
		'a fault in a report' => qq({"\\u0046ault":{"Error":[{"Message":"company $realm{reef} is not yours","Detail":"$realm{reef}","code":"5020"}]}}),
		'the name of a report' => qq({"Header":{"ReportName":"reports of $realm{reef}"}}),
		'the period of a report' => qq({"Header":{"ReportName":"ProfitAndLoss","StartPeriod":"of $realm{reef}"}}));

	foreach my $what (sort keys %talkative)
	{
		$intuit->admin('fault', { kind => 'status', company => 'reef', endpoint => 'ProfitAndLoss', status => 200,
			content_type => 'application/json', body => $talkative{$what} });
		is(sqlstate_of(call('import_actuals', 'Reef', \$MONTH)), 'RQ008', "$what that tells the realm id");
		$intuit->admin('clear_faults');
	}
	return;
}

# What is quoted ends in the middle of a realm id.
sub do_cut_faults
{
	my %before = (text => 200 - length('Permission denied: ') - 8, xml => 200 - 8);

	foreach my $format (sort keys %before)
	{
		my $detail = substr('company ' x 25, -$before{$format}) . "$realm{reef} is not yours";
		my $seen = @seen;
		$intuit->admin('fault', { kind => 'fault', company => 'reef', endpoint => 'query', code => '5020', status => 403, format => $format,
			message => 'Permission denied', detail => $detail });
		is(sqlstate_of('SET reefqbo.retry_budget = 0; ' . call('import_accounts', 'Reef')), 'RQ005', "a long fault in $format");
		unlike(join("\n", @seen[ $seen .. $#seen ]), qr/@{[ substr $realm{reef}, 0, 5 ]}/, 'tells no part of the realm id');
		$intuit->admin('clear_faults');
	}
	return;
}

sub do_token_failures
{
	my $refresh = newest('atoll', 'refresh_tokens');
	my %answer = (
		400 => qq({"error":"invalid_request","error_description":"Token $refresh is not a token"}),
		401 => qq({"error":"invalid_client","error_description":"Token $refresh"}),
		500 => "could not look up $refresh");

	foreach my $status (sort keys %answer)
	{
		end_tokens();
		$intuit->admin('fault', { kind => 'status', company => 'atoll', endpoint => 'token', status => $status, body => $answer{$status} });
		like(sqlstate_of('SET reefqbo.retry_budget = 0; ' . call('import_accounts', 'Atoll')), qr/^RQ0(08|09|11)$/, "a refresh that ends with $status");
		$intuit->admin('clear_faults');
	}
	foreach my $field (qw(access_token refresh_token))
	{
		$intuit->admin('fault', { kind => 'missing_token', company => 'pod-1', field => $field });
		isnt(complete('Partial', 'pod-1'), 0, "a sign-in answered without $field");
	}
	$intuit->admin('fault', { kind => 'truncate', company => 'pod-1', endpoint => 'token' });
	isnt(complete('Partial', 'pod-1'), 0, 'a sign-in answered with half an answer');
	return;
}

sub do_failing_sign_ins
{
	is(complete('Fail', 'pod-2'), 0, 'a company is connected');
	my $back = $passed_on[-1];
	is(sqlstate_of(call('complete_connection', $back)), 'RQ009', 'an address passed on twice');
	push @passed_on, my $half = substr $back, 0, -8;
	is(sqlstate_of(call('complete_connection', $half)), 'RQ009', 'and one cut off');
	return;
}

sub do_ends
{
	end_tokens();
	$intuit->admin('revoke_grant', { company => 'pod-2' });
	is(sqlstate_of(call('import_accounts', 'Fail')), 'RQ001', 'a grant that was revoked');
	push @tables, dump_of('postgres');
	$intuit->admin('fault', { kind => 'status', endpoint => 'revoke', status => 500, body => 'cannot revoke ' . newest('atoll', 'refresh_tokens') });
	is(run(call('disconnect', 'Atoll')), 0, 'a disconnect that Intuit answers with the token');
	is(run(call('disconnect', 'Reef')), 0, 'a disconnect');
	return;
}

sub sign_in
{
	my ($begin, $company) = @_;
	my $back = $intuit->browse(sql($begin), company => $company);

	push @passed_on, $back;
	return call('complete_connection', $back);
}

# What Intuit says of a company that is read before its grant is stored, with the code, the realm id and the tokens of before.
sub make_talkative
{
	my ($company, $code) = @_;
	my $detail = join ' ', "realm $realm{$company}, code $code,", newest($company, 'access_tokens'), newest($company, 'refresh_tokens');

	$intuit->admin('fault', { kind => 'fault', company => $company, endpoint => 'companyinfo', code => '5020', status => 403, format => 'json',
		message => "Denied to $realm{$company}", detail => $detail });
	return;
}

# Renewing, replacing and removing; giving access and taking it away.
sub do_administration
{
	is(complete('Admin', 'pod-5'), 0, 'a company is connected');
	is(complete('Other', 'pod-6'), 0, 'and another');
	%realm = map { $_->{key} => $_->{realm} } @{ $intuit->admin('companies')->{companies} };
	foreach my $case ([ 'reconnect', 'pod-5', 'RQ005' ], [ 'reconnect', 'pod-6', 'RQ002' ], [ 'replace_company', 'pod-6', 'RQ005' ])
	{
		my ($function, $company, $expected) = @$case;
		my $query = sign_in(call($function, 'Admin'), $company);
		make_talkative($company, ($passed_on[-1] =~ /code=([^&]*)/)[0]);
		is(sqlstate_of($query), $expected, "$function with $company, which tells all it knows");
		$intuit->admin('clear_faults');
	}
	is(run(sign_in(call('reconnect', 'Admin'), 'pod-5')), 0, 'a reconnect');
	is(run(sign_in(call('replace_company', 'Admin'), 'pod-6')), 0, 'a company is replaced');
	is(run(call('grant_access', 'clerk', 'operator', 'Admin')), 0, 'access is given') if sql('CREATE ROLE clerk') eq '';
	is(run(call('import_actuals', 'Admin', \$MONTH)), 0, 'an import with row-level security in force');
	is(run(call('revoke_access', 'clerk')), 0, 'access is taken away');
	$intuit->admin('fault', { kind => 'status', endpoint => 'revoke', status => 400, body => 'unknown token ' . newest('pod-6', 'refresh_tokens') });
	is(run(call('disconnect', 'Other')), 0, 'one of two on a company is disconnected');
	is(run(call('forget_company', 'Admin')), 0, 'and the other removed, which Intuit answers with the token');
	$intuit->admin('clear_faults');
	cmp_ok(sql('SELECT count(*) FROM reefqbo.audit'), '>', 15, 'it is all written down');
	push @tables, dump_of('postgres');
	return;
}

# What others see of the worker and of the session while they are at it.
sub watch_activity
{
	my ($out, $err) = ('', '');
	my $activity = '';

	is(complete('Watched', 'pod-3'), 0, 'a company is connected');
	$intuit->admin('fault', { kind => 'delay', company => 'pod-3', endpoint => $_, seconds => 1 }) foreach qw(token query report);
	end_tokens();
	my $run = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', call('import_actuals', 'Watched', \$MONTH) ],
		'<', \undef, '>', \$out, '2>', \$err);
	for (1 .. 300)
	{
		$run->pump_nb;
		last unless $run->pumpable;
		$activity .= sql('SELECT a FROM pg_stat_activity a') . sql('SELECT l FROM pg_locks l');
		sleep 0.05;
	}
	$run->finish;
	ok($activity =~ /reefqbo worker/, 'the worker was seen at work');
	push @seen, $activity, $out, $err;
	return;
}

sub dump_of
{
	my ($database) = @_;
	my ($out) = run_command([ 'pg_dump', '-d', $node->connstr($database) ]);
	return $out;
}

# ---- the search ----

# A search that cannot find would always pass.
sub test_search_finds
{
	my ($search) = @_;
	my $token = newest('reef', 'access_tokens');
	my $refresh = newest('reef', 'refresh_tokens');

	like($search->("x $token y"), qr/a token of reef/, 'the search finds a token');
	like($search->(unpack 'H*', "xy$token"), qr/a token of reef/, 'in hex');
	like($search->(encode_base64("$_$token", '')), qr/a token of reef/, 'in base64') foreach '', 'x', 'xy';
	like($search->(substr $token, 200, 24), qr/a token of reef/, 'a part of it');
	like($search->($refresh), qr/a token of reef/, 'a refresh token');
	like($search->("id=$realm{reef}"), qr/the realm id of reef/, 'a realm id');
	like($search->(slurp_file($node->basedir . '/reefqbo.key')), qr/the key/, 'the key');
	like($search->('prod-secret'), qr/a client secret/, 'and the client secret');
	return;
}

sub without_passed_on
{
	my ($text) = @_;

	foreach my $address (sort { length $b <=> length $a } @passed_on)
	{
		$text =~ s/\Q$address\E/(passed on)/g;
	}
	return $text;
}

sub test_log
{
	my ($search) = @_;
	my $log = without_passed_on(slurp_file($node->logfile));

	ok($log =~ /reefqbo worker \S+ .*DEBUG/, 'the log has the worker\'s lines');
	ok($log =~ /complete_connection\('\(passed on\)'\)/, 'and the caller\'s statements');
	ok($log =~ /Query Text: SELECT reefqbo\.import_actuals/, 'and plans') if has_module('auto_explain');
	ok($log =~ /AUDIT: SESSION,.*complete_connection/, 'and lines of pgaudit') if has_module('pgaudit');
	ok($log =~ /\(redacted\)/, 'and tokens that were blanked');
	is($search->($log), '', 'no secret is in the server log');
	return;
}

# The files hold what tables held for a moment, too.
sub test_files
{
	my ($search) = @_;
	$node->stop;
	my $found = search_files($search, $node->data_dir);
	$node->start;
	is($found, '', 'nor in any file of the data directory, its log of writes included');
	return;
}

sub test_no_secret_anywhere
{
	my $search = make_search(searched_for());

	test_search_finds($search);
	test_log($search);
	is($search->(join "\n", @tables, dump_of('postgres')), '', 'nor in a dump, before the companies were disconnected and after');
	is($search->(without_passed_on(join "\n", @seen)), '', 'nor in what a session or pg_stat_activity was told');
	is($search->(sql("SELECT t FROM reefqbo.$_ t")), '', "nor in reefqbo.$_") foreach qw(import_log api_call audit);
	if (has_module('pg_stat_statements'))
	{
		like(sql('SELECT query FROM pg_stat_statements'), qr/complete_connection/, 'pg_stat_statements has the statements');
		is($search->(sql('SELECT s FROM pg_stat_statements s')), '', 'and no secret');
	}
	test_files($search);
	return;
}

# ---- sealed values ----

sub restore_with
{
	my ($table, $column, $key) = @_;
	return sql("SELECT $column FROM reefqbo.$table WHERE connection_id = $key");
}

sub id_of { return sql('SELECT connection_id FROM reefqbo.connection_status WHERE model = ' . quote($_[0])) }

# Each byte of a sealed token is given one other bit, and an import tried,
# which sees committed rows only: hence the COMMITs.
sub test_flipped_bits
{
	my ($column) = @_;
	my $id = id_of('Sealed');
	my $value = restore_with('credential', $column, $id);

	$intuit->admin('log_clear');
	my $tally = sql(<<"SQL");
CREATE TEMPORARY TABLE tally (at integer, outcome text);
DO \$\$
DECLARE
	good CONSTANT bytea := '$value';
	outcome text;
BEGIN
	FOR at IN 0 .. least(length(good), 160) - 1 LOOP
		UPDATE reefqbo.credential SET $column = set_byte(good, at, get_byte(good, at) # (1 << at % 8)) WHERE connection_id = $id;
		COMMIT;
		BEGIN
			PERFORM reefqbo.import_accounts('Sealed');
			outcome := 'accepted';
		EXCEPTION WHEN OTHERS THEN
			outcome := SQLSTATE;
		END;
		INSERT INTO tally SELECT at, outcome || CASE WHEN $column = set_byte(good, at, get_byte(good, at) # (1 << at % 8)) THEN '' ELSE ' row changed' END
			FROM reefqbo.credential WHERE connection_id = $id;
	END LOOP;
	UPDATE reefqbo.credential SET $column = good WHERE connection_id = $id;
END
\$\$;
SELECT outcome, count(*) > 100 FROM tally GROUP BY outcome;
SQL
	is($tally, 'RQ010|t', "$column: a flipped bit in any byte is refused, and the row is left as it is");
	is(scalar(@{ $intuit->admin('log')->{log} }), 0, "$column: and Intuit is not asked");
	return;
}

sub test_flipped_bits_of_realm
{
	my $id = id_of('Sealed');
	my $outcome = sql(<<"SQL");
CREATE FUNCTION pg_temp.flipped(at integer) RETURNS text LANGUAGE plpgsql AS \$\$
BEGIN
	UPDATE reefqbo.connection SET realm_id_sealed = set_byte(realm_id_sealed, at, get_byte(realm_id_sealed, at) # (1 << at % 8))
		WHERE connection_id = $id;
	PERFORM reefqbo.realm_id('Sealed');
	RAISE EXCEPTION 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
\$\$;
SELECT DISTINCT pg_temp.flipped(at) FROM reefqbo.connection c, generate_series(0, length(c.realm_id_sealed) - 1) at WHERE connection_id = $id;
SQL
	is($outcome, 'RQ010', 'a realm id with a flipped bit in any byte is refused');
	is(sql(q{SELECT reefqbo.realm_id('Sealed')}), '9341700000000004', 'and unharmed it is read');
	return;
}

# A value that is not the row's own, whatever it is: RQ010, the row is left as
# it is, and Intuit is not asked.
sub refused_value
{
	my ($table, $column, $expression, $name) = @_;
	my $id = id_of('Sealed');
	my $good = restore_with($table, $column, $id);

	sql("UPDATE reefqbo.$table SET $column = ($expression) WHERE connection_id = $id");
	my $before = restore_with($table, $column, $id);
	isnt($before, $good, "$name: is another value") unless $name =~ /own/;
	$intuit->admin('log_clear');
	is(sqlstate_of(call('import_accounts', 'Sealed')), 'RQ010', "$name is refused");
	is(restore_with($table, $column, $id), $before, "$name: the row is left as it is");
	is(scalar(@{ $intuit->admin('log')->{log} }), 0, "$name: Intuit is not asked");
	sql("UPDATE reefqbo.$table SET $column = '$good' WHERE connection_id = $id");
	return;
}

sub test_exchanged_values
{
	my $other = 'connection_id = ' . id_of('Sealed too');
	my $own = 'connection_id = ' . id_of('Sealed');
	my @cases = (
		[ 'credential', 'refresh_token_sealed', "SELECT refresh_token_sealed FROM reefqbo.credential WHERE $other", 'another row\'s refresh token' ],
		[ 'credential', 'refresh_token_sealed', "SELECT access_token_sealed FROM reefqbo.credential WHERE $own", 'the access token in place of the refresh token' ],
		[ 'credential', 'refresh_token_sealed', "SELECT realm_id_sealed FROM reefqbo.connection WHERE $own", 'the realm id in place of the refresh token' ],
		[ 'credential', 'refresh_token_sealed', 'SELECT client_secret_sealed FROM reefqbo.app LIMIT 1', 'the client secret in place of the refresh token' ],
		[ 'credential', 'refresh_token_sealed', q{SELECT substr(refresh_token_sealed, 1, 60)}, 'a refresh token cut short' ],
		[ 'credential', 'refresh_token_sealed', q{SELECT refresh_token_sealed || '\x00'::bytea}, 'a refresh token with a byte more' ],
		[ 'credential', 'refresh_token_sealed', q{SELECT ''::bytea}, 'nothing' ],
		[ 'credential', 'refresh_token_sealed', q{SELECT '\x01'::bytea}, 'one byte' ],
		[ 'credential', 'refresh_token_sealed', q{SELECT '\x01ff'::bytea || repeat('k', 400)::bytea}, 'a key id of 255 characters' ],
		[ 'connection', 'realm_id_sealed', "SELECT realm_id_sealed FROM reefqbo.connection WHERE $other", 'another row\'s realm id' ],
		[ 'connection', 'realm_id_sealed', "SELECT refresh_token_sealed FROM reefqbo.credential WHERE $own", 'the refresh token in place of the realm id' ]);

	refused_value(@$_) foreach @cases;
	sql(q{UPDATE reefqbo.credential SET access_expires_at = now() + interval '1 hour'});
	refused_value('credential', 'access_token_sealed', "SELECT access_token_sealed FROM reefqbo.credential WHERE $other", 'another row\'s access token');
	refused_value('credential', 'access_token_sealed', "SELECT refresh_token_sealed FROM reefqbo.credential WHERE $own",
		'the refresh token in place of the access token');
	test_flipped_bits('access_token_sealed');
	is(sqlstate_of(call('import_accounts', 'Sealed')), 'none', 'with its own values again the connection works');
	return;
}

sub test_exchanged_client_secret
{
	sql('CREATE TABLE saved AS SELECT * FROM reefqbo.app');
	sql('UPDATE reefqbo.app a SET client_secret_sealed = (SELECT o.client_secret_sealed FROM reefqbo.app o WHERE o.environment_id <> a.environment_id)');
	end_tokens();
	is(sqlstate_of(call('import_accounts', 'Sealed')), 'RQ010', 'the client secret of another environment is refused');
	sql('UPDATE reefqbo.app a SET client_secret_sealed = s.client_secret_sealed FROM saved s WHERE s.environment_id = a.environment_id; DROP TABLE saved');
	is(sqlstate_of(call('import_accounts', 'Sealed')), 'none', 'and its own is taken');
	return;
}

sub test_seals_differ
{
	my $secret = q{SELECT client_secret_sealed FROM reefqbo.app JOIN reefqbo.environment USING (environment_id) WHERE name = 'sim-sandbox'};
	my %seal = map { $_ => 1 } map {
		sql(call('register_app', 'sim-sandbox', 'dev-client', 'dev-secret', $Reefqbo::Simulator::REDIRECT_URI)) . sql($secret)
	} 1 .. 5;

	is(scalar(keys %seal), 5, 'every seal of the same value differs');
	my %start = map { substr($_, 2 + 8, 32) => 1 } keys %seal;
	is(scalar(keys %start), 5, 'from its first block on');
	return;
}

# Rotation of the key: a line is added, and what is sealed from then on has the
# new key, while the old one still opens what it sealed.
sub test_two_keys
{
	my $ring = $node->basedir . '/reefqbo.key';
	my $old = slurp_file($ring);
	my $key_id = q{SELECT convert_from(substr(refresh_token_sealed, 3, 2), 'UTF8') FROM reefqbo.credential WHERE connection_id = } . id_of('Sealed');
	(my $line = slurp_file($node->make_key_file($node->basedir . '/new.key'))) =~ s/^k1:/k2:/;

	is(sql($key_id), 'k1', 'before: tokens are sealed with the only key');
	append_to_file($ring, $line);
	is(sqlstate_of(call('import_accounts', 'Sealed')), 'none', 'the old key opens what it sealed');
	is(sql($key_id), 'k1', 'what is not written is not sealed anew');
	end_tokens();
	is(sqlstate_of(call('import_accounts', 'Sealed')), 'none', 'a refresh works');
	is(sql($key_id), 'k2', 'and seals with the newest key');

	unlink $ring;
	append_to_file($ring, $line);
	chmod 0600, $ring;
	is(sqlstate_of(call('import_accounts', 'Sealed')), 'RQ010', 'without the old key, what it sealed is refused');
	unlink $ring;
	append_to_file($ring, $old . $line);
	chmod 0600, $ring;
	is(sqlstate_of(call('import_accounts', 'Sealed')), 'none', 'and with it taken again');
	return;
}

sub test_sealed_values
{
	sql("ALTER SYSTEM SET $_") foreach q{log_min_messages = 'warning'}, q{log_statement = 'none'}, 'log_min_duration_statement = -1', 'log_duration = off',
	  (has_module('auto_explain') ? 'auto_explain.log_min_duration = -1' : ()), (has_module('pgaudit') ? q{pgaudit.log = 'none'} : ());
	$node->reload;
	$node->connect_company('Sealed', 'sim-production', 'pod-4');
	$node->connect_company('Sealed too', 'sim-production', 'pod-4');
	end_tokens();
	test_flipped_bits('refresh_token_sealed');
	test_flipped_bits_of_realm();
	test_exchanged_values();
	test_exchanged_client_secret();
	test_seals_differ();
	test_two_keys();
	return;
}

install();
do_ordinary_things();
do_faults();
do_reports();
do_cut_faults();
do_token_failures();
do_failing_sign_ins();
do_administration();
watch_activity();
do_ends();
test_no_secret_anywhere();
test_sealed_values();
$node->stop;

done_testing();
