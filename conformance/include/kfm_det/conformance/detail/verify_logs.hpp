// SPDX-License-Identifier: BSL-1.0
/// \file
/// The honest logs of check_verify: written through wal::Log with Ed25519 keys that are always the same, so they are the same bytes on every machine.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_VERIFY_LOGS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_VERIFY_LOGS_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/run_scribe.hpp"
#include "kfm_det/conformance/verify_fixture.hpp"
#include "kfm_det/contracts/clock.hpp"
#include "kfm_det/stores/memory_store.hpp"
#include "kfm_det/wal/compact.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/signer_ed25519.hpp"

namespace kfm_det::conformance::detail {

/// A line, and the number of the segment in which it stands.
struct LogLine {
  std::string text;
  std::size_t segment = 0;
};
[[nodiscard]] inline bool is_frame(const std::string& line) { return line.starts_with("{\"body\":"); }
/// What stands behind the hash: `,"sig":{...}}`, or `}`.
[[nodiscard]] inline std::string tail_of(const std::string& line) {
  const std::size_t at = line.rfind(",\"sig\":{");
  return at == std::string::npos ? "}" : line.substr(at);
}
[[nodiscard]] inline bool is_signed(const std::string& line) { return is_frame(line) && tail_of(line) != "}"; }

/// A log as it lies in its folder, and what is true of it.
struct WrittenLog {
  std::string kind;
  StreamId stream;
  std::vector<wal::SegmentName> names;
  std::vector<LogLine> lines;              ///< entries and MARKs, in order
  std::optional<wal::KeyRing> ring;        ///< none: it is not signed
  wal::VerifyPolicy policy;
  std::vector<Head> heads;                 ///< of each entry
  std::vector<Head> folded;                ///< ends of groups that are gone, and the checkpoint lists them
  std::vector<std::size_t> entries;        ///< where the entries are in `lines`
  Lsn sealed_upto = 0;
  std::uint64_t signatures = 0;

  [[nodiscard]] Lsn last() const { return heads.back().lsn; }
  [[nodiscard]] bool is_marked() const { return !is_frame(lines.back().text); }
  [[nodiscard]] VerifyInput input() const {
    VerifyInput out{stream, {}, ring ? &*ring : nullptr, {}, policy};
    for (const wal::SegmentName& name : names) out.segments.push_back({name, {}});
    for (const LogLine& line : lines) out.segments[line.segment].bytes += line.text + "\n";
    return out;
  }
};

/// The key of a name: its secret is the name's hash.
[[nodiscard]] inline wal::Ed25519Signer kit_key(const std::string& name, const std::string& secret = {}) { return wal::Ed25519Signer::from_seed(sha256(secret.empty() ? name : secret).view(), name).value(); }
[[nodiscard]] inline wal::RingKey ring_key(const std::string& name, Order from = {1, 1}, std::optional<Order> to = std::nullopt) { return {name, kit_key(name).public_key(), from, to, {}}; }

/// Writes runs as an updater does, three groups a run.
class Scribe {
 public:
  using Log = wal::Log<MemoryStore::Stream, ManualClock, wal::Ed25519Signer>;
  explicit Scribe(std::string scope, std::string salt = {}) : stream_(StreamId::of(Scope{"kit", std::move(scope)})), salt_(std::move(salt)) {}

  [[nodiscard]] Log open(const std::string& key, wal::Signing signing, const Head& witness, bool accept_loss = false) {
    wal::LogOptions options;
    options.signing = signing;
    options.recover.accept_loss = accept_loss;
    return Log::open(store_.open_stream(stream_).value(), stream_, witness, clock_, [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); }, options, kit_key(key)).value();
  }
  [[nodiscard]] Log open(const std::string& key, wal::Signing signing) { return open(key, signing, Head{stream_, 0, 0, {}}); }

