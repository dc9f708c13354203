/*-------------------------------------------------------------------------
 *
 * qbo/present.h
 *	  Which months have begun, by more than one clock.
 *
 * There are three: ours, the one that QuickBooks' answers tell in their bodies,
 * and the Date of their headers, which may be a proxy's.  Any of them may be
 * wrong, by years, for a moment.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_PRESENT_H
#define RQBO_QBO_PRESENT_H

#include "utils/date.h"

#include "qbo/session.h"

/* Has QuickBooks told what time it is? */
extern bool rqbo_present_is_told(const RqboSession *session);

/* Is a moment of QuickBooks' own more than a day ahead of what it says that it is? */
extern bool rqbo_present_is_ahead(const RqboSession *session, TimestampTz moment);

/* The last day of the latest month that may be read: two clocks say that it has begun, somewhere on earth. */
extern DateADT rqbo_present_last_day(const RqboSession *session);

/* The last day of the latest month that is read without being asked for: by all clocks it has begun, in UTC. */
extern DateADT rqbo_present_begun(const RqboSession *session);

/*
 * The first day of the months that have not begun anywhere, by any of at least
 * two clocks; false if there are not so many.
 */
extern bool rqbo_present_first_ahead(const RqboSession *session, DateADT *day);

/* The clock that is furthest behind; and whether all of at least two go by the same day, so that ours is right. */
extern TimestampTz rqbo_present_earliest(const RqboSession *session);
extern bool rqbo_present_is_certain(const RqboSession *session);

#endif							/* RQBO_QBO_PRESENT_H */
