# Hard cases of security that no other test holds. Where the others are:
#
#   tokens in Intuit's own words, in errors, logs and tables    032_secrets.pl (with the evidence and new functions)
#   everything logged that PostgreSQL can log, pgaudit too      032_secrets.pl
#   a gzip bomb as an answer to an import: RQ008, no row        031_errors.pl; here: all endpoints, and the memory
#   texts that are no reports                                   020_report_fuzz.pl; here: the memory of one that is large
#   a redirect as an answer to an import                        031_errors.pl, 033_readonly.pl; here: all, to another port
#   malformed states, codes, realm ids and addresses            030_connect.pl; here: every other text, and what is sent
#   states: random, hashed, ten minutes, once, two at once,
#   bound to the model they were begun for                      030_connect.pl, 050_durability.pl; here: guessing
#   a state that belongs to a model of others                   074_access.pl
#   a code of another company                                   070_reconnect.pl
#   settings by a plain role                                    052_hijack.pl; here: by the owner of a database, an admin
#
# A port that nobody should ever call is listened at all the while.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IO::Select ();
use IO::Socket::INET ();
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use Reefqbo::Cluster;
use Reefqbo::Simulator;

my $SOURCE = abs_path(dirname(abs_path(__FILE__)) . '/../../src');
my $MONTH = q{'2026-09-01', '2026-09-30'};

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('hard', $intuit, settings => "reefqbo.retry_budget = 0\nreefqbo.request_timeout = '20s'\n");
my $elsewhere = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'tcp', Listen => 50) or die "could not listen: $!";
my $ELSEWHERE = '127.0.0.1:' . $elsewhere->sockport;

# ---- helpers ----

sub sqlstate_as { return sqlstate("SET SESSION AUTHORIZATION $_[0]; $_[1]", $_[2]) }

sub requests { return grep { $_->{endpoint} ne 'authorize' } @{ $intuit->admin('log')->{log} } }

sub asked { return join ' ', map { $_->{endpoint} } requests() }

sub signed_in { return $intuit->browse($_[0], company => $_[1]) }

sub begin_sign_in
{
	my ($model) = @_;

	$node->ensure_model($model, 'sim-production');
	return sql(call('connect', $model, 'sim-production'));
}

