// SPDX-License-Identifier: BSL-1.0
// The real program replays runs, from a log and from a bundle, and previews what an operator would do; none of it changes a byte.
#ifdef MONTHLY_SUMMARY_PROGRAM   // not defined where examples are not built
#include <catch2/catch.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include "kfm_det/wal/bundle_reader.hpp"
#include "tests/examples/world.hpp"

using namespace kfm_det;
using namespace kfm_det::tests;

namespace {

bool has(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

/// Two runs over a file that changed, both replayable.
struct Story {
  World world;
  std::string changed = world.write(replaced(some_months(), "2012/01/05,1.3,", "2012/01/05,31.3,"));
  std::string first = run_of(world.data), second = run_of(changed);

  std::string run_of(const std::string& data) const {
    const Ran ran = world.run(data);
    REQUIRE(ran.code == 0);
    return ran.err.substr(ran.err.find("run ") + 4, 36);
  }
  [[nodiscard]] Ran replay(std::vector<std::string> more) const {
    more.insert(more.begin(), "replay");
    return Running(World::words(more)).wait();
  }
  [[nodiscard]] std::string bundle(const std::string& run) const {
    const Ran ran = world.ask({"bundle", run});
    INFO(ran.err);
    REQUIRE(ran.code == 0);
    const std::string path = world.scratch / ("bundles/" + run + ".jsonl");
    write_text(path, ran.out);
    return path;
  }
};

/// The same bundle with one step's record changed, sealed and ended again: what code that gives something else would have left.
std::string with_other_bytes(const std::string& text, const std::string& step) {
  const auto run = good(wal::read_bundle(text));
  std::vector<std::string> lines;
  Digest prev = run.begin.hash;
  for (const auto& line : run.lines) {
    auto record = line.record;
    if (record.phase == wal::Phase::EXECUTE && record.step_id == step) record.payload.set("bytes", Json(sha256("other").hex()));
    std::string sealed;
    prev = good(wal::seal_frame(sealed, {run.stream, line.incarnation, line.lsn, prev, line.group_index, line.group_count, 0}, record));
    lines.push_back(sealed);
  }
  return good(wal::write_bundle(good(wal::assemble_run(run.stream, run.run, std::move(lines)))));
}

}  // namespace

TEST_CASE("replay does a run again from its log or its bundle, over every prefix, and changes no byte") {
  const Story story;
  const auto before = everything_in(story.world.state);
  const std::string log = story.world.state + "/wal";
  for (const bool first : {true, false}) {
    const std::string run = first ? story.first : story.second, data = first ? story.world.data : story.changed;
    const Ran from_log = story.replay({"--log", log, "--run", run, "--data", data});
    INFO(from_log.err);
    CHECK(from_log.code == 0);
    CHECK(has(from_log.out, "run " + run + " was reproduced: 7 of 7 steps run, 7 compared with the log, each the same. No effect was possible."));
    const std::string file = story.bundle(run);
    CHECK(story.replay({"--bundle", file, "--data", data}).out == from_log.out);
    const Ran prefixes = story.replay({"--bundle", file, "--data", data, "--every-prefix"});
    INFO(prefixes.err);
    CHECK(prefixes.code == 0);
    CHECK(has(prefixes.out, "the updater ended in the same export"));
  }
  CHECK(everything_in(story.world.state) == before);
}

TEST_CASE("replay in CI: a difference is code 11 and says the step, inputs that changed are code 12, and both print one sentence") {
  Story story;
  const std::string file = story.bundle(story.first);
  const std::string other = story.world.scratch / "bundles/other.jsonl";
  write_text(other, with_other_bytes(text_of(file), "2012-02"));
  for (const bool every : {false, true}) {
    std::vector<std::string> words{"--bundle", other, "--data", story.world.data};
    if (every) words.push_back("--every-prefix");
    const Ran differs = story.replay(words);
    CHECK(differs.code == 11);
    CHECK(has(differs.out, "was not reproduced: step 2012-02 differs in bytes: recorded " + sha256("other").hex()));
  }
  const Ran changed = story.replay({"--bundle", file, "--data", story.changed});
  CHECK(changed.code == 12);
  CHECK(changed.err.starts_with("error: input_changed: "));
  CHECK(changed.out.empty());
  const std::string cut = story.world.write(some_months().substr(0, some_months().find("2013/02")));
  CHECK(story.replay({"--bundle", file, "--data", cut}).code == 12);
}

TEST_CASE("replay of what is no bundle, no log, no run, and wrong words") {
  const Story story;
  const std::string file = story.bundle(story.first), bad = story.world.scratch / "bundles/bad.jsonl";
  std::string text = text_of(file);
  write_text(bad, text.substr(0, text.size() - 40));
  const Ran cut = story.replay({"--bundle", bad, "--data", story.world.data});
  CHECK(cut.code == 1);
  CHECK(has(cut.err, "the bundle was cut"));
  text[text.size() / 2] ^= 1;
  write_text(bad, text);
  CHECK(has(story.replay({"--bundle", bad, "--data", story.world.data}).err, "hash_mismatch"));
  const std::string log = story.world.state + "/wal", none = "00000000-0000-8000-8000-000000000000";
  CHECK(has(story.replay({"--log", log, "--run", none, "--data", story.world.data}).err, "there is no such run in this log"));
  CHECK(story.replay({"--log", log, "--run", story.first, "--data", shipped}).code == 2);   // another file's name
  for (const auto& words : std::vector<std::vector<std::string>>{{"--data", story.world.data}, {"--data", story.world.data, "--log", log}, {"--data", story.world.data, "--bundle", file, "--run", story.first},
                                                                  {"--bundle", file}, {"--data", story.world.data, "--log", log, "--run", "seven"}}) {
    const Ran ran = story.replay(words);
    CHECK(ran.code == 2);
    CHECK(ran.err.starts_with("error: "));
  }
}

TEST_CASE("undo --dry-run says what would change, key by key, changes nothing, and is what happens then") {
  const Story story;
  const World& world = story.world;
  const auto before = everything_in(world.state);
  const Ran newest = world.ask({"undo", story.second, "--dry-run"});
  INFO(newest.err);
  CHECK(newest.code == 0);
  CHECK(has(newest.out, "7 would give back what was there before"));
  CHECK(has(newest.out, "-> version "));
  CHECK(has(newest.out, " of run " + story.first + "\n"));
  const Ran oldest = world.ask({"undo", story.first, "--dry-run"});
  CHECK(has(oldest.out, "7 would change nothing, because newer runs have replaced them"));
  CHECK(has(world.ask({"accept-loss", "--dry-run"}).out, "nothing to accept: log and sink are a pair (Clean)."));
  CHECK(everything_in(world.state) == before);
  CHECK(has(world.ask({"undo", story.second}).err, "7 effects withdrawn, 7 of them were current"));
  CHECK(has(world.ask({"undo", story.second, "--dry-run"}).out, "undo has nothing to do"));
}

TEST_CASE("accept-loss keeps the damaged bytes first, and --dry-run only says what would be lost") {
  const Story story;
  const World& world = story.world;
  const std::string frame = "\"lsn\":5,\"prev\":\"";   // of a frame: a MARK names LSNs, too
  std::string segment;
  for (const auto& [path, entry] : everything_in(world.state))
    if (path.ends_with(".jsonl") && has(entry.first, frame)) segment = path;
  std::string text = text_of(segment);
  REQUIRE(has(text, frame));
  text[text.find(frame) + 30] ^= 1;
  write_text(segment, text);
  const auto before = everything_in(world.state);
  const Ran proposed = world.ask({"accept-loss", "--dry-run"});
  CHECK(proposed.code == 0);
  CHECK(has(proposed.out, "CorruptCommitted: the log is kept up to LSN "));
  CHECK(has(proposed.out, "Nothing was changed."));
  CHECK(everything_in(world.state) == before);
  const Ran accepted = world.ask({"accept-loss"});
  INFO(accepted.err);
  CHECK(accepted.code == 0);
  CHECK(has(accepted.out, "of evidence are kept, and named in the log"));
  CHECK(text_of(segment) == text);
  int regions = 0;
  for (const auto& [path, entry] : everything_in(world.state))
    if (has(path, "/evidence/") && path.ends_with("region.bin")) {
      ++regions;
      CHECK(has(text, entry.first));
    }
  CHECK(regions == 1);
  CHECK(world.run(story.changed).code == 0);
  world.verify();
}
#endif
