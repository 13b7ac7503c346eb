/* Runs jobs on remotes as a JSON file says, and prints what became of them, a JSON object a line.
 *
 *   {"hosts": {"n1": {connection}, …}, "jobs": [{"command", "input", "input_file", "timeout_ms", "after_file", "hash"}, …],
 *    "cancel_after_ms": n, "free_after_ms": n, "stall_ms": n}
 *
 * Every host gets all jobs. after_file: the job is queued once that file exists. stall_ms: the first output blocks the loop for so long.
 * `remote_run --ssh FILE [COMMAND…]` becomes ssh(1) to the first host.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "slipway/clock.h"
#include "slipway/file.h"
#include "slipway/log.h"
#include "slipway/remote.h"

struct run {
    struct sw_loop *loop;
    struct sw_arena *arena;
    size_t left;
    bool done;
    unsigned stall_ms;
    uint64_t stalled_bytes; /* come in meanwhile */
    uint64_t started_ms;
    struct host *hosts;
    size_t n_hosts;
};
struct host {
    struct run *run;
    const char *name;
    struct sw_remote *remote;
};
struct task {
    struct host *host;
    size_t index;
    struct sw_job job;
    const char *after_file;
    struct sw_timer *timer;
    struct sw_str out, err;
    size_t n_out, n_err;
    EVP_MD_CTX *hash;
};

static const struct sw_value *text(struct sw_arena *arena, const char *z) {
    return z ? sw_value_str(arena, z) : &SW_NULL_VALUE;
}

static void on_data(void *ctx, int stream, const char *p, size_t len) {
    struct task *task = ctx;
    struct run *run = task->host->run;
    if (run->stall_ms) {
        struct sw_remote_stats stats = {0};
        usleep(run->stall_ms * 1000);
        sw_remote_stats(task->host->remote, &stats);
        run->stalled_bytes = stats.bytes_in;
        run->stall_ms = 0;
    }
    *(stream == 1 ? &task->n_out : &task->n_err) += len;
    if (stream == 1) EVP_DigestUpdate(task->hash, p, len);
    struct sw_str *to = stream == 1 ? &task->out : &task->err;
    if (to->len < 8192) sw_str_add(to, p, len < 8192 - to->len ? len : 8192 - to->len);
}

static void print(struct run *run, const struct sw_pair *pairs, size_t n) {
    struct sw_str line = {0};
    sw_json_write(&line, sw_value_map(run->arena, pairs, n), SW_JSON_PLAIN);
    puts(sw_str_z(&line));
    fflush(stdout);
    sw_str_done(&line);
}

static void on_done(void *ctx, struct sw_job_result *result) {
    struct task *task = ctx;
    struct run *run = task->host->run;
    struct sw_arena *a = run->arena;
    struct sw_remote_stats stats = {0};
    sw_remote_stats(task->host->remote, &stats);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_DigestFinal_ex(task->hash, digest, &n);
    EVP_MD_CTX_free(task->hash);
    struct sw_str hex = {0}, frames = {0};
    sw_str_add_hex(&hex, digest, n);
    for (size_t i = 0; i < result->err.n_frames; i++) sw_str_addf(&frames, "%s%s", i ? " | " : "", result->err.frames[i]);
    struct sw_pair pairs[] = {
        {"host", text(a, task->host->name)},
        {"job", sw_value_int(a, (int64_t)task->index)},
        {"code", text(a, result->err.code ? sw_code_name(result->err.code) : NULL)},
        {"message", text(a, result->err.message)},
        {"hint", text(a, result->err.hint)},
        {"detail", text(a, result->err.detail)},
        {"frames", text(a, sw_str_z(&frames))},
        {"status", sw_value_int(a, result->status)},
        {"out", sw_value_strn(a, sw_str_z(&task->out), task->out.len)},
        {"err", sw_value_strn(a, sw_str_z(&task->err), task->err.len)},
        {"out_len", sw_value_int(a, (int64_t)task->n_out)},
        {"err_len", sw_value_int(a, (int64_t)task->n_err)},
        {"out_sha256", text(a, sw_str_z(&hex))},
        {"elapsed_ms", sw_value_int(a, (int64_t)result->elapsed_ms)},
        {"at_ms", sw_value_int(a, (int64_t)(sw_now_ms() - run->started_ms))},
        {"channels", sw_value_int(a, result->channels)},
        {"attempts", sw_value_int(a, stats.attempts)},
        {"connects", sw_value_int(a, stats.connects)},
        {"bytes_in", sw_value_int(a, (int64_t)stats.bytes_in)},
        {"bytes_out", sw_value_int(a, (int64_t)stats.bytes_out)},
    };
    print(run, pairs, sizeof pairs / sizeof *pairs);
    sw_str_done(&hex);
    sw_str_done(&frames);
    sw_str_done(&task->out);
    sw_str_done(&task->err);
    sw_timer_free(task->timer);
    free(task);
    if (--run->left == 0) run->done = true;
}

static void on_tick(void *ctx) {
    struct task *task = ctx;
    if (access(task->after_file, F_OK) != 0) return;
    sw_timer_free(task->timer);
    task->timer = NULL;
    sw_remote_run(task->host->remote, &task->job);
}

