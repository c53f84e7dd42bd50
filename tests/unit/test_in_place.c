/* SPDX-License-Identifier: MIT */
/* Plans for one slot, carried out on a simulated flash whose power is cut at every operation. */
#include "base/memory.h"
#include "delta/in_place.h"
#include "delta/page_order.h"
#include "support/test.h"

#include <string.h>

enum { PAGE = 128, MOST_PAGES = 40, SLOT = PAGE * MOST_PAGES, ROUNDS = 60 };

/* xorshift32: the same cases on every machine. */
static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static uint32_t below(uint32_t *seed, uint32_t bound)
{
    return next_random(seed) % bound;
}

/* --- pairs of images -------------------------------------------------------------------------- */

struct pair {
    uint8_t old_bytes[SLOT], new_bytes[SLOT];
    size_t old_size, new_size;
    struct patch_cover list[256];
    struct delta_covers covers;
};

static void fill(uint8_t *bytes, size_t size, uint32_t *seed)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)next_random(seed);
}

/* A cover of random source and of `size` bytes, with some bytes changed, at the new image's end. */
static void add_cover(struct pair *pair, size_t size, size_t old_offset, uint32_t *seed)
{
    uint8_t *to = pair->new_bytes + pair->new_size;
    memcpy(to, pair->old_bytes + old_offset, size);
    for (size_t changes = below(seed, 3); changes > 0; changes--)
        to[below(seed, (uint32_t)size)] ^= 1;
    pair->list[pair->covers.count++] = (struct patch_cover){pair->new_size, old_offset, size};
    pair->new_size += size;
}

static void add_extra(struct pair *pair, size_t size, uint32_t *seed)
{
    fill(pair->new_bytes + pair->new_size, size, seed);
    pair->new_size += size;
}

/* Some copied from anywhere, some from near the same place, and new bytes between. */
static void make_pair(struct pair *pair, uint32_t *seed)
{
    size_t wanted = 1 + below(seed, SLOT - 1);
    uint32_t far = below(seed, 4);
    memset(pair, 0, sizeof *pair);
    pair->covers.list = pair->list;
    pair->old_size = 1 + below(seed, SLOT);
    fill(pair->old_bytes, pair->old_size, seed);
    while (pair->new_size < wanted && pair->covers.count < 256) {
        size_t size = 1 + below(seed, 600), from = pair->new_size + below(seed, 300);
        from = from > 150 ? from - 150 : 0;
        if (below(seed, 4) < far || from >= pair->old_size)
            from = below(seed, (uint32_t)pair->old_size);
        if (size > pair->old_size - from)
            size = pair->old_size - from;
        if (size > SLOT - pair->new_size)
            size = SLOT - pair->new_size;
        if (size > 0)
            add_cover(pair, size, from, seed);
        if (below(seed, 2) == 0 && pair->new_size + 40 < SLOT)
            add_extra(pair, below(seed, 40), seed);
    }
}

static void make_plan(struct delta_in_place *plan, const struct pair *pair, uint32_t scratch)
{
    struct pack_error error = {0};
    const struct delta_in_place_options options = {PAGE, scratch, 8, 1000};
    assert_pack_ok(delta_in_place(plan, &pair->covers, pair->old_bytes, pair->old_size,
                                  pair->new_bytes, pair->new_size, &options, &error));
}

/* --- a flash ---------------------------------------------------------------------------------- */

enum {
    WORD = 8,
    MOST_SCRATCH = 3 * PAGE,
    STATE = 150,
    AT_MAKING = SLOT,
    AT_JOURNAL = AT_MAKING + PAGE,
    FLASH = AT_JOURNAL + 2 * (4 * PAGE + MOST_SCRATCH),
    NO_CUT = -1,
};

struct flash {
    uint8_t bytes[FLASH];
    bool programmed[FLASH / WORD]; /* since it was erased */
    long left;                     /* operations until the power is cut */
    uint32_t seed;
    unsigned erased, written;
};

