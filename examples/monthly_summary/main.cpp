// SPDX-License-Identifier: BSL-1.0
// monthly-summary: the command line of the example.
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include <kfm_det/stores/evidence.hpp>
#include <kfm_det/updater/operator.hpp>
#include <kfm_det/updater/repair.hpp>
#include <kfm_det/updater/reproduce.hpp>
#include <kfm_det/updater/reproduce_prefixes.hpp>
#include <kfm_det/wal/bundle_reader.hpp>

#include "inspect.hpp"

namespace {
using namespace weather;

constexpr const char* help_text = R"(monthly-summary: daily weather to monthly and yearly summaries, in an updater that can be killed at any moment

  monthly-summary run --data FILE --state DIR   summarise what changed in FILE; progress and one sentence go to stderr
      --trigger KEY    names the event that asks (default: the name of FILE)
      --actor NAME     who asks, as the log records it (default: monthly-summary)
      --attempts N     give up on a run after N attempts without progress (default: 20)
      --window N       how many summaries are published together (default: 64)
      --force RUN      past the newest run of this trigger, whatever it came to; forcing twice is forcing once
      --lease-ms N     others may go on when this process has hung for N milliseconds (default: 30000)
      -q, --quiet      say nothing unless it fails
  monthly-summary show --state DIR              what is published, as a table
  monthly-summary show --state DIR --json       the same as canonical JSON: equal bytes for an equal state
  monthly-summary status --state DIR            the runs that are not simply committed, each with what to do about it
      --all            committed runs, too
  monthly-summary undo RUN --state DIR          take a run back; what was published before it is current again
      --dry-run        say what would change, key by key, and change nothing
      --actor NAME     who asks (default: monthly-summary)
  monthly-summary accept-loss --state DIR       after log or sink was damaged, or put back from an older copy: keep the evidence, go on with what is there
      --dry-run        say what would be lost, and change nothing
      --actor NAME     who asks (default: monthly-summary)
  monthly-summary replay --data FILE            do a recorded run again in a sandbox and compare each step with its record; nothing can be published
      --log DIR --run RUN   from a log: DIR is the folder wal/ of a state, or a copy of it
      --bundle FILE    from a bundle of one run (`kfm-det wal extract`)
      --every-prefix   also start the updater with every prefix of the run, in memory: each must end in the same state
  monthly-summary bundle RUN --state DIR        the run as a bundle, on stdout
  monthly-summary explain KEY --state DIR       which run, version and inputs made what is current, when, and what it replaced
  monthly-summary verify --state DIR            check every record of the log, and every key and version
  monthly-summary help                          this page

DIR holds wal/ (the log), locks/ and summaries.db (SQLite). show, status, explain, verify, replay, bundle and --dry-run change no byte of it.
Exit codes: 0 done · 1 other · 2 wrong arguments · 3 the data were refused · 4 another process works here · 5 another process took over
  6 log or sink damaged or not a pair · 7 the run ended otherwise (undone, failed ...) · 8 disk or memory trouble, try again · 9 stopped by a signal
  11 a replay differs from its record · 12 a replay's inputs have changed, or are gone
)";

int fail(const det::Error& error) { return det::report(error); }
int fail_usage(const std::string& what) {
  std::fprintf(stderr, "error: %s. See `monthly-summary help`.\n", what.c_str());
  return 2;
}
int print(const det::result<std::string>& text) {
  if (!text) return fail(text.error());
  if (std::fputs(text.value().c_str(), stdout) < 0 || std::fflush(stdout) != 0) return fail(det::Error(det::errc::io_error, "the output could not be written", "stdout", "Free some space, or write elsewhere"));
  return 0;
}

// --- arguments ---------------------------------------------------------------------------------------------------------------

struct Arguments {
  std::vector<std::string> words;
  std::map<std::string, std::string> options;   // flags: empty text

  [[nodiscard]] std::string text(const std::string& name, std::string otherwise = {}) const {
    const auto found = options.find(name);
    return found == options.end() ? otherwise : found->second;
  }
  [[nodiscard]] bool has(const std::string& name) const { return options.contains(name); }
};

