/* YAML in: libyaml's events become values, with their lines, within limits.
 *
 * Nothing here is worse than linear in the input: an alias shares the subtree it names and is paid for by the number of
 * nodes that subtree stands for, so a "billion laughs" file ends at the first alias that goes over the limit. */
#include <stdlib.h>
#include <string.h>

#include "yaml_reader.h"

#define DEFAULT_BYTES  ((size_t)8 * 1024 * 1024)
#define DEFAULT_NODES  ((size_t)1000 * 1000)
#define DEFAULT_DEPTH  64
#define MAX_DIRECTIVES 16

int sw_yaml__fail(struct reader *r, int code, unsigned line, unsigned column, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    sw_err_setv(r->err, code, fmt, ap);
    va_end(ap);
    sw_err_at(r->err, (struct sw_pos){r->name, line, column});
    return code;
}

static void find_position(const char *text, size_t offset, unsigned *ret_line, unsigned *ret_column) {
    unsigned line = 1, column = 1;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    *ret_line = line;
    *ret_column = column;
}

/* libyaml compares each %TAG directive with all before it: 8 MiB of them would take minutes (4 s at 40,000). */
static int check_directives(struct reader *r) {
    unsigned directives = 0, line, column;
    const char *end = r->text + r->len;
    for (const char *p = r->text; (p = memmem(p, (size_t)(end - p), "%TAG", 4)); p += 4) {
        /* At the start of a line: after a line break of any kind, or a byte order mark. */
        bool first = p == r->text || (unsigned char)p[-1] < 0x20 || (unsigned char)p[-1] >= 0x80;
        if (!first || ++directives <= MAX_DIRECTIVES) continue;
        find_position(r->text, (size_t)(p - r->text), &line, &column);
        return sw_yaml__fail(r, SW_ELIMIT, line, column, "more than %d %%TAG lines", MAX_DIRECTIVES);
    }
    return 0;
}

static int check_bytes(struct reader *r) {
    unsigned line, column;
    const char *nul = memchr(r->text, '\0', r->len);
    size_t valid = sw_utf8_valid(r->text, r->len);
    if (nul && (size_t)(nul - r->text) < valid) {
        find_position(r->text, (size_t)(nul - r->text), &line, &column);
        sw_yaml__fail(r, SW_EINVAL, line, column, "not valid YAML: a NUL byte");
        sw_err_hint(r->err, "is '%s' a text file in UTF-8?", r->name);
        return SW_EINVAL;
    }
    if (valid < r->len) {
        find_position(r->text, valid, &line, &column);
        sw_yaml__fail(r, SW_EINVAL, line, column, "not valid YAML: byte 0x%02x is not UTF-8", (unsigned char)r->text[valid]);
        sw_err_hint(r->err, "save '%s' as UTF-8", r->name);
        return SW_EINVAL;
    }
    return check_directives(r);
}

static void hint_for_syntax(struct reader *r, const yaml_parser_t *p) {
    char at = p->problem_mark.index < r->len ? r->text[p->problem_mark.index] : '\0';
    if (at == '\t')
        sw_err_hint(r->err, "indent with spaces: YAML forbids tabs");
    else if (strstr(p->problem, "cannot start any token"))
        sw_err_hint(r->err, "put a text that starts with '%c' in quotes", at);
    else if (strstr(p->problem, "mapping values are not allowed"))
        sw_err_hint(r->err, "put a text that holds ': ' in quotes, or check the indentation");
    else if (strstr(p->problem, "expected key") || strstr(p->problem, "expected '-'") || strstr(p->problem, "block end"))
        sw_err_hint(r->err, "check the indentation of this line and the one before");
    else if (strstr(p->problem, "or ']'") || strstr(p->problem, "or '}'"))
        sw_err_hint(r->err, "a '%c' is missing, or a ','", strstr(p->problem, "or ']'") ? ']' : '}');
    else if (strstr(p->problem, "unexpected end of stream"))
        sw_err_hint(r->err, "the closing quote is missing");
    else if (strstr(p->problem, "undefined tag handle"))
        sw_err_hint(r->err, "a tag is written !name");
}

static int fail_syntax(struct reader *r) {
    const yaml_parser_t *p = &r->parser;
    unsigned line = (unsigned)p->problem_mark.line + 1, column = (unsigned)p->problem_mark.column + 1;
    const char *problem = p->problem ? p->problem : "cannot be read";
    if (p->error == YAML_READER_ERROR) find_position(r->text, p->problem_offset < r->len ? p->problem_offset : r->len, &line, &column);
    /* "while scanning for the next token" tells nobody anything. */
    if (p->context && p->error != YAML_READER_ERROR && !strstr(p->context, "next token"))
        sw_yaml__fail(r, SW_EINVAL, line, column, "not valid YAML: %s %s (which starts at line %u)", problem, p->context,
                      (unsigned)p->context_mark.line + 1);
    else
        sw_yaml__fail(r, SW_EINVAL, line, column, "not valid YAML: %s", problem);
    if (p->problem && p->error != YAML_READER_ERROR) hint_for_syntax(r, p);
    return SW_EINVAL;
}

