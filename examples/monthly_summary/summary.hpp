// SPDX-License-Identifier: BSL-1.0
/// \file
/// Summary: what is published of a month or a year, as canonical JSON. A day is a summary of one day; summaries add up, exactly.
///
/// Everything is counted in integer tenths, so that a year is the same whichever way its days were added. Thread-safety: plain values.
#ifndef KFM_DET_EXAMPLES_MONTHLY_SUMMARY_SUMMARY_HPP
#define KFM_DET_EXAMPLES_MONTHLY_SUMMARY_SUMMARY_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <kfm_det/core/describe.hpp>

#include "csv.hpp"

namespace weather {

/// A number with a fixed count of decimals, kept as the integer that it is a part of: 12.8 is {128} tenths. In JSON it is a number.
template <int PerOne>
struct Decimal {
  std::int64_t units = 0;
  friend auto operator<=>(Decimal, Decimal) = default;
};
using Tenths = Decimal<10>;
using Hundredths = Decimal<100>;

/// sum / count in hundredths, rounded half away from zero.
[[nodiscard]] constexpr Hundredths mean(std::int64_t sum_tenths, std::uint32_t count) noexcept {
  const std::int64_t n = count, twice = 20 * (sum_tenths < 0 ? -sum_tenths : sum_tenths);
  const std::int64_t rounded = (twice + n) / (2 * n);
  return {sum_tenths < 0 ? -rounded : rounded};
}

/// One variable over some days.
struct Variable {
  std::uint32_t days = 0;
  Hundredths mean;
  Tenths minimum, maximum;
  std::int64_t sum_tenths = 0;   ///< what means are made of, and what roll-ups add
  std::optional<Tenths> total;   ///< where a sum says something to people: how much it rained

  void add(const Variable& other) {
    minimum = days == 0 ? other.minimum : std::min(minimum, other.minimum);
    maximum = days == 0 ? other.maximum : std::max(maximum, other.maximum);
    days += other.days;
    sum_tenths += other.sum_tenths;
    mean = weather::mean(sum_tenths, days);
    if (other.total) total = Tenths{sum_tenths};
  }
};
KFM_DET_DESCRIBE(Variable, days, mean, minimum, maximum, sum_tenths, total)

/// One month ("2012-01") or year ("2012") of one place.
struct Summary {
  std::string place, period;
  std::uint32_t days = 0;
  Variable precipitation{}, temp_max{}, temp_min{}, wind{};
  std::map<std::string, std::uint32_t> weather{};   ///< days of each kind

  void add(const Summary& other) {
    days += other.days;
    precipitation.add(other.precipitation);
    temp_max.add(other.temp_max);
    temp_min.add(other.temp_min);
    wind.add(other.wind);
    for (const auto& [kind, count] : other.weather) weather[kind] += count;
  }
  void add(const Day& day) {
    const auto one = [&](std::size_t column) { return Variable{1, mean(day.tenths[column], 1), {day.tenths[column]}, {day.tenths[column]}, day.tenths[column], {}}; };
    Summary single{place, period, 1, one(0), one(1), one(2), one(3), {{std::string(day.kind), 1}}};
    single.precipitation.total = Tenths{day.tenths[0]};
    add(single);
  }
};
KFM_DET_DESCRIBE(Summary, place, period, days, precipitation, temp_max, temp_min, wind, weather)

}  // namespace weather

template <int PerOne>
struct kfm_det::JsonCodec<weather::Decimal<PerOne>> {
  static Json to_json(const weather::Decimal<PerOne>& value) { return static_cast<double>(value.units) / PerOne; }
  static result<weather::Decimal<PerOne>> read(const Json& json) {
    const double* const number = json.number();
    if (number != nullptr && std::abs(*number) < 1e12) {
      const weather::Decimal<PerOne> value{std::llround(*number * PerOne)};
      if (static_cast<double>(value.units) / PerOne == *number) return value;
    }
    return Error(errc::invalid_json, "not a number with " + std::string(PerOne == 10 ? "one decimal" : "two decimals"));
  }
};

#endif
