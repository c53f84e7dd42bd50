# SPDX-License-Identifier: MIT
# Every dependency, each as an imported target, from Debian 12's packages.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(BZip2 REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(crypto REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(yaml REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(lz4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(lzma REQUIRED IMPORTED_TARGET liblzma)
pkg_check_modules(divsufsort REQUIRED IMPORTED_TARGET libdivsufsort)
# Loaded on first use (dlopen): only their headers are needed here.
pkg_check_modules(archive REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(p11kit REQUIRED IMPORTED_TARGET p11-kit-1)
pkg_check_modules(tss2 REQUIRED IMPORTED_TARGET tss2-esys)
pkg_check_modules(ubootenv REQUIRED IMPORTED_TARGET libubootenv)
