#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "target/target.h"

/*
 * What stands between sonde and another process, and the line that takes it away.
 * One finding a cause; the first that explains the denial comes first.
 */
enum obstacle {
	OBSTACLE_NONE,
	OBSTACLE_USER,         /* another user's process, and no CAP_SYS_PTRACE */
	OBSTACLE_CAPABILITIES, /* it has capabilities that we lack */
	OBSTACLE_YAMA,         /* kernel.yama.ptrace_scope */
	OBSTACLE_DUMPABLE,     /* set-user-ID, or it called prctl(PR_SET_DUMPABLE, 0) */
	OBSTACLE_SECCOMP,      /* our own filter forbids ptrace or process_vm_readv */
	OBSTACLE_NAMESPACE,    /* a user namespace that is not below ours */
	OBSTACLE_HIDDEN,       /* /proc is mounted with hidepid, or not at all */
	OBSTACLE_TRACED,       /* another tracer has it: reading works, stopping does not */
	OBSTACLE_LSM,          /* AppArmor, SELinux, .. */
	OBSTACLE_END,
};

struct permission_finding {
	enum obstacle obstacle;
	char what[256]; /* one line */
	/* The line that unblocks it, each "" where there is none. */
	char command[256]; /* sysctl, setcap, sudo, .. */
	char docker[128], compose[128], kubernetes[192];
};

#define PERMISSION_FINDINGS_MAX 8

/* Looks at a process (pid > 0), or at what is so for any process of ours that we did not start (0).
 * Returns how many were written; 0: nothing is in the way. */
size_t permission_look(pid_t pid, struct permission_finding *findings, size_t max);

/* Fills *err with ERROR_PERMISSION: what is blocked and the line for where we are (a container or
 * not), on one line. Returns -ERROR_PERMISSION. `doing`: "read the memory of", "stop a thread of".
 */
int permission_error(pid_t pid, const char *doing, struct error *err);

/* "yama", "user", ..: stands in JSON. */
const char *obstacle_name(enum obstacle obstacle);

/*
 * Tries each way of looking at a process, without looking: 0, or the errno that it is refused with.
 * In place of a pid, one that is made for this: a child of ours, as `sonde run` has, or one of ours
 * that is no child, as `sonde attach` meets.
 */
#define PERMISSION_CHILD    0
#define PERMISSION_STRANGER (-1)

struct permission_trial {
	int memory;   /* process_vm_readv */
	int file;     /* /proc/PID/mem */
	int maps;     /* /proc/PID/maps */
	int syscall;  /* /proc/PID/syscall */
	int schedule; /* /proc/PID/schedstat; ENODATA: nothing is counted */
	int stop;     /* ptrace; EBUSY: another traces it */
};
void permission_try(pid_t pid, struct permission_trial *trial);
