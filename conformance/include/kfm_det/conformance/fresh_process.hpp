// SPDX-License-Identifier: BSL-1.0
/// \file
/// Fresh processes of this program: check_plan begins the program again, under other addresses, stack and environment, and compares what it works out there.
///
///   int main(int argc, char** argv) {
///     kfm_det::conformance::serve_fresh_process();     // before everything else
///
/// The leaves (conformance/main.hpp, catch2.hpp, gtest.hpp) do this for you. Without the call no process is begun, and the report's bounds say so.
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_FRESH_PROCESS_HPP
#define KFM_DET_CONFORMANCE_FRESH_PROCESS_HPP

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace kfm_det::conformance {
namespace detail {

inline constexpr const char* fresh_variable = "KFM_DET_CONFORMANCE_FRESH_PROCESS";   // "PLAN SET PIPE"
/// What plan number n, as it was enlisted before main(), comes to over a set of its inputs.
using FreshAnswer = std::string (*)(std::size_t set);
[[nodiscard]] inline std::vector<FreshAnswer>& fresh_answers() {
  static std::vector<FreshAnswer> all;
  return all;
}
[[nodiscard]] inline std::size_t enlist(FreshAnswer answer) {
  fresh_answers().push_back(answer);
  return fresh_answers().size() - 1;
}
/// Whether processes may be begun, and with which arguments.
struct FreshProcesses {
  bool served = false;
  std::vector<std::string> arguments;
};
[[nodiscard]] inline FreshProcesses& fresh_processes() {
  static FreshProcesses all;
  return all;
}
inline void write_whole(int file, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ::ssize_t put = ::write(file, text.data() + at, text.size() - at);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) break;
    at += static_cast<std::size_t>(put);
  }
}

}  // namespace detail

/// In a process that check_plan has begun: works out the plan that it is asked for, and ends. In any other: says that such processes may be begun, and that
/// with `arguments` (behind the program's name) they come here.
inline void serve_fresh_process(std::vector<std::string> arguments = {}) {
  const char* asked = std::getenv(detail::fresh_variable);
  if (!asked) {
    detail::fresh_processes() = {true, std::move(arguments)};
    return;
  }
  std::size_t plan = 0, set = 0;
  int pipe = -1;
  if (std::sscanf(asked, "%zu %zu %d", &plan, &set, &pipe) != 3 || plan >= detail::fresh_answers().size()) ::_exit(2);
  ::unsetenv(detail::fresh_variable);
  std::string text;
  try {
    text = "=" + detail::fresh_answers()[plan](set);
  } catch (...) {
    text = "=\x01it threw";
  }
  detail::write_whole(pipe, text);
  ::_exit(0);
}

}  // namespace kfm_det::conformance

#endif
