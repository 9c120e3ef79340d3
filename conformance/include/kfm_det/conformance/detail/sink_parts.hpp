// SPDX-License-Identifier: BSL-1.0
/// \file
/// The parts of check_sink: each a tree of choices around one subject. A part that is about one law says so to its world.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_SINK_PARTS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_SINK_PARTS_HPP

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/sink_world.hpp"

namespace kfm_det::conformance::sink_parts {

using namespace sink_words;

/// SINK-1 and its neighbours: every sequence, with repetition, of up to five of six requests: upsert, tombstone and withdrawal of two keys. On one key
/// the tombstone is newer than the upsert, on the other one they have the same order.
inline void sets(Play& play, SinkBench& bench) {
  static const std::vector<Request> letters{
      upsert("a", {1, 2}, "k", fresh("A")), withdrawal("a", {1, 2}, "k"), upsert("t", {2, 1}, "k", Tombstone{}),
      upsert("b", {1, 2}, "l", fresh("B")), withdrawal("b", {1, 2}, "l"), upsert("u", {1, 2}, "l", Tombstone{}),
  };
  SinkWorld world(play, bench);
  const Tenure ann = tenure(1, "ann");
  const Head at = head(1, 9);
  for (int i = 0; i < 5; ++i) {
    const std::uint32_t letter = play.pick(static_cast<std::uint32_t>(letters.size()) + 1);
    if (letter == 0) break;
    (void)world.send(ann, at, letters[letter - 1]);
  }
  world.compare();
}

/// SINK-1, 12: three publications of a key come in any order and are taken back in any order. What shows is the newest that stands, not one that was remembered.
inline void undone(Play& play, SinkBench& bench) {
  SinkWorld world(play, bench);
  const Tenure ann = tenure(1, "ann");
  const std::array<std::string, 3> names{"p1", "p2", "p3"};
  const auto in_any_order = [&](const auto& act) {
    std::vector<Lsn> left{1, 2, 3};
    while (!left.empty()) {
      const auto at = left.begin() + static_cast<std::ptrdiff_t>(play.pick(static_cast<std::uint32_t>(left.size())));
      act(*at, names[*at - 1]);
      left.erase(at);
      world.compare();
    }
  };
  in_any_order([&](Lsn order, const std::string& name) { (void)world.upsert(ann, head(1, 3), upsert(name, {1, order}, "k", fresh(name))); });
  in_any_order([&](Lsn order, const std::string& name) { (void)world.withdraw(ann, head(1, 4), withdrawal(name, {1, order}, "k")); });
}

/// Longer stories: waves, contents A, B, A, rollback, what never comes, two owners, and the sink opened again in the middle.
inline void stories(Play& play, SinkBench& bench, int steps) {
  const auto a1 = upsert("a1", {1, 1}, "k", fresh("A")), a2 = upsert("a2", {1, 2}, "k", fresh("B")), a3 = upsert("a3", {1, 3}, "k", fresh("A"));
  const auto b1 = upsert("b1", {1, 2}, "l", fresh("C")), b2 = upsert("b2", {1, 2}, "m", fresh("A"));
  const std::vector<Request> letters{
      a1, a2, a3, withdrawal("a2", {1, 2}, "k"),
      std::vector{withdrawal("a3", {1, 3}, "k"), withdrawal("z9", {1, 9}, "l")},
      std::vector{b1, b2}, std::vector{b2, b1}, std::vector{a1, a1},
      upsert("b3", {1, 4}, "l", StoredKey{key_of("C")}),
      upsert("a1", {1, 1}, "k", StoredKey{key_of("A")}),
      upsert("t1", {2, 1}, "k", Tombstone{}), withdrawal("t1", {2, 1}, "k"),
      std::vector{upsert("p1", {1, 5}, "n", fresh("D")), upsert("p2", {1, 6}, "n", StoredKey{key_of("D")}), upsert("p0", {1, 4}, "n", Tombstone{})},
      upsert("z9", {1, 9}, "l", fresh("Z")),
  };
  SinkWorld world(play, bench);
  for (const auto& name : {"a1", "a2", "a3", "b1", "b2", "b3", "t1", "p1", "p2", "p0", "z9"}) world.probes.effects.push_back(effect(name));
  for (const auto& bytes : {"A", "B", "C", "D", "Z"}) world.probes.versions.push_back(key_of(bytes));
  std::uint64_t token = 1;
  Lsn lsn = 1;
  const auto owner = [](std::uint64_t of) { return tenure(of, of % 2 == 1 ? "ann" : "bob"); };
  const auto count = static_cast<std::uint32_t>(letters.size());
  for (int i = 0; i < steps; ++i) {
    const std::uint32_t letter = play.pick(count + 4);
    if (letter == 0) break;
    if (letter <= count) (void)world.send(owner(token), head(1, ++lsn), letters[letter - 1]);
    else if (letter == count + 1) world.reopen();
    else if (letter == count + 2) world.begin(owner(++token), StreamId::of(scope()));
    else if (token > 1) (void)world.send(owner(token - 1), head(1, lsn), a2);   // the paused one wakes up
    world.compare();
  }
  world.compare();
}

/// SINK-3, 6, 7, 8, 9, 13, 14: one bad request, alone or among good ones; then nothing has changed, and what is good is accepted.
inline void refusals(Play& play, SinkBench& bench) {
  SinkWorld world(play, bench);
  const Tenure ann = tenure(5, "ann"), others = tenure(5, "ann", scope("others")), sibling = tenure(5, "ann", Scope{"counts", "portland"});
  (void)world.upsert(ann, head(1, 5), upsert("a", {1, 2}, "k", fresh("A")));
  (void)world.upsert(ann, head(1, 5), upsert("b", {1, 1}, "l", fresh("B", "b")));
  const std::uint32_t kind = play.pick(25), place = play.pick(4);
  if (play.flip()) (void)world.withdraw(ann, head(1, 5), withdrawal("w", {1, 4}, "k"));   // early: its upsert never came
  const auto good = upsert("g", {1, 7}, "new", fresh("good"));
  const auto lying = [&](Bytes bytes, Bytes real) { NewVersion out = fresh(bytes); out.bytes = std::move(real); return out; };
  std::vector<Upsert> bad;
  std::vector<Withdrawal> taken;
  Tenure by = ann;
  Head at = head(1, 6);
  switch (kind) {
    case 0: bad = {upsert("a", {1, 3}, "k", fresh("A"))}; break;                          // SINK-3: order
    case 1: bad = {upsert("a", {1, 2}, "l", fresh("A"))}; break;                          // key
    case 2: bad = {upsert("a", {1, 2}, "k", fresh("other"))}; break;                      // content, new
    case 3: bad = {upsert("a", {1, 2}, "k", fresh("B", "b"))}; break;                     // content, stored
    case 4: bad = {upsert("a", {1, 2}, "k", Tombstone{})}; break;
    case 5: bad = {upsert("a", {2, 2}, "k", fresh("A"))}; break;                          // incarnation
    case 6: bad = {upsert("a", {1, 2}, "k", StoredKey{key_of("B", "b")})}; break;
    case 7: bad = {upsert("w", {1, 3}, "k", fresh("W"))}; break;                          // what an early withdrawal said binds (else: a good one)
    case 8: bad = {upsert("x", {1, 9}, "k", StoredKey{key_of("unknown")})}; break;        // SINK-14
    case 9: bad = {upsert("x", {1, 9}, "k", fresh("X"))}; by = others; break;             // SINK-9
    case 10: bad = {upsert("x", {1, 9}, "k", fresh("X"))}; by = sibling; break;
    case 11: bad = {upsert("x", {1, 9}, "k", lying("the bytes", "the bites"))}; break;    // SINK-8
    case 12: bad = {upsert("x", {1, 9}, "k", lying("the bytes", "the bytes "))}; break;
    case 13: { NewVersion other = fresh("other"); other.key = key_of("A"); bad = {upsert("x", {1, 9}, "k", other)}; break; }      // a key that has other bytes
    case 14: { NewVersion other = fresh("A"); other.metadata = label("other"); bad = {upsert("x", {1, 9}, "k", other)}; break; }
    case 15: { NewVersion staged = fresh("the bytes"); staged.bytes = world.stage("the bites"); bad = {upsert("x", {1, 9}, "k", staged)}; break; }
    case 16: case 17: {
      NewVersion staged = fresh("the bytes");
      StagedFile file = world.stage("the bytes");
      file.size = kind == 16 ? 8 : 10;
      staged.bytes = file;
      bad = {upsert("x", {1, 9}, "k", staged)};
      break;
    }
    case 18: bad = {upsert("x", {1, 9}, "k", fresh("X"))}; at = head(1, 5, "another line"); break;   // SINK-7
    case 19: bad = {upsert("x", {1, 9}, "k", fresh("X"))}; by = tenure(4, "ann"); break;             // SINK-6
    case 20: bad = {upsert("x", {1, 9}, "k", fresh("X"))}; by = tenure(5, "bob"); break;
    case 21: taken = {withdrawal("a", {1, 3}, "k")}; break;
    case 22: taken = {withdrawal("a", {1, 2}, "l")}; break;
    case 23: taken = {withdrawal("a", {1, 2}, "k")}; by = play.flip() ? sibling : others; break;
    default: taken = {withdrawal("a", {1, 2}, "k")}; if (play.flip()) at = head(1, 5, "another line"); else by = tenure(4, "ann"); break;
  }
  const bool raises = play.flip() && by.token.value == 5;   // a refused request raises the floor all the same
  if (raises) by.token.value = 9;
  if (!taken.empty()) {
    if (place == 1 || place == 3) taken.insert(taken.begin(), withdrawal("v", {1, 7}, "new"));
    if (place >= 2) taken.push_back(withdrawal("b", {1, 1}, "l"));
    (void)world.withdraw(by, at, taken);
  } else {
    if (place == 1 || place == 3) bad.insert(bad.begin(), good);
    if (place >= 2) bad.push_back(upsert("h", {1, 8}, "newer", fresh("H")));
    (void)world.upsert(by, at, bad);
  }
  world.probes.effects = {effect("g"), effect("h"), effect("x"), effect("v"), effect("w")};
  world.probes.versions = {key_of("good"), key_of("H"), key_of("X"), key_of("the bytes"), key_of("unknown"), key_of("other")};
  world.compare();
  if (play.flip()) { world.reopen(); world.compare(); }
  const std::uint32_t then = play.pick(3);
  const Tenure next = tenure(9, "ann", then == 1 ? scope("others") : scope());
  if (then != 0) (void)world.upsert(next, head(1, 7, "line", next.scope), good);   // nothing has claimed the key
  world.compare();
  if (raises && then == 0) world.begin(tenure(8, "ann", by.scope), StreamId::of(by.scope));
}

/// SINK-6.
inline void tenures(Play& play, SinkBench& bench, int steps) {
  SinkWorld world(play, bench);
  const Scope other{"counts", "portland"};
  const StreamId stream = StreamId::of(scope());
  const std::array<Tenure, 4> owners{tenure(1, "ann"), tenure(2, "bob"), tenure(2, "ann"), tenure(4, "cy")};
  for (int i = 0; i < steps; ++i) {
    const std::uint32_t letter = play.pick(19);
    if (letter == 0) break;
    const std::string name = "e" + std::to_string(i), key = "k" + std::to_string(i % 2);
    const Order order{1, static_cast<Lsn>(i + 1)};
    if (letter <= 4) world.begin(owners[letter - 1], stream);
    else if (letter <= 8) (void)world.upsert(owners[letter - 5], head(1, order.lsn), upsert(name, order, key, fresh(name)));
    else if (letter <= 12) (void)world.withdraw(owners[letter - 9], head(1, order.lsn), withdrawal(name, order, key));
    else if (letter == 13) world.begin(tenure(1, "dee", other), StreamId::of(other));
    else if (letter == 14) (void)world.upsert(tenure(3, "dee", other), head(1, order.lsn, "line", other), upsert(name, order, key + " of portland", fresh(name)));
    else if (letter == 15) (void)world.upsert(tenure(6, "fay"), head(1, order.lsn), upsert(name, order, key, StoredKey{key_of("unknown")}));
    else if (letter == 16) (void)world.upsert(tenure(7, "gus"), head(1, order.lsn), std::span<const Upsert>());
    else if (letter == 17) (void)world.withdraw(tenure(7, "hal"), head(1, order.lsn), std::span<const Withdrawal>());
    else world.reopen();
  }
  world.compare();
  world.probe_floors();
}

/// SINK-7.
inline void heads(Play& play, SinkBench& bench, int steps) {
  SinkWorld world(play, bench);
  const std::array<Head, 6> all{head(1, 2), head(1, 1), head(1, 3), head(1, 2, "another line"), head(2, 1), head(3, 7)};
  const auto count = static_cast<std::uint32_t>(all.size());
  const Tenure ann = tenure(1, "ann");
  for (int i = 0; i < steps; ++i) {
    const std::uint32_t letter = play.pick(3 * count + 4);
    if (letter == 0) break;
    const std::string name = "e" + std::to_string(i);
    const Order order{1, static_cast<Lsn>(i + 1)};
    if (letter <= count) (void)world.upsert(ann, all[letter - 1], upsert(name, order, "k", fresh(name)));
    else if (letter <= 2 * count) (void)world.withdraw(ann, all[letter - count - 1], withdrawal(name, order, "k"));
    else if (letter <= 3 * count) (void)world.upsert(ann, all[letter - 2 * count - 1], std::span<const Upsert>());
    else if (letter == 3 * count + 1) (void)world.upsert(ann, head(1, 9), upsert(name, order, "k", StoredKey{key_of("unknown")}));
    else if (letter == 3 * count + 2) world.begin(ann, StreamId::of(scope()));
    else world.reopen();
    world.compare();
  }
  world.begin(ann, StreamId::of(scope()));
}

/// SINK-10: keys that a careless sink takes for one.
inline const std::vector<std::array<std::string, 2>>& key_pairs() {
  static const std::vector<std::array<std::string, 2>> pairs{
      {"a", "A"}, {"a", "a "}, {"a", " a"}, {"a b", "a  b"}, {"1", "01"}, {"1", "1.0"}, {"1", "+1"}, {"10", "1e1"}, {"0", "-0"}, {"2", "10"},
      {"caf\xc3\xa9", "cafe\xcc\x81"}, {"K", "\xe2\x84\xaa"}, {"stra\xc3\x9f" "e", "strasse"}, {"\xc3\xa9", "e"}, {"\xc4\xb0", "i"}, {"\xef\xbb\xbf" "a", "a"},
      {"\xef\xac\x81", "fi"}, {"\xe2\x80\x8b" "a", "a"}, {"\xee\x80\x80", "\xf0\x9f\xa6\x80"}, {"null", "NULL"}, {"true", "1"}, {"a%", "a_"}, {"%61", "a"}, {"a+b", "a b"},
      {"a/b", "a//b"}, {".", "./"}, {"a.", "a"}, {"..", "."}, {"a\\b", "a/b"}, {"'", "''"}, {"a'; --", "a"}, {"\"a\"", "a"}, {"a", "a\n"}, {"a", "a\t"},
      {std::string("a\0b", 3), std::string("a\0c", 3)}, {std::string("a\0", 2), "a"}, {"\xff", "\xfe"}, {"\xc3", "\xc3\xa9"}, {"", " "},
      {std::string(255, 'n') + "x", std::string(255, 'n') + "y"}, {std::string(1023, 'n') + "x", std::string(1023, 'n') + "y"}, {std::string(64, 'n'), std::string(65, 'n')},
      {"a@b", "a|b"}, {"[1]", "1"}, {"{}", ""}, {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac", "\xf0\x9f\x91\xa9"},
  };
  return pairs;
}
inline void keys(Play& play, SinkBench& bench) {
  SinkWorld world(play, bench, "SINK-10");
  const auto count = static_cast<std::uint32_t>(key_pairs().size());
  const std::uint32_t which = play.pick(count + 1);
  const Tenure ann = tenure(1, "ann");
  Lsn lsn = 0;
  std::map<std::string, bool> used;
  const auto use = [&](const std::string& key) {
    if (!used.emplace(key, true).second) return;
    ++lsn;
    (void)world.upsert(ann, head(1, lsn), upsert("e" + std::to_string(lsn), {1, lsn}, key, fresh("bytes " + std::to_string(lsn))));
  };
  for (std::uint32_t i = 0; i < count; ++i)
    if (which == i || which == count)
      for (const std::string& key : key_pairs()[i]) use(key);
  world.compare();
  if (play.flip()) { world.reopen(); world.compare(); }
}
/// The same for what scopes and owners are told apart by (SINK-6, SINK-9).
inline void scopes(Play& play, SinkBench& bench) {
  static const std::vector<std::array<Scope, 2>> pairs{
      {Scope{"a", "b"}, Scope{"a", "B"}}, {Scope{"a", "b"}, Scope{"a", "b "}}, {Scope{"ab", "c"}, Scope{"a", "bc"}}, {Scope{"a", ""}, Scope{"", "a"}}, {Scope{"a", "1"}, Scope{"a", "01"}},
      {Scope{"a", "caf\xc3\xa9"}, Scope{"a", "cafe\xcc\x81"}}, {Scope{"a/b", "c"}, Scope{"a", "b/c"}}, {Scope{"a@b", "c"}, Scope{"a", "b@c"}}, {Scope{"a", std::string("b\0c", 3)}, Scope{"a", "b"}}, {Scope{"a", std::string(300, 'p') + "x"}, Scope{"a", std::string(300, 'p') + "y"}}};
  const auto& [one, two] = pairs[play.pick(static_cast<std::uint32_t>(pairs.size()))];
  SinkWorld world(play, bench);
  (void)world.upsert(tenure(5, "ann", one), head(1, 5, "line", one), upsert("a", {1, 1}, "k", fresh("A")));
  (void)world.upsert(tenure(1, "bob", two), head(1, 1, "line", two), upsert("b", {1, 1}, "l", fresh("B")));   // its own floor, its own head
  (void)world.upsert(tenure(1, "bob", two), head(1, 2, "line", two), upsert("c", {1, 2}, "k", fresh("C")));
  world.compare();
  if (play.flip()) world.reopen();
  (void)world.upsert(tenure(5, "Ann", one), head(1, 6, "line", one), upsert("d", {1, 2}, "k", fresh("D")));   // an owner is compared byte for byte, too
  world.compare();
  world.probe_floors();
}

/// SINK-8: bytes and metadata come back exactly, whatever they are.
inline void contents(Play& play, SinkBench& bench) {
  static const std::vector<Bytes> bytes = [] {
    std::vector<Bytes> out{"x", "", std::string(1, '\0'), std::string("a\0b\0", 4), "\xff\xfe\xc3(", "a\r\nb\n", "\n", " x ", "caf\xc3\xa9", "cafe\xcc\x81", "null", "'; --", "{\"a\":1}", "1e400"};
    for (const std::size_t size : {std::size_t{255}, std::size_t{4096}, std::size_t{65535}, std::size_t{65537}, std::size_t{1} << 20, (std::size_t{1} << 20) + 1, (std::size_t{5} << 19) + 3}) {
      Bytes large(size, '\0');
      Random random(size);
      for (char& c : large) c = static_cast<char>(random.next() >> 56);
      out.push_back(std::move(large));
    }
    return out;
  }();
  static const std::vector<Json> metadata{
      Json::object(), label("caf\xc3\xa9 cafe\xcc\x81"),
      Json::object({{"n", Json(0.1)}, {"big", Json(std::int64_t{9007199254740991})}, {"small", Json(5e-324)}, {"huge", Json(1.7976931348623157e308)}, {"minus", Json(-1)}}),
      Json::object({{"past 2^53", Json((std::uint64_t{1} << 53) + 1)}, {"u64", Json(~std::uint64_t{0})}, {"text", Json("01")}, {"number", Json(1)}}),
      Json::object({{"nested", Json::object({{"\xc3\xa9", Json::array({Json(), Json(true), Json("\x01\"\\/"), Json::array(), Json::object()})}})}, {"", Json("")}}),
      Json::object({{"a", Json(1)}, {"A", Json(2)}, {" a", Json(3)}, {"line", Json("a\r\nb")}, {"nul", Json(std::string("a\0b", 3))}}),
      Json::object({{"long", Json(std::string(70000, 'm'))}}),
  };
  SinkWorld world(play, bench, "SINK-8");
  const std::uint32_t kind = play.pick(static_cast<std::uint32_t>(bytes.size())), about = kind < 2 ? play.pick(static_cast<std::uint32_t>(metadata.size())) : 1;
  const bool staged = play.flip(), again = play.flip();
  NewVersion version = fresh(bytes[kind]);
  version.metadata = metadata[about];
  NewVersion sent = version;
  if (staged) sent.bytes = world.stage(bytes[kind]);
  const Tenure ann = tenure(1, "ann");
  (void)world.upsert(ann, head(1, 1), upsert("a", {1, 1}, "k", sent));
  world.compare();
  if (!again) return;
  world.reopen();
  world.compare();
  if (staged) sent.bytes = world.stage(bytes[kind]);
  (void)world.upsert(ann, head(1, 2), upsert("b", {1, 2}, "l", sent));   // the same bytes under another effect
  (void)world.upsert(ann, head(1, 3), upsert("c", {1, 3}, "l", StoredKey{version.key}));
  world.compare();
}
/// Several outputs in one request: some in memory, some staged, two with the same bytes under two keys.
inline void mixtures(Play& play, SinkBench& bench) {
  SinkWorld world(play, bench);
  std::vector<Upsert> wave;
  const std::uint32_t count = 1 + play.pick(3);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string name = "e" + std::to_string(i);
    const std::uint32_t kind = play.pick(4);
    NewVersion version = fresh(kind == 3 ? "same bytes" : "bytes of " + name, name);
    if (kind == 1 || (kind == 3 && play.flip())) version.bytes = world.stage(std::get<Bytes>(version.bytes));
    if (kind == 2) wave.push_back(upsert(name, {1, 1}, "k" + name, Tombstone{}));
    else wave.push_back(upsert(name, {1, 1}, "k" + name, version));
  }
  (void)world.upsert(tenure(1, "ann"), head(1, 1), wave);
  world.compare();
  if (play.flip()) { world.reopen(); world.compare(); }
}

/// Numbers that floats, 32 bits and signs get wrong: orders, heads and tokens.
inline void numbers(Play& play, SinkBench& bench) {
  static constexpr std::array<std::uint64_t, 9> all{9, 10, (std::uint64_t{1} << 31), (std::uint64_t{1} << 32), (std::uint64_t{1} << 32) + 9, (std::uint64_t{1} << 53), (std::uint64_t{1} << 53) + 1, (std::uint64_t{1} << 63) - 2, (std::uint64_t{1} << 63) - 1};
  const std::uint32_t low = play.pick(static_cast<std::uint32_t>(all.size()) - 1), above = play.pick(static_cast<std::uint32_t>(all.size()) - 1 - low), what = play.pick(4);
  const std::uint64_t small = all[low], large = all[low + 1 + above];
  SinkWorld world(play, bench);
  const Tenure ann = tenure(1, "ann");
  const bool large_first = play.flip();
  for (int i = 0; i < 2; ++i) {
    const std::uint64_t value = (i == 0) == large_first ? large : small;
    const std::string name = "e" + std::to_string(i);
    if (what == 0) (void)world.upsert(ann, head(1, 1), upsert(name, {1, value}, "k", fresh(name)));
    else if (what == 1) (void)world.upsert(ann, head(1, 1), upsert(name, {value, 1}, "k", fresh(name)));
    else if (what == 2) (void)world.upsert(ann, play.flip() ? head(value, 1) : head(1, value), upsert(name, {1, 1}, "k", fresh(name)));
    else (void)world.upsert(tenure(value, "ann"), head(1, 1), upsert(name, {1, 1}, "k", fresh(name)));
  }
  world.compare();
  if (play.flip()) { world.reopen(); world.compare(); }
  world.probe_floors();
}

/// More publications and keys than a page holds; a visitor that has seen enough.
inline void many(Play& play, SinkBench& bench) {
  static constexpr std::array<int, 4> sizes{3, 70, 300, 1100};
  SinkWorld world(play, bench);
  const Tenure ann = tenure(1, "ann");
  const int size = sizes[play.pick(4)];
  const bool one_key = play.flip();
  std::vector<Upsert> wave;
  play.tell(std::to_string(size) + (one_key ? " publications of one key" : " publications, each of a key of its own") + ", 50 in a request");
  play.be_silent(true);
  for (int i = 0; i < size; ++i) {
    const auto lsn = static_cast<Lsn>((i * 7919) % size + 1);
    wave.push_back(upsert(std::to_string(i), {1, one_key ? 1 + lsn / 3 : lsn}, one_key ? std::string("k") : "key " + std::to_string(lsn), i % 5 == 0 ? Content(Tombstone{}) : Content(fresh(std::to_string(i % 7)))));
    if (wave.size() == 50 || i + 1 == size) { (void)world.upsert(ann, head(1, 1), wave); wave.clear(); }
  }
  play.be_silent(false);
  world.compare();
  const Error enough(errc::cancelled, "the visitor has seen enough");
  int seen = 0;
  const auto stops = [&](const auto&) -> result<void> { if (++seen == 2) return enough; return success(); };
  const auto stopped = [&](std::string_view law, const char* verb, const result<void>& answer) {
    world.expect(law, !answer && answer.error().code() == errc::cancelled && seen <= 2, std::string(verb) + " does not end with the error that its visitor answers");
    seen = 0;
  };
  if (one_key) stopped("SINK-12", "history()", world.sink().history({"k"}, stops));
  else stopped("SINK-10", "keys()", world.sink().keys(stops));
  seen = 1;
  stopped("SINK-8", "read()", world.sink().read(key_of("1"), stops));
}

/// SINK-8, when bytes go out: what has changed at rest is never given out whole.
inline void damaged(Play& play, SinkBench& bench) {
  static constexpr std::array<std::size_t, 4> sizes{1, 100, (std::size_t{1} << 20) + 5, (std::size_t{5} << 19) + 3};
  SinkWorld world(play, bench);
  const Bytes bytes(sizes[play.pick(4)], 'x');
  (void)world.upsert(tenure(1, "ann"), head(1, 1), upsert("a", {1, 1}, "k", fresh(bytes)));
  if (play.flip()) world.compare();   // it was read before
  world.damage(key_of(bytes));
  std::size_t got = 0;
  const auto read = world.sink().read(key_of(bytes), [&](BytesView piece) -> result<void> { got += piece.size(); return success(); });
  world.expect("SINK-8", !read && read.error().code() == errc::hash_mismatch, "bytes that have changed at rest are given out");
}

/// Claim survives_power_loss: what was answered is there after a power loss, byte for byte. SINK-6, 7, 11.
inline void crashes(Play& play, SinkBench& bench, int steps) {
  SinkWorld world(play, bench);
  const auto a = upsert("a", {1, 1}, "k", fresh("A")), b = upsert("b", {1, 2}, "k", fresh("B")), c = upsert("c", {1, 2}, "l", fresh("C"));
  for (int i = 0; i < steps; ++i) {
    const std::uint32_t letter = play.pick(8);
    if (letter == 0) break;
    const auto lsn = static_cast<Lsn>(i + 1);
    const Tenure by = tenure(static_cast<std::uint64_t>(i + 1), i % 2 == 0 ? "ann" : "bob");
    switch (letter) {
      case 1: (void)world.upsert(by, head(1, lsn), a); break;
      case 2: (void)world.upsert(by, head(1, lsn), std::vector{b, c}); break;
      case 3: (void)world.withdraw(by, head(1, lsn), withdrawal("b", {1, 2}, "k")); break;
      case 4: (void)world.upsert(by, head(1, lsn), upsert("t", {1, 3}, "k", Tombstone{})); break;
      case 5: world.begin(by, StreamId::of(scope())); break;
      case 6: (void)world.upsert(by, head(1, lsn), upsert("x", {1, 9}, "k", StoredKey{key_of("unknown")})); break;
      default: { NewVersion staged = fresh("staged"); staged.bytes = world.stage("staged"); (void)world.upsert(by, head(1, lsn), upsert("s", {1, 4}, "m", staged)); break; }
    }
    if (play.flip()) { world.crash(); world.compare(); }
  }
  world.crash();
  world.compare();
  world.probe_floors();
}

/// Claim many_processes: two sinks on one storage, each sees at once what the other one has accepted.
inline void two_openers(Play& play, SinkBench& bench, int steps) {
  SinkWorld world(play, bench);
  auto second = bench.open();
  if (!second) world.broke("SINK-11", "many_processes is claimed, and a second sink cannot be opened beside the first: " + second.error().message());
  const std::vector<Request> letters{upsert("a", {1, 1}, "k", fresh("A")), upsert("b", {1, 2}, "k", fresh("B")), withdrawal("b", {1, 2}, "k"), upsert("c", {1, 3}, "k", StoredKey{key_of("A")}), upsert("t", {2, 1}, "k", Tombstone{})};
  const auto count = static_cast<std::uint32_t>(letters.size());
  std::uint64_t token = 1;
  for (int i = 0; i < steps; ++i) {
    const std::uint32_t letter = play.pick(count + 2);
    if (letter == 0) break;
    const bool other = play.flip();
    if (other) { play.note("in the other process:"); world.swap(second.value()); }
    if (letter <= count) (void)world.send(tenure(token, "ann"), head(1, static_cast<Lsn>(i + 1)), letters[letter - 1]);
    else world.begin(tenure(++token, "ann"), StreamId::of(scope()));
    world.compare();
    if (other) world.swap(second.value());
    world.compare();
  }
  world.swap(second.value());
  world.compare();
  world.probe_floors();
}

}  // namespace kfm_det::conformance::sink_parts

#endif
