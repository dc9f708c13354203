/*-------------------------------------------------------------------------
 *
 * base/texts.h
 *	  Texts that were seen, each with a number: found again without a walk over
 *	  all of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_TEXTS_H
#define RQBO_BASE_TEXTS_H

typedef struct RqboTexts RqboTexts;

/* In CurrentMemoryContext.  The texts stay the caller's. */
extern RqboTexts *rqbo_texts_make(void);

/* A text that was added before keeps its number: false. */
extern bool rqbo_texts_add(RqboTexts *texts, const char *text, int number);

/* Its number, or -1. */
extern int	rqbo_texts_find(const RqboTexts *texts, const char *text);

#endif							/* RQBO_BASE_TEXTS_H */
