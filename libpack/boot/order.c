/* SPDX-License-Identifier: MIT */
#include "boot/order.h"
#include "boot/lines.h"

#include <string.h>

static const char *const orders[] = {"A", "B", "A B", "B A"};

bool boot_order_parse(struct boot_order *order, const char *text)
{
    size_t i = 0;
    while (i < sizeof orders / sizeof orders[0] && strcmp(orders[i], text) != 0)
        i++;
    if (i == sizeof orders / sizeof orders[0])
        return false;
    order->count = strlen(text) == 1 ? 1 : 2;
    order->sets[0] = text[0] == 'A' ? PACK_SET_A : PACK_SET_B;
    order->sets[1] = pack_set_other(order->sets[0]);
    return true;
}

bool boot_order_parse_trial(struct boot_order *order, const char *text)
{
    order->trial = text[0] != '\0';
    return !order->trial || boot_set_parse(&order->on_trial, text, strlen(text));
}

int boot_order_judge(struct boot_state *state, const struct boot_order *order,
                     struct pack_error *error)
{
    if (!order->trial) {
        *state = (struct boot_state){
            .primary = order->sets[0],
            .fallback = order->count == 2 && order->startable[order->sets[1]],
        };
        return 0;
    }
    if (order->count != 2 || order->sets[0] != order->on_trial)
        return pack_fail(error, PACK_E_STATE,
                         "%s is on trial, and not the first of two in the order",
                         pack_set_name(order->on_trial));
    *state = (struct boot_state){
        .primary = order->sets[1],
        .trial = true,
        .tries = order->tries,
    };
    return 0;
}

const char *boot_order_text(const struct boot_state *state)
{
    const enum pack_set first = state->trial ? pack_set_other(state->primary) : state->primary;
    if (!state->trial && !state->fallback)
        return pack_set_name(state->primary);
    return first == PACK_SET_A ? "A B" : "B A";
}

const char *boot_trial_text(const struct boot_state *state)
{
    return state->trial ? pack_set_name(pack_set_other(state->primary)) : "";
}

bool boot_order_has(const struct boot_state *state, enum pack_set set)
{
    return set == state->primary || state->trial || state->fallback;
}
