# SPDX-License-Identifier: BSL-1.0
# Compiles through ccache where it is installed. The sloppiness is what ccache's manual asks for with precompiled headers;
# base directory and no hashed directory let two clones share one cache.
find_program(KFM_DET_CCACHE ccache)
mark_as_advanced(KFM_DET_CCACHE)
if(KFM_DET_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${KFM_DET_CCACHE}")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()
