"""A program that is killed for system calls that it has no use for: what it allocates under such a filter is recorded,
also when it has to wait for room."""

ONE_PYTHON = True
THREADS, TIMES = 3, 2000000
SOURCE = r"""
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#define KILL(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), \
		   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
static void *volatile block;
static void *allocate(void *kept)
{
	for (long i = 0; i < TIMES; i++) {
		void *own = malloc(100);
		block = own;
		free(own);
	}
	return kept;
}
int main(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		KILL(SYS_nanosleep), KILL(SYS_clock_nanosleep), KILL(SYS_clock_gettime), KILL(SYS_getpid),
		KILL(SYS_getppid), KILL(SYS_kill), KILL(SYS_readlinkat), KILL(SYS_pread64), KILL(SYS_close),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
	pthread_t threads[THREADS];
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(77);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, allocate, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(3);
}
"""


def scenario(lab):
    program = lab.path("program")
    if not lab.compile(lab.write("program.c", SOURCE), program, "-pthread", f"-DTHREADS={THREADS}", f"-DTIMES={TIMES}"):
        raise lab.Skip("no compiler")
    if lab.execute([program])[0] != 3:
        raise lab.Skip("no filters of system calls here")
    run = lab.record([program], command=True, status=3)
    lab.equal(run.errors, b"", "errors")
    rows = [row for row in run.rows("total") if row.allocator == "malloc"]
    lab.equal([(row.bytes, row.count) for row in rows], [(100 * THREADS * TIMES, THREADS * TIMES)], "the blocks")
