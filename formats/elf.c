/* SPDX-License-Identifier: MIT */
/*
 * ELF executables (System V ABI, gABI 4.1): what is loaded, by physical address, which is where
 * it lies in flash. Memory that is only cleared (.bss) is not part of the image.
 */
#include "formats/backends.h"
#include "formats/support.h"

#include "base/checked.h"
#include "base/memory.h"

#include <inttypes.h>

enum {
    IDENT_SIZE = 16,
    CLASS_32 = 1,
    CLASS_64 = 2,
    PT_LOAD = 1,
    PT_NOTE = 4,
    PF_X = 1,
    ET_REL = 1,
    SHT_PROGBITS = 1,
    SHT_SYMTAB = 2,
    SHT_STRTAB = 3,
    SHT_RELA = 4,
    SHT_NOTE = 7,
    SHT_NOBITS = 8,
    SHT_REL = 9,
    SHT_DYNSYM = 11,
    SHT_INIT_ARRAY = 14,
    SHT_FINI_ARRAY = 15,
    SHF_ALLOC = 2,
    SHF_EXECINSTR = 4,
    STT_SECTION = 3,
    PN_XNUM = 0xffff,
    NT_GNU_BUILD_ID = 3,
    MAX_NOTES = 1 << 20, /* bytes of notes that are looked through */
    MAX_HEADER = 64,
};

/* Where a field stands in a header of either class. */
struct place {
    uint8_t offset, size;
};

struct layout {
    unsigned header_size, program_size, section_size;
    struct place entry, program_offset, section_offset, program_entry, program_count, section_entry,
        section_count;
    /* of a program header */
    struct place type, flags, offset, virtual_address, physical_address, file_size, memory_size;
    /* of a section header */
    struct place section_type, section_data, section_length, section_flags, section_address,
        section_link, section_info;
    /* of a symbol */
    unsigned symbol_size;
    struct place symbol_info, symbol_section;
};

static const struct layout layout32 = {
    .header_size = 52,
    .program_size = 32,
    .section_size = 40,
    .entry = {24, 4},
    .program_offset = {28, 4},
    .section_offset = {32, 4},
    .program_entry = {42, 2},
    .program_count = {44, 2},
    .section_entry = {46, 2},
    .section_count = {48, 2},
    .type = {0, 4},
    .offset = {4, 4},
    .virtual_address = {8, 4},
    .physical_address = {12, 4},
    .file_size = {16, 4},
    .memory_size = {20, 4},
    .flags = {24, 4},
    .section_type = {4, 4},
    .section_flags = {8, 4},
    .section_address = {12, 4},
    .section_data = {16, 4},
    .section_length = {20, 4},
    .section_link = {24, 4},
    .section_info = {28, 4},
    .symbol_size = 16,
    .symbol_info = {12, 1},
    .symbol_section = {14, 2},
};

static const struct layout layout64 = {
    .header_size = 64,
    .program_size = 56,
    .section_size = 64,
    .entry = {24, 8},
    .program_offset = {32, 8},
    .section_offset = {40, 8},
    .program_entry = {54, 2},
    .program_count = {56, 2},
    .section_entry = {58, 2},
    .section_count = {60, 2},
    .type = {0, 4},
    .flags = {4, 4},
    .offset = {8, 8},
    .virtual_address = {16, 8},
    .physical_address = {24, 8},
    .file_size = {32, 8},
    .memory_size = {40, 8},
    .section_type = {4, 4},
    .section_flags = {8, 8},
    .section_address = {16, 8},
    .section_data = {24, 8},
    .section_length = {32, 8},
    .section_link = {40, 4},
    .section_info = {44, 4},
    .symbol_size = 24,
    .symbol_info = {4, 1},
    .symbol_section = {6, 2},
};

struct elf {
    struct pack_input *input;
    const struct layout *layout;
    enum byte_order order;
    uint8_t header[MAX_HEADER];
    uint64_t program_offset, section_offset;
    size_t program_count, section_count;
    bool all_physical_zero; /* then the virtual addresses count */
    uint64_t notes_left;    /* bytes of notes that may still be read */
};

