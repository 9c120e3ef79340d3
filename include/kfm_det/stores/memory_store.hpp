// SPDX-License-Identifier: BSL-1.0
/// \file
/// MemoryStore: keeps streams in memory. The tutorial of the Store contract, and the store of tests and dry runs.
///
/// Durability: none; a process that ends takes it along. Copies share their streams, so a test can "restart" an updater over the same
/// store, and `lose_unsynced` plays a power loss. Thread-safety: all verbs may be called from any thread.
#ifndef KFM_DET_STORES_MEMORY_STORE_HPP
#define KFM_DET_STORES_MEMORY_STORE_HPP

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/store.hpp"
#include "kfm_det/wal/checkpoint.hpp"
#include "kfm_det/wal/recovery.hpp"

namespace kfm_det {

class MemoryStore {
  struct Kept {                        // one stream
    Lsn base = 1;                      // where the stream begins: above 1 once it was trimmed
    std::vector<Bytes> frames;         // frames[i] has LSN base + i
    Lsn durable = 0;
    std::size_t last_group = 0;        // frames in the group appended last
    std::uint64_t tenure = 0;          // grows with every recover()
    [[nodiscard]] Lsn last() const { return base - 1 + frames.size(); }
    void cut(Lsn upto) { frames.resize(upto + 1 - base); last_group = 0; }
  };
  struct State {
    std::mutex mutex;
    std::map<StreamId, Kept> streams;
  };

 public:
  static constexpr StoreClaims claims{.survives_power_loss = false, .many_processes = false, .detects_corruption = true, .trims = true};

  class Stream {
   public:
    [[nodiscard]] result<Recovery> recover(std::span<const Head> witnesses, RecoverOptions options) {
      const std::scoped_lock guard(state_->mutex);
      Kept& kept = state_->streams[id_];
      tenure_ = ++kept.tenure;
      Recovery found = look(kept, witnesses, options);
      ended_ = !may_begin(found.verdict, options);
      if (!ended_) {
        kept.cut(found.tail.lsn);
        kept.durable = found.tail.lsn;
      }
      return found;
    }
    [[nodiscard]] result<Recovery> inspect(std::span<const Head> witnesses) {
      const std::scoped_lock guard(state_->mutex);
      const auto kept = state_->streams.find(id_);
      return kept == state_->streams.end() ? look(Kept{}, witnesses, {}) : look(kept->second, witnesses, {});
    }
    [[nodiscard]] result<Lsn> append(Lsn expected_last, std::span<const BytesView> group) {
      const std::scoped_lock guard(state_->mutex);
      Kept& kept = state_->streams[id_];
      KFM_DET_TRY(still_mine(kept));
      if (group.empty()) return Error(errc::invalid_argument, "an empty group", id_.text, "Append at least one frame.");
      for (const BytesView frame : group)
        if (frame.empty() || frame.find('\n') != BytesView::npos) return Error(errc::invalid_argument, "a frame is one line, not empty and without a newline", id_.text, "Seal records with wal::seal_frame.");
      if (is_last_group(kept, expected_last, group)) return kept.last();
      if (expected_last != kept.last()) { ended_ = true; return lost(); }
      for (const BytesView frame : group) kept.frames.emplace_back(frame);
      kept.last_group = group.size();
      return kept.last();
    }
    [[nodiscard]] result<Lsn> sync() {
      const std::scoped_lock guard(state_->mutex);
      Kept& kept = state_->streams[id_];
      KFM_DET_TRY(still_mine(kept));
      return kept.durable = kept.last();
    }
    [[nodiscard]] result<Lsn> scan(Lsn from, FrameVisitor visitor) {
      Kept copy;   // so that the visitor may call back, and an owner may trim
      {
        const std::scoped_lock guard(state_->mutex);
        const auto kept = state_->streams.find(id_);
        if (kept != state_->streams.end()) copy = kept->second;
      }
      for (Lsn lsn = std::max(from, copy.base); lsn <= copy.last(); ++lsn) {
        const Bytes& frame = copy.frames[lsn - copy.base];
        if (wal::read_line(frame).kind != wal::LineKind::frame)
          return Error(errc::corrupt_committed, "a frame does not verify", id_.text + " lsn " + std::to_string(lsn), "Recover the stream to see what is left.");
        KFM_DET_TRY(visitor(Frame{lsn, frame}));
      }
      return copy.last();
    }
    [[nodiscard]] Tail tail() const {
      const std::scoped_lock guard(state_->mutex);
      const auto kept = state_->streams.find(id_);
      return kept == state_->streams.end() ? Tail{} : Tail{kept->second.last(), kept->second.durable, kept->second.base};
    }
    [[nodiscard]] result<void> prove() { KFM_DET_TRY(sync()); return success(); }
    [[nodiscard]] result<void> close() {
      if (ended_) return success();
      auto proven = prove();
      ended_ = true;
      return proven;
    }
    [[nodiscard]] result<void> drop_before(Lsn lsn) {
      const std::scoped_lock guard(state_->mutex);
      Kept& kept = state_->streams[id_];
      KFM_DET_TRY(still_mine(kept));
      if (lsn <= kept.base) return success();
      const auto base = lsn > kept.last() ? std::nullopt : wal::read_base(text_of(kept, lsn), id_, lsn);
      if (!base || base->last > kept.durable) return Error(errc::invalid_argument, "no durable checkpoint begins at LSN " + std::to_string(lsn), id_.text, "Nothing was dropped. Write a checkpoint, and wait until it is durable.");
      kept.frames.erase(kept.frames.begin(), kept.frames.begin() + static_cast<std::ptrdiff_t>(lsn - kept.base));
      kept.base = lsn;
      return success();
    }

