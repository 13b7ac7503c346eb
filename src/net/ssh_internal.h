/* SSH sessions as used by the host threads and the bastion threads. Sessions are never blocking: each libssh call that would wait returns,
 * and the waiting is ours, in one poll() that a cancel can end (sw_ssh_wait).
 *
 * ssh_tcp.c connects, ssh_session.c shakes hands, ssh_hostkey.c checks the host, ssh_auth.c logs in, ssh_run.c runs a command,
 * ssh_thread.c is a host's thread, bastion.c a bastion's.
 */
#ifndef SLIPWAY_NET_SSH_INTERNAL_H
#define SLIPWAY_NET_SSH_INTERNAL_H

#include <libssh/libssh.h>
#include <stdbool.h>
#include <stdint.h>
#include "slipway/remote.h"

/* How a thread waits: for a descriptor, a deadline, or the order to stop. */
struct sw_waiter {
    int wake_fd;                /* eventfd */
    bool (*stopped)(void *ctx); /* asked after each wake-up */
    void *ctx;
};
#define SW_NO_DEADLINE UINT64_MAX

/* 1 = the descriptor is ready (fd may be -1), 0 = the deadline (sw_now_ms()) passed, SW_ECANCELLED = stopped. */
int sw_waiter_poll(const struct sw_waiter *waiter, int fd, short events, uint64_t deadline_ms);

/* ssh_tcp.c: a connected socket, or SW_EUNREACHABLE, SW_ETIMEOUT, SW_ECANCELLED. */
int sw_tcp_dial(const char *address, unsigned port, const struct sw_waiter *waiter, uint64_t deadline_ms, struct sw_err *err);

struct sw_ssh {
    const struct sw_remote_options *options;
    const struct sw_waiter *waiter;
    ssh_session session;               /* NULL = not connected */
    int fd;                            /* its socket; ours, libssh has a dup */
    struct ssh_counter_struct traffic; /* of the socket, counted by libssh */
};

/* Handshake, host key, login over a connected socket (which is taken in any case). On failure nothing is left open. */
int sw_ssh_open(struct sw_ssh *ssh, int fd, uint64_t deadline_ms, struct sw_err *err);
/* Closes it. Fine when it is not open. */
void sw_ssh_close(struct sw_ssh *ssh);
/* Waits until the session can go on: as sw_waiter_poll(). */
int sw_ssh_wait(struct sw_ssh *ssh, uint64_t deadline_ms);
void sw_ssh_ack_now(struct sw_ssh *ssh);
/* Lets libssh read and write what it can. false = the connection is gone. */
bool sw_ssh_pump(struct sw_ssh *ssh);
bool sw_ssh_alive(struct sw_ssh *ssh);
/* libssh's own words, or the reason in the socket's. */
const char *sw_ssh_words(struct sw_ssh *ssh);

/* Repeats a libssh call while it returns `again`; leaves the result in rc, or what sw_ssh_wait() said in wait. */
#define SW_SSH_DRIVE(ssh, deadline_ms, rc, again, wait, call) \
    do {                                                      \
        (wait) = 1;                                           \
        (rc) = (call);                                        \
        if ((rc) != (again)) break;                           \
        (wait) = sw_ssh_wait((ssh), (deadline_ms));           \
    } while ((wait) == 1)

/* ssh_hostkey.c */
/* Host key algorithms to offer: those of the pinned key, or those known_hosts has first. Result malloc'ed. */
char *sw_hostkey_algorithms(const struct sw_remote_options *options);
/* Is this the right host? SW_EHOSTKEY otherwise. */
int sw_hostkey_check(struct sw_ssh *ssh, struct sw_err *err);

/* ssh_auth.c: SW_EAUTH when everything was refused. */
int sw_ssh_login(struct sw_ssh *ssh, uint64_t deadline_ms, struct sw_err *err);

/* ssh_key.c: private keys, parsed once a process (bcrypt makes a passphrase cost 0.1 s and more).
 * `*ret` is this thread's own; free with sw_key_done(). SW_ENOTFOUND, SW_EAUTH (passphrase), SW_EINVAL. */
struct sw_key {
    ssh_key plain;
    ssh_key certified; /* with the certificate that lies beside it, or NULL */
};
int sw_key_load(const char *path, const char *passphrase, struct sw_key *ret, struct sw_err *err);
void sw_key_done(struct sw_key *key);
void sw_keys_hold(void);
/* The last one to let go wipes all keys. */
void sw_keys_let_go(void);

/* bastion.c: a socket whose other end is a direct-tcpip channel over the (shared) session to the bastion. */
int sw_bastion_dial(const struct sw_remote_options *bastion, const char *address, unsigned port, const struct sw_waiter *waiter,
                    uint64_t deadline_ms, struct sw_err *err);

/* ssh_kill.c: ends the commands of this connection on the far side, if it answers in time. The session is of no use afterwards. */
void sw_ssh_kill(struct sw_ssh *ssh, bool sudo, uint64_t until_ms);

/* ssh_run.c */
struct sw_remote;
struct sw_remote_job;
enum sw_ran { SW_RAN, SW_RAN_LOST /* the session is of no use any more */, SW_RAN_NEVER /* lost before the command was sent */ };
enum sw_ran sw_ssh_run(struct sw_ssh *ssh, struct sw_remote *remote, struct sw_remote_job *job);

#endif
