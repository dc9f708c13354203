/*-------------------------------------------------------------------------
 *
 * functions/rights.h
 *	  Whose rights hold while one of our functions runs, and what its caller may.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_FUNCTIONS_RIGHTS_H
#define RQBO_FUNCTIONS_RIGHTS_H

#include "fmgr.h"

/* An operator is a reader and a monitor, an admin an operator. */
typedef enum RqboLevel
{
	RQBO_READER,				/* sees data */
	RQBO_MONITOR,				/* sees what goes on, and no data */
	RQBO_OPERATOR,				/* also connects, reconnects and imports */
	RQBO_WEBHOOK,				/* hands in webhooks, and sees nothing */
	RQBO_ADMIN					/* also has apps, environments, keys and access in hand */
} RqboLevel;

/* In the place of a model: all of them, those to come included. */
#define RQBO_ALL_MODELS 0

/* Who calls a function that runs with the rights of its owner. */
typedef struct RqboCaller
{
	Oid			role;
	int			security;
} RqboCaller;

/*
 * Become the owner of the function being called, and the caller again.  After
 * an ERROR the end of the (sub)transaction does that.
 */
extern void rqbo_rights_take(FunctionCallInfo fcinfo, RqboCaller *caller);
extern void rqbo_rights_give_back(const RqboCaller *caller);

/*
 * Is the caller one whom row-level security concerns?  Not superusers, the
 * owner, and roles with BYPASSRLS.
 */
extern bool rqbo_rights_are_limited(const RqboCaller *caller);

/*
 * Raise 42501 unless the caller has a level for a model; for one that knows
 * nothing of the model, it does not exist (42704), and neither does one whose
 * model_id is 0.  model is its name, for messages; NULL for all models.  With
 * SPI connected.
 */
extern void rqbo_rights_check(const RqboCaller *caller, int64 model_id, const char *model, RqboLevel level);

/* The same question with a yes or no. */
extern bool rqbo_rights_suffice(const RqboCaller *caller, int64 model_id, RqboLevel level);

#endif							/* RQBO_FUNCTIONS_RIGHTS_H */
