// SPDX-License-Identifier: BSL-1.0
/// \file
/// Files below conformance/vectors, for tests that check published bytes.
#ifndef KFM_DET_TESTS_CORE_VECTORS_HPP
#define KFM_DET_TESTS_CORE_VECTORS_HPP

#include <fstream>
#include <iterator>
#include <string>

namespace test {

/// `where` is a path below conformance/vectors. Empty when there is no such file.
inline std::string vector_file(const std::string& where) {
#ifdef KFM_DET_SOURCE_DIR
  const std::string root = KFM_DET_SOURCE_DIR;
#else
  const std::string here = __FILE__;  // <root>/tests/core/vectors.hpp
  const std::string root = here.substr(0, here.size() - std::string("tests/core/vectors.hpp").size()) + ".";
#endif
  std::ifstream file(root + "/conformance/vectors/" + where, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace test

#endif
