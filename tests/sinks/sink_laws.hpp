// SPDX-License-Identifier: BSL-1.0
/// \file
/// The laws of contracts/sink.hpp as tests, for every backend of ours: KFM_DET_TEST_SINK_LAWS(Fixture) makes one test case per law.
///
/// A fixture has `using Sink`; `Sink open()`: an empty sink; `Sink reopen(Sink)`: the same one after its process ended; `void damage(Sink&, key)`: changes one
/// stored byte; `static constexpr std::size_t every`: of the exhaustive sequences, each how-many-th it takes (1: all).
#ifndef KFM_DET_TESTS_SINKS_SINK_LAWS_HPP
#define KFM_DET_TESTS_SINKS_SINK_LAWS_HPP

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <unistd.h>

#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/sinks/export.hpp"
#include "kfm_det/sinks/memory_sink.hpp"

namespace kfm_det::sink_laws {

/// A folder that goes with the test. In memory where there is such a place: what is tested here is not the disk.
class Scratch {
 public:
  explicit Scratch(const char* below = nullptr) {
    std::string name = std::string(below ? below : std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp") + "/kfm_det-sink-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::error_code ignored; std::filesystem::remove_all(path_, ignored); }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// --- small words, so that a law reads as a sentence ------------------------------------------------------------------------

inline EffectId effect(const std::string& name) { return {domain_digest("test/effect", name)}; }
inline RunId run(const std::string& name) { return {uuid_v8(domain_digest("test/run", name))}; }
inline Scope scope(const std::string& name = "summaries") { return {name, "seattle"}; }
inline Tenure tenure(std::uint64_t token = 1, const std::string& owner = "ann", const Scope& of = scope()) { return {of, {token}, {owner}}; }
inline StreamId stream(const Scope& of = scope()) { return StreamId::of(of); }
inline Head head(Lsn lsn, Incarnation incarnation = 1, const std::string& line = "line") { return {stream(), incarnation, lsn, domain_digest("test/line", line)}; }

inline Json object(const std::string& label) { return Json::object({{"label", Json(label)}}); }
inline IdempotencyKey key_of(const std::string& bytes, const std::string& label = "") { return {domain_digest("test/key", {bytes, "\n", label})}; }
inline NewVersion fresh(const std::string& bytes, const std::string& label = "") { return {key_of(bytes, label), sha256(bytes), bytes, object(label)}; }

inline Upsert upsert(const std::string& name, Order order, const std::string& key, Content content) { return {effect(name), run(name), order, {key}, std::move(content)}; }
inline Withdrawal withdrawal(const std::string& name, Order order, const std::string& key) { return {effect(name), run(name), order, {key}}; }

template <class S> std::string exported(S& sink) { auto out = export_canonical(sink); REQUIRE(out); return out.value(); }

template <class S>
UpsertResult publish(S& sink, const Upsert& one, const Tenure& by = tenure(), const Head& at = head(1)) {
  const auto answer = sink.upsert(by, at, std::span(&one, 1));
  if (!answer) FAIL(answer.error().message());
  REQUIRE(answer.value().size() == 1);
  return answer.value().front();
}
template <class S>
void take_back(S& sink, const Withdrawal& one, const Tenure& by = tenure(), const Head& at = head(1)) {
  const auto answer = sink.withdraw(by, at, std::span(&one, 1));
  if (!answer) FAIL(answer.error().message());
}
template <class S>
errc refusal(S& sink, const std::vector<Upsert>& batch, const Tenure& by = tenure(), const Head& at = head(1)) {
  const auto answer = sink.upsert(by, at, batch);
  REQUIRE_FALSE(answer);
  INFO(answer.error().message());
  CHECK_FALSE(answer.error().what().empty());
  CHECK_FALSE(answer.error().remedy().empty());
  return answer.error().code();
}
template <class S>
errc refusal(S& sink, const std::vector<Withdrawal>& batch, const Tenure& by = tenure(), const Head& at = head(1)) {
  const auto answer = sink.withdraw(by, at, batch);
  REQUIRE_FALSE(answer);
  return answer.error().code();
}
template <class S>
std::optional<std::string> current_bytes(S& sink, const std::string& key) {
  const auto current = sink.current({key});
  REQUIRE(current);
  if (!current.value() || !current.value()->version) return std::nullopt;
  std::string out;
  REQUIRE(sink.read(current.value()->version->key, [&](BytesView piece) -> result<void> { out += piece; return success(); }));
  return out;
}
template <class S>
std::vector<Publication> history(S& sink, const std::string& key) {
  std::vector<Publication> out;
  REQUIRE(sink.history({key}, [&](const Publication& one) -> result<void> { out.push_back(one); return success(); }));
  return out;
}
template <class S>
std::optional<PublicationState> state(S& sink, const std::string& name) {
  const auto found = sink.find(effect(name));
  REQUIRE(found);
  return found.value() ? std::optional(found.value()->state) : std::nullopt;
}
template <class S>
Head witness(S& sink) {
  auto out = sink.witness(stream());
  REQUIRE(out);
  return out.value();
}

// --- the laws --------------------------------------------------------------------------------------------------------------

template <class Fixture>
void sink_1() {
  Fixture fixture;
  auto sink = fixture.open();
  CHECK(publish(sink, upsert("new", {1, 9}, "k", fresh("new"))) == UpsertResult::created);
  CHECK(publish(sink, upsert("old", {1, 4}, "k", fresh("old"))) == UpsertResult::superseded);
  CHECK(current_bytes(sink, "k") == "new");
  CHECK(publish(sink, upsert("next incarnation", {2, 1}, "k", fresh("next"))) == UpsertResult::moved);
  CHECK(current_bytes(sink, "k") == "next");
  // a newer token makes an older run no newer (S19)
  CHECK(publish(sink, upsert("resumed", {1, 10}, "k", fresh("resumed")), tenure(7, "bob")) == UpsertResult::superseded);
  CHECK(current_bytes(sink, "k") == "next");
  // equal orders: by effect id, whichever comes first
  const bool a_is_higher = effect("a") > effect("b");
  const std::string low = a_is_higher ? "b" : "a", high = a_is_higher ? "a" : "b";
  CHECK(publish(sink, upsert(high, {1, 1}, "tie", fresh(high)), tenure(7, "bob")) == UpsertResult::created);
  CHECK(publish(sink, upsert(low, {1, 1}, "tie", fresh(low)), tenure(7, "bob")) == UpsertResult::superseded);
  CHECK(publish(sink, upsert(low + "2", {1, 1}, "tie2", fresh(low)), tenure(7, "bob")) == UpsertResult::created);
  CHECK(current_bytes(sink, "tie") == high);
  // a tombstone is a publication like any other: current, without content
  CHECK(publish(sink, upsert("gone", {3, 1}, "k", Tombstone{}), tenure(7, "bob")) == UpsertResult::moved);
  const auto current = sink.current({"k"});
  REQUIRE(current);
  REQUIRE(current.value());
  CHECK(current.value()->tombstone);
  CHECK_FALSE(current.value()->version);
  CHECK(publish(sink, upsert("back", {3, 2}, "k", fresh("back")), tenure(7, "bob")) == UpsertResult::moved);
  take_back(sink, withdrawal("back", {3, 2}, "k"), tenure(7, "bob"));
  CHECK(current_bytes(sink, "k") == std::nullopt);
  const auto unknown = sink.current({"never heard of"});
  REQUIRE(unknown);
  CHECK_FALSE(unknown.value());
  // history goes by order, not by arrival
  std::vector<Order> orders;
  for (const Publication& one : history(sink, "k")) orders.push_back(one.order);
  CHECK(orders == std::vector<Order>{{1, 4}, {1, 9}, {1, 10}, {2, 1}, {3, 1}, {3, 2}});
}

template <class Fixture>
void sink_2() {
  Fixture fixture;
  auto sink = fixture.open();
  const auto first = upsert("first", {1, 1}, "k", fresh("one"));
  const auto second = upsert("second", {1, 2}, "k", fresh("two"));
  CHECK(publish(sink, first) == UpsertResult::created);
  CHECK(publish(sink, first) == UpsertResult::unchanged);
  CHECK(publish(sink, second) == UpsertResult::moved);
  const std::string before = exported(sink);
  sink = fixture.reopen(std::move(sink));
  CHECK(publish(sink, first, tenure(2, "bob"), head(7)) == UpsertResult::unchanged);   // also when something newer is current
  CHECK(publish(sink, upsert("first", {1, 1}, "k", StoredKey{key_of("one")}), tenure(2, "bob")) == UpsertResult::unchanged);
  CHECK(exported(sink) == before);
  const std::vector<Upsert> twice{upsert("t", {1, 3}, "k2", Tombstone{}), upsert("t", {1, 3}, "k2", Tombstone{})};
  const auto answers = sink.upsert(tenure(2, "bob"), head(8), twice);
  REQUIRE(answers);
  CHECK(answers.value() == std::vector{UpsertResult::created, UpsertResult::unchanged});
  CHECK(history(sink, "k2").size() == 1);
  take_back(sink, withdrawal("first", {1, 1}, "k"), tenure(2, "bob"));
  take_back(sink, withdrawal("first", {1, 1}, "k"), tenure(2, "bob"));
  CHECK(publish(sink, first, tenure(2, "bob")) == UpsertResult::withdrawn);
}

template <class Fixture>
void sink_3() {
  Fixture fixture;
  auto sink = fixture.open();
  const auto right = upsert("e", {1, 1}, "k", fresh("bytes"));
  CHECK(publish(sink, right) == UpsertResult::created);
  CHECK(publish(sink, upsert("other", {1, 1}, "k2", fresh("other bytes"))) == UpsertResult::created);
  const std::string before = exported(sink);
  std::vector<Upsert> wrong(7, right);
  wrong[0].order = {1, 2};
  wrong[1].order = {2, 1};
  wrong[2].business_key = {"k2"};
  wrong[3].content = fresh("other bytes");
  wrong[4].content = Tombstone{};
  wrong[5].run = run("somebody else");
  wrong[6].content = fresh("bytes", "other label");
  for (const Upsert& one : wrong) CHECK(refusal(sink, {one}) == errc::hash_mismatch);
  std::vector<Withdrawal> taken(3, withdrawal("e", {1, 1}, "k"));
  taken[0].order = {1, 2};
  taken[1].business_key = {"k2"};
  taken[2].run = run("somebody else");
  for (const Withdrawal& one : taken) CHECK(refusal(sink, std::vector{one}) == errc::hash_mismatch);
  CHECK(exported(sink) == before);
  // what an early withdrawal said binds the upsert, too
  take_back(sink, withdrawal("late", {1, 5}, "k"));
  CHECK(refusal(sink, {upsert("late", {1, 6}, "k", fresh("late"))}) == errc::hash_mismatch);
  CHECK(refusal(sink, {upsert("late", {1, 5}, "k2", fresh("late"))}) == errc::hash_mismatch);
}

template <class Fixture>
void sink_4() {
  Fixture fixture, other;
  auto sink = fixture.open();
  publish(sink, upsert("old", {1, 1}, "k", fresh("old")));
  take_back(sink, withdrawal("undone", {1, 2}, "k"));
  CHECK(state(sink, "undone") == PublicationState::withdrawn);
  CHECK(current_bytes(sink, "k") == "old");
  sink = fixture.reopen(std::move(sink));
  CHECK(publish(sink, upsert("undone", {1, 2}, "k", fresh("undone"))) == UpsertResult::withdrawn);
  CHECK(publish(sink, upsert("undone", {1, 2}, "k", fresh("undone"))) == UpsertResult::withdrawn);
  CHECK(current_bytes(sink, "k") == "old");
  const auto all = history(sink, "k");
  REQUIRE(all.size() == 2);
  CHECK(all[1].state == PublicationState::withdrawn);
  REQUIRE(all[1].version);
  CHECK(all[1].version->bytes_hash == sha256("undone"));
  const auto stored = sink.find(key_of("undone"));
  REQUIRE(stored);
  CHECK(stored.value());
  // a tombstone that is taken back before it comes
  take_back(sink, withdrawal("retire", {1, 3}, "k"));
  CHECK_FALSE(history(sink, "k").back().tombstone);
  CHECK(publish(sink, upsert("retire", {1, 3}, "k", Tombstone{})) == UpsertResult::withdrawn);
  CHECK(history(sink, "k").back().tombstone);
  CHECK(current_bytes(sink, "k") == "old");
  // the other order of arrival ends in the same state
  auto twin = other.open();
  publish(twin, upsert("retire", {1, 3}, "k", Tombstone{}));
  publish(twin, upsert("undone", {1, 2}, "k", fresh("undone")));
  publish(twin, upsert("old", {1, 1}, "k", fresh("old")));
  take_back(twin, withdrawal("retire", {1, 3}, "k"));
  take_back(twin, withdrawal("undone", {1, 2}, "k"));
  CHECK(exported(twin) == exported(sink));
}

template <class Fixture>
void sink_5() {
  Fixture fixture;
  auto sink = fixture.open();
  publish(sink, upsert("run 1", {1, 1}, "k", fresh("A")));
  publish(sink, upsert("run 2", {1, 2}, "k", fresh("B")));
  CHECK(state(sink, "run 3") == std::nullopt);   // although its content is stored
  const auto stored = sink.find(key_of("A"));
  REQUIRE(stored);
  REQUIRE(stored.value());
  CHECK(stored.value()->size == 1);
  CHECK(stored.value()->metadata == object(""));
  CHECK(publish(sink, upsert("run 3", {1, 3}, "k", fresh("A"))) == UpsertResult::moved);
  CHECK(state(sink, "run 1") == PublicationState::superseded);
  CHECK(state(sink, "run 3") == PublicationState::current);
  CHECK(current_bytes(sink, "k") == "A");
  const auto found = sink.find(effect("run 3"));
  REQUIRE(found);
  REQUIRE(found.value());
  CHECK(*found.value() == history(sink, "k").back());
  CHECK(found.value()->run == run("run 3"));
  CHECK(found.value()->business_key.text == "k");
}

template <class Fixture>
void sink_6() {
  Fixture fixture;
  auto sink = fixture.open();
  REQUIRE(sink.begin(tenure(5, "ann"), stream()));
  REQUIRE(sink.begin(tenure(5, "ann"), stream()));   // again is fine
  sink = fixture.reopen(std::move(sink));
  const auto stale = sink.begin(tenure(4, "zoe"), stream());
  REQUIRE_FALSE(stale);
  CHECK(stale.error().code() == errc::stale_token);
  CHECK(stale.error().message().find("'ann' holds token 5") != std::string::npos);
  CHECK(refusal(sink, {upsert("e", {1, 1}, "k", fresh("x"))}, tenure(4)) == errc::stale_token);
  CHECK(refusal(sink, {upsert("e", {1, 1}, "k", fresh("x"))}, tenure(5, "bob")) == errc::stale_token);   // an equal token of another owner
  CHECK(refusal(sink, std::vector{withdrawal("e", {1, 1}, "k")}, tenure(5, "bob")) == errc::stale_token);
  CHECK(exported(sink) == "{\"format\":\"kfm_det/sink-export/1\",\"keys\":[]}");
  // a higher token raises the floor by itself
  CHECK(publish(sink, upsert("e", {1, 1}, "k", fresh("x")), tenure(8, "bob")) == UpsertResult::created);
  sink = fixture.reopen(std::move(sink));
  CHECK(refusal(sink, {upsert("e2", {1, 2}, "k", fresh("y"))}, tenure(7)) == errc::stale_token);
  take_back(sink, withdrawal("e", {1, 1}, "k"), tenure(9, "bob"));
  CHECK(refusal(sink, {upsert("e2", {1, 2}, "k", fresh("y"))}, tenure(8, "bob")) == errc::stale_token);
  // also when its request is refused
  CHECK(refusal(sink, {upsert("e3", {1, 3}, "k", StoredKey{key_of("unknown")})}, tenure(20, "cy")) == errc::not_found);
  sink = fixture.reopen(std::move(sink));
  CHECK(refusal(sink, {upsert("e2", {1, 2}, "k", fresh("y"))}, tenure(19, "bob")) == errc::stale_token);
  // each scope has its own, and no token is no token
  REQUIRE(sink.begin(tenure(1, "dee", scope("others")), stream(scope("others"))));
  REQUIRE(sink.begin(tenure(1, "dee", Scope{"summaries", "portland"}), stream(scope("others"))));
  CHECK_FALSE(sink.begin(tenure(0, "dee", scope("third")), stream(scope("third"))));
}

template <class Fixture>
void sink_7() {
  Fixture fixture;
  auto sink = fixture.open();
  Head none;
  none.stream = stream();
  CHECK(witness(sink) == none);
  publish(sink, upsert("a", {1, 1}, "k", fresh("a")), tenure(), head(5));
  sink = fixture.reopen(std::move(sink));
  CHECK(witness(sink) == head(5));
  const auto begun = sink.begin(tenure(2, "bob"), stream());
  REQUIRE(begun);
  CHECK(begun.value() == head(5));
  publish(sink, upsert("b", {1, 2}, "k", fresh("b")), tenure(2, "bob"), head(3, 1, "another line"));   // a late request is no fork
  CHECK(witness(sink) == head(5));
  const std::string before = exported(sink);
  CHECK(refusal(sink, {upsert("c", {1, 3}, "k", fresh("c"))}, tenure(2, "bob"), head(5, 1, "another line")) == errc::forked);
  CHECK(refusal(sink, std::vector{withdrawal("a", {1, 1}, "k")}, tenure(2, "bob"), head(5, 1, "another line")) == errc::forked);
  CHECK(exported(sink) == before);
  CHECK(witness(sink) == head(5));
  take_back(sink, withdrawal("b", {1, 2}, "k"), tenure(2, "bob"), head(6));
  CHECK(witness(sink) == head(6));
  REQUIRE(sink.upsert(tenure(2, "bob"), head(7), {}));
  CHECK(witness(sink) == head(7));
  publish(sink, upsert("d", {2, 1}, "k", fresh("d")), tenure(2, "bob"), head(2, 2));   // a higher incarnation begins below
  CHECK(witness(sink) == head(2, 2));
  publish(sink, upsert("e", {1, 7}, "k", fresh("e")), tenure(2, "bob"), head(99, 1));
  CHECK(witness(sink) == head(2, 2));
  CHECK(refusal(sink, {upsert("f", {1, 9}, "k", StoredKey{key_of("unknown")})}, tenure(2, "bob"), head(9, 2)) == errc::not_found);
  CHECK(witness(sink) == head(2, 2));
  const auto other = sink.witness(stream(scope("others")));
  REQUIRE(other);
  CHECK(other.value().lsn == 0);
  CHECK(other.value().stream == stream(scope("others")));
}

template <class Fixture>
void sink_8() {
  Fixture fixture;
  auto sink = fixture.open();
  const Scratch scratch;
  const std::string before = exported(sink);
  NewVersion lying = fresh("the bytes");
  lying.bytes = Bytes("other bytes");
  CHECK(refusal(sink, {upsert("e", {1, 1}, "k", lying)}) == errc::hash_mismatch);
  const std::string path = scratch / "staged";
  std::ofstream(path, std::ios::binary) << "other bytes";
  lying.bytes = StagedFile{path, 11};
  CHECK(refusal(sink, {upsert("e", {1, 1}, "k", lying)}) == errc::hash_mismatch);
  lying = fresh("other bytes");
  lying.bytes = StagedFile{path, 10};
  CHECK(refusal(sink, {upsert("e", {1, 1}, "k", lying)}) == errc::hash_mismatch);
  lying.bytes = StagedFile{path, 12};
  CHECK(refusal(sink, {upsert("e", {1, 1}, "k", lying)}) == errc::hash_mismatch);
  lying.bytes = StagedFile{scratch / "not there", 11};
  CHECK(refusal(sink, {upsert("e", {1, 1}, "k", lying)}) == errc::not_found);
  CHECK(exported(sink) == before);
  lying.bytes = StagedFile{path, 11};
  CHECK(publish(sink, upsert("e", {1, 1}, "k", lying)) == UpsertResult::created);
  CHECK(current_bytes(sink, "k") == "other bytes");
  lying.bytes = Bytes("rotten");   // stored already, and still not believed
  CHECK(refusal(sink, {upsert("e", {1, 1}, "k", lying)}) == errc::hash_mismatch);
  // an empty output is an output
  CHECK(publish(sink, upsert("empty", {1, 2}, "k", fresh(""))) == UpsertResult::moved);
  CHECK(current_bytes(sink, "k") == "");
  // of what rotted in the sink, nobody gets the whole
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, std::size_t{1} << 20, (std::size_t{5} << 19) + 3}) {
    const std::string bytes(size, 'x');
    publish(sink, upsert("big" + std::to_string(size), {1, 3 + size}, "k", fresh(bytes)));
    CHECK(current_bytes(sink, "k") == bytes);
    fixture.damage(sink, key_of(bytes));
    std::size_t got = 0;
    const auto read = sink.read(key_of(bytes), [&](BytesView piece) -> result<void> { got += piece.size(); return success(); });
    REQUIRE_FALSE(read);
    CHECK(read.error().code() == errc::hash_mismatch);
    CHECK(got < size);
  }
  const auto unknown = sink.read(key_of("unknown"), [](BytesView) -> result<void> { return success(); });
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code() == errc::not_found);
}

