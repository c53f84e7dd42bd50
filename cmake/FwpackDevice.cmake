# SPDX-License-Identifier: MIT
# fwpack-device: the same main with the commands that a device needs (docs/device-build.md).
# Of the library only what these call is linked; of the libraries too, where they are static.
add_executable(fwpack-device
  main.c
  commands_device.c
  arguments.c
  ask.c
  attestations.c
  bases.c
  cli.c
  cmd_boot.c
  cmd_confirm.c
  cmd_env.c
  cmd_exit_codes.c
  cmd_install.c
  cmd_rollback.c
  cmd_status.c
  cmd_verify.c
  cmd_version.c
  detached.c
  detached_verify.c
  device.c
  emit.c
  emit_help.c
  encryption.c
  environment.c
  exits.c
  findings.c
  journal.c
  keys.c
  memory_sink.c
  options.c
  output.c
  parse.c
  passphrase.c
  process.c
  progress.c
  report.c
  signers.c
  simulation.c
  source.c
  terminal.c
  trust_input.c)
target_include_directories(fwpack-device PRIVATE
  "${CMAKE_CURRENT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}"
  "${PROJECT_SOURCE_DIR}/libpack/include")
# The library by its file: what it takes to make bundles (libdivsufsort, libbz2) is not wanted here.
add_dependencies(fwpack-device pack_static)
target_link_options(fwpack-device PRIVATE -Wl,--gc-sections -Wl,--as-needed)
target_link_libraries(fwpack-device PRIVATE fwpack_flags "$<TARGET_FILE:pack_static>")
foreach(library sodium crypto yaml zlib zstd lz4 lzma)
  if(FWPACK_STATIC)
    target_include_directories(fwpack-device PRIVATE ${${library}_STATIC_INCLUDE_DIRS})
    target_link_libraries(fwpack-device PRIVATE ${${library}_STATIC_LIBRARIES})
  else()
    target_link_libraries(fwpack-device PRIVATE PkgConfig::${library})
  endif()
endforeach()
if(FWPACK_STATIC)
  target_sources(fwpack-device PRIVATE
    no_libraries.c "${PROJECT_SOURCE_DIR}/libpack/crypto/small_libcrypto.c")
  target_include_directories(fwpack-device PRIVATE "${PROJECT_SOURCE_DIR}/libpack")
  target_include_directories(fwpack-device SYSTEM PRIVATE ${ubootenv_STATIC_INCLUDE_DIRS})
  target_link_libraries(fwpack-device PRIVATE ${ubootenv_STATIC_LIBRARIES})
  # -static-pie in place of -pie.
  set_property(TARGET fwpack-device PROPERTY POSITION_INDEPENDENT_CODE)
  target_compile_options(fwpack-device PRIVATE -fPIE)
  target_link_options(fwpack-device PRIVATE -static-pie)
  foreach(call dlopen dlsym dlclose dlerror)
    target_link_options(fwpack-device PRIVATE -Wl,--wrap=${call})
  endforeach()
endif()
