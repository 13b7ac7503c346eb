/* Signing: whatever the URL and the headers are, it is signed or refused, and the same way twice. The first line is the method, the second the
 * URL, the third flags, the others headers. */
#include "slipway/sigv4.h"
#include "fuzz.h"
#include "slipway/http.h"

static char *take_line(char **rest) {
    char *line = *rest, *newline = strchr(line, '\n');
    if (newline) *newline = '\0';
    *rest = newline ? newline + 1 : line + strlen(line);
    return line;
}

static void check_headers(void *ctx, const char *name, const char *value, size_t len) {
    struct sw_str *out = ctx;
    FUZZ_CHECK(*name && strlen(name) < 128);
    sw_str_add(out, value, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = sw_xstrndup((const char *)data, size), *rest = text;
    const char *headers[256] = {NULL};
    struct sw_http_request request = {.method = take_line(&rest), .url = take_line(&rest), .headers = headers};
    const char *flags = take_line(&rest);
    request.body = request.url;
    request.body_len = strlen(request.url);
    struct sw_sigv4 with = {.service = "s3", .region = "eu-west-1", .key = "AKIDEXAMPLE", .secret = "secret", .time = 1440938160};
    with.raw_path = strchr(flags, 'r');
    with.body_hash = strchr(flags, 'b');
    with.token = strchr(flags, 't');
    for (size_t n = 0; *rest && n < 255; n++) headers[n] = take_line(&rest);

    struct sw_sigv4_keys keys = {0};
    struct sw_sigv4_headers one, two;
    struct sw_err err = {0};
    fuzz_check_err(sw_sigv4_sign(&with, &keys, &request, &one, &err), &err);
    FUZZ_CHECK((one.lines[0] == NULL) == (err.code != 0));
    FUZZ_CHECK(sw_sigv4_sign(&with, &keys, &request, &two, NULL) == err.code);
    for (size_t i = 0; i < SW_SIGV4_HEADERS; i++) {
        FUZZ_CHECK((one.lines[i] == NULL) == (two.lines[i] == NULL));
        if (one.lines[i]) FUZZ_CHECK(strcmp(one.lines[i], two.lines[i]) == 0);
    }
    sw_sigv4_headers_done(&one);
    sw_sigv4_headers_done(&two);
    sw_sigv4_keys_done(&keys);
    sw_err_done(&err);
    free(text);

    struct sw_str raw = {0}, out = {0};
    sw_str_add(&raw, (const char *)data, size);
    sw_http_each_header(&raw, check_headers, &out);
    FUZZ_CHECK(out.len <= size);
    sw_str_done(&raw);
    sw_str_done(&out);
    return 0;
}
