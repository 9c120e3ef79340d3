// SPDX-License-Identifier: BSL-1.0
// Real processes that sleep at any moment (SIGSTOP), are taken over, and wake up: they must find out, and change nothing.
//
// A process that sleeps inside a transaction of SQLite, or while it opens the file, keeps the file's lock: nobody gets past it before it wakes or dies, and
// no lease changes that. Such a one is woken while its successor waits. Each other one is woken when its successor is done.
// KFM_DET_TAKEOVERS is how many sleepers are wanted where 200 are by default; KFM_DET_SEED repeats the draws, on any machine, but not what the machine does meanwhile.
#ifdef MONTHLY_SUMMARY_PROGRAM   // not defined where examples are not built
#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kfm_det/conformance/choices.hpp"
#include "tests/examples/program.hpp"
#include "tests/examples/world.hpp"
#include "tests/sanitizers.hpp"

using namespace kfm_det;
using tests::killed;
using tests::Ran;
using tests::reference;
using tests::replaced;
using tests::Running;
using tests::some_months;
using tests::text_of;
using tests::told;
using tests::World;

namespace {

constexpr bool is_slow = testing::is_sanitized;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;
constexpr Seconds lease{is_slow ? 0.6 : 0.1};   // of those that will sleep; the others have the default, for a machine with other things to do
const std::vector<std::string> short_lease{"--lease-ms", std::to_string(static_cast<int>(lease.count() * 1000))};

int wanted(int of_200) {
  const char* given = std::getenv("KFM_DET_TAKEOVERS");
  const int takeovers = given ? std::atoi(given) : is_slow ? 20 : 200;
  return std::max(1, of_200 * takeovers / 200);
}

std::vector<std::string> operator+(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// --- looking at a process that sleeps ------------------------------------------------------------------------------------------------------------------

/// Which tenure of the log is the newest; empty: it was never opened.
std::string newest_claim(const std::string& state) {
  std::string newest;
  std::error_code gone;   // a folder that appears or an entry that vanishes while we look
  for (auto at = std::filesystem::recursive_directory_iterator(state + "/wal", gone); !gone && at != std::filesystem::recursive_directory_iterator(); at.increment(gone))
    if (const std::string name = at->path().filename().string(); name.ends_with(".claim")) newest = std::max(newest, name);
  return newest;
}

/// Whether others wait for a lock that this process has on the database. SQLite's locks are those of POSIX, and the kernel lists them (F_GETLK would name
/// only one of several holders): one for writing keeps out everybody, and one for reading who would change to the write-ahead log, as long as nobody has.
bool blocks_database(::pid_t process, const std::string& state) {
  const std::string database = state + "/summaries.db";
  const std::string head = text_of(database);
  const bool has_log = head.size() > 18 && head[18] == 2;   // "file format write version": 2 is a write-ahead log
  const auto inode = [](const std::string& path) {
    struct stat about = {};
    return ::stat(path.c_str(), &about) == 0 ? ":" + std::to_string(about.st_ino) : std::string("none");
  };
  const std::string of_database = inode(database), of_shared = inode(database + "-shm");
  std::istringstream locks(text_of("/proc/locks"));   // 1: POSIX  ADVISORY  WRITE 12927 fe:00:9977872 0 EOF
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, advisory, type, holder, file;
    words >> number >> kind >> advisory >> type >> holder >> file;
    if (kind != "POSIX" || holder != std::to_string(process)) continue;
    if (file.ends_with(of_database) && (type == "WRITE" || !has_log)) return true;
    if (file.ends_with(of_shared) && type == "WRITE") return true;
  }
  return false;
}

/// Where the log says that the work is.
std::string place(const std::string& state) {
  std::string newest;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(state))
    if (const std::string path = entry.path().string(); path.ends_with(".jsonl")) newest = std::max(newest, path);
  if (newest.empty()) return newest_claim(state).empty() ? "before the log" : "opening the log";
  const std::string log = text_of(newest), name = "\"phase\":\"";
  const auto at = log.rfind(name);
  if (at == std::string::npos) return "before the plan";
  const std::string phase = log.substr(at + name.size(), log.find('"', at + name.size()) - at - name.size());
  static const std::map<std::string, std::string> words{{"PLAN", "computing"}, {"EXECUTE", "computing"}, {"UPSERT", "publishing"}, {"CONTROL", "taking up again"}, {"COMMIT", "closing"}};
  const auto found = words.find(phase);
  return found == words.end() ? phase : found->second;
}

