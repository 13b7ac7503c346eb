/* Debug log to stderr or a file: for people who debug slipway. What users see goes through events (event.h).
 * Secrets are never passed to it. Thread-safe. */
#ifndef SLIPWAY_LOG_H
#define SLIPWAY_LOG_H

#include <stdbool.h>

/* Turns the log on. `path` NULL = stderr. Called once from main before threads start. */
void sw_log_open(const char *path);
bool sw_log_on(void);
void sw_log(const char *subject, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
