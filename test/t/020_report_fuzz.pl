# Whatever a report looks like, the reader gives rows that tie out, or RQ007, or RQ008; and nothing else.
#
# REEFQBO_FUZZ_SEED repeats a run, REEFQBO_FUZZ_ROUNDS makes it longer: the number of random edits and of
# random texts.

use strict;
use warnings;

use Encode qw(encode);
use File::Basename;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $SEED = $ENV{REEFQBO_FUZZ_SEED} // time();
my $ROUNDS = $ENV{REEFQBO_FUZZ_ROUNDS} // 1000;
my $FIXTURES = dirname(__FILE__) . '/../fixtures/reports';
my $CUT_ALL_OF = 8000;
my $CUTS_OF_LARGER = 400;

# Catches the two errors a report may be refused with. Any other ends the statement, and the test with it.
my $OUTCOME = <<'SQL';
CREATE FUNCTION outcome(report bytea) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM reefqbo.report_cells(convert_from(report, getdatabaseencoding()));
    RETURN 'rows';
EXCEPTION
    WHEN SQLSTATE 'RQ007' THEN RETURN 'RQ007';
    WHEN SQLSTATE 'RQ008' THEN RETURN 'RQ008';
END
$$
SQL

my $json = JSON::PP->new->utf8->canonical->allow_nonref->allow_bignum;

sub pick
{
	my (@choices) = @_;

	return $choices[ int(rand(@choices)) ];
}

# The reports, by name, as bytes.
sub fixtures
{
	my %reports;

	foreach my $path (glob("$FIXTURES/*.json"))
	{
		$reports{ basename($path, '.json') } = slurp_file($path);
	}
	return %reports;
}

# How many of the texts end in which way: rows, RQ007, RQ008.
sub outcomes
{
	my ($node, $database, @texts) = @_;
	my $sql = "CREATE TEMP TABLE sent (report bytea);\nCOPY sent FROM STDIN;\n";
	my %count = (rows => 0, RQ007 => 0, RQ008 => 0);

	$sql .= '\\\\x' . unpack('H*', $_) . "\n" foreach @texts;
	$sql .= "\\.\nSELECT outcome(report), count(*) FROM sent GROUP BY 1;\n";
	foreach my $line (split /\n/, $node->safe_psql($database, $sql))
	{
		my ($outcome, $count) = split /\|/, $line;
		$count{$outcome} = $count;
	}
	note(sprintf('%d texts: %s', scalar @texts, join(', ', map { "$count{$_} $_" } sort keys %count)));
	return %count;
}

# Every beginning of a small report, and many of a large one; some end inside a character.
sub beginnings
{
	my ($report) = @_;

	$report =~ s/\s+$//;
	return map { substr($report, 0, $_) } (0 .. length($report) - 1) if length($report) <= $CUT_ALL_OF;
	return map { substr($report, 0, int(rand(length($report)))) } (1 .. $CUTS_OF_LARGER);
}

sub test_cuts
{
	my ($node, %reports) = @_;
	my @texts = map { beginnings($reports{$_}) } sort keys %reports;
	my %count = outcomes($node, 'no_encoding', @texts);

	is($count{RQ008}, scalar @texts, 'the beginning of a report is never taken for a report');
}

# Every amount of a report that is summed somewhere, changed by one cent or so, one after the other.
sub changed_amounts
{
	my ($report) = @_;
	my @texts;

	while ($report =~ /"value": "-?\d*\.\d\K\d(?=")/g)
	{
		my $changed = $report;
		substr($changed, $-[0], 1) = (substr($report, $-[0], 1) + 1) % 10;
		push @texts, $changed;
	}
	return @texts;
}

sub test_amounts
{
	my ($node, %reports) = @_;

	foreach my $name (qw(bs_german bs_month pl_month pl_partial_months tb_total))
	{
		my @texts = changed_amounts($reports{$name});
		my %count = outcomes($node, 'postgres', @texts);

		is($count{RQ007}, scalar @texts, "$name: no amount can change and go unnoticed");
	}
}

