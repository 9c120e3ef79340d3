// SPDX-License-Identifier: BSL-1.0
/// \file
/// Where two JSON values first differ, and a sentence about it.
///
/// Thread-safety: pure functions.
#ifndef KFM_DET_PLAN_JSON_DIFFERENCE_HPP
#define KFM_DET_PLAN_JSON_DIFFERENCE_HPP

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kfm_det/core/json.hpp"
#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/core/utf8.hpp"

namespace kfm_det::detail {

/// Points into the two values; null: not there.
struct JsonDifference {
  std::string path;
  const Json* before;
  const Json* now;
};

/// The first place, in canonical order, where two values differ. As deep as the values, which is bounded (limits::json_depth_max).
[[nodiscard]] inline std::optional<JsonDifference> difference_of(const std::string& path, const Json& before, const Json& now) {
  if (before.is_object() && now.is_object()) {
    const Json::Object &a = before.members(), &b = now.members();
    const auto inner = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
    for (std::size_t i = 0; i < a.size() || i < b.size(); ++i) {
      if (i == b.size() || (i < a.size() && compare_utf16(a[i].key, b[i].key) < 0)) return JsonDifference{inner(a[i].key), &a[i].value, nullptr};
      if (i == a.size() || a[i].key != b[i].key) return JsonDifference{inner(b[i].key), nullptr, &b[i].value};
      if (auto found = difference_of(inner(a[i].key), a[i].value, b[i].value)) return found;
    }
    return std::nullopt;
  }
  if (before.is_array() && now.is_array()) {
    const Json::Array &a = before.items(), &b = now.items();
    for (std::size_t i = 0; i < a.size() || i < b.size(); ++i) {
      const std::string inner = path + "[" + std::to_string(i) + "]";
      if (i == a.size() || i == b.size()) return JsonDifference{inner, i < a.size() ? &a[i] : nullptr, i < b.size() ? &b[i] : nullptr};
      if (auto found = difference_of(inner, a[i], b[i])) return found;
    }
    return std::nullopt;
  }
  if (before == now) return std::nullopt;
  return JsonDifference{path, &before, &now};
}

/// At most about a line of a long text, from shortly before byte `at`; cut between code points.
[[nodiscard]] inline std::string excerpt(std::string_view text, std::size_t at) {
  constexpr std::size_t lead = 40, bytes_max = 120;
  const auto inside = [&](std::size_t i) { return i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0U) == 0x80U; };
  std::size_t from = text.size() > bytes_max && at > lead ? at - lead : 0;
  while (from != 0 && inside(from)) --from;
  std::size_t to = std::min(text.size(), from + bytes_max);
  while (to != text.size() && inside(to)) --to;
  return (from == 0 ? "" : "...") + std::string(text.substr(from, to - from)) + (to == text.size() ? "" : "...");
}

[[nodiscard]] inline std::string sentence_of(const JsonDifference& difference) {
  const auto text = [](const Json* json) {  // a plan's values can be written: they were
    auto written = json == nullptr ? result<std::string>("absent") : canonical(*json);
    return written ? std::move(written).value() : std::string("unwritable");
  };
  const std::string before = text(difference.before), now = text(difference.now);
  const auto same = static_cast<std::size_t>(std::mismatch(before.begin(), before.end(), now.begin(), now.end()).first - before.begin());
  return difference.path + " was " + excerpt(before, same) + " and is now " + excerpt(now, same);
}

}  // namespace kfm_det::detail

#endif
