/* What an inventory may hold. Every row's `doc` is shown by `slipway docs inventory` and in error hints. */
#include "inventory_internal.h"
#include "slipway/vec.h"

#define TEXT(z) (&(const struct sw_value){.kind = SW_STR, .s = {(z), sizeof(z) - 1}})
#define ONE_OF(...)            \
    (&(const struct sw_value){ \
        .kind = SW_LIST,       \
        .list = {(const struct sw_value *[]){__VA_ARGS__}, sizeof((const struct sw_value *[]){__VA_ARGS__}) / sizeof(struct sw_value *)}})
#define SCHEMA(id, title, sentence, is_open)      \
    static const struct sw_schema id##_SCHEMA = { \
        .name = (title), .doc = (sentence), .attrs = (id), .n_attrs = sw_countof(id), .open = (is_open)}

static const struct sw_attr BASTION[] = {
    {"agent", SW_T_BOOL, .doc = "Try the SSH agent's keys."},
    {"host", SW_T_STRING, .required = true, .doc = "The bastion's host name or address."},
    {"host_key", SW_T_STRING, .doc = "The bastion's host key, as 'ssh-ed25519 AAAA...' or 'SHA256:...'."},
    {"key", SW_T_STRING, .doc = "The private key file for the bastion; that of 'ssh' unless given."},
    {"keys", SW_T_LIST, SW_T_STRING, .doc = "Private key files for the bastion."},
    {"known_hosts", SW_T_STRING, .doc = "The known_hosts file for the bastion."},
    {"passphrase", SW_T_STRING, .sensitive = true, .doc = "The passphrase of the bastion's private key."},
    {"password", SW_T_STRING, .sensitive = true, .doc = "The SSH password for the bastion."},
    {"port", SW_T_INT, .doc = "The bastion's SSH port, 22 unless given."},
    {"user", SW_T_STRING, .doc = "The user on the bastion; that of 'ssh' unless given."},
};
SCHEMA(BASTION, "bastion", "The machine through which the nodes are reached.", false);

#define SUDO       ONE_OF(TEXT("sudo"), TEXT("none"))
#define TRANSPORTS ONE_OF(TEXT("ssh"), TEXT("local"))

static const struct sw_attr SSH[] = {
    {"agent", SW_T_BOOL, .doc = "Try the SSH agent's keys, which is the default."},
    {"bastion", SW_T_MAP, .object = &BASTION_SCHEMA, .doc = "The machine through which the nodes are reached."},
    {"become", SW_T_STRING, .one_of = SUDO, .doc = "How to become root: 'sudo', or 'none' when the user is root."},
    {"become_password", SW_T_STRING, .sensitive = true, .doc = "The password sudo asks for."},
    {"connect_deadline", SW_T_INT, .doc = "Seconds within which a machine must answer, over all attempts."},
    {"connect_timeout", SW_T_INT, .doc = "Seconds one attempt to connect may take."},
    {"key", SW_T_STRING, .doc = "The private key file, relative to the inventory."},
    {"keys", SW_T_LIST, SW_T_STRING, .doc = "Private key files, relative to the inventory, tried in order."},
    {"known_hosts", SW_T_STRING, .doc = "The known_hosts file, ~/.ssh/known_hosts unless given."},
    {"passphrase", SW_T_STRING, .sensitive = true, .doc = "The passphrase of the private key."},
    {"password", SW_T_STRING, .sensitive = true, .doc = "The SSH password."},
    {"port", SW_T_INT, .doc = "The SSH port, 22 unless given."},
    {"transport", SW_T_STRING, .one_of = TRANSPORTS, .doc = "'ssh', or 'local' for this machine itself."},
    {"user", SW_T_STRING, .doc = "The user to log in as."},
};
SCHEMA(SSH, "ssh", "How the machines are reached; a host may say otherwise for itself.", false);