template <class Fixture>
void sink_9() {
  Fixture fixture;
  auto sink = fixture.open();
  const Tenure mine = tenure(1, "ann"), theirs = tenure(1, "ann", scope("others")), sibling = tenure(1, "ann", Scope{"summaries", "portland"});
  publish(sink, upsert("e", {1, 1}, "k", fresh("x")), mine);
  take_back(sink, withdrawal("u", {1, 2}, "only withdrawn"), mine);
  sink = fixture.reopen(std::move(sink));
  const std::string before = exported(sink);
  for (const Tenure& other : {theirs, sibling}) {
    CHECK(refusal(sink, {upsert("n", {1, 3}, "new key", fresh("n")), upsert("f", {1, 3}, "k", fresh("y"))}, other) == errc::wrong_scope);
    CHECK(refusal(sink, std::vector{withdrawal("n", {1, 3}, "new key"), withdrawal("e", {1, 1}, "k")}, other) == errc::wrong_scope);
    CHECK(refusal(sink, {upsert("f", {1, 3}, "only withdrawn", fresh("y"))}, other) == errc::wrong_scope);
  }
  CHECK(exported(sink) == before);
  CHECK(publish(sink, upsert("n", {1, 3}, "new key", fresh("n")), sibling) == UpsertResult::created);   // the refused request did not claim it for "others"
}

