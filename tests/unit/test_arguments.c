/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "cli.h"
#include "commands.h"
#include "environment.h"
#include "exits.h"

#include <stdio.h>
#include <string.h>

/* --- a table to parse against ---------------------------------------------------------------- */

static const char *choice_size(size_t index)
{
    static const char *const words[] = {"small", "large", NULL};
    return words[index];
}

static const struct option pack_options[] = {
    {.name = "deep", .letter = 'd', .help = "a flag"},
    {.name = "depth",
     .letter = 'D',
     .kind = OPTION_NUMBER,
     .value = "N",
     .minimum = 1,
     .maximum = 9,
     .help = "a number"},
    {.name = "limit", .kind = OPTION_NUMBER, .value = "N", .help = "a number without a limit"},
    {.name = "base", .kind = OPTION_ADDRESS, .value = "ADDRESS", .help = "an address"},
    {.name = "size",
     .kind = OPTION_CHOICE,
     .value = "SIZE",
     .choices = choice_size,
     .help = "a choice"},
    {.name = "set",
     .letter = 's',
     .kind = OPTION_DEFINITION,
     .value = "NAME=VALUE",
     .repeatable = true,
     .help = "a definition"},
    {.name = "text", .letter = 't', .kind = OPTION_TEXT, .value = "TEXT", .help = "a text"},
    {.name = NULL},
};

static const struct positional pack_positionals[] = {
    {.name = "FROM", .kind = OPTION_PATH},
    {.name = "TO", .kind = OPTION_PATH, .optional = true},
    {.name = NULL},
};

static const struct command box_pack = {.name = "pack",
                                        .options = pack_options,
                                        .positionals = pack_positionals,
                                        .groups = GROUP_WRITES | GROUP_SIGNS};

static const struct positional list_positionals[] = {
    {.name = "HOW", .kind = OPTION_CHOICE, .choices = choice_size},
    {.name = "BOX", .kind = OPTION_PATH, .many = true},
    {.name = NULL},
};
static const struct command box_list = {.name = "list", .positionals = list_positionals};
static const struct command box_version = {.name = "version"};
static const struct command lid_open = {.name = "open"};
static const struct command box_lid = {
    .name = "lid", .subcommands = (const struct command *const[]){&lid_open, NULL}};

static const struct option program_options[] = {
    {.name = "version", .help = "print the version"},
    {.name = NULL},
};
static const struct command program = {
    .name = "box",
    .options = program_options,
    .subcommands =
        (const struct command *const[]){&box_pack, &box_list, &box_lid, &box_version, NULL},
};

/* --- parsing in a test ----------------------------------------------------------------------- */

struct parsed {
    struct arguments *arguments;
    struct pack_error error;
    int code;
};

static const char *no_variable(const char *name)
{
    (void)name;
    return NULL;
}

static void parsed_clear(struct parsed *parsed)
{
    arguments_free(&parsed->arguments);
}
#define AUTO_PARSED CLI_AUTO(parsed_clear)

static struct parsed parse_with(variable_fn variable, const char *const argv[])
{
    struct parsed parsed = {.arguments = NULL};
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    parsed.code = arguments_parse(&parsed.arguments, &program, argc, argv, variable, &parsed.error);
    assert_non_null(parsed.arguments);
    return parsed;
}
#define PARSE(...) parse_with(no_variable, (const char *const[]){"box", __VA_ARGS__, NULL})

static void assert_good(const struct parsed *parsed)
{
    if (parsed->code != 0)
        fail_msg("%s", parsed->error.text);
}

static void assert_usage(const struct parsed *parsed, const char *text, const char *hint)
{
    assert_int_equal(parsed->code, PACK_E_USAGE);
    assert_int_equal(parsed->error.code, PACK_E_USAGE);
    if (strstr(parsed->error.text, text) == NULL)
        fail_msg("'%s' is not in '%s'", text, parsed->error.text);
    if (hint != NULL && strstr(parsed->error.hint, hint) == NULL)
        fail_msg("'%s' is not in the hint '%s'", hint, parsed->error.hint);
}

static void assert_command(const struct parsed *parsed, const char *expected)
{
    char path[64];
    arguments_path(parsed->arguments, '-', path, sizeof path);
    assert_string_equal(path, expected);
}

/* --- order and spelling ---------------------------------------------------------------------- */

