#include "target/permission.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/container.h"
#include "target/pause.h"
#include "target/proc.h"
#include "target/tasks_text.h"

/*
 * The causes are looked for in the order in which the kernel refuses: kernel/ptrace.c,
 * __ptrace_may_access (users, dumpable), then the security modules: security/commoncap.c
 * (capabilities), security/yama, the others.
 */

/* What /proc says of one process, ourselves or the target. */
struct identity {
	bool known;
	unsigned long users[3], groups[3]; /* real, effective, saved */
	uint64_t permitted, effective;
	long parent, tracer;
	long seccomp;
	char user_namespace[64]; /* "" if it may not be asked */
};

static bool permission_read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	text[0] = 0;
	if (fd < 0)
		return false;
	length = proc_read_fd(fd, text, size);
	close(fd);
	return length > 0;
}

static void parse_ids(const char *text, unsigned long ids[3])
{
	char *end;

	for (int i = 0; text && i < 3; i++) {
		ids[i] = strtoul(text, &end, 10);
		text = end;
	}
}

static uint64_t parse_status(const char *status, const char *key, int base)
{
	const char *value = proc_status_value(status, key);

	return value ? strtoull(value, NULL, base) : 0;
}

static void identity_read(pid_t pid, struct identity *identity)
{
	char path[64], text[8192];
	ssize_t length;

	*identity = (struct identity){0};
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (!permission_read_file(path, text, sizeof(text)))
		return;
	identity->known = true;
	parse_ids(proc_status_value(text, "Uid:"), identity->users);
	parse_ids(proc_status_value(text, "Gid:"), identity->groups);
	identity->permitted = parse_status(text, "CapPrm:", 16);
	identity->effective = parse_status(text, "CapEff:", 16);
	identity->parent = (long)parse_status(text, "PPid:", 10);
	identity->tracer = (long)parse_status(text, "TracerPid:", 10);
	identity->seccomp = (long)parse_status(text, "Seccomp:", 10);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	length = readlink(path, identity->user_namespace, sizeof(identity->user_namespace) - 1);
	identity->user_namespace[length > 0 ? length : 0] = 0;
}

static bool can_trace_all(const struct identity *self)
{
	return self->effective >> CAP_SYS_PTRACE & 1;
}

/* A place that is never mapped: only whether we may ask is asked. */
static int try_memory(pid_t pid)
{
	char byte;
	struct iovec local = {.iov_base = &byte, .iov_len = 1};
	struct iovec remote = {.iov_base = NULL, .iov_len = 1};

	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT)
		return 0;
	return errno;
}

static int try_file(pid_t pid, const char *name, bool read_it)
{
	char path[64], byte;
	int fd, errnum = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (read_it && read(fd, &byte, 1) < 0)
		errnum = errno;
	close(fd);
	return errnum;
}

/* Whether a filter of ours forbids the call itself: nobody has this number. */
static int try_ptrace_call(void)
{
	if (ptrace(PTRACE_SEIZE, INT32_MAX, NULL, NULL) < 0 && errno != ESRCH)
		return errno;
	return 0;
}

/* Waits to be killed, whatever becomes of sonde. */
__attribute__((noreturn)) static void wait_for_the_end(void)
{
	alarm(10);
	for (;;)
		pause();
}

/* A child that waits, or its child, which is nobody's any more. -1 with errno. */
static pid_t start_subject(bool stranger)
{
	pid_t child, subject = -1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	child = fork();
	if (child == 0) {
		pid_t pid = stranger ? fork() : getpid();

		if (pid == 0 || !stranger) {
			pid = getpid();
			if (write(ends[1], &pid, sizeof(pid)) == sizeof(pid))
				wait_for_the_end();
		}
		_exit(0);
	}
	close(ends[1]);
	if (child > 0 && stranger)
		waitpid(child, NULL, 0);
	if (child > 0 && read(ends[0], &subject, sizeof(subject)) != sizeof(subject))
		subject = -1;
	close(ends[0]);
	return subject;
}

