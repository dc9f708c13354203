/*-------------------------------------------------------------------------
 *
 * qbo/oauth_kept.h
 *	  Tokens kept in a file, when the tables cannot take them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_OAUTH_KEPT_H
#define RQBO_QBO_OAUTH_KEPT_H

#include "qbo/session.h"

/* Reserve the place before tokens are asked for; raises an error where that cannot be.  Give it up. */
extern void rqbo_oauth_reserve_place(RqboSession *session, const RqboCredential *credential);
extern void rqbo_oauth_give_up_place(RqboSession *session);

/*
 * Store what is kept of a connection whose grant lock the caller holds.  Raises
 * an error if the tables cannot take it still: nobody may go on with the tokens
 * of before.
 */
extern void rqbo_oauth_take_kept(const RqboConnection *connection);

/*
 * The same of all in this database that nobody holds the lock of; what cannot
 * be stored yet stays.  Files that nobody will come back for go: places for
 * answers that were lost, and tokens of databases that are no more.
 */
extern void rqbo_oauth_take_all_kept(void);

#endif							/* RQBO_QBO_OAUTH_KEPT_H */
