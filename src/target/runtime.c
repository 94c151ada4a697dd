#include "target/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "target/elf_file.h"
#include "target/maps.h"
#include "target/module.h"
#include "target/permission.h"
#include "target/proc.h"
#include "target/scan.h"

/* What is searched at most: in a process whose files speak of Python, and in any other. */
#define RUNTIME_SCAN_BYTES       (512ull << 20)
#define RUNTIME_SCAN_OTHER_BYTES (64ull << 20)
/* A process that is younger may still load a Python, or call exec. */
#define RUNTIME_YOUNG_NS 3000000000u

/* How far a search came with one candidate; the greatest wins. */
enum verdict {
	VERDICT_NONE,
	VERDICT_REFUSED,
	VERDICT_EARLY, /* no interpreter has been made yet */
	VERDICT_READY,
};

struct search {
	const struct target *target;
	struct target_maps maps;
	struct module *modules;
	size_t modules_count;
	struct scan scan;

	enum verdict verdict; /* the best so far, and what it is of: */
	const struct module *module;
	struct target_runtime runtime;
	const char *refusal;
};

/* What is asked of a module's symbols. */
enum wanted {
	WANTED_SECTION,
	WANTED_RUNTIME,
	WANTED_VERSION,
	WANTED_DEBUG,
	WANTED_TRACE_REFS,
	WANTED_PYTHON, /* any */
	WANTED_END,
};

static const struct elf_wanted wanted_names[WANTED_END] = {
	[WANTED_SECTION] = {.section = ".PyRuntime"},
	[WANTED_RUNTIME] = {.symbol = "_PyRuntime"},
	[WANTED_VERSION] = {.symbol = "Py_Version"},
	/* Builds with Py_REF_DEBUG, which Py_DEBUG implies, have it and no others do. */
	[WANTED_DEBUG] = {.symbol = "_Py_NegativeRefcount"},
	[WANTED_TRACE_REFS] = {.symbol = "_Py_PrintReferences"},
	[WANTED_PYTHON] = {.symbol = "Py_GetVersion"},
};

/* The symbols of one module, as addresses in the process. */
struct symbols {
	struct elf_wanted at[WANTED_END];
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_named_python(const struct module *module)
{
	return strstr(base_name(module->first->path), "python") != NULL;
}

static void symbols_from_memory(const struct search *search, const struct module *module,
				struct symbols *symbols)
{
	memcpy(symbols->at, wanted_names, sizeof(wanted_names));
	for (unsigned i = 0; i < WANTED_END; i++) {
		struct elf_wanted *wanted = &symbols->at[i];

		if (wanted->symbol)
			wanted->found = module_find_symbol(search->target, module, wanted->symbol,
							   &wanted->address);
		/* Nearly all modules end here. */
		if (i == WANTED_RUNTIME && !wanted->found &&
		    !module_find_symbol(search->target, module, wanted_names[WANTED_PYTHON].symbol,
					&wanted->address))
			return;
	}
}

static void symbols_from_file(const struct search *search, const struct module *module,
			      struct symbols *symbols)
{
	int fd = target_map_open(search->target, module->first);
	struct elf_segment segment = {0};
	struct symbols found;
	uint64_t bias;

