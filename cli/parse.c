/* SPDX-License-Identifier: MIT */
#include "arguments.h"
#include "cli.h"
#include "pack/limits.h"
#include "pack/text.h"

#include <stdio.h>
#include <string.h>

enum { MAX_WORDS = 128 };

struct parser {
    struct arguments *arguments;
    variable_fn variable;
    const char *next; /* the word behind, that an option may take as its value; or NULL */
    bool took_next;
    bool ended;              /* "--" was seen */
    bool lost;               /* the command is unknown: what follows cannot be judged */
    struct pack_error first; /* mistake */
};

static const struct command *current(const struct parser *parser)
{
    return arguments_command(parser->arguments);
}

/* Where to store a mistake: only the first one is kept. */
static struct pack_error *mistake(struct parser *parser, struct pack_error *scratch)
{
    return parser->first.code == 0 ? &parser->first : scratch;
}

/* --- words for messages ---------------------------------------------------------------------- */

/* "fwpack key generate" */
static void command_line(const struct parser *parser, char *text, size_t capacity)
{
    char path[128];
    arguments_path(parser->arguments, ' ', path, sizeof path);
    snprintf(text, capacity, "fwpack%s%s", path[0] != '\0' ? " " : "", path);
}

static void hint_help(struct parser *parser, struct pack_error *error)
{
    char line[160];
    command_line(parser, line, sizeof line);
    pack_hint(error, "'%s --help' says what there is", line);
}

static bool hint_nearest(struct pack_error *error, const char *dashes, const char *word,
                         const char *const *words, size_t count)
{
    const char *nearest = pack_nearest(word, words, count);
    if (nearest != NULL)
        pack_hint(error, "did you mean '%s%s'?", dashes, nearest);
    return nearest != NULL;
}

static void hint_option(struct parser *parser, struct pack_error *error)
{
    if (parser->arguments->depth == 1)
        pack_hint(error, "the options of a command stand behind its name");
    else
        hint_help(parser, error);
}

static void unknown_option(struct parser *parser, const char *name, size_t length)
{
    struct pack_error scratch = {0};
    struct pack_error *error = mistake(parser, &scratch);
    const char *words[MAX_WORDS];
    size_t count = 0;
    const struct option *option = NULL;
    for (; count < MAX_WORDS && (option = command_option(current(parser), count, NULL)); count++)
        words[count] = option->name;
    char word[65];
    snprintf(word, sizeof word, "%.*s", length < 64 ? (int)length : 64, name);
    pack_fail(error, PACK_E_USAGE, "unknown option '--%s'", word);
    if (!hint_nearest(error, "--", word, words, count))
        hint_option(parser, error);
}

static void unknown_letter(struct parser *parser, char letter)
{
    struct pack_error scratch = {0};
    struct pack_error *error = mistake(parser, &scratch);
    pack_fail(error, PACK_E_USAGE, "unknown option '-%c'", letter);
    hint_option(parser, error);
}

static void unknown_command(struct parser *parser, const char *word)
{
    struct pack_error scratch = {0};
    struct pack_error *error = mistake(parser, &scratch);
    const struct command *const *list = current(parser)->subcommands;
    const char *words[MAX_WORDS];
    size_t count = 0;
    for (; count < MAX_WORDS && list[count] != NULL; count++)
        words[count] = list[count]->name;
    pack_fail(error, PACK_E_USAGE, "unknown command '%.64s'", word);
    if (!hint_nearest(error, "", word, words, count))
        hint_help(parser, error);
}

/* --- values ---------------------------------------------------------------------------------- */

bool number_parse(const char *text, bool hex, uint64_t *number)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned base = hex && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
    const char *at = base == 16 ? text + 2 : text;
    uint64_t value = 0;
    const char *start = at;
    for (; *at != '\0'; at++) {
        const char lower = *at >= 'A' && *at <= 'F' && base == 16 ? (char)(*at + 32) : *at;
        const char *digit = memchr(digits, lower, base);
        if (digit == NULL || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (unsigned)(digit - digits), &value))
            return false;
    }
    *number = value;
    return at != start;
}

static int check_number(const struct option *option, const char *what, const char *value,
                        uint64_t *number, struct pack_error *error)
{
    if (!number_parse(value, option->kind == OPTION_ADDRESS, number))
        return pack_fail(error, PACK_E_USAGE, "%s: '%.64s' is no whole number", what, value);
    if (*number < option->minimum)
        return pack_fail(error, PACK_E_USAGE, "%s: %.64s is less than %llu", what, value,
                         (unsigned long long)option->minimum);
    if (option->maximum != 0 && *number > option->maximum)
        return pack_fail(error, PACK_E_USAGE, "%s: %.64s is more than %llu", what, value,
                         (unsigned long long)option->maximum);
    return 0;
}