inline const std::vector<std::string>& hostile_keys() {
  static const std::vector<std::string> keys{
      "a", "A", " a", "a ", "a\n", "1", "01", "1.0", "1e0", "+1", "caf\xc3\xa9", "cafe\xcc\x81", "\xe2\x84\xaa", "K", "k", "\xc5\x93", "oe", "stra\xc3\x9f" "e", "strasse",
      "'", "''", "\"", "`", "a'; DROP TABLE keys; --", "%", "_", "a%", "?1", "$a", "\\", "\\x41", "NULL", "null", "true", "/", "..", "\xf0\x9f\xa6\x80", "\xef\xbb\xbf" "a",
      std::string("a\0b", 3), std::string("a\0c", 3), std::string("a\0", 2), std::string(1, '\0'), "\xff", "\xc3", std::string("\x80\0\xfe", 3), "", std::string(1 << 20, 'l'), std::string(1 << 20, 'l') + "m",
      "\xee\x80\x80", "x'41'", "{}", "[1]"};
  return keys;
}

template <class Fixture>
void sink_10() {
  Fixture fixture;
  auto sink = fixture.open();
  const auto& keys = hostile_keys();
  Lsn lsn = 0;
  for (const std::string& key : keys) CHECK(publish(sink, upsert("of " + key, {1, ++lsn}, key, fresh("bytes of " + key))) == UpsertResult::created);
  sink = fixture.reopen(std::move(sink));
  for (const std::string& key : keys) {
    CHECK(current_bytes(sink, key) == "bytes of " + key);
    CHECK(history(sink, key).size() == 1);
    const auto found = sink.find(effect("of " + key));
    REQUIRE(found);
    REQUIRE(found.value());
    CHECK(found.value()->business_key.text == key);
  }
  std::vector<std::string> listed, sorted = keys;
  REQUIRE(sink.keys([&](const BusinessKey& key) -> result<void> { listed.push_back(key.text); return success(); }));
  std::sort(sorted.begin(), sorted.end());   // std::string compares as unsigned bytes
  CHECK((listed == sorted));
}

