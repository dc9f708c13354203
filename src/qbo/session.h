/*-------------------------------------------------------------------------
 *
 * qbo/session.h
 *	  One company being talked to, for the length of a task.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_SESSION_H
#define RQBO_QBO_SESSION_H

#include "nodes/pg_list.h"

#include "net/engine.h"
#include "qbo/calls.h"
#include "qbo/fault.h"
#include "qbo/places.h"
#include "secret/keyring.h"
#include "store/connection.h"

/* What only one file, or two, of this folder look into. */
struct RqboCall;				/* the accounting request in hand; qbo/accounting.c's */
struct RqboExchange;			/* the token request in hand; qbo/oauth_exchange.h's */

typedef struct RqboSession
{
	RqboTask   *task;
	RqboKeyring *ring;			/* NULL until it is needed */
	RqboConnection *connection;
	List	   *secrets;		/* of char **, in the task's context: what is wiped at the end */
	char	   *realm_id;		/* in the clear, one of them; so is the next */
	char	   *access_token;
	int64		generation;		/* of access_token */
	const char *verdict;		/* status the connection deserves after what was found out, or NULL */
	int64		verdict_generation; /* of the grant that it would be about */
	bool		is_sign_in;		/* keeps the grant lock to its end */
	bool		is_fresh_grant;	/* the access token is not stored: there is no refreshing it */
	bool		holds_grant_lock;
	bool		holds_import_lock;
	bool		holds_realm_lock;
	int64		realm_lock;		/* by what: the key of a realm changes with the key ring */
	int64		locked_since_ms;	/* what it writes at its end is locked, as far as was looked; or 0 */
	int			requests;		/* made to the accounting API */
	int			pause_ms;		/* how long QuickBooks wants to be left alone, at the last refusal */
	bool		has_server_time;
	TimestampTz server_time;	/* QuickBooks' clock at its first answer */
	TimestampTz told_time;		/* the same at the last that told it; 0 before there was one */
	TimestampTz header_time;	/* the Date of the last answer, which may be a proxy's; 0 likewise */
	char	   *intuit_tid;		/* of the last answer */
	RqboCallNote *note;			/* of the request under way */
	RqboPlaces	places;			/* of requests to the accounting API */
	int			place;			/* of that one; RQBO_NO_PLACE for none */
	List	   *ahead;			/* what was sent, or is to be, besides; qbo/sending.c's, and so are the next two */
	void		(*forget_ahead) (struct RqboSession *session);
	bool		holds_back;
	struct RqboCall *call;		/* NULL until the first */
	struct RqboExchange *exchange;	/* NULL until the first */
	RqboStep	after_company;	/* what follows the reading of CompanyInfo and Preferences; qbo/company.c's */
	RqboCompanyInfo *company;	/* what it has said of itself; NULL until it was asked */
	void	   *work;			/* what the job keeps */
} RqboSession;

/* In the task's context, which it becomes the data of. */
extern RqboSession *rqbo_session_open(RqboTask *task);
extern RqboSession *rqbo_session_of(RqboTask *task);

/*
 * Wipe what this place in the task's context points to, a secret now and then
 * (of secret/clear.h, in that context as well), with the session at the latest.
 */
extern void rqbo_session_guard(RqboSession *session, char **place);

/* Read the connection, as it is now. */
extern void rqbo_session_read_connection(RqboSession *session, int64 model_id, int64 connection_id);

/* Raise RQ001 if the connection was ended on request. */
extern void rqbo_session_check_status(const RqboSession *session);

/* Get ready for requests with this ring, which outlives the session. */
extern void rqbo_session_unseal_realm(RqboSession *session, RqboKeyring *ring);

/*
 * Send a request and take a note of it, as rqbo_task_send and
 * rqbo_task_exchange do; the step calls rqbo_session_note_answer.
 */
extern void rqbo_session_send(RqboSession *session, const RqboHttpRequest *request, RqboStep next);
extern void rqbo_session_exchange(RqboSession *session, const RqboHttpRequest *request, RqboStep next);

/* The note alone, of a request that somebody else sends and keeps the note of. */
extern RqboCallNote *rqbo_session_begin_note(RqboSession *session, const RqboHttpRequest *request);

/* A request is over, with its evidence and its place in the budget; without a result it was given up. */
extern void rqbo_session_end_request(RqboSession *session, RqboCallNote **note, int *place, const RqboHttpResult *result);

/* Keep the intuit_tid of the answer that has just come, and note it. */
extern void rqbo_session_note_answer(RqboSession *session);

/* Replace a text that lives as long as the task; NULL empties it. */
extern void rqbo_session_keep(RqboSession *session, char **place, const char *value);

/* The same of what it says of the time; only the first counts. */
extern void rqbo_session_note_time(RqboSession *session, const char *time);

/* Become the one who imports into the branch and asks its company; false if another is. */
extern bool rqbo_session_lock_import(RqboSession *session);

/* Become the one who may refresh or replace the grant; false if another is. */
extern bool rqbo_session_lock_grant(RqboSession *session);
/* Who has locked for so long what is to be written at the end keeps it; whoever waits is told then. */
#define RQBO_LONGEST_LOCK_WAIT_MS 20000

/* For how long that is known to be locked, by somebody's open transaction; 0 if it is not. */
extern int64 rqbo_session_locked_ms(RqboSession *session);

/* Is it, and worth waiting for?  A process that works for many waits for no lock, but looks again. */
extern bool rqbo_session_waits_for_lock(RqboSession *session);

/* The refresh is over; a sign-in goes on, and keeps the lock. */
extern void rqbo_session_unlock_grant(RqboSession *session);

/* Whatever was sent ahead is not wanted any more, and is noted as what it came to. */
extern void rqbo_session_forget_ahead(RqboSession *session);

/* Give the locks back and wipe what is in the clear. */
extern void rqbo_session_close(RqboSession *session);

/* Give the connection the status it deserves, inside a transaction, after a failure. */
extern void rqbo_session_judge(const RqboSession *session);

/* The name of the company, or while it is not known of the branch; and how it is called in messages. */
extern const char *rqbo_session_company_name(const RqboSession *session);
extern const char *rqbo_session_company(const RqboSession *session);

#endif							/* RQBO_QBO_SESSION_H */
