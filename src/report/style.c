#include "report/style.h"

void style_set(FILE *out, bool color, enum style style)
{
	static const char *const codes[] = {
		[STYLE_PLAIN] = "\033[0m",        [STYLE_BOLD] = "\033[0;1m",
		[STYLE_DIM] = "\033[0;2m",        [STYLE_HOT] = "\033[0;31m",
		[STYLE_WARM] = "\033[0;33m",      [STYLE_COLD] = "\033[0;36m",
		[STYLE_WARNING] = "\033[0;1;33m",
	};

	if (color)
		fputs(codes[style], out);
}

void style_title(FILE *out, bool color, const char *title)
{
	putc('\n', out);
	style_set(out, color, STYLE_BOLD);
	fprintf(out, "%s\n", title);
	style_set(out, color, STYLE_PLAIN);
}

double style_share(uint64_t part, uint64_t whole)
{
	return whole > 0 ? (double)part / (double)whole : 0;
}

enum style style_of_share(double share)
{
	return share >= 0.2 ? STYLE_HOT : share >= 0.05 ? STYLE_WARM : STYLE_PLAIN;
}