/* Digits and a unit: 65536, 64KiB, 1GiB. */
static int check_size(const struct option *option, const char *what, const char *value,
                      uint64_t *number, struct pack_error *error)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } units[] = {{"", 1}, {"KiB", PACK_KIB}, {"MiB", PACK_MIB}, {"GiB", PACK_GIB}};
    const size_t length = strspn(value, "0123456789");
    char digits[32];
    snprintf(digits, sizeof digits, "%.*s", length < 31 ? (int)length : 31, value);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(value + length, units[i].name) != 0 || !number_parse(digits, false, number) ||
            __builtin_mul_overflow(*number, units[i].bytes, number))
            continue;
        if (*number >= option->minimum && (option->maximum == 0 || *number <= option->maximum))
            return 0;
        return pack_fail(error, PACK_E_USAGE, "%s: %.64s is %s", what, value,
                         *number < option->minimum ? "too little" : "too much");
    }
    pack_fail(error, PACK_E_USAGE, "%s: '%.64s' is no size", what, value);
    return pack_hint(error, "write bytes, or 64KiB, 16MiB, 1GiB, without a space");
}

static int check_choice(choice_fn choices, const char *what, const char *value,
                        struct pack_error *error)
{
    const char *words[MAX_WORDS];
    char list[320] = "";
    size_t count = 0, used = 0;
    for (; count < MAX_WORDS && (words[count] = choices(count)) != NULL; count++) {
        if (strcmp(words[count], value) == 0)
            return 0;
        const int length =
            snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", words[count]);
        used = (size_t)length < sizeof list - used ? used + (size_t)length : used;
    }
    pack_fail(error, PACK_E_USAGE, "%s: '%.64s' is none of %s", what, value, list);
    hint_nearest(error, "", value, words, count);
    return PACK_E_USAGE;
}

/* NAME=VALUE, the name as shells have it. */
static int check_definition(const char *what, const char *value, struct pack_error *error)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char other[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    const size_t length = strspn(value, other);
    if (length == 0 || strspn(value, first) == 0 || value[length] != '=')
        return pack_fail(error, PACK_E_USAGE, "%s: '%.64s' is not NAME=VALUE", what, value);
    return 0;
}

static int check_value(const struct option *option, const char *what, const char *value,
                       uint64_t *number, struct pack_error *error)
{
    switch (option->kind) {
    case OPTION_NUMBER:
    case OPTION_ADDRESS:
        return check_number(option, what, value, number, error);
    case OPTION_SIZE:
        return check_size(option, what, value, number, error);
    case OPTION_CHOICE:
        return check_choice(option->choices, what, value, error);
    case OPTION_DEFINITION:
        return check_definition(what, value, error);
    case OPTION_FLAG:
    case OPTION_TEXT:
        return 0;
    default:
        return value[0] != '\0' ? 0
                                : pack_fail(error, PACK_E_USAGE, "%s: the value is empty", what);
    }
}

/* --- options --------------------------------------------------------------------------------- */

static struct setting *setting_of(struct parser *parser, const struct option *option)
{
    struct arguments *arguments = parser->arguments;
    for (size_t i = 0; i < arguments->setting_count; i++)
        if (arguments->settings[i].option == option)
            return &arguments->settings[i];
    struct setting *setting = &arguments->settings[arguments->setting_count];
    if (arguments->setting_count + 1 < MAX_OPTIONS)
        arguments->setting_count++;
    *setting = (struct setting){.option = option};
    return setting;
}

static void set(struct parser *parser, const struct option *option, const char *value)
{
    struct arguments *arguments = parser->arguments;
    struct pack_error scratch = {0};
    struct pack_error *error = mistake(parser, &scratch);
    struct setting *setting = setting_of(parser, option);
    char what[64];
    snprintf(what, sizeof what, "--%s", option->name);
    if (option->kind != OPTION_FLAG && check_value(option, what, value, &setting->number, error))
        return;
    if (option->kind != OPTION_FLAG && !option->repeatable && setting->count != 0) {
        pack_fail(error, PACK_E_USAGE, "%s is given twice", what);
        return;
    }
    setting->count++;
    if (option->kind != OPTION_FLAG)
        arguments->given[arguments->given_count++] =
            (struct given){(size_t)(setting - arguments->settings), value};
}

