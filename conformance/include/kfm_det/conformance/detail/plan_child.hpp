// SPDX-License-Identifier: BSL-1.0
/// \file
/// A forked child in which a piece of code runs under changed circumstances, or under traps that say what it looked at: clock, random, files, network.
///
/// The traps: a seccomp filter (SIGSYS names the call); the kernel's clock pages unmapped, so that clocks which need no call end in SIGSEGV there;
/// PR_SET_TSC where the machine has it; and the functions of conformance/interpose.hpp. Each may be refused by a container: active_traps() says which are on. Not under a sanitizer, whose runtime calls for itself.
/// The child answers one text over a pipe and never returns. Thread-safety: one thread; the program must not hold locks of its own while it forks.
#ifndef KFM_DET_CONFORMANCE_DETAIL_PLAN_CHILD_HPP
#define KFM_DET_CONFORMANCE_DETAIL_PLAN_CHILD_HPP

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__linux__) && defined(__x86_64__)
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#endif

#include "kfm_det/conformance/detail/plan_interposed.hpp"
#include "kfm_det/conformance/fresh_process.hpp"

namespace kfm_det::conformance::detail {

/// What a child came to.
struct ChildAnswer {
  std::string text;
  std::string trapped;   ///< what a trap caught: "the clock: clock_gettime"
  std::string died;      ///< how it ended without an answer
};

[[nodiscard]] inline std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& one : words) out += (out.empty() ? "" : ", ") + one;
  return out;
}

