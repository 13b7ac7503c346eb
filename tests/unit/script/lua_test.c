/* Runs every tests/lua/NAME_test.lua in the host, each as one test. */
#include <glob.h>

#include "fixture.h"

static void run_file(void **state) {
    const char *path = *state;
    struct fixture f;
    fixture_begin(&f, NULL, NULL);
    int failed = sw_script_selftest(f.script, path, &f.err);
    if (failed) fixture_show(&f);
    fixture_end(&f);
    assert_int_equal(failed, 0);
}

int main(void) {
    struct CMUnitTest tests[256];
    size_t n = 0;
    glob_t found = {0};
    glob(SW_TESTS_LUA "/*_test.lua", 0, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc && n < 256; i++)
        tests[n++] = (struct CMUnitTest){strrchr(found.gl_pathv[i], '/') + 1, run_file, NULL, NULL, found.gl_pathv[i]};
    if (n == 0) {
        fprintf(stderr, "no tests in %s\n", SW_TESTS_LUA);
        return 1;
    }
    int failed = _cmocka_run_group_tests("tests/lua", tests, n, NULL, NULL);
    globfree(&found);
    return failed;
}
