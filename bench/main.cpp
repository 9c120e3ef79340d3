// SPDX-License-Identifier: BSL-1.0
// kfm_det_bench: Google Benchmark's number for each side, and then the table of ratios.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/vfs.h>

#include "floor.hpp"
#include "measure.hpp"

namespace kfm_det::bench {
namespace {

constexpr const char* help =
    "kfm_det_bench: what the library costs, beside the physical floor and beside others, in one run\n\n"
    "  --dir DIR       where the scratch folder is made (default: beside this program); it says what kind of disk is measured\n"
    "  --seconds S     how long each line of the table is measured (default 3)\n"
    "  --table         the table alone, without Google Benchmark's numbers\n"
    "  --verify-sizes N,N   writes logs of so many records and verifies them: time and peak memory (10000,100000,1000000); nothing else is measured\n"
    "  --threads T     for --verify-sizes (default 1)\n"
    "  --benchmark_... goes to Google Benchmark; --benchmark_filter=REGEX chooses lines of the table too\n\n"
    "On a busy machine a line with a sync measures the scheduler, on both sides. As root, `chrt -f 10 kfm_det_bench` keeps out of its way.\n";

struct Options {
  std::string directory;
  double seconds = 3;
  bool table_only = false;
  std::vector<std::uint64_t> verify_sizes;
  unsigned threads = 1;
};

std::uint64_t number(const char* option, const std::string& text) {
  std::uint64_t out = 0;
  const auto got = std::from_chars(text.data(), text.data() + text.size(), out);
  if (got.ec != std::errc() || got.ptr != text.data() + text.size() || out == 0) give_up(std::string(option) + " wants a number above 0, not '" + text + "'");
  return out;
}

/// Takes our own options out of the list; the rest is Google Benchmark's.
Options take_options(int& argc, char** argv) {
  Options out;
  std::error_code ignored;
  out.directory = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path().string();
  if (out.directory.empty()) out.directory = ".";
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto value = [&](std::string_view name, std::string& into) {
      if (word.starts_with(name) && word.substr(name.size()).starts_with('=')) { into = word.substr(name.size() + 1); return true; }
      if (word != name) return false;
      if (i + 1 == argc) give_up(std::string(name) + " wants a value");
      into = argv[++i];
      return true;
    };
    std::string text;
    if (word == "--help" || word == "-h") {
      std::fputs(help, stdout);
      std::exit(0);
    } else if (value("--dir", text)) {
      out.directory = text;
    } else if (value("--seconds", text)) {
      out.seconds = std::atof(text.c_str());
      if (!(out.seconds > 0)) give_up("--seconds wants a number above 0");
    } else if (value("--verify-sizes", text)) {
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        out.verify_sizes.push_back(number("--verify-sizes", text.substr(at, end - at)));
        at = end + 1;
      }
    } else if (value("--threads", text)) {
      out.threads = static_cast<unsigned>(std::min<std::uint64_t>(number("--threads", text), 64));
    } else if (word == "--table") {
      out.table_only = true;
    } else if (word.starts_with("--benchmark_") || word.starts_with("--v=")) {
      argv[kept++] = argv[i];
    } else {
      give_up("unknown argument '" + std::string(word) + "'; --help names those that there are");
    }
  }
  argc = kept;
  argv[argc] = nullptr;
  return out;
}

// --- Google Benchmark -------------------------------------------------------------------------------------------------------

void register_side(const Measure& measure, const Side& side, const std::string& directory) {
  auto* const benchmark = benchmark::RegisterBenchmark((measure.id + "/" + side.name).c_str(), [&](benchmark::State& state) {
    Scratch scratch(directory);
    const Run run = side.open(scratch.fresh());
    const std::uint64_t batch = measure.turn == 0 ? 1000 : 1;
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(batch))) state.SetIterationTime(run(batch));
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(measure.units));
  });
  benchmark->UseManualTime()->Unit(measure.turn == 0 ? benchmark::kNanosecond : benchmark::kMicrosecond);
}

// --- the table --------------------------------------------------------------------------------------------------------------

std::string decimal(double value, int digits) {
  char out[48];
  (void)std::snprintf(out, sizeof out, "%.*f", digits, value);
  return out;
}

std::string amount(const Measure& measure, double seconds_per_unit) {
  if (measure.per_second) return decimal(1 / seconds_per_unit, 0) + "/s";
  const double ns = seconds_per_unit * 1e9;
  return ns < 10'000 ? decimal(ns, 0) + " ns" : decimal(ns / 1000, 1) + " us";
}

struct Row { std::string what, ours, floor, ratio, hold; };

