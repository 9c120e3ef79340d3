// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include "kfm_det/conformance/choices.hpp"
#include "kfm_det/conformance/detail/updater_told.hpp"
#include "kfm_det/updater/undo_preview.hpp"
#include "kfm_det/wal/verify.hpp"
#include "tests/histories/script.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;

namespace {
using World = ScriptWorld<MemoryBackends>;
const StreamId stream = StreamId::of({"scripted", ""});

wal::ScopeState fold(MemoryStore store) {
  auto opened = store.open_stream(stream);
  REQUIRE(opened);
  REQUIRE(opened.value().inspect({}));
  wal::Replay replay;
  const auto read = wal::read_records(opened.value(), 1, [&](const wal::Line& line, const wal::WalRecord& record) { return replay.apply(line, record); });
  if (!read) FAIL(read.error().message());
  return replay.state();
}
/// Every frame that was ever in the log, whatever was trimmed since.
struct WholeLog {
  std::vector<Bytes> frames;
  void see(const MemoryStore& store) {
    const auto now = store.frames(stream);
    if (now.empty()) return;
    const Lsn first = wal::read_line(now[0]).lsn;
    frames.resize(std::min<std::size_t>(frames.size(), first - 1));
    REQUIRE(frames.size() == first - 1);
    frames.insert(frames.end(), now.begin(), now.end());
  }
  wal::ScopeState fold_all() const {
    MemoryStore store;
    store.restore(stream, frames);
    return fold(store);
  }
};
/// What an auditor objects to in the log as it is now; empty where it is intact.
std::string objections(const MemoryStore& store) {
  const auto frames = store.frames(stream);
  if (frames.empty()) return {};
  wal::Verifier verifier(stream, {});
  verifier.begin_segment({1, wal::read_line(frames[0]).lsn}, wal::Judge::no_limit, "log");
  for (const Bytes& frame : frames) verifier.feed(frame + "\n");
  verifier.end_segment();
  const wal::VerifyReport report = verifier.finish();
  return report.is_intact() ? std::string() : report.text();
}
Lsn base_of(const MemoryStore& store) { return wal::read_line(store.frames(stream).at(0)).lsn; }

/// What the scope tells whoever asks: each key explained, and what an undo of each run would change.
std::string explained(World& world) {
  std::string out;
  for (const char* key : {"x", "y"}) out += conformance::detail::told_of(BusinessKey{key}, world.updater().explain(BusinessKey{key}));
  auto store = world.backends.store();
  auto sink = world.backends.sink();
  for (const wal::RunState& run : fold(world.backends.kept).runs) {
    const auto preview = preview_undo(store, sink, stream, run.id);
    out += "undo of " + run.id.text() + ": ";
    if (!preview) { out += preview.error().message() + "\n"; continue; }
    out += preview.value().sentence();
    for (const UndoneKey& one : preview.value().keys)
      out += " " + one.business_key.text + " of " + one.step_id + " " + std::string(name(one.change)) + (one.then ? ", then " + one.then->effect.hex() : "") + ";";
    out += "\n";
  }
  return out;
}

Command draw(conformance::Random& random, int index) {
  const auto pick = [&](std::initializer_list<const char*> words) { return std::string(*(words.begin() + random.below(static_cast<std::uint32_t>(words.size())))); };
  switch (random.below(8U)) {
    case 0: return Command::parse(index == 0 ? "t:k:A" : "undo:" + std::to_string(random.below(static_cast<std::uint32_t>(index))));
    case 1: return Command::parse("gone:" + pick({"A", "B"}));
    case 2: return Command::parse("back:" + pick({"A", "B"}));
    case 3: return Command::parse("deploy:" + pick({"1", "2"}));
    default: return Command::parse("t:" + pick({"k", "j"}) + ":" + pick({"A", "B", "C", "F", "D"}));
  }
}
/// A compaction in a process that may be killed at a call. True: it lived.
bool compacted(World& world, std::uint64_t stop_at = Fuse::never) {
  return lives(world.fuse, world.clock, world.calls, [&] {
    auto done = world.updater().compact({}, "compactor");
    if (!done) FAIL(done.error().message());
  }, stop_at);
}
}  // namespace

