/* The key that secrets rest under: 32 bytes, from the environment or from a file beside the state. Copies on the way are wiped. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "slipway/clock.h"
#include "slipway/file.h"
#include "state_internal.h"

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* 64 hex digits, or base64 of 32 bytes. Hex goes first: 64 hex digits are also base64, but of 48 bytes. */
static bool parse_key(const char *text, size_t len, unsigned char *ret) {
    while (len && strchr(" \t\r\n", text[len - 1])) len--;
    while (len && strchr(" \t\r\n", *text)) text++, len--;
    if (len == 64) {
        for (size_t i = 0; i < 32; i++) {
            int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
            if (high < 0 || low < 0) return false;
            ret[i] = (unsigned char)(high << 4 | low);
        }
        return true;
    }
    struct sw_str raw = {0};
    bool ok = sw_base64_decode(text, len, &raw) && raw.len == 32;
    if (ok) memcpy(ret, raw.p, 32);
    if (raw.p) sw_wipe(raw.p, raw.cap);
    sw_str_done(&raw);
    return ok;
}

static int create_key(const char *path, struct sw_err *err) {
    unsigned char key[32];
    sw_random(key, sizeof key);
    struct sw_str text = {0};
    sw_str_add_hex(&text, key, sizeof key);
    sw_str_addc(&text, '\n');
    int rc = sw_state__create_file(path, text.p, text.len, err);
    sw_wipe(text.p, text.cap);
    sw_str_done(&text);
    sw_wipe(key, sizeof key);
    return rc;
}

static int read_key(struct sw_state *state, const char *path, struct sw_err *err) {
    struct stat st;
    if (stat(path, &st)) {
        if (errno == ENOENT || errno == ENOTDIR) return sw_err_set(err, SW_ENOTFOUND, "the key '%s' is missing", path);
        return sw_err_set(err, SW_EIO, "the key '%s' cannot be read: %s", path, strerror(errno));
    }
    if (S_ISREG(st.st_mode) && (st.st_mode & 077)) {
        sw_err_set(err, SW_EREFUSED, "the key '%s' is open to others (mode %04o)", path, (unsigned)(st.st_mode & 07777));
        sw_err_hint(err, "chmod 600 '%s'", path);
        return SW_EREFUSED;
    }
    struct sw_str text = {0};
    int rc = sw_file_read(path, 4096, &text, err);
    if (!rc && !parse_key(sw_str_z(&text), text.len, state->key)) {
        rc = sw_err_set(err, SW_EINVAL, "the key '%s' is not a key: 64 hex digits or base64 of 32 bytes are expected", path);
        sw_err_hint(err, "restore it from a backup, or give the key in SLIPWAY_STATE_KEY");
    }
    if (text.p) sw_wipe(text.p, text.cap);
    sw_str_done(&text);
    return rc;
}

int sw_state__load_key(struct sw_state *state, bool create, struct sw_err *err) {
    const char *env = getenv("SLIPWAY_STATE_KEY");
    if (env && *env) {
        if (!parse_key(env, strlen(env), state->key))
            return sw_err_set(err, SW_EINVAL, "SLIPWAY_STATE_KEY is not a key: 64 hex digits or base64 of 32 bytes are expected");
        state->key_origin = sw_xstrdup("SLIPWAY_STATE_KEY");
        state->has_key = true;
        return 0;
    }
    char *path = sw_xprintf("%s/state.key", state->dir);
    struct stat st;
    int rc = 0;
    if (create && lstat(path, &st) && errno == ENOENT) {
        struct sw_err local = {0};
        rc = create_key(path, &local);
        if (rc == SW_EEXISTS) { /* another process was a moment earlier: its key is the key */
            sw_err_done(&local);
            rc = 0;
        } else if (rc) {
            sw_err_give(err, &local);
        }
    }
    if (!rc) rc = read_key(state, path, err);
    if (rc) {
        free(path);
        return rc;
    }
    state->key_origin = path;
    state->has_key = true;
    return 0;
}
