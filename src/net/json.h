/*-------------------------------------------------------------------------
 *
 * net/json.h
 *	  Reading JSON that came from outside.
 *
 * A document belongs to the memory context it was parsed in; a node is
 * borrowed from its document.  Every accessor accepts NULL and answers NULL
 * (or 0) for it, so that a path that is not there reads as absent.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_JSON_H
#define RQBO_NET_JSON_H

/* A node.  net/json.c alone knows what it is. */
typedef struct RqboJson RqboJson;

#define RQBO_JSON_MAX_DEPTH 128

/*
 * Parse UTF-8 text of len bytes, with or without a byte order mark.  NULL when
 * it is not one whole JSON object or array, and *reason says why, in a
 * sentence fit for an errdetail.  Text that is too large, not UTF-8, or has a
 * zero character in it is refused like text that is no JSON.
 */
extern RqboJson *rqbo_json_parse(const char *text, size_t len, const char **reason);

/* Leave nothing of a document with secrets in memory; it may be NULL. */
extern void rqbo_json_wipe(RqboJson *document);

/* A JSON null is as good as absent: it reads as NULL everywhere. */
extern bool rqbo_json_is_object(const RqboJson *node);
extern bool rqbo_json_is_array(const RqboJson *node);
extern RqboJson *rqbo_json_member(const RqboJson *node, const char *key);
/* How many elements an array has, or members an object. */
extern int	rqbo_json_length(const RqboJson *node);
extern RqboJson *rqbo_json_element(const RqboJson *node, int index);

/*
 * The text of a string, or of a number just as it was written (never through
 * a binary float), as UTF-8; NULL for everything else.
 */
extern const char *rqbo_json_text(const RqboJson *node);
extern const char *rqbo_json_member_text(const RqboJson *node, const char *key);
extern bool rqbo_json_member_bool(const RqboJson *node, const char *key, bool absent);

#endif							/* RQBO_NET_JSON_H */
