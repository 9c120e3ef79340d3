// SPDX-License-Identifier: BSL-1.0
/// \file
/// Checkpoint: an atomic group of CHECKPOINT entries at which a log may begin (DESIGN 6; docs/formats/wal.md). What stands in front of one is no longer needed:
/// the state of every run that it says is the state that the records below it give, and it knows the end of every group below, so an old witness is judged as before.
///
/// This header is what recovery and stores need of it: which frame begins one, is it whole, its text, the ends. The state is wal/checkpoint_state.hpp,
/// making one is wal/compact.hpp. It is written at the start of a segment, so that what is below can go as whole files.
/// Thread-safety: plain functions over values.
#ifndef KFM_DET_WAL_CHECKPOINT_HPP
#define KFM_DET_WAL_CHECKPOINT_HPP

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/function_ref.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/json_parser.hpp"
#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/core/utf8.hpp"
#include "kfm_det/wal/envelope_reader.hpp"

namespace kfm_det::wal {

/// Whether a record's text may be that of a CHECKPOINT entry: one search. The words may stand deeper inside of another one, too.
[[nodiscard]] inline bool may_be_checkpoint(std::string_view record) { return record.find("\"operation\":\"CHECKPOINT\"") != std::string_view::npos; }

/// The payload of a record that is a CHECKPOINT entry; none for any other. Costs one search of the record's text when it is not.
[[nodiscard]] inline std::optional<Json> checkpoint_payload(std::string_view record) {
  if (!may_be_checkpoint(record)) return std::nullopt;
  auto json = parse_json(record);
  if (!json) return std::nullopt;
  const auto is = [&](std::string_view member, std::string_view value) {
    const Json* found = json.value().find(member);
    return found && found->string() && *found->string() == value;
  };
  const Json* payload = json.value().find("payload");
  if (!payload || !is("operation", operation::checkpoint) || !is("phase", "CONTROL")) return std::nullopt;
  return *payload;
}

/// Whether a sealed line is the first of a checkpoint's group. The line is looked at, not verified: who appends has just sealed it.
[[nodiscard]] inline bool begins_checkpoint(BytesView line) {
  if (!may_be_checkpoint(line)) return false;
  const Line read = read_line(line);
  return read.kind == LineKind::frame && read.group_index == 0 && checkpoint_payload(read.record).has_value();
}

/// The ends of all groups up to an LSN: a sink's witness is always one of them. Per incarnation the sizes of the groups and their hashes, so one costs about 70 bytes.
class GroupEnds {
 public:
  /// The next frame of the log; frames come in order.
  void see(const Line& line) {
    if (line.group_index + 1 != line.group_count) return;
    if (spans_.empty() || spans_.back().incarnation != line.incarnation) spans_.push_back({line.incarnation, line.lsn + 1 - line.group_count, {}, {}});
    spans_.back().counts.push_back(line.group_count);
    spans_.back().hashes.push_back(line.hash);
  }
  /// The end of a group at this LSN, if there is one.
  [[nodiscard]] std::optional<Head> find(const StreamId& stream, Lsn lsn) const {
    for (const Span& span : spans_) {
      Lsn last = span.first - 1;
      for (std::size_t i = 0; i < span.counts.size() && last < lsn; ++i) {
        last += span.counts[i];
        if (last == lsn) return Head{stream, span.incarnation, lsn, span.hashes[i]};
      }
    }
    return std::nullopt;
  }
  /// Every group: its incarnation, first and last LSN, and the hash of its end; in order.
  void visit(function_ref<void(Incarnation, Lsn, Lsn, const Digest&)> visitor) const {
    for (const Span& span : spans_) {
      Lsn first = span.first;
      for (std::size_t i = 0; i < span.counts.size(); ++i) {
        visitor(span.incarnation, first, first + span.counts[i] - 1, span.hashes[i]);
        first += span.counts[i];
      }
    }
  }
  [[nodiscard]] std::size_t size() const {
    std::size_t sum = 0;
    for (const Span& span : spans_) sum += span.counts.size();
    return sum;
  }

  /// As a checkpoint lists them: items of at most some thousand ends.
  void write(std::vector<Json>& items) const {
    constexpr std::size_t ends_max = 4096;
    for (const Span& span : spans_) {
      Lsn first = span.first;
      for (std::size_t i = 0; i < span.counts.size();) {
        Json counts = Json::array();
        std::string hashes;
        const Lsn begins = first;
        for (const std::size_t end = std::min(i + ends_max, span.counts.size()); i < end; ++i) {
          counts.push(Json(span.counts[i]));
          hashes += span.hashes[i].hex();
          first += span.counts[i];
        }
        items.push_back(Json::object({{"ends", Json::object({{"counts", std::move(counts)}, {"first", Json(begins)}, {"hashes", Json(std::move(hashes))}, {"incarnation", Json(span.incarnation)}})}}));
      }
    }
  }
  /// Reads one such item behind what is there. Errors: invalid_json.
  [[nodiscard]] result<void> read(const Json& item) {
    Line line;
    KFM_DET_TRY(line.incarnation, get_u64(item, "incarnation"));
    KFM_DET_TRY(line.lsn, get_u64(item, "first"));
    KFM_DET_TRY(const Json* const counts, get_array(item, "counts"));
    KFM_DET_TRY(const std::string hashes, get_string(item, "hashes"));
    if (hashes.size() != 64 * counts->items().size()) return Error(errc::invalid_json, "a checkpoint whose group ends have not as many hashes as counts");
    --line.lsn;
    for (std::size_t i = 0; i < counts->items().size(); ++i) {
      const double* const count = counts->items()[i].number();
      if (!count || *count < 1 || *count > 4294967295.0) return Error(errc::invalid_json, "a checkpoint with a group that has no size");
      line.group_count = static_cast<std::uint32_t>(*count);
      line.group_index = line.group_count - 1;
      line.lsn += line.group_count;
      KFM_DET_TRY(line.hash, Digest::from_hex(std::string_view(hashes).substr(64 * i, 64)));
      see(line);
    }
    return success();
  }
  friend bool operator==(const GroupEnds&, const GroupEnds&) = default;

