#include "collector/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAUNCH_PRELOAD "LD_PRELOAD"

/* The session's descriptor in the target: out of the way of programs that count theirs. */
#define LAUNCH_FD 700

extern char **environ;

static int launch_failure(const char *program, int errnum, struct error *err)
{
	return error_set_errno(err, errnum == ENOENT ? ERROR_NOT_FOUND : ERROR_NOT_EXECUTABLE,
			       errnum, "cannot run %s", program);
}

static int launch_try(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return errno;
	if (S_ISDIR(status.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

int launch_check(const char *program, struct error *err)
{
	const char *path = getenv("PATH");
	int errnum = ENOENT;

	if (strchr(program, '/')) {
		errnum = launch_try(program);
		return errnum ? launch_failure(program, errnum, err) : 0;
	}
	if (!path)
		path = "/bin:/usr/bin";
	while (*program) {
		size_t length = strcspn(path, ":");
		char file[4096];
		int tried;

		/* An empty part is the current folder. */
		if ((size_t)snprintf(file, sizeof(file), "%.*s%s%s", (int)length, path,
				     length ? "/" : "./", program) < sizeof(file)) {
			tried = launch_try(file);
			if (!tried)
				return 0;
			/* A folder that may not be searched is as good as empty. */
			if (tried == EACCES && access(file, F_OK) == 0)
				errnum = EACCES;
		}
		if (!path[length])
			break;
		path += length + 1;
	}
	return launch_failure(program, errnum, err);
}

/* "NAME=" + value, and behind it ":" + rest if there is a rest. */
static char *launch_variable(const char *name, const char *value, const char *rest)
{
	size_t size = strlen(name) + strlen(value) + (rest ? strlen(rest) : 0) + 3;
	char *text = malloc(size);

	if (text)
		snprintf(text, size, "%s=%s%s%s", name, value, rest && *rest ? ":" : "",
			 rest && *rest ? rest : "");
	return text;
}

static bool launch_is_variable(const char *entry, const char *name)
{
	size_t length = strlen(name);

	return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

/* A copy of the environment with the agent's two variables; the strings before `own` are shared. */
static char **launch_environment(const char *agent, const char *session)
{
	char *preload =
		agent ? launch_variable(LAUNCH_PRELOAD, agent, getenv(LAUNCH_PRELOAD)) : NULL;
	char *shared = launch_variable(WIRE_ENVIRONMENT, session, NULL);
	size_t count = 0, used = 0;
	char **copy;

	while (environ && environ[count])
		count++;
	copy = calloc(count + 3, sizeof(*copy));
	if (!copy || !shared || (agent && !preload)) {
		free(copy);
		free(shared);
		free(preload);
		return NULL;
	}
	copy[used++] = shared;
	if (preload)
		copy[used++] = preload;
	for (size_t i = 0; i < count; i++) {
		if (!launch_is_variable(environ[i], WIRE_ENVIRONMENT) &&
		    !(preload && launch_is_variable(environ[i], LAUNCH_PRELOAD)))
			copy[used++] = environ[i];
	}
	return copy;
}

static void launch_environment_free(char **environment, bool has_agent)
{
	if (!environment)
		return;
	free(environment[0]);
	if (has_agent)
		free(environment[1]);
	free(environment);
}

static _Noreturn void launch_child(const struct launch_options *options, char **environment,
				   const struct signals *signals, int gate, int outcome)
{
	char go;
	int errnum;

	if (read(gate, &go, 1) != 1)
		_exit(0);
	for (int i = 0; options->streams && i <= STDERR_FILENO; i++) {
		if (options->streams[i] >= 0)
			dup2(options->streams[i], i);
	}
	signals_child(signals);
	execvpe(options->argv[0], (char *const *)(uintptr_t)options->argv, environment);
	errnum = errno;
	while (write(outcome, &errnum, sizeof(errnum)) < 0 && errno == EINTR)
		;
	_exit(127);
}

static int launch_pipes(int gate[2], int outcome[2])
{
	if (pipe2(gate, O_CLOEXEC) < 0)
		return -1;
	if (pipe2(outcome, O_CLOEXEC) < 0) {
		close(gate[0]);
		close(gate[1]);
		return -1;
	}
	return 0;
}

static int launch_inherited_fd(const struct session *session)
{
	int fd = fcntl(session->fd, F_DUPFD, LAUNCH_FD);

	return fd < 0 ? dup(session->fd) : fd;
}

static int launch_fork_with(struct launch *launch, const struct launch_options *options,
			    char **environment, const struct signals *signals, struct error *err)
{
	int gate[2], outcome[2];

	if (launch_pipes(gate, outcome) < 0)
		return error_set_errno(err, ERROR_FAILED, errno, "cannot make a pipe");
	launch->pid = fork();
	if (launch->pid == 0) {
		close(gate[1]);
		close(outcome[0]);
		launch_child(options, environment, signals, gate[0], outcome[1]);
	}
	close(gate[0]);
	close(outcome[1]);
	launch->gate = gate[1];
	launch->outcome = outcome[0];
	if (launch->pid < 0) {
		int errnum = errno;

		close(launch->gate);
		close(launch->outcome);
		return error_set_errno(err, ERROR_FAILED, errnum, "cannot start a process");
	}
	return 0;
}

int launch_fork(struct launch *launch, const struct launch_options *options,
		const struct session *session, const struct signals *signals, struct error *err)
{
	char value[SESSION_ENVIRONMENT_BYTES];
	char **environment;
	int inherited, status;

	if (options->agent && strpbrk(options->agent, ": \t\n"))
		return error_set(err, ERROR_UNSUPPORTED,
				 "the path of the agent, %s, must not contain spaces or colons: "
				 "LD_PRELOAD cannot spell them; install sonde elsewhere",
				 options->agent);
	if (!session)
		return launch_fork_with(launch, options, environ, signals, err);
	inherited = launch_inherited_fd(session);
	if (inherited < 0)
		return error_set_errno(err, ERROR_FAILED, errno, "cannot hand on the session");
	session_environment(session, inherited, value);
	environment = launch_environment(options->agent, value);
	status = environment ? launch_fork_with(launch, options, environment, signals, err)
			     : error_set(err, ERROR_FAILED, "out of memory");
	launch_environment_free(environment, options->agent);
	close(inherited);
	return status;
}

static void launch_reap(struct launch *launch)
{
	while (waitpid(launch->pid, NULL, 0) < 0 && errno == EINTR)
		;
	launch->pid = 0;
}

int launch_exec(struct launch *launch, const char *program, struct error *err)
{
	int errnum = 0;
	ssize_t got;

	while (write(launch->gate, "", 1) < 0 && errno == EINTR)
		;
	close(launch->gate);
	do
		got = read(launch->outcome, &errnum, sizeof(errnum));
	while (got < 0 && errno == EINTR);
	close(launch->outcome);
	if (got != sizeof(errnum))
		return 0;
	launch_reap(launch);
	return launch_failure(program, errnum, err);
}

void launch_cancel(struct launch *launch)
{
	close(launch->gate);
	close(launch->outcome);
	launch_reap(launch);
}
