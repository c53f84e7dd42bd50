/* SPDX-License-Identifier: MIT */
#include "install/plan.h"

#include "pack/text.h"
#include "pack/version.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

const char *pack_decision_name(enum pack_decision decision)
{
#define WORD(name, word, code) [name] = word,
    static const char *const words[] = {PACK_DECISIONS(WORD)};
#undef WORD
    return (size_t)decision < sizeof words / sizeof words[0] ? words[decision] : NULL;
}

/* --- words ----------------------------------------------------------------------------------- */

enum { LIST_TEXT = 160, DURATION_TEXT = 64 };

/* "a, b and 7 more": as many as fit. */
static void join(char text[LIST_TEXT], const char *const *names, size_t count)
{
    const size_t room = LIST_TEXT - sizeof " and 18446744073709551615 more";
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const size_t wanted = strlen(names[i]) + (i != 0 ? 2 : 0);
        if (used + wanted > room) {
            snprintf(text + used, LIST_TEXT - used, "%s%zu more", i != 0 ? " and " : "", count - i);
            return;
        }
        used +=
            (size_t)snprintf(text + used, LIST_TEXT - used, "%s%s", i != 0 ? ", " : "", names[i]);
    }
}

/* "2 days 3 hours", "40 seconds": the two largest units. */
static const char *duration(char text[DURATION_TEXT], uint64_t seconds)
{
    static const struct {
        const char *name;
        uint64_t seconds;
    } units[] = {{"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}};
    size_t used = 0, shown = 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0] && shown < 2; i++) {
        const uint64_t number = seconds / units[i].seconds;
        if (number == 0 && (shown != 0 || units[i].seconds != 1))
            continue;
        used +=
            (size_t)snprintf(text + used, DURATION_TEXT - used, "%s%" PRIu64 " %s%s",
                             shown != 0 ? " " : "", number, units[i].name, number == 1 ? "" : "s");
        seconds %= units[i].seconds;
        shown++;
    }
    return text;
}

static int hint_permit(struct pack_error *error)
{
    return pack_hint(error, "only a permit of the release's signers leads back: 'fwpack permit'");
}

/* --- what is known --------------------------------------------------------------------------- */

static bool same_hash(const uint8_t a[PACK_SHA256_SIZE], const uint8_t b[PACK_SHA256_SIZE])
{
    return sodium_memcmp(a, b, PACK_SHA256_SIZE) == 0;
}

static const struct state_set *running_of(const struct plan_facts *facts)
{
    return &facts->state->sets[facts->running];
}

/* NULL where nobody has noted it. */
static const char *running_version(const struct plan_facts *facts)
{
    const char *version = running_of(facts)->version;
    return version[0] != '\0' ? version : NULL;
}

static bool holds(const struct plan_facts *facts, enum pack_set set)
{
    const struct state_set *known = &facts->state->sets[set];
    return known->version[0] != '\0' && same_hash(known->release_sha256, facts->release_sha256);
}

static bool is_current(const struct plan_facts *facts)
{
    return running_of(facts)->condition == SET_GOOD && holds(facts, facts->running);
}

static bool waits(const struct plan_facts *facts)
{
    const struct state_trial *trial = &facts->state->trial;
    return trial->begun && trial->armed && trial->set != facts->running && holds(facts, trial->set);
}

static bool seen_before(const struct plan_facts *facts)
{
    return same_hash(facts->state->seen_release, facts->release_sha256);
}

const char *plan_ignored_rollout(const struct plan_facts *facts)
{
    if (facts->rollout == NULL)
        return NULL;
    if (!same_hash(facts->rollout->release_sha256, facts->release_sha256))
        return "it is for another release";
    if (seen_before(facts) && facts->rollout->revision < facts->state->seen_rollout)
        return "this device has seen a later one";
    return NULL;
}