int sw_yaml__next(struct reader *r) {
    if (r->has_event) yaml_event_delete(&r->event);
    r->has_event = false;
    if (!yaml_parser_parse(&r->parser, &r->event)) return fail_syntax(r);
    r->has_event = true;
    return 0;
}

int sw_yaml__count(struct reader *r, size_t nodes) {
    if (nodes <= r->limits.max_nodes - r->nodes) {
        r->nodes += nodes;
        return 0;
    }
    sw_yaml__fail_here(r, SW_ELIMIT, "more than %zu values", r->limits.max_nodes);
    if (r->event.type == YAML_ALIAS_EVENT) sw_err_hint(r->err, "an alias counts as all the values it stands for");
    return SW_ELIMIT;
}

int sw_yaml__check_depth(struct reader *r, unsigned levels) {
    if (levels > r->limits.max_depth - r->depth)
        return sw_yaml__fail_here(r, SW_ELIMIT, "nested deeper than %u levels", r->limits.max_depth);
    return 0;
}

static void open_reader(struct reader *r) {
    if (r->limits.max_bytes == 0) r->limits.max_bytes = DEFAULT_BYTES;
    if (r->limits.max_nodes == 0) r->limits.max_nodes = DEFAULT_NODES;
    if (r->limits.max_depth == 0) r->limits.max_depth = DEFAULT_DEPTH;
    if (!yaml_parser_initialize(&r->parser)) abort();
    /* Without this a UTF-16 byte order mark would switch the encoding behind check_bytes(). */
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)r->text, r->len);
}

static void close_reader(struct reader *r) {
    if (r->has_event) yaml_event_delete(&r->event);
    yaml_parser_delete(&r->parser);
    sw_map_done(&r->anchors);
}

/* The document whose start is current. */
static int read_document(struct reader *r, const struct sw_value **ret) {
    sw_map_done(&r->anchors);
    struct node root;
    int rc = sw_yaml__next(r);
    if (rc == 0) rc = sw_yaml__read_node(r, &root);
    if (rc == 0) rc = sw_yaml__next(r); /* the document's end */
    if (rc == 0) *ret = root.value;
    return rc;
}

/* Reads the stream: the only document, or all that are not empty. */
static int read_stream(struct reader *r, bool all, struct items *documents) {
    if (r->len > r->limits.max_bytes) {
        sw_err_set(r->err, SW_ELIMIT, "'%s' is larger than %zu bytes", r->name, r->limits.max_bytes);
        sw_err_at(r->err, (struct sw_pos){.file = r->name});
        return SW_ELIMIT;
    }
    int rc = check_bytes(r);
    if (rc == 0) rc = sw_yaml__next(r); /* the stream's start */
    for (size_t seen = 0; rc == 0; seen++) {
        rc = sw_yaml__next(r);
        if (rc < 0 || r->event.type == YAML_STREAM_END_EVENT) break;
        if (!all && seen > 0) {
            rc = sw_yaml__fail_here(r, SW_EINVAL, "a second document");
            sw_err_hint(r->err, "this file holds one: remove the line '---' and what follows, or move it to another file");
            break;
        }
        const struct sw_value *v;
        rc = read_document(r, &v);
        if (rc == 0 && !(all && sw_is_nil(v))) sw_vec_push(documents, v);
    }
    return rc;
}

int sw_yaml_read(struct sw_arena *arena, const char *name, const char *text, size_t len, const struct sw_yaml_limits *limits,
                 sw_yaml_tag_fn *tag_fn, void *tag_ctx, const struct sw_value **ret, struct sw_err *err) {
    struct reader r = {.arena = arena,
                       .name = name,
                       .text = text,
                       .len = len,
                       .octal = SW_YAML__OCTAL_TEXT,
                       .tag_fn = tag_fn,
                       .tag_ctx = tag_ctx,
                       .err = err};
    if (limits) r.limits = *limits;
    struct items documents = {0};
    open_reader(&r);
    int rc = read_stream(&r, false, &documents);
    if (rc == 0) *ret = documents.n ? documents.v[0] : &SW_NULL_VALUE;
    close_reader(&r);
    sw_vec_done(&documents);
    return rc;
}

int sw_yaml_read_all(struct sw_arena *arena, const char *name, const char *text, size_t len, const struct sw_yaml_limits *limits,
                     const struct sw_value **ret, struct sw_err *err) {
    /* These are Kubernetes manifests: kubectl reads defaultMode: 0644 as octal. */
    struct reader r = {.arena = arena, .name = name, .text = text, .len = len, .octal = SW_YAML__OCTAL_INT, .err = err};
    if (limits) r.limits = *limits;
    struct items documents = {0};
    open_reader(&r);
    int rc = read_stream(&r, true, &documents);
    if (rc == 0) *ret = sw_value_list(arena, documents.v, documents.n);
    close_reader(&r);
    sw_vec_done(&documents);
    return rc;
}