#define ROLES ONE_OF(TEXT("control-plane"), TEXT("worker"))

static const struct sw_attr HOST[] = {
    {"address", SW_T_STRING, .doc = "The host name or address to connect to."},
    {"agent", SW_T_BOOL, .doc = "Try the SSH agent's keys."},
    {"bastion", SW_T_MAP, .object = &BASTION_SCHEMA, .doc = "The machine through which this one is reached."},
    {"become", SW_T_STRING, .one_of = SUDO, .doc = "How to become root: 'sudo', or 'none' when the user is root."},
    {"become_password", SW_T_STRING, .sensitive = true, .doc = "The password sudo asks for."},
    {"connect_deadline", SW_T_INT, .doc = "Seconds within which this machine must answer, over all attempts."},
    {"connect_timeout", SW_T_INT, .doc = "Seconds one attempt to connect may take."},
    {"host_key", SW_T_STRING, .doc = "The host key, as 'ssh-ed25519 AAAA...' or 'SHA256:...'."},
    {"key", SW_T_STRING, .doc = "The private key file, relative to the inventory."},
    {"keys", SW_T_LIST, SW_T_STRING, .doc = "Private key files, relative to the inventory, tried in order."},
    {"known_hosts", SW_T_STRING, .doc = "The known_hosts file for this machine."},
    {"labels", SW_T_MAP, SW_T_STRING, .doc = "Labels of the Kubernetes node."},
    {"name", SW_T_STRING, .required = true, .doc = "The machine's name, which becomes its node name."},
    {"passphrase", SW_T_STRING, .sensitive = true, .doc = "The passphrase of the private key."},
    {"password", SW_T_STRING, .sensitive = true, .doc = "The SSH password."},
    {"pool", SW_T_STRING, .doc = "The pool the machine belongs to."},
    {"port", SW_T_INT, .doc = "The SSH port, 22 unless given."},
    {"role", SW_T_STRING, .one_of = ROLES, .doc = "What the machine is: 'control-plane' or 'worker'."},
    {"taints", SW_T_LIST, .doc = "Taints of the Kubernetes node, as 'key=value:NoSchedule'."},
    {"transport", SW_T_STRING, .one_of = TRANSPORTS, .doc = "'ssh', or 'local' for this machine itself."},
    {"type", SW_T_STRING, .doc = "The machine's type or size."},
    {"user", SW_T_STRING, .doc = "The user to log in as."},
};
SCHEMA(HOST, "host", "A machine that exists already.", true);

static const struct sw_attr POOL[] = {
    {"addresses", SW_T_LIST, SW_T_STRING, .doc = "The machines' addresses, in order, where the provider lets one choose."},
    {"count", SW_T_INT, .doc = "How many machines, 1 unless 'names' says otherwise."},
    {"disk", SW_T_INT, .doc = "The root disk's GiB, in a cloud."},
    {"image", SW_T_STRING, .doc = "The image they are made of, such as ami-0123456789abcdef0; the playbook's choice unless given."},
    {"labels", SW_T_MAP, SW_T_STRING, .doc = "Labels of the pool's Kubernetes nodes."},
    {"name", SW_T_STRING, .required = true, .doc = "The pool's name; its machines are NAME-1, NAME-2 and so on."},
    {"names", SW_T_LIST, SW_T_STRING, .doc = "The machines' names, when NAME-1, NAME-2 will not do."},
    {"role", SW_T_STRING, .one_of = ROLES, .fallback = TEXT("worker"), .doc = "What the machines are: 'control-plane' or 'worker'."},
    {"taints", SW_T_LIST, .doc = "Taints of the pool's Kubernetes nodes, as 'key=value:NoSchedule'."},
    {"type", SW_T_STRING, .doc = "The machines' type or size, such as t3.large."},
    {"volume", SW_T_MAP, .doc = "A disk of its own for each, in a cloud: size in GiB, type, device, iops, throughput, encrypted."},
    {"zone", SW_T_STRING, .doc = "The availability zone of all of them."},
    {"zones", SW_T_LIST, SW_T_STRING, .doc = "The availability zones they take turns in; those of 'network' unless given."},
};
SCHEMA(POOL, "pool", "Machines that are alike.", true);