static bool flash_read(void *user, uint32_t address, void *bytes, size_t size)
{
    const struct flash *flash = user;
    assert_true(address + size <= FLASH);
    memcpy(bytes, flash->bytes + address, size);
    return flash->left != 0;
}

static bool flash_erase(void *user, uint32_t address)
{
    struct flash *flash = user;
    assert_true(address % PAGE == 0 && address < FLASH);
    if (flash->left == 0)
        return false;
    if (flash->left > 0 && --flash->left == 0) {
        /* Cut: what was there, erased bytes, or neither. The words want an erase before use. */
        for (size_t i = 0; i < PAGE; i++)
            flash->bytes[address + i] |= (uint8_t)next_random(&flash->seed);
        memset(flash->programmed + address / WORD, true, PAGE / WORD);
        return false;
    }
    memset(flash->bytes + address, 0xFF, PAGE);
    memset(flash->programmed + address / WORD, false, PAGE / WORD);
    flash->erased++;
    return true;
}

static bool flash_program(void *user, uint32_t address, const void *bytes, size_t size)
{
    struct flash *flash = user;
    assert_true(size > 0 && size % WORD == 0 && address % WORD == 0 && address + size <= FLASH);
    for (size_t done = 0; done < size; done += WORD) {
        if (flash->left == 0)
            return false;
        assert_false(flash->programmed[(address + done) / WORD]);
        flash->programmed[(address + done) / WORD] = true;
        memcpy(flash->bytes + address + done, (const uint8_t *)bytes + done, WORD);
        flash->written++;
        if (flash->left < 0 || --flash->left > 0)
            continue;
        for (size_t i = 0; i < WORD; i++) /* cut: bits that are not cleared yet */
            flash->bytes[address + done + i] |= (uint8_t)next_random(&flash->seed);
        return false;
    }
    return true;
}

static struct pack_flash describe(struct flash *flash)
{
    return (struct pack_flash){.user = flash,
                               .read = flash_read,
                               .erase = flash_erase,
                               .program = flash_program,
                               .page = PAGE,
                               .word = WORD,
                               .slot_size = SLOT,
                               .making = AT_MAKING,
                               .journal = AT_JOURNAL,
                               .journal_size = FLASH - AT_JOURNAL};
}

static void load(struct flash *flash, const struct pair *pair, uint32_t seed)
{
    flash->left = NO_CUT;
    flash->seed = seed;
    flash->erased = flash->written = 0;
    fill(flash->bytes, FLASH, &flash->seed); /* what a device has lying about */
    memset(flash->programmed, true, sizeof flash->programmed);
    memcpy(flash->bytes, pair->old_bytes, pair->old_size);
}

/* --- a device --------------------------------------------------------------------------------- */

struct device {
    struct pack_flash flash;
    struct patch_in_place place;
    struct patch_state states[2];
    uint8_t map[16];
    uint8_t state[2][STATE]; /* as a decoder's: it depends on all the bytes made so far */
};

static void learn(struct device *device, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        device->state[bytes[i] & 1][bytes[i] % STATE] += (uint8_t)(bytes[i] + i);
}

