/*-------------------------------------------------------------------------
 *
 * secret/command.h
 *	  Runs a shell command and reads what it prints, interruptibly.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_SECRET_COMMAND_H
#define RQBO_SECRET_COMMAND_H

/* How a command has ended. */
typedef enum RqboCommandEnd
{
	RQBO_COMMAND_ENDED,			/* with a status as of wait() */
	RQBO_COMMAND_NOT_RUN,		/* errno says why */
	RQBO_COMMAND_UNREADABLE,	/* errno says why */
	RQBO_COMMAND_TOO_LONG		/* it was killed when its time was up */
} RqboCommandEnd;

/*
 * Run a command with /bin/sh and read what it prints, up to size bytes; what is
 * more is read and thrown away.  It is waited for until it has ended and has
 * closed its output.  Interrupts are heeded, and however this ends but well,
 * nothing of the command's process group stays.
 */
extern RqboCommandEnd rqbo_command_read(const char *command, int timeout_ms, char *data, size_t size, size_t *length,
										int *status);

#endif							/* RQBO_SECRET_COMMAND_H */
