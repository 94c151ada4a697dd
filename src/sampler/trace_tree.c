#include "sampler/trace_tree.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/intern.h"
#include "base/memory.h"
#include "sampler/sample.h"

#define NODE_MAX  (1u << 26)
#define CODE_MAX  (1u << 24)
#define TEXT_MAX  (1ull << 30) /* bytes of all texts */
#define FIRST     2u           /* node that is given out */
#define LINE_NONE UINT32_MAX

/* Open addressing: places hold numbers of nodes (or codes), 0 is free. */
struct places {
	uint32_t *items;
	size_t mask;
	size_t used;
};

/* What makes two code objects the same. */
struct code_key {
	uint32_t function, file, table; /* interned */
	int32_t first_line;
	const struct pyabi_layout *layout;
};

struct known_layout {
	struct pyabi_layout layout;
	struct known_layout *next;
};

struct trace_tree {
	struct trace_node *nodes; /* [NODE_MAX], pages appear as used; so do those of the others */
	struct trace_code *codes;
	struct code_key *keys;
	uint32_t *lines; /* line + 1, of the reading thread */
	uint32_t node_count, code_count;
	struct places by_node, by_code;
	struct intern *texts;
	uint64_t text_bytes;
	struct known_layout *layouts;
};

static const char purpose[] = "stacks";

static void *sparse(size_t bytes)
{
	return memory_check(mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
			    purpose);
}

static void places_init(struct places *places, size_t size)
{
	*places = (struct places){
		.items = memory_check(calloc(size, sizeof(*places->items)), purpose),
		.mask = size - 1,
	};
}

struct trace_tree *trace_tree_create(void)
{
	struct trace_tree *tree = memory_check(calloc(1, sizeof(*tree)), purpose);

	tree->nodes = sparse(NODE_MAX * sizeof(*tree->nodes));
	tree->codes = sparse(CODE_MAX * sizeof(*tree->codes));
	tree->keys = sparse(CODE_MAX * sizeof(*tree->keys));
	tree->lines = sparse(NODE_MAX * sizeof(*tree->lines));
	tree->node_count = FIRST;
	tree->code_count = 1;
	places_init(&tree->by_node, 4096);
	places_init(&tree->by_code, 1024);
	tree->texts = intern_create();
	return tree;
}

void trace_tree_destroy(struct trace_tree *tree)
{
	if (!tree)
		return;
	munmap(tree->nodes, NODE_MAX * sizeof(*tree->nodes));
	munmap(tree->codes, CODE_MAX * sizeof(*tree->codes));
	munmap(tree->keys, CODE_MAX * sizeof(*tree->keys));
	munmap(tree->lines, NODE_MAX * sizeof(*tree->lines));
	free(tree->by_node.items);
	free(tree->by_code.items);
	intern_destroy(tree->texts);
	while (tree->layouts) {
		struct known_layout *next = tree->layouts->next;

		free(tree->layouts);
		tree->layouts = next;
	}
	free(tree);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 29;
}

static uint64_t node_hash(const struct trace_node *node)
{
	return mix(mix(0, (uint64_t)node->parent << 32 | node->code), node->instr) >> 8;
}

static uint64_t code_hash(const struct code_key *key)
{
	uint64_t hash = mix(0, (uint64_t)key->function << 32 | key->file);

	hash = mix(hash, (uint64_t)key->table << 32 | (uint32_t)key->first_line);
	return mix(hash, (uintptr_t)key->layout) >> 8;
}

static void node_places_grow(struct trace_tree *tree)
{
	struct places old = tree->by_node;

	places_init(&tree->by_node, 2 * (old.mask + 1));
	for (size_t i = 0; i <= old.mask; i++) {
		size_t place;

		if (!old.items[i])
			continue;
		place = node_hash(&tree->nodes[old.items[i]]) & tree->by_node.mask;
		while (tree->by_node.items[place])
			place = (place + 1) & tree->by_node.mask;
		tree->by_node.items[place] = old.items[i];
	}
	tree->by_node.used = old.used;
	free(old.items);
}

