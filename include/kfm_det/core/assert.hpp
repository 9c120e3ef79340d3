// SPDX-License-Identifier: BSL-1.0
/// \file
/// Assertions about ourselves: a broken invariant of the library calls a replaceable handler (default: trap).
///
/// Bad input, a bad disk and a bad network are results, never assertions. The handler must not return; when it does, the
/// process traps all the same. Thread-safety: set the handler before other threads start.
#ifndef KFM_DET_CORE_ASSERT_HPP
#define KFM_DET_CORE_ASSERT_HPP

#include <atomic>

namespace kfm_det {

/// Gets the condition as text, the file and the line.
using AssertionHandler = void (*)(const char* condition, const char* file, int line);

namespace detail {
inline std::atomic<AssertionHandler>& assertion_handler() noexcept {
  static std::atomic<AssertionHandler> handler{nullptr};
  return handler;
}
[[noreturn]] inline void assertion_failed(const char* condition, const char* file, int line) {
  if (AssertionHandler handler = assertion_handler().load()) handler(condition, file, line);
  __builtin_trap();
}
}  // namespace detail

/// Replaces the handler; returns the one before (null: the default trap).
inline AssertionHandler set_assertion_handler(AssertionHandler handler) noexcept {
  return detail::assertion_handler().exchange(handler);
}

}  // namespace kfm_det

/// An invariant of ours; kept on in release builds.
#define KFM_DET_ASSERT(condition) \
  (static_cast<bool>(condition) ? void() : ::kfm_det::detail::assertion_failed(#condition, __FILE__, __LINE__))

#endif
