// SPDX-License-Identifier: BSL-1.0
/// \file
/// Runs the example's real program, and makes observation files for it.
#ifndef KFM_DET_TESTS_EXAMPLES_PROGRAM_HPP
#define KFM_DET_TESTS_EXAMPLES_PROGRAM_HPP

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "tests/files/scratch.hpp"

namespace kfm_det::tests {

inline std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline void write_text(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  REQUIRE(text_of(path) == text);
}

/// What a program came to. `code` is its exit code, or 1000 + the signal that ended it.
struct Ran {
  int code = 0;
  std::string out, err;
};

/// A program that is running; its output goes to files of its own.
class Running {
 public:
  explicit Running(const std::vector<std::string>& words)
      : child_([&] {
          std::vector<char*> argv;
          for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
          argv.push_back(nullptr);
          const auto to = [](const std::string& path, int descriptor) { return ::dup2(::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600), descriptor) >= 0; };
          if (to(files_ / "out", STDOUT_FILENO) && to(files_ / "err", STDERR_FILENO)) ::execv(argv[0], argv.data());
          return 98;
        }) {}
  /// Until it is asleep by SIGSTOP, or over. True: asleep.
  [[nodiscard]] bool wait_stopped() {
    int status = 0;
    while (::waitpid(child_.pid(), &status, WUNTRACED) < 0 && errno == EINTR) {}
    return WIFSTOPPED(status);
  }
  void signal(int number) const { ::kill(child_.pid(), number); }
  [[nodiscard]] Ran wait() {
    const int code = child_.wait();
    return {code, text_of(files_ / "out"), text_of(files_ / "err")};
  }

 private:
  Scratch files_{true};
  Child child_;
};

/// Every file below a folder: its bytes and when it was last changed.
inline std::map<std::string, std::pair<std::string, std::filesystem::file_time_type>> everything_in(const std::string& folder) {
  std::map<std::string, std::pair<std::string, std::filesystem::file_time_type>> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    out[entry.path().string()] = {entry.is_regular_file() ? text_of(entry.path().string()) : std::string("(folder)"), entry.last_write_time()};
  return out;
}

}  // namespace kfm_det::tests

#endif
