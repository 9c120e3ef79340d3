// SPDX-License-Identifier: BSL-1.0
/// \file
/// SourceRef: one input as it was found, and the hash of a set of them. What an updater's outputs are a function of.
///
/// Inputs are a set: they are sorted by their canonical bytes and de-duplicated before anything looks at them, so their order cannot matter.
/// Thread-safety: values and pure functions.
#ifndef KFM_DET_CORE_SOURCE_REF_HPP
#define KFM_DET_CORE_SOURCE_REF_HPP

#include <algorithm>
#include <compare>
#include <map>
#include <span>
#include <string>
#include <string_view>
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
  /// By canonical bytes.
  friend std::strong_ordering operator<=>(const SourceRef& a, const SourceRef& b);
};
KFM_DET_DESCRIBE(SourceRef, uri, content_hash, partition)

/// Sorted by canonical bytes, each once.
[[nodiscard]] std::vector<SourceRef> canonical_inputs(std::span<const SourceRef> refs);

/// SHA-256("kfm_det/v1/inputs\n" + canonical array of the sorted unique refs). Errors: invalid_json for a ref that is not UTF-8.
[[nodiscard]] result<InputHash> input_hash(std::span<const SourceRef> refs);

namespace detail {

/// What a ref is ordered by: its canonical bytes. One that has none (not UTF-8) sorts behind all others, by its bytes in hex.
[[nodiscard]] inline std::string order_key(const SourceRef& ref) {
  if (auto bytes = canonical(ref)) return std::move(bytes).value();
  std::string out = "~" + ref.content_hash.hex() + to_hex(ref.uri);
  for (const auto& [key, value] : ref.partition) out += "," + to_hex(key) + ":" + to_hex(value);
  return out;
}

}  // namespace detail

inline std::strong_ordering operator<=>(const SourceRef& a, const SourceRef& b) {
  // The content hash is the first member of the canonical form, of one length: nearly always it decides. A ref that is not UTF-8 is the exception.
  return detail::order_key(a).compare(detail::order_key(b)) <=> 0;
}

inline std::vector<SourceRef> canonical_inputs(std::span<const SourceRef> refs) {
  std::vector<std::pair<std::string, const SourceRef*>> keyed;
  keyed.reserve(refs.size());
  for (const SourceRef& ref : refs) keyed.emplace_back(detail::order_key(ref), &ref);
  std::sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<SourceRef> out;
  out.reserve(keyed.size());
  for (std::size_t i = 0; i < keyed.size(); ++i)
    if (i == 0 || keyed[i].first != keyed[i - 1].first) out.push_back(*keyed[i].second);
  return out;
}

inline result<InputHash> input_hash(std::span<const SourceRef> refs) {
  std::vector<std::string> texts;
  texts.reserve(refs.size());
  for (const SourceRef& ref : refs) {
    auto text = canonical(ref);
    if (!text) return text.error().at("source " + to_hex(ref.content_hash.digest.view()));
    texts.push_back(std::move(text).value());
  }
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  Sha256 hash;
  hash.update("kfm_det/v1/inputs\n[");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i != 0) hash.update(",");
    hash.update(texts[i]);
  }
  return InputHash{hash.update("]").finish()};
}

}  // namespace kfm_det

#endif