template <class Fixture>
void sink_11() {
  Fixture fixture;
  auto sink = fixture.open();
  publish(sink, upsert("old", {1, 1}, "a", fresh("old")));
  const std::string before = exported(sink);
  std::vector<Upsert> wave;
  for (const char* key : {"a", "b", "c"}) wave.push_back(upsert(std::string("wave ") + key, {1, 2}, key, fresh(std::string("wave of ") + key)));
  for (std::size_t bad = 0; bad < wave.size(); ++bad) {
    auto broken = wave;
    broken[bad].content = StoredKey{key_of("nowhere")};
    CHECK(refusal(sink, broken) == errc::not_found);
    CHECK(exported(sink) == before);
    sink = fixture.reopen(std::move(sink));
    CHECK(exported(sink) == before);
  }
  const auto stored = sink.find(key_of("wave of a"));
  REQUIRE(stored);
  CHECK_FALSE(stored.value());   // not even the bytes
  const auto answers = sink.upsert(tenure(), head(1), wave);
  REQUIRE(answers);
  CHECK(answers.value() == std::vector{UpsertResult::moved, UpsertResult::created, UpsertResult::created});
  // one wave may build on itself
  const auto chained = sink.upsert(tenure(), head(1), std::vector{upsert("p", {1, 3}, "d", fresh("p")), upsert("q", {1, 4}, "d", StoredKey{key_of("p")}), upsert("o", {1, 2}, "d", Tombstone{})});
  REQUIRE(chained);
  CHECK(chained.value() == std::vector{UpsertResult::created, UpsertResult::moved, UpsertResult::superseded});
}

