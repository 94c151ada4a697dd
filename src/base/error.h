#pragma once

#include <stdarg.h>

/*
 * An error on the host side: a code and a message made where it happened. A function that can fail
 * returns 0 or the negative of one of these codes, and fills the caller's struct error (never
 * NULL). Errors are passed up untouched; only main prints them. The codes are sonde's exit
 * statuses.
 */
enum error_code {
	ERROR_REGRESSION = 1,
	ERROR_USAGE = 2,
	ERROR_PERMISSION = 3,
	ERROR_UNSUPPORTED = 4,
	ERROR_CAPTURE = 5,
	ERROR_FAILED = 125,
	ERROR_NOT_EXECUTABLE = 126,
	ERROR_NOT_FOUND = 127,
};

struct error {
	int code; /* 0 while nothing happened, else an enum error_code */
	char message[1024];
};

/* Fills *err and returns -code. The message says what failed, why, and the way out; no newline. */
int error_set(struct error *err, enum error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with ": <strerror(errnum)>" behind the message. */
int error_set_errno(struct error *err, enum error_code code, int errnum, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
