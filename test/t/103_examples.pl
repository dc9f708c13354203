# The examples in other languages, each started as its head says: a user connects a company, an import is asked for and
# followed to its end, and the statement is the ledger's; a sign-in of another browser is refused by its SQLSTATE.

use strict;
use warnings;

use Cwd qw(abs_path);
use IPC::Run ();
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;

my $EXAMPLES = abs_path("$Reefqbo::Simulator::HERE/../../../examples");
# Debian's packages are for Debian's Python.
my $PYTHON = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';
my %EXAMPLE = (
	python => { has => [ $PYTHON, '-c', 'import flask, psycopg' ],
		run => sub { [ $PYTHON, '-B', '-m', 'flask', '--app', "$EXAMPLES/python/app.py", 'run', '--port', $_[0] ] } },
	php => { has => [ 'php', '-r', 'exit(function_exists("pg_connect") ? 0 : 1);' ],
		run => sub { [ 'php', '-S', "localhost:$_[0]", "$EXAMPLES/php/index.php" ] } },
	ruby => { has => [ 'ruby', '-e', 'require "sinatra/base"; require "pg"; require "webrick"' ],
		run => sub { [ 'ruby', "$EXAMPLES/ruby/app.rb", '-p', $_[0], '-e', 'production', '-s', 'webrick' ] } });
my %port = map { $_ => PostgreSQL::Test::Cluster::get_free_port() } sort keys %EXAMPLE;

# One option of a name can be given to the simulator's module: all three addresses by hand.
my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef,
	map { ("redirect=http://localhost:$port{$_}/quickbooks/callback" => undef) } keys %port);
my $node = reefqbo_cluster('examples', $intuit, preload => 1, settings => "reefqbo.databases = 'postgres'\n");

# A browser: { jar, status, location, body } of a request, by Python, since Perl's own client may not be there.
sub browse
{
	my ($jar, $method, $url, $form) = @_;
	my $program = <<~'END';
		import http.cookiejar, json, sys, urllib.error, urllib.request
		jar, method, url, form = sys.argv[1:5]
		cookies = http.cookiejar.LWPCookieJar(jar)
		try: cookies.load(ignore_discard=True)
		except OSError: pass
		class Stay(urllib.request.HTTPRedirectHandler):
		    def redirect_request(self, *rest): return None
		opener = urllib.request.build_opener(Stay, urllib.request.HTTPCookieProcessor(cookies))
		try: answer = opener.open(urllib.request.Request(url, form.encode() if method == "POST" else None, method=method), timeout=60)
		except urllib.error.HTTPError as error: answer = error
		except OSError as error:
		    print(json.dumps({"status": 0, "body": str(error)})); sys.exit()
		body = answer.read().decode()
		cookies.save(ignore_discard=True)
		print(json.dumps({"status": answer.status, "location": answer.headers.get("Location"), "body": body}))
		END
	my ($out, $err) = run_command([ 'python3', '-c', $program, $jar, $method, $url, $form // '' ]);

	return eval { JSON::PP::decode_json($out) } // die "the browser failed: $err";
}

sub start
{
	my ($language) = @_;
	my $output = $node->basedir . "/$language.log";

	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGUSER => 'app', PGDATABASE => 'postgres',
		QBO_ENVIRONMENT => 'sim-production', APP_URL => "http://localhost:$port{$language}",
		FLASK_SECRET_KEY => 'x' x 64, SESSION_SECRET => 'x' x 64);
	my $program = IPC::Run::start($EXAMPLE{$language}{run}->($port{$language}), '<', \undef, '>', $output, '2>&1');
	my $jar = $node->basedir . "/$language.first";
	eval { wait_until("$language answers", sub { browse($jar, 'GET', "http://localhost:$port{$language}/")->{status} }) }
	  or note(slurp_file($output));
	return $program;
}

sub test_example
{
	my ($language, $company) = @_;
	my ($url, $model) = ("http://localhost:$port{$language}", "of-$language");
	my ($hers, $his) = map { $node->basedir . "/$language.$_" } 'hers', 'his';
	my $log = $node->basedir . "/$language.log";

	sql(call('create_model', $model));
	my $begun = browse($hers, 'POST', "$url/models/$model/connect");
	is($begun->{status}, 303, "$language: connect redirects") or diag($begun->{body}, slurp_file($log));
	my $back = $intuit->browse($begun->{location}, company => $company);
	my $refused = browse($his, 'GET', $back);
	is("$refused->{status} " . JSON::PP::decode_json($refused->{body})->{sqlstate}, '400 RQ009', "$language: another browser is refused");
	my $made = browse($hers, 'GET', $back);
	is(JSON::PP::decode_json($made->{body})->{status}, 'connected', "$language: the callback connects") or diag($made->{body}, slurp_file($log));
	is(browse($hers, 'GET', $back)->{status}, 200, "$language: and may be loaded again");

	my $asked = browse($hers, 'POST', "$url/models/$model/imports", 'from=2026-01-01&until=2026-03-31');
	is($asked->{status}, 202, "$language: an import is asked for");
	my $number = JSON::PP::decode_json($asked->{body})->{request_id};
	my $followed = browse($hers, 'GET', "$url/requests/$number");
	like($followed->{body}, qr{succeeded 1/1\n\z}, "$language: and followed to its end");

	my $rows = JSON::PP::decode_json(browse($hers, 'GET', "$url/models/$model/profit-and-loss?from=2026-01-01&until=2026-01-31")->{body});
	my ($net) = map { $_->[2] } grep { $_->[0] eq 'Net Income' } @$rows;
	my %sign = map { $_->{id} => $_->{type} =~ /Income/ ? 1 : -1 } @{ $intuit->admin('accounts', { company => $company })->{accounts} };
	my $cents = 0;
	$cents += $sign{ $_->{account_id} } * sprintf('%.0f', 100 * $_->{amount})
	  foreach @{ $intuit->truth(company => $company, statement => 'profit_and_loss', start => '2026-01-01', end => '2026-01-31')->{rows} };
	is($net, sprintf('%.2f', $cents / 100), "$language: net income is the ledger's");
	is(browse($hers, 'POST', "$url/models/nobody/imports", 'from=2026-01-01&until=2026-03-31')->{status}, 404, "$language: a model that is not there is 404");
	is(browse($hers, 'POST', "$url/models/$model/imports", 'from=2026-01-02&until=2026-03-31')->{status}, 400, "$language: what is no month is 400");
	return;
}

sql('CREATE ROLE app LOGIN');
sql(call('grant_access', 'app', 'operator'));
my $pod = 0;
foreach my $language (sort keys %EXAMPLE)
{
  SKIP:
	{
		$pod++;
		my $there = eval { IPC::Run::run($EXAMPLE{$language}{has}, '>', \my $out, '2>', \my $err) };
		skip "there is no runtime for $language", 9 unless $there;
		sql("UPDATE reefqbo.app SET redirect_uri = 'http://localhost:$port{$language}/quickbooks/callback' FROM reefqbo.environment e WHERE e.environment_id = app.environment_id AND e.name = 'sim-production'");
		my $program = start($language);
		test_example($language, "pod-$pod");
		$program->kill_kill;
	}
}
$node->stop;

done_testing();
