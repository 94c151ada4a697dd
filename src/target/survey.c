#include "target/survey.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target/proc.h"

struct survey {
	struct survey_check *checks;
	size_t count;
	struct permission_finding findings[PERMISSION_FINDINGS_MAX];
	size_t findings_count;
};

static struct survey_check *survey_add(struct survey *survey, const char *name, const char *what,
				       bool is_needed)
{
	struct survey_check *check = &survey->checks[survey->count++];

	*check = (struct survey_check){
		.name = name,
		.what = what,
		.is_needed = is_needed,
		.works = true,
	};
	return check;
}

static const struct permission_finding *survey_find(const struct survey *survey,
						    enum obstacle obstacle)
{
	for (size_t i = 0; i < survey->findings_count; i++)
		if (survey->findings[i].obstacle == obstacle)
			return &survey->findings[i];
	return NULL;
}

/* What explains that looking is refused; a tracer and a filter forbid less. */
static const struct permission_finding *survey_find_denial(const struct survey *survey)
{
	for (size_t i = 0; i < survey->findings_count; i++)
		if (survey->findings[i].obstacle != OBSTACLE_TRACED)
			return &survey->findings[i];
	return NULL;
}

static void survey_block(struct survey_check *check, const struct permission_finding *finding,
			 int errnum)
{
	check->works = false;
	if (finding)
		check->finding = *finding;
	else
		snprintf(check->finding.what, sizeof(check->finding.what), "%s", strerror(errnum));
}

static void survey_add_trial(struct survey *survey, const char *name, const char *what,
			     bool is_needed, int errnum)
{
	struct survey_check *check = survey_add(survey, name, what, is_needed);

	if (errnum)
		survey_block(check, survey_find_denial(survey), errnum);
}

/* Files that the kernel may not have been built to have. */
static void survey_add_file(struct survey *survey, const char *name, const char *what, int errnum,
			    const char *consequence)
{
	struct survey_check *check = survey_add(survey, name, what, false);

	if (errnum == ENOENT || errnum == ENODATA || errnum == EINVAL) {
		check->works = false;
		snprintf(check->finding.what, sizeof(check->finding.what),
			 "this kernel does not tell it; %s", consequence);
	} else if (errnum) {
		survey_block(check, survey_find_denial(survey), errnum);
	}
}

static void survey_add_looks(struct survey *survey, const struct permission_trial *trial)
{
	const struct permission_finding *filter = survey_find(survey, OBSTACLE_SECCOMP);
	const struct permission_finding *tracer = survey_find(survey, OBSTACLE_TRACED);
	struct survey_check *check;

	/* Either of the two is enough. */
	survey_add_trial(survey, "process_vm_readv", "reading memory", trial->file != 0,
			 trial->memory);
	survey_add_trial(survey, "proc_mem", "reading memory through /proc/PID/mem",
			 trial->memory != 0, trial->file);
	survey_add_trial(survey, "proc_maps", "seeing what is mapped", true, trial->maps);
	check = survey_add(survey, "ptrace", "stopping a thread for a moment", false);
	if (trial->stop)
		survey_block(check,
			     trial->stop == EBUSY && tracer ? tracer
			     : !trial->memory && filter     ? filter
							    : survey_find_denial(survey),
			     trial->stop);
	survey_add_file(survey, "proc_syscall", "seeing in what a thread waits", trial->syscall,
			"waiting threads are all alike then");
	survey_add_file(survey, "proc_schedstat", "seeing how long a thread runs", trial->schedule,
			"it is told in clock ticks then");
}

/* A counter of this process's own time is what any user may have at most. */
static void survey_add_perf(struct survey *survey)
{
	struct perf_event_attr event = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(event),
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.disabled = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &event, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	struct survey_check *check;
	int errnum = errno;

	check = survey_add(survey, "perf_event_open", "counters of the kernel (perf)", false);
	if (fd >= 0) {
		close(fd);
		return;
	}
	check->works = false;
	if (errnum == ENOSYS) {
		snprintf(check->finding.what, sizeof(check->finding.what),
			 "this kernel does not have them");
		return;
	}
	/* kernel/events/core.c refuses what the setting forbids with EACCES; filters of containers
	 * say EPERM. */
	if (errnum == EACCES) {
		snprintf(check->finding.what, sizeof(check->finding.what),
			 "kernel.perf_event_paranoid forbids them: %s", strerror(errnum));
		snprintf(check->finding.command, sizeof(check->finding.command),
			 "sudo sysctl kernel.perf_event_paranoid=1");
	} else {
		snprintf(check->finding.what, sizeof(check->finding.what),
			 "a seccomp filter or a security module forbids them: %s",
			 strerror(errnum));
	}
	snprintf(check->finding.docker, sizeof(check->finding.docker),
		 "docker run --cap-add=PERFMON ..");
	snprintf(check->finding.compose, sizeof(check->finding.compose), "cap_add: [PERFMON]");
	snprintf(check->finding.kubernetes, sizeof(check->finding.kubernetes),
		 "securityContext: {capabilities: {add: [\"PERFMON\"]}}");
}

static void survey_add_pidfd(struct survey *survey)
{
	struct survey_check *check =
		survey_add(survey, "pidfd_open", "telling at once that a process ends", false);
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd >= 0)
		close(fd);
	else
		survey_block(check, NULL, errno);
}

size_t survey_look(pid_t pid, struct survey_check checks[SURVEY_CHECKS_MAX])
{
	struct survey survey = {.checks = checks};
	struct permission_trial trial, own;
	struct survey_check *check;

	survey.findings_count = permission_look(pid, survey.findings, PERMISSION_FINDINGS_MAX);
	permission_try(pid > 0 ? pid : PERMISSION_STRANGER, &trial);
	if (pid > 0) {
		survey_add_looks(&survey, &trial);
		return survey.count;
	}
	permission_try(PERMISSION_CHILD, &own);
	survey_add_looks(&survey, &own);
	check = survey_add(&survey, "attach", "all of that in a process that sonde did not start",
			   true);
	if (trial.maps || (trial.memory && trial.file))
		survey_block(check, survey_find_denial(&survey),
			     trial.maps ? trial.maps : trial.memory);
	survey_add_pidfd(&survey);
	survey_add_perf(&survey);
	return survey.count;
}

size_t survey_settings(struct survey_setting settings[SURVEY_SETTINGS_MAX])
{
	static const char *const names[] = {
		"kernel.yama.ptrace_scope", "kernel.perf_event_paranoid",
		"kernel.kptr_restrict",     "kernel.unprivileged_bpf_disabled",
		"fs.suid_dumpable",
	};
	size_t count = sizeof(names) / sizeof(names[0]);

	for (size_t i = 0; i < count; i++) {
		struct survey_setting *setting = &settings[i];
		char path[64];
		ssize_t length = -1;
		int fd;

		*setting = (struct survey_setting){.name = names[i]};
		snprintf(path, sizeof(path), "/proc/sys/%s", names[i]);
		for (char *at = path; *at; at++)
			*at = *at == '.' ? '/' : *at;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0) {
			length = proc_read_fd(fd, setting->value, sizeof(setting->value));
			close(fd);
		}
		setting->value[length > 0 ? strcspn(setting->value, "\n") : 0] = 0;
	}
	return count;
}
