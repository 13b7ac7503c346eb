#include "slipway/cost.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "slipway/file.h"
#include "slipway/vec.h"
#include "slipway/yaml.h"

#define MAX_BYTES       ((size_t)1 << 20)
#define HOURS_PER_MONTH 730.0
#define MAX_PRICE       1e9

struct sw_prices {
    const char *currency;
    const struct sw_value *types; /* MAP type -> LIST of rules, checked */
};

/* ---- reading ---- */

struct reader {
    struct sw_arena *arena;
    const char *file;
    struct sw_err *err;
};

static int wrong(struct reader *r, const struct sw_value *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int wrong(struct reader *r, const struct sw_value *at, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    sw_err_setv(r->err, SW_EINVAL, fmt, ap);
    va_end(ap);
    sw_err_at(r->err, (struct sw_pos){r->file, at ? at->line : 0, 0});
    return SW_EINVAL;
}

static bool number_of(const struct sw_value *v, double *ret) {
    if (sw_is(v, SW_INT))
        *ret = (double)v->i;
    else if (sw_is(v, SW_REAL))
        *ret = v->d;
    else
        return false;
    return isfinite(*ret);
}

static int check_keys(struct reader *r, const struct sw_value *map, const char *const *known, size_t n, const char *what) {
    for (size_t i = 0; i < map->map.n; i++) {
        bool found = false;
        for (size_t k = 0; k < n; k++) found = found || strcmp(map->map.v[i].key, known[k]) == 0;
        if (found) continue;
        const char *near = sw_nearest(map->map.v[i].key, known, n);
        wrong(r, map->map.v[i].value, "%s has no '%s'", what, map->map.v[i].key);
        if (near) sw_err_hint(r->err, "did you mean '%s'?", near);
        return SW_EINVAL;
    }
    return 0;
}

static bool is_plain(const struct sw_value *v) {
    return sw_is(v, SW_STR) || sw_is(v, SW_INT) || sw_is(v, SW_REAL) || sw_is(v, SW_BOOL);
}

static int check_match(struct reader *r, const struct sw_value *match) {
    if (!match) return 0;
    if (!sw_is(match, SW_MAP)) return wrong(r, match, "'match': attributes and their values wanted");
    for (size_t i = 0; i < match->map.n; i++) {
        const struct sw_value *v = match->map.v[i].value;
        bool fine = is_plain(v) || (sw_is(v, SW_LIST) && v->list.n);
        for (size_t k = 0; sw_is(v, SW_LIST) && k < v->list.n; k++) fine = fine && is_plain(v->list.v[k]);
        if (!fine) return wrong(r, v, "'match': '%s': a value wanted, or a list of values", match->map.v[i].key);
    }
    return 0;
}

static int check_rule(struct reader *r, const struct sw_value *rule) {
    static const char *const keys[] = {"hour", "match", "month", "per"};
    double price;
    if (!sw_is(rule, SW_MAP)) return wrong(r, rule, "a rule wanted, such as { match: { instance_type: t3.small }, hour: 0.026 }");
    const struct sw_value *hour = sw_get(rule, "hour"), *month = sw_get(rule, "month"), *per = sw_get(rule, "per");
    if (check_keys(r, rule, keys, sw_countof(keys), "a rule") || check_match(r, sw_get(rule, "match"))) return SW_EINVAL;
    if (!hour == !month) return wrong(r, rule, "a rule has one price: 'hour' or 'month'");
    if (!number_of(hour ? hour : month, &price) || price < 0 || price > MAX_PRICE)
        return wrong(r, hour ? hour : month, "'%s': a price wanted, from 0 to %.0f", hour ? "hour" : "month", MAX_PRICE);
    if (per && !sw_is(per, SW_STR)) return wrong(r, per, "'per': the name of an attribute wanted, such as size");
    return 0;
}

static int check(struct reader *r, const struct sw_value *v, struct sw_prices *prices) {
    static const char *const keys[] = {"currency", "prices"};
    if (!sw_is(v, SW_MAP)) return wrong(r, v, "a price list wanted: 'currency' and 'prices'");
    if (check_keys(r, v, keys, sw_countof(keys), "a price list")) return SW_EINVAL;
    const struct sw_value *currency = sw_get(v, "currency"), *types = sw_get(v, "prices");
    if (!sw_is(currency, SW_STR) || !currency->s.len || currency->s.len > 8)
        return wrong(r, currency ? currency : v, "'currency': a text wanted, such as USD");
    if (!sw_is(types, SW_MAP)) return wrong(r, types ? types : v, "'prices': types and their rules wanted");
    for (size_t i = 0; i < types->map.n; i++) {
        const struct sw_value *rules = types->map.v[i].value;
        if (!sw_is(rules, SW_LIST)) return wrong(r, rules, "'%s': a list of rules wanted ([] for what costs nothing)", types->map.v[i].key);
        for (size_t k = 0; k < rules->list.n; k++)
            if (check_rule(r, rules->list.v[k])) return sw_err_frame(r->err, "reading the prices of '%s'", types->map.v[i].key);
    }
    prices->currency = currency->s.p;
    prices->types = types;
    return 0;
}

int sw_prices_load(struct sw_arena *arena, const char *path, struct sw_prices **ret, struct sw_err *err) {
    struct reader r = {arena, path, err};
    struct sw_prices *prices = sw_new(arena, struct sw_prices);
    struct sw_str text = {0};
    const struct sw_value *v = NULL;
    int rc = sw_file_read(path, MAX_BYTES, &text, err);
    if (rc == 0) rc = sw_yaml_read(arena, sw_strdup(arena, path), sw_str_z(&text), text.len, NULL, NULL, NULL, &v, err);
    if (rc == 0) rc = check(&r, v, prices);
    sw_str_done(&text);
    if (rc == 0) *ret = prices;
    return rc;
}

/* ---- pricing ---- */

struct gaps {
    struct sw_arena *arena;
    struct sw_cost_gap *v;
    size_t n, cap;
};

static void note_gap(struct gaps *gaps, const char *type, const char *why) {
    for (size_t i = 0; i < gaps->n; i++)
        if (strcmp(gaps->v[i].type, type) == 0 && strcmp(gaps->v[i].why, why) == 0) {
            gaps->v[i].n++;
            return;
        }
    struct sw_cost_gap gap = {type, sw_strdup(gaps->arena, why), 1};
    sw_vec_push(gaps, gap);
}

/* What is not known yet, or secret, has no price. */
static bool is_hidden(const struct sw_value *v) {
    return v && (v->secret || sw_value_has_unknown(v));
}

static bool equals(const struct sw_value *wanted, const struct sw_value *have) {
    if (sw_is(wanted, SW_STR) && sw_is(have, SW_STR)) return fnmatch(wanted->s.p, have->s.p, 0) == 0;
    return sw_value_equal(wanted, have);
}

static bool matches(const struct sw_value *match, const struct sw_value *attributes) {
    for (size_t i = 0; match && i < match->map.n; i++) {
        const struct sw_value *wanted = match->map.v[i].value, *have = sw_get_path(attributes, match->map.v[i].key);
        bool found = false;
        if (sw_is_nil(have) || is_hidden(have)) return false;
        if (sw_is(wanted, SW_LIST))
            for (size_t k = 0; k < wanted->list.n; k++) found = found || equals(wanted->list.v[k], have);
        else
            found = equals(wanted, have);
        if (!found) return false;
    }
    return true;
}

static bool same_keys(const struct sw_value *a, const struct sw_value *b) {
    size_t n = a ? a->map.n : 0;
    if (n != (b ? b->map.n : 0)) return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(a->map.v[i].key, b->map.v[i].key) != 0) return false;
    return true;
}

