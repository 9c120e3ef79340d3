// SPDX-License-Identifier: BSL-1.0
/// \file
/// Writes the corpus: one folder for each story of a log, with its expected.json. The clock is a manual one, the disk a simulated one and every id is derived,
/// so the same program writes the same bytes on every machine (tests/corpus/README.md).
///
/// usage: generate_corpus_program FOLDER [NAME...]
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kfm_det/locks/memory_lock.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "kfm_det/sinks/memory_sink.hpp"
#include "kfm_det/stores/evidence.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/updater/operator.hpp"
#include "kfm_det/updater/repair.hpp"
#include "kfm_det/updater/updater.hpp"
#include "kfm_det/wal/key_ring.hpp"
#include "tests/corpus/summary.hpp"
#include "tests/updater/fused.hpp"

namespace {
using namespace kfm_det;
using kfm_det::testing::Fuse;
using kfm_det::testing::FusedLock;
using kfm_det::testing::FusedSink;
using kfm_det::testing::FusedStore;
using kfm_det::testing::Killed;
using simulate::Disk;

/// Content with "boom" in it fails.
struct Copy {
  struct Params { SourceRef source; std::string title; };
  static result<Output> run(const Params& params, StepContext& context) {
    KFM_DET_TRY(Bytes bytes, context.read_all(params.source));
    if (bytes.find("boom") != Bytes::npos) return Error(errc::operation_failed, "the source says \"boom\"", params.source.uri, "Mend the source.");
    return Output::publish(BusinessKey{params.source.uri}, std::move(bytes), Json::object({{"title", Json(params.title)}}));
  }
};
struct Join {
  struct Params { std::vector<std::string> parts; std::uint64_t seed; };
  static result<Output> run(const Params& params, StepContext& context) {
    Bytes all;
    for (const auto& part : params.parts) {
      KFM_DET_TRY(const BytesView bytes, context.upstream(part));
      all += bytes;
    }
    return Output::publish(BusinessKey{"région/all ☃"}, std::move(all));
  }
};
struct Check {   // publishes nothing
  struct Params { std::string of; };
  static result<Output> run(const Params& params, StepContext& context) {
    KFM_DET_TRY(const BytesView bytes, context.upstream(params.of));
    return Output::intermediate(Bytes(bytes.substr(0, 1)));
  }
};
KFM_DET_DESCRIBE(Copy::Params, source, title)
KFM_DET_DESCRIBE(Join::Params, parts, seed)
KFM_DET_DESCRIBE(Check::Params, of)

template <int Major = 1, OnFailure Failure = OnFailure::keep>
struct CorpusPlan {
  static constexpr UpdaterId id{"corpus"};
  static constexpr Version version{Major, 2, 3};
  static constexpr MissingKeys missing_keys = MissingKeys::retire;
  static constexpr OnFailure on_failure = Failure;
  using Operations = kfm_det::Operations<Copy, Join, Check>;
  std::vector<std::string> uris;
  result<std::vector<SourceRef>> inputs(SourceReader& reader) const {
    KFM_DET_TRY(auto refs, reader.describe_all(uris));
    for (auto& ref : refs) ref.partition["letter"] = ref.uri.substr(0, 1);
    return refs;
  }
  /// b is of tier 1 and labelled, the join of tier 2; what is called "final" cannot be taken back.
  static result<void> plan(std::span<const SourceRef> inputs, PlanBuilder<Operations>& plan) {
    std::vector<StepRef> parts;
    Join::Params join{{}, std::uint64_t{1} << 60};
    for (const auto& ref : inputs) {
      auto step = plan.step<Copy>("copy:" + ref.uri, {ref, "of \"" + ref.uri + "\"\n"}).publishes(BusinessKey{ref.uri});
      if (ref.uri == "b") step.tier(1).care({"CARE-Level 2", "Restricted / By Request"});
      if (ref.uri == "final") step.irreversible();
      parts.push_back(step);
      join.parts.push_back("copy:" + ref.uri);
    }
    if (parts.empty()) return success();
    auto all = plan.step<Join>("join", join).after(parts).publishes(BusinessKey{"région/all ☃"}).tier(2);
    plan.step<Check>("check", {"join"}).after(all);
    return success();
  }
};

/// Its lock outlives the processes of the story.
struct StoryLock : FusedLock<MemoryLock<ManualClock>> {
  static constexpr LockClaims claims{.many_processes = false, .survives_power_loss = true, .detects_death = false};
};
/// Can be told to refuse, for good.
struct StorySink : MemorySink {
  std::shared_ptr<bool> refuses = std::make_shared<bool>(false);
  result<std::vector<UpsertResult>> upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch) {
    if (*refuses) return Error(errc::unsupported, "the sink takes no more", "story", "Mend it.");
    return MemorySink::upsert(tenure, head, batch);
  }
};
template <class Signer>
using StoryEnvironment = Environment<ManualClock, MemorySourceReader, Signer>;
using StoryStore = FusedStore<FileStore<Disk>>;

