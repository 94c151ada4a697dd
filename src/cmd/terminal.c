#include "cmd/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define HELP_COLUMNS_MIN   60
#define HELP_COLUMNS_MAX   100
#define PROGRESS_DELAY_NS  500000000ll
#define PROGRESS_PERIOD_NS 100000000ll

const char *const terminal_color_choices[] = {
	[COLOR_AUTO] = "auto",
	[COLOR_ALWAYS] = "always",
	[COLOR_NEVER] = "never",
	NULL,
};

/* 0: unlimited, or no number. */
static int parse_columns(const char *text)
{
	long columns = text ? strtol(text, NULL, 10) : 0;

	return columns > 0 && columns < 100000 ? (int)columns : 0;
}

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value;
}

bool terminal_color(enum terminal_color choice, int fd)
{
	const char *term = getenv("TERM");
	const char *force = getenv("FORCE_COLOR");

	if (choice != COLOR_AUTO)
		return choice == COLOR_ALWAYS;
	if (is_set("NO_COLOR"))
		return false;
	if (force && *force)
		return strcmp(force, "0") != 0 && strcmp(force, "false") != 0;
	return isatty(fd) && !(term && strcmp(term, "dumb") == 0);
}

int terminal_columns(int fd)
{
	int columns = parse_columns(getenv("COLUMNS"));
	struct winsize size;

	if (columns)
		return columns;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return isatty(fd) ? 80 : 0;
}

int terminal_help_columns(void)
{
	int columns = terminal_columns(STDOUT_FILENO);

	if (columns == 0)
		return 80;
	if (columns < HELP_COLUMNS_MIN)
		return HELP_COLUMNS_MIN;
	return columns > HELP_COLUMNS_MAX ? HELP_COLUMNS_MAX : columns;
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

void terminal_progress_begin(struct terminal_progress *progress, const char *what, bool quiet)
{
	*progress = (struct terminal_progress){
		.what = what,
		.silent = quiet || !isatty(STDERR_FILENO),
		.begun_ns = now_ns(),
	};
}

void terminal_progress_draw(double share, void *data)
{
	struct terminal_progress *progress = data;
	long long now;

	if (progress->silent)
		return;
	now = now_ns();
	if (now - progress->begun_ns < PROGRESS_DELAY_NS ||
	    now - progress->drawn_ns < PROGRESS_PERIOD_NS)
		return;
	fprintf(stderr, "\r\033[K%s: %d %%", progress->what, (int)(share * 100));
	fflush(stderr);
	progress->drawn_ns = now;
	progress->shown = true;
}

void terminal_progress_end(struct terminal_progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