/* "no price for instance_type m5.large", or what of it is not known. */
static void note_unmatched(struct gaps *gaps, const char *type, const struct sw_value *match, const struct sw_value *attributes) {
    struct sw_str why = {0};
    for (size_t i = 0; i < match->map.n; i++) {
        const struct sw_value *have = sw_get_path(attributes, match->map.v[i].key);
        if (is_hidden(have)) {
            sw_str_clear(&why);
            sw_str_addf(&why, "%s is not known", match->map.v[i].key);
            break;
        }
        sw_str_addf(&why, "%s%s ", i ? ", " : "no price for ", match->map.v[i].key);
        if (sw_is(have, SW_STR))
            sw_str_add_printable(&why, have->s.p, have->s.len < 64 ? have->s.len : 64);
        else if (sw_is_nil(have))
            sw_str_addz(&why, "not set");
        else
            sw_value_format(&why, have, 64);
    }
    note_gap(gaps, type, sw_str_z(&why));
    sw_str_done(&why);
}

/* The price by the month of a thing with these attributes. Rules that match on the same attributes price one part of it (its type, its disk):
 * a part that none of its rules matches is a gap. */
static double price(const struct sw_value *rules, const char *type, const struct sw_value *attributes, struct gaps *gaps) {
    double sum = 0;
    for (size_t i = 0; i < rules->list.n; i++) {
        const struct sw_value *rule = rules->list.v[i], *match = sw_get(rule, "match"), *hour = sw_get(rule, "hour"),
                              *per = sw_get(rule, "per");
        double amount = 0, times = 1;
        if (!matches(match, attributes)) {
            bool first = true, other = false;
            for (size_t k = 0; k < rules->list.n; k++) {
                if (!same_keys(match, sw_get(rules->list.v[k], "match"))) continue;
                if (k < i) first = false;
                other = other || matches(sw_get(rules->list.v[k], "match"), attributes);
            }
            if (first && !other) note_unmatched(gaps, type, match, attributes);
            continue;
        }
        if (per) {
            const struct sw_value *n = sw_get_path(attributes, per->s.p);
            if (is_hidden(n) || !number_of(n, &times)) {
                char why[128];
                snprintf(why, sizeof why, "%s is not %s", per->s.p, is_hidden(n) ? "known" : sw_is_nil(n) ? "set" : "a number");
                note_gap(gaps, type, why);
                continue;
            }
        }
        number_of(hour ? hour : sw_get(rule, "month"), &amount);
        sum += amount * times * (hour ? HOURS_PER_MONTH : 1);
    }
    return sum;
}