struct Command {
  std::string_view name;
  std::size_t words;                             // behind the name
  std::vector<std::string_view> required, optional, flags;
};
const Command commands[] = {
    {"run", 0, {"--data", "--state"}, {"--trigger", "--actor", "--attempts", "--window", "--force", "--lease-ms", "--kill-after-events", "--stop-after-events"}, {"--quiet"}},
    {"show", 0, {"--state"}, {}, {"--json"}},
    {"explain", 1, {"--state"}, {}, {}},
    {"status", 0, {"--state"}, {}, {"--all"}},
    {"undo", 1, {"--state"}, {"--actor", "--kill-after-events"}, {"--quiet", "--dry-run"}},
    {"accept-loss", 0, {"--state"}, {"--actor"}, {"--dry-run"}},
    {"replay", 0, {"--data"}, {"--log", "--run", "--bundle"}, {"--every-prefix"}},
    {"bundle", 1, {"--state"}, {}, {}},
    {"verify", 0, {"--state"}, {}, {}},
};
bool among(const std::vector<std::string_view>& names, std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); }

/// errc::invalid_argument says what is wrong.
det::result<Arguments> read_arguments(const Command& command, const std::vector<std::string>& given) {
  const auto no = [](std::string what) { return det::Error(det::errc::invalid_argument, std::move(what)); };
  Arguments out;
  for (std::size_t i = 0; i < given.size(); ++i) {
    std::string name = given[i] == "-q" ? "--quiet" : given[i], value;
    if (!name.starts_with("-") || name == "-") {
      out.words.push_back(name);
      continue;
    }
    const std::size_t equals = name.find('=');
    if (equals != std::string::npos) value = name.substr(equals + 1), name.resize(equals);
    const bool flag = among(command.flags, name);
    if (!flag && !among(command.required, name) && !among(command.optional, name)) return no("`" + std::string(command.name) + "` knows no option " + name);
    if (out.has(name)) return no(name + " is given twice");
    if (flag && equals != std::string::npos) return no(name + " takes no value");
    if (!flag && equals == std::string::npos) {
      if (i + 1 == given.size()) return no(name + " wants a value");
      value = given[++i];
    }
    if (!flag && value.empty()) return no(name + " wants a value");
    out.options[name] = value;
  }
  for (const auto name : command.required)
    if (!out.has(std::string(name))) return no("`" + std::string(command.name) + "` wants " + std::string(name));
  if (out.words.size() != command.words) return no("`" + std::string(command.name) + "` wants " + (command.words == 0 ? "no words besides its options" : command.name == "undo" || command.name == "bundle" ? "one run, as `status --all` names it" : "one business key, such as seattle/2012-01"));
  return out;
}

/// 1 to 4294967295.
det::result<std::uint32_t> number(const Arguments& arguments, const std::string& name, std::uint32_t otherwise) {
  if (!arguments.has(name)) return otherwise;
  const std::string text = arguments.text(name);
  std::uint32_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || out == 0) return det::Error(det::errc::invalid_argument, name + " wants a number from 1 to 4294967295, not '" + text + "'");
  return out;
}

// --- run -----------------------------------------------------------------------------------------------------------------------

volatile std::sig_atomic_t stop_asked = 0;