# Every object and array of a tree.
sub containers
{
	my ($tree) = @_;
	my @found = ref $tree eq 'HASH' || ref $tree eq 'ARRAY' ? ($tree) : ();

	push @found, containers($_) foreach ref $tree eq 'HASH' ? values %$tree : ref $tree eq 'ARRAY' ? @$tree : ();
	return @found;
}

# Something that does not belong where it is put.
sub oddity
{
	return pick(
		undef, '', {}, [], -1, '-1.00', '1,000.00', '1e400', 'NaN', "\x{1F30A}", "\x{D7}" x 500,
		'2024-02-30', '9' x 200, JSON::PP::true, { value => '5.00' }, [ { ColData => [] } ],
		{ Row => { ColData => [ { value => 'x', id => '1' }, { value => '5.00' } ] } }, 'total', 'Money');
}

sub nested
{
	my $tree = {};

	$tree = { Rows => { Row => [ { Header => { ColData => [ { value => 'h' } ] }, %$tree } ] } } foreach 1 .. int(rand(60));
	return $tree;
}

# One edit somewhere in the tree: delete, duplicate, swap, or put something odd.
sub edit
{
	my ($tree) = @_;
	my $place = pick(containers($tree));
	my @keys = ref $place eq 'HASH' ? sort keys %$place : 0 .. $#$place;
	my $at = sub { ref $place eq 'HASH' ? \$place->{ $_[0] } : \$place->[ $_[0] ] };
	my ($key, $other) = (pick(@keys), pick(@keys));
	my $what = int(rand(6));

	return unless @keys;
	if ($what == 0) { ref $place eq 'HASH' ? delete $place->{$key} : splice(@$place, $key, 1) }
	elsif ($what == 1) { ${ $at->($other) } = ${ $at->($key) } }
	elsif ($what == 2) { (${ $at->($key) }, ${ $at->($other) }) = (${ $at->($other) }, ${ $at->($key) }) }
	elsif ($what == 3) { ref $place eq 'ARRAY' ? splice(@$place, $key, 0, $place->[$other]) : ($place->{ucfirst $key} = $place->{$other}) }
	elsif ($what == 4) { ${ $at->($key) } = nested() }
	else { ${ $at->($key) } = oddity() }
	return;
}

# The report with a few edits. They put things elsewhere within one container only, so that no cycle can be.
sub edited
{
	my ($report) = @_;
	my $tree = $json->decode($report);

	edit($tree) foreach 1 .. 1 + int(rand(3));
	return $json->encode($tree);
}

sub test_edits
{
	my ($node, %reports) = @_;
	my @texts = map { edited($reports{ pick(sort keys %reports) }) } (1 .. $ROUNDS);
	my %count = outcomes($node, 'postgres', @texts);

	is($count{rows} + $count{RQ007} + $count{RQ008}, scalar @texts, 'an edited report gives rows, RQ007 or RQ008');
}

