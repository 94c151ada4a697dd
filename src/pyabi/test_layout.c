#include "pyabi/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pyabi/tables.h"
#include "pyabi/test_samples.h"
#include "pyabi/test_valid.h"

#define SAMPLES     (sizeof(offsets_samples) / sizeof(offsets_samples[0]))
#define OFFSETS_MAX (PYABI_DEBUG_OFFSETS_BYTES / 8)

static const struct pyabi_layout nothing;

/* pyabi_layout_init on an exact copy, so that the sanitizers see a read beyond it. */
static int init_exact(uint32_t version_hex, const uint64_t *offsets, size_t bytes,
		      struct pyabi_layout *layout)
{
	void *copy = malloc(bytes);
	int result;

	assert_true(copy != NULL || bytes == 0);
	if (bytes > 0)
		memcpy(copy, offsets, bytes);
	result = pyabi_layout_init(version_hex, false, copy, bytes, layout);
	free(copy);
	if (result < 0)
		assert_memory_equal(layout, &nothing, sizeof(*layout));
	else
		assert_true(layout_is_valid(layout));
	return result;
}

static const struct pyabi_offsets *form_of(const struct offsets_sample *sample)
{
	for (size_t i = 0; i < pyabi_offsets_count; i++) {
		if (pyabi_offsets[i].minor == (sample->layout.version_hex >> 16 & 0xff))
			return &pyabi_offsets[i];
	}
	fail_msg("%s has no form", sample->name);
	return NULL;
}

/* Numbers that are known from reading live processes of these versions on x86-64. */
static void test_tables(void **state)
{
	static const struct {
		uint32_t version_hex, interpreters, tstate_head, gil, frame, code, instr;
	} known[] = {
		{0x030812f0, 32, 8, 1368, 24, 32, 104},      {0x030912f0, 32, 8, 568, 24, 32, 104},
		{0x030a0df0, 32, 8, 568, 24, 32, 96},        {0x030b07f0, 40, 16, 576, 56, 32, 56},
		{0x030c01f0, 40, 72, PYABI_NONE, 56, 0, 56},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct pyabi_layout layout;

		assert_int_equal(init_exact(known[i].version_hex, NULL, 0, &layout), 0);
		assert_int_equal(layout.version_hex, known[i].version_hex);
		assert_int_equal(layout.runtime_interpreters_head, known[i].interpreters);
		assert_int_equal(layout.interp_tstate_head, known[i].tstate_head);
		assert_int_equal(layout.tstate_frame, known[i].frame);
		assert_int_equal(layout.frame_code, known[i].code);
		assert_int_equal(layout.frame_instr, known[i].instr);
#ifdef __x86_64__
		assert_int_equal(layout.runtime_tstate_current, known[i].gil);
#endif
	}
	assert_int_equal(pyabi_tables_count, sizeof(known) / sizeof(known[0]));
}

static void test_features(void **state)
{
	struct pyabi_layout layout;

	(void)state;
	assert_int_equal(pyabi_layout_init(0x030a00f0, false, NULL, 0, &layout), 0);
	assert_int_equal(layout.features, PYABI_INSTR_INDEX);
	assert_int_equal(layout.linetable, PYABI_LINETABLE);
	assert_int_equal(layout.frame_owner, PYABI_NONE);
	assert_int_equal(pyabi_layout_init(0x030b00f0, true, NULL, 0, &layout), 0);
	assert_int_equal(layout.features, PYABI_CFRAME | PYABI_QUALNAME | PYABI_DEBUG_BUILD);
	assert_int_equal(layout.linetable, PYABI_LOCATIONS);
	assert_int_equal(layout.frame_owner_shim, 0xff);
	assert_int_equal(pyabi_layout_init(0x030c00f0, false, NULL, 0, &layout), 0);
	assert_int_equal(layout.frame_owner_shim, 3);
}

