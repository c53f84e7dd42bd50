/* SPDX-License-Identifier: MIT */
#include "exits.h"

#include "command.h"

const struct exit_status exit_statuses[] = {
    {0, "done, verified"},
    {1, "the environment failed: no such file, no space, permission; an internal error"},
    {2, "usage"},
    {3, "malformed input: descriptor, bundle, patch, key, image; a limit exceeded"},
    {4, "key store unavailable, passphrase or PIN wrong, token locked"},
    {5, "not yet: outside the window, cooldown, battery, waiting for consent"},
    {6, "network: may be tried again"},
    {7, "the two inputs differ"},
    {10, "not signed"},
    {11, "no trusted key among the signers, or too few signatures"},
    {12, "a signature does not verify: the document was altered"},
    {13, "payload corrupt or truncated: a hash differs"},
    {14, "older than allowed: version or security version"},
    {15, "not for this device: product, hardware, requirement"},
    {16, "the base is not the one that the delta needs"},
    {17, "expired, not yet valid, or halted"},
    {18, "signed by a revoked key"},
    {130, "interrupted"},
    {0, NULL},
};

bool exits_of(const struct command *command, int status)
{
    if (status <= 2 || status == 130)
        return true;
    for (const int *exit = command->exits; exit != NULL && *exit != 0; exit++)
        if (*exit == status)
            return true;
    for (size_t i = 0; command->subcommands != NULL && command->subcommands[i] != NULL; i++)
        if (exits_of(command->subcommands[i], status))
            return true;
    return false;
}