static int try_stop(pid_t pid)
{
	struct pause stop;

	switch (pause_begin(pid, &stop)) {
	case PAUSE_STOPPED:
		pause_end(&stop);
		return 0;
	case PAUSE_DENIED:
		return EPERM;
	case PAUSE_GONE:
		return ESRCH;
	case PAUSE_LATE:
		break;
	}
	return 0;
}

static int try_schedule(pid_t pid)
{
	char path[64], text[96];
	uint64_t cpu_ns, switches;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	if (!permission_read_file(path, text, sizeof(text)))
		return errno ? errno : ENOENT;
	return tasks_parse_schedstat(text, &cpu_ns, &switches) && switches ? 0 : ENODATA;
}

/* Whose number stands for the memory of the process: its own, or that of a thread where the first
 * one has ended. */
static pid_t find_thread(pid_t pid)
{
	struct target target = {.pid = pid};
	struct proc_stat stat;
	pid_t tid = 0;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	target.folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (target.folder < 0)
		return pid;
	if (proc_read_stat(&target, "stat", &stat) && stat.state == 'Z')
		tid = proc_find_thread(&target);
	close(target.folder);
	return tid ? tid : pid;
}

void permission_try(pid_t pid, struct permission_trial *trial)
{
	pid_t made = pid > 0 ? 0 : start_subject(pid == PERMISSION_STRANGER);
	pid_t subject = pid > 0 ? find_thread(pid) : made;
	struct identity target;

	*trial = (struct permission_trial){0};
	if (subject < 0) {
		trial->memory = trial->file = trial->maps = trial->syscall = trial->schedule =
			trial->stop = errno;
		return;
	}
	trial->memory = try_memory(subject);
	trial->file = try_file(subject, "mem", false);
	trial->maps = try_file(subject, "maps", true);
	trial->syscall = try_file(subject, "syscall", true);
	trial->schedule = try_schedule(subject);
	if (made) {
		trial->stop = try_stop(made);
		kill(made, SIGKILL);
		waitpid(made, NULL, 0);
		return;
	}
	/* The kernel asks the same for stopping as for reading, and that nobody else traces it. */
	identity_read(pid, &target);
	trial->stop = try_ptrace_call();
	if (!trial->stop && trial->memory && trial->file)
		trial->stop = trial->file;
	if (!trial->stop && target.tracer)
		trial->stop = EBUSY;
}

struct look {
	pid_t pid;
	struct identity self, target;
	struct permission_trial trial;
	struct permission_finding *findings;
	size_t count, max;
};

static const char *const obstacle_names[OBSTACLE_END] = {
	[OBSTACLE_NONE] = "none",
	[OBSTACLE_USER] = "user",
	[OBSTACLE_CAPABILITIES] = "capabilities",
	[OBSTACLE_YAMA] = "yama",
	[OBSTACLE_DUMPABLE] = "dumpable",
	[OBSTACLE_SECCOMP] = "seccomp",
	[OBSTACLE_NAMESPACE] = "namespace",
	[OBSTACLE_HIDDEN] = "hidden",
	[OBSTACLE_TRACED] = "traced",
	[OBSTACLE_LSM] = "security-module",
};

const char *obstacle_name(enum obstacle obstacle)
{
	return (unsigned)obstacle < OBSTACLE_END ? obstacle_names[obstacle] : "unknown";
}

__attribute__((format(printf, 3, 4))) static struct permission_finding *
look_add(struct look *look, enum obstacle obstacle, const char *format, ...)
{
	static struct permission_finding beyond;
	struct permission_finding *finding =
		look->count < look->max ? &look->findings[look->count++] : &beyond;
	va_list arguments;

	*finding = (struct permission_finding){.obstacle = obstacle};
	va_start(arguments, format);
	vsnprintf(finding->what, sizeof(finding->what), format, arguments);
	va_end(arguments);
	return finding;
}

