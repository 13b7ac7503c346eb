/* YAML values: scalars with their tags, aliases, lists. */
#include <stdlib.h>
#include <string.h>

#include "value_internal.h"
#include "yaml_reader.h"

#define CORE_TAG "tag:yaml.org,2002:"

struct anchor {
    struct node node;
    bool open; /* still being read: an alias to it would be a cycle */
};

static struct anchor *open_anchor(struct reader *r, const yaml_char_t *name) {
    if (!name) return NULL;
    struct anchor *anchor = sw_new(r->arena, struct anchor);
    anchor->open = true;
    sw_map_set(&r->anchors, sw_strdup(r->arena, (const char *)name), anchor);
    return anchor;
}

static void close_anchor(struct anchor *anchor, const struct node *node) {
    if (anchor) *anchor = (struct anchor){.node = *node};
}

/* Sets the line of a value made just now, in the arena and not shared yet. */
static const struct sw_value *set_line(const struct sw_value *fresh, unsigned line) {
    /* The analyser does not know that what fails never returns 0, that is, without a value. */
    ((struct sw_value *)fresh)->line = line; /* NOLINT(clang-analyzer-core.NullDereference) */
    return fresh;
}

static int read_alias(struct reader *r, struct node *ret) {
    const char *name = (const char *)r->event.data.alias.anchor;
    struct anchor *anchor = sw_map_find(&r->anchors, name);
    if (!anchor) {
        sw_yaml__fail_here(r, SW_EINVAL, "alias '*%s' has no anchor", name);
        sw_err_hint(r->err, "put '&%s' before the value it stands for, further up", name);
        return SW_EINVAL;
    }
    if (anchor->open) return sw_yaml__fail_here(r, SW_EINVAL, "alias '*%s' stands inside the value it names", name);
    int rc = sw_yaml__count(r, anchor->node.nodes);
    if (rc == 0) rc = sw_yaml__check_depth(r, anchor->node.depth);
    if (rc == 0) *ret = anchor->node;
    return rc;
}

static int call_tag(struct reader *r, const char *tag, const char *text, const struct sw_value **ret) {
    unsigned line = line_of(r), column = column_of(r);
    if (!r->tag_fn) {
        sw_yaml__fail(r, SW_EINVAL, line, column, "unknown tag '!%s'", tag);
        sw_err_hint(r->err, "tags have no meaning in this file");
        return SW_EINVAL;
    }
    int rc = r->tag_fn(r->tag_ctx, r->arena, tag, text, ret, r->err);
    if (rc < 0) {
        sw_err_at(r->err, (struct sw_pos){r->name, line, column});
        return rc;
    }
    /* The function may give a value that others share: the line goes on a copy. */
    struct sw_value *copy = sw_new(r->arena, struct sw_value);
    *copy = **ret;
    *ret = copy;
    return 0;
}

/* A scalar with a tag of YAML's own, such as !!str. */
static int read_core_tag(struct reader *r, const char *tag, const char *text, size_t len, const struct sw_value **ret) {
    static const struct {
        const char *tag;
        enum sw_kind kind, or_kind;
    } kinds[] = {{"int", SW_INT, SW_INT}, {"float", SW_REAL, SW_INT}, {"bool", SW_BOOL, SW_BOOL}, {"null", SW_NULL, SW_NULL}};
    if (strcmp(tag, "str") == 0) {
        *ret = sw_value_strn(r->arena, text, len);
        return 0;
    }
    if (strcmp(tag, "binary") == 0) {
        struct sw_str bytes = {0};
        bool ok = sw_base64_decode(text, len, &bytes);
        if (ok) *ret = sw_value_strn(r->arena, sw_str_z(&bytes), bytes.len);
        sw_str_done(&bytes);
        return ok ? 0 : sw_yaml__fail_here(r, SW_EINVAL, "the text after '!!binary' is not base64");
    }
    for (size_t i = 0; i < sw_countof(kinds); i++) {
        if (strcmp(tag, kinds[i].tag) != 0) continue;
        const struct sw_value *v = sw_yaml__plain(r->arena, text, len, r->octal);
        if (v->kind == kinds[i].or_kind && v->kind != kinds[i].kind) v = sw_value_real(r->arena, (double)v->i);
        if (v->kind != kinds[i].kind) return sw_yaml__fail_here(r, SW_EINVAL, "the text after '!!%s' is not of that kind", tag);
        *ret = v;
        return 0;
    }
    return sw_yaml__fail_here(r, SW_EINVAL, "unknown tag '!!%s'", tag);
}

