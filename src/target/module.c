#include "target/module.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than any linker makes. */
#define MODULE_SEGMENTS_MAX 64u
#define MODULE_DYNAMIC_MAX  512u
/* Names that share a bucket of the hash table. */
#define MODULE_CHAIN_MAX 4096u

static bool is_image(const struct target_map *map)
{
	return map->inode && map->path[0] == '/';
}

/* The mappings of one file from `first` on, with what the loader put between and behind them. */
static size_t module_extent(const struct target_maps *maps, size_t first)
{
	const struct target_map *map = &maps->items[first];
	size_t end = first + 1, next;
	uint64_t offset = map->offset;

	for (next = first + 1; next < maps->count; next++) {
		const struct target_map *other = &maps->items[next];

		if (!is_image(other)) {
			/* .bss, or a part that was made huge pages of */
			if (other->start == maps->items[next - 1].end && other->path[0] != '[')
				continue;
			break;
		}
		if (other->inode != map->inode || other->device != map->device ||
		    other->offset < offset)
			break;
		offset = other->offset;
		end = next + 1;
	}
	/* What is anonymous right behind its last mapping is its .bss, or at most looked at in
	 * vain. */
	if (end < maps->count && maps->items[end].start == maps->items[end - 1].end &&
	    !maps->items[end].path[0])
		end++;
	return end - first;
}

static void module_read_segments(const struct target *target, struct module *module,
				 const Elf64_Ehdr *header)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	Elf64_Phdr segments[MODULE_SEGMENTS_MAX];

	if (header->e_phnum == 0 || header->e_phnum > MODULE_SEGMENTS_MAX ||
	    header->e_phentsize != sizeof(segments[0]) ||
	    !target_read(target, module->first->start + header->e_phoff, segments,
			 header->e_phnum * sizeof(segments[0])))
		return;
	for (size_t i = 0; i < header->e_phnum; i++) {
		if (segments[i].p_type != PT_LOAD || segments[i].p_offset / page != 0)
			continue;
		module->bias = module->first->start - segments[i].p_vaddr / page * page;
		module->has_headers = true;
		break;
	}
	for (size_t i = 0; module->has_headers && i < header->e_phnum; i++) {
		if (segments[i].p_type == PT_DYNAMIC) {
			module->dynamic = module->bias + segments[i].p_vaddr;
			module->dynamic_bytes = segments[i].p_memsz;
		}
	}
}

static void module_read_headers(const struct target *target, struct module *module)
{
	Elf64_Ehdr header;

	if (module->first->offset != 0 ||
	    !target_read(target, module->first->start, &header, sizeof(header)) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
		return;
	module_read_segments(target, module, &header);
}

struct module *modules_read(const struct target *target, const struct target_maps *maps,
			    size_t *count)
{
	struct module *modules = calloc(maps->count + 1, sizeof(*modules));
	size_t next;

	if (!modules)
		abort();
	*count = 0;
	for (size_t i = 0; i < maps->count; i = next) {
		struct module *module = &modules[*count];

		next = i + 1;
		if (!is_image(&maps->items[i]))
			continue;
		module->first = &maps->items[i];
		module->maps = module_extent(maps, i);
		next = i + module->maps;
		module_read_headers(target, module);
		++*count;
	}
	return modules;
}

bool module_find_bias(const struct module *module, uint64_t offset, uint64_t address,
		      uint64_t *bias)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < module->maps; i++) {
		const struct target_map *map = &module->first[i];

		if (is_image(map) && map->offset == offset / page * page) {
			*bias = map->start - address / page * page;
			return true;
		}
	}
	return false;
}

/* What the dynamic section says. */
struct dynamic {
	uint64_t symbols, strings, strings_bytes, gnu_hash, hash;
};

/* glibc relocates these pointers in place, musl and a read-only dynamic section leave them. */
static uint64_t dynamic_address(const struct module *module, uint64_t value)
{
	return value < module->first->start ? value + module->bias : value;
}

static bool dynamic_read(const struct target *target, const struct module *module,
			 struct dynamic *dynamic)
{
	Elf64_Dyn entries[MODULE_DYNAMIC_MAX];
	size_t count = module->dynamic_bytes / sizeof(entries[0]);

	*dynamic = (struct dynamic){0};
	if (count > MODULE_DYNAMIC_MAX)
		count = MODULE_DYNAMIC_MAX;
	if (!count || !target_read(target, module->dynamic, entries, count * sizeof(entries[0])))
		return false;
	for (size_t i = 0; i < count && entries[i].d_tag != DT_NULL; i++) {
		uint64_t value = entries[i].d_un.d_val;

		if (entries[i].d_tag == DT_SYMTAB)
			dynamic->symbols = dynamic_address(module, value);
		else if (entries[i].d_tag == DT_STRTAB)
			dynamic->strings = dynamic_address(module, value);
		else if (entries[i].d_tag == DT_STRSZ)
			dynamic->strings_bytes = value;
		else if (entries[i].d_tag == DT_GNU_HASH)
			dynamic->gnu_hash = dynamic_address(module, value);
		else if (entries[i].d_tag == DT_HASH)
			dynamic->hash = dynamic_address(module, value);
	}
	return dynamic->symbols && dynamic->strings;
}

