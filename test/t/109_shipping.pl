# What is shipped says the same of itself everywhere, and what promises to run exists. No server is needed.

use strict;
use warnings;

use File::Basename qw(basename dirname);
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $SOURCE = dirname(__FILE__) . '/../..';

sub text { return slurp_file("$SOURCE/$_[0]") }

# The one match of a pattern in a file.
sub says
{
	my ($file, $pattern) = @_;
	my @found = text($file) =~ /$pattern/mg;

	return $found[0] // "nothing in $file";
}

sub test_version
{
	my $version = says('reefqbo.control', qr/^default_version = '([\d.]+)'$/m);
	my $meta = decode_json(text('META.json'));

	like($version, qr/\A\d+\.\d+\z/, 'the control file has the version');
	is($meta->{version}, "$version.0", 'META.json has it, with a third number as PGXN wants it');
	is($meta->{provides}{reefqbo}{version}, "$version.0", 'of the extension too');
	is(says('rpm/reefqbo.spec', qr/^Version:\s+(\S+)$/m), "$version.0", 'so has the RPM');
	like(says('debian/changelog', qr/\Areefqbo \(([^)]+)\)/m), qr/\A\Q$version\E-/, 'and the Debian package');
	like(says('CHANGELOG.md', qr/^## (\S+)/m), qr/\A\Q$version\E\./, 'and the head of the changelog');
	is(says('Makefile', qr/(\d+\.\d+\.sql)/m), 'nothing in Makefile', 'and the Makefile has none of its own');
	ok(-e "$SOURCE/$_", "META.json names what exists: $_") foreach map { @{$_}{qw(file docfile)} } values %{ $meta->{provides} };
	return;
}

# A job of the continuous integration that does something else than a goal of the Makefile could not be run here.
sub test_workflows
{
	my %goals = map { $_ => 1 } map { split } text('Makefile') =~ /^([a-z][a-z -]*):(?!=)/mg;

	foreach my $file (glob "$SOURCE/.github/workflows/*.yml")
	{
		my @steps = slurp_file($file) =~ /^\s*- run: (.*)$/mg;
		my @matrix = map { split /,\s*/ } slurp_file($file) =~ /^\s*goal: \[(.*)\]$/mg;
		my @own = grep { !/\Aapt-get / } @steps;

		isnt(scalar @own, 0, basename($file) . ' runs something');
		like($_, qr/\Amake [^;&|]+\z/, basename($file) . ": one of the project's own goals: $_") foreach @own;
		foreach my $goal ((map { /\Amake ([\w-]+)/ ? $1 : () } @own), (map { /\A"?([\w-]+)/ } @matrix))
		{
			ok($goals{$goal}, basename($file) . ": make $goal is there");
		}
	}
	return;
}

# Who reads the manual's first page finds every other.
sub test_contents
{
	my $contents = text('docs/README.md');

	foreach my $page (map { basename($_) } glob "$SOURCE/docs/*.md")
	{
		like($contents, qr/\(\Q$page\E[)#]/, "the contents lead to $page") unless $page eq 'README.md';
	}
	return;
}

# Debian and PGDG name packages by the version of the server.
sub test_packages
{
	like(text('debian/control.in'), qr/^Package: postgresql-PGVERSION-reefqbo$/m, 'one package for each version of the server');
	like(text('debian/control.in'), qr/libcurl4 \(>= 7\.85\)/, 'which asks for the libcurl that it needs');
	like(text('rpm/reefqbo.spec'), qr/^Requires:\s+libcurl >= 7\.85$/m, 'so does the RPM');
	ok(-x "$SOURCE/debian/$_", "debian/$_ can be run") foreach 'rules', 'tests/linked', 'tests/installcheck', 'tests/removed';
	return;
}

test_version();
test_workflows();
test_contents();
test_packages();

done_testing();
