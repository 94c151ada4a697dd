#include "analysis/frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct capture_frame python(const char *file)
{
	return (struct capture_frame){.function = "f", .file = file, .kind = FRAME_PYTHON};
}

static struct capture_frame native(const char *function, const char *file)
{
	return (struct capture_frame){.function = function, .file = file, .kind = FRAME_NATIVE};
}

static void the_import_system_is_told_from_paths(void **state)
{
	static const char *const parts[] = {
		"<frozen importlib._bootstrap>",
		"<frozen importlib._bootstrap_external>",
		"<frozen runpy>",
		"/usr/lib/python3.9/runpy.py",
		"/usr/lib/python3.8/importlib/__init__.py",
		"/opt/py/lib/python3.13t/importlib/_bootstrap_external.py",
		"/usr/lib/python311.zip/importlib/util.py",
		"lib/python3.12/runpy.py",
	};
	static const char *const others[] = {
		"<frozen os>",
		"<frozen importlibrary>",
		"/usr/lib/python3.9/json/__init__.py",
		"/usr/lib/python3/dist-packages/importlib/__init__.py",
		"/usr/lib/python3.9/site-packages/importlib/x.py",
		"/usr/lib/python3.9/site-packages/runpy.py",
		"/src/importlib/x.py",
		"/src/runpy.py",
		"runpy.py",
		"pythonic/importlib/x.py",
		"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct capture_frame frame = python(parts[i]);

		if (!frames_is_import_system(&frame))
			fail_msg("%s is part of the import system", parts[i]);
		frame.kind = FRAME_MARKER;
		assert_false(frames_is_import_system(&frame));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct capture_frame frame = python(others[i]);

		if (frames_is_import_system(&frame))
			fail_msg("%s is not part of the import system", others[i]);
	}
}

static void the_interpreter_is_told_from_names_and_files(void **state)
{
	static const struct {
		struct capture_frame frame;
		bool is;
	} cases[] = {
		{{.function = "f", .file = "<frozen site>", .kind = FRAME_PYTHON}, true},
		{{.function = "f", .file = "app.py", .kind = FRAME_PYTHON}, false},
		{{.function = "f", .file = "/usr/lib/python3.9/site.py", .kind = FRAME_PYTHON},
		 false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(frames_is_interpreter(&cases[i].frame), cases[i].is);
#define IS(function, file) \
	(frames_is_interpreter(&(struct capture_frame[]){native(function, file)}[0]))
	assert_true(IS("_PyEval_EvalFrameDefault", ""));
	assert_true(IS("PyObject_Call", "/usr/lib/libsomething.so"));
	assert_true(IS("Py_RunMain", ""));
	assert_true(IS("list_resize", "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0"));
	assert_true(IS("list_resize", "/usr/bin/python3.11"));
	assert_true(IS("list_resize", "python3"));
	assert_true(IS("list_resize", "Objects/listobject.c"));
	assert_true(IS("list_resize", "/build/Python-3.11.2/Objects/listobject.c"));
	assert_false(IS("Python_counts", "counts.so"));
	assert_false(IS("Pyramid", "a.so"));
	assert_false(IS("resize", "/src/MyObjects/listobject.c"));
	assert_false(IS("work", "/usr/lib/python3/dist-packages/numpy/core/multiarray.so"));
	assert_false(IS("work", "/usr/bin/python-helper"));
#undef IS
}

static void modules_are_places_below_any_folder(void **state)
{
	static const struct {
		const char *file, *module;
		bool is;
	} cases[] = {
		{"/lib/python3.9/json/decoder.py", "json", true},
		{"/lib/python3.9/json/decoder.py", "json.decoder", true},
		{"/lib/python3.9/json/decoder.py", "json.dec", false},
		{"/lib/python3.9/json/decoder.py", "son", false},
		{"json/decoder.py", "json", true},
		{"json.py", "json", true},
		{"/site-packages/numpy/core/_multiarray.cpython-39.so", "numpy.core._multiarray",
		 true},
		{"/site-packages/numpy/core/_multiarray.cpython-39.so", "numpy.linalg", false},
		{"<frozen importlib._bootstrap>", "importlib", true},
		{"<frozen importlib._bootstrap>", "importlib._bootstrap", true},
		{"<frozen importlib._bootstrap>", "_bootstrap", false},
		{"app.py", "", false},
		{"", "app", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture_frame frame = python(cases[i].file);

		if (frames_in_module(&frame, cases[i].module) != cases[i].is)
			fail_msg("%s in %s", cases[i].file, cases[i].module);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_import_system_is_told_from_paths),
		cmocka_unit_test(the_interpreter_is_told_from_names_and_files),
		cmocka_unit_test(modules_are_places_below_any_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