struct segment {
    uint64_t type, flags, offset, virtual_address, physical_address, file_size, memory_size;
};

static const struct word classes[] = {{CLASS_32, "32 bit"}, {CLASS_64, "64 bit"}, {0, NULL}};
static const struct word orders[] = {{1, "little-endian"}, {2, "big-endian"}, {0, NULL}};
static const struct word types[] = {
    {0, "none"}, {1, "relocatable"}, {2, "executable"}, {3, "shared"}, {4, "core"}, {0, NULL},
};
static const struct word flags[] = {{4, "read"}, {2, "write"}, {1, "execute"}, {0, NULL}};
static const struct word machines[] = {
    {2, "SPARC"},    {3, "x86"},         {4, "68000"},      {8, "MIPS"},
    {20, "PowerPC"}, {21, "PowerPC 64"}, {22, "S/390"},     {40, "Arm"},
    {42, "SuperH"},  {43, "SPARC V9"},   {44, "TriCore"},   {45, "ARC"},
    {50, "Itanium"}, {53, "ColdFire"},   {62, "x86-64"},    {83, "AVR"},
    {88, "M32R"},    {92, "OpenRISC"},   {93, "ARCompact"}, {94, "Xtensa"},
    {105, "MSP430"}, {106, "Blackfin"},  {113, "Nios II"},  {164, "Hexagon"},
    {173, "RX"},     {183, "AArch64"},   {185, "AVR32"},    {189, "MicroBlaze"},
    {195, "ARC v2"}, {197, "RL78"},      {243, "RISC-V"},   {247, "BPF"},
    {252, "C-SKY"},  {258, "LoongArch"}, {0, NULL},
};

/* --- headers --------------------------------------------------------------------------------- */

static uint64_t get(const struct elf *elf, const uint8_t *header, struct place place)
{
    return fwpack_integer(header + place.offset, place.size, elf->order);
}

static int check_table(const struct elf *elf, const char *what, uint64_t offset, size_t count,
                       struct place entry, unsigned size, struct pack_error *error)
{
    const uint64_t found = get(elf, elf->header, entry);
    if (count == 0)
        return 0;
    if (found != size)
        return fwpack_malformed(error, entry.offset, "%s headers of %" PRIu64 " bytes, %u wanted",
                                what, found, size);
    return fwpack_inside_file(elf->input, what, offset, (uint64_t)count * size, error);
}

static int parse_header(struct elf *elf, struct pack_error *error)
{
    const struct layout *layout = elf->layout;
    elf->program_offset = get(elf, elf->header, layout->program_offset);
    elf->section_offset = get(elf, elf->header, layout->section_offset);
    elf->program_count = (size_t)get(elf, elf->header, layout->program_count);
    elf->section_count = (size_t)get(elf, elf->header, layout->section_count);
    if (elf->program_count == PN_XNUM)
        return pack_fail(error, PACK_E_UNSUPPORTED, "more than %d program headers", PN_XNUM - 1);
    const int code = check_table(elf, "program", elf->program_offset, elf->program_count,
                                 layout->program_entry, layout->program_size, error);
    return code == 0 ? check_table(elf, "section", elf->section_offset, elf->section_count,
                                   layout->section_entry, layout->section_size, error)
                     : code;
}

static int read_segment(const struct elf *elf, size_t index, struct segment *segment,
                        struct pack_error *error)
{
    const struct layout *layout = elf->layout;
    uint8_t header[MAX_HEADER];
    const uint64_t at = elf->program_offset + index * (uint64_t)layout->program_size;
    const int code = fwpack_read(elf->input, at, header, layout->program_size, error);
    if (code != 0)
        return code;
    segment->type = get(elf, header, layout->type);
    segment->flags = get(elf, header, layout->flags);
    segment->offset = get(elf, header, layout->offset);
    segment->virtual_address = get(elf, header, layout->virtual_address);
    segment->physical_address = get(elf, header, layout->physical_address);
    segment->file_size = get(elf, header, layout->file_size);
    segment->memory_size = get(elf, header, layout->memory_size);
    if (segment->type != PT_LOAD)
        return 0;
    if (segment->file_size > segment->memory_size)
        return fwpack_malformed(
            error, at, "segment %zu has %" PRIu64 " bytes in the file, %" PRIu64 " in memory",
            index, segment->file_size, segment->memory_size);
    return fwpack_inside_file(elf->input, "a segment", segment->offset, segment->file_size, error);
}

