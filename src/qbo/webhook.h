/*-------------------------------------------------------------------------
 *
 * qbo/webhook.h
 *	  What Intuit tells unasked, as it says itself.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_WEBHOOK_H
#define RQBO_QBO_WEBHOOK_H

#include "utils/timestamp.h"

/* Something that has changed in a company. */
typedef struct RqboWebhookEvent
{
	const char *id;				/* NULL if it is not an event that can be told from others */
	const char *realm_id;
	const char *entity;			/* what has changed, as it is written there */
	bool		has_time;
	TimestampTz happened_at;	/* by QuickBooks' clock */
} RqboWebhookEvent;

/*
 * The events of a body, in CurrentMemoryContext; *count says how many.  RQ008
 * if it has neither of the two forms there are: an array of CloudEvents, or
 * the object that came before.
 */
extern RqboWebhookEvent *rqbo_webhook_read(const char *body, size_t length, int *count);

#endif							/* RQBO_QBO_WEBHOOK_H */
