/* slipway: from an inventory to a running cluster. Everything is in the libraries; see src/README.md and include/slipway/. */
#include "cli/cli.h"

int main(int argc, char **argv) {
    return sw_cli_main(argc, argv);
}