/// The tokens of all records, in the log's order.
std::vector<std::uint64_t> tokens(const std::string& state) {
  std::vector<std::string> segments;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(state + "/wal"))
    if (const std::string path = entry.path().string(); path.ends_with(".jsonl")) segments.push_back(path);
  std::sort(segments.begin(), segments.end());
  std::vector<std::uint64_t> out;
  for (const auto& path : segments) {
    const std::string log = text_of(path), name = "\"token\":";
    for (auto at = log.find(name); at != std::string::npos; at = log.find(name, at + 1)) out.push_back(std::strtoull(log.c_str() + at + name.size(), nullptr, 10));
  }
  return out;
}

// --- sleepers ------------------------------------------------------------------------------------------------------------------------------------------

struct Sleeper {
  std::unique_ptr<Running> process;
  std::string where;
  bool blocks = false;   // see the head of this file
  bool awake = false;
  void wake() { awake = true; process->signal(SIGCONT); }
};

/// What one test drew and saw. Told on failure, and counted for those who run the test by hand.
class Takeovers {
 public:
  explicit Takeovers(std::string test) : test_(std::move(test)) {
    const char* given = std::getenv("KFM_DET_SEED");
    seed_ = given ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
    random_ = conformance::Random(seed_);
    begin_round();
    for (int i = 0; i < 3; ++i) {   // the last one counts: by then everything is in the caches
      const World fresh;
      const auto start = Clock::now();
      Running run(words(fresh, "2", {}));
      wait_opened(run, fresh, "");
      opened_ = Clock::now() - start;
      REQUIRE(run.wait().code == 0);
      whole_ = Clock::now() - start;
    }
  }
  ~Takeovers() {
    std::printf("%s: seed %u, %d hit a live run, %d too late;", test_.c_str(), seed_, hits_, misses_);
    for (const auto& [what, count] : counts_) std::printf(" %s %d;", what.c_str(), count);
    std::printf(" %.1f s\n", Seconds(Clock::now() - start_).count());
  }
  Takeovers(const Takeovers&) = delete;
  Takeovers& operator=(const Takeovers&) = delete;

  [[nodiscard]] const std::string& story() const { return story_; }
  [[nodiscard]] bool draw_bool() { return draw(2) == 0; }
  [[nodiscard]] std::size_t draw(std::size_t below) { return random_.below(below); }
  /// Every order is as likely as any other.
  template <class T>
  void shuffle(std::vector<T>& all) {
    for (std::size_t left = all.size(); left > 1; --left) std::swap(all[left - 1], all[draw(left)]);
  }
  void begin_round() { story_ = "seed " + std::to_string(seed_); }
  void tell(const std::string& what) { story_ += "; " + what; }
  void count(const std::string& what) { ++counts_[what]; }
  [[nodiscard]] int counted(const std::string& what) const { const auto found = counts_.find(what); return found == counts_.end() ? 0 : found->second; }
  [[nodiscard]] int hits() const { return hits_; }

  /// Starts `run` and puts it to sleep at a random moment, half of them in the time behind opening the log. Null: it was over before, which is no failure.
  /// Not `may_open`: somebody blocks the database, so that the log will not be opened.
  [[nodiscard]] std::unique_ptr<Sleeper> sleeper(const World& world, const std::vector<std::string>& more, bool may_open = true) {
    const std::string window = std::to_string(1 + draw(3));
    const bool inside = draw_bool() && may_open;
    const double share = static_cast<double>(draw(10501)) / 10000;
    const std::string claim = newest_claim(world.state);
    tell("window " + window + ", at " + std::to_string(static_cast<int>(share * 100)) + " % of " + (inside ? "the time behind opening the log" : "the run"));
    const auto start = Clock::now();
    auto out = std::make_unique<Sleeper>(Sleeper{std::make_unique<Running>(words(world, window, more)), "", false, false});
    Seconds opened = opened_;
    if (inside) {
      wait_opened(*out->process, world, claim);
      opened = Clock::now() - start;
    }
    std::this_thread::sleep_for(share * (inside ? whole_ - opened_ : whole_));
    out->process->signal(SIGSTOP);
    if (!out->process->wait_stopped()) {
      const Seconds took = Clock::now() - start;
      const Ran ran = out->process->wait();
      INFO(story_ << "\n" << ran.err);
      CHECK((ran.code == 0 || ran.code == 4 || ran.code == 5));   // 5: the machine slept longer than the lease
      if (ran.code == 0) whole_ = (whole_ + std::min(took, 2 * whole_)) / 2, opened_ = (opened_ + std::min(opened, 2 * opened_)) / 2;
      ++misses_;
      tell("too late: it answered " + std::to_string(ran.code));
      return nullptr;
    }
    asleep(*out, world);
    return out;
  }
  /// At the N-th event. Null: it has no such event.
  [[nodiscard]] std::unique_ptr<Sleeper> sleeper_at(const World& world, const std::string& window, int event, const std::vector<std::string>& more) {
    tell("window " + window + ", at event " + std::to_string(event));
    auto out = std::make_unique<Sleeper>(Sleeper{std::make_unique<Running>(words(world, window, more + std::vector<std::string>{"--stop-after-events", std::to_string(event)})), "", false, false});
    if (!out->process->wait_stopped()) {
      const Ran ran = out->process->wait();
      INFO(story_ << "\n" << ran.err);
      REQUIRE(ran.code == 0);
      return nullptr;
    }
    asleep(*out, world);
    return out;
  }