/* By the newest rollout that is known, which need not be the one at hand. */
static bool is_halted(const struct plan_facts *facts, uint64_t *revision)
{
    if (facts->rollout != NULL && plan_ignored_rollout(facts) == NULL) {
        *revision = facts->rollout->revision;
        return facts->rollout->halted;
    }
    *revision = facts->state->seen_rollout;
    return seen_before(facts) && facts->state->seen_halted;
}

/* --- whether it fits ------------------------------------------------------------------------- */

static int check_product(const struct plan_facts *facts, struct pack_error *error)
{
    if (strcmp(facts->release->product, facts->device->product) == 0)
        return 0;
    pack_fail(error, PACK_E_WRONG_DEVICE, "made for the product \"%s\", this is \"%s\"",
              facts->release->product, facts->device->product);
    return pack_hint(error, "`product` of device.yaml says what this is");
}

static bool has_hardware(const struct pack_device *device, const char *name)
{
    for (size_t i = 0; i < device->hardware_count; i++)
        if (strcmp(device->hardware[i], name) == 0)
            return true;
    return false;
}

static int check_hardware(const struct plan_facts *facts, struct pack_error *error)
{
    const struct pack_release *release = facts->release;
    const struct pack_device *device = facts->device;
    char wanted[LIST_TEXT], found[LIST_TEXT];
    if (release->compatible_count == 0)
        return 0;
    for (size_t i = 0; i < release->compatible_count; i++)
        if (has_hardware(device, release->compatible[i]))
            return 0;
    join(wanted, release->compatible, release->compatible_count);
    join(found, device->hardware, device->hardware_count);
    pack_fail(error, PACK_E_WRONG_DEVICE, "made for the hardware %s, this is %s", wanted,
              found[0] != '\0' ? found : "none that device.yaml names");
    return pack_hint(error, "`hardware` of device.yaml says what this is, letter by letter");
}

static int fail_no_slot(const struct plan_facts *facts, const struct pack_release_image *image,
                        struct pack_error *error)
{
    const char *names[PACK_MAX_SLOTS];
    char text[LIST_TEXT];
    size_t count = 0;
    while (count < facts->device->slot_count && count < PACK_MAX_SLOTS) {
        names[count] = facts->device->slots[count].name;
        count++;
    }
    join(text, names, count);
    pack_fail(error, PACK_E_WRONG_DEVICE,
              "image \"%s\" is for the slot \"%s\", which this device does not have", image->name,
              image->slot);
    return pack_hint(error, "the slots of device.yaml: %s", text);
}

static int check_slots(const struct plan_facts *facts, struct pack_error *error)
{
    for (size_t i = 0; i < facts->release->image_count; i++) {
        const struct pack_release_image *image = &facts->release->images[i];
        const struct pack_device_slot *slot = pack_device_slot_named(facts->device, image->slot);
        if (slot == NULL)
            return fail_no_slot(facts, image, error);
        if (slot->image == NULL || strcmp(slot->image, image->name) == 0)
            continue;
        pack_fail(error, PACK_E_WRONG_DEVICE,
                  "image \"%s\" is for the slot \"%s\", which takes only image \"%s\"", image->name,
                  image->slot, slot->image);
        return pack_hint(error, "`image` of that slot in device.yaml says so");
    }
    return 0;
}

/* --- whether it is old ----------------------------------------------------------------------- */

static int check_security_version(const struct plan_facts *facts, struct pack_error *error)
{
    const uint64_t kept = facts->state->security_version;
    const uint64_t least = facts->counter > kept ? facts->counter : kept;
    if (facts->release->security_version >= least)
        return 0;
    pack_fail(error, PACK_E_TOO_OLD, "security version %" PRIu64 " is lower than %" PRIu64 ", %s",
              facts->release->security_version, least,
              facts->counter == least ? "at which the hardware counter stands"
                                      : "which this device has had");
    return hint_permit(error);
}