/// Turns of ours and of each rival by turns, forwards and backwards; each round gives one ratio for each rival.
void measure_rows(const Measure& measure, const std::string& directory, double seconds, std::vector<Row>& rows) {
  Scratch scratch(directory);   // goes away with the sides: a log grows by gigabytes in a minute
  std::vector<Run> sides{measure.ours.open(scratch.fresh())};
  for (const auto& rival : measure.rivals) sides.push_back(rival.side.open(scratch.fresh()));
  std::uint64_t turn = measure.turn;
  if (turn == 0) {
    constexpr std::uint64_t probe = 1000;
    turn = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(1e-3 * static_cast<double>(probe) / std::max(sides.front()(probe), 1e-9)));
  }
  for (const auto& run : sides) (void)run(turn);   // warm

  std::vector<std::vector<double>> times(sides.size());
  const auto start = Clock::now();
  for (std::size_t round = 0; round < 9 || (seconds_since(start) < seconds && round < 2'000); ++round)
    for (std::size_t i = 0; i < sides.size(); ++i) {
      const std::size_t side = round % 2 == 0 ? i : sides.size() - 1 - i;
      times[side].push_back(sides[side](turn) / static_cast<double>(turn * measure.units));
    }

  for (std::size_t i = 0; i < measure.rivals.size(); ++i) {
    const Rival& rival = measure.rivals[i];
    std::vector<double> ratios;
    for (std::size_t round = 0; round < times[0].size(); ++round) ratios.push_back(times[i + 1][round] / times[0][round]);
    const double ratio = quantile(ratios, 0.5);
    const std::string text = decimal(ratio, ratio < 10 ? 3 : 1) + " (" + decimal(quantile(ratios, 0.25), 2) + ".." + decimal(quantile(ratios, 0.75), 2) + ")";
    std::string hold = rival.note;
    if (rival.hold != 0) hold = ">= " + decimal(rival.hold, 3) + (ratio >= rival.hold ? ": holds" : ": MISSED");
    rows.push_back({i == 0 ? measure.what : "", i == 0 ? amount(measure, quantile(times[0], 0.5)) : "", amount(measure, quantile(times[i + 1], 0.5)) + " " + rival.side.name, text, hold});
  }
}

void print(const std::vector<Row>& rows) {
  std::size_t widths[4] = {};
  for (const auto& row : rows) {
    const std::string* const cells[] = {&row.what, &row.ours, &row.floor, &row.ratio};
    for (std::size_t i = 0; i < 4; ++i) widths[i] = std::max(widths[i], cells[i]->size());
  }
  for (const auto& row : rows)
    std::printf("%-*s | %*s | %-*s | %-*s | %s\n", static_cast<int>(widths[0]), row.what.c_str(), static_cast<int>(widths[1]), row.ours.c_str(), static_cast<int>(widths[2]), row.floor.c_str(),
                static_cast<int>(widths[3]), row.ratio.c_str(), row.hold.c_str());
}

/// What a sync costs here: all that is durable below stands on it.
void print_place(Scratch& scratch) {
  const std::string folder = scratch.fresh();
  RawFile file(folder + "/raw");
  std::vector<double> times;
  for (int i = 0; i < 500; ++i) {
    file.write("x");
    const auto start = Clock::now();
    file.sync();
    times.push_back(seconds_since(start) * 1e6);
  }
  double load = 0;
  (void)::getloadavg(&load, 1);
  std::printf("scratch folder in %s; raw fdatasync of one dirty page: median %.1f us (5 %% %.1f, 95 %% %.1f); load %.1f on %u cores\n", std::filesystem::path(scratch.path()).parent_path().c_str(),
              quantile(times, 0.5), quantile(times, 0.05), quantile(times, 0.95), load, std::thread::hardware_concurrency());
  struct statfs found = {};
  constexpr auto tmpfs = 0x01021994;
  if (::statfs(folder.c_str(), &found) == 0 && found.f_type == tmpfs) std::puts("This is a tmpfs, which keeps nothing: lines with a sync mean nothing here. Give --dir a folder on a disk.");
}

int run(int argc, char** argv) {
  const Options options = take_options(argc, argv);
  if (!options.verify_sizes.empty()) {
    print_verify_sizes(options.verify_sizes, options.directory, options.threads);
    return 0;
  }
  Scratch scratch(options.directory);
  std::vector<Measure> measures;
  for (auto&& some : {append_measures(), serialise_measures(), key_measures(), step_measures(), verify_measures()}) measures.insert(measures.end(), some.begin(), some.end());
  for (const auto& measure : measures) {
    register_side(measure, measure.ours, scratch.path());
    for (const auto& rival : measure.rivals) register_side(measure, rival.side, scratch.path());
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  print_place(scratch);
  if (!options.table_only) benchmark::RunSpecifiedBenchmarks();

  const std::regex filter(benchmark::GetBenchmarkFilter().empty() ? "." : benchmark::GetBenchmarkFilter());
  std::vector<Row> rows{{"what", "ours", "floor", "ratio", "hold (DESIGN 9)"}};
  for (const auto& measure : measures)
    if (std::regex_search(measure.id, filter)) measure_rows(measure, scratch.path(), options.seconds, rows);
  if (rows.size() == 1) return 0;
  std::printf("\nratio: the floor's time over ours, of neighbouring turns; median (quartiles). 1 is as fast, above 1 is faster than it.\n\n");
  print(rows);
  return 0;
}

}  // namespace
}  // namespace kfm_det::bench

int main(int argc, char** argv) { return kfm_det::bench::run(argc, argv); }
