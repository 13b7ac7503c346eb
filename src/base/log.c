#include "slipway/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "slipway/clock.h"
#include "slipway/str.h"

static int log_fd = -1;
static uint64_t started_ms;

void sw_log_open(const char *path) {
    if (log_fd > STDERR_FILENO) close(log_fd);
    log_fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : STDERR_FILENO;
    /* A log that cannot be written where it was wanted is still wanted. */
    if (log_fd < 0) log_fd = STDERR_FILENO;
    started_ms = sw_now_ms();
}

bool sw_log_on(void) {
    return log_fd >= 0;
}

void sw_log(const char *subject, const char *fmt, ...) {
    if (log_fd < 0) return;
    struct sw_str text = {.max = 8192}, line = {0};
    va_list ap;
    va_start(ap, fmt);
    sw_str_addv(&text, fmt, ap);
    va_end(ap);
    uint64_t ms = sw_now_ms() - started_ms;
    sw_str_addf(&line, "%6u.%03u %-8s ", (unsigned)(ms / 1000), (unsigned)(ms % 1000), subject);
    sw_str_add_printable(&line, sw_str_z(&text), text.len);
    sw_str_addc(&line, '\n');
    /* One write a line: lines of different threads do not mix. A log that cannot be written loses its line. */
    ssize_t written = write(log_fd, line.p, line.len);
    (void)written;
    sw_str_done(&text);
    sw_str_done(&line);
}
