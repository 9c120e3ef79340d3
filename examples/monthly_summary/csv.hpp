// SPDX-License-Identifier: BSL-1.0
/// \file
/// The observations file: lines of `date,precipitation,temp_max,temp_min,wind,weather`, one for each day, in any order.
///
/// Strict: what is not exactly that is refused, with file, line and reason. Numbers are read as integer tenths, so that no sum depends on an order.
/// Lines end in LF or CRLF; the last one may end without. Thread-safety: pure functions.
#ifndef KFM_DET_EXAMPLES_MONTHLY_SUMMARY_CSV_HPP
#define KFM_DET_EXAMPLES_MONTHLY_SUMMARY_CSV_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kfm_det/core/result.hpp>
#include <kfm_det/core/time.hpp>
#include <kfm_det/core/utf8.hpp>

namespace weather {
namespace det = kfm_det;

inline constexpr std::string_view header = "date,precipitation,temp_max,temp_min,wind,weather";
inline constexpr std::array<std::string_view, 5> kinds{"drizzle", "fog", "rain", "snow", "sun"};

/// A column of numbers, and between which values it can be right.
struct Column { std::string_view name, unit; std::int64_t minimum, maximum; };  // both in tenths
inline constexpr std::array<Column, 4> columns{{{"precipitation", "mm", 0, 20000}, {"temp_max", "degC", -900, 600}, {"temp_min", "degC", -900, 600}, {"wind", "m/s", 0, 1500}}};

/// One row.
struct Day {
  det::Date date;
  std::array<std::int64_t, columns.size()> tenths{};  ///< of `columns`, in their order
  std::string_view kind;                              ///< one of `kinds`
};

/// The lines of one month as they stand in the file, behind the header line.
struct MonthLines {
  std::string bytes;
  std::vector<std::uint64_t> numbers;  ///< of each line in `bytes`, the header's too: its number in the file
};

/// errc::gate_rejected with file and line.
[[nodiscard]] inline det::Error refused(std::string_view file, std::uint64_t line, std::string reason) {
  return {det::errc::gate_rejected, std::move(reason), std::string(file) + ":" + std::to_string(line), "Correct that line and run again; nothing was published"};
}

/// The file, cut into months ("2012-01"). Refuses what belongs to no month: an empty file, another header, a date that does not exist. `file` is for the error.
[[nodiscard]] det::result<std::map<std::string, MonthLines>> split_months(std::string_view text, std::string_view file);

/// The days of a month, as `bytes` of its MonthLines, by date. Refuses every row that is not right, and a day that is there twice.
/// `numbers` says where the lines stand in `file`; without it they are counted from 1.
[[nodiscard]] det::result<std::vector<Day>> read_days(std::string_view bytes, std::string_view file, const std::vector<std::uint64_t>& numbers = {});

// --- how -------------------------------------------------------------------------------------------------------------------

namespace detail {

/// Any text of the file as it may stand in an error: in quotes, control characters shown as '?', and not too long.
[[nodiscard]] inline std::string quoted(std::string_view text) {
  std::size_t length = std::min<std::size_t>(text.size(), 40);
  while (length < text.size() && length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;  // not inside a character
  std::string out = "'" + std::string(text.substr(0, length)) + (length < text.size() ? "...'" : "'");
  for (char& c : out)
    if ((c >= '\0' && c < ' ') || c == '\x7f') c = '?';
  return out;
}

/// Gives every line without its end: visit(line, number, with its end). Stops at the first error.
template <class Visit>
[[nodiscard]] det::result<void> each_line(std::string_view text, Visit&& visit) {
  for (std::uint64_t number = 1; !text.empty(); ++number) {
    const std::string_view whole = text.substr(0, std::min(text.size(), text.find('\n')) + 1);
    std::string_view line = whole;
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    KFM_DET_TRY(visit(line, number, whole));
    text.remove_prefix(whole.size());
  }
  return det::success();
}

[[nodiscard]] inline bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}
[[nodiscard]] inline int number_of(std::string_view digits) {
  int out = 0;
  for (const char c : digits) out = out * 10 + (c - '0');
  return out;
}

/// "2012/01/31". The error is a reason only.
[[nodiscard]] inline det::result<det::Date> read_date(std::string_view text) {
  const auto no = [](std::string reason) { return det::Error(det::errc::gate_rejected, std::move(reason)); };
  if (text.empty()) return no("date is missing");
  const std::string_view year = text.substr(0, 4), month = text.size() > 5 ? text.substr(5, 2) : "", day = text.size() > 8 ? text.substr(8) : "";
  if (text.size() != 10 || text[4] != '/' || text[7] != '/' || !is_digits(year) || !is_digits(month) || !is_digits(day)) return no("date is not written YYYY/MM/DD: " + quoted(text));
  const det::Date date{number_of(year), static_cast<unsigned>(number_of(month)), static_cast<unsigned>(number_of(day))};
  if (date.day < 1 || date.day > det::days_in_month(date.year, date.month)) return no("date does not exist: " + quoted(text));
  return date;
}

/// "-12.3", in tenths. The error is a reason only.
[[nodiscard]] inline det::result<std::int64_t> read_tenths(std::string_view text, const Column& column) {
  const auto no = [&](std::string reason) { return det::Error(det::errc::gate_rejected, std::string(column.name) + " " + reason); };
  if (text.empty()) return no("is missing");
  std::string lower(text.substr(text.front() == '-' || text.front() == '+' ? 1 : 0));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (lower == "nan" || lower == "inf" || lower == "infinity") return no("is not a finite number: " + quoted(text));
  const bool negative = text.front() == '-';
  const std::string_view number = text.substr(negative ? 1 : 0);
  const std::size_t point = number.find('.');
  const std::string_view whole = number.substr(0, point), part = point == std::string_view::npos ? "0" : number.substr(point + 1);
  if (!is_digits(whole) || !is_digits(part)) return no("is not a number: " + quoted(text));
  if (part.size() > 1) return no("is finer than a tenth: " + quoted(text));
  const std::int64_t tenths = whole.size() > 7 ? 1'000'000'000 : (std::int64_t{number_of(whole)} * 10 + number_of(part)) * (negative ? -1 : 1);
  if (tenths < column.minimum || tenths > column.maximum)
    return no("is out of range: " + quoted(text) + ", not " + std::to_string(column.minimum / 10) + " to " + std::to_string(column.maximum / 10) + " " + std::string(column.unit));
  return tenths;
}

/// One row. The error is a reason only.
[[nodiscard]] inline det::result<Day> read_day(std::string_view line) {
  const auto no = [](std::string reason) { return det::Error(det::errc::gate_rejected, std::move(reason)); };
  if (line.empty()) return no("the line is empty");
  std::array<std::string_view, columns.size() + 2> fields;
  const auto count = static_cast<std::size_t>(std::count(line.begin(), line.end(), ',')) + 1;
  if (count != fields.size()) return no("the row has " + std::to_string(count) + " fields instead of " + std::to_string(fields.size()));
  for (std::string_view& field : fields) {
    field = line.substr(0, line.find(','));
    line.remove_prefix(std::min(line.size(), field.size() + 1));
  }
  Day day;
  KFM_DET_TRY(day.date, read_date(fields.front()));
  for (std::size_t i = 0; i < columns.size(); ++i) { KFM_DET_TRY(day.tenths[i], read_tenths(fields[i + 1], columns[i])); }
  if (day.tenths[2] > day.tenths[1]) return no("temp_min is above temp_max: " + quoted(fields[3]) + " and " + quoted(fields[2]));
  const auto kind = std::find(kinds.begin(), kinds.end(), fields.back());
  if (fields.back().empty()) return no("weather is missing");
  if (kind == kinds.end()) return no("weather is none of drizzle, fog, rain, snow, sun: " + quoted(fields.back()));
  day.kind = *kind;
  return day;
}

[[nodiscard]] inline std::string padded(std::uint64_t number, std::size_t digits) {
  const std::string text = std::to_string(number);
  return text.size() < digits ? std::string(digits - text.size(), '0') + text : text;
}
[[nodiscard]] inline std::string month_of(const det::Date& date) { return padded(static_cast<std::uint64_t>(date.year), 4) + "-" + padded(date.month, 2); }

[[nodiscard]] inline det::result<void> check_header(std::string_view line, std::string_view file) {
  if (line == header) return det::success();
  if (line.starts_with("\xef\xbb\xbf")) return refused(file, 1, "the file begins with a byte order mark");
  return refused(file, 1, "the header is " + quoted(line) + ", not '" + std::string(header) + "'");
}

}  // namespace detail

inline det::result<std::map<std::string, MonthLines>> split_months(std::string_view text, std::string_view file) {
  if (text.empty()) return refused(file, 1, "the file is empty");
  if (const std::size_t fault = det::utf8_fault(text); fault != std::string_view::npos)
    return refused(file, 1 + static_cast<std::uint64_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(fault), '\n')), "the text is not UTF-8");
  std::map<std::string, MonthLines> months;
  std::string_view header_line;
  KFM_DET_TRY(detail::each_line(text, [&](std::string_view line, std::uint64_t number, std::string_view whole) -> det::result<void> {
    if (number == 1) {
      header_line = whole;
      return detail::check_header(line, file);
    }
    if (line.empty()) return refused(file, number, "the line is empty");
    const auto date = detail::read_date(line.substr(0, line.find(',')));
    if (!date) return refused(file, number, date.error().what());
    MonthLines& month = months[detail::month_of(date.value())];
    if (month.numbers.empty()) {
      month.bytes = header_line;
      month.numbers.push_back(1);
    }
    month.bytes += whole;
    if (!whole.ends_with('\n')) month.bytes += '\n';  // the last line of the file may move up when others follow it
    month.numbers.push_back(number);
    return det::success();
  }));
  if (months.empty()) return refused(file, 1, "there is no row behind the header");
  return months;
}

inline det::result<std::vector<Day>> read_days(std::string_view bytes, std::string_view file, const std::vector<std::uint64_t>& numbers) {
  std::map<det::Date, std::pair<Day, std::uint64_t>> days;
  KFM_DET_TRY(detail::each_line(bytes, [&](std::string_view line, std::uint64_t at, std::string_view) -> det::result<void> {
    if (at == 1) return detail::check_header(line, file);
    const std::uint64_t number = at <= numbers.size() ? numbers[at - 1] : at;
    const auto day = detail::read_day(line);
    if (!day) return refused(file, number, day.error().what());
    const auto [seen, fresh] = days.try_emplace(day.value().date, day.value(), number);
    if (!fresh) return refused(file, number, "the day " + std::string(line.substr(0, 10)) + " is there twice, first in line " + std::to_string(seen->second.second));
    return det::success();
  }));
  std::vector<Day> out;
  for (const auto& [date, day] : days) out.push_back(day.first);
  return out;
}

}  // namespace weather

#endif
