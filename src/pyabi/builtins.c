#include "pyabi/builtins.h"

#include <string.h>

#include "pyabi/offsets.h"
#include "pyabi/tables.h"

int pyabi_builtins_init(uint32_t version_hex, bool free_threaded, struct pyabi_builtins *builtins)
{
	uint32_t minor = version_hex >> 16 & 0xff;

	memset(builtins, 0, sizeof(*builtins));
	if (!offsets_version_known(version_hex))
		return -1;
	for (size_t i = 0; i < pyabi_builtins_tables_count; i++) {
		if (pyabi_builtins_tables[i].minor == minor) {
			memcpy(builtins, &pyabi_builtins_tables[i].builtins[free_threaded],
			       sizeof(*builtins));
			return 0;
		}
	}
	return -1;
}
