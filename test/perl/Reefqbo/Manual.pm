package Reefqbo::Manual;

# The manual's pages, for the test that does what they say.
#
#   foreach my $page (pages()) { ... }                    # 'README.md', 'docs/install.md' and so on
#   foreach my $step (steps($page, 'Key rotated')) { ... } # of one section; without a title, of the whole page
#   my $why = difference($step, $stdout, $stderr);         # undef if psql said what the page shows
#
# A block of code with a line that begins with "=> " is what somebody types into psql, and what psql says:
#
#   => SELECT 1
#      AS one;                  a statement goes on, indented, until its semicolon (or \gset, \crosstabview, \g)
#    one
#   -----
#      1
#
# What stands below a statement is compared with what psql prints (footers off). "…" is anything within a line; a line
# with nothing but "…" is any number of lines. Lines that begin like "ERROR:  " or "HINT:  " are of standard error: each
# must come, whole and in this order, and no error may come that is not shown. Where a page shows nothing of standard
# output, nothing is compared with it.

use strict;
use warnings;

use Cwd qw(abs_path);
use Encode qw(decode_utf8);
use Exporter qw(import);
use File::Basename qw(basename dirname);

our @EXPORT = qw(pages page_text blocks steps difference links anchors long_lines);

our $ROOT = abs_path(dirname(abs_path(__FILE__)) . '/../../..');

# What psql writes to standard error beside errors, and what can follow a message there.
my $MESSAGE = qr/(?:ERROR|WARNING|NOTICE|INFO|DETAIL|HINT|CONTEXT):  |LINE \d+: /;
my $CONTEXT = qr/PL\/pgSQL function |SQL statement "/;
my $HARMLESS = qr/\A(?:(?:WARNING|NOTICE|INFO|DETAIL|HINT|CONTEXT):  |LINE \d+: |$CONTEXT|pg_dump: (?:warning|detail|hint): |\s|\z)/;

sub pages
{
	return ('README.md', map { 'docs/' . basename($_) } sort glob("$ROOT/docs/*.md"));
}

# Bytes, as psql's answers are.
sub page_text
{
	my ($page) = @_;

	open(my $file, '<:raw', "$ROOT/$page") or die "could not open $page: $!";
	local $/;
	return scalar <$file>;
}

