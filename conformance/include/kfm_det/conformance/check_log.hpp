// SPDX-License-Identifier: BSL-1.0
/// \file
/// check_log: a Store under wal::Log: chain, groups, leaders and followers, tenures, witnesses.
///
/// The fixture is that of check_store (store_fixture.hpp). The parts: scripts (append, commit, sync, reopen, kill, a clock that is set back), threads that
/// commit at the same time, syncs and appends that fail, answers that are lost on the way, a sink that was put back. A fixture may name another log to be checked, with the face of wal::Log:
/// `using Log = my::Log<kfm_det::conformance::LogStream, kfm_det::ManualClock>`.
/// Thread-safety: up to four threads commit at once; the rest is one thread.
#ifndef KFM_DET_CONFORMANCE_CHECK_LOG_HPP
#define KFM_DET_CONFORMANCE_CHECK_LOG_HPP

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/errand.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/conformance/store_fixture.hpp"
#include "kfm_det/contracts/clock.hpp"
#include "kfm_det/simulate/ambiguous.hpp"
#include "kfm_det/wal/log.hpp"

namespace kfm_det::conformance {

/// What the kit knows of the stream below a log, and what it makes fail.
struct LogWatch {
  static constexpr std::uint64_t syncs_max = 5'000;   ///< behind them all fail: a log that waits for ever comes to an end
  std::atomic<Lsn> acknowledged = 0;       ///< the highest LSN that a sync below has answered
  std::atomic<std::uint64_t> syncs = 0;
  std::uint64_t fail_sync = ~std::uint64_t{0};     ///< the number of the sync that fails
  std::uint64_t fail_append = ~std::uint64_t{0};   ///< the number of the append that answers conflict
  std::uint64_t appends = 0;
  std::shared_ptr<simulate::Wire> wire = std::make_shared<simulate::Wire>(nullptr);   ///< to the stream; one that loses nothing, if not told otherwise
};

/// The stream under test as wal::Log takes it, at the end of a wire.
class LogStream {
 public:
  LogStream(StreamPtr stream, std::shared_ptr<LogWatch> watch) : stream_(std::shared_ptr<StreamSubject>(std::move(stream)), watch->wire), watch_(std::move(watch)) {}
  [[nodiscard]] result<Recovery> recover(std::span<const Head> witnesses, RecoverOptions options) { return stream_.recover(witnesses, options); }
  [[nodiscard]] result<Recovery> inspect(std::span<const Head> witnesses) { return stream_.inspect(witnesses); }
  [[nodiscard]] result<Lsn> append(Lsn expected_last, std::span<const BytesView> group) {
    if (watch_->appends++ == watch_->fail_append) return Error(errc::conflict, "another owner has taken this log over", "check_log");
    return stream_.append(expected_last, group);
  }
  [[nodiscard]] result<Lsn> sync() {
    const std::uint64_t number = watch_->syncs++;
    if (number == watch_->fail_sync || number > LogWatch::syncs_max) return Error(errc::log_failed, "the log could not be made durable", "check_log");
    auto answer = stream_.sync();
    std::this_thread::yield();   // so that others append while a sync is on its way
    if (answer)
      for (Lsn known = watch_->acknowledged; known < answer.value() && !watch_->acknowledged.compare_exchange_weak(known, answer.value());) {}
    return answer;
  }
  [[nodiscard]] result<Lsn> scan(Lsn from, FrameVisitor visitor) { return stream_.scan(from, visitor); }
  [[nodiscard]] Tail tail() const { return stream_.tail(); }
  [[nodiscard]] result<void> prove() { return stream_.prove(); }
  [[nodiscard]] result<void> close() { return stream_.close(); }
  [[nodiscard]] result<void> drop_before(Lsn lsn) { return stream_.drop_before(lsn); }

