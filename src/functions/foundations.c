/*-------------------------------------------------------------------------
 *
 * functions/foundations.c
 *	  Giving an extension another owner.  Which ones, and when, stands in SQL.
 *
 * PostgreSQL does so in REASSIGN OWNED only, for everything of a role at once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(rqbo_own_extension);

static void
set_owner(Oid extension, Oid owner)
{
	Relation	relation = table_open(ExtensionRelationId, RowExclusiveLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(extension));
	scan = systable_beginscan(relation, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "could not find tuple for extension %u", extension);
	tuple = heap_copytuple(tuple);
	((Form_pg_extension) GETSTRUCT(tuple))->extowner = owner;
	CatalogTupleUpdate(relation, &tuple->t_self, tuple);
	changeDependencyOnOwner(ExtensionRelationId, extension, owner);
	systable_endscan(scan);
	table_close(relation, RowExclusiveLock);
}

Datum
rqbo_own_extension(PG_FUNCTION_ARGS)
{
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to take over an extension"),
				 errhint("Only a superuser may do so.")));
	set_owner(PG_GETARG_OID(0), GetUserId());
	PG_RETURN_VOID();
}
