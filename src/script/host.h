/* Inside the Lua host. Read in this order: host.c (state, limits, the one way in), error.c, sandbox.c (what a script sees), core.c, module.c
 * (require), opaque.c and conv.c (values), define.c (resource types), type.c (types for the engine), declare.c (playbooks), task.c and
 * await.c (API types).
 *
 * A function marked SW_LJMP may leave by longjmp (a Lua error): it holds no heap memory of its own, and is only called by Lua or below
 * sw_script__run(). What it needs to allocate lives in an arena, in the script, or in a userdata that was there before
 * (sw_script__scope()). Stack effects of helpers are given as in the Lua manual: [-popped, +pushed].
 */
#ifndef SLIPWAY_SCRIPT_HOST_H
#define SLIPWAY_SCRIPT_HOST_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "slipway/map.h"
#include "slipway/script.h"
#include "slipway/vec.h"

#define SW_LJMP

/* They never come back: said here for the compiler and the analyzer, since Lua's headers do not. */
int lua_error(lua_State *L) __attribute__((noreturn));
int luaL_error(lua_State *L, const char *fmt, ...) __attribute__((noreturn));
int luaL_argerror(lua_State *L, int arg, const char *problem) __attribute__((noreturn));

/* Where a chunk comes from decides what it sees: the library has `core` and the plain tables, the others frozen ones. */
enum sw_origin { SW_FROM_LIBRARY, SW_FROM_STOCK /* playbooks/ */, SW_FROM_USER /* beside the inventory */, SW_N_ORIGINS };

/* One loaded chunk: what its frames are called in messages. */
struct sw_source {
    const char *chunk; /* Lua's name of it: "@lab/site.lua" */
    const char *file;  /* for people */
    enum sw_origin origin;
};

/* A Lua file beside the playbook. */
struct sw_module {
    const char *name;
    char sha256[65];
    bool defines; /* a resource type: a saved plan needs it */
    bool needed;  /* by one that does */
    struct {
        size_t *v;
        size_t n, cap;
    } uses; /* modules it required */
};

struct sw_declare;
struct sw_policy;
struct sw_tasks;

struct sw_script {
    lua_State *L;
    struct sw_loop *loop;
    struct sw_arena *arena;
    struct sw_script_options options;

    size_t used, limit; /* bytes of the Lua heap */
    int64_t left;       /* of the budget: instructions, and allocated bytes at a rate */
    bool spent;         /* the budget is used up: every further instruction raises */
    struct sw_pos spent_at;
    lua_State *running;       /* the coroutine the hook belongs to */
    bool too_deep;            /* what was refused last is a larger stack */
    struct sw_pos refused_at; /* the last time memory was */
    size_t converted;         /* bytes of values made since the entry from C */

    struct sw_map sources; /* chunk name -> struct sw_source */
    struct {
        struct sw_source **v;
        size_t n, cap;
    } source_list;
    int globals[SW_N_ORIGINS]; /* registry: what a chunk's _ENV falls back to */

    const struct sw_inventory *inventory; /* of the playbook, or NULL */
    const char *dir;                      /* its directory, resolved; or NULL */
    const char *shown_dir;                /* as the user wrote it, "" or with a final / */
    struct {
        struct sw_module *v;
        size_t n, cap;
    } modules;
    struct {
        const char **v;
        size_t n, cap;
    } loading; /* names, innermost last */
    struct {
        long *v;
        size_t n, cap;
    } loading_module;              /* index into modules, or -1 for the library and playbooks/ */
    const struct sw_value *pinned; /* modules a saved plan allows, or NULL */
    bool testing;                  /* sw_script_selftest runs */

    struct sw_map types; /* name -> struct sw_type (impl: struct sw_lua_type) */
    struct {
        const char **v;
        size_t n, cap;
    } type_names;
    struct sw_types iface;
    struct sw_str prelude;
    struct sw_map hashes; /* path -> SHA-256 in hex, of local files hashed so far */
    struct sw_declare *declare;
    struct sw_policy *policy; /* that runs */
    struct sw_tasks *tasks;
    unsigned failed_checks;
};

