#include "slipway/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slipway/arena.h"
#include "slipway/clock.h"

static int read_all(int fd, const char *path, size_t max_bytes, struct sw_str *ret, struct sw_err *err) {
    char buffer[64 * 1024];
    size_t total = 0;
    for (;;) {
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return sw_err_set(err, SW_EIO, "cannot read '%s': %s", path, strerror(errno));
        if (n == 0) return 0;
        total += (size_t)n;
        if (total > max_bytes) return sw_err_set(err, SW_ELIMIT, "'%s' is larger than %zu bytes", path, max_bytes);
        sw_str_add(ret, buffer, (size_t)n);
        if (ret->overflow) return sw_err_set(err, SW_ELIMIT, "'%s' is larger than %zu bytes", path, ret->len);
    }
}

int sw_file_read(const char *path, size_t max_bytes, struct sw_str *ret, struct sw_err *err) {
    /* O_NONBLOCK: opening a FIFO must not hang; it means nothing to a regular file. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR) return sw_err_set(err, SW_ENOTFOUND, "no such file '%s'", path);
        return sw_err_set(err, SW_EIO, "cannot read '%s': %s", path, strerror(errno));
    }
    struct stat st;
    int rc;
    struct sw_str text = {0};
    if (fstat(fd, &st) < 0)
        rc = sw_err_set(err, SW_EIO, "cannot read '%s': %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        rc = sw_err_set(err, SW_EIO, "'%s' is not a regular file", path);
    else if ((uintmax_t)st.st_size > max_bytes)
        rc = sw_err_set(err, SW_ELIMIT, "'%s' is larger than %zu bytes", path, max_bytes);
    else
        rc = read_all(fd, path, max_bytes, &text, err);
    close(fd);
    if (rc == 0) sw_str_add(ret, sw_str_z(&text), text.len);
    sw_wipe(text.p, text.len);
    sw_str_done(&text);
    return rc;
}

int sw_write_synced(int fd, const void *data, size_t len) {
    const unsigned char *p = data;
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        p += n;
        len -= (size_t)n;
    }
    return fsync(fd);
}

void sw_sync_directory_of(const char *path) {
    char *copy = sw_xstrdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(copy);
}

/* /dev/stdout, a FIFO: written to, never replaced by a file of that name. */
static int write_in_place(const char *path, const void *data, size_t len, struct sw_err *err) {
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    bool bad = fd < 0 || (sw_write_synced(fd, data, len) < 0 && errno != EINVAL && errno != EROFS); /* fsync, of what cannot be synced */
    int why = errno;
    if (fd >= 0 && close(fd) < 0 && !bad) {
        bad = true;
        why = errno;
    }
    return bad ? sw_err_set(err, SW_EIO, "cannot write '%s': %s", path, strerror(why)) : 0;
}

static int replace(const char *path, const void *data, size_t len, unsigned mode, struct sw_err *err) {
    uint64_t random;
    sw_random(&random, sizeof random);
    char *temporary = sw_xprintf("%s.%012llx.tmp", path, (unsigned long long)(random & 0xffffffffffff));
    int rc = 0;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode & 0600);
    if (fd < 0) {
        rc = sw_err_set(err, SW_EIO, "cannot write '%s': %s", path, strerror(errno));
        free(temporary);
        return rc;
    }
    /* fchmod, as the umask would take bits from open's mode. */
    bool bad = sw_write_synced(fd, data, len) < 0 || fchmod(fd, (mode_t)mode) < 0;
    int why = errno;
    if (close(fd) < 0 && !bad) {
        bad = true;
        why = errno;
    }
    if (!bad && rename(temporary, path) < 0) {
        bad = true;
        why = errno;
    }
    if (bad) {
        unlink(temporary);
        rc = sw_err_set(err, SW_EIO, "cannot write '%s': %s", path, strerror(why));
    } else {
        sw_sync_directory_of(path);
    }
    free(temporary);
    return rc;
}

int sw_file_write(const char *path, const void *data, size_t len, unsigned mode, struct sw_err *err) {
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) return write_in_place(path, data, len, err);
    /* The link stays, what it points to is replaced. */
    char *target = lstat(path, &st) == 0 && S_ISLNK(st.st_mode) ? realpath(path, NULL) : NULL;
    int rc = replace(target ? target : path, data, len, mode, err);
    free(target);
    return rc;
}

int sw_mkdirs(const char *path, unsigned mode, struct sw_err *err) {
    char *copy = sw_xstrdup(path);
    int rc = 0;
    for (char *at = copy; rc == 0;) {
        at += strspn(at, "/");
        at += strcspn(at, "/");
        char saved = *at;
        *at = '\0';
        struct stat st;
        if (*copy && mkdir(copy, (mode_t)mode) < 0) {
            int why = errno;
            if (stat(copy, &st) < 0)
                rc = sw_err_set(err, SW_EIO, "cannot make directory '%s': %s", copy, strerror(why));
            else if (!S_ISDIR(st.st_mode))
                rc = sw_err_set(err, SW_EIO, "cannot make directory '%s': '%s' is not a directory", path, copy);
        }
        if (saved == '\0') break;
        *at = saved;
    }
    free(copy);
    return rc;
}

char *sw_expand_home(const char *path) {
    if (path[0] != '~' || (path[1] != '/' && path[1] != '\0')) return sw_xstrdup(path);
    const char *home = getenv("HOME");
    if (!home || !*home) {
        struct passwd *pw = getpwuid(getuid());
        home = pw && pw->pw_dir ? pw->pw_dir : "/";
    }
    return sw_xprintf("%s%s", home, path + 1);
}
