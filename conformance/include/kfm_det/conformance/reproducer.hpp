// SPDX-License-Identifier: BSL-1.0
/// \file
/// A reproducer line: "kfm_det/1 check_store part=crash-1 choices=0.1.2", and why a text is none.
///
/// Thread-safety: plain values.
#ifndef KFM_DET_CONFORMANCE_REPRODUCER_HPP
#define KFM_DET_CONFORMANCE_REPRODUCER_HPP

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kfm_det/conformance/choices.hpp"
#include "kfm_det/conformance/report.hpp"

namespace kfm_det::conformance {

struct Reproducer {
  std::string check, part;   ///< the part as one word
  ChoiceVector choices;

  [[nodiscard]] std::string text() const { return std::string(reproducer_version) + " " + check + " part=" + part + " choices=" + to_text(choices); }
};

/// None: `why` says what is wrong with the line.
[[nodiscard]] inline std::optional<Reproducer> read_reproducer(std::string_view line, std::string& why) {
  const std::string form = " (a line has the form \"" + std::string(reproducer_version) + " CHECK part=PART choices=NUMBERS\")";
  std::string_view rest = line;
  const auto word = [&] {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view out = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return std::string(out);
  };
  const std::string version = word();
  Reproducer out;
  out.check = word();
  const std::string part = word(), choices = word();
  if (version != reproducer_version) {
    why = version.starts_with("kfm_det/") ? "this line is of version " + version + " of the kit, and this one is " + std::string(reproducer_version) + ": its choices mean something else" : "this is no reproducer line" + form;
    return std::nullopt;
  }
  if (out.check.empty() || !part.starts_with("part=") || part.size() == 5 || !choices.starts_with("choices=")) {
    why = "the line is not whole" + form;
    return std::nullopt;
  }
  auto vector = choices_of(std::string_view(choices).substr(8));
  if (!vector) {
    why = "its choices cannot be read: \"" + choices.substr(8) + "\" is not numbers with points between, nor \"-\"" + form;
    return std::nullopt;
  }
  if (!rest.empty()) {
    why = "something follows the choices: \"" + std::string(rest) + "\"" + form;
    return std::nullopt;
  }
  out.part = part.substr(5);
  out.choices = *std::move(vector);
  return out;
}

}  // namespace kfm_det::conformance

#endif
