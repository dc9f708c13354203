/*-------------------------------------------------------------------------
 *
 * qbo/session.h
 *	  One company being talked to, for the length of a task.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_SESSION_H
#define RQBO_QBO_SESSION_H

#include "net/engine.h"
#include "qbo/calls.h"
#include "qbo/fault.h"
#include "secret/keyring.h"
#include "store/connection.h"

/* The accounting request in hand; qbo/accounting.c's. */
typedef struct RqboCall
{
	char	   *doing;			/* "could not …", for messages */
	char	   *path;			/* below the realm */
	RqboStep	then;			/* with the accepted answer */
	RqboStep	if_too_much;	/* for an answer that is too much for Intuit or us; may be NULL */
	RqboStep	if_refused;		/* for a request that this company does not take; may be NULL */
	bool		is_once;		/* whatever goes wrong, if_refused */
	char	   *why;			/* then */
	int			attempt;
	int64		began_ms;
	bool		token_was_refreshed;
} RqboCall;

struct RqboSession;

/* The token request in hand; qbo/oauth.c's. */
typedef struct RqboExchange
{
	RqboStep	then;
	bool		was_refused;	/* QuickBooks refused the access token of this generation */
	bool		is_forced;		/* refresh, whatever access token there is */
	bool		use_previous;	/* the newest refresh token was rejected */
	int			rejections;
	int			attempt;
	int64		began_ms;
	int64		generation;		/* that a verdict would be about */
	char	   *code;			/* authorization code, when that is exchanged */
	RqboTokens	tokens;			/* the answer, until it is stored */
	void		(*store) (struct RqboSession *session);	/* how to store it */
	RqboStep	after_store;
	int64		answered_ms;
} RqboExchange;

typedef struct RqboSession
{
	RqboTask   *task;
	RqboKeyring *ring;			/* NULL until it is needed */
	RqboConnection *connection;
	char	   *realm_id;		/* in the clear, wiped at the end; so is the next */
	char	   *access_token;
	int64		generation;		/* of access_token */
	const char *verdict;		/* status the connection deserves after what was found out, or NULL */
	bool		is_sign_in;		/* keeps the grant lock to its end */
	bool		is_fresh_grant;	/* the access token is not stored: there is no refreshing it */
	bool		holds_grant_lock;
	bool		holds_import_lock;
	bool		holds_realm_lock;
	int64		realm_lock;		/* by what: the key of a realm changes with the key ring */
	int			requests;		/* made to the accounting API */
	int			pause_ms;		/* how long QuickBooks wants to be left alone, at the last refusal */
	bool		has_server_time;
	TimestampTz server_time;	/* QuickBooks' clock at its first answer */
	char	   *intuit_tid;		/* of the last answer */
	RqboCallNote *note;			/* of the request under way */
	RqboCall	call;
	RqboExchange exchange;
	RqboStep	after_company;	/* what follows the reading of CompanyInfo and Preferences; qbo/company.c's */
	RqboCompanyInfo *company;	/* what it has said of itself; NULL until it was asked */
	char	   *basic;			/* header with the app's secret, for a revoke */
	void	   *work;			/* what the job keeps */
} RqboSession;

/* In the task's context, which it becomes the data of. */
extern RqboSession *rqbo_session_open(RqboTask *task);
extern RqboSession *rqbo_session_of(RqboTask *task);

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
/* The refresh is over; a sign-in goes on, and keeps the lock. */
extern void rqbo_session_unlock_grant(RqboSession *session);

/* Give the locks back and wipe what is in the clear. */
extern void rqbo_session_close(RqboSession *session);

/* Give the connection the status it deserves, inside a transaction, after a failure. */
extern void rqbo_session_judge(const RqboSession *session);

/* How the company is called in messages. */
extern const char *rqbo_session_company(const RqboSession *session);

#endif							/* RQBO_QBO_SESSION_H */