__attribute__((format(printf, 3, 4))) static void set(char *text, size_t size, const char *format,
						      ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, size, format, arguments);
	va_end(arguments);
}

#define SET(text, ...) set(text, sizeof(text), __VA_ARGS__)

static bool is_plain(char character)
{
	return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
	       (character >= '0' && character <= '9') || strchr("_-./=:,+@%", character);
}

/* One argument as a shell takes it; false if there is no room. */
static bool add_quoted(char *line, size_t size, const char *argument)
{
	size_t used = strlen(line);
	bool plain = *argument;

	for (const char *at = argument; *at; at++) {
		plain = plain && is_plain(*at);
		if (*at == '\'' || (unsigned char)*at < ' ' || *at == 0x7f)
			return false;
	}
	if (used + strlen(argument) + 4 > size)
		return false;
	set(line + used, size - used, plain ? " %s" : " '%s'", argument);
	return true;
}

/* "sudo" and how sonde was called, so that the line does what was wanted. */
static void set_sudo(char *line, size_t size)
{
	char text[4096];
	ssize_t length;
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);

	set(line, size, "sudo");
	length = fd < 0 ? -1 : proc_read_fd(fd, text, sizeof(text));
	if (fd >= 0)
		close(fd);
	for (ssize_t at = 0; at < length; at += (ssize_t)strlen(text + at) + 1) {
		if (!add_quoted(line, size, text + at)) {
			set(line, size, "sudo sonde ..");
			return;
		}
	}
}

static void set_capability(struct permission_finding *finding)
{
	SET(finding->docker, "docker run --cap-add=SYS_PTRACE ..");
	SET(finding->compose, "cap_add: [SYS_PTRACE]");
	SET(finding->kubernetes, "securityContext: {capabilities: {add: [\"SYS_PTRACE\"]}}");
}

static void look_for_seccomp(struct look *look)
{
	struct permission_finding *finding;
	int memory = try_memory(getpid()), stop = try_ptrace_call();

	/* Nothing else forbids a process to read itself, or to ask for one that is not there. */
	if (!memory && !stop)
		return;
	finding = look_add(look, OBSTACLE_SECCOMP, "a seccomp filter forbids sonde %s",
			   memory && stop ? "process_vm_readv and ptrace"
			   : memory       ? "process_vm_readv"
					  : "ptrace");
	set_capability(finding);
	SET(finding->docker,
	    "docker run --cap-add=SYS_PTRACE .. (or --security-opt seccomp=unconfined)");
	SET(finding->kubernetes, "securityContext: {capabilities: {add: [\"SYS_PTRACE\"]}, "
				 "seccompProfile: {type: Unconfined}}");
}

static void look_for_hidden(struct look *look)
{
	struct permission_finding *finding;

	if (access("/proc/self/stat", F_OK) != 0) {
		finding = look_add(look, OBSTACLE_HIDDEN, "/proc is not mounted");
		SET(finding->command, "sudo mount -t proc proc /proc");
		return;
	}
	if (look->pid <= 0 || look->target.known || (kill(look->pid, 0) < 0 && errno == ESRCH))
		return;
	finding = look_add(look, OBSTACLE_HIDDEN,
			   "/proc is mounted with hidepid and does not show process %d",
			   (int)look->pid);
	set_sudo(finding->command, sizeof(finding->command));
	set_capability(finding);
}

static bool ids_are(const unsigned long ids[3], unsigned long id)
{
	return ids[0] == id && ids[1] == id && ids[2] == id;
}

/* In a container it is enough to be who the target is: capabilities of another user there come to
 * nothing, as he has none of those that the container was given. */
static void set_same_user(struct permission_finding *finding, const struct identity *target)
{
	unsigned long user = target->users[1], group = target->groups[1];

	SET(finding->docker, "docker exec --user %lu:%lu CONTAINER sonde ..", user, group);
	SET(finding->compose, "docker compose exec --user %lu:%lu SERVICE sonde ..", user, group);
	SET(finding->kubernetes, "securityContext: {runAsUser: %lu, runAsGroup: %lu}", user, group);
}

