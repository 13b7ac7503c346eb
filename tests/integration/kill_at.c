/* Preloaded into slipway by test_kill.py: ends the process with SIGKILL at the KILL_AT-th write or sync of a file below KILL_BELOW.
 * A count of what was seen goes to KILL_COUNT when the process ends by itself. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long seen;

static int ours(int fd) {
    char link[64], path[4096];
    const char *below = getenv("KILL_BELOW");
    if (!below) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = '\0';
    return strncmp(path, below, strlen(below)) == 0;
}

static void count(int fd) {
    const char *at = getenv("KILL_AT");
    int saved = errno;
    if (ours(fd) && ++seen == (at ? atol(at) : 0)) kill(getpid(), SIGKILL);
    errno = saved;
}

__attribute__((destructor)) static void report(void) {
    const char *path = getenv("KILL_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%ld\n", seen);
    fclose(file);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *p, size_t n) { return count(fd), NEXT(write)(fd, p, n); }
ssize_t pwrite(int fd, const void *p, size_t n, off_t at) { return count(fd), NEXT(pwrite)(fd, p, n, at); }
ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at) { return count(fd), NEXT(pwrite64)(fd, p, n, at); }
int fsync(int fd) { return count(fd), NEXT(fsync)(fd); }
int fdatasync(int fd) { return count(fd), NEXT(fdatasync)(fd); }
int ftruncate(int fd, off_t len) { return count(fd), NEXT(ftruncate)(fd, len); }
int ftruncate64(int fd, off64_t len) { return count(fd), NEXT(ftruncate64)(fd, len); }
