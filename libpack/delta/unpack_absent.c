/* SPDX-License-Identifier: MIT */
/* Nothing is opened until the unpack layer has its search: weak, so that it takes over. */
#include "unpack/unpack.h"
__attribute__((weak)) int unpack_image(struct unpacked *u, const uint8_t *b, size_t s,
                                       const struct unpack_options *o, const struct pack_context *c,
                                       struct pack_error *e)
{
    (void)u;
    (void)b;
    (void)s;
    (void)o;
    (void)c;
    (void)e;
    return 0;
}
__attribute__((weak)) int unpack_plan_parse(struct unpack_plan **p, const uint8_t *b, size_t s,
                                            struct pack_error *e)
{
    (void)p;
    (void)b;
    (void)s;
    (void)e;
    return 0;
}
__attribute__((weak)) void unpack_plan_free(struct unpack_plan **p)
{
    (void)p;
}
__attribute__((weak)) uint64_t unpack_plan_memory(const struct unpack_plan *p)
{
    (void)p;
    return 0;
}
__attribute__((weak)) int unpack_follow(const struct unpack_plan *p, struct pack_input *i,
                                        uint8_t **b, size_t s, struct pack_error *e)
{
    (void)p;
    (void)i;
    (void)b;
    (void)s;
    (void)e;
    return 0;
}
__attribute__((weak)) int unpack_packer_new(struct unpack_packer **k, const struct unpack_plan *p,
                                            struct pack_sink *s, struct pack_error *e)
{
    (void)k;
    (void)p;
    (void)s;
    (void)e;
    return 0;
}
__attribute__((weak)) int unpack_packer_push(struct unpack_packer *k, const uint8_t *b, size_t s,
                                             struct pack_error *e)
{
    (void)k;
    (void)b;
    (void)s;
    (void)e;
    return 0;
}
__attribute__((weak)) int unpack_packer_finish(struct unpack_packer *k, struct pack_error *e)
{
    (void)k;
    (void)e;
    return 0;
}
__attribute__((weak)) void unpack_packer_free(struct unpack_packer **k)
{
    (void)k;
}
