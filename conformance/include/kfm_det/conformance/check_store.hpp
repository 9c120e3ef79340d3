// SPDX-License-Identifier: BSL-1.0
/// \file
/// check_store: any Store, through its contract alone. For a store that is a template over its file system, check_store_on_disk sees much more.
///
/// The fixture: open(), wipe(), perhaps crash() (store_fixture.hpp). The parts: scripts over one stream (exhaustive up to three operations, drawn
/// behind), witnesses (restored copies: Regressed, Forked), handles (retries, closing, who looks, many tenures, names), long logs and sizes, streams beside each other. A store that claims many_processes is opened by several owners at once.
/// What the kit cannot see here: what survives a power loss, unless the fixture has crash(). Thread-safety: one thread, and one that appends beside a sync.
#ifndef KFM_DET_CONFORMANCE_CHECK_STORE_HPP
#define KFM_DET_CONFORMANCE_CHECK_STORE_HPP

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/errand.hpp"
#include "kfm_det/conformance/detail/store_handles.hpp"
#include "kfm_det/conformance/detail/store_long.hpp"
#include "kfm_det/conformance/detail/store_world.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/conformance/store_fixture.hpp"

namespace kfm_det::conformance {

namespace detail {

inline StreamId script_stream() { return StreamId::of(Scope{"kit", "scripts"}); }

/// One operation of a script over a store without a disk. False: the script is over.
inline bool step(StoreWorld& world, const StoreDriver& driver, std::uint32_t op) {
  switch (op) {
    case 0: world.append(world.owner, 1, 0); return true;
    case 1: world.append(world.owner, 3, 0); return true;
    case 2: world.sync(world.owner); return true;
    case 3: return world.reopen();
    case 4: return world.kill();
    case 5: world.scan(); world.inspect(); return true;
    case 6: world.prove(world.owner); return true;
    case 7: world.append_again(); return true;
    case 8: world.append_elsewhere(true); return world.begin();
    case 9: world.append_elsewhere(false); return world.begin();
    case 10: world.append_bad(world.play().pick(4)); return true;
    case 11: world.trim(); return true;
    case 12: world.append(world.owner, 1, 200'000); return true;
    case 13:   // an owner who sleeps, and what it does when it wakes
      if (!world.take_over()) return false;
      world.append(world.old, 1, 0);
      world.sync(world.old);
      return true;
    case 14:
      if (world.old.stream && world.old.ended) { world.append(world.old, 2, 0); world.prove(world.old); }
      return true;
    case 15: world.trim_wrongly(); return true;
    case 16: return world.trim_late();
    case 17: world.trim_beside_a_reader(1 + world.play().pick(2)); return true;
    default:
      if (!driver.crash) return world.kill();
      world.tell([] { return std::string("the power goes; open and recover"); });
      world.believe_tail();
      world.owner.stream.reset();
      world.old.stream.reset();
      driver.crash();
      return world.begin();
  }
}
inline constexpr std::uint32_t script_steps = 19;

inline void check_scripts(Explorer& explorer, const Options& options, const StoreDriver& driver) {
  const auto trial = [&](std::uint32_t ops_max) {
    return [&, ops_max](Play& play) {
      driver.wipe();
      StoreWorld world(play, script_stream(), driver.open, driver.claims);
      world.fingerprint = driver.fingerprint;
      world.holds = driver.holds;
      if (!world.begin()) return;
      for (std::uint32_t i = 0; i < ops_max && play.pick(2) == 1; ++i)
        if (!step(world, driver, play.pick(script_steps))) return;
      if (!world.reopen()) return;   // whatever was done, it goes on
      world.append(world.owner, 1, 0);
      world.sync(world.owner);
      world.scan();
      world.close();
      (void)play.is_new(world.oracle.hash());
    };
  };
  explorer.run("scripts", {std::min<std::uint64_t>(10'000, std::uint64_t{10} * options.cases), 0, "up to 3 of 19 kinds of operations"}, trial(3));
  explorer.run("longer scripts", {0, options.cases, "up to 24 operations"}, trial(24));
}

/// What an outside witness tells: STORE-8 for stores that lost what the sink has seen.
inline void check_witnesses(Explorer& explorer, const StoreDriver& driver) {
  explorer.run("witnesses", {1500, 0, "heads above, at and below the tail, of another history, incarnation and stream, alone and beside a good one"}, [&](Play& play) {
    driver.wipe();
    StoreWorld world(play, script_stream(), driver.open, driver.claims);
    if (!world.begin()) return;
    const std::uint32_t frames = play.pick(3);
    for (std::uint32_t i = 0; i < frames; ++i) { world.append(world.owner, 1, 0); world.sync(world.owner); }
    const bool closes = play.pick(2) == 0;
    const Frames log = world.owner.log;
    if (closes) world.close();
    else world.owner.stream.reset();
    const std::uint32_t kind = play.pick(5);
    const std::uint32_t at = play.pick(frames + 1);
    Head witness = StoreOracle::head_of(script_stream(), Frames(log.begin(), log.begin() + at));
    Verdict wanted = Verdict::clean;
    const char* what = "a head of this log";
    if (kind == 1) {
      if (at != frames) return;
      witness.lsn = frames + 1;
      witness.incarnation = 1;
      wanted = Verdict::regressed;
      what = "a head above the tail";
    } else if (kind == 2) {
      if (at == 0) return;
      witness.hash = domain_digest("kit", "another history");
      wanted = Verdict::forked;
      what = "a head with another hash";
    } else if (kind == 3) {
      if (at == 0) return;
      witness.incarnation = 2;
      wanted = Verdict::regressed;
      what = "a head of a later incarnation";
    } else if (kind == 4) {
      if (at == 0) return;
      witness.stream = StreamId::of(Scope{"kit", "another"});
      wanted = Verdict::foreign;
      what = "a head of another stream";
    }
    play.tell(std::string("recover against ") + what + ", LSN " + std::to_string(witness.lsn));
    const bool accepts = play.pick(2) == 1;
    const bool looks = play.pick(2) == 1;
    std::vector<Head> witnesses{witness};
    if (const std::uint32_t beside = play.pick(3); beside != 0) {
      play.note(std::string("and against a head of this log, ") + (beside == 1 ? "first" : "last"));
      witnesses.insert(beside == 1 ? witnesses.begin() : witnesses.end(), StoreOracle::head_of(script_stream(), Frames(log.begin(), log.begin() + at)));
    }
    auto stream = driver.open(script_stream());
    if (!stream) play.broke("STORE-17", "opening the store answers " + stream.error().message());
    auto found = looks ? stream.value()->inspect(witnesses) : stream.value()->recover(witnesses, RecoverOptions{accepts});
    if (!found) play.broke("STORE-8", "recover() answers an error where a verdict is due: " + found.error().message());
    const Verdict verdict = found.value().verdict;
    play.reach("witness: " + std::string(name(verdict)));
    if (wanted == Verdict::clean) {
      play.expect("STORE-17", is_usable(verdict), [&] { return "against " + std::string(what) + " the answer is " + std::string(name(verdict)); });
      play.expect("STORE-8", found.value().proven >= witness.lsn, "what a witness proves is not called proven");
      if (accepts && !looks) play.expect("STORE-17", found.value().incarnation == 1, [&] { return "a loss may be accepted, and there is none: incarnation " + std::to_string(found.value().incarnation) + " begins"; });
      return;
    }
    // a head with another hash, or of a later incarnation, shows another history; which of the two words is used is the store's
    const bool fits = verdict == wanted || (kind == 3 && verdict == Verdict::forked);
    play.expect("STORE-8", fits, [&] { return "against " + std::string(what) + " the answer is " + std::string(name(verdict)) + " and not " + std::string(name(wanted)); });
    play.expect("STORE-8", !found.value().evidence.empty(), "a verdict that is not usable has no evidence");
    if (looks || !accepts || !can_accept(verdict)) {
      if (looks) return;
      Chain chain{1, frames, frames, witness.hash};
      const Frames more = make_frames(script_stream(), chain, 1, 0, "more");
      auto refused = stream.value()->append(frames, std::vector<BytesView>{BytesView(more[0])});
      play.expect("STORE-8", !refused, "append() is accepted behind a verdict that is not usable");
      return;
    }
    play.tell("the loss is accepted");
    play.expect("STORE-8", found.value().incarnation == std::max<Incarnation>(witness.incarnation, 1) + 1, [&] { return "an accepted loss begins incarnation " + std::to_string(found.value().incarnation); });
    Chain chain{found.value().incarnation, found.value().tail.lsn, found.value().tail.lsn, found.value().tail.hash};
    const Lsn last = chain.last;
    const Frames more = make_frames(script_stream(), chain, 1, 0, "more");
    auto appended = stream.value()->append(last, std::vector<BytesView>{BytesView(more[0])});
    play.expect("STORE-8", appended && appended.value() == last + 1, "behind an accepted loss nothing can be appended");
    auto synced = stream.value()->sync();
    play.expect("STORE-8", synced && synced.value() == last + 1, "behind an accepted loss nothing can be made durable");
    stream.value().reset();
    play.tell("append a frame, sync, and recover again");   // what was accepted stays accepted
    stream = driver.open(script_stream());
    if (!stream) play.broke("STORE-17", "opening the store answers " + stream.error().message());
    found = stream.value()->recover({}, {});
    play.expect("STORE-17", found && is_usable(found.value().verdict), [&] { return "behind a loss that was accepted before, recover() answers " + (found ? std::string(name(found.value().verdict)) : found.error().message()); });
    play.expect("STORE-3", found.value().tail.lsn == last + 1 && found.value().tail.hash == chain.hash, [&] { return "behind a loss that was accepted before, the log ends at LSN " + std::to_string(found.value().tail.lsn) + ", or at another frame than the one that was synced at LSN " + std::to_string(last + 1); });
    play.expect("STORE-10", found.value().tail.incarnation == chain.incarnation && found.value().tail.stream == script_stream(), "recover() names a tail whose incarnation or stream is not that of its last frame");
    play.expect("STORE-17", found.value().incarnation == chain.incarnation, [&] { return "behind a loss that was accepted before, recover() begins incarnation " + std::to_string(found.value().incarnation) + " and not " + std::to_string(chain.incarnation); });
  });
}

/// Streams do not know each other; frames of every size and byte come back.
inline void check_streams(Explorer& explorer, const Options& options, const StoreDriver& driver) {
  explorer.run("streams", {0, std::max<std::uint32_t>(options.cases / 10, 5), "three streams, names that are easily mixed up"}, [&](Play& play) {
    driver.wipe();
    const StreamId ids[] = {StreamId::of(Scope{"kit", "a"}), StreamId::of(Scope{"kit", "A"}), StreamId::of(Scope{"kit", "a/../a"})};
    std::vector<StoreWorld> worlds;
    for (const StreamId& id : ids) worlds.emplace_back(play, id, driver.open, driver.claims);
    for (auto& world : worlds)
      if (!world.begin()) return;
    const std::uint32_t count = 1 + play.pick(12);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t which = play.pick(3);
      play.note("stream " + ids[which].text + ":");
      if (!step(worlds[which], driver, play.pick(4))) return;
    }
    for (auto& world : worlds)
      if (!world.reopen()) return;
    for (auto& world : worlds) world.scan();
  });
  explorer.run("bytes", {40, 0, "frames of special bytes and sizes"}, [&](Play& play) {
    driver.wipe();
    StoreWorld world(play, script_stream(), driver.open, driver.claims);
    if (!world.begin()) return;
    static const std::string texts[] = {"", " leading and trailing ", "\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x8C\xBE", "e\xCC\x81 and \xC3\xA9", "\"quoted\\\"", "tab\tcr\r", "\x01\x1F", "%00 %0A ' ; --", "null", "{\"hash\":\"\"}", "\xE2\x80\xA8 line separator", std::string("a\0b", 3), "\x7F\xC2\x80 \xEF\xBF\xBD \xEF\xBB\xBF"};
    const std::uint32_t which = play.pick(static_cast<std::uint32_t>(std::size(texts)) + 4);
    const std::string text = which < std::size(texts) ? texts[which] : std::string(which == std::size(texts) ? 1 : which == std::size(texts) + 1 ? 4095 : which == std::size(texts) + 2 ? 65'537 : 1'000'000, 'x');
    play.tell("append a frame with " + (text.size() < 40 ? "the text " + text : std::to_string(text.size()) + " bytes of text"));
    Chain next = world.owner.chain;
    const Frames frames = make_frames(world.id(), next, 1, 0, text);
    world.append_frames(world.owner, frames, next);
    world.append(world.owner, 1, 0);
    world.sync(world.owner);
    world.scan();
    if (!world.reopen()) return;
    world.scan();
  });
  explorer.run("beside a sync", {0, std::max<std::uint32_t>(options.cases / 50, 4), "one thread appends, one syncs"}, [&](Play& play) {
    driver.wipe();
    StoreWorld world(play, script_stream(), driver.open, driver.claims);
    if (!world.begin()) return;
    play.tell("one thread appends 40 frames, another one syncs all the time");
    std::vector<Frames> groups;
    Chain chain = world.owner.chain;
    std::vector<Lsn> expected;
    Frames log;
    for (int i = 0; i < 40; ++i) {
      expected.push_back(chain.last);
      groups.push_back(make_frames(world.id(), chain, 1 + play.pick(2), 0, "beside" + std::to_string(i)));
      world.oracle.submit(expected.back() + 1, groups.back());
      log.insert(log.end(), groups.back().begin(), groups.back().end());
    }
    std::string wrong;
    std::atomic<Lsn> appended = 0;
    std::atomic<bool> done = false;
    JoinedThread writer([&] {
      const struct Says {
        std::atomic<bool>& done;
        ~Says() { done = true; }
      } says{done};
      for (std::size_t i = 0; i < groups.size(); ++i) {
        const std::vector<BytesView> views(groups[i].begin(), groups[i].end());
        auto answer = world.owner.stream->append(expected[i], views);
        if (!answer || answer.value() != expected[i] + groups[i].size()) { wrong = answer ? "another LSN" : answer.error().message(); break; }
        appended = answer.value();
      }
    });
    std::string wrong_sync;
    Lsn last_answer = 0;
    while (!done && wrong_sync.empty()) {
      const Lsn before = appended;
      auto answer = world.owner.stream->sync();
      if (!answer) wrong_sync = answer.error().message();
      else if (answer.value() < before || answer.value() < last_answer || answer.value() > log.size()) wrong_sync = "LSN " + std::to_string(answer.value()) + " where LSN " + std::to_string(before) + " was appended before";
      else last_answer = answer.value();
    }
    writer.join();
    play.expect("STORE-2", wrong.empty(), [&] { return "append() beside a sync answers " + wrong; });
    play.expect("STORE-3", wrong_sync.empty(), [&] { return "sync() beside an append answers " + wrong_sync; });
    world.owner.chain = chain;
    world.owner.log = log;
    world.sync(world.owner);
    if (!world.reopen()) return;
    world.scan();
  });
}

inline void run_store(Explorer& explorer, const Options& options, const StoreDriver& driver) {
  check_scripts(explorer, options, driver);
  check_witnesses(explorer, driver);
  check_handles(explorer, driver);
  check_long(explorer, driver);
  check_streams(explorer, options, driver);
}
}  // namespace detail

template <class Fixture>
[[nodiscard]] Report check_store(const Options& options = {}) {
  Report report;
  report.check = "check_store";
  if constexpr (diagnose_store_fixture<Fixture>()) {
    const auto fixture = std::make_shared<Fixture>();
    const StoreDriver driver = drive_store(*fixture);
    report.claims = listed(driver.claims);
    if (!driver.crash) report.bounds.push_back("power loss: the fixture has no crash()");
    driver.wipe();
    Explorer explorer(report, options);
    if (!detail::ask_whether_recovery_waits(explorer, report, driver.open, fixture)) return report;
    detail::run_store(explorer, options, driver);
  }
  return report;
}

}  // namespace kfm_det::conformance

#endif
