// SPDX-License-Identifier: BSL-1.0
/// \file
/// A plain program around the checks that its sources registered (conformance/registry.hpp): no framework, a command line, an exit code.
///
///   int main(int argc, char** argv) { return kfm_det::conformance::run_main(argc, argv); }
///
/// Exit codes: 0 every check passed, 1 a law is broken (or fewer crash states than --states-min were seen), 2 the command line cannot be read, or no check has the part of a reproducer line. This leaf prints; of the others only catch2.hpp does.
/// A backend that ends the process by a signal: the line of what was played goes to the error output, and the files of --json and --junit, which are
/// written anew before and behind each check, say how far it came.
#ifndef KFM_DET_CONFORMANCE_MAIN_HPP
#define KFM_DET_CONFORMANCE_MAIN_HPP

#include <algorithm>
#include <charconv>
#include <chrono>
#include <concepts>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <signal.h>
#include <unistd.h>

#include "kfm_det/conformance/fresh_process.hpp"
#include "kfm_det/conformance/now_playing.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/conformance/reproducer.hpp"

namespace kfm_det::conformance {

namespace detail {
inline constexpr std::string_view usage =
    " [OPTIONS]\n"
    "\n"
    "  --list              the checks that this program has, a line each\n"
    "  --only TEXT         only checks whose line of --list has this text\n"
    "  --seed N            of what is drawn (1)\n"
    "  --cases N           random cases of each part (1000)\n"
    "  --states N          crash states after which a check stops looking; 0: its own bound (0)\n"
    "  --states-min N      distinct crash states that each check_store_on_disk must have seen; fewer are a failure (0)\n"
    "  --budget MS         milliseconds for each check; 0: none (0)\n"
    "  --reproduce LINE    plays one reproducer line, of the check that it names\n"
    "  --json FILE         the reports, a JSON array\n"
    "  --junit FILE        the reports, JUnit XML: a test case for each law\n"
    "  --quiet             only what is broken\n"
    "\n"
    "Exit codes: 0 every check passed, 1 a law is broken or fewer states than --states-min were seen, 2 this command line cannot be read, or its reproducer line played.\n";

inline constexpr std::string_view searching_check = "check_store_on_disk";   // the one whose crash states --states-min counts

struct CommandLine {
  Options options;
  std::optional<Reproducer> line;   // of options.reproduce
  std::string only, json, junit;
  std::uint64_t states_min = 0;
  bool help = false, list = false, quiet = false;

  [[nodiscard]] bool has(const RegisteredCheck& one) const { return (!line || one.check == line->check) && (one.check + " " + one.subject).find(only) != std::string::npos; }
};
template <std::unsigned_integral T>
[[nodiscard]] bool read_number(std::string_view text, T& into) {
  const auto got = std::from_chars(text.data(), text.data() + text.size(), into);
  return got.ec == std::errc() && got.ptr == text.data() + text.size();
}
/// None: `why` says what is wrong with it.
[[nodiscard]] inline std::optional<CommandLine> read_command_line(std::span<char* const> words, std::string& why) {
  CommandLine out;
  const auto refuse = [&](std::string sentence) {
    why = std::move(sentence);
    return std::nullopt;
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--help" || word == "-h") { out.help = true; return out; }
    if (word == "--list") { out.list = true; continue; }
    if (word == "--quiet") { out.quiet = true; continue; }
    if (i + 1 == words.size()) return refuse("what is " + std::string(word) + "? It is no option, or its value is missing");
    const std::string_view value = words[++i];
    bool is_number = true;
    if (word == "--seed") is_number = read_number(value, out.options.seed);
    else if (word == "--cases") is_number = read_number(value, out.options.cases);
    else if (word == "--states") is_number = read_number(value, out.options.states_max);
    else if (word == "--states-min") is_number = read_number(value, out.states_min);
    else if (word == "--budget") is_number = read_number(value, out.options.budget_ms);
    else if (word == "--only") out.only = value;
    else if (word == "--reproduce") out.options.reproduce = value;
    else if (word == "--json") out.json = value;
    else if (word == "--junit") out.junit = value;
    else return refuse("there is no option " + std::string(word));
    if (!is_number) return refuse(std::string(word) + " wants a number, and not " + std::string(value));
  }
  if (out.options.reproduce.empty()) return out;
  out.states_min = 0;   // one line has no bounds
  out.line = read_reproducer(out.options.reproduce, why);
  if (!out.line) return refuse("--reproduce: " + why);
  return out;
}
/// ": media-flip 12.3, tenures 4.5": the parts that took a second.
inline std::string longest_parts(const Report& report) {
  std::string out;
  for (const auto& [part, seconds] : report.seconds) {
    char text[32];
    std::snprintf(text, sizeof text, " %.1f", seconds);
    if (seconds >= 1) out += (out.empty() ? ": " : ", ") + part + text;
  }
  return out;
}
inline std::string milliseconds_of_parts(const Report& report) {
  Json out = Json::object();
  for (const auto& [part, seconds] : report.seconds) out.set(part, Json(static_cast<std::uint64_t>(seconds * 1000)));
  std::string text;
  return append_canonical(text, out) ? text : "{}";
}

/// As long as it lives: when a signal ends the process, it says what was played.
class LastWords {
 public:
  LastWords() {
    process = ::getpid();
    ::stack_t own{};
    own.ss_sp = stack;
    own.ss_size = sizeof stack;
    ::sigaltstack(&own, &stack_before_);
    for (std::size_t i = 0; i < std::size(signals); ++i) {
      struct ::sigaction action{};
      action.sa_handler = say;
      action.sa_flags = SA_ONSTACK;
      ::sigemptyset(&action.sa_mask);
      ::sigaction(signals[i], &action, &before[i]);
    }
  }
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;
  ~LastWords() {
    for (std::size_t i = 0; i < std::size(signals); ++i) ::sigaction(signals[i], &before[i], nullptr);
    ::sigaltstack(&stack_before_, nullptr);
  }
  void of(const std::string& fixture) { subject = fixture.c_str(); }

