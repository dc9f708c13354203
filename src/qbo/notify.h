/*-------------------------------------------------------------------------
 *
 * qbo/notify.h
 *	  What others are told: NOTIFY reefqbo, and lines of the server's log.
 *
 * Inside a transaction with SPI connected.  Whoever may connect to a database
 * may listen, so a payload has ids and counts in it and no names.  And whoever
 * may connect may fill the queue: what a transaction has to tell is told by
 * another one, which comes after it and may fail.
 *
 * Each event is JSON with event, model_id, connection_id, and the members
 * named here; the manual's reference is made from this list.
 *
 *	connected: a company was connected, or connected again
 *	reconnect_required: its grant has ended or was revoked; somebody must sign in again
 *	suspended: its QuickBooks subscription has lapsed
 *	disconnected: it was ended here
 *	import_started (import_id): an import has begun to read
 *	import_progress (import_id, done, total): so many of its chunks are stored; not more than one a second
 *	import_finished (import_id, months): an import has ended well
 *	import_failed (import_id, sqlstate): it has not, and is not tried again by itself but on schedule
 *	accounts_changed (import_id, changes): it has found accounts new, renamed, moved, merged or gone
 *	figures_changed (import_id, inserted, changed, restated): it has stored figures that were not there,
 *		or were others; restated of them were known before
 *	closed_period_changed (import_id, figures): figures of closed months are among them
 *	tie_out_failed (import_id, checks): so many of its checks against QuickBooks' own totals have failed
 *	grant_ending (days): the grant ends in so many days, at 90, 30 and 7
 *	quota_used_up: QuickBooks has throttled for hours on end; it is asked once a day from now on
 *
 * What has import_id has request_id as well, where a request is the reason for the
 * import.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_NOTIFY_H
#define RQBO_QBO_NOTIFY_H

#include "store/connection.h"
#include "store/imports.h"

/* Which import it was. */
typedef struct RqboToldImport
{
	int64		import_id;
	int64		request_id;		/* 0 for none */
} RqboToldImport;

/* Begin to tell: from now on what this process's transactions have to tell is told when they have been committed. */
extern void rqbo_notify_open(void);

extern void rqbo_notify_connected(const RqboConnection *connection);
extern void rqbo_notify_status(const RqboConnection *connection, const char *status);
extern void rqbo_notify_import_started(const RqboConnection *connection, RqboToldImport import);
extern void rqbo_notify_import_progress(const RqboConnection *connection, RqboToldImport import, int done, int total);
extern void rqbo_notify_import_finished(const RqboConnection *connection, RqboToldImport import, const RqboCounts *counts);
extern void rqbo_notify_import_failed(const RqboConnection *connection, RqboToldImport import, int sqlstate);

/* Figures of months that the company has closed are not what they were: a WARNING and a notification. */
extern void rqbo_notify_closed_period(const RqboConnection *connection, RqboToldImport import, int64 figures);

/* So many checks of this import have failed. */
extern void rqbo_notify_tie_out_failed(const RqboConnection *connection, RqboToldImport import, int checks);

/* Grants that end within 90, 30 or 7 days: a WARNING and a notification, once for each mark; 0 and 0 for all. */
extern void rqbo_notify_endings(int64 model_id, int64 connection_id);

/* Something on schedule has begun to fail, or fails in another way. */
extern void rqbo_notify_failure(const RqboConnection *connection, const ErrorData *failure);
extern void rqbo_notify_quota_used_up(const RqboConnection *connection, int throttled_seconds);

#endif							/* RQBO_QBO_NOTIFY_H */
