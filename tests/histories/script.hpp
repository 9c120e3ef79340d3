// SPDX-License-Identifier: BSL-1.0
/// \file
/// Scripts of commands against one updater, and what they mean when nothing ever goes wrong: the words of conformance/model/.
///
/// A content is a name and what it publishes: A {x: A}, B {x: B, y: B}, C {y: C}; F and D publish x and y, and the operation of y always fails (F) or
/// kills its process (D). `x1y2` and the like publish one letter for each key; a value F or D of a last key fails or kills. Each content is a source of its own, as in a store that is addressed by content.
#ifndef KFM_DET_TESTS_HISTORIES_SCRIPT_HPP
#define KFM_DET_TESTS_HISTORIES_SCRIPT_HPP

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/adapters/sqlite.hpp"
#include "kfm_det/locks/file_lock.hpp"
#include "kfm_det/locks/memory_lock.hpp"
#include "kfm_det/sinks/memory_sink.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/stores/memory_store.hpp"
#include "kfm_det/updater/updater.hpp"
#include "tests/files/scratch.hpp"
#include "tests/updater/fused.hpp"

namespace kfm_det::testing {

using Published = std::map<std::string, std::string>;   // business key -> content

inline Published published_by(const std::string& content) {
  if (content == "A") return {{"x", "A"}};
  if (content == "B") return {{"x", "B"}, {"y", "B"}};
  if (content == "C") return {{"y", "C"}};
  if (content == "F" || content == "D") return {{"x", content}, {"y", content}};
  Published out;
  for (std::size_t i = 0; i + 1 < content.size(); i += 2) out[content.substr(i, 1)] = content.substr(i + 1, 1);
  return out;
}

// --- commands ------------------------------------------------------------------------------------------------------------------

struct Command {
  enum class Kind { run, undo, deploy, gone, back, none /* of another scope, or shrunk away */ };
  Kind kind = Kind::run;
  std::string key, content;     // of run; content also of gone and back
  std::optional<int> force;     // of run: past the run of this command
  int index = -1;               // of undo: the command whose run it is
  bool operator==(const Command&) const = default;

