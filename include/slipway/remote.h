/* Remotes: a machine that runs `sh` for us, over SSH or here. One connection a host, jobs in order, results on the loop thread.
 *
 * Over SSH each remote is one thread with one blocking libssh session; it connects at the first job and retries the connection (never a
 * command) with backoff until connect_deadline_ms. Callbacks always run on the loop thread, and never from within sw_remote_run().
 */
#ifndef SLIPWAY_REMOTE_H
#define SLIPWAY_REMOTE_H

#include "slipway/loop.h"
#include "slipway/value.h"

struct sw_remote;

/* How to reach a machine. Strings are copied by sw_remote_open(). Defaults in brackets. */
struct sw_remote_options {
    const char *name;                        /* for messages: "n1" */
    const char *transport;                   /* "ssh" [default] or "local" (this machine, no SSH) */
    const char *address;                     /* host name or IP */
    unsigned port;                           /* [22] */
    const char *user;                        /* [current user] */
    const char **keys;                       /* private key files, NULL-terminated; NULL = agent, then ~/.ssh/id_* */
    const char *passphrase;                  /* of the key, or NULL. Wiped after use */
    const char *password;                    /* SSH password login, or NULL */
    bool agent;                              /* try the agent [true] */
    const char *host_key;                    /* pinned: "ssh-ed25519 AAAA…" or "SHA256:…"; NULL = known_hosts decides */
    const char *known_hosts;                 /* file [~/.ssh/known_hosts] */
    const char *become;                      /* NULL or "sudo" */
    const char *become_password;             /* NULL = sudo -n */
    const struct sw_remote_options *bastion; /* or NULL */
    unsigned connect_timeout_ms;             /* one attempt [10,000] */
    unsigned connect_deadline_ms;            /* all attempts; 0 = one attempt only */
    unsigned idle_timeout_ms;                /* no byte for so long: the job fails [600,000] */
    unsigned keepalive_ms;                   /* [15,000] */
};

/* Fills options from a connection MAP {address, port, user, key | keys, passphrase, password, agent, host_key, known_hosts, become,
 * become_password, bastion = {…}, transport, connect_timeout, connect_deadline (seconds)}; strings borrowed from `v` and the arena. */
int sw_remote_options_from(const struct sw_value *v, const char *name, struct sw_arena *arena, struct sw_remote_options *ret,
                           struct sw_err *err);

struct sw_job_result {
    struct sw_err err; /* code 0: the command ran to its end. Else unreachable, timeout, … Owned by the result */
    int status;        /* exit status; 128+n for a signal; -1 when it never arrived */
    uint64_t elapsed_ms;
    unsigned channels; /* exec channels this job opened */
};

struct sw_job {
    const char *command; /* run by the login shell, e.g. "sh" or "sh -c '…'"; wrapped in sudo when `become` is set */
    const char *input;   /* fed to stdin and then closed; borrowed until done */
    size_t input_len;
    const char *input_file; /* or: this local file's bytes are streamed to stdin */
    unsigned timeout_ms;    /* whole command; 0 = none (idle timeout still holds) */
    /* Bytes as they come. stream 1 = stdout, 2 = stderr. Loop thread. */
    void (*on_data)(void *ctx, int stream, const char *p, size_t len);
    /* Once, last. Loop thread. `result` is freed after the call. */
    void (*on_done)(void *ctx, struct sw_job_result *result);
    void *ctx;
};

struct sw_remote *sw_remote_open(struct sw_loop *loop, const struct sw_remote_options *options);
/* Queues a job; the struct is copied, what it points to is borrowed until on_done. */
void sw_remote_run(struct sw_remote *remote, const struct sw_job *job);
/* Ends the running job and those queued with SW_ECANCELLED. */
void sw_remote_cancel(struct sw_remote *remote);
/* Disconnects; jobs left are cancelled. Frees when the thread has ended; callbacks of left jobs still run (SW_ECANCELLED) before it returns. */
void sw_remote_free(struct sw_remote *remote);
/* Counters for the report: exec channels opened, bytes in and out, connection attempts. */
struct sw_remote_stats {
    unsigned channels, connects, attempts;
    uint64_t bytes_in, bytes_out;
};
void sw_remote_stats(const struct sw_remote *remote, struct sw_remote_stats *ret);
/* Interactive: replaces this process by ssh(1) with the same options (for `slipway ssh`). Returns only on error. */
int sw_remote_exec_ssh(const struct sw_remote_options *options, char *const *command, struct sw_err *err);

#endif
