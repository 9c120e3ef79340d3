// SPDX-License-Identifier: BSL-1.0
/// \file
/// NowPlaying: the reproducer line of what is played at this moment, for whoever finds the process dying: a verb that ends its process leaves no report.
///
/// Thread-safety: made and destroyed by one thread, in the order of a stack; write_line() may be called from a signal handler of any thread.
#ifndef KFM_DET_CONFORMANCE_NOW_PLAYING_HPP
#define KFM_DET_CONFORMANCE_NOW_PLAYING_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <unistd.h>

#include "kfm_det/conformance/choices.hpp"
#include "kfm_det/conformance/report.hpp"

namespace kfm_det::conformance {

class NowPlaying {
 public:
  /// The three live as long as this does; `choices` may grow meanwhile. `part`: one word.
  NowPlaying(std::string_view check, std::string_view part, const ChoiceVector& choices) : check_(check), part_(part), choices_(&choices), outer_(innermost_) { innermost_ = this; }
  NowPlaying(std::string_view check, std::string_view part, ChoiceVector&&) = delete;
  NowPlaying(const NowPlaying&) = delete;
  NowPlaying& operator=(const NowPlaying&) = delete;
  ~NowPlaying() { innermost_ = outer_; }

  /// The line, to a file descriptor, by nothing but write(2). False: nothing is played.
  static bool write_line(int descriptor) noexcept {
    const NowPlaying* now = innermost_;
    if (!now) return false;
    for (const std::string_view text : {reproducer_version, std::string_view(" "), now->check_, std::string_view(" part="), now->part_, std::string_view(" choices=")}) put(descriptor, text);
    std::size_t size = now->choices_->size();
    while (size > 0 && (*now->choices_)[size - 1] == 0) --size;
    if (size == 0) put(descriptor, "-");
    for (std::size_t i = 0; i < size; ++i) {
      char digits[12];
      std::size_t at = sizeof digits;
      std::uint32_t number = (*now->choices_)[i];
      do digits[--at] = static_cast<char>('0' + number % 10); while ((number /= 10) != 0);
      if (i != 0) digits[--at] = '.';
      put(descriptor, std::string_view(digits + at, sizeof digits - at));
    }
    put(descriptor, "\n");
    return true;
  }
  static void put(int descriptor, std::string_view text) noexcept {
    while (!text.empty()) {
      const ::ssize_t put = ::write(descriptor, text.data(), text.size());
      if (put <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(put));
    }
  }

 private:
  static inline std::atomic<const NowPlaying*> innermost_{nullptr};
  std::string_view check_, part_;
  const ChoiceVector* choices_;
  const NowPlaying* outer_;
};

}  // namespace kfm_det::conformance

#endif