TEST_CASE("REPLAY-2 COMPACT-1 COMPACT-2 replay from a checkpoint is replay of the whole log, field by field, over random histories with kills and compactions") {
  std::size_t compactions = 0, unfinished = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    conformance::Random random(seed);
    World world;
    WholeLog whole;
    Script script;
    std::string told;
    for (int i = 0; i < 9; ++i) {
      script.push_back(draw(random, i));
      told += script.back().text();
      const std::uint64_t stop = random.below(3U) == 0 ? random.below(24U) : Fuse::never;
      if (stop != Fuse::never) told += "(killed at " + std::to_string(stop) + ")";
      told += " ";
      if (!world.attempt(script, i, stop)) world.give_up(script, i);
      whole.see(world.backends.kept);
      if (random.below(3U) == 0) {
        const std::uint64_t at = random.below(3U) == 0 ? random.below(12U) : Fuse::never;
        told += "compact ";
        for (const auto& run : fold(world.backends.kept).runs) unfinished += wal::is_unfinished(run.status);
        compacted(world, at);
        ++compactions;
        whole.see(world.backends.kept);
      }
      INFO("seed " << seed << ": " << told);
      const bool same = fold(world.backends.kept) == whole.fold_all();
      REQUIRE(same);
      REQUIRE(objections(world.backends.kept).empty());
    }
  }
  CHECK(compactions > 200);
  CHECK(unfinished > 20);
}

TEST_CASE("explain, status, undo and the next triggers say and do the same with compactions as without") {
  for (std::uint64_t seed = 1000; seed < 1060; ++seed) {
    World plain, trimmed;
    conformance::Random random(seed);
    Script script;
    for (int i = 0; i < 8; ++i) {
      script.push_back(draw(random, i));
      const std::uint64_t stop = random.below(4U) == 0 ? random.below(20U) : Fuse::never;
      INFO("seed " << seed << ": " << kfm_det::testing::text_of(script) << (stop == Fuse::never ? "" : " killed"));
      for (World* world : {&plain, &trimmed})
        if (!world->attempt(script, i, stop)) world->give_up(script, i);
      compacted(trimmed);
      REQUIRE(trimmed.visible() == plain.visible());
      const Outcome got = trimmed.outcome(), wanted = plain.outcome();
      REQUIRE(got == wanted);
      REQUIRE(trimmed.answer.has_value() == plain.answer.has_value());
      if (plain.answer) REQUIRE(trimmed.answer->code() == plain.answer->code());
      // identities are made of LSNs and tokens, which a compaction uses up: what is explained is compared within one world
      const std::string before = explained(trimmed);
      compacted(trimmed);
      REQUIRE(explained(trimmed) == before);
    }
  }
}

TEST_CASE("explain says the same before a compaction and behind it, and undo takes back a run that was folded") {
  World world;
  const Script script = parse_script("t:k:A t:k:B t:j:C undo:1 undo:0");
  for (int i = 0; i < 4; ++i) world.until_answered(script, i);
  const std::string before = explained(world);
  auto status_before = world.updater().status().value();
  REQUIRE(compacted(world));
  CHECK(base_of(world.backends.kept) > 1);
  CHECK(explained(world) == before);
  CHECK(world.updater().status().value() == status_before);
  const RunId folded = fold(world.backends.kept).runs[0].id;
  auto store = world.backends.store();
  auto sink = world.backends.sink();
  CHECK(preview_undo(store, sink, stream, folded).value().keys.size() == 1);
  world.until_answered(script, 4);
  CHECK_FALSE(world.answer);
  CHECK_FALSE(world.visible().contains("x"));
  CHECK(preview_undo(store, sink, stream, folded).value().nothing_to_do);
  REQUIRE(compacted(world));
  CHECK(preview_undo(store, sink, stream, folded).value().nothing_to_do);
  CHECK_FALSE(world.visible().contains("x"));
}

TEST_CASE("a compaction that finds nothing to fold writes nothing; behind a record it folds again") {
  World world;
  CHECK_FALSE(world.updater().compact().value().written);
  const Script script = parse_script("t:k:A t:k:B");
  world.until_answered(script, 0);
  const CompactionReport first = world.updater().compact().value();
  CHECK(first.written);
  CHECK(first.finished == 1);
  CHECK(first.base > first.base_before);
  CHECK(first.base == base_of(world.backends.kept));
  const auto frames = world.backends.kept.frames(stream);
  const CompactionReport second = world.updater().compact().value();
  CHECK_FALSE(second.written);
  CHECK(second.sentence().starts_with("nothing to compact"));
  CHECK(world.backends.kept.frames(stream) == frames);
  world.until_answered(script, 1);
  const CompactionReport third = world.updater().compact().value();
  CHECK(third.written);
  CHECK(third.finished == 2);
  CHECK(world.backends.kept.frames(stream).size() == third.entries);
}

