/*-------------------------------------------------------------------------
 *
 * secret/command.c
 *	  Runs a shell command and reads what it prints, interruptibly.
 *	  What the command is for is not known here.
 *
 * The command has a process group of its own, so that it can be ended with all
 * that it has begun.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"

#include "base/clock.h"
#include "base/compat.h"
#include "base/wanted.h"
#include "secret/command.h"

/* After it has closed its output, a command is looked for so often. */
#define REAP_MS 10

typedef struct Command
{
	pid_t		pid;			/* 0 when it was waited for */
	int			output;			/* -1 when it was read to its end */
	int64		until;			/* on rqbo_clock_ms */
	int			status;
} Command;

extern char **environ;

/* ---- beginning and ending ---- */

/*
 * Signals are as a shell's command expects them, whatever this process ignores.
 */
static int
spawn(const char *command, int output, pid_t *pid)
{
	char	   *const arguments[] = {"sh", "-c", unconstify(char *, command), NULL};
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_t actions;
	sigset_t	signals;
	int			problem;

	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attributes, 0);
	sigfillset(&signals);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(&attributes, &signals);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	problem = posix_spawn(pid, "/bin/sh", &actions, &attributes, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return problem;
}

static bool
begin_command(Command *command, const char *text)
{
	int			ends[2];
	int			problem;

	if (pipe(ends) != 0)
		return false;
	(void) fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	(void) fcntl(ends[0], F_SETFL, O_NONBLOCK);
	(void) fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	ReserveExternalFD();
	command->output = ends[0];
	problem = spawn(text, ends[1], &command->pid);
	close(ends[1]);
	if (problem != 0)
		command->pid = 0;
	errno = problem;
	return problem == 0;
}

static void
close_output(Command *command)
{
	if (command->output < 0)
		return;
	close(command->output);
	ReleaseExternalFD();
	command->output = -1;
}

/*
 * Whatever is left of it goes.
 */
static void
end_command(int code pg_attribute_unused(), Datum arg)
{
	Command    *command = (Command *) DatumGetPointer(arg);
	int			saved_errno = errno;

	if (command->pid != 0)
	{
		(void) kill(-command->pid, SIGKILL);
		while (waitpid(command->pid, &command->status, 0) < 0 && errno == EINTR)
			;
		command->pid = 0;
	}
	close_output(command);
	errno = saved_errno;
}

/* ---- waiting ---- */

static void
check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
	if (InterruptHoldoffCount == 0 && !rqbo_wanted())
		rqbo_wanted_raise();
}

/*
 * Until there is output, or for a moment when there will be none.  False when
 * the time is up.
 */
static bool
wait_a_while(const Command *command)
{
	static uint32 wait_event = 0;
	int64		left = command->until - rqbo_clock_ms();
	int			events = WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH;

	if (left <= 0)
		return false;
	if (wait_event == 0)
		wait_event = rqbo_wait_event("ReefqboKeyCommand");
	if (command->output >= 0)
		events = WaitLatchOrSocket(MyLatch, events | WL_SOCKET_READABLE, command->output, (long) left, wait_event);
	else
		events = WaitLatch(MyLatch, events, (long) Min(left, REAP_MS), wait_event);
	if (events & WL_LATCH_SET)
		ResetLatch(MyLatch);
	check_interrupts();
	return true;
}

/*
 * Read what there is; false if that failed.
 */
static bool
read_some(Command *command, char *data, size_t size, size_t *length)
{
	char		rest[1024];
	bool		is_full = *length >= size;
	ssize_t		count = read(command->output, is_full ? rest : data + *length, is_full ? sizeof(rest) : size - *length);

	explicit_bzero(rest, sizeof(rest));
	if (count < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
	if (count == 0)
		close_output(command);
	else if (!is_full)
		*length += count;
	return true;
}

static bool
has_ended(Command *command)
{
	if (command->output >= 0 || waitpid(command->pid, &command->status, WNOHANG) != command->pid)
		return false;
	command->pid = 0;
	return true;
}

static RqboCommandEnd
read_to_end(Command *command, char *data, size_t size, size_t *length)
{
	while (!has_ended(command))
	{
		if (!wait_a_while(command))
			return RQBO_COMMAND_TOO_LONG;
		if (command->output >= 0 && !read_some(command, data, size, length))
			return RQBO_COMMAND_UNREADABLE;
	}
	return RQBO_COMMAND_ENDED;
}

RqboCommandEnd
rqbo_command_read(const char *command, int timeout_ms, char *data, size_t size, size_t *length, int *status)
{
	Command		running = {.output = -1,.until = rqbo_clock_ms() + timeout_ms};
	volatile RqboCommandEnd end = RQBO_COMMAND_NOT_RUN;

	*length = 0;
	PG_ENSURE_ERROR_CLEANUP(end_command, PointerGetDatum(&running));
	{
		if (begin_command(&running, command))
			end = read_to_end(&running, data, size, length);
	}
	PG_END_ENSURE_ERROR_CLEANUP(end_command, PointerGetDatum(&running));
	end_command(0, PointerGetDatum(&running));
	/* what the latch was set for may be somebody else's to see */
	SetLatch(MyLatch);
	*status = running.status;
	return end;
}
