/* What -i means. NAME is a directory, a file, or inventories/NAME; "lab" is built in.
 *
 * The built-in inventory is written to ~/.local/share/slipway/lab (XDG_DATA_HOME) before it is read: so messages name a file that can be
 * looked at, the lab's state has a home beside it, and `slipway lab up` finds the same lab from everywhere. The copy is rewritten whenever
 * the binary brings another one; who wants to change it copies it to inventories/lab. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "context.h"
#include "slipway/file.h"
#include "slipway/script.h"
#include "slipway/vec.h"

#define EMBEDDED_LAB "inventories/lab/inventory.yaml"

static bool exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

static int embedded_lab(struct sw_cli *cli, const char **ret_path, struct sw_err *err) {
    size_t len;
    const char *text = sw_script_embedded(EMBEDDED_LAB, &len);
    if (!text) return sw_err_set(err, SW_ENOTFOUND, "this slipway was built without the lab inventory");
    const char *home = getenv("XDG_DATA_HOME");
    char *base = sw_expand_home(home && *home ? home : "~/.local/share");
    const char *dir = sw_printf(cli->arena, "%s/slipway/lab", base), *path = sw_printf(cli->arena, "%s/inventory.yaml", dir);
    free(base);
    struct sw_str have = {0};
    bool same = sw_file_read(path, 1 << 20, &have, NULL) == 0 && have.len == len && memcmp(have.p, text, len) == 0;
    sw_str_done(&have);
    if (!same && (sw_mkdirs(dir, 0700, err) || sw_file_write(path, text, len, 0600, err)))
        return sw_err_frame(err, "writing the built-in lab inventory");
    *ret_path = path;
    return SW_OK;
}

/* Names in inventories/, for "did you mean". */
static void suggest(const char *name, struct sw_err *err) {
    struct {
        char **v;
        size_t n, cap;
    } names = {0};
    DIR *dir = opendir("inventories");
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.') sw_vec_push(&names, sw_xstrdup(entry->d_name));
    if (dir) closedir(dir);
    sw_vec_push(&names, sw_xstrdup("lab"));
    const char *near = sw_nearest(name, (const char *const *)names.v, names.n);
    if (near)
        sw_err_hint(err, "-i %s", near);
    else
        sw_err_hint(err, "-i NAME, where inventories/NAME/inventory.yaml exists, or -i lab for the built-in one");
    for (size_t i = 0; i < names.n; i++) free(names.v[i]);
    sw_vec_done(&names);
}

int sw_cli_find_inventory(struct sw_cli *cli, const char **ret_path, struct sw_err *err) {
    const char *name = cli->options.inventory;
    if (!name) name = getenv("SLIPWAY_INVENTORY");
    if (!name || !*name) name = exists("inventory.yaml") ? "." : "lab";
    /* inventories/NAME before ./NAME: a directory `lab` that happens to lie here is not meant, unless it is an inventory. */
    const char *listed = sw_printf(cli->arena, "inventories/%s", name);
    const char *within = sw_printf(cli->arena, "%s/inventory.yaml", name);
    struct stat st;
    if (!strchr(name, '/') && exists(sw_printf(cli->arena, "%s/inventory.yaml", listed))) {
        *ret_path = listed;
    } else if (exists(within) || (stat(name, &st) == 0 && S_ISREG(st.st_mode))) {
        *ret_path = name;
    } else if (strcmp(name, "lab") == 0) {
        return embedded_lab(cli, ret_path, err);
    } else {
        sw_err_set(err, SW_ENOTFOUND, exists(name) ? "there is no inventory.yaml in '%s'" : "there is no inventory '%s'", name);
        suggest(name, err);
        return SW_ENOTFOUND;
    }
    return SW_OK;
}