template <class Fixture>
void sink_12() {
  Fixture fixture;
  auto sink = fixture.open();
  publish(sink, upsert("newer", {1, 5}, "k", fresh("newer")));
  publish(sink, upsert("late", {1, 3}, "k", fresh("late")));
  publish(sink, upsert("oldest", {1, 1}, "k", fresh("oldest")));
  sink = fixture.reopen(std::move(sink));
  CHECK(history(sink, "k").size() == 3);
  take_back(sink, withdrawal("newer", {1, 5}, "k"));
  CHECK(current_bytes(sink, "k") == "late");   // the late one was kept (S23), and is what comes back; not what was current before (S21)
  CHECK(state(sink, "newer") == PublicationState::withdrawn);
  take_back(sink, withdrawal("oldest", {1, 1}, "k"));
  CHECK(current_bytes(sink, "k") == "late");
  take_back(sink, withdrawal("late", {1, 3}, "k"));
  CHECK(current_bytes(sink, "k") == std::nullopt);
  const auto none = sink.current({"k"});
  REQUIRE(none);
  CHECK_FALSE(none.value());
  CHECK(history(sink, "k").size() == 3);
  CHECK(publish(sink, upsert("again", {1, 2}, "k", StoredKey{key_of("newer")})) == UpsertResult::created);   // nothing was current
  CHECK(current_bytes(sink, "k") == "newer");
}

