// SPDX-License-Identifier: BSL-1.0
/// \file
/// WalRecord: the one fact. Lineage, telemetry, ledgers and reports are projections of these.
///
/// Fields: contract 1 section 4.1 and contract 3 "Required Fields", under one set of names (DESIGN 10). `wal_id` is per run; the entry has
/// `entry_id`. On disk a step's status is one of four; UNKNOWN is what recovery calls IN_PROGRESS without DONE. Plain values.
#ifndef KFM_DET_WAL_RECORD_HPP
#define KFM_DET_WAL_RECORD_HPP

#include <cstdint>
#include <optional>
#include <string>

#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/describe.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/core/ids.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/time.hpp"
#include "kfm_det/core/version.hpp"

namespace kfm_det::wal {

/// The contract's phases; CONTROL carries ATTEMPT, SETTLED, UNDO, LOSS, CHECKPOINT and PLAN_PART in `operation`.
enum class Phase : std::uint8_t { PLAN, EXECUTE, UPSERT, LINEAGE, COMMIT, CONTROL };
enum class Status : std::uint8_t { PENDING, IN_PROGRESS, DONE, FAILED };
KFM_DET_DESCRIBE_ENUM(Phase, PLAN, EXECUTE, UPSERT, LINEAGE, COMMIT, CONTROL)
KFM_DET_DESCRIBE_ENUM(Status, PENDING, IN_PROGRESS, DONE, FAILED)

/// The words of `operation` in CONTROL entries, and of the log's own verbs.
namespace operation {
inline constexpr std::string_view attempt = "ATTEMPT";
inline constexpr std::string_view settled = "SETTLED";
inline constexpr std::string_view undo = "UNDO";
inline constexpr std::string_view loss = "LOSS";
inline constexpr std::string_view checkpoint = "CHECKPOINT";
inline constexpr std::string_view plan_part = "PLAN_PART";
inline constexpr std::string_view plan = "plan";
inline constexpr std::string_view upsert = "upsert";
inline constexpr std::string_view withdraw = "withdraw";
inline constexpr std::string_view commit = "commit";
}  // namespace operation

struct WalRecord {
  RunId wal_id;                     ///< of the run
  std::uint64_t seq = 0;            ///< strictly increasing within the run, from 1
  EntryId entry_id;                 ///< UUIDv8 of (prev, wal_id, seq); the log fills it in
  Instant ts;                       ///< never goes back within a stream; the log fills it in
  Phase phase = Phase::CONTROL;
  std::string operation;            ///< operation type of the step, or one of wal::operation
  std::string step_id;              ///< empty for the run as a whole
  Status status = Status::DONE;
  std::string updater_id;
  Version updater_version{0, 0, 0};
  InputHash input_hash;
  std::string actor;                ///< developer, CI or system agent
  std::uint64_t token = 0;          ///< the lease's fencing token
  std::uint32_t tier = 0;           ///< risk, 0 to 3
  std::optional<Digest> pre_state_hash;
  std::optional<Digest> post_state_expected;
  Json payload = Json::object();    ///< exact action or result; its shape is the writer's (docs/formats/wal.md)
  std::optional<Json> reversal;     ///< how the operator's preview says it would be undone
  std::optional<Json> governance;   ///< CARE labels and approvals
  std::optional<Json> lineage_links;
  std::optional<Json> telemetry;
};
KFM_DET_DESCRIBE(WalRecord, wal_id, seq, entry_id, ts, phase, operation, step_id, status, updater_id, updater_version, input_hash, actor, token, tier,
                 pre_state_hash, post_state_expected, payload, reversal, governance, lineage_links, telemetry)

}  // namespace kfm_det::wal

#endif