 private:
  simulate::AmbiguousStream<StreamSubject> stream_;
  std::shared_ptr<LogWatch> watch_;
};

namespace detail {

inline StreamId log_stream() { return StreamId::of(Scope{"kit", "log"}); }

/// Group `number` of a writer: its records carry both, and their place.
[[nodiscard]] inline std::vector<wal::WalRecord> log_group(std::uint64_t writer, std::uint64_t number, std::size_t count) {
  std::vector<wal::WalRecord> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    out[i].wal_id = RunId{uuid_v8(sha256("writer " + std::to_string(writer)))};
    out[i].seq = number * 100 + i + 1;
    out[i].phase = wal::Phase::EXECUTE;
    out[i].updater_id = "kit";
    out[i].payload = Json::object({{"group", Json(number)}, {"place", Json(static_cast<std::uint64_t>(i))}, {"size", Json(static_cast<std::uint64_t>(count))}, {"writer", Json(writer)}});
  }
  return out;
}

template <class LogType>
class LogCheck {
 public:
  LogCheck(Explorer& explorer, const Options& options, const StoreDriver& driver) : explorer_(explorer), options_(options), driver_(driver) {}

  void run() {
    explorer_.run("scripts", {std::min<std::uint64_t>(5000, std::uint64_t{10} * options_.cases), options_.cases, "append, commit, sync, reopen, kill, the clock is set back"}, [&](Play& play) { script(play); });
    explorer_.run("clocks", {1, 0, "the wall clock is set back between two tenures"}, [&](Play& play) { clocks(play); });
    explorer_.run("failures", {6000, 0, "the k-th sync or append fails"}, [&](Play& play) { failures(play); });
    explorer_.run("lost answers", {std::min<std::uint64_t>(40'000, std::uint64_t{100} * options_.cases), options_.cases, "up to 4 of commit, append, sync, the same group again and a new tenure, with up to two losses: of the answer, of the request, or it arrives later"}, [&](Play& play) { lost_answers(play); });
    explorer_.run("threads", {0, std::max<std::uint32_t>(options_.cases / 25, 8), "up to four threads commit at once"}, [&](Play& play) { threads(play); });
    explorer_.run("sinks", {40, 0, "the sink was put back"}, [&](Play& play) { sinks(play); });
  }

 private:
  struct Opened { std::optional<LogType> log; std::shared_ptr<LogWatch> watch; };

  /// Opens the log and asks the laws of everything that is in it. `durable`: what was acknowledged before.
  Opened open(Play& play, const ManualClock& clock, Lsn durable, bool exact = false, std::shared_ptr<simulate::Wire> wire = {}) {
    auto stream = driver_.open(log_stream());
    if (!stream && wire && !driver_.claims.many_processes) {   // one opener: what is under way has kept the stream open
      (void)wire->deliver();
      stream = driver_.open(log_stream());
    }
    if (!stream) play.broke("LOG-1", "the store cannot be opened: " + stream.error().message());
    Opened out{std::nullopt, std::make_shared<LogWatch>()};
    if (wire) out.watch->wire = wire;
    std::set<std::pair<std::uint64_t, std::uint64_t>> groups;
    std::vector<std::pair<wal::Line, wal::WalRecord>> seen;
    std::string wrong, wrong_law;
    Digest link;
    Instant ts{0};
    std::set<EntryId> ids;
    std::vector<std::uint64_t> group;
    const auto breaks = [&](std::string_view law, const std::string& sentence) { if (wrong.empty()) { wrong = sentence; wrong_law = law; } };
    Lsn next = 1;
    const auto visit = [&](const wal::Line& line, const wal::WalRecord& record) -> result<void> {
      if (line.lsn != next) breaks("LOG-3", "LSN " + std::to_string(line.lsn) + " stands where " + std::to_string(next) + " comes next");
      if (line.link != link) breaks("LOG-3", "`prev` of LSN " + std::to_string(line.lsn) + " is not the hash of the line before");
      if (!ids.insert(record.entry_id).second) breaks("LOG-3", "two entries have one entry_id");
      if (record.ts < ts) breaks("LOG-4", "ts of LSN " + std::to_string(line.lsn) + " goes back");
      if (line.durable_upto >= line.lsn) breaks("LOG-1", "LSN " + std::to_string(line.lsn) + " says that it was durable before it was written");
      const auto value = [&](const char* member) { auto got = get_u64(record.payload, member); return got ? got.value() : ~std::uint64_t{0}; };
      const std::uint64_t size = value("size"), place = value("place");
      if (group.empty() ? place != 0 : (value("writer") != group[0] || value("group") != group[1] || place != group[2] + 1)) breaks("LOG-2", "the records of a group do not stand together: LSN " + std::to_string(line.lsn));
      if (line.group_index != place || line.group_count != size) breaks("LOG-2", "LSN " + std::to_string(line.lsn) + " calls itself " + std::to_string(line.group_index) + " of " + std::to_string(line.group_count) + ", and is " + std::to_string(place) + " of " + std::to_string(size));
      if (place == 0 && !groups.emplace(value("writer"), value("group")).second) breaks(wire ? "LOG-7" : "LOG-3", "a group stands in the log twice, again at LSN " + std::to_string(line.lsn));
      group = {value("writer"), value("group"), place};
      if (place + 1 == size) group.clear();
      link = line.hash;
      ts = std::max(ts, record.ts);
      ++next;
      return success();
    };
    auto log = LogType::open(LogStream(std::move(stream).value(), out.watch), log_stream(), Head{log_stream(), 0, 0, {}}, clock, visit);
    if (!log && wire && log.error().code() == errc::timed_out) return open(play, clock, durable, exact, wire);
    if (!log) play.broke("LOG-1", "the log cannot be opened again: " + log.error().message());
    for (const char* law : {"LOG-1", "LOG-2", "LOG-3", "LOG-4"}) play.asked(law);
    if (!wrong.empty()) play.broke(wrong_law, wrong);
    play.expect("LOG-2", group.empty(), "the log ends inside of a group");
    play.expect("LOG-1", next - 1 >= durable, [&] { return "LSN " + std::to_string(durable) + " was answered as durable, and the log ends at LSN " + std::to_string(next - 1); });
    play.expect("LOG-3", !exact || next - 1 == durable, [&] { return "the log holds " + std::to_string(next - 1) + " entries, and " + std::to_string(durable) + " were committed"; });
    out.watch->acknowledged = next - 1;
    out.log.emplace(std::move(log).value());
    return out;
  }

  void script(Play& play) {
    driver_.wipe();
    ManualClock clock(Instant{1'000'000});
    Lsn durable = 0;
    Opened at = open(play, clock, 0);
    for (std::uint64_t number = 1; number < 14 && play.flip(); ++number) {
      const std::uint32_t op = play.pick(7);
      auto records = log_group(1, number, 1 + number % 3);
      if (op == 0 || op == 1) {
        play.tell("commit a group of " + std::to_string(records.size()));
        auto head = at.log->commit(records);
        if (!head) play.broke("LOG-1", "commit() answers " + head.error().message());
        play.expect("LOG-1", head.value().lsn <= at.watch->acknowledged, [&] { return "commit() answers LSN " + std::to_string(head.value().lsn) + " as durable; the store has acknowledged LSN " + std::to_string(at.watch->acknowledged.load()); });
        play.expect("LOG-1", head.value() == at.log->tail(), "commit() does not answer the head of what it committed");
        durable = head.value().lsn;
      } else if (op == 2) {
        play.tell("append a group of " + std::to_string(records.size()));
        auto lsn = at.log->append(records);
        play.expect("LOG-3", lsn && lsn.value() == at.log->tail().lsn, "append() does not answer the LSN of its last record");
      } else if (op == 3) {
        play.tell("sync");
        auto head = at.log->sync();
        if (!head) play.broke("LOG-1", "sync() answers " + head.error().message());
        play.expect("LOG-1", head.value() == at.log->tail() && head.value().lsn <= at.watch->acknowledged, "sync() answers a head that the store has not acknowledged, or not the tail");
        durable = head.value().lsn;
      } else if (op == 4) {
        play.tell("close; open again");
        auto closed = at.log->close();
        if (!closed) play.broke("LOG-1", "close() answers " + closed.error().message());
        durable = at.log->tail().lsn;
        at.log.reset();
        at = open(play, clock, durable, true);
      } else if (op == 5) {
        play.tell(driver_.crash ? "the power goes; open again" : "the process is killed; open again");
        at.log.reset();
        if (driver_.crash) driver_.crash();
        at = open(play, clock, durable);
        durable = at.log->durable().lsn;
      } else {
        play.tell("the wall clock is set back");
        clock.step_wall(Instant{500'000 - static_cast<std::int64_t>(number)});
      }
    }
    at.log.reset();
    (void)open(play, clock, durable);
  }

  /// LOG-4: the clock is set back while nobody has the log open.
  void clocks(Play& play) {
    driver_.wipe();
    ManualClock clock(Instant{1'000'000});
    for (std::uint64_t number = 1; number <= 2; ++number) {
      Opened at = open(play, clock, 0);
      auto records = log_group(1, number, 1);
      play.tell("open; commit a group");
      if (!at.log->commit(records)) return;
      at.log.reset();
      if (number == 2) break;
      play.tell("the wall clock is set back");
      clock.step_wall(Instant{500'000});
    }
    play.tell("open again");
    (void)open(play, clock, 2);
  }

  void failures(Play& play) {
    driver_.wipe();
    ManualClock clock;
    Opened at = open(play, clock, 0);
    const bool is_sync = play.pick(2) == 0;
    const std::uint32_t k = play.pick(4);
    if (is_sync) at.watch->fail_sync = at.watch->syncs + k;
    else at.watch->fail_append = k;
    play.note(is_sync ? "the store's sync number " + std::to_string(k) + " fails" : "the store's append number " + std::to_string(k) + " answers conflict");
    bool broken = false;
    Lsn durable = 0;
    for (std::uint64_t number = 1; number <= 6; ++number) {
      auto records = log_group(1, number, 1 + number % 2);
      const std::uint32_t op = play.pick(3);
      if (op == 2) {
        play.tell("append");
        auto lsn = at.log->append(records);
        play.expect("LOG-5", !broken || !lsn, "append() is accepted behind a failure");
        broken = broken || !lsn;
      } else {
        play.tell(op == 0 ? "commit" : "append and sync");
        auto appended = op == 1 ? at.log->append(records) : result<Lsn>(Lsn{0});
        auto head = !appended ? result<Head>(appended.error()) : op == 0 ? at.log->commit(records) : at.log->sync();
        play.expect("LOG-5", !broken || !head, "something is acknowledged behind a failure");
        if (head) durable = head.value().lsn;
        else broken = true;
        play.expect("LOG-1", durable <= at.watch->acknowledged, "what the store has not acknowledged is answered as durable");
      }
    }
    at.log.reset();
    (void)open(play, clock, durable);
  }

  /// LOG-7. A caller who is told of a timeout believes in nothing: it sends the same group again, or begins a new tenure.
  void lost_answers(Play& play) {
    driver_.wipe();
    const ManualClock clock;
    std::uint32_t losses_left = 0;
    const auto wire = std::make_shared<simulate::Wire>([&]() -> simulate::Wire::Loss {
      if (losses_left == 0) return simulate::Wire::Loss::none;
      const auto loss = static_cast<simulate::Wire::Loss>(play.pick(simulate::Wire::losses));
      if (loss == simulate::Wire::Loss::none) return loss;
      --losses_left;
      constexpr std::string_view words[] = {"", "its answer is lost", "it never arrives", "it arrives later"};
      play.note(std::string(words[static_cast<std::size_t>(loss)]));
      play.reach("lost: " + std::string(words[static_cast<std::size_t>(loss)]));
      return loss;
    });
    Lsn durable = 0;
    Opened at = open(play, clock, 0, false, wire);
    losses_left = 2;
    std::vector<wal::WalRecord> again;   // what was answered with a timeout
    std::uint64_t number = 0;
    const auto acknowledged = [&](const result<Head>& head, std::string_view verb) {
      if (!head) { play.note("answers " + std::string(kfm_det::name(head.error().code()))); return; }
      play.expect("LOG-7", head.value().lsn <= at.watch->acknowledged, [&] { return std::string(verb) + " answers LSN " + std::to_string(head.value().lsn) + " as durable; what came through of the store's answers says LSN " + std::to_string(at.watch->acknowledged.load()); });
      durable = std::max(durable, head.value().lsn);
    };
    const auto commit = [&](std::vector<wal::WalRecord> records) {
      const std::vector<wal::WalRecord> same = records;
      auto head = at.log->commit(records);
      acknowledged(head, "commit()");
      again = !head && head.error().code() == errc::timed_out ? same : std::vector<wal::WalRecord>();
    };
    for (std::uint32_t step = 0; step < 4; ++step) {
      const std::uint32_t op = play.pick(7);
      if (op == 0) break;
      if (op == 1) {
        play.tell("commit a group");
        ++number;
        commit(log_group(1, number, 1 + number % 2));
      } else if (op == 2) {
        play.tell("append a group");
        auto records = log_group(1, ++number, 1);
        const auto same = records;
        auto lsn = at.log->append(records);
        again = !lsn && lsn.error().code() == errc::timed_out ? same : std::vector<wal::WalRecord>();
      } else if (op == 3) {
        play.tell("sync");
        acknowledged(at.log->sync(), "sync()");
      } else if (op == 4) {
        if (again.empty()) break;
        play.tell("commit the group again whose answer did not come");
        commit(again);
      } else if (op == 5) {
        if (wire->under_way() == 0) break;
        play.tell("what was under way arrives");
        (void)wire->deliver();
      } else {
        play.tell("open again");
        at.log.reset();
        again.clear();
        at = open(play, clock, durable, false, wire);
      }
      play.expect("LOG-7", at.watch->syncs < LogWatch::syncs_max, "the log syncs for ever: it waits for a group that never reached the store");
    }
    losses_left = 0;
    const bool early = wire->under_way() != 0 && play.flip();
    if (early) { play.tell("what was under way arrives"); (void)wire->deliver(); }
    play.tell("open again");
    at.log.reset();
    at = open(play, clock, durable, false, wire);
    Lsn found = at.log->tail().lsn;
    const bool is_late = wire->under_way() != 0, goes_on = is_late && play.flip();
    if (goes_on) {
      play.tell("commit a group");
      auto more = log_group(1, ++number, 1);
      auto head = at.log->commit(more);
      play.expect("LOG-7", head.has_value(), [&] { return "nothing is lost any more, and commit() answers " + head.error().message(); });
      found = head.value().lsn;
    }
    if (is_late) { play.tell("what was under way arrives"); (void)wire->deliver(); }
    at.log.reset();
    at = open(play, clock, std::max(durable, found), false, wire);
    play.asked("LOG-7");
    // Whoever has not written yet may find more the next time (STORE-5 keeps what was found); what was written stands where the late one would.
    const Lsn ends = at.log->tail().lsn;
    play.expect("LOG-7", is_late && !goes_on ? ends >= found : ends == found, [&] { return "a request of an earlier tenure came late, and the log that a later one had found, or written, up to LSN " + std::to_string(found) + " ends at LSN " + std::to_string(ends); });
    auto records = log_group(1, ++number, 1);
    auto head = at.log->commit(records);
    play.expect("LOG-7", head.has_value(), [&] { return "nothing is lost any more, and commit() answers " + head.error().message(); });
  }

  void threads(Play& play) {
    driver_.wipe();
    const ManualClock clock;
    Opened at = open(play, clock, 0);
    const std::uint32_t writers = 2 + play.pick(3);
    const std::uint64_t groups = 12;
    play.tell(std::to_string(writers) + " threads commit " + std::to_string(groups) + " groups each");
    std::vector<JoinedThread> all;
    std::vector<std::string> wrong(writers);
    std::atomic<Lsn> total = 0;
    for (std::uint32_t writer = 0; writer < writers; ++writer)
      all.emplace_back([&, writer] {
        for (std::uint64_t number = 1; number <= groups && wrong[writer].empty(); ++number) {
          auto records = log_group(writer, number, 1 + (writer + number) % 3);
          total += records.size();
          auto head = at.log->commit(records);
          if (!head) wrong[writer] = "commit() answers " + head.error().message();
          else if (head.value().lsn > at.watch->acknowledged) wrong[writer] = "commit() answers LSN " + std::to_string(head.value().lsn) + " as durable; the store has acknowledged LSN " + std::to_string(at.watch->acknowledged.load());
        }
      });
    for (JoinedThread& one : all) one.join();
    for (const std::string& sentence : wrong) play.expect("LOG-1", sentence.empty(), sentence);
    if (at.watch->syncs < total) play.reach("one sync served several commits");
    at.log.reset();
    (void)open(play, clock, total, true);
  }

  /// LOG-6: the log remembers what its finished effects have shown the sink.
  void sinks(Play& play) {
    driver_.wipe();
    const ManualClock clock;
    Opened at = open(play, clock, 0);
    const std::uint64_t before = 1 + play.pick(3);
    for (std::uint64_t i = 1; i <= before; ++i) {
      auto records = log_group(1, i, 1);
      if (!at.log->commit(records)) return;
    }
    const Head seen = at.log->durable();
    auto done = log_group(1, before + 1, 1);
    done[0].phase = wal::Phase::UPSERT;
    done[0].payload.set("head", wal::head_json(seen));
    if (!at.log->commit(done)) return;
    at.log.reset();
    const std::uint32_t kind = play.pick(3);   // the sink saw: what the DONE says; nothing; less
    Head witness = seen;
    if (kind == 1) witness = Head{log_stream(), 0, 0, {}};
    if (kind == 2) {
      if (before == 1) return;
      auto stream = driver_.open(log_stream());
      if (!stream || !stream.value()->inspect({})) return;
      (void)stream.value()->scan(1, [&](const Frame& frame) -> result<void> {
        if (frame.lsn == 1) { const wal::Line line = wal::read_line(frame.bytes); witness = Head{log_stream(), line.incarnation, line.lsn, line.hash}; }
        return success();
      });
    }
    play.tell(kind == 0 ? "open against the sink as it was" : kind == 1 ? "open against an empty sink" : "open against an older sink");
    auto stream = driver_.open(log_stream());
    if (!stream) return;
    const auto count = [&] {
      auto looking = driver_.open(log_stream());
      Lsn last = 0;
      if (looking && looking.value()->inspect({})) (void)looking.value()->scan(1, [&](const Frame& frame) -> result<void> { last = frame.lsn; return success(); });
      return last;
    };
    {
      auto log = LogType::open(LogStream(std::move(stream).value(), std::make_shared<LogWatch>()), log_stream(), witness, clock, [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); });
      if (kind == 0) play.expect("LOG-6", log.has_value(), [&] { return "a sink that has seen what the log says is refused: " + log.error().message(); });
      else play.expect("LOG-6", !log && log.error().code() == errc::sink_regressed, [&] { return "a sink that is older than what a DONE records is answered " + (log ? std::string("with success") : log.error().message()); });
    }
    play.expect("LOG-6", count() == before + 1, "something was written although the sink was refused");
  }

  Explorer& explorer_;
  const Options& options_;
  const StoreDriver& driver_;
};

template <class Fixture>
struct LogOf { using type = wal::Log<LogStream, ManualClock>; };
template <class Fixture>
  requires requires { typename Fixture::Log; }
struct LogOf<Fixture> { using type = typename Fixture::Log; };
}  // namespace detail

template <class Fixture>
[[nodiscard]] Report check_log(const Options& options = {}) {
  Report report;
  report.check = "check_log";
  if constexpr (diagnose_store_fixture<Fixture>()) {
    Fixture fixture;
    const StoreDriver driver = drive_store(fixture);
    Explorer explorer(report, options);
    detail::LogCheck<typename detail::LogOf<Fixture>::type>(explorer, options, driver).run();
  }
  return report;
}

}  // namespace kfm_det::conformance

#endif