/* What the covers do not hold, as a patch would bring it: the new bytes less the copied ones. */
static enum patch_status make_page(struct device *device, const struct pair *pair,
                                   const struct delta_in_place *plan, size_t start)
{
    uint8_t bytes[PAGE] = {0};
    size_t end = start + PAGE < pair->new_size ? start + PAGE : pair->new_size;
    for (size_t i = 0; i < plan->covers.count; i++) {
        const struct patch_cover *cover = &plan->covers.list[i];
        size_t low = cover->new_offset > start ? cover->new_offset : start;
        size_t high = cover->new_offset + cover->size < end ? cover->new_offset + cover->size : end;
        if (low >= high)
            continue;
        uint8_t copied[PAGE], expected[PAGE];
        size_t from = cover->old_offset + (low - cover->new_offset);
        size_t behind = from % 8 < from && from < pair->old_size ? from % 8 : 0;
        uint8_t around[PAGE + 8];
        /* As a decoder does, which wants to see some bytes before, whatever they are by now. */
        enum patch_status status =
            patch_in_place_read(&device->place, from - behind, around, behind + high - low);
        memcpy(copied, around + behind, high - low);
        if (status != PATCH_OK)
            return status;
        memcpy(expected,
               from >= pair->old_size ? pair->new_bytes + (from - pair->old_size)
                                      : pair->old_bytes + from,
               high - low);
        assert_memory_equal(copied, expected, high - low); /* nothing is read that is destroyed */
    }
    memcpy(bytes, pair->new_bytes + start, end - start);
    learn(device, bytes, end - start);
    for (size_t done = 0; done < end - start; done += 37) {
        size_t part = end - start - done < 37 ? end - start - done : 37;
        enum patch_status status = patch_in_place_write(&device->place, bytes + done, part);
        if (status != PATCH_OK)
            return status;
    }
    return PATCH_OK;
}

static void set_up(struct device *device, struct flash *flash, const struct pair *pair,
                   const struct delta_in_place *plan, uint32_t scratch)
{
    bool changes[MOST_PAGES] = {false};
    memset(device, 0, sizeof *device);
    device->flash = describe(flash);
    for (int i = 0; i < 2; i++)
        device->states[i] = (struct patch_state){device->state[i], STATE};
    device->place = (struct patch_in_place){
        .flash = &device->flash,
        .states = device->states,
        .state_count = 2,
        .map = {(uint32_t)((pair->new_size + PAGE - 1) / PAGE), device->map},
        .covers = {plan->covers.list, plan->covers.count, NULL, 0},
        .old_size = pair->old_size,
        .scratch = scratch,
    };
    memcpy(device->place.identity, "a patch's hash..", PATCH_IDENTITY_SIZE);
    for (size_t i = 0; i < plan->step_count; i++)
        changes[plan->steps[i]] = true;
    for (uint32_t page = 0; page < device->place.map.count; page++)
        if (!changes[page])
            patch_page_leave(&device->place.map, page);
}

/* From power on to the end, or to the next cut. */
static enum patch_status run(struct device *device, struct flash *flash, const struct pair *pair,
                             const struct delta_in_place *plan, uint32_t scratch)
{
    set_up(device, flash, pair, plan, scratch);
    enum patch_status status = patch_in_place_open(&device->place);
    while (status == PATCH_OK && device->place.steps < plan->step_count) {
        const uint32_t page = plan->steps[device->place.steps];
        status = patch_in_place_begin(&device->place, page);
        if (status == PATCH_OK)
            status = make_page(device, pair, plan, (size_t)page * PAGE);
        if (status == PATCH_OK)
            status = patch_in_place_commit(&device->place);
    }
    return status;
}

static void check_result(const struct flash *flash, const struct pair *pair)
{
    assert_memory_equal(flash->bytes, pair->new_bytes, pair->new_size);
}

/* --- tests: plans ----------------------------------------------------------------------------- */

static void test_random_plans(void **unused)
{
    (void)unused;
    static struct pair pair;
    static struct flash flash;
    struct device device;
    uint32_t seed = 20260101;
    for (uint32_t round = 0; round < 10 * ROUNDS; round++) {
        PACK_AUTO(delta_in_place_free) struct delta_in_place plan = {0};
        make_pair(&pair, &seed);
        make_plan(&plan, &pair, round % 4 * PAGE);
        load(&flash, &pair, seed);
        assert_int_equal(run(&device, &flash, &pair, &plan, round % 4 * PAGE), PATCH_OK);
        check_result(&flash, &pair);
    }
}

