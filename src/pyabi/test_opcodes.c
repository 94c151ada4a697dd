#include "pyabi/opcodes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The opcodes are those of the headers that the tables are made from. */
struct calling_case {
	const char *what;
	uint32_t version_hex;
	uint8_t units[12];
	size_t unit;
	enum pyabi_called called;
	enum pyabi_calling expected;
};

static const struct calling_case cases[] = {
	/* 3.11: PRECALL 166, CALL 171 with 4 caches, CALL_PY_EXACT_ARGS 23, LOAD_FAST 124 */
	{"3.11, at CALL itself",
	 0x030b07f0,
	 {124, 166, 0, 171},
	 3,
	 PYABI_CALLED_PUSHED,
	 PYABI_CALLING_NOT},
	{"3.11, behind CALL",
	 0x030b07f0,
	 {124, 166, 0, 171},
	 7,
	 PYABI_CALLED_PUSHED,
	 PYABI_CALLING},
	{"3.11, behind a specialized one",
	 0x030b07f0,
	 {124, 166, 0, 23},
	 7,
	 PYABI_CALLED_PUSHED,
	 PYABI_CALLING},
	{"3.11, between its caches",
	 0x030b07f0,
	 {124, 166, 0, 171},
	 6,
	 PYABI_CALLED_PUSHED,
	 PYABI_CALLING_NOT},
	{"3.11, by way of C", 0x030b07f0, {124, 166, 0, 171}, 3, PYABI_CALLED_BY_C, PYABI_CALLING},
	{"3.11, a local", 0x030b07f0, {124, 166, 0, 171}, 0, PYABI_CALLED_BY_C, PYABI_CALLING_NOT},
	/* 3.12: CALL 171 with 3, LOAD_ATTR 106 and LOAD_ATTR_PROPERTY 77 with 9, CALL_FUNCTION_EX
	 * 142 with none, INSTRUMENTED_LINE 254 */
	{"3.12, behind CALL", 0x030c01f0, {171}, 3, PYABI_CALLED_PUSHED, PYABI_CALLING},
	{"3.12, a property", 0x030c01f0, {77}, 9, PYABI_CALLED_PUSHED, PYABI_CALLING},
	{"3.12, an attribute",
	 0x030c01f0,
	 {106},
	 9,
	 PYABI_CALLED_PUSHED,
	 PYABI_CALLING_SPECIALIZED},
	{"3.12, a call with stars",
	 0x030c01f0,
	 {124, 142},
	 1,
	 PYABI_CALLED_PUSHED,
	 PYABI_CALLING_GENERIC},
	{"3.12, watched line by line", 0x030c01f0, {254}, 3, PYABI_CALLED_PUSHED, PYABI_CALLING},
	/* 3.13: CALL 53, CALL_PY_EXACT_ARGS 177, CALL_BUILTIN_FAST 166, LOAD_FAST 85, POP_TOP 32 */
	{"3.13, CALL", 0x030d00f0, {53}, 0, PYABI_CALLED_PUSHED, PYABI_CALLING_GENERIC},
	{"3.13, a function", 0x030d00f0, {85, 177}, 1, PYABI_CALLED_PUSHED, PYABI_CALLING},
	{"3.13, a function of C",
	 0x030d00f0,
	 {85, 166},
	 1,
	 PYABI_CALLED_PUSHED,
	 PYABI_CALLING_SPECIALIZED},
	{"3.13, from a function of C", 0x030d00f0, {85, 166}, 1, PYABI_CALLED_BY_C, PYABI_CALLING},
	{"3.13, a local", 0x030d00f0, {85, 166}, 0, PYABI_CALLED_PUSHED, PYABI_CALLING_NOT},
	{"3.13, a destructor", 0x030d00f0, {32}, 0, PYABI_CALLED_BY_C, PYABI_CALLING},
	{"3.13, nothing to push", 0x030d00f0, {32}, 0, PYABI_CALLED_PUSHED, PYABI_CALLING_NOT},
	/* 3.14: CALL 52, CALL_NON_PY_GENERAL 160; 3.15: CALL 50, SEND_GEN 203 */
	{"3.14, CALL", 0x030e00f0, {52}, 0, PYABI_CALLED_PUSHED, PYABI_CALLING_GENERIC},
	{"3.14, not of Python",
	 0x030e00f0,
	 {160},
	 0,
	 PYABI_CALLED_PUSHED,
	 PYABI_CALLING_SPECIALIZED},
	{"3.15, CALL", 0x030f00f0, {50}, 0, PYABI_CALLED_PUSHED, PYABI_CALLING_GENERIC},
	{"3.15, a generator", 0x030f00f0, {203}, 0, PYABI_CALLED_RESUMED, PYABI_CALLING},
	{"3.15, a function at one", 0x030f00f0, {203}, 0, PYABI_CALLED_PUSHED, PYABI_CALLING_NOT},
	{"3.15, a generator at CALL", 0x030f00f0, {50}, 0, PYABI_CALLED_RESUMED, PYABI_CALLING_NOT},
};

static void test_calling(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct calling_case *each = &cases[i];
		uint8_t bytecode[2 * sizeof(each->units)] = {0};
		const struct pyabi_opcodes *opcodes = pyabi_opcodes_of(each->version_hex);

		for (size_t unit = 0; unit < sizeof(each->units); unit++)
			bytecode[2 * unit] = each->units[unit];
		assert_non_null(opcodes);
		if (pyabi_calling(opcodes, bytecode, each->unit, each->called) != each->expected)
			fail_msg("%s: %d, not %d", each->what,
				 pyabi_calling(opcodes, bytecode, each->unit, each->called),
				 each->expected);
	}
}

static void test_versions(void **state)
{
	(void)state;
	for (uint32_t minor = 11; minor <= 15; minor++)
		assert_int_equal(pyabi_opcodes_of(0x030000f0 | minor << 16)->minor, minor);
	assert_null(pyabi_opcodes_of(0x030a00f0));
	assert_null(pyabi_opcodes_of(0x031000f0));
	assert_null(pyabi_opcodes_of(0x040b00f0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calling),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