static void takes_options_and_arguments_in_any_order(void **state)
{
    (void)state;
    AUTO_PARSED struct parsed a = PARSE("pack", "in", "-d", "out", "-o", "file");
    AUTO_PARSED struct parsed b = PARSE("-q", "pack", "-o", "file", "-d", "in", "out", "--json");
    assert_good(&a);
    assert_good(&b);
    assert_string_equal(arguments_at(a.arguments, 0), "in");
    assert_string_equal(arguments_at(a.arguments, 1), "out");
    assert_null(arguments_at(a.arguments, 2));
    assert_int_equal(arguments_count(b.arguments), 2);
    assert_true(arguments_flag(a.arguments, "deep"));
    assert_false(arguments_flag(a.arguments, "json"));
    assert_true(arguments_flag(b.arguments, "json"));
    assert_true(arguments_flag(b.arguments, "quiet"));
    assert_string_equal(arguments_value(b.arguments, "output"), "file");
    assert_command(&b, "pack");
}

static void takes_a_value_in_each_spelling(void **state)
{
    (void)state;
    const char *const lines[][5] = {
        {"box", "pack", "in", "--text=a b", NULL},
        {"box", "pack", "in", "-ta b", NULL},
        {"box", "pack", "in", "-dta b", NULL},
        {"box", "pack", "--text=a b", "in", NULL},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        AUTO_PARSED struct parsed parsed = parse_with(no_variable, lines[i]);
        assert_good(&parsed);
        assert_string_equal(arguments_value(parsed.arguments, "text"), "a b");
    }
    AUTO_PARSED struct parsed apart = PARSE("pack", "--text", "a b", "in");
    AUTO_PARSED struct parsed letter = PARSE("pack", "-dqt", "a b", "in");
    assert_string_equal(arguments_value(apart.arguments, "text"), "a b");
    assert_string_equal(arguments_value(letter.arguments, "text"), "a b");
    assert_true(arguments_flag(letter.arguments, "quiet"));
}

static void a_value_may_hold_anything_when_it_is_attached(void **state)
{
    (void)state;
    AUTO_PARSED struct parsed parsed = PARSE("pack", "in", "--text=--json=1", "-o-x");
    AUTO_PARSED struct parsed empty = PARSE("pack", "in", "--text=");
    assert_good(&parsed);
    assert_string_equal(arguments_value(parsed.arguments, "text"), "--json=1");
    assert_string_equal(arguments_value(parsed.arguments, "output"), "-x");
    assert_false(arguments_flag(parsed.arguments, "json"));
    assert_string_equal(arguments_value(empty.arguments, "text"), "");
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    AUTO_PARSED struct parsed parsed = PARSE("pack", "--", "-d", "--");
    AUTO_PARSED struct parsed early = PARSE("--", "pack", "--json");
    assert_good(&parsed);
    assert_string_equal(arguments_at(parsed.arguments, 0), "-d");
    assert_string_equal(arguments_at(parsed.arguments, 1), "--");
    assert_false(arguments_flag(parsed.arguments, "deep"));
    assert_string_equal(arguments_at(early.arguments, 0), "--json");
}

static void one_dash_is_a_file(void **state)
{
    (void)state;
    AUTO_PARSED struct parsed parsed = PARSE("pack", "-", "-o", "-");
    assert_good(&parsed);
    assert_string_equal(arguments_at(parsed.arguments, 0), "-");
    assert_string_equal(arguments_value(parsed.arguments, "output"), "-");
}

static void repeated_values_keep_their_order(void **state)
{
    (void)state;
    AUTO_PARSED struct parsed parsed =
        PARSE("pack", "-sA=1", "-k", "a.key", "in", "--set=B=2=3", "--key", "b.key", "-s", "C=");
    size_t count = 0;
    assert_good(&parsed);
    const char *const *values = arguments_values(parsed.arguments, "set", &count);
    assert_int_equal(count, 3);
    assert_string_equal(values[0], "A=1");
    assert_string_equal(values[1], "B=2=3");
    assert_string_equal(values[2], "C=");
    values = arguments_values(parsed.arguments, "key", &count);
    assert_int_equal(count, 2);
    assert_string_equal(values[1], "b.key");
    assert_null(arguments_values(parsed.arguments, "text", &count));
    assert_int_equal(count, 0);
}

/* --- mistakes -------------------------------------------------------------------------------- */