/* Covers stay in order, disjoint and inside; what was not destroyed is covered as before. */
static void test_covers_are_valid(void **unused)
{
    (void)unused;
    static struct pair pair;
    uint32_t seed = 77;
    for (int round = 0; round < ROUNDS; round++) {
        PACK_AUTO(delta_in_place_free) struct delta_in_place plan = {0};
        make_pair(&pair, &seed);
        make_plan(&plan, &pair, 0);
        uint64_t before = 0, after = 0, end = 0;
        for (size_t i = 0; i < pair.covers.count; i++)
            before += pair.list[i].size;
        for (size_t i = 0; i < plan.covers.count; i++) {
            const struct patch_cover *cover = &plan.covers.list[i];
            uint64_t limit =
                cover->old_offset < pair.old_size ? pair.old_size : pair.old_size + pair.new_size;
            assert_true(cover->size > 0 && cover->new_offset >= end);
            assert_true(cover->old_offset + cover->size <= limit);
            end = cover->new_offset + cover->size;
            after += cover->size;
        }
        assert_true(end <= pair.new_size);
        assert_int_equal(before, after + plan.given_up);
    }
}

/* An insertion moves all behind it up: from the last page down nothing is lost. */
static void test_insertion(void **unused)
{
    (void)unused;
    static struct pair pair;
    uint32_t seed = 5;
    PACK_AUTO(delta_in_place_free) struct delta_in_place plan = {0};
    memset(&pair, 0, sizeof pair);
    pair.covers.list = pair.list;
    pair.old_size = SLOT - PAGE;
    fill(pair.old_bytes, pair.old_size, &seed);
    add_cover(&pair, 3 * PAGE + 50, 0, &seed);
    memcpy(pair.new_bytes, pair.old_bytes, pair.new_size);
    add_extra(&pair, 20, &seed);
    add_cover(&pair, pair.old_size - 3 * PAGE - 50, 3 * PAGE + 50, &seed);
    make_plan(&plan, &pair, 0);
    assert_int_equal(plan.given_up, 0);
    assert_int_equal(plan.covers.count, 2);
    assert_int_equal(plan.step_count, MOST_PAGES - 3); /* the first three stay as they are */
    for (uint32_t i = 0; i < plan.step_count; i++)
        assert_int_equal(plan.steps[i], MOST_PAGES - 1 - i);
}

static void test_removal(void **unused)
{
    (void)unused;
    static struct pair pair;
    uint32_t seed = 5;
    PACK_AUTO(delta_in_place_free) struct delta_in_place plan = {0};
    memset(&pair, 0, sizeof pair);
    pair.covers.list = pair.list;
    pair.old_size = SLOT;
    fill(pair.old_bytes, pair.old_size, &seed);
    add_cover(&pair, SLOT - 200, 200, &seed);
    make_plan(&plan, &pair, 0);
    assert_int_equal(plan.given_up, 0);
    assert_int_equal(plan.step_count, MOST_PAGES - 1);
    for (uint32_t i = 0; i < plan.step_count; i++)
        assert_int_equal(plan.steps[i], i);
}

/* Two pages that change places: one is lost, or kept in the scratch. */
static void test_cycle(void **unused)
{
    (void)unused;
    static struct pair pair;
    uint32_t seed = 9;
    memset(&pair, 0, sizeof pair);
    pair.covers.list = pair.list;
    pair.old_size = 2 * PAGE;
    fill(pair.old_bytes, pair.old_size, &seed);
    add_cover(&pair, PAGE, PAGE, &seed);
    add_cover(&pair, PAGE, 0, &seed);
    for (uint32_t scratch = 0; scratch <= 2 * PAGE; scratch += PAGE / 2) {
        PACK_AUTO(delta_in_place_free) struct delta_in_place plan = {0};
        make_plan(&plan, &pair, scratch);
        bool kept = scratch >= PAGE;
        assert_int_equal(plan.given_up, kept ? 0 : PAGE);
        assert_int_equal(plan.from_scratch, kept ? PAGE : 0);
        assert_int_equal(plan.covers.count, kept ? 2 : 1);
    }
}

