// SPDX-License-Identifier: BSL-1.0
/// \file
/// StoreWorld: one stream of a store, its owner, perhaps an earlier owner who sleeps, and the oracle. What the scripts of the store checks are made of.
///
/// Each verb does one thing to the store and asks the laws of the answer. Thread-safety: none, but for append beside a sync.
#ifndef KFM_DET_CONFORMANCE_DETAIL_STORE_WORLD_HPP
#define KFM_DET_CONFORMANCE_DETAIL_STORE_WORLD_HPP

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/store_oracle.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/conformance/store_fixture.hpp"

namespace kfm_det::conformance::detail {

/// One tenure, or one that ended.
struct StoreOwner {
  StreamPtr stream;
  Chain chain;
  Frames log;             // what this owner's log holds, as it must see it
  bool usable = false;    // may be asked to write
  bool ended = false;     // a later tenure has begun
  bool sick = false;      // a sync has failed
};

class StoreWorld {
 public:
  StoreWorld(Play& play, StreamId id, OpenStream open, StoreClaims claims, StoreOracle known = {})
      : oracle(std::move(known)), play_(play), id_(std::move(id)), open_(std::move(open)), claims_(claims) {}

  StoreOracle oracle;
  StoreOwner owner;            // of now
  StoreOwner old;              // paused: a later tenure has begun, or will
  bool may_fail = false;  // faults are injected: errors are no breach, acknowledgements count
  Frames last_group;      // appended last by `owner`
  Lsn proof = 0;          // proven: by what prove() and close() left
  std::function<std::uint64_t()> fingerprint;   // of the storage, where the kit can see it
  std::function<bool(const Bytes&)> holds;      // whether a frame's bytes are anywhere on it

  [[nodiscard]] Play& play() noexcept { return play_; }
  [[nodiscard]] const StreamId& id() const noexcept { return id_; }
  template <class Text>
  void tell(Text&& text) { if (!play_.is_silent()) play_.tell(text()); }
  template <class Text>
  void note(Text&& text) { if (!play_.is_silent()) play_.note(text()); }

  /// Opens and recovers; the usual beginning of a tenure. False: it could not begin, and that is no breach.
  bool begin(std::span<const Head> witnesses = {}) {
    owner = StoreOwner{};
    auto stream = open_(id_);
    if (!stream) return refuse("STORE-17", "opening the store", stream.error());
    owner.stream = std::move(stream).value();
    return recover(owner, witnesses);
  }

