#include "agent/python.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "agent/code.h"
#include "agent/domains.h"
#include "agent/emit.h"
#include "agent/real.h"

typedef void destructor(void *object);

static const char *(*allocator_name)(void);
static int (*holds_gil)(void);
static destructor *code_dealloc; /* PyCode_Type's own */
static _Atomic uint32_t looking;
static _Atomic uintptr_t start_up_code; /* an outermost code object that is not the user's */

static void find_function(void *handle, const char *name, void *pointer)
{
	void *found = real.dlsym(handle, name);

	memcpy(pointer, &found, sizeof(found));
}

/* A code object's memory may be used for another one from here on. */
static void code_dealloc_hook(void *code)
{
	if (!agent_is_off()) {
		uintptr_t known = (uintptr_t)code;

		atomic_compare_exchange_strong(&start_up_code, &known, 0);
		code_forget((uintptr_t)code);
	}
	code_dealloc(code);
}

/* PyTypeObject.tp_dealloc: after the variable-size object header, tp_name, tp_basicsize and
 * tp_itemsize; Include/cpython/object.h, the same in 3.8 to 3.15. */
static void watch_codes(void *code_type)
{
	destructor **slot = (destructor **)((char *)code_type + agent.layout.object_type + 5 * 8);

	if (*slot == code_dealloc_hook)
		return;
	code_dealloc = *slot;
	__atomic_store_n(slot, code_dealloc_hook, __ATOMIC_RELEASE);
}

static uintptr_t first_stack_end(void)
{
	const uintptr_t *end = real.dlsym(RTLD_DEFAULT, "__libc_stack_end");

	return end ? *end : 0;
}

/* A Py_TRACE_REFS build of a Python whose layout comes from tables: see pyabi_layout_init. */
static bool has_longer_objects(void *handle)
{
	return agent.layout.object_type == 8 && real.dlsym(handle, "_Py_PrintReferences");
}

/* A program may unload its Python, but not while hooks look into it. */
static void keep_loaded(const void *address)
{
	struct link_map *object;
	Dl_info info;
	void *handle;

	/* The program itself has no name, and stays. */
	if (!dladdr1(address, &info, (void **)&object, RTLD_DL_LINKMAP) || !*object->l_name)
		return;
	handle = real.dlopen(object->l_name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
	if (handle)
		dlclose(handle);
}

/* A Python, but none that we can read. */
static void refuse(uint32_t version_hex)
{
	uint32_t none = 0;

	atomic_compare_exchange_strong(&agent.session->refused_python, &none, version_hex);
}

static uint32_t find_version(void *handle)
{
	const uint32_t *version = real.dlsym(handle, "Py_Version");
	const char *(*get_version)(void);

	if (version)
		return *version;
	find_function(handle, "Py_GetVersion", &get_version);
	return get_version ? pyabi_version_parse(get_version(), NULL) : 0;
}

bool python_find(void *handle)
{
	uint32_t hex, other = 0;
	void *code_type;

	if (atomic_load_explicit(&agent.python, memory_order_acquire))
		return true;
	if (!atomic_compare_exchange_strong(&looking, &other, 1))
		return false;
	agent.runtime = real.dlsym(handle, "_PyRuntime");
	code_type = real.dlsym(handle, "PyCode_Type");
	hex = code_type ? find_version(handle) : 0;
	find_function(handle, "PyGILState_GetThisThreadState", &agent.this_thread_state);
	find_function(handle, "PyGILState_Check", &holds_gil);
	find_function(handle, "_PyMem_GetCurrentAllocatorName", &allocator_name);
	if (hex && agent.runtime && agent.this_thread_state && holds_gil && domains_find(handle) &&
	    pyabi_layout_init(hex, real.dlsym(handle, "_Py_NegativeRefcount") != NULL,
			      agent.runtime, PYABI_DEBUG_OFFSETS_BYTES, &agent.layout) == 0 &&
	    !has_longer_objects(handle)) {
		agent.code_type = code_type;
		agent.stack_end = first_stack_end();
		agent.compare_code =
			agent.layout.features & (PYABI_INSTR_INDEX | PYABI_THREAD_LOCAL_BYTECODE);
		watch_codes(code_type);
		keep_loaded(agent.runtime);
		atomic_store_explicit(&agent.python, true, memory_order_release);
	} else if (hex) {
		refuse(hex);
	}
	/* What was not found is nothing that the program should hear of. */
	dlerror();
	atomic_store(&looking, 0);
	return atomic_load(&agent.python);
}

void python_first_seen(void)
{
	static _Atomic bool seen;
	const char *name;

	if (!agent.area || !holds_gil() || atomic_exchange(&seen, true))
		return;
	name = allocator_name ? allocator_name() : NULL;
	if (name)
		memcpy(agent.area->python_allocator, name,
		       strnlen(name, sizeof(agent.area->python_allocator) - 1));
	/* Python's mimalloc, all that there is without the GIL, takes large blocks too from what it
	 * has mapped before: from below hardly anything of them is seen. */
	if (agent.session->flags & WIRE_SESSION_PYTHON_ALLOCATORS ||
	    (name && strncmp(name, "mimalloc", 8) == 0)) {
		domains_wrap();
		agent.area->python_flags |= WIRE_PYTHON_ALLOCATORS_TRACED;
	}
	atomic_store(&agent.up, true);
}

/*
 * The user's code is what the outermost frame is in: the module that is run as __main__, or runpy
 * on its way there. Start-up has frames too: of importlib (site and what it imports), and of frozen
 * modules whose file names are in angle brackets.
 */
static bool is_users(uintptr_t code)
{
	const struct pyabi_layout *layout = &agent.layout;
	bool module = code_text_is(code, layout->code_name, "<module>");

	if (code_text_is(code, layout->code_name, "_run_module_as_main"))
		return true;
	switch (agent.session->start) {
	case WIRE_START_SCRIPT:
		return module && !code_text_begins(code, layout->code_filename, "<");
	case WIRE_START_COMMAND:
		return module && code_text_begins(code, layout->code_filename, "<string");
	case WIRE_START_STDIN:
		return module && code_text_begins(code, layout->code_filename, "<stdin");
	default:
		return false;
	}
}

void python_check_start(void)
{
	uintptr_t code = stack_outermost_code();

	if (!code || code == atomic_load_explicit(&start_up_code, memory_order_relaxed))
		return;
	if (is_users(code))
		agent_start();
	else
		atomic_store_explicit(&start_up_code, code, memory_order_relaxed);
}
