/* YAML maps: keys, duplicates, merge keys. */
#include <stdlib.h>
#include <string.h>

#include "yaml_reader.h"

struct entry {
    const char *key;
    const struct sw_value *value;
    unsigned line, column;
    size_t rank; /* 0 = written here; 1.. = merged in, the lower wins */
};

struct entries {
    struct entry *v;
    size_t n, cap;
};

static int by_key(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    if (order == 0) order = x->rank < y->rank ? -1 : x->rank > y->rank;
    if (order == 0) order = x->line < y->line ? -1 : x->line > y->line;
    if (order == 0) order = x->column < y->column ? -1 : x->column > y->column;
    return order;
}

/* The key at the current event, in the arena. */
static int read_key(struct reader *r, const char **ret, bool *ret_merge) {
    if (r->event.type != YAML_SCALAR_EVENT) {
        sw_yaml__fail_here(r, SW_EINVAL, "a key must be a text, not %s",
                           r->event.type == YAML_ALIAS_EVENT            ? "an alias"
                           : r->event.type == YAML_SEQUENCE_START_EVENT ? "a list"
                                                                        : "a map");
        if (r->event.type == YAML_MAPPING_START_EVENT) sw_err_hint(r->err, "put a text that starts with '{' in quotes");
        return SW_EINVAL;
    }
    const char *text = (const char *)r->event.data.scalar.value, *tag = (const char *)r->event.data.scalar.tag;
    bool plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (memchr(text, '\0', r->event.data.scalar.length)) return sw_yaml__fail_here(r, SW_EINVAL, "a NUL byte in a key");
    if (tag && strcmp(tag, "!") != 0 && strcmp(tag, "tag:yaml.org,2002:str") != 0)
        return sw_yaml__fail_here(r, SW_EINVAL, "a key takes no tag");
    if (r->event.data.scalar.anchor) return sw_yaml__fail_here(r, SW_EINVAL, "a key takes no anchor");
    if (plain && *text == '\0') return sw_yaml__fail_here(r, SW_EINVAL, "no key before the ':'");
    *ret = sw_strdup(r->arena, text);
    *ret_merge = plain && !tag && strcmp(text, "<<") == 0;
    return 0;
}

static int fail_merge(struct reader *r, const struct entry *at) {
    sw_yaml__fail(r, SW_EINVAL, at->line, at->column, "'<<' merges maps, and this is none");
    sw_err_hint(r->err, "write <<: *anchor or <<: [*one, *two]");
    return SW_EINVAL;
}

static int merge(struct reader *r, struct entries *entries, const struct entry *at, const struct sw_value *v, size_t *rank) {
    if (sw_is(v, SW_LIST)) {
        for (size_t i = 0; i < v->list.n; i++) {
            /* A list within the list is not a merge any more. */
            if (!sw_is(v->list.v[i], SW_MAP)) return fail_merge(r, at);
            merge(r, entries, at, v->list.v[i], rank);
        }
        return 0;
    }
    if (!sw_is(v, SW_MAP)) return fail_merge(r, at);
    ++*rank;
    for (size_t i = 0; i < v->map.n; i++) {
        struct entry entry = {v->map.v[i].key, v->map.v[i].value, at->line, at->column, *rank};
        sw_vec_push(entries, entry);
    }
    return 0;
}

static int read_entries(struct reader *r, struct entries *entries, struct node *sum) {
    size_t rank = 0;
    for (;;) {
        int rc = sw_yaml__next(r);
        if (rc == 0 && r->event.type == YAML_MAPPING_END_EVENT) return 0;
        if (rc < 0) return rc;
        struct entry entry = {.line = line_of(r), .column = column_of(r)};
        struct node value = {0};
        bool is_merge = false;
        rc = read_key(r, &entry.key, &is_merge);
        if (rc == 0) rc = sw_yaml__next(r);
        if (rc == 0) rc = sw_yaml__read_node(r, &value);
        if (rc < 0) return rc;
        absorb(sum, &value);
        entry.value = value.value;
        if (!is_merge)
            sw_vec_push(entries, entry);
        else if ((rc = merge(r, entries, &entry, value.value, &rank)) < 0)
            return rc;
    }
}

/* Sorts, and keeps one entry a key: the one written here, else the first merged in. */
static int settle(struct reader *r, struct entries *entries, struct sw_pair *pairs, size_t *ret_n) {
    const struct entry *duplicate = NULL;
    size_t n = 0;
    if (entries->n > 1) qsort(entries->v, entries->n, sizeof *entries->v, by_key);
    for (size_t i = 0; i < entries->n; i++) {
        const struct entry *e = &entries->v[i];
        if (i == 0 || strcmp(e[-1].key, e->key) != 0)
            pairs[n++] = (struct sw_pair){e->key, e->value};
        else if (e->rank == 0 && (!duplicate || e->line < duplicate->line))
            duplicate = e;
    }
    if (duplicate) {
        sw_yaml__fail(r, SW_EINVAL, duplicate->line, duplicate->column, "duplicate key '%s'", duplicate->key);
        sw_err_hint(r->err, "the first one is on line %u", duplicate[-1].line);
        return SW_EINVAL;
    }
    *ret_n = n;
    return 0;
}

int sw_yaml__read_pairs(struct reader *r, struct node *ret) {
    struct entries entries = {0};
    size_t n = 0;
    int rc = read_entries(r, &entries, ret);
    if (rc == 0) {
        struct sw_value *map = sw_new(r->arena, struct sw_value);
        struct sw_pair *pairs = entries.n ? sw_new_n(r->arena, struct sw_pair, entries.n) : NULL;
        rc = settle(r, &entries, pairs, &n);
        map->kind = SW_MAP;
        map->map.v = pairs;
        map->map.n = n;
        ret->value = map;
    }
    sw_vec_done(&entries);
    return rc;
}
