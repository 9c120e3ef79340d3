// SPDX-License-Identifier: BSL-1.0
// Planners and operations that depend on something else than their inputs, in ways that check_plan was not written against: a table. Each must be rejected
// by its law, and told what it looked at where the kit can know. Beside them what looks suspicious and is pure: it must pass.
#include <catch2/catch.hpp>

#include "kfm_det/conformance/interpose.hpp"   // of this program

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iomanip>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kfm_det/conformance/check_plan.hpp"
#include "kfm_det/conformance/fresh_process.hpp"

using namespace kfm_det;
using namespace kfm_det::conformance;

namespace {

using Inputs = std::span<const SourceRef>;
/// What goes into the parameters of each step.
using Note = std::string (*)(Inputs inputs);
/// What an operation makes of its source.
using Work = Bytes (*)(Bytes bytes);

std::string no_note(Inputs) { return {}; }
Bytes as_it_is(Bytes bytes) { return bytes; }

template <Note note, Work work>
struct Copy {
  static constexpr std::string_view name = "Copy";
  struct Params {
    SourceRef source;
    std::string text;
    KFM_DET_DESCRIBE_FRIEND(Params, source, text)
  };
  static result<Output> run(const Params& params, StepContext& context) {
    KFM_DET_TRY(Bytes bytes, context.read_all(params.source));
    return Output::publish(BusinessKey{params.source.uri}, work(std::move(bytes)));
  }
};
template <Note note, Work work>
struct PlanOf {
  static constexpr UpdaterId id{"adversary"};
  static constexpr Version version{1, 0, 0};
  using Operations = kfm_det::Operations<Copy<note, work>>;
  std::vector<std::string> uris;
  result<std::vector<SourceRef>> inputs(SourceReader& reader) const { return reader.describe_all(uris); }
  static result<void> plan(Inputs inputs, PlanBuilder<Operations>& plan) {
    const std::string noted = note(inputs);
    for (const SourceRef& ref : inputs) plan.template step<Copy<note, work>>("copy:" + ref.uri, {ref, noted}).publishes(BusinessKey{ref.uri});
    return success();
  }
};
template <Note note, Work work = as_it_is>
struct With {
  using Plan = PlanOf<note, work>;
  static std::vector<Sources> worlds() { return {{{"a", "one"}, {"b", "two"}, {"c", "three"}, {"d", "four"}}}; }
  Plan plan(const Sources& world) const {
    Plan out;
    for (const auto& [uri, bytes] : world) out.uris.push_back(uri);
    return out;
  }
};
template <Work work>
using Operation = With<no_note, work>;

struct Row {
  const char* name;
  Report (*check)(const Options&);
  std::vector<std::string> laws;   ///< by one of which it dies; none: it must pass
  std::string words;               ///< in the sentence, when traps and interposition are there
  bool comes_back = true;          ///< false: chance decides, or what it looks at does not begin anew with the next check in this process
};

// --- adversaries -------------------------------------------------------------------------------------------------------------------------------

std::string hex_of(const void* from, std::size_t size) { return to_hex(BytesView(static_cast<const char*>(from), size)); }

std::string proc_self(Inputs) {
  std::ifstream file("/proc/self/stat");
  std::string word;
  file >> word;
  return word;
}
std::string device(Inputs) { return std::to_string(std::random_device{}()); }
std::string seeded_with_rand(Inputs) {
  std::srand(7);
  return std::to_string(std::rand());
}
std::string hashed_pointers(Inputs inputs) {
  std::unordered_map<const std::string*, std::string> seen;
  std::vector<std::unique_ptr<std::string>> kept;
  for (const SourceRef& ref : inputs) {
    kept.push_back(std::make_unique<std::string>(ref.uri));
    seen[kept.back().get()] = ref.uri;
  }
  std::string out;
  for (const auto& [at, uri] : seen) out += uri;
  return out;
}
std::string set_of_pointers(Inputs inputs) {
  std::set<std::shared_ptr<std::string>> all;
  for (const SourceRef& ref : inputs) all.insert(std::make_shared<std::string>(ref.uri + std::string(200, ' ')));
  std::string out;
  for (const auto& one : all) out += one->substr(0, 1);
  return out;
}
std::string static_counter(Inputs) {
  static int calls = 0;
  return std::to_string(++calls);
}
std::string printed_point(Inputs) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(1) << 12345.5;
  return out.str();
}
std::string local_day(Inputs) {
  const std::time_t late = 86'400 * 10 - 60;
  std::tm parts{};
  ::localtime_r(&late, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts)};
}
std::string folder(Inputs) {
  char here[4096];
  return ::getcwd(here, sizeof here) ? here : "";
}
std::string folder_of_the_library(Inputs) { return std::filesystem::current_path().string(); }
std::string host(Inputs) {
  char name[256] = {};
  (void)!::gethostname(name, sizeof name - 1);
  return name;
}
std::string file_time(Inputs) {
  struct stat about {};
  (void)!::stat("/etc/passwd", &about);
  return std::to_string(about.st_mtim.tv_sec);
}
std::string a_file_exists(Inputs) { return std::filesystem::exists("/kfm_det/override.json") ? "override" : "none"; }
std::string unset_memory(Inputs) {
  const std::unique_ptr<unsigned char[]> bytes(new unsigned char[48]);
  return hex_of(bytes.get(), 48);
}
struct Padded { char kind; long number; };
__attribute__((noinline)) void set_members(Padded& one) { one.kind = 'k', one.number = 7; }
std::string padding_on_the_stack(Inputs) {
  Padded one;
  set_members(one);
  return hex_of(&one, sizeof one);
}
std::string address_of_a_function(Inputs) { return std::to_string(reinterpret_cast<std::uintptr_t>(&as_it_is) >> 12); }
std::string address_of_a_constant(Inputs inputs) { return std::to_string(std::hash<const void*>()(inputs.size() > 100 ? nullptr : "text") % 1000); }
std::string what_errno_says(Inputs) {
  std::string out = std::to_string(errno) + std::strerror(errno);
  errno = 33;
  return out;
}
std::string environment_with_a_default(Inputs) {
  const char* level = std::getenv("KFM_DET_TEST_LEVEL");   // nowhere set: nothing differs
  return level ? level : "normal";
}
std::string this_thread(Inputs) {
  std::ostringstream out;
  out << std::this_thread::get_id();
  return out.str();
}
std::string the_process(Inputs) { return std::to_string(::getpid() % 2); }
std::string the_year(Inputs) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  return std::to_string(parts.tm_year);
}
std::string steady_days(Inputs) { return std::to_string(std::chrono::duration_cast<std::chrono::hours>(std::chrono::steady_clock::now().time_since_epoch()).count() / 24'000); }
/// Whoever is ready first comes first.
std::string finish_order(Inputs inputs) {
  std::mutex mutex;
  std::string out;
  std::vector<std::thread> all;
  for (const SourceRef& ref : inputs)
    all.emplace_back([&mutex, &out, &ref] {
      const std::scoped_lock guard(mutex);
      out += ref.uri;
    });
  for (std::thread& one : all) one.join();
  return out;
}
std::string async_order(Inputs inputs) {
  std::atomic<int> finished{0};
  std::vector<std::future<std::string>> all;
  for (const SourceRef& ref : inputs) all.push_back(std::async(std::launch::async, [&finished, &ref] { return ref.uri + std::to_string(finished++); }));
  std::string out;
  for (auto& one : all) out += one.get();
  return out;
}

Bytes with_the_date(Bytes bytes) { return bytes + std::to_string(std::time(nullptr) / 86'400); }
Bytes with_a_number(Bytes bytes) { return bytes + std::to_string(std::random_device{}()); }
Bytes with_a_static_total(Bytes bytes) {
  static std::size_t total = 0;
  total += bytes.size();
  return bytes + std::to_string(total);
}
Bytes with_a_user(Bytes bytes) {
  const char* user = std::getenv("LOGNAME");
  return bytes + (user ? user : "nobody");
}
Bytes in_finish_order(Bytes bytes) {
  std::mutex mutex;
  Bytes out;
  std::vector<std::thread> all;
  for (const char c : bytes)
    all.emplace_back([&mutex, &out, c] {
      const std::scoped_lock guard(mutex);
      out += c;
    });
  for (std::thread& one : all) one.join();
  return out;
}
Bytes with_a_locale(Bytes bytes) {
  std::ostringstream out;
  out << bytes << 1'000'000;
  return out.str();
}

// --- pure, whatever it looks like ----------------------------------------------------------------------------------------------------------------

std::string sorted_afterwards(Inputs inputs) {
  std::unordered_set<std::string> seen;
  for (const SourceRef& ref : inputs) seen.insert(ref.uri);
  std::vector<std::string> all(seen.begin(), seen.end());
  std::sort(all.begin(), all.end());
  std::string out;
  for (const std::string& one : all) out += one;
  return out;
}
std::string engine_with_a_seed(Inputs inputs) {
  std::mt19937 engine(static_cast<unsigned>(inputs.size()));   // its numbers are in the standard; those of distributions are not
  return std::to_string(engine());
}
std::string threads_by_index(Inputs inputs) {
  std::vector<std::string> parts(inputs.size());
  std::vector<std::thread> all;
  for (std::size_t i = 0; i < inputs.size(); ++i) all.emplace_back([&parts, &inputs, i] { parts[i] = std::string(1000, 'x') + inputs[i].uri; });
  for (std::thread& one : all) one.join();
  std::string out;
  for (const std::string& one : parts) out += one;
  return out;
}
std::string futures_in_order(Inputs inputs) {
  std::vector<std::future<std::string>> all;
  for (const SourceRef& ref : inputs) all.push_back(std::async(std::launch::async, [&ref] { return ref.uri; }));
  std::string out;
  for (auto& one : all) out += one.get();
  return out;
}
std::string a_table_made_once(Inputs inputs) {
  static const std::map<std::size_t, std::string> names{{1, "one"}, {4, "four"}};
  const auto found = names.find(inputs.size());
  return found == names.end() ? "many" : found->second;
}
std::string classic_numbers(Inputs) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out << 12345.5;
  return out.str();
}
std::string a_given_day(Inputs) {
  const std::time_t day = 86'400 * 365;
  std::tm parts{};
  ::gmtime_r(&day, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts)};
}
std::string caught(Inputs inputs) {
  try {
    return std::to_string(std::stoi(inputs[0].uri));
  } catch (const std::exception&) {
    return "no number";
  }
}
Bytes with_a_pure_cache(Bytes bytes) {
  thread_local std::map<Bytes, Bytes> known;
  const auto [at, is_new] = known.try_emplace(bytes);
  if (is_new) at->second = bytes + "!";
  return at->second;
}
Bytes that_waits(Bytes bytes) {   // a clock, for nothing that comes out
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock guard(mutex);
  (void)never.wait_for(guard, std::chrono::milliseconds(1));
  return bytes;
}

#define ADVERSARY(note) #note, check_plan<With<note>>
#define ADVERSARY_STEP(work) #work, check_plan<Operation<work>>

const Row rows[] = {
    {ADVERSARY(proc_self), {"PLAN-3"}, "a file: fopen /proc/self/stat"},
    {ADVERSARY(device), {"PLAN-1"}, "a random number: std::random_device"},
    {ADVERSARY(seeded_with_rand), {"PLAN-1"}, "a random number: rand"},
    {ADVERSARY(hashed_pointers), {"PLAN-1"}, "", false},
    {ADVERSARY(set_of_pointers), {"PLAN-1"}, "", false},
    {ADVERSARY(static_counter), {"PLAN-1"}, "the second time"},
    {ADVERSARY(printed_point), {"PLAN-1"}, "std::locale"},
    {ADVERSARY(local_day), {"PLAN-1"}, "time zone"},
    {ADVERSARY(folder), {"PLAN-3"}, "getcwd (the working directory)"},
    {ADVERSARY(folder_of_the_library), {"PLAN-3"}, "getcwd (the working directory)"},
    {ADVERSARY(host), {"PLAN-1"}, "the machine's name"},
    {ADVERSARY(file_time), {"PLAN-3"}, "a file: "},
    {ADVERSARY(a_file_exists), {"PLAN-3"}, "a file: "},
    {ADVERSARY(unset_memory), {"PLAN-1"}, ""},
    {ADVERSARY(padding_on_the_stack), {"PLAN-1"}, ""},
    {ADVERSARY(address_of_a_function), {"PLAN-1"}, "fresh process"},
    {ADVERSARY(address_of_a_constant), {"PLAN-1"}, "fresh process"},
    {ADVERSARY(what_errno_says), {"PLAN-1"}, "", false},
    {ADVERSARY(environment_with_a_default), {"PLAN-1"}, "the environment: getenv KFM_DET_TEST_LEVEL"},
    {ADVERSARY(this_thread), {"PLAN-1"}, "thread"},
    {ADVERSARY(the_process), {"PLAN-1"}, "the process: getpid"},
    {ADVERSARY(the_year), {"PLAN-1"}, "the clock: time"},
    {ADVERSARY(steady_days), {"PLAN-1"}, "the clock"},
    {ADVERSARY(finish_order), {"PLAN-1"}, "", false},
    {ADVERSARY(async_order), {"PLAN-1"}, "", false},
    {ADVERSARY_STEP(with_the_date), {"PLAN-5"}, "it looks at the clock: time"},
    {ADVERSARY_STEP(with_a_number), {"PLAN-5"}, "it looks at a random number: std::random_device"},
    {ADVERSARY_STEP(with_a_static_total), {"PLAN-5"}, "step copy:a: byte 3 of its output differs"},
    {ADVERSARY_STEP(with_a_user), {"PLAN-5"}, "it looks at the environment: getenv LOGNAME"},
    {ADVERSARY_STEP(in_finish_order), {"PLAN-5"}, "", false},
    {ADVERSARY_STEP(with_a_locale), {"PLAN-5"}, "std::locale"},
    {ADVERSARY(sorted_afterwards), {}, ""},
    {ADVERSARY(engine_with_a_seed), {}, ""},
    {ADVERSARY(threads_by_index), {}, ""},
    {ADVERSARY(futures_in_order), {}, ""},
    {ADVERSARY(a_table_made_once), {}, ""},
    {ADVERSARY(classic_numbers), {}, ""},
    {ADVERSARY(a_given_day), {}, ""},
    {ADVERSARY(caught), {}, ""},
    {ADVERSARY_STEP(with_a_pure_cache), {}, ""},
    {ADVERSARY_STEP(that_waits), {}, ""},
};

constexpr const char* fresh_case = "a fresh process works out a plan here and anywhere else nothing happens";

/// Needs what the machine or a sanitizer may refuse.
bool must_be_found(const Row& row) {
  const bool watched = !conformance::detail::active_traps().empty() && !conformance::detail::active_interposition().empty();
  return watched || row.laws.empty();
}

}  // namespace

TEST_CASE("a fresh process works out a plan here and anywhere else nothing happens") {
  serve_fresh_process({fresh_case});
  CHECK(conformance::detail::fresh_processes().arguments == std::vector<std::string>{fresh_case});
}

TEST_CASE("PLAN-1 PLAN-3 PLAN-5 adversaries of many kinds are rejected and named, and what is pure passes") {
  serve_fresh_process({fresh_case});
  for (const Row& row : rows) {
    if (!must_be_found(row)) continue;
    Options options;
    options.first_only = true;
    const Report report = row.check(options);
    INFO(row.name << "\n" << report.to_text());
    CHECK(report.passed() == row.laws.empty());
    if (report.passed()) continue;
    CHECK(std::find(row.laws.begin(), row.laws.end(), report.violations[0].law) != row.laws.end());
    CHECK(report.violations[0].sentence.find(row.words) != std::string::npos);
    if (!row.comes_back) continue;
    Options again;
    again.reproduce = report.violations[0].reproducer;
    CHECK(row.check(again).find(report.violations[0].law) != nullptr);
  }
}

TEST_CASE("the report of a plan says by which means it was watched, and what is found by difference only") {
  serve_fresh_process({fresh_case});
  const Report report = check_plan<With<no_note>>();
  CHECK(report.passed());
  const auto says = [&](const std::string& begin) {
    const auto found = std::find_if(report.bounds.begin(), report.bounds.end(), [&](const std::string& one) { return one.starts_with(begin); });
    return found == report.bounds.end() ? std::string() : *found;
  };
  const std::string calls = conformance::detail::active_interposition(), trapped = conformance::detail::active_traps();
  CHECK(says("interposed calls: ") == "interposed calls: " + (calls.empty() ? "none: not under a sanitizer" : calls));
  if (!trapped.empty()) CHECK(says("traps for plan(): ") == "traps for plan(): " + trapped);
  CHECK_FALSE(says("found by difference only: ").empty());
  CHECK_FALSE(says("fresh process: all").empty());
  CHECK(report.reached.contains("a fresh process"));
#ifdef KFM_DET_CONFORMANCE_INTERPOSES
  CHECK(calls == "clock, random numbers, std::random_device, environment, files, machine, process");
#else
  CHECK(calls.empty());
#endif
}