# The lines of a page: { text, number, section, fence (its number, in a block of code), edge (of a block) }.
sub lines_of
{
	my ($page) = @_;
	my ($section, $fence, $number, $fences) = ('', 0, 0, 0);
	my @lines;

	foreach my $text (split /\n/, page_text($page))
	{
		my $edge = $text =~ /\A\s*```/;

		$fence = $fence ? 0 : ++$fences if $edge;
		$section = $1 if !$fence && !$edge && $text =~ /\A#{1,4} (.*?)\s*\z/;
		push @lines, { text => $text, number => ++$number, section => $section, fence => $edge ? 0 : $fence, edge => $edge };
	}
	die "$page: a block of code does not end" if $fence;
	return @lines;
}

# The blocks of code: { page, section, number (of the first line), lines }.
sub blocks
{
	my ($page) = @_;
	my @blocks;

	foreach my $line (grep { $_->{fence} } lines_of($page))
	{
		my $n = $line->{fence} - 1;
		$blocks[$n] //= { page => $page, section => $line->{section}, number => $line->{number}, lines => [] };
		push @{ $blocks[$n]{lines} }, $line->{text};
	}
	return grep { defined } @blocks;
}

# What is typed, and what it is shown to say: { run, shows, page, section, number }.
sub steps
{
	my ($page, $title) = @_;
	my @blocks = grep { !defined $title || $_->{section} eq $title } blocks($page);

	die "$page has no block of code in a section \"$title\"" if defined $title && !@blocks;
	return map { steps_of($_) } grep { is_run($_) } @blocks;
}

sub is_run
{
	my ($block) = @_;
	return scalar grep { /\A=> / } @{ $block->{lines} };
}

sub steps_of
{
	my ($block) = @_;
	my ($number, @steps) = ($block->{number});

	foreach my $line (@{ $block->{lines} })
	{
		my $place = "$block->{page}, line " . $number++;

		if ($line =~ /\A=> (.*)\z/)
		{
			die "$place: the statement before has not ended" if @steps && !has_ended($steps[-1]{run});
			push @steps, { run => $1, shows => [], page => $block->{page}, section => $block->{section}, place => $place };
		}
		elsif (!@steps)                     { die "$place: what does this line show: $line" }
		elsif (has_ended($steps[-1]{run}))  { push @{ $steps[-1]{shows} }, $line }
		elsif ($line =~ /\A   (.*)\z/)      { $steps[-1]{run} .= "\n$1" }
		else                                { die "$place: how does the statement go on: $line" }
	}
	die "$block->{page}, line $block->{number}: a statement does not end" unless has_ended($steps[-1]{run});
	return @steps;
}

sub has_ended
{
	my ($statement) = @_;

	return 1 if $statement =~ /\A\\/;
	$statement =~ s/('(?:[^']|'')*')|--[^\n]*/$1 \/\/ ''/ge;
	return $statement =~ /(?:;|\\(?:gset|gx|g|crosstabview)\b[^;\n]*)\s*\z/;
}

# ---- what was shown beside what was said ----

sub difference
{
	my ($step, $out, $err) = @_;
	my ($shown_out, $shown_err) = sides($step->{shows});
	my @wrong = unexpected($shown_err, $err);

	if (@$shown_out)
	{
		my ($said, $like) = (tidy($out), pattern(@$shown_out));
		push @wrong, "it prints\n$said" unless $said =~ /\A$like\z/;
	}
	push @wrong, "it does not say \"$_\"" foreach missing($shown_err, $err);
	return @wrong ? "$step->{place}:\n$step->{run}\n" . join("\n", @wrong) : undef;
}

# Standard output and standard error of what a page shows.
sub sides
{
	my ($shows) = @_;
	my (@out, @err);
	my $side = \@out;

	foreach my $line (map { s/\s+\z//r } @$shows)
	{
		$side = $line =~ /\A$MESSAGE/ ? \@err : \@out unless is_anything($line);
		push @$side, $line;
	}
	pop @out while @out && $out[-1] eq '';
	return (\@out, [ grep { !is_anything($_) } @err ]);
}

sub is_anything { return $_[0] =~ /\A\s*…\s*\z/ }

sub tidy
{
	my ($text) = @_;

	$text =~ s/[ \t]+$//mg;
	$text =~ s/\n+\z//;
	return $text;
}

sub line_pattern
{
	my ($line) = @_;
	return join '[^\n]*', map { quotemeta } split /…/, $line, -1;
}

sub pattern
{
	my @lines = @_;
	my @patterns = map { is_anything($_) ? '(?:[^\n]*(?:\n|\z))*?' : line_pattern($_) . '(?:\n|\z)' } @lines;

	return join '', @patterns;
}

# Errors that the page does not show.
sub unexpected
{
	my ($shown, $err) = @_;
	my @wrong;

	foreach my $line (grep { $_ !~ $HARMLESS } split /\n/, $err)
	{
		push @wrong, "it says \"$line\"" unless grep { $line =~ /\A@{[ line_pattern($_) ]}\s*\z/ } @$shown;
	}
	return @wrong;
}

# What the page shows of standard error and did not come, or not in this order.
sub missing
{
	my ($shown, $err) = @_;
	my @said = split /\n/, $err;

	foreach my $n (0 .. $#$shown)
	{
		my $like = line_pattern($shown->[$n]);

		shift @said while @said && $said[0] !~ /\A$like\s*\z/;
		return @{$shown}[ $n .. $#$shown ] unless @said;
		shift @said;
	}
	return;
}

# ---- how the pages hang together ----

# The links to other pages and places, as they are written: { to, number }.
sub links
{
	my ($page) = @_;
	my @links;

	foreach my $line (grep { !$_->{fence} } lines_of($page))
	{
		my $text = $line->{text} =~ s/`[^`]*`//gr;
		push @links, map { { to => $_, number => $line->{number} } } grep { !/\A(?:https?|mailto):/ } $text =~ /\]\(([^)\s]+)\)/g;
	}
	return @links;
}

# What GitHub calls the headings of a page in links to them.
sub anchors
{
	my ($page) = @_;
	my (%seen, @anchors);

	foreach my $line (grep { !$_->{fence} && !$_->{edge} } lines_of($page))
	{
		my ($title) = $line->{text} =~ /\A#{1,6} (.*?)\s*\z/ or next;
		my $anchor = lc decode_utf8($title);

		$anchor =~ s/[^\w\- ]//g;
		$anchor =~ tr/ /-/;
		push @anchors, $seen{$anchor}++ ? $anchor . '-' . ($seen{$anchor} - 1) : $anchor;
	}
	return @anchors;
}

# The numbers of the lines that are too long; a table's row cannot be broken, nor a line of one word.
sub long_lines
{
	my ($page, $most) = @_;

	return map { $_->{number} } grep { length decode_utf8($_->{text}) > $most && ($_->{fence} || $_->{text} !~ /\A\||\A\S+\z/) } lines_of($page);
}

1;
