/* What helm printed, as objects. Each piece begins with a line "# Source: CHART/templates/FILE". */
#include "helm.h"

#include <stdlib.h>
#include <string.h>

#include "slipway/vec.h"
#include "slipway/yaml.h"

enum { MAX_TOLD = 5 };

static const char SOURCE[] = "# Source: ";

static const struct sw_yaml_limits LIMITS = {.max_bytes = 32 << 20};

/* The start of the next piece after `p`, or `end`. */
static const char *next_piece(const char *p, const char *end) {
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        if (!newline) return end;
        p = newline + 1;
        if ((size_t)(end - p) > 4 && memcmp(p, "---\n", 4) == 0 && (size_t)(end - p) > 4 + sizeof SOURCE &&
            memcmp(p + 4, SOURCE, sizeof SOURCE - 1) == 0)
            return p;
    }
    return end;
}

static const char *source_of(struct sw_arena *arena, const char *p, const char *end) {
    const char *at = memmem(p, (size_t)(end - p), SOURCE, sizeof SOURCE - 1);
    if (!at) return "its output";
    at += sizeof SOURCE - 1;
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return sw_strndup(arena, at, (size_t)((newline ? newline : end) - at));
}

static int fail_yaml(const struct sw_rendering *r, const char *source, struct sw_err *why, struct sw_err *err) {
    if (r->secret)
        sw_err_set(err, SW_EINVAL, "it is not valid YAML"); /* more of it might tell something of the values */
    else
        sw_err_set(err, why->code, "%s", why->message);
    sw_err_hint(err, "`helm template` with the same values shows it");
    if (why->line)
        sw_err_frame(err, "reading what the chart '%s' made of %s, line %u", r->shown, source, why->line);
    else
        sw_err_frame(err, "reading what the chart '%s' made of %s", r->shown, source);
    return err ? err->code : why->code;
}

struct pieces {
    const struct sw_value **v; /* { source, objects } */
    size_t n, cap;
};

static int read_pieces(const struct sw_rendering *r, const struct sw_str *text, struct sw_arena *arena, struct pieces *ret,
                       struct sw_err *err) {
    const char *p = sw_str_z(text), *end = p + text->len;
    while (p < end) {
        const char *next = next_piece(p, end), *source = source_of(arena, p, next);
        const struct sw_value *objects = NULL;
        struct sw_err why = {0};
        int rc = sw_yaml_read_all(arena, source, p, (size_t)(next - p), &LIMITS, &objects, &why);
        if (rc) rc = fail_yaml(r, source, &why, err);
        sw_err_done(&why);
        if (rc) return rc;
        const struct sw_pair pairs[] = {{"source", sw_value_str(arena, source)}, {"objects", objects}};
        if (objects->list.n) sw_vec_push(ret, sw_value_map(arena, pairs, 2));
        p = next;
    }
    return SW_OK;
}

static const char *called(struct sw_arena *arena, const struct sw_value *object) {
    const struct sw_value *name = sw_get_path(object, "metadata.name");
    return sw_printf(arena, "%s %s", sw_get_str(object, "kind", "an object"), sw_is(name, SW_STR) && !name->secret ? name->s.p : "");
}

static int fail_secret(const struct sw_rendering *r, const char *what, struct sw_err *err) {
    sw_err_set(err, SW_EINVAL, "the chart '%s': %s follows from a secret value", r->shown, what);
    sw_err_hint(err, "names and which fields there are is shown in plans: give that value plainly, without secret()");
    return SW_EINVAL;
}

static bool is_named_secretly(const struct sw_value *object) {
    static const char *const paths[] = {"apiVersion", "kind", "metadata.name", "metadata.namespace"};
    for (size_t i = 0; i < sw_countof(paths); i++) {
        const struct sw_value *v = sw_get_path(object, paths[i]);
        if (v && v->secret) return true;
    }
    return false;
}

static const struct sw_value *objects_of(const struct pieces *pieces, size_t i) {
    return i < pieces->n ? sw_get(pieces->v[i], "objects") : NULL;
}

static void set_objects(struct sw_arena *arena, struct pieces *pieces, size_t i, const struct sw_value **objects, size_t n) {
    pieces->v[i] = sw_map_with(arena, pieces->v[i], "objects", sw_value_list(arena, objects, n));
}

