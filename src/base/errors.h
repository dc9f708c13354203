/*-------------------------------------------------------------------------
 *
 * base/errors.h
 *	  The SQLSTATEs of reefqbo, class RQ.
 *
 * An application catches these; their meaning never changes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_ERRORS_H
#define RQBO_BASE_ERRORS_H

#include "utils/elog.h"

#define RQBO_ERRCODE(n) MAKE_SQLSTATE('R', 'Q', '0', (n) / 10 + '0', (n) % 10 + '0')

#define ERRCODE_RQBO_RECONNECT_REQUIRED		RQBO_ERRCODE(1)
#define ERRCODE_RQBO_COMPANY_MISMATCH		RQBO_ERRCODE(2)
#define ERRCODE_RQBO_ENVIRONMENT_MISMATCH	RQBO_ERRCODE(3)
#define ERRCODE_RQBO_COMPANY_SUSPENDED		RQBO_ERRCODE(4)
#define ERRCODE_RQBO_PERMISSION_DENIED		RQBO_ERRCODE(5)
#define ERRCODE_RQBO_THROTTLED				RQBO_ERRCODE(6)
#define ERRCODE_RQBO_DOES_NOT_TIE_OUT		RQBO_ERRCODE(7)
#define ERRCODE_RQBO_INVALID_RESPONSE		RQBO_ERRCODE(8)
#define ERRCODE_RQBO_AUTHORIZATION_INVALID	RQBO_ERRCODE(9)
#define ERRCODE_RQBO_KEY_UNAVAILABLE		RQBO_ERRCODE(10)
#define ERRCODE_RQBO_UNAVAILABLE			RQBO_ERRCODE(11)

#endif							/* RQBO_BASE_ERRORS_H */
