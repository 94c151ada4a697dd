#include "pyabi/builtins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct pyabi_builtins nothing;

static uint32_t version(unsigned minor, unsigned level)
{
	return 3u << 24 | minor << 16 | level << 4;
}

static void test_versions(void **state)
{
	struct pyabi_builtins builtins;

	(void)state;
	for (unsigned minor = 8; minor <= 15; minor++) {
		assert_int_equal(pyabi_builtins_init(version(minor, 0xf), false, &builtins), 0);
		assert_int_equal(builtins.module_dict, 16);
		assert_int_equal(builtins.method_self, 24);
		assert_int_equal(pyabi_builtins_init(version(minor, 0xa), false, &builtins), -1);
		assert_memory_equal(&builtins, &nothing, sizeof(builtins));
	}
	assert_int_equal(pyabi_builtins_init(version(7, 0xf), false, &builtins), -1);
	assert_int_equal(pyabi_builtins_init(version(16, 0xf), false, &builtins), -1);
}

/* A free-threaded build has a head of 32 bytes, not 16. */
static void test_free_threaded(void **state)
{
	struct pyabi_builtins locked, unlocked;

	(void)state;
	for (unsigned minor = 13; minor <= 15; minor++) {
		assert_int_equal(pyabi_builtins_init(version(minor, 0xf), false, &locked), 0);
		assert_int_equal(pyabi_builtins_init(version(minor, 0xf), true, &unlocked), 0);
		assert_int_equal(unlocked.module_dict, locked.module_dict + 16);
		assert_int_equal(unlocked.function_qualname, locked.function_qualname + 16);
		assert_int_equal(unlocked.type_dict, locked.type_dict + 16);
		assert_int_equal(unlocked.values_size, locked.values_size);
	}
}

static void test_order_of_values(void **state)
{
	struct pyabi_builtins builtins;

	(void)state;
	for (unsigned minor = 8; minor <= 15; minor++) {
		assert_int_equal(pyabi_builtins_init(version(minor, 0xf), false, &builtins), 0);
		assert_true((builtins.values_size != PYABI_NONE) == (minor >= 13));
		assert_true((builtins.values_size_before != PYABI_NONE) ==
			    (minor == 11 || minor == 12));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_free_threaded),
		cmocka_unit_test(test_order_of_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
