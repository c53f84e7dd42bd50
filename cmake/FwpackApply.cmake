# SPDX-License-Identifier: MIT
# The target pack-apply: the apply side for Cortex-M, in its two profiles, with its sizes.
find_program(FWPACK_ARM_GCC arm-none-eabi-gcc)
if(FWPACK_ARM_GCC)
  add_custom_target(pack-apply)
  foreach(profile tiny small)
    set(folder "${PROJECT_BINARY_DIR}/pack-apply/${profile}")
    add_custom_target(pack-apply-${profile}
      COMMAND "${CMAKE_COMMAND}" -S "${PROJECT_SOURCE_DIR}/cmake/apply" -B "${folder}"
        "-DCMAKE_TOOLCHAIN_FILE=${PROJECT_SOURCE_DIR}/cmake/toolchains/cortex-m.cmake"
        -DPACK_APPLY_PROFILE=${profile}
      COMMAND "${CMAKE_COMMAND}" --build "${folder}"
      USES_TERMINAL VERBATIM)
    add_dependencies(pack-apply pack-apply-${profile})
  endforeach()
endif()
