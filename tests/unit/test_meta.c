/* SPDX-License-Identifier: MIT */
/* The members of meta that fwpack knows. */
#include "support/test.h"

#include "base/memory.h"
#include "document/rules.h"

#include <string.h>

static void cve_ids(void **state)
{
    (void)state;
    static const char *const good[] = {"CVE-1999-0001", "CVE-2024-12345",
                                       "CVE-2024-1234567890123456789"};
    static const char *const bad[] = {"",
                                      "CVE",
                                      "CVE-2024",
                                      "CVE-2024-",
                                      "CVE-2024-123",
                                      "CVE-24-1234",
                                      "CVE-20245-1234",
                                      "cve-2024-1234",
                                      "CVE-2024-1234a",
                                      "CVE-2024-1234 ",
                                      " CVE-2024-1234",
                                      "CVE-2024-12345678901234567890"};
    struct pack_error error = {0};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_pack_ok(pack_rule_cve(good[i], &error));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_pack_fails(pack_rule_cve(bad[i], &error), PACK_E_MALFORMED);
        assert_pack_says("is no CVE id");
    }
}

static void urgencies(void **state)
{
    (void)state;
    struct pack_error error = {0};
    assert_pack_ok(pack_rule_urgency("low", &error));
    assert_pack_ok(pack_rule_urgency("critical", &error));
    assert_pack_fails(pack_rule_urgency("hihg", &error), PACK_E_MALFORMED);
    assert_string_equal(error.hint, "did you mean 'high'?");
    assert_pack_fails(pack_rule_urgency("Low", &error), PACK_E_MALFORMED);
    assert_pack_fails(pack_rule_urgency("", &error), PACK_E_MALFORMED);
}

static void licence_expressions(void **state)
{
    (void)state;
    static const char *const good[] = {
        "MIT",
        "GPL-2.0-only",
        "GPL-2.0+",
        "LicenseRef-acme",
        "DocumentRef-spdx-tool-1.2:LicenseRef-MIT-Style-2",
        "MIT OR Apache-2.0",
        "GPL-2.0-or-later WITH Bison-exception-2.2",
        "(MIT AND (LGPL-2.1-only OR BSD-3-Clause)) AND Zlib",
        "  MIT  AND  Zlib ",
        "((MIT))",
    };
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "lacks a licence"},
        {" ", "lacks a licence"},
        {"MIT OR", "lacks a licence"},
        {"AND MIT", "lacks a licence"},
        {"()", "lacks a licence"},
        {"MIT Apache-2.0", "wants AND, OR or WITH"},
        {"MIT, Zlib", "wants AND, OR or WITH"},
        {"MIT or Zlib", "wants AND, OR or WITH"},
        {"MIT/Zlib", "wants AND, OR or WITH"},
        {"(MIT", "not closed"},
        {"MIT)", "not open"},
        {"(MIT) WITH x", "wants AND, OR or WITH"},
        {"MIT WITH x WITH y", "wants AND, OR or WITH"},
        {"MIT WITH", "lacks a licence"},
        {"MIT WITH (x)", "lacks a licence"},
        {"+", "no licence id"},
        {"GPL+2.0", "no licence id"},
        {"a:b", "no licence id"},
        {"DocumentRef-:LicenseRef-x", "no licence id"},
        {"DocumentRef-x:LicenseRef-", "no licence id"},
        {"\xc3\x84", "lacks a licence"},
        {"((((((((((((((((((((((((((((((((((MIT", "too many brackets"},
    };
    struct pack_error error = {0};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_pack_ok(pack_rule_licence(good[i], &error));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_pack_fails(pack_rule_licence(bad[i].text, &error), PACK_E_MALFORMED);
        assert_pack_says(bad[i].says);
    }
}

static void meta_is_read(void **state)
{
    (void)state;
    const struct pack_release release = {
        .meta = "{\"urgency\":\"high\",\"x\":{\"cves-fixed\":[1]},\"licenses\":[\"MIT\",\"Zlib\"],"
                "\"cves-fixed\":[\"CVE-2024-1234\"]}"};
    struct pack_error error = {0};
    PACK_AUTO(pack_release_meta_free) struct pack_release_meta *meta = NULL;
    assert_pack_ok(pack_release_meta_read(&meta, &release, &error));
    assert_string_equal(meta->urgency, "high");
    assert_int_equal(meta->cve_count, 1);
    assert_string_equal(meta->cves[0], "CVE-2024-1234");
    assert_int_equal(meta->licence_count, 2);
    assert_string_equal(meta->licences[1], "Zlib");
}

/* Releases that were signed when all of meta was free. */
static void what_is_free_is_left_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        NULL,
        "{}",
        "{\"urgency\":{\"a\":\"b\"},\"licences\":\"MIT\",\"cves-fixed\":{\"a\":\"CVE-2024-1234\"}}",
        "{\"urgency\":7,\"cves-fixed\":[1,[\"a\"],{}],\"licenses\":[]}",
    };
    struct pack_error error = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct pack_release release = {.meta = texts[i]};
        PACK_AUTO(pack_release_meta_free) struct pack_release_meta *meta = NULL;
        assert_pack_ok(pack_release_meta_read(&meta, &release, &error));
        assert_null(meta->urgency);
        assert_int_equal(meta->cve_count, 0);
        assert_int_equal(meta->licence_count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cve_ids),
        cmocka_unit_test(urgencies),
        cmocka_unit_test(licence_expressions),
        cmocka_unit_test(meta_is_read),
        cmocka_unit_test(what_is_free_is_left_alone),
    };
    return cmocka_run_group_tests_name("meta", tests, NULL, NULL);
}
