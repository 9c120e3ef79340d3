// SPDX-License-Identifier: BSL-1.0
/// \file
/// Examine: everything about a line that the line alone tells: its hash, its record, its entry id, its signature. The costly part of verify.
///
/// Thread-safety: pure functions; pieces of one segment may be examined in any number of threads. What lines say about each other is the auditor's
/// (wal/audit.hpp), in order.
#ifndef KFM_DET_WAL_EXAMINE_HPP
#define KFM_DET_WAL_EXAMINE_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "kfm_det/core/function_ref.hpp"
#include "kfm_det/wal/envelope_reader.hpp"
#include "kfm_det/wal/key_ring.hpp"
#include "kfm_det/wal/recovery.hpp"

namespace kfm_det::wal {

enum class SignatureState : std::uint8_t { none, not_verified, valid, invalid, algorithm_refused, key_unknown, key_out_of_range };

/// A line that was examined. It owns what it says.
struct Entry {
  LineKind kind = LineKind::garbage;
  bool is_foreign = false;       ///< of another stream
  bool is_complete = true;       ///< a newline ends it
  bool is_too_long = false;      ///< longer than any line may be: garbage that was not even looked at
  bool has_right_id = true;
  bool is_checkpoint = false;    ///< looked for where records are examined, or `Examination::checkpoints` asks
  SignatureState signature = SignatureState::none;
  std::uint32_t group_index = 0, group_count = 1;
  Incarnation incarnation = 0;
  Lsn lsn = 0;
  Lsn durable_upto = 0;
  std::uint64_t offset = 0, length = 0;   ///< in its segment, without the newline
  Digest link, hash;
  std::string detail{};                   ///< what a sentence needs: the other stream, the key and algorithm, why the record cannot be read
  std::unique_ptr<WalRecord> record{};    ///< where records are examined, or it may be a checkpoint's; and it can be read
};

struct Examination {
  StreamId stream;
  const KeyRing* ring = nullptr;   ///< null: signatures are not verified
  bool records = true;             ///< false: the chain alone
  std::size_t line_bytes_max = 2 * limits::line_bytes_max;   ///< a longer line is not looked at
  bool checkpoints = true;         ///< without records: whether to look for checkpoints at all
};
using EntryVisitor = function_ref<void(Entry&&)>;

namespace detail {

inline SignatureState check_signature(const Line& line, const KeyRing& ring) {
  // The reader pins the algorithm and the keys: what the line says only chooses among them.
  if (line.signature.algorithm != ed25519) return SignatureState::algorithm_refused;
  const RingKey* const key = ring.find(line.signature.key);
  if (key == nullptr) return SignatureState::key_unknown;
  if (!key->is_valid_at({line.incarnation, line.lsn})) return SignatureState::key_out_of_range;
  char raw[signature_bytes_max];
  (void)kfm_det::detail::read_hex(raw, line.signature.value);   // read_line has seen that it is hex, and not too long
  std::string what;
  signed_bytes(what, line.signature.algorithm, line.signature.key, line.sealed_hash, line.incarnation, line.lsn, line.stream);
  return key->key.verify(what, {raw, line.signature.value.size() / 2}) ? SignatureState::valid : SignatureState::invalid;
}

inline void examine_frame(const Examination& how, const Line& line, Entry& out) {
  if (line.signature) {
    out.signature = how.ring ? check_signature(line, *how.ring) : SignatureState::not_verified;
    if (how.ring && out.signature != SignatureState::valid) out.detail = "algorithm " + std::string(line.signature.algorithm) + ", key " + std::string(line.signature.key);
  }
  if (!how.records && !(how.checkpoints && may_be_checkpoint(line.record))) return;
  if (auto record = read_record(line)) {
    out.record = std::make_unique<WalRecord>(std::move(record).value());
    out.is_checkpoint = out.record->phase == Phase::CONTROL && out.record->operation == operation::checkpoint;
    out.has_right_id = out.record->entry_id == entry_id(line.link, out.record->wal_id, out.record->seq);
  } else {
    out.detail = record.error().what();
  }
}

}  // namespace detail

/// What stands for a line that is longer than any.
[[nodiscard]] inline Entry too_long(const Examination& how, std::uint64_t offset) {
  Entry out;
  out.is_too_long = true;
  out.offset = offset;
  out.length = how.line_bytes_max;
  return out;
}

/// Gives the lines of `bytes` in order; `offset` is where they begin in their segment. Only the last line may lack its newline.
inline void examine(const Examination& how, BytesView bytes, std::uint64_t offset, EntryVisitor visitor) {
  constexpr int hidden_max = 64;   // a sector hides a few; text made to hide thousands would cost the square of its length
  int hidden = 0;
  std::size_t last_end = BytesView::npos;
  for (std::size_t at = 0; at < bytes.size();) {
    if (bytes[at] == '\n') {   // prewritten space or a gap
      at = std::min(bytes.find_first_not_of('\n', at), bytes.size());
      continue;
    }
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    if (end != last_end) hidden = 0;
    last_end = end;
    const BytesView text = bytes.substr(at, end - at);
    Entry out;
    if (text.size() > how.line_bytes_max) {
      visitor(too_long(how, offset + at));
      at = end + 1;
      continue;
    }
    const Line line = read_line(text);
    out.kind = line.kind;
    out.is_complete = end < bytes.size();
    out.offset = offset + at;
    out.length = text.size();
    at = end + 1;
    if (line.kind == LineKind::garbage) {
      const std::size_t inside = hidden < hidden_max ? next_beginning(text) : BytesView::npos;
      if (inside != BytesView::npos) {   // a destroyed newline hides a line
        out.length = inside;
        at = end - text.size() + inside;
        ++hidden;
      }
    } else if (line.kind != LineKind::newer_format) {
      out.incarnation = line.incarnation;
      out.lsn = line.lsn;
      out.link = line.link;
      out.hash = line.hash;
      out.group_index = line.group_index;
      out.group_count = line.group_count;
      out.durable_upto = line.durable_upto;
      out.is_foreign = line.stream != how.stream.text;
      if (out.is_foreign) out.detail = line.stream;
      else if (line.kind == LineKind::frame) detail::examine_frame(how, line, out);
    }
    visitor(std::move(out));
  }
}

}  // namespace kfm_det::wal

#endif