/* Linkers that know no physical addresses leave them all zero. */
static int look_at_addresses(struct elf *elf, struct pack_error *error)
{
    struct segment segment = {0};
    elf->all_physical_zero = true;
    for (size_t i = 0; i < elf->program_count; i++) {
        const int code = read_segment(elf, i, &segment, error);
        if (code != 0)
            return code;
        if (segment.type == PT_LOAD && segment.physical_address != 0)
            elf->all_physical_zero = false;
    }
    return 0;
}

static int elf_open(struct elf *elf, struct pack_input *input, struct pack_error *error)
{
    *elf = (struct elf){.input = input, .notes_left = MAX_NOTES};
    int code = fwpack_read(input, 0, elf->header, IDENT_SIZE, error);
    if (code != 0)
        return code;
    const uint8_t class = elf->header[4], order = elf->header[5];
    if (class != CLASS_32 && class != CLASS_64)
        return fwpack_malformed(error, 4, "ELF class %d, 1 or 2 wanted", class);
    if (order != 1 && order != 2)
        return fwpack_malformed(error, 5, "ELF byte order %d, 1 or 2 wanted", order);
    elf->layout = class == CLASS_32 ? &layout32 : &layout64;
    elf->order = order == 1 ? LITTLE : BIG;
    code = fwpack_read(input, 0, elf->header, elf->layout->header_size, error);
    if (code == 0)
        code = parse_header(elf, error);
    return code == 0 ? look_at_addresses(elf, error) : code;
}

static uint64_t load_address(const struct elf *elf, const struct segment *segment)
{
    return elf->all_physical_zero ? segment->virtual_address : segment->physical_address;
}

/* --- reading --------------------------------------------------------------------------------- */

static int elf_read(struct pack_input *input, struct pack_image_builder *builder,
                    struct pack_error *error)
{
    struct elf elf = {0};
    struct segment segment = {0};
    int code = elf_open(&elf, input, error);
    for (size_t i = 0; code == 0 && i < elf.program_count; i++) {
        code = read_segment(&elf, i, &segment, error);
        if (code == 0 && segment.type == PT_LOAD)
            code = fwpack_add_range(builder, input, load_address(&elf, &segment), segment.offset,
                                    segment.file_size, error);
    }
    if (code != 0)
        return code;
    const uint64_t entry = get(&elf, elf.header, elf.layout->entry);
    if (entry != 0)
        pack_image_entry(builder, entry);
    return 0;
}

/* --- describing ------------------------------------------------------------------------------ */

/* Takes `size` bytes, padded to a multiple of 4. */
static const uint8_t *take_padded(struct pack_cursor *cursor, uint64_t size)
{
    if (size > pack_cursor_left(cursor))
        return NULL;
    return pack_cursor_take(cursor, ((size_t)size + 3) & ~(size_t)3);
}

/* A row of notes: sizes of name and content, type, name, content. */
static bool find_build_id(const struct elf *elf, struct pack_facts *facts, const uint8_t *bytes,
                          size_t size)
{
    struct pack_cursor cursor = {.bytes = bytes, .size = size};
    const uint8_t *note = NULL;
    while ((note = pack_cursor_take(&cursor, 12)) != NULL) {
        const uint64_t name_size = fwpack_integer(note, 4, elf->order);
        const uint64_t content_size = fwpack_integer(note + 4, 4, elf->order);
        const uint8_t *name = take_padded(&cursor, name_size);
        const uint8_t *content = name != NULL ? take_padded(&cursor, content_size) : NULL;
        if (content == NULL)
            return false;
        if (fwpack_integer(note + 8, 4, elf->order) != NT_GNU_BUILD_ID || name_size != 4 ||
            memcmp(name, "GNU", 4) != 0)
            continue;
        pack_fact_hex(facts, "build_id", content, (size_t)pack_min(content_size, 64));
        return true;
    }
    return false;
}