static void names_the_nearest_word(void **state)
{
    (void)state;
    AUTO_PARSED struct parsed command = PARSE("pakc", "in");
    AUTO_PARSED struct parsed below = PARSE("lid", "opne");
    AUTO_PARSED struct parsed option = PARSE("pack", "in", "--detph", "3");
    AUTO_PARSED struct parsed early = PARSE("--depth", "3", "pack");
    AUTO_PARSED struct parsed letter = PARSE("pack", "in", "-dZ");
    AUTO_PARSED struct parsed choice = PARSE("pack", "in", "--size=smal");
    AUTO_PARSED struct parsed far = PARSE("xyzzyx");
    assert_usage(&command, "unknown command 'pakc'", "did you mean 'pack'?");
    assert_usage(&below, "unknown command 'opne'", "did you mean 'open'?");
    assert_usage(&option, "unknown option '--detph'", "did you mean '--depth'?");
    assert_usage(&early, "unknown option '--depth'", "stand behind its name");
    assert_usage(&letter, "unknown option '-Z'", "'fwpack pack --help'");
    assert_usage(&choice, "'smal' is none of small, large", "did you mean 'small'?");
    assert_usage(&far, "unknown command 'xyzzyx'", "'fwpack --help'");
}

static void never_abbreviates(void **state)
{
    (void)state;
    AUTO_PARSED struct parsed option = PARSE("pack", "in", "--jso");
    AUTO_PARSED struct parsed command = PARSE("pac", "in");
    AUTO_PARSED struct parsed longer = PARSE("pack", "in", "--jsonx");
    assert_usage(&option, "unknown option '--jso'", "'--json'");
    assert_usage(&command, "unknown command 'pac'", "'pack'");
    assert_usage(&longer, "unknown option '--jsonx'", "'--json'");
}

static void never_lets_the_last_one_win(void **state)
{
    (void)state;
    AUTO_PARSED struct parsed twice = PARSE("pack", "in", "-o", "a", "--output=b");
    AUTO_PARSED struct parsed apart = PARSE("-j2", "pack", "in", "-j3");
    AUTO_PARSED struct parsed flags = PARSE("-q", "pack", "in", "-qq", "--quiet");
    assert_usage(&twice, "--output is given twice", NULL);
    assert_usage(&apart, "--jobs is given twice", NULL);
    assert_good(&flags);
}

static void wants_values_where_they_belong(void **state)
{
    (void)state;
    AUTO_PARSED struct parsed end = PARSE("pack", "in", "-o");
    AUTO_PARSED struct parsed option = PARSE("pack", "in", "-o", "--json");
    AUTO_PARSED struct parsed letter = PARSE("pack", "in", "--output", "-d");
    AUTO_PARSED struct parsed ended = PARSE("pack", "-o", "--", "in");
    AUTO_PARSED struct parsed flag = PARSE("pack", "in", "--json=yes");
    AUTO_PARSED struct parsed equals = PARSE("pack", "in", "-o=x");
    AUTO_PARSED struct parsed empty = PARSE("pack", "in", "-o", "");
    assert_usage(&end, "--output needs a value: FILE", NULL);
    assert_usage(&option, "--output needs a value", "--output=--json");
    assert_true(arguments_flag(option.arguments, "json"));
    assert_usage(&letter, "--output needs a value", "--output=-d");
    assert_usage(&ended, "--output needs a value", NULL);
    assert_usage(&flag, "--json takes no value", NULL);
    assert_usage(&equals, "-o takes its value without '='", "--output=VALUE");
    assert_usage(&empty, "the value is empty", NULL);
}

static void counts_arguments(void **state)
{
    (void)state;
    AUTO_PARSED struct parsed none = PARSE("pack");
    AUTO_PARSED struct parsed more = PARSE("pack", "a", "b", "c");
    AUTO_PARSED struct parsed empty = PARSE("pack", "");
    AUTO_PARSED struct parsed many = PARSE("list", "small", "a", "b", "c");
    AUTO_PARSED struct parsed few = PARSE("list", "small");
    AUTO_PARSED struct parsed choice = PARSE("list", "a", "b");
    AUTO_PARSED struct parsed unwanted = PARSE("version", "x");
    assert_usage(&none, "FROM is missing", "'fwpack pack --help'");
    assert_usage(&more, "'c' is one argument too many", NULL);
    assert_usage(&empty, "FROM is empty", NULL);
    assert_good(&many);
    assert_int_equal(arguments_count(many.arguments), 4);
    assert_usage(&few, "BOX is missing", NULL);
    assert_usage(&choice, "HOW: 'a' is none of small, large", NULL);
    assert_usage(&unwanted, "'x' is one argument too many", NULL);
}

