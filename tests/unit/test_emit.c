/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "cli.h"
#include "commands.h"
#include "emit.h"

#include <string.h>

/* A table with what is awkward to print. */
static const struct option odd_options[] = {
    {.name = "quote", .letter = 'Q', .help = "it's a [flag] with a back\\slash | and a $HOME"},
    {.name = "a-name-that-is-much-longer-than-the-column",
     .kind = OPTION_TEXT,
     .value = "TEXT",
     .help = "words and words and words and words and words and words and words and words"},
    {.name = NULL},
};
static const struct command odd = {
    .name = "odd-one",
    .summary = "a command that is hard to print",
    .synopsis = "[-Q]\n--a-name-that-is-much-longer-than-the-column TEXT [ONE [TWO [THREE]]]...",
    .description = ".dot at the start\n\n'quote at the start, and a-dash",
    .examples = ".hidden -Q\n",
    .options = odd_options,
};
static const struct command odd_program = {
    .name = "fwpack",
    .summary = "a program",
    .synopsis = "COMMAND",
    .description = "Text.",
    .subcommands = (const struct command *const[]){&odd, NULL},
};

struct memory {
    FILE *stream;
    char *text;
    size_t size;
};

static void memory_clear(struct memory *memory)
{
    free(memory->text);
}
#define AUTO_MEMORY CLI_AUTO(memory_clear)

static void memory_open(struct memory *memory)
{
    memory->stream = open_memstream(&memory->text, &memory->size);
    assert_non_null(memory->stream);
}

static const char *memory_text(struct memory *memory)
{
    assert_int_equal(fclose(memory->stream), 0);
    return memory->text;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, text);
}

static void assert_fits(const char *text)
{
    char line[1024];
    for (size_t i = 0; emit_line(text, i, line, sizeof line); i++) {
        if (strlen(line) > EMIT_WIDTH)
            fail_msg("%zu columns: %s", strlen(line), line);
        if (line[0] != '\0' && line[strlen(line) - 1] == ' ')
            fail_msg("ends with a blank: '%s'", line);
    }
}

static void fills_lines(void **state)
{
    (void)state;
    AUTO_MEMORY struct memory memory = {.text = NULL};
    char word[EMIT_WIDTH];
    memset(word, 'w', sizeof word);
    word[sizeof word - 1] = '\0';
    memory_open(&memory);
    fputs("ab  ", memory.stream);
    emit_filled(memory.stream, "one  two\nthree", 4, 4);
    fputs("ab  ", memory.stream);
    emit_filled(memory.stream, word, 4, 4);
    emit_filled(memory.stream, "", 0, 4);
    const char *text = memory_text(&memory);
    assert_memory_equal(text, "ab  one two three\nab  www", 25);
    assert_has(text, "www\n\n");
}

static void help_fits(void **state)
{
    (void)state;
    AUTO_MEMORY struct memory memory = {.text = NULL};
    memory_open(&memory);
    emit_help(memory.stream, &odd, "odd-one");
    const char *text = memory_text(&memory);
    assert_has(text, "Usage: fwpack odd-one [-Q]\n       fwpack odd-one --a-name");
    assert_has(text, "  -Q, --quote                 it's a [flag]");
    assert_has(text, "      --a-name-that-is-much-longer-than-the-column TEXT\n"
                     "                              words and words");
    assert_has(text, "\nCommon options:\n  -h, --help");
    assert_has(text, "\nExamples:\n  .hidden -Q\n");
    assert_fits(text);
}

static void check_help(void *user, const struct command *command, const char *path)
{
    AUTO_MEMORY struct memory memory = {.text = NULL};
    unsigned *count = user;
    memory_open(&memory);
    emit_help(memory.stream, command, path);
    assert_fits(memory_text(&memory));
    ++*count;
}

static void help_of_every_command_fits(void **state)
{
    (void)state;
    unsigned count = 0;
    emit_walk(&command_program, check_help, &count);
    assert_true(count > 5);
}