  /// STORE-5..8, 10, 13, 17.
  bool recover(StoreOwner& one, std::span<const Head> witnesses) {
    const std::size_t before = oracle.submitted();
    const Frames due = oracle.due();
    auto found = one.stream->recover(witnesses, {});
    if (!found) return refuse("STORE-17", "recover()", found.error());
    const Recovery& recovery = found.value();
    play_.reach(name(recovery.verdict));
    note([&] { return "recover(): " + std::string(name(recovery.verdict)) + ", tail LSN " + std::to_string(recovery.tail.lsn); });
    play_.asked("STORE-17");
    if (!is_usable(recovery.verdict)) {
      if (may_fail && recovery.verdict == Verdict::io_error) return false;
      if (holds)   // a store that tells what it has lost has lost it all the same
        for (std::size_t i = oracle.asked() - 1; i < due.size(); ++i)
          play_.expect("STORE-3", holds(due[i]), [&] { return "LSN " + std::to_string(i + 1) + " was acknowledged and is nowhere on the medium any more; recover() answers " + std::string(name(recovery.verdict)); });
      play_.broke("STORE-17", "recover() answers " + std::string(name(recovery.verdict)) + evidence(recovery) + ", but nothing that was promised is lost (promised: LSN 1 to " + std::to_string(due.size()) + ")");
    }
    if (recovery.verdict == Verdict::torn_tail) play_.expect("STORE-13", !recovery.evidence.empty(), "TornTail without evidence: what was cut cannot be found again");
    auto content = read(*one.stream);
    if (!content) return refuse("STORE-10", "scan() behind recover()", content.error());
    oracle.check(play_, content.value());
    const Head head = StoreOracle::head_of(id_, content.value());
    play_.expect("STORE-10", names(recovery.tail, head), [&] {
      return "recover() names LSN " + std::to_string(recovery.tail.lsn) + " as its tail, and scan() gives " + std::to_string(content.value().size()) + " frames, or their last one has another hash, incarnation or stream";
    });
    Incarnation incarnation = std::max<Incarnation>(head.incarnation, 1);
    for (const Head& witness : witnesses) incarnation = std::max(incarnation, witness.incarnation);
    play_.expect("STORE-17", recovery.incarnation == incarnation, [&] { return "recover() begins incarnation " + std::to_string(recovery.incarnation) + " behind " + std::to_string(incarnation) + ", and no loss was accepted"; });
    play_.expect("STORE-8", recovery.proven <= recovery.tail.lsn, "recover() calls more proven than there is");
    Lsn proven = proof;
    for (const Head& witness : witnesses) proven = std::max(proven, witness.lsn);
    play_.expect("STORE-8", recovery.proven >= proven, [&] { return "recover() calls LSN " + std::to_string(recovery.proven) + " proven, and LSN " + std::to_string(proven) + " is: by prove(), by close() or by a witness"; });
    const Tail tail = one.stream->tail();
    play_.expect("STORE-6", tail.last == recovery.tail.lsn && tail.durable == recovery.tail.lsn, [&] {
      return "behind recover() the tail is {last " + std::to_string(tail.last) + ", durable " + std::to_string(tail.durable) + "} and not LSN " + std::to_string(recovery.tail.lsn) + " twice";
    });
    play_.expect("STORE-20", recovery.base == tail.base, [&] { return "recover() says that the log begins at LSN " + std::to_string(recovery.base) + ", and tail() says LSN " + std::to_string(tail.base); });
    oracle.recovered(content.value(), before);
    one.chain = Chain{recovery.incarnation, recovery.tail.lsn, recovery.tail.lsn, recovery.tail.hash};
    one.log = std::move(content).value();
    one.usable = true;
    one.ended = one.sick = false;
    last_group.clear();
    return true;
  }

  /// A later owner comes while this one sleeps.
  bool take_over() {
    tell([] { return std::string("the owner sleeps; another one opens and recovers"); });
    old = std::move(owner);
    owner = StoreOwner{};
    auto stream = open_(id_);
    if (!stream && is_single(stream.error())) {   // one opener at a time: the first one stays
      note([&] { return "answers " + std::string(kfm_det::name(stream.error().code())); });
      owner = std::move(old);
      old = StoreOwner{};
      return true;
    }
    if (!stream) return refuse("STORE-17", "opening the store", stream.error());
    owner.stream = std::move(stream).value();
    const bool begun = recover(owner, {});
    if (begun) old.ended = true;
    return begun;
  }

  /// STORE-1, 2. Appends a group of `count` frames of about `size_bytes`.
  void append(StoreOwner& one, std::uint32_t count, std::size_t size_bytes) {
    if (!one.stream) return;
    tell([&] { return std::string(&one == &old ? "the earlier owner appends " : "append ") + (count == 1 ? "a frame" : "a group of " + std::to_string(count)) + (size_bytes > 1000 ? " of " + std::to_string(size_bytes) + " bytes" : "") + " at LSN " + std::to_string(one.chain.last + 1); });
    Chain next = one.chain;
    next.incarnation = one.chain.incarnation;
    const Frames frames = make_frames(id_, next, count, size_bytes, std::string(&one == &old ? "o" : "n") + std::to_string(oracle.submitted()));
    append_frames(one, frames, next);
  }
  void append_frames(StoreOwner& one, const Frames& frames, const Chain& next) {
    const std::size_t group = oracle.submit(one.chain.last + 1, frames);
    const std::vector<BytesView> views(frames.begin(), frames.end());
    auto answer = one.stream->append(one.chain.last, views);
    if (!answer) {
      const errc code = answer.error().code();
      note([&] { return "answers " + std::string(kfm_det::name(code)); });
      if (code != errc::log_failed) oracle.failed(group);   // that one promises nothing
      if (one.ended && code == errc::conflict) { one.usable = false; return; }
      if (one.sick) { play_.expect("STORE-4", code == errc::log_failed || !one.usable, [&] { return "behind a failed sync append() answers " + std::string(kfm_det::name(code)) + " and not log_failed"; }); return; }
      if (!one.usable) return;
      if (may_fail) { one.sick = one.sick || code == errc::log_failed; return; }
      play_.broke("STORE-2", "append() at the tail answers " + answer.error().message());
    }
    play_.expect("STORE-4", !one.sick, "append() answers behind a failed sync");
    play_.expect("STORE-2", answer.value() == next.last, [&] { return "append() answers LSN " + std::to_string(answer.value()) + " and not " + std::to_string(next.last); });
    oracle.appended(group);
    one.chain = Chain{next.incarnation, next.last, one.chain.durable, next.hash};
    one.log.insert(one.log.end(), frames.begin(), frames.end());
    if (&one == &owner) last_group = frames;
  }

