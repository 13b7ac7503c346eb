/* Signatures that others computed: AWS's published cases (all of them are for 2015-08-30T12:36:00Z, us-east-1, "service"), and more by the
 * AWS SDK for Python for what those leave out: S3, ports, paths that are encoded already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slipway/arena.h"
#include "slipway/http.h"
#include "slipway/sigv4.h"

#define EXAMPLE "https://example.amazonaws.com"
#define DOZEN   "abcdefghijkl"

static const char TOKEN[] =
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/"
    "qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+"
    "xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

enum how { PLAIN, RAW_PATH, BODY_HASH, S3 };

struct sample {
    const char *method, *url, *signature;
    enum how how;
    const char *signed_headers; /* "host;x-amz-date" when NULL */
    const char *headers[7];
    const char *body, *token;
};

static struct sw_sigv4 credentials(const char *token, enum how how) {
    return (struct sw_sigv4){.service = "service",
                             .region = "us-east-1",
                             .key = "AKIDEXAMPLE",
                             .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                             .token = token,
                             .time = 1440938160,
                             .raw_path = how == RAW_PATH || how == S3,
                             .body_hash = how == BODY_HASH || how == S3};
}

static const char *line(const struct sw_sigv4_headers *headers, const char *name) {
    for (size_t i = 0; headers->lines[i]; i++)
        if (strncmp(headers->lines[i], name, strlen(name)) == 0) return headers->lines[i] + strlen(name);
    return NULL;
}

static void check(const struct sample *sample, struct sw_sigv4_keys *keys) {
    struct sw_http_request request = {.method = sample->method,
                                      .url = sample->url,
                                      .headers = sample->headers,
                                      .body = sample->body,
                                      .body_len = sample->body ? strlen(sample->body) : 0};
    struct sw_sigv4 with = credentials(sample->token, sample->how);
    struct sw_sigv4_headers got;
    struct sw_err err = {0};
    if (sw_sigv4_sign(&with, keys, &request, &got, &err)) fail_msg("%s: %s", sample->url, err.message);
    char *wanted =
        sw_xprintf("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=%s, Signature=%s",
                   sample->signed_headers ? sample->signed_headers : "host;x-amz-date", sample->signature);
    assert_string_equal(line(&got, "Authorization: "), wanted);
    assert_string_equal(line(&got, "X-Amz-Date: "), "20150830T123600Z");
    if (sample->token) assert_string_equal(line(&got, "X-Amz-Security-Token: "), sample->token);
    assert_int_equal(line(&got, "X-Amz-Content-Sha256: ") != NULL, sample->how == BODY_HASH || sample->how == S3);
    free(wanted);
    sw_sigv4_headers_done(&got);
}