static void look_for_user(struct look *look)
{
	const struct identity *self = &look->self, *target = &look->target;
	struct permission_finding *finding;

	if (can_trace_all(self))
		return;
	if (!ids_are(target->users, self->users[0]))
		finding = look_add(look, OBSTACLE_USER,
				   "process %d belongs to user %lu, and sonde runs as user %lu "
				   "without CAP_SYS_PTRACE",
				   (int)look->pid, target->users[1], self->users[0]);
	else if (!ids_are(target->groups, self->groups[0]))
		finding = look_add(look, OBSTACLE_USER,
				   "process %d belongs to group %lu, and sonde runs as group %lu "
				   "without CAP_SYS_PTRACE",
				   (int)look->pid, target->groups[1], self->groups[0]);
	else
		return;
	set_sudo(finding->command, sizeof(finding->command));
	set_same_user(finding, target);
}

/* /proc gives the files of a process that may not be looked at to root: proc(5), "dumpable". */
static void look_for_dumpable(struct look *look)
{
	struct permission_finding *finding;
	struct stat stat_of;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)look->pid);
	if (can_trace_all(&look->self) || stat(path, &stat_of) < 0 ||
	    stat_of.st_uid == look->target.users[1])
		return;
	finding = look_add(look, OBSTACLE_DUMPABLE,
			   "process %d is not dumpable: it is set-user-ID, or it called "
			   "prctl(PR_SET_DUMPABLE, 0)",
			   (int)look->pid);
	set_sudo(finding->command, sizeof(finding->command));
	set_capability(finding);
}

static void look_for_namespace(struct look *look)
{
	const char *own = look->self.user_namespace, *other = look->target.user_namespace;
	struct permission_finding *finding;

	if (!own[0] || strcmp(own, other) == 0 || (!other[0] && !can_trace_all(&look->self)))
		return;
	finding = look_add(look, OBSTACLE_NAMESPACE,
			   "process %d is in a user namespace that is not below that of sonde, or "
			   "belongs to another user",
			   (int)look->pid);
	set_sudo(finding->command, sizeof(finding->command));
	SET(finding->docker, "run sonde on the host, or in the same container");
	SET(finding->compose, "run sonde on the host, or in the same container");
	SET(finding->kubernetes, "run sonde on the node, or in the same container");
}

static void look_for_capabilities(struct look *look)
{
	uint64_t more = look->target.permitted & ~look->self.permitted;
	struct permission_finding *finding;

	if (can_trace_all(&look->self) || !more)
		return;
	finding = look_add(look, OBSTACLE_CAPABILITIES,
			   "process %d has capabilities that sonde lacks (%#" PRIx64 ")",
			   (int)look->pid, more);
	set_sudo(finding->command, sizeof(finding->command));
	set_capability(finding);
}

static bool is_descendant(pid_t pid)
{
	struct identity identity = {.parent = pid};

	for (int i = 0; i < 1000 && identity.parent > 0; i++) {
		if (identity.parent == getpid())
			return true;
		identity_read((pid_t)identity.parent, &identity);
	}
	return false;
}

