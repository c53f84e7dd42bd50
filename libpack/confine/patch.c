/* SPDX-License-Identifier: MIT */
#include "confine/confine.h"

#include "base/checked.h"
#include "base/memory.h"
#include "confine/cell.h"
#include "delta/begin.h"

#include <sodium.h>
#include <string.h>

/* Beside the patch's claim: buffers of constant size, the allocator's own, the stack. */
#define SLACK ((uint64_t)16 << 20)

enum {
    WINDOW = 64 << 10,   /* of the patch or the base, asked for at once */
    GLANCE = 4 << 10,    /* the same where one byte is looked up, not a run of them copied */
    WINDOWS = 8,         /* of the base that the child keeps: a patch goes back and forth in it */
    GLANCES = 2048,      /* 8 MiB; block i of the base only into the one of number i % GLANCES */
    MADE = 256 << 10,    /* of the new image, made at once: in one half while the other is read */
    AT_PATCH = 2 * MADE, /* where they stand in the shared memory */
    AT_BASE = AT_PATCH + WINDOW,
    AT_GLANCES = AT_BASE + WINDOWS * WINDOW,
    SHARED = AT_GLANCES + GLANCES * GLANCE,
    BRIEF = 256, /* bytes: a read of less looks something up */
};

/*
 * The parent asks for BEGIN and MAKE. Until the child answers with DONE it may ask for the window
 * from numbers[0] on, of the base into place numbers[1], and is told its size in numbers[0]. Places
 * of the base are WINDOWS of WINDOW bytes, then GLANCES of GLANCE bytes.
 */
enum kind {
    BEGIN = 1,
    MAKE, /* numbers[0] bytes at most, from byte numbers[1] of the shared memory on */
    DONE,
    GIVE_PATCH,
    GIVE_BASE,
    /* Instead of BEGIN: PUT for numbers[0] more bytes of a state, RESTORE to byte numbers[0]. */
    PUT,
    RESTORE,
    SAVE, /* the state from numbers[0] on, as much as there is room for */
};

struct window {
    uint64_t offset; /* a multiple of its room for the base */
    size_t size;
    uint64_t used; /* when it was asked for last; 0: never */
};

/* What the child will ask for next, if it goes on as it did: read while it works. */
struct ahead {
    uint8_t *bytes;
    uint64_t offset;
    size_t size;   /* 0: none */
    uint64_t last; /* what it asked for */
};

struct confined_patch {
    struct cell cell;
    struct window *windows;   /* the child's, of the base: too many for its stack */
    struct pack_patch *patch; /* with its header read; the child's copy goes on from there */
    struct pack_patch_info info;
    struct pack_input *input, *base;
    unsigned proofs; /* the caller's */
    const struct pack_context *context;
    struct pack_sha256 *hash;
    uint64_t total; /* bytes of the new image that were read */
    size_t half;    /* where they stand: */
    size_t made;    /* bytes that the child has made, */
    size_t taken;   /* and the part of them that was read */
    int code;       /* what the child said after them: */
    struct pack_error failure;
    bool ended, proved;
    bool asked;    /* for what was not taken yet, */
    bool answered; /* and this is the answer: */
    struct cell_message answer;
    struct ahead ahead;
    bool filtered;   /* the child can do nothing but compute, whatever its state is */
    uint64_t stride; /* of places where it is asked to stop, so that it can be saved; 0: nowhere */
};

static size_t room_of(uint64_t place)
{
    return place < WINDOWS ? WINDOW : GLANCE;
}

/* From the first place on. */
static size_t start_of(uint64_t place)
{
    return place < WINDOWS ? (size_t)place * WINDOW
                           : AT_GLANCES - AT_BASE + (size_t)(place - WINDOWS) * GLANCE;
}

/* --- in the child ---------------------------------------------------------------------------- */

/* An input whose bytes come from the parent. */
struct remote {
    struct pack_input input;
    enum kind kind;
    uint8_t *bytes; /* of the first window, in the shared memory */
    size_t windows, glances;
    struct window *places; /* the windows, then the glances */
    uint64_t clock;
};

static int ask(struct remote *remote, size_t place, uint64_t offset, struct pack_error *error)
{
    struct cell_message message = {.kind = remote->kind, .numbers = {offset, place}};
    struct window *window = &remote->places[place];
    window->used = 0;
    cell_say(&message);
    if (!cell_take(&message))
        return pack_fail(error, PACK_E_IO, "nobody reads any more");
    window->offset = offset;
    window->size = (size_t)message.numbers[0];
    return 0;
}

