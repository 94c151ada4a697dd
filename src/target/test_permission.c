#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/container.h"
#include "target/permission.h"
#include "target/runtime.h"
#include "target/subject.h"
#include "target/target.h"

/*
 * Each denial is made for real, between a subject and a process that looks at it; both put
 * themselves into their situation first, which takes root.
 */
#define NOBODY 65534

static struct subject_board *board;

/* What the looking process found out. */
struct answer {
	size_t count;
	struct permission_finding findings[PERMISSION_FINDINGS_MAX];
	struct permission_trial trial;
	int open_status, find_status;
	struct error open_error, find_error;
};
static struct answer *answer;

static int begin(void **state)
{
	(void)state;
	board = subject_board_create();
	answer = mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return answer == MAP_FAILED;
}

static int end(void **state)
{
	(void)state;
	if (atomic_load(&board->pid))
		subject_end(atomic_load(&board->pid));
	subject_board_destroy(board);
	munmap(answer, sizeof(*answer));
	return 0;
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

/* Situations. Each is entered by a process for itself; one that is not possible here skips. */
#define NOT_POSSIBLE 77

static void require(bool possible)
{
	if (!possible)
		_exit(NOT_POSSIBLE);
}

static void as_it_is(void) {}

static void become_nobody(void)
{
	require(setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		setresuid(NOBODY, NOBODY, NOBODY) == 0);
	/* As a program that nobody started would be. */
	prctl(PR_SET_DUMPABLE, 1);
}

static void become_nobody_not_dumpable(void)
{
	become_nobody();
	prctl(PR_SET_DUMPABLE, 0);
}

static void set_capabilities(uint64_t permitted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = (uint32_t)permitted, .permitted = (uint32_t)permitted},
		{.effective = (uint32_t)(permitted >> 32),
		 .permitted = (uint32_t)(permitted >> 32)},
	};

	require(syscall(SYS_capset, &header, data) == 0);
}

static void become_nobody_with_a_capability(void)
{
	prctl(PR_SET_KEEPCAPS, 1);
	become_nobody();
	set_capabilities(1ull << CAP_NET_BIND_SERVICE);
	prctl(PR_SET_DUMPABLE, 1);
}

static void root_without_ptrace(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	require(syscall(SYS_capget, &header, data) == 0);
	set_capabilities((data[0].permitted | (uint64_t)data[1].permitted << 32) &
			 ~(1ull << CAP_SYS_PTRACE));
}

static void nobody_in_a_user_namespace(void)
{
	become_nobody();
	require(unshare(CLONE_NEWUSER) == 0);
}

static void forbid(unsigned number)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = filter};

	require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void without_process_vm_readv(void)
{
	forbid(SYS_process_vm_readv);
}

static void without_both(void)
{
	forbid(SYS_process_vm_readv);
	forbid(SYS_ptrace);
}

