/* XML by expat. The elements that are open are on a stack of at most MAX_DEPTH frames; what has ended in them is on one more, shared. */
#include "slipway/xml.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/map.h"
#include "slipway/vec.h"

enum { MAX_DEPTH = 64, MAX_ELEMENTS = 1000000, MAX_BYTES = 64 << 20 };

struct frame {
    const char *name;
    size_t first; /* of its children, in `done` */
    size_t text;  /* where its text starts */
};

struct reader {
    struct sw_arena *arena;
    XML_Parser parser;
    const char *const *lists;
    struct frame frames[MAX_DEPTH];
    size_t depth, elements;
    struct {
        struct sw_pair *v;
        size_t n, cap;
    } done;
    struct sw_map names; /* of elements: few, and each is stored once */
    struct sw_str text;
    struct sw_err *err;
    int rc;
};

static void stop(struct reader *r, int rc) {
    r->rc = rc;
    XML_StopParser(r->parser, XML_FALSE);
}

/* The name without its prefix. */
static const char *take_name(struct reader *r, const char *name) {
    const char *colon = strrchr(name, ':');
    if (colon && colon[1]) name = colon + 1;
    const char *known = sw_map_find(&r->names, name);
    if (known) return known;
    char *copy = sw_strdup(r->arena, name);
    sw_map_set(&r->names, copy, copy);
    return copy;
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attributes) {
    struct reader *r = ctx;
    (void)attributes;
    if (r->rc) return;
    if (r->depth == MAX_DEPTH) {
        stop(r, sw_err_set(r->err, SW_ELIMIT, "the XML is nested deeper than %d", MAX_DEPTH));
        return;
    }
    if (++r->elements > MAX_ELEMENTS) {
        stop(r, sw_err_set(r->err, SW_ELIMIT, "the XML has more than %d elements", MAX_ELEMENTS));
        return;
    }
    r->frames[r->depth++] = (struct frame){take_name(r, name), r->done.n, r->text.len};
}

static bool makes_list(const struct reader *r, const char *name) {
    for (size_t i = 0; r->lists && r->lists[i]; i++)
        if (strcmp(r->lists[i], name) == 0) return true;
    return false;
}

/* Children in the order of their names; those of one name stay in theirs. */
static int by_name(const void *a, const void *b) {
    const struct sw_pair *const *x = a, *const *y = b;
    int order = strcmp((*x)->key, (*y)->key);
    return order ? order : (*x < *y ? -1 : *x > *y);
}

static const struct sw_value *list_of(struct reader *r, const struct sw_pair *const *pairs, size_t n) {
    const struct sw_value **items = sw_new_n(r->arena, const struct sw_value *, n);
    for (size_t i = 0; i < n; i++) items[i] = pairs[i]->value;
    return sw_value_list(r->arena, items, n);
}

static const struct sw_value *content(struct reader *r, const struct sw_pair *children, size_t n) {
    const struct sw_pair **sorted = sw_xmalloc(n * sizeof *sorted);
    for (size_t i = 0; i < n; i++) sorted[i] = &children[i];
    bool one_name = true;
    for (size_t i = 1; i < n && one_name; i++) one_name = children[i].key == children[0].key;
    const struct sw_value *v;
    if (one_name && makes_list(r, children[0].key)) {
        v = list_of(r, sorted, n);
    } else {
        qsort(sorted, n, sizeof *sorted, by_name);
        struct sw_pair *pairs = sw_xmalloc(n * sizeof *pairs);
        size_t n_pairs = 0;
        for (size_t i = 0, end; i < n; i = end) {
            for (end = i + 1; end < n && sorted[end]->key == sorted[i]->key;) end++;
            bool list = end - i > 1 || makes_list(r, sorted[i]->key);
            pairs[n_pairs++] = (struct sw_pair){sorted[i]->key, list ? list_of(r, sorted + i, end - i) : sorted[i]->value};
        }
        v = sw_value_map(r->arena, pairs, n_pairs);
        free(pairs);
    }
    free(sorted);
    return v;
}

static void XMLCALL on_end(void *ctx, const XML_Char *name) {
    struct reader *r = ctx;
    (void)name;
    if (r->rc) return;
    struct frame *frame = &r->frames[--r->depth];
    size_t n = r->done.n - frame->first;
    struct sw_pair pair = {frame->name, NULL};
    if (n)
        pair.value = content(r, r->done.v + frame->first, n);
    else
        pair.value = sw_value_strn(r->arena, sw_str_z(&r->text) + frame->text, r->text.len - frame->text);
    r->text.len = frame->text;
    r->done.n = frame->first;
    sw_vec_push(&r->done, pair);
}

static void XMLCALL on_text(void *ctx, const XML_Char *p, int len) {
    struct reader *r = ctx;
    if (!r->rc) sw_str_add(&r->text, p, (size_t)len);
}

static void XMLCALL on_doctype(void *ctx, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal) {
    struct reader *r = ctx;
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    sw_err_set(r->err, SW_EINVAL, "the XML has a document type, which no service sends");
    stop(r, SW_EINVAL);
}

static int parse(struct reader *r, const char *text, size_t len) {
    if (len > MAX_BYTES) return sw_err_set(r->err, SW_ELIMIT, "the XML is longer than %d MiB", MAX_BYTES >> 20);
    r->parser = XML_ParserCreate("UTF-8"); /* whatever its declaration says: nothing else is sent */
    if (!r->parser) abort();               /* out of memory */
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    enum XML_Status status = XML_Parse(r->parser, text, (int)len, 1);
    if (status != XML_STATUS_OK && !r->rc)
        r->rc = sw_err_set(r->err, SW_EINVAL, "the text is not XML: %s", XML_ErrorString(XML_GetErrorCode(r->parser)));
    if (r->rc) {
        struct sw_pos pos = {NULL, (unsigned)XML_GetCurrentLineNumber(r->parser), (unsigned)XML_GetCurrentColumnNumber(r->parser) + 1};
        sw_err_at(r->err, pos);
    }
    XML_ParserFree(r->parser);
    return r->rc;
}

int sw_xml_read(struct sw_arena *arena, const char *text, size_t len, const char *const *lists, const struct sw_value **ret,
                const char **ret_name, struct sw_err *err) {
    struct reader r = {.arena = arena, .lists = lists, .err = err};
    int rc = parse(&r, text, len);
    if (rc == SW_OK && r.done.v) { /* the root is there: else it is no XML */
        *ret = r.done.v[0].value;
        if (ret_name) *ret_name = r.done.v[0].key;
    }
    if (r.text.p) sw_wipe(r.text.p, r.text.cap); /* an answer may hold credentials */
    sw_str_done(&r.text);
    sw_vec_done(&r.done);
    sw_map_done(&r.names);
    return rc;
}
