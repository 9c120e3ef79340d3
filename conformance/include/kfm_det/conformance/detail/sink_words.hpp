// SPDX-License-Identifier: BSL-1.0
/// \file
/// Small words for the scripts of the sink checks: effects, runs, scopes, heads and content by short names, and requests as a line of text.
///
/// Thread-safety: pure functions.
#ifndef KFM_DET_CONFORMANCE_DETAIL_SINK_WORDS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_SINK_WORDS_HPP

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/core/utf8.hpp"

namespace kfm_det::conformance::sink_words {

/// The first four bytes are the name itself, so that a person finds it in what a sink stores.
[[nodiscard]] inline Digest named(std::string_view domain, std::string_view name) {
  Digest out = domain_digest(domain, name);
  for (std::size_t i = 0; i < 4; ++i) out.bytes[i] = i < name.size() ? static_cast<unsigned char>(name[i]) : static_cast<unsigned char>('_');
  return out;
}
[[nodiscard]] inline EffectId effect(std::string_view name) { return {named("kfm_det/kit/effect", name)}; }
[[nodiscard]] inline std::string name_of(const EffectId& effect) {
  std::string out;
  for (std::size_t i = 0; i < 4 && effect.digest.bytes[i] != '_'; ++i) out += static_cast<char>(effect.digest.bytes[i]);
  return out;
}
[[nodiscard]] inline RunId run(std::string_view name) { return {uuid_v8(domain_digest("kfm_det/kit/run", name))}; }
[[nodiscard]] inline Scope scope(std::string_view name = "counts") { return {std::string(name), "seattle"}; }
[[nodiscard]] inline Tenure tenure(std::uint64_t token, std::string_view owner, const Scope& of = scope()) { return {of, {token}, {std::string(owner)}}; }
[[nodiscard]] inline Head head(Incarnation incarnation, Lsn lsn, std::string_view line = "line", const Scope& of = scope()) {
  return {StreamId::of(of), incarnation, lsn, domain_digest("kfm_det/kit/line", line)};
}
[[nodiscard]] inline Json label(std::string_view text) { return Json::object({{"label", Json(text)}}); }
[[nodiscard]] inline IdempotencyKey key_of(BytesView bytes, std::string_view mark = "") { return {domain_digest("kfm_det/kit/key", {mark, "\n", bytes})}; }
[[nodiscard]] inline NewVersion fresh(BytesView bytes, std::string_view mark = "") { return {key_of(bytes, mark), sha256(bytes), Bytes(bytes), label(mark)}; }
[[nodiscard]] inline Upsert upsert(std::string_view name, Order order, const BusinessKey& key, Content content) { return {effect(name), run(name), order, key, std::move(content)}; }
[[nodiscard]] inline Withdrawal withdrawal(std::string_view name, Order order, const BusinessKey& key) { return {effect(name), run(name), order, key}; }

/// A text that a report can hold: what is not printable ASCII goes as \xNN, what is long is cut.
[[nodiscard]] inline std::string shown(BytesView bytes, std::size_t most = 24) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "'";
  for (std::size_t i = 0; i < bytes.size() && i < most; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte >= 0x20 && byte < 0x7f) out += bytes[i];
    else (out += "\\x") += {digits[byte >> 4], digits[byte & 15]};
  }
  out += "'";
  if (bytes.size() > most) out += " (" + std::to_string(bytes.size()) + " bytes)";
  return out;
}
[[nodiscard]] inline std::string shown(const Order& order) { return std::to_string(order.incarnation) + "/" + std::to_string(order.lsn); }
[[nodiscard]] inline std::string shown(const Content& content) {
  if (const auto* fresh = std::get_if<NewVersion>(&content)) {
    if (const auto* bytes = std::get_if<Bytes>(&fresh->bytes)) return "bytes " + shown(BytesView(*bytes));
    return "a staged file of " + std::to_string(std::get<StagedFile>(fresh->bytes).size) + " bytes";
  }
  if (const auto* stored = std::get_if<StoredKey>(&content)) return "stored version " + stored->key.hex().substr(0, 8);
  return "tombstone";
}
[[nodiscard]] inline std::string shown(const Upsert& one) { return name_of(one.effect) + " at " + shown(one.order) + " on " + shown(one.business_key.text) + ": " + shown(one.content); }
[[nodiscard]] inline std::string shown(const Withdrawal& one) { return name_of(one.effect) + " at " + shown(one.order) + " on " + shown(one.business_key.text); }
template <class Request>
[[nodiscard]] std::string shown(std::span<const Request> batch) {
  constexpr std::size_t shown_max = 6;
  std::string out;
  for (const Request& one : batch.size() > shown_max ? batch.first(2) : batch) (out += out.empty() ? "" : "; ") += shown(one);
  if (batch.size() > shown_max) out += "; ... " + std::to_string(batch.size()) + " in all";
  return batch.empty() ? "nothing" : out;
}
[[nodiscard]] inline std::string shown(const Tenure& tenure) {
  return "token " + std::to_string(tenure.token.value) + " of " + tenure.owner.text + (tenure.scope == scope() ? "" : " in scope " + shown(StreamId::of(tenure.scope).text));
}
[[nodiscard]] inline std::string shown(const Head& head) { return "head " + shown(Order{head.incarnation, head.lsn}) + " " + head.hash.hex().substr(0, 4); }

/// A request of either verb.
struct Request {
  std::variant<std::vector<Upsert>, std::vector<Withdrawal>> batch;
  Request(std::vector<Upsert> upserts) : batch(std::move(upserts)) {}
  Request(std::vector<Withdrawal> withdrawals) : batch(std::move(withdrawals)) {}
  Request(Upsert one) : batch(std::vector<Upsert>{std::move(one)}) {}
  Request(Withdrawal one) : batch(std::vector<Withdrawal>{std::move(one)}) {}
};

}  // namespace kfm_det::conformance::sink_words

#endif
