/* SPDX-License-Identifier: MIT */
#include "sign_page.h"
#include "signing.h"

#include "pack/limits.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder in the making, beside its place; it comes to stand there whole or not at all. */
struct sign_folder {
    struct signing signing;
    const char *path;
    char *making;               /* NULL once it is in its place */
    struct pack_permit *permit; /* that is to be signed, or NULL */
    size_t document_count;
    struct sign_document documents[SIGNED_DOCUMENTS];
};

/* --- the folder ------------------------------------------------------------------------------ */

static const char *const endings[] = {"", ".prehash", ".comment"};
enum { ENDINGS = sizeof endings / sizeof endings[0] };

static int path_in(char **path, const char *folder, const char *name, const char *ending,
                   struct pack_error *error)
{
    if (asprintf(path, "%s/%s%s", folder, name, ending) >= 0)
        return 0;
    *path = NULL;
    return pack_fail_memory(error);
}

static void remove_file(const char *folder, const char *name, const char *ending)
{
    CLI_AUTO_FREE char *path = NULL;
    struct pack_error ignored = {0};
    if (path_in(&path, folder, name, ending, &ignored) == 0)
        (void)unlink(path);
}

static void sign_folder_clear(struct sign_folder *folder)
{
    for (size_t i = 0; folder->making != NULL && i < folder->document_count; i++)
        for (size_t e = 0; e < ENDINGS; e++)
            remove_file(folder->making, folder->documents[i].name, endings[e]);
    if (folder->making != NULL) {
        remove_file(folder->making, SIGN_PAGE, "");
        (void)rmdir(folder->making);
    }
    free(folder->making);
    pack_permit_free(&folder->permit);
    signing_clear(&folder->signing);
}

/* Whether there is nothing in it; false also where it is no folder. */
static bool is_empty_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return false;
    size_t count = 0;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return count == 0;
}

static int check_folder(const char *folder, struct pack_error *error)
{
    struct stat status;
    if (lstat(folder, &status) != 0 || is_empty_folder(folder))
        return 0;
    pack_fail(error, PACK_E_EXISTS, "is there already, and is no empty folder");
    pack_at_file(error, folder);
    return pack_hint(error, "name a folder that is new or empty: what is to be signed must be told "
                            "from what was");
}

static int make_folder(struct sign_folder *folder, struct pack_error *error)
{
    size_t size = strlen(folder->path);
    while (size > 1 && folder->path[size - 1] == '/')
        size--;
    if (asprintf(&folder->making, "%.*s.XXXXXX", (int)size, folder->path) < 0) {
        folder->making = NULL;
        return pack_fail_memory(error);
    }
    if (mkdtemp(folder->making) != NULL)
        return 0;
    pack_fail_errno(error, errno, "cannot make the folder");
    free(folder->making);
    folder->making = NULL;
    return pack_at_file(error, folder->path);
}

/* A folder that mkdtemp made is the user's alone; one of mkdir's is as the umask has it. */
static int place_folder(struct sign_folder *folder, struct pack_error *error)
{
    const mode_t mask = umask(0);
    (void)umask(mask);
    if (chmod(folder->making, 0777 & ~mask) != 0 || rename(folder->making, folder->path) != 0) {
        pack_fail_errno(error, errno, "cannot put the folder in its place");
        return pack_at_file(error, folder->path);
    }
    free(folder->making);
    folder->making = NULL;
    return 0;
}

/* --- its files ------------------------------------------------------------------------------- */

static int write_in(const struct sign_folder *folder, const char *name, const char *ending,
                    const void *bytes, size_t size, struct pack_error *error)
{
    CLI_AUTO_FREE char *path = NULL;
    const int code = path_in(&path, folder->making, name, ending, error);
    return code != 0 ? code : pack_write_file(path, PACK_OUTPUT_NEW, bytes, size, error);
}

static int write_document(const struct sign_folder *folder, const struct sign_document *document,
                          struct pack_error *error)
{
    int code = write_in(folder, document->name, "", document->bytes, document->size, error);
    if (code == 0)
        code = write_in(folder, document->name, ".prehash", document->prehash, PACK_PREHASH_SIZE,
                        error);
    if (code == 0)
        code = write_in(folder, document->name, ".comment", document->comment,
                        strlen(document->comment), error);
    return code;
}

