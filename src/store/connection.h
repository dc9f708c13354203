/*-------------------------------------------------------------------------
 *
 * store/connection.h
 *	  Environments, apps, connections and their grants in tables.
 *
 * Every function runs inside a transaction with SPI connected; what it
 * returns lives in the memory context SPI was connected in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_CONNECTION_H
#define RQBO_STORE_CONNECTION_H

#include "base/compat.h"
#include "net/throttle.h"
#include "secret/seal.h"

typedef struct RqboConnection
{
	int64		model_id;
	int64		connection_id;	/* 0 as long as there is no row */
	int64		branch_id;
	int64		environment_id;
	char	   *model;
	char	   *title;			/* what messages call the model */
	char	   *branch;
	char	   *environment;
	char	   *company;		/* NULL until CompanyInfo was read once */
	char	   *status;
	bytea	   *realm_sealed;
	bool		is_verified;	/* CompanyInfo was read once */
	bool		has_currencies; /* accounts may hold other currencies than the home currency */
	bool		is_french;		/* in France two reports have names of their own */
	bool		has_accounts;	/* the chart of accounts was read once */
	TimestampTz accounts_as_of; /* and when that was, the last time */
	bool		has_actuals;	/* some month was imported */
	char	   *authorize_url;
	char	   *token_url;
	char	   *revoke_url;
	char	   *api_url;
	char	   *client_id;		/* NULL if no app is registered */
	bytea	   *client_secret_sealed;
	char	   *redirect_uri;
	char	   *installation;	/* what everything sealed in this database is bound to */
	int64		realm_key;		/* the same for connections to the same company */
	RqboThrottle throttle;		/* the company's, as the last job left it */
} RqboConnection;

typedef struct RqboCredential
{
	int64		generation;
	TimestampTz obtained_at;	/* generation and this together are never another's, and stay when it is sealed again */
	bytea	   *refresh_sealed; /* NULL once wiped */
	bytea	   *previous_sealed;	/* or NULL */
	bytea	   *access_sealed;	/* or NULL */
	bool		access_is_fresh;	/* good for some minutes yet */
	bool		is_rejected;	/* Intuit has rejected this generation for good */
} RqboCredential;

/* One answer of the token endpoint, in the clear: wipe it. */
typedef struct RqboTokens
{
	char	   *access_token;	/* NULL if the refresh token came alone */
	char	   *refresh_token;
	int64		access_seconds;
	int64		refresh_seconds;
	int64		hard_seconds;	/* -1 if Intuit did not say */
} RqboTokens;

/* The same, sealed. */
typedef struct RqboSealedTokens
{
	int64		generation;		/* that they were sealed for */
	bytea	   *access_sealed;	/* or NULL */
	bytea	   *refresh_sealed;
	int64		access_seconds;
	int64		refresh_seconds;
	int64		hard_seconds;
} RqboSealedTokens;

typedef enum RqboSignInKind
{
	RQBO_SIGN_IN_CONNECT,
	RQBO_SIGN_IN_RECONNECT,
	RQBO_SIGN_IN_REPLACE		/* another company takes the place of the one that is there */
} RqboSignInKind;

/* A sign-in that was begun. */
typedef struct RqboSignInRequest
{
	int64		model_id;
	int64		branch_id;
	int64		environment_id;
	RqboSignInKind kind;
	bytea	   *session_digest; /* of the browser's session it was begun in; NULL if it was begun without one */
} RqboSignInRequest;

typedef enum RqboRequestState
{
	RQBO_REQUEST_VALID,
	RQBO_REQUEST_UNKNOWN,
	RQBO_REQUEST_USED,
	RQBO_REQUEST_TOO_OLD
} RqboRequestState;

typedef struct RqboCompanyInfo
{
	char	   *company_name;
	char	   *legal_name;
	char	   *country;
	char	   *home_currency;
	char	   *book_close_date;	/* ISO, or NULL */
	char	   *report_basis;
	int			fiscal_month;	/* 0 if not known */
	bool		multicurrency;
} RqboCompanyInfo;

/* What the connection's secrets belong to; generation: of tokens, else 0. */
extern RqboSealOwner rqbo_connection_owner(const RqboConnection *connection, RqboSealPurpose purpose, int64 generation);

/* The installation's identity, made with the first secret that is sealed. */
extern char *rqbo_store_installation(void);

/* 0 if there is none of that name. */
extern int64 rqbo_store_find_model(const char *model);

/*
 * 42704.  One that is there, but not for the caller, is told by the same lines:
 * a client is shown the line and the context of an error, too.
 */
