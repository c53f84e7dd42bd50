/* SPDX-License-Identifier: MIT */
/* Nothing of its own: the linker takes the entry point from the library, and what that needs. */
typedef int nothing;
