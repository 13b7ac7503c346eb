/* Runs a script in a real shell and feeds a batch with what it prints, in portions of a chosen size. */
#ifndef SLIPWAY_TEST_SHELL_H
#define SLIPWAY_TEST_SHELL_H

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "slipway/batch.h"

struct shell_output {
    struct sw_str out, err;
    int status;
};

/* argv of the shell; stdin is `input`. */
static inline struct shell_output run_shell(char *const *argv, const char *input, size_t len) {
    struct shell_output got = {0};
    int in[2], out[2], err[2];
    assert_int_equal(pipe(in) | pipe(out) | pipe(err), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        for (int fd = 3; fd < 64; fd++) close(fd);
        execvp(argv[0], argv);
        _exit(99);
    }
    close(in[0]), close(out[1]), close(err[1]);
    int open = 2;
    size_t at = 0;
    struct pollfd fds[3] = {{in[1], POLLOUT, 0}, {out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
    if (len == 0) {
        close(in[1]);
        fds[0].fd = -1;
    }
    while (open) {
        assert_true(poll(fds, 3, 20000) > 0);
        if (fds[0].fd >= 0 && fds[0].revents) {
            size_t part = len - at < 4096 ? len - at : 4096; /* what a pipe that is writable takes without blocking */
            ssize_t n = write(in[1], input + at, part);
            if (n > 0) at += (size_t)n;
            if (n < 0 || at == len) {
                close(in[1]);
                fds[0].fd = -1;
            }
        }
        for (int s = 1; s <= 2; s++) {
            if (fds[s].fd < 0 || !fds[s].revents) continue;
            char buffer[65536];
            ssize_t n = read(fds[s].fd, buffer, sizeof buffer);
            if (n > 0) sw_str_add(s == 1 ? &got.out : &got.err, buffer, (size_t)n);
            if (n <= 0) {
                close(fds[s].fd);
                fds[s].fd = -1;
                open--;
            }
        }
    }
    if (fds[0].fd >= 0) close(in[1]);
    int status;
    waitpid(pid, &status, 0);
    got.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return got;
}

static inline void shell_done(struct shell_output *got) {
    sw_str_done(&got->out);
    sw_str_done(&got->err);
}

/* portion 0: random sizes, the streams in turn. */
static inline void feed_batch(struct sw_batch *batch, const struct shell_output *got, size_t portion) {
    size_t at[2] = {0, 0};
    const struct sw_str *text[2] = {&got->out, &got->err};
    while (at[0] < text[0]->len || at[1] < text[1]->len) {
        for (int s = 0; s < 2; s++) {
            size_t left = text[s]->len - at[s];
            size_t n = portion ? portion : 1 + (size_t)rand() % 90;
            if (n > left) n = left;
            if (n) {
                char *copy = malloc(n); /* exactly n bytes, so that ASan sees a read beyond */
                memcpy(copy, text[s]->p + at[s], n);
                sw_batch_feed(batch, s + 1, copy, n);
                free(copy);
            }
            at[s] += n;
        }
    }
}

#endif
