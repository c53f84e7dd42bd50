/* SPDX-License-Identifier: MIT */
#include "sign_page.h"

#include "pack/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- text of the bundle ---------------------------------------------------------------------- */

/*
 * In quotes, on one line, and without what would let it look like several: quotes and repeated
 * blanks are escaped too. All of it stands in indented blocks, where Markdown has no meaning.
 */
static void put_quoted(FILE *page, const char *text)
{
    char escaped[4 * 1024 + 1];
    pack_escape(escaped, sizeof escaped, text, strlen(text));
    putc('"', page);
    for (const char *at = escaped; *at != '\0'; at++)
        if (*at == '"')
            fputs("\\x22", page);
        else if (*at == ' ' && at != escaped && at[-1] == ' ')
            fputs("\\x20", page);
        else
            putc(*at, page);
    putc('"', page);
}

static void put_field(FILE *page, const char *name, const char *value)
{
    fprintf(page, "    %-17s ", name);
    put_quoted(page, value);
    putc('\n', page);
}

static void put_number(FILE *page, const char *name, uint64_t value)
{
    fprintf(page, "    %-17s %llu\n", name, (unsigned long long)value);
}

static void put_hash(FILE *page, const char *name, const uint8_t sha256[PACK_SHA256_SIZE])
{
    char hex[PACK_SHA256_HEX_SIZE];
    pack_sha256_hex(sha256, hex);
    fprintf(page, "    %-17s %s\n", name, hex);
}

/* For a shell: as it is where that is plain to read, else out of its file. */
static void put_comment(FILE *page, const struct sign_document *document)
{
    bool plain = true;
    for (const char *at = document->comment; *at != '\0'; at++)
        plain = plain && *at >= ' ' && *at < 0x7f && *at != '\'';
    if (plain)
        fprintf(page, "'%s'", document->comment);
    else
        fprintf(page, "\"$(cat %s.comment)\"", document->name);
}

/* --- what it is ------------------------------------------------------------------------------ */

static const char *const meanings[] = {
    [SIGNED_RELEASE] = "what the firmware is",
    [SIGNED_DELIVERY] = "how its bytes travel",
    [SIGNED_PERMIT] = "who may go back to it",
};

static void put_release(FILE *page, const char *bundle, const struct pack_release *release,
                        bool permit)
{
    const char *slash = strrchr(bundle, '/');
    fputs(permit ? "# You are asked to let devices go back to a firmware release\n\n"
                 : "# You are asked to sign a firmware release\n\n",
          page);
    fputs("Compare it with what you know of it. All of this was read from the bundle, and nobody "
          "has\nproved it: who signs says that it is so.\n\n",
          page);
    put_field(page, "bundle", slash != NULL ? slash + 1 : bundle);
    put_field(page, "product", release->product);
    put_field(page, "version", release->version);
    put_number(page, "security version", release->security_version);
    put_number(page, "data epoch", release->data_epoch);
    for (size_t i = 0; i < release->compatible_count; i++)
        put_field(page, i == 0 ? "hardware" : "", release->compatible[i]);
    fputs("\n## Its images\n\n", page);
    for (size_t i = 0; i < release->image_count; i++) {
        put_field(page, "image", release->images[i].name);
        put_number(page, "  bytes", release->images[i].size);
        put_hash(page, "  sha256", release->images[i].sha256);
    }
}

static void put_names(FILE *page, const char *what, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_field(page, what, names[i]);
}

/* All of it, however many they are: who signs answers for each. */
static void put_permit(FILE *page, const struct pack_permit *permit)
{
    char time[PACK_TIME_TEXT];
    fputs("\n## What is permitted\n\nThese devices may install the release above, though it is "
          "older than what they have had:\n\n",
          page);
    put_names(page, "device", permit->devices, permit->device_count);
    put_names(page, "group", permit->groups, permit->group_count);
    if (permit->has_from)
        put_hash(page, "from release", permit->from_sha256);
    put_hash(page, "to release", permit->to_sha256);
    put_field(page, "until",
              permit->has_expires ? pack_time_text(time, permit->expires) : "for ever");
}

static void put_documents(FILE *page, const struct sign_document *documents, size_t count)
{
    fputs("\n## What is signed\n\nThese files, byte for byte.", page);
    fputs(documents[0].what == SIGNED_PERMIT
              ? " `permit.json` names the release by the hash of its `release.json`.\n\n"
              : " `release.json` names the images above by their hashes.\n\n",
          page);
    for (size_t i = 0; i < count; i++) {
        const struct sign_document *document = &documents[i];
        fprintf(page, "    %-17s %s, %zu bytes: %s\n", "document", document->name, document->size,
                meanings[document->what]);
        put_hash(page, "  sha256", document->sha256);
        put_field(page, "  trusted comment", document->comment);
    }
    fputs("\nRead them, and see that they have these hashes:\n\n", page);
    for (size_t i = 0; i < count; i++)
        fprintf(page, "    sha256sum %s\n", documents[i].name);
    fputs("\nSign in **one** of the ways below, in this folder, with a key of your own.\n", page);
}

