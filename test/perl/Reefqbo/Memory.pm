package Reefqbo::Memory;

# What stands in the memory of a process, for TAP tests.
#
#   plan(skip_all => $why) if my $why = memory_is_closed($pid);
#   is(join(', ', found_in_memory($pid, { 'the key' => $key })), '', 'the key is not there');
#
# Memory that the process can write is searched, but for the server's shared
# buffers: they hold what the tables hold. Parts of 16 bytes are searched for,
# since who frees memory may write over the beginning of it.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(memory_is_closed found_in_memory);

my $PART = 16;

# Addresses and lengths.
sub mappings
{
	my ($pid) = @_;
	my @mappings;

	open(my $maps, '<', "/proc/$pid/maps") or return;
	while (my $line = <$maps>)
	{
		my ($from, $to, $path) = $line =~ /^([0-9a-f]+)-([0-9a-f]+) rw\S+ \S+ \S+ \S+ *(.*)/ or next;
		push @mappings, [ hex $from, hex($to) - hex $from ] unless $path =~ m{\A/dev/zero|\A\[vvar};
	}
	close $maps;
	return @mappings;
}

sub read_mapping
{
	my ($memory, $from, $length) = @_;

	sysseek($memory, $from, 0) or return '';
	my ($text, $at) = ('', 0);
	while ($at < $length)
	{
		my $read = sysread($memory, $text, $length - $at, $at);
		last unless $read;
		$at += $read;
	}
	return $text;
}

# Why it cannot be searched, or nothing.
sub memory_is_closed
{
	my ($pid) = @_;

	return 'there is no /proc with maps of processes here' unless -e "/proc/$pid/maps";
	open(my $memory, '<:raw', "/proc/$pid/mem") or return "the memory of another process cannot be read here: $!";
	my ($first) = mappings($pid) or return 'the maps of another process cannot be read here';
	return length read_mapping($memory, @$first) ? undef : "the memory of another process cannot be read here: $!";
}

sub parts_of
{
	my ($secret) = @_;
	my @parts = length $secret <= $PART ? $secret : map { substr $secret, $_ * $PART / 2, $PART } 0 .. (length($secret) - $PART) / ($PART / 2);

	return @parts;
}

# How often the part of a secret that is found most often is there, by name: secrets is a hash of texts.
sub found_in_memory
{
	my ($pid, $secrets) = @_;
	my (%count, %found);

	open(my $memory, '<:raw', "/proc/$pid/mem") or die "could not open the memory of $pid: $!";
	foreach my $mapping (mappings($pid))
	{
		my $text = read_mapping($memory, @$mapping);
		foreach my $name (keys %$secrets)
		{
			foreach my $part (parts_of($secrets->{$name}))
			{
				for (my $at = index $text, $part; $at >= 0; $at = index $text, $part, $at + 1)
				{
					$count{$name}{$part}++;
				}
			}
		}
	}
	close $memory;
	foreach my $name (keys %count)
	{
		($found{$name}) = sort { $b <=> $a } values %{ $count{$name} };
	}
	return \%found;
}

1;
