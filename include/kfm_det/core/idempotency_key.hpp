// SPDX-License-Identifier: BSL-1.0
/// \file
/// Content hash and idempotency key: the names of content and of stored bytes. And the runners' own key.
///
/// An idempotency key names bytes, never an event: whether a run's effect happened is asked by effect id (DESIGN 5 and 10).
/// Thread-safety: pure functions. Short ones allocate nothing.
#ifndef KFM_DET_CORE_IDEMPOTENCY_KEY_HPP
#define KFM_DET_CORE_IDEMPOTENCY_KEY_HPP

#include <string>
#include <string_view>
#include <utility>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/describe.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/core/ids.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/core/version.hpp"

namespace kfm_det {

/// What is published under a key, by hash.
struct ContentDescription {
  Digest bytes_hash;               ///< SHA-256 of the bytes
  Json metadata = Json::object();  ///< an object, labels included
  bool tombstone = false;
};

/// SHA-256 of the canonical array ["kfm_det/v1/content", hex of bytes_hash, metadata, tombstone].
/// Errors: invalid_argument (metadata is not an object), and what canonical() gives for the metadata.
[[nodiscard]] result<ContentHash> content_hash(const ContentDescription& content);

/// SHA-256 of the canonical array ["kfm_det/v1/idempotency", updater_id, version, business_key, hex of content_hash].
/// Errors: invalid_json for an updater id or key that is not UTF-8.
[[nodiscard]] result<IdempotencyKey> idempotency_key(std::string_view updater_id, const Version& version, const BusinessKey& business_key, const ContentHash& content_hash);

/// The runners' key before hashing (contract 2, section 2.1): the four fields joined by |, with % and | percent-encoded inside fields,
/// so that two inputs cannot collide. Errors: invalid_argument for an empty source_url or pipeline_version.
[[nodiscard]] result<std::string> runner_key(std::string_view source_url, std::string_view etag, std::string_view window, std::string_view pipeline_version);

inline result<ContentHash> content_hash(const ContentDescription& content) {
  if (!content.metadata.is_object())
    return Error(errc::invalid_argument, "metadata is not an object but " + std::string(name(content.metadata.kind())), "metadata", "Give an object, empty if there is nothing to say.");
  return array_digest<ContentHash>("kfm_det/v1/content", content.bytes_hash, content.metadata, content.tombstone);
}

/// Flattened: called for every output, and beside a SHA-256 of three blocks even the calls would show.
[[gnu::flatten]] inline result<IdempotencyKey> idempotency_key(std::string_view updater_id, const Version& version, const BusinessKey& business_key, const ContentHash& content_hash) {
  return array_digest<IdempotencyKey>("kfm_det/v1/idempotency", updater_id, version, business_key, content_hash);
}

inline result<std::string> runner_key(std::string_view source_url, std::string_view etag, std::string_view window, std::string_view pipeline_version) {
  if (source_url.empty()) return Error(errc::invalid_argument, "a runner's key needs a source", "source_url", "Give the address that was read.");
  if (pipeline_version.empty()) return Error(errc::invalid_argument, "a runner's key needs a version", "pipeline_version", "Give the version of the pipeline.");
  std::string out;
  for (const std::string_view field : {source_url, etag, window, pipeline_version}) {
    if (!out.empty()) out += '|';  // the first field is never empty
    for (const char c : field) {
      if (c == '%') out += "%25";
      else if (c == '|') out += "%7C";
      else out += c;
    }
  }
  return out;
}

}  // namespace kfm_det

#endif