/* The whole line is read, so that how to answer is known even where what to do is not. */
static void reads_on_after_a_mistake(void **state)
{
    (void)state;
    AUTO_PARSED struct parsed option = PARSE("pack", "--bogus", "--other", "--json", "-h");
    AUTO_PARSED struct parsed command = PARSE("pakc", "--json", "--bogus", "in");
    assert_usage(&option, "'--bogus'", NULL);
    assert_true(arguments_flag(option.arguments, "json"));
    assert_true(arguments_flag(option.arguments, "help"));
    assert_usage(&command, "unknown command", NULL);
    assert_true(arguments_flag(command.arguments, "json"));
    AUTO_PARSED struct parsed help = PARSE("help", "pakc");
    assert_usage(&help, "unknown command 'pakc'", "'pack'");
    assert_false(arguments_flag(help.arguments, "help"));
}

/* --- values ---------------------------------------------------------------------------------- */

static void checks_numbers(void **state)
{
    static const char *const bad[] = {"0",
                                      "10",
                                      "-1",
                                      "1e3",
                                      "0x1",
                                      "1.0",
                                      " 1",
                                      "1 ",
                                      "one",
                                      "1KiB",
                                      "+1",
                                      "",
                                      "99999999999999999999"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char word[64];
        snprintf(word, sizeof word, "--depth=%s", bad[i]);
        AUTO_PARSED struct parsed parsed = PARSE("pack", "in", word);
        assert_usage(&parsed, "--depth", NULL);
    }
    uint64_t number = 7;
    AUTO_PARSED struct parsed good = PARSE("pack", "in", "-D9");
    assert_true(arguments_number(good.arguments, "depth", &number));
    assert_int_equal(number, 9);
    assert_false(arguments_number(good.arguments, "limit", &number));
    assert_int_equal(number, 9);
}

static void reads_numbers_and_addresses(void **state)
{
    static const struct {
        const char *text;
        bool hex, good;
        uint64_t number;
    } cases[] = {
        {"0", false, true, 0},
        {"18446744073709551615", false, true, UINT64_MAX},
        {"18446744073709551616", false, false, 0},
        {"64KiB", false, false, 0},
        {"0x8000000", true, true, 0x8000000},
        {"0xFFFFFFFFffffffff", true, true, UINT64_MAX},
        {"0x10000000000000000", true, false, 0},
        {"0x", true, false, 0},
        {"0x8", false, false, 0},
        {"8g", true, false, 0},
        {"077", true, true, 77},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t number = 0;
        const bool good = number_parse(cases[i].text, cases[i].hex, &number);
        if (good != cases[i].good || (good && number != cases[i].number))
            fail_msg("%s: %d, %llu", cases[i].text, good, (unsigned long long)number);
    }
}

static void checks_definitions(void **state)
{
    static const char *const bad[] = {"A", "=1", "1A=2", "A B=1", "-=1", "A-B=1", ""};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char word[64];
        snprintf(word, sizeof word, "--set=%s", bad[i]);
        AUTO_PARSED struct parsed parsed = PARSE("pack", "in", word);
        assert_usage(&parsed, "is not NAME=VALUE", NULL);
    }
}

/* --- commands -------------------------------------------------------------------------------- */

static void finds_commands_below_commands(void **state)
{
    (void)state;
    AUTO_PARSED struct parsed open = PARSE("lid", "--json", "open");
    AUTO_PARSED struct parsed group = PARSE("lid", "--json");
    AUTO_PARSED struct parsed none = PARSE("--json");
    assert_good(&open);
    assert_command(&open, "lid-open");
    assert_usage(&group, "no command is given", "'fwpack lid --help'");
    assert_command(&group, "lid");
    assert_usage(&none, "no command is given", "'fwpack --help'");
    assert_command(&none, "");
}

static void help_and_version_are_words_too(void **state)
{
    (void)state;
    AUTO_PARSED struct parsed help = PARSE("help", "lid", "open");
    AUTO_PARSED struct parsed version = PARSE("--version");
    AUTO_PARSED struct parsed argument = PARSE("pack", "help");
    assert_true(arguments_flag(help.arguments, "help"));
    assert_command(&help, "lid-open");
    assert_good(&version);
    assert_ptr_equal(arguments_command(version.arguments), &box_version);
    assert_good(&argument);
    assert_false(arguments_flag(argument.arguments, "help"));
}

/* --- variables ------------------------------------------------------------------------------- */

