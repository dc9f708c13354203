# Everything that can go wrong with an import: the SQLSTATE, what the error and
# the log of imports say, how often Intuit was asked, and that nothing changed.

use strict;
use warnings;

use IO::Socket::INET;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;

my $json = JSON::PP->new->utf8(0)->allow_nonref;
my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('errors', $intuit);
my %realm = map { $_->{key} => $_->{realm} } @{ $intuit->admin('companies')->{companies} };

my $MODEL = 'Errors';
my $COMPANY = 'pod-1';
my $MONTH = q{'2026-09-01', '2026-09-30'};
my $YEAR = q{'2025-10-01', '2026-09-30'};
my $TID = qr/\b1-[0-9a-f]{8}-[0-9a-f]{24}\b/;

# Long enough for one attempt, too short for a second.
my $ONCE = q{SET reefqbo.retry_budget = 0};

# The hints, which say what to do next.
my %HINT = (
	RQ001 => qr/reefqbo\.reconnect/,
	RQ003 => qr/reefqbo\.register_app.*reefqbo\.reconnect/,
	RQ004 => qr/Renew the company's QuickBooks subscription/,
	RQ005 => qr/sign in as an admin/,
	RQ006 => qr/Try again later/,
	RQ007 => qr/\w/,
	RQ008 => qr/\w/,
	RQ009 => qr/reefqbo\.register_app/,
	RQ010 => qr/./,
	RQ011 => qr/Try again later.*reefqbo\.ca_file/);

# What an import's failure makes of the connection.
my %STATUS = (RQ001 => 'reconnect_required', RQ003 => 'reconnect_required', RQ004 => 'suspended');

# ---- helpers ----

