/* `slipway status --wait SECONDS`: what an apply started elsewhere, or Argo CD, is still at. */
#include <string.h>

#include "slipway/clock.h"
#include "status.h"

enum { FIRST_PAUSE_MS = 2000, LONGEST_PAUSE_MS = 15000, TICK_MS = 100 };

struct rest {
    const struct sw_context *context;
    uint64_t until;
    bool over;
};

static void on_tick(void *ctx) {
    struct rest *rest = ctx;
    rest->over = rest->context->interrupts || sw_now_ms() >= rest->until;
}

static void sleep_for(struct sw_context *context, uint64_t ms) {
    struct rest rest = {.context = context, .until = sw_now_ms() + ms};
    struct sw_timer *timer = sw_timer_new(context->loop, TICK_MS, TICK_MS, on_tick, &rest);
    sw_loop_run(context->loop, &rest.over);
    sw_timer_free(timer);
}

int sw_status_wait(struct sw_context *context, unsigned seconds) {
    uint64_t deadline = sw_now_ms() + (uint64_t)seconds * 1000, pause = FIRST_PAUSE_MS;
    const char *told = "";
    for (;;) {
        struct sw_status status;
        struct sw_err err = {0};
        if (sw_status_look(context, &status, &err)) return sw_cli_fail(context->cli, &err);
        uint64_t now = sw_now_ms();
        if (status.healthy || now >= deadline || context->interrupts) {
            int code = sw_status_show(context, &status);
            sw_status_done(&status);
            return code;
        }
        const char *first = status.problems.v[0];
        if (strcmp(first, told) != 0) sw_cli_note(context->cli, "waiting: %s%s", first, status.problems.n > 1 ? ", and more" : "");
        told = first;
        sw_status_done(&status);
        sleep_for(context, pause < deadline - now ? pause : deadline - now);
        pause = pause * 3 / 2 < LONGEST_PAUSE_MS ? pause * 3 / 2 : LONGEST_PAUSE_MS;
    }
}
