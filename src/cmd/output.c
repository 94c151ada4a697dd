#include "cmd/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file to remove when a signal ends sonde: one output is open at a time. */
static const char *volatile pending;

static const int fatal_signals[] = {SIGINT, SIGTERM, SIGHUP};

static void remove_pending(int number)
{
	if (pending)
		unlink(pending);
	signal(number, SIG_DFL);
	raise(number);
}

static void guard_pending(const char *temporary)
{
	struct sigaction action = {.sa_handler = remove_pending};
	struct sigaction old;

	pending = temporary;
	/* A file-size limit shall be an error, not the end. */
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < sizeof(fatal_signals) / sizeof(*fatal_signals); i++)
		if (sigaction(fatal_signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(fatal_signals[i], &action, NULL);
}

static bool is_stdout(const char *path)
{
	return !path || strcmp(path, "-") == 0;
}

static int refuse_existing(const char *path, struct error *err)
{
	return error_set(err, ERROR_USAGE,
			 "%s exists; --force overwrites it, -o FILE chooses another name", path);
}

int output_check(const char *path, bool force, struct error *err)
{
	struct stat st;

	if (is_stdout(path))
		return 0;
	if (!*path)
		return error_set(err, ERROR_USAGE, "-o needs the name of a file");
	if (stat(path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		return error_set_errno(err, ERROR_USAGE, errno, "cannot write %s", path);
	}
	if (S_ISDIR(st.st_mode))
		return error_set(err, ERROR_USAGE, "%s is a directory; name a file in it", path);
	if (S_ISREG(st.st_mode) && !force)
		return refuse_existing(path, err);
	return 0;
}

static void release(struct output *output)
{
	pending = NULL;
	free(output->path);
	free(output->final);
	free(output->temporary);
	memset(output, 0, sizeof(*output));
}

/* Beside the final name, so that renaming stays within one file system. */
static char *temporary_name(const char *final)
{
	const char *slash = strrchr(final, '/');
	int folder_bytes = slash ? (int)(slash - final) + 1 : 0;
	char *name = NULL;

	if (asprintf(&name, "%.*s.sonde-XXXXXX", folder_bytes, final) < 0)
		abort();
	return name;
}

static int open_temporary(struct output *output, struct error *err)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	output->temporary = temporary_name(output->final);
	fd = mkostemp(output->temporary, O_CLOEXEC);
	if (fd < 0) {
		error_set_errno(err, ERROR_FAILED, errno, "cannot write %s", output->path);
		free(output->temporary);
		output->temporary = NULL;
		return -1;
	}
	guard_pending(output->temporary);
	fchmod(fd, 0666 & ~mask);
	return fd;
}

int output_open(const char *path, bool force, struct output *output, struct error *err)
{
	struct stat st;
	int status, fd;

	memset(output, 0, sizeof(*output));
	status = output_check(path, force, err);
	if (status < 0)
		return status;
	if (is_stdout(path)) {
		output->stream = stdout;
		return 0;
	}
	output->force = force;
	output->path = strdup(path);
	output->final = realpath(path, NULL);
	if (!output->final)
		output->final = strdup(path);
	if (!output->path || !output->final)
		abort();
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			error_set_errno(err, ERROR_FAILED, errno, "cannot write %s", path);
	} else {
		fd = open_temporary(output, err);
	}
	output->stream = fd < 0 ? NULL : fdopen(fd, "w");
	if (!output->stream) {
		release(output);
		return -ERROR_FAILED;
	}
	return 0;
}

/* 0, or -1 with errno. */
static int put_in_place(const struct output *output)
{
	struct stat st;

	if (output->force)
		return rename(output->temporary, output->final);
	if (renameat2(AT_FDCWD, output->temporary, AT_FDCWD, output->final, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* A file system without it. */
	if (lstat(output->final, &st) == 0) {
		errno = EEXIST;
		return -1;
	}
	return rename(output->temporary, output->final);
}

int output_commit(struct output *output, struct error *err)
{
	int status = 0;

	if (output->stream == stdout) {
		release(output);
		return 0; /* main flushes it, and knows what a closed pipe means */
	}
	if (fflush(output->stream) != 0 || ferror(output->stream)) {
		error_set_errno(err, ERROR_FAILED, errno, "cannot write %s", output->path);
		output_abandon(output);
		return -ERROR_FAILED;
	}
	if (fclose(output->stream) != 0)
		status = error_set_errno(err, ERROR_FAILED, errno, "cannot write %s", output->path);
	else if (output->temporary && put_in_place(output) < 0)
		status = errno == EEXIST ? refuse_existing(output->path, err)
					 : error_set_errno(err, ERROR_FAILED, errno,
							   "cannot write %s", output->path);
	if (status < 0 && output->temporary)
		unlink(output->temporary);
	release(output);
	return status;
}

void output_abandon(struct output *output)
{
	if (output->stream && output->stream != stdout)
		fclose(output->stream);
	if (output->temporary)
		unlink(output->temporary);
	release(output);
}
