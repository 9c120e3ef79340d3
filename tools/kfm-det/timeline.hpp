// SPDX-License-Identifier: BSL-1.0
/// \file
/// Timeline: a run's Story in lines that a person can read: what happened when, how long it took, where its owner stopped and who went on.
///
/// Records of one kind that stand together become one line. A change of tenure becomes a line of its own: a run that has not ended and whose next record
/// is another tenure's was stopped, on request where the log says so. Pure functions over values.
#ifndef KFM_DET_TOOLS_KFM_DET_TIMELINE_HPP
#define KFM_DET_TOOLS_KFM_DET_TIMELINE_HPP

#include <string>
#include <utility>
#include <vector>

#include "story.hpp"

namespace kfm_det::tool {

/// One line.
struct Beat {
  enum class Kind : std::uint8_t { records, stopped /* killed, or an error that may pass */, stopped_on_request, later /* it had ended; somebody came back to it */, loss };
  Kind kind = Kind::records;
  Lsn first = 0, last = 0;         ///< of records
  Instant from{0}, to{0};
  std::string label;               ///< phase, or the control entry's word
  std::string what;                ///< a sentence
  Tone tone = Tone::plain;
};

/// `each`: every record its own line.
[[nodiscard]] std::vector<Beat> timeline(const Story& story, bool each);

/// Where the time of the run went, in the order of its life: ("planning", 2 ms), ("stopped", 3 s) ...
[[nodiscard]] std::vector<std::pair<std::string, Duration>> durations(const Story& story);

/// How often its owner stopped without a word, and how often it was stopped on request.
struct Stops { std::uint64_t without_a_word = 0, on_request = 0; };
[[nodiscard]] Stops stops(const Story& story);

}  // namespace kfm_det::tool

#endif