template <class Fixture>
void sink_13() {
  Fixture fixture;
  auto sink = fixture.open();
  publish(sink, upsert("there", {1, 1}, "k", fresh("there")), tenure(), head(5));
  take_back(sink, withdrawal("undone", {1, 2}, "k"), tenure(), head(5));
  publish(sink, upsert("theirs", {1, 1}, "their key", fresh("theirs")), tenure(1, "ann", scope("others")), head(5));
  const std::string before = exported(sink);
  const auto good = upsert("good", {1, 9}, "new key", fresh("good"));
  const auto repeat = upsert("undone", {1, 2}, "k", fresh("undone"));
  NewVersion bad_metadata = fresh("bad metadata");
  bad_metadata.metadata = Json("text");
  NewVersion other_metadata = fresh("there");
  other_metadata.metadata = object("other");
  NewVersion no_json = fresh("no json");
  no_json.metadata = object("\xff");
  const std::vector<std::pair<Upsert, errc>> refused{
      {upsert("there", {1, 2}, "k", fresh("there")), errc::hash_mismatch},
      {upsert("x", {1, 9}, "k", StoredKey{key_of("nowhere")}), errc::not_found},
      {upsert("x", {1, 9}, "their key", fresh("x")), errc::wrong_scope},
      {upsert("x", {1, 9}, "k", bad_metadata), errc::invalid_argument},
      {upsert("x", {1, 9}, "k", no_json), errc::invalid_json},
      {upsert("x", {1, 9}, "k", other_metadata), errc::hash_mismatch},
  };
  for (const auto& [request, code] : refused) {
    CHECK(refusal(sink, {good, repeat, request}, tenure(), head(6)) == code);
    CHECK(exported(sink) == before);
    CHECK(witness(sink) == head(5));
    CHECK(state(sink, "good") == std::nullopt);
  }
  CHECK(refusal(sink, std::vector{withdrawal("there", {1, 1}, "k"), withdrawal("n", {1, 9}, "new key"), withdrawal("theirs", {1, 1}, "their key")}, tenure(), head(6)) == errc::wrong_scope);
  sink = fixture.reopen(std::move(sink));
  CHECK(exported(sink) == before);
  CHECK(publish(sink, upsert("x", {1, 9}, "new key", fresh("x")), tenure(1, "ann", scope("others")), head(5)) == UpsertResult::created);   // nothing claimed the key
}

template <class Fixture>
void sink_14() {
  Fixture fixture;
  auto sink = fixture.open();
  CHECK(refusal(sink, {upsert("r", {1, 3}, "k", StoredKey{key_of("A")})}) == errc::not_found);
  publish(sink, upsert("a", {1, 1}, "k", fresh("A", "first")));
  publish(sink, upsert("b", {1, 2}, "k", fresh("B")));
  CHECK(publish(sink, upsert("r", {1, 3}, "k", StoredKey{key_of("A", "first")})) == UpsertResult::moved);
  CHECK(current_bytes(sink, "k") == "A");
  const auto current = sink.current({"k"});
  REQUIRE(current);
  CHECK(current.value()->version->metadata == object("first"));
  take_back(sink, withdrawal("c", {1, 4}, "k"));
  publish(sink, upsert("c", {1, 4}, "k", fresh("C")));
  CHECK(publish(sink, upsert("d", {1, 5}, "k", StoredKey{key_of("C")})) == UpsertResult::moved);   // bytes are kept, whatever happened to their publication
  CHECK(current_bytes(sink, "k") == "C");
  // one key, one content
  NewVersion other = fresh("B");
  other.key = key_of("A", "first");
  CHECK(refusal(sink, {upsert("x", {1, 9}, "k", other)}) == errc::hash_mismatch);
  other = fresh("A", "second");
  other.key = key_of("A", "first");
  CHECK(refusal(sink, {upsert("x", {1, 9}, "k", other)}) == errc::hash_mismatch);
}

/// What the verbs promise beside the laws: visitors may stop, fail and call back; metadata comes back as it went in.
template <class Fixture>
void visitors() {
  Fixture fixture;
  auto sink = fixture.open();
  NewVersion version = fresh("bytes");
  version.metadata = Json::object({{"n", Json(1.5)}, {"big", Json(std::uint64_t{1} << 63)}, {"nested", Json::object({{"\xc3\xa9", Json::array({Json(), Json(true), Json("\x01\"")})}})}});
  for (int i = 0; i < 300; ++i) publish(sink, upsert("e" + std::to_string(i), {1, static_cast<Lsn>(1 + i / 3)}, "k", version));
  for (int i = 0; i < 600; ++i) publish(sink, upsert("f" + std::to_string(i), {1, 1}, "key " + std::to_string(i), Tombstone{}));
  const auto stored = sink.find(version.key);
  REQUIRE(stored);
  CHECK(stored.value()->metadata == version.metadata);
  CHECK(stored.value()->bytes_hash == version.bytes_hash);
  const auto all = history(sink, "k");
  CHECK(all.size() == 300);
  CHECK(std::is_sorted(all.begin(), all.end(), [](const Publication& a, const Publication& b) { return std::pair(a.order, a.effect) < std::pair(b.order, b.effect); }));
  CHECK(std::count_if(all.begin(), all.end(), [](const Publication& one) { return one.state == PublicationState::current; }) == 1);
  std::size_t keys = 0;
  REQUIRE(sink.keys([&](const BusinessKey& key) -> result<void> {
    ++keys;
    KFM_DET_TRY(const auto current, sink.current(key));
    CHECK(current.has_value());
    return success();
  }));
  CHECK(keys == 601);
  const Error stop(errc::cancelled, "enough");
  std::size_t seen = 0;
  const auto stopped = sink.history({"k"}, [&](const Publication&) -> result<void> { if (++seen == 70) return stop; return success(); });
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code() == errc::cancelled);
  CHECK(seen == 70);
  CHECK_FALSE(sink.keys([&](const BusinessKey&) -> result<void> { return stop; }));
  CHECK_FALSE(sink.read(version.key, [&](BytesView) -> result<void> { return stop; }));
  CHECK(history(sink, "no such key").empty());
}