static void add_task(struct host *host, size_t index, const struct sw_value *job) {
    struct task *task = calloc(1, sizeof *task);
    if (!task) abort();
    task->host = host;
    task->index = index;
    task->hash = EVP_MD_CTX_new();
    EVP_DigestInit_ex(task->hash, EVP_sha256(), NULL);
    task->job = (struct sw_job){
        .command = sw_get_str(job, "command", "sh"),
        .input = sw_get_str(job, "input", NULL),
        .input_file = sw_get_str(job, "input_file", NULL),
        .timeout_ms = (unsigned)sw_get_int(job, "timeout_ms", 0),
        .on_data = on_data,
        .on_done = on_done,
        .ctx = task,
    };
    if (task->job.input) task->job.input_len = strlen(task->job.input);
    host->run->left++;
    task->after_file = sw_get_str(job, "after_file", NULL);
    if (task->after_file)
        task->timer = sw_timer_new(host->run->loop, 20, 20, on_tick, task);
    else
        sw_remote_run(host->remote, &task->job);
}

static void on_cancel(void *ctx) {
    struct run *run = ctx;
    for (size_t i = 0; i < run->n_hosts; i++) sw_remote_cancel(run->hosts[i].remote);
}

static void on_free(void *ctx) {
    struct run *run = ctx;
    for (size_t i = 0; i < run->n_hosts; i++) {
        struct sw_remote *remote = run->hosts[i].remote;
        sw_remote_free(remote);
    }
    run->n_hosts = 0;
    run->done = true;
}

/* VmHWM, as ru_maxrss also counts the process that we were before the exec. */
static int64_t peak_kb(void) {
    char line[256];
    long kb = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) sscanf(line, "VmHWM: %ld", &kb);
    if (file) fclose(file);
    return kb;
}

static int fail(const struct sw_err *err) {
    fprintf(stderr, "%s\n", err->message);
    if (err->hint) fprintf(stderr, "%s\n", err->hint);
    return 2;
}

int main(int argc, char **argv) {
    bool ssh = argc > 2 && strcmp(argv[1], "--ssh") == 0;
    const char *path = argc > 1 ? argv[ssh ? 2 : 1] : NULL;
    if (!path) return 2;
    if (getenv("SLIPWAY_TEST_LOG")) sw_log_open(NULL);
    struct sw_err err = {0};
    struct sw_str file = {0};
    struct run run = {.arena = sw_arena_new(), .started_ms = sw_now_ms()};
    const struct sw_value *spec;
    if (sw_file_read(path, 64 << 20, &file, &err) != SW_OK ||
        sw_json_read(run.arena, sw_str_z(&file), file.len, SW_JSON_PLAIN, &spec, &err) != SW_OK)
        return fail(&err);

    const struct sw_value *hosts = sw_get(spec, "hosts"), *jobs = sw_get(spec, "jobs");
    size_t n = hosts->map.n;
    struct sw_remote_options *options = sw_new_n(run.arena, struct sw_remote_options, n);
    for (size_t i = 0; i < n; i++) {
        if (sw_remote_options_from(hosts->map.v[i].value, hosts->map.v[i].key, run.arena, &options[i], &err) != SW_OK) return fail(&err);
    }
    if (ssh) {
        sw_remote_exec_ssh(&options[0], argv + 3, &err);
        return fail(&err);
    }
    run.loop = sw_loop_new();
    run.hosts = sw_new_n(run.arena, struct host, n);
    run.n_hosts = n;
    run.stall_ms = (unsigned)sw_get_int(spec, "stall_ms", 0);
    for (size_t i = 0; i < n; i++) run.hosts[i] = (struct host){&run, hosts->map.v[i].key, sw_remote_open(run.loop, &options[i])};
    run.done = n == 0 || jobs->list.n == 0;
    for (size_t k = 0; k < jobs->list.n; k++) {
        for (size_t i = 0; i < n; i++) add_task(&run.hosts[i], k, jobs->list.v[k]);
    }
    int64_t cancel = sw_get_int(spec, "cancel_after_ms", 0), leave = sw_get_int(spec, "free_after_ms", 0);
    struct sw_timer *timers[2] = {NULL, NULL};
    if (cancel) timers[0] = sw_timer_new(run.loop, (uint64_t)cancel, 0, on_cancel, &run);
    if (leave) timers[1] = sw_timer_new(run.loop, (uint64_t)leave, 0, on_free, &run);
    sw_loop_run(run.loop, &run.done);
    uint64_t before = sw_now_ms();
    on_free(&run);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    struct sw_pair pairs[] = {
        {"free_ms", sw_value_int(run.arena, (int64_t)(sw_now_ms() - before))},
        {"total_ms", sw_value_int(run.arena, (int64_t)(sw_now_ms() - run.started_ms))},
        {"stalled_bytes", sw_value_int(run.arena, (int64_t)run.stalled_bytes)},
        {"max_rss_kb", sw_value_int(run.arena, peak_kb())},
        {"cpu_ms", sw_value_int(run.arena, (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                                               (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000)},
    };
    print(&run, pairs, sizeof pairs / sizeof *pairs);
    sw_timer_free(timers[0]);
    sw_timer_free(timers[1]);
    sw_loop_free(run.loop);
    sw_str_done(&file);
    sw_arena_free(run.arena);
    return 0;
}
