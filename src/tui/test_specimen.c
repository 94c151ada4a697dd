#include "tui/test_specimen.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sampler/sampler.h"

#define FIRST_TID 4242

static const struct pyabi_layout layout = {
	.linetable = PYABI_LNOTAB,
	.features = PYABI_INSTR_INDEX,
};
static const uint8_t table[] = {1, 1, 1, 1, 1, 1, 1, 1};

static uint32_t add(struct specimen *specimen, uint32_t parent, const char *function,
		    const char *file, int32_t first_line, uint32_t instr)
{
	struct trace_code code = {
		.function = function,
		.file = file,
		.layout = &layout,
		.line_table = table,
		.line_table_bytes = sizeof(table),
		.first_line = first_line,
	};

	return trace_tree_add_node(specimen->tree, parent,
				   trace_tree_add_code(specimen->tree, &code), instr);
}

void specimen_init(struct specimen *specimen)
{
	static const char work[] = "/srv/application/library/work.py";
	uint32_t main, inner;

	*specimen = (struct specimen){
		.tree = trace_tree_create(),
		.facts = {.pid = FIRST_TID, .rate_hz = 100, .cpu = 0.8},
	};
	main = add(specimen, SAMPLE_STACK_EMPTY, "main", "/srv/application/app.py", 10, 2);
	inner = add(specimen, main, "Work.run", work, 20, 1);
	specimen->nodes[0] = add(specimen, inner, "Work.crunch", work, 30, 3);
	specimen->nodes[1] = add(specimen, inner, "Work.parse", work, 40, 4);
	specimen->nodes[2] =
		add(specimen, main, "\u5199\u771f", "/srv/application/\u753b.py", 5, 0);
	specimen->nodes[3] = main;
	specimen->nodes[4] = add(specimen, SAMPLE_STACK_EMPTY, "wait\033[31m",
				 "/usr/lib/python3.12/threading.py", 355, 1);
}

void specimen_deinit(struct specimen *specimen)
{
	trace_tree_destroy(specimen->tree);
}

static void tell_name(struct live *live, uint32_t process, pid_t tid, const char *name)
{
	struct sampler_thread thread = {.process = process, .tid = tid};

	snprintf(thread.name, sizeof(thread.name), "%s", name);
	live_name(live, &thread);
}

static void tell(const struct specimen *specimen, struct live *live, uint32_t process, pid_t pid)
{
	struct sampler_process news = {
		.process = process,
		.pid = pid,
		.parent_pid = process ? FIRST_TID : 1,
		.time_ns = 1,
		.python_version = "3.12.1",
		.command = (char *)"/usr/bin/python3 app.py --port 8000",
	};
	char name[32];

	live_news(live, &news);
	tell_name(live, process, pid, "MainThread");
	tell_name(live, process, pid + 1, "native");
	for (unsigned i = 0; i < specimen->workers; i++) {
		snprintf(name, sizeof(name), "Thread-%u (work)", i + 1);
		tell_name(live, process, pid + 2 + (pid_t)i, name);
	}
}

static void look(struct specimen *specimen, struct live *live, uint32_t process, pid_t pid)
{
	static const struct {
		unsigned node, flags, wait;
	} rounds[10] = {
		{0, SAMPLE_RUNNING | SAMPLE_HOLDS_GIL, SAMPLE_WAIT_NONE},
		{0, SAMPLE_RUNNING | SAMPLE_HOLDS_GIL, SAMPLE_WAIT_NONE},
		{1, SAMPLE_RUNNING, SAMPLE_WAIT_NONE},
		{0, SAMPLE_RUNNING | SAMPLE_HOLDS_GIL, SAMPLE_WAIT_NONE},
		{2, SAMPLE_WAITS_GIL, SAMPLE_WAIT_FUTEX},
		{0, SAMPLE_RUNNING | SAMPLE_HOLDS_GIL, SAMPLE_WAIT_NONE},
		{1, SAMPLE_RUNNING, SAMPLE_WAIT_NONE},
		{0, SAMPLE_RUNNING | SAMPLE_HOLDS_GIL, SAMPLE_WAIT_NONE},
		{3, 0, SAMPLE_WAIT_SLEEP},
		{0, SAMPLE_RUNNING | SAMPLE_HOLDS_GIL, SAMPLE_WAIT_NONE},
	};
	unsigned round = specimen->rounds % 10;
	struct sample sample = {
		.time_ns = specimen->told_ns,
		.process = process,
		.tid = pid,
		.stack = specimen->nodes[rounds[round].node],
		.flags = (uint16_t)rounds[round].flags,
		.wait = (uint16_t)rounds[round].wait,
	};

	live_add(live, &sample, 1);
	sample.tid++;
	sample.stack = SAMPLE_STACK_EMPTY;
	sample.flags = 0;
	sample.wait = SAMPLE_WAIT_POLL;
	live_add(live, &sample, 1);
	sample.stack = specimen->nodes[4];
	sample.wait = SAMPLE_WAIT_FUTEX;
	for (unsigned i = 0; i < specimen->workers; i++) {
		sample.tid++;
		live_add(live, &sample, 1);
	}
}

void specimen_pull(struct live *live, void *data)
{
	struct specimen *specimen = data;

	if (!specimen->told) {
		specimen->told = true;
		tell(specimen, live, 0, FIRST_TID);
		if (specimen->child)
			tell(specimen, live, 1, specimen->child);
	}
	while (specimen->told_ns + SPECIMEN_PERIOD_NS <= specimen->facts.now_ns) {
		specimen->told_ns += SPECIMEN_PERIOD_NS;
		look(specimen, live, 0, FIRST_TID);
		if (specimen->child)
			look(specimen, live, 1, specimen->child);
		specimen->rounds++;
	}
}

void specimen_look(struct feed_facts *facts, void *data)
{
	const struct specimen *specimen = data;

	*facts = specimen->facts;
}
