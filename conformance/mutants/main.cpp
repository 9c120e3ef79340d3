// SPDX-License-Identifier: BSL-1.0
// Plays every mutant under its check and prints the table: id, what killed it, seconds, operations of the shrunk script. Exit code 1: one survived, died
// of another law than its own, has a script that is too long, or a benign one was rejected. usage: mutants [--jobs N] [--only ID] [--json FILE] [--junit FILE] [--cases N]
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/mutants/mutant.hpp"
#include "kfm_det/conformance/fresh_process.hpp"
#include "kfm_det/conformance/interpose.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/json_parser.hpp"
#include "kfm_det/core/json_writer.hpp"

using namespace kfm_det;
using namespace kfm_det::conformance;
using mutants::Mutant;

namespace {

constexpr std::uint64_t operations_max = 6;

bool has_word(const std::string& words, const std::string& word) { return (" " + words + " ").find(" " + word + " ") != std::string::npos; }

/// One line of JSON: what came of a mutant.
std::string row(const Mutant& mutant, const std::string& verdict, const Report& report, double seconds = 0) {
  const Violation none;
  const Violation& first = report.violations.empty() ? none : report.violations.front();
  const Json line = Json::object({{"cases", Json(report.cases)}, {"check", Json(mutant.check)}, {"expected", Json(mutant.laws)}, {"family", Json(mutant.family)}, {"id", Json(mutant.id)}, {"law", Json(first.law)},
                                  {"milliseconds", Json(static_cast<std::uint64_t>(seconds * 1000))}, {"name", Json(mutant.name)}, {"operations", Json(first.operations)}, {"reproducer", Json(first.reproducer)},
                                  {"script", Json(first.script.substr(0, 1200))}, {"sentence", Json(first.sentence.substr(0, 600))},   // a line stays below PIPE_BUF: then lines of several processes do not mix
                                  {"states", Json(report.states)}, {"verdict", Json(verdict)}});
  std::string out;
  (void)append_canonical(out, line).has_value();
  return out;
}

std::string played(const Mutant& mutant, std::uint32_t cases) {
  Options options;
  options.cases = mutant.check == "check_lock" ? 2 * cases : cases;   // races inside of calls are drawn
  options.first_only = true;
  options.states_max = std::uint64_t{1200} * cases;
  const auto start = std::chrono::steady_clock::now();
  const Report report = mutant.play(options);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::string verdict = "ok";
  if (mutant.laws.empty()) verdict = report.passed() ? "ok" : "rejected, and is right";
  else if (report.passed()) verdict = "SURVIVED";
  else if (!has_word(mutant.laws, report.violations.front().law)) verdict = "died of another law";
  else if (report.violations.front().operations > operations_max) verdict = "script too long";
  return row(mutant, verdict, report, seconds);
}
/// A line into the pipe, in one piece: 0 when it is there.
int say(int pipe, const std::string& line) { return ::write(pipe, (line + "\n").data(), line.size() + 1) == static_cast<ssize_t>(line.size() + 1) ? 0 : 1; }

std::string text(const Json& line, const char* member) {
  const Json* found = line.find(member);
  return found && found->string() ? *found->string() : std::string();
}
std::uint64_t number(const Json& line, const char* member) { return get_u64(line, member).has_value() ? get_u64(line, member).value() : 0; }

/// JUnit's line of one mutant: it fails when it survived, or did not die of its law.
std::string test_case(const Json& line) {
  using conformance::detail::xml_escaped;
  const std::string verdict = text(line, "verdict");
  std::string out = "  <testcase classname=\"mutants." + xml_escaped(text(line, "family")) + "\" name=\"" + xml_escaped(text(line, "id") + " " + text(line, "name")) + "\" time=\"" +
                    conformance::detail::seconds_text(number(line, "milliseconds")) + "\"";
  if (verdict == "ok") return out + "/>\n";
  return out + ">\n    <failure type=\"" + xml_escaped(text(line, "law")) + "\" message=\"" + xml_escaped(verdict + ", expected " + (text(line, "expected").empty() ? "to pass" : text(line, "expected"))) + "\">" +
         xml_escaped(text(line, "sentence") + "\n" + text(line, "script") + "\n" + text(line, "reproducer")) + "</failure>\n  </testcase>\n";
}

}  // namespace