	if (fd < 0)
		return;
	memcpy(found.at, wanted_names, sizeof(wanted_names));
	if (elf_file_find(fd, found.at, WANTED_END, &segment) &&
	    module_find_bias(module, segment.offset, segment.address, &bias)) {
		for (unsigned i = 0; i < WANTED_END; i++) {
			if (symbols->at[i].found || !found.at[i].found)
				continue;
			symbols->at[i] = found.at[i];
			symbols->at[i].address += bias;
		}
	}
	close(fd);
}

/* Asks the writable parts of a module, or of all memory where there is none, until one answers. */
static bool search_parts(struct search *search, const struct module *module,
			 bool (*ask)(struct search *search, const struct target_map *map,
				     void *data),
			 void *data)
{
	const struct target_map *map = module ? module->first : search->maps.items;
	size_t count = module ? module->maps : search->maps.count;

	for (; count; map++, count--) {
		bool is_memory = map->writable && map->is_private && map->path[0] != '[';

		if (is_memory && (module || !map->path[0]) && ask(search, map, data))
			return true;
	}
	return false;
}

static bool ask_version(struct search *search, const struct target_map *map, void *data)
{
	return scan_find_version(&search->scan, map->start, map->end, data);
}

/* "libpython3.9.so.1.0", "python3.9": no more than the minor version. */
static uint32_t version_of_name(const char *path)
{
	const char *name = strstr(base_name(path), "python");
	char text[16];
	size_t length;

	if (!name)
		return 0;
	name += strlen("python");
	length = strspn(name, "0123456789.");
	while (length && name[length - 1] == '.')
		length--;
	if (!length || length > sizeof(text) - 3)
		return 0;
	memcpy(text, name, length);
	memcpy(text + length, ".0", 3);
	return pyabi_version_parse(text, NULL);
}

/* *exact: false where only a file's name told it, which leaves the patch release out. */
static uint32_t find_version(struct search *search, const struct module *module,
			     const struct symbols *symbols, const unsigned char *offsets,
			     bool *exact)
{
	const struct elf_wanted *symbol = &symbols->at[WANTED_VERSION];
	uint32_t version = 0;

	*exact = true;
	if (memcmp(offsets, PYABI_COOKIE, strlen(PYABI_COOKIE)) == 0) {
		memcpy(&version, offsets + strlen(PYABI_COOKIE), sizeof(version));
		return version;
	}
	if (symbol->found &&
	    target_read(search->target, symbol->address, &version, sizeof(version)) && version)
		return version;
	if (search_parts(search, module, ask_version, &version))
		return version;
	*exact = false;
	return module ? version_of_name(module->first->path) : 0;
}

/* Objects of such a build are longer than the tables say; later ones say it themselves. */
static bool has_longer_objects(const struct symbols *symbols, const struct pyabi_layout *layout)
{
	return layout->object_type == 8 && symbols->at[WANTED_TRACE_REFS].found;
}

static bool has_interpreter(const struct target *target, const struct target_runtime *runtime)
{
	return scan_is_runtime(target, &runtime->layout, runtime->address);
}

static enum verdict judge(struct search *search, const struct module *module,
			  const struct symbols *symbols, struct target_runtime *runtime,
			  const char **refusal)
{
	unsigned char offsets[PYABI_DEBUG_OFFSETS_BYTES] = {0};
	size_t bytes = sizeof(offsets);
	bool exact;

	/* Before 3.13 it may be shorter than this, and the last thing in memory. */
	while (bytes > 64 && !target_read(search->target, runtime->address, offsets, bytes))
		bytes /= 2;
	if (bytes <= 64)
		return VERDICT_NONE;
	runtime->version_hex = find_version(search, module, symbols, offsets, &exact);
	runtime->is_debug_build = symbols->at[WANTED_DEBUG].found;
	*refusal = NULL;
	if (!runtime->version_hex)
		return VERDICT_EARLY;
	if (pyabi_layout_init(runtime->version_hex, runtime->is_debug_build, offsets, bytes,
			      &runtime->layout) < 0) {
		*refusal = pyabi_refusal(runtime->version_hex);
		return VERDICT_REFUSED;
	}
	if (has_longer_objects(symbols, &runtime->layout)) {
		*refusal = "is built with Py_TRACE_REFS, which this sonde does not understand";
		return VERDICT_REFUSED;
	}
	/* An interpreter makes the text of its version soon after it has begun. */
	if (!exact && target_age_ns(search->target) < RUNTIME_YOUNG_NS)
		return VERDICT_EARLY;
	return has_interpreter(search->target, runtime) ? VERDICT_READY : VERDICT_EARLY;
}

static void search_judge(struct search *search, const struct module *module,
			 const struct symbols *symbols, uint64_t address)
{
	struct target_runtime runtime = {.address = address};
	const char *refusal = NULL;
	enum verdict verdict = judge(search, module, symbols, &runtime, &refusal);

	if (verdict <= search->verdict)
		return;
	search->verdict = verdict;
	search->module = module;
	search->runtime = runtime;
	search->refusal = refusal;
}

/* A Python from before _PyRuntime: one that this sonde knows has it, if under no name. */
static void search_refuse(struct search *search, const struct module *module)
{
	bool exact;
	struct symbols none = {0};
	unsigned char no_offsets[sizeof(PYABI_COOKIE)] = {0};
	struct pyabi_layout layout;
	uint32_t version;

	if (search->verdict >= VERDICT_REFUSED)
		return;
	version = find_version(search, module, &none, no_offsets, &exact);
	if (!version || pyabi_layout_init(version, false, NULL, 0, &layout) != -1)
		return;
	search->verdict = VERDICT_REFUSED;
	search->module = module;
	search->runtime.version_hex = version;
	search->refusal = pyabi_refusal(version);
}

static void search_module(struct search *search, const struct module *module, bool with_file)
{
	struct symbols symbols;

	symbols_from_memory(search, module, &symbols);
	if (with_file && (!symbols.at[WANTED_RUNTIME].found || !symbols.at[WANTED_SECTION].found))
		symbols_from_file(search, module, &symbols);
	/* The symbol may be a copy that the program made of a library's: both are tried. */
	if (symbols.at[WANTED_RUNTIME].found)
		search_judge(search, module, &symbols, symbols.at[WANTED_RUNTIME].address);
	if (search->verdict < VERDICT_READY && symbols.at[WANTED_SECTION].found)
		search_judge(search, module, &symbols, symbols.at[WANTED_SECTION].address);
	if (symbols.at[WANTED_PYTHON].found)
		search_refuse(search, module);
}

struct cookie_ask {
	struct search *search;
	const struct module *module;
	const struct symbols *symbols;
};

/* Copies of the file's contents may be about in memory: only one that has an interpreter is it. */
static bool accept_cookie(void *data, uint64_t address)
{
	const struct cookie_ask *ask = data;

	search_judge(ask->search, ask->module, ask->symbols, address);
	return ask->search->verdict == VERDICT_READY;
}

static bool ask_cookie(struct search *search, const struct target_map *map, void *data)
{
	uint64_t address;

	return scan_find_cookie(&search->scan, map->start, map->end, accept_cookie, data, &address);
}

struct structure_ask {
	const struct pyabi_layout *layout;
	uint64_t address;
};

static bool ask_structure(struct search *search, const struct target_map *map, void *data)
{
	struct structure_ask *ask = data;

	return scan_find_runtime(&search->scan, map->start, map->end, ask->layout, &ask->address);
}

/* What its build was like is told by other names. */
static void symbols_of_build(const struct search *search, const struct module *module,
			     struct symbols *symbols)
{
	static const enum wanted build[] = {WANTED_DEBUG, WANTED_TRACE_REFS};

