// SPDX-License-Identifier: BSL-1.0
/// \file
/// Holder: who has a scope now, for the sentence that tells somebody else why he cannot have it.
///
/// A value. It may be out of date when it arrives: decide by try_acquire(), never by this.
#ifndef KFM_DET_LOCKS_HOLDER_HPP
#define KFM_DET_LOCKS_HOLDER_HPP

#include <optional>
#include <string>

#include "kfm_det/contracts/lock.hpp"

namespace kfm_det {

struct Holder {
  OwnerId owner;
  FencingToken token;
  std::optional<Duration> remaining;  ///< nothing when the deadline stands on a clock that cannot be compared with ours (another boot or machine)

  /// "web1/4242/88421/1 holds it for another 12.345 s, with token 7"
  [[nodiscard]] std::string sentence() const {
    std::string out = owner.text + " holds it ";
    if (remaining) {
      const std::string ms = std::to_string(remaining->ms() % 1000);
      out += "for another " + std::to_string(remaining->ms() / 1000) + "." + std::string(3 - ms.size(), '0') + ms + " s";
    } else {
      out += "until its process ends";
    }
    return out + ", with token " + std::to_string(token.value);
  }
};

}  // namespace kfm_det

#endif
