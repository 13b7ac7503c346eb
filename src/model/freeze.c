/* A freeze is from one time to another: both dates ("2026-12-20", "2026-12-20 18:00"), or both times of the week ("fri 18:00"). A date as
 * the end is the end of that day. Times are UTC unless utc_offset ("+09:00") says otherwise. */
#include "slipway/freeze.h"

#include <string.h>
#include <time.h>

#include "inventory_internal.h"

#define MINUTE ((int64_t)60)
#define DAY    ((int64_t)24 * 60 * 60)
#define WEEK   (7 * DAY)

struct point {
    bool weekly;
    int64_t at; /* seconds since 1970, or since Monday 00:00 */
};

/* Exactly n digits; moves on behind them. */
static bool read_digits(const char **p, unsigned n, int *ret) {
    *ret = 0;
    for (; n; n--, (*p)++) {
        if (**p < '0' || **p > '9') return false;
        *ret = *ret * 10 + (**p - '0');
    }
    return true;
}

static bool skip(const char **p, char c) {
    if (**p != c) return false;
    (*p)++;
    return true;
}

/* "18:00" and nothing after it */
static bool read_time(const char *text, int64_t *ret) {
    int hour, minute;
    if (!read_digits(&text, 2, &hour) || !skip(&text, ':') || !read_digits(&text, 2, &minute) || *text) return false;
    if (minute > 59 || hour > 24 || (hour == 24 && minute)) return false;
    *ret = (hour * 60 + minute) * MINUTE;
    return true;
}

static bool read_date(const char *text, bool is_end, int64_t *ret) {
    int year, month, day;
    if (!read_digits(&text, 4, &year) || !skip(&text, '-') || !read_digits(&text, 2, &month) || !skip(&text, '-') ||
        !read_digits(&text, 2, &day))
        return false;
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    int64_t midnight = timegm(&tm), time = is_end ? DAY : 0;
    /* The 31st of a month that has none becomes another day. */
    if (tm.tm_year != year - 1900 || tm.tm_mon != month - 1 || tm.tm_mday != day) return false;
    if (*text && (*text != ' ' || !read_time(text + 1, &time))) return false;
    *ret = midnight + time;
    return true;
}

static bool read_point(const char *text, bool is_end, struct point *ret) {
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int i = 0; i < 7; i++) {
        int64_t time = is_end ? DAY : 0;
        if (strncmp(text, days[i], 3) != 0) continue;
        if (text[3] && (text[3] != ' ' || !read_time(text + 4, &time))) return false;
        *ret = (struct point){.weekly = true, .at = i * DAY + time};
        return true;
    }
    *ret = (struct point){0};
    return read_date(text, is_end, &ret->at);
}

static bool read_offset(const char *text, int64_t *ret) {
    int64_t time = 0;
    *ret = 0;
    if (!*text) return true;
    if ((*text != '+' && *text != '-') || !read_time(text + 1, &time) || time > DAY * 14 / 24) return false;
    *ret = *text == '-' ? -time : time;
    return true;
}

int sw_inventory__check_freezes(struct inventory_load *in) {
    const struct sw_value *list = sw_get(in->value, "freeze");
    for (size_t i = 0; sw_is(list, SW_LIST) && i < list->list.n; i++) {
        const struct sw_value *entry = list->list.v[i];
        struct point points[2];
        static const char *const keys[] = {"from", "to"};
        for (size_t k = 0; k < 2; k++) {
            const struct sw_value *v = sw_get(entry, keys[k]);
            if (!sw_is(v, SW_STR)) return sw_inventory__fail(in, v ? v : entry, "freeze: '%s' must be known", keys[k]);
            if (read_point(v->s.p, k == 1, &points[k])) continue;
            sw_inventory__fail(in, v, "freeze: '%s' is not a time: '%s'", keys[k], v->s.p);
            sw_err_hint(in->err, "write 2026-12-20, '2026-12-20 18:00', or 'fri 18:00' for every week");
            return SW_EINVAL;
        }
        const struct sw_value *offset = sw_get(entry, "utc_offset");
        int64_t seconds;
        if (points[0].weekly != points[1].weekly) {
            sw_inventory__fail(in, entry, "freeze: 'from' and 'to' are of two kinds");
            sw_err_hint(in->err, "two dates, or two times of the week");
            return SW_EINVAL;
        }
        if (points[0].at == points[1].at || (!points[0].weekly && points[0].at > points[1].at))
            return sw_inventory__fail(in, entry, "freeze: it ends before it begins");
        if (offset && (!sw_is(offset, SW_STR) || !read_offset(offset->s.p, &seconds))) {
            sw_inventory__fail(in, offset, "freeze: 'utc_offset' is no offset");
            sw_err_hint(in->err, "write '+09:00' or '-05:30'");
            return SW_EINVAL;
        }
    }
    return 0;
}

static bool is_on(const struct sw_value *entry, int64_t now) {
    struct point from, to;
    int64_t offset;
    if (!read_point(sw_get_str(entry, "from", ""), false, &from) || !read_point(sw_get_str(entry, "to", ""), true, &to)) return false;
    if (!read_offset(sw_get_str(entry, "utc_offset", ""), &offset)) return false;
    now += offset;
    if (!from.weekly) return now >= from.at && now < to.at;
    int64_t week = (now + 3 * DAY) % WEEK; /* 1970 began on a Thursday */
    if (from.at < to.at) return week >= from.at && week < to.at;
    return week >= from.at || week < to.at;
}

bool sw_freeze_active(const struct sw_inventory *inventory, int64_t now, struct sw_freeze *ret) {
    const struct sw_value *list = sw_get(inventory->value, "freeze");
    for (size_t i = 0; sw_is(list, SW_LIST) && i < list->list.n; i++) {
        const struct sw_value *entry = list->list.v[i];
        if (!is_on(entry, now)) continue;
        *ret = (struct sw_freeze){sw_get_str(entry, "reason", ""), sw_get_str(entry, "to", ""), entry->line};
        return true;
    }
    return false;
}
