#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

#include "fuzz.h"

const unsigned char FUZZ_KEY[33] = "slipway fuzz key, 32 bytes long.";

struct fuzz_halves fuzz_halves(const uint8_t *data, size_t size) {
    const char *p = (const char *)data;
    const char *line = memmem(p, size, "%%\n", 3);
    if (!line) return (struct fuzz_halves){p, "", size, 0};
    return (struct fuzz_halves){p, line + 3, (size_t)(line - p), size - (size_t)(line - p) - 3};
}

void fuzz_check_err(int rc, const struct sw_err *err) {
    FUZZ_CHECK(rc <= 0);
    FUZZ_CHECK(rc == err->code);
    FUZZ_CHECK(rc != SW_EINTERNAL);
    FUZZ_CHECK(!rc || (err->message && *err->message));
}

unsigned fuzz_depth(const struct sw_value *v) {
    unsigned deepest = 0;
    size_t n = !v ? 0 : v->kind == SW_LIST || v->kind == SW_CONCAT ? v->list.n : v->kind == SW_MAP ? v->map.n : 0;
    for (size_t i = 0; i < n; i++) {
        unsigned depth = fuzz_depth(v->kind == SW_MAP ? v->map.v[i].value : v->list.v[i]);
        if (depth > deepest) deepest = depth;
    }
    return deepest + (n > 0);
}

static char directory[4096];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static void remove_directory(void) {
    nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_path(const char *name) {
    static char path[4096 + 64];
    if (!*directory) {
        const char *tmp = getenv("TMPDIR");
        snprintf(directory, sizeof directory, "%s/slipway-fuzz.XXXXXX", tmp && *tmp ? tmp : "/tmp");
        FUZZ_CHECK(mkdtemp(directory));
        atexit(remove_directory);
    }
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

const char *fuzz_file(const char *name, const void *data, size_t size) {
    const char *path = fuzz_path(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_CHECK(fd >= 0);
    FUZZ_CHECK(write(fd, data, size) == (ssize_t)size);
    close(fd);
    return path;
}
