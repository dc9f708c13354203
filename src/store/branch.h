/*-------------------------------------------------------------------------
 *
 * store/branch.h
 *	  The tree of branches, as far as it is kept whole by a trigger.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_BRANCH_H
#define RQBO_STORE_BRANCH_H

/* Is the branch there?  If it is, it stays until the end of the transaction. */
extern bool rqbo_store_keep_branch(int64 model_id, int64 branch_id);

/* Is any branch below it, be it committed after the transaction's snapshot? */
extern bool rqbo_store_has_branches_below(int64 model_id, int64 branch_id);

/* Has a restore left the keys out?  It puts them in force at its end. */
extern bool rqbo_store_keys_are_left_out(void);

/* The first branch of a model that has a connection; 0 if none has. */
extern int64 rqbo_store_first_connected_branch(int64 model_id);

#endif							/* RQBO_STORE_BRANCH_H */
