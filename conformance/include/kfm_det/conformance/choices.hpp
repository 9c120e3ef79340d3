// SPDX-License-Identifier: BSL-1.0
/// \file
/// Choices: every decision of a trial, as one vector of small numbers. Whoever plays the same vector gets the same trial.
///
/// A vector comes from counting (all vectors of a bounded tree, in order), from drawing (SplitMix64, the same on every machine), or from a
/// reproducer line. Zero is always the simplest decision, so a shrunk vector is short and small. Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_CHOICES_HPP
#define KFM_DET_CONFORMANCE_CHOICES_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/core/assert.hpp"

namespace kfm_det::conformance {

/// SplitMix64: one addition and three multiplications a number; no state but a counter.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  [[nodiscard]] std::uint64_t next() noexcept {
    state_ += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// 0 .. n-1; n > 0. (The bias of the remainder is below n / 2^64.)
  template <std::unsigned_integral T>
  [[nodiscard]] T below(T n) noexcept { return static_cast<T>(next() % n); }

 private:
  std::uint64_t state_;
};

using ChoiceVector = std::vector<std::uint32_t>;

/// "0.2.1", trailing zeros left out; "-" for none.
[[nodiscard]] inline std::string to_text(const ChoiceVector& choices) {
  std::size_t size = choices.size();
  while (size > 0 && choices[size - 1] == 0) --size;
  std::string out;
  for (std::size_t i = 0; i < size; ++i) {
    if (i != 0) out += '.';
    out += std::to_string(choices[i]);
  }
  return out.empty() ? "-" : out;
}
[[nodiscard]] inline std::optional<ChoiceVector> choices_of(std::string_view text) {
  ChoiceVector out;
  if (text == "-") return out;
  std::uint64_t number = 0;
  bool any = false;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      number = number * 10 + static_cast<std::uint64_t>(c - '0');
      any = true;
      if (number > 0xFFFFFFFFu) return std::nullopt;
    } else if (c == '.' && any) {
      out.push_back(static_cast<std::uint32_t>(number));
      number = 0;
      any = false;
    } else {
      return std::nullopt;
    }
  }
  if (!any) return std::nullopt;
  out.push_back(static_cast<std::uint32_t>(number));
  return out;
}

/// The decisions of one trial: what is given first, then zeros or drawn numbers. Remembers what was decided and out of how many.
class Choices {
 public:
  explicit Choices(ChoiceVector given = {}, Random* random = nullptr) : given_(std::move(given)), random_(random) {}

  /// 0 .. below-1. A given number that is too large (after shrinking) becomes below-1.
  std::uint32_t pick(std::uint32_t below) {
    KFM_DET_ASSERT(below > 0);
    std::uint32_t value = 0;
    if (made_.size() < given_.size()) value = given_[made_.size()] < below ? given_[made_.size()] : below - 1;
    else if (random_) value = random_->below(below);
    made_.push_back(value);
    belows_.push_back(below);
    return value;
  }
  [[nodiscard]] const ChoiceVector& made() const noexcept { return made_; }
  [[nodiscard]] const std::vector<std::uint32_t>& belows() const noexcept { return belows_; }

  /// The next vector in counting order behind this trial; none: it was the last.
  [[nodiscard]] std::optional<ChoiceVector> next() const {
    ChoiceVector out = made_;
    while (!out.empty()) {
      if (out.back() + 1 < belows_[out.size() - 1]) { ++out.back(); return out; }
      out.pop_back();
    }
    return std::nullopt;
  }

 private:
  ChoiceVector given_, made_;
  std::vector<std::uint32_t> belows_;
  Random* random_;
};

}  // namespace kfm_det::conformance

#endif
