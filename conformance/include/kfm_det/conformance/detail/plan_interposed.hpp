// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the functions of conformance/interpose.hpp and the engine of check_plan have in common: what an interposed function is to do in this process.
///
/// Thread-safety: set in a child before it begins threads; read by any.
#ifndef KFM_DET_CONFORMANCE_DETAIL_PLAN_INTERPOSED_HPP
#define KFM_DET_CONFORMANCE_DETAIL_PLAN_INTERPOSED_HPP

#include <atomic>
#include <string>
#include <vector>

namespace kfm_det::conformance::detail {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool traps_allowed = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
inline constexpr bool traps_allowed = false;
#else
inline constexpr bool traps_allowed = true;
#endif
#else
inline constexpr bool traps_allowed = true;
#endif

struct Interposed {
  enum class Mode : unsigned char { pass, watch /* say what is called */, other /* another clock, other random numbers, threads that begin late */ };
  /// A function to try whether calls arrive here: the linker decides.
  struct Probe {
    const char* what;
    void (*call)();
  };

  Mode mode = Mode::pass;
  void (*looked)(const char* what, const char* at) = nullptr;   ///< Mode::watch; `at` may be null
  const Probe* probes = nullptr;                                ///< empty: the program does not include interpose.hpp
  unsigned probes_size = 0;
  void (*keeps)() = nullptr;                                    ///< a function that the linker must not leave out
  std::atomic<unsigned> threads{0};                             ///< begun in Mode::other
};
inline Interposed interposed;

inline bool probe_arrived;   // of the child that tries them

/// In a child: the kinds of calls that arrive.
[[nodiscard]] inline std::vector<std::string> interposed_calls() {
  std::vector<std::string> out;
  interposed.looked = [](const char*, const char*) { probe_arrived = true; };
  interposed.mode = Interposed::Mode::watch;
  for (unsigned i = 0; i < interposed.probes_size; ++i) {
    probe_arrived = false;
    interposed.probes[i].call();
    if (probe_arrived) out.emplace_back(interposed.probes[i].what);
  }
  interposed.mode = Interposed::Mode::pass;
  return out;
}

}  // namespace kfm_det::conformance::detail

#endif
