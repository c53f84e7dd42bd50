# SPDX-License-Identifier: MIT
# gcc-arm-none-eabi for a Cortex-M without an operating system.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(PACK_APPLY_CPU cortex-m0plus CACHE STRING "The core, as gcc's -mcpu names it")
set(CMAKE_C_FLAGS_INIT "-mcpu=${PACK_APPLY_CPU} -mthumb")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES PACK_APPLY_CPU)
