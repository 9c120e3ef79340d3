// SPDX-License-Identifier: BSL-1.0
/// \file
/// The crash search of check_store_on_disk, its fault injection and its tenures. Its words: a *point* is a call that changes something; a *fate* decides
/// one undecided thing of the disk; a state is what is left.
///
/// The search plays a workload once and looks at every crash from inside the call: a copy of the disk is cut and judged while the workload waits. What
/// breaks is written as a choice vector and played again on its own, so that it shrinks and comes back. Thread-safety: see check_store_on_disk.hpp.
#ifndef KFM_DET_CONFORMANCE_DETAIL_STORE_CRASH_HPP
#define KFM_DET_CONFORMANCE_DETAIL_STORE_CRASH_HPP

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/store_world.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/simulate/disk.hpp"

namespace kfm_det::conformance::detail {

using simulate::Call;
using simulate::Disk;
using simulate::DiskOptions;
using simulate::Fault;
using simulate::Profile;

struct StoreOnDisk {
  StoreClaims claims;
  std::function<OpenStream(Disk)> on;   // a fresh fixture on a disk
};

enum class StoreOp : std::uint8_t { append, sync, group, rotate, reopen, close, prove, scan, trim, take_over, sync_in_flight };
inline constexpr std::uint32_t store_ops = 11;

inline constexpr std::array profiles{Profile::kill, Profile::ordered, Profile::standard, Profile::paranoid};

class ChoiceFates final : public simulate::Fates {
 public:
  explicit ChoiceFates(Choices& choices) : choices_(choices) {}
  std::uint32_t decide(std::uint32_t options) override { return choices_.pick(options); }

 private:
  Choices& choices_;
};
/// Nothing survives that need not.
class WorstFates final : public simulate::Fates {
 public:
  std::uint32_t decide(std::uint32_t options) override { return options > 1 ? 1 : 0; }
};

[[nodiscard]] inline StreamId kit_stream() { return StreamId::of(Scope{"kit", "a"}); }

/// The free blocks of a used disk: frames of an abandoned future of the same stream, each at the start of a sector.
[[nodiscard]] inline Bytes abandoned_future() {
  Bytes out;
  Chain chain;
  for (int i = 0; i < 6; ++i) {
    chain.durable = chain.last;
    const Frames frames = make_frames(kit_stream(), chain, 1, 0, "abandoned");
    out += frames[0] + "\n";
    out.resize((out.size() + simulate::sector_bytes - 1) / simulate::sector_bytes * simulate::sector_bytes, '\n');
  }
  return out;
}
[[nodiscard]] inline Disk fresh_disk(std::uint32_t kind) {
  constexpr std::array<DiskOptions, 3> kinds{DiskOptions{}, DiskOptions{Profile::standard, simulate::sector_bytes, 700}, DiskOptions{Profile::standard, 4096, ~std::uint64_t{0}}};
  Disk disk(kinds[kind]);
  static const Bytes future = abandoned_future();
  disk.recycle(future);
  return disk;
}

/// Every law that a crash state can break, as a value: nothing is thrown through the store.
using Broken = std::optional<BrokenLaw>;

/// The script of a workload: drawn before it is played.
struct Workload {
  std::uint32_t disk_kind = 0;
  std::vector<StoreOp> ops;
};
[[nodiscard]] inline Workload pick_workload(Play& play, std::uint32_t ops_max, std::uint32_t kinds) {
  Workload out;
  out.disk_kind = play.pick(kinds);
  while (out.ops.size() < ops_max && play.pick(2) == 1) out.ops.push_back(static_cast<StoreOp>(play.pick(store_ops)));
  return out;
}

/// Appends from another thread while a sync of the same stream is in flight. A store that holds a mutex across its sync makes the append wait: then it
/// comes behind, which the report says. Only what is explored depends on the wait.
class AppendInFlight {
 public:
  AppendInFlight(StoreWorld& world) : world_(world) {}
  AppendInFlight(const AppendInFlight&) = delete;
  AppendInFlight& operator=(const AppendInFlight&) = delete;
  ~AppendInFlight() { if (thread_.joinable()) thread_.join(); }
  void start() {
    if (started_.exchange(true)) return;   // the append may sync, too
    thread_ = std::thread([this] {
      try { world_.append(world_.owner, 1, 0); } catch (...) { thrown_ = std::current_exception(); }
      const std::scoped_lock guard(mutex_);
      done_ = true;
      changed_.notify_all();
    });
    std::unique_lock guard(mutex_);
    if (!changed_.wait_for(guard, std::chrono::milliseconds(200), [this] { return done_; })) waited_ = true;
  }
  /// Behind the sync. True: the append came while the sync was in flight.
  bool finish() {
    if (!thread_.joinable()) { world_.append(world_.owner, 1, 0); return false; }   // nothing was in flight
    thread_.join();
    if (thrown_) std::rethrow_exception(thrown_);
    return !waited_;
  }