TEST_CASE("COMPACT-4 a compaction that is killed at any call leaves a log that says the same, and the next one goes on") {
  const Script script = parse_script("t:k:A t:k:B t:j:D");
  for (std::uint64_t stop = 0;; ++stop) {
    World world;
    world.until_answered(script, 0);
    world.until_answered(script, 1);
    (void)world.attempt(script, 2);   // kills itself: an open run
    world.backends.kept.restore(stream, world.backends.kept.frames(stream));   // all of it is durable
    const wal::ScopeState before = fold(world.backends.kept);
    REQUIRE(before.has_unfinished());
    const bool lived = compacted(world, stop);
    if (stop % 3 == 0) world.backends.lose_unsynced();
    INFO("killed at " << stop);
    wal::ScopeState after = fold(world.backends.kept);
    after.highest_token = before.highest_token;   // the compactor's own
    REQUIRE(after == before);
    REQUIRE(compacted(world));
    CHECK(base_of(world.backends.kept) > 1);
    after = fold(world.backends.kept);
    after.highest_token = before.highest_token;
    REQUIRE(after == before);
    world.settle();
    CHECK(world.visible() == Published{{"x", "B"}, {"y", "B"}});
    if (lived) break;
  }
}

TEST_CASE("STORE-5 an owner who is paused in a compaction and wakes behind another one's tenure neither drops nor writes") {
  const Script script = parse_script("t:k:A t:k:B");
  for (std::uint64_t pause = 0;; ++pause) {
    World world;
    world.until_answered(script, 0);
    World other = world;   // the same backends, another process
    bool paused = false;
    wal::ScopeState behind;
    world.fuse.reset();
    world.fuse.pause_at = pause;
    world.fuse.while_paused = [&] {
      paused = true;
      world.clock.advance(seconds(60));
      other.until_answered(script, 1);
      REQUIRE(compacted(other));
      behind = fold(other.backends.kept);
    };
    const auto done = world.updater().compact();
    if (!paused) break;
    INFO("paused at " << pause << ": " << (done ? done.value().sentence() : done.error().message()));
    auto now = fold(world.backends.kept);
    now.highest_token = behind.highest_token;
    CHECK(now == behind);
    CHECK(other.visible() == Published{{"x", "B"}, {"y", "B"}});
    other.until_answered(script, 0);
  }
}

TEST_CASE("COMPACT-3 an older log, an older sink and an old witness are judged behind a compaction as before it") {
  World world;
  const Script script = parse_script("t:k:A t:k:B t:k:C");
  world.until_answered(script, 0);
  const auto old_sink = world.backends.copy_sink();
  const auto old_log = world.backends.copy_log(stream);
  world.until_answered(script, 1);
  const Head witness = world.backends.published.witness(stream).value();
  REQUIRE(compacted(world));
  REQUIRE(witness.lsn < base_of(world.backends.kept));
  const auto verdict = [&](Head head) {
    auto opened = world.backends.kept.open_stream(stream);
    return opened.value().inspect(std::span<const Head>(&head, 1)).value().verdict;
  };
  CHECK(verdict(witness) == Verdict::clean);
  CHECK(verdict(Head{stream, witness.incarnation, witness.lsn, domain_digest("test", "another")}) == Verdict::forked);
  CHECK(verdict(Head{stream, witness.incarnation, witness.lsn - 1, witness.hash}) == Verdict::forked);

  const auto newer_sink = world.backends.copy_sink();
  world.backends.put_sink_back(old_sink);
  auto refused = world.updater().run({.kind = TriggerKind::manual, .key = "k"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::sink_regressed);
  world.backends.put_sink_back(newer_sink);
  const auto newer_log = world.backends.copy_log(stream);
  world.backends.put_log_back(stream, old_log);
  refused = world.updater().run({.kind = TriggerKind::manual, .key = "k"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::regressed);
  world.backends.put_log_back(stream, newer_log);

  // a loss that is accepted behind it: the sink is an older one, and what the log knows is asked again
  world.backends.put_sink_back(old_sink);
  const LossReport accepted = world.updater().accept_loss().value();
  CHECK(accepted.accepted);
  CHECK(accepted.incarnation == 2);
  CHECK(accepted.lost.empty());
  REQUIRE(accepted.unpublished.size() == 1);
  REQUIRE(compacted(world));
  world.until_answered(script, 2);
  CHECK(world.visible().contains("y"));
}

TEST_CASE("a checkpoint larger than a line travels in several entries, whole or not at all") {
  World world;
  world.limits.line_bytes_max = 4096;
  const Script script = parse_script("t:k:A t:k:B t:k:A t:k:B t:k:A t:k:B t:j:D");
  for (int i = 0; i < 6; ++i) world.until_answered(script, i);
  (void)world.attempt(script, 6);
  const auto before = fold(world.backends.kept).runs;
  const CompactionReport report = world.updater().compact().value();
  CHECK(report.entries > 3);
  CHECK(report.open == 1);
  CHECK(fold(world.backends.kept).runs == before);

  // all but its last entry: there is no log any more, and nobody takes it for one
  auto frames = world.backends.kept.frames(stream);
  frames.pop_back();
  world.backends.kept.restore(stream, frames);
  auto opened = world.backends.kept.open_stream(stream);
  CHECK(opened.value().inspect({}).value().verdict == Verdict::hole);
}
