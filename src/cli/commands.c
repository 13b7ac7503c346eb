/* The commands, in the order in which a person meets them. */
#include "cli.h"
#include "slipway/vec.h"

#define NO_LIMIT 1000

const struct sw_command sw_commands[] = {
    {"bootstrap", "", "one shot: check, plan, apply everything, leave a kubeconfig", "slipway bootstrap -i inventories/lab",
     "Checks the inventory, reaches the hosts, shows the plan, asks, applies it, writes the kubeconfig into the state directory and ends "
     "with the cluster's status.",
     SW_OPTS_RUN | SW_OPTS_APPLY, 0, 0, sw_cmd_bootstrap},
    {"validate", "", "check inventory and playbook", "slipway validate -i inventories/aws",
     "Reads files only: no host and no API is asked.", SW_OPT_INVENTORY | SW_OPTS_SCRIPT | SW_OPT_JSON | SW_OPT_UNTRUSTED | SW_OPT_POLICIES,
     0, 0, sw_cmd_validate},
    {"plan", "", "show what would change",
     "slipway plan -i inventories/aws --out plan.slipway\nslipway plan -i inventories/lab --target n1",
     "Reads the world and changes nothing. A saved plan holds secrets encrypted with the state's key, and is applied verbatim by 'slipway "
     "apply FILE'.",
     SW_OPTS_RUN | SW_OPTS_SELECT | SW_OPT_OUT | SW_OPT_REPLACE | SW_OPT_REFRESH_ONLY | SW_OPT_NO_REFRESH | SW_OPT_DESTROY |
         SW_OPT_DETAILED | SW_OPT_UNCHANGED | SW_OPT_UNTRUSTED | SW_OPT_POLICIES,
     0, 0, sw_cmd_plan},
    {"apply", "[PLANFILE]", "plan, ask, apply; or apply exactly a saved plan",
     "slipway apply -i inventories/aws\nslipway apply -i inventories/aws plan.slipway",
     "Asks before it changes anything, and in an environment 'production' wants the inventory's name typed. A saved plan was reviewed: it "
     "is applied without a "
     "question, and refused when the state or the world moved since. In production the cluster is read once more afterwards: exit code 1 "
     "when something is not healthy (docs/production.md). Ctrl-C finishes what runs and starts nothing more; a second one stops "
     "at once. Whatever "
     "happens, running it again goes on from there.",
     SW_OPTS_RUN | SW_OPTS_SELECT | SW_OPT_REPLACE | SW_OPT_REFRESH_ONLY | SW_OPTS_APPLY | SW_OPT_UNCHANGED, 0, 1, sw_cmd_apply},
    {"status", "", "is the cluster healthy, and if not, why",
     "slipway status -i inventories/lab\nslipway status -i inventories/aws --wait 600",
     "Reads the world. Exit code 1 when something is not healthy; with --wait, when it still is not after so many seconds. Applications of "
     "Argo "
     "CD are healthy when they are Synced to the revision that the inventory asks for, and Healthy.",
     SW_OPTS_RUN | SW_OPT_WAIT, 0, 0, sw_cmd_status},
    {"drift", "", "what changed behind our back", "slipway drift -i inventories/aws",
     "Reads the world and compares it with the state. Exit code 2 when something drifted.", SW_OPTS_RUN | SW_OPTS_SELECT, 0, 0,
     sw_cmd_drift},
    {"destroy", "", "destroy everything, in reverse order", "slipway destroy -i inventories/lab", NULL,
     SW_OPTS_RUN | SW_OPTS_SELECT | SW_OPTS_APPLY, 0, 0, sw_cmd_destroy},
    {"rollback", "RUN", "plan, ask, apply what was declared in a former run",
     "slipway state history\nslipway rollback -i inventories/aws 12",
     "Makes the world what the playbook of that run wanted, secrets as they were included, whatever the inventory says today; put that "
     "back "
     "by 'git revert', or the next apply goes forward again. What was declared is kept of the newest ten applies of a whole inventory. Lua "
     "files beside the playbook that define types must still be the same, and so must files that are carried to nodes.",
     SW_OPTS_RUN | SW_OPTS_APPLY | SW_OPT_UNCHANGED, 1, 1, sw_cmd_rollback},
    {"show", "PLANFILE", "show a saved plan", "slipway show plan.slipway\nslipway show --json plan.slipway | conftest test -",
     "--json prints Terraform's plan format (1.2), which conftest, OPA and checkov read; --markdown is for a pull request's comment.",
     SW_OPT_INVENTORY | SW_OPTS_SCRIPT | SW_OPT_STATE_DIR | SW_OPT_JSON | SW_OPT_MARKDOWN | SW_OPT_OUT | SW_OPT_UNCHANGED | SW_OPT_POLICIES,
     1, 1, sw_cmd_show},
    {"graph", "[PLANFILE]", "the architecture as a picture, from the real plan",
     "slipway graph -i inventories/aws --format mermaid\nslipway graph -f dot | dot -Tsvg > graph.svg",
     "With a plan file, of that plan; else a plan is made, which reads the world unless --no-refresh.",
     SW_OPTS_RUN | SW_OPTS_SELECT | SW_OPT_FORMAT | SW_OPT_OUT | SW_OPT_NO_REFRESH, 0, 1, sw_cmd_graph},
    {"state list", "[PREFIX]", "addresses in the state", "slipway state list -i inventories/aws n1/", NULL,
     SW_OPT_INVENTORY | SW_OPT_STATE_DIR | SW_OPT_JSON, 0, 1, sw_cmd_state_list},
    {"state show", "ADDRESS", "one resource as recorded", "slipway state show -i inventories/aws aws_vpc.main", NULL,
     SW_OPT_INVENTORY | SW_OPT_STATE_DIR | SW_OPT_JSON, 1, 1, sw_cmd_state_show},
    {"state mv", "FROM TO", "give a resource another address", "slipway state mv -i inventories/aws aws_vpc.main aws_vpc.core",
     "Nothing in the world changes. In a playbook, moved { from = ..., to = ... } does the same, reviewed.",
     SW_OPT_INVENTORY | SW_OPT_STATE_DIR | SW_OPT_JSON, 2, 2, sw_cmd_state_mv},
    {"state rm", "ADDRESS...", "forget resources, leave the world alone", "slipway state rm -i inventories/aws aws_vpc.main", NULL,
     SW_OPT_INVENTORY | SW_OPT_STATE_DIR | SW_OPT_JSON | SW_OPT_YES, 1, NO_LIMIT, sw_cmd_state_rm},
    {"state history", "[RUN]", "every run, or what one run did", "slipway state history -i inventories/aws 12", NULL,
     SW_OPT_INVENTORY | SW_OPT_STATE_DIR | SW_OPT_JSON, 0, 1, sw_cmd_state_history},
    {"state unlock", "", "break a lock whose owner is gone", "slipway state unlock -i inventories/aws",
     "Rarely needed: a lock whose process died on this machine, or whose lease ran out (60 s), is taken over by itself.",
     SW_OPT_INVENTORY | SW_OPT_STATE_DIR | SW_OPT_JSON | SW_OPT_YES, 0, 0, sw_cmd_state_unlock},
    {"import", "[ADDRESS ID]", "adopt what exists already",
     "slipway import -i inventories/aws aws_vpc.main vpc-0a1b2c3d\n"
     "slipway import -i inventories/aws --from-terraform-state terraform.tfstate --yes",
     "The playbook must declare what is adopted. Nothing in the world changes, and nothing is recorded that was not found there. See "
     "docs/moving-in.md.",
     SW_OPTS_RUN | SW_OPT_FILE | SW_OPT_TERRAFORM | SW_OPT_MAP | SW_OPT_YES, 0, 2, sw_cmd_import},
    {"output", "[NAME]", "outputs of the last apply", "slipway output -i inventories/lab endpoint",
     "A named output is printed bare, secrets too; the list hides them.", SW_OPT_INVENTORY | SW_OPT_STATE_DIR | SW_OPT_JSON, 0, 1,
     sw_cmd_output},
    {"ssh", "NODE [-- COMMAND...]", "log in to a node as slipway does",
     "slipway ssh -i inventories/lab n1\nslipway ssh n1 -- journalctl -u kubelet -n 50", NULL,
     SW_OPT_INVENTORY | SW_OPTS_SCRIPT | SW_OPT_STATE_DIR, 1, 1, sw_cmd_ssh},
    {"kubeconfig", "", "print the cluster's kubeconfig", "slipway kubeconfig -i inventories/lab > ~/.kube/config", NULL,
     SW_OPT_INVENTORY | SW_OPT_STATE_DIR | SW_OPT_OUT, 0, 0, sw_cmd_kubeconfig},
    {"lab up", "[NODE...]", "start disposable local nodes", "slipway lab up",
     "Needs root (systemd-nspawn). Without names, all nodes of the lab inventory.", SW_OPTS_RUN | SW_OPTS_APPLY, 0, NO_LIMIT,
     sw_cmd_lab_up},
    {"lab down", "[NODE...]", "destroy local nodes", "slipway lab down --yes", NULL, SW_OPTS_RUN | SW_OPTS_APPLY, 0, NO_LIMIT,
     sw_cmd_lab_down},
    {"lab list", "", "local nodes and what they are", "slipway lab list", NULL, SW_OPTS_RUN, 0, 0, sw_cmd_lab_list},
    {"docs", "[TYPE|ADDON]", "the attributes of a resource type, the options of an add-on",
     "slipway docs file\nslipway docs metallb\nslipway docs --markdown lab_node",
     "Without a name: all types. 'slipway docs addons' lists the add-ons, 'slipway docs gitops' tells of the hand-over. 'slipway docs "
     "commands' prints this reference.",
     SW_OPT_INVENTORY | SW_OPTS_SCRIPT | SW_OPT_MARKDOWN, 0, 1, sw_cmd_docs},
    {"completion", "bash|zsh|fish", "a completion script for a shell",
     "slipway completion bash > /etc/bash_completion.d/slipway\nsource <(slipway completion zsh)", NULL, 0, 1, 1, sw_cmd_completion},
    {"version", "", "print the version", "slipway version", NULL, SW_OPT_JSON, 0, 0, sw_cmd_version},
};
const size_t sw_n_commands = sw_countof(sw_commands);
