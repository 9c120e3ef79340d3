// SPDX-License-Identifier: BSL-1.0
/// \file
/// CommitRecord: what one accepted request adds to a FileSink, as text: the SHA-256 of the body in hex, a newline, the body, a newline.
///
/// The body is one line of canonical JSON with the members format, number, floors, heads, keys, publications and versions. Texts that are not UTF-8 go by
/// the name `..._base64`; integers beyond 2^53 - 1 are decimal strings. A reader refuses what it does not know: unsupported_version for another format.
/// Thread-safety: pure functions.
#ifndef KFM_DET_SINKS_COMMIT_RECORD_HPP
#define KFM_DET_SINKS_COMMIT_RECORD_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/core/json_parser.hpp"
#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/core/utf8.hpp"
#include "kfm_det/sinks/publication_tables.hpp"

namespace kfm_det::commit_record {

inline constexpr std::string_view format = "kfm_det/file-sink/1";

/// The record of `changes`, the `number`-th of its sink. Errors: limit_exceeded.
[[nodiscard]] result<std::string> write(std::uint64_t number, const PublicationTables& changes);
/// The other way. Errors: corrupt_committed (not the bytes that were written), unsupported_version.
[[nodiscard]] result<PublicationTables> read(std::uint64_t number, BytesView text, const std::string& where);

namespace detail {

inline void put_text(Json& object, std::string_view name, std::string_view text) {
  if (utf8_fault(text) == std::string_view::npos) object.set(std::string(name), Json(text));
  else object.set(std::string(name) + "_base64", Json(to_base64(text)));
}
inline void put_scope(Json& object, const Scope& scope) {
  put_text(object, "updater_id", scope.updater_id);
  put_text(object, "partition", scope.partition);
}

/// Reads members, and remembers the first that is not there or not what it must be.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}
  [[nodiscard]] bool good() const noexcept { return good_; }
  [[nodiscard]] bool has(std::string_view name) const { return object_.find(name) != nullptr; }
  std::string text(std::string_view name) {
    if (const Json* plain = object_.find(name)) return plain->string() ? *plain->string() : bad<std::string>();
    const Json* encoded = object_.find(std::string(name) + "_base64");
    if (!encoded || !encoded->string()) return bad<std::string>();
    auto bytes = from_base64(*encoded->string());
    return bytes ? std::move(bytes).value() : bad<std::string>();
  }
  std::uint64_t number(std::string_view name) {
    const Json* found = object_.find(name);
    if (found && found->number() && *found->number() >= 0) return static_cast<std::uint64_t>(*found->number());
    if (!found || !found->string() || found->string()->empty()) return bad<std::uint64_t>();
    std::uint64_t out = 0;
    for (const char c : *found->string())
      if (c < '0' || c > '9' || __builtin_mul_overflow(out, 10U, &out) || __builtin_add_overflow(out, static_cast<std::uint64_t>(c - '0'), &out)) return bad<std::uint64_t>();
    return out;
  }
  bool flag(std::string_view name) {
    const Json* found = object_.find(name);
    return found && found->boolean() ? *found->boolean() : bad<bool>();
  }
  Digest digest(std::string_view name) {
    auto read = Digest::from_hex(text(name));
    return read ? read.value() : bad<Digest>();
  }
  RunId run(std::string_view name) {
    auto read = RunId::parse(text(name));
    return read ? read.value() : bad<RunId>();
  }
  Json object(std::string_view name) {
    const Json* found = object_.find(name);
    return found && found->is_object() ? *found : bad<Json>();
  }
  Scope scope() { return {text("updater_id"), text("partition")}; }

 private:
  template <class T> T bad() { good_ = false; return T{}; }
  const Json& object_;
  bool good_ = true;
};

template <class Visit>
[[nodiscard]] bool each(const Json& body, std::string_view name, Visit visit) {
  const Json* items = body.find(name);
  if (!items || !items->is_array()) return false;
  for (const Json& one : items->items()) {
    Fields fields(one);
    visit(fields);
    if (!fields.good()) return false;
  }
  return true;
}

}  // namespace detail

