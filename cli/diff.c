/* SPDX-License-Identifier: MIT */
#include "diff.h"

#include "delta_report.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *meaning;
    const char *color;
} changes[PACK_CHANGES] = {
    [PACK_CHANGE_SAME] = {"unchanged", "as it was, where it was", "#c9ced6"},
    [PACK_CHANGE_MOVED] = {"moved", "as it was, elsewhere", "#6ba3d6"},
    [PACK_CHANGE_PREDICTED] = {"predicted", "references that follow what moved", "#5fb37c"},
    [PACK_CHANGE_CHANGED] = {"changed", "other bytes amid what stayed", "#e0a030"},
    [PACK_CHANGE_NEW] = {"new", "nothing like it was there", "#cf4b4b"},
};

const char *diff_change_name(enum pack_delta_change change)
{
    return changes[change].name;
}

const char *diff_change_meaning(enum pack_delta_change change)
{
    return changes[change].meaning;
}

/* --- comparing ------------------------------------------------------------------------------- */

static int hash_input(struct pack_input *input, uint8_t sha256[PACK_SHA256_SIZE],
                      struct pack_error *error)
{
    enum { PIECE = 65536 };
    struct pack_sha256 *hash = NULL;
    CLI_AUTO_FREE uint8_t *bytes = malloc(PIECE);
    size_t got = PIECE;
    int code = bytes != NULL ? pack_sha256_new(&hash, error) : pack_fail_memory(error);
    for (uint64_t at = 0; code == 0 && got == PIECE; at += got) {
        code = pack_input_read(input, at, bytes, PIECE, &got, error);
        if (code == 0)
            code = pack_sha256_update(hash, bytes, got, error);
    }
    if (code == 0)
        code = pack_sha256_finish(hash, sha256, error);
    pack_sha256_free(&hash);
    return code;
}

int diff_image(struct diff_image *image, struct pack_input *old_image, struct pack_input *new_image,
               const struct pack_context *context, struct pack_error *error)
{
    static const struct pack_delta_options options = {.level = PACK_DELTA_DEFAULT,
                                                      .decoder = PACK_DECODER_FULL};
    image->old_size = old_image->size;
    image->new_size = new_image->size;
    int code = hash_input(old_image, image->old_sha256, error);
    if (code == 0)
        code = hash_input(new_image, image->new_sha256, error);
    image->same =
        code == 0 && sodium_memcmp(image->old_sha256, image->new_sha256, PACK_SHA256_SIZE) == 0;
    if (code != 0 || image->same)
        return code;
    image->cells = calloc(DIFF_CELLS, sizeof *image->cells);
    if (image->cells == NULL)
        return pack_fail_memory(error);
    code = pack_delta_map(context, old_image, new_image, &options, image->cells, DIFF_CELLS,
                          &image->cell_size, &image->report, error);
    for (size_t i = 0; code == 0 && i < DIFF_CELLS; i++)
        for (int change = 0; change < PACK_CHANGES; change++)
            image->total.bytes[change] += image->cells[i].bytes[change];
    return code;
}

void diff_image_clear(struct diff_image *image)
{
    free(image->cells);
    image->cells = NULL;
}

/* --- the page -------------------------------------------------------------------------------- */

struct page {
    struct pack_sink *sink;
    struct pack_error *error;
    int code; /* the first failure */
};

static void put(struct page *page, const char *format, ...) PACK_PRINTF(2, 3);
static void put(struct page *page, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (page->code == 0 && (length < 0 || (size_t)length >= sizeof text))
        page->code = pack_fail(page->error, PACK_E_INTERNAL, "a line of the page is too long");
    if (page->code == 0)
        page->code = pack_sink_write(page->sink, text, (size_t)length, page->error);
}

/* Names of files may hold anything. */
static void put_text(struct page *page, const char *text)
{
    static const struct {
        char byte;
        const char *entity;
    } special[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};
    for (; *text != '\0'; text++) {
        const char *entity = (unsigned char)*text < ' ' ? "&#xfffd;" : NULL;
        for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
            if (special[i].byte == *text)
                entity = special[i].entity;
        if (entity != NULL)
            put(page, "%s", entity);
        else
            put(page, "%c", *text);
    }
}

