# The manual does what it says: every statement of every page is run by psql, in the page's order, on a cluster like the
# one that "make demo-cluster" starts, and what a page shows of its answers comes. Reefqbo::Manual has how pages are read.
#
# Only the user in the browser and the app at Intuit are played: a \prompt for an address is answered by sign-in, with
# the company that it asks for, and where a page has Intuit's sandbox, the simulator's is meant.

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Spec ();
use File::Temp ();
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Manual;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my ($TODAY, $LAST) = ('2026-11-20', '2026-11-30');
my ($LONGEST_LINE, $LONGEST_README) = (110, 300);

# Beside README and docs.
my @OTHER_PAGES = ('CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md');

# How a page's cluster differs from the others'. Where a page is not about it the background worker is left out: it would
# come in between at moments of its own.
my %CLUSTER = (
	'docs/install.md' => { bare   => 1 },
	'docs/runbook.md' => { worker => 1, first => '2025-12-01', proof => 0 },
	'docs/worker.md'  => { worker => 1 });

# Blocks that are not run, by the page and the beginning of their first line, and why.
my %NOT_RUN = ('docs/runbook.md: primary=> CREATE PUBLICATION' => 'needs a second server; t/073_copies.pl does it',
	'docs/runbook.md: replica=> DROP SUBSCRIPTION' => 'needs a second server; t/073_copies.pl does it');

my ($intuit, $node, $first);
my $commands = File::Temp->newdir('commands_XXXX', TMPDIR => 1);

# ---- following a page ----

# Who signs in is not at the keyboard. And whoever reads what the worker does has given it the time to do it.
my $AT_REST = q{DO $$ BEGIN WHILE EXISTS (SELECT FROM reefqbo.worker_status() WHERE state IN ('due', 'working')) LOOP PERFORM pg_sleep(0.1); END LOOP; END $$;};

sub played
{
	my ($line) = @_;

	return "$AT_REST\n$line" if $line =~ /FROM reefqbo\.worker_status\(\)/;
	$line =~ s/\bABx+\b/$Reefqbo::Simulator::APP{sandbox}{id}/;
	my ($words, $variable) = $line =~ /\A\\prompt '([^']*)' (\w+)\z/ or return $line;
	my $company = $words =~ /wrong company/ ? 'atoll' : $words =~ /sandbox company/ ? 'sandy' : 'reef';

	return "\\setenv ADDRESS :address\n\\set $variable `sign-in $company \"\$ADDRESS\"`";
}

