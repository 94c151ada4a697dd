#pragma once

/* A key: a Unicode character, or one of these. */
enum key {
	KEY_OF_ENTER = '\r',
	KEY_OF_ESCAPE = 0x1b,
	KEY_OF_UP = 0x110000, /* behind the last character */
	KEY_OF_DOWN,
	KEY_OF_LEFT,
	KEY_OF_RIGHT,
	KEY_OF_PAGE_UP,
	KEY_OF_PAGE_DOWN,
	KEY_OF_HOME,
	KEY_OF_END,
	KEY_OF_BACKSPACE,
	KEY_OF_HELP,
	KEY_OF_REDRAW,
};
