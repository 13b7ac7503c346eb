#include "slipway/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define BUFFER_SIZE 32

uint64_t sw_now_ms(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int64_t sw_wall_ms(void) {
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

char *sw_format_time(int64_t wall_ms, char buf[static BUFFER_SIZE]) {
    time_t seconds = (time_t)(wall_ms / 1000 - (wall_ms % 1000 < 0));
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || strftime(buf, BUFFER_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(buf, BUFFER_SIZE, "%" PRId64 "ms", wall_ms);
    return buf;
}

char *sw_format_duration(uint64_t ms, char buf[static BUFFER_SIZE]) {
    uint64_t seconds = ms / 1000;
    /* Below ten seconds the tenth tells something; above it only flickers. 9.96 s is 10 s, not 10.0 s. */
    if (ms < 9950)
        snprintf(buf, BUFFER_SIZE, "%" PRIu64 ".%" PRIu64 "s", (ms + 50) / 1000, (ms + 50) % 1000 / 100);
    else if (ms < 59500)
        snprintf(buf, BUFFER_SIZE, "%" PRIu64 "s", (ms + 500) / 1000);
    else if (ms < 3600000)
        snprintf(buf, BUFFER_SIZE, "%" PRIu64 "m%02" PRIu64 "s", (ms < 60000 ? 60 : seconds) / 60, (ms < 60000 ? 60 : seconds) % 60);
    else
        snprintf(buf, BUFFER_SIZE, "%" PRIu64 "h%02" PRIu64 "m", seconds / 3600, seconds % 3600 / 60);
    return buf;
}

void sw_random(void *p, size_t len) {
    unsigned char *at = p;
    while (len) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) abort();
        at += n;
        len -= (size_t)n;
    }
}