static void own_mounts(void)
{
	require(unshare(CLONE_NEWNS) == 0 &&
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
}

static void hidden_proc(void)
{
	own_mounts();
	require(mount("proc", "/proc", "proc", 0, "hidepid=2") == 0);
	become_nobody();
}

static void no_proc(void)
{
	own_mounts();
	require(mount("none", "/proc", "tmpfs", 0, NULL) == 0);
}

/* The kernel asks Yama, if it has it; here only its setting is made. */
static void yama(const char *scope)
{
	int fd;

	own_mounts();
	require(mount("none", "/proc/sys/kernel", "tmpfs", 0, NULL) == 0 &&
		mkdir("/proc/sys/kernel/yama", 0755) == 0);
	fd = open("/proc/sys/kernel/yama/ptrace_scope", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	require(fd >= 0 && write(fd, scope, strlen(scope)) == (ssize_t)strlen(scope));
	close(fd);
}

static void yama_1_nobody(void)
{
	yama("1\n");
	become_nobody();
}

static void yama_1_root(void)
{
	yama("1\n");
}

static void yama_2_nobody(void)
{
	yama("2\n");
	become_nobody();
}

static void yama_3_root(void)
{
	yama("3\n");
}

static void (*subject_situation)(void);

static void be_there(struct subject_board *unused)
{
	(void)unused;
	subject_situation();
	atomic_store(&board->ready, true);
	for (;;)
		pause();
}

static void ask(pid_t pid)
{
	struct target *target;
	struct target_runtime runtime;
	bool retry;

	answer->count = permission_look(pid, answer->findings, PERMISSION_FINDINGS_MAX);
	permission_try(pid > 0 ? pid : PERMISSION_STRANGER, &answer->trial);
	if (pid <= 0)
		return;
	answer->open_status = target_open(pid, &target, &answer->open_error);
	if (answer->open_status < 0)
		return;
	answer->find_status = target_find_runtime(target, &runtime, &retry, &answer->find_error);
	target_close(target);
}

/* Looks from one situation at a subject in another; NULL: at processes in general. */
static void look(void (*from)(void), void (*at)(void))
{
	pid_t subject = 0, pid;
	int status;

	memset(answer, 0, sizeof(*answer));
	need_root();
	if (atomic_load(&board->pid))
		subject_end(atomic_load(&board->pid));
	subject_situation = at;
	if (at)
		subject = subject_start(board, false, be_there);
	pid = fork();
	if (pid == 0) {
		from();
		ask(subject);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_POSSIBLE)
		skip();
	assert_int_equal(status, 0);
}

/* What it found of one kind; all empty if it did not. */
static struct permission_finding finding(enum obstacle obstacle)
{
	for (size_t i = 0; i < answer->count; i++)
		if (answer->findings[i].obstacle == obstacle)
			return answer->findings[i];
	return (struct permission_finding){.obstacle = OBSTACLE_NONE};
}

/* The kernel refuses, the first finding says why, and the error for people says it too. */
static void check_denied(enum obstacle obstacle)
{
	const struct permission_finding *first = &answer->findings[0];

	assert_int_not_equal(answer->trial.memory, 0);
	assert_int_not_equal(answer->trial.file, 0);
	assert_int_not_equal(answer->trial.stop, 0);
	assert_true(answer->count > 0);
	assert_int_equal(first->obstacle, obstacle);
	assert_int_equal(answer->find_status, -ERROR_PERMISSION);
	assert_non_null(strstr(answer->find_error.message, first->what));
	assert_non_null(strstr(answer->find_error.message, "; do: "));
	assert_null(strchr(answer->find_error.message, '\n'));
}

static void test_nothing_in_the_way(void **state)
{
	(void)state;
	look(as_it_is, as_it_is);
	assert_int_equal(answer->count, 0);
	assert_int_equal(answer->trial.memory, 0);
	assert_int_equal(answer->trial.file, 0);
	assert_int_equal(answer->trial.maps, 0);
	assert_int_equal(answer->trial.stop, 0);
	assert_int_equal(answer->find_status, -ERROR_UNSUPPORTED);
	look(become_nobody, become_nobody);
	assert_int_equal(answer->count, 0);
	assert_int_equal(answer->trial.memory, 0);
	look(as_it_is, become_nobody_not_dumpable);
	assert_int_equal(answer->count, 0);
	look(as_it_is, nobody_in_a_user_namespace);
	assert_int_equal(answer->count, 0);
}

static void test_user(void **state)
{
	(void)state;
	look(become_nobody, as_it_is);
	check_denied(OBSTACLE_USER);
	assert_non_null(strstr(answer->findings[0].what, "belongs to user 0"));
	assert_non_null(strstr(answer->findings[0].what, "as user 65534"));
	assert_memory_equal(answer->findings[0].command, "sudo ", 5);
	assert_non_null(strstr(answer->findings[0].docker, "docker exec --user 0:0 "));
	assert_non_null(strstr(answer->findings[0].compose, "exec --user 0:0 "));
	assert_non_null(strstr(answer->findings[0].kubernetes, "runAsUser: 0, runAsGroup: 0"));
	look(root_without_ptrace, become_nobody);
	check_denied(OBSTACLE_USER);
	assert_non_null(strstr(answer->findings[0].what, "without CAP_SYS_PTRACE"));
	assert_non_null(strstr(answer->findings[0].docker, "--user 65534:65534 "));
}

static void test_capabilities(void **state)
{
	(void)state;
	look(root_without_ptrace, as_it_is);
	check_denied(OBSTACLE_CAPABILITIES);
	look(become_nobody, become_nobody_with_a_capability);
	check_denied(OBSTACLE_CAPABILITIES);
	assert_non_null(strstr(answer->findings[0].what, "(0x400)"));
}

static void test_dumpable(void **state)
{
	(void)state;
	look(become_nobody, become_nobody_not_dumpable);
	check_denied(OBSTACLE_DUMPABLE);
}

static void test_namespace(void **state)
{
	(void)state;
	look(nobody_in_a_user_namespace, become_nobody);
	check_denied(OBSTACLE_NAMESPACE);
}

static void test_seccomp(void **state)
{
	(void)state;
	look(without_process_vm_readv, as_it_is);
	assert_int_equal(answer->count, 1);
	assert_int_equal(answer->findings[0].obstacle, OBSTACLE_SECCOMP);
	assert_int_equal(answer->trial.memory, EPERM);
	/* There is another way. */
	assert_int_equal(answer->trial.file, 0);
	assert_int_equal(answer->trial.stop, 0);
	assert_int_equal(answer->find_status, -ERROR_UNSUPPORTED);
	look(without_both, as_it_is);
	assert_int_equal(answer->count, 1);
	assert_int_equal(answer->findings[0].obstacle, OBSTACLE_SECCOMP);
	assert_non_null(strstr(answer->findings[0].what, "process_vm_readv and ptrace"));
	assert_int_equal(answer->trial.stop, EPERM);
	look(without_both, NULL);
	assert_int_equal(finding(OBSTACLE_SECCOMP).obstacle, OBSTACLE_SECCOMP);
}

static void test_hidden(void **state)
{
	(void)state;
	look(hidden_proc, as_it_is);
	assert_int_equal(answer->count, 1);
	assert_int_equal(answer->findings[0].obstacle, OBSTACLE_HIDDEN);
	assert_int_equal(answer->open_status, -ERROR_PERMISSION);
	assert_non_null(strstr(answer->open_error.message, "hidepid"));
	look(no_proc, as_it_is);
	assert_int_equal(answer->count, 1);
	assert_int_equal(answer->findings[0].obstacle, OBSTACLE_HIDDEN);
	assert_int_equal(answer->open_status, -ERROR_UNSUPPORTED);
	assert_non_null(strstr(answer->open_error.message, "/proc is not mounted"));
}

static void test_yama(void **state)
{
	(void)state;
	look(yama_1_nobody, NULL);
	assert_int_equal(finding(OBSTACLE_YAMA).obstacle, OBSTACLE_YAMA);
	assert_string_equal(finding(OBSTACLE_YAMA).command,
			    "sudo sysctl kernel.yama.ptrace_scope=0");
	assert_non_null(strstr(finding(OBSTACLE_YAMA).what, "kernel.yama.ptrace_scope is 1"));
	look(yama_2_nobody, NULL);
	assert_non_null(strstr(finding(OBSTACLE_YAMA).what, "kernel.yama.ptrace_scope is 2"));
	look(yama_1_root, NULL);
	assert_int_equal(finding(OBSTACLE_YAMA).obstacle, OBSTACLE_NONE);
	look(yama_3_root, NULL);
	assert_non_null(strstr(finding(OBSTACLE_YAMA).what, "started again"));
}

static void test_traced(void **state)
{
	pid_t tracer;

	(void)state;
	need_root();
	subject_situation = as_it_is;
	subject_start(board, false, be_there);
	tracer = fork();
	if (tracer == 0) {
		ptrace(PTRACE_SEIZE, atomic_load(&board->pid), NULL, NULL);
		atomic_store(&board->go, true);
		for (;;)
			pause();
	}
	assert_true(subject_wait(&board->go));
	ask(atomic_load(&board->pid));
	assert_int_equal(answer->count, 1);
	assert_int_equal(answer->findings[0].obstacle, OBSTACLE_TRACED);
	assert_int_equal(answer->trial.memory, 0);
	assert_int_equal(answer->trial.stop, EBUSY);
	assert_int_equal(answer->find_status, -ERROR_UNSUPPORTED);
	kill(tracer, SIGKILL);
	waitpid(tracer, NULL, 0);
}

static void test_few_findings_wanted(void **state)
{
	struct permission_finding one = {.obstacle = OBSTACLE_END};
	int status;
	pid_t pid;

	(void)state;
	need_root();
	subject_situation = become_nobody_not_dumpable;
	subject_start(board, false, be_there);
	pid = fork();
	if (pid == 0) {
		root_without_ptrace();
		forbid(SYS_ptrace);
		require(permission_look(atomic_load(&board->pid), NULL, 0) == 0);
		require(permission_look(atomic_load(&board->pid), &one, 1) == 1);
		_exit(one.obstacle == OBSTACLE_USER ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < OBSTACLE_END; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(obstacle_name((enum obstacle)i),
						obstacle_name((enum obstacle)j));
	assert_string_equal(obstacle_name(OBSTACLE_END), "unknown");
}

static void test_containers(void **state)
{
	(void)state;
	assert_int_equal(container_parse_cgroup("0::/\n"), CONTAINER_NONE);
	assert_int_equal(container_parse_cgroup("0::/user.slice/user-1000.slice\n"),
			 CONTAINER_NONE);
	assert_int_equal(container_parse_cgroup("12:cpu:/docker/0123abcd\n"), CONTAINER_DOCKER);
	assert_int_equal(container_parse_cgroup("0::/system.slice/docker-0123.scope\n"),
			 CONTAINER_DOCKER);
	assert_int_equal(container_parse_cgroup("0::/machine.slice/libpod-0123.scope\n"),
			 CONTAINER_DOCKER);
	assert_int_equal(container_parse_cgroup("1:name=systemd:/kubepods/besteffort/pod1/2\n"),
			 CONTAINER_KUBERNETES);
	assert_int_equal(container_parse_cgroup("0::/lxc/box\n"), CONTAINER_OTHER);
	assert_int_equal(container_parse_cgroup(""), CONTAINER_NONE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_in_the_way),
		TEST(test_user),
		TEST(test_capabilities),
		TEST(test_dumpable),
		TEST(test_namespace),
		TEST(test_seccomp),
		TEST(test_hidden),
		TEST(test_yama),
		TEST(test_traced),
		TEST(test_few_findings_wanted),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_containers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
