#include "target/subject.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "target/proc.h"

struct subject_board *subject_board_create(void)
{
	void *board = mmap(NULL, sizeof(struct subject_board), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (board == MAP_FAILED)
		abort();
	return board;
}

void subject_board_destroy(struct subject_board *board)
{
	munmap(board, sizeof(*board));
}

void subject_sleep_ms(unsigned ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	while (nanosleep(&time, &time) < 0 && errno == EINTR)
		;
}

bool subject_wait(const _Atomic bool *flag)
{
	for (int i = 0; i < 10000 && !atomic_load(flag); i++)
		subject_sleep_ms(1);
	return atomic_load(flag);
}

static void subject_run(struct subject_board *board, pid_t test,
			void (*body)(struct subject_board *))
{
	/* Whatever becomes of the test. */
	alarm(120);
	if (getppid() == test)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	atomic_store(&board->pid, getpid());
	body(board);
	_exit(0);
}

pid_t subject_start(struct subject_board *board, bool is_child,
		    void (*body)(struct subject_board *))
{
	pid_t test = getpid(), pid;

	fflush(NULL);
	atomic_store(&board->ready, false);
	pid = fork();
	if (pid == 0) {
		if (!is_child && fork() > 0)
			_exit(0);
		subject_run(board, test, body);
	}
	if (!is_child)
		waitpid(pid, NULL, 0);
	if (pid < 0 || !subject_wait(&board->ready))
		abort();
	return atomic_load(&board->pid);
}

void subject_end(pid_t pid)
{
	struct pollfd ended = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

	if (ended.fd < 0)
		return;
	kill(pid, SIGKILL);
	poll(&ended, 1, 10000);
	close(ended.fd);
	waitpid(pid, NULL, WNOHANG);
}

static bool subject_read(pid_t tid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = proc_read_fd(fd, text, size);
	close(fd);
	return length > 0;
}

char subject_state(pid_t tid)
{
	const char *state;
	char text[8192];

	if (!subject_read(tid, "status", text, sizeof(text)))
		return 0;
	state = proc_status_value(text, "State:");
	return state ? *state : 0;
}

pid_t subject_tracer(pid_t tid)
{
	const char *tracer;
	char text[8192];

	if (!subject_read(tid, "status", text, sizeof(text)))
		return 0;
	tracer = proc_status_value(text, "TracerPid:");
	return tracer ? (pid_t)strtol(tracer, NULL, 10) : 0;
}