static void manual_pages_are_safe_roff(void **state)
{
    (void)state;
    AUTO_MEMORY struct memory memory = {.text = NULL};
    memory_open(&memory);
    emit_man(memory.stream, &odd_program, &odd);
    const char *text = memory_text(&memory);
    assert_has(text, ".TH FWPACK\\-ODD\\-ONE 1 ");
    assert_has(text, "fwpack\\-odd\\-one \\- a command");
    assert_has(text, "\n\\&.dot at the start\n.PP\n\\&\\(aqquote at the start, and a\\-dash\n");
    assert_has(text, "\\fB\\-Q\\fR, \\fB\\-\\-quote\\fR\nIt\\(aqs a [flag] with a back\\eslash");
    assert_has(text, ".EX\n\\&.hidden \\-Q\n.EE\n");
    assert_has(text, ".BR fwpack (1),\n");
}

static void scripts_quote_what_they_print(void **state)
{
    (void)state;
    AUTO_MEMORY struct memory zsh = {.text = NULL}, fish = {.text = NULL}, bash = {.text = NULL};
    memory_open(&zsh);
    emit_zsh(zsh.stream, &odd_program);
    memory_open(&fish);
    emit_fish(fish.stream, &odd_program);
    memory_open(&bash);
    emit_bash(bash.stream, &odd_program);
    assert_has(memory_text(&zsh),
               "'(-Q --quote)'{-Q,--quote}'[it'\\''s a \\[flag\\] with a back\\\\slash |");
    assert_has(memory_text(&fish), " -l quote -s Q -d 'it\\'s a [flag] with a back\\\\slash | and");
    assert_has(memory_text(&bash), "options='--quote -Q --a-name-that-is-much-longer");
}

/* Each option and each command stands in each of the texts. */
struct search {
    const char *text;
    const char *dashes; /* how the text writes the two dashes */
};

static void find_command(void *user, const struct command *command, const char *path)
{
    const struct search *search = user;
    const struct option *option = NULL;
    (void)path;
    assert_has(search->text, command->name);
    for (size_t i = 0; (option = command_option(command, i, NULL)) != NULL; i++) {
        char word[80];
        snprintf(word, sizeof word, "%s%s", search->dashes, option->name);
        assert_has(search->text, word);
    }
}

static void nothing_is_left_out(void **state)
{
    static const struct {
        void (*emit)(FILE *stream, const struct command *program);
        const char *dashes;
    } emitters[] = {
        {emit_bash, "--"}, {emit_zsh, "--"}, {emit_fish, "-l "}, {emit_reference, "--"}};
    (void)state;
    for (size_t i = 0; i < sizeof emitters / sizeof emitters[0]; i++) {
        AUTO_MEMORY struct memory memory = {.text = NULL};
        memory_open(&memory);
        emitters[i].emit(memory.stream, &command_program);
        struct search search = {memory_text(&memory), emitters[i].dashes};
        emit_walk(&command_program, find_command, &search);
    }
}

static void every_error_is_documented(void **state)
{
    (void)state;
    AUTO_MEMORY struct memory memory = {.text = NULL};
    memory_open(&memory);
    emit_errors(memory.stream);
    const char *text = memory_text(&memory);
    for (unsigned code = PACK_OK + 1; code < PACK_ERROR_COUNT; code++) {
        char row[256];
        snprintf(row, sizeof row, "| `%s` | %d | %s |\n", pack_code_id(code), pack_code_exit(code),
                 pack_code_summary(code));
        assert_has(text, row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_lines),
        cmocka_unit_test(help_fits),
        cmocka_unit_test(help_of_every_command_fits),
        cmocka_unit_test(manual_pages_are_safe_roff),
        cmocka_unit_test(scripts_quote_what_they_print),
        cmocka_unit_test(nothing_is_left_out),
        cmocka_unit_test(every_error_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
