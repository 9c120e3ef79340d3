// SPDX-License-Identifier: BSL-1.0
/// \file
/// StoreOracle: what a log may hold, from the contract alone. FrameMaker: the frames that the kit appends.
///
/// Groups are submitted before the store is asked. A group is *due* once a sync or a recovery has answered for it, *dead* once a recovery has answered
/// without it, *refused* once its append has answered an error and a later sync or close has succeeded. What a reader may find: everything due, then
/// whole groups that are neither dead nor refused, each behind the one before. Thread-safety: none.
#ifndef KFM_DET_CONFORMANCE_DETAIL_STORE_ORACLE_HPP
#define KFM_DET_CONFORMANCE_DETAIL_STORE_ORACLE_HPP

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/checksum.hpp"
#include "kfm_det/core/assert.hpp"
#include "kfm_det/wal/checkpoint.hpp"
#include "kfm_det/wal/envelope_reader.hpp"

namespace kfm_det::conformance::detail {

/// Where a tenure's next frame goes.
struct Chain {
  Incarnation incarnation = 1;
  Lsn last = 0, durable = 0;
  Digest hash;
};

using Frames = std::vector<Bytes>;

/// Seals the frames of one group behind `chain`, and moves it. `text` goes into each; `size_bytes` is about how long a frame shall be.
[[nodiscard]] inline Frames make_frames(const StreamId& stream, Chain& chain, std::uint32_t count, std::size_t size_bytes, const std::string& text) {
  Frames out;
  const Lsn durable = chain.durable;
  for (std::uint32_t i = 0; i < count; ++i) {
    Bytes line;
    std::string body = text + "." + std::to_string(i);
    if (body.size() + 300 < size_bytes) body += std::string(size_bytes - body.size() - 300, static_cast<char>('a' + (chain.last + i) % 26));
    const wal::Envelope envelope{stream, chain.incarnation, chain.last + 1 + i, chain.hash, i, count, durable};
    auto sealed = wal::seal_frame(line, envelope, Json::object({{"text", Json(body)}}));
    KFM_DET_ASSERT(sealed);
    chain.hash = sealed.value();
    out.push_back(std::move(line));
  }
  chain.last += count;
  return out;
}

/// A checkpoint of two frames behind `log`, which is whole: what a log may be trimmed to. It lists the ends of all groups, so old witnesses stay good.
[[nodiscard]] inline Frames make_checkpoint(const StreamId& stream, Chain& chain, const Frames& log) {
  wal::GroupEnds ends;
  for (const Bytes& frame : log) ends.see(wal::read_line(frame));
  std::vector<Json> items;
  ends.write(items);
  std::string text;
  for (const Json& item : items) KFM_DET_ASSERT(append_canonical(text, item).has_value());
  text += '\n';
  Frames out;
  const Lsn durable = chain.durable;
  for (std::uint32_t i = 0; i < 2; ++i) {
    Bytes line;
    const std::string_view half = std::string_view(text).substr(i == 0 ? 0 : text.size() / 2, i == 0 ? text.size() / 2 : std::string_view::npos);
    const Json payload = Json::object({{"part", Json(i)}, {"parts", Json(2)}, {"text", Json(half)}});
    auto sealed = wal::seal_frame(line, {stream, chain.incarnation, chain.last + 1 + i, chain.hash, i, 2, durable}, Json::object({{"operation", Json(wal::operation::checkpoint)}, {"payload", payload}, {"phase", Json("CONTROL")}}));
    KFM_DET_ASSERT(sealed);
    chain.hash = sealed.value();
    out.push_back(std::move(line));
  }
  chain.last += 2;
  return out;
}

class StoreOracle {
 public:
  enum class State : std::uint8_t { pending, dead, refused };
  struct Group {
    Lsn first = 0;
    Frames frames;
    State state = State::pending;
    bool failed = false;   // its append answered an error
    std::uint64_t hash = 0;
  };

  /// A group is about to be appended. Answers its number.
  std::size_t submit(Lsn first, const Frames& frames) {
    std::uint64_t hash = first;
    for (const Bytes& frame : frames) hash = xxh3(frame, hash);
    for (std::size_t i = 0; i < groups_.size(); ++i)
      if (groups_[i].hash == hash && groups_[i].state == State::pending) return i;   // a retry
    groups_.push_back({first, frames, State::pending, false, hash});
    return groups_.size() - 1;
  }
  void appended(std::size_t group) { groups_[group].failed = false; }
  void failed(std::size_t group) { groups_[group].failed = true; }
  /// The machine stayed up: what an append has refused is not there.
  void refuse_failed() {
    for (Group& group : groups_)
      if (group.failed && group.state == State::pending) group.state = State::refused;
  }
  [[nodiscard]] std::size_t submitted() const noexcept { return groups_.size(); }

