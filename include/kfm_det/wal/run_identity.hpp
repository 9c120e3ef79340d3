// SPDX-License-Identifier: BSL-1.0
/// \file
/// What runs and effects are called (DESIGN 5; docs/formats/wal.md, "Identities"): made from what their PLAN record says, so that whoever reads it can make them again.
///
/// Thread-safety: pure functions.
#ifndef KFM_DET_WAL_RUN_IDENTITY_HPP
#define KFM_DET_WAL_RUN_IDENTITY_HPP

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/core/ids.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/core/version.hpp"

namespace kfm_det::wal {

/// One effect of one run, the same on every retry (DESIGN 5).
[[nodiscard]] inline EffectId effect_id(const RunId& run, std::string_view step) { return EffectId{domain_digest("kfm_det/v1/effect", run.text() + "\n" + std::string(step))}; }

/// What a run id is made of: the same trigger over the same inputs and version behind the same predecessor is the same run (DESIGN 5).
struct RunIdentity {
  StreamId stream;
  Incarnation incarnation = 1;
  std::string updater_id;
  Version version{0, 0, 0};
  std::string trigger_key;
  InputHash inputs;
  std::optional<RunId> predecessor;   ///< the run of this trigger key with the newest PLAN record, whatever its state
};
[[nodiscard]] inline result<RunId> run_id(const RunIdentity& of) {
  Json array = Json::array();
  for (Json part : {Json("kfm_det/v1/run"), Json(of.stream.text), Json(of.incarnation), Json(of.updater_id), Json(of.version.text()), Json(of.trigger_key), Json(of.inputs.hex()),
                    of.predecessor ? Json(of.predecessor->text()) : Json()})
    array.push(std::move(part));
  KFM_DET_TRY(const std::string text, canonical(array));
  return RunId{uuid_v8(sha256(text))};
}

}  // namespace kfm_det::wal

#endif