static void test_unknown_versions(void **state)
{
	static const uint32_t versions[] = {
		0,          0x02070ff0, 0x030711f0, 0x031000f0, 0x04000000,
		0x040c00f0, 0x030d00a6, 0x030f00b4, 0x030c00b1, 0xffffffff,
	};
	struct pyabi_layout layout;

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		assert_int_equal(init_exact(versions[i], offsets_samples[0].offsets,
					    sizeof(offsets_samples[0].offsets), &layout),
				 -1);
	assert_int_equal(init_exact(0x030c00c1, NULL, 0, &layout), 0);
}

static void test_refusals(void **state)
{
	(void)state;
	assert_non_null(strstr(pyabi_refusal(0x020712f0), "older"));
	assert_non_null(strstr(pyabi_refusal(0x030710f0), "older"));
	assert_non_null(strstr(pyabi_refusal(0x031000a1), "newer"));
	assert_non_null(strstr(pyabi_refusal(0x031000f0), "newer"));
	assert_non_null(strstr(pyabi_refusal(0x040000f0), "newer"));
	assert_non_null(strstr(pyabi_refusal(0x030f00b4), "candidate"));
	assert_non_null(strstr(pyabi_refusal(0x030800a1), "candidate"));
	assert_non_null(strstr(pyabi_refusal(0x030c01f0), "built"));
}

static void test_samples_give_what_their_headers_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct offsets_sample *sample = &offsets_samples[i];
		struct pyabi_layout expect = sample->layout;
		struct pyabi_layout layout;

		assert_int_equal(
			init_exact(expect.version_hex, sample->offsets, sample->count * 8, &layout),
			0);
		assert_memory_equal(&layout, &expect, sizeof(layout));
		assert_int_equal(pyabi_layout_init(expect.version_hex, true, sample->offsets,
						   sizeof(sample->offsets), &layout),
				 0);
		expect.features |= PYABI_DEBUG_BUILD;
		assert_memory_equal(&layout, &expect, sizeof(layout));
	}
}

static void test_all_offsets_fit_the_stated_bytes(void **state)
{
	uint32_t most = 0;

	(void)state;
	for (size_t i = 0; i < pyabi_offsets_count; i++) {
		if (pyabi_offsets[i].size > most)
			most = pyabi_offsets[i].size;
		for (size_t at = 0; at < PYABI_AT_END; at++)
			assert_true(pyabi_offsets[i].at[at] + 8u <= pyabi_offsets[i].size);
	}
	assert_int_equal(most, PYABI_DEBUG_OFFSETS_BYTES);
}

static void test_offsets_of_something_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct offsets_sample *sample = &offsets_samples[i];
		uint32_t version_hex = sample->layout.version_hex;
		uint64_t offsets[OFFSETS_MAX];
		struct pyabi_layout layout;

		assert_int_equal(pyabi_layout_init(version_hex, false, NULL, 4096, &layout), -2);
		assert_int_equal(
			init_exact(version_hex, sample->offsets, sample->count * 8 - 1, &layout),
			-2);
		assert_int_equal(init_exact(version_hex, NULL, 0, &layout), -2);
		assert_int_equal(init_exact(version_hex + 0x100, sample->offsets, sample->count * 8,
					    &layout),
				 -2);
		memcpy(offsets, sample->offsets, sizeof(offsets));
		offsets[0] ^= 1ull << 63;
		assert_int_equal(init_exact(version_hex, offsets, sample->count * 8, &layout), -2);
		memset(offsets, 0, sizeof(offsets));
		assert_int_equal(init_exact(version_hex, offsets, sample->count * 8, &layout), -2);
	}
}

static bool is_used(const struct offsets_sample *sample, size_t index)
{
	const struct pyabi_offsets *form = form_of(sample);
	bool tlbc = sample->layout.features & PYABI_THREAD_LOCAL_BYTECODE;

	if (index == 0)
		return true;                                 /* the cookie */
	for (size_t at = 0; at < PYABI_AT_TYPE_SIZE; at++) { /* then come those of objects */
		bool only_tlbc = at == PYABI_AT_FRAME_TLBC_INDEX || at == PYABI_AT_CODE_TLBC ||
				 at == PYABI_AT_INTERP_TLBC_GENERATION;

		if (form->at[at] == index * 8 && (tlbc || !only_tlbc))
			return true;
	}
	return false;
}