  static Command parse(const std::string& word) {
    std::vector<std::string> parts;
    std::istringstream in(word);
    for (std::string part; std::getline(in, part, ':');) parts.push_back(part);
    Command out;
    if (parts.at(0) == "t") {
      out.key = parts.at(1);
      out.content = parts.at(2);
      if (parts.size() > 3) out.force = std::stoi(parts.at(3).substr(6));
    } else if (parts.at(0) == "undo") {
      out.kind = Kind::undo;
      out.index = std::stoi(parts.at(1));
    } else {
      out.kind = parts.at(0) == "deploy" ? Kind::deploy : parts.at(0) == "gone" ? Kind::gone : parts.at(0) == "back" ? Kind::back : Kind::none;
      if (out.kind != Kind::none) out.content = parts.at(1);
    }
    return out;
  }
  [[nodiscard]] std::string text() const {
    switch (kind) {
      case Kind::run: return "t:" + key + ":" + content + (force ? ":force=" + std::to_string(*force) : "");
      case Kind::undo: return "undo:" + std::to_string(index);
      case Kind::deploy: return "deploy:" + content;
      case Kind::gone: return "gone:" + content;
      case Kind::back: return "back:" + content;
      case Kind::none: return "none";
    }
    return {};
  }
};
using Script = std::vector<Command>;
inline Script parse_script(const std::string& text) {
  Script out;
  std::istringstream in(text);
  for (std::string word; in >> word;) out.push_back(Command::parse(word));
  return out;
}
inline std::string text_of(const Script& script) {
  std::string out;
  for (const auto& command : script) out += (out.empty() ? "" : " ") + command.text();
  return out;
}

/// What a script came to: the run of each command that has one, and what is current.
struct Outcome {
  std::map<int, std::string> runs;   // command -> status
  Published visible;
  auto operator<=>(const Outcome&) const = default;
  [[nodiscard]] std::string text() const {
    std::string out;
    for (const auto& [command, status] : runs) out += (out.empty() ? "" : " ") + std::to_string(command) + "=" + status;
    out += ";";
    for (const auto& [key, content] : visible) out += (out.back() == ';' ? "" : " ") + key + "=" + content;
    return out;
  }
};

/// The serial meaning of the commands that were accepted (conformance/model/runs_model.py, `spec`, with the rule hold_by = inputs). `ended`: how runs ended that
/// neither committed nor were undone by an operator, as the log says.
inline Outcome serial_meaning(const Script& script, const std::set<int>& accepted, const std::map<int, std::string>& ended) {
  struct Run { int command; std::string key, content, status; int version; std::map<std::string, std::optional<std::string>> publishes; };
  std::vector<Run> runs;
  int version = 1;
  for (int c = 0; c < static_cast<int>(script.size()); ++c) {
    const Command& command = script[static_cast<std::size_t>(c)];
    if (command.kind == Command::Kind::deploy) version = std::stoi(command.content);
    if (!accepted.contains(c)) continue;
    if (command.kind == Command::Kind::undo) {
      for (auto& run : runs)
        if (run.command == command.index && (run.status == "committed" || run.status == "parked")) run.status = "undone";
    }
    if (command.kind != Command::Kind::run) continue;
    const Run* newest = nullptr;
    const Run* like = nullptr;
    for (const auto& run : runs) {
      if (run.key == command.key) newest = &run;
      if (run.content == command.content && run.version == version) like = &run;
    }
    const bool same = newest && newest->content == command.content && newest->version == version;
    const bool forced = command.force && newest && newest->command == *command.force;
    if (!forced) {
      if (same && newest->status == "committed") continue;
      if (like && like->status == "undone") continue;
      if (same && newest->status != "abandoned") continue;   // undone, failed, quarantined, parked
    }
    Run run{c, command.key, command.content, ended.contains(c) ? ended.at(c) : "committed", version, {}};
    for (const auto& before : runs)
      for (const auto& [key, content] : before.publishes) run.publishes[key] = std::nullopt;   // keys that leave the plan are retired
    for (const auto& [key, content] : published_by(command.content)) run.publishes[key] = content;
    runs.push_back(std::move(run));
  }
  Outcome out;
  for (const auto& run : runs) {
    out.runs[run.command] = run.status;
    if (run.status != "committed") continue;
    for (const auto& [key, content] : run.publishes) {
      if (content) out.visible[key] = *content;
      else out.visible.erase(key);
    }
  }
  return out;
}

// --- the updater under test ----------------------------------------------------------------------------------------------------

struct ScriptProcess { Fuse* fuse = nullptr; };   // the operation's way to kill its process

struct Publish {
  struct Params { SourceRef source; std::string key; };
  static result<Output> run(const Params& params, StepContext& context) {
    KFM_DET_TRY(auto* process, context.service<ScriptProcess>());
    KFM_DET_TRY(const Bytes content, context.read_all(params.source));
    const Published all = published_by(content);
    const std::string& value = all.at(params.key);
    const bool last = params.key == all.rbegin()->first;
    if (value == "F" && last) return Error(errc::operation_failed, "this operation always fails", params.key, "Nothing helps.");
    if (value == "D" && last) process->fuse->dead = true;
    return Output::publish(BusinessKey{params.key}, value);
  }
};
KFM_DET_DESCRIBE(Publish::Params, source, key)

template <int Major>
struct ScriptPlan {
  static constexpr MissingKeys missing_keys = MissingKeys::retire;
  static constexpr OnFailure on_failure = OnFailure::undo;   // as the model has it: a failed run goes at once
  static constexpr UpdaterId id{"scripted"};
  static constexpr Version version{Major, 0, 0};
  using Operations = kfm_det::Operations<Publish>;
  std::string content;
  result<std::vector<SourceRef>> inputs(SourceReader& reader) const {
    KFM_DET_TRY(auto ref, reader.describe(content));
    for (const auto& [key, value] : published_by(content)) ref.partition[key] = value;
    return std::vector<SourceRef>{std::move(ref)};
  }
  static result<void> plan(std::span<const SourceRef> inputs, PlanBuilder<Operations>& plan) {
    for (const auto& ref : inputs)
      for (const auto& [key, value] : ref.partition) plan.step<Publish>(key, {ref, key}).publishes(BusinessKey{key});
    return success();
  }
};

/// Backends in memory. A copy of the object shares them.
struct MemoryBackends {
  using Store = MemoryStore;
  using Sink = MemorySink;
  using Lock = MemoryLock<ManualClock>;
  static constexpr bool forgets = true;   // lose_unsynced() means something
  MemoryStore kept;
  MemorySink published;
  std::shared_ptr<MemoryLockBoard> board = Lock::make_board();
  Store store() { return kept; }
  Sink sink() { return published; }
  Lock lock(const OwnerId& owner, const ManualClock& clock) { return Lock(board, owner, clock); }
  void lose_unsynced() { kept.lose_unsynced(); }
  void forget_lock() { board->scopes.clear(); }

