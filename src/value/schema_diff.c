/* What differs between two maps, by their schema. */
#include <string.h>

#include "slipway/schema.h"
#include "value_internal.h"

/* Maps of a known shape: only what `after` sets counts. */
static bool object_differs(const struct sw_schema *object, const struct sw_value *before, const struct sw_value *after) {
    for (size_t i = 0; i < after->map.n; i++) {
        const struct sw_attr *attr = sw_schema_find(object, after->map.v[i].key);
        if (attr && (attr->computed || attr->write_only)) continue;
        if (sw_attr_differs(attr, sw_get(before, after->map.v[i].key), after->map.v[i].value)) return true;
    }
    return false;
}

bool sw_attr_differs(const struct sw_attr *attr, const struct sw_value *before, const struct sw_value *after) {
    if (attr && attr->object && before && sw_is(after, SW_MAP) && sw_is(before, SW_MAP)) return object_differs(attr->object, before, after);
    if (attr && attr->object && before && sw_is(after, SW_LIST) && sw_is(before, SW_LIST) && after->list.n == before->list.n) {
        for (size_t i = 0; i < after->list.n; i++) {
            const struct sw_value *a = before->list.v[i], *b = after->list.v[i];
            bool maps = sw_is(a, SW_MAP) && sw_is(b, SW_MAP);
            if (maps ? object_differs(attr->object, a, b) : sw_value_has_unknown(b) || !sw_value_equal(a, b)) return true;
        }
        return false;
    }
    /* An empty list and an empty map are the same in Lua, and not worth a change. */
    if (before && after && sw_value__is_empty(before) && sw_value__is_empty(after)) return false;
    return sw_value_has_unknown(after) || !sw_value_equal(before, after);
}

static bool is_ignored(const char *const *ignore, const char *name) {
    for (; ignore && *ignore; ignore++)
        if (strcmp(*ignore, name) == 0) return true;
    return false;
}

size_t sw_schema_diff(const struct sw_schema *schema, const struct sw_value *before, const struct sw_value *after,
                      const char *const *ignore, struct sw_arena *arena, struct sw_attr_diff **ret) {
    size_t n = 0, total = sw_is(after, SW_MAP) ? after->map.n : 0;
    struct sw_attr_diff *diffs = total ? sw_new_n(arena, struct sw_attr_diff, total) : NULL;
    /* Twice over: what counts first, then what is only shown along with it. */
    for (int shown = 0; shown < 2; shown++) {
        if (shown && n == 0) break;
        for (size_t i = 0; i < total; i++) {
            const char *name = after->map.v[i].key;
            const struct sw_value *want = after->map.v[i].value, *have = sw_get(before, name);
            const struct sw_attr *attr = schema ? sw_schema_find(schema, name) : NULL;
            if ((attr && attr->write_only) != (shown == 1)) continue;
            if (before && ((attr && attr->computed) || is_ignored(ignore, name) || !sw_attr_differs(attr, have, want))) continue;
            if (!before && (sw_is_nil(want) || (attr && attr->derived))) continue;
            diffs[n++] = (struct sw_attr_diff){name, attr, have, want, before && attr && attr->immutable && !shown};
        }
    }
    *ret = diffs;
    return n;
}