 private:
  static constexpr int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  static inline struct ::sigaction before[std::size(signals)];
  static inline ::pid_t process = 0;
  static inline const char* subject = "";
  alignas(16) static inline char stack[65536];   // the own one may be full

  static void say(int number) {
    for (std::size_t i = 0; i < std::size(signals); ++i)
      if (signals[i] == number) ::sigaction(number, &before[i], nullptr);   // a sanitizer has its own words
    if (::getpid() == process) {   // a child that the kit has begun is asked by the kit
      const char digits[] = {static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10)};
      NowPlaying::put(2, "\nVERB-1: signal ");
      NowPlaying::put(2, std::string_view(digits, 2));
      NowPlaying::put(2, " ends the process while this is played, of ");
      NowPlaying::put(2, subject);
      NowPlaying::put(2, "\n  reproduce:   ");
      if (!NowPlaying::write_line(2)) NowPlaying::put(2, "(none: before the first part, or between two)\n");
    }
    ::raise(number);   // comes when this returns
  }

  ::stack_t stack_before_{};
};
}  // namespace detail

/// Runs the registered checks as the command line asks.
[[nodiscard]] inline int run_main(int argc, char** argv) {
  serve_fresh_process();
  const char* program = argc > 0 ? argv[0] : "conformance";
  const auto refuse = [&](const std::string& why) {
    std::fprintf(stderr, "%s: %s\n\nusage: %s%s", program, why.c_str(), program, detail::usage.data());
    return 2;
  };
  std::string why;
  const auto given = detail::read_command_line(argc > 1 ? std::span<char* const>(argv + 1, static_cast<std::size_t>(argc) - 1) : std::span<char* const>(), why);
  if (!given) return refuse(why);
  if (given->help) { std::printf("usage: %s%s", program, detail::usage.data()); return 0; }
  if (given->list) {
    for (const RegisteredCheck& one : registry()) std::printf("%s %s\n", one.check.c_str(), one.subject.c_str());
    return 0;
  }
  const auto knows = [](std::string_view check) { return std::any_of(registry().begin(), registry().end(), [&](const RegisteredCheck& one) { return one.check == check; }); };
  if (given->line && !knows(given->line->check)) return refuse("--reproduce: the line is of " + given->line->check + ", and this program has no such check");
  if (given->states_min != 0 && given->only.empty() && !knows(detail::searching_check)) return refuse("--states-min: this program has no " + std::string(detail::searching_check));
  std::vector<const RegisteredCheck*> chosen;
  for (const RegisteredCheck& one : registry())
    if (given->has(one)) chosen.push_back(&one);
  if (chosen.empty()) return refuse("no check fits; --list names them");
  const auto write = [&](const std::string& path, const std::string& text) {
    if (path.empty()) return true;
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    file.flush();
    if (!file) std::fprintf(stderr, "%s: %s cannot be written\n", program, path.c_str());
    return static_cast<bool>(file);
  };
  bool passed = true;
  std::size_t not_played = 0;
  std::string all_json, all_junit;
  const auto write_all = [&](const std::string& more_json, const std::string& more_junit) {
    const bool has_json = write(given->json, "[" + all_json + (all_json.empty() || more_json.empty() ? "" : ",\n") + more_json + "]\n");
    return write(given->junit, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n" + all_junit + more_junit + "</testsuites>\n") && has_json;
  };
  const auto timed = [](const Report& report, double seconds) {
    std::string line = report.to_json();
    return line.insert(line.size() - 1, ",\"milliseconds\":" + std::to_string(static_cast<std::uint64_t>(seconds * 1000)) + ",\"milliseconds_of_parts\":" + detail::milliseconds_of_parts(report));
  };
  detail::LastWords last_words;
  for (const RegisteredCheck* one : chosen) {
    const Report unfinished = one->unfinished();
    if (!write_all(timed(unfinished, 0), unfinished.to_junit())) return 2;
    last_words.of(one->subject);
    if (!given->quiet) { std::printf("%s %s ...\n", one->check.c_str(), one->subject.c_str()); std::fflush(stdout); }
    const auto start = std::chrono::steady_clock::now();
    const Report report = (*one)(given->options);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (const Violation* no_part = report.find("reproduce")) {   // another fixture may have it
      std::fprintf(stderr, "%s: --reproduce: %s %s: %s\n", program, one->check.c_str(), one->subject.c_str(), no_part->sentence.c_str());
      ++not_played;
      continue;
    }
    passed = passed && report.passed();
    if (!given->quiet || !report.passed()) {
      const std::string text = report.to_text();
      std::printf("%s", text.c_str());
      if (!given->quiet) std::printf("  %.1f s%s\n", seconds, detail::longest_parts(report).c_str());
      std::fflush(stdout);
    }
    if (one->check == detail::searching_check && report.crash_states < given->states_min) {
      passed = false;
      std::fprintf(stderr, "%s: %s %s saw %llu distinct crash states, and --states-min wants %llu\n", program, one->check.c_str(), one->subject.c_str(), static_cast<unsigned long long>(report.crash_states), static_cast<unsigned long long>(given->states_min));
    }
    all_json += (all_json.empty() ? "" : ",\n") + timed(report, seconds);
    all_junit += report.to_junit(seconds);
  }
  const bool written = write_all("", "");
  return !written || not_played == chosen.size() ? 2 : passed ? 0 : 1;
}

}  // namespace kfm_det::conformance

#endif