# What psql says to each step: [ standard output, standard error ].
sub answers
{
	my @steps = @_;
	my $script = File::Temp->new;
	my ($out, $err);
	local %ENV = (%ENV, PATH => "$commands:$ENV{PATH}", PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres',
		REEFQBO_KEY => $node->basedir . '/reefqbo.key', QBO_CLIENT_SECRET => $Reefqbo::Simulator::APP{sandbox}{secret});

	print $script "\\pset footer off\n";
	print $script map { "\\echo \@\@ step\n\\warn \@\@ step\n" . played($_->{run}) . "\n" } @steps;
	close $script;
	# unbuffered, so that what a shell command prints stands where it belongs
	IPC::Run::run([ 'stdbuf', '-o0', 'psql', '-X', '-q', '-f', "$script" ], '<', \undef, '>', \$out, '2>', \$err);
	# psql says where a statement stands, and what it runs in a shell does not
	$err =~ s/^psql:\S+ //mg;
	my (undef, @out) = split /^\@\@ step\n/m, $out;
	my (undef, @err) = split /^\@\@ step\n/m, $err;
	return map { [ $out[$_] // '', $err[$_] // '' ] } 0 .. $#steps;
}

my %followed;

# Follow a page, or a section of it. What psql has printed, its columns separated by nothing but "|".
sub follow
{
	my ($page, $title) = @_;
	my @steps = steps($page, $title);
	my @answers = answers(@steps);
	my @wrong = grep { defined } map { difference($steps[$_], @{ $answers[$_] }) } 0 .. $#steps;

	$followed{$page}{ $_->{place} } = 1 foreach @steps;
	is(scalar @wrong, 0, ($title // $page) . ': it says what is shown, and no other error') or diag(join "\n\n", @wrong);
	foreach my $n (0 .. $#steps)
	{
		my ($err, @shown) = ($answers[$n][1], grep { /\A(?:ERROR|NOTICE|WARNING):  / } @{ $steps[$n]{shows} });

		like($err, $_, ($title // $page) . ": it says $_") foreach map { first_words($_) } @shown;
	}
	return join '', map { s/ *\| */|/gr =~ s/^ +| +$//mgr } map { $_->[0] } @answers;
}

sub first_words
{
	my ($line) = @_;
	my ($words) = $line =~ /\A(.*?)(?:…|\z)/;

	return qr/^\Q$words\E/m;
}

# ---- how things stand ----

sub status { return sql(q{SELECT status FROM reefqbo.connection_status}) }

sub figures_are_right
{
	my ($name, $database) = @_;
	my $lines = join "\n", sort split /\n/, sql(<<'END', $database);
SELECT statement, period_start, account_id, trim_scale(amount) FROM reefqbo.actual WHERE amount <> 0
END

	return is($lines, ledger_lines($intuit, 'reef', $first, $LAST), "$name: the figures are those of the ledger");
}

sub signs_in_again
{
	my ($after) = @_;

	like(runbook('Signing in again'), qr/Reef Trading Ltd\|connected$/m, "$after: signing in again works");
	is(status(), 'connected', "$after: the connection stands");
	wait_until_idle($node);
	return figures_are_right($after);
}

# ---- the cluster ----

sub make_command
{
	my ($name, @command) = @_;
	my $file = "$commands/$name";

	unlink $file;
	append_to_file($file, "#!/bin/sh\n" . join("\n", @command) . "\n");
	return chmod 0755, $file;
}

sub make_commands
{
	my $tools = "PYTHONDONTWRITEBYTECODE=1 exec python3 '$Reefqbo::Simulator::SIMULATOR";

	make_command('sign-in', "company=\$1 address=\$2", "$tools/browser.py' --ca '" . $intuit->ca_file . "' --company \"\$company\" \"\$address\"");
	return make_command('quickbooks', "$tools/admin.py' --ca '" . $intuit->ca_file . "' --url '" . $intuit->url . "' \"\$\@\"");
}

# A page's cluster: as the demo leaves it, or with a key ring and nothing else.
sub begin
{
	my ($page) = @_;
	my %options = %{ $CLUSTER{$page} // {} };

	$first = $options{first} // '2023-12-01';
	$intuit = Reefqbo::Simulator->start(today => $TODAY, no_throttle => undef);
	$node = plain_cluster(basename_of($page), intuit => $intuit, preload => 1, proof_requests => $options{proof} // 1,
		settings => "reefqbo.databases = '" . ($options{worker} ? 'postgres' : '') . q{'});
	use_cluster($node);
	make_commands();
	align_clock($node);
	return if $options{bare};
	sql('CREATE EXTENSION reefqbo CASCADE');
	sql(call('create_environment', 'simulator', \'false', $intuit->authorize_url, $intuit->token_url, $intuit->revoke_url, $intuit->api_url('production')));
	sql(call('register_app', 'simulator', 'prod-client', 'prod-secret', $Reefqbo::Simulator::REDIRECT_URI));
	play_intuits_sandbox();
	$node->connect_company('Reef forecast', 'simulator', 'reef');
	# as the demo does: the books were made a moment ago, and what QuickBooks calls a change is not to be that
	set_clock($node, '10 minutes');
	sql(call('import_accounts', 'Reef forecast'));
	return sql("SELECT FROM reefqbo.import_actuals('Reef forecast', '$first', '$LAST')");
}

sub play_intuits_sandbox
{
	my @addresses = ($intuit->authorize_url, $intuit->token_url, $intuit->revoke_url, $intuit->api_url('sandbox'));

	$intuit->admin('set_company', { company => 'sandy', name => 'Sandbox Company US 1c' });
	return sql('UPDATE reefqbo.environment SET (authorize_url, token_url, revoke_url, api_url) = ('
		  . join(', ', map { quote($_) } @addresses) . q{) WHERE name = 'sandbox'});
}

sub basename_of { return $_[0] =~ s/\W/_/gr }

sub end
{
	$node->stop;
	return $intuit->stop;
}

# ---- the runbook ----

sub runbook { return follow('docs/runbook.md', @_) }

sub follow_runbook
{
	runbook('Runbook');

	runbook('Access revoked');
	is(status(), 'reconnect_required', 'access revoked: the status tells it');
	signs_in_again('access revoked');

	runbook('Wrong company');
	is(status(), 'connected', 'wrong company: nothing has changed');
	figures_are_right('wrong company');
	signs_in_again('wrong company');

	like(runbook('Lapsed subscription'), qr/^suspended\|.*^connected$/ms, 'lapsed subscription: the status tells it, and that it is over');
	figures_are_right('lapsed subscription');

	my $found = runbook('Permission missing');
	like($found, qr/ProfitAndLoss.*BalanceSheet/s, 'permission missing: it is said for what');
	is(scalar(() = $found =~ /: BalanceSheet\|problem/g), 1, 'permission missing: and no more once it is given');

	like(runbook('Key rotated'), qr/k2/, 'key rotated: the new key is the newest');
	command_ok([ 'sed', '-i', '/^k1:/d', $node->basedir . '/reefqbo.key' ], 'key rotated: the old line goes');
	is(sql(q{SELECT months FROM reefqbo.refresh('Reef forecast', whole => true)}), '12', 'key rotated: and everything works');
	figures_are_right('key rotated');

	runbook('Key lost');
	signs_in_again('key lost');

	runbook('App secret changed');
	is(status(), 'connected', 'app secret changed: nobody had to sign in');

	like(runbook('Restored to staging'), qr/key ring/, 'restored to staging: the copy says that it has no key');
	is(sql('SELECT md5(string_agg(a::text, $$;$$ ORDER BY a::text)) FROM reefqbo.actual a', 'staging'),
		sql('SELECT md5(string_agg(a::text, $$;$$ ORDER BY a::text)) FROM reefqbo.actual a'), 'restored to staging: the figures are there');
	is(status(), 'connected', 'restored to staging: the original is as it was');

	runbook('Restore cut off');
	is(sql(q{SELECT detail FROM reefqbo.audit WHERE action = 'restore_finished'}, 'half') =~ s/ has \d+ rows, and the dump \d+/ has less/r,
		'reefqbo.api_call: it has less', 'restore cut off: what was missing is written down');

	runbook('Moved to a new server');
	figures_are_right('moved to a new server', 'moved');
	is(sql(q{SELECT status FROM reefqbo.connection_status}, 'moved'), 'connected', 'moved to a new server: the connection lives');
	$node->poll_query_until('postgres', q{SELECT bool_or(database = 'moved' AND state = 'idle') FROM reefqbo.worker_status()})
	  or BAIL_OUT('the worker does not come to rest');
	return pass('moved to a new server: the worker works there');
}

# ---- the pages as such ----

sub page_of
{
	my ($page, $link) = @_;
	my ($file) = $link =~ /\A([^#]*)/;
	my $path = $file eq '' ? $page : File::Spec->canonpath((dirname($page) eq '.' ? '' : dirname($page) . '/') . $file);

	1 while $path =~ s{(?:\A|(?<=/))(?!\.\.)[^/]+/\.\.(?:/|\z)}{};
	return $path;
}

sub broken_links
{
	my ($page) = @_;
	my @broken;

	foreach my $link (links($page))
	{
		my ($path, $anchor) = (page_of($page, $link->{to}), $link->{to} =~ /#(.*)/);

		next if -e "$Reefqbo::Manual::ROOT/$path" && (!defined $anchor || grep { $_ eq $anchor } anchors($path));
		push @broken, "$page, line $link->{number}: $link->{to}";
	}
	return @broken;
}

# Blocks of what somebody types that are not run, as they are called in %NOT_RUN or else by their first line.
sub left_out
{
	my @blocks = grep { !Reefqbo::Manual::is_run($_) && grep { /\A\w+=> / } @{ $_->{lines} } } map { blocks($_) } pages();
	my @names;

	foreach my $block (@blocks)
	{
		my $name = "$block->{page}: $block->{lines}[0]";
		my ($listed) = grep { index($name, $_) == 0 } sort keys %NOT_RUN;
		push @names, $listed // $name;
	}
	return sort @names;
}

sub look_at_pages
{
	my $readme = () = page_text('README.md') =~ /\n/g;

	cmp_ok($readme, '<=', $LONGEST_README, "README.md has at most $LONGEST_README lines");
	is_deeply([ map { broken_links($_) } pages(), @OTHER_PAGES ], [], 'links between pages lead somewhere');
	is_deeply([ map { my $page = $_; map { "$page, line $_" } long_lines($page, $LONGEST_LINE) } pages(), @OTHER_PAGES ],
		[], "no line but a table's has more than $LONGEST_LINE characters");
	is_deeply([ left_out() ], [ sort keys %NOT_RUN ], 'what is not run is listed, with the reason');
	note("not run: $_: $NOT_RUN{$_}") foreach sort keys %NOT_RUN;
	return;
}

# ---- the run ----

look_at_pages();
foreach my $page (grep { steps($_) } pages())
{
	begin($page);
	if ($page eq 'docs/runbook.md') { follow_runbook() }
	else                            { follow($page) }
	is_deeply([ grep { !$followed{$page}{$_} } map { $_->{place} } steps($page) ], [], "$page: every step was followed");
	end();
}

done_testing();