static void put_head(struct page *page, const char *old_name, const char *new_name)
{
    put(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
    put_text(page, new_name);
    put(page, "</title>\n<style>\n"
              "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:62em;"
              "padding:0 1em;color:#222;background:#fff}\n"
              "h1{font-size:1.4em}h2{font-size:1.15em;margin-top:2em}\n"
              "table{border-collapse:collapse;margin:1em 0}td,th{padding:.15em .8em;"
              "text-align:left}td.n{text-align:right;font-variant-numeric:tabular-nums}\n"
              ".k{display:inline-block;width:1em;height:1em;vertical-align:-.15em}\n"
              "code{font-size:.85em;word-break:break-all}svg{width:100%%;height:auto;"
              "border:1px solid #ddd}\n");
    for (int change = 0; change < PACK_CHANGES; change++)
        put(page, ".c%d{fill:%s;background:%s}\n", change, changes[change].color,
            changes[change].color);
    put(page, "</style>\n</head>\n<body>\n<h1>");
    put_text(page, old_name);
    put(page, " → ");
    put_text(page, new_name);
    put(page, "</h1>\n");
}

static void put_numbers(struct page *page, const struct diff_image *image)
{
    const uint64_t whole = image->report.plain_new_size;
    char hex[PACK_SHA256_HEX_SIZE];
    put(page, "<p>%" PRIu64 " bytes, were %" PRIu64 ". A delta takes %" PRIu64 " bytes, %s.",
        image->new_size, image->old_size, image->report.patch_size,
        share_of(image->report.patch_size, image->new_size).text);
    if (image->report.architecture[0] != '\0')
        put(page, " Machine code: %s.", image->report.architecture);
    if (image->report.unpacked[0] != '\0')
        put(page, " Opened %s: the map shows %" PRIu64 " bytes.", image->report.unpacked, whole);
    pack_sha256_hex(image->old_sha256, hex);
    put(page, "<br><code>%s</code><br>", hex);
    pack_sha256_hex(image->new_sha256, hex);
    put(page, "<code>%s</code></p>\n<table>\n", hex);
    for (int change = 0; change < PACK_CHANGES; change++)
        put(page,
            "<tr><td><span class=\"k c%d\"></span></td><td>%s</td><td class=\"n\">%" PRIu64
            "</td><td class=\"n\">%s</td><td>%s</td></tr>\n",
            change, changes[change].name, image->total.bytes[change],
            share_of(image->total.bytes[change], whole).text, changes[change].meaning);
    put(page, "</table>\n");
}

/* A cell's colour: what most of its bytes are; PACK_CHANGES where it has none. */
static int main_change(const struct pack_delta_cell *cell)
{
    int most = PACK_CHANGES;
    for (int change = 0; change < PACK_CHANGES; change++)
        if (cell->bytes[change] != 0 &&
            (most == PACK_CHANGES || cell->bytes[change] > cell->bytes[most]))
            most = change;
    return most;
}

/* What else is in it, the rarest kind first: a single changed byte is to be seen. */
static int mark_change(const struct pack_delta_cell *cell)
{
    const int main = main_change(cell);
    for (int change = PACK_CHANGES; change-- > PACK_CHANGE_MOVED;)
        if (change != main && cell->bytes[change] != 0)
            return change;
    return PACK_CHANGES;
}

static void put_cell(struct page *page, const struct diff_image *image, size_t index)
{
    enum { SIDE = 14, MARK = 6 };
    const struct pack_delta_cell *cell = &image->cells[index];
    const int change = main_change(cell), mark = mark_change(cell);
    const int x = (int)(index % DIFF_COLUMNS) * SIDE, y = (int)(index / DIFF_COLUMNS) * SIDE;
    if (change == PACK_CHANGES)
        return;
    put(page, "<g><title>0x%" PRIx64, index * image->cell_size);
    for (int kind = 0; kind < PACK_CHANGES; kind++)
        if (cell->bytes[kind] != 0)
            put(page, " %s %" PRIu64, changes[kind].name, cell->bytes[kind]);
    put(page, "</title><rect class=\"c%d\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>", change,
        x, y, SIDE - 1, SIDE - 1);
    if (mark != PACK_CHANGES)
        put(page, "<rect class=\"c%d\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>", mark,
            x + (SIDE - MARK) / 2, y + (SIDE - MARK) / 2, MARK, MARK);
    put(page, "</g>\n");
}

static void put_map(struct page *page, const struct diff_image *image)
{
    enum { SIDE = 14 };
    size_t rows = DIFF_ROWS;
    const uint64_t used = (image->report.plain_new_size + image->cell_size - 1) / image->cell_size;
    while (rows > 1 && (rows - 1) * DIFF_COLUMNS >= used)
        rows--;
    put(page,
        "<p>Each square is %" PRIu64 " byte%s of the new image, from left to right and top to "
        "bottom; a mark inside is what else it holds. Rest on one to read its numbers.</p>\n"
        "<svg viewBox=\"0 0 %d %zu\" role=\"img\" aria-label=\"map of the new image\">\n",
        image->cell_size, image->cell_size == 1 ? "" : "s", DIFF_COLUMNS * SIDE, rows * SIDE);
    for (size_t i = 0; i < DIFF_CELLS; i++)
        put_cell(page, image, i);
    put(page, "</svg>\n");
}

static void put_meta(struct page *page, const struct diff_meta *meta)
{
    char text[1024];
    if (!diff_meta_different(meta))
        return;
    put(page, "<h2>Release</h2>\n<table>\n");
    for (size_t i = 0; i < DIFF_LISTS; i++)
        for (size_t j = 0; j < meta->lists[i].count; j++) {
            put(page, "<tr><td>%s</td><td>", meta->lists[i].what);
            put_text(page, diff_item_text(&meta->lists[i].items[j], text, sizeof text));
            put(page, "</td></tr>\n");
        }
    put(page, "</table>\n");
}

int diff_html(struct pack_sink *sink, const char *old_name, const char *new_name,
              const struct diff_meta *meta, const struct diff_image *images, size_t count,
              struct pack_error *error)
{
    struct page page = {.sink = sink, .error = error};
    put_head(&page, old_name, new_name);
    put_meta(&page, meta);
    for (size_t i = 0; i < count; i++) {
        put(&page, "<h2>");
        put_text(&page, images[i].name);
        put(&page, "</h2>\n");
        if (images[i].same) {
            put(&page, "<p>The same.</p>\n");
            continue;
        }
        put_numbers(&page, &images[i]);
        put_map(&page, &images[i]);
    }
    put(&page, "</body>\n</html>\n");
    return page.code;
}