/* What two places copy is taken from the one that is made first when its source is gone. */
static void test_copy_from_new(void **unused)
{
    (void)unused;
    static struct pair pair;
    uint32_t seed = 11;
    PACK_AUTO(delta_in_place_free) struct delta_in_place plan = {0};
    memset(&pair, 0, sizeof pair);
    pair.covers.list = pair.list;
    pair.old_size = 3 * PAGE;
    fill(pair.old_bytes, pair.old_size, &seed);
    add_cover(&pair, PAGE, PAGE, &seed);     /* 0 <- 1 */
    add_cover(&pair, PAGE, 2 * PAGE, &seed); /* 1 <- 2 */
    add_cover(&pair, 40, 0, &seed);          /* 2 <- 0: destroyed */
    add_cover(&pair, 40, PAGE, &seed);       /* 2 <- 1: destroyed too, but it is at 0 now */
    make_plan(&plan, &pair, 0);
    assert_int_equal(plan.from_new, 40);
    assert_int_equal(plan.given_up, 40);
    assert_int_equal(plan.covers.list[2].old_offset, 3 * PAGE);
}

static void test_identical_images(void **unused)
{
    (void)unused;
    static struct pair pair;
    uint32_t seed = 3;
    PACK_AUTO(delta_in_place_free) struct delta_in_place plan = {0};
    memset(&pair, 0, sizeof pair);
    pair.old_size = pair.new_size = SLOT - 5;
    fill(pair.old_bytes, pair.old_size, &seed);
    memcpy(pair.new_bytes, pair.old_bytes, pair.new_size);
    make_plan(&plan, &pair, 0);
    assert_int_equal(plan.step_count, 0);
}

/* --- tests: orders ---------------------------------------------------------------------------- */

static uint64_t loss_of(const uint32_t *order, size_t count, const struct delta_page_edge *edges,
                        size_t edge_count)
{
    uint32_t position[16];
    uint64_t loss = 0;
    for (uint32_t i = 0; i < count; i++)
        position[order[i]] = i;
    for (size_t i = 0; i < edge_count; i++)
        if (position[edges[i].before] > position[edges[i].after])
            loss += edges[i].weight;
    return loss;
}

/* The least loss of all orders of few pages, by their subsets. */
static uint64_t least_loss(size_t count, const struct delta_page_edge *edges, size_t edge_count)
{
    uint64_t least[1 << 8];
    for (uint32_t set = 0; set < 1u << count; set++) {
        least[set] = set == 0 ? 0 : UINT64_MAX;
        for (uint32_t last = 0; last < count; last++) {
            if (!(set >> last & 1))
                continue;
            uint64_t loss = least[set & ~(1u << last)];
            for (size_t i = 0; i < edge_count; i++)
                if (edges[i].before == last && set >> edges[i].after & 1)
                    loss += edges[i].weight;
            least[set] = loss < least[set] ? loss : least[set];
        }
    }
    return least[(1u << count) - 1];
}

static void test_orders_are_good(void **unused)
{
    (void)unused;
    struct pack_error error = {0};
    uint32_t seed = 4711;
    uint64_t ours = 0, best = 0;
    for (int round = 0; round < 300; round++) {
        struct delta_page_edge edges[24];
        uint32_t order[8];
        uint32_t count = 2 + below(&seed, 7);
        size_t edge_count = 1 + below(&seed, 24);
        for (size_t i = 0; i < edge_count; i++) {
            uint32_t before = below(&seed, count);
            edges[i] = (struct delta_page_edge){
                before, (before + 1 + below(&seed, count - 1)) % count, 1 + below(&seed, 100)};
        }
        assert_pack_ok(delta_page_order(order, count, edges, &edge_count, &error));
        uint64_t loss = loss_of(order, count, edges, edge_count);
        uint64_t least = least_loss(count, edges, edge_count);
        assert_true(least > 0 || loss == 0); /* no cycle, no loss */
        ours += loss;
        best += least;
    }
    assert_true(ours <= best + best / 50);
}

/* --- tests: power cuts ------------------------------------------------------------------------ */

