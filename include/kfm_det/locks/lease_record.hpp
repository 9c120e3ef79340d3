// SPDX-License-Identifier: BSL-1.0
/// \file
/// LeaseRecord: what a lease file of FileLock says, and its format, "kfm_det/lease/1".
///
/// A lease file is two slots of 1024 bytes. A slot is one line of canonical JSON, filled with spaces up to its newline, so the file is JSON Lines:
///
///     {"body":{"deadline_ns":88421000000,"epoch":"b58ea783-...","format":"kfm_det/lease/1","ordinal":3,"owner":"web1/4242/88421/1",
///      "released":false,"sequence":2,"token":3},"hash":"<SHA-256 of "kfm_det/v1/lease\n" and the bytes of body, 64 hex digits>"}
///
/// (in one line). The record with sequence n stands in slot n mod 2; the valid slot of the highest sequence is what the file says. So a writer that changes
/// its record overwrites the older one, and whoever reads while it writes finds the other. Integers beyond 2^53 - 1 are decimal strings.
/// A reader that knows neither slot (torn, rotted, of a later format) still knows the ordinal, from the name. Thread-safety: values and pure functions.
#ifndef KFM_DET_LOCKS_LEASE_RECORD_HPP
#define KFM_DET_LOCKS_LEASE_RECORD_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/json_parser.hpp"
#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/core/time.hpp"

namespace kfm_det {

struct LeaseRecord {
  std::uint64_t ordinal = 0;   ///< of the file; a copied file is not believed
  FencingToken token;
  OwnerId owner;
  std::string epoch;           ///< of the clock that `deadline` stands on
  Duration deadline;
  bool released = false;
  std::uint64_t sequence = 0;  ///< grows with each change
  friend bool operator==(const LeaseRecord&, const LeaseRecord&) = default;

  static constexpr std::size_t slot_bytes = 1024;
  static constexpr std::size_t file_bytes = 2 * slot_bytes;
  /// Where in the file this record belongs.
  [[nodiscard]] std::uint64_t offset() const noexcept { return sequence % 2 * slot_bytes; }

  /// The slot. Errors: invalid_json for an owner or epoch that is not UTF-8; limit_exceeded when they do not fit.
  [[nodiscard]] result<Bytes> encode() const;
  /// The record of one slot, when it is whole.
  [[nodiscard]] static std::optional<LeaseRecord> decode(BytesView slot);
};

inline result<Bytes> LeaseRecord::encode() const {
  KFM_DET_TRY(const std::string body, canonical(Json::object({{"deadline_ns", deadline.ns},
                                                              {"epoch", epoch},
                                                              {"format", "kfm_det/lease/1"},
                                                              {"ordinal", ordinal},
                                                              {"owner", owner.text},
                                                              {"released", released},
                                                              {"sequence", sequence},
                                                              {"token", token.value}})));
  Bytes slot = "{\"body\":" + body + ",\"hash\":\"" + domain_digest("kfm_det/v1/lease", body).hex() + "\"}";
  if (slot.size() >= slot_bytes) return Error(errc::limit_exceeded, "the owner's name is too long for a lease file", owner.text.substr(0, 80), "Use at most 100 characters.");
  slot.resize(slot_bytes - 1, ' ');
  slot += '\n';
  return slot;
}

inline std::optional<LeaseRecord> LeaseRecord::decode(BytesView slot) {
  constexpr BytesView before = "{\"body\":", between = ",\"hash\":\"", behind = "\"}";
  constexpr std::size_t digits = 64, frame = between.size() + digits + behind.size();
  const BytesView line = slot.substr(0, slot.find_last_not_of(" \n") + 1);
  if (slot.size() != slot_bytes || line.size() < before.size() + frame || !line.starts_with(before)) return std::nullopt;
  const BytesView body = line.substr(before.size(), line.size() - before.size() - frame), rest = line.substr(line.size() - frame);
  if (!rest.starts_with(between) || !rest.ends_with(behind) || rest.substr(between.size(), digits) != domain_digest("kfm_det/v1/lease", body).hex()) return std::nullopt;
  const auto read = [&]() -> result<LeaseRecord> {
    KFM_DET_TRY(const Json json, parse_json(body));
    LeaseRecord record;
    KFM_DET_TRY(const std::string format, get_string(json, "format"));
    if (format != "kfm_det/lease/1") return Error(errc::unsupported_version, "a lease file of another format", format);
    KFM_DET_TRY(record.ordinal, get_u64(json, "ordinal"));
    KFM_DET_TRY(record.token.value, get_u64(json, "token"));
    KFM_DET_TRY(record.owner.text, get_string(json, "owner"));
    KFM_DET_TRY(record.epoch, get_string(json, "epoch"));
    KFM_DET_TRY(record.deadline.ns, get_i64(json, "deadline_ns"));
    KFM_DET_TRY(record.released, get_bool(json, "released"));
    KFM_DET_TRY(record.sequence, get_u64(json, "sequence"));
    return record;
  };
  auto record = read();
  if (!record) return std::nullopt;
  return std::move(record).value();
}

}  // namespace kfm_det

#endif
