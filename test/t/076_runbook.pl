# The manual's runbook does what it says: every line of it is run by psql, in its order, on a cluster like the one
# that "make demo-cluster" starts, and what it shows of errors and notices comes.
#
# Only the user in the browser is played: a \prompt for an address is answered by sign-in, with the company
# that it asks for.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp ();
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my $MANUAL = abs_path(dirname(abs_path(__FILE__)) . '/../../README.md');
my ($FIRST, $LAST) = ('2025-12-01', '2026-11-30');

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = plain_cluster('runbook', intuit => $intuit, preload => 1, settings => q{reefqbo.databases = 'postgres'});
my $commands = File::Temp->newdir('commands_XXXX', TMPDIR => 1);

sub call { return Reefqbo::Cluster::call(@_) }

sub sql
{
	my ($query, $database) = @_;
	return $node->safe_psql($database // 'postgres', $query);
}

# ---- the manual ----

# The lines of code of a section: [ statement, what it is shown to say ].
sub section
{
	my ($title) = @_;
	my ($text) = slurp_file($MANUAL) =~ /^#{2,3} \Q$title\E\n(.*?)(?=^#{2,3} |\z)/ms or die "the manual has no section \"$title\"";
	my @steps;

	foreach my $block ($text =~ /^```\n(.*?)^```$/msg)
	{
		foreach my $line (split /\n/, $block)
		{
			if    ($line =~ /\A=> (.*)\z/)                      { push @steps, { run => $1, shows => [] } }
			elsif ($line =~ /\A(?:ERROR|NOTICE|WARNING):  /)    { push @{ $steps[-1]{shows} }, $line }
			elsif ($line !~ /\A(?:DETAIL|HINT| |\s*\z|\(|-)/)   { die "what is this line of the manual: $line" }
		}
	}
	return @steps;
}

# Who signs in is not at the keyboard.
sub played
{
	my ($line) = @_;
	my ($words, $variable) = $line =~ /\A\\prompt '([^']*)' (\w+)\z/ or return $line;
	my $company = $words =~ /wrong company/ ? 'atoll' : 'reef';

	return "\\setenv ADDRESS :address\n\\set $variable `sign-in $company \"\$ADDRESS\"`";
}

sub follow
{
	my ($title) = @_;
	my @steps = section($title);
	my $script = File::Temp->new;
	my ($out, $err);
	local %ENV = (%ENV, PATH => "$commands:$ENV{PATH}", PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres',
		REEFQBO_KEY => $node->basedir . '/reefqbo.key');

	print $script map { played($_->{run}) . "\n" } @steps;
	close $script;
	IPC::Run::run([ 'psql', '-X', '-A', '-t', '-q', '-f', "$script" ], '<', \undef, '>', \$out, '2>', \$err);
	# psql says where a statement stands, and what it runs in a shell does not
	$err =~ s/^psql:\S+ //mg;
	foreach my $shown (map { @{ $_->{shows} } } @steps)
	{
		like($err, qr/^\Q$shown\E/m, "$title: it says \"$shown\"");
	}
	is(scalar(() = "$out\n$err" =~ /^ERROR:/mg), scalar(grep { /^ERROR/ } map { @{ $_->{shows} } } @steps), "$title: and no other error")
	  or diag($err);
	return $out;
}

# ---- how things stand ----

sub status { return sql(q{SELECT status FROM reefqbo.connection_status}) }

sub figures_are_right
{
	my ($name, $database) = @_;
	my $lines = join "\n", sort split /\n/, sql(<<'END', $database);
SELECT statement, period_start, account_id, trim_scale(amount) FROM reefqbo.actual WHERE amount <> 0
END

	return is($lines, ledger_lines($intuit, 'reef', $FIRST, $LAST), "$name: the figures are those of the ledger");
}

sub signs_in_again
{
	my ($after) = @_;

	like(follow('Signing in again'), qr/Reef Trading Ltd\|connected$/m, "$after: signing in again works");
	is(status(), 'connected', "$after: the connection stands");
	wait_until_idle($node);
	return figures_are_right($after);
}

# ---- the cluster ----

sub make_command
{
	my ($name, @command) = @_;
	my $file = "$commands/$name";

	append_to_file($file, "#!/bin/sh\n" . join("\n", @command) . "\n");
	return chmod 0755, $file;
}

sub make_cluster
{
	my $tools = "PYTHONDONTWRITEBYTECODE=1 exec python3 '$Reefqbo::Simulator::INTUIT";

	make_command('sign-in', "company=\$1 address=\$2", "$tools/browser.py' --ca '" . $intuit->ca_file . "' --company \"\$company\" \"\$address\"");
	make_command('quickbooks', "$tools/admin.py' --ca '" . $intuit->ca_file . "' --url '" . $intuit->url . "' \"\$\@\"");
	sql('CREATE EXTENSION reefqbo CASCADE');
	sql(call('create_environment', 'simulator', \'false', $intuit->authorize_url, $intuit->token_url, $intuit->revoke_url, $intuit->api_url('production')));
	sql(call('register_app', 'simulator', 'prod-client', 'prod-secret', $Reefqbo::Simulator::REDIRECT_URI));
	$node->connect_company('Reef forecast', 'simulator', 'reef');
	align_clock($node);
	return sql("SELECT FROM reefqbo.import_actuals('Reef forecast', '$FIRST', '$LAST')");
}

# ---- the run ----

make_cluster();
follow('Runbook');

follow('Access revoked');
is(status(), 'reconnect_required', 'access revoked: the status tells it');
signs_in_again('access revoked');

follow('Wrong company');
is(status(), 'connected', 'wrong company: nothing has changed');
figures_are_right('wrong company');
signs_in_again('wrong company');

like(follow('Lapsed subscription'), qr/^suspended\|.*^connected$/ms, 'lapsed subscription: the status tells it, and that it is over');
figures_are_right('lapsed subscription');

my $found = follow('Permission missing');
like($found, qr/ProfitAndLoss.*BalanceSheet/s, 'permission missing: it is said for what');
is(scalar(() = $found =~ /: BalanceSheet\|problem/g), 1, 'permission missing: and no more once it is given');

like(follow('Key rotated'), qr/k2/, 'key rotated: the new key is the newest');
command_ok([ 'sed', '-i', '/^k1:/d', $node->basedir . '/reefqbo.key' ], 'key rotated: the old line goes');
is(sql(q{SELECT months FROM reefqbo.refresh('Reef forecast', whole => true)}), '12', 'key rotated: and everything works');
figures_are_right('key rotated');

follow('Key lost');
signs_in_again('key lost');

follow('App secret changed');
is(status(), 'connected', 'app secret changed: nobody had to sign in');

like(follow('Restored to staging'), qr/key ring/, 'restored to staging: the copy says that it has no key');
is(sql('SELECT md5(string_agg(a::text, $$;$$ ORDER BY a::text)) FROM reefqbo.actual a', 'staging'),
	sql('SELECT md5(string_agg(a::text, $$;$$ ORDER BY a::text)) FROM reefqbo.actual a'), 'restored to staging: the figures are there');
is(status(), 'connected', 'restored to staging: the original is as it was');

follow('Moved to a new server');
figures_are_right('moved to a new server', 'moved');
is(sql(q{SELECT status FROM reefqbo.connection_status}, 'moved'), 'connected', 'moved to a new server: the connection lives');
$node->poll_query_until('postgres', q{SELECT bool_or(database = 'moved' AND state = 'idle') FROM reefqbo.worker_status()})
  or BAIL_OUT('the worker does not come to rest');
pass('moved to a new server: the worker works there');
$node->stop;

done_testing();