static void published(void **state) {
    (void)state;
    static const char vanilla[] = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    static const char form[] = "content-length;content-type;host;x-amz-content-sha256;x-amz-date";
    static const struct sample samples[] = {
        {"GET", EXAMPLE "/", vanilla},
        {"GET", EXAMPLE, vanilla},
        {"POST", EXAMPLE "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        /* queries */
        {"POST", EXAMPLE "/?Param1=value1", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
        {"GET", EXAMPLE "/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"GET", EXAMPLE "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
         "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
        {"GET", EXAMPLE "/?\xe1\x88\xb4=bar", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
        /* paths that other services normalise, and S3 does not */
        {"GET", EXAMPLE "/example/..", vanilla},
        {"GET", EXAMPLE "/example1/example2/../..", vanilla},
        {"GET", EXAMPLE "/./", vanilla},
        {"GET", EXAMPLE "//", vanilla},
        {"GET", EXAMPLE "/./example", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
        {"GET", EXAMPLE "//example//", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
        {"GET", EXAMPLE "/example space/", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
        {"GET", EXAMPLE "/\xe1\x88\xb4", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
        {"GET", EXAMPLE "/example1/example2/../..", "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b", RAW_PATH},
        {"GET", EXAMPLE "/./example", "beb03f223f7deae4146464f06e29eebbee9c8afbe15c290cf07aa8b119e14cff", RAW_PATH},
        {"GET", EXAMPLE "//example//", "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5", RAW_PATH},
        {"GET", EXAMPLE "/example space/", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741", RAW_PATH},
        /* headers */
        {"GET",
         EXAMPLE "/",
         "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
         PLAIN,
         "host;my-header1;x-amz-date",
         {"My-Header1:value2", "My-Header1:value2", "My-Header1:value1"}},
        {"GET",
         EXAMPLE "/",
         "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
         PLAIN,
         "host;my-header1;my-header2;x-amz-date",
         {"My-Header1: value1", "Host:example.amazonaws.com", "My-Header2: \"a   b   c\" "}},
        {"POST",
         EXAMPLE "/",
         "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
         PLAIN,
         "host;my-header1;x-amz-date",
         {"MY-HEADER1:VALUE1"}},
        {"POST",
         EXAMPLE "/",
         "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
         BODY_HASH,
         form,
         {"Content-Type:application/x-www-form-urlencoded", "Content-Length:13"},
         "Param1=value1"},
        {"POST",
         EXAMPLE "/",
         "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
         PLAIN,
         "host;x-amz-date;x-amz-security-token",
         {NULL},
         NULL,
         TOKEN},
    };
    struct sw_sigv4_keys keys = {0};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        check(&samples[i], NULL);
        check(&samples[i], &keys);
    }
    sw_sigv4_keys_done(&keys);
}

static void beyond(void **state) {
    (void)state;
    static const char s3[] = "host;x-amz-content-sha256;x-amz-date",
                      s3_token[] = "host;x-amz-content-sha256;x-amz-date;x-amz-security-token";
    static const struct sample samples[] = {
        /* What is encoded already is encoded once more, but in S3. */
        {"GET", EXAMPLE "/2013-04-01/hostedzone/Z1/a%2Fb%20c", "901519c0b3a1d01fdcd48b269d1a264422f6bc65e3b8eb2635ef70e972e8d0d1"},
        {"GET", "https://bucket.s3.amazonaws.com/a%2Fb//../c%20d%2a?versioning",
         "3fefdfefe7ff797c7e59d452dbdb9fa2eaf34d364abe9e1f7a3f81cd37999acc", S3, s3},
        {"PUT",
         "https://bucket.s3.amazonaws.com/a%20b/%E1%88%B4//c~/?versioning=&x-id=1",
         "7770d1c8ee9b22bc8edb409e9b7c9f5b7ed0f1cdf77fd5b829297c320cc34fbd",
         S3,
         s3_token,
         {NULL},
         "<x/>",
         "TOKEN/+="},
        /* Sorted as pairs: "id" comes before "id-type", though '=' comes after '-'. */
        {"GET", EXAMPLE "/?id-type=a&id=b&id=a&a%2Fb=%2A&a-b=", "b7fddf2ed7deb51252ddd69a74657b397f0e27bd5ce5980e0d92c051bee09463"},
        {"GET", EXAMPLE "/?id-type=a&&id=b&id=a&a%2fb=*&a-b#fragment", "b7fddf2ed7deb51252ddd69a74657b397f0e27bd5ce5980e0d92c051bee09463"},
        /* What proxies change is not signed. */
        {"POST",
         "http://127.0.0.1:5000/",
         "f30c67fab259c10b35efbae38246ffb16ea9dc15576546f0af9fef475e050be1",
         PLAIN,
         "content-type;host;x-amz-date;x-amz-target",
         {"Content-Type: application/x-www-form-urlencoded; charset=utf-8", "X-Amz-Target: CertificateManager.DescribeCertificate",
          "User-Agent: x", "Expect: 100-continue", "Connection: keep-alive", "X-Amzn-Trace-Id: Root=1"},
         "Action=DescribeVpcs"},
        /* Host holds the port unless the scheme implies it. */
        {"GET", "https://user:password@example.amazonaws.com:443/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"GET", "http://example.amazonaws.com:443/", "fd5a2ac302647754a4f7a0b30d8871340c1101a19642ebba6ef8c5e72d4a0253"},
        {"GET", "http://[::1]:8080/", "3e4dd050f2adfab3106f7b8a59e9bd0287fa994fb2b6d1cf9caf39313f622c3f"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) check(&samples[i], NULL);
}

static char *authorization(const struct sw_sigv4 *with, struct sw_sigv4_keys *keys) {
    struct sw_http_request request = {.url = EXAMPLE "/"};
    struct sw_sigv4_headers got;
    assert_int_equal(sw_sigv4_sign(with, keys, &request, &got, NULL), SW_OK);
    char *text = sw_xstrdup(line(&got, "Authorization: "));
    sw_sigv4_headers_done(&got);
    return text;
}

/* Whatever came before, a key is that of its day, region, service, access key and secret. */
static void keys_are_kept(void **state) {
    (void)state;
    struct sw_sigv4_keys keys = {0};
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 40; i++) { /* more than are kept */
            struct sw_sigv4 with = credentials(NULL, PLAIN);
            char text[16];
            snprintf(text, sizeof text, "r%d", i / 5);
            if (i % 5 == 0) with.region = text;
            if (i % 5 == 1) with.service = text;
            if (i % 5 == 2) with.key = text;
            if (i % 5 == 3) with.secret = text;
            if (i % 5 == 4) with.time += 86400 * (i / 5);
            char *kept = authorization(&with, &keys), *fresh = authorization(&with, NULL);
            assert_string_equal(kept, fresh);
            free(kept);
            free(fresh);
        }
    }
    sw_sigv4_keys_done(&keys);
}

static void refuse(const struct sw_sigv4 *with, const struct sw_http_request *request, int code, const char *words) {
    struct sw_sigv4_headers got;
    struct sw_err err = {0};
    assert_int_equal(sw_sigv4_sign(with, NULL, request, &got, &err), code);
    assert_null(got.lines[0]);
    if (!strstr(err.message, words)) fail_msg("'%s' is not in '%s'", words, err.message);
    assert_null(strstr(err.message, with->secret && *with->secret ? with->secret : DOZEN));
    sw_err_done(&err);
}

static void refused(void **state) {
    (void)state;
    const struct sw_http_request fine = {.url = EXAMPLE "/"};
    const struct sw_sigv4 with = credentials(NULL, PLAIN);
    struct sw_sigv4 other = with;
    struct sw_http_request request = fine;

    other.key = "AK/ID";
    refuse(&other, &fine, SW_EINVAL, "the access key");
    other.key = NULL;
    refuse(&other, &fine, SW_EINVAL, "access key of 1 to 512");
    other = with;
    other.secret = DOZEN "\n";
    refuse(&other, &fine, SW_EINVAL, "the secret key");
    other.secret = "";
    refuse(&other, &fine, SW_EINVAL, "secret key of 1 to 512");
    other = with;
    other.token = "a b";
    refuse(&other, &fine, SW_EINVAL, "session token");
    other.token = "";
    refuse(&other, &fine, SW_EINVAL, "session token");
    other = with;
    other.region = "us east";
    refuse(&other, &fine, SW_EINVAL, "the region");
    other = with;
    other.time = INT64_MAX;
    refuse(&other, &fine, SW_EINVAL, "time");
    other.time = -1;
    refuse(&other, &fine, SW_EINVAL, "time");

    request.url = "example.amazonaws.com";
    refuse(&with, &request, SW_EINVAL, "scheme");
    request.url = "https:///x";
    refuse(&with, &request, SW_EINVAL, "host");
    request.url = EXAMPLE "/?a=b+c";
    refuse(&with, &request, SW_EINVAL, "'+'");
    static const char *const own[] = {"X-AMZ-Date: 20150830T123600Z", NULL};
    request = fine;
    request.headers = own;
    refuse(&with, &request, SW_EINVAL, "x-amz-date");

    static const char *many[200];
    for (size_t i = 0; i < 199; i++) many[i] = "X: y";
    request.headers = many;
    refuse(&with, &request, SW_ELIMIT, "headers");
    struct sw_str url = {0};
    sw_str_addz(&url, EXAMPLE "/?");
    for (size_t i = 0; i < 3000; i++) sw_str_addf(&url, "a%zu=b&", i);
    request = fine;
    request.url = sw_str_z(&url);
    refuse(&with, &request, SW_ELIMIT, "parameters");
    sw_str_done(&url);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(published), cmocka_unit_test(beyond), cmocka_unit_test(keys_are_kept),
                                       cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
