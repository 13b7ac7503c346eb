/* Logging in: keys, agent, password. Nothing is asked first ("none", or "would you take this key?"): each saves a round trip. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "slipway/clock.h"
#include "slipway/file.h"
#include "slipway/str.h"
#include "ssh_internal.h"

enum { AGENT_MS = 3000, KBDINT_ROUNDS = 3 };

struct login {
    struct sw_ssh *ssh;
    uint64_t deadline_ms;
    struct sw_str tried;   /* "key ~/.ssh/id_ed25519, agent" */
    struct sw_err key_err; /* why the first given key could not be used */
    struct sw_err *err;
};

/* Verdict on one method: 1 = logged in, 0 = refused, try the next; or an error that ends it all. */
static int judge(struct login *login, int rc, int wait) {
    struct sw_ssh *ssh = login->ssh;
    const struct sw_remote_options *o = ssh->options;
    if (wait == SW_ECANCELLED) return sw_err_set(login->err, SW_ECANCELLED, "cancelled");
    if (wait == 0) return sw_err_set(login->err, SW_ETIMEOUT, "no answer from %s port %u to the login in time", o->address, o->port);
    if (rc == SSH_AUTH_SUCCESS) return 1;
    if (sw_ssh_alive(ssh)) return 0;
    if (strstr(sw_ssh_words(ssh), "authentication failures"))
        return sw_err_set(login->err, SW_EAUTH, "%s refused the login as '%s' after too many tries (%s)", o->address, o->user,
                          sw_str_z(&login->tried));
    return sw_err_set(login->err, SW_EUNREACHABLE, "%s port %u closed the connection during the login: %s", o->address, o->port,
                      sw_ssh_words(ssh));
}

static void note(struct login *login, const char *what, const char *which) {
    if (login->tried.len) sw_str_addz(&login->tried, ", ");
    sw_str_addz(&login->tried, what);
    sw_str_addz(&login->tried, which);
}

static int offer(struct login *login, ssh_key key) {
    int rc, wait;
    if (!key) return 0;
    SW_SSH_DRIVE(login->ssh, login->deadline_ms, rc, SSH_AUTH_AGAIN, wait, ssh_userauth_publickey(login->ssh->session, NULL, key));
    return judge(login, rc, wait);
}

static int try_key(struct login *login, const char *given) {
    char *path = sw_expand_home(given);
    struct sw_key key = {0};
    int rc = sw_key_load(path, login->ssh->options->passphrase, &key, &login->key_err);
    free(path);
    if (rc != SW_OK) return 0;
    note(login, "key ", given);
    rc = offer(login, key.certified);
    if (rc == 0) rc = offer(login, key.plain);
    sw_key_done(&key);
    return rc;
}

/* Asks the agent for its keys ourselves: libssh waits for an agent for ever. Returns whether it answers and has any. */
static bool agent_answers(struct login *login) {
    static const char question[5] = {0, 0, 0, 1, 11}; /* SSH_AGENTC_REQUEST_IDENTITIES */
    const char *path = getenv("SSH_AUTH_SOCK");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!path || !*path || strlen(path) >= sizeof to.sun_path) return false;
    memcpy(to.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return false;
    unsigned char answer[9];
    size_t got = 0;
    uint64_t until = sw_now_ms() + AGENT_MS;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 && send(fd, question, sizeof question, MSG_NOSIGNAL) == sizeof question) {
        while (got < sizeof answer && sw_waiter_poll(login->ssh->waiter, fd, POLLIN, until) == 1) {
            ssize_t n = read(fd, answer + got, sizeof answer - got);
            if (n <= 0 && errno != EAGAIN) break;
            if (n > 0) got += (size_t)n;
        }
    }
    close(fd);
    return got == sizeof answer && answer[4] == 12 /* SSH_AGENT_IDENTITIES_ANSWER */ && (answer[5] | answer[6] | answer[7] | answer[8]);
}

static int try_agent(struct login *login) {
    int rc, wait;
    if (!agent_answers(login)) return 0;
    note(login, "agent", "");
    SW_SSH_DRIVE(login->ssh, login->deadline_ms, rc, SSH_AUTH_AGAIN, wait, ssh_userauth_agent(login->ssh->session, NULL));
    return judge(login, rc, wait);
}

