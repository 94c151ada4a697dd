#pragma once

#include <stdbool.h>

#include "collector/recording.h"

/*
 * What `sonde run` says on stderr once its target has ended: what was written, and the next command
 * to type, unless quiet; and always what is missing from the capture, and why.
 */
struct outcome_look {
	bool quiet;
	bool color;
	bool with_agent; /* allocations were to be recorded */
	bool from_start; /* recording was to begin with the process itself */
};

/* While recording goes on though the target has ended, for a terminal only. */
void outcome_say_waiting(unsigned processes);

void outcome_say(const struct recording_result *result, const struct outcome_look *look);
