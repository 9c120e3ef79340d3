// SPDX-License-Identifier: BSL-1.0
/// \file
/// The parts of check_store about handles: retries that are none, closing, what comes before a tenure, who looks beside the owner, many tenures, names.
///
/// Thread-safety: one thread; `waits` sends another one that may be left behind.
#ifndef KFM_DET_CONFORMANCE_DETAIL_STORE_HANDLES_HPP
#define KFM_DET_CONFORMANCE_DETAIL_STORE_HANDLES_HPP

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/errand.hpp"
#include "kfm_det/conformance/detail/store_world.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/conformance/report.hpp"
#include "kfm_det/conformance/store_fixture.hpp"

namespace kfm_det::conformance::detail {

[[nodiscard]] inline StreamId handle_stream() { return StreamId::of(Scope{"kit", "handles"}); }
[[nodiscard]] inline std::vector<BytesView> views_of(const Frames& frames) { return {frames.begin(), frames.end()}; }

/// STORE-2. What looks like the last group and is not; and the last group itself, behind a sync.
inline void retries(Play& play, const StoreDriver& driver) {
  driver.wipe();
  StoreWorld world(play, handle_stream(), driver.open, driver.claims);
  if (!world.begin()) return;
  const std::uint32_t kind = play.pick(7);
  const bool synced = play.flip();
  Chain before = world.owner.chain;
  world.append(world.owner, 3, 0);
  const Frames group = world.last_group;
  if (kind >= 5) {
    if (kind == 6) before = world.owner.chain;
    world.append(world.owner, 1, 0);
  }
  if (synced) world.sync(world.owner);
  if (kind == 0) { world.append_again(); return; }
  Chain chain = before;
  Frames other = make_frames(world.id(), chain, 3, 0, "other");
  const char* what = "another group of as many frames";
  if (kind == 2) { other[0] = group[0]; other[1] = group[1]; what = "a group whose last frame is another one"; }
  else if (kind == 3) { other = {group[0], group[1]}; what = "the first two frames of the last group"; }
  else if (kind == 4) { other = group; other.push_back(make_frames(world.id(), chain, 1, 0, "more")[0]); what = "the last group and a frame more"; }
  else if (kind == 5) { other = group; what = "the group before the last one, whole"; }
  else if (kind == 6) { other = group; what = "an older group, at the tail's place"; }
  else if (kind == 1) { chain = before; other = make_frames(world.id(), chain, 3, 0, "N0"); what = "another group with frames of the same lengths"; }   // the world's own text begins with n
  play.tell(std::string("append ") + what + " with expected_last " + std::to_string(before.last));
  auto answer = world.owner.stream->append(before.last, views_of(other));
  play.expect("STORE-2", !answer && answer.error().code() == errc::conflict, [&] { return std::string(what) + " at a place that is not the tail answers " + (answer ? "LSN " + std::to_string(answer.value()) : answer.error().message()) + " and not conflict"; });
  world.owner.stream.reset();
  if (!world.begin()) return;
}

/// STORE-7. The same handle recovers again: a new tenure, and the same log.
inline void recovers_again(Play& play, const StoreDriver& driver) {
  driver.wipe();
  StoreWorld world(play, handle_stream(), driver.open, driver.claims);
  if (!world.begin()) return;
  if (play.flip()) { world.append(world.owner, 1, 0); world.sync(world.owner); }
  const Lsn last = world.owner.chain.last;
  play.tell("recover again, by the same handle");
  auto found = world.owner.stream->recover({}, {});
  play.expect("STORE-7", found && is_usable(found.value().verdict) && found.value().tail.lsn == last, [&] {
    return "recover() again, without an append between, answers " + (found ? std::string(name(found.value().verdict)) + " with its tail at LSN " + std::to_string(found.value().tail.lsn) : found.error().message()) + " and not the same tail, LSN " + std::to_string(last);
  });
  world.append(world.owner, 1, 0);
  world.sync(world.owner);
  world.scan();
}

/// STORE-5. Before recover() and behind close() nothing is written; closing again is nothing.
inline void handles(Play& play, const StoreDriver& driver) {
  driver.wipe();
  StoreWorld world(play, handle_stream(), driver.open, driver.claims);
  if (!world.begin()) return;
  world.append(world.owner, 1, 0);
  world.sync(world.owner);
  const std::uint32_t kind = play.pick(4), verb = play.pick(3);
  const auto refused = [&](StreamSubject& stream, std::string_view where) {
    Chain chain = world.owner.chain;
    const Frames frames = make_frames(world.id(), chain, 1, 0, "no tenure");
    constexpr std::array<std::string_view, 3> verbs{"append", "sync", "prove"};
    play.tell(std::string(verbs[verb]) + std::string(where));
    bool answered = false;
    if (verb == 0) answered = stream.append(world.owner.chain.last, views_of(frames)).has_value();
    else if (verb == 1) answered = stream.sync().has_value();
    else answered = stream.prove().has_value();
    play.expect("STORE-5", !answered, [&] { return std::string(verbs[verb]) + "()" + std::string(where) + " answers success: nobody has claimed the log for it"; });
  };
  if (kind < 2) {
    play.tell("close");
    auto closed = world.owner.stream->close();
    play.expect("STORE-3", closed.has_value(), [&] { return "close() answers an error where nothing is wrong: " + closed.error().message(); });
    if (kind == 0) {
      play.tell("close again");
      auto again = world.owner.stream->close();
      play.expect("STORE-5", again.has_value(), [&] { return "close() of what is closed answers an error: " + again.error().message(); });
    } else {
      refused(*world.owner.stream, " behind close");
    }
    world.owner.stream.reset();
  } else {
    world.owner.stream.reset();
    auto stream = driver.open(world.id());
    if (!stream) play.broke("STORE-17", "opening the store answers " + stream.error().message());
    if (kind == 3) {
      play.tell("open and inspect");
      (void)stream.value()->inspect({});
    } else {
      play.tell("open");
    }
    refused(*stream.value(), kind == 3 ? " behind inspect" : " before recover");
    stream.value().reset();
  }
  (void)world.begin();
}

/// STORE-9. Who looks stands in nobody's way, for as long as it stays; and what is not there stays away.
inline void looking(Play& play, const StoreDriver& driver) {
  driver.wipe();
  StoreWorld world(play, handle_stream(), driver.open, driver.claims);
  const bool is_new = play.flip();
  if (!is_new) {
    if (!world.begin()) return;
    world.append(world.owner, 1, 0);
    world.sync(world.owner);
  }
  auto looker = driver.open(world.id());
  if (!looker) return;   // one opener at a time; the other parts ask whether that is so
  play.tell(is_new ? "somebody inspects a log that nobody has begun" : "somebody else inspects, and stays");
  const std::uint64_t before = driver.fingerprint ? driver.fingerprint() : 0;
  auto found = looker.value()->inspect({});
  if (driver.fingerprint) play.expect("STORE-9", driver.fingerprint() == before, "inspect() changed the disk");
  if (!found) play.broke("STORE-9", "inspect() answers an error where nothing is wrong: " + found.error().message());
  play.expect("STORE-17", is_usable(found.value().verdict), [&] { return "inspect() answers " + std::string(name(found.value().verdict)) + ", but nothing that was promised is lost"; });
  if (is_new) {
    play.expect("STORE-9", found.value().tail.lsn == 0, "inspect() names a tail of a log that nobody has begun");
    return;
  }
  const auto in_the_way = [&](std::string_view verb, const Error& error) { play.broke("STORE-9", std::string(verb) + " answers an error while somebody else only looks: " + error.message()); };
  Chain chain = world.owner.chain;
  const Frames frames = make_frames(world.id(), chain, 1, 0, "beside");
  play.tell("append a frame, and sync");
  world.oracle.submit(chain.last, frames);
  if (auto appended = world.owner.stream->append(world.owner.chain.last, views_of(frames)); !appended) in_the_way("append()", appended.error());
  if (auto synced = world.owner.stream->sync(); !synced) in_the_way("sync()", synced.error());
  Lsn seen = 0;
  play.tell("the one who looks scans");
  auto last = looker.value()->scan(1, [&](const Frame& frame) -> result<void> { seen = frame.lsn; return success(); });
  play.expect("STORE-10", last && seen >= found.value().tail.lsn, "who inspected a log cannot read what it was told is there, once the owner has gone on");
}

/// STORE-5, and STORE-3. An owner sleeps, and many come and go meanwhile; then it wakes, and ends.
inline void many_tenures(Play& play, const StoreDriver& driver) {
  constexpr std::array<int, 3> counts{1, 10, 256};
  driver.wipe();
  StoreWorld world(play, handle_stream(), driver.open, driver.claims);
  if (!world.begin()) return;
  const int count = counts[play.pick(3)];
  const bool wakes = play.flip();
  world.append(world.owner, 1, 0);
  if (play.flip()) world.sync(world.owner);
  if (!world.take_over() || !world.old.stream) return;
  if (count > 1) {
    play.tell("so do " + std::to_string(count - 1) + " more owners, one behind the other");
    play.be_silent(true);
    for (int i = 1; i < count; ++i)
      if (!world.begin()) return;
    play.be_silent(false);
  }
  if (wakes) {
    world.append(world.old, 1, 0);
    world.sync(world.old);
  } else {
    world.append(world.owner, 1, 0);
    world.sync(world.owner);
    play.tell("the first owner's handle goes away without a word");
    world.old.stream.reset();
  }
  world.owner.stream.reset();
  play.tell("open and recover");
  try {
    (void)world.begin();
  } catch (BrokenLaw& law) {
    if (wakes) throw;
    play.broke("STORE-5", "once the handle of an earlier owner is gone: " + law.sentence);
  }
}

/// Names of streams that a careless store takes for one, or for a part of one.
inline void names(Play& play, const StoreDriver& driver) {
  static const std::vector<std::array<Scope, 2>> pairs{
      {Scope{"kit", "a"}, Scope{"kit", "ab"}}, {Scope{"kit", "a"}, Scope{"kit", "a1"}}, {Scope{"kit", ""}, Scope{"kit", "a"}}, {Scope{"kit", "1"}, Scope{"kit", "01"}},
      {Scope{"ki", "t"}, Scope{"k", "it"}}, {Scope{"kit", "a"}, Scope{"kit2", "a"}}, {Scope{"kit", "a "}, Scope{"kit", "a"}}, {Scope{"kit", "a."}, Scope{"kit", "a"}},
      {Scope{"kit", "a/b"}, Scope{"kit", "a%2Fb"}}, {Scope{"kit", "_"}, Scope{"kit", "a"}}, {Scope{"kit", "caf\xC3\xA9"}, Scope{"kit", "cafe\xCC\x81"}},
      {Scope{"kit", std::string(32, 'p') + "x"}, Scope{"kit", std::string(32, 'p') + "y"}}, {Scope{"kit", std::string(64, 'p') + "x"}, Scope{"kit", std::string(64, 'p') + "y"}},
      {Scope{"kit", std::string(190, 'p') + "x"}, Scope{"kit", std::string(190, 'p') + "y"}}, {Scope{"kit", std::string(400, 'p') + "x"}, Scope{"kit", std::string(400, 'p') + "y"}}};
  const auto& pair = pairs[play.pick(static_cast<std::uint32_t>(pairs.size()))];
  const bool turned = play.flip();
  driver.wipe();
  StoreWorld one(play, StreamId::of(pair[turned ? 1 : 0]), driver.open, driver.claims), two(play, StreamId::of(pair[turned ? 0 : 1]), driver.open, driver.claims);
  if (!one.begin()) return;
  one.note([&] { return "in " + one.id().text + ":"; });
  one.append(one.owner, 1, 0);
  one.sync(one.owner);
  two.note([&] { return "in " + two.id().text + ":"; });
  if (!two.begin()) return;
  two.append(two.owner, 1, 0);
  two.append(two.owner, 1, 0);
  two.sync(two.owner);
  one.owner.stream.reset();
  two.owner.stream.reset();
  play.tell("open and recover both");
  if (!one.begin() || !two.begin()) return;
  one.scan();
  two.scan();
}

/// Does a later owner wait for an earlier one? False: no other part can be played. (A store for one process may refuse, but not wait.)
template <class Hold>
bool ask_whether_recovery_waits(Explorer& explorer, Report& report, const OpenStream& open, const Hold& keeps) {
  constexpr auto patience = std::chrono::seconds(5), grace = std::chrono::seconds(2);
  const std::string script = "open and recover\nanother owner opens and recovers";
  return explorer.alone("waits", script, [&] {
    ++report.laws["STORE-5"];
    auto first = open(handle_stream());
    if (!first || !first.value()->recover({}, {})) return true;   // the other parts say what is wrong
    const Errand second([open, keeps] {
      auto stream = open(handle_stream());
      if (stream) (void)stream.value()->recover({}, {});
    });
    if (second.done_within(patience)) return true;
    report.violations.push_back({"STORE-5", "recover() does not come back while an earlier owner has the log open: it waits, " + std::to_string(patience.count()) + " s so far; a paused owner would block everybody for ever",
                                 script, Reproducer{report.check, "waits", {}}.text(), std::string(usual_cause("STORE-5")), 2});
    first.value().reset();
    (void)second.done_within(grace);
    return false;
  });
}

inline void check_handles(Explorer& explorer, const StoreDriver& driver) {
  explorer.run("retries", {14, 0, "groups that look like the last one, and the last one behind a sync"}, [&](Play& play) { retries(play, driver); });
  explorer.run("handles", {12, 0, "append, sync and prove before recover, behind inspect and behind close; closing twice"}, [&](Play& play) { handles(play, driver); });
  explorer.run("recovers again", {2, 0, "one handle, two tenures"}, [&](Play& play) { recovers_again(play, driver); });
  explorer.run("looking", {2, 0, "who inspects stays while the owner goes on; a log that nobody has begun"}, [&](Play& play) { looking(play, driver); });
  explorer.run("many tenures", {12, 0, "an owner sleeps while 1, 10 and 256 others come"}, [&](Play& play) { many_tenures(play, driver); });
  explorer.run("names", {30, 0, "pairs of streams whose names look alike"}, [&](Play& play) { names(play, driver); });
}

}  // namespace kfm_det::conformance::detail

#endif