  /// A tenure's sync has answered: its log, whole, is due. `content`: its frames up to the LSN that was answered.
  /// False: they contradict what is due already.
  [[nodiscard]] bool acknowledge(const Frames& content) {
    for (std::size_t i = 0; i < std::min(content.size(), due_.size()); ++i)
      if (content[i] != due_[i]) return false;
    if (content.size() > due_.size()) due_ = content;
    refuse_failed();
    return true;
  }
  /// A recovery has answered with this content. What was submitted before it began and is not there is dead.
  void recovered(const Frames& content, std::size_t submitted_before) {
    for (std::size_t i = 0; i < submitted_before; ++i) {
      Group& group = groups_[i];
      const bool there = content.size() >= group.first - 1 + group.frames.size() && content[group.first - 1] == group.frames[0];
      if (!there && group.state == State::pending) group.state = State::dead;
      if (there) group.failed = false;
    }
    due_ = content;
  }
  /// Asks STORE-1, 3, 6 and 11 of what a reader found.
  void check(Play& play, const Frames& content) const {
    const auto at = [](std::size_t i) { return "LSN " + std::to_string(i + 1); };
    play.asked("STORE-3");
    for (std::size_t i = 0; i < due_.size(); ++i) {
      if (i >= content.size()) play.broke("STORE-3", at(i) + " was acknowledged (by a sync, or by a recovery that returned it) and is missing: the log ends at LSN " + std::to_string(content.size()));
      if (content[i] != due_[i]) play.broke("STORE-3", at(i) + " was acknowledged and holds other bytes now");
    }
    play.asked("STORE-11");
    play.asked("STORE-1");
    play.asked("STORE-6");
    for (std::size_t i = due_.size(); i < content.size();) {
      const Group* found = nullptr;
      for (const Group& group : groups_)
        if (group.first == i + 1 && group.frames[0] == content[i] && (!found || group.state == State::pending)) found = &group;
      if (!found) {
        for (const Group& group : groups_)
          for (const Bytes& frame : group.frames)
            if (frame == content[i]) play.broke("STORE-1", at(i) + " is a frame from the middle of a group whose beginning is not in front of it");
        play.broke("STORE-11", at(i) + " is a frame that nobody appended: " + content[i].substr(0, 120));
      }
      if (found->state == State::dead) play.broke("STORE-6", at(i) + " is there again, although an earlier recovery had answered without it");
      if (found->state == State::refused) play.broke("STORE-1", at(i) + " is there, although its append had answered an error and the log had gone on");
      for (std::size_t k = 0; k < found->frames.size(); ++k, ++i)
        if (i >= content.size() || content[i] != found->frames[k]) play.broke("STORE-1", "of a group of " + std::to_string(found->frames.size()) + " frames at LSN " + std::to_string(found->first) + " only " + std::to_string(k) + " are there");
    }
  }

  /// A trim to this LSN is asked for: from now on the log may begin there.
  void ask_base(Lsn lsn) { bases_.push_back(lsn); }
  [[nodiscard]] bool may_begin_at(Lsn lsn) const { return lsn == 1 || std::find(bases_.begin(), bases_.end(), lsn) != bases_.end(); }
  /// The highest LSN that a trim was asked to.
  [[nodiscard]] Lsn asked() const { return bases_.empty() ? 1 : *std::max_element(bases_.begin(), bases_.end()); }

  [[nodiscard]] const Frames& due() const noexcept { return due_; }
  /// The head of the last due frame: a witness that every store must agree with.
  [[nodiscard]] Head witness(const StreamId& stream) const { return head_of(stream, due_); }
  [[nodiscard]] static Head head_of(const StreamId& stream, const Frames& content) {
    Head out;
    out.stream = stream;
    if (content.empty()) return out;
    const wal::Line line = wal::read_line(content.back());
    out.incarnation = line.incarnation;
    out.lsn = line.lsn;
    out.hash = line.hash;
    return out;
  }
  [[nodiscard]] std::uint64_t hash() const {
    std::uint64_t out = due_.empty() ? 0 : xxh3(due_.back(), due_.size());
    for (const Group& group : groups_)
      if (group.first + group.frames.size() - 1 > due_.size() || group.state != State::pending) {
        const std::uint64_t parts[3] = {out, group.hash, static_cast<std::uint64_t>(group.state) * 2 + (group.failed ? 1 : 0)};
        out = xxh3(BytesView(reinterpret_cast<const char*>(parts), sizeof parts));
      }
    for (const Lsn base : bases_) out = out * 31 + base;
    return out;
  }

 private:
  Frames due_;                 // all of it, from LSN 1, whatever was trimmed
  std::vector<Group> groups_;
  std::vector<Lsn> bases_;
};

}  // namespace kfm_det::conformance::detail

#endif
