/*-------------------------------------------------------------------------
 *
 * net/die.c
 *	  A request to terminate a process, which waits while an engine runs.
 *	  What an engine finishes before it heeds one is the engine's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"

#include "base/compat.h"
#include "net/die.h"

static volatile sig_atomic_t is_deferred = false;
static volatile sig_atomic_t die_is_pending = false;

void
rqbo_die(SIGNAL_ARGS)
{
	int			saved_errno = errno;

	rqbo_ignore_signal_args();
	if (!proc_exit_inprogress)
	{
		InterruptPending = true;
		if (is_deferred)
			die_is_pending = QueryCancelPending = true;
		else
			ProcDiePending = true;
	}
	SetLatch(MyLatch);
	errno = saved_errno;
}

void
rqbo_die_defer(void)
{
	is_deferred = true;
}

bool
rqbo_die_is_deferred(void)
{
	return die_is_pending;
}

void
rqbo_die_heed(void)
{
	is_deferred = false;
	if (!die_is_pending)
		return;
	die_is_pending = false;
	ProcDiePending = InterruptPending = true;
	CHECK_FOR_INTERRUPTS();
}