static const struct sw_attr PROVIDER[] = {
    {"name", SW_T_STRING, .required = true, .doc = "Where the machines come from: 'static', 'lab' or a cloud such as 'aws'."},
};
SCHEMA(PROVIDER, "provider", "Where the machines come from, with the provider's own settings.", true);

static const struct sw_attr NETWORK[] = {
    {"access", SW_T_STRING, .one_of = ONE_OF(TEXT("bastion"), TEXT("public"), TEXT("private")),
     .doc = "How SSH gets to a cloud's machines: through a 'bastion' that is made for it, at 'public' addresses, or at 'private' ones."},
    {"allow", SW_T_LIST, SW_T_STRING, .doc = "The networks from which SSH is allowed, such as 203.0.113.0/24."},
    {"bastion", SW_T_MAP, .doc = "The bastion that is made: type, image."},
    {"bridge", SW_T_STRING, .doc = "The lab's bridge interface."},
    {"cidr", SW_T_STRING, .doc = "The machines' network, such as 10.0.0.0/16."},
    {"gateway", SW_T_STRING, .doc = "The network's gateway."},
    {"ingress", SW_T_MAP, .doc = "What reaches the cluster from outside: domain, zone, port, allow."},
    {"nat", SW_T_STRING, .one_of = ONE_OF(TEXT("single"), TEXT("zone"), TEXT("none")),
     .doc = "How machines reach the internet: by a 'single' gateway, by one in each 'zone', or 'none'."},
    {"subnets", SW_T_ANY,
     .doc = "Parts of the network, as lists and maps of 10.0.1.0/24, such as { private: { a: 10.0.1.0/24 }, public: ... }; they lie inside "
            "'cidr' and do not overlap."},
    {"zones", SW_T_LIST, SW_T_STRING, .doc = "The availability zones machines take turns in."},
};
SCHEMA(NETWORK, "network", "The machines' network.", true);

static const struct sw_attr KUBERNETES[] = {
    {"bundle", SW_T_STRING, .doc = "The directory of the bundle, relative to the inventory, when source is 'bundle'."},
    {"cni", SW_T_STRING, .one_of = ONE_OF(TEXT("bridge"), TEXT("calico"), TEXT("none")), .doc = "The pod network."},
    {"endpoint", SW_T_STRING, .doc = "Where the API server is reached: a load balancer's kind, a name or an address."},
    {"options", SW_T_MAP, .doc = "Settings for the control plane's components."},
    {"pod_cidr", SW_T_STRING, .fallback = TEXT("10.244.0.0/16"), .doc = "The pods' network."},
    {"service_cidr", SW_T_STRING, .fallback = TEXT("10.96.0.0/12"), .doc = "The services' network."},
    {"source", SW_T_STRING, .one_of = ONE_OF(TEXT("packages"), TEXT("bundle")), .fallback = TEXT("packages"),
     .doc = "Where Kubernetes comes from: 'packages' of the distribution's kind, or a 'bundle' on disk."},
    {"version", SW_T_STRING, .doc = "The Kubernetes version, such as '1.36.2'."},
};
SCHEMA(KUBERNETES, "kubernetes", "The cluster.", true);

static const struct sw_attr DOWNLOADS[] = {
    {"bundle", SW_T_STRING,
     .doc = "A directory with the files, as HOST/PATH or named by their SHA-256, relative to the inventory: nothing is fetched then."},
    {"mirror", SW_T_STRING, .doc = "The URL of a mirror that serves HOST/PATH below it."},
};
SCHEMA(DOWNLOADS, "downloads", "Where files that are named by URL come from; slipway.lock pins them.", false);

