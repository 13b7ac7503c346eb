/* The live tree: finished lines scroll away above, what runs stands below and is redrawn in place.
 *
 * The drawn part is erased by going up as many rows as it takes *now*: a terminal that became narrower has wrapped our lines meanwhile,
 * so each line's width is kept and the rows are counted anew with today's columns. Lines are clipped to one column less than the terminal
 * has, because terminals differ in where the cursor is after a full line.
 */
#include "progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "slipway/clock.h"
#include "slipway/vec.h"

#define FRAME_MS    100 /* ten redraws a second at most */
#define MAX_ROWS    24  /* of running things; a tall terminal need not be filled */
#define MIN_COLUMNS 12  /* below that only the head line is drawn */

struct tree {
    struct sw_str finished; /* lines to scroll, not written yet */
    struct {
        size_t *v;
        size_t n, cap;
    } widths; /* of the lines drawn last */
    uint64_t drawn_ms;
    bool dirty, cursor_hidden;
    unsigned frame;
};

/* The terminal must get its cursor back even when somebody calls exit(). One live tree a process. */
static int hidden_fd = -1;

static void show_cursor(void) {
    if (hidden_fd < 0) return;
    sw_progress__write(hidden_fd, "\033[?25h", 6);
    hidden_fd = -1;
}

static void terminal_size(const struct sw_progress *progress, unsigned *columns, unsigned *rows) {
    struct winsize size = {0};
    bool known = ioctl(progress->fd, TIOCGWINSZ, &size) == 0;
    *columns = known && size.ws_col ? size.ws_col : sw_report__columns(&progress->style);
    *rows = known && size.ws_row ? size.ws_row : 24;
}

static void erase(struct tree *tree, struct sw_str *out, unsigned columns) {
    size_t rows = 0;
    for (size_t i = 0; i < tree->widths.n; i++) rows += tree->widths.v[i] ? (tree->widths.v[i] + columns - 1) / columns : 1;
    if (rows) sw_str_addf(out, "\r\033[%zuA\033[J", rows);
    tree->widths.n = 0;
}

/* Ends a line that begins at `start` in `out`, remembering how wide it is. */
static void end_line(struct tree *tree, struct sw_str *out, size_t start) {
    size_t width = sw_columns(out->p + start, out->len - start);
    sw_vec_push(&tree->widths, width);
    sw_str_addc(out, '\n');
}