// --- the sink law: any order, repetition and late arrival ------------------------------------------------------------------

using Request = std::variant<std::vector<Upsert>, std::vector<Withdrawal>>;

template <class S>
bool accepted(S& sink, const Request& request) {
  const auto send = [&](const auto& batch) {
    if constexpr (requires { batch.front().content; }) {
      const auto answer = sink.upsert(tenure(), head(1), batch);
      if (!answer && answer.error().code() != errc::not_found) FAIL(answer.error().message());
      return answer.has_value();
    } else {
      const auto answer = sink.withdraw(tenure(), head(1), batch);
      if (!answer) FAIL(answer.error().message());
      return answer.has_value();
    }
  };
  return std::visit(send, request);
}

/// Sends them in this order; what is refused because its bytes are not there yet is sent again, as its owner would.
template <class S>
void send_all(S& sink, std::vector<const Request*> requests) {
  for (std::size_t rounds = requests.size() + 1; !requests.empty() && rounds > 0; --rounds)
    requests.erase(std::remove_if(requests.begin(), requests.end(), [&](const Request* one) { return accepted(sink, *one); }), requests.end());
}

/// The law as a fold over the set, without any of the sinks' code: which effect of each key is current.
inline std::map<std::string, std::optional<EffectId>> current_by_the_law(const std::vector<const Request*>& requests) {
  std::map<std::string, std::optional<EffectId>> out;
  std::set<EffectId> withdrawn;
  for (const Request* request : requests)
    if (const auto* batch = std::get_if<std::vector<Withdrawal>>(request))
      for (const Withdrawal& one : *batch) { withdrawn.insert(one.effect); out[one.business_key.text]; }
  std::map<std::string, std::pair<Order, EffectId>> best;
  for (const Request* request : requests)
    if (const auto* batch = std::get_if<std::vector<Upsert>>(request))
      for (const Upsert& one : *batch) {
        out[one.business_key.text];
        if (withdrawn.contains(one.effect)) continue;
        const auto [there, added] = best.try_emplace(one.business_key.text, one.order, one.effect);
        if (!added) there->second = std::max(there->second, std::pair(one.order, one.effect));
      }
  for (const auto& [key, publication] : best) out[key] = publication.second;
  return out;
}

template <class S>
void check_by_the_law(S& sink, const std::vector<const Request*>& requests) {
  for (const auto& [key, expected] : current_by_the_law(requests)) {
    const auto current = sink.current({key});
    REQUIRE(current);
    CHECK((current.value() ? std::optional(current.value()->effect) : std::nullopt) == expected);
  }
}

/// Every sequence of up to five of these eight requests, repetitions included: 37,449 of them.
template <class Fixture>
void any_order_exhaustively() {
  const std::vector<Request> alphabet{
      std::vector{upsert("e1", {1, 1}, "k", fresh("A"))},
      std::vector{upsert("e2", {1, 2}, "k", fresh("B")), upsert("e2b", {1, 2}, "l", fresh("B of l"))},   // a wave
      std::vector{upsert("e3", {1, 3}, "k", fresh("A"))},                                                   // contents A, B, A
      std::vector{upsert("e4", {2, 1}, "k", Tombstone{})},
      std::vector{withdrawal("e2", {1, 2}, "k")},
      std::vector{withdrawal("e4", {2, 1}, "k"), withdrawal("e9", {1, 9}, "l")},                            // e9 never comes
      std::vector{upsert("e6", {1, 2}, "l", fresh("C"))},                                                   // the order of e2b: by effect id
      std::vector{withdrawal("e6", {1, 2}, "l")},
  };
  Fixture fixture;
  std::map<std::set<std::size_t>, std::string> expected;
  std::size_t sequences = 0;
  for (std::size_t length = 0; length <= 5; ++length) {
    std::size_t count = 1;
    for (std::size_t i = 0; i < length; ++i) count *= alphabet.size();
    for (std::size_t number = 0; number < count; ++number) {
      if (++sequences % Fixture::every != 0) continue;
      std::vector<const Request*> script;
      std::set<std::size_t> chosen;
      std::vector<std::size_t> choices;
      for (std::size_t i = 0, rest = number; i < length; ++i, rest /= alphabet.size()) {
        choices.push_back(rest % alphabet.size());
        chosen.insert(rest % alphabet.size());
        script.push_back(&alphabet[rest % alphabet.size()]);
      }
      auto& text = expected[chosen];
      if (text.empty()) {   // the set in its own order, in the sink that is the tutorial
        MemorySink tutorial;
        for (const std::size_t one : chosen) REQUIRE(accepted(tutorial, alphabet[one]));
        text = exported(tutorial);
        check_by_the_law(tutorial, script);
      }
      auto sink = fixture.open();
      for (const Request* one : script) REQUIRE(accepted(sink, *one));
      if (exported(sink) != text) {
        INFO("sequence " << Catch::rangeToString(choices));
        CHECK(exported(sink) == text);
      }
    }
  }
  CHECK(sequences == 37449);
}

