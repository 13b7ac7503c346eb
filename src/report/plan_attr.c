/* Attributes of one item: aligned, secrets and unknowns as such, texts as diffs, maps and lists member by member. */
#include <string.h>

#include "slipway/vec.h"
#include "view.h"

#define MAX_TEXT_LINES 40 /* of a text that is new; a diff is bounded by sw_text_diff() */
#define MAX_NAME       32 /* longer names do not move the column of everybody else */

static void add_value(struct sw_view *view, size_t indent, size_t start, const char *name, size_t width, char sign,
                      const struct sw_value *before, const struct sw_value *after, bool sensitive, const char *note);

void sw_view__begin(struct sw_view *view, size_t indent, char sign) {
    if (view->fenced) {
        sw_str_addc(view->out, sign == '~' ? '!' : sign ? sign : ' ');
        sw_report__spaces(view->out, indent + 1);
        return;
    }
    sw_report__spaces(view->out, indent);
    if (!sign || view->creating) {
        sw_report__spaces(view->out, 2);
        return;
    }
    enum sw_tone tone = sign == '+' ? SW_TONE_CREATE : sign == '-' ? SW_TONE_DESTROY : SW_TONE_CHANGE;
    char text[2] = {sign, 0};
    sw_report__paint(view->out, &view->style, tone, text);
    sw_str_addc(view->out, ' ');
}

static size_t line_room(const struct sw_view *view, size_t used) {
    size_t columns = sw_report__columns(&view->style);
    return columns > used + 12 ? columns - used : 12;
}

static bool is_multiline(const struct sw_value *v) {
    return sw_is(v, SW_STR) && !v->secret && memchr(v->s.p, '\n', v->s.len) != NULL;
}

static bool is_tree(const struct sw_value *v) {
    return v && !v->secret && ((v->kind == SW_MAP && v->map.n) || (v->kind == SW_LIST && v->list.n));
}

/* A value on one line. Whatever is not known yet reads the same: where it will come from does not help who reviews. */
static void add_inline(struct sw_str *out, const struct sw_value *v, bool sensitive, size_t room) {
    if (sensitive && !sw_is_nil(v))
        sw_str_addz(out, "(sensitive)");
    else if (!v)
        sw_str_addz(out, "null");
    else if (!v->secret && (v->kind == SW_UNKNOWN || v->kind == SW_REF || v->kind == SW_CONCAT))
        sw_str_addz(out, "(known after apply)");
    else
        sw_value_format(out, v, room);
}

static void paint_inline(struct sw_view *view, const char *text) {
    bool dim = strcmp(text, "(sensitive)") == 0 || strcmp(text, "(known after apply)") == 0;
    enum sw_tone tone = dim ? SW_TONE_DIM : SW_TONE_NONE;
    sw_report__tone(view->out, &view->style, tone);
    sw_str_add_printable(view->out, text, strlen(text));
    sw_report__tone_end(view->out, &view->style, tone);
}

static void end_line(struct sw_view *view, const char *note) {
    if (note) {
        sw_str_addz(view->out, "  ");
        sw_report__paint(view->out, &view->style, SW_TONE_DIM, note);
    }
    sw_str_addc(view->out, '\n');
}

/* Lines of a text below its name. In a unified diff each starts with its own sign. */
static void add_text(struct sw_view *view, size_t indent, const char *p, size_t len, bool diff, size_t max_lines) {
    size_t n = 0, left = 0;
    bool creating = view->creating;
    view->creating = creating && !diff;
    while (len) {
        const char *nl = memchr(p, '\n', len);
        size_t line = nl ? (size_t)(nl - p) : len;
        if (n++ >= max_lines) {
            left++;
        } else if (diff) {
            char sign = line && (*p == '+' || *p == '-') ? *p : 0;
            size_t skip = line && (sign || *p == ' ') ? 1 : 0;
            enum sw_tone tone = sign == '+' ? SW_TONE_CREATE : sign == '-' ? SW_TONE_DESTROY : SW_TONE_DIM;
            sw_view__begin(view, indent, sign);
            sw_report__tone(view->out, &view->style, tone);
            sw_str_add_printable(view->out, p + skip, line - skip);
            sw_report__tone_end(view->out, &view->style, tone);
            sw_str_addc(view->out, '\n');
        } else {
            sw_view__begin(view, indent, '+');
            sw_report__paint(view->out, &view->style, SW_TONE_DIM, view->style.unicode && !view->fenced ? "│" : "|");
            if (line) sw_str_addc(view->out, ' ');
            sw_str_add_printable(view->out, p, line);
            sw_str_addc(view->out, '\n');
        }
        p += line + (nl ? 1 : 0);
        len -= line + (nl ? 1 : 0);
    }
    if (left) {
        sw_view__begin(view, indent, 0);
        sw_str_addf(view->out, "%s %zu more lines\n", view->style.unicode ? "…" : "...", left);
    }
    view->creating = creating;
}

