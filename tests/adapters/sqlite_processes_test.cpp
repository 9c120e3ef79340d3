// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kfm_det/adapters/sqlite.hpp"
#include "kfm_det/sinks/export.hpp"
#include "tests/adapters/waves.hpp"
#include "tests/sinks/sink_laws.hpp"

namespace {

using namespace kfm_det;
using sink_laws::Scratch;

/// sqlite_writer_program, at work.
class Writer {
 public:
  Writer(const std::string& path, std::uint64_t first) {
    const std::string program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "sqlite_writer_program";
    const std::string number = std::to_string(first);
    REQUIRE(std::filesystem::exists(program));
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::execl(program.c_str(), program.c_str(), path.c_str(), number.c_str(), nullptr);
      ::_exit(127);
    }
    REQUIRE(pid_ > 0);
    ::close(ends[1]);
    pipe_ = ends[0];
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { if (pipe_ >= 0) (void)kill(); }

  /// Waits until so many waves were acknowledged: moments go by what it did, and not by how fast the machine is.
  void wait_for(std::size_t waves) { while (acknowledged_.size() < waves && next()) {} }
  /// The waves that were acknowledged, after it was killed.
  std::vector<std::uint64_t> kill() {
    ::kill(pid_, SIGKILL);
    while (next()) {}
    ::close(std::exchange(pipe_, -1));
    int status = 0;
    REQUIRE(::waitpid(pid_, &status, 0) == pid_);
    CHECK(WIFSIGNALED(status));   // and did not end by itself, with an error
    if (!WIFSIGNALED(status)) WARN("exit code " << WEXITSTATUS(status));
    return std::move(acknowledged_);
  }

 private:
  bool next() {
    std::uint64_t wave = 0;
    if (::read(pipe_, &wave, sizeof wave) != static_cast<ssize_t>(sizeof wave)) return false;
    acknowledged_.push_back(wave);
    return true;
  }

  std::vector<std::uint64_t> acknowledged_;
  pid_t pid_ = -1;
  int pipe_ = -1;
};

void wait_up_to(std::mt19937& random, unsigned microseconds) { ::usleep(static_cast<unsigned>(random()) % microseconds); }

/// Whether a wave is there. It is there whole or not at all, and so is what took it back.
bool check_wave(SqliteSink& sink, std::uint64_t wave) {
  std::size_t there = 0, withdrawn = 0;
  for (const std::string& key : test::wave_keys()) {
    const auto found = sink.find(test::wave_effect(wave, key));
    REQUIRE(found);
    if (!found.value()) continue;
    ++there;
    if (found.value()->state == PublicationState::withdrawn) ++withdrawn;
    REQUIRE(found.value()->version);
    std::string bytes;
    REQUIRE(sink.read(found.value()->version->key, [&](BytesView piece) -> result<void> { bytes += piece; return success(); }));
    CHECK(bytes == test::wave_bytes(wave, key));
  }
  CHECK((there == 0 || there == test::wave_keys().size()));
  CHECK((withdrawn == 0 || withdrawn == test::wave_keys().size()));
  CHECK((withdrawn == 0 || wave % 4 == 0));
  return there != 0;
}

TEST_CASE("SqliteSink: SINK-11 a writer that is killed at any moment leaves whole waves, and every one that it acknowledged") {
  const Scratch scratch;
  const std::string path = scratch / "x.db";
  std::mt19937 random(20120101);   // the seed of the moments
  std::uint64_t next = 1, acknowledged = 0, published = 0;
  for (int round = 0; round < 40; ++round) {
    const std::uint64_t first = next;
    std::vector<std::uint64_t> acks;
    {
      Writer writer(path, first);
      if (round % 4 != 0) writer.wait_for(random() % 12);   // else: while it starts, too
      wait_up_to(random, round % 4 == 0 ? 30000 : 2000);
      acks = writer.kill();
    }
    INFO("round " << round << ", " << acks.size() << " waves acknowledged");
    auto sink = SqliteSink::open(path);
    if (!sink) FAIL(sink.error().message());
    for (std::uint64_t wave = first; wave <= first + acks.size(); ++wave) {
      const bool there = check_wave(sink.value(), wave);
      CHECK((there || wave >= first + acks.size()));
      if (there) { ++published; next = wave + 1; }
    }
    CHECK_FALSE(check_wave(sink.value(), next));   // nothing that was never sent
    CHECK(sink.value().witness({"waves"}).value().lsn == next - 1);
    acknowledged += acks.size();
  }
  CHECK(acknowledged > 100);
  CHECK(published >= acknowledged);
  auto sink = SqliteSink::open(path);
  REQUIRE(sink);
  for (const std::string& key : test::wave_keys()) {   // what is current is what the law says of all that was published
    const std::uint64_t last = (next - 1) % 4 == 0 ? next - 2 : next - 1;
    const auto current = sink.value().current({key});
    REQUIRE(current);
    REQUIRE(current.value());
    CHECK((current.value()->order.lsn == last || current.value()->order.lsn == next - 1));
  }
}

TEST_CASE("SqliteSink: several processes make it at once, write it at once and are killed, while another looks on") {
  const Scratch scratch;
  std::mt19937 random(20120102);
  std::size_t acknowledged = 0, looks = 0;
  for (int round = 0; round < 8; ++round) {
    const std::string path = scratch / ("x" + std::to_string(round % 3) + ".db");   // some of them are there already
    const auto base = static_cast<std::uint64_t>(round) * 100000 + 1;
    std::vector<std::vector<std::uint64_t>> acks;
    {
      std::vector<std::unique_ptr<Writer>> writers;
      for (std::uint64_t i = 0; i < 3; ++i) writers.push_back(std::make_unique<Writer>(path, base + i * 10000));
      if (round % 2 == 1) writers.front()->wait_for(2);   // else: look while it is being made
      for (int i = 0; i < 3; ++i) {
        wait_up_to(random, 15000);
        auto reader = SqliteSink::open(path, {.read_only = true});
        if (!reader) {   // not made yet, or just being made
          CHECK((reader.error().code() == errc::not_found || reader.error().code() == errc::unavailable || reader.error().code() == errc::busy));
          continue;
        }
        const auto text = export_canonical(reader.value(), {.bytes = false});
        if (!text) FAIL(text.error().message());
        ++looks;
      }
      for (const auto& writer : writers) {
        writer->wait_for(random() % 12);
        wait_up_to(random, 2000);
        acks.push_back(writer->kill());
      }
    }
    auto sink = SqliteSink::open(path);
    if (!sink) FAIL(sink.error().message());
    for (std::uint64_t i = 0; i < 3; ++i) {
      for (const std::uint64_t wave : acks[i]) CHECK(check_wave(sink.value(), wave));
      (void)check_wave(sink.value(), base + i * 10000 + acks[i].size());
      acknowledged += acks[i].size();
    }
    sqlite3* raw = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &raw) == SQLITE_OK);
    std::string verdict;
    sqlite3_exec(raw, "PRAGMA integrity_check", [](void* to, int, char** values, char**) { *static_cast<std::string*>(to) += values[0]; return 0; }, &verdict, nullptr);
    sqlite3_close(raw);
    CHECK(verdict == "ok");
  }
  CHECK(acknowledged > 50);
  CHECK(looks > 5);
}