/// Larger sets at random: in waves, with repetition, with restarts, and with content that names bytes which come later.
template <class Fixture>
void any_order_at_random() {
  CHECK(rc::check("any order, repetition and late arrival of a set of requests ends in the same export", [] {
    const auto number = [](std::size_t below) { return *rc::gen::resize(100, rc::gen::inRange<std::size_t>(0, below)); };
    std::vector<Request> requests;
    const std::size_t effects = 1 + number(25);
    for (std::size_t i = 0; i < effects; ++i) {
      const std::string name = "e" + std::to_string(i), key = hostile_keys()[number(5) * 7 % 45];
      const Order order{1 + number(2), 1 + number(6)};
      const std::string bytes = "content " + std::to_string(number(6));
      const Content content = std::vector<Content>{fresh(bytes), fresh(bytes), StoredKey{key_of("content 0")}, Tombstone{}}[number(4)];
      const std::size_t fate = number(5);   // published, both, or only withdrawn
      if (fate != 0) requests.push_back(std::vector{upsert(name, order, key, content)});
      if (fate < 2) requests.push_back(std::vector{withdrawal(name, order, key)});
    }
    requests.push_back(std::vector{upsert("source of the bytes", {1, 1}, "k", fresh("content 0"))});
    std::vector<const Request*> set, script;
    for (const Request& one : requests) set.push_back(&one);
    script = set;
    for (std::size_t i = number(10); i > 0; --i) script.push_back(set[number(set.size())]);
    for (std::size_t i = script.size(); i > 1; --i) std::swap(script[i - 1], script[number(i)]);

    MemorySink tutorial;
    send_all(tutorial, set);
    Fixture fixture;
    auto sink = fixture.open();
    const std::size_t half = number(script.size());
    send_all(sink, {script.begin(), script.begin() + static_cast<std::ptrdiff_t>(half)});   // what is refused here is sent again below
    sink = fixture.reopen(std::move(sink));
    send_all(sink, script);
    check_by_the_law(sink, set);
    RC_ASSERT(exported(sink) == exported(tutorial));
  }));
}

}  // namespace kfm_det::sink_laws

#define KFM_DET_TEST_SINK_LAWS(Fixture)                                                                                                                                  \
  TEST_CASE("SINK-1 current is the highest order that is not withdrawn: " #Fixture, "[sink]") { ::kfm_det::sink_laws::sink_1<Fixture>(); }                                \
  TEST_CASE("SINK-1 any order and repetition of a set ends in the same export, exhaustively: " #Fixture, "[sink]") { ::kfm_det::sink_laws::any_order_exhaustively<Fixture>(); } \
  TEST_CASE("SINK-1 any order, repetition and late arrival of a set ends in the same export, at random: " #Fixture, "[sink]") { ::kfm_det::sink_laws::any_order_at_random<Fixture>(); } \
  TEST_CASE("SINK-2 an effect publishes once: " #Fixture, "[sink]") { ::kfm_det::sink_laws::sink_2<Fixture>(); }                                                          \
  TEST_CASE("SINK-3 the same effect with anything else is refused: " #Fixture, "[sink]") { ::kfm_det::sink_laws::sink_3<Fixture>(); }                                     \
  TEST_CASE("SINK-4 what was withdrawn unseen never publishes: " #Fixture, "[sink]") { ::kfm_det::sink_laws::sink_4<Fixture>(); }                                         \
  TEST_CASE("SINK-5 find answers for the effect, not for its content: " #Fixture, "[sink]") { ::kfm_det::sink_laws::sink_5<Fixture>(); }                                  \
  TEST_CASE("SINK-6 the token floor only rises: " #Fixture, "[sink]") { ::kfm_det::sink_laws::sink_6<Fixture>(); }                                                        \
  TEST_CASE("SINK-7 the witness is the highest head, and a fork is refused: " #Fixture, "[sink]") { ::kfm_det::sink_laws::sink_7<Fixture>(); }                            \
  TEST_CASE("SINK-8 bytes hash to their version, in and out: " #Fixture, "[sink]") { ::kfm_det::sink_laws::sink_8<Fixture>(); }                                           \
  TEST_CASE("SINK-9 a business key belongs to one scope: " #Fixture, "[sink]") { ::kfm_det::sink_laws::sink_9<Fixture>(); }                                               \
  TEST_CASE("SINK-10 business keys are compared byte for byte: " #Fixture, "[sink]") { ::kfm_det::sink_laws::sink_10<Fixture>(); }                                        \
  TEST_CASE("SINK-11 a request is visible whole or not at all: " #Fixture, "[sink]") { ::kfm_det::sink_laws::sink_11<Fixture>(); }                                        \
  TEST_CASE("SINK-12 late, superseded and withdrawn publications stay in history: " #Fixture, "[sink]") { ::kfm_det::sink_laws::sink_12<Fixture>(); }                     \
  TEST_CASE("SINK-13 a refused request changes nothing but the floor: " #Fixture, "[sink]") { ::kfm_det::sink_laws::sink_13<Fixture>(); }                                 \
  TEST_CASE("SINK-14 stored bytes are published by their key: " #Fixture, "[sink]") { ::kfm_det::sink_laws::sink_14<Fixture>(); }                                         \
  TEST_CASE("visitors may stop, fail and call back: " #Fixture, "[sink]") { ::kfm_det::sink_laws::visitors<Fixture>(); }

#endif
