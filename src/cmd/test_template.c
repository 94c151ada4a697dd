#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/template.h"

static void assert_expands(const char *text, const char *expected)
{
	struct error err = {0};
	char *name;

	assert_int_equal(template_check(text, &err), 0);
	/* 2025-01-31 23:59:58 UTC */
	name = template_expand(text, 4711, "build:7/a", 1738367998);
	assert_string_equal(name, expected);
	free(name);
}

static void test_places(void **state)
{
	(void)state;
	assert_expands("app.sonde", "app.sonde");
	assert_expands("", "");
	assert_expands("a.%p.sonde", "a.4711.sonde");
	assert_expands("%p%p", "47114711");
	assert_expands("/tmp/%h/%t.sonde", "/tmp/build_7_a/20250131-235958.sonde");
	assert_expands("100%%p", "100%p");
	assert_expands("%%%p", "%4711");
}

static void assert_refused(const char *text, const char *message)
{
	struct error err = {0};

	assert_int_equal(template_check(text, &err), -ERROR_USAGE);
	assert_non_null(strstr(err.message, message));
}

static void test_unknown_places(void **state)
{
	(void)state;
	assert_refused("a.%x", "%x in 'a.%x' is not known: %p is");
	assert_refused("a%", "write %% for");
	assert_refused("%p%", "write %% for");
	assert_refused("%%%", "write %% for");
	assert_refused("% p", "% ");
}

static void test_needs_pid(void **state)
{
	(void)state;
	assert_true(template_needs_pid("%p"));
	assert_true(template_needs_pid("%h%p"));
	assert_true(template_needs_pid("%%%p"));
	assert_false(template_needs_pid("%%p"));
	assert_false(template_needs_pid("plain"));
	assert_false(template_needs_pid("%"));
	assert_false(template_needs_pid("%t"));
}

static void assert_default(const char *label, const char *expected)
{
	char *name = template_default(label);
	struct error err;

	assert_string_equal(name, expected);
	assert_int_equal(template_check(name, &err), 0);
	free(name);
}

static void test_default(void **state)
{
	char label[300], *name;

	(void)state;
	assert_default("app.py", "sonde-app.py.%p.sonde");
	assert_default("../src/app.py", "sonde-app.py.%p.sonde");
	assert_default("package.module", "sonde-package.module.%p.sonde");
	assert_default("dir/", "sonde-dir.%p.sonde");
	assert_default("a/dir//", "sonde-dir.%p.sonde");
	assert_default("/", "sonde-_.%p.sonde");
	assert_default("my app:50%p\n.py", "sonde-my_app_50_p_.py.%p.sonde");
	assert_default("\xc3\xa9.py", "sonde-\xc3\xa9.py.%p.sonde");
	memset(label, 'x', sizeof(label));
	label[sizeof(label) - 1] = '\0';
	name = template_default(label);
	assert_in_range(strlen(name), 100, 150);
	free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_unknown_places),
		cmocka_unit_test(test_needs_pid),
		cmocka_unit_test(test_default),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