TEST_CASE("SqliteSink: threads, each with a sink of its own or all with one") {
  const Scratch scratch;
  const std::string path = scratch / "x.db";
  for (const bool shared : {true, false}) {
    auto one = SqliteSink::open(path, {.busy_timeout_ms = 60000, .checkpoint_pages = 4});
    REQUIRE(one);
    std::vector<std::thread> threads;
    std::array<int, 4> failures{};
    for (std::size_t t = 0; t < failures.size(); ++t)
      threads.emplace_back([&, t] {
        auto own = SqliteSink::open(path, {.busy_timeout_ms = 60000, .checkpoint_pages = 4});
        SqliteSink& sink = shared ? one.value() : own.value();
        for (std::uint64_t i = 1; i <= 20; ++i) {
          const std::uint64_t wave = t * 1000 + i + (shared ? 0 : 100000);
          if (!sink.upsert(test::wave_tenure(), test::wave_head(1), test::wave_of(wave))) ++failures[t];
          if (!sink.current({"a"})) ++failures[t];
          std::size_t seen = 0;
          if (!sink.history({"a"}, [&](const Publication&) -> result<void> { ++seen; return success(); }) || seen < i) ++failures[t];
        }
      });
    for (std::thread& thread : threads) thread.join();
    CHECK(failures == std::array<int, 4>{});
    for (std::uint64_t t = 0; t < 4; ++t)
      for (std::uint64_t i = 1; i <= 20; ++i) CHECK(check_wave(one.value(), t * 1000 + i + (shared ? 0 : 100000)));
  }
}

TEST_CASE("SqliteSink: who only looks is not disturbed by those who open and close the file for writing") {
  const Scratch scratch;
  const std::string path = scratch / "x.db";
  REQUIRE(SqliteSink::open(path));
  const ::pid_t child = ::fork();
  if (child == 0) {
    bool good = true;
    for (std::uint64_t token = 1; token <= 300 && good; ++token) {
      auto sink = SqliteSink::open(path);
      good = sink && sink.value().begin({{"u", ""}, {token}, {"o"}}, {"s"});
    }
    ::_exit(good ? 0 : 1);
  }
  REQUIRE(child > 0);
  int status = 0, looks = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    auto sink = SqliteSink::open(path, {.read_only = true});
    if (!sink) FAIL_CHECK(sink.error().message());
    else if (const auto seen = sink.value().witness({"s"}); !seen) FAIL_CHECK(seen.error().message());
    ++looks;
  }
  CHECK(status == 0);
  CHECK(looks > 0);
}

}  // namespace
