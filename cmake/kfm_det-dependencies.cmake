# SPDX-License-Identifier: BSL-1.0
# What each component needs, found in one place: by the build and by the installed package alike.
# Macros, so that a package that is not there ends the caller; targets are global, so that the parent of an add_subdirectory sees them.

macro(kfm_det_find_base)
  set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
  include(CMakeFindDependencyMacro)
  find_dependency(Boost 1.81)
  find_dependency(OpenSSL 3 COMPONENTS Crypto)
  find_dependency(Threads)
  find_dependency(PkgConfig)
  if(NOT TARGET PkgConfig::kfm_det_xxhash)
    pkg_check_modules(kfm_det_xxhash REQUIRED QUIET IMPORTED_TARGET GLOBAL libxxhash) # xxHash has no CMake package on Debian 12
  endif()
endmacro()

macro(kfm_det_find_sqlite)
  find_dependency(SQLite3)
endmacro()

macro(kfm_det_find_zstd)
  find_dependency(PkgConfig)
  if(NOT TARGET PkgConfig::kfm_det_libzstd)
    pkg_check_modules(kfm_det_libzstd REQUIRED QUIET IMPORTED_TARGET GLOBAL libzstd>=1.4) # its CMake package gives other targets on other systems
  endif()
endmacro()
