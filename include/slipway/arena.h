/* Arenas: memory with one lifetime, freed at once. Not thread-safe: an arena belongs to the loop thread. */
#ifndef SLIPWAY_ARENA_H
#define SLIPWAY_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct sw_arena;

/* What never returns NULL: compilers and the analyser may rely on it. */
#define SW_NEVER_NULL __attribute__((returns_nonnull))

struct sw_arena *sw_arena_new(void) SW_NEVER_NULL;
/* Frees everything allocated from it. NULL is fine. */
void sw_arena_free(struct sw_arena *arena);

/* Zeroed memory, aligned for any type. Never NULL (aborts when out of memory). */
void *sw_alloc(struct sw_arena *arena, size_t size) SW_NEVER_NULL;
#define sw_new(arena, type)      ((type *)sw_alloc((arena), sizeof(type)))
#define sw_new_n(arena, type, n) ((type *)sw_alloc_n((arena), (n), sizeof(type)))
void *sw_alloc_n(struct sw_arena *arena, size_t n, size_t size) SW_NEVER_NULL; /* aborts on overflow */

char *sw_strdup(struct sw_arena *arena, const char *s);                            /* NULL gives NULL */
char *sw_strndup(struct sw_arena *arena, const char *s, size_t len) SW_NEVER_NULL; /* always NUL-terminated; bytes may hold NULs */
char *sw_printf(struct sw_arena *arena, const char *fmt, ...) SW_NEVER_NULL __attribute__((format(printf, 2, 3)));

size_t sw_arena_bytes(const struct sw_arena *arena); /* allocated from the system so far */

/* malloc family that aborts instead of returning NULL: for what crosses lifetimes. Free with free(). */
void *sw_xmalloc(size_t size) SW_NEVER_NULL;
void *sw_xcalloc(size_t n, size_t size) SW_NEVER_NULL;
void *sw_xrealloc(void *p, size_t size) SW_NEVER_NULL;
char *sw_xstrdup(const char *s) SW_NEVER_NULL;
char *sw_xstrndup(const char *s, size_t len) SW_NEVER_NULL;
char *sw_xprintf(const char *fmt, ...) SW_NEVER_NULL __attribute__((format(printf, 1, 2)));

#endif