/*
 * The word behind an option as its value. One that begins with a dash is refused, for it is much
 * more often a forgotten value than a value: "-o --json". "-" alone is a file.
 */
static const char *next_value(struct parser *parser, const struct option *option)
{
    struct pack_error scratch = {0};
    struct pack_error *error = mistake(parser, &scratch);
    const char *value = parser->next;
    if (value != NULL && (value[0] != '-' || value[1] == '\0')) {
        parser->took_next = true;
        return value;
    }
    pack_fail(error, PACK_E_USAGE, "--%s needs a value: %s", option->name, option->value);
    if (value != NULL)
        pack_hint(error, "if '%.64s' is the value, write --%s=%.64s", value, option->name, value);
    return NULL;
}

static void long_option(struct parser *parser, const char *word)
{
    const char *name = word + 2;
    const size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    struct pack_error scratch = {0};
    const struct option *option = command_option_named(current(parser), name, length);
    if (option == NULL) {
        unknown_option(parser, name, length);
    } else if (option->kind == OPTION_FLAG && value != NULL) {
        pack_fail(mistake(parser, &scratch), PACK_E_USAGE, "--%s takes no value", option->name);
    } else {
        if (option->kind != OPTION_FLAG && value == NULL)
            value = option->implied != NULL ? option->implied : next_value(parser, option);
        if (option->kind == OPTION_FLAG || value != NULL)
            set(parser, option, value);
    }
}

/* -n, -nq, -o FILE, -oFILE, -nofile */
static void letter_options(struct parser *parser, const char *word)
{
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const struct option *option = command_option_letter(current(parser), *letter);
        if (option == NULL) {
            unknown_letter(parser, *letter);
            return;
        }
        if (option->kind == OPTION_FLAG) {
            set(parser, option, NULL);
            continue;
        }
        struct pack_error scratch = {0};
        const char *value = letter[1] != '\0' ? letter + 1 : next_value(parser, option);
        if (value != NULL && value == letter + 1 && value[0] == '=') {
            struct pack_error *error = mistake(parser, &scratch);
            pack_fail(error, PACK_E_USAGE, "-%c takes its value without '='", *letter);
            pack_hint(error, "write -%c VALUE or --%s=VALUE", *letter, option->name);
        } else if (value != NULL) {
            set(parser, option, value);
        }
        return;
    }
}

/* --- words ----------------------------------------------------------------------------------- */

static const struct command *find_command(const struct command *parent, const char *name)
{
    for (size_t i = 0; parent->subcommands[i] != NULL; i++)
        if (strcmp(parent->subcommands[i]->name, name) == 0)
            return parent->subcommands[i];
    return NULL;
}

static void descend(struct parser *parser, const char *word)
{
    struct arguments *arguments = parser->arguments;
    const struct command *found = find_command(current(parser), word);
    if (found != NULL && arguments->depth < MAX_DEPTH) {
        arguments->path[arguments->depth++] = found;
    } else if (arguments->depth == 1 && strcmp(word, "help") == 0) {
        set(parser, command_option_named(current(parser), "help", 4), NULL);
    } else {
        unknown_command(parser, word);
        parser->lost = true;
    }
}

static void word(struct parser *parser, const char *text)
{
    struct arguments *arguments = parser->arguments;
    if (parser->lost)
        return;
    if (current(parser)->subcommands != NULL)
        descend(parser, text);
    else
        arguments->positionals[arguments->positional_count++] = text;
}

static void one(struct parser *parser, const char *text)
{
    if (parser->ended || text[0] != '-' || text[1] == '\0')
        word(parser, text);
    else if (text[1] != '-')
        letter_options(parser, text);
    else if (text[2] != '\0')
        long_option(parser, text);
    else
        parser->ended = true;
}

/* --- the whole ------------------------------------------------------------------------------- */

static int check_positionals(struct parser *parser, struct pack_error *error)
{
    const struct command *command = current(parser);
    const struct arguments *arguments = parser->arguments;
    static const struct positional none = {.name = NULL};
    const struct positional *positional =
        command->positionals != NULL ? command->positionals : &none;
    size_t at = 0;
    for (; positional->name != NULL; positional++) {
        if (at >= arguments->positional_count) {
            if (positional->optional)
                return 0;
            pack_fail(error, PACK_E_USAGE, "%s is missing", positional->name);
            hint_help(parser, error);
            return PACK_E_USAGE;
        }
        do {
            if (positional->kind == OPTION_CHOICE &&
                check_choice(positional->choices, positional->name, arguments->positionals[at],
                             error) != 0)
                return PACK_E_USAGE;
            if (arguments->positionals[at++][0] == '\0')
                return pack_fail(error, PACK_E_USAGE, "%s is empty", positional->name);
        } while (positional->many && at < arguments->positional_count);
    }
    if (at == arguments->positional_count)
        return 0;
    pack_fail(error, PACK_E_USAGE, "'%.64s' is one argument too many", arguments->positionals[at]);
    hint_help(parser, error);
    return PACK_E_USAGE;
}