/* Whatever is used is checked, and whatever is not used does not matter. */
static void test_one_wild_value(void **state)
{
	static const uint64_t wild[] = {UINT64_MAX,       1ull << 63, 1ull << 32,
					(1ull << 32) + 8, UINT32_MAX, 1u << 27};

	(void)state;
	for (size_t i = 0; i < SAMPLES * OFFSETS_MAX; i++) {
		const struct offsets_sample *sample = &offsets_samples[i / OFFSETS_MAX];
		size_t index = i % OFFSETS_MAX;
		int expect = is_used(sample, index) ? -2 : 0;
		uint64_t offsets[OFFSETS_MAX];
		struct pyabi_layout layout;

		for (size_t w = 0; w < sizeof(wild) / sizeof(wild[0]); w++) {
			memcpy(offsets, sample->offsets, sizeof(offsets));
			offsets[index] = wild[w];
			assert_int_equal(init_exact(sample->layout.version_hex, offsets,
						    sample->count * 8, &layout),
					 expect);
			if (expect == 0)
				assert_memory_equal(&layout, &sample->layout, sizeof(layout));
		}
	}
}

/* Small values, and the values of all other fields: whatever is accepted is safe to follow. */
static void test_one_plausible_value(void **state)
{
	size_t accepted = 0;

	(void)state;
	for (size_t i = 0; i < SAMPLES * OFFSETS_MAX; i++) {
		const struct offsets_sample *sample = &offsets_samples[i / OFFSETS_MAX];
		uint64_t offsets[OFFSETS_MAX];
		struct pyabi_layout layout;

		for (size_t other = 0; other < OFFSETS_MAX * 2; other++) {
			memcpy(offsets, sample->offsets, sizeof(offsets));
			offsets[i % OFFSETS_MAX] =
				other < OFFSETS_MAX ? sample->offsets[other] : other - OFFSETS_MAX;
			if (init_exact(sample->layout.version_hex, offsets, sample->count * 8,
				       &layout) == 0)
				accepted++;
		}
	}
	assert_true(accepted > 0);
}

static void test_fields_that_overlap(void **state)
{
	static const uint8_t pairs[][2] = {
		{PYABI_AT_TSTATE_NEXT, PYABI_AT_TSTATE_INTERP},
		{PYABI_AT_TSTATE_FRAME, PYABI_AT_TSTATE_NEXT},
		{PYABI_AT_FRAME_PREVIOUS, PYABI_AT_FRAME_CODE},
		{PYABI_AT_FRAME_OWNER, PYABI_AT_FRAME_INSTR},
		{PYABI_AT_CODE_NAME, PYABI_AT_CODE_QUALNAME},
		{PYABI_AT_CODE_FIRSTLINENO, PYABI_AT_CODE_LINETABLE},
		{PYABI_AT_INTERP_ID, PYABI_AT_INTERP_NEXT},
		{PYABI_AT_UNICODE_STATE, PYABI_AT_UNICODE_LENGTH},
	};

	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct offsets_sample *sample = &offsets_samples[i];
		const struct pyabi_offsets *form = form_of(sample);
		uint64_t offsets[OFFSETS_MAX];
		struct pyabi_layout layout;

		for (size_t p = 0; p < sizeof(pairs) / sizeof(pairs[0]); p++) {
			memcpy(offsets, sample->offsets, sizeof(offsets));
			offsets[form->at[pairs[p][0]] / 8] = offsets[form->at[pairs[p][1]] / 8];
			assert_int_equal(init_exact(sample->layout.version_hex, offsets,
						    sample->count * 8, &layout),
					 -2);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_unknown_versions),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_samples_give_what_their_headers_say),
		cmocka_unit_test(test_all_offsets_fit_the_stated_bytes),
		cmocka_unit_test(test_offsets_of_something_else),
		cmocka_unit_test(test_one_wild_value),
		cmocka_unit_test(test_one_plausible_value),
		cmocka_unit_test(test_fields_that_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
