/* One relayed connection: a direct-tcpip channel and one end of a socketpair. A bastion's thread only. */
#ifndef SLIPWAY_NET_BASTION_LINK_H
#define SLIPWAY_NET_BASTION_LINK_H

#include "ssh_internal.h"

struct request;

struct sw_link {
    struct sw_ssh *ssh;
    ssh_channel channel;
    char *address;
    unsigned port;
    struct request *request; /* who waits for it to open; NULL once answered */
    int fd, far_fd;          /* ours, and the host's until it is handed over */
    bool hung_up;            /* the host's end is gone altogether */
    bool over;
    struct {
        size_t at, len;
        char p[32000];
    } in, out; /* read from fd, not yet sent; read from the channel, not yet written */
    struct sw_link *next;
};

/* fd: our end of a pair whose other end somebody has already, or -1. Taken. */
struct sw_link *sw_link_new(struct sw_ssh *ssh, const char *address, unsigned port, int fd, struct request *request);
void sw_link_free(struct sw_link *link);
/* 1 = open, 0 = not yet, or an error. */
int sw_link_open(struct sw_link *link, struct sw_err *err);
/* Moves bytes both ways as far as it goes without waiting. Returns whether any moved. Sets `over` at the end. */
bool sw_link_relay(struct sw_link *link);
/* What to poll fd for. */
short sw_link_events(const struct sw_link *link, bool write_pending);

#endif
