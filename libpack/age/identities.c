/* SPDX-License-Identifier: MIT */
#include "age/bech32.h"
#include "age/parties.h"

#include "crypto/ed25519.h"

#include <sodium.h>
#include <string.h>

enum { MAX_IDENTITIES = 1024 };

int pack_age_identities_new(struct pack_age_identities **identities, struct pack_error *error)
{
    PACK_AUTO(pack_age_identities_free) struct pack_age_identities *made = NULL;
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code == 0)
        code = pack_guarded_new(&made->answer, sizeof *made->answer, error);
    *identities = code == 0 ? pack_steal(&made) : NULL;
    return code;
}

void pack_age_identities_free(struct pack_age_identities **identities)
{
    if (*identities == NULL)
        return;
    for (size_t i = 0; i < (*identities)->count; i++)
        (*identities)->list[i].close(&(*identities)->list[i]);
    free((*identities)->list);
    pack_guarded_free(&(*identities)->answer);
    pack_free_memory(identities);
}

int age_identities_append(struct pack_age_identities *identities, struct age_identity *identity,
                          struct pack_error *error)
{
    const size_t capacity = identities->capacity == 0 ? 4 : identities->capacity * 2;
    int code = 0;
    if (identities->count == MAX_IDENTITIES)
        code = pack_fail(error, PACK_E_LIMIT, "more than %d identities", MAX_IDENTITIES);
    if (code == 0 && identities->count == identities->capacity) {
        void *list = realloc(identities->list, capacity * sizeof *identities->list);
        code = list == NULL ? pack_fail_memory(error) : 0;
        identities->list = list == NULL ? identities->list : list;
        identities->capacity = list == NULL ? identities->capacity : capacity;
    }
    if (code == 0)
        identities->list[identities->count++] = *identity;
    else
        identity->close(identity);
    return code;
}

/* --- in memory ------------------------------------------------------------------------------- */

int age_fail_low_order(struct pack_error *error)
{
    return pack_fail(error, PACK_E_MALFORMED,
                     "a recipient's share is a point of low order, which keeps no secret");
}

static int agree_in_memory(const struct age_identity *identity, const uint8_t share[AGE_KEY_SIZE],
                           uint8_t shared[AGE_KEY_SIZE], struct pack_error *error)
{
    return crypto_scalarmult(shared, identity->state, share) != 0 ? age_fail_low_order(error) : 0;
}

static void close_in_memory(struct age_identity *identity)
{
    pack_guarded_free(&identity->state);
}

int age_identities_add_secret(struct pack_age_identities *identities, uint8_t **secret,
                              struct pack_error *error)
{
    struct age_identity identity = {
        .agree = agree_in_memory, .close = close_in_memory, .state = pack_steal(secret)};
    crypto_scalarmult_base(identity.public, identity.state);
    return age_identities_append(identities, &identity, error);
}

int age_identities_line(const struct pack_age_identities *identities, size_t index, char **line,
                        struct pack_error *error)
{
    const struct age_identity *identity = &identities->list[index];
    if (identity->agree != agree_in_memory)
        return pack_fail(error, PACK_E_KEY_STORE, "its store does not give this identity out");
    const int code = pack_guarded_new(line, AGE_BECH32_TEXT, error);
    if (code == 0)
        age_bech32_encode(&age_bech32_identity, identity->state, *line);
    return code;
}

/* --- all ------------------------------------------------------------------------------------- */

size_t pack_age_identities_count(const struct pack_age_identities *identities)
{
    return identities->count;
}

void pack_age_identities_recipient(const struct pack_age_identities *identities, size_t index,
                                   char recipient[PACK_AGE_TEXT_SIZE])
{
    _Static_assert(AGE_BECH32_TEXT <= PACK_AGE_TEXT_SIZE, "room for an age1… recipient");
    age_bech32_encode(&age_bech32_recipient, identities->list[index].public, recipient);
}

void pack_age_identities_ask(struct pack_age_identities *identities,
                             const struct pack_passphrase *passphrase)
{
    identities->passphrase = *passphrase;
}

int age_identities_answer(const struct pack_age_identities *identities, const char *what,
                          struct age_passphrase *passphrase, struct pack_error *error)
{
    struct age_answer *answer = identities->answer;
    const struct pack_passphrase *source = &identities->passphrase;
    if (!answer->given && source->ask == NULL)
        return pack_fail(error, PACK_E_PASSPHRASE,
                         "encrypted with a passphrase, and there is none");
    if (!answer->given) {
        const int code = source->ask(source->user, what, false, answer->text, sizeof answer->text,
                                     &answer->size, error);
        if (code != 0)
            return code;
    }
    answer->given = true;
    *passphrase = (struct age_passphrase){answer->text, answer->size};
    return 0;
}