uint32_t trace_tree_add_node(struct trace_tree *tree, uint32_t parent, uint32_t code,
			     uint32_t instr)
{
	struct trace_node node = {parent, code, instr};
	struct places *places = &tree->by_node;
	size_t place = node_hash(&node) & places->mask;

	for (; places->items[place]; place = (place + 1) & places->mask) {
		if (memcmp(&tree->nodes[places->items[place]], &node, sizeof(node)) == 0)
			return places->items[place];
	}
	if (tree->node_count == NODE_MAX)
		return SAMPLE_STACK_UNKNOWN;
	tree->nodes[tree->node_count] = node;
	places->items[place] = tree->node_count;
	if (++places->used > places->mask / 2)
		node_places_grow(tree);
	return tree->node_count++;
}

static void code_places_grow(struct trace_tree *tree)
{
	struct places old = tree->by_code;

	places_init(&tree->by_code, 2 * (old.mask + 1));
	for (size_t i = 0; i <= old.mask; i++) {
		size_t place;

		if (!old.items[i])
			continue;
		place = code_hash(&tree->keys[old.items[i]]) & tree->by_code.mask;
		while (tree->by_code.items[place])
			place = (place + 1) & tree->by_code.mask;
		tree->by_code.items[place] = old.items[i];
	}
	tree->by_code.used = old.used;
	free(old.items);
}

/* A process that has ended, and its layout with it, leaves its codes behind. */
static const struct pyabi_layout *keep_layout(struct trace_tree *tree,
					      const struct pyabi_layout *layout)
{
	struct known_layout *known;

	for (known = tree->layouts; known; known = known->next) {
		if (memcmp(&known->layout, layout, sizeof(*layout)) == 0)
			return &known->layout;
	}
	known = memory_check(malloc(sizeof(*known)), purpose);
	memcpy(&known->layout, layout, sizeof(*layout));
	known->next = tree->layouts;
	tree->layouts = known;
	return &known->layout;
}

static uint32_t add_text(struct trace_tree *tree, const void *text, size_t bytes)
{
	uint32_t known = intern_count(tree->texts), number = intern_add(tree->texts, text, bytes);

	if (number > known)
		tree->text_bytes += bytes;
	return number;
}

uint32_t trace_tree_add_code(struct trace_tree *tree, const struct trace_code *code)
{
	struct places *places = &tree->by_code;
	uint32_t number = tree->code_count;
	struct code_key key;
	size_t place;

	if (number == CODE_MAX || tree->text_bytes > TEXT_MAX)
		return 0;
	key = (struct code_key){
		.function = add_text(tree, code->function, strlen(code->function)),
		.file = add_text(tree, code->file, strlen(code->file)),
		.table = add_text(tree, code->line_table, code->line_table_bytes),
		.first_line = code->first_line,
		.layout = keep_layout(tree, code->layout),
	};
	place = code_hash(&key) & places->mask;
	for (; places->items[place]; place = (place + 1) & places->mask) {
		if (memcmp(&tree->keys[places->items[place]], &key, sizeof(key)) == 0)
			return places->items[place];
	}
	tree->keys[number] = key;
	tree->codes[number] = (struct trace_code){
		.function = intern_text(tree->texts, key.function, NULL),
		.file = intern_text(tree->texts, key.file, NULL),
		.layout = key.layout,
		.line_table = (const uint8_t *)intern_text(tree->texts, key.table, NULL),
		.line_table_bytes = code->line_table_bytes,
		.first_line = code->first_line,
	};
	places->items[place] = number;
	tree->code_count++;
	if (++places->used > places->mask / 2)
		code_places_grow(tree);
	return number;
}

const struct trace_node *trace_tree_node(const struct trace_tree *tree, uint32_t node)
{
	return &tree->nodes[node < NODE_MAX ? node : 0];
}

const struct trace_code *trace_tree_code(const struct trace_tree *tree, uint32_t code)
{
	return &tree->codes[code < CODE_MAX ? code : 0];
}

uint32_t trace_tree_line(struct trace_tree *tree, uint32_t node)
{
	const struct trace_node *entry = trace_tree_node(tree, node);
	const struct trace_code *code = trace_tree_code(tree, entry->code);
	uint32_t line;

	if (node >= NODE_MAX || !code->layout)
		return 0;
	if (tree->lines[node])
		return tree->lines[node] - 1;
	line = pyabi_line(code->layout, entry->instr, code->first_line, code->line_table,
			  code->line_table_bytes);
	if (line == LINE_NONE)
		line = 0;
	tree->lines[node] = line + 1;
	return line;
}
