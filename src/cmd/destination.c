#include "cmd/destination.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file to remove when a signal ends sonde: one destination is open at a time. */
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

int destination_check(const char *path, bool force, struct error *err)
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

static void release(struct destination *destination)
{
	pending = NULL;
	free(destination->path);
	free(destination->final);
	free(destination->temporary);
	memset(destination, 0, sizeof(*destination));
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

static int open_temporary(struct destination *destination, struct error *err)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	destination->temporary = temporary_name(destination->final);
	fd = mkostemp(destination->temporary, O_CLOEXEC);
	if (fd < 0) {
		error_set_errno(err, ERROR_FAILED, errno, "cannot write %s", destination->path);
		free(destination->temporary);
		destination->temporary = NULL;
		return -1;
	}
	guard_pending(destination->temporary);
	fchmod(fd, 0666 & ~mask);
	return fd;
}

int destination_open(const char *path, bool force, struct destination *destination,
		     struct error *err)
{
	struct stat st;
	int status, fd;

	memset(destination, 0, sizeof(*destination));
	status = destination_check(path, force, err);
	if (status < 0)
		return status;
	if (is_stdout(path)) {
		destination->stream = stdout;
		return 0;
	}
	destination->force = force;
	destination->path = strdup(path);
	destination->final = realpath(path, NULL);
	if (!destination->final)
		destination->final = strdup(path);
	if (!destination->path || !destination->final)
		abort();
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			error_set_errno(err, ERROR_FAILED, errno, "cannot write %s", path);
	} else {
		fd = open_temporary(destination, err);
	}
	destination->stream = fd < 0 ? NULL : fdopen(fd, "w");
	if (!destination->stream) {
		release(destination);
		return -ERROR_FAILED;
	}
	return 0;
}

/* 0, or -1 with errno. */
static int put_in_place(const struct destination *destination)
{
	struct stat st;

	if (destination->force)
		return rename(destination->temporary, destination->final);
	if (renameat2(AT_FDCWD, destination->temporary, AT_FDCWD, destination->final,
		      RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* A file system without it. */
	if (lstat(destination->final, &st) == 0) {
		errno = EEXIST;
		return -1;
	}
	return rename(destination->temporary, destination->final);
}

int destination_commit(struct destination *destination, struct error *err)
{
	int status = 0;

	if (destination->stream == stdout) {
		release(destination);
		return 0; /* main flushes it, and knows what a closed pipe means */
	}
	if (fflush(destination->stream) != 0 || ferror(destination->stream)) {
		error_set_errno(err, ERROR_FAILED, errno, "cannot write %s", destination->path);
		destination_abandon(destination);
		return -ERROR_FAILED;
	}
	if (fclose(destination->stream) != 0)
		status = error_set_errno(err, ERROR_FAILED, errno, "cannot write %s",
					 destination->path);
	else if (destination->temporary && put_in_place(destination) < 0)
		status = errno == EEXIST ? refuse_existing(destination->path, err)
					 : error_set_errno(err, ERROR_FAILED, errno,
							   "cannot write %s", destination->path);
	if (status < 0 && destination->temporary)
		unlink(destination->temporary);
	release(destination);
	return status;
}

void destination_abandon(struct destination *destination)
{
	if (destination->stream && destination->stream != stdout)
		fclose(destination->stream);
	if (destination->temporary)
		unlink(destination->temporary);
	release(destination);
}