static int check_data_epoch(const struct plan_facts *facts, struct pack_error *error)
{
    if (facts->release->data_epoch >= facts->state->data_epoch)
        return 0;
    pack_fail(error, PACK_E_TOO_OLD,
              "data epoch %" PRIu64 " is lower than %" PRIu64
              ": a release that ran here has changed its data beyond return",
              facts->release->data_epoch, facts->state->data_epoch);
    return pack_hint(error, "no permit lifts this: a release of data epoch %" PRIu64 " is wanted",
                     facts->state->data_epoch);
}

static int check_version(const struct plan_facts *facts, struct pack_error *error)
{
    const char *running = running_version(facts);
    if (running == NULL || pack_version_compare(facts->release->version, running) >= 0)
        return 0;
    pack_fail(error, PACK_E_TOO_OLD, "version %s is older than %s, which runs",
              facts->release->version, running);
    return hint_permit(error);
}

/* Build metadata does not make another version. */
static int check_content(const struct plan_facts *facts, struct pack_error *error)
{
    const char *running = running_version(facts);
    char ours[PACK_SHA256_HEX_SIZE], theirs[PACK_SHA256_HEX_SIZE];
    if (running == NULL || pack_version_compare(facts->release->version, running) != 0 ||
        holds(facts, facts->running))
        return 0;
    pack_sha256_hex(facts->release_sha256, ours);
    pack_sha256_hex(running_of(facts)->release_sha256, theirs);
    pack_fail(error, PACK_E_TOO_OLD,
              "version %s runs already as %s, with another content: release %.16s runs, this is "
              "%.16s",
              facts->release->version, running, theirs, ours);
    return pack_hint(error, "another content wants another version; or a permit, 'fwpack permit'");
}

static int check_revision(const struct plan_facts *facts, struct pack_error *error)
{
    if (!seen_before(facts) || facts->delivery->revision >= facts->state->seen_delivery)
        return 0;
    pack_fail(error, PACK_E_TOO_OLD,
              "revision %" PRIu64 " of delivery.json is lower than %" PRIu64
              ", which this device has seen",
              facts->delivery->revision, facts->state->seen_delivery);
    return pack_hint(error, "take the newest bundle of this release");
}

static int check_requires(const struct plan_facts *facts, struct pack_error *error)
{
    const char *range = facts->release->requires_from;
    const char *running = running_version(facts);
    if (range == NULL || (running != NULL && pack_range_contains(range, running)))
        return 0;
    if (running == NULL) {
        pack_fail(error, PACK_E_WRONG_DEVICE,
                  "can be installed from versions \"%s\", and which version runs is not known",
                  range);
        return pack_hint(error, "install a release without `requires` first");
    }
    pack_fail(error, PACK_E_WRONG_DEVICE, "can be installed from versions \"%s\", and %s runs",
              range, running);
    return pack_hint(error, "install a release between the two first");
}

/* --- whether it is wanted now ---------------------------------------------------------------- */

static int check_halted(const struct plan_facts *facts, struct pack_error *error)
{
    uint64_t revision = 0;
    if (!is_halted(facts, &revision))
        return 0;
    pack_fail(error, PACK_E_EXPIRED, "release %s is halted by revision %" PRIu64 " of rollout.json",
              facts->release->version, revision);
    return pack_hint(error, "a later rollout.json that does not halt it lifts this");
}

static const struct state_failure *failure_of(const struct plan_facts *facts)
{
    return facts->retry ? NULL : state_failure_of(facts->state, facts->release_sha256);
}

static int check_failures(const struct plan_facts *facts, struct pack_error *error)
{
    const struct state_failure *failure = failure_of(facts);
    const uint64_t allowed = (uint64_t)facts->device->policy.retries + 1;
    if (failure == NULL || failure->count < allowed)
        return 0;
    pack_fail(error, PACK_E_NOT_YET,
              "release %s failed %" PRIu64 " time%s on this device, which tries one %" PRIu64
              " time%s",
              facts->release->version, failure->count, failure->count == 1 ? "" : "s", allowed,
              allowed == 1 ? "" : "s");
    return pack_hint(error, "a release that mends it is wanted; --retry tries it once more");
}

