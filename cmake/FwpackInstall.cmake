# SPDX-License-Identifier: MIT
# What is installed, and the Debian packages: fwpack (component cli), libpack0 (runtime) and
# libpack-dev (development).
include(CMakePackageConfigHelpers)

set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

install(TARGETS fwpack RUNTIME COMPONENT cli)
install(TARGETS pack_shared EXPORT fwpack-shared
  LIBRARY COMPONENT runtime NAMELINK_COMPONENT development)
install(TARGETS pack_static EXPORT fwpack-static ARCHIVE COMPONENT development)
install(DIRECTORY libpack/include/pack TYPE INCLUDE COMPONENT development
  FILES_MATCHING PATTERN "*.h")

# pkg-config and CMake package files find the rest from where they lie themselves.
set(pkgconfig_folder "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH up "/prefix/${pkgconfig_folder}" "/prefix")
configure_file(cmake/package/pack.pc.in pack.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/pack.pc" DESTINATION "${pkgconfig_folder}"
  COMPONENT development)

set(config_folder "${CMAKE_INSTALL_LIBDIR}/cmake/fwpack")
configure_package_config_file(cmake/package/fwpackConfig.cmake.in fwpackConfig.cmake
  INSTALL_DESTINATION "${config_folder}")
write_basic_package_version_file(fwpackConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/fwpackConfig.cmake" "${PROJECT_BINARY_DIR}/fwpackConfigVersion.cmake"
  DESTINATION "${config_folder}" COMPONENT development)
foreach(kind shared static)
  install(EXPORT fwpack-${kind} FILE fwpack-${kind}.cmake NAMESPACE fwpack::
    DESTINATION "${config_folder}" COMPONENT development)
endforeach()

# Manual pages and the changelog are installed compressed, without the time of doing so.
find_program(FWPACK_GZIP gzip REQUIRED)
file(GLOB pages CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/docs/man/*.1")
set(compressed)
foreach(page IN LISTS pages)
  cmake_path(GET page FILENAME name)
  add_custom_command(OUTPUT "man/${name}.gz"
    COMMAND "${CMAKE_COMMAND}" -E make_directory man
    COMMAND "${FWPACK_GZIP}" -9nc "${page}" > "man/${name}.gz"
    DEPENDS "${page}" VERBATIM)
  list(APPEND compressed "${PROJECT_BINARY_DIR}/man/${name}.gz")
endforeach()
configure_file(cmake/package/changelog.in changelog @ONLY)
add_custom_command(OUTPUT changelog.gz
  COMMAND "${FWPACK_GZIP}" -9nc changelog > changelog.gz
  DEPENDS "${PROJECT_BINARY_DIR}/changelog" VERBATIM)
add_custom_target(compressed_documents ALL
  DEPENDS ${compressed} "${PROJECT_BINARY_DIR}/changelog.gz")
install(FILES ${compressed} DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT cli)

# Where Debian's shells look for completions of packages.
install(FILES completions/fwpack.bash RENAME fwpack COMPONENT cli
  DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
install(FILES completions/_fwpack COMPONENT cli
  DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions")
install(FILES completions/fwpack.fish COMPONENT cli
  DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")

set(documents "${CMAKE_INSTALL_DATADIR}/doc")
file(GLOB manuals CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/docs/*.md"
  "${PROJECT_SOURCE_DIR}/docs/*.json")
install(FILES README.md ${manuals} DESTINATION "${documents}/fwpack" COMPONENT cli)
install(DIRECTORY docs/example/ DESTINATION "${documents}/fwpack/examples" COMPONENT cli
  USE_SOURCE_PERMISSIONS)
foreach(pair cli=fwpack runtime=libpack0 development=libpack-dev)
  string(REPLACE "=" ";" pair "${pair}")
  list(GET pair 0 component)
  list(GET pair 1 package)
  install(FILES cmake/package/copyright "${PROJECT_BINARY_DIR}/changelog.gz"
    DESTINATION "${documents}/${package}" COMPONENT ${component})
endforeach()

set(CPACK_GENERATOR DEB)
# Each package has a summary of its own.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(CPACK_PACKAGE_CONTACT "fwpack maintainers <maintainers@fwpack.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX "${CMAKE_INSTALL_PREFIX}")
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL cli runtime development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_CLI_PACKAGE_NAME fwpack)
set(CPACK_DEBIAN_CLI_PACKAGE_SECTION devel)
# Loaded on first use, for images inside foreign archives.
set(CPACK_DEBIAN_CLI_PACKAGE_RECOMMENDS libarchive13)
# The second is loaded where no PKCS#11 module is named.
set(CPACK_DEBIAN_CLI_PACKAGE_SUGGESTS "minisign, libp11-kit0, libtss2-esys-3.0.2-0, libtss2-tctildr0")
set(CPACK_COMPONENT_CLI_DESCRIPTION "build, sign and verify firmware updates
fwpack turns build outputs into firmware updates that a device can trust: one
YAML descriptor in; one signed, verified, reproducible bundle out. A bundle is
a tar of JSON documents, minisign signatures and compressed images, each of
which opens with a stock tool.")

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME libpack0)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_RECOMMENDS libarchive13)
# The linker's cache is renewed by a trigger. CPack writes scripts that do it too, unless it is told
# that there are others; a file that does not exist adds none.
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA
  "${PROJECT_SOURCE_DIR}/cmake/package/triggers"
  "${PROJECT_SOURCE_DIR}/cmake/package/no/postinst"
  "${PROJECT_SOURCE_DIR}/cmake/package/no/postrm")
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "library that reads and writes firmware bundles
libpack builds, signs, verifies and extracts fwpack's firmware bundles. Bytes
of a bundle are only given out after their hash was checked against a signed
document.

This package has the shared library.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libpack-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
string(JOIN ", " CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "libpack0 (= ${PROJECT_VERSION})" libbz2-dev libdivsufsort-dev liblz4-dev
  liblzma-dev libsodium-dev libssl-dev libyaml-dev libzstd-dev zlib1g-dev)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "development files of the firmware bundle library
libpack builds, signs, verifies and extracts fwpack's firmware bundles. Bytes
of a bundle are only given out after their hash was checked against a signed
document.

This package has the headers, the static library, and the files for
pkg-config and CMake.")
include(CPack)
