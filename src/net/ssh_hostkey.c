/* Is this the host we mean? Pinned key or fingerprint first, else known_hosts. There is no "yes to anything". */
#include <stdlib.h>
#include <string.h>

#include "known_hosts.h"
#include "slipway/arena.h"
#include "slipway/file.h"
#include "ssh_internal.h"

/* Signature algorithms for a key type, as the handshake names them. */
static const char *algorithms_of(const char *type) {
    return strcmp(type, "ssh-rsa") == 0 ? "rsa-sha2-512,rsa-sha2-256" : type;
}

static const char *const ALL_TYPES[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"};

static int read_known(const struct sw_remote_options *o, struct sw_known_hosts *ret, struct sw_err *err) {
    struct sw_str name = {0};
    sw_known_hosts_name(o->address, o->port, &name);
    int rc;
    if (o->known_hosts) {
        char *path = sw_expand_home(o->known_hosts);
        rc = sw_known_hosts_read(ret, path, sw_str_z(&name), err);
        free(path);
    } else {
        char *path = sw_expand_home("~/.ssh/known_hosts");
        rc = sw_known_hosts_read(ret, path, sw_str_z(&name), err);
        free(path);
        if (rc == SW_OK) rc = sw_known_hosts_read(ret, "/etc/ssh/ssh_known_hosts", sw_str_z(&name), err);
    }
    sw_str_done(&name);
    return rc;
}

static void add_algorithms(struct sw_str *list, const char *type) {
    const char *names = algorithms_of(type);
    if (list->len && strstr(sw_str_z(list), names)) return;
    if (list->len) sw_str_addc(list, ',');
    sw_str_addz(list, names);
}

static bool supported(const char *type, size_t len) {
    for (size_t i = 0; i < sizeof ALL_TYPES / sizeof *ALL_TYPES; i++) {
        if (strlen(ALL_TYPES[i]) == len && memcmp(ALL_TYPES[i], type, len) == 0) return true;
    }
    return false;
}

char *sw_hostkey_algorithms(const struct sw_remote_options *o) {
    struct sw_str list = {0};
    if (o->host_key && !sw_starts_with(o->host_key, "SHA256:")) {
        size_t len = strcspn(o->host_key, " \t");
        if (supported(o->host_key, len)) {
            char *type = sw_xstrndup(o->host_key, len);
            add_algorithms(&list, type);
            free(type);
            return sw_str_take(&list); /* no other: the server must show the pinned key */
        }
    } else if (!o->host_key) {
        /* The types we know come first, so that a host with several keys shows the one we can check. */
        struct sw_known_hosts known = {0};
        read_known(o, &known, NULL);
        for (size_t i = 0; i < known.n; i++) {
            if (!known.v[i].revoked && supported(known.v[i].type, strlen(known.v[i].type))) add_algorithms(&list, known.v[i].type);
        }
        sw_known_hosts_done(&known);
    }
    for (size_t i = 0; i < sizeof ALL_TYPES / sizeof *ALL_TYPES; i++) add_algorithms(&list, ALL_TYPES[i]);
    return sw_str_take(&list);
}

struct shown { /* the key the server showed, and has proved to hold */
    const char *type;
    char *base64;      /* libssh's */
    char *fingerprint; /* "SHA256:…", libssh's */
};

static char *fingerprint_of(ssh_key key) {
    unsigned char *hash = NULL;
    size_t len = 0;
    char *text = NULL;
    if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &len) == 0)
        text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
    ssh_clean_pubkey_hash(&hash);
    return text;
}

/* The fingerprint of a key given as text, malloc'ed. */
static char *fingerprint_of_text(const char *type, const char *base64) {
    ssh_key key = NULL;
    char *result = NULL;
    if (ssh_pki_import_pubkey_base64(base64, ssh_key_type_from_name(type), &key) == SSH_OK) {
        char *text = fingerprint_of(key);
        if (text) result = sw_xstrdup(text);
        ssh_string_free_char(text);
    }
    ssh_key_free(key);
    return result ? result : sw_xstrdup("(unreadable)");
}