  /// Somebody goes on: runs again while the answer is busy. Those that block the database are woken meanwhile.
  [[nodiscard]] Ran successor(const World& world, const std::string& data, const std::vector<Sleeper*>& sleepers) {
    int looks_left = 120'000;   // so that a test that waits for ever tells its story
    for (;;) {
      Running next(world.run_words(data, {"--window", "2"}));
      for (int looks = 0; !next.is_over(); ++looks) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        if (--looks_left == 0) {
          INFO(story_);
          FAIL("nobody gets past the sleepers");
        }
        if (looks < (is_slow ? 400 : 40)) continue;
        for (Sleeper* one : sleepers)
          if (one->blocks && !one->awake) one->wake();
      }
      const Ran ran = next.wait();
      if (ran.code == 4) {
        INFO(story_ << "\n" << ran.err);
        CHECK(ran.err.starts_with("error: busy: "));
        count("turned away");
        continue;
      }
      if (ran.code == 5 && std::any_of(sleepers.begin(), sleepers.end(), [](const Sleeper* one) { return one->awake; })) {
        count("SUCCESSOR KNOCKED OUT by one that woke");
        tell("the successor: " + ran.err);
        continue;
      }
      tell("the successor: " + ran.err);
      return ran;
    }
  }

  /// Wakes one when the work was done without it. `after` is what the last successor said.
  void wakes(Sleeper& sleeper, const Ran& after) {
    const bool early = sleeper.awake;   // while the successor was at work
    if (!early) sleeper.wake();
    const Ran ran = sleeper.process->wait();
    const auto is_nothing = [](const Ran& one) { return one.err.find(": nothing to do: ") != std::string::npos; };
    INFO(story_ << "\nslept " << sleeper.where << ", woke to " << ran.code << ": " << ran.err);
    const bool had_finished = is_nothing(ran) || is_nothing(after) || sleeper.where.starts_with("closing");   // the log had its COMMIT when it fell asleep
    CHECK((ran.code == 5 || (ran.code == 0 && (had_finished || early)) || (ran.code == 4 && early)));
    CHECK(ran.out.empty());
    CHECK(ran.err.starts_with(ran.code == 0 ? "noaa-monthly-summary: " : "error: "));
    CHECK(ran.err.ends_with(".\n"));
    CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
    count("ended " + std::to_string(ran.code));
    const auto colon = ran.code == 0 ? std::string::npos : ran.err.find(": ", 7);
    count("  " + (ran.code == 0 ? std::string(is_nothing(ran) ? "0 itself found nothing to do" : "0 had finished") : ran.err.substr(7, colon - 7)));
  }

 private:
  static std::vector<std::string> words(const World& world, const std::string& window, const std::vector<std::string>& more) {
    return world.run_words(world.data, std::vector<std::string>{"--window", window} + more);
  }
  static void wait_opened(const Running& run, const World& world, const std::string& claim) {
    while (!run.is_over() && newest_claim(world.state) == claim) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  void asleep(Sleeper& one, const World& world) {
    ++hits_;
    one.blocks = blocks_database(one.process->pid(), world.state);
    one.where = std::filesystem::exists(world.state) ? place(world.state) : "before the log";
    if (one.blocks) one.where += " (holding the database)";
    count("asleep " + one.where);
    tell("asleep " + one.where);
  }

  std::string test_, story_;
  std::uint32_t seed_ = 0;
  conformance::Random random_{0};
  Seconds opened_{0}, whole_{0};
  int hits_ = 0, misses_ = 0;
  std::map<std::string, int> counts_;
  Clock::time_point start_ = Clock::now();
};