static void add_name(struct sw_view *view, size_t indent, const char *name, size_t width, char sign) {
    sw_view__begin(view, indent, sign);
    sw_str_add_printable(view->out, name, strlen(name));
    size_t used = sw_columns(name, strlen(name));
    if (used < width) sw_report__spaces(view->out, width - used);
}

static char member_sign(const struct sw_value *before, const struct sw_value *after) {
    return sw_is_nil(before) ? '+' : sw_is_nil(after) ? '-' : '~';
}

/* The next key of either side, in order. false at the end. */
static bool next_pair(const struct sw_value *before, const struct sw_value *after, size_t *b, size_t *a, const char **key,
                      const struct sw_value **vb, const struct sw_value **va) {
    size_t nb = sw_is(before, SW_MAP) ? before->map.n : 0, na = sw_is(after, SW_MAP) ? after->map.n : 0;
    if (*b >= nb && *a >= na) return false;
    int order = *b >= nb ? 1 : *a >= na ? -1 : strcmp(before->map.v[*b].key, after->map.v[*a].key);
    *key = order <= 0 ? before->map.v[*b].key : after->map.v[*a].key;
    *vb = order <= 0 ? before->map.v[(*b)++].value : NULL;
    *va = order >= 0 ? after->map.v[(*a)++].value : NULL;
    return true;
}

/* Both sides of a map, by key; what is equal is left out of a change. */
static void add_map(struct sw_view *view, size_t indent, const struct sw_value *before, const struct sw_value *after) {
    const struct sw_value *vb, *va;
    const char *key;
    size_t width = 0;
    for (size_t b = 0, a = 0; next_pair(before, after, &b, &a, &key, &vb, &va);) {
        size_t columns = sw_columns(key, strlen(key));
        if (columns > width && columns <= MAX_NAME && !(vb && va && sw_value_equal(vb, va))) width = columns;
    }
    for (size_t b = 0, a = 0; next_pair(before, after, &b, &a, &key, &vb, &va);) {
        if (vb && va && sw_value_equal(vb, va)) continue;
        add_value(view, indent, indent + 2, key, width, member_sign(vb, va), vb, va, false, NULL);
    }
}

static bool list_has(const struct sw_value *list, const struct sw_value *v) {
    for (size_t i = 0; sw_is(list, SW_LIST) && i < list->list.n; i++)
        if (sw_value_equal(list->list.v[i], v)) return true;
    return false;
}

static void add_elements(struct sw_view *view, size_t indent, char sign, const struct sw_value *list, const struct sw_value *other) {
    for (size_t i = 0; sw_is(list, SW_LIST) && i < list->list.n; i++) {
        if (list_has(other, list->list.v[i])) continue;
        struct sw_str text = {0};
        sw_view__begin(view, indent, sign);
        add_inline(&text, list->list.v[i], false, line_room(view, indent + 2));
        paint_inline(view, sw_str_z(&text));
        sw_str_done(&text);
        sw_str_addc(view->out, '\n');
    }
}

/* A list is shown as a set with an order: what left, what came, or else that only the order is new. */
static void add_list(struct sw_view *view, size_t indent, const struct sw_value *before, const struct sw_value *after) {
    size_t start = view->out->len;
    add_elements(view, indent, '-', before, after);
    add_elements(view, indent, '+', after, before);
    if (view->out->len != start) return;
    sw_view__begin(view, indent, 0);
    sw_report__paint(view->out, &view->style, SW_TONE_DIM, "(the same elements, in another order or number)");
    sw_str_addc(view->out, '\n');
}

static void add_tree(struct sw_view *view, size_t indent, const struct sw_value *before, const struct sw_value *after, const char *note) {
    bool map = sw_is(before, SW_MAP) || sw_is(after, SW_MAP);
    sw_str_addc(view->out, map ? '{' : '[');
    end_line(view, note);
    if (map)
        add_map(view, indent + 2, before, after);
    else
        add_list(view, indent + 2, before, after);
    sw_view__begin(view, indent, 0);
    sw_str_addz(view->out, map ? "}\n" : "]\n");
}

/* A value that is on one side only: new, or gone. `at`: the column it starts in. */
static void add_side(struct sw_view *view, size_t indent, size_t at, const struct sw_value *before, const struct sw_value *after,
                     bool hidden, const char *note) {
    const struct sw_value *v = sw_is_nil(before) ? after : before;
    if (!hidden && is_multiline(v)) {
        view->out->len--; /* no blank at the end of the line */
        end_line(view, note);
        add_text(view, indent + 2, v->s.p, v->s.len, false, MAX_TEXT_LINES);
        return;
    }
    struct sw_str text = {0};
    add_inline(&text, v, hidden, SIZE_MAX / 2);
    if (!hidden && is_tree(v) && sw_columns(sw_str_z(&text), text.len) > line_room(view, at)) {
        add_tree(view, indent, v == before ? before : NULL, v == after ? after : NULL, note);
    } else {
        sw_str_clear(&text);
        add_inline(&text, v, hidden, line_room(view, at));
        paint_inline(view, sw_str_z(&text));
        end_line(view, note);
    }
    sw_str_done(&text);
}