 private:
  StoreWorld& world_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::exception_ptr thrown_;
  std::atomic<bool> started_ = false;
  bool done_ = false, waited_ = false;
};

/// Does one operation. `in_flight` is told to the hook while a sync is in flight.
inline bool apply(StoreWorld& world, StoreOp op, std::function<void()>* in_flight = nullptr) {
  switch (op) {
    case StoreOp::append: world.append(world.owner, 1, 0); break;
    case StoreOp::group: world.append(world.owner, 3, 0); break;
    case StoreOp::rotate: world.append(world.owner, 1, 2600); break;
    case StoreOp::sync: world.sync(world.owner); break;
    case StoreOp::prove: world.prove(world.owner); break;
    case StoreOp::close: world.close(); return false;
    case StoreOp::reopen: return world.reopen();
    case StoreOp::scan: world.scan(); world.inspect(); break;
    case StoreOp::trim: world.trim(); break;
    case StoreOp::take_over: {
      if (!world.take_over()) return false;
      world.append(world.old, 1, 0);
      world.sync(world.old);
      break;
    }
    case StoreOp::sync_in_flight: {
      if (!world.owner.usable || !in_flight) { world.sync(world.owner); break; }
      AppendInFlight append(world);
      *in_flight = [&append] { append.start(); };
      std::exception_ptr thrown;
      try { world.sync(world.owner); } catch (...) { thrown = std::current_exception(); }
      *in_flight = nullptr;
      world.play().reach(append.finish() ? "an append while a sync was in flight" : "an append that waited for a sync");
      if (thrown) std::rethrow_exception(thrown);
      break;
    }
  }
  return true;
}

class CrashSearch {
 public:
  CrashSearch(Explorer& explorer, const StoreOnDisk& subject, const Options& options) : explorer_(explorer), subject_(subject), options_(options) {}

  std::uint32_t depth = 2;         // crashes in a row
  std::uint32_t fates_max = 64;    // of one point, one profile
  std::uint32_t second_fates_max = 8;
  bool only_last = true;           // only crashes of the last operation: those before are of a shorter workload

  /// The search: `play` draws the workload.
  void search(Play& play, const Workload& workload) {
    prefix_ = play.choices().made();
    first_explored_ = only_last ? workload.ops.size() : 0;
    run(play, workload, [&](const Disk& disk, const StoreOracle& oracle, std::uint64_t point) {
      ChoiceVector at = prefix_;
      at.push_back(0);   // no more operations
      at.push_back(static_cast<std::uint32_t>(point));
      look(play, disk, oracle, at, depth, fates_max);
    });
  }
  /// The replay: workload, point and fates come from the choices; breaks out with the law that breaks.
  void replay(Play& play, const Workload& workload) {
    const std::uint32_t wanted = play.pick(1u << 16);
    Broken broken;
    bool done = false;
    run(play, workload, [&](const Disk& disk, const StoreOracle& oracle, std::uint64_t point) {
      if (point != wanted || done) return;
      done = true;
      broken = cut_and_judge(play, disk, oracle, point, depth);
    }, &done);
    if (broken) play.broke(broken->law, broken->sentence);
  }

