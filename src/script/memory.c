/* The memory of the Lua state: its limit, and stacks that stay where they are.
 *
 * Lua 5.4.4, which Debian 12 ships, keeps a pointer into its stack over the call of a __concat metamethod (luaV_concat; mended in 5.4.5): when
 * the stack moves meanwhile, it reads and writes freed memory. Secrets and references are joined by __concat. So every stack gets its full
 * size at once and never moves: a collection does not shrink it, since its first frame claims all of it, and the allocator refuses the block
 * that growing would take. Lua raises that as an error. What puts many values on a stack at once is bounded by SW_MANY_VALUES, which is less
 * than a stack: then growing always means doubling (luaD_growstack), and the block is known by its size.
 */
#include "host.h"

#include <stdlib.h>

enum {
    MAIN_SLOTS = 1 << 16, /* values on the stack of the main state */
    COROUTINE_SLOTS = 1 << 12,
    SLOT = 16, /* bytes */
    EXTRA = 5, /* slots behind the end (EXTRA_STACK) */
    FIRST = 1, /* slots in use when a stack gets its size */
};

static bool is_larger_stack(size_t bytes) {
    static const size_t main = 2 * (FIRST + MAIN_SLOTS) + EXTRA, coroutine = 2 * (FIRST + COROUTINE_SLOTS) + EXTRA;
    return bytes == main * SLOT || bytes == coroutine * SLOT;
}

/* Lua collects, tries again, then raises. */
static void *refuse(struct sw_script *s, bool too_deep) {
    s->too_deep = too_deep;
    if (s->running) sw_script__where(s->running, 0, &s->refused_at);
    return NULL;
}

void *sw_script__allocate(void *ctx, void *p, size_t old_size, size_t new_size) {
    struct sw_script *s = ctx;
    if (!p && old_size == 0 && is_larger_stack(new_size)) return refuse(s, true);
    if (!p) old_size = 0; /* else it is a type tag */
    if (new_size == 0) {
        free(p);
        s->used -= old_size;
        return NULL;
    }
    if (new_size > old_size) {
        if (s->used + (new_size - old_size) > s->limit) return refuse(s, false);
        sw_script__allocated(s, new_size - old_size);
    }
    void *moved = realloc(p, new_size);
    if (!moved) return new_size <= old_size ? p : NULL; /* Lua relies on it: shrinking never fails */
    s->used += new_size;
    s->used -= old_size;
    return moved;
}

bool sw_script__reserve_main(lua_State *L) {
    return lua_checkstack(L, MAIN_SLOTS);
}

lua_State *sw_script__new_thread(lua_State *L) {
    lua_State *co = lua_newthread(L); // co
    if (!lua_checkstack(co, COROUTINE_SLOTS)) sw_script__fail(L, SW_ELIMIT, "no memory for another coroutine");
    return co;
}
