/* Secrets that a step prints. What is known to be secret is replaced in its output before anybody sees it.
 *
 * A secret of one word is looked for in everything that is printed. One of many words (a command, a file) is looked for word by word, and only
 * in what its own item prints: its common words would blot out everybody else's output. */
#include <stdlib.h>
#include <string.h>

#include "apply.h"

#define SHORTEST 5 /* shorter ones would hit by chance */
#define LONGEST  4096
#define MOST     512
#define HIDDEN   "(sensitive)"

static const char BETWEEN[] = " \t\r\n\"'`;,|&()<>{}[]=:$";

static void add(struct app_mask *mask, const char *p, size_t len) {
    if (len < SHORTEST || len > LONGEST || mask->n >= MOST) return;
    for (size_t i = 0; i < mask->n; i++)
        if (mask->v[i].len == len && memcmp(mask->v[i].p, p, len) == 0) return;
    mask->v[mask->n++] = (struct app_hidden){p, len};
}

static void add_text(struct app_mask *mask, const char *p, size_t len, bool words) {
    while (len && strchr(" \t\r\n", p[len - 1])) len--;
    bool one = true;
    for (size_t i = 0; i < len; i++) one = one && !strchr(" \t\r\n", p[i] ? p[i] : ' ');
    if (one || words) add(mask, p, len);
    if (!words) return;
    for (size_t i = 0; i < len;) {
        size_t n = 0;
        while (i + n < len && p[i + n] && !strchr(BETWEEN, p[i + n])) n++;
        add(mask, p + i, n);
        i += n + 1;
    }
}

void app_mask_collect(struct app_mask *mask, struct sw_arena *arena, const struct sw_value *v, bool words) {
    if (!v || !sw_value_has_secret(v)) return;
    if (!mask->v) mask->v = sw_new_n(arena, struct app_hidden, MOST);
    if (v->kind == SW_STR && v->secret) add_text(mask, v->s.p, v->s.len, words);
    for (size_t i = 0; v->kind == SW_LIST && i < v->list.n; i++) app_mask_collect(mask, arena, v->list.v[i], words);
    for (size_t i = 0; v->kind == SW_MAP && i < v->map.n; i++) app_mask_collect(mask, arena, v->map.v[i].value, words);
}

static size_t longest_at(const struct app_mask *mask, const char *p, size_t len) {
    size_t found = 0;
    for (size_t i = 0; i < mask->n; i++) {
        const struct app_hidden *h = &mask->v[i];
        if (h->len > found && h->len <= len && h->p[0] == p[0] && memcmp(h->p, p, h->len) == 0) found = h->len;
    }
    return found;
}

void app_mask_add(struct sw_str *out, struct apply *app, struct app_item *it, const char *p, size_t len) {
    struct sw_arena *arena = app->engine->arena;
    if (!it->masked) {
        it->masked = true;
        app_mask_collect(&it->mask, arena, it->desired, true);
        app_mask_collect(&it->mask, arena, it->have, true);
        app_mask_collect(&it->mask, arena, it->plan->prior, true);
    }
    if (!app->mask.n && !it->mask.n) {
        sw_str_add(out, p, len);
        return;
    }
    for (size_t i = 0; i < len;) {
        size_t own = longest_at(&it->mask, p + i, len - i), any = longest_at(&app->mask, p + i, len - i);
        size_t n = own > any ? own : any;
        if (n)
            sw_str_addz(out, HIDDEN);
        else
            sw_str_addc(out, p[i]);
        i += n ? n : 1;
    }
}