/* --- how it is signed ------------------------------------------------------------------------ */

static void put_minisign(FILE *page, const struct sign_document *documents, size_t count)
{
    fputs("\n## With minisign\n\nWhere your key is:\n\n"
          "    KEY=~/.minisign/minisign.key\n\nSign:\n\n",
          page);
    for (size_t i = 0; i < count; i++) {
        fprintf(page, "    minisign -S -s \"$KEY\" -m %s -t ", documents[i].name);
        put_comment(page, &documents[i]);
        fprintf(page, " -x %s.minisig\n", documents[i].name);
    }
    fputs("\nBring back:", page);
    for (size_t i = 0; i < count; i++)
        fprintf(page, "%s `%s.minisig`", i == 0 ? "" : ",", documents[i].name);
    fputs("\n", page);
}

/* Both answers: the second is over the first and the trusted comment. */
static void put_answers(FILE *page, const struct sign_document *documents, size_t count,
                        const char *command, const char *input, const char *output)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = documents[i].name;
        fprintf(page, "    %s %s %s.prehash %s %s.sig1\n", command, input, name, output, name);
        fprintf(page, "    cat %s.sig1 %s.comment > %s.second\n", name, name, name);
        fprintf(page, "    %s %s %s.second %s %s.sig2\n", command, input, name, output, name);
    }
    fputs("\nBring back both answers:", page);
    for (size_t i = 0; i < count; i++)
        fprintf(page, "%s `%s.sig1`, `%s.sig2`", i == 0 ? "" : ",", documents[i].name,
                documents[i].name);
    fputs("\n", page);
}

static void put_raw(FILE *page, const struct sign_document *documents, size_t count)
{
    fputs("\n## With openssl\n\nAn Ed25519 key signs twice: `.prehash`, which is the BLAKE2b-512 "
          "of the document (`b2sum`\nprints it), and then its own answer followed by the trusted "
          "comment. Where your key is:\n\n"
          "    KEY=~/release.pem\n\nSign:\n\n",
          page);
    put_answers(page, documents, count, "openssl pkeyutl -sign -inkey \"$KEY\" -rawin", "-in",
                "-out");
    fputs("\n## With an HSM or smart card (PKCS#11)\n\nThe same two answers. Which key it is, and "
          "its PIN, which nobody sees you type:\n\n"
          "    MODULE=/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so\n"
          "    TOKEN=release\n"
          "    ID=01\n"
          "    read -rs PIN; export PIN\n\nSign:\n\n",
          page);
    put_answers(page, documents, count,
                "pkcs11-tool --module \"$MODULE\" --token-label \"$TOKEN\" --id \"$ID\" --login "
                "--pin env:PIN --sign --mechanism EDDSA",
                "-i", "-o");
    fputs("\nAny other signer that makes plain Ed25519 signatures will do: what it must sign are "
          "these files.\n",
          page);
}

static void put_ssh(FILE *page, const struct sign_document *documents, size_t count)
{
    fputs("\n## With an SSH key, also one in a FIDO token or an agent\n\nWhere your key is (for a "
          "key that an agent holds, its `.pub`):\n\n"
          "    KEY=~/.ssh/id_ed25519\n\nSign; a token wants to be touched:\n\n",
          page);
    for (size_t i = 0; i < count; i++)
        fprintf(page, "    ssh-keygen -Y sign -f \"$KEY\" -n %s %s\n",
                pack_role_namespace(signed_role(documents[i].what)), documents[i].name);
    fputs("\nBring back:", page);
    for (size_t i = 0; i < count; i++)
        fprintf(page, "%s `%s.sig`", i == 0 ? "" : ",", documents[i].name);
    fputs("\n", page);
}

static void put_way_back(FILE *page)
{
    fputs("\n## What becomes of it\n\nWhoever has the bundle adds what you bring back, all files "
          "at once and in any order:\n\n"
          "    fwpack sign BUNDLE --import FILE... -t root.json\n\n"
          "Each answer is verified first: a wrong one harms nothing.\n",
          page);
}

int sign_page(char **text, size_t *size, const char *bundle, const struct pack_release *release,
              const struct pack_permit *permit, const struct sign_document *documents, size_t count,
              struct pack_error *error)
{
    FILE *page = open_memstream(text, size);
    if (page == NULL)
        return pack_fail_memory(error);
    put_release(page, bundle, release, permit != NULL);
    if (permit != NULL)
        put_permit(page, permit);
    put_documents(page, documents, count);
    put_minisign(page, documents, count);
    put_raw(page, documents, count);
    put_ssh(page, documents, count);
    put_way_back(page);
    const bool failed = ferror(page) != 0;
    if (fclose(page) == 0 && !failed)
        return 0;
    free(*text);
    *text = NULL;
    return pack_fail_memory(error);
}