/// The key of a story: its 32 secret bytes are one letter, so anybody can sign with it.
wal::Ed25519Signer key(char letter, const std::string& name) { return wal::Ed25519Signer::from_seed(std::string(32, letter), name).value(); }

struct Story {
  Disk disk{{simulate::Profile::standard, simulate::sector_bytes, ~std::uint64_t{0}}};
  FileStoreOptions store_options{.segment_bytes = std::uint64_t{1} << 20, .prewrite_bytes = 4096};
  StorySink sink;
  std::shared_ptr<MemoryLockBoard> board = MemoryLock<ManualClock>::make_board();
  ManualClock clock{Instant{1'772'000'000'000'000'007}};
  MemorySourceReader sources;
  UpdaterLimits limits{};
  Fuse fuse;
  std::vector<std::string> uris{"a", "b", "c"};
  TriggerKind kind = TriggerKind::schedule;
  std::string approval = "CHG-2026-0042";
  bool stops_gracefully = false;
  int owners = 0;
  wal::Signing signing = wal::Signing::each_group;
  wal::KeyRing keys;   // of a signed story: who wants to verify it needs them, so they are written beside it

  Story() {
    limits.window = 2;
    for (const auto& uri : uris) sources.put(uri, "content of " + uri + "\n");
  }
  template <class Signer = NoSigner>
  StoryEnvironment<Signer> environment(Signer signer = {}) {
    clock.advance(milliseconds(1500));
    return {.clock = clock, .source_reader = sources, .limits = limits, .cancelled = [this] { return stops_gracefully; }, .signer = std::move(signer), .signing = signing};
  }
  FileStore<Disk> store() { return FileStore<Disk>::open("/log", store_options, disk).value(); }
  StoryLock lock() { return {{MemoryLock<ManualClock>(board, OwnerId{"owner " + std::to_string(++owners)}, clock), &fuse}}; }

  template <class P = CorpusPlan<>, class Signer = NoSigner>
  auto updater(Signer signer = {}) {
    auto env = environment(std::move(signer));
    auto owner = lock();
    return Updater<P, StoryStore, StoryLock, FusedSink<StorySink>, StoryEnvironment<Signer>>(P{uris}, {store(), &fuse}, std::move(owner), {sink, &fuse}, std::move(env));
  }
  template <class P = CorpusPlan<>>
  result<RunReport> trigger(const std::string& key, std::optional<RunId> force = {}) {
    return updater<P>().run(Trigger{kind, key, "", "ann", approval, force});
  }
  result<RunReport> signed_trigger(const wal::Ed25519Signer& signer) { return updater<CorpusPlan<>>(signer).run(Trigger{kind, "nightly", "", "ann", approval, {}}); }
  /// Who has no code of the updater, and files: what `kfm-det repair` is.
  auto person() { return Operator<FileStore<Disk>, StoryLock, StorySink, StoryEnvironment<NoSigner>>({"corpus", ""}, store(), lock(), sink, environment()); }
  Order place() { return [](const Head& tail) { return Order{tail.incarnation, tail.lsn}; }(store().open_stream(StreamId::of({"corpus", ""})).value().inspect({}).value().tail); }
  /// As trigger, but its process is killed at call `stop` of its backends (tests/updater/fused.hpp), and its lease runs out.
  template <class Call>
  void killed(std::uint64_t stop, Call&& call) {
    fuse.reset();
    fuse.stop_at = stop;
    try {
      (void)call();
    } catch (const Killed&) {
      clock.advance(seconds(60));
    }
    fuse.reset();
  }
  std::vector<wal::RunState> runs() { return updater().status().value(); }
  /// The segment of the highest ordinal.
  std::string last_segment() const {
    std::string last;
    for (const auto& [path, bytes] : disk.files())
      if (path.ends_with(".jsonl")) last = path;
    return last;
  }
};