/// Data with another day in February.
std::string other_months() { return replaced(some_months(), "2012/02/01,13.5,8.9,3.3,2.7,rain", "2012/02/01,0.0,8.9,3.3,2.7,sun"); }

std::map<std::string, std::string> currents(const std::string& exported) {
  std::map<std::string, std::string> out;
  for (const auto& [key, one] : told(exported)) out[key] = one.current;
  return out;
}

}  // namespace

TEST_CASE("a process that slept beyond its lease is taken over, and finds out when it wakes") {
  const std::string expected = reference(World().data);
  Takeovers takeovers("slept, taken over, woken");
  const auto round = [&](const World& world, std::unique_ptr<Sleeper> sleeper) {
    const Ran next = takeovers.successor(world, world.data, {sleeper.get()});
    INFO(takeovers.story());
    REQUIRE(next.code == 0);
    takeovers.wakes(*sleeper, next);
    CHECK(world.exported() == expected);
    world.verify();
  };
  SECTION("at random moments") {
    while (takeovers.hits() < wanted(200)) {
      takeovers.begin_round();
      const World world;
      if (auto sleeper = takeovers.sleeper(world, short_lease)) round(world, std::move(sleeper));
    }
    CHECK((takeovers.counted("ended 5") > 0 || takeovers.hits() < 20));
  }
  SECTION("at every event") {
    for (const std::string window : {"2", "1"}) {
      for (int event = 1;; ++event) {
        takeovers.begin_round();
        const World world;
        auto sleeper = takeovers.sleeper_at(world, window, event, short_lease);
        if (!sleeper) break;
        round(world, std::move(sleeper));
      }
    }
    CHECK(takeovers.counted("ended 0") == 2);   // each slept at its last event, when it had committed
    CHECK(takeovers.counted("ended 5") >= 20);
  }
}

TEST_CASE("a process that is killed in its sleep frees the scope at once") {
  const std::string expected = reference(World().data);
  Takeovers takeovers("slept, killed");
  while (takeovers.hits() < wanted(60)) {
    takeovers.begin_round();
    const World world;
    auto sleeper = takeovers.sleeper(world, {});   // with the default lease, of 30 s: nobody waits for that
    if (!sleeper) continue;
    sleeper->process->signal(SIGKILL);
    REQUIRE(sleeper->process->wait().code == killed);
    const Ran next = world.run(world.data);
    INFO(takeovers.story() << "\n" << next.err);
    CHECK(next.code == 0);
    CHECK(world.exported() == expected);
    world.verify();
  }
}

TEST_CASE("two processes that sleep or are killed one after the other; a third one finishes, and both wake in any order") {
  const std::string expected = reference(World().data);
  Takeovers takeovers("twice");
  for (int rounds = 0; rounds < wanted(60);) {
    takeovers.begin_round();
    const World world;
    std::vector<std::unique_ptr<Sleeper>> sleepers;
    const auto next_sleeper = [&] {
      auto sleeper = takeovers.sleeper(world, short_lease, sleepers.empty() || !sleepers.front()->blocks);
      if (!sleeper) return false;
      sleepers.push_back(std::move(sleeper));
      return true;
    };
    if (!next_sleeper()) continue;
    std::this_thread::sleep_for(lease);
    if (!next_sleeper()) continue;
    ++rounds;
    for (auto one = sleepers.begin(); one != sleepers.end();) {
      if (takeovers.draw(4) != 0) { ++one; continue; }
      takeovers.count("killed asleep");
      takeovers.tell("killed");
      (*one)->process->signal(SIGKILL);
      REQUIRE((*one)->process->wait().code == killed);
      one = sleepers.erase(one);
    }
    std::vector<Sleeper*> asleep;
    for (const auto& one : sleepers) asleep.push_back(one.get());
    const Ran last = takeovers.successor(world, world.data, asleep);
    INFO(takeovers.story());
    REQUIRE(last.code == 0);
    takeovers.shuffle(asleep);
    for (Sleeper* one : asleep) takeovers.wakes(*one, last);
    CHECK(world.exported() == expected);
    world.verify();
  }
}

TEST_CASE("the lock folder is deleted between two runs: the next token is above the sink's floor") {
  World world;
  const std::string other = world.write(other_months());
  REQUIRE(world.run(world.data).code == 0);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(world.run(i % 2 == 0 ? other : world.data).code == 0);
    REQUIRE(world.run(i % 2 == 0 ? other : world.data, {"--trigger", "again"}).code == 0);
  }
  std::filesystem::remove_all(world.state + "/locks");
  const auto before = tokens(world.state);
  const Ran next = world.run(world.data);
  INFO(next.err);
  CHECK(next.code == 0);
  const auto after = tokens(world.state);
  CHECK(std::is_sorted(after.begin(), after.end()));
  CHECK(after.back() > before.back());
  CHECK(currents(world.exported()) == currents(reference(world.data)));
  world.verify();
}