  /// What the search found, to be played again; at most one for each law.
  [[nodiscard]] const std::vector<ChoiceVector>& found() const { return found_; }

 private:
  using AtPoint = std::function<void(const Disk&, const StoreOracle&, std::uint64_t)>;

  void run(Play& play, const Workload& workload, const AtPoint& at_point, const bool* done = nullptr) {
    const Disk disk = fresh_disk(workload.disk_kind);
    StoreWorld world(play, kit_stream(), subject_.on(disk), subject_.claims);
    std::uint64_t point = 0;
    std::size_t operation = 0;   // 0: the first recovery
    std::function<void()> in_flight;
    std::mutex hooks;
    disk.on_call([&](const Call& call) {
      if (call.verb == simulate::Verb::sync_in_flight) {
        if (in_flight) in_flight();
        return;
      }
      const std::scoped_lock guard(hooks);
      if (!simulate::changes(call.verb)) return;
      if (operation >= first_explored_) at_point(disk, world.oracle, point);
      ++point;
    });
    const bool was_silent = play.is_silent();
    bool go_on = world.begin();
    for (const StoreOp op : workload.ops) {
      if (!go_on || (done && *done)) break;
      ++operation;
      go_on = apply(world, op, &in_flight);
    }
    if ((!done || !*done) && operation >= first_explored_) at_point(disk, world.oracle, point++);
    disk.on_call({});
    play.be_silent(was_silent);
  }

  [[nodiscard]] bool is_over() const { return explorer_.stopped() || (options_.states_max != 0 && explorer_.states().size() >= options_.states_max); }

  /// All crashes of one point.
  void look(Play& play, const Disk& disk, const StoreOracle& oracle, const ChoiceVector& at, std::uint32_t deep, std::uint32_t limit) {
    const std::uint64_t known = oracle.hash();
    for (std::size_t profile = 0; profile < profiles.size(); ++profile) {
      const auto one = [&](ChoiceVector given, Random* random) -> Choices {
        Choices choices(std::move(given), random);
        ChoiceFates fates(choices);
        const Disk left = disk.after_power_loss(profiles[profile], fates);
        const std::uint64_t parts[3] = {left.hash(), known, deep};
        if (!play.is_new(xxh3(BytesView(reinterpret_cast<const char*>(parts), sizeof parts)))) return choices;
        ChoiceVector here = at;
        here.push_back(static_cast<std::uint32_t>(profile));
        here.insert(here.end(), choices.made().begin(), choices.made().end());
        // a second crash behind each plain state, and behind one in eight of the others
        const auto all_are = [&](std::uint32_t wanted) { return std::all_of(choices.made().begin(), choices.made().end(), [&](std::uint32_t value) { return value == wanted; }); };
        if (auto broken = judge(play, left, oracle, here, profile < 2 || all_are(0) || all_are(1) || left.hash() % 8 == 0 ? deep : 1)) note(*broken, std::move(here));
        return choices;
      };
      if (is_over()) return;
      const auto product = [&](const Choices& choices) {
        std::uint64_t out = 1;
        for (const std::uint32_t below : choices.belows()) out = std::min<std::uint64_t>(out * below, limit + 1);
        return out;
      };
      const Choices newest = one({}, nullptr);                      // everything survives
      const Choices oldest = one(ChoiceVector(256, 1), nullptr);    // nothing does that need not
      std::uint32_t left = limit;
      if (product(newest) <= limit && product(oldest) <= limit) {   // a small tree; what is decided first decides what there is to decide
        auto next = newest.next();
        for (; next && left > 0 && !is_over(); --left) next = one(*std::move(next), nullptr).next();
        if (!next) continue;
      }
      play.reach("points whose fates were drawn");
      left = limit;
      for (const Choices& base : {newest, oldest})
        for (std::size_t i = 0; i < base.made().size() && left > limit / 3; ++i)
          for (std::uint32_t value = 0; value < base.belows()[i] && left > limit / 3; ++value) {
            if (value == base.made()[i]) continue;
            ChoiceVector given = base.made();
            given[i] = value;
            one(std::move(given), nullptr);
            --left;
          }
      Random random(options_.seed ^ known ^ disk.hash());
      for (; left > 0 && !is_over(); --left) {
        Random own(random.next());
        one({}, &own);
      }
    }
  }