static bool remains(enum sw_action action) {
    return action != SW_DELETE && action != SW_FORGET;
}

const struct sw_cost *sw_cost_of(struct sw_arena *arena, const struct sw_prices *prices, const struct sw_plan *plan) {
    struct sw_cost *cost = sw_new(arena, struct sw_cost);
    struct gaps gaps = {.arena = arena}, ignored = {.arena = arena};
    cost->currency = prices->currency;
    cost->changes = sw_new_n(arena, struct sw_cost_change, plan->n_items + 1);
    for (size_t i = 0; i < plan->n_items; i++) {
        const struct sw_plan_item *item = &plan->items[i];
        const char *type = item->resource->type;
        const struct sw_value *rules = sw_get(prices->types, type);
        const struct sw_value *after = remains(item->action) ? item->after : NULL;
        if (item->resource->data || item->resource->ephemeral) continue;
        if (!rules) {
            if (sw_resource_layer(item->resource) == 0) note_gap(&gaps, type, "no price");
            continue;
        }
        /* A gap is said once of each thing: of what it will be, else of what it was. */
        double had = item->before ? price(rules, type, item->before, after ? &ignored : &gaps) : 0;
        double gets = after ? price(rules, type, after, &gaps) : item->action == SW_FORGET ? had : 0;
        cost->before += had;
        cost->after += gets;
        if (item->action != SW_NOOP && (had > 0 || gets > 0)) cost->changes[cost->n_changes++] = (struct sw_cost_change){item, had, gets};
    }
    if (gaps.n) {
        cost->gaps = sw_new_n(arena, struct sw_cost_gap, gaps.n);
        memcpy(cost->gaps, gaps.v, gaps.n * sizeof *gaps.v);
        cost->n_gaps = gaps.n;
    }
    sw_vec_done(&gaps);
    sw_vec_done(&ignored);
    return cost;
}

const struct sw_cost_change *sw_cost_change_of(const struct sw_cost *cost, const struct sw_plan_item *item) {
    /* In plan order, so by address of the item. */
    size_t low = 0, high = cost ? cost->n_changes : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cost->changes[middle].item == item) return &cost->changes[middle];
        if (cost->changes[middle].item < item)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
