/* Numbers in text. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "value_internal.h"

bool sw_value__parse_int(const char *text, int64_t *ret) {
    char *end;
    const char *digits = text + (*text == '-' || *text == '+');
    if (*digits < '0' || *digits > '9') return false;
    errno = 0;
    long long i = strtoll(text, &end, 10);
    if (*end || errno) return false;
    *ret = i;
    return true;
}

bool sw_value__parse_real(const char *text, double *ret) {
    const char *digits = text + (*text == '-' || *text == '+');
    /* strtod would take " 1", "0x1p3", "inf" and "nan" as well. */
    if (strspn(digits, "0123456789.eE+-") != strlen(digits) || !strpbrk(digits, "0123456789") || *digits == 'e' || *digits == 'E')
        return false;
    char *end;
    double d = strtod(text, &end);
    if (*end || !isfinite(d)) return false;
    *ret = d;
    return true;
}