static const char *all_variables(const char *name)
{
    if (strcmp(name, "FWPACK_JOBS") == 0)
        return "3";
    return strcmp(name, "FWPACK_KEY") == 0 ? "variable.key" : NULL;
}

static const char *bad_variable(const char *name)
{
    return strcmp(name, "FWPACK_JOBS") == 0 ? "many" : NULL;
}

static void variables_stand_in_for_options(void **state)
{
    (void)state;
    const char *const line[] = {"box", "pack", "in", NULL};
    const char *const keyed[] = {"box", "pack", "in", "-k", "a.key", "-k", "b.key", NULL};
    uint64_t jobs = 0;
    size_t count = 0;
    AUTO_PARSED struct parsed given = parse_with(all_variables, line);
    AUTO_PARSED struct parsed beaten = parse_with(all_variables, keyed);
    AUTO_PARSED struct parsed bad = parse_with(bad_variable, line);
    assert_good(&given);
    assert_true(arguments_number(given.arguments, "jobs", &jobs));
    assert_int_equal(jobs, 3);
    assert_string_equal(arguments_value(given.arguments, "key"), "variable.key");
    assert_true(arguments_from_variable(given.arguments, "key"));
    arguments_values(beaten.arguments, "key", &count);
    assert_int_equal(count, 2);
    assert_false(arguments_from_variable(beaten.arguments, "key"));
    assert_usage(&bad, "FWPACK_JOBS: 'many' is no whole number", NULL);
}

/* --- A135: argument vectors that no shell makes ---------------------------------------------- */

static void survives_empty_vectors(void **state)
{
    (void)state;
    struct pack_error error = {0};
    struct arguments *arguments = NULL;
    const char *const nothing[] = {NULL};
    assert_pack_fails(arguments_parse(&arguments, &program, 0, nothing, no_variable, &error),
                      PACK_E_USAGE);
    arguments_free(&arguments);
    assert_pack_fails(arguments_parse(&arguments, &program, 0, NULL, no_variable, &error),
                      PACK_E_USAGE);
    arguments_free(&arguments);
    const char *const ends_early[] = {"box", "version", NULL, "x"};
    pack_error_clear(&error);
    assert_pack_ok(arguments_parse(&arguments, &program, 4, ends_early, no_variable, &error));
    arguments_free(&arguments);
    AUTO_PARSED struct parsed empty = PARSE("");
    assert_usage(&empty, "unknown command ''", NULL);
}

static void survives_long_arguments(void **state)
{
    (void)state;
    const size_t size = 1 << 20;
    CLI_AUTO_FREE char *word = malloc(size + 1);
    assert_non_null(word);
    memset(word, 'q', size);
    word[size] = '\0';
    AUTO_PARSED struct parsed command = PARSE(word);
    AUTO_PARSED struct parsed value = PARSE("pack", "in", "--text", word);
    AUTO_PARSED struct parsed number = PARSE("pack", "in", "--depth", word);
    assert_usage(&command, "unknown command 'qqq", NULL);
    assert_good(&value);
    assert_int_equal(strlen(arguments_value(value.arguments, "text")), size);
    assert_usage(&number, "is no whole number", NULL);
    word[0] = '-';
    AUTO_PARSED struct parsed letters = PARSE("pack", "in", word);
    assert_good(&letters);
    word[1] = '-';
    AUTO_PARSED struct parsed option = PARSE("pack", "in", word);
    assert_usage(&option, "unknown option '--qqq", NULL);
}

static void survives_many_arguments(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static const char *argv[2 * COUNT + 4] = {"box", "pack", "in"};
    for (size_t i = 0; i < COUNT; i++) {
        argv[3 + 2 * i] = "-k";
        argv[4 + 2 * i] = "a.key";
    }
    size_t count = 0;
    AUTO_PARSED struct parsed parsed = parse_with(no_variable, argv);
    assert_good(&parsed);
    arguments_values(parsed.arguments, "key", &count);
    assert_int_equal(count, COUNT);
}

static void asking_for_an_unknown_name_is_noted(void **state)
{
    (void)state;
    AUTO_PARSED struct parsed parsed = PARSE("pack", "in");
    assert_null(arguments_fault(parsed.arguments));
    assert_false(arguments_flag(parsed.arguments, "depp"));
    assert_string_equal(arguments_fault(parsed.arguments), "depp");
}

/* --- the tables of the program --------------------------------------------------------------- */

