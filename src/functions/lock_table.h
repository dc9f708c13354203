/*-------------------------------------------------------------------------
 *
 * functions/lock_table.h
 *	  Who may lock our tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_FUNCTIONS_LOCK_TABLE_H
#define RQBO_FUNCTIONS_LOCK_TABLE_H

extern void rqbo_lock_table_define(void);

#endif							/* RQBO_FUNCTIONS_LOCK_TABLE_H */