	memcpy(symbols->at, wanted_names, sizeof(wanted_names));
	for (size_t i = 0; module && i < sizeof(build) / sizeof(build[0]); i++) {
		struct elf_wanted *wanted = &symbols->at[build[i]];

		wanted->found = module_find_symbol(search->target, module, wanted->symbol,
						   &wanted->address);
	}
}

/* A Python that does not describe itself keeps the text of its version where its structures are. */
static void search_structures(struct search *search, const struct module *module,
			      const struct symbols *symbols)
{
	struct pyabi_layout layout;
	struct structure_ask ask = {.layout = &layout};
	uint32_t version;

	if (search_parts(search, module, ask_version, &version) &&
	    pyabi_layout_init(version, false, NULL, 0, &layout) == 0 &&
	    search_parts(search, module, ask_structure, &ask))
		search_judge(search, module, symbols, ask.address);
}

/* What no symbol tells: in the module, or in all memory that belongs to none. */
static void search_memory(struct search *search, const struct module *module)
{
	struct symbols symbols;
	struct cookie_ask ask = {.search = search, .module = module, .symbols = &symbols};

	symbols_of_build(search, module, &symbols);
	if (!search_parts(search, module, ask_cookie, &ask) && module)
		search_structures(search, module, &symbols);
}

/* The program, whatever it is called, and what is called a Python. */
static bool is_promising(const struct search *search, const struct module *module,
			 const char *executable)
{
	(void)search;
	return is_named_python(module) ||
	       (executable && strcmp(module->first->path, executable) == 0);
}

static void search_all(struct search *search)
{
	char *executable = target_executable(search->target);
	bool speaks_of_python = false;

	for (size_t i = 0; i < search->maps.count; i++)
		speaks_of_python |= strstr(search->maps.items[i].path, "python") != NULL;
	search->scan = (struct scan){
		.target = search->target,
		.maps = &search->maps,
		.budget_bytes = speaks_of_python ? RUNTIME_SCAN_BYTES : RUNTIME_SCAN_OTHER_BYTES,
	};
	for (int with_file = 0; with_file < 2; with_file++) {
		for (size_t i = 0; i < search->modules_count; i++) {
			const struct module *module = &search->modules[i];

			/* A file costs more than a look at memory. */
			if (search->verdict < VERDICT_READY &&
			    (!with_file || is_promising(search, module, executable)))
				search_module(search, module, with_file);
		}
	}
	for (size_t i = 0; i < search->modules_count; i++) {
		if (search->verdict < VERDICT_REFUSED &&
		    is_promising(search, &search->modules[i], executable))
			search_memory(search, &search->modules[i]);
	}
	if (search->verdict < VERDICT_REFUSED)
		search_memory(search, NULL);
	free(executable);
}

/* Whether memory can be read at all: 0, or why not. */
static int search_check(const struct search *search, struct error *err)
{
	const struct target *target = search->target;

	for (size_t i = 0; i < search->maps.count; i++) {
		unsigned char byte;
		struct iovec local = {.iov_base = &byte, .iov_len = 1};
		struct iovec remote = {
			.iov_base = (void *)(uintptr_t)search->maps.items[i].start,
			.iov_len = 1,
		};

		if (!search->maps.items[i].readable)
			continue;
		if (target_read_places(target, &local, &remote, 1) >= 0)
			return 0;
		if (errno == EPERM)
			return permission_error(target->pid, "read the memory of", err);
		return error_set(err, ERROR_NOT_FOUND, "process %d has ended", (int)target->pid);
	}
	return 0;
}

static int search_report(struct search *search, struct target_runtime *runtime, bool *retry,
			 struct error *err)
{
	int pid = (int)search->target->pid;
	char version[24];

