#include "plan_json.h"

static bool is_unknown(const struct sw_value *v) {
    return v->kind == SW_UNKNOWN || v->kind == SW_REF || v->kind == SW_CONCAT;
}

static bool is_marked(const struct sw_value *v, enum plan_json_mark mark) {
    return mark == MARK_SECRET ? v->secret : is_unknown(v);
}

const struct sw_schema *plan_json__schema(const struct plan_json *pj, const struct sw_resource *resource) {
    return resource->host || !pj->find_schema ? NULL : pj->find_schema(pj->ctx, resource->type);
}

/* What the schema knows of a member: the shape of its elements, and whether Terraform has a block there, which is a list to it. */
static const struct sw_schema *shape_of(const struct sw_schema *schema, const char *key, const struct sw_value *v, bool *ret_block) {
    const struct sw_attr *attr = schema ? sw_schema_find(schema, key) : NULL;
    const struct sw_schema *object = attr ? attr->object : NULL;
    *ret_block = object && attr->type == SW_T_MAP && v->kind == SW_MAP && !v->secret;
    return object;
}

void plan_json__known(struct sw_str *out, const struct sw_value *v, const struct sw_schema *schema) {
    if (!v || v->secret || is_unknown(v)) {
        sw_str_addz(out, "null");
    } else if (v->kind == SW_MAP) {
        sw_str_addc(out, '{');
        for (size_t i = 0; i < v->map.n; i++) {
            const struct sw_value *member = v->map.v[i].value;
            bool block;
            if (!member->secret && is_unknown(member)) continue;
            const struct sw_schema *shape = shape_of(schema, v->map.v[i].key, member, &block);
            sw_report__json_key(out, v->map.v[i].key);
            if (block) sw_str_addc(out, '[');
            plan_json__known(out, member, shape);
            if (block) sw_str_addc(out, ']');
        }
        sw_str_addc(out, '}');
    } else if (v->kind == SW_LIST) {
        sw_str_addc(out, '[');
        for (size_t i = 0; i < v->list.n; i++) {
            if (i) sw_str_addc(out, ',');
            plan_json__known(out, v->list.v[i], schema);
        }
        sw_str_addc(out, ']');
    } else {
        sw_json_write(out, v, 0);
    }
}

bool plan_json__has_mark(const struct sw_value *v, enum plan_json_mark mark) {
    if (!v) return false;
    if (is_marked(v, mark)) return true;
    if (v->kind == SW_MAP)
        for (size_t i = 0; i < v->map.n; i++)
            if (plan_json__has_mark(v->map.v[i].value, mark)) return true;
    if (v->kind == SW_LIST)
        for (size_t i = 0; i < v->list.n; i++)
            if (plan_json__has_mark(v->list.v[i], mark)) return true;
    return false;
}

static void add_members(struct sw_str *out, const struct sw_value *v, enum plan_json_mark mark, const struct sw_schema *schema) {
    for (size_t i = 0; i < v->map.n; i++) {
        const struct sw_value *member = v->map.v[i].value;
        bool block;
        if (!plan_json__has_mark(member, mark)) continue;
        const struct sw_schema *shape = shape_of(schema, v->map.v[i].key, member, &block);
        sw_report__json_key(out, v->map.v[i].key);
        if (block) sw_str_addc(out, '[');
        plan_json__marks(out, member, mark, shape);
        if (block) sw_str_addc(out, ']');
    }
}

void plan_json__marks(struct sw_str *out, const struct sw_value *v, enum plan_json_mark mark, const struct sw_schema *schema) {
    if (v && is_marked(v, mark)) {
        sw_str_addz(out, "true");
    } else if (v && v->kind == SW_MAP) {
        sw_str_addc(out, '{');
        add_members(out, v, mark, schema);
        sw_str_addc(out, '}');
    } else if (v && v->kind == SW_LIST && plan_json__has_mark(v, mark)) {
        sw_str_addc(out, '[');
        for (size_t i = 0; i < v->list.n; i++) {
            if (i) sw_str_addc(out, ',');
            plan_json__marks(out, v->list.v[i], mark, schema);
        }
        sw_str_addc(out, ']');
    } else {
        sw_str_addz(out, "false");
    }
}

void plan_json__after_unknown(struct sw_str *out, const struct sw_plan_item *item, const struct sw_schema *schema) {
    const struct sw_value *v = item->after;
    bool made = item->action == SW_CREATE || item->action == SW_REPLACE;
    if (!sw_is(v, SW_MAP) || v->secret) {
        plan_json__marks(out, v, MARK_UNKNOWN, schema);
        return;
    }
    sw_str_addc(out, '{');
    add_members(out, v, MARK_UNKNOWN, schema);
    for (size_t i = 0; made && schema && i < schema->n_attrs; i++) {
        if (!schema->attrs[i].computed || sw_get(v, schema->attrs[i].name)) continue;
        sw_report__json_key(out, schema->attrs[i].name);
        sw_str_addz(out, "true");
    }
    sw_str_addc(out, '}');
}