static bool holds(const struct window *window, uint64_t offset)
{
    return window->used != 0 && offset >= window->offset && offset - window->offset < window->size;
}

/*
 * The place that holds the byte, or where it goes: of windows the one that was used the longest
 * ago, of glances the only one, so that none has to be searched for among thousands.
 */
static size_t find(const struct remote *remote, uint64_t offset, bool brief)
{
    size_t oldest = 0;
    if (remote->glances != 0) {
        const size_t glance = remote->windows + (size_t)(offset / GLANCE % remote->glances);
        if (brief || holds(&remote->places[glance], offset))
            return glance;
    }
    for (size_t i = 0; i < remote->windows; i++) {
        if (holds(&remote->places[i], offset))
            return i;
        if (remote->places[i].used < remote->places[oldest].used)
            oldest = i;
    }
    return oldest;
}

/*
 * The patch is read in order only; of the base windows are aligned, so that few overlap. What is
 * looked up in the base lies anywhere, and most of a window would be read for nothing.
 */
static int remote_read(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                       size_t *got, struct pack_error *error)
{
    struct remote *remote = (struct remote *)input;
    const bool brief = remote->glances != 0 && size < BRIEF;
    int code = 0;
    *got = 0;
    while (code == 0 && *got < size) {
        const size_t place = find(remote, offset, brief);
        struct window *window = &remote->places[place];
        const size_t unit = remote->kind == GIVE_BASE ? room_of(place) : 1;
        if (!holds(window, offset))
            code = ask(remote, place, offset / unit * unit, error);
        if (code != 0 || offset - window->offset >= window->size)
            break;
        const size_t from = (size_t)(offset - window->offset);
        const size_t piece = (size_t)pack_min(size - *got, window->size - from);
        memcpy((uint8_t *)buffer + *got, remote->bytes + start_of(place) + from, piece);
        window->used = ++remote->clock;
        *got += piece;
        offset += piece;
    }
    return code;
}

static const struct pack_input_ops remote_ops = {.read_at = remote_read};

/* As much as there is room for, so that few messages are needed. */
static int make(struct pack_patch *patch, uint8_t *bytes, size_t most, struct cell_message *answer,
                struct pack_error *error)
{
    size_t made = 0, got = 1;
    int code = 0;
    while (code == 0 && got != 0 && made < most) {
        code = pack_patch_read(patch, bytes + made, most - made, &got, error);
        if (code == 0)
            made += got;
    }
    answer->numbers[0] = made;
    answer->numbers[1] = code == 0 && got == 0;
    return code;
}

/* What the child answers with, and from. */
struct serving {
    struct pack_patch *patch;
    const struct pack_context *context;
    struct pack_input *base;
    uint8_t *shared;
};

static int answer_to(const struct serving *serving, const struct cell_message *asked,
                     struct cell_message *answer, struct pack_error *error)
{
    struct pack_patch *patch = serving->patch;
    const size_t number = (size_t)pack_min(asked->numbers[0], MADE);
    switch (asked->kind) {
    case BEGIN:
        return delta_patch_begin_proved(patch, serving->context, serving->base, error);
    case PUT:
        return delta_patch_state_put(patch, serving->context, serving->base, serving->shared,
                                     number, error);
    case RESTORE:
        return delta_patch_state_end(patch, asked->numbers[0], error);
    case SAVE:
        answer->numbers[0] = delta_patch_state_get(patch, asked->numbers[0], serving->shared, MADE);
        return 0;
    default:
        return make(patch, serving->shared + (asked->numbers[1] == MADE ? MADE : 0), number, answer,
                    error);
    }
}