  Broken cut_and_judge(Play& play, const Disk& disk, const StoreOracle& oracle, std::uint64_t point, std::uint32_t deep) {
    const std::uint32_t profile = play.pick(static_cast<std::uint32_t>(profiles.size()));
    ChoiceFates fates(play.choices());
    const Disk left = disk.after_power_loss(profiles[profile], fates);
    play.tell("the power goes before change " + std::to_string(point) + " (profile " + std::string(simulate::name(profiles[profile])) + ")");
    for (const auto& [path, bytes] : left.files()) play.note("left: " + path + ", " + std::to_string(bytes.size()) + " bytes");
    std::uint32_t second = 0;
    if (deep > 1) second = play.pick(1u << 16);
    return judge(play, left, oracle, {}, deep, second);
  }

  /// Recover, judge, go on, cut again, recover again. `here`: search; else `second` is the point of the second crash + 1.
  Broken judge(Play& play, const Disk& disk, const StoreOracle& oracle, const ChoiceVector& here, std::uint32_t deep, std::uint32_t second = 0) {
    const bool searching = play.is_silent();
    Broken inner;
    try {
      StoreWorld world(play, kit_stream(), subject_.on(disk), subject_.claims, oracle);
      const std::uint64_t hash = disk.hash();
      if (hash % 8 == 0) {   // inspection first, now and then
        world.inspect();
        play.expect("STORE-9", disk.hash() == hash, "inspect() changed the disk");
      }
      std::uint64_t point = 0;
      if (deep > 1)
        disk.on_call([&](const Call& call) {
          if (!simulate::changes(call.verb) || call.verb == simulate::Verb::sync_in_flight) return;
          const std::uint64_t now = point++;
          if (searching) {
            ChoiceVector at = here;
            at.push_back(static_cast<std::uint32_t>(now + 1));
            look(play, disk, world.oracle, at, deep - 1, second_fates_max);
          } else if (now + 1 == second && !inner) {
            inner = cut_and_judge(play, disk, world.oracle, now, deep - 1);
          }
        });
      const Head witness = oracle.witness(kit_stream());
      const bool witnessed = (hash >> 8) % 2 == 0;
      const bool begun = world.begin(witnessed ? std::span<const Head>(&witness, 1) : std::span<const Head>());
      disk.on_call({});
      if (inner) return inner;
      if (!begun) return std::nullopt;
      const Frames content = world.owner.log;
      const std::uint64_t after_first = disk.bytes_used();
      world.owner.stream.reset();
      if (!world.begin()) return std::nullopt;
      play.expect("STORE-7", world.owner.log == content, "a second recovery gives another log than the first");
      const std::uint64_t after_second = disk.bytes_used();
      if (after_second > after_first) {   // the first one may have had something to copy; from then on nothing grows
        world.owner.stream.reset();
        if (!world.begin()) return std::nullopt;
        play.expect("STORE-7", disk.bytes_used() <= after_second, "each recovery makes the log larger although nothing is appended");
      }
      world.append(world.owner, 1, 0);
      world.sync(world.owner);
      WorstFates worst;
      const Disk again = disk.after_power_loss(Profile::standard, worst);
      StoreWorld last(play, kit_stream(), subject_.on(again), subject_.claims, world.oracle);
      last.note([] { return std::string("the power goes again; nothing survives that need not"); });
      (void)last.begin();
    } catch (BrokenLaw& law) {
      disk.on_call({});
      return std::move(law);
    }
    return std::nullopt;
  }