pg_noreturn extern void rqbo_store_raise_no_model(const char *model);
extern int64 rqbo_store_branch_id(int64 model_id, const char *branch);
/* 42704 if there is none of that name. */
extern int64 rqbo_store_environment_needed(const char *environment);
extern void rqbo_store_put_app(int64 environment_id, const char *client_id, const bytea *secret_sealed,
							   const char *redirect_uri);

/*
 * What a sign-in for this branch needs, with the connection it has, if any;
 * environment_id 0 takes that connection's.  NULL if there is nothing.
 */
extern RqboConnection *rqbo_store_read_branch(int64 model_id, int64 branch_id, int64 environment_id);
extern RqboConnection *rqbo_store_read_connection(int64 model_id, int64 connection_id);
extern bool rqbo_store_environment_suits(int64 model_id, int64 environment_id);

/* The connections of a model, all of them or that of one branch, as an array ended by 0. */
extern int64 *rqbo_store_list_connections(int64 model_id, int64 branch_id);

extern void rqbo_store_add_request(const RqboConnection *branch, RqboSignInKind kind, const bytea *digest,
								   const bytea *session_digest);
extern RqboRequestState rqbo_store_find_request(const bytea *digest, RqboSignInRequest *request);

/* Has it made a connection, which is there? */
extern bool rqbo_store_request_has_connected(const bytea *digest);

/* The model that a request of that digest is for; 0 if there is none. */
extern int64 rqbo_store_request_model(const bytea *digest);
extern void rqbo_store_use_request(int64 model_id, const bytea *digest);

/* What was imported of a company. */
typedef struct RqboHoldings
{
	int64		accounts;
	int64		amounts;
	int64		months;
	int64		restatements;
	char	   *range;			/* "2024-01 to 2026-11", or "none" */
} RqboHoldings;

extern RqboHoldings *rqbo_store_count_holdings(int64 model_id, int64 connection_id);

/* Remove a connection with everything that was imported into it. */
extern void rqbo_store_forget(int64 model_id, int64 connection_id);

/* And a model, which has none any more. */
extern void rqbo_store_remove_model(int64 model_id);

/* 23503: tables of the application refer to its accounts (connection_id 0: to anything of the model), and whose they are. */
extern void rqbo_store_need_no_references(int64 model_id, int64 connection_id);

extern int64 rqbo_store_put_connection(const RqboConnection *connection, const bytea *realm_digest);
extern void rqbo_store_put_company(int64 model_id, int64 connection_id, const RqboCompanyInfo *info);
extern void rqbo_store_put_preferences(int64 model_id, int64 connection_id, const RqboCompanyInfo *info);
/*
 * What an import has found out about a connection.  A verdict is about one
 * generation of its tokens: it changes nothing if there is a newer one, or if
 * the connection was ended on request.
 */
extern bool rqbo_store_judge(int64 model_id, int64 connection_id, int64 generation,
							 const char *status, const ErrorData *failure);
extern void rqbo_store_mark_working(int64 model_id, int64 connection_id);
extern void rqbo_store_disconnect(int64 model_id, int64 connection_id);

/* The budget of the connection's company, when that has become known only now. */
extern void rqbo_store_read_throttle(RqboConnection *connection);

/* Until when nobody is to ask the company at once who does not know what was asked before; 0 if nothing was. */
extern TimestampTz rqbo_store_quiet_until(const RqboConnection *connection);

/* False if it held a pause that somebody has lifted since it was asked for: that is not put back. */
extern bool rqbo_store_put_throttle(const RqboConnection *connection);

extern RqboCredential *rqbo_store_read_credential(int64 model_id, int64 connection_id);
extern void rqbo_store_reject_grant(int64 model_id, int64 connection_id, int64 generation);
extern void rqbo_store_begin_refresh(int64 model_id, int64 connection_id);
extern void rqbo_store_lock_credential(int64 model_id, int64 connection_id);
extern void rqbo_store_lock_grant(const RqboConnection *connection);

/*
 * The generation that the next tokens of a connection are: numbers go on even
 * where its tokens were wiped.  An ERROR if there are others of it by then.
 */
extern int64 rqbo_store_next_generation(int64 model_id, int64 connection_id);
extern void rqbo_store_put_tokens(int64 model_id, int64 connection_id, const RqboSealedTokens *tokens,
								  bool is_new_consent);
/*
 * The home currency of a company; where Preferences did not tell it, the one
 * that its report tells is stored.  NULL if neither does.
 */
extern char *rqbo_store_home_currency(int64 model_id, int64 connection_id, const char *of_report);

/* The branch of the same model that is connected to the company with one of these digests, but this one; or NULL. */
extern char *rqbo_store_branch_of_company(const RqboConnection *branch, Datum realm_digests);

extern bool rqbo_store_grant_is_shared(int64 model_id, int64 connection_id, Datum realm_digests);

#endif							/* RQBO_STORE_CONNECTION_H */
