/*
 * redzone.h
 *	  Included before everything else in what is fuzzed: its palloc and kin are those of redzone.c.
 */
#define palloc redzone_palloc
#define palloc0 redzone_palloc0
#define repalloc redzone_repalloc
#define pfree redzone_pfree
#define pstrdup redzone_pstrdup
#define pnstrdup redzone_pnstrdup
#define MemoryContextAlloc redzone_alloc
#define MemoryContextAllocZero redzone_alloc_zero
#define MemoryContextStrdup redzone_strdup
#define MemoryContextDelete redzone_delete
#define MemoryContextReset redzone_reset