/// Cuts the last line of the log in half, or all of it.
void cut_last_line(Story& story, bool half) {
  story.disk.damage(story.last_segment(), [&](Bytes& bytes) {
    const std::size_t end = bytes.find_last_not_of('\n') + 1, begin = bytes.rfind('\n', end - 1) + 1;
    for (std::size_t at = half ? begin + (end - begin) / 2 : begin; at < end; ++at) bytes[at] = '\n';
  });
}

/// The process that undoes the last committed run dies between its first intents and their answers.
void undo_and_die(Story& story) {
  RunId committed;
  for (const auto& run : story.runs())
    if (run.status == wal::RunStatus::committed) committed = run.id;
  story.killed(11, [&] { return story.updater().undo(committed, "", "bob"); });
}
/// One run has failed and is taken back, one too that the sink refused, one is committed, one is undone, one was open: first compacted in the middle of that, then at its end.
void compacted_twice(Story& story) {
  story.sources.put("b", "boom\n");
  (void)story.trigger("nightly");
  story.sources.put("b", "mended\n");
  (void)story.trigger("nightly");
  *story.sink.refuses = true;
  (void)story.trigger<CorpusPlan<2, OnFailure::undo>>("refused");
  *story.sink.refuses = false;
  story.uris = {"a", "b"};
  (void)story.trigger("nightly");
  story.sources.put("a", "third content of a\n");
  story.killed(19, [&] { return story.trigger("open"); });   // half of its effects are answered
  undo_and_die(story);
  (void)story.updater().compact("", "bob");
  (void)story.trigger("open");
  (void)story.updater().compact("", "bob");
}
/// Compacted, and the process died behind the checkpoint: nothing was dropped.
void compacted_and_killed(Story& story) {
  (void)story.trigger("nightly");
  story.sources.put("a", "second content of a\n");
  (void)story.trigger("nightly");
  story.killed(10, [&] { return story.updater().compact("", "bob"); });   // in front of the drop
}