sub import_actuals { return call('import_actuals', $_[0] // $MODEL, \($_[1] // $MONTH)) }

# What is stored, how a model's connection stands, and the last line of the log
# of imports, as one look shows them.
sub look
{
	my ($model) = @_;
	my @tables = qw(account actual imported_month restatement);
	my $figures = join ', ', map { "(SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, ';' ORDER BY t::text)), '') FROM reefqbo.$_ t)" } @tables;

	return $json->decode(sql("SELECT json_build_object('figures', concat_ws(', ', $figures),"
			. ' \'status\', (SELECT status FROM reefqbo.connection_status WHERE model = ' . quote($model) . '),'
			. " 'log', (SELECT row_to_json(l) FROM reefqbo.import_log l ORDER BY import_id DESC LIMIT 1))"));
}

sub requests { return grep { $_->{endpoint} ne 'authorize' } @{ $intuit->admin('log')->{log} } }

sub asked { return join ', ', map { "$_->{endpoint} $_->{status}" } requests() }

sub status_of { return sql('SELECT status FROM reefqbo.connection_status WHERE model = ' . quote($_[0])) }

# Back to a connection that works and to a simulator that behaves.
sub set_right
{
	$intuit->admin('clear_faults');
	sql(q{UPDATE reefqbo.connection SET status = 'connected', status_reason = NULL, throttle_tokens = NULL, throttle_counted_at = NULL});
	$intuit->admin('log_clear');
	return;
}

sub misbehave
{
	my ($kind, %fault) = @_;
	$intuit->admin('fault', { company => $COMPANY, endpoint => 'report', times => -1, kind => $kind, %fault });
	return;
}

# Run an import that must fail, and look at all it leaves behind.  Wanted:
# sqlstate, message, detail; asked, the requests made and how they ended;
# tid => 0 if there was no answer to have an id; set, statements before;
# query; model; keep => 1 leaves the connection as it is then.
sub fails
{
	my ($name, %want) = @_;
	my $model = $want{model} // $MODEL;
	my $before = look($model);
	my $error = $node->sqlstate_of(join '; ', $want{set} // (), $want{query} // import_actuals($model));
	my $after = look($model);

	subtest $name => sub {
		ok($error, 'it fails') or return;
		is($error->{sqlstate}, $want{sqlstate}, 'SQLSTATE') or diag(explain($error));
		like($error->{message}, $want{message}, 'message');
		like($error->{detail} // '', $want{detail} // qr/^/, 'detail');
		like($error->{hint} // '', $want{hint} // $HINT{ $want{sqlstate} }, 'hint');
		is($after->{figures}, $before->{figures}, 'nothing has changed');
		is(asked(), $want{asked}, 'requests') if defined $want{asked};
		is($after->{status}, $STATUS{ $want{sqlstate} } // 'connected', 'status');
		check_log_line($error, $after->{log}, %want);
	};
	set_right() unless $want{keep};
	return $error;
}

sub check_log_line
{
	my ($error, $line, %want) = @_;
	my ($tid) = join(' ', grep { defined } @{$error}{qw(detail context)}) =~ /($TID)/;

	is($line->{status}, 'failed', 'log: status');
	is($line->{$_}, $error->{$_}, "log: $_") foreach qw(sqlstate message detail hint);
	if ($want{tid} // 1)
	{
		# where the token endpoint was asked whether the grant lives, the refusal is the answer before
		my ($last) = map { $_->{tid} } reverse grep { $_->{status} && !($error->{sqlstate} eq 'RQ003' && $_->{endpoint} eq 'token') } requests();
		is($tid, $last, 'the error names the intuit_tid of the answer');
		is($line->{intuit_tid}, $last, 'and so does the log');
	}
	else
	{
		is($tid, undef, 'no answer, no intuit_tid');
	}
	return;
}

sub succeeds
{
	my ($name, $query) = @_;
	my $error = $node->sqlstate_of($query);

	is($error && "$error->{sqlstate} $error->{message} $error->{detail}", undef, $name);
	return;
}

# ---- RQ001 ----

# Only the token endpoint can say that a grant has ended, and it has just renewed it.
sub test_token_refused
{
	my $message = qr/QuickBooks refuses an access token that should be good/;

	misbehave('fault', code => '3200');
	fails('401 twice', sqlstate => 'RQ011', message => $message, detail => qr/401\. Fault 3200\..*AuthenticationFailed/,
		asked => 'ProfitAndLoss 401, token 200, ProfitAndLoss 401');
	misbehave('status', status => 401);
	fails('401 twice with no body', sqlstate => 'RQ011', message => $message, detail => qr/HTTP status 401/,
		asked => 'ProfitAndLoss 401, token 200, ProfitAndLoss 401');
	misbehave('fault', code => '100', status => 401);
	fails('fault 100 with status 401, twice', sqlstate => 'RQ011', message => $message, detail => qr/401\. Fault 100\./,
		asked => 'ProfitAndLoss 401, token 200, ProfitAndLoss 401');
	misbehave('fault', code => '999', status => 401);
	fails('a 401 of an unknown kind', sqlstate => 'RQ011', message => qr/QuickBooks is not available/, detail => qr/401\. Fault 999\./,
		asked => 'ProfitAndLoss 401');
	return;
}

sub test_reconnect_required
{
	misbehave('fault', code => '120');
	fails('the user lost access', sqlstate => 'RQ001', message => qr/refuses the grant/, detail => qr/Fault 120\..*Authorization Failure/,
		asked => 'ProfitAndLoss 401');
	return;
}

# An error 500 of Intuit's own that speaks of authentication is an outage.
sub test_authentication_outage
{
	misbehave('fault', code => '100');
	fails('an outage of authentication', set => $ONCE, sqlstate => 'RQ011', message => qr/is not available/,
		detail => qr/500\. Fault 100\..*General Authentication Error/, asked => 'ProfitAndLoss 500');
	return;
}

sub test_revoked_grant
{
	$node->connect_company('Revoked', 'sim-production', 'pod-2');
	sql(import_actuals('Revoked'));
	sql('UPDATE reefqbo.credential SET access_expires_at = now() FROM reefqbo.connection_status s WHERE s.connection_id = credential.connection_id'
		  . q{ AND s.model = 'Revoked'});
	$intuit->admin('revoke_grant', { company => 'pod-2' });
	$intuit->admin('log_clear');
	fails('a revoked grant', model => 'Revoked', sqlstate => 'RQ001', message => qr/grant of "Pod 2 Ltd" has ended or was revoked/,
		detail => qr/HTTP status 400\..*invalid_grant/, asked => 'token 400, token 400', keep => 1);
	$intuit->admin('log_clear');

	fails('a grant known to be dead', model => 'Revoked', sqlstate => 'RQ001', message => qr/has ended or was revoked/,
		detail => qr/rejected its refresh token before, and is not asked again/, tid => 0, asked => '');
	return;
}

# Until its access token ends, the accounting API speaks of a revoked grant as of the wrong keys; the token endpoint knows.
sub test_revoked_grant_with_living_token
{
	$node->connect_company('Withdrawn', 'sim-production', 'pod-3');
	$intuit->admin('revoke_grant', { company => 'pod-3' });
	$intuit->admin('log_clear');
	fails('consent withdrawn in QuickBooks', model => 'Withdrawn', sqlstate => 'RQ001', message => qr/has ended or was revoked/,
		detail => qr/HTTP status 400\..*invalid_grant/, hint => qr/Call reefqbo\.reconnect/, asked => 'query 403, token 400, token 400', keep => 1);
	is(sql(q{SELECT reason_code, user_message, user_action FROM reefqbo.connection_status WHERE model = 'Withdrawn'}),
		'revoked|This app was disconnected in QuickBooks.|Connect again.', 'and its user is told so');
	$intuit->admin('log_clear');
	return;
}

# The ends in the table are what Intuit said and what our clock makes of it:
# Intuit decides, as long as it is asked.
sub test_grant_at_its_end
{
	foreach my $end (qw(refresh_expires_at hard_expires_at))
	{
		sql("UPDATE reefqbo.credential SET access_expires_at = now(), $end = now()");
		is(status_of($MODEL), 'reconnect_required', "a grant beyond its $end: the view says so");
		succeeds("a grant beyond its $end: it is tried all the same", call('import_accounts', $MODEL));
		is(asked(), 'token 200, query 200, query 200', "a grant beyond its $end: by asking Intuit");
		is(status_of($MODEL), 'connected', "a grant beyond its $end: and if that works the view says so");
		set_right();
	}
	return;
}

# What looked like the end, and was not: the next import that works shows it.
sub test_healing
{
	foreach my $code ('3100', '120', '6190')
	{
		$intuit->admin('fault', { kind => 'fault', company => $COMPANY, endpoint => 'query', code => $code, times => 1 });
		$node->sqlstate_of(call('import_accounts', $MODEL));
		isnt(status_of($MODEL), 'connected', "fault $code shows in the status");
		succeeds("fault $code is gone: an import works", call('import_accounts', $MODEL));
		is(status_of($MODEL), 'connected', "fault $code is gone: and shows no more");
	}
	set_right();
	return;
}

# ---- RQ003, RQ004, RQ005: permanent, asked once ----

sub test_permanent_faults
{
	my @cases = (
		[ 'RQ003', qr/do not belong together/, qr/403\. Fault 3100\./, '3100', {} ],
		[ 'RQ004', qr/subscription is not active/, qr/400\. Fault 6190\..*Subscription period has ended/, '6190', {} ],
		[ 'RQ004', qr/subscription is not active/, qr/401\. Fault 7001\./, '007001', { status => 401, message => 'lapsed' } ],
		[ 'RQ004', qr/subscription is not active/, qr/403\. Fault 7001\./, '007001', { status => 403, message => 'lapsed' } ],
		[ 'RQ005', qr/may not read this/, qr/400\. Fault 5020\..*do not have permission/, '5020', {} ],
		[ 'RQ008', qr/refuses the request/, qr/400\. Fault 2020\./, '2020', {} ]);

	foreach my $case (@cases)
	{
		my ($sqlstate, $message, $detail, $code, $more) = @$case;
		my $status = $more->{status} // ($code eq '3100' ? 403 : 400);
		foreach my $format (qw(json gateway xml xml_bare))
		{
			misbehave('fault', code => $code, format => $format, %$more);
			fails("fault $code with status $status, $format", sqlstate => $sqlstate, message => $message, detail => $detail,
				asked => "ProfitAndLoss $status" . ($code eq '3100' ? ', token 200' : ''));
		}
	}
	return;
}

# A fault of plain text has its number in its words, if anywhere.
sub test_plain_text_faults
{
	my $short = 'SET reefqbo.retry_budget = 3500';

	misbehave('fault', code => '3100', format => 'text');
	fails('fault 3100 in plain text', set => $short, sqlstate => 'RQ003', message => qr/do not belong together/, detail => qr/ApplicationAuthorizationFailed/,
		asked => 'ProfitAndLoss 403, token 200');
	misbehave('fault', code => '3001', format => 'text');
	fails('fault 3001 in plain text', set => $ONCE, sqlstate => 'RQ006', message => qr/throttles requests/, detail => qr/ThrottleExceeded/,
		asked => 'ProfitAndLoss 429');
	misbehave('status', status => 403, body => 'forbidden');
	fails('a 403 that is no fault', set => $short, sqlstate => 'RQ005', message => qr/may not read this/, detail => qr/403\. Intuit says: forbidden/,
		asked => 'ProfitAndLoss 403');
	misbehave('status', status => 404, body => 'not found');
	fails('a 404', sqlstate => 'RQ008', message => qr/refuses the request/, detail => qr/404\. Intuit says: not found/,
		set => $short, asked => 'ProfitAndLoss 404');
	return;
}

# What is no UTF-8 is quoted up to there, and nothing that stands behind the answer in memory: it may end inside a
# character, of which the first byte says how long it should be, or at the place where a long text is cut.
sub test_broken_characters
{
	my $short = 'SET reefqbo.retry_budget = 3500';
	my @cases = (
		[ 'ends after the first byte of a character of four', "kein Zugriff \xF0", 'kein Zugriff ' ],
		[ 'ends after the third', "kein Zugriff \xF0\x9F\x8C", 'kein Zugriff ' ],
		[ 'is Latin-1', "Zugriff f\xFCr Sie verweigert", 'Zugriff f' ],
		[ 'ends inside a character at the cut', 'kein ' x 39 . "abcd\xF0\x9F", 'kein ' x 39 . 'abcd' ],
		[ 'has a character of four bytes across the cut', 'kein ' x 39 . "abc \xF0\x9F\x90\x9F and more", 'kein ' x 39 . 'abc ' ]);

	foreach my $case (@cases)
	{
		my ($name, $body, $said) = @$case;

		misbehave('status', status => 404, body_hex => unpack('H*', $body));
		fails("a text that $name", sqlstate => 'RQ008', message => qr/refuses the request/, set => $short,
			detail => qr/404\. Intuit says: \Q$said\E\. intuit_tid/, asked => 'ProfitAndLoss 404');
	}
	misbehave('status', status => 404, body_hex => unpack('H*', "\xF0"));
	fails('a text of half a character', sqlstate => 'RQ008', message => qr/refuses the request/, set => $short,
		detail => qr/404\. intuit_tid/, asked => 'ProfitAndLoss 404');
	return;
}

sub test_faults_with_status_200
{
	misbehave('fault_200', code => '6190');
	fails('fault 6190 with status 200', sqlstate => 'RQ004', message => qr/subscription is not active/, detail => qr/200\. Fault 6190\./,
		asked => 'ProfitAndLoss 200');
	misbehave('fault_200', code => '5020');
	fails('fault 5020 with status 200', sqlstate => 'RQ005', message => qr/may not read this/, detail => qr/200\. Fault 5020\./,
		asked => 'ProfitAndLoss 200');
	misbehave('fault_200', code => '6190', format => 'xml');
	fails('fault 6190 with status 200 in XML', sqlstate => 'RQ004', message => qr/subscription is not active/, detail => qr/200\. Fault 6190\./,
		asked => 'ProfitAndLoss 200');
	misbehave('fault_200', code => '10000');
	fails('fault 10000 with status 200', set => $ONCE, sqlstate => 'RQ011', message => qr/is not available/, detail => qr/200\. Fault 10000\./,
		asked => 'ProfitAndLoss 200');
	misbehave('fault_200', code => '999');
	fails('an unknown fault with status 200', sqlstate => 'RQ008', message => qr/not one QuickBooks gives/, detail => qr/200\. Fault 999\./,
		asked => 'ProfitAndLoss 200');
	return;
}

# Each as the second report of the two: the first was good, and is not stored.
sub test_second_report_fails
{
	misbehave('fault', code => '5020', endpoint => 'BalanceSheet');
	fails('a balance sheet that may not be read', sqlstate => 'RQ005', message => qr/BalanceSheet.*may not read this/, detail => qr/Fault 5020/,
		asked => 'ProfitAndLoss 200, BalanceSheet 400');
	return;
}

sub test_failing_companies
{
	my %want = (suspended => [ 'RQ004', 'suspended' ], forbidden => [ 'RQ005', 'connected' ]);

	foreach my $company (sort keys %want)
	{
		my ($sqlstate, $status) = @{ $want{$company} };
		$node->ensure_model($company, 'sim-production');
		my $back = $intuit->browse(sql(call('connect', $company, 'sim-production')), company => $company);
		my $error = $node->sqlstate_of(call('complete_connection', $back));
		is($error->{sqlstate}, $sqlstate, "a $company company: $sqlstate");
		like($error->{message}, qr/could not read the company connected to branch "$company"/, "a $company company: the message says what was being done");
		is(status_of($company), $status, "a $company company: the sign-in is kept");
	}
	set_right();
	return;
}

# ---- RQ006 ----

sub test_throttled
{
	my $short = 'SET reefqbo.retry_budget = 1500; SET reefqbo.throttle_wait = 1000';

	misbehave('fault', code => '3001');
	fails('429 without Retry-After', set => $short, sqlstate => 'RQ006', message => qr/QuickBooks throttles requests/,
		detail => qr/429\. Fault 3001\..*ThrottleExceeded/, asked => 'ProfitAndLoss 429, ProfitAndLoss 429');
	misbehave('fault', code => '3001', headers => { 'Retry-After' => '60' });
	fails('429 with a Retry-After beyond the budget', set => $short, sqlstate => 'RQ006', message => qr/throttles requests/, detail => qr/429/,
		asked => 'ProfitAndLoss 429');
	misbehave('fault', code => '3001', status => 403);
	fails('fault 3001 with status 403', set => $ONCE, sqlstate => 'RQ006', message => qr/throttles requests/, detail => qr/403\. Fault 3001/,
		asked => 'ProfitAndLoss 403');
	misbehave('fault', code => '3001', format => 'xml');
	fails('fault 3001 in XML', set => $ONCE, sqlstate => 'RQ006', message => qr/throttles requests/, detail => qr/429\. Fault 3001/,
		asked => 'ProfitAndLoss 429');
	misbehave('status', status => 429);
	fails('429 without a word', set => $ONCE, sqlstate => 'RQ006', message => qr/throttles requests/, detail => qr/HTTP status 429/,
		asked => 'ProfitAndLoss 429');
	return;
}

sub moment
{
	my ($time) = @_;
	return sql('SELECT extract(epoch FROM ' . quote($time) . '::timestamptz)');
}

# Load can only make the wait longer.
sub test_throttling_passes
{
	misbehave('fault', code => '3001', times => 1, headers => { 'Retry-After' => '3' }, endpoint => 'BalanceSheet');
	succeeds('a 429 that passes: the import succeeds', 'SET reefqbo.throttle_wait = 0; ' . import_actuals());
	my @sheets = grep { $_->{endpoint} eq 'BalanceSheet' } requests();
	is(asked(), 'ProfitAndLoss 200, BalanceSheet 429, BalanceSheet 200', 'a 429 that passes: only the refused report is asked for again');
	cmp_ok(moment($sheets[1]{time}) - moment($sheets[0]{time}), '>=', 3, 'and not before Retry-After is over');
	set_right();

	misbehave('fault', code => '3001', times => 1);
	succeeds('a 429 without Retry-After that passes', 'SET reefqbo.throttle_wait = 2000; ' . import_actuals());
	@sheets = grep { $_->{endpoint} eq 'ProfitAndLoss' } requests();
	cmp_ok(moment($sheets[1]{time}) - moment($sheets[0]{time}), '>=', 2, 'is waited out for reefqbo.throttle_wait');
	set_right();
	return;
}

# ---- RQ007 ----

sub test_does_not_tie_out
{
	foreach my $kind (qw(break_sum break_total drop_closing))
	{
		misbehave($kind, endpoint => 'ProfitAndLoss');
		fails("$kind of a profit and loss", sqlstate => 'RQ007', message => qr/./, detail => qr/./, asked => 'ProfitAndLoss 200');
	}
	foreach my $kind (qw(break_sum break_total drop_closing unbalance))
	{
		misbehave($kind, endpoint => 'BalanceSheet');
		fails("$kind of a balance sheet", sqlstate => 'RQ007', message => qr/./, detail => qr/./, asked => 'ProfitAndLoss 200, BalanceSheet 200');
	}
	misbehave('break_sum', endpoint => 'BalanceSheet', by => '0.01');
	my $error = fails('a cent', sqlstate => 'RQ007', message => qr/./, asked => 'ProfitAndLoss 200, BalanceSheet 200');
	like($error->{detail}, qr/difference is -?0\.01\b/, 'a cent: the difference is named');
	return;
}

# ---- RQ008 ----

sub test_invalid_answers
{
	my @cases = (
		[ 'status', 'text with status 200', qr/not one QuickBooks gives/, status => 200, body => 'all is well' ],
		[ 'html', 'a web page with status 200', qr/not one QuickBooks gives/, status => 200 ],
		[ 'empty', 'nothing with status 200', qr/not one QuickBooks gives/ ],
		[ 'truncate', 'half a report', qr/not one QuickBooks gives/ ],
		[ 'status', 'an array', qr/not one QuickBooks gives/, status => 200, body => '[{"Header":{}}]' ],
		[ 'gzip_bomb', 'a gzip bomb', qr/larger than reefqbo\.max_response_size/, megabytes => 50 ],
		[ 'huge', 'a huge answer', qr/larger than reefqbo\.max_response_size/, megabytes => 3 ]);

	foreach my $case (@cases)
	{
		my ($kind, $what, $message, %fault) = @$case;
		misbehave($kind, endpoint => 'ProfitAndLoss', %fault);
		fails($what, set => "$ONCE; SET reefqbo.max_response_size = '1MB'", sqlstate => 'RQ008', message => $message, detail => qr/./,
			asked => 'ProfitAndLoss 200');
	}
	return;
}

# What passes for an answer until it is read.
sub test_invalid_reports
{
	my @cases = (
		[ 'deep', depth => 100000 ], ['nul'], ['bad_utf8'], ['wrong_dates'], ['wrong_basis'], ['wrong_summary'], ['cut_report'],
		[ 'status', status => 200, body => '{}' ],
		[ 'status', status => 200, body => '{"Header":{"ReportName":"ProfitAndLoss"' . ',"x":1' x 5 . '}}' ],
		[ 'status', status => 200, body => '{"Header":{},"Columns":{},"Rows":{}' . ' ' x 20 . ',}' ]);

	foreach my $endpoint (qw(ProfitAndLoss BalanceSheet))
	{
		foreach my $case (@cases)
		{
			my ($kind, %fault) = @$case;
			misbehave($kind, endpoint => $endpoint, %fault);
			fails(join(' ', $endpoint, $kind, map { $fault{$_} } sort keys %fault), sqlstate => 'RQ008', message => qr/./, detail => qr/./,
				asked => $endpoint eq 'ProfitAndLoss' ? 'ProfitAndLoss 200' : 'ProfitAndLoss 200, BalanceSheet 200');
		}
	}
	return;
}

sub test_invalid_charts
{
	foreach my $case (['nul'], ['bad_utf8'], [ 'deep', depth => 5000 ], [ 'status', status => 200, body => '{"QueryResponse":[]}' ],
		[ 'status', status => 200, body => '{"QueryResponse":{"totalCount":"many"}}' ])
	{
		my ($kind, %fault) = @$case;
		misbehave($kind, endpoint => 'query', %fault);
		fails(join(' ', 'a chart of accounts:', $kind, map { $fault{$_} } sort keys %fault), query => call('import_accounts', $MODEL), sqlstate => 'RQ008',
			message => qr/chart of accounts|not one QuickBooks gives/, detail => qr/./, asked => 'query 200');
	}
	return;
}

# A redirect could carry the token anywhere.
sub test_redirect
{
	misbehave('redirect', location => $intuit->api_url('production') . "/v3/company/$realm{reef}/companyinfo/$realm{reef}");
	fails('a redirect', set => $ONCE, sqlstate => 'RQ008', message => qr/refuses the request/, detail => qr/HTTP status 302/,
		asked => 'ProfitAndLoss 302');
	return;
}

# ---- RQ009 ----

sub test_app_refused
{
	sql(call('register_app', 'sim-production', 'prod-client', 'wrong', $Reefqbo::Simulator::REDIRECT_URI));
	sql('UPDATE reefqbo.credential SET access_expires_at = now()');
	fails('a wrong client secret', sqlstate => 'RQ009', message => qr/refused the client id or secret/, detail => qr/401\..*invalid_client/,
		asked => 'token 401');
	sql(call('register_app', 'sim-production', 'prod-client', 'prod-secret', $Reefqbo::Simulator::REDIRECT_URI));
	return;
}

# ---- RQ010 ----

sub key_file
{
	my ($text, $mode) = @_;
	my $file = $node->basedir . '/tried.key';

	unlink $file;
	append_to_file($file, $text);
	chmod $mode // 0600, $file;
	return $file;
}

sub fails_without_key
{
	my ($what, $set, $message, %want) = @_;

	my $error = fails($what, set => $set, sqlstate => 'RQ010', message => $message, tid => 0, asked => '', hint => qr//, %want);
	return $error;
}

sub test_key_files
{
	my $good = slurp_file(sql('SHOW reefqbo.key_file'));
	my $set = sub { return 'SET reefqbo.key_file = ' . quote($_[0]) };

	fails_without_key('no key file', $set->('/nonexistent/key'), qr/\Acould not open reefqbo\.key_file: No such file/, hint => qr/reefqbo\.key_file/);
	fails_without_key('a directory', $set->($node->basedir), qr/is not a regular file|Is a directory/);
	fails_without_key('no setting', $set->(''), qr/no key ring is configured/, hint => qr/reefqbo\.key_file or reefqbo\.key_command/);
	fails_without_key('a file of nobody\'s', $set->(key_file($good, 0000)), qr/Permission denied/) if $> != 0;
	foreach my $mode (0640, 0620, 0610, 0604, 0602, 0601, 0644)
	{
		fails_without_key(sprintf('mode %04o', $mode), $set->(key_file($good, $mode)), qr/has group or world access/, hint => qr/chmod 600/);
	}
	fails_without_key('an empty file', $set->(key_file('')), qr/the key ring is empty/, hint => qr/openssl rand/);
	fails_without_key('nothing but comments', $set->(key_file("# one\n\n#k1:two\n")), qr/the key ring is empty/, hint => qr/openssl rand/);
	fails_without_key('a file too large', $set->(key_file('#' x 70000)), qr/larger than 65536 bytes/);
	succeeds('comments, empty lines and line ends of Windows do no harm',
		$set->(key_file("# ours\r\n\r\n$good\r\n   \n")) . '; ' . call('import_accounts', $MODEL));
	succeeds('nor does a file that only its owner can read, and not write', $set->(key_file($good, 0400)) . '; ' . call('import_accounts', $MODEL));
	set_right();
	return;
}

sub test_malformed_rings
{
	my $key = encode_base64('k' x 32, '');
	my %malformed = (
		'no colon' => 'k1' . $key, 'no key id' => ":$key", 'a key id with a space' => "k 1:$key", 'a key id of 33 letters' => 'k' x 33 . ":$key",
		'a key id beyond ASCII' => "k\x{e9}:$key", 'no key' => 'k2:', 'a short key' => 'k2:' . encode_base64('k' x 31, ''),
		'a long key' => 'k2:' . encode_base64('k' x 33, ''), 'a very long key' => 'k2:' . encode_base64('k' x 5000, ''),
		'no base64' => 'k2:' . '?' x 44, 'half a key' => 'k2:' . substr($key, 0, 20), 'a key in hex' => 'k2:' . '6b' x 32,
		'a comment behind the key' => "k2:$key # new", 'the key id of another line' => "k0:$key\nk0:$key");

	foreach my $what (sort keys %malformed)
	{
		my $error = fails_without_key($what, 'SET reefqbo.key_file = ' . quote(key_file("# first\n$malformed{$what}\n")),
			qr/line [23] of the key ring is malformed/, detail => qr/./, hint => qr/key_id:base64 of 32 bytes/);
		unlike(join(' ', map { $_ // '' } values %$error), qr/\Q@{[substr $key, 0, 12]}\E/, "$what: the key is not repeated");
	}
	return;
}

sub test_other_keys
{
	my $fresh = $node->make_key_file($node->basedir . '/other.key');
	(my $renamed = slurp_file($fresh)) =~ s/^k1:/k9:/;

	fails_without_key('the key is gone from the ring', 'SET reefqbo.key_file = ' . quote(key_file($renamed)), qr/could not unseal a realm id/,
		detail => qr/sealed with key "k1", which the key ring does not have/, hint => qr/back into the ring/);
	fails_without_key('another key of the same name', 'SET reefqbo.key_file = ' . quote($fresh), qr/could not unseal a realm id/,
		detail => qr/key "k1" is not the key of that name/, hint => qr/Check the key ring first/);
	succeeds('with the old key in front of the new one it works',
		'SET reefqbo.key_file = ' . quote(key_file(slurp_file(sql('SHOW reefqbo.key_file')) . $renamed)) . '; ' . call('import_accounts', $MODEL));
	set_right();
	return;
}

sub test_key_commands
{
	my $file = sql('SHOW reefqbo.key_file');
	my $set = sub { return "SET reefqbo.key_command = " . quote($_[0]) };

	fails_without_key('a command that fails', $set->('exit 3'), qr/key_command failed/, detail => qr/exit.* code 3/);
	fails_without_key('a command that is not there', $set->('/nonexistent/command 2>&-'), qr/key_command failed/, detail => qr/127|not found/);
	fails_without_key('a command that is killed', $set->('kill -9 $$'), qr/key_command failed/, detail => qr/signal 9/);
	fails_without_key('a command that prints the ring and fails', $set->("cat $file; exit 1"), qr/key_command failed/, detail => qr/code 1/);
	fails_without_key('a command that prints nothing', $set->('true'), qr/the key ring is empty/);
	fails_without_key('a command that prints something else', $set->('echo hello'), qr/line 1 of the key ring is malformed/);
	succeeds('a command that prints the ring does', $set->("cat $file") . "; SET reefqbo.key_file = ''; " . call('import_accounts', $MODEL));
	succeeds('and counts before a file', $set->("cat $file") . "; SET reefqbo.key_file = '/nonexistent'; " . call('import_accounts', $MODEL));
	set_right();
	return;
}

# ---- RQ011 ----

sub test_unavailable_answers
{
	foreach my $status (500, 502, 503, 504)
	{
		misbehave('html', status => $status);
		fails("status $status", set => $ONCE, sqlstate => 'RQ011', message => qr/QuickBooks is not available/, detail => qr/HTTP status $status/,
			asked => "ProfitAndLoss $status");
	}
	misbehave('stream_timeout');
	fails('stream timeout', set => $ONCE, sqlstate => 'RQ011', message => qr/is not available/, detail => qr/504\. Intuit says: stream timeout/,
		asked => 'ProfitAndLoss 504');
	misbehave('fault', code => '10000');
	fails('fault 10000', set => $ONCE, sqlstate => 'RQ011', message => qr/is not available/, detail => qr/500\. Fault 10000\./,
		asked => 'ProfitAndLoss 500');
	misbehave('status', status => 503, endpoint => 'token', body => 'down');
	sql('UPDATE reefqbo.credential SET access_expires_at = now()');
	fails('tokens cannot be had', set => $ONCE, sqlstate => 'RQ011', message => qr/could not get tokens/, detail => qr/HTTP status 503/,
		asked => 'token 503');
	sql(q{UPDATE reefqbo.credential SET access_expires_at = now() + interval '1 hour'});
	return;
}

sub test_no_answer
{
	my $short = "$ONCE; SET reefqbo.request_timeout = '500ms'";

	misbehave('mute');
	fails('no answer at all', set => $short, sqlstate => 'RQ011', message => qr/no answer in time/, detail => qr/libcurl says: /, tid => 0,
		asked => 'ProfitAndLoss 0');
	misbehave('drip', bytes_per_second => 20);
	fails('an answer that drips', set => $short, sqlstate => 'RQ011', message => qr/no answer in time/, detail => qr/libcurl says: /);
	misbehave('reset');
	fails('a reset', set => $ONCE, sqlstate => 'RQ011', message => qr/could not be reached/, detail => qr/libcurl says: /, tid => 0,
		asked => 'ProfitAndLoss 0');
	misbehave('cut');
	fails('an answer cut off', set => $ONCE, sqlstate => 'RQ011', message => qr/could not be reached/, detail => qr/libcurl says: /,
		asked => 'ProfitAndLoss 200');
	return;
}

sub with_api_url
{
	my ($url, $run) = @_;

	sql("UPDATE reefqbo.environment SET api_url = '$url' WHERE name = 'sim-production'");
	$run->();
	sql("UPDATE reefqbo.environment SET api_url = '" . $intuit->api_url('production') . "' WHERE name = 'sim-production'");
	return;
}

# A port that was free a moment ago.
sub free_port
{
	my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0) or die "no port: $!";
	my $port = $socket->sockport;

	close $socket;
	return $port;
}

sub test_unreachable
{
	my $short = "$ONCE; SET reefqbo.connect_timeout = '2s'";

	with_api_url('https://localhost:' . free_port() . '/production', sub {
		fails('a port where nobody listens', set => $short, sqlstate => 'RQ011', message => qr/could not be reached/, detail => qr/libcurl says: /,
			tid => 0, asked => '');
	});
	with_api_url('https://nowhere.invalid/production', sub {
		fails('a host that is not there', set => $short, sqlstate => 'RQ011', message => qr/could not be reached/,
			detail => qr/libcurl says: /, tid => 0, asked => '');
	});
	return;
}

# A certificate that cannot be trusted is never tried again, whatever the budget.
sub test_untrusted
{
	my $other = Reefqbo::Simulator->start(today => '2026-11-20', bind => '127.0.0.2');

	fails('a certificate of another authority', set => 'SET reefqbo.ca_file = ' . quote($other->ca_file), sqlstate => 'RQ011',
		message => qr/certificate could not be verified/, detail => qr/libcurl says: /, tid => 0, asked => '');
	with_api_url('https://127.0.0.2:' . $other->port . '/production', sub {
		fails('a certificate for another host', set => 'SET reefqbo.ca_file = ' . quote($other->ca_file), sqlstate => 'RQ011',
			message => qr/certificate could not be verified/, detail => qr/libcurl says: /, tid => 0, asked => '');
	});
	fails('a file of authorities that is not there', set => q{SET reefqbo.ca_file = '/nonexistent/ca.pem'}, sqlstate => 'RQ011',
		message => qr/certificate could not be verified/, detail => qr/libcurl says: /, tid => 0, asked => '');
	$other->stop;
	return;
}

# ---- what passes by itself ----

# One company for each kind of trouble, and one import for all.
sub test_trouble_that_passes
{
	my %trouble = (
		'pod-31' => { kind => 'html', status => 503 }, 'pod-32' => { kind => 'html', status => 500 },
		'pod-33' => { kind => 'fault', code => '10000' }, 'pod-34' => { kind => 'fault_200', code => '10000' },
		'pod-35' => { kind => 'stream_timeout' }, 'pod-36' => { kind => 'reset' }, 'pod-37' => { kind => 'cut' },
		'pod-38' => { kind => 'empty' }, 'pod-39' => { kind => 'html', status => 200 }, 'pod-40' => { kind => 'truncate' },
		'pod-41' => { kind => 'html', status => 502 }, 'pod-42' => { kind => 'mute' });

	$node->connect_company('Passing', 'sim-production', $_, $_) foreach sort keys %trouble;
	sql(call('import_accounts', 'Passing'));
	$intuit->admin('log_clear');
	$intuit->admin('fault', { %{ $trouble{$_} }, company => $_, times => 1, endpoint => 'ProfitAndLoss' }) foreach keys %trouble;
	succeeds('an import outlasts every trouble that passes', "SET reefqbo.request_timeout = '3s'; " . import_actuals('Passing'));
	foreach my $company (sort keys %trouble)
	{
		my @asked = map { $_->{endpoint} } grep { $_->{company} eq $company } requests();
		is("@asked", 'ProfitAndLoss ProfitAndLoss BalanceSheet', "$trouble{$company}{kind} is asked for once more, and no more");
	}
	set_right();
	return;
}

sub test_token_refreshed_once
{
	foreach my $format (qw(json gateway xml text))
	{
		misbehave('fault', code => '3200', format => $format, times => 1);
		succeeds("a 401 in $format: the import succeeds", import_actuals());
		is(asked(), 'ProfitAndLoss 401, token 200, ProfitAndLoss 200, BalanceSheet 200',
			"a 401 in $format: one refresh, one repetition, and the new token is kept for the next request");
		set_right();
	}
	$intuit->admin('expire_access', { company => $COMPANY });
	succeeds('a token that ended before its time: the import succeeds', import_actuals());
	is(asked(), 'ProfitAndLoss 401, token 200, ProfitAndLoss 200, BalanceSheet 200', 'after one refresh');
	is(join(' ', map { $_->{grant_type} // '-' } requests()), '- refresh_token - -', 'with the refresh token');
	set_right();
	return;
}

# ---- too much at once ----

sub months_of { return sql(q{SELECT count(*) / 2 FROM reefqbo.imported_month JOIN reefqbo.connection USING (connection_id) WHERE company_name = } . quote($_[0])) }

sub range_of
{
	my ($request) = @_;
	return join ' to ', $request->{query} =~ /start_date=([\d-]+)&end_date=([\d-]+)/;
}

sub test_halving
{
	my %trouble = (
		'pod-51' => { kind => 'max_months', months => 6, times => -1 },
		'pod-52' => { kind => 'cut_report', times => 1 },
		'pod-53' => { kind => 'cut_report', times => 1, endpoint => 'BalanceSheet' },
		'pod-54' => { kind => 'huge', times => 1, megabytes => 20, endpoint => 'ProfitAndLoss' },
		'pod-55' => { kind => 'max_months', months => 1, times => -1 });

	$node->connect_company('Halved', 'sim-production', $_, $_) foreach sort keys %trouble;
	sql(call('import_accounts', 'Halved'));
	$intuit->admin('log_clear');
	$intuit->admin('fault', { %{ $trouble{$_} }, company => $_ }) foreach keys %trouble;
	succeeds('what is too much at once is asked for in parts', import_actuals('Halved', $YEAR));
	is(sql(q{SELECT string_agg(DISTINCT months::text, ' ') FROM (SELECT count(*) / 2 AS months FROM reefqbo.imported_month
	           JOIN reefqbo.connection USING (connection_id) WHERE company_name ~ '^Pod 5' GROUP BY connection_id) m}),
		'12', 'and every month is there');

	my @ranges = map { range_of($_) } grep { $_->{company} eq 'pod-51' && $_->{endpoint} eq 'ProfitAndLoss' } requests();
	is_deeply(\@ranges, [ '2025-10-01 to 2026-09-30', '2026-04-01 to 2026-09-30', '2025-10-01 to 2026-03-31' ],
		'in halves, the newer one first');
	@ranges = map { range_of($_) } grep { $_->{company} eq 'pod-55' && $_->{endpoint} eq 'BalanceSheet' } requests();
	is(scalar(@ranges), 12, 'down to single months, each of them once');
	set_right();
	return;
}

# Half of a chunk that is too much has a month that does not tie out: all others are stored.
sub test_one_half_fails
{
	$intuit->admin('fault', { kind => 'max_months', months => 6, company => $COMPANY, times => 1 });
	$intuit->admin('fault', { kind => 'unbalance', company => $COMPANY, endpoint => 'BalanceSheet', month => '2026-02', times => -1 });
	my $error = $node->sqlstate_of(import_actuals($MODEL, $YEAR));
	is($error->{sqlstate}, 'RQ007', 'a month that does not tie out is an error');
	like($error->{detail}, qr/2026-02/, 'which names it');
	is(months_of('Pod 1 Ltd'), 11, 'and the only one that is not stored');
	set_right();
	return;
}

# ---- the run ----

# The figures in the tables differ from those in QuickBooks, so that storing
# any answer would show.
sub prepare
{
	$node->connect_company($MODEL, 'sim-production', $COMPANY);
	sql(import_actuals());
	my %account = map { $_->{type} => $_->{id} } grep { $_->{active} } @{ $intuit->admin('accounts', { company => $COMPANY })->{accounts} };
	$intuit->admin('post', { company => $COMPANY, date => '2026-09-15', type => 'JournalEntry',
		lines => [ { account => $account{Expense}, amount => '12.34' }, { account => $account{Bank}, amount => '-12.34' } ] });
	$intuit->admin('rename', { company => $COMPANY, account => $account{Expense}, name => 'Renamed since' });
	set_right();
	return;
}

# The proof that "nothing has changed" could have failed.
sub test_change_is_seen_at_last
{
	my $before = look($MODEL);

	succeeds('at last an import succeeds', import_actuals());
	isnt(look($MODEL)->{figures}, $before->{figures}, 'and changes the figures');
	set_right();
	return;
}

my @tests = (
	\&test_token_refused, \&test_reconnect_required, \&test_authentication_outage, \&test_permanent_faults, \&test_plain_text_faults,
	\&test_broken_characters,
	\&test_faults_with_status_200, \&test_second_report_fails, \&test_throttled, \&test_does_not_tie_out, \&test_invalid_answers,
	\&test_invalid_reports, \&test_redirect, \&test_app_refused, \&test_key_files, \&test_malformed_rings, \&test_other_keys,
	\&test_key_commands, \&test_unavailable_answers, \&test_no_answer, \&test_unreachable, \&test_untrusted,
	\&test_change_is_seen_at_last, \&test_throttling_passes, \&test_invalid_charts, \&test_grant_at_its_end, \&test_healing, \&test_token_refreshed_once,
	\&test_one_half_fails, \&test_failing_companies, \&test_revoked_grant, \&test_revoked_grant_with_living_token,
	\&test_trouble_that_passes, \&test_halving);

prepare();
$_->() foreach @tests;
$node->stop;

done_testing();
