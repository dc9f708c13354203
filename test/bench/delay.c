/*-------------------------------------------------------------------------
 *
 * delay.c
 *	  A network that is far away: forwards TCP connections and keeps each byte
 *	  back for half of a round trip, in both directions.
 *
 *		delay PORT TARGET_PORT ROUND_TRIP_MS
 *
 * Both ports are on 127.0.0.1.  A connection is established by the kernel
 * without any delay; what that would have cost, one round trip, is added to
 * the first bytes that the client sends.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE				/* ppoll */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_PAIRS 1024
#define CHUNK_BYTES 16384

/* What was read and is not sent yet; 0 bytes stand for the end. */
typedef struct Chunk
{
	struct Chunk *next;
	double		due;			/* on now_ms */
	size_t		length;
	size_t		sent;
	char		bytes[CHUNK_BYTES];
} Chunk;

/* One direction of a connection. */
typedef struct Flow
{
	int			from;
	int			to;
	Chunk	   *first;
	Chunk	   *last;
	double		extra;			/* for the first chunk only */
	bool		is_read;		/* its end has been read */
	bool		is_over;		/* and passed on */
} Flow;

typedef struct Pair
{
	Flow		flows[2];
	bool		is_used;
} Pair;

static Pair pairs[MAX_PAIRS];
static double half;

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in
local(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,.sin_port = htons(port)};

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static void
prepare(int fd)
{
	int			on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static int
listen_on(int port)
{
	struct sockaddr_in address = local(port);
	int			fd = socket(AF_INET, SOCK_STREAM, 0);
	int			on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(fd, 1024) < 0)
		fail("could not listen");
	prepare(fd);
	return fd;
}

static int
connect_to(int port)
{
	struct sockaddr_in address = local(port);
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
		fail("could not connect");
	prepare(fd);
	return fd;
}

static void
forget_chunks(Flow *flow)
{
	while (flow->first != NULL)
	{
		Chunk	   *next = flow->first->next;

		free(flow->first);
		flow->first = next;
	}
}

static void
end_pair(Pair *pair)
{
	close(pair->flows[0].from);
	close(pair->flows[0].to);
	forget_chunks(&pair->flows[0]);
	forget_chunks(&pair->flows[1]);
	memset(pair, 0, sizeof(*pair));
}

static void
begin_pair(int client, int target_port)
{
	for (int i = 0; i < MAX_PAIRS; i++)
	{
		Pair	   *pair = &pairs[i];

		if (pair->is_used)
			continue;
		pair->is_used = true;
		prepare(client);
		pair->flows[0].from = pair->flows[1].to = client;
		pair->flows[0].to = pair->flows[1].from = connect_to(target_port);
		pair->flows[0].extra = 2 * half;
		return;
	}
	close(client);
}

/* False if the connection is broken. */
static bool
take(Flow *flow)
{
	Chunk	   *chunk = malloc(sizeof(Chunk));
	ssize_t		length;

	if (chunk == NULL)
		fail("malloc");
	length = recv(flow->from, chunk->bytes, CHUNK_BYTES, 0);
	if (length < 0)
	{
		free(chunk);
		return errno == EAGAIN || errno == EINTR;
	}
	chunk->next = NULL;
	chunk->length = length;
	chunk->sent = 0;
	chunk->due = now_ms() + half + flow->extra;
	flow->extra = 0;
	/* nothing overtakes what was sent before it */
	if (flow->first != NULL && flow->last->due > chunk->due)
		chunk->due = flow->last->due;
	if (flow->first == NULL)
		flow->first = chunk;
	else
		flow->last->next = chunk;
	flow->last = chunk;
	flow->is_read = length == 0;
	return true;
}

/* Pass on what is due.  False if the connection is broken. */
static bool
give(Flow *flow, double now)
{
	Chunk	   *chunk;

	while ((chunk = flow->first) != NULL && chunk->due <= now)
	{
		if (chunk->length == 0)
		{
			shutdown(flow->to, SHUT_WR);
			flow->is_over = true;
		}
		else
		{
			ssize_t		sent = send(flow->to, chunk->bytes + chunk->sent, chunk->length - chunk->sent, MSG_NOSIGNAL);

			if (sent < 0 && errno != EAGAIN && errno != EINTR)
				return false;
			chunk->sent += sent > 0 ? sent : 0;
			if (chunk->sent < chunk->length)
			{
				chunk->due = now + 1;	/* the receiver is slow: again in a moment */
				return true;
			}
		}
		flow->first = chunk->next;
		free(chunk);
	}
	return true;
}

/* One turn: wait for bytes or for the next time that some are due. */
static void
turn(int listener, int target_port)
{
	static struct pollfd polled[1 + 2 * MAX_PAIRS];
	static Flow *flows[1 + 2 * MAX_PAIRS];
	static Pair *owners[1 + 2 * MAX_PAIRS];
	double		now = now_ms();
	double		first = now + 1000;
	int			count = 1;
	struct timespec wait;

	polled[0] = (struct pollfd) {listener, POLLIN, 0};
	for (int i = 0; i < MAX_PAIRS; i++)
		for (int j = 0; pairs[i].is_used && j < 2; j++)
		{
			Flow	   *flow = &pairs[i].flows[j];

			if (flow->first != NULL && flow->first->due < first)
				first = flow->first->due;
			if (flow->is_read)
				continue;
			owners[count] = &pairs[i];
			flows[count] = flow;
			polled[count++] = (struct pollfd) {flow->from, POLLIN, 0};
		}
	first = first > now ? first - now : 0;
	wait = (struct timespec) {(time_t) (first / 1e3), (long) (first * 1e6) % 1000000000L};
	if (ppoll(polled, count, &wait, NULL) < 0 && errno != EINTR)
		fail("ppoll");
	for (int i = 1; i < count; i++)
		if (polled[i].revents != 0 && !take(flows[i]))
			owners[i]->flows[0].is_over = owners[i]->flows[1].is_over = true;
	now = now_ms();
	for (int i = 0; i < MAX_PAIRS; i++)
	{
		Pair	   *pair = &pairs[i];

		if (!pair->is_used)
			continue;
		if (!give(&pair->flows[0], now) || !give(&pair->flows[1], now) ||
			(pair->flows[0].is_over && pair->flows[1].is_over))
			end_pair(pair);
	}
	if (polled[0].revents != 0)
		for (int client; (client = accept(listener, NULL, NULL)) >= 0;)
			begin_pair(client, target_port);
}

int
main(int argc, char **argv)
{
	int			listener;

	if (argc != 4)
	{
		fprintf(stderr, "usage: delay PORT TARGET_PORT ROUND_TRIP_MS\n");
		return 2;
	}
	half = atof(argv[3]) / 2;
	listener = listen_on(atoi(argv[1]));
	for (;;)
		turn(listener, atoi(argv[2]));
}
