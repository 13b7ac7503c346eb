/* Shared inside src/value only. */
#ifndef SLIPWAY_VALUE_INTERNAL_H
#define SLIPWAY_VALUE_INTERNAL_H

#include "slipway/value.h"

bool sw_value__is_sequence(const struct sw_value *v); /* LIST or CONCAT: both keep their items in `list` */
bool sw_value__any(const struct sw_value *v, bool (*test)(const struct sw_value *v));

/* The shortest text that reads back as the same double, always with a '.' or an exponent. NaN and infinities as "null". */
void sw_value__add_real(struct sw_str *out, double d);

#endif
