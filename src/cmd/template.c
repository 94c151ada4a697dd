#include "cmd/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX_BYTES 100

int template_check(const char *text, struct error *err)
{
	for (const char *at = strchr(text, '%'); at; at = strchr(at + 2, '%')) {
		if (!at[1])
			return error_set(err, ERROR_USAGE,
					 "a %% at the end of '%s'; write %%%% for a percent sign",
					 text);
		if (!strchr("pht%", at[1]))
			return error_set(
				err, ERROR_USAGE,
				"%%%c in '%s' is not known: %%p is the process id, %%h the "
				"host, %%t the time, %%%% a percent sign",
				at[1], text);
	}
	return 0;
}

bool template_needs_pid(const char *text)
{
	for (const char *at = strchr(text, '%'); at; at = strchr(at + 2, '%')) {
		if (at[1] == 'p')
			return true;
		if (!at[1])
			break;
	}
	return false;
}

static bool is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("._-+=@,", c)) || c >= 0x80;
}

static void write_plain(const char *text, size_t bytes, FILE *out)
{
	for (size_t i = 0; i < bytes; i++)
		fputc(is_plain((unsigned char)text[i]) ? text[i] : '_', out);
}

static void write_time(time_t when, FILE *out)
{
	char text[32];
	struct tm tm;

	if (!localtime_r(&when, &tm) || !strftime(text, sizeof(text), "%Y%m%d-%H%M%S", &tm))
		snprintf(text, sizeof(text), "%lld", (long long)when);
	fputs(text, out);
}

static FILE *open_memory(char **text, size_t *bytes)
{
	FILE *out = open_memstream(text, bytes);

	if (!out)
		abort();
	return out;
}

char *template_expand(const char *text, pid_t pid, const char *host, time_t when)
{
	char *name = NULL;
	size_t bytes;
	FILE *out = open_memory(&name, &bytes);

	for (const char *at = text; *at; at++) {
		if (*at != '%' || !at[1]) {
			fputc(*at, out);
			continue;
		}
		switch (*++at) {
		case 'p':
			fprintf(out, "%d", (int)pid);
			break;
		case 'h':
			write_plain(host, strlen(host), out);
			break;
		case 't':
			write_time(when, out);
			break;
		default:
			fputc(*at, out);
		}
	}
	if (fclose(out) != 0)
		abort();
	return name;
}

char *template_default(const char *label)
{
	size_t label_bytes = strlen(label);
	char *name = NULL;
	size_t bytes;
	FILE *out = open_memory(&name, &bytes);

	while (label_bytes > 1 && label[label_bytes - 1] == '/')
		label_bytes--;
	for (size_t i = label_bytes; i > 0; i--) {
		if (label[i - 1] == '/' && i < label_bytes) {
			label += i;
			label_bytes -= i;
			break;
		}
	}
	if (label_bytes > LABEL_MAX_BYTES)
		label_bytes = LABEL_MAX_BYTES;
	fputs("sonde-", out);
	write_plain(label, label_bytes, out);
	fputs(".%p.sonde", out);
	if (fclose(out) != 0)
		abort();
	return name;
}
