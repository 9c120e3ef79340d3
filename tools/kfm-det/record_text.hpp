// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a record is about, in a few words. Pure functions; the words are a stranger's, and go to the screen as Spans.
#ifndef KFM_DET_TOOLS_KFM_DET_RECORD_TEXT_HPP
#define KFM_DET_TOOLS_KFM_DET_RECORD_TEXT_HPP

#include <string>
#include <string_view>

#include <kfm_det/wal/record.hpp>

namespace kfm_det::tool {

/// The text of a member; empty when there is none.
[[nodiscard]] inline std::string text_in(const Json& json, std::string_view key) {
  const Json* const found = json.find(key);
  return found != nullptr && found->string() != nullptr ? *found->string() : std::string();
}

/// The phase, or the word of a control entry.
[[nodiscard]] inline std::string word_of(const wal::WalRecord& record) { return record.phase == wal::Phase::CONTROL ? record.operation : std::string(enum_name(record.phase)); }

/// The key or step, and what came of it.
[[nodiscard]] inline std::string subject_of(const wal::WalRecord& record) {
  std::string out = text_in(record.payload, "business_key");
  const auto add = [&](const std::string& text) { if (!text.empty()) out += (out.empty() ? "" : " ") + text; };
  if (out.empty()) out = record.step_id;
  if (record.phase == wal::Phase::CONTROL && record.operation == wal::operation::checkpoint)
    if (const auto part = get_u64(record.payload, "part"), parts = get_u64(record.payload, "parts"); part && parts)
      add("part " + std::to_string(part.value() + 1) + " of " + std::to_string(parts.value()) + ": what the records below came to");
  if (record.phase == wal::Phase::UPSERT && record.operation == wal::operation::withdraw) add("(withdraw)");
  if (record.phase == wal::Phase::EXECUTE) add("(" + record.operation + ")");
  if (record.phase == wal::Phase::PLAN)
    if (const Json* const trigger = record.payload.find("trigger")) add("trigger " + text_in(*trigger, "key"));
  if (const std::string answer = text_in(record.payload, "result"); !answer.empty()) add("(" + answer + ")");
  add(text_in(record.payload, "outcome"));
  if (const Json* const failure = record.payload.find("failure")) add(text_in(*failure, "code") + ": " + text_in(*failure, "sentence"));
  return out;
}

}  // namespace kfm_det::tool

#endif