  [[nodiscard]] wal::WalRecord plan(const std::string& run, const std::vector<std::string>& steps) { return runs_.plan(run + salt_, steps); }
  Head run(Log& log, const std::string& name, const std::vector<std::string>& steps) {
    runs_.incarnation = log.incarnation();
    const Head head = runs_.write(log, name + salt_, steps).value();
    clock_.advance(seconds(1));
    return head;
  }
  /// Takes a run of one step back.
  void undo(Log& log, const std::string& name, const std::string& step) {
    const std::string run = name + salt_;
    std::vector<wal::WalRecord> group{runs_.undo(run, 10), runs_.withdrawal(run, 11, step)};
    const Head head = log.commit(group).value();
    group = {runs_.withdrawn(run, 12, step, head), runs_.settled(run, 13)};
    (void)log.commit(group).value();
  }
  /// Folds what is there into a checkpoint. Answers its first LSN.
  Lsn checkpoint(Log& log) {
    wal::Compaction compaction(stream_);
    (void)log.read(1, [&](const wal::Line& line, const wal::WalRecord& one) { return compaction.see(line, one); }).value();
    std::vector<wal::WalRecord> group;
    for (Json& payload : compaction.payloads(log.line_bytes_max()).value()) {
      group.push_back(runs_.record("", 20 + group.size(), wal::Phase::CONTROL, wal::operation::checkpoint, "", wal::Status::DONE));
      group.back().payload = std::move(payload);
    }
    return log.commit(group).value().lsn + 1 - group.size();
  }
  /// The store's frames are cut behind `keep` of them, and a loss is accepted.
  void lose(std::size_t keep, const std::string& key, wal::Signing signing, const Head& witness) {
    auto frames = store_.frames(stream_);
    frames.resize(keep);
    store_.restore(stream_, frames);
    auto log = open(key, signing, witness, true);
    std::vector<wal::WalRecord> group{loss()};
    (void)log.commit(group).value();
    run(log, "behind the loss", {"c"});
  }
  [[nodiscard]] wal::WalRecord loss() {
    auto out = runs_.record("", 3, wal::Phase::CONTROL, wal::operation::loss, "", wal::Status::IN_PROGRESS);
    out.payload = Json::object({{"lost", Json::array()}});
    return out;
  }

  /// Everything from LSN `from` on, in segments that begin at `begins` (the first is `from`); `marked`: a MARK names the last entry.
  [[nodiscard]] WrittenLog written(std::string kind, Lsn from, const std::vector<Lsn>& begins, bool marked) const {
    WrittenLog out;
    out.kind = std::move(kind);
    out.stream = stream_;
    out.names.push_back({from == 1 ? std::uint64_t{1} : std::uint64_t{7}, from});
    for (const Bytes& frame : store_.frames(stream_)) {
      const wal::Line line = wal::read_line(frame);
      if (line.lsn < from) {
        if (line.group_index + 1 == line.group_count) out.folded.push_back({stream_, line.incarnation, line.lsn, line.hash});
        continue;
      }
      for (const Lsn begin : begins)
        if (begin == line.lsn) out.names.push_back({out.names.back().ordinal + 1, begin});
      out.entries.push_back(out.lines.size());
      out.lines.push_back({frame, out.names.size() - 1});
      out.heads.push_back({stream_, line.incarnation, line.lsn, line.hash});
      if (line.signature) out.sealed_upto = line.lsn, ++out.signatures;
    }
    if (marked) {
      std::string text;
      wal::seal_mark(text, {stream_, out.heads.back().incarnation, out.names.back().ordinal, out.last(), out.heads.back().hash});
      out.lines.push_back({text, out.names.size() - 1});
    }
    return out;
  }
  [[nodiscard]] const StreamId& stream() const { return stream_; }

 private:
  StreamId stream_;
  std::string salt_;
  RunScribe runs_{stream_, "kit"};
  MemoryStore store_;
  ManualClock clock_{Instant{1'700'000'000'000'000'000}};
};

