#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/error.h"

/*
 * Another process, seen from outside. It may be gone at any moment: what reads from it says so by
 * its return value, and only opening makes errors for people. Nothing here ever writes into it.
 */
struct target;

/*
 * Opens a process by the pid that it has in our PID namespace. Its memory need not be readable yet.
 * Fails with ERROR_NOT_FOUND (no such process), ERROR_PERMISSION (with the setting that unblocks
 * it, see target/permission.h) or ERROR_UNSUPPORTED (32-bit).
 */
int target_open(pid_t pid, struct target **out, struct error *err);
void target_close(struct target *target);

pid_t target_pid(const struct target *target);
/* The pid that it has in its own, innermost PID namespace. */
pid_t target_inner_pid(const struct target *target);
/* Not a zombie, and the pid was not given to another process since. */
bool target_is_alive(const struct target *target);
pid_t target_parent(const struct target *target);
/* In clock ticks since boot, as /proc/PID/stat has it; with the pid it names a process for ever. */
uint64_t target_start_ticks(const struct target *target);

/*
 * Which program it runs: a number that exec changes and fork does not; 0 if it cannot be read. Two
 * runs of one file differ by where the kernel put them, unless that is made to be the same place.
 */
uint64_t target_image(const struct target *target);

/* How long ago it began, to a clock tick (10 ms). */
uint64_t target_age_ns(const struct target *target);
/* Resident memory; 0 if it is gone. */
uint64_t target_rss_bytes(const struct target *target);

/* Opens /proc/PID/NAME for reading; -1 with errno. */
int target_open_file(const struct target *target, const char *name);

/* To be freed; NULL if it is gone. argv joined by spaces; the executable's path as the target sees
 * it. */
char *target_command(const struct target *target);
/* argv itself, NULL-terminated, one block to be freed; NULL if it is gone or has none. */
char **target_argv(const struct target *target);
char *target_executable(const struct target *target);

/*
 * Reads many places in one system call (process_vm_readv, else /proc/PID/mem): remote[i] into
 * local[i], whose lengths agree. Returns how many of the `count` places were read whole, from the
 * first on, -1 with errno ESRCH (gone), EPERM. A place that is not mapped ends the row.
 * At most TARGET_PLACES_MAX places.
 */
#define TARGET_PLACES_MAX 1024
ssize_t target_read_places(const struct target *target, const struct iovec *local,
			   const struct iovec *remote, size_t count);

/* One place: true if it was read whole. */
bool target_read(const struct target *target, uint64_t address, void *out, size_t bytes);
bool target_read_pointer(const struct target *target, uint64_t address, uint64_t *out);