static bool is_variable(const char *name)
{
    for (const struct variable *variable = environment_variables; variable->name; variable++)
        if (strcmp(variable->name, name) == 0)
            return true;
    return false;
}

static void check_option(const struct option *option)
{
    assert_non_null(option->help);
    assert_false(option->help[strlen(option->help) - 1] == '.');
    assert_int_equal(option->value != NULL, option->kind != OPTION_FLAG);
    assert_int_equal(option->choices != NULL, option->kind == OPTION_CHOICE);
    if (option->variable != NULL)
        assert_true(is_variable(option->variable));
}

static void check_options(const struct command *command)
{
    const struct option *option = NULL;
    size_t count = 0;
    for (; (option = command_option(command, count, NULL)) != NULL; count++) {
        check_option(option);
        if (command_option_named(command, option->name, strlen(option->name)) != option)
            fail_msg("%s has --%s twice", command->name, option->name);
        if (option->letter != 0 && command_option_letter(command, option->letter) != option)
            fail_msg("%s has -%c twice", command->name, option->letter);
    }
    assert_true(count < 64); /* what the parser keeps */
}

static void check_positionals(const struct positional *positional)
{
    bool optional = false;
    for (; positional != NULL && positional->name != NULL; positional++) {
        assert_false(optional && !positional->optional);
        optional = positional->optional;
        assert_false(positional->many && positional[1].name != NULL);
        assert_int_equal(positional->choices != NULL, positional->kind == OPTION_CHOICE);
    }
}

static bool is_status(int status)
{
    for (const struct exit_status *exit = exit_statuses; exit->meaning != NULL; exit++)
        if (exit->status == status)
            return true;
    return false;
}

/* A line of the synopsis is a form of the command, so each has what the command needs. */
static void check_synopsis(const struct command *command)
{
    const struct positional *first = command->positionals;
    const bool has_argument = first != NULL && first->name != NULL && !first->optional;
    for (const char *form = command->synopsis; has_argument && form != NULL;
         form = strchr(form, '\n') != NULL ? strchr(form, '\n') + 1 : NULL)
        assert_true(form[0] != '[' && form[0] != ' ');
}

static void check_command(const struct command *command)
{
    assert_non_null(command->summary);
    if (strlen(command->summary) > 66) /* what the list of commands has room for */
        fail_msg("%s: '%s' is too long", command->name, command->summary);
    assert_false(command->summary[strlen(command->summary) - 1] == '.');
    assert_non_null(command->synopsis);
    assert_non_null(command->description);
    assert_int_equal(command->run == NULL, command->subcommands != NULL);
    check_options(command);
    check_positionals(command->positionals);
    check_synopsis(command);
    for (const int *exit = command->exits; exit != NULL && *exit != 0; exit++)
        assert_true(is_status(*exit) && *exit > 2);
    for (size_t i = 0; command->subcommands != NULL && command->subcommands[i] != NULL; i++) {
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(command->subcommands[i]->name, command->subcommands[k]->name);
        check_command(command->subcommands[i]);
    }
}

static void the_tables_are_sound(void **state)
{
    (void)state;
    check_command(&command_program);
    for (unsigned code = PACK_OK; code < PACK_ERROR_COUNT; code++)
        assert_true(is_status(pack_code_exit(code)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_options_and_arguments_in_any_order),
        cmocka_unit_test(takes_a_value_in_each_spelling),
        cmocka_unit_test(a_value_may_hold_anything_when_it_is_attached),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(one_dash_is_a_file),
        cmocka_unit_test(repeated_values_keep_their_order),
        cmocka_unit_test(names_the_nearest_word),
        cmocka_unit_test(never_abbreviates),
        cmocka_unit_test(never_lets_the_last_one_win),
        cmocka_unit_test(wants_values_where_they_belong),
        cmocka_unit_test(counts_arguments),
        cmocka_unit_test(reads_on_after_a_mistake),
        cmocka_unit_test(checks_numbers),
        cmocka_unit_test(reads_numbers_and_addresses),
        cmocka_unit_test(checks_definitions),
        cmocka_unit_test(finds_commands_below_commands),
        cmocka_unit_test(help_and_version_are_words_too),
        cmocka_unit_test(variables_stand_in_for_options),
        cmocka_unit_test(survives_empty_vectors),
        cmocka_unit_test(survives_long_arguments),
        cmocka_unit_test(survives_many_arguments),
        cmocka_unit_test(asking_for_an_unknown_name_is_noted),
        cmocka_unit_test(the_tables_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
