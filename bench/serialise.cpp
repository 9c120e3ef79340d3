// SPDX-License-Identifier: BSL-1.0
// A WalRecord as canonical JSON, beside a writer by hand and beside nlohmann.
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>

#include "kfm_det/core/describe.hpp"
#include "kfm_det/core/json_text.hpp"
#include "measure.hpp"
#include "records.hpp"

namespace kfm_det::bench {
namespace {

/// What somebody writes who knows the one struct: a buffer that is surely large enough, literals, no check of room. It uses the same letters (hex,
/// digits, runs of plain characters) as the library, so what is measured is the price of describing a struct instead of writing this.
class ByHand {
 public:
  std::string_view operator()(const wal::WalRecord& record) {
    const std::size_t room = 1024 + 6 * (record.operation.size() + record.step_id.size() + record.updater_id.size() + record.actor.size()) + size(record.payload) + size(record.governance) +
                             size(record.lineage_links) + size(record.reversal) + size(record.telemetry);
    if (buffer_.size() < room) buffer_.resize(room);
    char* at = buffer_.data();
    at = string(literal(at, "{\"actor\":"), record.actor);
    at = uuid(literal(at, ",\"entry_id\":"), record.entry_id.uuid);
    if (record.governance) at = json(literal(at, ",\"governance\":"), *record.governance);
    at = hex(literal(at, ",\"input_hash\":"), record.input_hash.digest);
    if (record.lineage_links) at = json(literal(at, ",\"lineage_links\":"), *record.lineage_links);
    at = string(literal(at, ",\"operation\":"), record.operation);
    at = json(literal(at, ",\"payload\":"), record.payload);
    at = string(literal(at, ",\"phase\":"), enum_name(record.phase));
    if (record.post_state_expected) at = hex(literal(at, ",\"post_state_expected\":"), *record.post_state_expected);
    if (record.pre_state_hash) at = hex(literal(at, ",\"pre_state_hash\":"), *record.pre_state_hash);
    if (record.reversal) at = json(literal(at, ",\"reversal\":"), *record.reversal);
    at = integer(literal(at, ",\"seq\":"), record.seq);
    at = string(literal(at, ",\"status\":"), enum_name(record.status));
    at = string(literal(at, ",\"step_id\":"), record.step_id);
    if (record.telemetry) at = json(literal(at, ",\"telemetry\":"), *record.telemetry);
    at = integer(literal(at, ",\"tier\":"), record.tier);
    at = integer(literal(at, ",\"token\":"), record.token);
    at = literal(detail::write_rfc3339(literal(at, ",\"ts\":\""), record.ts), "\",\"updater_id\":");
    at = string(at, record.updater_id);
    at = literal(detail::write_version(literal(at, ",\"updater_version\":\""), record.updater_version), "\",\"wal_id\":");
    at = literal(uuid(at, record.wal_id.uuid), "}");
    return {buffer_.data(), static_cast<std::size_t>(at - buffer_.data())};
  }

 private:
  static std::size_t size(const Json& value) {
    std::size_t out = 40;
    if (const auto* text = value.string()) out += 6 * text->size();
    for (const auto& item : value.items()) out += size(item);
    for (const auto& member : value.members()) out += 6 * member.key.size() + size(member.value);
    return out;
  }
  static std::size_t size(const std::optional<Json>& value) { return value ? size(*value) : 0; }

