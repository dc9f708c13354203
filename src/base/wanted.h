/*-------------------------------------------------------------------------
 *
 * base/wanted.h
 *	  Whoever this process works for, and whether he is still there.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_WANTED_H
#define RQBO_BASE_WANTED_H

/* Says whether the one on whose behalf all this runs still wants it. */
typedef bool (*RqboStillWanted) (void *arg);

/* From now on; until then, what is done is wanted. */
extern void rqbo_wanted_ask(RqboStillWanted still_wanted, void *arg);

extern bool rqbo_wanted(void);

/* As by a cancel: only the one who has gone would have wanted this. */
extern void rqbo_wanted_raise(void);

#endif							/* RQBO_BASE_WANTED_H */
