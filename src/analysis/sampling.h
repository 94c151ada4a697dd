#pragma once

#include "analysis/profile.h"

/* Reads the capture's samples and makes the rows and the time part of a profile of time. */
void sampling_read(struct profile *profile);