# A report with some of its bytes replaced, or bytes that were never a report. Without the zero byte,
# which no text in PostgreSQL can have.
sub scrambled
{
	my ($report) = @_;

	return join('', map { chr(1 + int(rand(255))) } (0 .. int(rand(300)))) if rand() < 0.2;
	foreach (1 .. 1 + int(rand(8)))
	{
		my $byte = rand() < 0.5 ? chr(1 + int(rand(255))) : pick(split //, '{}[],:"\\0.-eE/u');
		substr($report, int(rand(length($report))), pick(0, 1, 1, 2)) = $byte;
	}
	return $report;
}

# In a database without an encoding, so that the bytes reach the reader.
sub test_bytes
{
	my ($node, %reports) = @_;
	my @texts = map { scrambled($reports{ pick(sort keys %reports) }) } (1 .. $ROUNDS);
	my %count = outcomes($node, 'no_encoding', @texts);

	is($count{rows} + $count{RQ007} + $count{RQ008}, scalar @texts, 'random bytes give rows, RQ007 or RQ008');
}

# ---- what is JSON ----

# Small texts with pieces put in, taken out or put in the place of others: most are JSON, or nearly.
my @SMALL = ('{"a":1}', '[1,2,{"b":[true,false,null]}]', '{"a":"\\u00e9\\ud83d\\ude00\\n"}', '[-1.5e+10,0,"x"]', '[[],{},""]', '[[[[[[1]]]]]]',
	'{"Header":{"ReportName":"Caf\x{e9}"}}', ' [ 0.10 , 1e5 , -0 ] ');
my @PIECES = (split(//, '{}[],:"\\01-.eE+ \'/a'), '\\u', '\\u0041', '\\ud83d', '\\ude00', 'true', 'false', 'null', 'tru', "\t", "\n", "\x01",
	"\x{e9}", 'NaN', 'Infinity', '00', '1.', '.5', '1e', '\\x', '\\/', "\x7f");

sub nearly_json
{
	my $text = pick(@SMALL);

	foreach (1 .. int(rand(4)))
	{
		my $at = int(rand(length($text) + 1));

		substr($text, $at, pick(0, 0, 1, 2, length($text) - $at)) = rand() < 0.7 ? pick(@PIECES) : '';
	}
	return $text;
}

# PostgreSQL has a reader of its own to ask. Left out is what only we refuse: a zero character, a document that is a
# string, a number or a word, and half a character, which we replace.
my $IS_TAKEN = <<'SQL';
CREATE FUNCTION is_taken(document text) RETURNS boolean LANGUAGE plpgsql AS
$$
DECLARE
    why text;
BEGIN
    PERFORM reefqbo.report_cells(document);
    RETURN true;
EXCEPTION WHEN SQLSTATE 'RQ008' THEN
    GET STACKED DIAGNOSTICS why = MESSAGE_TEXT;
    RETURN why <> 'QuickBooks report is not a JSON document';
END
$$;
CREATE FUNCTION is_json(document text) RETURNS boolean LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM document::json;
    RETURN true;
EXCEPTION WHEN invalid_text_representation THEN
    RETURN false;
END
$$;
SQL

sub test_json
{
	my ($node) = @_;
	my @texts = grep { !/\\u0000/ && /^\s*[[{]/ } map { nearly_json() } (1 .. 5 * $ROUNDS);
	my $array = join ', ', map { "'" . unpack('H*', encode('UTF-8', $_)) . "'" } @texts;
	my $counts = $node->safe_psql('postgres', $IS_TAKEN . "SELECT count(*) FILTER (WHERE is_taken(t) AND is_json(t)) > 100, "
		  . "count(*) FILTER (WHERE NOT is_taken(t) AND NOT is_json(t)) > 100, min(t) FILTER (WHERE is_taken(t) <> is_json(t)) "
		  . "FROM (SELECT convert_from(decode(h, 'hex'), 'UTF8') AS t FROM unnest(ARRAY[$array]) h) x");

	is($counts, 't|t|', 'a text is JSON to us where it is JSON to PostgreSQL');
	return;
}

my $node = PostgreSQL::Test::Cluster->new('fuzz');
$node->init(extra => [ '--encoding', 'UTF8', '--locale', 'C' ]);
$node->start;
$node->safe_psql('postgres', q{CREATE DATABASE no_encoding TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'});
foreach my $database ('postgres', 'no_encoding')
{
	$node->safe_psql($database, $_) foreach ('CREATE EXTENSION reefqbo CASCADE', $OUTCOME);
}

note("REEFQBO_FUZZ_SEED=$SEED REEFQBO_FUZZ_ROUNDS=$ROUNDS");
srand($SEED);
my %reports = fixtures();
cmp_ok(scalar keys %reports, '>=', 10, 'there are reports to start from');
test_cuts($node, %reports);
test_amounts($node, %reports);
test_edits($node, %reports);
test_bytes($node, %reports);
test_json($node);

is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server is up');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP:/, 'and did not crash in between');
$node->stop;
done_testing();