TEST_CASE("the lock folder is deleted while a process sleeps: the next one goes on at once, and log and sink refuse the one that wakes") {
  const std::string expected = reference(World().data);
  Takeovers takeovers("lock folder deleted");   // the sleeper's lease has 30 s: it believes in it when it wakes
  const auto round = [&](const World& world, std::unique_ptr<Sleeper> sleeper) {
    std::filesystem::remove_all(world.state + "/locks");
    const int busy = takeovers.counted("turned away");
    const Ran next = takeovers.successor(world, world.data, {sleeper.get()});
    INFO(takeovers.story());
    REQUIRE(next.code == 0);
    CHECK((sleeper->blocks || takeovers.counted("turned away") == busy));
    takeovers.wakes(*sleeper, next);
    CHECK(world.exported() == expected);
    world.verify();
  };
  SECTION("at every event") {
    for (const std::string window : {"2", "1"}) {
      for (int event = 1;; ++event) {
        takeovers.begin_round();
        const World world;
        auto sleeper = takeovers.sleeper_at(world, window, event, {});
        if (!sleeper) break;
        round(world, std::move(sleeper));
      }
    }
    CHECK(takeovers.counted("ended 0") == 2);
    CHECK(takeovers.counted("ended 5") >= 20);
  }
  SECTION("at random moments") {
    while (takeovers.hits() < wanted(40)) {
      takeovers.begin_round();
      const World world;
      if (auto sleeper = takeovers.sleeper(world, {})) round(world, std::move(sleeper));
    }
  }
}

TEST_CASE("a process that wakes when other data are published publishes nothing of its own") {
  const std::map<std::string, std::string> expected = [] { World world; return currents(reference(world.write(other_months()))); }();
  Takeovers takeovers("other data meanwhile");
  for (int rounds = 0; rounds < wanted(40);) {
    takeovers.begin_round();
    World world;
    const std::string other = world.write(other_months());
    const bool folder_goes = takeovers.draw_bool();   // then the sleeper's lease has 30 s: the lock cannot tell it
    auto sleeper = takeovers.sleeper(world, folder_goes ? std::vector<std::string>{} : short_lease);
    if (!sleeper || newest_claim(world.state).empty()) continue;   // had it not begun, it would rightly publish its data as the newest, and later
    ++rounds;
    if (folder_goes) std::filesystem::remove_all(world.state + "/locks");
    const Ran next = takeovers.successor(world, other, {sleeper.get()});
    INFO(takeovers.story());
    REQUIRE(next.code == 0);
    const std::string before = sleeper->awake ? "" : world.exported();
    takeovers.wakes(*sleeper, next);
    const std::string after = world.exported();
    CHECK((before.empty() || after == before));
    CHECK(currents(after) == expected);
    world.verify();
  }
}

TEST_CASE("who looks while others work is told the truth: nothing is damaged") {
  const std::string expected = reference(World().data);
  Takeovers takeovers("looks");
  for (const std::vector<std::string>& what : {std::vector<std::string>{"verify"}, {"explain", "seattle/2012-01"}}) {
    for (int round = 0; round < wanted(40); ++round) {
      takeovers.begin_round();
      const World world;
      const auto worker = takeovers.sleeper_at(world, "1", 11 + static_cast<int>(takeovers.draw(4)), {});   // some months are published, others are not
      REQUIRE(worker);
      Running looks(World::words(what + std::vector<std::string>{"--state", world.state}));
      const auto delay = std::chrono::microseconds(takeovers.draw(is_slow ? 100'000 : 10'000));
      takeovers.tell(what.front() + " asleep after " + std::to_string(delay.count()) + " us");
      std::this_thread::sleep_for(delay);
      looks.signal(SIGSTOP);
      takeovers.count(what.front() + (looks.wait_stopped() ? " slept" : " was over"));
      worker->process->signal(SIGCONT);
      const Ran worked = worker->process->wait();
      looks.signal(SIGCONT);
      const Ran looked = looks.wait();
      INFO(takeovers.story() << "\n" << worked.err << looked.err);
      CHECK(worked.code == 0);
      CHECK(looked.code == 0);
      CHECK(world.exported() == expected);
      world.verify();
    }
  }
}

#endif
