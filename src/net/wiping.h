/*-------------------------------------------------------------------------
 *
 * net/wiping.h
 *	  Memory for libcurl that is wiped when it is freed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_WIPING_H
#define RQBO_NET_WIPING_H

/* As the C library's, but for what frees: callbacks of curl_global_init_mem. */
extern void *rqbo_wiping_malloc(size_t size);
extern void rqbo_wiping_free(void *memory);
extern void *rqbo_wiping_realloc(void *memory, size_t size);
extern char *rqbo_wiping_strdup(const char *text);
extern void *rqbo_wiping_calloc(size_t count, size_t size);

#endif							/* RQBO_NET_WIPING_H */
