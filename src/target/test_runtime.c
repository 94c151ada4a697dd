#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/runtime.h"

/* Builds of fake_python.c: the arguments of this test. */
enum {
	EXPORTED,      /* Py_Version too */
	EXPORTED_SYSV, /* with the other hash table, position-dependent */
	NOT_EXPORTED,  /* only in the symbol table of the file */
	STRIPPED,      /* nowhere */
	WITH_TRACE_REFS,
	WITH_DEBUG,
	BUILDS,
};

static char **builds;

struct fake {
	pid_t pid;
	int input, output;
	uint64_t address; /* of its _PyRuntime */
};

static void start(struct fake *fake, char *program, char *how)
{
	char *const arguments[] = {program, how, NULL};
	posix_spawn_file_actions_t actions;
	char line[64] = "";
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	assert_int_equal(posix_spawn(&fake->pid, program, &actions, NULL, arguments, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	fake->input = in[1];
	fake->output = out[0];
	assert_true(read(fake->output, line, sizeof(line) - 1) > 0);
	fake->address = strtoull(line, NULL, 16);
}

static void finish(struct fake *fake)
{
	int status;

	close(fake->input);
	assert_int_equal(waitpid(fake->pid, &status, 0), fake->pid);
	assert_int_equal(status, 0);
	close(fake->output);
}

static int find(const struct fake *fake, struct target_runtime *runtime, bool *retry,
		struct error *err)
{
	struct target *target;
	int status = target_open(fake->pid, &target, err);

	assert_int_equal(status, 0);
	status = target_find_runtime(target, runtime, retry, err);
	target_close(target);
	return status;
}

static void check_found(char *program, bool is_debug_build)
{
	struct target_runtime runtime;
	struct error err = {0};
	struct fake fake;
	bool retry;

	start(&fake, program, "ready");
	if (find(&fake, &runtime, &retry, &err) < 0)
		fail_msg("%s: %s", program, err.message);
	assert_int_equal(runtime.address, fake.address);
	assert_int_equal(runtime.version_hex, 0x030912f0);
	assert_int_equal(runtime.is_debug_build, is_debug_build);
	assert_int_equal(!!(runtime.layout.features & PYABI_DEBUG_BUILD), is_debug_build);
	assert_int_equal(runtime.layout.version_hex, 0x030912f0);
	assert_non_null(strstr(runtime.module, "fake_python"));
	assert_false(retry);
	target_runtime_deinit(&runtime);
	assert_null(runtime.module);
	target_runtime_deinit(NULL);
	finish(&fake);
}

static void check_not_found(char *program, char *how, bool expected_retry, const char *message)
{
	struct target_runtime runtime;
	struct error err = {0};
	struct fake fake;
	bool retry;

	start(&fake, program, how);
	assert_int_equal(find(&fake, &runtime, &retry, &err), -ERROR_UNSUPPORTED);
	if (!strstr(err.message, message))
		fail_msg("%s: %s", program, err.message);
	assert_int_equal(retry, expected_retry);
	assert_null(runtime.module);
	finish(&fake);
}

static void test_found(void **state)
{
	(void)state;
	check_found(builds[EXPORTED], false);
	check_found(builds[EXPORTED_SYSV], false);
	check_found(builds[NOT_EXPORTED], false);
	check_found(builds[STRIPPED], false);
	check_found(builds[WITH_DEBUG], true);
}

static void test_early(void **state)
{
	(void)state;
	for (int i = EXPORTED; i <= NOT_EXPORTED; i++)
		check_not_found(builds[i], "early", true, "has no interpreter yet");
	/* Before the interpreter wrote down its version, too. */
	check_not_found(builds[EXPORTED], "none", true, "has no interpreter yet");
	check_not_found(builds[EXPORTED_SYSV], "none", true, "has no interpreter yet");
	/* Nothing shows that it is a Python: but it is young. */
	check_not_found(builds[STRIPPED], "early", true, "there is no Python");
	check_not_found(builds[STRIPPED], "none", true, "there is no Python");
}

static void test_trace_refs(void **state)
{
	(void)state;
	check_not_found(builds[WITH_TRACE_REFS], "ready", false, "Py_TRACE_REFS");
}

/* What is replaced or removed while it runs is found as well. */
static void test_deleted(void **state)
{
	char folder[] = "/tmp/sonde-runtime-XXXXXX", copy[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (int i = EXPORTED; i < WITH_TRACE_REFS; i++) {
		struct target_runtime runtime;
		struct error err = {0};
		struct fake fake;
		bool retry;
		int status;
		pid_t pid;

		snprintf(copy, sizeof(copy), "%s/fake_python", folder);
		pid = fork();
		if (pid == 0) {
			execlp("cp", "cp", builds[i], copy, NULL);
			_exit(127);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		start(&fake, copy, "ready");
		unlink(copy);
		if (find(&fake, &runtime, &retry, &err) < 0)
			fail_msg("%s: %s", builds[i], err.message);
		assert_int_equal(runtime.address, fake.address);
		target_runtime_deinit(&runtime);
		finish(&fake);
	}
	rmdir(folder);
}

static void test_ended(void **state)
{
	struct target_runtime runtime;
	struct error err = {0};
	struct target *target;
	struct fake fake;
	bool retry;

	(void)state;
	start(&fake, builds[EXPORTED], "ready");
	assert_int_equal(target_open(fake.pid, &target, &err), 0);
	finish(&fake);
	assert_int_equal(target_find_runtime(target, &runtime, &retry, &err), -ERROR_NOT_FOUND);
	assert_false(retry);
	target_close(target);
}

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),      cmocka_unit_test(test_early),
		cmocka_unit_test(test_trace_refs), cmocka_unit_test(test_deleted),
		cmocka_unit_test(test_ended),
	};

	if (count != 1 + BUILDS)
		return 2;
	builds = arguments + 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