/* Without a clock, or with one that went back, nobody knows: then the retries alone count. */
static int check_cooldown(const struct plan_facts *facts, struct pack_error *error)
{
    const struct state_failure *failure = failure_of(facts);
    char since[DURATION_TEXT], left[DURATION_TEXT];
    if (failure == NULL || !facts->clock_known || facts->now < failure->time)
        return 0;
    const uint64_t elapsed = facts->now - failure->time;
    if (elapsed >= facts->device->policy.cooldown)
        return 0;
    pack_fail(error, PACK_E_NOT_YET, "release %s failed %s ago, and is tried again in %s",
              facts->release->version, duration(since, elapsed),
              duration(left, facts->device->policy.cooldown - elapsed));
    return pack_hint(error, "--retry does not wait");
}

/* --- the permit ------------------------------------------------------------------------------ */

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; name != NULL && i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static int check_permit_to(const struct plan_facts *facts, struct pack_error *error)
{
    char hex[PACK_SHA256_HEX_SIZE];
    if (same_hash(facts->permit->to_sha256, facts->release_sha256))
        return 0;
    pack_sha256_hex(facts->permit->to_sha256, hex);
    return pack_fail(error, PACK_E_SIGNATURE, "the permit is for another release, %.16s", hex);
}

static int check_permit_product(const struct plan_facts *facts, struct pack_error *error)
{
    if (strcmp(facts->permit->product, facts->device->product) == 0)
        return 0;
    return pack_fail(error, PACK_E_WRONG_DEVICE,
                     "the permit is for the product \"%s\", this is \"%s\"", facts->permit->product,
                     facts->device->product);
}

static int check_permit_device(const struct plan_facts *facts, struct pack_error *error)
{
    const struct pack_permit *permit = facts->permit;
    if (is_among(facts->id, permit->devices, permit->device_count) ||
        is_among(facts->group, permit->groups, permit->group_count))
        return 0;
    if (facts->id == NULL && facts->group == NULL) {
        pack_fail(error, PACK_E_WRONG_DEVICE,
                  "the permit names devices, and this one has neither an id nor a group");
        return pack_hint(error, "`id`, `id-file` and `group` of device.yaml say who this is");
    }
    return pack_fail(error, PACK_E_WRONG_DEVICE,
                     "the permit is for other devices, this one is \"%s\"%s%s%s",
                     facts->id != NULL ? facts->id : facts->group,
                     facts->id != NULL && facts->group != NULL ? " of the group \"" : "",
                     facts->id != NULL && facts->group != NULL ? facts->group : "",
                     facts->id != NULL && facts->group != NULL ? "\"" : "");
}

static int check_permit_from(const struct plan_facts *facts, struct pack_error *error)
{
    char wanted[PACK_SHA256_HEX_SIZE], found[PACK_SHA256_HEX_SIZE];
    if (!facts->permit->has_from)
        return 0;
    pack_sha256_hex(facts->permit->from_sha256, wanted);
    if (running_version(facts) == NULL)
        return pack_fail(error, PACK_E_WRONG_DEVICE,
                         "the permit is for devices that run release %.16s, and what runs here is "
                         "not known",
                         wanted);
    if (same_hash(facts->permit->from_sha256, running_of(facts)->release_sha256))
        return 0;
    pack_sha256_hex(running_of(facts)->release_sha256, found);
    return pack_fail(error, PACK_E_WRONG_DEVICE,
                     "the permit is for devices that run release %.16s, here %.16s runs", wanted,
                     found);
}