static void serve(void *user, uint8_t *shared)
{
    const struct confined_patch *confined = user;
    struct pack_patch *patch = confined->patch;
    const struct pack_context context = {.jobs = 1,
                                         .decoder_memory = confined->context->decoder_memory};
    struct window only = {.used = 0};
    struct remote input = {
        .kind = GIVE_PATCH, .bytes = shared + AT_PATCH, .windows = 1, .places = &only};
    struct remote base = {.kind = GIVE_BASE,
                          .bytes = shared + AT_BASE,
                          .windows = WINDOWS,
                          .glances = GLANCES,
                          .places = confined->windows};
    input.input = *confined->input;
    base.input = *confined->base;
    input.input.ops = base.input.ops = &remote_ops;
    delta_patch_move(patch, &input.input);
    delta_patch_leave_result(patch);
    const struct serving serving = {patch, &context, &base.input, shared};
    for (struct cell_message message; cell_take(&message);) {
        struct pack_error error = {.code = PACK_OK};
        struct cell_message answer = {.kind = DONE};
        answer.code = answer_to(&serving, &message, &answer, &error);
        if (answer.code != 0)
            cell_leave_failure(shared, &error);
        cell_say(&answer);
    }
}

/* --- in the parent --------------------------------------------------------------------------- */

static int read_base(struct confined_patch *confined, uint64_t offset, uint8_t *bytes, size_t size,
                     size_t *got, struct pack_error *error)
{
    struct ahead *ahead = &confined->ahead;
    if (ahead->size == 0 || ahead->offset != offset || ahead->size < size)
        return pack_input_read(confined->base, offset, bytes, size, got, error);
    memcpy(bytes, ahead->bytes, size);
    *got = size;
    return 0;
}

/* A failure is told when the bytes are asked for. */
static void read_ahead(struct confined_patch *confined, uint64_t offset)
{
    struct pack_error ignored = {.code = PACK_OK};
    struct ahead *ahead = &confined->ahead;
    const uint64_t next = offset + WINDOW;
    const bool goes_on = offset == ahead->last + WINDOW;
    ahead->last = offset;
    ahead->size = 0;
    if (!goes_on || next >= confined->info.old_size)
        return;
    ahead->offset = next;
    if (pack_input_read(confined->base, next, ahead->bytes,
                        (size_t)pack_min(WINDOW, confined->info.old_size - next), &ahead->size,
                        &ignored) != 0)
        ahead->size = 0;
}

/* What the child asks for: never more of the base than is the base. */
static int give(struct confined_patch *confined, const struct cell_message *asked,
                struct pack_error *error)
{
    const bool of_base = asked->kind == GIVE_BASE;
    const uint64_t offset = asked->numbers[0], place = asked->numbers[1];
    uint8_t *shared = cell_shared(&confined->cell);
    size_t wanted = WINDOW, got = 0;
    int code = 0;
    if (place >= (of_base ? WINDOWS + GLANCES : 1))
        return cell_nonsense(&confined->cell, error);
    if (of_base)
        wanted = offset < confined->info.old_size
                     ? (size_t)pack_min(room_of(place), confined->info.old_size - offset)
                     : 0;
    if (wanted != 0)
        code = of_base ? read_base(confined, offset, shared + AT_BASE + start_of(place), wanted,
                                   &got, error)
                       : pack_input_read(confined->input, offset, shared + AT_PATCH, wanted, &got,
                                         error);
    if (code == 0)
        code = cell_send(&confined->cell, &(struct cell_message){.numbers = {got}}, error);
    if (code == 0 && of_base && place < WINDOWS)
        read_ahead(confined, offset);
    return code;
}

/* One message of the child: it is given what it asks for, or its answer is kept. */
static int hear(struct confined_patch *confined, struct pack_error *error)
{
    struct cell *cell = &confined->cell;
    struct cell_message message;
    int code = cell_receive(cell, &message, confined->context, error);
    if (code != 0)
        return code;
    if (message.kind == DONE) {
        confined->answered = true;
        confined->answer = message;
        return message.numbers[0] > MADE ? cell_nonsense(cell, error) : 0;
    }
    if (message.kind != GIVE_PATCH && message.kind != GIVE_BASE)
        return cell_nonsense(cell, error);
    code = pack_check_cancelled(confined->context, error);
    return code != 0 ? code : give(confined, &message, error);
}

static int ask_child(struct confined_patch *confined, enum kind kind, uint64_t number, size_t half,
                     struct pack_error *error)
{
    const struct cell_message message = {.kind = kind, .numbers = {number, half}};
    confined->asked = true;
    confined->answered = false;
    return cell_send(&confined->cell, &message, error);
}