static const struct sw_attr FREEZE[] = {
    {"from", SW_T_STRING, .required = true, .doc = "When it begins: 2026-12-20, '2026-12-20 18:00', or 'fri 18:00' for every week."},
    {"reason", SW_T_STRING, .doc = "Why, for who is refused."},
    {"to", SW_T_STRING, .required = true, .doc = "When it ends; a date is the end of that day."},
    {"utc_offset", SW_T_STRING, .doc = "Which clock it goes by, such as '+09:00'; UTC unless given."},
};
SCHEMA(FREEZE, "freeze", "A time in which nothing is changed.", false);

static const struct sw_attr INVENTORY[] = {
    {"addons", SW_T_MAP, .doc = "Add-ons to install, each with its settings."},
    {"cost", SW_T_STRING, .doc = "The price list for estimates, relative to the inventory; prices.yaml unless given."},
    {"downloads", SW_T_MAP, .object = &DOWNLOADS_SCHEMA, .doc = "Where files that are named by URL come from."},
    {"environment", SW_T_STRING, .doc = "What the cluster is for; 'production' asks for a typed confirmation."},
    {"freeze", SW_T_LIST, .object = &FREEZE_SCHEMA, .doc = "Times in which nothing is changed unless --override-freeze says why."},
    {"gitops", SW_T_MAP, .doc = "The repository Argo CD takes over from: repo, path, revision."},
    {"hosts", SW_T_LIST, .object = &HOST_SCHEMA, .doc = "Machines that exist already, for the static provider."},
    {"kubeconfig", SW_T_STRING, .doc = "The kubeconfig file of a cluster that exists already, relative to the inventory."},
    {"kubernetes", SW_T_MAP, .object = &KUBERNETES_SCHEMA, .doc = "The cluster to make."},
    {"limits", SW_T_MAP, .doc = "Limits on a run, such as how many machines are worked on at once."},
    {"name", SW_T_STRING, .required = true, .doc = "The cluster's name, in lower-case letters, digits and '-'."},
    {"network", SW_T_MAP, .object = &NETWORK_SCHEMA, .fallback = &SW_EMPTY_MAP, .doc = "The machines' network."},
    {"playbook", SW_T_STRING, .fallback = TEXT("site"), .doc = "The playbook: NAME.lua beside the inventory or in playbooks/."},
    {"policies", SW_T_LIST, SW_T_STRING, .doc = "Policies besides policies/*.lua: files or directories, relative to the inventory."},
    {"pools", SW_T_LIST, .object = &POOL_SCHEMA, .doc = "Groups of machines that are alike."},
    {"provider", SW_T_MAP, .object = &PROVIDER_SCHEMA,
     .fallback = &(const struct sw_value){.kind = SW_MAP, .map = {(const struct sw_pair[]){{"name", TEXT("static")}}, 1}},
     .doc = "Where the machines come from: { name: static }, lab or a cloud."},
    {"secrets", SW_T_MAP, .sensitive = true, .doc = "Secrets for the playbook, best given as !env, !file or !vault."},
    {"ssh", SW_T_MAP, .object = &SSH_SCHEMA, .fallback = &SW_EMPTY_MAP, .doc = "How the machines are reached."},
    {"vars", SW_T_MAP, .doc = "Whatever the playbook wants to know besides."},
};
SCHEMA(INVENTORY, "inventory", "What a cluster is made of and how its machines are reached.", false);

const char *const SW_INVENTORY__CONNECTION_KEYS[] = {
    "address",   "agent", "bastion", "become",      "become_password", "connect_deadline", "connect_timeout",
    "host_key",  "key",   "keys",    "known_hosts", "passphrase",      "password",         "port",
    "transport", "user",  NULL,
};

const struct sw_schema *sw_inventory_schema(void) {
    return &INVENTORY_SCHEMA;
}
