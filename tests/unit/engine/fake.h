/* Resource types in C, so that the engine is tested without Lua: `note` on a host (a file, through a real sh), `box` in an API (a table in memory,
 * answering on a later turn of the loop as a real API does). Both are as strict as real ones: unknown attributes never reach a step. */
#ifndef SLIPWAY_TESTS_FAKE_H
#define SLIPWAY_TESTS_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "slipway/engine.h"
#include "slipway/file.h"
#include "slipway/map.h"

struct world {
    struct sw_loop *loop;
    struct sw_arena *arena;
    struct sw_state *state;
    struct sw_engine engine;
    char dir[64];
    struct sw_str log; /* what happened: "create box.a\n" … */
    struct {
        char name[32];
        char token[40]; /* it was created with */
        const struct sw_value *attributes;
    } boxes[32];
    size_t n_boxes;
    char fail[64];    /* address whose act fails */
    int fail_code;    /* with this code; 0 = SW_EREMOTE */
    bool effect;      /* the failing act has its effect all the same */
    char tokens[256]; /* of creations: "box.a=<token> " … */
    unsigned lists, acts;
    enum sw_action fail_action; /* only this act of it; 0 = any */
    struct sw_map created;      /* name -> how often */
    unsigned delay_ms;          /* that an act takes */
    unsigned acting, most_acting;
    void (*at_act)(void); /* called at the end of every act */
    /* the playbook */
    const struct sw_resource *resources[64];
    size_t n_resources;
    const struct sw_host *hosts[8];
    size_t n_hosts;
};
extern struct world *w;

/* A test in a world of its own. */
#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_new, world_free)

int world_new(void **unused);
int world_free(void **unused);
void world_reopen(void);                            /* state and engine anew, as a second run */
const struct sw_value *map(const char *first, ...); /* key, value, …, NULL */
const struct sw_value *text(const char *z);
const struct sw_value *ref(const char *address, const char *path);
void declare_host(const char *name, const struct sw_value *address);
struct sw_resource *declare_box(const char *name, const struct sw_value *desired);
struct sw_resource *declare_note(const char *host, const char *name, const struct sw_value *content);
void depends(struct sw_resource *resource, const char *first, ...);
void forget_playbook(void);
struct sw_plan *plan_with(const struct sw_plan_options *options);
struct sw_plan *plan(void);
int plan_fails(struct sw_err *err);
void apply(const struct sw_plan *plan);
int apply_fails(const struct sw_plan *plan, struct sw_apply_result *result, struct sw_err *err);
const struct sw_plan_item *item(const struct sw_plan *plan, const char *address);
char *note_path(const char *name); /* in the world's directory */
char *slurp(const char *path);     /* NULL = not there */
void spit(const char *path, const char *content);

#endif