  /// STORE-3..5.
  void sync(StoreOwner& one) {
    if (!one.stream) return;
    tell([&] { return std::string(&one == &old ? "the earlier owner syncs" : "sync"); });
    const Lsn last = one.chain.last;
    auto answer = one.stream->sync();
    if (answer) synced(one, last, answer.value(), "sync()");
    else sync_failed(one, answer.error(), "sync()");
  }
  /// STORE-3. What tail() calls durable counts as acknowledged.
  void believe_tail() {
    if (!owner.stream || !owner.usable || owner.ended || owner.sick) return;
    const Lsn durable = owner.stream->tail().durable;
    if (durable <= owner.chain.durable) return;
    note([&] { return "tail() calls LSN " + std::to_string(durable) + " durable"; });
    play_.expect("STORE-3", durable <= owner.chain.last, "tail() calls durable what was never appended");
    (void)oracle.acknowledge(Frames(owner.log.begin(), owner.log.begin() + static_cast<std::ptrdiff_t>(durable)));
  }
  void prove(StoreOwner& one) {
    if (!one.stream) return;
    tell([] { return std::string("prove"); });
    const Lsn last = one.chain.last;
    auto answer = one.stream->prove();
    if (answer) { synced(one, last, last, "prove()"); proof = std::max(proof, last); }
    else sync_failed(one, answer.error(), "prove()");
  }
  void close() {
    if (!owner.stream) return;
    tell([] { return std::string("close"); });
    const Lsn last = owner.chain.last;
    auto answer = owner.stream->close();
    if (answer && owner.usable && !owner.ended && !owner.sick) { synced(owner, last, last, "close()"); proof = std::max(proof, last); }
    else if (!answer) sync_failed(owner, answer.error(), "close()");
    owner.usable = false;
    owner.stream.reset();
  }
  bool reopen() {
    close();
    tell([] { return std::string("open and recover"); });
    return begin();
  }
  /// The process ends without a word; the machine goes on.
  bool kill() {
    tell([] { return std::string("the process is killed; open and recover"); });
    owner.stream.reset();
    old.stream.reset();
    oracle.refuse_failed();
    return begin();
  }