/* A100: cut at each operation, and once more at another one on the way to the end. */
static void test_cut_at_every_operation(void **unused)
{
    (void)unused;
    static struct pair pair;
    static struct flash flash;
    struct device device;
    uint32_t seed = 42;
    for (uint32_t round = 0; round < 6; round++) {
        PACK_AUTO(delta_in_place_free) struct delta_in_place plan = {0};
        const uint32_t scratch = round % 4 * PAGE;
        do
            make_pair(&pair, &seed);
        while (pair.new_size > SLOT / 2);
        make_plan(&plan, &pair, scratch);
        load(&flash, &pair, seed);
        assert_int_equal(run(&device, &flash, &pair, &plan, scratch), PATCH_OK);
        const long operations = (long)(flash.erased + flash.written);
        uint8_t state[sizeof device.state];
        memcpy(state, device.state, sizeof state);
        for (long cut = 1; cut <= operations; cut++) {
            load(&flash, &pair, seed + (uint32_t)cut);
            flash.left = cut;
            assert_int_equal(run(&device, &flash, &pair, &plan, scratch), PATCH_IO);
            flash.left = 1 + (long)below(&seed, (uint32_t)operations);
            enum patch_status status = run(&device, &flash, &pair, &plan, scratch);
            flash.left = NO_CUT;
            if (status != PATCH_OK)
                status = run(&device, &flash, &pair, &plan, scratch);
            assert_int_equal(status, PATCH_OK);
            check_result(&flash, &pair);
            assert_memory_equal(device.state, state, sizeof state);
        }
    }
}

/* Cut at the same early moment after each start: slow, but it ends. */
static void test_cut_again_and_again(void **unused)
{
    (void)unused;
    static struct pair pair;
    static struct flash flash;
    struct device device;
    uint32_t seed = 43;
    PACK_AUTO(delta_in_place_free) struct delta_in_place plan = {0};
    do
        make_pair(&pair, &seed);
    while (pair.new_size > SLOT / 2);
    make_plan(&plan, &pair, 0);
    load(&flash, &pair, seed);
    enum patch_status status = PATCH_IO;
    for (int starts = 0; status != PATCH_OK; starts++) {
        assert_true(starts < 1000);
        flash.left = 180; /* a step takes fewer: scratch, record, place and mark */
        status = run(&device, &flash, &pair, &plan, 0);
        flash.left = NO_CUT;
    }
    check_result(&flash, &pair);
}

/* A cut while the journal is forgotten leaves the newest record, or none. */
static void test_cut_in_clear(void **unused)
{
    (void)unused;
    static struct pair pair;
    static struct flash flash;
    struct device device;
    uint32_t seed = 44;
    PACK_AUTO(delta_in_place_free) struct delta_in_place plan = {0};
    make_pair(&pair, &seed);
    make_plan(&plan, &pair, 0);
    for (long cut = 1; cut <= 20; cut++) {
        load(&flash, &pair, seed);
        assert_int_equal(run(&device, &flash, &pair, &plan, 0), PATCH_OK);
        flash.left = cut;
        enum patch_status status = patch_in_place_clear(&device.place);
        flash.left = NO_CUT;
        set_up(&device, &flash, &pair, &plan, 0);
        assert_int_equal(patch_in_place_open(&device.place), PATCH_OK);
        assert_true(device.place.steps == plan.step_count || device.place.steps == 0);
        assert_true(status == PATCH_IO || device.place.steps == 0);
        check_result(&flash, &pair);
    }
}

/* --- tests: refusals -------------------------------------------------------------------------- */

