/* SPDX-License-Identifier: MIT */
#include "delta_report.h"

#include <stdio.h>

struct share share_of(uint64_t part, uint64_t whole)
{
    struct share share;
    const uint64_t tenths =
        whole == 0 ? 0 : (uint64_t)((double)part * 1000.0 / (double)whole + 0.5);
    snprintf(share.text, sizeof share.text, "%llu.%llu %%", (unsigned long long)(tenths / 10),
             (unsigned long long)(tenths % 10));
    return share;
}

/* What the bits of a patch are spent on. */
struct account {
    const char *name; /* JSON member */
    const char *meaning;
    uint64_t bits;
};

enum { ACCOUNTS = 6 };

static void list_accounts(const struct pack_delta_report *report, struct account list[ACCOUNTS])
{
    const struct account accounts[ACCOUNTS] = {
        {"plans", "recipes to pack parts again", report->bits_plans},
        {"layout", "addresses and machine code regions", report->bits_layout},
        {"covers", "what is copied from where", report->bits_covers},
        {"hits", "where predictions hold", report->bits_hits},
        {"misses", "bytes that were predicted wrongly", report->bits_misses},
        {"extra", "bytes that are new", report->bits_extra},
    };
    for (size_t i = 0; i < ACCOUNTS; i++)
        list[i] = accounts[i];
}

static uint64_t bytes_of(uint64_t bits)
{
    return bits / 8 + (bits % 8 != 0);
}

void delta_report_print(struct cli *cli, int indent, const struct pack_delta_report *report)
{
    struct account accounts[ACCOUNTS];
    list_accounts(report, accounts);
    if (report->stored) {
        cli_print(cli, "%*sthe two have nothing in common: it holds the new image itself", indent,
                  "");
        return;
    }
    if (report->unpacked[0] != '\0')
        cli_print(cli, "%*sopened %s: %llu bytes of the new image are %llu", indent, "",
                  report->unpacked, (unsigned long long)report->new_size,
                  (unsigned long long)report->plain_new_size);
    if (report->architecture[0] != '\0')
        cli_print(cli, "%*smachine code: %s", indent, "", report->architecture);
    cli_print(cli, "%*scopied %llu bytes in %llu ranges; %llu bytes are new", indent, "",
              (unsigned long long)report->copied, (unsigned long long)report->covers,
              (unsigned long long)report->extra);
    if (report->referenced != 0 || report->missed != 0)
        cli_print(cli, "%*sof the copied, %llu in references; predicted wrongly: %llu", indent, "",
                  (unsigned long long)report->referenced, (unsigned long long)report->missed);
    for (size_t i = 0; i < ACCOUNTS; i++)
        if (accounts[i].bits != 0)
            cli_print(cli, "%*s%8llu bytes for %s: %s", indent, "",
                      (unsigned long long)bytes_of(accounts[i].bits), accounts[i].name,
                      accounts[i].meaning);
}

void delta_report_json(struct pack_json *json, const struct pack_delta_report *report)
{
    struct account accounts[ACCOUNTS];
    list_accounts(report, accounts);
    pack_json_boolean(json, "stored", report->stored);
    pack_json_string(json, "architecture", report->architecture);
    pack_json_string(json, "unpacked", report->unpacked);
    pack_json_unsigned(json, "plain_old_size", report->plain_old_size);
    pack_json_unsigned(json, "plain_new_size", report->plain_new_size);
    pack_json_unsigned(json, "covers", report->covers);
    pack_json_unsigned(json, "copied", report->copied);
    pack_json_unsigned(json, "referenced", report->referenced);
    pack_json_unsigned(json, "missed", report->missed);
    pack_json_unsigned(json, "extra", report->extra);
    pack_json_object(json, "spent");
    for (size_t i = 0; i < ACCOUNTS; i++)
        pack_json_unsigned(json, accounts[i].name, bytes_of(accounts[i].bits));
    pack_json_end(json);
}