static void draw_head(struct sw_progress *progress, struct tree *tree, struct sw_str *out, unsigned columns) {
    static const char *const dots[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    static const char *const bars[] = {"|", "/", "-", "\\"};
    char elapsed[32];
    struct sw_str text = {0};
    size_t start = out->len;
    sw_report__paint(out, &progress->style, SW_TONE_HINT, progress->style.unicode ? dots[tree->frame % 10] : bars[tree->frame % 4]);
    sw_str_addf(&text, " %s", progress->phase ? progress->phase : "working");
    if (progress->total) {
        sw_str_addf(&text, " %zu/%zu", progress->done + progress->failed + progress->skipped, progress->total);
        if (progress->failed) sw_str_addf(&text, ", %zu failed", progress->failed);
        if (progress->skipped) sw_str_addf(&text, ", %zu skipped", progress->skipped);
    } else if (progress->connected || progress->read) {
        sw_str_addf(&text, ": %zu host%s connected, %zu read", progress->connected, progress->connected == 1 ? "" : "s", progress->read);
    }
    sw_str_addf(&text, "  %s", sw_format_duration(progress->now() - progress->phase_ms, elapsed));
    sw_report__clip(out, sw_str_z(&text), text.len, columns - 1, progress->style.unicode);
    sw_str_done(&text);
    end_line(tree, out, start);
}

/* "  n1/exec:kubeadm init  12s  [preflight] Running pre-flight checks": the name first, the dimmed output in what is left. */
static void draw_running(struct sw_progress *progress, struct tree *tree, struct sw_str *out, const struct sw_running *running,
                         size_t name_width, unsigned columns) {
    char elapsed[32];
    bool unicode = progress->style.unicode;
    size_t start = out->len, room = columns > 3 ? columns - 3 : 1;
    sw_str_addz(out, "  ");
    size_t used = sw_report__clip(out, running->address, strlen(running->address), name_width < room ? name_width : room, unicode);
    sw_format_duration(progress->now() - running->started_ms, elapsed);
    if (used + strlen(elapsed) + 2 <= room) {
        size_t pad = name_width > used ? name_width - used : 0;
        if (used + pad + strlen(elapsed) + 2 > room) pad = 0;
        sw_report__spaces(out, pad + 2);
        sw_report__paint(out, &progress->style, SW_TONE_CHANGE, elapsed);
        used += pad + 2 + strlen(elapsed);
        size_t gap = strlen(elapsed) < 6 ? 8 - strlen(elapsed) : 2;
        if (running->last && *running->last && used + gap + 8 <= room) {
            sw_report__spaces(out, gap);
            sw_report__tone(out, &progress->style, SW_TONE_DIM);
            sw_report__clip(out, running->last, strlen(running->last), room - used - gap, unicode);
            sw_report__tone_end(out, &progress->style, SW_TONE_DIM);
        }
    }
    end_line(tree, out, start);
}

static void draw(struct sw_progress *progress) {
    struct tree *tree = progress->view;
    unsigned columns, rows;
    terminal_size(progress, &columns, &rows);
    struct sw_str out = {0};
    if (!tree->cursor_hidden) {
        sw_str_addz(&out, "\033[?25l");
        tree->cursor_hidden = true;
        hidden_fd = progress->fd;
    }
    erase(tree, &out, columns);
    sw_str_add(&out, sw_str_z(&tree->finished), tree->finished.len);
    sw_str_clear(&tree->finished);

    unsigned usable = columns > 1 ? columns - 1 : 1;
    draw_head(progress, tree, &out, usable);
    size_t room = rows > 4 ? rows - 3 : 1, n = progress->running.n, name_width = 0;
    if (room > MAX_ROWS) room = MAX_ROWS;
    if (usable < MIN_COLUMNS) n = 0;
    size_t shown = n > room ? room - 1 : n;
    for (size_t i = 0; i < shown; i++) {
        size_t width = sw_columns(progress->running.v[i].address, strlen(progress->running.v[i].address));
        if (width > name_width) name_width = width;
    }
    /* A very long name leaves room for its time and some of its output. */
    if (name_width > usable / 2) name_width = usable / 2;
    for (size_t i = 0; i < shown; i++) draw_running(progress, tree, &out, &progress->running.v[i], name_width, usable);
    if (n > shown) {
        size_t start = out.len;
        struct sw_str text = {0};
        sw_str_addf(&text, "  and %zu more", n - shown);
        sw_report__clip(&out, sw_str_z(&text), text.len, usable, progress->style.unicode);
        sw_str_done(&text);
        end_line(tree, &out, start);
    }
    sw_progress__write(progress->fd, sw_str_z(&out), out.len);
    sw_str_done(&out);
    tree->drawn_ms = progress->now();
    tree->dirty = false;
    tree->frame++;
}

static void tree_emit(struct sw_progress *progress, const struct sw_event *event) {
    struct tree *tree = progress->view;
    /* A refresh of many hosts says enough in the head line; what was read is not news on a terminal. */
    if (event->type != SW_EV_HOST_READ && sw_progress__line(&tree->finished, progress, event)) sw_str_addc(&tree->finished, '\n');
    tree->dirty = true;
    if (progress->now() - tree->drawn_ms >= FRAME_MS) draw(progress);
}

static void tree_tick(struct sw_progress *progress) {
    struct tree *tree = progress->view;
    if (progress->now() - tree->drawn_ms >= FRAME_MS) draw(progress);
}

static void tree_close(struct sw_progress *progress) {
    struct tree *tree = progress->view;
    unsigned columns, rows;
    terminal_size(progress, &columns, &rows);
    struct sw_str out = {0};
    erase(tree, &out, columns);
    sw_str_add(&out, sw_str_z(&tree->finished), tree->finished.len);
    if (out.len) sw_progress__write(progress->fd, sw_str_z(&out), out.len);
    show_cursor();
    sw_str_done(&out);
    sw_str_done(&tree->finished);
    sw_vec_done(&tree->widths);
    free(tree);
    progress->view = NULL;
}

void sw_progress__tree_init(struct sw_progress *progress) {
    static bool registered;
    if (!registered) {
        atexit(show_cursor);
        registered = true;
    }
    progress->view = sw_xcalloc(1, sizeof(struct tree));
    progress->phase_ms = progress->now();
    progress->emit = tree_emit;
    progress->tick = tree_tick;
    progress->close = tree_close;
}
