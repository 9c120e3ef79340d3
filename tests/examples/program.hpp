// SPDX-License-Identifier: BSL-1.0
/// \file
/// Runs the example's real program, and makes observation files for it.
#ifndef KFM_DET_TESTS_EXAMPLES_PROGRAM_HPP
#define KFM_DET_TESTS_EXAMPLES_PROGRAM_HPP

#include <catch2/catch.hpp>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
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
          ::prctl(PR_SET_PDEATHSIG, SIGKILL);   // one that sleeps would stay for ever when the test is killed
          std::vector<char*> argv;
          for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
          argv.push_back(nullptr);
          const auto to = [](const std::string& path, int descriptor) { return ::dup2(::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600), descriptor) >= 0; };
          if (to(files_ / "out", STDOUT_FILENO) && to(files_ / "err", STDERR_FILENO)) ::execv(argv[0], argv.data());
          return 98;
        }) {}
  /// Until it is asleep by SIGSTOP, or over. True: asleep. What it came to is left for wait().
  [[nodiscard]] bool wait_stopped() const { return looks(WEXITED | WSTOPPED) == CLD_STOPPED; }
  /// Without waiting.
  [[nodiscard]] bool is_over() const { return looks(WEXITED | WNOHANG) != 0; }
  void signal(int number) const { ::kill(child_.pid(), number); }
  [[nodiscard]] ::pid_t pid() const { return child_.pid(); }
  [[nodiscard]] Ran wait() {
    const int code = child_.wait();
    return {code, text_of(files_ / "out"), text_of(files_ / "err")};
  }

 private:
  [[nodiscard]] int looks(int options) const {
    siginfo_t seen = {};
    while (::waitid(P_PID, static_cast<id_t>(child_.pid()), &seen, options | WNOWAIT) < 0 && errno == EINTR) {}
    return seen.si_code;
  }
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