static int write_page(const struct sign_folder *folder, struct pack_error *error)
{
    CLI_AUTO_FREE char *page = NULL;
    size_t size = 0;
    const int code = sign_page(&page, &size, folder->signing.path, folder->signing.release,
                               folder->permit, folder->documents, folder->document_count, error);
    return code != 0 ? code : write_in(folder, SIGN_PAGE, "", page, size, error);
}

static int write_folder(struct sign_folder *folder, struct pack_error *error)
{
    int code = make_folder(folder, error);
    for (size_t i = 0; code == 0 && i < folder->document_count; i++)
        code = write_document(folder, &folder->documents[i], error);
    if (code == 0)
        code = write_page(folder, error);
    return code != 0 ? code : place_folder(folder, error);
}

/* --- the command ----------------------------------------------------------------------------- */

static int add_document(struct sign_folder *folder, enum signed_document what,
                        struct pack_error *error)
{
    struct sign_document *document = &folder->documents[folder->document_count++];
    document->what = what;
    document->name = signed_name(what);
    document->bytes = signing_document(&folder->signing, what, &document->size);
    pack_prehash_bytes(document->bytes, document->size, document->prehash);
    const int code = pack_sha256_bytes(document->bytes, document->size, document->sha256, error);
    return code != 0 ? code : signing_comment(&folder->signing, what, document->comment, error);
}

static int add_permit(struct sign_folder *folder, struct pack_error *error)
{
    const struct signing *signing = &folder->signing;
    const int code = pack_bundle_permit(&folder->permit, signing->bundle, signing->release, error);
    if (code == 0)
        return add_document(folder, SIGNED_PERMIT, error);
    if (code == PACK_E_USAGE)
        pack_hint(error, "'fwpack permit' makes one, without a key: unsigned");
    return pack_at_file(error, signing->path);
}

/* Without a role both documents of each bundle; a permit is signed by itself. */
static int add_documents(struct sign_folder *folder, const char *role, struct pack_error *error)
{
    int code = 0;
    if (role != NULL && strcmp(role, signed_choice(SIGNED_PERMIT)) == 0)
        return add_permit(folder, error);
    for (enum signed_document what = 0; code == 0 && what <= SIGNED_DELIVERY; what++)
        if (role == NULL || strcmp(role, signed_choice(what)) == 0)
            code = add_document(folder, what, error);
    return code;
}

static void report(const struct sign_folder *folder)
{
    struct cli *cli = folder->signing.cli;
    struct pack_json *json = cli_json(cli);
    cli_print(cli, "%s: %s, for whoever signs: %s/%s says how", folder->path,
              cli->dry_run ? "would be written" : "written", folder->path, SIGN_PAGE);
    pack_json_string(json, "bundle", folder->signing.path);
    pack_json_string(json, "folder", folder->path);
    pack_json_boolean(json, "changed", !cli->dry_run);
    pack_json_array(json, "documents");
    for (size_t i = 0; i < folder->document_count; i++) {
        const struct sign_document *document = &folder->documents[i];
        cli_print(cli, "  %s, %zu bytes", document->name, document->size);
        pack_json_object(json, NULL);
        pack_json_string(json, "document", document->name);
        pack_json_unsigned(json, "size", document->size);
        pack_json_hex(json, "sha256", document->sha256, PACK_SHA256_SIZE);
        pack_json_hex(json, "prehash", document->prehash, PACK_PREHASH_SIZE);
        pack_json_string(json, "trusted_comment", document->comment);
        pack_json_string(json, "namespace", pack_role_namespace(signed_role(document->what)));
        pack_json_end(json);
    }
    pack_json_end(json);
}

int sign_export(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(sign_folder_clear)
    struct sign_folder folder = {.signing = signing_of(cli, arguments),
                                 .path = arguments_value(arguments, "export")};
    int code = check_folder(folder.path, error);
    if (code == 0)
        code = signing_open(&folder.signing, 0, error);
    if (code == 0)
        code = add_documents(&folder, arguments_value(arguments, "role"), error);
    if (code == 0 && !cli->dry_run)
        code = write_folder(&folder, error);
    if (code == 0)
        report(&folder);
    return code;
}
