#include "target/elf_file.h"

#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <unistd.h>

/* What is larger is not read: no table of a Python's symbols or their names comes near. */
#define ELF_TABLE_MAX (64u << 20)
/* A file has one of each kind. */
#define ELF_TABLES_MAX 4u

static bool elf_names(const char *found, const char *wanted)
{
	return found && wanted && strcmp(found, wanted) == 0;
}

/* Whether a section can be had: libelf reads the whole of it. */
static bool elf_is_small(Elf *elf, size_t index)
{
	Elf_Scn *section = elf_getscn(elf, index);
	GElf_Shdr header;

	return section && gelf_getshdr(section, &header) && header.sh_size <= ELF_TABLE_MAX;
}

static void elf_find_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
			     struct elf_wanted *wanted, size_t count)
{
	Elf_Data *data;
	size_t symbols;

	if (header->sh_size > ELF_TABLE_MAX || !elf_is_small(elf, header->sh_link))
		return;
	data = elf_getdata(section, NULL);
	symbols = data ? data->d_size / sizeof(Elf64_Sym) : 0;
	for (size_t i = 0; i < symbols && i < INT32_MAX; i++) {
		const char *name;
		GElf_Sym symbol;

		if (!gelf_getsym(data, (int)i, &symbol) || symbol.st_shndx == SHN_UNDEF ||
		    !symbol.st_value)
			continue;
		name = elf_strptr(elf, header->sh_link, symbol.st_name);
		for (size_t j = 0; name && j < count; j++) {
			if (!wanted[j].found && elf_names(name, wanted[j].symbol)) {
				wanted[j].found = true;
				wanted[j].address = symbol.st_value;
			}
		}
	}
}

static void elf_find_in_sections(Elf *elf, struct elf_wanted *wanted, size_t count)
{
	Elf_Scn *section = NULL;
	unsigned tables = 0;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) < 0 || !elf_is_small(elf, names))
		return;
	while ((section = elf_nextscn(elf, section))) {
		const char *name;
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header))
			continue;
		name = elf_strptr(elf, names, header.sh_name);
		for (size_t i = 0; i < count; i++) {
			if (!wanted[i].found && header.sh_addr &&
			    elf_names(name, wanted[i].section)) {
				wanted[i].found = true;
				wanted[i].address = header.sh_addr;
			}
		}
		if ((header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM) &&
		    tables++ < ELF_TABLES_MAX)
			elf_find_symbols(elf, section, &header, wanted, count);
	}
}

static bool elf_find_segment(Elf *elf, struct elf_segment *segment)
{
	size_t count;

	if (elf_getphdrnum(elf, &count) < 0)
		return false;
	for (size_t i = 0; i < count && i < INT32_MAX; i++) {
		GElf_Phdr header;

		if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD) {
			segment->offset = header.p_offset;
			segment->address = header.p_vaddr;
			return true;
		}
	}
	return false;
}

static bool elf_find_in(Elf *elf, struct elf_wanted *wanted, size_t count,
			struct elf_segment *segment)
{
	bool found;

	if (!elf)
		return false;
	found = elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64 &&
		elf_find_segment(elf, segment);
	if (found)
		elf_find_in_sections(elf, wanted, count);
	elf_end(elf);
	return found;
}

/* More sections than 16 bits can number would be counted by the file itself, without bounds. */
static bool elf_is_sane(const unsigned char *ident, size_t bytes)
{
	Elf64_Ehdr header;

	if (bytes < sizeof(header))
		return false;
	memcpy(&header, ident, sizeof(header));
	return memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
	       header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB &&
	       (header.e_shnum != 0 || header.e_shoff == 0) && header.e_phnum != PN_XNUM;
}

bool elf_file_find(int fd, struct elf_wanted *wanted, size_t count, struct elf_segment *segment)
{
	unsigned char start[sizeof(Elf64_Ehdr)];
	ssize_t got = pread(fd, start, sizeof(start), 0);

	if (got < 0 || !elf_is_sane(start, (size_t)got) || elf_version(EV_CURRENT) == EV_NONE)
		return false;
	/* Read, not mapped: a file that is cut meanwhile must not end sonde. */
	return elf_find_in(elf_begin(fd, ELF_C_READ, NULL), wanted, count, segment);
}

bool elf_file_find_in_memory(char *image, size_t bytes, struct elf_wanted *wanted, size_t count,
			     struct elf_segment *segment)
{
	if (!elf_is_sane((const unsigned char *)image, bytes) || elf_version(EV_CURRENT) == EV_NONE)
		return false;
	return elf_find_in(elf_memory(image, bytes), wanted, count, segment);
}