static int read_scalar(struct reader *r, struct node *ret) {
    const char *text = (const char *)r->event.data.scalar.value, *tag = (const char *)r->event.data.scalar.tag;
    size_t len = r->event.data.scalar.length;
    unsigned line = line_of(r);
    const struct sw_value *v = NULL;
    int rc = 0;
    if (memchr(text, '\0', len)) {
        sw_yaml__fail_here(r, SW_EINVAL, "a NUL byte in a text");
        sw_err_hint(r->err, "write bytes as !!binary and base64");
        return SW_EINVAL;
    }
    struct anchor *anchor = open_anchor(r, r->event.data.scalar.anchor);
    if (tag && sw_starts_with(tag, CORE_TAG))
        rc = read_core_tag(r, tag + strlen(CORE_TAG), text, len, &v);
    else if (tag && tag[0] == '!' && tag[1])
        rc = call_tag(r, tag + 1, text, &v);
    else if (tag && strcmp(tag, "!") != 0)
        return sw_yaml__fail_here(r, SW_EINVAL, "unknown tag '%s'", tag);
    else if (r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !tag)
        v = sw_yaml__plain(r->arena, text, len, r->octal);
    else
        v = sw_value_strn(r->arena, text, len);
    if (rc < 0) return rc;
    *ret = (struct node){set_line(v, line), 1, 0};
    close_anchor(anchor, ret);
    return 0;
}

/* Maps and lists take no local tags: those stand for a text. */
static int check_container_tag(struct reader *r, const yaml_char_t *tag, const char *core, const char *what) {
    const char *text = (const char *)tag;
    if (!text || strcmp(text, "!") == 0 || (sw_starts_with(text, CORE_TAG) && strcmp(text + strlen(CORE_TAG), core) == 0)) return 0;
    if (sw_starts_with(text, CORE_TAG)) return sw_yaml__fail_here(r, SW_EINVAL, "tag '!!%s' before %s", text + strlen(CORE_TAG), what);
    return sw_yaml__fail_here(r, SW_EINVAL, "tag '%s' before %s: it takes a text", text, what);
}

static int read_items(struct reader *r, struct items *items, struct node *sum) {
    for (;;) {
        struct node item = {0};
        int rc = sw_yaml__next(r);
        if (rc == 0 && r->event.type == YAML_SEQUENCE_END_EVENT) return 0;
        if (rc == 0) rc = sw_yaml__read_node(r, &item);
        if (rc < 0) return rc;
        absorb(sum, &item);
        sw_vec_push(items, item.value);
    }
}

static int read_list(struct reader *r, struct node *ret) {
    unsigned line = line_of(r);
    struct items items = {0};
    struct node sum = {NULL, 1, 1};
    int rc = check_container_tag(r, r->event.data.sequence_start.tag, "seq", "a list");
    if (rc < 0) return rc;
    struct anchor *anchor = open_anchor(r, r->event.data.sequence_start.anchor);
    rc = read_items(r, &items, &sum);
    if (rc == 0) {
        sum.value = set_line(sw_value_list(r->arena, items.v, items.n), line);
        close_anchor(anchor, &sum);
        *ret = sum;
    }
    sw_vec_done(&items);
    return rc;
}

static int read_map(struct reader *r, struct node *ret) {
    unsigned line = line_of(r);
    struct node map = {NULL, 1, 1};
    int rc = check_container_tag(r, r->event.data.mapping_start.tag, "map", "a map");
    if (rc < 0) return rc;
    struct anchor *anchor = open_anchor(r, r->event.data.mapping_start.anchor);
    rc = sw_yaml__read_pairs(r, &map);
    if (rc < 0) return rc;
    set_line(map.value, line);
    close_anchor(anchor, &map);
    *ret = map;
    return 0;
}

int sw_yaml__read_node(struct reader *r, struct node *ret) {
    if (r->event.type == YAML_ALIAS_EVENT) return read_alias(r, ret);
    int rc = sw_yaml__count(r, 1);
    if (rc < 0) return rc;
    if (r->event.type == YAML_SCALAR_EVENT) return read_scalar(r, ret);
    rc = sw_yaml__check_depth(r, 1);
    if (rc < 0) return rc;
    r->depth++;
    rc = r->event.type == YAML_SEQUENCE_START_EVENT ? read_list(r, ret) : read_map(r, ret);
    r->depth--;
    return rc;
}