/* `old -> new`, on two lines where one is too short. `start`: the column in which the name starts. */
static void add_pair(struct sw_view *view, size_t indent, size_t start, size_t at, const struct sw_value *before,
                     const struct sw_value *after, bool hidden, const char *note) {
    struct sw_str one = {0}, two = {0};
    add_inline(&one, before, hidden, line_room(view, at));
    add_inline(&two, after, hidden, line_room(view, at));
    size_t both = sw_columns(sw_str_z(&one), one.len) + sw_columns(sw_str_z(&two), two.len) + 4;
    paint_inline(view, sw_str_z(&one));
    if (both > line_room(view, at)) {
        sw_str_addc(view->out, '\n');
        sw_view__begin(view, indent, 0);
        sw_report__spaces(view->out, at - start - 3);
    } else {
        sw_str_addc(view->out, ' ');
    }
    sw_str_addz(view->out, "-> ");
    paint_inline(view, sw_str_z(&two));
    end_line(view, note);
    sw_str_done(&one);
    sw_str_done(&two);
}

/* `start`: the column in which the name starts. */
static void add_value(struct sw_view *view, size_t indent, size_t start, const char *name, size_t width, char sign,
                      const struct sw_value *before, const struct sw_value *after, bool sensitive, const char *note) {
    size_t name_width = sw_columns(name, strlen(name));
    size_t at = start + (name_width > width ? name_width : width) + 3;
    bool hidden = sensitive || (before && before->secret) || (after && after->secret);
    add_name(view, indent, name, width, sign);
    sw_str_addz(view->out, " = ");
    if (!before || !after || sw_is_nil(before) || sw_is_nil(after)) {
        add_side(view, indent, at, before, after, hidden, note);
    } else if (!hidden && sw_is(before, SW_STR) && sw_is(after, SW_STR) && (is_multiline(before) || is_multiline(after))) {
        struct sw_str text = {0};
        sw_text_diff(&text, before->s.p, before->s.len, after->s.p, after->s.len);
        view->out->len--;
        end_line(view, note);
        add_text(view, indent + 2, sw_str_z(&text), text.len, true, SIZE_MAX);
        sw_str_done(&text);
    } else if (!hidden && is_tree(before) && is_tree(after) && before->kind == after->kind) {
        add_tree(view, indent, before, after, note);
    } else {
        add_pair(view, indent, start, at, before, after, hidden, note);
    }
}

/* Of something new, what only repeats the type's defaults says nothing about it. */
static bool is_told(const struct sw_view *view, const struct sw_attr_diff *d) {
    if (sw_is_nil(d->before) && sw_is_nil(d->after)) return false;
    return !(view->creating && d->attr && d->attr->fallback && sw_value_equal(d->attr->fallback, d->after));
}

void sw_view__diffs(struct sw_view *view, size_t indent, const struct sw_attr_diff *diffs, size_t n) {
    size_t width = 0;
    for (size_t i = 0; i < n; i++) {
        size_t columns = sw_columns(diffs[i].name, strlen(diffs[i].name));
        if (columns > width && columns <= MAX_NAME && is_told(view, &diffs[i])) width = columns;
    }
    for (size_t i = 0; i < n; i++) {
        const struct sw_attr_diff *d = &diffs[i];
        if (!is_told(view, d)) continue;
        add_value(view, indent, indent + 2, d->name, width, member_sign(d->before, d->after), d->before, d->after,
                  d->attr && d->attr->sensitive, d->forces_replace ? "# forces replacement" : NULL);
    }
}

static const struct sw_attr_diff *find_diff(const struct sw_plan_item *item, const char *name) {
    for (size_t i = 0; i < item->n_diffs; i++)
        if (strcmp(item->diffs[i].name, name) == 0) return &item->diffs[i];
    return NULL;
}

/* Attributes that the engine compares are told; others that moved with them (an inode, a time of change) only when nothing else was found:
 * then the playbook wants by now what somebody did by hand. */
size_t sw_report__drift_diffs(const struct sw_plan_item *item, struct sw_arena *arena, struct sw_attr_diff **ret) {
    *ret = NULL;
    if (!item->before || !sw_is(item->prior, SW_MAP)) return 0;
    struct sw_attr_diff *diffs = sw_new_n(arena, struct sw_attr_diff, item->prior->map.n ? item->prior->map.n : 1);
    size_t n = 0, compared = 0;
    for (size_t i = 0; i < item->prior->map.n; i++) {
        const struct sw_pair *p = &item->prior->map.v[i];
        const struct sw_value *now = sw_get(item->before, p->key);
        /* What cannot be read back (a content of which only the hash is compared) says nothing. */
        if (!now || sw_value_equal(p->value, now)) continue;
        const struct sw_attr_diff *known = find_diff(item, p->key);
        diffs[n++] = (struct sw_attr_diff){.name = p->key, .attr = known ? known->attr : NULL, .before = p->value, .after = now};
        compared += known != NULL;
    }
    *ret = diffs;
    if (!compared) return n;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (find_diff(item, diffs[i].name)) diffs[kept++] = diffs[i];
    return kept;
}
