#include "become.h"

#include <string.h>

#include "slipway/clock.h"

enum { TALK_MAX = 64 << 10 };

void sw_become_init(struct sw_become *become, const char *password) {
    *become = (struct sw_become){.password = password, .talk.max = TALK_MAX};
    unsigned char random[16];
    sw_random(random, sizeof random);
    struct sw_str hex = {0};
    sw_str_add_hex(&hex, random, sizeof random);
    memcpy(become->mark, sw_str_z(&hex), 32);
    sw_str_done(&hex);
}

void sw_become_done(struct sw_become *become) {
    sw_str_done(&become->talk);
}

void sw_become_command(const struct sw_become *become, const char *command, struct sw_str *out) {
    struct sw_str inner = {0};
    /* Ready is said by the command's shell, not before it: sudo may still ask, lecture or refuse until then. */
    sw_str_addf(&inner, "printf '%sR\\n' >&2; %s", become->mark, command);
    /* -k with a password: a cached login would hide a wrong password until the cache runs out in the middle of a run. */
    if (become->password)
        sw_str_addf(out, "sudo -k -S -p '%sP\n' -- sh -c ", become->mark);
    else
        sw_str_addz(out, "sudo -n -- sh -c ");
    sw_str_add_shell(out, inner.p, inner.len);
    sw_str_done(&inner);
}

/* The end of mark + kind + newline in the talk from `from` on, or 0. */
static size_t find(const struct sw_become *become, size_t from, char kind) {
    char mark[40];
    memcpy(mark, become->mark, 32);
    mark[32] = kind;
    mark[33] = '\n';
    const struct sw_str *talk = &become->talk;
    if (from >= talk->len) return 0;
    const char *found = memmem(talk->p + from, talk->len - from, mark, 34);
    return found ? (size_t)(found - talk->p) + 34 : 0;
}

enum sw_become_step sw_become_feed(struct sw_become *become, const char *p, size_t len, size_t *ret_rest) {
    size_t before = become->talk.len;
    sw_str_add(&become->talk, p, len);
    size_t end = find(become, 0, 'R');
    if (end) {
        become->ready = true;
        *ret_rest = before + len - end;
        return SW_BECOME_READY;
    }
    size_t first = find(become, 0, 'P');
    if (!first) return SW_BECOME_WAIT;
    if (!become->asked) {
        become->asked = true;
        return SW_BECOME_ASKS;
    }
    return find(become, first, 'P') ? SW_BECOME_REFUSED : SW_BECOME_WAIT;
}

/* What sudo said, without our prompts. */
static void add_words(const struct sw_become *become, struct sw_str *out) {
    const char *p = sw_str_z(&become->talk);
    while (*p) {
        const char *newline = strchr(p, '\n');
        size_t len = newline ? (size_t)(newline - p) + 1 : strlen(p);
        if (len && strncmp(p, become->mark, 32) != 0) sw_str_add(out, p, len);
        p += len;
    }
}

int sw_become_error(const struct sw_become *become, int status, const char *host, struct sw_err *err) {
    struct sw_str words = {0};
    add_words(become, &words);
    int code = SW_EAUTH;
    if (become->asked) {
        sw_err_set(err, code, "sudo on '%s' refused the password", host);
        sw_err_hint(err, "check become_password");
    } else if (status == 127) {
        code = SW_EREMOTE;
        sw_err_set(err, code, "'%s' has no sudo", host);
        sw_err_hint(err, "install sudo there, or log in as root and leave out become");
    } else if (!become->password) {
        sw_err_set(err, code, "sudo on '%s' did not let us become root without a password", host);
        sw_err_hint(err, "set become_password, or add NOPASSWD for this user to sudoers");
    } else {
        sw_err_set(err, code, "sudo on '%s' did not start the command", host);
    }
    if (words.len) sw_err_detail(err, words.p, words.len);
    sw_str_done(&words);
    return code;
}