static int check_command(struct parser *parser, struct pack_error *error)
{
    if (current(parser)->subcommands == NULL)
        return check_positionals(parser, error);
    pack_fail(error, PACK_E_USAGE, "no command is given");
    hint_help(parser, error);
    return PACK_E_USAGE;
}

/* Variables of the environment stand in for options that were not given. */
static int add_variables(struct parser *parser, struct pack_error *error)
{
    struct arguments *arguments = parser->arguments;
    const struct option *option = NULL;
    for (size_t i = 0; (option = command_option(current(parser), i, NULL)) != NULL; i++) {
        const char *value = option->variable != NULL ? parser->variable(option->variable) : NULL;
        struct setting *setting = value != NULL ? setting_of(parser, option) : NULL;
        if (setting == NULL || setting->count != 0)
            continue;
        const int code = check_value(option, option->variable, value, &setting->number, error);
        if (code != 0)
            return code;
        setting->count = 1;
        setting->from_variable = true;
        arguments->given[arguments->given_count++] =
            (struct given){(size_t)(setting - arguments->settings), value};
    }
    return 0;
}

/* Puts the values of each option side by side. */
static void group_values(struct arguments *arguments)
{
    size_t first = 0;
    size_t filled[MAX_OPTIONS] = {0};
    for (size_t i = 0; i < arguments->setting_count; i++) {
        arguments->settings[i].first = first;
        if (arguments->settings[i].option->kind != OPTION_FLAG)
            first += arguments->settings[i].count;
    }
    for (size_t i = 0; i < arguments->given_count; i++) {
        const struct given *given = &arguments->given[i];
        const size_t at = arguments->settings[given->setting].first + filled[given->setting]++;
        arguments->values[at] = given->value;
    }
}

static int arguments_new(struct arguments **arguments, const struct command *program, int argc,
                         struct pack_error *error)
{
    const size_t room = (size_t)(argc > 0 ? argc : 0) + MAX_OPTIONS;
    struct arguments *made = calloc(1, sizeof *made);
    *arguments = made;
    if (made == NULL)
        return pack_fail_memory(error);
    made->path[made->depth++] = program;
    made->given = calloc(room, sizeof *made->given);
    made->values = calloc(room, sizeof *made->values);
    made->positionals = calloc(room, sizeof *made->positionals);
    made->fault = calloc(1, sizeof *made->fault);
    if (made->given != NULL && made->values != NULL && made->positionals != NULL &&
        made->fault != NULL)
        return 0;
    arguments_free(arguments);
    return pack_fail_memory(error);
}

/* `fwpack --version` is `fwpack version`. */
static void follow_version(struct parser *parser)
{
    if (parser->arguments->depth == 1 &&
        command_option_named(current(parser), "version", 7) != NULL &&
        arguments_flag(parser->arguments, "version"))
        descend(parser, "version");
}

int arguments_parse(struct arguments **arguments, const struct command *program, int argc,
                    const char *const argv[], variable_fn variable, struct pack_error *error)
{
    struct parser parser = {.variable = variable};
    const int code = arguments_new(arguments, program, argc, error);
    if (code != 0)
        return code;
    parser.arguments = *arguments;
    for (int i = 1; i < argc && argv[i] != NULL; i++) {
        parser.next = i + 1 < argc ? argv[i + 1] : NULL;
        parser.took_next = false;
        one(&parser, argv[i]);
        i += parser.took_next;
    }
    follow_version(&parser);
    if (parser.lost) /* help for a command that does not exist would hide the mistake */
        setting_of(&parser, command_option_named(program, "help", 4))->count = 0;
    struct pack_error scratch = {0};
    int late = add_variables(&parser, mistake(&parser, &scratch));
    if (late == 0 && parser.first.code == 0)
        late = check_command(&parser, &parser.first);
    group_values(*arguments);
    if (parser.first.code != 0)
        *error = parser.first;
    return parser.first.code;
}