static int describe_notes(struct elf *elf, struct pack_facts *facts, uint64_t offset, uint64_t size,
                          bool *found, struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *notes = NULL;
    if (size > elf->notes_left)
        return 0;
    elf->notes_left -= size;
    int code = fwpack_inside_file(elf->input, "a note", offset, size, error);
    if (code == 0)
        code = pack_allocate(&notes, (size_t)size, 1, error);
    if (code == 0)
        code = fwpack_read(elf->input, offset, notes, (size_t)size, error);
    if (code == 0)
        *found = find_build_id(elf, facts, notes, (size_t)size);
    return code;
}

/* A kernel module has no program headers; its notes are sections. */
static int describe_note_sections(struct elf *elf, struct pack_facts *facts,
                                  struct pack_error *error)
{
    const struct layout *layout = elf->layout;
    bool found = false;
    for (size_t i = 0; i < elf->section_count && !found; i++) {
        uint8_t header[MAX_HEADER];
        const uint64_t at = elf->section_offset + i * (uint64_t)layout->section_size;
        int code = fwpack_read(elf->input, at, header, layout->section_size, error);
        if (code == 0 && get(elf, header, layout->section_type) == SHT_NOTE)
            code = describe_notes(elf, facts, get(elf, header, layout->section_data),
                                  get(elf, header, layout->section_length), &found, error);
        if (code != 0)
            return code;
    }
    return 0;
}

static int describe_build_id(struct elf *elf, struct pack_facts *facts, struct pack_error *error)
{
    struct segment segment = {0};
    bool found = false;
    for (size_t i = 0; i < elf->program_count && !found; i++) {
        int code = read_segment(elf, i, &segment, error);
        if (code == 0 && segment.type == PT_NOTE)
            code = describe_notes(elf, facts, segment.offset, segment.file_size, &found, error);
        if (code != 0)
            return code;
    }
    return found ? 0 : describe_note_sections(elf, facts, error);
}

static void describe_segment(const struct elf *elf, struct pack_facts *facts,
                             const struct segment *segment)
{
    pack_facts_begin(facts, "segments");
    pack_fact_address(facts, "address", load_address(elf, segment));
    if (segment->virtual_address != load_address(elf, segment))
        pack_fact_address(facts, "virtual_address", segment->virtual_address);
    pack_fact_number(facts, "size", segment->file_size);
    if (segment->memory_size != segment->file_size)
        pack_fact_number(facts, "memory_size", segment->memory_size);
    fwpack_fact_bits(facts, "access", flags, segment->flags);
    pack_facts_end(facts);
}

static int describe_segments(const struct elf *elf, struct pack_facts *facts,
                             struct pack_error *error)
{
    struct segment segment = {0};
    for (size_t i = 0; i < elf->program_count; i++) {
        const int code = read_segment(elf, i, &segment, error);
        if (code != 0)
            return code;
        if (segment.type == PT_LOAD)
            describe_segment(elf, facts, &segment);
    }
    return 0;
}

static int elf_describe(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    struct elf elf = {0};
    int code = elf_open(&elf, input, error);
    if (code != 0)
        return code;
    fwpack_fact_word(facts, "class", classes, elf.header[4]);
    fwpack_fact_word(facts, "byte_order", orders, elf.header[5]);
    fwpack_fact_word(facts, "machine", machines, fwpack_integer(elf.header + 18, 2, elf.order));
    fwpack_fact_word(facts, "type", types, fwpack_integer(elf.header + 16, 2, elf.order));
    pack_fact_address(facts, "entry", get(&elf, elf.header, elf.layout->entry));
    code = describe_build_id(&elf, facts, error);
    return code == 0 ? describe_segments(&elf, facts, error) : code;
}

/* --- parts ----------------------------------------------------------------------------------- */

struct section {
    uint64_t type, flags, address, offset, size;
    size_t link, info;
};

/* What a relocatable file is asked beside: the number of each section's symbol, or 0. */
struct elf_sections {
    struct section *list;
    uint64_t *symbols;
    size_t count;
};

static void clear_sections(struct elf_sections *sections)
{
    free(sections->list);
    free(sections->symbols);
}

