#include "slipway/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Chunks double from FIRST to LARGEST: a small arena (one operation) costs one page, a large one (an inventory of
 * thousands of nodes) few mallocs. Requests beyond LARGE get a chunk of their own, so they never waste a chunk's rest. */
#define CHUNK_FIRST   ((size_t)2048)
#define CHUNK_LARGEST ((size_t)256 * 1024)
#define LARGE_DIVISOR 4

#if defined(__SANITIZE_ADDRESS__)
#define EACH_ITS_OWN 1 /* AddressSanitizer sees overruns only between mallocs */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EACH_ITS_OWN 1
#endif
#endif
#ifndef EACH_ITS_OWN
#define EACH_ITS_OWN 0
#endif

struct chunk {
    struct chunk *next;
    alignas(max_align_t) unsigned char data[];
};

struct sw_arena {
    struct chunk *chunks;
    unsigned char *at, *end; /* the free part of the current chunk */
    size_t next_size;
    size_t bytes;
};

static void out_of_memory(void) {
    fputs("slipway: out of memory\n", stderr);
    abort();
}

void *sw_xmalloc(size_t size) {
    void *p = malloc(size ? size : 1);
    if (!p) out_of_memory();
    return p;
}

void *sw_xcalloc(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p) out_of_memory();
    return p;
}

void *sw_xrealloc(void *p, size_t size) {
    p = realloc(p, size ? size : 1);
    if (!p) out_of_memory();
    return p;
}

char *sw_xstrdup(const char *s) {
    return sw_xstrndup(s, strlen(s));
}

char *sw_xstrndup(const char *s, size_t len) {
    if (len == SIZE_MAX) out_of_memory();
    char *copy = sw_xmalloc(len + 1);
    if (len) memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *sw_xprintf(const char *fmt, ...) {
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0) out_of_memory();
    return text;
}

struct sw_arena *sw_arena_new(void) {
    struct sw_arena *arena = sw_xcalloc(1, sizeof *arena);
    arena->next_size = CHUNK_FIRST;
    arena->bytes = sizeof *arena;
    return arena;
}

void sw_arena_free(struct sw_arena *arena) {
    if (!arena) return;
    struct chunk *next;
    for (struct chunk *c = arena->chunks; c; c = next) {
        next = c->next;
        free(c);
    }
    free(arena);
}

static struct chunk *add_chunk(struct sw_arena *arena, size_t size) {
    struct chunk *c = sw_xcalloc(1, sizeof *c + size);
    c->next = arena->chunks;
    arena->chunks = c;
    arena->bytes += sizeof *c + size;
    return c;
}

void *sw_alloc(struct sw_arena *arena, size_t size) {
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 2) out_of_memory();
    if (EACH_ITS_OWN) return add_chunk(arena, size)->data;

    size_t rounded = size ? (size + align - 1) & ~(align - 1) : align;
    if (rounded > (size_t)(arena->end - arena->at)) {
        if (rounded > arena->next_size / LARGE_DIVISOR) return add_chunk(arena, rounded)->data;
        struct chunk *c = add_chunk(arena, arena->next_size);
        arena->at = c->data;
        arena->end = c->data + arena->next_size;
        if (arena->next_size < CHUNK_LARGEST) arena->next_size *= 2;
    }
    void *p = arena->at;
    arena->at += rounded;
    return p;
}

void *sw_alloc_n(struct sw_arena *arena, size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) out_of_memory();
    return sw_alloc(arena, bytes);
}

char *sw_strdup(struct sw_arena *arena, const char *s) {
    return s ? sw_strndup(arena, s, strlen(s)) : NULL;
}

char *sw_strndup(struct sw_arena *arena, const char *s, size_t len) {
    if (len == SIZE_MAX) out_of_memory();
    char *copy = sw_alloc(arena, len + 1);
    if (len) memcpy(copy, s, len);
    return copy;
}

char *sw_printf(struct sw_arena *arena, const char *fmt, ...) {
    char small[256];
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n < 0) out_of_memory();
    char *text;
    if ((size_t)n < sizeof small) {
        text = sw_strndup(arena, small, (size_t)n);
    } else {
        text = sw_alloc(arena, (size_t)n + 1);
        vsnprintf(text, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    return text;
}

size_t sw_arena_bytes(const struct sw_arena *arena) {
    return arena->bytes;
}
