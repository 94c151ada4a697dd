#pragma once

/* A function that the agent puts in front of the C library's. */
#define HOOK __attribute__((visibility("default")))