/* Names of contents, of code in class and byte order. */
static const struct {
    uint16_t machine;
    uint8_t class;
    enum byte_order order;
    const char *code;
} codes[] = {
    {62, CLASS_64, LITTLE, "x86-64"},   {3, CLASS_32, LITTLE, "i386"},
    {183, CLASS_64, LITTLE, "aarch64"}, {243, CLASS_32, LITTLE, "riscv32"},
    {243, CLASS_64, LITTLE, "riscv64"}, {94, CLASS_32, LITTLE, "xtensa"},
    {83, CLASS_32, LITTLE, "avr"},      {8, CLASS_32, LITTLE, "mipsel"},
    {8, CLASS_32, BIG, "mips"},         {20, CLASS_32, BIG, "powerpc"},
    {40, CLASS_32, LITTLE, "code"},
};

static const char *code_name(const struct elf *elf)
{
    const uint64_t machine = fwpack_integer(elf->header + 18, 2, elf->order);
    for (size_t i = 0; i < COUNT(codes); i++)
        if (codes[i].machine == machine && codes[i].class == elf->header[4] &&
            codes[i].order == elf->order)
            return codes[i].code;
    return NULL;
}

static const char *data_name(const struct elf *elf)
{
    if (elf->header[4] == CLASS_64)
        return elf->order == LITTLE ? "pointers64" : "pointers64be";
    return elf->order == LITTLE ? "pointers32" : "pointers32be";
}

static bool is_relocatable(const struct elf *elf)
{
    return fwpack_integer(elf->header + 16, 2, elf->order) == ET_REL;
}

static int read_section(const struct elf *elf, size_t index, struct section *section,
                        struct pack_error *error)
{
    const struct layout *layout = elf->layout;
    uint8_t header[MAX_HEADER];
    const uint64_t at = elf->section_offset + index * (uint64_t)layout->section_size;
    const int code = fwpack_read(elf->input, at, header, layout->section_size, error);
    if (code != 0)
        return code;
    section->type = get(elf, header, layout->section_type);
    section->flags = get(elf, header, layout->section_flags);
    section->address = get(elf, header, layout->section_address);
    section->offset = get(elf, header, layout->section_data);
    section->size = section->type == SHT_NOBITS ? 0 : get(elf, header, layout->section_length);
    section->link = (size_t)get(elf, header, layout->section_link);
    section->info = (size_t)get(elf, header, layout->section_info);
    return 0;
}

/* The symbols of sections stand among the local ones, which come first. */
static int find_section_symbols(const struct elf *elf, struct elf_sections *sections,
                                const struct section *table, struct pack_error *error)
{
    const struct layout *layout = elf->layout;
    struct window window = {.input = elf->input};
    const uint64_t count = pack_min(table->info, table->size / layout->symbol_size);
    int code =
        fwpack_inside_file(elf->input, "the symbol table", table->offset, table->size, error);
    for (uint64_t i = 0; code == 0 && i < count; i++) {
        uint8_t symbol[MAX_HEADER];
        code = fwpack_window_read(&window, table->offset + i * layout->symbol_size, symbol,
                                  layout->symbol_size, error);
        const uint64_t section = code == 0 ? get(elf, symbol, layout->symbol_section) : 0;
        if (code == 0 && (get(elf, symbol, layout->symbol_info) & 15) == STT_SECTION &&
            section < sections->count && i <= UINT16_MAX)
            sections->symbols[section] = i;
    }
    return code;
}

static int read_sections(const struct elf *elf, struct elf_sections *sections,
                         struct pack_error *error)
{
    sections->count = elf->section_count;
    int code = pack_allocate(&sections->list, sections->count + 1, sizeof *sections->list, error);
    if (code == 0)
        code = pack_allocate(&sections->symbols, sections->count + 1, sizeof *sections->symbols,
                             error);
    for (size_t i = 0; code == 0 && i < sections->count; i++)
        code = read_section(elf, i, &sections->list[i], error);
    for (size_t i = 0; code == 0 && is_relocatable(elf) && i < sections->count; i++)
        if (sections->list[i].type == SHT_SYMTAB)
            code = find_section_symbols(elf, sections, &sections->list[i], error);
    return code;
}