/* Marks what follows from secrets, by the rendering with stand-ins. */
static int veil(const struct sw_rendering *r, struct pieces *first, const struct pieces *other, struct sw_arena *arena,
                struct sw_err *err) {
    if (first->n != other->n) return fail_secret(r, "which objects it makes", err);
    for (size_t i = 0; i < first->n; i++) {
        const struct sw_value *a = objects_of(first, i), *b = objects_of(other, i);
        const struct sw_value **objects = sw_new_n(arena, const struct sw_value *, a->list.n + 1);
        if (a->list.n != b->list.n) return fail_secret(r, "which objects it makes", err);
        for (size_t k = 0; k < a->list.n; k++) {
            const char *path = "";
            const struct sw_value *object = a->list.v[k];
            objects[k] = sw_helm__veil(arena, object, b->list.v[k], NULL, &path);
            if (!objects[k])
                return fail_secret(r, sw_printf(arena, "what %s has at %s", called(arena, object), *path ? path : "its top"), err);
            if (is_named_secretly(objects[k])) return fail_secret(r, "the name of an object", err);
        }
        set_objects(arena, first, i, objects, a->list.n);
    }
    return SW_OK;
}

static void tell(struct sw_arena *arena, struct sw_texts *told, const struct sw_value *object, const char *path) {
    if (told->n < MAX_TOLD) sw_vec_push(told, sw_printf(arena, "%s: %s", called(arena, object), path));
}

/* Marks what is another at each rendering: it may be a key or a password, wherever it stands. */
static void mark_changing(struct pieces *first, const struct pieces *second, struct sw_arena *arena, struct sw_texts *told) {
    for (size_t i = 0; i < first->n; i++) {
        const struct sw_value *a = objects_of(first, i), *b = objects_of(second, i);
        const struct sw_value **objects = sw_new_n(arena, const struct sw_value *, a->list.n + 1);
        for (size_t k = 0; k < a->list.n; k++) {
            struct sw_texts leaves = {0};
            const char *path = "";
            const struct sw_value *object = a->list.v[k];
            objects[k] = b && k < b->list.n ? sw_helm__veil(arena, object, b->list.v[k], &leaves, &path) : NULL;
            for (size_t l = 0; objects[k] && l < leaves.n; l++) tell(arena, told, object, leaves.v[l]);
            if (!objects[k]) tell(arena, told, object, *path ? path : "all of it");
            if (!objects[k] || is_named_secretly(objects[k])) objects[k] = object;
            sw_vec_done(&leaves);
        }
        set_objects(arena, first, i, objects, a->list.n);
    }
}

static const struct sw_value *list(struct sw_arena *arena, const struct sw_texts *texts) {
    const struct sw_value **items = sw_new_n(arena, const struct sw_value *, texts->n + 1);
    for (size_t i = 0; i < texts->n; i++) items[i] = sw_value_str(arena, texts->v[i]);
    return sw_value_list(arena, items, texts->n);
}

int sw_helm__objects(const struct sw_rendering *r, struct sw_arena *arena, const struct sw_value **ret, struct sw_err *err) {
    const struct sw_str *first = &r->text[SW_HELM_FIRST], *second = &r->text[SW_HELM_SECOND];
    struct pieces pieces[SW_HELM_RENDERINGS] = {{0}};
    struct sw_texts told = {0};
    bool changes = second->p && (first->len != second->len || memcmp(first->p, second->p, first->len) != 0);
    int rc = read_pieces(r, first, arena, &pieces[SW_HELM_FIRST], err);
    if (rc == SW_OK && changes) rc = read_pieces(r, second, arena, &pieces[SW_HELM_SECOND], err);
    if (rc == SW_OK && r->secret) rc = read_pieces(r, &r->text[SW_HELM_STAND_IN], arena, &pieces[SW_HELM_STAND_IN], err);
    if (rc == SW_OK && r->secret) rc = veil(r, &pieces[SW_HELM_FIRST], &pieces[SW_HELM_STAND_IN], arena, err);
    if (rc == SW_OK && changes) mark_changing(&pieces[SW_HELM_FIRST], &pieces[SW_HELM_SECOND], arena, &told);
    if (rc == SW_OK) {
        const struct sw_pair pairs[] = {{"pieces", sw_value_list(arena, pieces[0].v, pieces[0].n)}, {"changing", list(arena, &told)}};
        *ret = sw_value_map(arena, pairs, 2);
    }
    for (size_t i = 0; i < SW_HELM_RENDERINGS; i++) sw_vec_done(&pieces[i]);
    sw_vec_done(&told);
    return rc;
}