/// The first Ctrl-C stops between two steps, and the run stays resumable; the second one ends the process.
void stop_gracefully_on(int signal) {
  struct sigaction action = {};
  action.sa_handler = [](int) { stop_asked = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(signal, &action, nullptr);
}

/// One line on a terminal that is written over and over.
class Progress {
 public:
  explicit Progress(bool wanted) : wanted_(wanted && ::isatty(STDERR_FILENO) == 1) {}
  void show(const det::Event& event) const {
    using Kind = det::Event::Kind;
    if (!wanted_ || (event.kind != Kind::step_done && event.kind != Kind::effects_done)) return;
    std::fprintf(stderr, "\r\033[K%s %llu of %llu", event.kind == Kind::step_done ? "summarised" : "published", static_cast<unsigned long long>(event.done), static_cast<unsigned long long>(event.total));
    std::fflush(stderr);
  }
  void clear() const {
    if (wanted_) std::fputs("\r\033[K", stderr);
  }

 private:
  bool wanted_;
};

// [run]
using Summaries = det::Updater<MonthlySummary, det::FileStore<>, det::FileLock<>, det::SqliteSink, det::Environment<det::SystemClock, MonthsReader>>;

det::result<Summaries> open(const MonthlySummary& plan, const std::string& state, det::UpdaterLimits limits = {}, det::Observer observer = {}) {
  KFM_DET_TRY(auto store, det::FileStore<>::open(state + "/wal"));
  KFM_DET_TRY(auto lock, det::FileLock<>::open(state + "/locks"));
  KFM_DET_TRY(auto sink, det::SqliteSink::open(state + "/summaries.db"));
  det::Environment<det::SystemClock, MonthsReader> environment;
  environment.source_reader.folder = plan.folder();
  environment.limits = limits;
  environment.observer = std::move(observer);
  environment.cancelled = [] { return stop_asked != 0; };
  return Summaries{plan, std::move(store), std::move(lock), std::move(sink), std::move(environment)};
}
det::result<det::RunReport> update(const MonthlySummary& plan, const std::string& state, const det::Trigger& trigger, det::UpdaterLimits limits, det::Observer observer) {
  KFM_DET_TRY(auto updater, open(plan, state, limits, std::move(observer)));
  return updater.run(trigger);
}
// [run]

using Person = det::Operator<det::FileStore<>, det::FileLock<>, det::SqliteSink>;

det::result<Person> open_to_operate(const std::string& state, det::Observer observer) {
  KFM_DET_TRY(auto store, det::FileStore<>::open(state + "/wal"));
  KFM_DET_TRY(auto lock, det::FileLock<>::open(state + "/locks"));
  KFM_DET_TRY(auto sink, det::SqliteSink::open(state + "/summaries.db"));
  det::Environment<> environment;
  environment.observer = std::move(observer);
  return Person{{std::string(MonthlySummary::id.text), ""}, std::move(store), std::move(lock), std::move(sink), std::move(environment)};
}

/// errc::invalid_argument for what is no run id.
det::result<det::RunId> run_named(const std::string& text) {
  auto id = det::RunId::parse(text);
  if (!id) return det::Error(det::errc::invalid_argument, "'" + text + "' is no run; `monthly-summary status --all` names them");
  return id;
}

int run(const Arguments& arguments) {
  det::UpdaterLimits limits;
  const auto attempts = number(arguments, "--attempts", limits.attempts), window = number(arguments, "--window", limits.window), lease = number(arguments, "--lease-ms", limits.lease_ttl_ms);
  const auto kill_at = number(arguments, "--kill-after-events", 0), stop_at = number(arguments, "--stop-after-events", 0);   // for tests: end, or sleep, at the N-th event
  for (const auto* one : {&attempts, &window, &lease, &kill_at, &stop_at})
    if (!*one) return fail_usage(one->error().what());
  limits.attempts = attempts.value();
  limits.window = window.value();
  limits.lease_ttl_ms = lease.value();
  const MonthlySummary plan{arguments.text("--data")};
  det::Trigger trigger{.kind = det::TriggerKind::manual, .key = arguments.text("--trigger", plan.name()), .partition = "", .actor = arguments.text("--actor", "monthly-summary"), .approval = "", .force = {}};
  if (arguments.has("--force")) {
    const auto past = run_named(arguments.text("--force"));
    if (!past) return fail_usage(past.error().what());
    trigger.force = past.value();
  }
  stop_gracefully_on(SIGINT);
  stop_gracefully_on(SIGTERM);
  const bool quiet = arguments.has("--quiet");
  const Progress progress(!quiet);
  std::uint32_t events = 0;
  const auto outcome = update(plan, arguments.text("--state"), trigger, limits, [&](const det::Event& event) {
    progress.show(event);
    ++events;
    if (events == kill_at.value()) std::raise(SIGKILL);
    if (events == stop_at.value()) std::raise(SIGSTOP);
  });
  progress.clear();
  return quiet && outcome ? 0 : det::report(outcome);
}

/// What an operator does to a state folder that is there. No plan type is needed for it.
int operate(const std::string& command, const Arguments& arguments) {
  const std::string folder = arguments.text("--state"), actor = arguments.text("--actor", "monthly-summary");
  if (auto there = State::open(folder); !there) return fail(there.error());
  const auto kill_at = number(arguments, "--kill-after-events", 0);   // for tests
  if (!kill_at) return fail_usage(kill_at.error().what());
  std::uint32_t events = 0;
  auto person = open_to_operate(folder, [&](const det::Event&) { if (++events == kill_at.value()) std::raise(SIGKILL); });
  if (!person) return fail(person.error());
  if (command == "undo") {
    const auto id = run_named(arguments.words.front());
    if (!id) return fail_usage(id.error().what());
    const auto outcome = person.value().undo(id.value(), actor);
    return arguments.has("--quiet") && outcome ? 0 : det::report(outcome);
  }
  const auto repaired = det::repair(person.value(), det::EvidenceKeeper(person.value().store(), person.value().stream()), {.accept = true, .actor = actor});
  if (!repaired) return fail(repaired.error());
  return print(repaired.value().sentence() + "\n" + (repaired.value().done ? loss(*repaired.value().done) : ""));
}

/// What an operator would do.
int preview(const std::string& command, const Arguments& arguments) {
  auto state = State::open(arguments.text("--state"));
  if (!state) return fail(state.error());
  if (command == "accept-loss") return print(loss_preview(state.value()));
  const auto id = run_named(arguments.words.front());
  if (!id) return fail_usage(id.error().what());
  return print(undo_preview(state.value(), id.value()));
}

int bundle(const Arguments& arguments) {
  auto state = State::open(arguments.text("--state"));
  if (!state) return fail(state.error());
  const auto id = run_named(arguments.words.front());
  if (!id) return fail_usage(id.error().what());
  const auto recorded = det::wal::record_run(state.value().store, state.value().stream, id.value());
  return recorded ? print(det::wal::write_bundle(recorded.value())) : fail(recorded.error());
}

// --- replay --------------------------------------------------------------------------------------------------------------------

/// From a log, or from a bundle.
det::result<det::wal::RecordedRun> recorded_run(const Arguments& arguments) {
  if (arguments.has("--bundle")) {
    det::FileSourceReader files;
    KFM_DET_TRY(const auto text, det::SourceReaderView(files).read_all(arguments.text("--bundle"), det::wal::BundleLimits{}.bytes_max));
    return det::wal::read_bundle(text);
  }
  KFM_DET_TRY(const auto id, run_named(arguments.text("--run")));
  KFM_DET_TRY(auto store, det::FileStore<>::open(arguments.text("--log")));
  return det::wal::record_run(store, det::StreamId::of({std::string(MonthlySummary::id.text), ""}), id);
}

int replay(const Arguments& arguments) {
  if (arguments.has("--bundle") ? arguments.has("--log") || arguments.has("--run") : !arguments.has("--log") || !arguments.has("--run")) return fail_usage("`replay` wants --log and --run, or --bundle");
  const auto recorded = recorded_run(arguments);
  if (!recorded) return fail(recorded.error());
  const MonthlySummary plan{arguments.text("--data")};
  for (const auto& input : recorded.value().inputs)
    if (const std::string read = input.uri.substr(0, input.uri.rfind(month_mark)); read != plan.name()) return fail_usage("the run has read a file named " + read + ", and --data names " + plan.name());
  stop_gracefully_on(SIGINT);
  stop_gracefully_on(SIGTERM);
  det::Environment<det::SystemClock, MonthsReader> environment;   // a reader, and nothing that could publish
  environment.source_reader.folder = plan.folder();
  environment.cancelled = [] { return stop_asked != 0; };
  const auto outcome = arguments.has("--every-prefix") ? det::reproduce_prefixes<MonthlySummary>(recorded.value(), environment) : det::reproduce<MonthlySummary>(recorded.value(), environment);
  if (!outcome) {
    const int code = fail(outcome.error());
    return outcome.error().code() == det::errc::input_changed || outcome.error().code() == det::errc::not_found ? det::exit_inputs_changed : code;
  }
  const int printed = print(outcome.value().sentence() + "\n");
  return outcome.value().same() ? printed : det::exit_replay_differs;
}

int look(const std::string& command, const Arguments& arguments) {
  auto state = State::open(arguments.text("--state"));
  if (!state) return fail(state.error());
  if (command == "show") return print(arguments.has("--json") ? show_json(state.value()) : show(state.value()));
  if (command == "status") return print(status(state.value(), arguments.has("--all")));
  if (command == "explain") return print(explain(state.value(), arguments.words.front()));
  return print(verify(state.value()));
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> given(argv + 1, argv + argc);
  if (given.empty()) {
    std::fputs(help_text, stderr);
    return 2;
  }
  const std::string name = given.front();
  if (name == "help" || name == "--help" || name == "-h" || std::find(given.begin(), given.end(), "--help") != given.end()) return print(std::string(help_text));
  given.erase(given.begin());
  for (const Command& command : commands) {
    if (command.name != name) continue;
    const auto arguments = read_arguments(command, given);
    if (!arguments) return fail_usage(arguments.error().what());
    if (name == "run") return run(arguments.value());
    if (name == "replay") return replay(arguments.value());
    if (name == "bundle") return bundle(arguments.value());
    if (arguments.value().has("--dry-run")) return preview(name, arguments.value());
    return name == "undo" || name == "accept-loss" ? operate(name, arguments.value()) : look(name, arguments.value());
  }
  return fail_usage("there is no command " + name);
}