 private:
  struct Span {
    Incarnation incarnation = 1;
    Lsn first = 1;                       // of the first group
    std::vector<std::uint32_t> counts;
    std::vector<Digest> hashes;
    friend bool operator==(const Span&, const Span&) = default;
  };
  std::vector<Span> spans_;
};

/// One thing that a checkpoint says: `{"ends":[...]}`, `{"keys":[...]}`, `{"run":{...}}`, `{"token":N}`.
using CheckpointItem = function_ref<result<void>(const Json&)>;

/// Puts the pieces of a checkpoint's text together, entry by entry, and gives out its items, one a line of the text. Holds a piece and an item.
class CheckpointText {
 public:
  /// The next entry's payload. Errors: invalid_json for one that cannot be read; what the visitor answers.
  [[nodiscard]] result<void> see(std::uint32_t group_index, const Json& payload, CheckpointItem visitor) {
    if (group_index == 0) rest_.clear();
    KFM_DET_TRY(const std::string piece, get_string(payload, "text"));
    return see(piece, visitor);
  }
  [[nodiscard]] result<void> see(std::string_view piece, CheckpointItem visitor) {
    rest_ += piece;
    std::size_t at = 0;
    for (std::size_t end; (end = rest_.find('\n', at)) != std::string::npos; at = end + 1) {
      KFM_DET_TRY(const Json item, parse_json(std::string_view(rest_).substr(at, end - at)));
      KFM_DET_TRY(visitor(item));
    }
    rest_.erase(0, at);
    return success();
  }
  /// Behind the last entry: an item that has begun is a fault.
  [[nodiscard]] bool is_whole() const noexcept { return rest_.empty(); }

 private:
  std::string rest_;
};

/// The payloads of a checkpoint's entries. `done_head`: the highest head that a DONE carries since the last accepted loss, in the shape of a DONE's own, or null:
/// it stands in the first entry as it stands in a DONE, and judges a sink as that one did.
[[nodiscard]] inline result<std::vector<Json>> checkpoint_payloads(std::span<const Json> items, const Json& done_head, std::size_t line_bytes_max) {
  std::string text;
  for (const Json& item : items) {
    KFM_DET_TRY(append_canonical(text, item));
    text += '\n';
  }
  std::vector<Json> out;
  const auto pieces = kfm_det::detail::pieces(text, kfm_det::detail::piece_bytes_max(line_bytes_max));
  for (const std::string_view piece : pieces)
    out.push_back(Json::object({{"part", Json(static_cast<std::uint64_t>(out.size()))}, {"parts", Json(static_cast<std::uint64_t>(pieces.size()))}, {"text", Json(piece)}}));
  if (!done_head.is_null()) out.front().set("head", done_head);
  return out;
}

/// A whole checkpoint at the front of a segment's bytes: what the log begins with when nothing is below.
struct Base {
  Lsn first = 1, last = 0;    ///< of the group
  Digest prev;                ///< that its first frame states: the hash of what was below
  Incarnation incarnation = 1;
  Bytes text;                 ///< the entries' pieces, put together
};
/// Looks at the first frame that stands in `bytes`: does a whole checkpoint of this stream begin there, at LSN `first`?
[[nodiscard]] inline std::optional<Base> read_base(BytesView bytes, const StreamId& stream, Lsn first) {
  std::optional<Base> out;
  Digest link;
  std::uint32_t index = 0, count = 0;
  for (std::size_t at = bytes.find("{\"body\":{"); at < bytes.size();) {
    if (bytes[at] == '\n') { at = std::min(bytes.find_first_not_of('\n', at), bytes.size()); continue; }
    const std::size_t end = bytes.find('\n', at);
    if (end == BytesView::npos) return std::nullopt;   // the newline belongs to the frame
    const Line line = read_line(bytes.substr(at, end - at));
    at = end + 1;
    if (line.kind == LineKind::mark && line.stream == stream.text && !out) continue;
    if (line.kind != LineKind::frame || line.stream != stream.text || line.group_index != index || line.lsn != first + index) return std::nullopt;
    if (out && (line.link != link || line.group_count != count || line.incarnation != out->incarnation)) return std::nullopt;
    const auto payload = checkpoint_payload(line.record);
    if (!payload) return std::nullopt;
    if (!out) { out = Base{first, 0, line.link, line.incarnation, {}}; count = line.group_count; }
    if (const Json* piece = payload->find("text"); piece && piece->string()) out->text += *piece->string();
    link = line.hash;
    out->last = line.lsn;
    if (++index == count) return out;
  }
  return std::nullopt;
}

/// The group ends that a checkpoint lists; those that can be read.
[[nodiscard]] inline GroupEnds ends_of(const Base& base) {
  GroupEnds out;
  CheckpointText text;
  (void)text.see(base.text, [&](const Json& item) -> result<void> {
    const Json* list = item.find("ends");
    return list ? out.read(*list) : result<void>(success());
  });
  return out;
}

}  // namespace kfm_det::wal

#endif
