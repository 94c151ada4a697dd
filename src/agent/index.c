#include "agent/index.h"

#include <sys/mman.h>

#include "agent/agent.h"
#include "agent/sys.h"

static COLD struct index_table *index_grow(struct index *index, uint32_t count)
{
	struct index_table *expected = NULL;
	struct index_table *table;
	size_t bytes;
	long memory;

	if (count >= INDEX_TABLES)
		return NULL;
	bytes = sizeof(*table) + (sizeof(uint64_t) << (INDEX_FIRST_BITS + count));
	memory = sys_mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory < 0 && memory > -4096)
		return NULL;
	table = (struct index_table *)memory;
	table->mask = (1u << (INDEX_FIRST_BITS + count)) - 1;
	if (!atomic_compare_exchange_strong(&index->tables[count], &expected, table)) {
		sys_munmap(table, bytes);
		table = expected;
	}
	atomic_compare_exchange_strong(&index->count, &count, count + 1);
	return table;
}

static uint64_t table_add(struct index_table *table, uint64_t hash, uint64_t entry,
			  index_match *match, const void *key)
{
	_Atomic uint64_t *dead = NULL;

	for (uint32_t i = (uint32_t)hash & table->mask;; i = (i + 1) & table->mask) {
		uint64_t found = atomic_load_explicit(&table->entries[i], memory_order_acquire);
		uint64_t expected = INDEX_DEAD;

		if (!found && dead && atomic_compare_exchange_strong(dead, &expected, entry))
			return entry;
		if (!found && atomic_compare_exchange_strong(&table->entries[i], &found, entry)) {
			atomic_fetch_add_explicit(&table->used, 1, memory_order_relaxed);
			return entry;
		}
		if (found == INDEX_DEAD)
			dead = dead ? dead : &table->entries[i];
		else if (match(found, key))
			return found;
	}
}

uint64_t index_add(struct index *index, uint64_t hash, uint64_t entry, index_match *match,
		   const void *key)
{
	uint32_t count = atomic_load_explicit(&index->count, memory_order_acquire);
	struct index_table *newest =
		count ? atomic_load_explicit(&index->tables[count - 1], memory_order_acquire)
		      : NULL;

	/* Half full is the time to grow; three quarters is where adding ends if that fails, so that
	 * probes always end. */
	if (!newest ||
	    atomic_load_explicit(&newest->used, memory_order_relaxed) > newest->mask / 2) {
		struct index_table *grown = index_grow(index, count);

		if (grown)
			newest = grown;
		else if (!newest || atomic_load_explicit(&newest->used, memory_order_relaxed) >
					    newest->mask / 4 * 3)
			return 0;
	}
	return table_add(newest, hash, entry, match, key);
}

uint64_t index_find(struct index *index, uint64_t hash, index_match *match, const void *key)
{
	uint32_t count = atomic_load_explicit(&index->count, memory_order_acquire);

	for (uint32_t level = count; level-- > 0;) {
		struct index_table *table =
			atomic_load_explicit(&index->tables[level], memory_order_acquire);

		for (uint32_t i = (uint32_t)hash & table->mask;; i = (i + 1) & table->mask) {
			uint64_t found =
				atomic_load_explicit(&table->entries[i], memory_order_acquire);

			if (!found)
				break;
			if (found == INDEX_DEAD || !match(found, key))
				continue;
			if (UNLIKELY(level + 1 != count))
				index_add(index, hash, found, match, key);
			return found;
		}
	}
	return 0;
}

bool index_kill(struct index *index, uint64_t hash, index_match *match, const void *key)
{
	uint32_t count = atomic_load_explicit(&index->count, memory_order_acquire);
	bool killed = false;

	for (uint32_t level = 0; level < count; level++) {
		struct index_table *table =
			atomic_load_explicit(&index->tables[level], memory_order_acquire);

		for (uint32_t i = (uint32_t)hash & table->mask;; i = (i + 1) & table->mask) {
			uint64_t found =
				atomic_load_explicit(&table->entries[i], memory_order_acquire);

			if (!found)
				break;
			if (found != INDEX_DEAD && match(found, key)) {
				atomic_store_explicit(&table->entries[i], INDEX_DEAD,
						      memory_order_release);
				killed = true;
			}
		}
	}
	return killed;
}
