/* One match of a Lua pattern. */
#ifndef SLIPWAY_SCRIPT_MATCH_H
#define SLIPWAY_SCRIPT_MATCH_H

#include "host.h"

enum { MAX_CAPTURES = 32 };
enum { CAPTURE_OPEN = -1, CAPTURE_POSITION = -2 };

struct sw_match {
    lua_State *L;
    const char *text, *text_end; /* the subject */
    const char *pattern_end;
    unsigned depth, steps;
    int n; /* captures */
    struct {
        const char *at;
        ptrdiff_t len;
    } capture[MAX_CAPTURES];
};

/* The end of a match of the pattern at p that starts at s; NULL = none. Raises when the pattern is malformed or the budget spent. */
const char *sw_match__here(struct sw_match *match, const char *s, const char *p) SW_LJMP;
/* Charges one step. */
void sw_match__tick(struct sw_match *match) SW_LJMP;

#endif