  using LogCopy = std::vector<Bytes>;
  using SinkCopy = MemorySink;
  LogCopy copy_log(const StreamId& id) { return kept.frames(id); }
  SinkCopy copy_sink() { return published.backup(); }
  void put_log_back(const StreamId& id, const LogCopy& copy) { kept.restore(id, copy); }
  void put_sink_back(const SinkCopy& copy) { published.restore(copy); }
};

/// The real files, in memory where the machine can.
struct FileBackends {
  using Store = FileStore<>;
  using Sink = SqliteSink;
  using Lock = FileLock<PosixFileSystem, ManualClock>;
  static constexpr bool forgets = false;
  std::shared_ptr<tests::Scratch> folder = std::make_shared<tests::Scratch>(true);
  Store store() { return FileStore<>::open(*folder / "wal", {.segment_bytes = 32768, .prewrite_bytes = 8192}).value(); }
  Sink sink() { return SqliteSink::open(*folder / "sink.db").value(); }
  Lock lock(const OwnerId& owner, const ManualClock& clock) { return Lock::open(*folder / "locks", {.owner = owner, .clock = clock, .file_system = {}}).value(); }
  void lose_unsynced() {}
  void forget_lock() { std::filesystem::remove_all(*folder / "locks"); }

  using LogCopy = std::shared_ptr<tests::Scratch>;
  using SinkCopy = std::shared_ptr<tests::Scratch>;
  LogCopy copy_log(const StreamId&) { return copy("wal"); }
  SinkCopy copy_sink() { return copy("sink.db"); }
  void put_log_back(const StreamId&, const LogCopy& from) { put_back(from, "wal"); }
  void put_sink_back(const SinkCopy& from) { put_back(from, "sink.db"); }

 private:
  /// What lies in the folder under this name, and beside it with more of a name (SQLite's -wal and -shm).
  std::shared_ptr<tests::Scratch> copy(const std::string& name) const {
    auto to = std::make_shared<tests::Scratch>(true);
    move(*folder, *to, name);
    return to;
  }
  void put_back(const std::shared_ptr<tests::Scratch>& from, const std::string& name) const {
    for (const auto& entry : std::filesystem::directory_iterator(folder->path()))
      if (entry.path().filename().string().starts_with(name)) std::filesystem::remove_all(entry.path());
    move(*from, *folder, name);
  }
  static void move(const tests::Scratch& from, const tests::Scratch& to, const std::string& name) {
    for (const auto& entry : std::filesystem::directory_iterator(from.path()))
      if (entry.path().filename().string().starts_with(name)) std::filesystem::copy(entry.path(), to / entry.path().filename().string(), std::filesystem::copy_options::recursive);
  }
};

/// One scope's world: commands come, processes die, others go on.
template <class Backends>
class ScriptWorld {
 public:
  using Store = FusedStore<typename Backends::Store>;
  using Sink = FusedSink<typename Backends::Sink>;
  using Lock = FusedLock<typename Backends::Lock>;
  using Env = Environment<ManualClock, MemorySourceReader>;
  template <int Major> using UpdaterOf = Updater<ScriptPlan<Major>, Store, Lock, Sink, Env>;

