#include <stdlib.h>

/* count blocks of mixed sizes, a window of them alive. */
void churn(long count);
void churn(long count)
{
	void *volatile window[64] = {0};

	for (long i = 0; i < count; i++) {
		free(window[i & 63]);
		window[i & 63] = malloc(16 + (size_t)(i * 7919 & 1023));
	}
	for (int i = 0; i < 64; i++)
		free(window[i]);
}
