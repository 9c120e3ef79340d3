// SPDX-License-Identifier: BSL-1.0
// Stores and sinks at the end of a wire, used alone: they are Stores and Sinks, and whoever sends a request again ends where one request ends.
#include <catch2/catch.hpp>

#include <memory>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/sink_words.hpp"
#include "kfm_det/conformance/detail/store_oracle.hpp"
#include "kfm_det/simulate/ambiguous.hpp"
#include "kfm_det/sinks/memory_sink.hpp"
#include "kfm_det/stores/memory_store.hpp"
#include "tests/files/scratch.hpp"

using namespace kfm_det;
using simulate::AmbiguousSink;
using simulate::AmbiguousStore;
using simulate::Wire;
using tests::good;

namespace {

static_assert(diagnose_store<AmbiguousStore<MemoryStore>>());
static_assert(diagnose_sink<AmbiguousSink<MemorySink>>());

/// What happens to the next calls; nothing, when it is empty.
struct Losses {
  std::vector<Wire::Loss> next;
  std::shared_ptr<Wire> wire = std::make_shared<Wire>([this] {
    if (next.empty()) return Wire::Loss::none;
    const Wire::Loss loss = next.front();
    next.erase(next.begin());
    return loss;
  });
};

const StreamId id = StreamId::of(Scope{"kit", "wire"});

}  // namespace

TEST_CASE("an append whose answer is lost is there, one that never arrived is not, and the same group again is right for both") {
  for (const Wire::Loss loss : {Wire::Loss::answer, Wire::Loss::request, Wire::Loss::late}) {
    CAPTURE(static_cast<int>(loss));
    Losses losses;
    AmbiguousStore<MemoryStore> store(MemoryStore(), losses.wire);
    auto stream = good(store.open_stream(id));
    (void)good(stream.recover({}, {}));
    conformance::detail::Chain chain;
    const auto frames = conformance::detail::make_frames(id, chain, 2, 0, "a");
    const std::vector<BytesView> group(frames.begin(), frames.end());
    losses.next = {loss};
    const auto lost = stream.append(0, group);
    REQUIRE_FALSE(lost);
    CHECK(lost.error().code() == errc::timed_out);
    CHECK(stream.tail().last == (loss == Wire::Loss::answer ? 2U : 0U));
    CHECK(losses.wire->under_way() == (loss == Wire::Loss::late ? 1U : 0U));
    CHECK(good(stream.append(0, group)) == 2);
    (void)losses.wire->deliver();   // the same group once more
    CHECK(stream.tail().last == 2);
    losses.next = {Wire::Loss::answer};
    CHECK_FALSE(stream.sync());
    CHECK(stream.tail().durable == 2);
    std::size_t seen = 0;
    CHECK(good(stream.scan(1, [&](const Frame& frame) -> result<void> { seen += frame.bytes == frames[frame.lsn - 1] ? 1U : 0U; return success(); })) == 2);
    CHECK(seen == 2);
  }
}

TEST_CASE("an append that arrives behind the next tenure is refused, and the store outlives what is under way to it") {
  Losses losses;
  MemoryStore memory;
  conformance::detail::Chain chain;
  const auto frames = conformance::detail::make_frames(id, chain, 1, 0, "a");
  {
    AmbiguousStore<MemoryStore> store(memory, losses.wire);
    auto stream = good(store.open_stream(id));
    (void)good(stream.recover({}, {}));
    losses.next = {Wire::Loss::late};
    CHECK_FALSE(stream.append(0, std::vector<BytesView>{BytesView(frames[0])}));
  }
  auto next = good(memory.open_stream(id));
  CHECK(good(next.recover({}, {})).tail.lsn == 0);
  CHECK(losses.wire->deliver() == 1);
  CHECK(next.tail().last == 0);
  CHECK(good(next.append(0, std::vector<BytesView>{BytesView(frames[0])})) == 1);
}

TEST_CASE("what arrives late is done then, the oldest first, and once") {
  Wire wire([] { return Wire::Loss::late; });
  std::vector<int> done;
  for (const int one : {1, 2}) CHECK_FALSE(wire.call<int>([&done, one]() -> result<int> { done.push_back(one); return one; }));
  CHECK(done.empty());
  CHECK(wire.deliver() == 2);
  CHECK(done == std::vector<int>{1, 2});
  CHECK(wire.deliver() == 0);
  CHECK(done.size() == 2);
}

TEST_CASE("a sink's requests are lost and come late, its reads are lost and never come") {
  using namespace conformance::sink_words;
  Losses losses;
  MemorySink memory;
  AmbiguousSink<MemorySink> sink(std::make_shared<MemorySink>(memory), losses.wire);
  const Tenure ann = tenure(1, "ann"), bob = tenure(2, "bob");
  const std::vector<Upsert> a{upsert("a", {1, 1}, "k", fresh("A"))};
  const std::vector<Withdrawal> back{withdrawal("a", {1, 1}, "k")};

  losses.next = {Wire::Loss::answer};
  CHECK(sink.upsert(ann, head(1, 1), a).error().code() == errc::timed_out);
  CHECK(good(sink.upsert(ann, head(1, 1), a))[0] == UpsertResult::unchanged);
  losses.next = {Wire::Loss::late};
  CHECK_FALSE(sink.withdraw(ann, head(1, 2), back));
  CHECK(good(sink.find(effect("a")))->state == PublicationState::current);
  losses.next = {Wire::Loss::late};
  CHECK(sink.find(effect("a")).error().code() == errc::timed_out);
  CHECK(losses.wire->under_way() == 1);   // the withdrawal, and no read
  (void)good(sink.begin(bob, StreamId::of(scope())));
  CHECK(losses.wire->deliver() == 1);
  CHECK(good(sink.find(effect("a")))->state == PublicationState::current);   // it was fenced
  losses.next = {Wire::Loss::request};
  CHECK_FALSE(sink.withdraw(bob, head(1, 2), back));
  CHECK(good(sink.current({"k"})).has_value());
  good(sink.withdraw(bob, head(1, 2), back));
  CHECK_FALSE(good(sink.current({"k"})).has_value());
}
