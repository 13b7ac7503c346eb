/* Where a request's connection goes and what it trusts: PEM texts, other names, proxies, tunnels. libcurl shares connections only among
 * requests that agree in all of this. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_internal.h"
#include "slipway/arena.h"
#include "slipway/tunnel.h"

enum { TUNNEL_CONNECT_TIMEOUT_MS = 30000 };

/* libcurl reads it in place: its own copies would not be wiped. */
static char *set_blob(CURL *easy, CURLoption option, const char *pem) {
    if (!pem) return NULL;
    char *own = sw_xstrdup(pem);
    struct curl_blob blob = {.data = own, .len = strlen(own), .flags = CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy, option, &blob);
    return own;
}

/* libcurl 7.88 connects a socket of ours (CURLOPT_OPENSOCKETFUNCTION) even where it is told that it is connected; so it connects to a socket
 * of the tunnel's, and no name is looked up. */
static void through_tunnel(struct sw_http_call *call) {
    curl_easy_setopt(call->easy, CURLOPT_ABSTRACT_UNIX_SOCKET, sw_tunnel_name(call->tunnel));
    curl_easy_setopt(call->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(call->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)TUNNEL_CONNECT_TIMEOUT_MS); /* the SSH login is part of it */
}

/* The URL says the name that the certificate must have, and the connection goes to the host that the URL said. */
static char *under_name(struct sw_http_call *call, const struct sw_http_request *from) {
    const char *host = strstr(from->url, "://") + 3, *at = memchr(host, '@', strcspn(host, "/?#"));
    if (at) host = at + 1;
    size_t len = strcspn(host, "/?#"), name = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
    if (name > len) name = len;
    char *url = sw_xprintf("%.*s%s%s", (int)(host - from->url), from->url, from->server_name, host + name);
    curl_easy_setopt(call->easy, CURLOPT_URL, url);
    sw_wipe(url, strlen(url));
    free(url);
    return sw_xprintf("::%.*s:", (int)name, host);
}

void sw_http__set_connection(struct sw_http_call *call, const struct sw_http_request *from) {
    CURL *easy = call->easy;
    if (from->ca_file) curl_easy_setopt(easy, CURLOPT_CAINFO, from->ca_file);
    if (from->ca) { /* nothing else is trusted */
        curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    call->ca = set_blob(easy, CURLOPT_CAINFO_BLOB, from->ca);
    call->cert = set_blob(easy, CURLOPT_SSLCERT_BLOB, from->cert);
    call->pkey = set_blob(easy, CURLOPT_SSLKEY_BLOB, from->key);
    if (from->multiplex) curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L); /* a stream can be silent for long */
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 20L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
    if (from->proxy) curl_easy_setopt(easy, CURLOPT_PROXY, from->proxy);
    char *to = from->server_name ? under_name(call, from) : NULL;
    if (from->tunnel) {
        call->tunnel = sw_tunnel_ref(from->tunnel);
        through_tunnel(call);
    } else if (to) {
        call->connect_to = curl_slist_append(NULL, to);
        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, call->connect_to);
    }
    free(to);
}

static void wipe(char *text) {
    if (text) sw_wipe(text, strlen(text));
    free(text);
}

void sw_http__drop_connection(struct sw_http_call *call) {
    wipe(call->ca);
    wipe(call->cert);
    wipe(call->pkey);
    curl_slist_free_all(call->connect_to);
    sw_tunnel_unref(call->tunnel);
}
