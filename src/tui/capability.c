#include "tui/capability.h"

#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

bool capability_exists(const char *name)
{
	const char *text;
	int result;

	if (setupterm(NULL, STDOUT_FILENO, &result) != OK)
		return false;
	text = tigetstr((char *)(uintptr_t)name);
	del_curterm(cur_term);
	return text && text != (char *)-1;
}
