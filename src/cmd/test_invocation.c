#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/invocation.h"
#include "cmd/test_folder.h"

static void put(const char *name, mode_t mode)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	fputs("#!/bin/sh\n", file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(name, mode), 0);
}

/* bin/ and later/ with programs, and a few scripts beside them. */
static int set_up(void **state)
{
	if (folder_enter(state) < 0)
		return -1;
	mkdir("bin", 0777);
	mkdir("later", 0777);
	mkdir("app", 0777);
	mkdir("bin/python3", 0777); /* a folder of that name is no program */
	put("bin/python", 0755);
	put("later/python3", 0755);
	put("later/tool", 0755);
	put("main.py", 0644);
	return 0;
}

static struct invocation target;
static struct error err;

static int create(struct invocation_choice choice, char **arguments)
{
	memset(&err, 0, sizeof(err));
	choice.arguments = arguments;
	return invocation_create(&choice, &target, &err);
}

#define CREATE(choice, ...) create(choice, (char *[]){__VA_ARGS__, NULL})
#define PLAIN               ((struct invocation_choice){0})

static void assert_argv(int count, ...)
{
	va_list args;

	va_start(args, count);
	for (int i = 0; i < count; i++)
		assert_string_equal(target.argv[i], va_arg(args, const char *));
	va_end(args);
	assert_null(target.argv[count]);
}

static void test_script(void **state)
{
	char expected[256];

	(void)state;
	setenv("PATH", "bin:later", 1);
	assert_int_equal(CREATE(PLAIN, "./main.py", "--x", "a b", ""), 0);
	assert_int_equal(target.kind, INVOCATION_SCRIPT);
	assert_argv(5, "python3", "./main.py", "--x", "a b", "");
	assert_string_equal(target.label, "./main.py");
	invocation_deinit(&target);
	assert_null(target.argv);

	snprintf(expected, sizeof(expected), "%s/main.py", folder);
	assert_int_equal(CREATE(PLAIN, expected), 0);
	assert_string_equal(target.label, expected);
	invocation_deinit(&target);

	/* A folder with a __main__ is Python's affair. */
	assert_int_equal(CREATE(PLAIN, "app"), 0);
	assert_int_equal(target.kind, INVOCATION_SCRIPT);
	invocation_deinit(&target);

	assert_int_equal(CREATE(PLAIN, "-", "x"), 0);
	assert_int_equal(target.kind, INVOCATION_STDIN);
	assert_argv(3, "python3", "-", "x");
	invocation_deinit(&target);
}

static void test_module_and_code(void **state)
{
	char *none[] = {NULL};

	(void)state;
	setenv("PATH", "bin:later", 1);
	assert_int_equal(CREATE(((struct invocation_choice){.module = "http.server"}), "8000"), 0);
	assert_int_equal(target.kind, INVOCATION_MODULE);
	assert_argv(4, "python3", "-m", "http.server", "8000");
	assert_string_equal(target.label, "http.server");
	invocation_deinit(&target);

	assert_int_equal(create((struct invocation_choice){.code = ""}, none), 0);
	assert_int_equal(target.kind, INVOCATION_CODE);
	assert_argv(3, "python3", "-c", "");
	invocation_deinit(&target);
}

static void test_python(void **state)
{
	(void)state;
	setenv("PATH", "bin", 1);
	assert_int_equal(CREATE(PLAIN, "main.py"), 0);
	assert_argv(2, "python", "main.py");
	invocation_deinit(&target);

	assert_int_equal(CREATE(((struct invocation_choice){.python = "later/python3"}), "main.py"),
			 0);
	assert_argv(2, "later/python3", "main.py");
	invocation_deinit(&target);

	assert_int_equal(CREATE(((struct invocation_choice){.python = "python"}), "main.py"), 0);
	invocation_deinit(&target);

	assert_int_equal(CREATE(((struct invocation_choice){.python = "app"}), "main.py"),
			 -ERROR_NOT_EXECUTABLE);
	assert_non_null(strstr(err.message, "app/bin/python"));
	assert_null(target.argv);

	setenv("PATH", "app", 1);
	assert_int_equal(CREATE(PLAIN, "main.py"), -ERROR_NOT_FOUND);
	assert_non_null(strstr(err.message, "--python PATH"));
}

static void test_command(void **state)
{
	const struct invocation_choice choice = {.command = true};

	(void)state;
	setenv("PATH", "bin:later", 1);
	assert_int_equal(CREATE(choice, "tool", "--", "-x"), 0);
	assert_int_equal(target.kind, INVOCATION_COMMAND);
	assert_argv(3, "tool", "--", "-x");
	assert_string_equal(target.label, "tool");
	invocation_deinit(&target);

	assert_int_equal(CREATE(choice, "nothing"), -ERROR_NOT_FOUND);
	assert_int_equal(CREATE(choice, "./main.py"), -ERROR_NOT_EXECUTABLE);
	assert_int_equal(
		CREATE(((struct invocation_choice){.command = true, .python = "python3"}), "tool"),
		-ERROR_USAGE);
}

static void test_mistakes(void **state)
{
	char *none[] = {NULL};

	(void)state;
	setenv("PATH", "bin:later", 1);
	assert_int_equal(create(PLAIN, none), -ERROR_USAGE);
	assert_non_null(strstr(err.message, "there is nothing to run"));
	assert_int_equal(CREATE(PLAIN, "absent.py"), -ERROR_USAGE);
	assert_non_null(strstr(err.message, "absent.py: No such file"));
	assert_int_equal(CREATE(PLAIN, "tool"), -ERROR_USAGE);
	assert_non_null(strstr(err.message, "sonde run -- tool"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_script),   cmocka_unit_test(test_module_and_code),
		cmocka_unit_test(test_python),   cmocka_unit_test(test_command),
		cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, set_up, folder_leave);
}