static void test_other_journal(void **unused)
{
    (void)unused;
    static struct pair pair;
    static struct flash flash;
    struct device device;
    uint32_t seed = 45;
    PACK_AUTO(delta_in_place_free) struct delta_in_place plan = {0};
    make_pair(&pair, &seed);
    make_plan(&plan, &pair, 0);
    load(&flash, &pair, seed);
    assert_int_equal(run(&device, &flash, &pair, &plan, 0), PATCH_OK);
    set_up(&device, &flash, &pair, &plan, 0);
    device.place.identity[3] ^= 1;
    assert_int_equal(patch_in_place_open(&device.place), PATCH_OK);
    assert_int_equal(device.place.steps, 0);
    set_up(&device, &flash, &pair, &plan, 0);
    device.states[1].size -= 130; /* another decoder, whose records end elsewhere */
    assert_int_equal(patch_in_place_open(&device.place), PATCH_OK);
    assert_int_equal(device.place.steps, 0);
}

static void test_refusals(void **unused)
{
    (void)unused;
    static struct flash flash;
    static struct pair pair;
    struct device device;
    const struct delta_in_place plan = {0};
    static const struct pack_flash bad[] = {
        {.page = 192, .word = WORD, .slot_size = SLOT, .journal_size = SLOT},
        {.page = 64, .word = WORD, .slot_size = SLOT, .journal_size = SLOT},
        {.page = PAGE, .word = 64, .slot_size = SLOT, .journal_size = SLOT},
        {.page = PAGE, .word = WORD, .slot_size = SLOT, .journal_size = PAGE},
        {.page = PAGE, .word = WORD, .slot_size = PAGE, .journal_size = SLOT},
    };
    pair.new_size = SLOT;
    for (int i = 0; i < 5; i++) {
        set_up(&device, &flash, &pair, &plan, 0);
        device.place.flash = &bad[i];
        assert_int_equal(patch_in_place_open(&device.place),
                         i < 3 ? PATCH_UNSUPPORTED : PATCH_LIMIT);
    }
    flash.left = NO_CUT;
    set_up(&device, &flash, &pair, &plan, 0);
    memset(device.map, 0, sizeof device.map);
    assert_int_equal(patch_in_place_open(&device.place), PATCH_OK);
    assert_int_equal(patch_in_place_begin(&device.place, MOST_PAGES), PATCH_MALFORMED);
    assert_int_equal(patch_in_place_begin(&device.place, 1), PATCH_OK);
    uint8_t bytes[PAGE + 1] = {0};
    assert_int_equal(patch_in_place_write(&device.place, bytes, PAGE + 1), PATCH_MALFORMED);
    assert_int_equal(patch_in_place_write(&device.place, bytes, 3), PATCH_OK);
    assert_int_equal(patch_in_place_write(&device.place, bytes, PAGE - 2), PATCH_MALFORMED);
    assert_int_equal(patch_in_place_write(&device.place, bytes, PAGE - 3), PATCH_OK);
    assert_int_equal(patch_in_place_commit(&device.place), PATCH_OK);
    assert_int_equal(patch_in_place_begin(&device.place, 1), PATCH_MALFORMED); /* is made */

    /* A page whose old bytes would have to be kept, and no scratch for them. */
    const struct patch_cover cover = {0, 2 * PAGE, PAGE};
    device.place.covers = (struct patch_covers){&cover, 1, NULL, 0};
    device.place.old_size = SLOT;
    assert_int_equal(patch_in_place_begin(&device.place, 2), PATCH_OK);
    assert_int_equal(patch_in_place_commit(&device.place), PATCH_MALFORMED);
    device.place.scratch = PAGE;
    assert_int_equal(patch_in_place_commit(&device.place), PATCH_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_plans),
        cmocka_unit_test(test_covers_are_valid),
        cmocka_unit_test(test_insertion),
        cmocka_unit_test(test_removal),
        cmocka_unit_test(test_cycle),
        cmocka_unit_test(test_copy_from_new),
        cmocka_unit_test(test_identical_images),
        cmocka_unit_test(test_orders_are_good),
        cmocka_unit_test(test_cut_at_every_operation),
        cmocka_unit_test(test_cut_again_and_again),
        cmocka_unit_test(test_cut_in_clear),
        cmocka_unit_test(test_other_journal),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