  /// STORE-10. What the owner reads is what it wrote.
  void scan() {
    if (!owner.stream || !owner.usable) return;
    tell([] { return std::string("scan"); });
    auto content = read(*owner.stream);
    if (!content) { (void)refuse("STORE-10", "scan()", content.error()); return; }
    play_.expect(content.value().size() == owner.log.size() ? "STORE-15" : "STORE-10", content.value() == owner.log, [&] { return "scan() gives " + std::to_string(content.value().size()) + " frames that are not the " + std::to_string(owner.log.size()) + " that this owner's log holds"; });
    if (owner.log.size() < 2) return;
    const Lsn from = owner.log.size();
    std::uint64_t seen = 0;
    Lsn first = 0;
    auto last = owner.stream->scan(from, [&](const Frame& frame) -> result<void> { if (seen++ == 0) first = frame.lsn; return success(); });
    play_.expect("STORE-10", may_fail || (last && last.value() == owner.log.size() && seen == 1 && first == from), [&] { return "scan(" + std::to_string(from) + ") does not give the last frame alone"; });
    auto stopped = owner.stream->scan(1, [](const Frame&) -> result<void> { return Error(errc::cancelled, "enough", "the visitor"); });
    play_.expect("STORE-10", !stopped && (may_fail || stopped.error().code() == errc::cancelled), "scan() does not answer the error of its visitor");
    std::uint64_t more = 0;
    auto behind = owner.stream->scan(owner.log.size() + 1, [&](const Frame&) -> result<void> { ++more; return success(); });
    play_.expect("STORE-10", more == 0 && (may_fail || behind), "scan() from behind the tail gives a frame, or answers an error; it has nothing to give");
  }
  /// STORE-2. The group that was appended last, again: as a caller does who did not hear the answer.
  void append_again() {
    if (last_group.empty() || !owner.stream || !owner.usable || owner.sick) return;
    tell([] { return std::string("append the last group again, from where it began"); });
    const std::vector<BytesView> views(last_group.begin(), last_group.end());
    auto answer = owner.stream->append(owner.chain.last - last_group.size(), views);
    play_.expect("STORE-2", may_fail || (answer && answer.value() == owner.chain.last), [&] { return "the identical group again, while it is the last, answers " + (answer ? "LSN " + std::to_string(answer.value()) : answer.error().message()) + " and not LSN " + std::to_string(owner.chain.last); });
  }
  /// STORE-2. A group that does not begin at the tail. Behind a conflict this owner writes no more.
  void append_elsewhere(bool above) {
    if (!owner.stream || !owner.usable || owner.sick || (!above && owner.chain.last == 0)) return;
    const Lsn expected = above ? owner.chain.last + 1 : owner.chain.last - 1;
    tell([&] { return "append with expected_last " + std::to_string(expected) + " where LSN " + std::to_string(owner.chain.last) + " is the last"; });
    Chain chain = owner.chain;
    chain.last = expected;
    const Frames frames = make_frames(id_, chain, 1, 0, "elsewhere" + std::to_string(oracle.submitted()));
    auto answer = owner.stream->append(expected, std::vector<BytesView>{BytesView(frames[0])});
    play_.expect("STORE-2", !answer && (may_fail || answer.error().code() == errc::conflict), [&] { return "append() with another expected_last than the last LSN answers " + (answer ? "LSN " + std::to_string(answer.value()) : answer.error().message()) + " and not conflict"; });
    owner.usable = false;
    owner.ended = true;   // it may be over, and need not be: nothing more is asked of it
    owner.stream.reset();
  }
  /// STORE-15. What is no frame.
  void append_bad(std::uint32_t kind) {
    if (!owner.stream || !owner.usable || owner.sick) return;
    Chain chain = owner.chain;
    Frames frames = make_frames(id_, chain, 2, 0, "bad" + std::to_string(oracle.submitted()));
    if (kind == 0) frames[1].clear();
    else if (kind == 1) frames[1].insert(frames[1].size() / 2, "\n");
    else if (kind == 2) frames[1] += '\n';
    else frames.clear();
    tell([&] { return std::string(kind == 0 ? "append a group with an empty frame" : kind == 3 ? "append an empty group" : "append a group whose second frame has a newline"); });
    const std::vector<BytesView> views(frames.begin(), frames.end());
    auto answer = owner.stream->append(owner.chain.last, views);
    play_.expect("STORE-15", !answer && (may_fail || answer.error().code() == errc::invalid_argument), [&] { return "append() of what is no frame answers " + (answer ? "LSN " + std::to_string(answer.value()) : answer.error().message()) + " and not invalid_argument"; });
    play_.expect("STORE-15", owner.stream->tail().last == owner.chain.last, "a group that was refused moved the tail");
  }
  /// STORE-12, 20. A checkpoint, durable; then the log is trimmed to it.
  void trim() {
    if (!owner.stream || !owner.usable || owner.sick) return;
    if (!claims_.trims) {
      const Lsn upto = owner.chain.durable;
      tell([&] { return "drop_before(" + std::to_string(upto) + ")"; });
      auto answer = owner.stream->drop_before(upto);
      play_.expect("STORE-12", !answer && answer.error().code() == errc::unsupported, [&] { return "drop_before() answers " + (answer ? std::string("success") : answer.error().message()) + ", and the store does not claim `trims`: it must answer unsupported"; });
      return;
    }
    const Lsn first = checkpoint(owner);
    if (first == 0) return;
    sync(owner);
    if (!owner.usable || owner.sick || owner.chain.durable < owner.chain.last) return;
    drop(first);
  }
  /// Appends a checkpoint. Answers its first LSN; 0 when it could not be appended.
  Lsn checkpoint(StoreOwner& one) {
    if (!one.stream) return 0;
    const Lsn first = one.chain.last + 1;
    tell([&] { return "append a checkpoint of two frames at LSN " + std::to_string(first); });
    Chain next = one.chain;
    const Frames frames = make_checkpoint(id_, next, one.log);
    append_frames(one, frames, next);
    return one.chain.last + 1 == first ? 0 : first;
  }
  /// STORE-20. Of the owner, to a durable checkpoint.
  void drop(Lsn first) {
    tell([&] { return "drop_before(" + std::to_string(first) + ")"; });
    oracle.ask_base(first);
    auto answer = owner.stream->drop_before(first);
    if (!answer) { (void)refuse("STORE-20", "drop_before()", answer.error()); return; }
    play_.expect("STORE-20", oracle.may_begin_at(owner.stream->tail().base), [&] { return "behind drop_before(" + std::to_string(first) + ") the log begins at LSN " + std::to_string(owner.stream->tail().base) + ", which nobody asked for"; });
    play_.expect("STORE-21", owner.stream->tail().last == owner.chain.last && owner.stream->tail().durable == owner.chain.durable, "drop_before() moved the tail");
  }
  /// STORE-21. Trims that must not be: where no checkpoint begins, and to one that is not durable.
  void trim_wrongly() {
    if (!owner.stream || !owner.usable || owner.sick || !claims_.trims) return;
    const auto refused = [&](Lsn lsn, std::string_view why) {
      tell([&] { return "drop_before(" + std::to_string(lsn) + "), where " + std::string(why); });
      const Lsn base = owner.stream->tail().base;
      auto answer = owner.stream->drop_before(lsn);
      play_.expect("STORE-21", !answer && (may_fail || answer.error().code() == errc::invalid_argument), [&] { return "drop_before() where " + std::string(why) + " answers " + (answer ? std::string("success") : answer.error().message()) + " and not invalid_argument"; });
      play_.expect("STORE-21", owner.stream->tail().base == base, "a trim that was refused moved the base");
    };
    append(owner, 1, 0);
    if (owner.usable && !owner.sick && owner.chain.last > 1) refused(owner.chain.last, "no checkpoint begins");
    if (const Lsn first = checkpoint(owner); first != 0 && owner.stream->tail().durable < owner.chain.last) refused(first, "a checkpoint begins that is not durable");   // a store may sync every append
    if (owner.usable && !owner.sick) refused(owner.chain.last, "a checkpoint ends");
  }
  /// STORE-21. An owner with a durable checkpoint sleeps, and drops when it wakes in another one's tenure.
  bool trim_late() {
    if (!owner.stream || !owner.usable || owner.sick || !claims_.trims) return true;
    const Lsn first = checkpoint(owner);
    sync(owner);
    if (first == 0 || !owner.usable || owner.sick) return true;
    if (!take_over()) return false;
    if (!old.stream) return true;
    tell([&] { return "the earlier owner wakes: drop_before(" + std::to_string(first) + ")"; });
    auto answer = old.stream->drop_before(first);
    play_.expect("STORE-21", !answer && (may_fail || answer.error().code() == errc::conflict), [&] { return "drop_before() of a tenure that has ended answers " + (answer ? std::string("success") : answer.error().message()) + " and not conflict"; });
    return true;
  }
  /// STORE-19. Somebody else reads; between two frames of what it reads the owner trims.
  void trim_beside_a_reader(std::size_t behind) {
    if (!owner.stream || !owner.usable || owner.sick || !claims_.trims) return;
    auto reader = open_(id_);
    if (!reader && is_single(reader.error())) return;
    if (!reader) { (void)refuse("STORE-19", "opening the store", reader.error()); return; }
    tell([&] { return "somebody else inspects and scans; behind its frame " + std::to_string(behind) + " the owner trims"; });
    auto found = reader.value()->inspect({});
    if (!found) { (void)refuse("STORE-19", "inspect()", found.error()); return; }
    const Frames before = owner.log;
    bool done = false;
    std::optional<BrokenLaw> broken;
    read_beside(*reader.value(), before, [&](std::size_t frames) {
      if (done || frames < behind) return;
      done = true;
      try { trim(); } catch (...) { broken = what_was_broken(); }   // nothing is thrown through the store
    });
    if (broken && broken->law == "STORE-2") play_.broke("STORE-9", "while somebody else reads, " + broken->sentence);   // alone it would not be so
    if (broken) play_.broke(broken->law, broken->sentence);
    read_beside(*reader.value(), before, [](std::size_t) {});
  }
  /// STORE-19. Scans a stream that was inspected: a whole history, from a base to an end at or behind that of `before`.
  void read_beside(StreamSubject& reader, const Frames& before, const std::function<void(std::size_t)>& behind_frame) {
    Frames seen;
    Lsn first = 0;
    std::string wrong;
    auto last = reader.scan(1, [&](const Frame& frame) -> result<void> {
      if (first == 0) first = frame.lsn;
      if (frame.lsn != first + seen.size()) wrong = "a reader beside a trim gets LSN " + std::to_string(frame.lsn) + " where " + std::to_string(first + seen.size()) + " comes next";
      seen.emplace_back(frame.bytes);
      if (!wrong.empty()) return Error(errc::cancelled, wrong, "the visitor");
      behind_frame(seen.size());
      return success();
    });
    play_.expect("STORE-19", wrong.empty(), wrong);
    if (!last && may_fail) return;
    play_.expect("STORE-19", last.has_value(), [&] { return "a reader beside a trim is answered " + last.error().message(); });
    if (seen.empty() && before.empty()) return;
    play_.expect("STORE-19", first != 0 && oracle.may_begin_at(first), [&] { return "a reader beside a trim begins at LSN " + std::to_string(first) + ", which is no base"; });
    play_.expect("STORE-19", last.value() >= before.size(), [&] { return "a reader beside a trim ends at LSN " + std::to_string(last.value()) + ", and LSN " + std::to_string(before.size()) + " was there before"; });
    for (std::size_t i = 0; i < seen.size() && first - 1 + i < before.size(); ++i)
      play_.expect("STORE-19", seen[i] == before[first - 1 + i], [&] { return "a reader beside a trim gets other bytes at LSN " + std::to_string(first + i); });
  }
  /// STORE-9.
  void inspect(std::span<const Head> witnesses = {}) {
    auto stream = open_(id_);
    if (!stream && is_single(stream.error())) return;
    if (!stream) { (void)refuse("STORE-9", "opening the store", stream.error()); return; }
    tell([] { return std::string("somebody else inspects"); });
    const std::uint64_t before = fingerprint ? fingerprint() : 0;
    auto found = stream.value()->inspect(witnesses);
    if (fingerprint) play_.expect("STORE-9", fingerprint() == before, "inspect() changed the disk");
    if (!found) { (void)refuse("STORE-9", "inspect()", found.error()); return; }
    if (may_fail && found.value().verdict == Verdict::io_error) return;
    play_.expect("STORE-17", is_usable(found.value().verdict), [&] { return "inspect() answers " + std::string(name(found.value().verdict)) + evidence(found.value()) + ", but nothing that was promised is lost"; });
    auto content = read(*stream.value());
    if (!content) { (void)refuse("STORE-10", "scan() behind inspect()", content.error()); return; }
    oracle.check(play_, content.value());
    play_.expect("STORE-10", names(found.value().tail, StoreOracle::head_of(id_, content.value())), [&] { return "inspect() names LSN " + std::to_string(found.value().tail.lsn) + " as the tail, and scan() gives " + std::to_string(content.value().size()) + " frames, or their last one is another one"; });
  }