/// The kinds of logs that are written, the simplest first. `salt`: the same with other runs; another history of the same stream.
[[nodiscard]] inline std::vector<WrittenLog> written_logs(const std::string& salt = {}) {
  using wal::Signing;
  std::vector<WrittenLog> out;
  const auto ring_of = [](std::vector<wal::RingKey> keys) {
    wal::KeyRing ring;
    for (wal::RingKey& key : keys) (void)ring.add(std::move(key)).has_value();
    return ring;
  };
  const auto add = [&](WrittenLog log, std::optional<wal::KeyRing> ring, bool each_group) {
    log.ring = std::move(ring);
    log.policy.signed_each_group = each_group;
    log.policy.actors = {{"ci"}};
    log.policy.care_required = {"key/"};
    out.push_back(std::move(log));
  };
  {
    Scribe scribe("verify", salt);
    auto log = scribe.open("key-a", Signing::each_group);
    scribe.run(log, "one", {"a"});
    add(scribe.written("each group is signed", 1, {}, false), ring_of({ring_key("key-a")}), true);
  }
  {
    Scribe scribe("verify", salt);
    auto log = scribe.open("key-a", Signing::none);
    scribe.run(log, "one", {"a", "b"});
    scribe.run(log, "two", {"c"});
    add(scribe.written("not signed, two segments", 1, {9}, false), std::nullopt, false);
  }
  {
    Scribe scribe("verify", salt);
    auto log = scribe.open("key-a", Signing::each_sync);
    scribe.run(log, "one", {"a"});
    scribe.run(log, "two", {"b"});
    std::vector<wal::WalRecord> group{scribe.plan("three", {}), scribe.plan("four", {})};
    (void)log.append(group).value();
    add(scribe.written("each sync is signed, and a group stands behind the last", 1, {}, false), ring_of({ring_key("key-a")}), false);
  }
  {
    Scribe scribe("verify", salt);
    auto log = scribe.open("key-a", Signing::each_group);
    scribe.run(log, "one", {"a"});
    scribe.run(log, "two", {"b"});
    scribe.undo(log, "two", "b");
    scribe.run(log, "three", {"b"});
    add(scribe.written("three segments, a run that is undone, a MARK", 1, {6, 11}, true), ring_of({ring_key("key-a")}), true);
  }
  {
    Scribe scribe("verify", salt);
    Lsn ends[2] = {};
    Head seen{scribe.stream(), 0, 0, {}};
    for (std::size_t i = 0; i < 3; ++i) {
      auto log = scribe.open(i == 0 ? "key-a" : i == 1 ? "key-b" : "key-c", Signing::each_group, seen);
      seen = scribe.run(log, "run " + std::to_string(i), {"a"});
      if (i < 2) ends[i] = seen.lsn;
    }
    add(scribe.written("three keys one behind the other", 1, {}, false), ring_of({ring_key("key-a", {1, 1}, Order{1, ends[0]}), ring_key("key-b", {1, ends[0] + 1}, Order{1, ends[1]}), ring_key("key-c", {1, ends[1] + 1})}), true);
  }
  {
    Scribe scribe("verify", salt);
    auto log = scribe.open("key-a", Signing::each_group);
    scribe.run(log, "one", {"a"});
    const Lsn base = scribe.checkpoint(log);
    scribe.run(log, "two", {"b"});
    add(scribe.written("compacted: it begins at a checkpoint", base, {}, true), ring_of({ring_key("key-a")}), true);
  }
  {
    Scribe scribe("verify", salt);
    Head seen;
    {
      auto log = scribe.open("key-a", Signing::each_group);
      scribe.run(log, "one", {"a"});
      seen = scribe.run(log, "two", {"b"});
    }
    scribe.lose(7, "key-a", Signing::each_group, seen);
    add(scribe.written("a loss was accepted", 1, {}, false), ring_of({ring_key("key-a")}), true);
  }
  return out;
}

}  // namespace kfm_det::conformance::detail

#endif
