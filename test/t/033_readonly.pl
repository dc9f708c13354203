# QuickBooks has no right that would only let one read.  So it is the code that
# must be unable to write: by what the simulator saw of everything that
# reefqbo does, and by how the code is laid out.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;

my $SOURCE = abs_path(dirname(abs_path(__FILE__)) . '/../../src');
my $MONTH = q{'2026-09-01', '2026-09-30'};
my $YEAR = q{'2025-10-01', '2026-09-30'};

# ---- what is sent ----

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('readonly', $intuit, proof_requests => 1);
my %company = map { $_->{key} => $_ } @{ $intuit->admin('companies')->{companies} };

sub misbehave
{
	my ($kind, %fault) = @_;
	$intuit->admin('fault', { company => 'reef', kind => $kind, %fault });
	return;
}

# The books of a company as they are stored, with everything that a write
# could change.
sub books
{
	my ($key) = @_;
	my $accounts = $intuit->admin('accounts', { company => $key })->{accounts};
	my $transactions = $intuit->admin('transactions', { company => $key, limit => 100000 })->{transactions};

	return { accounts => $accounts, transactions => $transactions };
}

sub end_tokens { return sql('UPDATE reefqbo.credential SET access_expires_at = now()') }

sub do_everything
{
	$node->connect_company('Reef', 'sim-production', 'reef');
	$node->connect_company('Group', 'sim-production', 'pod-1', 'North');
	$node->connect_company('Group', 'sim-production', 'pod-2', 'South');
	$node->connect_company('Sandy', 'sim-sandbox', 'sandy');
	sql(call('import_accounts', $_)) foreach qw(Reef Group Sandy);
	sql(call('import_actuals', 'Reef', \$YEAR));
	sql(call('import_actuals', $_, \$MONTH, 'Cash')) foreach qw(Reef Group Sandy);
	end_tokens();
	sql(call('refresh', $_)) foreach qw(Reef Group Sandy);
	sql(call('check', $_)) foreach qw(Reef Group Sandy);
	sql(call('import_dimensions', 'Reef', 'class', \$MONTH, 'Cash'));
	sql(call('import_dimensions', 'Reef', 'department', \$MONTH, 'Cash'));
	sql("SELECT * FROM reefqbo.ledger_lines('Reef', a.account_id, '2026-09-01', accounting_method => 'Cash')"
	  =~ s/FROM/FROM (SELECT account_id FROM reefqbo.account WHERE account_type = 'Bank' AND is_active LIMIT 1) a,/r);
	sql(call('tie_out', 'Reef'));
	return;
}

# Every way in which a request is repeated, halved, refused or given up.
sub do_all_that_fails
{
	$intuit->admin('expire_access', { company => 'reef' });
	try(call('import_accounts', 'Reef'));
	misbehave('max_months', months => 6, times => -1);
	try(call('import_actuals', 'Reef', \$YEAR));
	$intuit->admin('clear_faults');
	misbehave('redirect', endpoint => 'query', location => "$intuit->{url}/production/v3/company/$company{reef}{realm}/account");
	try(call('import_accounts', 'Reef'));
	foreach my $fault ({ kind => 'fault', code => '3001', headers => { 'Retry-After' => '1' } }, { kind => 'html' }, { kind => 'empty' },
		{ kind => 'reset' }, { kind => 'status', status => 405, headers => { Allow => 'POST' } },
		{ kind => 'status', status => 307, headers => { Location => "$intuit->{url}/elsewhere" } }, { kind => 'fault', code => '5020' })
	{
		my %fault = %$fault;
		misbehave(delete $fault{kind}, %fault, endpoint => 'query');
		try('SET reefqbo.retry_budget = 3000; ' . call('import_accounts', 'Reef'));
		$intuit->admin('clear_faults');
	}
	$intuit->admin('fault', { kind => 'status', status => 307, endpoint => 'token', headers => { Location => "$intuit->{url}/elsewhere" } });
	end_tokens();
	try('SET reefqbo.retry_budget = 0; ' . call('import_accounts', 'Reef'));
	$intuit->admin('clear_faults');
	return;
}

