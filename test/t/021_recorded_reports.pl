# Recorded reports, which are not part of this repository: REEFQBO_SAMPLES names the folder they are in.
#
# Each gives rows that tie out, or is refused with RQ007 or RQ008. One whose columns are not the range its
# Header names was cut, and must be refused with RQ007.

use strict;
use warnings;

use File::Basename;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'REEFQBO_SAMPLES names no folder of recorded reports'
  unless defined $ENV{REEFQBO_SAMPLES} && -d $ENV{REEFQBO_SAMPLES};

my %KNOWN = map { $_ => 1 } qw(ProfitAndLoss BalanceSheet TrialBalance);

# Rows are counted by kind; an error is told by its SQLSTATE.
my $OUTCOME = <<'SQL';
CREATE FUNCTION outcome(report text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
    detail text;
BEGIN
    RETURN (SELECT format('rows: %s accounts, %s computed, %s totals',
                          count(*) FILTER (WHERE kind = 'account'), count(*) FILTER (WHERE kind = 'computed'),
                          count(*) FILTER (WHERE kind = 'total'))
            FROM reefqbo.report_cells(report));
EXCEPTION
    WHEN SQLSTATE 'RQ007' OR SQLSTATE 'RQ008' THEN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
        RETURN SQLSTATE || ': ' || detail;
END
$$
SQL

# The reports of the folder, decoded, by file name.
sub recorded
{
	my %reports;

	foreach my $path (glob("$ENV{REEFQBO_SAMPLES}/*.json"))
	{
		my $text = slurp_file($path);
		my $tree = eval { JSON::PP->new->utf8->decode($text =~ s/^\xEF\xBB\xBF//r) };

		next unless ref $tree eq 'HASH' && ref $tree->{Header} eq 'HASH';
		$reports{ basename($path) } = { text => $text, tree => $tree }
		  if $KNOWN{ $tree->{Header}{ReportName} // '' };
	}
	return %reports;
}

# The first and the last day of the columns, where they have any.
sub range_of_columns
{
	my ($tree) = @_;
	my (@starts, @ends);

	foreach my $column (@{ $tree->{Columns}{Column} // [] })
	{
		my %meta = map { $_->{Name} => $_->{Value} } @{ $column->{MetaData} // [] };
		push @starts, $meta{StartDate} if defined $meta{StartDate};
		push @ends, $meta{EndDate} if defined $meta{EndDate};
	}
	return ((sort @starts)[0], (reverse sort @ends)[0]);
}

sub is_cut
{
	my ($tree) = @_;
	my ($start, $end) = range_of_columns($tree);
	my $header = $tree->{Header};

	return defined $start && defined $header->{StartPeriod} && defined $header->{EndPeriod}
	  && ($start ne $header->{StartPeriod} || $end ne $header->{EndPeriod});
}

my $node = PostgreSQL::Test::Cluster->new('recorded');
$node->init(extra => [ '--encoding', 'UTF8', '--locale', 'C' ]);
$node->start;
$node->safe_psql('postgres', $_) foreach ('CREATE EXTENSION reefqbo CASCADE', $OUTCOME);

my %reports = recorded();
cmp_ok(scalar keys %reports, '>', 0, 'there are recorded reports');
foreach my $name (sort keys %reports)
{
	my $hex = unpack('H*', $reports{$name}{text});
	my $outcome = $node->safe_psql('postgres', "SELECT outcome(convert_from('\\x$hex', 'UTF8'))");
	my $expected = is_cut($reports{$name}{tree}) ? qr/^RQ007: / : qr/^rows: |^RQ00[78]: /;

	like($outcome, $expected, "$name: " . substr($outcome, 0, 100));
}
$node->stop;
done_testing();
