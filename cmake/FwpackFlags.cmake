# SPDX-License-Identifier: MIT
# Compiler settings, as one interface target that each target of the project links.
add_library(fwpack_flags INTERFACE)
target_compile_features(fwpack_flags INTERFACE c_std_17)
target_compile_options(fwpack_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Werror
  # gcc checks signs too; clang would also count an enum that becomes an int.
  "$<$<C_COMPILER_ID:Clang>:-Wno-sign-conversion>"
  -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wformat=2 -Wwrite-strings
  # snprintf into a fixed buffer cuts on purpose, and says so where it matters
  "$<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>"
  -fvisibility=hidden -fno-common -fstack-protector-strong
  "$<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=2>"
  "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.")
target_compile_definitions(fwpack_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
target_link_options(fwpack_flags INTERFACE -Wl,-z,relro,-z,now)
if(FWPACK_DEVICE)
  # What fwpack-device does not call is left out of it.
  target_compile_options(fwpack_flags INTERFACE -ffunction-sections -fdata-sections)
endif()
if(FWPACK_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "FWPACK_FUZZ needs clang: configure with CC=clang")
  endif()
  target_compile_options(fwpack_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(FWPACK_SANITIZE)
  list(JOIN FWPACK_SANITIZE "," sanitizers)
  target_compile_options(fwpack_flags INTERFACE
    -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(fwpack_flags INTERFACE -fsanitize=${sanitizers})
endif()
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