sub do_ends
{
	$intuit->browse(sql(call('reconnect', 'Reef')), company => 'reef', deny => 1);
	my $back = $intuit->browse(sql(call('reconnect', 'Reef')), company => 'reef');
	sql(call('complete_connection', $back));
	sql(call('disconnect', 'Reef'));
	sql(call('disconnect', 'Group', 'North'));
	$intuit->admin('revoke_grant', { company => 'sandy' });
	end_tokens();
	try(call('import_accounts', 'Sandy'));
	return;
}

sub offenders
{
	my ($log, $is_offence) = @_;
	my %seen = map { ("$_->{method} $_->{path} $_->{query}" => 1) } grep { $is_offence->($_) } @$log;
	return join "\n", sort keys %seen;
}

sub test_requests
{
	my @log = grep { $_->{endpoint} ne 'authorize' } @{ $intuit->admin('log')->{log} };
	my %is_oauth = (token => 1, revoke => 1);
	my %count;

	$count{"$_->{method} $_->{endpoint}"}++ foreach @log;
	cmp_ok($count{$_} // 0, '>', 0, "there was a $_")
	  foreach ('GET companyinfo', 'GET preferences', 'GET query', 'GET cdc', 'GET ProfitAndLoss', 'GET BalanceSheet', 'GET GeneralLedger', 'GET TrialBalance', 'POST token', 'POST revoke');
	is(offenders(\@log, sub { !$is_oauth{ $_[0]{endpoint} } && $_[0]{method} ne 'GET' }), '', 'the accounting API sees nothing but GET');
	is(offenders(\@log, sub { $is_oauth{ $_[0]{endpoint} } && $_[0]{method} ne 'POST' }), '', 'token and revoke see nothing but POST');
	is(offenders(\@log, sub { $_[0]{endpoint} !~ /^(?:token|revoke|companyinfo|preferences|query|cdc|ProfitAndLoss|BalanceSheet|GeneralLedger|TrialBalance)$/ }), '',
		'and nothing else is ever asked for');
	is(offenders(\@log, sub { $_[0]{endpoint} eq 'query' && $_[0]{query} !~ /^query=select%20/i }), '', 'a query is a select');
	is(offenders(\@log, sub { !$is_oauth{ $_[0]{endpoint} } && $_[0]{query} !~ /\bminorversion=75$/ }), '', 'of the minor version that is alive');
	is(offenders(\@log, sub { $is_oauth{ $_[0]{endpoint} } && $_[0]{query} ne '' }), '', 'and no token is in an address');
	is(offenders(\@log, sub { !$is_oauth{ $_[0]{endpoint} } && !defined $_[0]{fault} && $_[0]{token_kind} =~ /^(?:none|basic)$/ }), '', 'the accounting API is sent bearer tokens');
	is(offenders(\@log, sub { $is_oauth{ $_[0]{endpoint} } && $_[0]{token_kind} ne 'basic' && $_[0]{status} == 200 }), '', 'the others are sent the app\'s keys');
	return;
}

# ---- what is written down of it ----

# A request as both logs can tell it: the realm ids are blanked in ours.
sub told
{
	my ($method, $path, $query) = @_;
	my $address = $path . ($query ne '' ? "?$query" : '');

	$address =~ s!(/company(?:info)?/)\d+!$1 . '{realm}'!ge;
	return "$method $address";
}

sub test_evidence
{
	my @theirs = map { told(@{$_}{qw(method path query)}) } grep { $_->{endpoint} ne 'authorize' } @{ $intuit->admin('log')->{log} };
	my @ours = split /\n/, sql('SELECT method, path FROM reefqbo.api_call');
	my %difference;

	s/\|/ / foreach @ours;
	$difference{$_}++ foreach @theirs;
	$difference{$_}-- foreach @ours;
	cmp_ok(scalar(@ours), '>', 60, 'requests are written down');
	is(join("\n", map { "$_: $difference{$_}" } grep { $difference{$_} != 0 } sort keys %difference), '',
		'our log has every request that the simulator has seen, and no other');
	is(sql(q{SELECT string_agg(DISTINCT method, ' ') FROM reefqbo.api_call WHERE path ~ '/v3/'}), 'GET', 'by ours as well, the accounting API has had nothing but GET');
	is(sql(q{SELECT string_agg(DISTINCT path, ' ' ORDER BY path) FROM reefqbo.api_call WHERE method <> 'GET'}),
		'/oauth2/v1/tokens/bearer /v2/oauth2/tokens/revoke', 'and POST went to the token and revoke endpoints alone');
	is(sql(q{SELECT count(*) FROM reefqbo.api_call WHERE path ~ '\d{12}'}), 0, 'no realm id is in it');
	is(sql(q{SELECT count(*) FROM reefqbo.api_call WHERE status = 200 AND method = 'GET' AND (intuit_tid IS NULL OR milliseconds < 0 OR error IS NOT NULL)}), 0,
		'an answer has its intuit_tid, and no error');
	is(sql(q{SELECT count(*) FROM reefqbo.api_call WHERE status = 200 AND method = 'GET' AND bytes = 0}), 1, 'and its bytes, but for the one that was empty');
	cmp_ok(sql('SELECT count(*) FROM reefqbo.api_call WHERE error IS NOT NULL'), '>', 0, 'one that did not come has a reason');
	is(sql('SELECT count(*) FROM reefqbo.api_call WHERE connection_id IS NULL AND method <> $$POST$$'), 0, 'all but the first token request name the connection');
	return;
}

# ---- how the code is laid out ----

sub sources
{
	my @files = sort map { glob("$SOURCE/$_.[ch]") } qw(* */*);
	return @files;
}

# The code of a file, without comments and strings that only talk about it.
sub code_of
{
	my ($file) = @_;
	my $text = slurp_file($file);

	$text =~ s{/\*.*?\*/}{}gs;
	return $text;
}

# Where it stands below src, as other files include it.
sub place_of
{
	my ($file) = @_;
	return $file =~ s{^\Q$SOURCE\E/}{}r;
}

sub files_with
{
	my ($regex, @files) = @_;
	return join ' ', map { place_of($_) } grep { code_of($_) =~ $regex } (@files ? @files : sources());
}

# The same, OAuth's files taken as one.
sub owners_with
{
	my %room = map { (s{^qbo/oauth_\w+}{qbo/oauth}r => 1) } split / /, files_with(@_);
	return join ' ', sort keys %room;
}

sub times_in_source
{
	my ($regex) = @_;
	my @found = map { code_of($_) =~ /$regex/g } sources();

	return scalar(@found);
}

sub test_one_way_out
{
	cmp_ok(scalar(sources()), '>', 20, 'the sources are here to be looked at');
	is(scalar(split / /, files_with(qr{#include\s*<curl/})), 1, 'libcurl is known to one file');
	is(times_in_source(qr/\bCURLOPT_POST\b/), 1, 'a request becomes a POST in one place');
	is(files_with(qr/\bCURLOPT_(?:CUSTOMREQUEST|UPLOAD|PUT|MIMEPOST|HTTPPOST|COPYPOSTFIELDS|READFUNCTION|READDATA|INFILESIZE)\b/), '',
		'and nothing else than GET and POST in any');
	is(files_with(qr/CURLOPT_FOLLOWLOCATION\s*,\s*+(?!0L)/), '', 'no redirect is ever followed');
	is(owners_with(qr/\.form\s*=|->form\s*=(?!=)(?!.*request->form)/), 'qbo/oauth.c', 'only OAuth has a body to send');
	is(files_with(qr/\brqbo_http_start\s*\(/, grep { /\.c$/ && !m{net/http\.c$} } sources()), 'net/task.c', 'a task of the engine starts every request');
	is(files_with(qr/\brqbo_task_send\s*\(|\brqbo_task_exchange\s*\(/, grep { /\.c$/ && !m{net/task\.c$} } sources()), 'qbo/session.c',
		'at one place, which takes a note of each');
	is(owners_with(qr/\brqbo_session_send\s*\(|\brqbo_session_exchange\s*\(/, grep { /\.c$/ && !m{qbo/session\.c$} } sources()), 'qbo/oauth.c qbo/sending.c',
		'for OAuth and for the accounting API only');
	is(owners_with(qr/->api_url\b/), 'qbo/sending.c store/connection.c', 'the address of the accounting API is read in one place and used in one');
	is(owners_with(qr/->(?:token|revoke)_url\b/), 'qbo/oauth.c store/connection.c', 'those of token and revoke in two others');
	is(files_with(qr/\brqbo_task_send_ahead\s*\(/, grep { /\.c$/ && !m{net/task\.c$} } sources()), 'qbo/sending.c',
		'what is sent ahead is for the accounting API');
	unlike(code_of("$SOURCE/qbo/sending.c"), qr/\bform\b/, 'which knows no body');
	return;
}

# Every file that a file includes, those included by our own headers too.
sub all_includes
{
	my ($file, $seen) = @_;
	$seen //= {};

	foreach my $name (code_of($file) =~ /^\s*#\s*include\s*[<"]([^>"]+)[>"]/mg)
	{
		next if $seen->{$name}++;
		all_includes("$SOURCE/$name", $seen) if -e "$SOURCE/$name";
	}
	return $seen;
}

sub knows
{
	my ($files, @forbidden) = @_;
	my @found;

	foreach my $file (@$files)
	{
		my $includes = all_includes($file);
		push @found, map { place_of($file) . " knows $_" } grep { $includes->{$_} } @forbidden;
	}
	return join ', ', @found;
}

sub sources_named
{
	my ($regex) = @_;
	return [ grep { place_of($_) =~ $regex } sources() ];
}

sub test_layers
{
	my @database = qw(executor/spi.h base/db.h base/array.h store/connection.h store/imports.h);
	my %pure = (
		'http' => qr{^net/(?:http|transfer)\w*\.[ch]$}, 'json' => qr{^net/json\.[ch]$}, 'report' => qr{^report/},
		'retry' => qr{^net/(?:retry|throttle)\.[ch]$}, 'secret' => qr{^secret/});

	foreach my $part (sort keys %pure)
	{
		my $files = sources_named($pure{$part});
		cmp_ok(scalar(@$files), '>=', 2, "$part has its files");
		is(knows($files, @database), '', "$part knows nothing of the database");
	}
	my $store = sources_named(qr{^store/.*\.c$});
	cmp_ok(scalar(@$store), '>=', 2, 'store has its files');
	is(knows($store, qw(net/http.h net/transfer.h net/engine.h qbo/accounting.h qbo/oauth.h curl/curl.h)), '', 'store knows nothing of the network');
	is(files_with(qr/\bSPI_execute|\bSPI_prepare|\bSPI_cursor/), 'base/db.c', 'statements are run in one file');
	is(files_with(qr/\bSPI_execute\b|\bSPI_exec\b/), '', 'and never as text put together');
	is(files_with(qr/#include\s*"executor\/spi\.h"/, @{ sources_named(qr{^worker/launcher\.c$}) }), '', 'the launcher knows no SPI')
	  if @{ sources_named(qr{^worker/launcher\.c$}) };
	return;
}

my %before = map { $_ => books($_) } qw(reef pod-1 sandy);

do_everything();
do_all_that_fails();
do_ends();
test_requests();
test_evidence();
is_deeply(books($_), $before{$_}, "the books of $_ are as they were") foreach sort keys %before;
test_one_way_out();
test_layers();
$node->stop;

done_testing();