sub fields_of
{
	my ($address) = @_;

	return { map { my ($name, $value) = split /=/, $_, 2; $value =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge; ($name => $value) } split /&/, ($address =~ /\?([^#]*)/)[0] };
}

sub number { return sql("SELECT count(*) FROM reefqbo.$_[0]") }

# But for how many requests may be sent at once.
sub snapshot
{
	return join "\n", map { sql("SELECT '$_', md5(coalesce(string_agg(r, ';' ORDER BY r), '')) FROM reefqbo.$_ t, LATERAL (SELECT (to_jsonb(t) - '{throttle_tokens,throttle_counted_at}'::text[])::text AS r) r") }
	  qw(environment app model branch connection account actual imported_month schedule access);
}

# Whoever has called stands in the queue of the port.
sub nobody_called
{
	my ($name) = @_;
	my $calls = 0;

	while (IO::Select->new($elsewhere)->can_read(0))
	{
		close $elsewhere->accept;
		$calls++;
	}
	is($calls, 0, "$name: nobody has called elsewhere");
	return;
}

# The port tells when it is called.
sub test_port
{
	my $guest = IO::Socket::INET->new($ELSEWHERE) or die "could not connect: $!";

	ok(IO::Select->new($elsewhere)->can_read(5), 'the port that nobody should call tells when it is called');
	close $elsewhere->accept;
	return;
}

sub end_tokens { sql('UPDATE reefqbo.credential SET access_expires_at = now()') }

# ---- redirects ----

# What each endpoint is asked by.
my %ASKS = (
	token => sub { end_tokens(); return call('import_accounts', 'Main') },
	code => sub { return call('complete_connection', signed_in(begin_sign_in('New'), 'pod-2')) },
	revoke => sub { $node->connect_company('Ended', 'sim-production', 'pod-3'); return q{SELECT 1 / revoked::integer FROM reefqbo.disconnect('Ended')} },
	companyinfo => sub { return call('complete_connection', signed_in(sql(call('reconnect', 'Main')), 'pod-1')) },
	preferences => sub { return call('complete_connection', signed_in(sql(call('reconnect', 'Main')), 'pod-1')) },
	query => sub { return call('import_accounts', 'Main') },
	ProfitAndLoss => sub { return call('import_actuals', 'Main', \$MONTH) },
	BalanceSheet => sub { return call('import_actuals', 'Main', \$MONTH) },
	cdc => sub { return call('refresh', 'Main') });

sub test_redirects
{
	foreach my $ask (sort keys %ASKS)
	{
		my $endpoint = $ask eq 'code' ? 'token' : $ask;
		foreach my $status (301, 302, 303, 307, 308)
		{
			my $query = $ASKS{$ask}->();
			$intuit->admin('log_clear');
			$intuit->admin('fault', { kind => 'status', endpoint => $endpoint, status => $status, times => -1,
				headers => { Location => "https://$ELSEWHERE/x", Refresh => "0; url=https://$ELSEWHERE/x", 'Content-Location' => "https://$ELSEWHERE/x" } });
			sqlstate($query);
			$intuit->admin('clear_faults');
			is(scalar(grep { $_->{endpoint} eq $endpoint && $_->{status} == $status } requests()) > 0 ? 'met' : 'not met', 'met', "$ask answered with $status: it was");
			is(scalar(grep { $_->{endpoint} !~ /^(?:token|revoke|companyinfo|preferences|query|cdc|ProfitAndLoss|BalanceSheet)$/ } requests()), 0,
				"$ask answered with $status: nothing unusual is asked");
		}
		nobody_called("$ask answered with redirects");
	}
	is(sqlstate(call('import_accounts', 'Main')), 'none', 'after all redirects the connection works');
	return;
}

# ---- bombs ----

# The most memory that a worker has had while a query ran, in megabytes.
sub peak_of
{
	my ($query) = @_;
	my ($peak, $out, $err) = (0, '', '');
	my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
	my $run = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('postgres'), '-c', $query ], '<', \undef, '>', \$out, '2>', \$err);

	while ($run->pumpable)
	{
		$run->pump_nb;
		foreach my $pid (children_of($postmaster))
		{
			my $status = read_file("/proc/$pid/status");
			next unless read_file("/proc/$pid/cmdline") =~ /reefqbo worker/;
			$peak = $1 / 1024 if $status =~ /VmHWM:\s+(\d+) kB/ && $1 / 1024 > $peak;
		}
		sleep 0.005;
	}
	$run->finish;
	return ($peak, $err =~ /(?:ERROR|FATAL):  (\w{5}):/ ? $1 : 'none');
}

sub read_file
{
	my ($file) = @_;
	open(my $handle, '<', $file) or return '';
	local $/;
	return scalar(<$handle>) // '';
}

sub children_of { return split / /, read_file("/proc/$_[0]/task/$_[0]/children") }

sub test_bombs
{
	my $few = 40;

  SKIP:
	{
		skip 'there is no /proc here to tell how much memory a process has had', 1 unless children_of((split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0]);
		my ($usual) = peak_of(call('import_actuals', 'Main', \$MONTH));
		cmp_ok($usual, '>', 5, 'a worker is seen at work');
		foreach my $ask (sort keys %ASKS)
		{
			my $query = $ASKS{$ask}->();
			my $before = snapshot();
			$intuit->admin('fault', { kind => 'gzip_bomb', endpoint => $ask eq 'code' ? 'token' : $ask, megabytes => 600, times => 1 });
			my ($peak, $sqlstate) = peak_of("SET reefqbo.max_response_size = '16MB'; $query");
			$intuit->admin('clear_faults');
			cmp_ok($peak, '<', $usual + 2 * 16 + $few, "a gzip bomb from $ask: the worker's memory stays small");
			next if $ask eq 'revoke';
			is($sqlstate, $ask eq 'cdc' ? 'none' : 'RQ008', "a gzip bomb from $ask: is refused");
			is(snapshot() eq $before ? 'the same' : 'changed', 'the same', "a gzip bomb from $ask: nothing is stored") unless $ask =~ /^(?:cdc|companyinfo|preferences)$/;
		}
	}
	is(sqlstate(call('import_accounts', 'Main')), 'none', 'after all bombs the connection works');
	return;
}

# ---- reports that are large ----

# A profit and loss by month of 8 MB; a session has that for a few times at most. What it had before, and what belongs
# to the server, is left out by asking a session that reads next to nothing.
sub memory_for
{
	my ($naccounts) = @_;
	my $cell = sub { return map { qq({"value":"$_"}) } @_ };
	my $row = sub { my ($label, @amounts) = @_; return '{"ColData":[' . join(',', $label, $cell->(@amounts)) . ']}' };
	my $total = sub { my ($name) = @_; return '"Summary":' . $row->($cell->($name), ("$naccounts.00") x 12) };
	my $report = '{"Header":{"ReportName":"ProfitAndLoss"},"Columns":{"Column":[{"ColType":"Account"}'
	  . (',{"ColType":"Money"}' x 12) . ']},"Rows":{"Row":[{"Header":{"ColData":[{"value":"Income"}]},"group":"Income","Rows":{"Row":['
	  . join(',', map { $row->(qq({"value":"Account $_","id":"$_"}), ('1.00') x 12) } 1 .. $naccounts)
	  . ']},' . $total->('Total Income') . '},{"group":"NetIncome",' . $total->('Net Income') . '}]}}';
	my $file = $node->basedir . '/report.json';

	append_to_file($file, $report);
	my $answer = sql("SELECT count(*), sum(amount) FILTER (WHERE kind = 'account') FROM reefqbo.report_cells(pg_read_file('$file'));"
		  . q{SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+) kB')});
	unlink $file;
	my ($sums, $kb) = split /\n/, $answer;
	is($sums, join('|', 12 * ($naccounts + 2), 12 * $naccounts . '.00'), "a report of $naccounts accounts: every amount is read");
	return (length($report), 1024 * $kb);
}

sub test_memory_of_reports
{
  SKIP:
	{
		skip 'there is no /proc here to tell how much memory a process has had', 1 unless read_file("/proc/$$/status") =~ /VmHWM/;
		my (undef, $least) = memory_for(1);
		my ($bytes, $most) = memory_for(35000);

		cmp_ok($most - $least, '<', 20 * $bytes, "$bytes bytes of a report take no more than twenty times the memory");
	}
	return;
}

# ---- texts that are not what they seem ----

my %ODD = ('a line feed' => "a\nX-Evil: 1", 'a carriage return' => "a\rb", 'a new header' => "a\r\nX-Evil: 1\r\n\r\nGET /evil HTTP/1.1", 'a bell' => "a\ab",
	'a tab' => "a\tb", 'an escape' => "a\e[2Jb", 'a delete' => "a\x7fb");

sub test_control_characters
{
	foreach my $what (sort keys %ODD)
	{
		my $odd = $ODD{$what};
		my $quoted = quote($odd);
		my $before = snapshot();
		my ($field) = (fields_of(signed_in(begin_sign_in('Main'), 'pod-1')));
		my %refused = (
			'the name of a model' => [ call('create_model', $odd), '22023' ],
			'the name of a branch' => [ call('create_branch', 'Main', $odd), '22023' ],
			'the name of an environment' => [ call('create_environment', $odd, \'true', ('https://a.example') x 4), '22023' ],
			'a token address' => [ call('create_environment', 'odd', \'true', 'https://a.example', "https://a.example/$odd", ('https://a.example') x 2), '22023' ],
			'an api address' => [ call('create_environment', 'odd', \'true', ('https://a.example') x 3, "https://a.example/$odd"), '22023' ],
			'a client id' => [ call('register_app', 'sim-production', $odd, 'prod-secret', $Reefqbo::Simulator::REDIRECT_URI), '22023' ],
			'a client secret' => [ call('register_app', 'sim-production', 'prod-client', $odd, $Reefqbo::Simulator::REDIRECT_URI), '22023' ],
			'a redirect URI' => [ call('register_app', 'sim-production', 'prod-client', 'prod-secret', "https://app.example.com/$odd"), '22023' ],
			'a state' => [ call('complete_connection', $odd, $field->{code}, $field->{realmId}), 'RQ009' ],
			'a code' => [ call('complete_connection', $field->{state}, $odd, $field->{realmId}), 'RQ009' ],
			'a realm id' => [ call('complete_connection', $field->{state}, $field->{code}, "1$odd"), 'RQ009' ],
			'a time zone' => [ "SELECT reefqbo.set_schedule('Main', time_zone => $quoted)", '22023' ],
			'an accounting method' => [ call('import_actuals', 'Main', \$MONTH, $odd), '22023' ],
			'a model to import' => [ call('import_accounts', $odd), '42704' ],
			'a branch to import' => [ call('import_accounts', 'Main', $odd), '42704' ],
			'a role' => [ call('grant_access', $odd, 'reader'), '42704' ],
			'a level' => [ call('grant_access', 'plain', $odd), '22023' ]);
		$intuit->admin('log_clear');
		is(sqlstate($refused{$_}[0]), $refused{$_}[1], "$what in $_ is refused") foreach sort keys %refused;
		is(asked(), '', "$what: Intuit is asked nothing");
		is(snapshot(), $before, "$what: nothing is stored");
	}
	foreach my $query (q{SELECT reefqbo.create_model(E'a\\000b')}, q{SELECT reefqbo.complete_connection(E'a\\000b', 'c', '1')}, q{SELECT reefqbo.create_model(U&'a\0000b')})
	{
		like(sqlstate($query), qr/^(?:22021|42601)$/, "a null byte is refused: $query");
	}
	nobody_called('control characters');
	return;
}

# A code is a value of one field, and nothing more; so is what an app is registered with.
sub test_fields_stay_fields
{
	foreach my $code ('a&grant_type=refresh_token&refresh_token=x', 'a=b&redirect_uri=https://evil.example', '%0d%0aX-Evil:%201', 'a%26grant_type%3Drefresh_token', '"}{', 'a;b', "a'b")
	{
		my $field = fields_of(signed_in(begin_sign_in('Fields'), 'pod-4'));
		$intuit->admin('log_clear');
		is(sqlstate(call('complete_connection', $field->{state}, $code, $field->{realmId})), 'RQ009', "code $code: RQ009");
		is(join(' ', map { "$_->{method} $_->{endpoint} $_->{grant_type} $_->{query}" } requests()), 'POST token authorization_code ', "code $code: is one field of one request");
	}
	my $odd = 'prod&client?id=1#"<>%0d';
	sql(call('register_app', 'sim-production', $odd, 'prod-secret', 'https://app.example.com/cb?a=b&state=1'));
	my $field = fields_of(begin_sign_in('Fields'));
	is($field->{client_id}, $odd, 'a client id with other characters is one field of the address');
	is($field->{redirect_uri}, 'https://app.example.com/cb?a=b&state=1', 'so is a redirect URI with a query');
	like($field->{state}, qr/^[0-9a-f]{64}$/, 'which is no second state');
	sql(call('register_app', 'sim-production', 'prod-client', 'prod-secret', $Reefqbo::Simulator::REDIRECT_URI));
	return;
}

# ---- where requests go ----

sub make_roles
{
	sql(<<'END');
CREATE ROLE plain LOGIN; CREATE ROLE op LOGIN; CREATE ROLE adm LOGIN; CREATE ROLE dbowner LOGIN;
SELECT reefqbo.grant_access('op', 'operator'); SELECT reefqbo.grant_access('adm', 'admin');
END
	return;
}

# Statements that would send requests elsewhere, if a role could.
sub diversions
{
	my $api = "https://$ELSEWHERE/production";

	return ((map { "UPDATE reefqbo.environment SET $_ = '$api'" } qw(authorize_url token_url revoke_url api_url)),
		"INSERT INTO reefqbo.environment (name, is_sandbox, authorize_url, token_url, revoke_url, api_url) VALUES ('evil', false, '$api', '$api', '$api', '$api')",
		'UPDATE reefqbo.connection SET environment_id = 2', 'UPDATE reefqbo.connection SET realm_id_sealed = realm_digest', 'DELETE FROM reefqbo.credential',
		"UPDATE reefqbo.app SET client_id = 'evil'", "INSERT INTO reefqbo.app VALUES (1, 'evil', '\\x00', '$api')",
		"INSERT INTO reefqbo.access VALUES (0, to_regrole(quote_ident(current_user)), 'admin', false, current_user)", 'DELETE FROM reefqbo.audit', 'DELETE FROM reefqbo.api_call',
		"INSERT INTO reefqbo.authorization_request VALUES (1, '\\x00', 1, 1, 'connect', NULL, now(), now() + interval '1 day')",
		'TRUNCATE reefqbo.environment', 'ALTER TABLE reefqbo.environment DISABLE TRIGGER ALL', 'DROP TABLE reefqbo.api_call', 'CREATE FUNCTION reefqbo.evil() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$',
		'CREATE OR REPLACE VIEW reefqbo._my_model AS SELECT 1::bigint AS model_id',
		q{CREATE RULE evil AS ON SELECT TO reefqbo.environment DO INSTEAD SELECT 1}, 'CREATE TRIGGER evil BEFORE INSERT ON reefqbo.app EXECUTE FUNCTION suppress_redundant_updates_trigger()',
		q{SELECT reefqbo._audit('connected', 1, 'x', 'y')}, 'SELECT reefqbo._make_policies()', q{SELECT reefqbo._grant_access('plain', 'admin', NULL, false)}, q{SELECT reefqbo._create_model('x', 'production')},
		"SELECT reefqbo.create_environment('evil', false, '$api', '$api', '$api', '$api')", (map { "SELECT pg_catalog.$_" } q{pg_read_file('/etc/passwd')}));
}

sub test_diversions
{
	my $before = snapshot();

	foreach my $role (qw(plain op adm))
	{
		foreach my $query (diversions())
		{
			is(sqlstate_as($role, $query), '42501', "$role: $query");
		}
	}
	is(snapshot(), $before, 'and nothing has changed');
	is(sqlstate(call('import_accounts', 'Main')), 'none', 'imports work');
	nobody_called('statements of roles of each level');
	return;
}

# What an admin registers is only ever told to a browser.
sub test_redirect_uris
{
	foreach my $uri ("https://$ELSEWHERE/", "https://user:pass\@$ELSEWHERE/", "http://localhost:" . $elsewhere->sockport . '/')
	{
		sqlstate_as('adm', call('register_app', 'sim-production', 'prod-client', 'prod-secret', $uri));
		my $address = sql("SET SESSION AUTHORIZATION adm; " . call('connect', 'Main', 'sim-production'));
		like($address, qr/^\Q@{[ $intuit->authorize_url ]}\E\?/, "redirect URI $uri: the address is Intuit's");
		sqlstate_as('adm', call('complete_connection', fields_of($address)->{state}, 'code', '123'));
	}
	is(sqlstate_as('adm', call('register_app', 'sim-production', 'prod-client', 'prod-secret', $_)), '22023', "redirect URI $_ is refused")
	  foreach "http://$ELSEWHERE/", 'file:///etc/passwd', 'javascript:alert(1)', 'gopher://localhost/', 'http://localhost.evil.example/', 'http://localhost@evil.example/', '//evil.example/', '';
	sql(call('register_app', 'sim-production', 'prod-client', 'prod-secret', $Reefqbo::Simulator::REDIRECT_URI));
	nobody_called('redirect URIs');

	my $field = fields_of(signed_in(sql(call('reconnect', 'Main')), 'pod-1'));
	is(sql("SELECT company FROM reefqbo.complete_connection('https://$ELSEWHERE/x?state=$field->{state}&code=$field->{code}&realmId=$field->{realmId}')"), 'Pod 1 Ltd',
		'the host of the address that is passed on does not matter');
	nobody_called('an address of another host');
	return;
}

# The values that a setting would have to send requests or read files elsewhere.
sub diverting_settings
{
	my ($file) = @_;

	return ('reefqbo.proxy' => "http://$ELSEWHERE", 'reefqbo.ca_file' => $file, 'reefqbo.key_file' => $file, 'reefqbo.key_command' => "touch $file.touched", 'reefqbo.max_response_size' => '1kB',
		'reefqbo.clock_offset' => '100000s', 'reefqbo.databases' => 'owned');
}

# Nor does a database's owner, who is no superuser, decide: before the library is loaded, the setting has no rules yet.
sub test_owner_of_database
{
	my $file = $node->basedir . '/evil';
	my %setting = diverting_settings($file);

	append_to_file($file, 'evil:' . 'A' x 43 . "=\n");
	chmod 0600, $file;
	sql('CREATE DATABASE owned OWNER dbowner');
	$node->install_reefqbo('owned');
	sql(q{SELECT reefqbo.create_model('Owned')}, 'owned');
	sql(call('complete_connection', signed_in(sql(call('connect', 'Owned', 'sim-production'), 'owned'), 'pod-5')), 'owned');
	sql(q{SELECT reefqbo.grant_access('dbowner', 'operator')}, 'owned');
	foreach my $setting (sort keys %setting)
	{
		my $alter = "ALTER DATABASE owned SET $setting = '$setting{$setting}'";
		my $loaded = sqlstate("LOAD 'reefqbo'; SET SESSION AUTHORIZATION dbowner; $alter", 'owned');
		like($loaded, qr/^(?:42501|55P02)$/, "$setting by the owner of a database, library loaded: refused");
		my $unloaded = sqlstate_as('dbowner', $alter, 'owned');
		$intuit->admin('log_clear');
		is(sqlstate_as('dbowner', call('import_accounts', 'Owned'), 'owned'), 'none', "$setting by the owner of a database (before: $unloaded): an import works all the same");
		isnt(asked(), '', "$setting by the owner of a database: it has asked the right host");
		isnt(sql("LOAD 'reefqbo'; SHOW $setting", 'owned'), $setting{$setting}, "$setting by the owner of a database: a session has the server's");
		sql("ALTER DATABASE owned RESET $setting");
	}
	ok(!-e "$file.touched", 'no command of the owner was run');
	nobody_called('settings of the owner of a database');
	return;
}

# And an admin of reefqbo is no superuser.
sub test_settings_of_admin
{
	my %setting = diverting_settings($node->basedir . '/evil');

	foreach my $role (qw(op adm))
	{
		foreach my $setting (sort keys %setting)
		{
			like(sqlstate("LOAD 'reefqbo'; SET SESSION AUTHORIZATION $role; SET $setting = '$setting{$setting}'"), qr/^(?:42501|55P02)$/, "$role may not set $setting");
			like(sqlstate("LOAD 'reefqbo'; SET SESSION AUTHORIZATION $role; SELECT set_config('$setting', '$setting{$setting}', false)"), qr/^(?:42501|55P02)$/, "$role: nor with set_config: $setting");
			is(sqlstate_as($role, "ALTER SYSTEM SET $setting = '$setting{$setting}'"), '42501', "$role: nor with ALTER SYSTEM: $setting");
		}
	}
	return;
}

# ---- guessing ----

sub test_guessing
{
	my $back = signed_in(begin_sign_in('Guess'), 'pod-6');
	my $before = sql('SELECT string_agg(r::text, $$;$$ ORDER BY state_digest) FROM reefqbo.authorization_request r') . snapshot();
	my $audit = number('audit');

	$intuit->admin('log_clear');
	is(sql(<<'END_OF_BLOCK'), '1000|RQ009|the state of this sign-in is not known', 'a thousand wrong states: each is told the same');
CREATE TEMPORARY TABLE guess (outcome text, message text);
DO $$
BEGIN
	FOR i IN 1 .. 1000 LOOP
		BEGIN
			PERFORM reefqbo.complete_connection(encode(sha256(i::text::bytea), 'hex'), 'code', '123');
			INSERT INTO guess VALUES ('accepted');
		EXCEPTION WHEN OTHERS THEN
			INSERT INTO guess VALUES (SQLSTATE, SQLERRM);
		END;
	END LOOP;
END
$$;
SELECT count(*), outcome, message FROM guess GROUP BY outcome, message;
END_OF_BLOCK
	is(asked(), '', 'a thousand wrong states: Intuit is asked nothing');
	is(sql('SELECT string_agg(r::text, $$;$$ ORDER BY state_digest) FROM reefqbo.authorization_request r') . snapshot(), $before, 'a thousand wrong states: no row has changed');
	is(number('audit'), $audit, 'a thousand wrong states: nor has the evidence been filled with them');
	my ($state) = $back =~ /state=([0-9a-f]+)/;
	foreach my $near (substr($state, 0, -1), $state . '0', substr($state, 0, -1) . (substr($state, -1) eq '0' ? '1' : '0'), '0' x 64, $state . '%20', "%20$state")
	{
		(my $other = $back) =~ s/state=[^&]*/state=$near/;
		is(sqlstate(call('complete_connection', $other)), 'RQ009', 'a state that is nearly right is wrong');
	}
	is(sql('SELECT company FROM reefqbo.complete_connection(' . quote($back) . ')'), 'Pod 6 Ltd', 'and the right one still works');
	return;
}

# ---- comparisons ----

# Comparing byte by byte tells by its time how much was right.
sub test_comparisons
{
	my @found;

	foreach my $file (map { "$SOURCE/$_" } qw(secret/seal.c secret/cipher.c secret/clear.c grant/sign_in.c grant/sign_in_state.c grant/sign_in_grant.c grant/sign_in_end.c qbo/oauth.c qbo/oauth_request.c functions/sign_in.c store/grant.c))
	{
		(my $code = slurp_file($file)) =~ s{/\*.*?\*/}{}gs;
		push @found, map { ($file =~ s{^\Q$SOURCE\E/}{}r) . ": $_" } $code =~ /((?:pg_)?(?:strn?(?:case)?cmp|memcmp|strcoll|strstr|text_cmp|byteaeq)\s*\([^\n]*)/g;
	}
	# what is compared here is no secret: pgcrypto's symbols, Intuit's word for no, a company's name, a kind of sign-in
	my @secret = grep { !/TextDatumGetCString\((?:source|library)\)|strcmp\(refusal,|strcmp\(name, rqbo_session_company|strcmp\(kind_names\[kind\], name\)/ } @found;
	cmp_ok(scalar(@found), '>=', 4, 'comparisons of texts are found');
	is(join("\n", @secret), '', 'and none of them compares secrets');
	like(slurp_file("$SOURCE/grant/sign_in_state.c"), qr/rqbo_secret_equal\(known, realm_id\)/, 'realm ids are compared in constant time');
	my ($equal) = slurp_file("$SOURCE/secret/seal.c") =~ /\nequal_bytes\(.*?\n\{(.*?)\n\}/s;
	is(scalar(() = $equal =~ /\breturn\b/g), 1, 'by a function with one way out');
	like($equal, qr/\|=/, 'which collects the differences');
	is(scalar(grep { !/state_digest = \$\d/ } slurp_file("$SOURCE/store/grant.c") =~ /WHERE [^"]*state[^"]*/g), 0, 'and states are looked up by their digest');
	return;
}

# ---- the run ----

$node->connect_company('Main', 'sim-production', 'pod-1');
sql(call('import_actuals', 'Main', \$MONTH));
test_port();
test_redirects();
test_bombs();
test_memory_of_reports();
make_roles();
test_control_characters();
test_fields_stay_fields();
test_diversions();
test_redirect_uris();
test_owner_of_database();
test_settings_of_admin();
test_guessing();
test_comparisons();
$node->stop;

done_testing();
