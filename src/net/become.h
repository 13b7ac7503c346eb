/* Becoming root with sudo over one stdin: the words are exchanged on stderr before the command's own output.
 *
 *   sudo asks for the password  ->  prompt mark   ->  we send the password, and nothing else
 *   the command starts          ->  ready mark    ->  we send the command's input
 *
 * So the password can never land in the command's stdin, nor the script in sudo's.
 */
#ifndef SLIPWAY_NET_BECOME_H
#define SLIPWAY_NET_BECOME_H

#include <stdbool.h>
#include "slipway/err.h"
#include "slipway/str.h"

struct sw_become {
    const char *password; /* borrowed; NULL = sudo must not ask */
    char mark[33];
    bool ready, asked;
    struct sw_str talk; /* stderr up to the ready mark */
};

enum sw_become_step {
    SW_BECOME_WAIT,
    SW_BECOME_ASKS,    /* send the password and a newline */
    SW_BECOME_READY,   /* send the command's input; *ret_rest is what of the portion belongs to the command's stderr */
    SW_BECOME_REFUSED, /* asked again: the password is wrong */
};

void sw_become_init(struct sw_become *become, const char *password);
void sw_become_done(struct sw_become *become);
/* The command line for the login shell. */
void sw_become_command(const struct sw_become *become, const char *command, struct sw_str *out);
/* Bytes of stderr, while not ready. */
enum sw_become_step sw_become_feed(struct sw_become *become, const char *p, size_t len, size_t *ret_rest);
/* The error when the command ended, or asked again, before it was ready. */
int sw_become_error(const struct sw_become *become, int status, const char *host, struct sw_err *err);

#endif
