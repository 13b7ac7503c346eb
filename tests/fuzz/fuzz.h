/* What the fuzz targets share. Each target is one file with one LLVMFuzzerTestOneInput(); besides not crashing it checks something that
 * must hold for any input (what was written reads back, portions do not matter, …) with FUZZ_CHECK. */
#ifndef SLIPWAY_FUZZ_H
#define SLIPWAY_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                                                              \
    do {                                                                                                                                   \
        if (!(condition)) {                                                                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                                                 \
            abort();                                                                                                                       \
        }                                                                                                                                  \
    } while (0)

/* 32 bytes: the key that the sealed texts in the corpora were made with. */
extern const unsigned char FUZZ_KEY[33];

/* The text up to a line "%%" and what follows it; all of it and "" when there is no such line. */
struct fuzz_halves {
    const char *a, *b;
    size_t a_len, b_len;
};
struct fuzz_halves fuzz_halves(const uint8_t *data, size_t size);

/* A function that failed says so in the error it was given, and with the same code. */
void fuzz_check_err(int rc, const struct sw_err *err);

/* Levels of lists and maps. What slipway writes around a value makes it a few levels deeper than the 64 that sw_json_read() takes: texts
 * with values nearly that deep are written but not read. */
unsigned fuzz_depth(const struct sw_value *v);
enum { FUZZ_DEPTH_MAX = 56 };

/* A path of that name in a directory of this process, which goes when the process ends; and the same with a file written there. */
const char *fuzz_path(const char *name);
const char *fuzz_file(const char *name, const void *data, size_t size);

#endif