/* Whether symbol number `index` is the name and defined; *address then. */
static bool symbol_is(const struct target *target, const struct module *module,
		      const struct dynamic *dynamic, uint64_t index, const char *name,
		      uint64_t *address)
{
	size_t bytes = strlen(name) + 1;
	Elf64_Sym symbol;
	char text[64];

	if (bytes > sizeof(text) ||
	    !target_read(target, dynamic->symbols + index * sizeof(symbol), &symbol,
			 sizeof(symbol)) ||
	    symbol.st_shndx == SHN_UNDEF || !symbol.st_value ||
	    symbol.st_name >= dynamic->strings_bytes ||
	    dynamic->strings_bytes - symbol.st_name < bytes ||
	    !target_read(target, dynamic->strings + symbol.st_name, text, bytes) ||
	    memcmp(text, name, bytes) != 0)
		return false;
	*address = module->bias + symbol.st_value;
	return true;
}

static uint32_t gnu_hash(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

/* "DT_GNU_HASH": four words, a Bloom filter, buckets, and the hashes of the symbols from
 * `first_symbol` on, whose lowest bit ends a bucket's chain. */
static bool find_by_gnu_hash(const struct target *target, const struct module *module,
			     const struct dynamic *dynamic, const char *name, uint64_t *address)
{
	uint32_t hash = gnu_hash(name);
	uint64_t filter_word, buckets, chains;
	struct {
		uint32_t buckets, first_symbol, filter_words, filter_shift;
	} table;
	uint32_t index, other;

	if (!target_read(target, dynamic->gnu_hash, &table, sizeof(table)) || !table.buckets ||
	    !table.filter_words || table.filter_shift >= 32)
		return false;
	if (!target_read_pointer(target,
				 dynamic->gnu_hash + sizeof(table) +
					 hash / 64 % table.filter_words * 8ull,
				 &filter_word) ||
	    !(filter_word >> hash % 64 & filter_word >> (hash >> table.filter_shift) % 64 & 1))
		return false;
	buckets = dynamic->gnu_hash + sizeof(table) + table.filter_words * 8ull;
	chains = buckets + table.buckets * 4ull;
	if (!target_read(target, buckets + hash % table.buckets * 4ull, &index, sizeof(index)) ||
	    index < table.first_symbol)
		return false;
	for (unsigned i = 0; i < MODULE_CHAIN_MAX; i++, index++) {
		if (!target_read(target, chains + (index - table.first_symbol) * 4ull, &other,
				 sizeof(other)))
			return false;
		if ((other | 1) == (hash | 1) &&
		    symbol_is(target, module, dynamic, index, name, address))
			return true;
		if (other & 1)
			return false;
	}
	return false;
}

/* System V ABI, chapter 5, "Hash Table". */
static bool find_by_hash(const struct target *target, const struct module *module,
			 const struct dynamic *dynamic, const char *name, uint64_t *address)
{
	uint32_t hash = 0, index;
	uint32_t counts[2]; /* buckets, chains */

	for (const char *at = name; *at; at++) {
		hash = (hash << 4) + (unsigned char)*at;
		hash ^= (hash >> 28) << 4;
		hash &= 0x0fffffff;
	}
	if (!target_read(target, dynamic->hash, counts, sizeof(counts)) || !counts[0] ||
	    !target_read(target, dynamic->hash + 8 + hash % counts[0] * 4ull, &index,
			 sizeof(index)))
		return false;
	for (unsigned i = 0; i < MODULE_CHAIN_MAX && index && index < counts[1]; i++) {
		if (symbol_is(target, module, dynamic, index, name, address))
			return true;
		if (!target_read(target, dynamic->hash + 8 + (counts[0] + (uint64_t)index) * 4,
				 &index, sizeof(index)))
			return false;
	}
	return false;
}

bool module_find_symbol(const struct target *target, const struct module *module, const char *name,
			uint64_t *address)
{
	struct dynamic dynamic;

	if (!module->has_headers || !module->dynamic_bytes ||
	    !dynamic_read(target, module, &dynamic))
		return false;
	if (dynamic.gnu_hash)
		return find_by_gnu_hash(target, module, &dynamic, name, address);
	return dynamic.hash && find_by_hash(target, module, &dynamic, name, address);
}
