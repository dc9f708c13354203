/*-------------------------------------------------------------------------
 *
 * worker/desk.c
 *	  Where sessions hand their calls to the background worker of a database.
 *	  What a call is, is in its segment (job/segment.h), and not known here.
 *
 * A session has one call at a time, so that there is a place for each.  What is
 * there is the address of a segment and no more: no secret, and nothing to be
 * tidied up but by who put it there.  A session that is cancelled while its
 * request has no worker leaves word of that, in a place that others lack until
 * there is one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "worker/desk.h"

typedef struct Place
{
	char		database[NAMEDATALEN];	/* empty: the place is free */
	RqboDeskTaken what;
	bool		is_import;
	uint64		number;			/* in the order they came */
} Place;

typedef struct Desk
{
	LWLock	   *lock;
	uint64		ncame;
	int			nwaiting;		/* read without the lock in each turn of a worker */
	Place		places[FLEXIBLE_ARRAY_MEMBER];
} Desk;

static Desk *desk = NULL;

static Size
size_of_desk(void)
{
	return MAXALIGN(offsetof(Desk, places) + MaxBackends * sizeof(Place));
}

void
rqbo_desk_request(void)
{
	RequestAddinShmemSpace(size_of_desk());
	RequestNamedLWLockTranche("reefqbo desk", 1);
}

void
rqbo_desk_startup(void)
{
	bool		found;

	desk = ShmemInitStruct("reefqbo desk", size_of_desk(), &found);
	if (found)
		return;
	memset(desk, 0, size_of_desk());
	desk->lock = &GetNamedLWLockTranche("reefqbo desk")->lock;
}

/* ---- by sessions ---- */

static int
put(const char *database, RqboDeskTaken what, bool is_import)
{
	int			place = RQBO_DESK_NO_PLACE;

	LWLockAcquire(desk->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MaxBackends && place < 0; i++)
		if (desk->places[i].database[0] == '\0')
			place = i;
	if (place >= 0)
	{
		strlcpy(desk->places[place].database, database, NAMEDATALEN);
		desk->places[place].what = what;
		desk->places[place].is_import = is_import;
		desk->places[place].number = desk->ncame++;
		desk->nwaiting++;
	}
	LWLockRelease(desk->lock);
	return place;
}

int
rqbo_desk_put(const char *database, dsm_handle segment, bool is_import)
{
	return put(database, (RqboDeskTaken) {.segment = segment}, is_import);
}

void
rqbo_desk_put_cancel(const char *database, int64 model_id, int64 request_id)
{
	(void) put(database, (RqboDeskTaken) {DSM_HANDLE_INVALID, model_id, request_id}, false);
}

/*
 * The lock is held.
 */
static void
empty_place(Place *place)
{
	place->database[0] = '\0';
	desk->nwaiting--;
}

/*
 * The lock is held.
 */
static bool
is_at(int place, dsm_handle segment)
{
	return desk->places[place].database[0] != '\0' && desk->places[place].what.segment == segment;
}

bool
rqbo_desk_holds(int place, dsm_handle segment)
{
	bool		is_there;

	LWLockAcquire(desk->lock, LW_SHARED);
	is_there = is_at(place, segment);
	LWLockRelease(desk->lock);
	return is_there;
}

bool
rqbo_desk_withdraw(int place, dsm_handle segment)
{
	bool		is_there;

	LWLockAcquire(desk->lock, LW_EXCLUSIVE);
	is_there = is_at(place, segment);
	if (is_there)
		empty_place(&desk->places[place]);
	LWLockRelease(desk->lock);
	return is_there;
}

/* ---- by the background worker ---- */

/*
 * What came first among what is for the worker, with the lock held.
 */
static Place *
first_place(const char *database, bool with_imports)
{
	Place	   *first = NULL;

	for (int i = 0; i < MaxBackends; i++)
	{
		Place	   *place = &desk->places[i];

		if (place->database[0] != '\0' && strcmp(place->database, database) == 0 &&
			(with_imports || !place->is_import) && (first == NULL || place->number < first->number))
			first = place;
	}
	return first;
}

bool
rqbo_desk_take(const char *database, bool with_imports, RqboDeskTaken *taken)
{
	Place	   *place;

	if (desk == NULL || *(volatile int *) &desk->nwaiting == 0)
		return false;
	LWLockAcquire(desk->lock, LW_EXCLUSIVE);
	place = first_place(database, with_imports);
	if (place != NULL)
	{
		*taken = place->what;
		empty_place(place);
	}
	LWLockRelease(desk->lock);
	return place != NULL;
}
