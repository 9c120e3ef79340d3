// SPDX-License-Identifier: BSL-1.0
// A fuzz target without its fuzzer: gives it every file of some folders, as it is, cut short, and with a byte changed here and there.
//
// usage: fuzz_TARGET_seeds PLACES FOLDER...    PLACES: in how many places each file is cut and changed
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "fuzz/check.hpp"

namespace {
void give(const std::string& bytes) { (void)LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()); }
}  // namespace

int main(int argc, char** argv) {
  const std::size_t places = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 0;
  std::set<std::filesystem::path> files;
  for (int i = 2; i < argc; ++i)
    if (std::filesystem::is_directory(argv[i]))
      for (const auto& one : std::filesystem::recursive_directory_iterator(argv[i]))
        if (one.is_regular_file()) files.insert(one.path());
  for (const auto& path : files) {
    std::ifstream in(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    give(bytes);
    for (std::size_t i = 0; i < places && !bytes.empty(); ++i) {
      const std::size_t at = (2 * i + 1) * bytes.size() / (2 * places);
      give(bytes.substr(0, at));
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ 1);
      give(changed);
    }
  }
  std::printf("%zu files\n", files.size());
  return files.empty() ? 1 : 0;
}