   private:
    friend class MemoryStore;
    Stream(std::shared_ptr<State> state, StreamId id) : state_(std::move(state)), id_(std::move(id)) {}

    Recovery look(const Kept& kept, std::span<const Head> witnesses, RecoverOptions options) const {
      wal::Judge judge(id_, kept.frames.empty() ? std::vector<wal::SegmentName>{} : std::vector<wal::SegmentName>{{1, kept.base}}, witnesses);
      if (!judge.living().empty()) judge.feed(text_of(kept, kept.base), "memory");
      judge.store_proves(kept.durable);
      return judge.finish(options.accept_loss);
    }
    static Bytes text_of(const Kept& kept, Lsn from) {
      Bytes text;
      for (std::size_t i = from - kept.base; i < kept.frames.size(); ++i) { text += kept.frames[i]; text += '\n'; }
      return text;
    }
    static bool is_last_group(const Kept& kept, Lsn expected_last, std::span<const BytesView> group) {
      if (kept.last_group != group.size() || kept.last() != expected_last + group.size()) return false;
      for (std::size_t i = 0; i < group.size(); ++i)
        if (kept.frames[kept.frames.size() - group.size() + i] != group[i]) return false;
      return true;
    }
    result<void> still_mine(const Kept& kept) const {
      if (ended_ || tenure_ == 0 || tenure_ != kept.tenure) return lost();
      return success();
    }
    Error lost() const { return {errc::conflict, "this tenure of the log is over", id_.text, "Take the lease again and recover; never append again with a fresh expected_last."}; }

    std::shared_ptr<State> state_;
    StreamId id_;
    std::uint64_t tenure_ = 0;
    bool ended_ = false;
  };

  [[nodiscard]] result<Stream> open_stream(const StreamId& id) { return Stream(state_, id); }

  /// A power loss: what no sync acknowledged is gone, and every tenure with it.
  void lose_unsynced() {
    const std::scoped_lock guard(state_->mutex);
    for (auto& [id, kept] : state_->streams) { kept.cut(kept.durable); ++kept.tenure; }
  }
  /// What is kept of a stream; for tests that damage it.
  [[nodiscard]] std::vector<Bytes> frames(const StreamId& id) const { const std::scoped_lock guard(state_->mutex); return state_->streams[id].frames; }
  /// Puts a stream back as an older copy of it would be.
  void restore(const StreamId& id, std::vector<Bytes> frames) {
    const std::scoped_lock guard(state_->mutex);
    Kept& kept = state_->streams[id];
    kept.frames = std::move(frames);
    const wal::Line first = kept.frames.empty() ? wal::Line{} : wal::read_line(kept.frames[0]);
    kept.base = first.kind == wal::LineKind::frame ? first.lsn : 1;
    kept.durable = kept.last();
    kept.last_group = 0;
    ++kept.tenure;
  }

 private:
  std::shared_ptr<State> state_ = std::make_shared<State>();
};
static_assert(StorePolicy<MemoryStore>);

}  // namespace kfm_det

#endif
