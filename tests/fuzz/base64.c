/* base64, and the other encoders of str.h: bounds, and decoding gives back what was encoded. */
#include "fuzz.h"

static void check_round_trip(const char *data, size_t size) {
    struct sw_str text = {0}, back = {0};
    sw_str_add_base64(&text, data, size);
    FUZZ_CHECK(text.len == (size + 2) / 3 * 4);
    FUZZ_CHECK(sw_base64_decode(sw_str_z(&text), text.len, &back));
    FUZZ_CHECK(back.len == size && memcmp(sw_str_z(&back), data, size) == 0);
    sw_str_done(&text);
    sw_str_done(&back);
}

static void check_decode(const char *data, size_t size) {
    struct sw_str bytes = {0}, text = {0}, again = {0};
    if (sw_base64_decode(data, size, &bytes)) {
        FUZZ_CHECK(bytes.len <= size / 4 * 3);
        sw_str_add_base64(&text, sw_str_z(&bytes), bytes.len);
        FUZZ_CHECK(sw_base64_decode(sw_str_z(&text), text.len, &again));
        FUZZ_CHECK(again.len == bytes.len && memcmp(sw_str_z(&again), sw_str_z(&bytes), bytes.len) == 0);
    }
    sw_str_done(&bytes);
    sw_str_done(&text);
    sw_str_done(&again);
}

static void check_text(const char *data, size_t size) {
    struct sw_str text = {0};
    size_t valid = sw_utf8_valid(data, size), at = 0;
    FUZZ_CHECK(valid <= size);
    while (at < valid) {
        uint32_t code;
        size_t n = sw_utf8_next(data + at, valid - at, &code);
        FUZZ_CHECK(n >= 1 && n <= 4 && n <= valid - at && code <= 0x10FFFF);
        at += n;
    }
    for (size_t columns = 0; columns < 9; columns++) {
        size_t cut = sw_utf8_cut(data, size, columns);
        FUZZ_CHECK(cut <= size && sw_columns(data, cut) <= columns);
    }
    sw_str_add_printable(&text, data, size);
    FUZZ_CHECK(sw_utf8_valid(sw_str_z(&text), text.len) == text.len);
    for (size_t i = 0; i < text.len; i++) FUZZ_CHECK((unsigned char)text.p[i] >= 0x20 || text.p[i] == '\n' || text.p[i] == '\t');
    sw_str_clear(&text);
    sw_str_add_shell(&text, data, size);
    FUZZ_CHECK(text.len >= 2 && text.p[0] == '\'' && text.p[text.len - 1] == '\'');
    sw_str_clear(&text);
    sw_str_add_hex(&text, data, size);
    FUZZ_CHECK(text.len == 2 * size);
    sw_str_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    check_round_trip(text, size);
    check_decode(text, size);
    check_text(text, size);
    return 0;
}
