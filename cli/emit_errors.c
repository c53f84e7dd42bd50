/* SPDX-License-Identifier: MIT */
#include "emit.h"

#include "exits.h"
#include "pack/error.h"

void emit_errors(FILE *stream)
{
    fputs("<!-- Printed from the tables of cli/: not to be edited. -->\n# Exit statuses and "
          "errors\n\n"
          "Scripts may depend on each: an entry is added, never changed or reused.\n\n"
          "| exit status | meaning |\n|---|---|\n",
          stream);
    for (const struct exit_status *exit = exit_statuses; exit->meaning != NULL; exit++)
        fprintf(stream, "| %d | %s |\n", exit->status, exit->meaning);
    fputs(
        "\nA failure is one line on standard error, `fwpack: WHAT: WHY`, and often a second one,\n"
        "`hint: ...`. With `--json` one object goes to standard output, on success and on\n"
        "failure; a failure's is\n\n"
        "```json\n"
        "{\"schema\":\"fwpack.verify/1\",\"ok\":false,\"error\":{\"id\":\"payload-corrupt\","
        "\"exit\":13,\n"
        " \"file\":\"gateway.fwb\",\"member\":\"payloads/rootfs.0.zst\",\"line\":null,"
        "\"column\":null,\n"
        " \"offset\":65536,\"message\":\"...\",\"hint\":null}}\n"
        "```\n\n"
        "Each member is always there; what does not apply is null. `findings` stands before\n"
        "`error` where a descriptor has several: a list of objects with `level` (`error` or\n"
        "`warning`) and `error`.\n\n"
        "| error id | exit status | meaning |\n|---|---|---|\n",
        stream);
    for (unsigned code = PACK_OK + 1; code < PACK_ERROR_COUNT; code++)
        fprintf(stream, "| `%s` | %d | %s |\n", pack_code_id(code), pack_code_exit(code),
                pack_code_summary(code));
}
