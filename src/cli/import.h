/* `slipway import`, by hand, by file and from Terraform's state. Internal to cli/. */
#ifndef SLIPWAY_CLI_IMPORT_H
#define SLIPWAY_CLI_IMPORT_H

#include "context.h"

/* A small YAML file of texts by text: `aws_vpc.main: vpc-0a1b`. A value may be null where `nulls`. Returned with its lines. */
int sw_import_read_map(struct sw_context *context, const char *path, const char *what, bool nulls, const struct sw_value **ret,
                       struct sw_err *err);
/* Returns the exit code; all is said. */
int sw_import_terraform(struct sw_context *context, const char *path, const char *map_path);

#endif