/* To the answer. A failure that the child reports is kept for when it is due. */
static int await(struct confined_patch *confined, struct pack_error *error)
{
    int code = 0;
    while (code == 0 && !confined->answered)
        code = hear(confined, error);
    if (code != 0)
        return code;
    confined->asked = false;
    confined->made = (size_t)confined->answer.numbers[0];
    confined->taken = 0;
    confined->ended = confined->answer.numbers[1] != 0;
    if (confined->answer.code != 0)
        confined->code = cell_failure(&confined->cell, &confined->answer, &confined->failure);
    return 0;
}

static int request(struct confined_patch *confined, enum kind kind, uint64_t number,
                   struct pack_error *error)
{
    confined->half = 0;
    const int code = ask_child(confined, kind, number, 0, error);
    return code != 0 ? code : await(confined, error);
}

static int due(struct confined_patch *confined, struct pack_error *error)
{
    *error = confined->failure;
    return pack_at_file(error, confined->input->name);
}

static int check(struct confined_patch *confined, struct pack_error *error)
{
    int code = pack_patch_open(&confined->patch, confined->input, error);
    if (code != 0)
        return code;
    confined->info = *pack_patch_info(confined->patch);
    code = (confined->proofs & CONFINED_PROVED_BASE) != 0
               ? delta_patch_check_memory(confined->patch, confined->context, error)
               : delta_patch_check(confined->patch, confined->context, confined->base, error);
    return code != 0 ? code : pack_sha256_new(&confined->hash, error);
}

/* The state goes to the child in pieces. */
static int restore(struct confined_patch *confined, const struct confined_state *state,
                   struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *piece = NULL;
    int code = pack_allocate(&piece, 1, MADE, error);
    size_t got = MADE;
    for (uint64_t at = 0; code == 0 && confined->code == 0 && got == MADE; at += got) {
        code = pack_input_read(state->input, at, piece, MADE, &got, error);
        if (code != 0 || got == 0)
            break;
        memcpy(cell_shared(&confined->cell), piece, got);
        code = request(confined, PUT, got, error);
    }
    if (code == 0 && confined->code == 0)
        code = request(confined, RESTORE, state->made, error);
    confined->total = state->made;
    return code;
}

static int begin(struct confined_patch *confined, const struct confined_state *state,
                 struct pack_error *error)
{
    const struct cell_work work = {.run = serve,
                                   .user = confined,
                                   .shared_size = SHARED,
                                   .memory = delta_patch_memory(confined->patch) + SLACK};
    int code = cell_start(&confined->cell, &work, confined->context, error);
    if (code == 0)
        code = state != NULL ? restore(confined, state, error) : request(confined, BEGIN, 0, error);
    confined->made = 0; /* of none of these */
    return code == 0 && confined->code != 0 ? due(confined, error) : code;
}

int confined_patch_open(struct confined_patch **confined, struct pack_input *patch,
                        struct pack_input *base, unsigned proofs,
                        const struct pack_context *context, struct pack_error *error)
{
    return confined_patch_restore(confined, patch, base, proofs, NULL, context, error);
}

int confined_patch_restore(struct confined_patch **confined, struct pack_input *patch,
                           struct pack_input *base, unsigned proofs,
                           const struct confined_state *state, const struct pack_context *context,
                           struct pack_error *error)
{
    struct pack_error ignored = {.code = PACK_OK};
    PACK_AUTO(confined_patch_close) struct confined_patch *made = NULL;
    *confined = NULL;
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code != 0)
        return code;
    *made = (struct confined_patch){
        .cell.socket = -1, .input = patch, .base = base, .proofs = proofs, .context = context};
    made->filtered = confine_available(&ignored) == 0;
    code = pack_allocate(&made->windows, WINDOWS + GLANCES, sizeof *made->windows, error);
    if (code == 0)
        code = pack_allocate(&made->ahead.bytes, WINDOW, 1, error);
    if (code == 0)
        code = check(made, error);
    if (code == 0)
        code = begin(made, state, error);
    if (code != 0)
        return code;
    *confined = pack_steal(&made);
    return 0;
}

const struct pack_patch_info *confined_patch_info(const struct confined_patch *confined)
{
    return &confined->info;
}

