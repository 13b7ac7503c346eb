/* Shared inside src/value only. */
#ifndef SLIPWAY_VALUE_INTERNAL_H
#define SLIPWAY_VALUE_INTERNAL_H

#include "slipway/value.h"

bool sw_value__is_sequence(const struct sw_value *v); /* LIST or CONCAT: both keep their items in `list` */
bool sw_value__is_empty(const struct sw_value *v);    /* a LIST or MAP without members */
bool sw_value__any(const struct sw_value *v, bool (*test)(const struct sw_value *v));

/* A map of `pairs` (sorted, without duplicates, in the arena) with the line and the secret mark of `from`, which may be NULL. */
const struct sw_value *sw_value__map_like(struct sw_arena *arena, const struct sw_value *from, const struct sw_pair *pairs, size_t n);

/* Whole texts only: "12", "-3", "1.5e3". false when it is not a number (or not an integer within 64 bits). */
bool sw_value__parse_int(const char *text, int64_t *ret);
bool sw_value__parse_real(const char *text, double *ret);

/* The shortest text that reads back as the same double, always with a '.' or an exponent. NaN and infinities as "null". */
void sw_value__add_real(struct sw_str *out, double d);

#endif