/// Runs `body` in a child and gives its text.
[[nodiscard]] inline ChildAnswer in_child(const std::function<std::string(int pipe)>& body) {
  ChildAnswer out;
  int ends[2];
  if (::pipe(ends) != 0) return {{}, {}, "no pipe"};
  const pid_t child = ::fork();
  if (child < 0) {
    ::close(ends[0]);
    ::close(ends[1]);
    return {{}, {}, "no child process could be made"};
  }
  if (child == 0) {
    ::close(ends[0]);
    std::string text;
    try {
      text = "=" + body(ends[1]);
    } catch (...) {
      text = "=\x01it threw";
    }
    write_whole(ends[1], text);
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string all;
  char piece[4096];
  for (ssize_t got; (got = ::read(ends[0], piece, sizeof piece)) > 0;) all.append(piece, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (all.starts_with("=")) out.text = all.substr(1);
  else if (all.starts_with("!")) out.trapped = all.substr(1);
  else out.died = WIFSIGNALED(status) ? "it was ended by signal " + std::to_string(WTERMSIG(status)) : "it ended with code " + std::to_string(WEXITSTATUS(status));
  return out;
}

struct TrapState {
  int pipe = -1;
  std::uintptr_t clock_from = 0, clock_to = 0;
};
inline TrapState trap_state;   // of the child, for its signal handler

/// Of a signal handler, or an interposed function: nothing that allocates.
inline void say_and_end(const char* what, const char* at = nullptr) {
  (void)!::write(trap_state.pipe, "!", 1);
  (void)!::write(trap_state.pipe, what, std::strlen(what));
  if (at) {
    (void)!::write(trap_state.pipe, " ", 1);
    (void)!::write(trap_state.pipe, at, std::strlen(at));
  }
  ::_exit(3);
}

#if defined(__linux__) && defined(__x86_64__)
struct Trap {
  long number;
  const char* what;
};
/// What a plan must not look at, and how a person calls it.
inline constexpr Trap traps[] = {
    {SYS_clock_gettime, "the clock: clock_gettime"}, {SYS_gettimeofday, "the clock: gettimeofday"}, {SYS_time, "the clock: time"}, {SYS_clock_nanosleep, "the clock: clock_nanosleep"}, {SYS_nanosleep, "the clock: nanosleep"},
    {SYS_getrandom, "a random number: getrandom"},
    {SYS_open, "a file: open"}, {SYS_openat, "a file: openat"}, {SYS_stat, "a file: stat"}, {SYS_lstat, "a file: lstat"}, {SYS_newfstatat, "a file: newfstatat"}, {SYS_statx, "a file: statx"}, {SYS_access, "a file: access"},
    {SYS_readlink, "a file: readlink"}, {SYS_readlinkat, "a file: readlinkat"}, {SYS_getcwd, "a file: getcwd (the working directory)"}, {SYS_uname, "the machine's name: uname"},
    {SYS_socket, "the network: socket"}, {SYS_connect, "the network: connect"},
    {SYS_getpid, "the process: getpid"}, {SYS_getppid, "the process: getppid"}, {SYS_getuid, "the process: getuid"}};

inline void on_trap(int signal, siginfo_t* info, void* context) {
  if (signal == SIGSYS) {
    for (const Trap& one : traps)
      if (one.number == info->si_syscall) say_and_end(one.what);
    say_and_end("something: a system call");
  }
  const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
  if (at >= trap_state.clock_from && at < trap_state.clock_to) say_and_end("the clock: time, gettimeofday or clock_gettime, which read the kernel's clock page");
  const auto* code = reinterpret_cast<const unsigned char*>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
  if (code && code[0] == 0x0F && (code[1] == 0x31 || (code[1] == 0x01 && code[2] == 0xF9))) say_and_end("the clock: the processor's time stamp counter");
  std::signal(signal, SIG_DFL);   // a real crash: comes again
}

/// In a child: sets what can be set, and says what.
[[nodiscard]] inline std::vector<std::string> set_traps(int pipe) {
  std::vector<std::string> active;
  trap_state.pipe = pipe;
  struct sigaction action {};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSYS, &action, nullptr);
  ::sigaction(SIGSEGV, &action, nullptr);
  if (std::FILE* maps = std::fopen("/proc/self/maps", "re")) {
    char line[512];
    std::uintptr_t from = 0, to = 0;
    while (std::fgets(line, sizeof line, maps))
      if (std::strstr(line, "[vvar")) {
        unsigned long a = 0, b = 0;
        if (std::sscanf(line, "%lx-%lx", &a, &b) == 2) {
          if (from == 0) from = a;
          to = b;
        }
      }
    std::fclose(maps);
    if (from != 0 && ::munmap(reinterpret_cast<void*>(from), to - from) == 0) {
      trap_state.clock_from = from;
      trap_state.clock_to = to;
      active.emplace_back("clock page");
    }
  }
#ifdef PR_SET_TSC
  if (::prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) == 0) active.emplace_back("time stamp counter");
#endif
  std::vector<sock_filter> filter;
  const auto statement = [](std::size_t code, std::uint32_t k) { return sock_filter{static_cast<std::uint16_t>(code), 0, 0, k}; };
  filter.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const Trap& one : traps) {
    filter.push_back(sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<std::uint32_t>(one.number)});
    filter.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_TRAP));
  }
  filter.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0) active.emplace_back("system calls");
  return active;
}
#else
[[nodiscard]] inline std::vector<std::string> set_traps(int) { return {}; }
#endif

/// In a child: from here on whatever looks at the world is named, and ends it.
inline void watch_everything(int pipe) {
  (void)set_traps(pipe);
  trap_state.pipe = pipe;
  interposed.looked = say_and_end;
  interposed.mode = Interposed::Mode::watch;
}

/// Which traps this machine and container allow.
[[nodiscard]] inline std::string active_traps() {
  if (!traps_allowed) return {};
  return in_child([](int pipe) { return joined(set_traps(pipe)); }).text;
}
/// Which calls arrive at the functions of conformance/interpose.hpp.
[[nodiscard]] inline std::string active_interposition() {
  return interposed.probes_size == 0 ? std::string() : in_child([](int) { return joined(interposed_calls()); }).text;
}

}  // namespace kfm_det::conformance::detail

#endif