struct Entry { const char* name; const char* says; std::function<void(Story&)> tell; };
const std::vector<Entry>& entries() {
  static const std::vector<Entry> all{
      {"clean", "two runs of one trigger, the second with a changed and a missing source (its key is retired), closed in order",
       [](Story& story) {
         (void)story.trigger("nightly");
         story.sources.put("a", "second content of a\n");
         story.uris = {"a", "b"};
         story.kind = TriggerKind::webhook;
         (void)story.trigger("nightly");
       }},
      {"empty", "a tenure that wrote nothing: a claim, and no segment", [](Story& story) { story.approval = "", (void)story.trigger("nightly"); }},
      {"marks", "a log written record by record, with a proof behind each group and two tenures",
       [](Story& story) {
         const StreamId id = StreamId::of({"corpus", ""});
         Head witness;
         witness.stream = id;
         for (int tenure = 0; tenure < 2; ++tenure) {
           auto stream = FileStore<Disk>::open("/log", story.store_options, story.disk).value().open_stream(id).value();
           auto log = wal::Log<FileStore<Disk>::Stream, ManualClock>::open(std::move(stream), id, witness, story.clock, [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); }).value();
           for (std::uint64_t group = 1; group < 4; ++group) {
             std::vector<wal::WalRecord> records(group);
             for (auto& record : records) {
               record.seq = log.tail().lsn + static_cast<std::uint64_t>(&record - records.data()) + 1;
               record.phase = wal::Phase::CONTROL;
               record.operation = wal::operation::loss;   // about the scope: it needs no run
               record.status = wal::Status::DONE;
               record.updater_id = "corpus";
               record.updater_version = {1, 2, 3};
               record.actor = "ann";
               record.token = static_cast<std::uint64_t>(tenure + 1);
               record.payload = Json::object({{"head", wal::head_json(witness)}});
             }
             (void)log.commit(records);
             (void)log.prove();
             story.clock.advance(seconds(1));
           }
           (void)log.close();
         }
       }},
      {"torn_tail", "a process died while it wrote: half of the last line, unproven",
       [](Story& story) {
         (void)story.trigger("nightly");
         story.sources.put("a", "second content of a\n");
         story.killed(19, [&] { return story.trigger("nightly"); });
         cut_last_line(story, true);
       }},
      {"aborted_group", "the last frame of a group never reached the disk; the next tenure went on behind the group before it",
       [](Story& story) {
         (void)story.trigger("nightly");
         story.sources.put("a", "second content of a\n");
         story.killed(13, [&] { return story.trigger("nightly"); });   // behind the append of the first intents
         cut_last_line(story, false);
         (void)story.trigger("nightly");
       }},
      {"tenures", "a run that is killed five times and resumed, in small segments: several tenures, rotations, copies of what was unproven",
       [](Story& story) {
         story.store_options = {.segment_bytes = 8192, .prewrite_bytes = 4096};
         for (const std::uint64_t stop : {11u, 13u, 17u, 20u, 23u}) story.killed(stop, [&] { return story.trigger("nightly"); });
         (void)story.trigger("nightly");
       }},
      {"undone", "a run is undone by an operator, in two attempts, and forced past",
       [](Story& story) {
         (void)story.trigger("nightly");
         story.sources.put("a", "second content of a\n");
         (void)story.trigger("nightly");
         const RunId second = story.runs().back().id;
         story.killed(13, [&] { return story.updater().undo(second, "", "bob"); });
         (void)story.updater().undo(second, "", "bob");
         story.kind = TriggerKind::manual;
         (void)story.trigger("nightly", second);
       }},
      {"undoing", "an undo whose process died: intents without their answers",
       [](Story& story) {
         (void)story.trigger("nightly");
         story.killed(11, [&] { return story.updater().undo(story.runs().back().id, "", "bob"); });
       }},
      {"failed", "failed in a step and taken back by the next trigger, failed at the sink and taken back at once; a changed version then commits",
       [](Story& story) {
         story.sources.put("b", "boom\n");
         (void)story.trigger("nightly");
         (void)story.trigger("nightly");
         story.sources.put("b", "mended\n");
         *story.sink.refuses = true;
         story.kind = TriggerKind::anomaly;
         (void)story.trigger<CorpusPlan<2, OnFailure::undo>>("nightly");
         *story.sink.refuses = false;
         (void)story.trigger<CorpusPlan<3>>("nightly");
       }},
      {"endings", "runs that end abandoned, quarantined and parked, a graceful stop, and one that is still open",
       [](Story& story) {
         story.limits.attempts = 1;
         story.killed(17, [&] { return story.trigger("abandoned"); });
         story.sources.erase("c");
         story.uris = {"a", "b"};
         (void)story.trigger("abandoned");
         story.sources.put("a", "third content of a\n");
         story.fuse.dies_at_upsert = true;
         for (int i = 0; i < 2; ++i) story.killed(Fuse::never, [&] { return story.trigger("quarantined"); });
         story.fuse.dies_at_upsert = false;
         (void)story.trigger("quarantined");
         story.limits.attempts = 20;
         story.sources.put("final", "for good\n");
         story.uris = {"a", "final", "z"};
         story.sources.put("z", "content of z\n");
         (void)story.trigger("parked");
         (void)story.updater().undo(story.runs().back().id, "", "bob");
         story.uris = {"a"};
         story.sources.put("a", "fourth content of a\n");
         story.killed(11, [&] { return story.trigger("open"); });
         story.stops_gracefully = true;
         (void)story.trigger("other");
       }},
      {"accepted_loss", "an older copy of the log was put back beside a newer sink; the loss was accepted, and one lost run undone",
       [](Story& story) {
         (void)story.trigger("nightly");
         const Disk older = story.disk.after_kill();
         story.sources.put("a", "second content of a\n");
         story.uris = {"a", "b"};
         (void)story.trigger("nightly");
         story.sources.put("b", "second content of b\n");
         (void)story.trigger("nightly");
         story.disk = older;
         (void)story.trigger("nightly");   // refused: the log is older than the sink
         (void)story.updater().accept_loss("", "bob");
         (void)story.updater().undo(story.runs().back().id, "", "bob");
         (void)story.trigger("nightly");
       }},
      {"loss_with_evidence", "a durable frame was damaged, what shows it was kept, and the loss was accepted: the LOSS record names the evidence",
       [](Story& story) {
         (void)story.trigger("nightly");
         story.sources.put("a", "second content of a\n");
         (void)story.trigger("nightly");
         story.disk.damage(story.last_segment(), [](Bytes& bytes) { bytes[bytes.find("\"lsn\":20,") + 60] ^= 1; });
         auto person = story.person();
         (void)repair(person, EvidenceKeeper(person.store(), person.stream()), {.accept = true, .actor = "bob"});
         (void)story.trigger("nightly");
       }},
      {"signed", "signed with one key, each group, and behind its rotation with another, each sync: then the groups in between have no signature of their own",
       [](Story& story) {
         const auto first = key('1', "key-2026.01"), second = key('2', "key_2026-02");
         (void)story.signed_trigger(first);
         story.sources.put("a", "second content of a\n");
         (void)story.signed_trigger(first);
         const Order last = story.place();
         (void)story.keys.add({first.key_id(), first.public_key(), {1, 1}, last});
         (void)story.keys.add({second.key_id(), second.public_key(), {last.incarnation, last.lsn + 1}});
         story.signing = wal::Signing::each_sync;
         story.sources.put("b", "second content of b\n");
         (void)story.signed_trigger(second);
         (void)story.updater<CorpusPlan<>>(second).undo(story.runs().back().id, "", "bob");
       }},
      {"archived", "segments that have ended were moved to the archive, without a checkpoint: they are a part of the log",
       [](Story& story) {
         (void)story.trigger("nightly");
         story.sources.put("a", "second content of a\n");
         (void)story.trigger("nightly");
         auto stream = story.store().open_stream(StreamId::of({"corpus", ""})).value();
         (void)stream.recover({}, {});
         (void)stream.archive_finished();
         (void)stream.close();
         story.sources.put("b", "second content of b\n");
         (void)story.trigger("nightly");
       }},
      {"compacted", "compacted twice, while one run is open and the undo of another has begun, and when both have ended; what was dropped is in the archive, whole",
       [](Story& story) { compacted_twice(story); }},
      {"compacted_in_parts", "the same in short lines, so that a checkpoint has several entries; what was dropped is gone, and a run stands behind it",
       [](Story& story) {
         story.store_options.archive = false;
         story.limits.line_bytes_max = 8192;
         compacted_twice(story);
         (void)story.trigger("behind");
       }},
      {"compacted_going_back", "begins at a checkpoint with runs on their way back: one that is undone behind its end, one that is abandoned in the middle; and with a lost one",
       [](Story& story) {
         story.store_options.archive = false;
         (void)story.trigger("nightly");
         const Disk older = story.disk.after_kill();
         story.sources.put("b", "second content of b\n");
         (void)story.trigger("nightly");
         story.disk = older;
         (void)story.updater().accept_loss("", "bob");
         story.uris = {"a", "b"};
         story.sources.put("b", "third content of b\n");
         (void)story.trigger("nightly");
         story.sources.put("a", "second content of a\n");
         story.killed(13, [&] { return story.trigger("abandoned"); });
         story.sources.erase("a");
         story.uris = {"b"};
         for (int i = 0; i < 2; ++i) story.killed(13, [&] { return story.trigger("abandoned"); });   // some of its effects are withdrawn
         undo_and_die(story);
         (void)story.updater().compact("", "bob");
       }},
      {"compacted_undropped", "a process died between its checkpoint and the drop: everything is there, and the log begins at LSN 1", [](Story& story) { compacted_and_killed(story); }},
      {"compacted_damaged", "the same, and a frame below the checkpoint was damaged: the log begins at the checkpoint, and nothing is wrong with it",
       [](Story& story) {
         compacted_and_killed(story);
         std::string first;
         for (const auto& [path, bytes] : story.disk.files())
           if (first.empty() && path.ends_with(".jsonl")) first = path;
         story.disk.damage(first, [](Bytes& bytes) { bytes[bytes.find("\"lsn\":5,") + 60] ^= 1; });
       }},
      {"plan_parts", "a plan that is larger than a line: its text stands in PLAN_PART records",
       [](Story& story) {
         story.limits.line_bytes_max = 4096;
         story.uris.clear();
         for (int i = 10; i < 22; ++i) {
           story.uris.push_back("source " + std::to_string(i) + " \\\"");
           story.sources.put(story.uris.back(), "content " + std::to_string(i) + "\n");
         }
         story.limits.window = 64;
         (void)story.trigger("nightly");
       }},
      {"corrupt", "one byte of a durable frame was changed: everybody refuses this log",
       [](Story& story) {
         (void)story.trigger("nightly");
         story.disk.damage(story.last_segment(), [](Bytes& bytes) { bytes[bytes.find("\"lsn\":5,") + 60] ^= 1; });
       }},
      {"hole", "a segment between two others is gone: everybody refuses this log",
       [](Story& story) {
         story.store_options = {.segment_bytes = 8192, .prewrite_bytes = 4096};
         (void)story.trigger("nightly");
         std::vector<std::string> segments;
         for (const auto& [path, bytes] : story.disk.files())
           if (path.ends_with(".jsonl")) segments.push_back(path);
         story.disk.lose(segments.at(1));
       }},
  };
  return all;
}