  template <std::size_t N>
  static char* literal(char* at, const char (&text)[N]) {
    std::memcpy(at, text, N - 1);
    return at + N - 1;
  }
  static char* string(char* at, std::string_view text) {
    *at++ = '"';
    std::size_t done = detail::copy_plain(at, text.data(), text.size());
    at += done;
    for (; done < text.size(); ++done) {   // no text of this record comes here
      if (text[done] == '"' || text[done] == '\\') *at++ = '\\';
      *at++ = text[done];
    }
    *at++ = '"';
    return at;
  }
  static char* hex(char* at, const Digest& digest) {
    *at++ = '"';
    at = detail::write_hex(at, digest.view());
    *at++ = '"';
    return at;
  }
  static char* uuid(char* at, const Uuid& value) {
    *at++ = '"';
    at = detail::write_uuid(at, value);
    *at++ = '"';
    return at;
  }
  static char* integer(char* at, std::uint64_t value) { return std::to_chars(at, at + 20, value).ptr; }
  static char* close(char* at, char bracket) {   // over the comma behind the last item
    if (at[-1] == ',') --at;
    *at++ = bracket;
    return at;
  }
  static char* json(char* at, const Json& value) {
    switch (value.kind()) {
      case Json::Kind::null: return literal(at, "null");
      case Json::Kind::boolean: return *value.boolean() ? literal(at, "true") : literal(at, "false");
      case Json::Kind::number: return detail::write_number(at, *value.number());
      case Json::Kind::string: return string(at, *value.string());
      case Json::Kind::array: {
        *at++ = '[';
        for (const auto& item : value.items()) {
          at = json(at, item);
          *at++ = ',';
        }
        return close(at, ']');
      }
      case Json::Kind::object: {
        *at++ = '{';
        for (const auto& member : value.members()) {
          at = string(at, member.key);
          *at++ = ':';
          at = json(at, member.value);
          *at++ = ',';
        }
        return close(at, '}');
      }
    }
    return at;
  }
  std::string buffer_;
};

nlohmann::json foreign(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::null: return nullptr;
    case Json::Kind::boolean: return *value.boolean();
    case Json::Kind::number: return static_cast<std::int64_t>(*value.number());
    case Json::Kind::string: return *value.string();
    case Json::Kind::array: {
      auto out = nlohmann::json::array();
      for (const auto& item : value.items()) out.push_back(foreign(item));
      return out;
    }
    case Json::Kind::object: {
      auto out = nlohmann::json::object();
      for (const auto& member : value.members()) out[member.key] = foreign(member.value);
      return out;
    }
  }
  return nullptr;
}

nlohmann::json foreign(const wal::WalRecord& record) {
  nlohmann::json out{{"actor", record.actor}, {"entry_id", record.entry_id.text()}, {"input_hash", record.input_hash.hex()}, {"operation", record.operation}, {"payload", foreign(record.payload)},
                     {"phase", enum_name(record.phase)}, {"seq", record.seq}, {"status", enum_name(record.status)}, {"step_id", record.step_id}, {"tier", record.tier}, {"token", record.token},
                     {"ts", record.ts.to_rfc3339()}, {"updater_id", record.updater_id}, {"updater_version", record.updater_version.text()}, {"wal_id", record.wal_id.text()}};
  if (record.pre_state_hash) out["pre_state_hash"] = record.pre_state_hash->hex();
  if (record.post_state_expected) out["post_state_expected"] = record.post_state_expected->hex();
  if (record.reversal) out["reversal"] = foreign(*record.reversal);
  if (record.governance) out["governance"] = foreign(*record.governance);
  if (record.lineage_links) out["lineage_links"] = foreign(*record.lineage_links);
  if (record.telemetry) out["telemetry"] = foreign(*record.telemetry);
  return out;
}

}  // namespace

std::vector<Measure> serialise_measures() {
  const wal::WalRecord record = intent_record(1000);
  const std::string text = must(canonical(record));
  if (ByHand{}(record) != text) give_up("the writer by hand writes other bytes than the library");
  if (foreign(record).dump() != text) give_up("nlohmann writes other bytes than the library");

  Side ours{"kfm_det", [=](const std::string&) {
              return timed([=, out = std::string()]() mutable {
                out.clear();
                must(append_canonical(out, record));
                benchmark::DoNotOptimize(out.data());
              });
            }};
  Side by_hand{"written by hand", [=](const std::string&) {
                 return timed([=, writer = ByHand()]() mutable { benchmark::DoNotOptimize(writer(record)); });
               }};
  Side dump{"nlohmann, dump", [=](const std::string&) {
              return timed([=, value = foreign(record)] { benchmark::DoNotOptimize(value.dump()); });
            }};
  Side build{"nlohmann, build + dump", [=](const std::string&) {
               return timed([=] { benchmark::DoNotOptimize(foreign(record).dump()); });
             }};
  return {{"serialise", "canonical serialise, a record of " + std::to_string(text.size()) + " bytes", ours, {{by_hand, 1 / 1.15}, {dump, 5}, {build, 5}}}};
}

}  // namespace kfm_det::bench
