/*-------------------------------------------------------------------------
 *
 * store/restore.h
 *	  Whether the tables are being restored.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_RESTORE_H
#define RQBO_STORE_RESTORE_H

#define RQBO_BEING_RESTORED "this database is being restored, or was restored in part"
#define RQBO_BEING_RESTORED_HINT \
	"reefqbo.check() tells what is missing. Wait for the restore to end; to go on with what there is, SELECT reefqbo.finish_restore(true)."

/*
 * End a restore that has brought all that its dump holds; false if one is under
 * way that has not.  True where there is none.
 */
extern bool rqbo_store_end_restore(void);

/* The same, and raise 55000 for false: nobody writes to tables that are still to be filled. */
extern void rqbo_store_need_restored(void);

/* Raise that, and end nothing: for who looks into the tables, and has a worker write to them. */
extern void rqbo_store_refuse_half_restored(void);

#endif							/* RQBO_STORE_RESTORE_H */
