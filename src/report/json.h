/* Writing small JSON objects by hand, in the order people read them. Trees of values go through sw_json_write(). Internal to report/. */
#ifndef SLIPWAY_REPORT_JSON_H
#define SLIPWAY_REPORT_JSON_H

#include "slipway/err.h"
#include "slipway/str.h"
#include "slipway/value.h"

/* A quoted string. Bytes that are not UTF-8 become U+FFFD: a line of JSON is always readable. */
void sw_report__json_text(struct sw_str *out, const char *text, size_t len);
/* `,"key":` (no comma right after an opening bracket). */
void sw_report__json_key(struct sw_str *out, const char *key);
void sw_report__json_str(struct sw_str *out, const char *key, const char *text);
void sw_report__json_int(struct sw_str *out, const char *key, int64_t n);
void sw_report__json_bool(struct sw_str *out, const char *key, bool b);
/* The members of an error object, each with its comma. */
void sw_report__error_members(struct sw_str *out, const struct sw_err *err);

/* Those of an estimate. */
struct sw_cost;
void sw_report__cost_members(struct sw_str *out, const struct sw_cost *cost);
/* Those of what a policy says. */
struct sw_finding;
void sw_report__finding_members(struct sw_str *out, const struct sw_finding *finding);

#endif