  /// All frames of a stream that was recovered or inspected. What was trimmed is taken from what is due.
  [[nodiscard]] result<Frames> read(StreamSubject& stream) {
    const Lsn base = stream.tail().base;
    play_.expect("STORE-20", oracle.may_begin_at(base) && base - 1 <= oracle.due().size(), [&] { return "the log begins at LSN " + std::to_string(base) + ", and no trim was asked to it"; });
    Frames out(oracle.due().begin(), oracle.due().begin() + static_cast<std::ptrdiff_t>(base - 1));
    std::string wrong;   // a law is not asked inside the store's own call: nothing may be thrown through it
    auto last = stream.scan(1, [&](const Frame& frame) -> result<void> {
      if (frame.lsn != out.size() + 1) wrong = "scan() gives LSN " + std::to_string(frame.lsn) + " where " + std::to_string(out.size() + 1) + " comes next";
      else if (out.size() > 1'000'000) wrong = "scan() does not end";
      if (!wrong.empty()) return Error(errc::cancelled, wrong, "the visitor");
      out.emplace_back(frame.bytes);
      return success();
    });
    play_.expect("STORE-10", wrong.empty(), wrong);
    if (!last) return last.error();
    play_.expect("STORE-10", last.value() == out.size(), [&] { return "scan() answers LSN " + std::to_string(last.value()) + " behind " + std::to_string(out.size()) + " frames"; });
    return out;
  }

