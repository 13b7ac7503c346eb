/* Private keys, parsed once for all hosts of the process. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slipway/arena.h"
#include "slipway/file.h"
#include "ssh_internal.h"

enum { MAX_FILE = 1 << 20 };

struct cached {
    char *path, *passphrase; /* passphrase NULL = none */
    ssh_key key;             /* NULL: it failed, with err */
    ssh_key cert;            /* KEY-cert.pub, or NULL */
    struct sw_err err;
    struct cached *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* also held while parsing: 14 threads would all do the same bcrypt */
static struct cached *cache;
static unsigned holders;

static bool same(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Counts the question for a passphrase, which is how libssh says that a key is encrypted. */
static int ask(const char *prompt, char *buf, size_t len, int echo, int verify, void *userdata) {
    (void)prompt, (void)buf, (void)len, (void)echo, (void)verify;
    *(bool *)userdata = true;
    return -1;
}

static int parse(struct cached *entry) {
    struct sw_str text = {0};
    struct sw_err *err = &entry->err;
    int rc = sw_file_read(entry->path, MAX_FILE, &text, err);
    if (rc != SW_OK) {
        sw_err_frame(err, "reading the SSH key %s", entry->path);
        return rc;
    }
    bool encrypted = false;
    if (ssh_pki_import_privkey_base64(sw_str_z(&text), entry->passphrase, ask, &encrypted, &entry->key) != SSH_OK) {
        entry->key = NULL;
        if (encrypted && !entry->passphrase) {
            rc = sw_err_set(err, SW_EAUTH, "the SSH key %s needs a passphrase", entry->path);
            sw_err_hint(err, "set passphrase, or add the key to the agent: ssh-add %s", entry->path);
        } else if (entry->passphrase) {
            /* libssh does not tell a wrong passphrase from a broken file; the first is what happens. */
            rc = sw_err_set(err, SW_EAUTH, "the passphrase of the SSH key %s is wrong, or the file is damaged", entry->path);
        } else {
            rc = sw_err_set(err, SW_EINVAL, "%s is not a private SSH key that can be read", entry->path);
        }
    }
    sw_wipe(text.p, text.cap);
    sw_str_done(&text);
    return rc;
}

/* libssh promises nothing about one key in two threads: each gets its own. */
static ssh_key copy(const struct cached *entry, ssh_key cert) {
    ssh_key key = ssh_key_dup(entry->key);
    if (!key) abort(); /* out of memory */
    if (cert && ssh_pki_copy_cert_to_privkey(cert, key) != SSH_OK) {
        ssh_key_free(key);
        return NULL;
    }
    return key;
}

int sw_key_load(const char *path, const char *passphrase, struct sw_key *ret, struct sw_err *err) {
    pthread_mutex_lock(&lock);
    struct cached *entry = cache;
    while (entry && !(same(entry->path, path) && same(entry->passphrase, passphrase))) entry = entry->next;
    if (!entry) {
        entry = sw_xcalloc(1, sizeof *entry);
        entry->path = sw_xstrdup(path);
        entry->passphrase = passphrase ? sw_xstrdup(passphrase) : NULL;
        char *cert_path = sw_xprintf("%s-cert.pub", path);
        if (parse(entry) == SW_OK && access(cert_path, R_OK) == 0) ssh_pki_import_cert_file(cert_path, &entry->cert);
        free(cert_path);
        entry->next = cache;
        cache = entry;
    }
    int rc = SW_OK;
    if (entry->key) {
        ret->plain = copy(entry, NULL);
        ret->certified = entry->cert ? copy(entry, entry->cert) : NULL;
    } else {
        rc = entry->err.code;
        if (err && err->code == 0) sw_err_copy(err, &entry->err);
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

void sw_key_done(struct sw_key *key) {
    ssh_key_free(key->plain);
    ssh_key_free(key->certified);
    *key = (struct sw_key){0};
}

void sw_keys_hold(void) {
    pthread_mutex_lock(&lock);
    holders++;
    pthread_mutex_unlock(&lock);
}

void sw_keys_let_go(void) {
    pthread_mutex_lock(&lock);
    if (--holders == 0) {
        for (struct cached *next; cache; cache = next) {
            next = cache->next;
            if (cache->passphrase) sw_wipe(cache->passphrase, strlen(cache->passphrase));
            ssh_key_free(cache->key);
            ssh_key_free(cache->cert);
            sw_err_done(&cache->err);
            free(cache->passphrase);
            free(cache->path);
            free(cache);
        }
    }
    pthread_mutex_unlock(&lock);
}
