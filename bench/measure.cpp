// SPDX-License-Identifier: BSL-1.0
#include "measure.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "kfm_det/files/posix_file_system.hpp"

namespace kfm_det::bench {

void give_up(const std::string& why) {
  std::fprintf(stderr, "kfm_det_bench: %s\n", why.c_str());
  std::exit(1);
}

Scratch::Scratch(const std::string& parent) : path_(parent + "/kfm_det-bench-XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) give_up("cannot make a folder in " + parent + " (give another one with --dir)");
}
Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}
std::string Scratch::fresh() {
  const std::string out = path_ + "/" + std::to_string(next_++);
  must(PosixFileSystem{}.make_directory(out));
  return out;
}

double quantile(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace kfm_det::bench
