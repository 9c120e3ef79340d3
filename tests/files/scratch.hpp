// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the tests of files and locks share: a folder that goes away again, results that must be good or must be a certain error, a child process.
#ifndef KFM_DET_TESTS_FILES_SCRATCH_HPP
#define KFM_DET_TESTS_FILES_SCRATCH_HPP

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <type_traits>
#include <utility>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kfm_det/core/result.hpp"

namespace kfm_det::tests {

/// A folder of its own, in memory where the machine has /dev/shm and `in_memory` is asked for (syncs cost nothing there).
class Scratch {
 public:
  explicit Scratch(bool in_memory = false) {
    std::string name = in_memory && std::filesystem::is_directory("/dev/shm") ? "/dev/shm/kfm-XXXXXX" : "/tmp/kfm-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

template <class T>
T good(result<T> outcome) {
  if (!outcome) FAIL(outcome.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(outcome).value();
}

/// The code of the error; and every error of ours says where it was and what to do.
template <class T>
errc bad(const result<T>& outcome) {
  if (outcome) FAIL("an error was expected");
  CHECK_FALSE(outcome.error().what().empty());
  CHECK_FALSE(outcome.error().where().empty());
  CHECK_FALSE(outcome.error().remedy().empty());
  return outcome.error().code();
}

/// A forked process; what `body` gives is its exit code. It must not use Catch. Killed, if it still lives, when this ends.
class Child {
 public:
  template <class Body>
  explicit Child(Body body) : pid_(::fork()) {
    if (pid_ == 0) {
      int code = 99;
      try { code = body(); } catch (...) {}
      ::_exit(code);
    }
    REQUIRE(pid_ > 0);
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Child& operator=(Child&& other) noexcept { std::swap(pid_, other.pid_); return *this; }
  ~Child() { if (pid_ > 0) { ::kill(pid_, SIGKILL); (void)wait(); } }

  /// The exit code, or 1000 + the signal that ended it.
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  int kill(int signal = SIGKILL) { ::kill(pid_, signal); return wait(); }
  /// Stopped when this answers.
  void stop() {
    ::kill(pid_, SIGSTOP);
    int status = 0;
    while (::waitpid(pid_, &status, WUNTRACED) < 0 && errno == EINTR) {}
    REQUIRE(WIFSTOPPED(status));
  }
  void go_on() { ::kill(pid_, SIGCONT); }
  [[nodiscard]] ::pid_t pid() const { return pid_; }

 private:
  ::pid_t pid_;
};

/// Bytes from one process to another; read() waits for one.
class Pipe {
 public:
  Pipe() { REQUIRE(::pipe(ends_) == 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() { ::close(ends_[0]); ::close(ends_[1]); }
  [[nodiscard]] int writing_end() const { return ends_[1]; }
  void write(char byte) const { (void)!::write(ends_[1], &byte, 1); }
  [[nodiscard]] char read() const {
    char byte = '\0';
    while (::read(ends_[0], &byte, 1) < 0 && errno == EINTR) {}
    return byte;
  }

 private:
  int ends_[2] = {};
};

}  // namespace kfm_det::tests

#endif
