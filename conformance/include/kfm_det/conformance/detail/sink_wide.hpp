// SPDX-License-Identifier: BSL-1.0
/// \file
/// More parts of check_sink: ids that differ in one byte, requests that contradict themselves, keys on which nothing shows, owners whose names look alike, wide
/// requests, large contents, and several threads.
///
/// Thread-safety: one thread, but for `threads`.
#ifndef KFM_DET_CONFORMANCE_DETAIL_SINK_WIDE_HPP
#define KFM_DET_CONFORMANCE_DETAIL_SINK_WIDE_HPP

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/errand.hpp"
#include "kfm_det/conformance/detail/sink_world.hpp"

namespace kfm_det::conformance::sink_parts {

using namespace sink_words;

/// SINK-5, 14, 1: an id is all of its 32 bytes, and bytes have no sign. Two that differ in one byte alone: effects on two keys; versions; effects of one key and
/// order, of which the higher one is current.
inline void ids(Play& play, SinkBench& bench) {
  static constexpr std::array<std::size_t, 9> places{4, 7, 8, 15, 16, 19, 20, 24, 31};
  static constexpr std::array<const char*, 3> laws{"SINK-5", "SINK-14", ""}, words{"effects", "versions", "effects of equal order"};
  const std::size_t at = places[play.pick(static_cast<std::uint32_t>(places.size()))];
  const bool turned = play.flip();
  const std::uint32_t kind = play.pick(3);
  SinkWorld world(play, bench, laws[kind]);
  const auto with = [&](Digest digest, unsigned char byte) { digest.bytes[at] = byte; return digest; };
  const auto make = [&](unsigned char byte, const char* key) {
    const std::string name(1, byte == 0x7F ? 'x' : 'y');
    Upsert out = upsert(name, {1, 1}, key, fresh("bytes " + name, name));
    if (kind == 1) std::get<NewVersion>(out.content).key = {with(key_of("versions").digest, byte)};
    else out.effect = {with(effect("e").digest, byte)};
    return out;
  };
  play.note("two " + std::string(words[kind]) + " whose ids differ in byte " + std::to_string(at) + " alone: 7f and 80");
  const Upsert low = make(0x7F, "k"), high = make(0x80, kind == 0 ? "l" : "k");
  if (kind == 1) world.probes.versions.push_back({with(key_of("versions").digest, 0x00)});
  else world.probes.effects.push_back({with(effect("e").digest, 0x00)});
  const Tenure ann = tenure(1, "ann");
  (void)world.upsert(ann, head(1, 1), turned ? high : low);
  world.compare();
  (void)world.upsert(ann, head(1, 1), turned ? low : high);
  world.compare();
  (void)world.withdraw(ann, head(1, 1), Withdrawal{high.effect, high.run, high.order, high.business_key});
  world.compare();
}

/// SINK-3, SINK-8 and SINK-13: a request is judged with what it brings itself.
inline void contradictions(Play& play, SinkBench& bench) {
  SinkWorld world(play, bench);
  const std::uint32_t kind = play.pick(8);
  const bool known = play.flip();
  const Tenure ann = tenure(1, "ann");
  if (known) (void)world.upsert(ann, head(1, 1), upsert("z", {1, 1}, "z", fresh("Z")));
  const auto first = upsert("a", {1, 2}, "k", fresh("A"));
  NewVersion other = fresh("A");
  std::vector<Upsert> batch{first, first};
  switch (kind) {
    case 0: batch[1] = upsert("a", {1, 3}, "k", fresh("A")); break;
    case 1: batch[1] = upsert("a", {1, 2}, "l", fresh("A")); break;
    case 2: batch[1] = upsert("a", {1, 2}, "k", fresh("B")); break;
    case 3: batch[1] = upsert("a", {1, 2}, "k", Tombstone{}); break;
    case 4: other.metadata = label("other"); batch[1] = upsert("b", {1, 2}, "l", other); break;
    case 5: other = fresh("B"); other.key = key_of("A"); batch[1] = upsert("b", {1, 2}, "l", other); break;
    default: break;
  }
  if (kind < 6) (void)world.upsert(ann, head(1, 2), batch);
  else (void)world.withdraw(ann, head(1, 2), std::vector{withdrawal("a", {1, 2}, "k"), kind == 6 ? withdrawal("a", {1, 3}, "k") : withdrawal("a", {1, 2}, "l")});
  for (const char* one : {"a", "b"}) world.probes.effects.push_back(effect(one));
  for (const char* one : {"A", "B"}) world.probes.versions.push_back(key_of(one));
  world.compare();
}

/// SINK-9: a key stays its scope's, whatever shows on it.
inline void bare_keys(Play& play, SinkBench& bench) {
  SinkWorld world(play, bench);
  const Tenure ann = tenure(1, "ann"), bob = tenure(1, "bob", play.flip() ? Scope{"counts", "portland"} : scope("others"));
  const std::uint32_t kind = play.pick(3);
  if (kind != 0) (void)world.upsert(ann, head(1, 1), upsert("a", {1, 1}, "k", kind == 1 ? Content(fresh("A")) : Content(Tombstone{})));
  if (kind != 2) (void)world.withdraw(ann, head(1, 2), withdrawal("a", {1, 1}, "k"));
  if (play.flip()) world.reopen();
  if (play.flip()) (void)world.withdraw(bob, head(1, 1, "line", bob.scope), withdrawal("x", {1, 9}, "k"));
  else (void)world.upsert(bob, head(1, 1, "line", bob.scope), upsert("x", {1, 9}, "k", fresh("X")));
  world.probes.effects.push_back(effect("x"));
  world.compare();
}

/// SINK-6: an equal token of another owner, whose name looks like the first one's.
inline void owners(Play& play, SinkBench& bench) {
  static const std::vector<std::array<std::string, 2>> pairs{
      {"ann", "Ann"}, {"ann", "ann "}, {"ann", "an"}, {"ann", "bob"}, {"1", "01"}, {"caf\xC3\xA9", "cafe\xCC\x81"}, {std::string("a\0b", 3), std::string("a\0c", 3)},
      {std::string(31, 'o') + "x", std::string(31, 'o') + "y"}, {std::string(63, 'o') + "x", std::string(63, 'o') + "y"}, {std::string(127, 'o') + "x", std::string(127, 'o') + "y"}};
  const auto& pair = pairs[play.pick(static_cast<std::uint32_t>(pairs.size()))];
  SinkWorld world(play, bench);
  const StreamId stream = StreamId::of(scope());
  world.begin(tenure(5, pair[0]), stream);
  if (play.flip()) world.reopen();
  world.begin(tenure(5, pair[1]), stream);
  (void)world.upsert(tenure(5, pair[1]), head(1, 1), upsert("a", {1, 1}, "k", fresh("A")));
  world.begin(tenure(5, pair[0]), stream);
  world.compare();
}

/// SINK-7 and SINK-6: streams and scopes whose names begin alike, up to their last byte.
inline void near_streams(Play& play, SinkBench& bench) {
  static const std::vector<std::array<Scope, 2>> pairs{
      {Scope{"a", "b"}, Scope{"a", "bc"}}, {Scope{"a", ""}, Scope{"a", "b"}}, {Scope{"a", std::string(32, 'p') + "x"}, Scope{"a", std::string(32, 'p') + "y"}},
      {Scope{"a", std::string(64, 'p') + "x"}, Scope{"a", std::string(64, 'p') + "y"}}, {Scope{"a", std::string(130, 'p') + "x"}, Scope{"a", std::string(130, 'p') + "y"}},
      {Scope{"a", std::string(190, 'p') + "x"}, Scope{"a", std::string(190, 'p') + "y"}}};
  const auto& [one, two] = pairs[play.pick(static_cast<std::uint32_t>(pairs.size()))];
  SinkWorld world(play, bench);
  const bool turned = play.flip();
  const Scope &first = turned ? two : one, &second = turned ? one : two;
  (void)world.upsert(tenure(5, "ann", first), head(1, 5, "line", first), std::span<const Upsert>());
  world.begin(tenure(1, "bob", second), StreamId::of(second));   // a floor and a witness of its own
  (void)world.upsert(tenure(1, "bob", second), head(1, 1, "line", second), std::span<const Upsert>());
  world.begin(tenure(1, "bob", second), StreamId::of(second));
  world.compare();
}

/// SINK-1, 4, 13: what holds for a request of one holds for a request of 300.
inline void wide(Play& play, SinkBench& bench) {
  constexpr int size = 300;
  SinkWorld world(play, bench);
  const Tenure ann = tenure(1, "ann");
  const std::uint32_t kind = play.pick(3);
  std::vector<Upsert> wave;
  std::vector<Withdrawal> back;
  for (int i = 0; i < size; ++i) {
    const std::string name = std::to_string(i);
    wave.push_back(upsert(name, {1, 1}, "key " + name, fresh(std::to_string(i % 7))));
    back.push_back(withdrawal(name, {1, 1}, "key " + name));
  }
  play.note("a request of " + std::to_string(size));
  if (kind == 0) {
    (void)world.upsert(ann, head(1, 1), wave);
  } else if (kind == 1) {   // before their upserts come, so that what is left out shows
    (void)world.withdraw(ann, head(1, 1), back);
  } else {
    wave.push_back(upsert("bad", {1, 1}, "bad", StoredKey{key_of("unknown")}));
    (void)world.upsert(ann, head(1, 1), wave);
    world.probes.effects = {effect("0"), effect("24"), effect("99"), effect("255"), effect("299"), effect("bad")};
    world.probes.versions = {key_of("0"), key_of("6")};
  }
  world.compare();
}

/// SINK-8: beyond 4 MiB, where messages, parts and packets end; and metadata of many members.
inline void large(Play& play, SinkBench& bench) {
  SinkWorld world(play, bench, "SINK-8");
  const std::uint32_t kind = play.pick(3);
  NewVersion version = fresh("x");
  if (kind < 2) {
    Bytes bytes((std::size_t{5} << 20) + 1, 'a');
    for (std::size_t i = 0; i < bytes.size(); i += 997) bytes[i] = static_cast<char>('a' + i % 26);
    version = fresh(bytes);
    if (kind == 1) version.bytes = world.stage(bytes);
  } else {
    version.metadata = Json::object();
    for (int i = 100; i < 400; ++i) version.metadata.set("member " + std::to_string(i), Json(i));
    play.note("metadata of 300 members");
  }
  (void)world.upsert(tenure(1, "ann"), head(1, 1), upsert("a", {1, 1}, "k", version));
  world.compare();
}

/// SINK-1: requests that come at the same time are all accepted, each whole. (What threads find, a line brings back only perhaps.)
inline void threads(Play& play, SinkBench& bench) {
  constexpr std::size_t count = 4, each = 12;
  SinkWorld world(play, bench);
  play.tell("four threads publish at the same time, 12 requests each");
  std::array<std::vector<std::vector<Upsert>>, count> requests;
  for (std::size_t t = 0; t < count; ++t)
    for (std::size_t i = 0; i < each; ++i) {
      const std::string name = std::string(1, static_cast<char>('a' + t)) + std::to_string(i);
      requests[t].push_back({upsert(name, {1, i + 1}, "k" + std::to_string(i), fresh("bytes " + std::to_string(i))), upsert(name + "x", {1, i + 1}, "of " + name, fresh(name))});
    }
  const Tenure ann = tenure(1, "ann");
  const Head at = head(1, 1);
  std::array<std::string, count> wrong;
  std::vector<detail::JoinedThread> threads;
  std::atomic<std::size_t> ready = 0;
  AnySink& sink = world.sink();
  for (std::size_t t = 0; t < count; ++t)
    threads.emplace_back([&, t] {
      for (++ready; ready != count;) std::this_thread::yield();
      for (const auto& request : requests[t])
        if (const auto answer = sink.upsert(ann, at, request); !answer && wrong[t].empty()) wrong[t] = answer.error().message();
    });
  for (detail::JoinedThread& one : threads) one.join();
  for (const std::string& one : wrong) world.expect("SINK-1", one.empty(), "a request that comes beside others is refused: " + one);
  for (const auto& of : requests)
    for (const auto& request : of) {
      (void)world.model.upsert(ann, at, request);
      world.model.accept();
    }
  world.compare();
}

}  // namespace kfm_det::conformance::sink_parts

#endif