  Backends backends{};
  ManualClock clock{Instant{1'700'000'000'000'000'000}};
  MemorySourceReader sources;
  std::string partition;
  UpdaterLimits limits{};
  Fuse fuse;
  int version = 1;
  bool by_verbs = false;   // the contract's verbs in place of run(), which looks before it takes a lease
  std::set<int> accepted;

  explicit ScriptWorld(std::string its_partition = {}) : partition(std::move(its_partition)) {
    limits.window = 1;
    limits.attempts = 2;
    for (const char* content : {"A", "B", "C", "F", "D"}) sources.put(content, content);
  }

  template <int Major = 1>
  UpdaterOf<Major> updater(const std::string& content = {}) {
    Env env;
    env.clock = clock;
    env.source_reader = sources;
    env.limits = limits;
    auto process = std::make_shared<ScriptProcess>();
    process->fuse = &fuse;
    env.services.add(process);
    return UpdaterOf<Major>(ScriptPlan<Major>{content}, Store{backends.store(), &fuse}, Lock{backends.lock(OwnerId{"owner " + std::to_string(++owners_)}, clock), &fuse}, Sink{backends.sink(), &fuse}, env);
  }

  /// One command in a process of its own, which may be killed at `stop_at` (or kills itself). True: it lived to its end.
  bool attempt(const Script& script, int index, std::uint64_t stop_at = Fuse::never, std::uint64_t pause_at = Fuse::never) {
    const Command& command = script[static_cast<std::size_t>(index)];
    return lives(fuse, clock, calls, [&] {
      if (version == 1) execute<1>(command, index);
      else execute<2>(command, index);
    }, stop_at, pause_at);
  }
  /// The client gives a command up that was killed: it was accepted when the log says so now.
  void give_up(const Script& script, int index) {
    if (!is_in_log(look(), script[static_cast<std::size_t>(index)], index)) return;
    accepted.insert(index);
    unanswered_.insert(index);
  }
  /// Power is lost: what nobody was promised may be gone.
  void lose_power(const Script& script) {
    backends.lose_unsynced();
    const Seen seen = look();
    for (const int index : std::set<int>(unanswered_))
      if (!is_in_log(seen, script[static_cast<std::size_t>(index)], index)) {
        accepted.erase(index);
        unanswered_.erase(index);
      }
  }
  /// A command whose client tries again until it gets an answer.
  void until_answered(const Script& script, int index) {
    for (int tries = 0; !attempt(script, index); ++tries) REQUIRE(tries < 10);
  }

  /// What the log says: its runs, and which command planned which (the trigger's actor names it).
  struct Seen {
    std::vector<wal::RunState> runs;
    std::map<int, RunId> run_of;
    [[nodiscard]] const wal::RunState* of(int command) const {
      const auto id = run_of.find(command);
      if (id == run_of.end()) return nullptr;
      for (const auto& run : runs)
        if (run.id == id->second) return &run;
      return nullptr;
    }
  };
  Seen look() {
    Seen seen;
    wal::PlannedRuns replay;
    auto store = backends.store();
    auto sink = backends.sink();
    const auto planned = [&](const wal::RunState& run, const std::string& actor) -> result<void> {
      seen.run_of[std::stoi(actor)] = run.id;
      return success();
    };
    const auto read = wal::inspect_log(store, sink, StreamId::of({"scripted", partition}), [&](const wal::Line& line, const wal::WalRecord& record) { return replay.see(line, record, planned); });
    if (!read) FAIL(read.error().message());
    seen.runs = std::move(replay.state().runs);
    return seen;
  }