struct sw_script *sw_script__of(lua_State *L);

/* --- host.c: the one way in --------------------------------------------------------------------------------------------------------------
 */
/* Calls fn with `arg` as its light userdata, protected, with a fresh budget. Errors land in *err. */
int sw_script__run(struct sw_script *script, lua_CFunction fn, void *arg, struct sw_err *err);
/* Gives the thread a full budget. Before each lua_resume(). */
void sw_script__arm(struct sw_script *script, lua_State *L);

/* --- memory.c ---
 */
enum { SW_MANY_VALUES = 4000 }; /* at most so many go on the stack at once */
void *sw_script__allocate(void *script, void *p, size_t old_size, size_t new_size);
/* Counts bytes as work (host.c). */
void sw_script__allocated(struct sw_script *script, size_t bytes);
/* Gives a new state its stack for good. false = no memory. */
bool sw_script__reserve_main(lua_State *L);
/* [-0, +1] Never lua_newthread(): its stack would move. */
lua_State *sw_script__new_thread(lua_State *L) SW_LJMP;

/* --- error.c -----------------------------------------------------------------------------------------------------------------------------
 */
struct sw_err *sw_script__error_new(lua_State *L) SW_LJMP;    /* [-0, +1] an empty error object: fill it, then lua_error() */
struct sw_err *sw_script__error_get(lua_State *L, int index); /* NULL when it is none */
int sw_script__fail(lua_State *L, int code, const char *fmt, ...) SW_LJMP __attribute__((format(printf, 3, 4), noreturn)); /* raises */
int sw_script__message_handler(lua_State *L) SW_LJMP;
/* Turns the value on top of L (raised on `thread`) into *err: [-0, +1] on L. */
void sw_script__error_seal(lua_State *L, lua_State *thread, int level) SW_LJMP;
/* After a failed call: moves the error object (or whatever is on top of L) into *err. [-1, +0] */
int sw_script__error_take(struct sw_script *script, lua_State *L, int status, struct sw_err *err);
/* The innermost frame of a playbook or a file beside it, else of anything. false = no Lua frame. */
bool sw_script__where(lua_State *L, int level, struct sw_pos *ret);
/* On whose behalf this runs: the origin of the innermost frame that is not the library's; the library's when there is none. */
enum sw_origin sw_script__caller(lua_State *L);

/* --- scope.c -----------------------------------------------------------------------------------------------------------------------------
 */
/* Memory for one C function that may raise: an arena and a string that go with the userdata it pushes. [-0, +1] */
struct sw_scope {
    struct sw_arena *arena; /* made by the first sw_script__scope_arena() */
    struct sw_str str;
};
struct sw_scope *sw_script__scope(lua_State *L) SW_LJMP;
struct sw_arena *sw_script__scope_arena(struct sw_scope *scope);
void sw_script__scope_close(struct sw_scope *scope); /* early; otherwise the collector does it */
void sw_script__open_scope(lua_State *L) SW_LJMP;

/* --- sandbox.c and its parts
 * --------------------------------------------------------------------------------------------------------------- */
