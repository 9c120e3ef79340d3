// SPDX-License-Identifier: BSL-1.0
/// \file
/// SourceRef: one input as it was found, and the hash of a set of them. What an updater's outputs are a function of.
///
/// Inputs are a set: they are sorted and de-duplicated before anything looks at them, so their order cannot matter.
/// Thread-safety: values and pure functions.
#ifndef KFM_DET_CORE_SOURCE_REF_HPP
#define KFM_DET_CORE_SOURCE_REF_HPP

#include <algorithm>
#include <compare>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/describe.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/core/result.hpp"

namespace kfm_det {

/// The same uri and partition with another content hash is another ref.
struct SourceRef {
  std::string uri;
  ContentHash content_hash;                      ///< SHA-256 of the bytes that were there
  std::map<std::string, std::string> partition;  ///< keys that say which part of a dataset this is, e.g. {"month": "2012-01"}

  friend bool operator==(const SourceRef&, const SourceRef&) = default;
  /// By uri, then partition, then content hash, each by bytes: the order of a plan's inputs does not change with what is in them.
  friend std::strong_ordering operator<=>(const SourceRef& a, const SourceRef& b) {
    return std::tie(a.uri, a.partition, a.content_hash) <=> std::tie(b.uri, b.partition, b.content_hash);
  }
};
KFM_DET_DESCRIBE(SourceRef, uri, content_hash, partition)

/// Sorted, each once.
[[nodiscard]] std::vector<SourceRef> canonical_inputs(std::span<const SourceRef> refs);

/// SHA-256("kfm_det/v1/inputs\n" + canonical array of the sorted unique refs). Errors: invalid_json for a ref that is not UTF-8.
[[nodiscard]] result<InputHash> input_hash(std::span<const SourceRef> refs);

inline std::vector<SourceRef> canonical_inputs(std::span<const SourceRef> refs) {
  std::vector<SourceRef> out(refs.begin(), refs.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

inline result<InputHash> input_hash(std::span<const SourceRef> refs) {
  Sha256 hash;
  hash.update("kfm_det/v1/inputs\n[");
  bool first = true;
  for (const SourceRef& ref : canonical_inputs(refs)) {
    auto text = canonical(ref);
    if (!text) return text.error().at("source " + to_hex(ref.content_hash.digest.view()));
    if (!std::exchange(first, false)) hash.update(",");
    hash.update(text.value());
  }
  return InputHash{hash.update("]").finish()};
}

}  // namespace kfm_det

#endif
