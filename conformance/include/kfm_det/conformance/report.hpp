// SPDX-License-Identifier: BSL-1.0
/// \file
/// Report: what a check of the conformance kit found. Options: what it was asked to do.
///
/// Equal options and an equal backend give an equal report on every machine and compiler; only a budget in time makes it depend on the clock, and
/// then `bounds` says so. Thread-safety: plain values.
#ifndef KFM_DET_CONFORMANCE_REPORT_HPP
#define KFM_DET_CONFORMANCE_REPORT_HPP

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/core/json.hpp"
#include "kfm_det/core/json_writer.hpp"

namespace kfm_det::conformance {

/// The version of the kit's reproducer lines: choices mean the same as long as it is the same.
inline constexpr std::string_view reproducer_version = "kfm_det/1";

struct Options {
  std::uint64_t seed = 1;          ///< of what is drawn behind the exhaustive part
  std::uint32_t cases = 1000;      ///< how many random cases each part of a check draws
  std::uint64_t states_max = 0;    ///< crash states after which a check stops looking for more; 0: its own bound
  std::uint32_t budget_ms = 0;     ///< stops between two cases when this much time is gone; 0: no budget
  std::string reproduce;           ///< a reproducer line: play that, and nothing else
  bool first_only = false;         ///< end with the first law that breaks
};

/// A law that was broken.
struct Violation {
  std::string law;           ///< such as STORE-3
  std::string sentence;      ///< what was observed
  std::string script;        ///< what was done, a step per line, shrunk
  std::string reproducer;    ///< one line; give it back as Options::reproduce
  std::string usual_cause;   ///< the bug that usually breaks this law
  std::uint64_t operations = 0;   ///< steps in the script
};


struct Report {
  std::string check;      ///< such as check_store
  std::string subject;    ///< the fixture's name
  std::vector<Violation> violations;                       ///< at most one for each law
  std::vector<std::pair<std::string, bool>> claims;        ///< what the fixture claims, and does not
  std::map<std::string, std::uint64_t> laws;               ///< law: how often it was asked
  std::uint64_t cases = 0;     ///< scripts played
  std::uint64_t states = 0;    ///< distinct states judged (crash states, schedules, permutations, damage)
  std::uint64_t crash_states = 0;   ///< those of them that a loss of power or a kill left; what Options::states_max bounds
  std::map<std::string, std::uint64_t> reached;            ///< verdicts, answers and situations that the generators reached
  std::vector<std::string> bounds;                         ///< what was exhausted, drawn, left out
  std::vector<std::pair<std::string, double>> seconds;     ///< of each part; in no text of the report, which knows no clock

  [[nodiscard]] bool passed() const noexcept { return violations.empty(); }
  [[nodiscard]] const Violation* find(std::string_view law) const noexcept {
    for (const Violation& one : violations)
      if (one.law == law) return &one;
    return nullptr;
  }
  /// Adds what another part of the same check found.
  void add(const Report& other);

  /// Canonical JSON, one object.
  [[nodiscard]] std::string to_json() const;
  /// A `<testsuite>`: one `<testcase>` for each law. `took`: seconds, when somebody has measured it.
  [[nodiscard]] std::string to_junit(std::optional<double> took = {}) const;
  /// A few lines for a person: what was looked at, and each violation with its script and reproducer.
  [[nodiscard]] std::string to_text() const;
};

namespace detail {
[[nodiscard]] inline std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return out;
}
/// 1234 milliseconds: "1.234".
[[nodiscard]] inline std::string seconds_text(std::uint64_t milliseconds) {
  const std::string part = std::to_string(milliseconds % 1000);
  return std::to_string(milliseconds / 1000) + "." + std::string(3 - part.size(), '0') + part;
}
}  // namespace detail