/* The words are those of pack_patch_read. */
static int prove(struct confined_patch *confined, struct pack_error *error)
{
    uint8_t found[PACK_SHA256_SIZE];
    const bool by_caller = (confined->proofs & CONFINED_PROVES_RESULT) != 0;
    if (confined->proved)
        return 0;
    const int code = by_caller ? 0 : pack_sha256_finish(confined->hash, found, error);
    if (code != 0)
        return code;
    confined->proved =
        confined->total == confined->info.new_size &&
        (by_caller || sodium_memcmp(found, confined->info.new_sha256, sizeof found) == 0);
    if (confined->proved)
        return 0;
    pack_fail(error, PACK_E_CORRUPT, "the patch is damaged or cut short");
    return pack_at_file(error, confined->input->name);
}

/* Bytes from `start` on, but not beyond the next place to stop at. */
static uint64_t most_made(const struct confined_patch *confined, uint64_t start)
{
    return confined->stride != 0 ? pack_min(MADE, confined->stride - start % confined->stride)
                                 : MADE;
}

static int make_from(struct confined_patch *confined, uint64_t start, struct pack_error *error)
{
    return ask_child(confined, MAKE, most_made(confined, start), MADE - confined->half, error);
}

/* Takes what the child has made, and lets it go on while the caller looks at that. */
static int make_more(struct confined_patch *confined, struct pack_error *error)
{
    int code = confined->asked ? 0 : make_from(confined, confined->total, error);
    if (code == 0)
        code = await(confined, error);
    if (code != 0)
        return code;
    confined->half = MADE - confined->half;
    const uint64_t next = confined->total + confined->made;
    const bool stops = confined->stride != 0 && next % confined->stride == 0;
    return stops || confined->ended || confined->code != 0 ? 0 : make_from(confined, next, error);
}

/* So that the child need not wait for the caller. */
static int serve_waiting(struct confined_patch *confined, struct pack_error *error)
{
    int code = 0;
    while (code == 0 && confined->asked && !confined->answered && cell_has_said(&confined->cell))
        code = hear(confined, error);
    return code;
}

int confined_patch_read(struct confined_patch *confined, void *buffer, size_t capacity, size_t *got,
                        struct pack_error *error)
{
    int code = 0;
    *got = 0;
    if (confined->taken == confined->made && confined->code == 0 && !confined->ended)
        code = make_more(confined, error);
    else
        code = serve_waiting(confined, error);
    if (code != 0)
        return code;
    const size_t piece = (size_t)pack_min(capacity, confined->made - confined->taken);
    if (piece == 0)
        return confined->code != 0 ? due(confined, error) : prove(confined, error);
    /* Taken out before it is looked at: there the child may change it. */
    memcpy(buffer, cell_shared(&confined->cell) + confined->half + confined->taken, piece);
    confined->taken += piece;
    confined->total += piece;
    *got = piece;
    return (confined->proofs & CONFINED_PROVES_RESULT) != 0
               ? 0
               : pack_sha256_update(confined->hash, buffer, piece, error);
}

void confined_patch_stop_at(struct confined_patch *confined, uint64_t stride)
{
    confined->stride = stride;
}

uint64_t confined_patch_state_size(const struct confined_patch *confined)
{
    const bool between = confined->taken == confined->made && !confined->asked &&
                         confined->code == 0 && !confined->ended && confined->filtered;
    return between ? delta_patch_state_size(confined->patch) : 0;
}

int confined_patch_save(struct confined_patch *confined, struct pack_sink *sink,
                        struct pack_error *error)
{
    const uint64_t most = delta_patch_state_size(confined->patch);
    PACK_AUTO_FREE uint8_t *piece = NULL;
    int code = pack_allocate(&piece, 1, MADE, error);
    for (uint64_t at = 0; code == 0; at += confined->taken) {
        code = request(confined, SAVE, at, error);
        confined->taken = confined->made;
        if (code != 0 || confined->code != 0 || confined->made == 0)
            break;
        if (confined->made > most - at)
            return cell_nonsense(&confined->cell, error);
        memcpy(piece, cell_shared(&confined->cell), confined->made);
        code = pack_sink_write(sink, piece, confined->made, error);
    }
    return code == 0 && confined->code != 0 ? due(confined, error) : code;
}

void confined_patch_close(struct confined_patch **confined)
{
    struct confined_patch *closed = *confined;
    if (closed == NULL)
        return;
    cell_end(&closed->cell);
    pack_patch_close(&closed->patch);
    pack_sha256_free(&closed->hash);
    free(closed->windows);
    free(closed->ahead.bytes);
    free(closed);
    *confined = NULL;
}