void write_file(const std::filesystem::path& path, const Bytes& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

int write_entry(const std::filesystem::path& folder, const Entry& entry) {
  Story story;
  entry.tell(story);
  auto store = story.store();
  auto said = kfm_det::testing::summary(store, StreamId::of({"corpus", ""}), story.keys);
  if (!said) {
    std::fprintf(stderr, "%s: %s\n", entry.name, said.error().message().c_str());
    return 1;
  }
  Json expected = std::move(said).value();
  expected.set("says", Json(entry.says));
  std::filesystem::remove_all(folder / entry.name);
  if (!story.keys.keys().empty()) write_file(folder / entry.name / "keys.json", story.keys.text());
  for (auto [path, bytes] : story.disk.files()) {
    if (path.ends_with(".jsonl")) bytes.resize(std::min(bytes.size(), bytes.find_last_not_of('\n') + 65));   // of the prewritten newlines 64 are enough
    write_file(folder / entry.name / path.substr(1), bytes);
  }
  write_file(folder / entry.name / "expected.json", canonical(expected).value() + "\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: generate_corpus_program FOLDER [NAME...]\n", stderr);
    return 2;
  }
  int code = 0;
  for (const Entry& entry : entries()) {
    bool wanted = argc == 2;
    for (int i = 2; i < argc; ++i) wanted = wanted || entry.name == std::string(argv[i]);
    if (wanted) code |= write_entry(argv[1], entry);
  }
  return code;
}