void sw_script__open_sandbox(lua_State *L) SW_LJMP;
void sw_script__open_basic(lua_State *L) SW_LJMP;   /* assert, error, print and so on in the table on top */
void sw_script__open_fail(lua_State *L) SW_LJMP;    /* fail, fail_unknown, secret in the table on top */
void sw_script__push_slipway(lua_State *L) SW_LJMP; /* [-0, +1] the table slipway */
void sw_script__push_core(lua_State *L) SW_LJMP;    /* [-0, +1] the table core */
/* [-1, +1] for people: what must not be read, or cannot be yet, is replaced by a word. */
void sw_script__shown(lua_State *L) SW_LJMP;
void sw_script__push_env(lua_State *L, enum sw_origin origin) SW_LJMP; /* [-0, +1] a fresh _ENV */
void sw_script__open_pairs(lua_State *L) SW_LJMP;                      /* [-0, +0] sets next, pairs, ipairs in the table on top */
void sw_script__open_table(lua_State *L) SW_LJMP;                      /* table, in the table on top */
void sw_script__open_string(lua_State *L) SW_LJMP;
/* Bounds the results of a function (text, from, to) in the table on top. */
void sw_script__few_results(lua_State *L, const char *name) SW_LJMP; /* string, in the table on top */
void sw_script__open_readonly(lua_State *L) SW_LJMP;
void sw_script__freeze(lua_State *L, int index) SW_LJMP;     /* [-0, +1] a read-only view of a table; other values as they are */
bool sw_script__thaw(lua_State *L, int index) SW_LJMP;       /* [-0, +1] the table behind a view; false and [-0, +0] when it is none */
void sw_script__mark_array(lua_State *L, int index) SW_LJMP; /* an empty table that is a list */
bool sw_script__is_array(lua_State *L, int index) SW_LJMP;

/* --- match.c: Lua patterns with a bound on backtracking
 * -------------------------------------------------------------------------------------- */
void sw_script__open_match(lua_State *L) SW_LJMP; /* find, match, gmatch, gsub in the table on top */
/* Charges work that the instruction count does not see. Raises when the budget is spent. */
void sw_script__charge(lua_State *L, size_t work) SW_LJMP;

/* --- module.c
 * -------------------------------------------------------------------------------------------------------------------------------- */
int sw_script__require(lua_State *L) SW_LJMP;       /* upvalue 1: the origin of the chunk it is given to */
void sw_script__open_modules(lua_State *L) SW_LJMP; /* type_files in the table on top */
void sw_script__open_assets(lua_State *L) SW_LJMP;  /* asset in the table on top */
/* Compiles text (never bytecode) with an _ENV for its origin. [-0, +1] */
void sw_script__load(lua_State *L, enum sw_origin origin, const char *chunk, const char *file, const char *text, size_t len) SW_LJMP;
/* Loads a library file "slipway/prelude.lua" and calls it. [-0, +1] its value */
void sw_script__load_library(lua_State *L, const char *path) SW_LJMP;
bool sw_script__library_has(struct sw_script *script, const char *path);
/* Calls require as a chunk of `origin` would. [-0, +1] */
void sw_script__require_name(lua_State *L, enum sw_origin origin, const char *name) SW_LJMP;
bool sw_script__module_exists(lua_State *L, const char *name) SW_LJMP; /* beside the playbook or in playbooks/ */
/* Runs the playbook `name`. */
void sw_script__run_playbook(lua_State *L, const char *name) SW_LJMP;
const struct sw_value *sw_script__modules_value(struct sw_script *script);
void sw_script__set_inventory(struct sw_script *script, const struct sw_inventory *inventory);
void sw_script__modules_done(struct sw_script *script);

/* --- files.c: the few files a script may read
 * -------------------------------------------------------------------------------------------------- */
/* The real path of `name` below `dir`, malloc'ed; NULL = absent. A way out of dir ("..", a link) is SW_EREFUSED. */
char *sw_script__inside(const char *dir, const char *name, struct sw_err *err);
void sw_script__open_files(lua_State *L) SW_LJMP;      /* file, file_info in the table on top */
void sw_script__forget_files(lua_State *L) SW_LJMP;    /* texts that were read are no longer known by their files' names */
void sw_script__open_core_files(lua_State *L) SW_LJMP; /* file_name, files in the table on top */
/* Finds and hashes (unless *ret_hex is given) a local file the user named: below the inventory's directory or, unless a stranger's playbook
 * asks, anywhere (/x, ~/x). Results in the script's arena. */
int sw_script__hash_file(lua_State *L, const char *name, const char **ret_path, const char **ret_hex, struct sw_err *err);

/* --- opaque.c: references, texts made of parts, secrets, unknown, null
 * -------------------------------------------------------------------------- */