/* A device that is said to have no clock takes the rest of a permit for enough. */
static int check_permit_expiry(const struct plan_facts *facts, struct pack_error *error)
{
    char then[PACK_TIME_TEXT];
    if (!facts->permit->has_expires || facts->device->no_clock)
        return 0;
    pack_time_text(then, facts->permit->expires);
    if (!facts->clock_known) {
        pack_fail(error, PACK_E_EXPIRED,
                  "the permit expires at %s, and the clock of this device cannot be believed",
                  then);
        return pack_hint(error, "set the clock, or take a permit without an expiry");
    }
    if (facts->now < facts->permit->expires)
        return 0;
    pack_fail(error, PACK_E_EXPIRED, "the permit expired at %s", then);
    return pack_hint(error, "ask for a new one: 'fwpack permit'");
}

static int judge_permit(const struct plan_facts *facts, struct pack_error *error)
{
    static int (*const rules[])(const struct plan_facts *, struct pack_error *) = {
        check_permit_to,   check_permit_product, check_permit_device,
        check_permit_from, check_permit_expiry,
    };
    int code = 0;
    for (size_t i = 0; code == 0 && i < sizeof rules / sizeof rules[0]; i++)
        code = rules[i](facts, error);
    return code;
}

/*
 * Asked only where it is needed, so that a bundle with a permit for one device serves the others
 * as it would without. What it would lift is told with what is wrong with it.
 */
static int lift(const struct plan_facts *facts, enum pack_decision *decision,
                struct pack_error *error)
{
    char refused[sizeof error->text];
    if (facts->permit == NULL && facts->permit_fault == NULL)
        return (int)error->code;
    snprintf(refused, sizeof refused, "%s", error->text);
    pack_error_clear(error);
    if (facts->permit_fault != NULL)
        *error = *facts->permit_fault;
    else if (judge_permit(facts, error) == 0)
        return 0;
    *decision = PACK_DECIDE_PERMIT;
    return pack_context(error, "%s", refused);
}

/* --- the decision ---------------------------------------------------------------------------- */

struct rule {
    enum pack_decision decision;
    int (*check)(const struct plan_facts *facts, struct pack_error *error);
    bool lifted; /* by a permit */
};

static int ask(const struct rule *rules, size_t count, const struct plan_facts *facts,
               enum pack_decision *decision, struct pack_error *error)
{
    for (size_t i = 0; i < count; i++) {
        *decision = rules[i].decision;
        if (rules[i].check(facts, error) == 0)
            continue;
        const int code = rules[i].lifted ? lift(facts, decision, error) : (int)error->code;
        if (code != 0)
            return code;
    }
    return 0;
}

static const struct rule fits[] = {
    {PACK_DECIDE_PRODUCT, check_product, false},
    {PACK_DECIDE_HARDWARE, check_hardware, false},
    {PACK_DECIDE_SLOT, check_slots, false},
};

static const struct rule wanted[] = {
    {PACK_DECIDE_SECURITY_VERSION, check_security_version, true},
    {PACK_DECIDE_DATA_EPOCH, check_data_epoch, false},
    {PACK_DECIDE_VERSION, check_version, true},
    {PACK_DECIDE_CONTENT, check_content, true},
    {PACK_DECIDE_REVISION, check_revision, false},
    {PACK_DECIDE_REQUIRES, check_requires, false},
    {PACK_DECIDE_HALTED, check_halted, false},
    {PACK_DECIDE_FAILED, check_failures, false},
    {PACK_DECIDE_COOLDOWN, check_cooldown, false},
};

int plan_decide(const struct plan_facts *facts, enum pack_decision *decision,
                struct pack_error *error)
{
    uint64_t revision = 0;
    int code = ask(fits, sizeof fits / sizeof fits[0], facts, decision, error);
    if (code != 0)
        return code;
    *decision = is_current(facts)                              ? PACK_DECIDE_CURRENT
                : waits(facts) && !is_halted(facts, &revision) ? PACK_DECIDE_WAITS
                                                               : PACK_DECIDE_INSTALL;
    if (*decision != PACK_DECIDE_INSTALL)
        return 0;
    code = ask(wanted, sizeof wanted / sizeof wanted[0], facts, decision, error);
    if (code == 0)
        *decision = PACK_DECIDE_INSTALL;
    return code;
}