static int check_pinned(const struct sw_remote_options *o, const struct shown *shown, struct sw_err *err) {
    if (sw_starts_with(o->host_key, "SHA256:")) {
        size_t len = strcspn(o->host_key, " =\t\r\n"); /* some tools write the base64 padding */
        if (strlen(shown->fingerprint) == len && memcmp(shown->fingerprint, o->host_key, len) == 0) return SW_OK;
        sw_err_set(err, SW_EHOSTKEY, "%s port %u showed host key %s, pinned is %.*s", o->address, o->port, shown->fingerprint, (int)len,
                   o->host_key);
    } else {
        size_t type_len = strcspn(o->host_key, " \t");
        const char *key = o->host_key + type_len + strspn(o->host_key + type_len, " \t");
        size_t key_len = strcspn(key, " \t\r\n");
        if (strlen(shown->type) == type_len && memcmp(shown->type, o->host_key, type_len) == 0 && strlen(shown->base64) == key_len &&
            memcmp(shown->base64, key, key_len) == 0)
            return SW_OK;
        char *type = sw_xstrndup(o->host_key, type_len), *base64 = sw_xstrndup(key, key_len);
        char *pinned = fingerprint_of_text(type, base64);
        sw_err_set(err, SW_EHOSTKEY, "%s port %u showed host key %s (%s), pinned is %s (%s)", o->address, o->port, shown->fingerprint,
                   shown->type, pinned, type);
        free(type);
        free(base64);
        free(pinned);
    }
    sw_err_hint(err, "either this is another machine in between, or the host was rebuilt: then pin its new key");
    return SW_EHOSTKEY;
}

static int check_known(const struct sw_remote_options *o, const struct shown *shown, struct sw_err *err) {
    struct sw_known_hosts known = {0};
    int rc = read_known(o, &known, err);
    if (rc != SW_OK) {
        sw_known_hosts_done(&known);
        return rc;
    }
    const struct sw_known_key *same_type = NULL, *other_type = NULL;
    bool found = false, revoked = false;
    for (size_t i = 0; i < known.n; i++) {
        const struct sw_known_key *k = &known.v[i];
        bool type = strcmp(k->type, shown->type) == 0;
        bool same = type && strcmp(k->base64, shown->base64) == 0;
        if (k->revoked)
            revoked |= same;
        else if (same)
            found = true;
        else if (type)
            same_type = k;
        else
            other_type = k;
    }
    const char *file = o->known_hosts ? o->known_hosts : "~/.ssh/known_hosts";
    const struct sw_known_key *changed = same_type ? same_type : other_type;
    rc = found && !revoked ? SW_OK : SW_EHOSTKEY;
    if (revoked) {
        sw_err_set(err, SW_EHOSTKEY, "%s port %u showed host key %s, which is marked @revoked", o->address, o->port, shown->fingerprint);
    } else if (!found && changed) {
        char *old = fingerprint_of_text(changed->type, changed->base64);
        sw_err_set(err, SW_EHOSTKEY, "the host key of %s port %u has changed: it showed %s (%s), known is %s (%s, %s:%u)", o->address,
                   o->port, shown->fingerprint, shown->type, old, changed->type, changed->file, changed->line);
        sw_err_hint(err, "either this is another machine in between, or the host was rebuilt: then replace line %u of %s", changed->line,
                    changed->file);
        free(old);
    } else if (!found) {
        struct sw_str name = {0};
        sw_known_hosts_name(o->address, o->port, &name);
        sw_err_set(err, SW_EHOSTKEY, "the host key of %s port %u is not known: %s (%s)", o->address, o->port, shown->fingerprint,
                   shown->type);
        sw_err_hint(err, "if that fingerprint is right, add this line to %s: %s %s %s", file, sw_str_z(&name), shown->type, shown->base64);
        sw_str_done(&name);
    }
    sw_known_hosts_done(&known);
    return rc;
}

int sw_hostkey_check(struct sw_ssh *ssh, struct sw_err *err) {
    const struct sw_remote_options *o = ssh->options;
    struct shown shown = {0};
    ssh_key key = NULL;
    int rc;
    if (ssh_get_server_publickey(ssh->session, &key) != SSH_OK || ssh_pki_export_pubkey_base64(key, &shown.base64) != SSH_OK ||
        !(shown.fingerprint = fingerprint_of(key))) {
        rc = sw_err_set(err, SW_EHOSTKEY, "cannot read the host key of %s port %u: %s", o->address, o->port, sw_ssh_words(ssh));
    } else {
        shown.type = ssh_key_type_to_char(ssh_key_type(key));
        rc = o->host_key ? check_pinned(o, &shown, err) : check_known(o, &shown, err);
    }
    ssh_string_free_char(shown.base64);
    ssh_string_free_char(shown.fingerprint);
    ssh_key_free(key);
    return rc;
}