enum sw_opaque { SW_O_NONE, SW_O_REF, SW_O_CONCAT, SW_O_SECRET, SW_O_UNKNOWN, SW_O_NULL, SW_O_RESOURCE };
struct sw_opaque_ref {
    bool secret;
    const char *address, *path; /* behind the struct */
};
enum sw_opaque sw_script__opaque(lua_State *L, int index);
void sw_script__push_ref(lua_State *L, const char *address, const char *path, bool secret) SW_LJMP;
void sw_script__push_secret(lua_State *L, const struct sw_value *scalar) SW_LJMP;
void sw_script__push_secret_text(lua_State *L, const char *p, size_t len) SW_LJMP;
void sw_script__push_unknown(lua_State *L) SW_LJMP;
void sw_script__push_null(lua_State *L) SW_LJMP;
void sw_script__push_resource(lua_State *L, const struct sw_resource *resource, const struct sw_schema *schema) SW_LJMP;
const struct sw_resource *sw_script__resource(lua_State *L, int index); /* NULL when it is none */
const struct sw_opaque_ref *sw_script__ref(lua_State *L, int index);
/* The text of a string, number, boolean or secret; false for the rest. Borrowed from the value at index, which is not changed. */
struct sw_text {
    const char *p;
    size_t len;
    bool secret;
    char number[64];
};
bool sw_script__text(lua_State *L, int index, struct sw_text *ret);
/* Joins the n values on top into one text: a string, a secret, a text with references, or unknown. [-n, +1] */
void sw_script__join(lua_State *L, int n) SW_LJMP;
/* For many values, after each that was pushed: joins the n on top once they are many, and gives how many there are now. */
int sw_script__join_some(lua_State *L, int n) SW_LJMP;
void sw_script__secret_value(lua_State *L, int index, struct sw_arena *arena, const struct sw_value **ret);
void sw_script__open_opaque(lua_State *L) SW_LJMP;

/* --- conv.c
 * ----------------------------------------------------------------------------------------------------------------------------------------
 */
/* The value at index; errors name the place in it, starting with `what`. hint: its row in a schema (says what {} is), or NULL. */
const struct sw_value *sw_script__to_value(lua_State *L, int index, struct sw_arena *arena, const struct sw_attr *hint,
                                           const char *what) SW_LJMP;
/* The members of a table that are not reserved attributes of every resource, or all of them. What is equal to a part of `like` (may be NULL)
 * is that part: `like` lives as long. */
const struct sw_value *sw_script__to_map(lua_State *L, int index, struct sw_arena *arena, const struct sw_schema *schema,
                                         bool skip_reserved, const struct sw_value *like, const char *what) SW_LJMP;
void sw_script__push_value(lua_State *L, const struct sw_value *v) SW_LJMP;      /* [-0, +1] NULL gives nil */
void sw_script__push_with_nulls(lua_State *L, const struct sw_value *v) SW_LJMP; /* [-0, +1] nulls in maps are slipway.null */
bool sw_script__reserved(const char *key);

/* --- define.c, type.c: resource types
 * ----------------------------------------------------------------------------------------------------------------- */
struct sw_lua_type {
    struct sw_type type;
    struct sw_script *script;
    struct sw_schema schema, absent; /* absent: the same with nothing required, for state = "absent" */
    int spec;                        /* registry: the table given to resource */
    enum sw_origin origin;
    const char *source; /* the chunk that defined it */
    bool own_state;     /* the type's own `state` attribute, not the library's */
    bool ephemeral;
    bool has_normalise, has_remove, has_declare;
};
void sw_script__open_define(lua_State *L) SW_LJMP;
/* Finds a type, loading its file. NULL = unknown. */
struct sw_lua_type *sw_script__type(lua_State *L, const char *name) SW_LJMP;
extern const struct sw_type_ops sw_script__ops;
const struct sw_type *sw_script__find_type(void *ctx, const char *name);
const char *sw_script__prelude(void *ctx);
/* Pushes the type's function of that name, or pushes nothing and gives false. */
bool sw_script__push_function(lua_State *L, const struct sw_lua_type *type, const char *name) SW_LJMP;
/* The `r` a type's functions get. [-0, +1] */
void sw_script__push_item(lua_State *L, const struct sw_lua_type *type, const struct sw_item *item, bool acting) SW_LJMP;
/* The output a type's functions get. [-0, +1] */
void sw_script__push_output(lua_State *L, const struct sw_batch_result *output) SW_LJMP;
/* Normalises inside a protected call. */
const struct sw_value *sw_script__normalise(lua_State *L, const struct sw_lua_type *type, const struct sw_value *desired, const char *name,
                                            struct sw_arena *arena) SW_LJMP;
