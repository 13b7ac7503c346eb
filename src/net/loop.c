/* The loop: libuv's, with a queue that any thread may post to, timers, and Ctrl-C. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "loop_uv.h"
#include "slipway/arena.h"

struct post {
    void (*fn)(void *ctx);
    void *ctx;
    struct post *next;
};

struct sw_loop {
    uv_loop_t uv;
    uv_async_t wake; /* keeps uv_run() waiting even when nothing else is active */
    uv_signal_t signals[2];
    pthread_mutex_t lock; /* guards first and last */
    struct post *first, **last;
    void (*on_interrupt)(unsigned count, void *ctx);
    void *interrupt_ctx;
    unsigned interrupts;
};

struct sw_timer {
    uv_timer_t uv;
    void (*fn)(void *ctx);
    void *ctx;
};

static struct post *take(struct sw_loop *loop) {
    pthread_mutex_lock(&loop->lock);
    struct post *post = loop->first;
    if (post) {
        loop->first = post->next;
        if (!loop->first) loop->last = &loop->first;
    }
    pthread_mutex_unlock(&loop->lock);
    return post;
}

static void on_wake(uv_async_t *handle) {
    struct sw_loop *loop = handle->data;
    /* Only what is queued now: a callback that posts again must not starve sockets and timers. */
    size_t n = 0;
    pthread_mutex_lock(&loop->lock);
    for (struct post *p = loop->first; p; p = p->next) n++;
    pthread_mutex_unlock(&loop->lock);

    /* One at a time from the shared list, so that a callback can unpost a later one. */
    for (struct post *post; n-- > 0 && (post = take(loop));) {
        post->fn(post->ctx);
        free(post);
    }
}

struct sw_loop *sw_loop_new(void) {
    struct sw_loop *loop = sw_xcalloc(1, sizeof *loop);
    loop->last = &loop->first;
    pthread_mutex_init(&loop->lock, NULL);
    if (uv_loop_init(&loop->uv) != 0 || uv_async_init(&loop->uv, &loop->wake, on_wake) != 0)
        abort(); /* no file descriptors left: nothing can start */
    loop->wake.data = loop;
    for (size_t i = 0; i < 2; i++) {
        if (uv_signal_init(&loop->uv, &loop->signals[i]) != 0) abort();
        loop->signals[i].data = loop;
    }
    signal(SIGPIPE, SIG_IGN);
    return loop;
}

static void on_timer_closed(uv_handle_t *handle) {
    free(handle->data);
}

/* Every timer in net/ is a sw_timer, so those that are left can be freed here. */
static void close_handle(uv_handle_t *handle, void *arg) {
    (void)arg;
    if (!uv_is_closing(handle)) uv_close(handle, handle->type == UV_TIMER ? on_timer_closed : NULL);
}

void sw_loop_free(struct sw_loop *loop) {
    if (!loop) return;
    uv_walk(&loop->uv, close_handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_loop_close(&loop->uv);
    for (struct post *post; (post = take(loop));) free(post);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

void sw_loop_run(struct sw_loop *loop, const bool *done) {
    while (!*done) uv_run(&loop->uv, UV_RUN_ONCE);
}

void sw_loop_post(struct sw_loop *loop, void (*fn)(void *ctx), void *ctx) {
    struct post *post = sw_xmalloc(sizeof *post);
    *post = (struct post){fn, ctx, NULL};
    pthread_mutex_lock(&loop->lock);
    *loop->last = post;
    loop->last = &post->next;
    pthread_mutex_unlock(&loop->lock);
    uv_async_send(&loop->wake);
}

void sw_loop__unpost(struct sw_loop *loop, const void *ctx) {
    pthread_mutex_lock(&loop->lock);
    struct post **at = &loop->first;
    while (*at) {
        struct post *post = *at;
        if (post->ctx == ctx) {
            *at = post->next;
            free(post);
        } else {
            at = &post->next;
        }
    }
    loop->last = at;
    pthread_mutex_unlock(&loop->lock);
}

static void on_timer(uv_timer_t *handle) {
    struct sw_timer *timer = handle->data;
    timer->fn(timer->ctx);
}

struct sw_timer *sw_timer_new(struct sw_loop *loop, uint64_t delay_ms, uint64_t repeat_ms, void (*fn)(void *ctx), void *ctx) {
    struct sw_timer *timer = sw_xcalloc(1, sizeof *timer);
    timer->fn = fn;
    timer->ctx = ctx;
    uv_timer_init(&loop->uv, &timer->uv);
    timer->uv.data = timer;
    uv_update_time(&loop->uv); /* a delay counts from now, not from when this turn of the loop began */
    uv_timer_start(&timer->uv, on_timer, delay_ms, repeat_ms);
    return timer;
}

void sw_timer_free(struct sw_timer *timer) {
    if (!timer) return;
    uv_timer_stop(&timer->uv);
    uv_close((uv_handle_t *)&timer->uv, on_timer_closed);
}

static void on_signal(uv_signal_t *handle, int number) {
    (void)number;
    struct sw_loop *loop = handle->data;
    if (loop->on_interrupt) loop->on_interrupt(++loop->interrupts, loop->interrupt_ctx);
}

void sw_loop_on_interrupt(struct sw_loop *loop, void (*fn)(unsigned count, void *ctx), void *ctx) {
    static const int numbers[] = {SIGINT, SIGTERM};
    loop->on_interrupt = fn;
    loop->interrupt_ctx = ctx;
    if (!fn) loop->interrupts = 0;
    for (size_t i = 0; i < 2; i++) {
        bool active = uv_is_active((uv_handle_t *)&loop->signals[i]);
        if (fn && !active) {
            uv_signal_start(&loop->signals[i], on_signal, numbers[i]);
            uv_unref((uv_handle_t *)&loop->signals[i]);
        } else if (!fn && active) {
            uv_signal_stop(&loop->signals[i]);
        }
    }
}

uv_loop_t *sw_loop__uv(struct sw_loop *loop) {
    return &loop->uv;
}