int main(int argc, char** argv) {
  serve_fresh_process();
  unsigned jobs = 1;
  std::uint32_t cases = 25;
  std::string only, json, junit;
  bool verbose = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--verbose") { verbose = true; continue; }
    if (i + 1 >= argc) { std::fprintf(stderr, "mutants: %s wants a value\n", argv[i]); return 2; }
    if (word == "--jobs") jobs = static_cast<unsigned>(std::max(1, std::atoi(argv[++i])));
    else if (word == "--only") only = argv[++i];
    else if (word == "--json") json = argv[++i];
    else if (word == "--junit") junit = argv[++i];
    else if (word == "--cases") cases = static_cast<std::uint32_t>(std::max(1, std::atoi(argv[++i])));
    else { std::fprintf(stderr, "usage: mutants [--jobs N] [--only ID] [--json FILE] [--junit FILE] [--cases N] [--verbose]\n"); return 2; }
  }
  std::vector<Mutant> all;
  for (const Mutant& mutant : mutants::all())
    if (only.empty() || mutant.id == only) all.push_back(mutant);
  std::sort(all.begin(), all.end(), [](const Mutant& a, const Mutant& b) { return a.id < b.id; });
  if (all.empty()) { std::fprintf(stderr, "mutants: there is no mutant %s\n", only.c_str()); return 2; }

  int pipes[2];
  if (::pipe(pipes) != 0) return 2;
  std::vector<pid_t> children;
  void* shared = ::mmap(nullptr, sizeof(std::atomic<std::size_t>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 2;
  auto& next = *new (shared) std::atomic<std::size_t>(0);   // who is free takes the next one: some take a hundred times as long as others
  for (unsigned job = 0; job < jobs; ++job) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(pipes[0]);
      for (std::size_t i; (i = next.fetch_add(1)) < all.size();) {   // each in a process of its own: one that ends its process takes nobody along
        const pid_t player = ::fork();
        if (player == 0) ::_exit(say(pipes[1], played(all[i], cases)));
        int status = 0;
        ::waitpid(player, &status, 0);
        if (status != 0 && say(pipes[1], row(all[i], "ended its process with " + std::to_string(status), {})) != 0) ::_exit(1);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  ::close(pipes[1]);
  std::string whole;
  char buffer[65536];
  std::size_t bad = 0, wrong = 0, seen = 0, printed = 0;
  std::printf("%-5s %-30s %-12s %-12s %8s %6s  %s\n", "id", "mutant", "family", "killed by", "seconds", "steps", "");
  std::string report = "[", suite;
  for (ssize_t got; (got = ::read(pipes[0], buffer, sizeof buffer)) > 0;) {
    whole.append(buffer, static_cast<std::size_t>(got));
    for (std::size_t end; (end = whole.find('\n', printed)) != std::string::npos; printed = end + 1) {
      const std::string row = whole.substr(printed, end - printed);
      auto line = parse_json(row);
      if (!line) { std::printf("a line that cannot be read: %s\n", row.c_str()); ++bad; continue; }
      const std::string verdict = text(line.value(), "verdict");
      ++seen;
      bad += verdict != "ok" ? 1U : 0U;
      wrong += verdict != "ok" ? 1U : 0U;
      report += (seen == 1 ? "" : ",\n") + row;
      suite += test_case(line.value());
      std::printf("%-5s %-30s %-12s %-12s %8.1f %6llu  %s\n", text(line.value(), "id").c_str(), text(line.value(), "name").c_str(), text(line.value(), "family").c_str(),
                  text(line.value(), "law").empty() ? (text(line.value(), "expected").empty() ? "(benign)" : "-") : text(line.value(), "law").c_str(), static_cast<double>(number(line.value(), "milliseconds")) / 1000,
                  static_cast<unsigned long long>(number(line.value(), "operations")), verdict == "ok" ? "" : (verdict + ", expected " + (text(line.value(), "expected").empty() ? "to pass" : text(line.value(), "expected"))).c_str());
      if (verbose || verdict != "ok")
        if (!text(line.value(), "sentence").empty()) std::printf("      %s\n%s\n      %s\n", text(line.value(), "sentence").c_str(), text(line.value(), "script").c_str(), text(line.value(), "reproducer").c_str());
      std::fflush(stdout);
    }
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status != 0) { std::printf("a process that played mutants ended with %d\n", status); ++bad; }
  }
  if (seen != all.size()) { std::printf("%zu of %zu mutants were played\n", seen, all.size()); ++bad; }
  if (!json.empty()) std::ofstream(json) << report << "]\n";
  if (!junit.empty())   // a mutant of which nothing was heard is an error of the suite
    std::ofstream(junit) << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"mutants\" tests=\"" << seen << "\" failures=\"" << wrong << "\" errors=\"" << all.size() - seen << "\">\n"
                         << suite << "</testsuite>\n</testsuites>\n";
  std::printf("%zu mutants, %zu as they should be, %zu not\n", all.size(), seen - std::min(seen, bad), bad);
  return bad == 0 ? 0 : 1;
}