  /// A last owner takes up what is left open.
  void settle() {
    for (int tries = 0;; ++tries) {
      REQUIRE(tries < 10);
      std::vector<RunId> open;
      for (const auto& run : look().runs)
        if (wal::is_unfinished(run.status)) open.push_back(run.id);
      if (open.empty()) return;
      for (const RunId& id : open) {
        fuse.reset();
        try {
          if (version == 1) (void)updater<1>().resume(id, partition);
          else (void)updater<2>().resume(id, partition);
        } catch (const Killed&) {
          clock.advance(seconds(60));
        }
        fuse.reset();
      }
    }
  }

  Outcome outcome() {
    Outcome out;
    const Seen seen = look();
    out.visible = visible();
    for (const auto& [command, id] : seen.run_of) out.runs[command] = std::string(wal::name(seen.of(command)->status));
    return out;
  }
  /// What is current.
  Published visible() {
    Published out;
    auto sink = backends.sink();
    std::vector<BusinessKey> keys;
    REQUIRE(sink.keys([&](const BusinessKey& key) -> result<void> { keys.push_back(key); return success(); }));
    for (const auto& key : keys) {
      const auto current = sink.current(key).value();
      if (!current || !current->version) continue;
      Bytes bytes;
      REQUIRE(sink.read(current->version->key, [&](BytesView piece) -> result<void> { bytes += piece; return success(); }));
      out[key.text] = bytes;
    }
    return out;
  }
  /// How runs ended that neither committed nor were undone, for serial_meaning.
  static std::map<int, std::string> ended(const Outcome& outcome) {
    std::map<int, std::string> out;
    for (const auto& [command, status] : outcome.runs)
      if (status != "committed" && status != "undone") out[command] = status;
    return out;
  }

  std::uint64_t calls = 0;             // of the last attempt
  std::optional<Error> answer;         // of the last attempt: the error, if there was one

 private:
  template <int Major>
  void execute(const Command& command, int index) {
    answer.reset();
    switch (command.kind) {
      case Command::Kind::run: {
        Trigger trigger;
        trigger.key = command.key;
        trigger.partition = partition;
        trigger.actor = std::to_string(index);
        if (command.force) {
          const Seen seen = look();
          if (const auto* past = seen.of(*command.force); past && past->trigger_key == command.key) trigger.force = past->id;
        }
        auto process = updater<Major>(command.content);
        if (by_verbs) {
          if (auto open = process.begin(trigger); !open) answer = open.error();
          else if (auto executed = open.value().execute(); !executed) answer = executed.error();
          else if (auto published = open.value().upsert(); !published) answer = published.error();
        } else if (auto done = process.run(trigger); !done) {
          answer = done.error();
        }
        if (!answer || answer->code() != errc::not_found) accepted.insert(index);
        return;
      }
      case Command::Kind::undo: {
        const Seen seen = look();
        const auto* run = seen.of(command.index);
        if (!run) return;
        auto done = updater<Major>().undo(run->id, partition);
        if (!done) answer = done.error();
        accepted.insert(index);
        return;
      }
      case Command::Kind::deploy: version = std::stoi(command.content); return;
      case Command::Kind::gone: sources.erase(command.content); return;
      case Command::Kind::back: sources.put(command.content, command.content); return;
      case Command::Kind::none: return;
    }
  }
  static bool is_in_log(const Seen& seen, const Command& command, int index) {
    if (command.kind == Command::Kind::run) return seen.of(index) != nullptr;
    if (command.kind != Command::Kind::undo) return false;
    const auto* run = seen.of(command.index);
    return run && (run->status == wal::RunStatus::undone || (run->status == wal::RunStatus::undoing && run->ends_as == wal::RunStatus::undone));
  }
  int owners_ = 0;
  std::set<int> unanswered_;   // accepted, and given up by their client
};

}  // namespace kfm_det::testing

#endif