inline result<std::string> write(std::uint64_t number, const PublicationTables& changes) {
  Json floors = Json::array(), heads = Json::array(), keys = Json::array(), publications = Json::array(), versions = Json::array();
  for (const auto& [scope, floor] : changes.floors) {
    Json one = Json::object({{"token", Json(floor.token.value)}});
    detail::put_scope(one, scope);
    detail::put_text(one, "owner", floor.owner.text);
    floors.push(std::move(one));
  }
  for (const auto& [stream, head] : changes.witnesses) {
    Json one = Json::object({{"incarnation", Json(head.incarnation)}, {"lsn", Json(head.lsn)}, {"hash", Json(head.hash.hex())}});
    detail::put_text(one, "stream", stream.text);
    heads.push(std::move(one));
  }
  for (const auto& [key, scope] : changes.scopes) {
    Json one = Json::object();
    detail::put_text(one, "business_key", key);
    detail::put_scope(one, scope);
    keys.push(std::move(one));
  }
  for (const auto& [effect, row] : changes.rows) {
    Json one = Json::object({{"effect", Json(effect.hex())}, {"run", Json(row.run.text())}, {"incarnation", Json(row.order.incarnation)}, {"lsn", Json(row.order.lsn)},
                             {"published", Json(row.published)}, {"withdrawn", Json(row.withdrawn)}});
    detail::put_text(one, "business_key", row.business_key.text);
    if (row.version) one.set("idempotency_key", Json(row.version->hex()));
    publications.push(std::move(one));
  }
  for (const auto& [key, version] : changes.versions)
    versions.push(Json::object({{"idempotency_key", Json(key.hex())}, {"bytes_hash", Json(version.about.bytes_hash.hex())}, {"size", Json(version.about.size)}, {"metadata", version.about.metadata}}));
  KFM_DET_TRY(const std::string body, canonical(Json::object({{"format", Json(format)}, {"number", Json(number)}, {"floors", std::move(floors)}, {"heads", std::move(heads)},
                                                              {"keys", std::move(keys)}, {"publications", std::move(publications)}, {"versions", std::move(versions)}}),
                                                limits::json_depth_ceiling));
  return sha256(body).hex() + "\n" + body + "\n";
}

inline result<PublicationTables> read(std::uint64_t number, BytesView text, const std::string& where) {
  constexpr std::size_t hash_size = 64;
  const auto corrupt = [&](const char* what) {
    return Error(errc::corrupt_committed, what, where, "The medium or a person changed it: restore the sink from a copy. Nothing was changed.");
  };
  if (text.size() < hash_size + 2 || text[hash_size] != '\n' || text.back() != '\n') return corrupt("this is no whole commit record");
  const BytesView body = text.substr(hash_size + 1, text.size() - hash_size - 2);
  if (sha256(body).hex() != text.substr(0, hash_size)) return corrupt("a commit record does not hash to what it states");
  KFM_DET_TRY(const Json json, parse_json(body, {.depth_max = limits::json_depth_ceiling}));
  detail::Fields head(json);
  if (const std::string is = head.text("format"); is != format) return Error(errc::unsupported_version, "a commit record of format '" + is + "'", where, "Use the version of the library that wrote it.");
  if (head.number("number") != number) return corrupt("a commit record stands under another number");
  PublicationTables out;
  bool good = detail::each(json, "floors", [&](detail::Fields& one) { out.floors[one.scope()] = {{one.number("token")}, {one.text("owner")}}; });
  good = good && detail::each(json, "heads", [&](detail::Fields& one) {
    const StreamId stream{one.text("stream")};
    out.witnesses[stream] = Head{stream, one.number("incarnation"), one.number("lsn"), one.digest("hash")};
  });
  good = good && detail::each(json, "keys", [&](detail::Fields& one) { out.scopes.emplace(one.text("business_key"), one.scope()); });
  good = good && detail::each(json, "publications", [&](detail::Fields& one) {
    sink_rules::Row row{one.run("run"), {one.number("incarnation"), one.number("lsn")}, {one.text("business_key")}, one.flag("published"), one.flag("withdrawn"), std::nullopt};
    if (one.has("idempotency_key")) row.version = IdempotencyKey{one.digest("idempotency_key")};
    out.put(EffectId{one.digest("effect")}, std::move(row));
  });
  good = good && detail::each(json, "versions", [&](detail::Fields& one) {
    const IdempotencyKey key{one.digest("idempotency_key")};
    PublicationTables::Version version{{key, one.digest("bytes_hash"), one.number("size"), one.object("metadata")}, {}};
    if (auto metadata = canonical(version.about.metadata, limits::json_depth_ceiling)) version.metadata = std::move(metadata).value();
    out.versions.emplace(key, std::move(version));
  });
  if (!good) return corrupt("a commit record lacks a member");
  return out;
}

}  // namespace kfm_det::commit_record

#endif
