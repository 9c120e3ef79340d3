// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include "kfm_det/conformance/detail/store_oracle.hpp"
#include "kfm_det/stores/memory_store.hpp"
#include "tests/files/scratch.hpp"
#include "tests/wal/records.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;
using tests::bad;
using tests::good;

namespace {
const StreamId id = test_stream();
}  // namespace

TEST_CASE("STORE-5 a later tenure of a memory store ends the earlier one: nothing of it is appended, synced or proven any more") {
  MemoryStore store;
  Lines lines;
  auto first = good(store.open_stream(id)), second = good(store.open_stream(id));
  CHECK(good(first.recover({}, {})).tail.lsn == 0);
  const auto one = lines.group(1), two = lines.group(1);
  CHECK(good(first.append(0, views(one))) == 1);
  CHECK(good(second.recover({}, {})).tail.lsn == 1);   // unsynced, but it was there: from now on it is proven
  CHECK(bad(first.append(1, views(two))) == errc::conflict);
  CHECK(bad(first.sync()) == errc::conflict);
  CHECK(bad(first.prove()) == errc::conflict);
  CHECK(good(second.append(1, views(two))) == 2);
  CHECK(good(second.append(1, views(two))) == 2);            // STORE-2: the identical group again
  CHECK(bad(second.append(1, views(one))) == errc::conflict);
}

TEST_CASE("STORE-3 what a memory store synced is what is left behind a power loss") {
  MemoryStore store;
  Lines lines;
  auto stream = good(store.open_stream(id));
  (void)good(stream.recover({}, {}));
  (void)good(stream.append(0, views(lines.group(1))));
  CHECK(good(stream.sync()) == 1);
  (void)good(stream.append(1, views(lines.group(1))));
  store.lose_unsynced();
  CHECK(bad(stream.sync()) == errc::conflict);
  auto after = good(store.open_stream(id));
  CHECK(good(after.inspect({})).tail.lsn == 1);
  CHECK(good(after.recover({}, {})).tail.lsn == 1);
}

TEST_CASE("a bad verdict begins no tenure, unless the loss is accepted; what is foreign never does") {
  MemoryStore store;
  Lines lines;
  auto stream = good(store.open_stream(id));
  (void)good(stream.recover({}, {}));
  (void)good(stream.append(0, views(lines.group(1))));
  CHECK(good(stream.sync()) == 1);
  const Head above{id, 1, 7, Digest{}};
  auto refused = good(store.open_stream(id));
  CHECK(good(refused.recover(std::span<const Head>(&above, 1), {})).verdict == Verdict::regressed);
  CHECK(bad(refused.append(1, views(lines.group(1)))) == errc::conflict);
  auto accepted = good(store.open_stream(id));
  const Recovery recovery = good(accepted.recover(std::span<const Head>(&above, 1), {.accept_loss = true}));
  CHECK(recovery.verdict == Verdict::regressed);
  CHECK(recovery.incarnation == 2);
  CHECK(accepted.sync());

  const StreamId other{"other@"};
  store.restore(other, store.frames(id));
  auto foreign = good(store.open_stream(other));
  CHECK(good(foreign.recover({}, {.accept_loss = true})).verdict == Verdict::foreign);
  CHECK(bad(foreign.sync()) == errc::conflict);
}

TEST_CASE("STORE-20 STORE-21 a memory store trims to a durable checkpoint, and to nothing else") {
  using conformance::detail::make_checkpoint;
  using conformance::detail::make_frames;
  MemoryStore store;
  conformance::detail::Chain chain;
  auto stream = good(store.open_stream(id));
  (void)good(stream.recover({}, {}));
  conformance::detail::Frames log = make_frames(id, chain, 2, 0, "x");
  (void)good(stream.append(0, views(log)));
  CHECK(bad(stream.drop_before(2)) == errc::invalid_argument);
  const auto checkpoint = make_checkpoint(id, chain, log);
  (void)good(stream.append(2, views(checkpoint)));
  CHECK(bad(stream.drop_before(3)) == errc::invalid_argument);
  CHECK(good(stream.sync()) == 4);
  CHECK(bad(stream.drop_before(4)) == errc::invalid_argument);
  CHECK(stream.drop_before(3));
  CHECK(stream.tail().base == 3);
  CHECK(stream.tail().last == 4);
  CHECK(store.frames(id) == checkpoint);
  const auto more = make_frames(id, chain, 1, 0, "y");
  CHECK(good(stream.append(4, views(more))) == 5);
  CHECK(good(stream.append(4, views(more))) == 5);   // STORE-2
  CHECK(good(stream.sync()) == 5);
  auto next = good(store.open_stream(id));
  const Recovery found = good(next.recover({}, {}));
  CHECK(found.verdict == Verdict::clean);
  CHECK(found.base == 3);
  CHECK(found.tail.lsn == 5);
  CHECK(bad(stream.drop_before(5)) == errc::conflict);
  store.restore(id, store.frames(id));
  CHECK(good(good(store.open_stream(id)).inspect({})).base == 3);
}
