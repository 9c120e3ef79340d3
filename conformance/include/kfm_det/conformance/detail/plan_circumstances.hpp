// SPDX-License-Identifier: BSL-1.0
/// \file
/// What check_plan changes around a plan: in a forked child, and in a fresh process of the program.
///
/// Thread-safety: one thread, in a child that ends soon.
#ifndef KFM_DET_CONFORMANCE_DETAIL_PLAN_CIRCUMSTANCES_HPP
#define KFM_DET_CONFORMANCE_DETAIL_PLAN_CIRCUMSTANCES_HPP

#include <clocale>
#include <cstdlib>
#include <ctime>
#include <locale>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/personality.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "kfm_det/conformance/choices.hpp"
#include "kfm_det/conformance/detail/plan_child.hpp"
#include "kfm_det/conformance/fresh_process.hpp"
#include "kfm_det/conformance/plan_fixture.hpp"

namespace kfm_det::conformance::detail {

/// Commas for points, points for thousands: what a German desktop has.
struct OtherPunctuation final : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
  std::string do_truename() const override { return "wahr"; }
  std::string do_falsename() const override { return "falsch"; }
};

/// Freed blocks lie about in an order that allocation gives back: what is allocated next stands at other addresses, in another order.
inline void disturb_heap(std::uint64_t seed) {
  Random random(seed);
  for (std::size_t size = 16; size <= 1024; size += 16) {
    std::vector<void*> blocks;
    for (int i = 0; i < 40; ++i) blocks.push_back(std::malloc(size));
    for (std::size_t i = blocks.size(); i > 1; --i) std::swap(blocks[i - 1], blocks[random.below(static_cast<std::uint32_t>(i))]);
    for (std::size_t i = 0; i < 30; ++i) std::free(blocks[i]);   // the rest stays: this process ends soon
  }
}

/// A change of what surrounds plan() and the operations.
struct Circumstance {
  const char* name;
  const char* law;   ///< that a plan breaks which gives something else
  void (*change)();
  bool interposed = false;   ///< wants conformance/interpose.hpp
};
inline const Circumstance circumstances[] = {
    {"another locale of the C library", "PLAN-1", [] { for (const char* one : {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "tr_TR.UTF-8", "C.UTF-8", "C.utf8"}) if (std::setlocale(LC_ALL, one)) break; }},
    {"another std::locale", "PLAN-1", [] { std::locale::global(std::locale(std::locale::classic(), new OtherPunctuation)); }},
    {"another time zone", "PLAN-1", [] { ::setenv("TZ", "KIT-05:45", 1); ::tzset(); }},
    {"an empty environment", "PLAN-1", [] { ::clearenv(); }},
    {"other environment variables", "PLAN-1", [] {
       for (const char* name : {"HOME", "USER", "LOGNAME", "HOSTNAME", "PATH", "PWD", "LANG", "LC_ALL", "TMPDIR", "SEED", "DEBUG", "ENV", "CI", "SHELL", "TERM", "TZ"}) ::setenv(name, "/kfm_det/another", 1);
     }},
    {"another working directory", "PLAN-3", [] { if (::chdir("/proc/self") != 0) (void)!::chdir("/"); }},
    {"other addresses, in another order", "PLAN-1", [] { disturb_heap(1); }},
    {"other addresses, in a third order", "PLAN-1", [] { disturb_heap(2); }},
#ifdef __GLIBC__
    {"memory that comes filled with 0xA5", "PLAN-1", [] { (void)::mallopt(M_PERTURB, 0x5A); }},
    {"memory that comes filled with 0x5A", "PLAN-1", [] { (void)::mallopt(M_PERTURB, 0xA5); }},
#endif
    {"a stack filled with 0xA5", "PLAN-1", [] { stack_byte = 0xA5; }},
    {"a stack filled with 0x5A", "PLAN-1", [] { stack_byte = 0x5A; }},
    {"another clock, other random numbers, and threads that begin in another order", "PLAN-1", [] { interposed.mode = Interposed::Mode::other; }, true},
};

/// A process of its own, by exec: nothing of this one's memory is there.
struct FreshCircumstance {
  const char* name;
  const char* program;     ///< its name, argv[0]
  std::size_t padding;     ///< bytes of one more environment variable: the stack begins elsewhere
  const char* variable;    ///< of the environment; may be null
  bool (*change)();        ///< before exec; false: this machine or container refuses it
  bool sanitizers;         ///< also under them
};
inline const FreshCircumstance fresh_circumstances[] = {
    {"a fresh process", nullptr, 0, nullptr, [] { return true; }, true},
    {"a fresh process of another name, in another folder, with a large environment", "/kfm_det/another-program", 90'000, nullptr, [] { return ::chdir("/") == 0; }, true},
    {"a fresh process whose stack grows without bounds, so that maps stand in another order", nullptr, 0, nullptr, [] {
       ::rlimit stack{};
       if (::getrlimit(RLIMIT_STACK, &stack) != 0 || stack.rlim_max != RLIM_INFINITY) return false;
       stack.rlim_cur = stack.rlim_max;
       return ::setrlimit(RLIMIT_STACK, &stack) == 0;
     }, false},
    {"a fresh process in which every block of memory is a map of its own", nullptr, 4'096, "MALLOC_MMAP_THRESHOLD_=0", [] { return true; }, false},
#ifdef __linux__
    {"a fresh process whose addresses are not drawn", nullptr, 1'024, nullptr, [] { return ::personality(ADDR_NO_RANDOMIZE) != -1; }, false},
    {"a fresh process whose addresses are drawn", nullptr, 2'048, nullptr, [] { return ::personality(0) != -1; }, false},
#endif
};

/// Plan number `plan` over a set of its inputs, in a fresh process.
[[nodiscard]] inline ChildAnswer in_fresh_process(const FreshCircumstance& how, std::size_t plan, std::size_t set) {
  return in_child([&](int pipe) {
    ::alarm(600);   // outlives the exec: a program that does not come to serve_fresh_process() ends some time
    std::vector<std::string> words = fresh_processes().arguments, variables;
    char self[4096];
    const ::ssize_t size = ::readlink("/proc/self/exe", self, sizeof self - 1);
    if (size <= 0) return std::string("\x02this program's file cannot be found");
    self[size] = '\0';
    words.insert(words.begin(), how.program ? how.program : self);
    for (char** one = environ; one && *one; ++one) variables.emplace_back(*one);
    variables.push_back(std::string(fresh_variable) + "=" + std::to_string(plan) + " " + std::to_string(set) + " " + std::to_string(pipe));
    if (how.padding != 0) variables.push_back("KFM_DET_CONFORMANCE_PADDING=" + std::string(how.padding, 'x'));
    if (how.variable) variables.emplace_back(how.variable);
    if (!how.change()) return std::string("\x02refused by this machine or container");
    if (const int nothing = ::open("/dev/null", O_WRONLY | O_CLOEXEC); nothing >= 0) (void)::dup2(nothing, 1);   // a framework greets
    std::vector<char*> argv, envp;
    for (std::string& one : words) argv.push_back(one.data());
    for (std::string& one : variables) envp.push_back(one.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    ::execve(self, argv.data(), envp.data());
    return std::string("\x02it cannot be begun: ") + std::strerror(errno);
  });
}

}  // namespace kfm_det::conformance::detail

#endif
