#include "embed.h"

#include "slipway/script.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *name, const void *entry) {
    return strcmp(name, ((const struct sw_embedded *)entry)->name);
}

const struct sw_embedded *sw_script__find_embedded(const char *name) {
    return bsearch(name, sw_script__embedded, sw_script__n_embedded, sizeof *sw_script__embedded, compare);
}

const char *sw_script_embedded(const char *path, size_t *ret_len) {
    const struct sw_embedded *file = sw_script__find_embedded(path);
    if (!file) return NULL;
    *ret_len = file->len;
    return file->data;
}
