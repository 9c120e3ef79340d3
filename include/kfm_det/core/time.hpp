// SPDX-License-Identifier: BSL-1.0
/// \file
/// Instant and Duration in nanoseconds, their RFC 3339 text, and calendar dates. Own arithmetic: no locale, no time zone, no clock.
///
/// An Instant spans 1677-09-21 to 2262-04-11. Its text has always nine fractional digits and a Z, so texts sort as instants do.
/// Thread-safety: values. Sums that do not fit stay at the end of the range.
#ifndef KFM_DET_CORE_TIME_HPP
#define KFM_DET_CORE_TIME_HPP

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/result.hpp"

namespace kfm_det {

namespace detail {
[[nodiscard]] constexpr std::int64_t saturated_add(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t out = 0;
  if (__builtin_add_overflow(a, b, &out)) return b < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
  return out;
}
[[nodiscard]] constexpr std::int64_t saturated_subtract(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t out = 0;
  if (__builtin_sub_overflow(a, b, &out)) return b > 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
  return out;
}
[[nodiscard]] constexpr std::int64_t saturated_multiply(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t out = 0;
  if (__builtin_mul_overflow(a, b, &out)) return (a < 0) != (b < 0) ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
  return out;
}
}  // namespace detail

/// A length of time; may be negative.
struct Duration {
  std::int64_t ns = 0;