inline void Report::add(const Report& other) {
  for (const Violation& one : other.violations)
    if (!find(one.law)) violations.push_back(one);
  for (const auto& [law, count] : other.laws) laws[law] += count;
  for (const auto& [what, count] : other.reached) reached[what] += count;
  cases += other.cases;
  states += other.states;
  crash_states += other.crash_states;
  seconds.insert(seconds.end(), other.seconds.begin(), other.seconds.end());
  bounds.insert(bounds.end(), other.bounds.begin(), other.bounds.end());
}

inline std::string Report::to_json() const {
  Json broken = Json::array(), asked = Json::object(), seen = Json::object(), claimed = Json::object(), named = Json::array();
  for (const Violation& one : violations)
    broken.push(Json::object({{"law", Json(one.law)}, {"operations", Json(one.operations)}, {"reproducer", Json(one.reproducer)}, {"script", Json(one.script)},
                                   {"sentence", Json(one.sentence)}, {"usual_cause", Json(one.usual_cause)}}));
  for (const auto& [law, count] : laws) asked.set(law, Json(count));
  for (const auto& [what, count] : reached) seen.set(what, Json(count));
  for (const auto& [claim, is_made] : claims) claimed.set(claim, Json(is_made));
  for (const std::string& one : bounds) named.push(Json(one));
  const Json whole = Json::object({{"bounds", std::move(named)}, {"cases", Json(cases)}, {"check", Json(check)}, {"claims", std::move(claimed)}, {"crash_states", Json(crash_states)}, {"laws", std::move(asked)},
                                   {"passed", Json(passed())}, {"reached", std::move(seen)}, {"states", Json(states)}, {"subject", Json(subject)}, {"violations", std::move(broken)}});
  std::string out;
  if (auto written = append_canonical(out, whole); !written) return "{\"error\":\"the report holds text that is not UTF-8\"}";
  return out;
}

inline std::string Report::to_junit(std::optional<double> took) const {
  std::map<std::string, std::uint64_t> all = laws;
  for (const Violation& one : violations) all.try_emplace(one.law, 1);
  std::string out = "<testsuite name=\"" + detail::xml_escaped(check + " " + subject) + "\" tests=\"" + std::to_string(all.size()) + "\" failures=\"" + std::to_string(violations.size()) + "\" errors=\"0\" skipped=\"0\"";
  if (took) out += " time=\"" + detail::seconds_text(static_cast<std::uint64_t>(*took * 1000)) + "\"";
  out += ">\n";
  for (const auto& [law, count] : all) {
    out += "  <testcase classname=\"" + detail::xml_escaped(check + "." + subject) + "\" name=\"" + detail::xml_escaped(law) + "\"";
    if (const Violation* one = find(law)) {
      out += ">\n    <failure type=\"" + detail::xml_escaped(law) + "\" message=\"" + detail::xml_escaped(one->sentence) + "\">" +
             detail::xml_escaped(one->script + "\nreproduce: " + one->reproducer + "\nusual cause: " + one->usual_cause) + "</failure>\n  </testcase>\n";
    } else {
      out += "/>\n";
    }
  }
  return out + "</testsuite>\n";
}

inline std::string Report::to_text() const {
  std::string out = check + " " + subject + ": " + (passed() ? "passed" : std::to_string(violations.size()) + (violations.size() == 1 ? " law broken" : " laws broken")) + "; " +
                    std::to_string(laws.size()) + " laws, " + std::to_string(cases) + " cases, " + std::to_string(states) + " distinct states" + (crash_states != 0 ? ", " + std::to_string(crash_states) + " of them crash states" : "") + "\n";
  for (const Violation& one : violations) {
    out += "\n" + one.law + ": " + one.sentence + "\n";
    for (std::size_t at = 0; at < one.script.size();) {
      const std::size_t end = std::min(one.script.find('\n', at), one.script.size());
      out += "    " + one.script.substr(at, end - at) + "\n";
      at = end + 1;
    }
    out += "  usual cause: " + one.usual_cause + "\n  reproduce:   " + one.reproducer + "\n";
  }
  return out;
}

}  // namespace kfm_det::conformance

#endif
