#include "cmd/suggest.h"

#include <string.h>

#define NAME_MAX_BYTES 40

/* Optimal string alignment distance, SIZE_MAX for names longer than any of ours. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][NAME_MAX_BYTES + 1];
	size_t a_bytes = strlen(a), b_bytes = strlen(b);

	if (a_bytes > NAME_MAX_BYTES || b_bytes > NAME_MAX_BYTES)
		return (size_t)-1;
	for (size_t j = 0; j <= b_bytes; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_bytes; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i - 1) % 3], *second = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_bytes; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    second[j - 2] + 1 < best)
				best = second[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[a_bytes % 3][b_bytes];
}

void suggestion_init(struct suggestion *suggestion, const char *typed)
{
	suggestion->typed = typed;
	suggestion->nearest = NULL;
	suggestion->distance = 0;
}

void suggestion_consider(struct suggestion *suggestion, const char *name)
{
	size_t typed_bytes = strlen(suggestion->typed);
	size_t far = distance(suggestion->typed, name);
	size_t limit = typed_bytes < 4 ? 1 : typed_bytes < 8 ? 2 : 3;

	/* The beginning of a name is as good as a slip of one letter. */
	if (typed_bytes >= 2 && strncmp(suggestion->typed, name, typed_bytes) == 0 && far > 1)
		far = 1;
	if (far > limit || far >= strlen(name))
		return;
	if (!suggestion->nearest || far < suggestion->distance) {
		suggestion->nearest = name;
		suggestion->distance = far;
	}
}