 private:
  /// Is this tail the last frame, as it stands in its line? (Of an empty log only the LSN counts.)
  static bool names(const Head& tail, const Head& last) { return tail.lsn == last.lsn && (last.lsn == 0 || tail == last); }
  /// A store for one process may refuse to be opened twice.
  [[nodiscard]] bool is_single(const Error& error) const { return !claims_.many_processes && (error.code() == errc::busy || error.code() == errc::conflict); }
  /// An error where none is due. Answers false.
  bool refuse(std::string_view law, std::string_view verb, const Error& error) {
    note([&] { return std::string(verb) + " answers " + std::string(kfm_det::name(error.code())); });
    owner.usable = false;
    play_.asked(law);
    if (!may_fail) play_.broke(law, std::string(verb) + " answers an error where nothing is wrong: " + error.message());
    return false;
  }
  void synced(StoreOwner& one, Lsn last, Lsn answer, std::string_view verb) {
    play_.expect("STORE-4", !one.sick, [&] { return std::string(verb) + " acknowledges behind a failed sync"; });
    play_.expect("STORE-5", !one.ended, [&] { return std::string(verb) + " of a tenure that was ended by a later one acknowledges LSN " + std::to_string(answer); });
    play_.expect("STORE-3", answer >= last && answer <= one.chain.last, [&] { return std::string(verb) + " answers LSN " + std::to_string(answer) + ", but LSN " + std::to_string(last) + " was appended before"; });
    const Frames content(one.log.begin(), one.log.begin() + static_cast<std::ptrdiff_t>(answer));
    play_.expect("STORE-5", oracle.acknowledge(content), [&] { return std::string(verb) + " acknowledges a log that contradicts what another tenure acknowledged"; });
    one.chain.durable = answer;
    if (one.stream) play_.expect("STORE-3", one.stream->tail().durable >= answer || !one.usable, "tail() does not know what sync() has answered");
  }
  void sync_failed(StoreOwner& one, const Error& error, std::string_view verb) {
    note([&] { return "answers " + std::string(kfm_det::name(error.code())); });
    if (error.code() == errc::conflict && (one.ended || !one.usable)) { one.usable = false; return; }
    if (one.sick) { play_.expect("STORE-4", error.code() == errc::log_failed, [&] { return "behind a failed sync " + std::string(verb) + " answers " + std::string(kfm_det::name(error.code())) + " and not log_failed"; }); return; }
    if (may_fail) {   // prove() and close() may fail before anything was synced
      one.sick = verb == "sync()" || error.code() == errc::log_failed;
      return;
    }
    if (!one.usable) return;
    play_.broke(error.code() == errc::conflict ? "STORE-5" : "STORE-3", std::string(verb) + " answers an error where nothing is wrong: " + error.message());
  }
  static std::string evidence(const Recovery& recovery) {
    return recovery.evidence.empty() ? std::string() : " (" + recovery.evidence.front().where + ": " + recovery.evidence.front().sentence + ")";
  }

  Play& play_;
  StreamId id_;
  OpenStream open_;
  StoreClaims claims_;
};

}  // namespace kfm_det::conformance::detail

#endif
