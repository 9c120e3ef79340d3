// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/time.hpp"

#include <limits>
#include <string>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace det = kfm_det;

namespace {
constexpr std::int64_t int64_min = std::numeric_limits<std::int64_t>::min(), int64_max = std::numeric_limits<std::int64_t>::max();
}

TEST_CASE("a duration saturates instead of wrapping", "[core][time]") {
  static_assert(det::milliseconds(1500) == det::nanoseconds(1'500'000'000));
  static_assert(det::seconds(2) - det::milliseconds(500) == det::milliseconds(1500));
  static_assert(det::milliseconds(-1999).ms() == -1999 && det::nanoseconds(-1'999'999).ms() == -1);
  CHECK(det::seconds(int64_max).ns == int64_max);
  CHECK(det::seconds(int64_min).ns == int64_min);
  CHECK((det::nanoseconds(int64_max) + det::nanoseconds(1)).ns == int64_max);
  CHECK((det::nanoseconds(int64_min) + det::nanoseconds(-1)).ns == int64_min);
  CHECK((det::nanoseconds(int64_min) - det::nanoseconds(1)).ns == int64_min);
  CHECK((det::nanoseconds(0) - det::nanoseconds(int64_min)).ns == int64_max);
  CHECK((det::Instant{int64_max} + det::seconds(1)).ns == int64_max);
  CHECK(det::Instant{5} - det::Instant{7} == det::nanoseconds(-2));
}

TEST_CASE("an instant has one text, which sorts as it does", "[core][time]") {
  CHECK(det::Instant{0}.to_rfc3339() == "1970-01-01T00:00:00.000000000Z");
  CHECK(det::Instant{-1}.to_rfc3339() == "1969-12-31T23:59:59.999999999Z");
  CHECK(det::Instant{951'782'400'000'000'000}.to_rfc3339() == "2000-02-29T00:00:00.000000000Z");
  CHECK(det::Instant{int64_max}.to_rfc3339() == "2262-04-11T23:47:16.854775807Z");
  CHECK(det::Instant{int64_min}.to_rfc3339() == "1677-09-21T00:12:43.145224192Z");
  CHECK(rc::check([](std::int64_t a, std::int64_t b) {
    const det::Instant x{a}, y{b};
    RC_ASSERT(det::Instant::parse(x.to_rfc3339()).value() == x);
    RC_ASSERT((x < y) == (x.to_rfc3339() < y.to_rfc3339()));
  }));
  for (const std::int64_t edge : {int64_min, int64_min + 1, int64_max, int64_max - 1, std::int64_t{-1}, std::int64_t{-1'000'000'000}})
    CHECK(det::Instant::parse(det::Instant{edge}.to_rfc3339()).value().ns == edge);
}

TEST_CASE("an instant is read with none to nine fractional digits", "[core][time]") {
  const auto ns = [](const char* text) { return det::Instant::parse(text).value().ns; };
  CHECK(ns("1970-01-01T00:00:01Z") == 1'000'000'000);
  CHECK(ns("1970-01-01T00:00:01+00:00") == 1'000'000'000);
  CHECK(ns("1970-01-01T00:00:00.5Z") == 500'000'000);
  CHECK(ns("1970-01-01T00:00:00.000000001Z") == 1);
  CHECK(ns("1969-12-31T23:59:59.25Z") == -750'000'000);
  CHECK(ns("2012-02-29T12:34:56Z") == 1'330'518'896'000'000'000);
}

TEST_CASE("what is not an instant in UTC is refused", "[core][time]") {
  const char* const wrong[] = {
      "", "1970", "1970-01-01", "1970-01-01T00:00Z", "1970-01-01 00:00:00Z", "1970-01-01t00:00:00Z", "1970-01-01T00:00:00z", "1970-01-01T00:00:00",
      "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00.0000000001Z", "1970-01-01T00:00:00+01:00", "1970-01-01T00:00:00-00:00", "1970-01-01T00:00:00+0000",
      "1970-01-01T00:00:00Zx", " 1970-01-01T00:00:00Z", "1970-13-01T00:00:00Z", "1970-00-01T00:00:00Z", "1970-01-00T00:00:00Z", "1970-01-32T00:00:00Z",
      "1970-04-31T00:00:00Z", "2011-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z", "1970-01-01T00:00:61Z",
      "1972-06-30T23:59:60Z", "+1970-01-01T00:00:00Z", "1970-1-1T00:00:00Z", "1970-01-01T00:00:0\xC2\xB9Z",
  };
  for (const char* const text : wrong) {
    INFO(text);
    const auto read = det::Instant::parse(text);
    REQUIRE(!read);
    CHECK(read.error().code() == det::errc::invalid_argument);
  }
  CHECK(det::Instant::parse("1970-01-01T00:0a:00Z").error().where() == "byte 15");
  CHECK(det::Instant::parse("1972-06-30T23:59:60Z").error().what() == "leap seconds have no place in POSIX time");
}

TEST_CASE("an instant outside of the range says so", "[core][time]") {
  for (const char* const text : {"0000-01-01T00:00:00Z", "1677-09-21T00:12:43.145224191Z", "2262-04-11T23:47:16.854775808Z", "2262-04-11T23:47:17Z", "9999-12-31T23:59:59Z"}) {
    INFO(text);
    CHECK(det::Instant::parse(text).error().code() == det::errc::limit_exceeded);
  }
}

TEST_CASE("dates and day numbers are the same calendar", "[core][time]") {
  static_assert(det::days_from_civil({1970, 1, 1}) == 0 && det::days_from_civil({2000, 3, 1}) == 11'017 && det::days_from_civil({1969, 12, 31}) == -1);
  static_assert(det::civil_from_days(19'782) == det::Date{2024, 2, 29});
  static_assert(det::valid(det::Date{2000, 2, 29}) && !det::valid(det::Date{1900, 2, 29}) && !det::valid(det::Date{2024, 0, 1}) && !det::valid(det::Date{2024, 1, 0}) && !det::valid(det::Date{10000, 1, 1}));
  std::int64_t expected = det::days_from_civil({0, 1, 1});
  for (int year = 0; year <= 2400; ++year)
    for (unsigned month = 1; month <= 12; ++month)
      for (unsigned day = 1; day <= det::days_in_month(year, month); ++day, ++expected) {
        if (det::days_from_civil({year, month, day}) != expected || det::civil_from_days(expected) != det::Date{year, month, day}) FAIL(year << '-' << month << '-' << day);
      }
  CHECK(det::days_in_month(2024, 2) == 29);
  CHECK(det::days_in_month(2024, 13) == 0);
  CHECK(det::date_of(det::Instant{-1}) == det::Date{1969, 12, 31});
  CHECK(det::date_of(det::Instant{0}) == det::Date{1970, 1, 1});
}
