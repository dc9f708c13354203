/*-------------------------------------------------------------------------
 *
 * qbo/places.c
 *	  The budget of a second of one realm: ten places, each held from a request
 *	  until one second after its answer.
 *	  The budget of a minute is net/throttle.c's.
 *
 * Intuit counts when a request arrives, which is between its sending and its
 * answer; hence no second has more than ten of them, however long they were on
 * their way.
 *
 * Only one at a time imports from a company, whose own the first eight places
 * are.  The last two it shares with whoever asks the company beside it: a
 * sign-in is not to wait for an import's end.  They are locks of the server's,
 * which nobody who is killed keeps; and since whoever has ended keeps none
 * either, nobody takes one within a second of what the company's rows say was
 * answered last.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/learn/limits-and-throttles
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/db.h"
#include "base/lock.h"
#include "qbo/places.h"

#define SECOND_MS 1000
#define FIRST_SHARED 8

/* How soon to look again at places that others hold, or whose requests are under way. */
#define LOOK_AGAIN_MS 50

static RqboLockKind
lock_of(int place)
{
	return (RqboLockKind) (RQBO_LOCK_PLACE + place - FIRST_SHARED);
}

void
rqbo_place_return(RqboPlaces *places, int place)
{
	if (place >= FIRST_SHARED)
		rqbo_lock_release(lock_of(place), places->locked[place]);
	places->free_at[place] = 0;
}

void
rqbo_place_leave(RqboPlaces *places, int place, int64 at_ms)
{
	places->free_at[place] = at_ms + SECOND_MS;
}

static void
return_until(RqboPlaces *places, int64 moment)
{
	for (int i = 0; i < RQBO_PLACES; i++)
		if (places->free_at[i] != 0 && places->free_at[i] <= moment)
			rqbo_place_return(places, i);
}

void
rqbo_place_return_all(RqboPlaces *places)
{
	return_until(places, PG_INT64_MAX);
}

/*
 * How long it is until a second has passed since the company has answered
 * somebody who has ended.  A clock that was set back is not waited for.
 */
static int
time_since_others(const RqboConnection *connection)
{
	TimestampTz until;
	int64		ms;

	rqbo_db_begin();
	until = rqbo_store_quiet_until(connection);
	rqbo_db_commit();
	ms = until > 0 ? (until - GetCurrentTimestamp()) / 1000 + 1 : 0;
	return ms > 0 && ms <= SECOND_MS + 1 ? (int) ms : 0;
}

static bool
take_shared(RqboPlaces *places, int place, const RqboConnection *connection, int *wait_ms)
{
	int			ms;

	if (places->free_at[place] != 0 || !rqbo_lock_try(lock_of(place), connection->realm_key))
		return false;
	places->locked[place] = connection->realm_key;
	ms = time_since_others(connection);
	if (ms > 0)
	{
		rqbo_place_return(places, place);
		*wait_ms = ms;
	}
	return ms == 0;
}

static int
find_shared(RqboPlaces *places, const RqboConnection *connection, int *wait_ms)
{
	for (int i = FIRST_SHARED; i < RQBO_PLACES; i++)
		if (take_shared(places, i, connection, wait_ms))
			return i;
	return RQBO_NO_PLACE;
}

static int
find_own(const RqboPlaces *places)
{
	for (int i = 0; i < FIRST_SHARED; i++)
		if (places->free_at[i] == 0)
			return i;
	return RQBO_NO_PLACE;
}

static int
time_until_free(const RqboPlaces *places, int64 now)
{
	int64		first = now + LOOK_AGAIN_MS;

	for (int i = 0; i < RQBO_PLACES; i++)
		if (places->free_at[i] != 0)
			first = Min(first, places->free_at[i]);
	return (int) Max(1, first - now);
}

/*
 * Beside an import the shared places come first; who needs more than those has
 * the rest, as there is hardly an import just then.
 */
static int
find(RqboPlaces *places, const RqboConnection *connection, bool is_importer, int *wait_ms)
{
	int			place = is_importer ? find_own(places) : find_shared(places, connection, wait_ms);

	if (place != RQBO_NO_PLACE)
		return place;
	if (is_importer)
		return find_shared(places, connection, wait_ms);
	return places->free_at[FIRST_SHARED] != 0 || places->free_at[FIRST_SHARED + 1] != 0 ? find_own(places) : RQBO_NO_PLACE;
}

int
rqbo_place_take(RqboPlaces *places, const RqboConnection *connection, bool is_importer, int *wait_ms)
{
	int64		now = rqbo_clock_ms();
	int			place;

	return_until(places, now);
	*wait_ms = time_until_free(places, now);
	place = find(places, connection, is_importer, wait_ms);
	if (place != RQBO_NO_PLACE)
		places->free_at[place] = PG_INT64_MAX;
	return place;
}
