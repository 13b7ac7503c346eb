/* Ending a command on the far side. sshd lets it run on when the connection closes, and does not take signals for root's sessions
 * ("session signalling requires privilege separation"). So a second channel of the same connection looks for its siblings: the children of
 * the sshd process that serves us both, each the leader of a process group. What sudo started with a password is out of reach. */
#include <poll.h>
#include <string.h>

#include "slipway/clock.h"
#include "slipway/str.h"
#include "ssh_internal.h"

/* $1 = the pid of our sshd, $2 = our own. No "--" for kill: dash and busybox take it for a pid. */
static const char KILL[] = "for f in $(grep -ls \"^PPid:[[:space:]]*$1\\$\" /proc/[0-9]*/status); do p=${f#/proc/}; p=${p%/*}; "
                           "[ \"$p\" = \"$2\" ] || kill -TERM \"-$p\"; done";

static bool never(void *ctx) {
    (void)ctx;
    return false;
}

void sw_ssh_kill(struct sw_ssh *ssh, bool sudo, uint64_t until_ms) {
    const struct sw_waiter waiter = {-1, never, NULL}; /* the cancel that brought us here must not end this, too */
    const struct sw_waiter *before = ssh->waiter;
    ssh_channel channel = ssh_channel_new(ssh->session);
    if (!channel) return;
    ssh->waiter = &waiter;
    struct sw_str command = {0};
    sw_str_addz(&command, sudo ? "sudo -n sh -c " : "exec sh -c ");
    sw_str_add_shell(&command, KILL, strlen(KILL));
    sw_str_addz(&command, " sh \"$PPID\" \"$$\" </dev/null 2>/dev/null"); /* stdout stays open: its end tells that the work is done */
    int rc, wait;
    SW_SSH_DRIVE(ssh, until_ms, rc, SSH_AGAIN, wait, ssh_channel_open_session(channel));
    if (wait == 1 && rc == SSH_OK) SW_SSH_DRIVE(ssh, until_ms, rc, SSH_AGAIN, wait, ssh_channel_request_exec(channel, sw_str_z(&command)));
    while (wait == 1 && rc == SSH_OK && sw_ssh_pump(ssh) && !ssh_channel_is_eof(channel)) wait = sw_ssh_wait(ssh, until_ms);
    sw_str_done(&command);
    ssh_channel_free(channel);
    ssh->waiter = before;
}