  void note(const BrokenLaw& law, ChoiceVector here) {
    if (std::find(laws_.begin(), laws_.end(), law.law) != laws_.end()) return;
    laws_.push_back(law.law);
    found_.push_back(std::move(here));
  }

  Explorer& explorer_;
  const StoreOnDisk& subject_;
  const Options& options_;
  ChoiceVector prefix_;
  std::size_t first_explored_ = 0;
  std::vector<std::string> laws_;
  std::vector<ChoiceVector> found_;
};

inline void search_crashes(Explorer& explorer, const Options& options, const StoreOnDisk& subject) {
  const auto replay = [&](std::uint32_t depth) {
    return [&, depth](Play& play) {
      CrashSearch search(explorer, subject, options);
      search.depth = depth;
      search.replay(play, pick_workload(play, 64, 3));
    };
  };
  const auto part = [&](std::string_view name, const Bounds& bounds, std::uint32_t ops_max, std::uint32_t kinds, std::uint32_t depth, bool is_drawn) {
    std::optional<std::pair<ChoiceVector, std::uint32_t>> broken;
    explorer.run(name, bounds, [&](Play& play) {
      if (broken || (options.states_max != 0 && explorer.states().size() >= options.states_max)) return;
      CrashSearch search(explorer, subject, options);
      search.depth = depth;
      if (is_drawn) search.fates_max = 12, search.second_fates_max = 2, search.only_last = false;
      const Workload workload = pick_workload(play, ops_max, kinds);
      play.be_silent(true);
      search.search(play, workload);
      if (getenv("DBG")) { fprintf(stderr, "%s: ", std::string(name).c_str()); for (auto o : workload.ops) fprintf(stderr, "%d ", int(o)); fprintf(stderr, "-> %zu\n", explorer.states().size()); }
      if (getenv("DBG")) { fprintf(stderr, "%s: ", std::string(name).c_str()); for (auto o : workload.ops) fprintf(stderr, "%d ", int(o)); fprintf(stderr, "-> %zu\n", explorer.states().size()); }
      play.be_silent(false);
      if (!search.found().empty()) broken.emplace(search.found().front(), depth);
    });
    if (broken) explorer.found(broken->second == 2 ? "crash-2" : "crash-1", broken->first, replay(broken->second));
    return !broken;
  };
  explorer.run("crash-1", {}, replay(1));   // reproducers
  explorer.run("crash-2", {}, replay(2));
  if (explorer.reproducing()) return;
  if (!part("workloads of up to 2", {20'000, 0, "11 kinds of operations, one disk; two crashes in a row"}, 2, 1, 2, false)) return;
  if (!part("workloads of up to 3", {20'000, 0, "11 kinds of operations, one disk; two crashes in a row"}, 3, 1, 2, false)) return;
  if (!part("workloads of up to 4", {40'000, 0, "11 kinds of operations, one disk; one crash"}, 4, 1, 1, false)) return;
  (void)part("longer workloads", {0, options.cases, "up to 12 operations; short writes and rewrite units of 4096 bytes too; two crashes in a row"}, 12, 3, 2, true);
}

/// Every k-th call fails, once or from then on; then the power goes.
inline void check_faults(Explorer& explorer, const Options& options, const StoreOnDisk& subject) {
  const auto trial = [&](std::uint32_t ops_max) {
    return [&, ops_max](Play& play) {
      const Workload workload = pick_workload(play, ops_max, 1);
      const auto run = [&](StoreWorld& world) {
        bool go_on = world.begin();
        for (const StoreOp op : workload.ops) {
          if (!go_on) break;
          go_on = apply(world, op);
        }
      };
      std::uint64_t calls = 0;
      {
        Report unseen;
        std::unordered_set<std::uint64_t> none;   // unordered: asked for membership only
        Choices no_choices;
        Play dry(no_choices, unseen, none);
        dry.be_silent(true);
        const Disk disk = fresh_disk(0);
        StoreWorld world(dry, kit_stream(), subject.on(disk), subject.claims);
        run(world);
        calls = disk.calls();
      }
      const std::uint32_t k = play.pick(static_cast<std::uint32_t>(calls));
      const std::uint32_t kind = play.pick(5);
      const bool persists = play.pick(2) == 1;
      const bool power = play.pick(2) == 1;
      const Disk disk = fresh_disk(0);
      StoreWorld world(play, kit_stream(), subject.on(disk), subject.claims);
      world.may_fail = true;
      bool hit = false;
      disk.on_fault([&](const Call& call) -> Fault {
        if (call.number < k || (!persists && call.number > k) || call.verb == simulate::Verb::sync_in_flight) return {};
        const bool is_write = call.verb == simulate::Verb::write;
        const std::uint64_t half = is_write ? call.length / 2 : 0;
        if (!hit) play.tell(std::string(simulate::name(call.verb)) + " of " + std::string(call.path) + " fails" + (persists ? ", and every call behind it" : ""));
        hit = true;
        switch (kind) {
          case 0: return {Fault::Kind::error, errc::io_error, 0};
          case 1: return {Fault::Kind::error, errc::io_error, half};
          case 2: return {Fault::Kind::error, errc::no_space, half};
          case 3: return is_write ? Fault{Fault::Kind::short_write, errc::io_error, half} : Fault{};
          default: return is_write && !persists ? Fault{Fault::Kind::short_write, errc::io_error, call.length > 1 ? 1U : 0U} : Fault{};
        }
      });
      run(world);
      if (world.owner.sick) {   // sticky, whatever is asked
        play.reach("a failed sync");
        world.append(world.owner, 1, 0);
        world.sync(world.owner);
        world.prove(world.owner);
      } else if (world.owner.usable && !persists) {   // it goes on, and what it says counts
        play.reach("a failed call that the store got over");
        world.append(world.owner, 1, 0);
        world.sync(world.owner);
      }
      disk.on_fault({});
      WorstFates worst;
      const Disk left = power && subject.claims.survives_power_loss ? disk.after_power_loss(Profile::standard, worst) : disk.after_kill();
      play.tell(power ? "the power goes; nothing survives that need not" : "the process is killed");
      StoreWorld next(play, kit_stream(), subject.on(left), subject.claims, world.oracle);
      if (!next.begin()) return;
      next.append(next.owner, 1, 0);
      next.sync(next.owner);
      (void)next.reopen();
    };
  };
  explorer.run("faults", {60'000, 0, "scripts of up to 1 operation, every call, 5 faults, once and from then on, kill and power loss"}, trial(1));
  explorer.run("faults in longer scripts", {0, std::uint64_t{4} * options.cases, "up to 5 operations"}, trial(5));
}

/// Another owner acts between any two calls of the first one.
inline void check_tenures(Explorer& explorer, const Options& options, const StoreOnDisk& subject) {
  const auto trial = [&](Play& play) {
    const std::uint32_t who = play.pick(2);         // 0: the earlier owner acts inside the recovery of the later one; 1: a whole tenure inside a sync of the earlier one
    const std::uint32_t at = play.pick(40);         // before which call
    const std::uint32_t before = play.pick(3);      // what is in the log
    const std::uint32_t behind = play.pick(3);      // what the later owner does
    const bool power = play.pick(2) == 1;
    const bool rotates = play.pick(2) == 1;
    const Disk disk = fresh_disk(0);
    StoreWorld world(play, kit_stream(), subject.on(disk), subject.claims);
    if (!world.begin()) return;
    if (before > 0) world.append(world.owner, 1, rotates ? 2600 : 0);
    if (before > 1) world.sync(world.owner);
    if (before > 1) world.append(world.owner, 2, 0);
    Broken broken;
    bool done = false;
    std::uint64_t calls = 0;
    const auto inside = [&](const std::function<void()>& act) {
      disk.on_call([&, act](const Call&) {
        if (calls++ != at || done) return;
        done = true;
        try { act(); } catch (BrokenLaw& law) { broken = std::move(law); }
      });
    };
    if (who == 0) {
      // `old` acts while the other recovers; whether it has ended is for the store to know: a sync that answers counts
      world.tell([] { return std::string("another owner opens and recovers; meanwhile the first one acts"); });
      world.old = std::move(world.owner);
      world.owner = Owner{};
      auto stream = subject.on(disk)(kit_stream());
      if (!stream) return;
      world.owner.stream = std::move(stream).value();
      inside([&] {
        world.append(world.old, 1, rotates ? 2600 : 0);
        auto answer = world.old.stream->sync();
        world.note([&] { return std::string("the earlier owner syncs: ") + (answer ? "LSN " + std::to_string(answer.value()) : std::string(kfm_det::name(answer.error().code()))); });
        if (!answer) { world.old.usable = false; return; }
        play.reach("an earlier owner acknowledged inside a recovery");
        if (!world.oracle.acknowledge(Frames(world.old.log.begin(), world.old.log.begin() + static_cast<std::ptrdiff_t>(answer.value()))))
          play.broke("STORE-5", "the earlier owner acknowledges a log that contradicts what was acknowledged");
      });
      const bool was_tolerant = std::exchange(world.may_fail, true);   // a conflict is an answer here
      const bool begun = world.recover(world.owner, {});
      world.may_fail = was_tolerant;
      disk.on_call({});
      if (broken) play.broke(broken->law, broken->sentence);
      if (!done) return;   // fewer calls than that
      if (!begun && !world.begin()) return;
    } else {
      world.tell([] { return std::string("a sync; meanwhile another owner opens, recovers and works"); });
      Owner& first = world.owner;
      const Frames log = first.log;
      StoreWorld other(play, kit_stream(), subject.on(disk), subject.claims, world.oracle);
      inside([&] {
        if (!other.begin()) return;
        if (behind > 0) other.append(other.owner, 1, 0);
        if (behind > 1) other.sync(other.owner);
      });
      auto answer = first.stream->sync();
      disk.on_call({});
      if (broken) play.broke(broken->law, broken->sentence);
      if (!done) return;
      world.note([&] { return std::string("the first owner's sync: ") + (answer ? "LSN " + std::to_string(answer.value()) : std::string(kfm_det::name(answer.error().code()))); });
      if (answer) {
        play.reach("a sync acknowledged although another tenure began meanwhile");
        play.expect("STORE-5", other.oracle.acknowledge(Frames(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(answer.value()))), "a sync acknowledges a log that contradicts what a later tenure recovered");
      }
      world.oracle = other.oracle;
      world.old = std::move(world.owner);
      world.old.ended = true;
      world.owner = std::move(other.owner);
    }
    world.old.ended = true;
    if (behind > 0) world.append(world.owner, 1, 0);
    if (behind > 1) world.sync(world.owner);
    if (world.old.stream) {
      world.append(world.old, 1, 0);
      world.sync(world.old);
    }
    world.owner.stream.reset();
    WorstFates worst;
    const Disk left = power && subject.claims.survives_power_loss ? disk.after_power_loss(Profile::standard, worst) : disk.after_kill();
    world.tell([&] { return std::string(power ? "the power goes" : "all are killed"); });
    StoreWorld last(play, kit_stream(), subject.on(left), subject.claims, world.oracle);
    if (!last.begin()) return;
    last.append(last.owner, 1, 0);
    last.sync(last.owner);
    (void)last.reopen();
  };
  explorer.run("tenures", {10'000, options.cases, "two owners, before each call of a recovery or a sync"}, trial);
}

}  // namespace kfm_det::conformance::detail

#endif
