// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kfm_det/sinks/memory_sink.hpp"
#include "tests/sinks/sink_laws.hpp"

namespace {

using namespace kfm_det;
using namespace kfm_det::sink_laws;

struct MemoryFixture {
  using Sink = MemorySink;
  static constexpr std::size_t every = 1;
  Sink open() { return {}; }
  Sink reopen(Sink sink) { return sink; }
  void damage(Sink& sink, const IdempotencyKey& key) {
    std::string bytes;
    (void)sink.read(key, [&](BytesView piece) -> result<void> { bytes += piece; return success(); });
    bytes[bytes.size() / 2] ^= 1;
    sink.replace_bytes(key, bytes);
  }
};
KFM_DET_TEST_SINK_LAWS(MemoryFixture)

TEST_CASE("MemorySink: copies share their tables, a backup does not") {
  MemorySink kept;
  MemorySink moved_away = kept;
  MemorySink inside = std::move(moved_away);
  publish(inside, upsert("a", {1, 1}, "k", fresh("a")));
  CHECK(current_bytes(kept, "k") == "a");
  const MemorySink backup = kept.backup();
  publish(inside, upsert("b", {1, 2}, "k", fresh("b")));
  CHECK(current_bytes(kept, "k") == "b");
  kept.restore(backup);
  kept.restore(kept);
  CHECK(current_bytes(inside, "k") == "a");
  CHECK(state(inside, "b") == std::nullopt);
}

TEST_CASE("MemorySink: verbs may be called from any thread") {
  MemorySink sink;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&sink, t] {
      MemorySink mine = sink;
      for (int i = 0; i < 50; ++i) {
        const auto one = upsert("e" + std::to_string(t) + "." + std::to_string(i), {1, static_cast<Lsn>(i + 1)}, "k", fresh(std::to_string(t)));
        (void)mine.upsert(tenure(), head(1), std::span(&one, 1));
        (void)mine.current({"k"});
        (void)mine.history({"k"}, [](const Publication&) -> result<void> { return success(); });
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(history(sink, "k").size() == 200);
}

}  // namespace
