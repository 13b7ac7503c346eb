/* Runs a target over files and directories without libFuzzer: each file whole, and cut short in a few places. This is how the corpora are
 * part of the ordinary tests. */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

enum { CUTS = 16 };

static size_t run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    struct sw_str text = {0};
    char buffer[4096];
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, file)) > 0;) sw_str_add(&text, buffer, n);
    fclose(file);
    size_t last = (size_t)-1;
    for (size_t i = CUTS; i > 0; i--) {
        size_t len = text.len * i / CUTS;
        if (len == last) continue;
        last = len;
        /* Exactly as large as the input, so that AddressSanitizer sees a byte read too far. */
        uint8_t *copy = malloc(len ? len : 1);
        if (!copy) abort();
        memcpy(copy, sw_str_z(&text), len);
        LLVMFuzzerTestOneInput(copy, len);
        free(copy);
    }
    sw_str_done(&text);
    return 1;
}

static size_t run(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) return run_file(path);
    struct dirent **names = NULL;
    size_t files = 0;
    int n = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char *inner = sw_xprintf("%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.') files += run(inner);
        free(inner);
        free(names[i]);
    }
    free(names);
    return files;
}

int main(int argc, char **argv) {
    size_t files = 0;
    for (int i = 1; i < argc; i++) files += run(argv[i]);
    printf("%zu files\n", files);
    return files ? 0 : 1;
}
