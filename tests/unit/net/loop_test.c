#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop_uv.h"
#include "slipway/clock.h"

struct seen {
    struct sw_loop *loop;
    char text[200];
    bool done;
    struct sw_timer *timer;
};
struct note {
    struct seen *seen;
    char c;
};

static void add(struct seen *seen, char c) {
    size_t n = 0;
    while (seen->text[n]) n++;
    seen->text[n] = c;
}
static void on_post(void *ctx) {
    struct note *note = ctx;
    add(note->seen, note->c);
}
static void on_last(void *ctx) {
    struct seen *seen = ctx;
    seen->done = true;
}

static void test_posts_in_order(void **state) {
    (void)state;
    struct seen seen = {.loop = sw_loop_new()};
    struct note notes[] = {{&seen, 'a'}, {&seen, 'b'}, {&seen, 'c'}};
    for (size_t i = 0; i < 3; i++) sw_loop_post(seen.loop, on_post, &notes[i]);
    sw_loop_post(seen.loop, on_last, &seen);
    sw_loop_run(seen.loop, &seen.done);
    assert_string_equal(seen.text, "abc");
    sw_loop_run(seen.loop, &seen.done); /* returns at once */
    sw_loop_free(seen.loop);
}

static void on_unpost(void *ctx) {
    struct note *note = ctx;
    add(note->seen, 'u');
    sw_loop__unpost(note->seen->loop, note + 1);
}

static void test_unpost(void **state) {
    (void)state;
    struct seen seen = {.loop = sw_loop_new()};
    struct note notes[] = {{&seen, 'a'}, {&seen, 'b'}};
    sw_loop_post(seen.loop, on_unpost, &notes[0]);
    sw_loop_post(seen.loop, on_post, &notes[1]); /* forgotten by the one before it */
    sw_loop_post(seen.loop, on_last, &seen);
    sw_loop_run(seen.loop, &seen.done);
    assert_string_equal(seen.text, "u");
    sw_loop_post(seen.loop, on_post, &notes[1]);
    sw_loop__unpost(seen.loop, &notes[1]);
    sw_loop_post(seen.loop, on_post, &notes[0]); /* left over: freed with the loop */
    sw_loop_free(seen.loop);
}

static void repost(void *ctx) {
    struct seen *seen = ctx;
    if (!seen->done) sw_loop_post(seen->loop, repost, seen);
}

/* Who posts again and again does not keep timers from running. */
static void test_posts_do_not_starve(void **state) {
    (void)state;
    struct seen seen = {.loop = sw_loop_new()};
    sw_loop_post(seen.loop, repost, &seen);
    struct sw_timer *timer = sw_timer_new(seen.loop, 30, 0, on_last, &seen);
    sw_loop_run(seen.loop, &seen.done);
    sw_timer_free(timer);
    sw_loop_free(seen.loop);
}

enum { THREADS = 4, POSTS = 2000 };
static unsigned counted;
static bool all;
static void on_count(void *ctx) {
    (void)ctx;
    if (++counted == THREADS * POSTS) all = true;
}
static void *poster(void *loop) {
    for (int i = 0; i < POSTS; i++) sw_loop_post(loop, on_count, NULL);
    return NULL;
}

static void test_posts_from_threads(void **state) {
    (void)state;
    struct sw_loop *loop = sw_loop_new();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, poster, loop);
    sw_loop_run(loop, &all);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(counted, THREADS * POSTS);
    sw_loop_free(loop);
}

static void on_tick(void *ctx) {
    struct seen *seen = ctx;
    add(seen, 't');
    if (seen->text[2]) {
        sw_timer_free(seen->timer); /* within its own callback */
        seen->done = true;
    }
}

static void test_timers(void **state) {
    (void)state;
    struct seen seen = {.loop = sw_loop_new()};
    uint64_t start = sw_now_ms();
    seen.timer = sw_timer_new(seen.loop, 20, 10, on_tick, &seen);
    struct sw_timer *never = sw_timer_new(seen.loop, 5, 0, on_last, &seen);
    sw_timer_free(never);
    sw_timer_free(NULL);
    sw_loop_run(seen.loop, &seen.done);
    assert_string_equal(seen.text, "ttt");
    assert_true(sw_now_ms() - start >= 39);
    sw_timer_new(seen.loop, 10000, 0, on_last, &seen); /* left over: freed with the loop */
    sw_loop_free(seen.loop);
}

static void on_interrupt(unsigned count, void *ctx) {
    struct seen *seen = ctx;
    add(seen, (char)('0' + count));
    if (count == 3)
        seen->done = true;
    else
        kill(getpid(), count == 1 ? SIGTERM : SIGINT);
}

static void test_interrupts(void **state) {
    (void)state;
    struct seen seen = {.loop = sw_loop_new()};
    sw_loop_on_interrupt(seen.loop, on_interrupt, &seen);
    kill(getpid(), SIGINT);
    sw_loop_run(seen.loop, &seen.done);
    assert_string_equal(seen.text, "123");
    sw_loop_free(seen.loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_posts_in_order),     cmocka_unit_test(test_unpost), cmocka_unit_test(test_posts_do_not_starve),
        cmocka_unit_test(test_posts_from_threads), cmocka_unit_test(test_timers), cmocka_unit_test(test_interrupts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
