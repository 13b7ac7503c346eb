/* known_hosts files. The first line is the name that is looked for. */
#include "known_hosts.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    const char *newline = memchr(text, '\n', size);
    size_t name_len = newline ? (size_t)(newline - text) : size, skip = name_len + (newline != NULL);
    char *name = sw_xstrndup(text, name_len < 256 ? name_len : 255);
    struct sw_known_hosts known = {0};
    sw_known_hosts_parse(&known, text + skip, size - skip, "known_hosts", name);
    size_t lines = 1;
    for (size_t i = skip; i < size; i++) lines += text[i] == '\n';
    FUZZ_CHECK(known.n <= lines);
    for (size_t i = 0; i < known.n; i++) {
        FUZZ_CHECK(*known.v[i].type || memchr(text, 0, size));
        FUZZ_CHECK(known.v[i].line >= 1 && known.v[i].line <= lines && (i == 0 || known.v[i - 1].line < known.v[i].line));
    }
    sw_known_hosts_done(&known);
    struct sw_str written = {0};
    sw_known_hosts_name(name, size % 2 ? 22 : 2222, &written);
    sw_str_done(&written);
    free(name);
    return 0;
}