  /// Whole milliseconds, towards zero.
  [[nodiscard]] constexpr std::int64_t ms() const noexcept { return ns / 1'000'000; }
  friend constexpr auto operator<=>(Duration, Duration) = default;
  [[nodiscard]] friend constexpr Duration operator+(Duration a, Duration b) noexcept { return {detail::saturated_add(a.ns, b.ns)}; }
  [[nodiscard]] friend constexpr Duration operator-(Duration a, Duration b) noexcept { return {detail::saturated_subtract(a.ns, b.ns)}; }
};
[[nodiscard]] constexpr Duration nanoseconds(std::int64_t n) noexcept { return {n}; }
[[nodiscard]] constexpr Duration milliseconds(std::int64_t n) noexcept { return {detail::saturated_multiply(n, 1'000'000)}; }
[[nodiscard]] constexpr Duration seconds(std::int64_t n) noexcept { return {detail::saturated_multiply(n, 1'000'000'000)}; }

/// A moment, in UTC without leap seconds (POSIX time).
struct Instant {
  std::int64_t ns = 0;  ///< since 1970-01-01T00:00:00Z

  /// "2024-02-29T12:00:00.000000000Z"
  [[nodiscard]] std::string to_rfc3339() const;
  /// RFC 3339 in UTC: upper-case T; Z or +00:00; none to nine fractional digits. Errors: invalid_argument for anything else,
  /// for dates that do not exist and for leap seconds; limit_exceeded outside of the range.
  [[nodiscard]] static result<Instant> parse(std::string_view text);
  friend constexpr auto operator<=>(Instant, Instant) = default;
  [[nodiscard]] friend constexpr Instant operator+(Instant at, Duration by) noexcept { return {detail::saturated_add(at.ns, by.ns)}; }
  [[nodiscard]] friend constexpr Instant operator-(Instant at, Duration by) noexcept { return {detail::saturated_subtract(at.ns, by.ns)}; }
  [[nodiscard]] friend constexpr Duration operator-(Instant a, Instant b) noexcept { return {detail::saturated_subtract(a.ns, b.ns)}; }
};

/// A day of the proleptic Gregorian calendar.
struct Date {
  int year = 1970;
  unsigned month = 1, day = 1;
  friend constexpr auto operator<=>(const Date&, const Date&) = default;
};

[[nodiscard]] constexpr bool is_leap_year(int year) noexcept { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

/// Days of a month, 28 to 31; 0 for a month that does not exist.
[[nodiscard]] constexpr unsigned days_in_month(int year, unsigned month) noexcept {
  if (month < 1 || month > 12) return 0;
  if (month == 2) return is_leap_year(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/// Whether the day exists, in a year that RFC 3339 can write (0 to 9999).
[[nodiscard]] constexpr bool valid(const Date& date) noexcept {
  return date.year >= 0 && date.year <= 9999 && date.day >= 1 && date.day <= days_in_month(date.year, date.month);
}

/// Days since 1970-01-01; negative before. The date must be valid.
[[nodiscard]] constexpr std::int64_t days_from_civil(const Date& date) noexcept {
  // Years begin in March here, so that the leap day is the last of the year (H. Hinnant, "chrono-compatible low-level date algorithms").
  const std::int64_t year = std::int64_t{date.year} - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t month = date.month > 2 ? date.month - 3 : date.month + 9;
  const std::int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

/// The other way.
[[nodiscard]] constexpr Date civil_from_days(std::int64_t days) noexcept {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * day_of_year + 2) / 153;
  const std::int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  return {static_cast<int>(year), static_cast<unsigned>(month), static_cast<unsigned>(day_of_year - (153 * shifted + 2) / 5 + 1)};
}

/// The day that a moment falls on, in UTC.
[[nodiscard]] constexpr Date date_of(Instant at) noexcept {
  constexpr std::int64_t day_ns = 86'400'000'000'000;
  return civil_from_days(at.ns / day_ns - (at.ns % day_ns < 0 ? 1 : 0));
}

namespace detail {

/// `count` decimal digits, with zeros in front.
constexpr char* write_digits(char* out, std::int64_t value, int count) noexcept {
  for (int i = count - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
  return out + count;
}

inline constexpr std::size_t rfc3339_size = 30;

constexpr char* write_rfc3339(char* out, Instant at) noexcept {
  constexpr std::int64_t day_ns = 86'400'000'000'000, second_ns = 1'000'000'000;
  const Date date = date_of(at);
  const std::int64_t rest = (at.ns % day_ns + day_ns) % day_ns;
  const std::int64_t second = rest / second_ns;
  out = write_digits(out, date.year, 4), *out++ = '-';
  out = write_digits(out, date.month, 2), *out++ = '-';
  out = write_digits(out, date.day, 2), *out++ = 'T';
  out = write_digits(out, second / 3600, 2), *out++ = ':';
  out = write_digits(out, second / 60 % 60, 2), *out++ = ':';
  out = write_digits(out, second % 60, 2), *out++ = '.';
  out = write_digits(out, rest % second_ns, 9), *out++ = 'Z';
  return out;
}

}  // namespace detail

inline std::string Instant::to_rfc3339() const {
  std::string out(detail::rfc3339_size, '\0');
  detail::write_rfc3339(out.data(), *this);
  return out;
}

inline result<Instant> Instant::parse(std::string_view text) {
  std::size_t at = 0;
  const auto fail = [&](const char* what) { return Error(errc::invalid_argument, what, detail::at_byte(at), "Write UTC as in 2024-02-29T12:00:00Z."); };
  const auto digit = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
  std::int64_t fields[6] = {};
  constexpr int widths[6] = {4, 2, 2, 2, 2, 2};
  constexpr char behind[6] = {'-', '-', 'T', ':', ':', '\0'};
  for (std::size_t i = 0; i < 6; ++i) {
    for (int j = 0; j < widths[i]; ++j, ++at) {
      if (!digit(at)) return fail("expected a digit in an RFC 3339 instant");
      fields[i] = fields[i] * 10 + (text[at] - '0');
    }
    if (behind[i] == '\0') break;
    if (at >= text.size() || text[at] != behind[i]) return fail("expected the next part of an RFC 3339 instant");
    ++at;
  }
  std::int64_t fraction_ns = 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digit(at)) return fail("expected a digit behind the point");
    std::int64_t unit = 100'000'000;
    for (; digit(at); ++at, unit /= 10) {
      if (unit == 0) return fail("more than nine fractional digits");
      fraction_ns += (text[at] - '0') * unit;
    }
  }
  if (text.substr(at) != "Z" && text.substr(at) != "+00:00") return fail("an instant ends in Z (or +00:00)");
  at = 0;
  const Date date{static_cast<int>(fields[0]), static_cast<unsigned>(fields[1]), static_cast<unsigned>(fields[2])};
  if (!valid(date)) return fail("there is no such day");
  if (fields[5] == 60) return fail("leap seconds have no place in POSIX time");
  if (fields[3] > 23 || fields[4] > 59 || fields[5] > 59) return fail("there is no such time of day");
  const std::int64_t second = days_from_civil(date) * 86'400 + fields[3] * 3600 + fields[4] * 60 + fields[5];
  std::int64_t ns = 0;
  // Before 1970 the product alone may be below the range while the sum is not: count from the next second.
  const bool over = second < 0 ? __builtin_mul_overflow(second + 1, 1'000'000'000, &ns) || __builtin_add_overflow(ns, fraction_ns - 1'000'000'000, &ns)
                               : __builtin_mul_overflow(second, 1'000'000'000, &ns) || __builtin_add_overflow(ns, fraction_ns, &ns);
  if (over) return Error(errc::limit_exceeded, "an instant lies between 1677-09-21 and 2262-04-11", std::string(text));
  return Instant{ns};
}

}  // namespace kfm_det

#endif
