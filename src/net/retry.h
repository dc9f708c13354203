/*-------------------------------------------------------------------------
 *
 * net/retry.h
 *	  What to do about an answer, or about the lack of one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_RETRY_H
#define RQBO_NET_RETRY_H

/* How a transfer ended, before anybody has looked at its status. */
typedef enum RqboNetOutcome
{
	RQBO_NET_ANSWERED,
	RQBO_NET_UNREACHABLE,		/* nothing was sent */
	RQBO_NET_TIMED_OUT,
	RQBO_NET_BROKEN,			/* sent, but no whole answer */
	RQBO_NET_UNTRUSTED,			/* the certificate is not to be trusted */
	RQBO_NET_TOO_LARGE
} RqboNetOutcome;

typedef enum RqboDecision
{
	RQBO_ACCEPT,				/* look at the body */
	RQBO_REPEAT,				/* wait, then send it again */
	RQBO_REFRESH_TOKEN,			/* get a new access token, then send it again */
	RQBO_GIVE_UP				/* permanent, or the budget is spent */
} RqboDecision;

/* All that a decision rests on. */
typedef struct RqboAttempt
{
	RqboNetOutcome outcome;
	int			status;			/* HTTP, if answered */
	int			fault_code;		/* Intuit's, 0 for none */
	bool		body_is_usable; /* JSON of the wanted shape, or a Fault that was understood */
	int			retry_after_ms; /* what the server asked for, -1 for nothing */
	int			attempt;		/* 1 for the first */
	int			elapsed_ms;		/* since the first attempt began */
	bool		token_was_refreshed;	/* during this request already */
	bool		is_repeatable;	/* may be sent again although it may have been executed */
} RqboAttempt;

typedef struct RqboRetryLimits
{
	int			budget_ms;
	int			throttle_wait_ms;
} RqboRetryLimits;

#define RQBO_RETRY_MAX_ATTEMPTS 6

/* Whatever QuickBooks or somebody in its name asks for, it is asked again after that. */
#define RQBO_LONGEST_PAUSE_MS (60 * 60 * 1000)

/* Intuit's fault codes that decide something. */
#define RQBO_FAULT_AUTHENTICATION			100
#define RQBO_FAULT_AUTHORIZATION			120
#define RQBO_FAULT_THROTTLED				3001
#define RQBO_FAULT_APP_AUTHORIZATION		3100
#define RQBO_FAULT_TOKEN					3200
#define RQBO_FAULT_PERMISSION				5020
#define RQBO_FAULT_COMPANY_STATUS			6190
#define RQBO_FAULT_SUBSCRIPTION				7001
#define RQBO_FAULT_SYSTEM					10000

extern RqboDecision rqbo_retry_decide(const RqboAttempt *attempt, const RqboRetryLimits *limits, int *wait_ms);
extern bool rqbo_retry_is_throttled(const RqboAttempt *attempt);

/* Is the access token refused, rather than the request or the consent? */
extern bool rqbo_retry_token_is_refused(const RqboAttempt *attempt);

/* How long it is to be left alone then, in milliseconds. */
extern int	rqbo_retry_pause(const RqboAttempt *attempt, int throttle_wait_ms);

/*
 * How many seconds the schedule waits after an error before it tries again.
 * failures: how often it had failed before, in a row; throttled_seconds: for
 * how long every attempt has been throttled, -1 for not; pause_seconds: what
 * QuickBooks has asked for; spread: from 0 to 1, so that companies that fail
 * together do not come back together.
 */
extern int	rqbo_retry_next_attempt(int sqlstate, int failures, int throttled_seconds, int pause_seconds, double spread);

/* Throttled for so long that it is the month's quota, and not the moment's rate. */
extern bool rqbo_retry_quota_is_used_up(int throttled_seconds);

#endif							/* RQBO_NET_RETRY_H */
