/* XML as web services answer it, read into values. */
#ifndef SLIPWAY_XML_H
#define SLIPWAY_XML_H

#include "slipway/value.h"

/* Reads the content of the root element; its name without a prefix goes to *ret_name (in the arena; NULL: not wanted).
 * An element with text only is a STR (an empty one ""), one with children a MAP from their names to their values; text beside children,
 * attributes, prefixes, comments are dropped. Children whose name is in `lists` (NULL-terminated) are a LIST: their parent is that list when it
 * has no others, else it is a member of that name. So are children of one name that come more than once.
 * Limits: 64 MiB, depth 64, a million elements. No document type and no entities but the five of XML itself.
 * SW_EINVAL with the line, SW_ELIMIT. */
int sw_xml_read(struct sw_arena *arena, const char *text, size_t len, const char *const *lists, const struct sw_value **ret,
                const char **ret_name, struct sw_err *err);

#endif