/* Documentation/admin-guide/LSM/Yama.rst */
static void look_for_yama(struct look *look)
{
	struct permission_finding *finding;
	char text[32];
	long scope;

	if (!permission_read_file("/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text)))
		return;
	scope = strtol(text, NULL, 10);
	if (scope <= 0 || (scope < 3 && can_trace_all(&look->self)) ||
	    (scope == 1 && look->pid > 0 && is_descendant(look->pid)))
		return;
	if (scope >= 3) {
		finding = look_add(look, OBSTACLE_YAMA,
				   "kernel.yama.ptrace_scope is %ld: nobody may look at another "
				   "process, until the machine is started again with less",
				   scope);
		SET(finding->command, "echo kernel.yama.ptrace_scope=0 | sudo tee "
				      "/etc/sysctl.d/99-ptrace.conf && sudo reboot");
		return;
	}
	finding = look_add(look, OBSTACLE_YAMA,
			   "kernel.yama.ptrace_scope is %ld: %s may look at another process", scope,
			   scope == 1 ? "only one that started it, or has CAP_SYS_PTRACE,"
				      : "only one with CAP_SYS_PTRACE");
	SET(finding->command, "sudo sysctl kernel.yama.ptrace_scope=0");
	set_capability(finding);
}

static void look_for_tracer(struct look *look)
{
	struct permission_finding *finding;
	char path[64], name[32];

	if (look->target.tracer <= 0)
		return;
	snprintf(path, sizeof(path), "/proc/%ld/comm", look->target.tracer);
	if (permission_read_file(path, name, sizeof(name)))
		name[strcspn(name, "\n")] = 0;
	finding = look_add(look, OBSTACLE_TRACED,
			   "process %d is traced by process %ld (%s): sonde can read it, but not "
			   "stop it",
			   (int)look->pid, look->target.tracer, name);
	SET(finding->command, "kill %ld", look->target.tracer);
}

/* What is left when nothing else explains it. */
static void look_for_module(struct look *look)
{
	struct permission_finding *finding;
	char modules[128], profile[128];

	if (permission_read_file("/sys/kernel/security/lsm", modules, sizeof(modules)))
		modules[strcspn(modules, "\n")] = 0;
	if (permission_read_file("/proc/self/attr/current", profile, sizeof(profile)))
		profile[strcspn(profile, "\n")] = 0;
	finding = look_add(look, OBSTACLE_LSM,
			   "a security module forbids sonde to look at process %d%s%s%s%s",
			   (int)look->pid, modules[0] ? "; modules: " : "", modules,
			   profile[0] ? "; sonde runs as: " : "", profile);
	SET(finding->docker, "docker run --security-opt apparmor=unconfined ..");
	SET(finding->compose, "security_opt: [apparmor=unconfined]");
	SET(finding->kubernetes, "securityContext: {appArmorProfile: {type: Unconfined}}");
	SET(finding->command, "sudo aa-complain %s", profile[0] ? profile : "PROFILE");
	if (!strstr(modules, "apparmor"))
		finding->command[0] = 0;
}

size_t permission_look(pid_t pid, struct permission_finding *findings, size_t max)
{
	struct look look = {.pid = pid, .findings = findings, .max = max};

	identity_read(getpid(), &look.self);
	if (pid > 0)
		identity_read(pid, &look.target);
	look_for_hidden(&look);
	if (pid <= 0) {
		look_for_yama(&look);
		look_for_seccomp(&look);
		return look.count;
	}
	if (!look.target.known)
		return look.count;
	permission_try(pid, &look.trial);
	if (look.trial.memory && look.trial.file) {
		look_for_user(&look);
		look_for_dumpable(&look);
		look_for_namespace(&look);
		look_for_capabilities(&look);
		look_for_yama(&look);
	}
	look_for_seccomp(&look);
	if (look.trial.memory && look.trial.file && !look.count)
		look_for_module(&look);
	look_for_tracer(&look);
	return look.count;
}

int permission_error(pid_t pid, const char *doing, struct error *err)
{
	struct permission_finding finding;
	const char *way_out;

	if (!permission_look(pid, &finding, 1))
		return error_set(err, ERROR_PERMISSION,
				 "cannot %s %d: Operation not permitted; see: sonde doctor %d",
				 doing, (int)pid, (int)pid);
	switch (container_find()) {
	case CONTAINER_DOCKER:
		way_out = finding.docker;
		break;
	case CONTAINER_KUBERNETES:
		way_out = finding.kubernetes;
		break;
	default:
		way_out = finding.command;
		break;
	}
	if (!way_out[0])
		way_out = finding.command;
	return error_set(err, ERROR_PERMISSION, "cannot %s %d: %s%s%s", doing, (int)pid,
			 finding.what, way_out[0] ? "; do: " : "", way_out);
}
