// SPDX-License-Identifier: BSL-1.0
// Measures: one thing of ours beside the floors and peers that it is held against. Google Benchmark gives each side's own number; the table
// gives the ratios, from turns that take each other's place (A B B A ...), because a machine that is shared changes its speed all the time.
#ifndef KFM_DET_BENCH_MEASURE_HPP
#define KFM_DET_BENCH_MEASURE_HPP

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/core/result.hpp"

namespace kfm_det::bench {

/// Does the thing `times` times and answers the seconds that this took; what stands around it (fresh folders) is not counted.
using Run = std::function<double(std::uint64_t times)>;

struct Side {
  std::string name;                                     ///< "raw pwrite + fdatasync"
  std::function<Run(const std::string& folder)> open;   ///< an empty folder of its own
};

struct Rival {
  Side side;
  double hold = 0;     ///< the least ratio that DESIGN 9 asks for; 0: none
  std::string note{};  ///< in place of a hold
};

struct Measure {
  std::string id;              ///< what --benchmark_filter sees
  std::string what;            ///< what the table says
  Side ours;
  std::vector<Rival> rivals;
  std::uint64_t units = 1;     ///< how many things one call does: the records of a group, the steps of a run
  bool per_second = false;     ///< shown as things per second, not as the time of one
  std::uint64_t turn = 0;      ///< calls in one turn; 0: as many as take a millisecond
};

[[nodiscard]] std::vector<Measure> append_measures();
[[nodiscard]] std::vector<Measure> serialise_measures();
[[nodiscard]] std::vector<Measure> key_measures();
[[nodiscard]] std::vector<Measure> step_measures();
[[nodiscard]] std::vector<Measure> verify_measures();

/// Writes a log of so many records, verifies it whole (chain, records, signatures), and prints how long that took and how much memory.
void print_verify_sizes(const std::vector<std::uint64_t>& sizes, const std::string& directory, unsigned threads);

using Clock = std::chrono::steady_clock;
[[nodiscard]] inline double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A Run of calls with nothing around them.
template <class Call>
[[nodiscard]] Run timed(Call call) {
  return [call = std::move(call)](std::uint64_t times) mutable {
    const auto start = Clock::now();
    for (std::uint64_t i = 0; i < times; ++i) call();
    return seconds_since(start);
  };
}

/// Ends the program with a sentence: a benchmark that goes on after an error measures the error.
[[noreturn]] void give_up(const std::string& why);
template <class T>
[[nodiscard]] T must(result<T> answer) {
  if (!answer) give_up(answer.error().message());
  return std::move(answer).value();
}
inline void must(const result<void>& answer) {
  if (!answer) give_up(answer.error().message());
}

/// A folder that goes away with its owner.
class Scratch {
 public:
  explicit Scratch(const std::string& parent);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  /// A new, empty folder inside.
  [[nodiscard]] std::string fresh();

 private:
  std::string path_;
  int next_ = 0;
};

/// The value at `part` (0.5: the median) of what lies in no order.
[[nodiscard]] double quantile(std::vector<double> values, double part);

}  // namespace kfm_det::bench

#endif