	switch (search->verdict) {
	case VERDICT_READY:
		*runtime = search->runtime;
		runtime->module = strdup(search->module ? search->module->first->path : "");
		if (!runtime->module)
			abort();
		return 0;
	case VERDICT_EARLY:
		*retry = true;
		return error_set(err, ERROR_UNSUPPORTED,
				 "the Python in process %d has no interpreter yet, or no more",
				 pid);
	case VERDICT_REFUSED:
		pyabi_version_text(search->runtime.version_hex, version, sizeof(version));
		return error_set(err, ERROR_UNSUPPORTED, "process %d: its Python %s %s", pid,
				 version, search->refusal);
	case VERDICT_NONE:
		break;
	}
	*retry = target_age_ns(search->target) < RUNTIME_YOUNG_NS;
	return error_set(err, ERROR_UNSUPPORTED, "there is no Python in process %d", pid);
}

int target_find_runtime(const struct target *target, struct target_runtime *runtime, bool *retry,
			struct error *err)
{
	struct search search = {.target = target};
	int status;

	*runtime = (struct target_runtime){0};
	*retry = false;
	status = target_maps_read(target, &search.maps, err);
	if (status < 0)
		return status;
	status = search_check(&search, err);
	if (status == 0) {
		search.modules = modules_read(target, &search.maps, &search.modules_count);
		search_all(&search);
		status = search_report(&search, runtime, retry, err);
	}
	free(search.modules);
	target_maps_deinit(&search.maps);
	return status;
}

void target_runtime_deinit(struct target_runtime *runtime)
{
	if (!runtime)
		return;
	free(runtime->module);
	*runtime = (struct target_runtime){0};
}