bool sw_script__wants_absent(const struct sw_value *desired);
/* Marks what the schema calls sensitive, and the leaves that are secret at the same place of `like` (in lists: of any element). */
const struct sw_value *sw_script__mark(const struct sw_schema *schema, const struct sw_value *map, const struct sw_value *like,
                                       const struct sw_value *like2, struct sw_arena *arena);
/* The value on top as attributes: a map without NULLs, or an error that names the function. `like`: see sw_script__to_map. */
const struct sw_value *sw_script__attributes(lua_State *L, const struct sw_lua_type *type, int index, const char *function,
                                             const struct sw_value *like, struct sw_arena *arena) SW_LJMP;
void sw_script__step_from(lua_State *L, const struct sw_lua_type *type, int index, const char *function, struct sw_arena *arena,
                          struct sw_step *ret) SW_LJMP;

/* --- declare.c
 * -------------------------------------------------------------------------------------------------------------------------------------------
 */
void sw_script__open_declare(lua_State *L) SW_LJMP;
void sw_script__warn(lua_State *L, const char *text) SW_LJMP;
/* The table of attributes after the type's own `declare`, with references still in place. [-0, +1] */
void sw_script__declare_attributes(lua_State *L, const struct sw_lua_type *type, int attributes, const char *name) SW_LJMP;
void sw_script__declare_done(struct sw_script *script);

/* --- bind_*.c: functions by subject
 * ------------------------------------------------------------------------------------------------------------------------ */
void sw_script__open_json(lua_State *L) SW_LJMP;      /* json, yaml in the table on top */
void sw_script__open_xml(lua_State *L) SW_LJMP;       /* xml in the table on top */
void sw_script__open_text(lua_State *L) SW_LJMP;      /* base64, sha256 in the table on top */
void sw_script__open_core_text(lua_State *L) SW_LJMP; /* sha1, uri_escape in the table on top */
void sw_script__open_sh(lua_State *L) SW_LJMP;        /* sh, sh_quote, sh_prelude in the table on top */
void sw_script__open_download(lua_State *L) SW_LJMP;  /* download in the table on top */
void sw_script__open_helm(lua_State *L) SW_LJMP;      /* helm in the table on top */
void sw_script__open_bcrypt(lua_State *L) SW_LJMP;    /* bcrypt in the table on top */
void sw_script__open_cidr(lua_State *L) SW_LJMP;      /* cidr in the table on top */
void sw_script__open_testing(lua_State *L) SW_LJMP;   /* in the table on top */

/* --- api.c, task.c, await.c: types in an API, as coroutines
 * -------------------------------------------------------------------------------------------------- */
void sw_script__open_api(lua_State *L) SW_LJMP;
void sw_script__list(const struct sw_type *type, const struct sw_value *provider, const struct sw_item *items, size_t n,
                     struct sw_arena *arena, sw_list_done *done, void *ctx);
void sw_script__act(const struct sw_type *type, const struct sw_value *provider, const struct sw_item *item, struct sw_arena *arena,
                    sw_act_line *line, sw_act_done *done, void *ctx);
void sw_script__cancel(void *ctx);
void sw_script__tasks_done(struct sw_script *script);

#endif
