/* Shared by the YAML reader and writer only. */
#ifndef SLIPWAY_YAML_INTERNAL_H
#define SLIPWAY_YAML_INTERNAL_H

#include "slipway/value.h"

enum sw_yaml__octal { SW_YAML__OCTAL_TEXT, SW_YAML__OCTAL_INT };

/* What a plain scalar means by the YAML 1.2 core schema; text when nothing else. 0644 (octal in YAML 1.1, decimal in 1.2,
 * a mode to people) is text or octal, as `octal` says. */
const struct sw_value *sw_yaml__plain(struct sw_arena *arena, const char *text, size_t len, enum sw_yaml__octal octal);

/* Whether a plain scalar would be read as something other than text, by YAML 1.2 or 1.1 (yes, on, 12:30, 1_000, <<). */
bool sw_yaml__reads_otherwise(const char *text, size_t len);

#endif