/* A section of a relocatable file has no address: libpack/patch/predict.h says which it gets. */
static uint64_t section_address(const struct elf_sections *sections, size_t index)
{
    return index < sections->count ? (uint64_t)index << 48 | sections->symbols[index] << 32 : 0;
}

static void fill_table(const struct elf *elf, const struct elf_sections *sections, size_t index,
                       struct pack_part *part)
{
    const struct section *section = &sections->list[index];
    const bool wide = elf->header[4] == CLASS_64, relocatable = is_relocatable(elf);
    if (elf->order != LITTLE)
        return;
    if (section->type == SHT_SYMTAB && wide && relocatable) {
        part->contents = "elf-sym64";
        part->parameter[0] = section_address(sections, section->link);
        return;
    }
    if (section->type != (wide ? SHT_RELA : SHT_REL))
        return;
    part->contents = wide ? "elf-rela64" : "elf-rel32";
    if (!relocatable || section->info >= sections->count)
        return;
    part->parameter[0] = section_address(sections, section->info);
    if ((sections->list[section->info].flags & SHF_EXECINSTR) != 0)
        part->parameter[0] |= 4;
    part->parameter[1] = section_address(sections, section->link);
}

static void fill_contents(const struct elf *elf, const struct elf_sections *sections, size_t index,
                          struct pack_part *part)
{
    const struct section *section = &sections->list[index];
    const bool data = section->type == SHT_PROGBITS || section->type == SHT_INIT_ARRAY ||
                      section->type == SHT_FINI_ARRAY;
    if (data && (section->flags & SHF_EXECINSTR) != 0)
        part->contents = code_name(elf);
    else if (data && (section->flags & SHF_ALLOC) != 0 && !is_relocatable(elf))
        part->contents = data_name(elf);
    else
        fill_table(elf, sections, index, part);
}

static int add_section_parts(const struct elf *elf, const struct elf_sections *sections,
                             struct pack_parts *parts, struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < sections->count; i++) {
        struct pack_part part = {.offset = sections->list[i].offset,
                                 .size = sections->list[i].size};
        fill_contents(elf, sections, i, &part);
        if (is_relocatable(elf)) {
            part.placed = i > 0;
            part.address = section_address(sections, i);
        }
        if (part.placed || part.contents)
            code = pack_parts_add(parts, &part, error);
    }
    return code;
}

/* Without sections, what segments may do says what they hold. */
static int add_segment_parts(const struct elf *elf, struct pack_parts *parts,
                             struct pack_error *error)
{
    struct segment segment = {0};
    int code = 0;
    for (size_t i = 0; code == 0 && i < elf->program_count; i++) {
        code = read_segment(elf, i, &segment, error);
        if (code != 0 || segment.type != PT_LOAD)
            continue;
        struct pack_part part = {.offset = segment.offset,
                                 .size = segment.file_size,
                                 .placed = true,
                                 .address = segment.virtual_address};
        if (elf->section_count == 0)
            part.contents = (segment.flags & PF_X) != 0 ? code_name(elf) : data_name(elf);
        code = pack_parts_add(parts, &part, error);
    }
    return code;
}

static int elf_parts(struct pack_input *input, struct pack_parts *parts, struct pack_error *error)
{
    PACK_AUTO(clear_sections) struct elf_sections sections = {0};
    struct elf elf = {0};
    int code = elf_open(&elf, input, error);
    if (code == 0)
        code = read_sections(&elf, &sections, error);
    if (code == 0)
        code = add_section_parts(&elf, &sections, parts, error);
    return code == 0 ? add_segment_parts(&elf, parts, error) : code;
}

static int elf_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0,
                      "\x7f"
                      "ELF",
                      4)
               ? 100
               : 0;
}

const struct pack_format fwpack_format_elf = {
    .name = "elf",
    .summary = "ELF",
    .suffixes = ".elf .axf .out .ko",
    .abilities = PACK_FORMAT_SEGMENTED | PACK_FORMAT_ENTRY,
    .probe = elf_probe,
    .describe = elf_describe,
    .read = elf_read,
    .parts = elf_parts,
};
