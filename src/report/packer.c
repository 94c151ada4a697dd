#include "report/packer.h"

enum {
	COMPRESSION_LEVEL = 6,
};

bool packer_init(struct packer *packer, FILE *out)
{
	*packer = (struct packer){.out = out};
	return deflateInit2(&packer->deflate, COMPRESSION_LEVEL, Z_DEFLATED, -MAX_WBITS, 9,
			    Z_DEFAULT_STRATEGY) == Z_OK;
}

static void packer_write(struct packer *packer)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[sizeof(packer->bytes) / 3 * 4];
	size_t length = 0;

	for (size_t i = 0; i < packer->used; i += 3) {
		size_t left = packer->used - i;
		const unsigned char *b = packer->bytes + i;
		uint32_t bits = (uint32_t)b[0] << 16;

		bits |= left > 1 ? (uint32_t)b[1] << 8 : 0;
		bits |= left > 2 ? b[2] : 0;
		text[length++] = digits[bits >> 18];
		text[length++] = digits[bits >> 12 & 63];
		text[length++] = (char)(left > 1 ? digits[bits >> 6 & 63] : '=');
		text[length++] = (char)(left > 2 ? digits[bits & 63] : '=');
	}
	fwrite(text, 1, length, packer->out);
	packer->used = 0;
}

/* Compresses what is in `raw`. With room to write into, deflate cannot fail. */
static void packer_compress(struct packer *packer, int flush)
{
	z_stream *z = &packer->deflate;
	int result;

	z->next_in = packer->raw;
	z->avail_in = (uInt)packer->raw_used;
	do {
		z->next_out = packer->bytes + packer->used;
		z->avail_out = (uInt)(sizeof(packer->bytes) - packer->used);
		result = deflate(z, flush);
		packer->used = sizeof(packer->bytes) - z->avail_out;
		if (packer->used == sizeof(packer->bytes))
			packer_write(packer);
	} while (flush == Z_FINISH ? result != Z_STREAM_END : z->avail_in > 0);
	packer->raw_used = 0;
}

void packer_finish(struct packer *packer)
{
	packer_compress(packer, Z_FINISH);
	packer_write(packer);
	deflateEnd(&packer->deflate);
}

void packer_add(struct packer *packer, uint64_t number)
{
	if (packer->raw_used + 10 > sizeof(packer->raw))
		packer_compress(packer, Z_NO_FLUSH);
	for (; number >= 0x80; number >>= 7)
		packer->raw[packer->raw_used++] = (unsigned char)(number | 0x80);
	packer->raw[packer->raw_used++] = (unsigned char)number;
}
