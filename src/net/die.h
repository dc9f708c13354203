/*-------------------------------------------------------------------------
 *
 * net/die.h
 *	  A request to terminate a process, which waits while an engine runs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_DIE_H
#define RQBO_NET_DIE_H

/* The handler of SIGTERM, in the place of die(), in processes that run engines. */
extern void rqbo_die(SIGNAL_ARGS);

/* From here to rqbo_die_heed a request to terminate is a cancel, which ends whatever step is under way by an ERROR. */
extern void rqbo_die_defer(void);
extern bool rqbo_die_is_deferred(void);

/* Die if that was asked for meanwhile. */
extern void rqbo_die_heed(void);

#endif							/* RQBO_NET_DIE_H */
