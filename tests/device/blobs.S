/* SPDX-License-Identifier: MIT */
        .section .rodata
        .macro blob name, file
        .balign 4
        .global \name\()_start
        .global \name\()_end
\name\()_start: .incbin "\file"
\name\()_end:
        .endm
        blob old, "old.bin"
        blob new, "new.bin"
        blob patch, "patch.fwd"
