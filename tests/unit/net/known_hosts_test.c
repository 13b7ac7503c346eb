#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "known_hosts.h"

/* The lines that speak of the name, as "line:type:key:r ". */
static void expect(const char *text, const char *name, const char *wanted) {
    struct sw_known_hosts known = {0};
    struct sw_str got = {0};
    sw_known_hosts_parse(&known, text, strlen(text), "f", name);
    for (size_t i = 0; i < known.n; i++)
        sw_str_addf(&got, "%u:%s:%s%s ", known.v[i].line, known.v[i].type, known.v[i].base64, known.v[i].revoked ? ":r" : "");
    assert_string_equal(sw_str_z(&got), wanted);
    sw_str_done(&got);
    sw_known_hosts_done(&known);
}

static void test_names(void **state) {
    (void)state;
    struct sw_str name = {0};
    sw_known_hosts_name("h", 22, &name);
    assert_string_equal(name.p, "h");
    sw_str_clear(&name);
    sw_known_hosts_name("fe80::1", 2222, &name);
    assert_string_equal(name.p, "[fe80::1]:2222");
    sw_str_done(&name);
}

static void test_plain(void **state) {
    (void)state;
    static const char text[] = "# comment\n"
                               "\n"
                               "a,b,10.0.0.1 ssh-ed25519 K1 comment words\n"
                               "  b   ssh-rsa\tK2\r\n"
                               "[b]:2222 ssh-ed25519 K3\n"
                               "c\n"
                               "c ssh-rsa\n"
                               "B ecdsa-sha2-nistp256 K4";
    expect(text, "b", "3:ssh-ed25519:K1 4:ssh-rsa:K2 8:ecdsa-sha2-nistp256:K4 ");
    expect(text, "10.0.0.1", "3:ssh-ed25519:K1 ");
    expect(text, "[b]:2222", "5:ssh-ed25519:K3 ");
    expect(text, "[b]:2223", "");
    expect(text, "c", "");
    expect(text, "", "");
    expect("", "b", "");
}

static void test_patterns(void **state) {
    (void)state;
    expect("*.example.com,!bad.example.com t K\n", "n1.example.com", "1:t:K ");
    expect("*.example.com,!bad.example.com t K\n", "bad.example.com", "");
    expect("!bad.example.com,*.example.com t K\n", "bad.example.com", "");
    expect("*.example.com t K\n", "example.com", "");
    expect("n? t K\n", "n1", "1:t:K ");
    expect("n? t K\n", "n", "");
    expect("n?\tt\tK\n", "n12", "");
    expect("* t K\n", "anything", "1:t:K ");
    expect("*a*b*c* t K\n", "xxaxxbxxcxx", "1:t:K ");
    expect("*a*b*c* t K\n", "xxaxxcxxbxx", "");
    expect("10.0.*.1 t K\n", "10.0.20.1", "1:t:K ");
    expect(",, t K\n", "x", "");
}

static void test_markers(void **state) {
    (void)state;
    static const char text[] =
        "@revoked * t K1\n@cert-authority * t K2\n@unknown * t K3\nh t K4\n@revoked\n@revoked *\n@revoked other t K5\n";
    expect(text, "h", "1:t:K1:r 4:t:K4 ");
}

static void test_hashed(void **state) {
    (void)state;
    static const char text[] =
        "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-rsa K1\n"; /* OpenSSH's own example: 192.168.1.61 */
    expect(text, "192.168.1.61", "1:ssh-rsa:K1 ");
    expect(text, "192.168.1.62", "");
    expect("|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y= t K\n|1||x t K\n|1|!!|!! t K\n|1| t K\n|2|a|b t K\n|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|AAAA t K\n",
           "192.168.1.61", "");
}

static void test_missing_file(void **state) {
    (void)state;
    struct sw_known_hosts known = {0};
    struct sw_err err = {0};
    assert_int_equal(sw_known_hosts_read(&known, "/nonexistent/known_hosts", "h", &err), SW_OK);
    assert_int_equal(sw_known_hosts_read(&known, "/dev/null", "h", &err), SW_OK);
    assert_int_equal(sw_known_hosts_read(&known, "/tmp", "h", &err), SW_EIO);
    assert_int_equal(known.n, 0);
    sw_err_done(&err);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),   cmocka_unit_test(test_plain),  cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_markers), cmocka_unit_test(test_hashed), cmocka_unit_test(test_missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
