// SPDX-License-Identifier: BSL-1.0
/// \file
/// The canonical export of a sink: the text by which two sinks are the same, or not.
///
/// One line of canonical JSON (RFC 8785): each business key, sorted by bytes, with its publications in order and which of them is current.
/// Left out is what differs from run to run: witness, LSN and incarnation, token, attempt, time. So two sinks that accepted the same set of
/// requests give the same bytes, and a run that was killed gives those of an undisturbed one.
///
///   {"format":"kfm_det/sink-export/1","keys":[{"business_key":"2012-01","current":"<effect id>","publications":[{"bytes":"...",
///    "bytes_hash":"<sha256>","effect":"<effect id>","idempotency_key":"<sha256>","metadata":{},"run":"<uuid>","size":3,"state":"current","tombstone":false}]}]}
///
/// `current` is null where nothing is. What is not UTF-8 goes by the name `bytes_base64`, `business_key_base64`. A tombstone, and a withdrawal
/// whose upsert never came, have no bytes, hash, idempotency key, metadata and size. Ids and hashes are lower-case hex, `run` is a UUID.
/// Thread-safety: reads by the sink's verbs, never from inside a visitor. While others publish, each key is told as of some moment.
#ifndef KFM_DET_SINKS_EXPORT_HPP
#define KFM_DET_SINKS_EXPORT_HPP

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/core/utf8.hpp"

namespace kfm_det {

struct ExportOptions {
  bool bytes = true;  ///< false leaves the stored bytes out; their hashes tell sinks apart all the same
};

/// Hands the export out in pieces: memory holds the business keys, one key's publications and a piece of bytes. Errors: the sink's, the visitor's.
template <class S>
[[nodiscard]] result<void> export_canonical(S& sink, BytesVisitor visitor, const ExportOptions& options = {});

/// The export as one text.
template <class S>
[[nodiscard]] result<std::string> export_canonical(S& sink, const ExportOptions& options = {}) {
  std::string out;
  KFM_DET_TRY(export_canonical(sink, [&](BytesView piece) -> result<void> { out += piece; return success(); }, options));
  return out;
}

namespace detail {

/// Cuts pieces of a text where no character is cut.
class WholeCharacters {
 public:
  /// What of the text so far is whole. `valid` becomes false where it cannot be UTF-8 any more.
  std::string_view feed(BytesView piece, bool& valid) {
    text_.erase(0, whole_);
    text_ += piece;
    const std::size_t fault = utf8_fault(text_);
    whole_ = fault == std::string_view::npos ? text_.size() : fault;
    if (text_.size() - whole_ > 3) valid = false;   // a character has at most 4 bytes: up to 3 may still become one
    return std::string_view(text_).substr(0, whole_);
  }
  [[nodiscard]] bool whole() const noexcept { return whole_ == text_.size(); }

 private:
  std::string text_;
  std::size_t whole_ = 0;
};

template <class S>
[[nodiscard]] result<bool> is_text(S& sink, const IdempotencyKey& key) {
  WholeCharacters characters;
  bool valid = true;
  KFM_DET_TRY(sink.read(key, [&](BytesView piece) -> result<void> { if (valid) characters.feed(piece, valid); return success(); }));
  return valid && characters.whole();
}

/// The member `bytes` or `bytes_base64`, and the comma behind it.
template <class S>
[[nodiscard]] result<void> export_bytes(S& sink, const IdempotencyKey& key, BytesVisitor visitor) {
  KFM_DET_TRY(const bool text, is_text(sink, key));
  KFM_DET_TRY(visitor(text ? "\"bytes\":\"" : "\"bytes_base64\":\""));
  WholeCharacters characters;
  std::string rest;   // of base64: less than the three bytes of a group
  bool valid = true;
  KFM_DET_TRY(sink.read(key, [&](BytesView piece) -> result<void> {
    if (text) {
      KFM_DET_TRY(const auto quoted, canonical(Json(characters.feed(piece, valid))));
      return visitor(BytesView(quoted).substr(1, quoted.size() - 2));
    }
    rest += piece;
    const std::size_t whole = rest.size() - rest.size() % 3;
    const std::string encoded = to_base64(BytesView(rest).substr(0, whole));
    rest.erase(0, whole);
    return visitor(encoded);
  }));
  KFM_DET_TRY(visitor(to_base64(rest)));
  return visitor("\",");
}

[[nodiscard]] inline Json export_json(const Publication& publication) {
  Json out = Json::object({{"effect", Json(publication.effect.hex())},
                           {"run", Json(publication.run.text())},
                           {"state", Json(name(publication.state))},
                           {"tombstone", Json(publication.tombstone)}});
  if (publication.version) {
    out.set("bytes_hash", Json(publication.version->bytes_hash.hex()));
    out.set("idempotency_key", Json(publication.version->key.hex()));
    out.set("metadata", publication.version->metadata);
    out.set("size", Json(publication.version->size));
  }
  return out;
}

template <class S>
[[nodiscard]] result<void> export_key(S& sink, const BusinessKey& key, BytesVisitor visitor, const ExportOptions& options) {
  std::vector<Publication> publications;
  KFM_DET_TRY(sink.history(key, [&](const Publication& one) -> result<void> { publications.push_back(one); return success(); }));
  const bool text = utf8_fault(key.text) == std::string_view::npos;
  Json head = Json::object({{text ? "business_key" : "business_key_base64", Json(text ? key.text : to_base64(key.text))}, {"current", Json()}});
  for (const Publication& one : publications)
    if (one.state == PublicationState::current) head.set("current", Json(one.effect.hex()));
  KFM_DET_TRY(auto opened, canonical(head));
  opened.pop_back();
  KFM_DET_TRY(visitor(opened + ",\"publications\":["));
  for (std::size_t i = 0; i < publications.size(); ++i) {
    const Publication& one = publications[i];
    KFM_DET_TRY(visitor(i == 0 ? "{" : ",{"));
    if (one.version && options.bytes) { KFM_DET_TRY(export_bytes(sink, one.version->key, visitor)); }   // "bytes" and "bytes_base64" sort before every other member
    KFM_DET_TRY(const auto rest, canonical(export_json(one)));
    KFM_DET_TRY(visitor(BytesView(rest).substr(1)));
  }
  return visitor("]}");
}

}  // namespace detail

template <class S>
result<void> export_canonical(S& sink, BytesVisitor visitor, const ExportOptions& options) {
  static_assert(SinkPolicy<S>, "kfm_det export: not a sink; diagnose_sink<S>() says what is missing");
  std::vector<BusinessKey> keys;   // collected first: not every sink lets a visitor call back
  KFM_DET_TRY(sink.keys([&](const BusinessKey& key) -> result<void> { keys.push_back(key); return success(); }));
  KFM_DET_TRY(visitor("{\"format\":\"kfm_det/sink-export/1\",\"keys\":["));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i != 0) { KFM_DET_TRY(visitor(",")); }
    KFM_DET_TRY(detail::export_key(sink, keys[i], visitor, options));
  }
  return visitor("]}");
}

}  // namespace kfm_det

#endif
