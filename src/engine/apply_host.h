/* Private to the apply side: a host's segment, i.e. one script of steps (apply_segment.c). */
#ifndef SLIPWAY_ENGINE_APPLY_HOST_H
#define SLIPWAY_ENGINE_APPLY_HOST_H

#include "apply.h"

/* Journals host->steps, carries the first step's files, runs the script. */
void app_segment_start(struct app_host *host);
/* Asks the script that runs to end after the step at work. */
void app_segment_stop(struct app_host *host);
/* Gives up waiting for a host that reboots. */
void app_segment_abandon(struct app_host *host);

#endif
