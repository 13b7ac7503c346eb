#include "support.h"

#include "secretbox.h"

static const unsigned char key[32] = "0123456789abcdef0123456789abcde";

static void seals_and_unseals(void **data) {
    struct fixture *f = *data;
    const char *texts[] = {"", "x", "a longer secret with \xff bytes"};
    for (size_t i = 0; i < 3; i++) {
        struct sw_str a = {0}, b = {0}, plain = {0};
        ok(f, sw_seal(key, "ctx", texts[i], strlen(texts[i]), &a));
        ok(f, sw_seal(key, "ctx", texts[i], strlen(texts[i]), &b));
        assert_true(sw_starts_with(a.p, "v1:"));
        assert_string_not_equal(a.p, b.p); /* a nonce of its own */
        ok(f, sw_unseal(key, "ctx", a.p, &plain, &f->err));
        assert_string_equal(sw_str_z(&plain), texts[i]);
        sw_str_done(&a);
        sw_str_done(&b);
        sw_str_done(&plain);
    }
}

static void refuses_what_was_touched(void **data) {
    struct fixture *f = *data;
    struct sw_str box = {0}, plain = {0};
    ok(f, sw_seal(key, "resource a", "hunter2", 7, &box));
    fails(f, SW_EAUTH, "another key", sw_unseal(key, "resource b", box.p, &plain, &f->err));
    unsigned char other[32] = {1};
    fails(f, SW_EAUTH, "another key", sw_unseal(other, "resource a", box.p, &plain, &f->err));
    for (size_t i = 3; i < box.len; i++) { /* every single character counts */
        char saved = box.p[i];
        box.p[i] = saved == 'A' ? 'B' : 'A';
        assert_true(sw_unseal(key, "resource a", box.p, &plain, NULL) < 0);
        box.p[i] = saved;
    }
    box.p[box.len - 8] = 0;
    assert_true(sw_unseal(key, "resource a", box.p, &plain, NULL) < 0);
    fails(f, SW_EINVAL, "damaged", sw_unseal(key, "x", "v1:", &plain, &f->err));
    fails(f, SW_EINVAL, "damaged", sw_unseal(key, "x", "v1:????", &plain, &f->err));
    fails(f, SW_EINVAL, "unknown kind", sw_unseal(key, "x", "v9:AAAA", &plain, &f->err));
    assert_int_equal(plain.len, 0);
    sw_str_done(&box);
    sw_str_done(&plain);
}

static void values_keep_kinds_and_marks(void **data) {
    struct fixture *f = *data;
    const struct sw_value *v = every_kind(f), *back = NULL;
    struct sw_str text = {0};
    sw_value_seal(&text, v, key, "resource a");
    assert_null(strstr(text.p, "hunter2"));
    assert_null(strstr(text.p, "424242"));
    assert_non_null(strstr(text.p, "\"$sealed\":\"v1:"));
    ok(f, sw_value_unseal(f->arena, text.p, text.len, key, "resource a", &back, &f->err));
    assert_same_value(v, back);
    assert_true(sw_get(back, "secret")->secret);
    assert_true(sw_get(back, "secret_unknown")->secret);
    assert_true(sw_get_path(back, "secret_map.a.b")->list.v[0]->secret);
    assert_false(sw_get(back, "secret_concat")->secret);
    assert_true(sw_get(back, "secret_concat")->list.v[1]->secret);
    assert_false(sw_get(back, "text")->secret);
    assert_string_equal(sw_get_str(sw_get(back, "trap1"), "$sealed", ""), "v1:AAAA");
    fails(f, SW_EAUTH, "another key", sw_value_unseal(f->arena, text.p, text.len, key, "resource b", &back, &f->err));
    sw_str_done(&text);

    const struct sw_value *top = sw_value_secret(f->arena, sw_value_str(f->arena, "hunter2"));
    sw_value_seal(&text, top, key, "c");
    assert_null(strstr(text.p, "hunter2"));
    ok(f, sw_value_unseal(f->arena, text.p, text.len, key, "c", &back, &f->err));
    assert_true(back->secret);
    assert_string_equal(back->s.p, "hunter2");
    sw_str_done(&text);

    const char *broken[] = {"{\"a\": {\"$sealed\": \"\"}}", "{\"a\": [{\"$sealed\": \"v1:zzz\"}]}", "{\"$sealed\": \"v1:AAAA\\u0000\"}",
                            "{\"$sealed\": \"v1:"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(sw_value_unseal(f->arena, broken[i], strlen(broken[i]), key, "c", &back, &f->err) < 0);
        assert_non_null(f->err.message);
        sw_err_done(&f->err);
        assert_true(sw_value_unseal(f->arena, broken[i], strlen(broken[i]), key, "c", &back, NULL) < 0);
    }
}

static void mac_depends_on_everything(void **data) {
    (void)data;
    char a[65], b[65];
    unsigned char other[32] = {1};
    sw_secretbox__mac(key, "p", "text", 4, a);
    sw_secretbox__mac(key, "p", "text", 4, b);
    assert_true(sw_secretbox__same(a, b));
    sw_secretbox__mac(key, "q", "text", 4, b);
    assert_false(sw_secretbox__same(a, b));
    sw_secretbox__mac(other, "p", "text", 4, b);
    assert_false(sw_secretbox__same(a, b));
    sw_secretbox__mac(key, "p", "texT", 4, b);
    assert_false(sw_secretbox__same(a, b));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(seals_and_unseals, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_was_touched, setup, teardown),
        cmocka_unit_test_setup_teardown(values_keep_kinds_and_marks, setup, teardown),
        cmocka_unit_test_setup_teardown(mac_depends_on_everything, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
