/*
 * redzone_itself.h
 *	  What redzone.h gives other names to, under those names.
 */
extern void redzone_forget(void);
extern void *redzone_alloc(MemoryContext context, Size size);
extern void *redzone_alloc_zero(MemoryContext context, Size size);
extern void *redzone_palloc(Size size);
extern void *redzone_palloc0(Size size);
extern void *redzone_repalloc(void *piece, Size size);
extern void redzone_pfree(void *piece);
extern char *redzone_pstrdup(const char *text);
extern char *redzone_pnstrdup(const char *text, Size length);
extern char *redzone_strdup(MemoryContext context, const char *text);
extern void redzone_delete(MemoryContext context);
extern void redzone_reset(MemoryContext context);
