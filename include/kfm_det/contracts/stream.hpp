// SPDX-License-Identifier: BSL-1.0
/// \file
/// The words that stores, locks and sinks share: scope, stream, place in a log, fencing token, tenure.
///
/// All of them are plain values: copy them, compare them, read them from any thread.
#ifndef KFM_DET_CONTRACTS_STREAM_HPP
#define KFM_DET_CONTRACTS_STREAM_HPP

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "kfm_det/core/digest.hpp"

namespace kfm_det {

/// (updater_id, partition): one log stream, one lease; a business key belongs to one scope. (DESIGN 10: the lease guards the log that it fences.)
struct Scope {
  std::string updater_id;
  std::string partition;
  friend auto operator<=>(const Scope&, const Scope&) = default;
};
using LockScope = Scope;

/// The name of a log stream. Derived from the scope, so a log that vanished is still asked for by name.
///
/// The text is safe as one path component on every file system we know: [A-Za-z0-9._~%@-], at most 200 bytes.
/// It is injective in the scope: other bytes are percent-encoded, a text that would be longer ends in a hash of the whole.
struct StreamId {
  std::string text;
  [[nodiscard]] static StreamId of(const Scope& scope);
  friend auto operator<=>(const StreamId&, const StreamId&) = default;
};

/// Log sequence number: the place of an entry in its stream. The first entry is 1; 0 is "before everything".
using Lsn = std::uint64_t;
/// Grows by one whenever an operator accepts a loss; incarnations are ordered. The first is 1.
using Incarnation = std::uint64_t;

/// A place in a stream that is durable: the log's side of a witness. lsn 0 means: nothing seen.
struct Head {
  StreamId stream;
  Incarnation incarnation = 0;
  Lsn lsn = 0;
  Digest hash;  ///< line hash of the entry at `lsn`; zero at lsn 0
  friend auto operator<=>(const Head&, const Head&) = default;
};

/// When a run began: incarnation and LSN of its PLAN record. Never when a request arrives.
struct Order {
  Incarnation incarnation = 0;
  Lsn lsn = 0;
  friend auto operator<=>(const Order&, const Order&) = default;
};

/// Only grows, for one scope, for ever. 0 is "no token".
struct FencingToken {
  std::uint64_t value = 0;
  friend auto operator<=>(const FencingToken&, const FencingToken&) = default;
};

/// Who holds a lease. Unique among all that may ask for one at the same time.
struct OwnerId {
  std::string text;
  friend auto operator<=>(const OwnerId&, const OwnerId&) = default;
};

/// One owner's time with a scope.
struct Tenure {
  LockScope scope;
  FencingToken token;
  OwnerId owner;
  friend auto operator<=>(const Tenure&, const Tenure&) = default;
};

namespace detail {
inline void append_path_safe(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
}
}  // namespace detail

inline StreamId StreamId::of(const Scope& scope) {
  constexpr std::size_t bytes_max = 200, kept = 120;
  StreamId id;
  detail::append_path_safe(id.text, scope.updater_id);
  id.text += '@';  // never comes out of the encoding, so the two parts cannot run into each other
  detail::append_path_safe(id.text, scope.partition);
  if (id.text.size() > bytes_max) {
    const Digest whole = domain_digest("kfm_det/v1/stream", id.text);
    id.text.resize(kept);
    id.text += '~';
    id.text += whole.hex();
  }
  return id;
}

}  // namespace kfm_det

#endif
