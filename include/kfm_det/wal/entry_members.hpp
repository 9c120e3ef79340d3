// SPDX-License-Identifier: BSL-1.0
/// \file
/// Which entries this version knows, and what their payloads may hold: the table of docs/formats/wal.md, "Records".
///
/// Thread-safety: a pure function.
#ifndef KFM_DET_WAL_ENTRY_MEMBERS_HPP
#define KFM_DET_WAL_ENTRY_MEMBERS_HPP

#include <array>
#include <string_view>

#include "kfm_det/wal/record.hpp"

namespace kfm_det::wal {

struct KnownEntry {
  Phase phase;
  std::string_view operation;                 ///< empty: any, the operation of a step
  Status status;
  std::array<std::string_view, 8> members;    ///< that its payload may hold; the rest is empty
};
inline constexpr KnownEntry known_entries[] = {
    {Phase::PLAN, operation::plan, Status::DONE, {"effects", "inputs", "parts", "plan", "plan_hash", "predecessor", "retired", "trigger"}},
    {Phase::CONTROL, operation::plan_part, Status::DONE, {"part", "text"}},
    {Phase::EXECUTE, "", Status::DONE, {"bytes", "content", "key", "size"}},
    {Phase::EXECUTE, "execute", Status::FAILED, {"failure"}},
    {Phase::UPSERT, operation::upsert, Status::IN_PROGRESS, {"business_key", "effect", "key", "tombstone"}},
    {Phase::UPSERT, operation::upsert, Status::DONE, {"effect", "head", "result"}},
    {Phase::UPSERT, operation::upsert, Status::FAILED, {"failure"}},
    {Phase::COMMIT, operation::commit, Status::DONE, {"effects"}},
    {Phase::CONTROL, operation::attempt, Status::IN_PROGRESS, {"attempt"}},
    {Phase::CONTROL, operation::attempt, Status::DONE, {}},
    {Phase::CONTROL, operation::undo, Status::IN_PROGRESS, {"failure", "outcome"}},
    {Phase::UPSERT, operation::withdraw, Status::IN_PROGRESS, {"business_key", "effect"}},
    {Phase::UPSERT, operation::withdraw, Status::DONE, {"effect", "head"}},
    {Phase::CONTROL, operation::settled, Status::DONE, {"failure", "outcome"}},
    {Phase::CONTROL, operation::loss, Status::IN_PROGRESS, {"evidence", "lost", "part", "verdict", "witness"}},
    {Phase::CONTROL, operation::loss, Status::DONE, {"head"}},
    {Phase::CONTROL, operation::checkpoint, Status::DONE, {"head", "part", "parts", "text"}},
};

/// Null for an entry that this version does not know. LINEAGE is reserved, and has no row.
[[nodiscard]] constexpr const KnownEntry* find_entry(const WalRecord& record) noexcept {
  for (const KnownEntry& known : known_entries)
    if (known.phase == record.phase && known.status == record.status && (known.operation.empty() || known.operation == record.operation)) return &known;
  return nullptr;
}

}  // namespace kfm_det::wal

#endif