/* Servers with PAM ask for the password as a question. Only hidden ones are answered: a visible one is not for a password. */
static int answer_questions(struct login *login, const char *password) {
    ssh_session session = login->ssh->session;
    int rc = SSH_AUTH_DENIED, wait = 1;
    for (int round = 0; round < KBDINT_ROUNDS; round++) {
        SW_SSH_DRIVE(login->ssh, login->deadline_ms, rc, SSH_AUTH_AGAIN, wait, ssh_userauth_kbdint(session, NULL, NULL));
        if (wait != 1 || rc != SSH_AUTH_INFO) break;
        int prompts = ssh_userauth_kbdint_getnprompts(session);
        for (int i = 0; i < prompts; i++) {
            char echo = 0;
            ssh_userauth_kbdint_getprompt(session, (unsigned)i, &echo);
            ssh_userauth_kbdint_setanswer(session, (unsigned)i, echo ? "" : password);
        }
    }
    return judge(login, rc, wait);
}

static int try_password(struct login *login, const char *password) {
    ssh_session session = login->ssh->session;
    int rc, wait;
    /* Known once something was refused; 0 when the password comes first. */
    int methods = ssh_userauth_list(session, NULL);
    note(login, "password", "");
    if (!methods || methods & SSH_AUTH_METHOD_PASSWORD) {
        SW_SSH_DRIVE(login->ssh, login->deadline_ms, rc, SSH_AUTH_AGAIN, wait, ssh_userauth_password(session, NULL, password));
        rc = judge(login, rc, wait);
        if (rc != 0) return rc;
        methods = ssh_userauth_list(session, NULL);
    }
    return methods & SSH_AUTH_METHOD_INTERACTIVE ? answer_questions(login, password) : 0;
}

static int try_keys(struct login *login, const char *const *keys) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && keys[i]; i++) rc = try_key(login, keys[i]);
    return rc;
}

static int try_all(struct login *login) {
    static const char *const usual[] = {"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa", NULL};
    const struct sw_remote_options *o = login->ssh->options;
    int rc = 0;
    if (o->keys) rc = try_keys(login, (const char *const *)o->keys);
    if (rc == 0 && o->agent) rc = try_agent(login);
    if (rc == 0 && !o->keys) {
        for (size_t i = 0; rc == 0 && usual[i]; i++) {
            char *path = sw_expand_home(usual[i]);
            if (access(path, R_OK) == 0) rc = try_key(login, usual[i]);
            free(path);
        }
    }
    if (rc == 0 && o->password) rc = try_password(login, o->password);
    return rc;
}

static int refused(struct login *login) {
    const struct sw_remote_options *o = login->ssh->options;
    if (login->key_err.code && (o->keys || !login->tried.len)) {
        /* The reason lies on this side. */
        int code = login->key_err.code == SW_EIO || login->key_err.code == SW_ENOTFOUND ? SW_EAUTH : login->key_err.code;
        sw_err_set(login->err, code, "%s", login->key_err.message);
        if (login->key_err.hint) sw_err_hint(login->err, "%s", login->key_err.hint);
        return code;
    }
    int methods = ssh_userauth_list(login->ssh->session, NULL);
    struct sw_str accepts = {0};
    if (methods & SSH_AUTH_METHOD_PUBLICKEY) sw_str_addz(&accepts, " publickey");
    if (methods & SSH_AUTH_METHOD_PASSWORD) sw_str_addz(&accepts, " password");
    if (methods & SSH_AUTH_METHOD_INTERACTIVE) sw_str_addz(&accepts, " keyboard-interactive");
    if (methods & SSH_AUTH_METHOD_GSSAPI_MIC) sw_str_addz(&accepts, " gssapi");
    if (!login->tried.len) {
        sw_err_set(login->err, SW_EAUTH, "nothing to log in to %s as '%s' with: no key, no agent, no password", o->address, o->user);
        sw_err_hint(login->err, "set key or password in the connection, or start an agent");
    } else {
        sw_err_set(login->err, SW_EAUTH, "%s refused the login as '%s' (tried: %s; it accepts:%s)", o->address, o->user,
                   sw_str_z(&login->tried), accepts.len ? sw_str_z(&accepts) : " nothing it names");
        sw_err_hint(login->err, "is the public key in ~%s/.ssh/authorized_keys there?", o->user);
    }
    sw_str_done(&accepts);
    char *banner = ssh_get_issue_banner(login->ssh->session);
    if (banner) sw_err_detail(login->err, banner, strlen(banner));
    ssh_string_free_char(banner);
    return SW_EAUTH;
}

int sw_ssh_login(struct sw_ssh *ssh, uint64_t deadline_ms, struct sw_err *err) {
    struct login login = {.ssh = ssh, .deadline_ms = deadline_ms, .err = err};
    int rc = try_all(&login);
    if (rc == 0) rc = refused(&login);
    sw_str_done(&login.tried);
    sw_err_done(&login.key_err);
    return rc == 1 ? SW_OK : rc;
}
