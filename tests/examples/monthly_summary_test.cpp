// SPDX-License-Identifier: BSL-1.0
// The parts of the example: the strict reader of observations, summaries that add up exactly, the plan.
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "examples/monthly_summary/monthly_summary.hpp"
#include "tests/files/scratch.hpp"

using namespace weather;
using kfm_det::tests::good;

namespace {

const std::string head = std::string(header) + "\n";

/// The reason and the place that a file is refused with, by inputs() and gate() as the updater calls them; "" when it passes.
std::string refusal(const std::string& text) {
  det::MemorySourceReader memory;
  memory.put("w.csv", text);
  det::SourceReaderView reader(memory);
  const MonthlySummary plan{"in/w.csv"};
  const auto refs = plan.inputs(reader);
  const auto say = [](const det::Error& error) {
    CHECK(error.code() == det::errc::gate_rejected);
    CHECK(error.retry() == det::Retry::permanent);
    CHECK_FALSE(error.remedy().empty());
    return error.where() + " " + error.what();
  };
  if (!refs) return say(refs.error());
  for (const auto& ref : refs.value())
    if (const auto passed = plan.gate(ref, reader); !passed) return say(passed.error());
  return "";
}

Summary sum_of(const std::string& rows, const std::string& period) {
  Summary out{.place = "Seattle", .period = period};
  for (const Day& day : good(read_days(head + rows, "w.csv"))) out.add(day);
  return out;
}

}  // namespace

TEST_CASE("a file that is right passes the gate, however it is written") {
  const std::string a = "2012/02/29,0.0,12.8,5.0,4.7,drizzle", b = "2012/03/01,10.9,-1,-2.8,4.5,snow";
  CHECK(refusal(head + a + "\n" + b + "\n") == "");
  CHECK(refusal(head + b + "\n" + a + "\n") == "");                              // any order
  CHECK(refusal(head + a + "\n" + b) == "");                                     // no newline at the end
  CHECK(refusal(std::string(header) + "\r\n" + a + "\r\n" + b + "\r\n") == "");  // CRLF
  CHECK(refusal(head + "2000/02/29,0,0,-0.0,0,sun\n") == "");
}

TEST_CASE("a file that is not right is refused with file, line and reason") {
  const std::string first = "2012/01/01,0.0,12.8,5.0,4.7,drizzle\n";
  const auto row = [&](const std::string& bad) { return refusal(head + first + bad + "\n2012/01/03,0.8,11.7,7.2,2.3,rain\n"); };

  CHECK(row("2012/01/02,0.0,,5.0,4.7,sun") == "in/w.csv:3 temp_max is missing");
  CHECK(row("2012/01/02,,1.0,0.0,4.7,sun") == "in/w.csv:3 precipitation is missing");
  CHECK(row("2012/01/02,0.0,1.0,0.0,4.7,") == "in/w.csv:3 weather is missing");
  CHECK(row(",0.0,1.0,0.0,4.7,sun") == "in/w.csv:3 date is missing");
  CHECK(row("2012/01/02,0.0,1.0,0.0,sun") == "in/w.csv:3 the row has 5 fields instead of 6");
  CHECK(row("2012/01/02,0.0,1.0,0.0,1.0,sun,") == "in/w.csv:3 the row has 7 fields instead of 6");
  CHECK(row("2012/01/02") == "in/w.csv:3 the row has 1 fields instead of 6");
  CHECK(row("") == "in/w.csv:3 the line is empty");
  CHECK(row("\r") == "in/w.csv:3 the line is empty");

  CHECK(row("2012/01/02,0.0,warm,0.0,1.0,sun") == "in/w.csv:3 temp_max is not a number: 'warm'");
  for (const std::string bad : {"1.", ".5", "-", "+1.0", "1e2", " 1.0", "1.0 ", "0x1", "--1", "\"1.0\"", "1.0.0", "\xd9\xa1"})
    CHECK(row("2012/01/02,0.0,40.0,0.0," + bad + ",sun") == "in/w.csv:3 wind is not a number: '" + bad + "'");
  for (const std::string bad : {"nan", "NaN", "-nan", "inf", "-Infinity", "+INF"}) CHECK(row("2012/01/02," + bad + ",1.0,0.0,1.0,sun") == "in/w.csv:3 precipitation is not a finite number: '" + bad + "'");
  CHECK(row("2012/01/02,0.0,12.85,0.0,1.0,sun") == "in/w.csv:3 temp_max is finer than a tenth: '12.85'");
  CHECK(row("2012/01/02,-0.1,1.0,0.0,1.0,sun") == "in/w.csv:3 precipitation is out of range: '-0.1', not 0 to 2000 mm");
  CHECK(row("2012/01/02,0.0,99.0,0.0,1.0,sun") == "in/w.csv:3 temp_max is out of range: '99.0', not -90 to 60 degC");
  CHECK(row("2012/01/02,99999999999999999999999999.0,1.0,0.0,1.0,sun") == "in/w.csv:3 precipitation is out of range: '99999999999999999999999999.0', not 0 to 2000 mm");
  CHECK(row("2012/01/02,0.0,1.0,1.1,1.0,sun") == "in/w.csv:3 temp_min is above temp_max: '1.1' and '1.0'");
  CHECK(row("2012/01/02,0.0,1.0,0.0,1.0,hail") == "in/w.csv:3 weather is none of drizzle, fog, rain, snow, sun: 'hail'");
  CHECK(row("2012/01/02,0.0,1.0,0.0,1.0,sun\r\r") == "in/w.csv:3 weather is none of drizzle, fog, rain, snow, sun: 'sun?'");

  for (const std::string bad : {"2012/02/30", "2013/02/29", "1900/02/29", "2012/00/01", "2012/13/01", "2012/04/31", "2012/01/00"})
    CHECK(row(bad + ",0.0,1.0,0.0,1.0,sun") == "in/w.csv:3 date does not exist: '" + bad + "'");
  for (const std::string bad : {"2012-01-02", "2012/1/2", "20120102", "2012/01/2x", "12/01/2012", "2012/01/022", "-012/01/02"})
    CHECK(row(bad + ",0.0,1.0,0.0,1.0,sun") == "in/w.csv:3 date is not written YYYY/MM/DD: '" + bad + "'");
  CHECK(row("2012/01/01,0.0,1.0,0.0,1.0,sun") == "in/w.csv:3 the day 2012/01/01 is there twice, first in line 2");

  // The line is counted in the file, not in its month.
  CHECK(refusal(head + "2012/02/01,0,0,0,0,sun\n" + first + "2012/02/02,0,0,0,0,sun\n2012/02/01,0,0,0,0,sun\n") == "in/w.csv:5 the day 2012/02/01 is there twice, first in line 2");
  CHECK(refusal(head + "2012/02/01,0,0,0,0,sun\r\n" + first + "2012/02/02,0,0,0,0,rainy") == "in/w.csv:4 weather is none of drizzle, fog, rain, snow, sun: 'rainy'");

  CHECK(refusal("") == "in/w.csv:1 the file is empty");
  CHECK(refusal(head) == "in/w.csv:1 there is no row behind the header");
  CHECK(refusal(std::string(header)) == "in/w.csv:1 there is no row behind the header");
  CHECK(refusal(first) == "in/w.csv:1 the header is '2012/01/01,0.0,12.8,5.0,4.7,drizzle', not 'date,precipitation,temp_max,temp_min,wind,weather'");
  CHECK(refusal("\xef\xbb\xbf" + head + first) == "in/w.csv:1 the file begins with a byte order mark");
  CHECK(refusal("date,precipitation,temp_max,temp_min,wind\n" + first) == "in/w.csv:1 the header is 'date,precipitation,temp_max,temp_min,win...', not 'date,precipitation,temp_max,temp_min,wind,weather'");
  CHECK(row("2012/01/02,0.0,1.0,0.0,1.0,s\xffn") == "in/w.csv:3 the text is not UTF-8");
  CHECK(refusal(std::string("\0", 1)) == "in/w.csv:1 the header is '?', not 'date,precipitation,temp_max,temp_min,wind,weather'");
}

TEST_CASE("no bytes make the reader crash, and what passes has a number for every day") {
  // Every single-byte damage of a small file: it passes or is refused, and the same way each time.
  const std::string file = head + "2012/01/01,0.0,12.8,5.0,4.7,drizzle\n2012/02/01,10.9,10.6,2.8,4.5,rain\n";
  std::size_t passed = 0;
  for (std::size_t at = 0; at < file.size(); ++at)
    for (const char c : {'\0', '\n', '\r', ',', '-', '.', '/', '0', '9', 'x', '\x7f', '\xc3', '\xff'}) {
      std::string damaged = file;
      damaged[at] = c;
      const std::string said = refusal(damaged);
      if (said.empty()) ++passed;
      else CHECK(said.starts_with("in/w.csv:"));
      refusal(file.substr(0, at));
    }
  CHECK(passed > 50);   // a digit for a digit, mostly
}

TEST_CASE("summaries count in integers: a year is the same however its days were added") {
  const std::string january = "2012/01/01,0.1,12.8,5.0,4.7,drizzle\n2012/01/02,0.2,-10.6,-12.8,4.5,rain\n2012/01/03,0.4,0.0,-0.1,0.4,rain\n", february = "2012/02/01,9.9,3.3,3.3,1.1,sun\n";
  Summary by_months{.place = "Seattle", .period = "2012"}, backwards = by_months;
  by_months.add(sum_of(january, "2012-01"));
  by_months.add(sum_of(february, "2012-02"));
  backwards.add(sum_of(february, "2012-02"));
  backwards.add(sum_of(january, "2012-01"));
  const std::string text = good(det::canonical(by_months));
  CHECK(text == good(det::canonical(backwards)));
  CHECK(text == good(det::canonical(sum_of(february + january, "2012"))));
  CHECK(text ==
        R"({"days":4,"period":"2012","place":"Seattle","precipitation":{"days":4,"maximum":9.9,"mean":2.65,"minimum":0.1,"sum_tenths":106,"total":10.6},)"
        R"("temp_max":{"days":4,"maximum":12.8,"mean":1.38,"minimum":-10.6,"sum_tenths":55},"temp_min":{"days":4,"maximum":5,"mean":-1.15,"minimum":-12.8,"sum_tenths":-46},)"
        R"("weather":{"drizzle":1,"rain":2,"sun":1},"wind":{"days":4,"maximum":4.7,"mean":2.68,"minimum":0.4,"sum_tenths":107}})");
  CHECK(good(det::canonical(good(det::read_canonical<Summary>(text)))) == text);
}

TEST_CASE("means are rounded half away from zero") {
  CHECK(mean(1, 4).units == 3);     // 0.025
  CHECK(mean(-1, 4).units == -3);
  CHECK(mean(1, 3).units == 3);     // 0.0333
  CHECK(mean(2, 3).units == 7);
  CHECK(mean(-2, 3).units == -7);
  CHECK(mean(0, 7).units == 0);
  CHECK(mean(125, 1).units == 1250);
}

TEST_CASE("decimals travel as numbers with as many decimals as they have") {
  for (std::int64_t units = -2000; units <= 20000; ++units) {
    const std::string text = good(det::canonical(Tenths{units}));
    if (good(det::read_canonical<Tenths>(text)).units != units) FAIL(text);
    if (text.size() > 2 && text.find('.') != std::string::npos && text.size() - text.find('.') != 2) FAIL(text);
    if (good(det::read_canonical<Hundredths>(good(det::canonical(Hundredths{units})))).units != units) FAIL(units);
  }
  CHECK_FALSE(det::read_canonical<Tenths>("0.25"));
  CHECK_FALSE(det::read_canonical<Tenths>("1e+30"));
  CHECK_FALSE(det::read_canonical<Tenths>("\"1\""));
}

TEST_CASE("inputs are the months, and only a month whose lines changed has another hash") {
  const auto inputs = [](const std::string& text) {
    det::MemorySourceReader memory;
    memory.put("w.csv", text);
    det::SourceReaderView reader(memory);
    return good(MonthlySummary{"w.csv"}.inputs(reader));
  };
  const std::string a = "2012/01/01,0,0,0,0,sun\n", b = "2012/02/01,0,0,0,0,sun\n", c = "2013/02/01,0,0,0,0,sun\n";
  const auto before = inputs(head + a + b + c), after = inputs(head + a + "2012/02/01,0,0.1,0,0,sun\n" + c);
  REQUIRE(before.size() == 3);
  CHECK(before[0].uri == "w.csv#month=2012-01");
  CHECK(before[0].partition == std::map<std::string, std::string>{{"month", "2012-01"}});
  CHECK(before[0].content_hash.digest == det::sha256(head + a));
  CHECK(before[0] == after[0]);
  CHECK(before[1].content_hash != after[1].content_hash);
  CHECK(before[2] == after[2]);
  CHECK(inputs(head + c + b + a) == before);                                       // rows of other months move
  CHECK(inputs((head + a + b + c).substr(0, (head + a + b + c).size() - 1)) == before);   // the last newline

  SECTION("the plan has a step for each month and each year, and is a function of the set") {
    auto shuffled = before;
    std::reverse(shuffled.begin(), shuffled.end());
    const auto plan = good(det::build_plan<MonthlySummary>(before));
    CHECK(plan.hash() == good(det::build_plan<MonthlySummary>(shuffled)).hash());
    REQUIRE(plan.steps().size() == 5);
    const det::Step* year = plan.find("2012");
    REQUIRE(year != nullptr);
    CHECK(year->after == std::vector<std::string>{"2012-01", "2012-02"});
    CHECK(year->publishes == det::BusinessKey("seattle/2012"));
    CHECK(year->operation == "SummarizeYear");
    CHECK(plan.find("2013")->after == std::vector<std::string>{"2013-02"});
  }
}

TEST_CASE("a month is a source of its own: its bytes hash to what its ref says") {
  const det::tests::Scratch scratch(true);
  const std::string text = head + "2012/01/01,0,0,0,0,sun\n2012/02/01,0,0,0,0,sun\n2012/01/02,0,0,0,0,fog";
  std::ofstream(scratch / "w.csv", std::ios::binary) << text;
  MonthsReader months{scratch.path()};
  det::SourceReaderView reader(months);
  CHECK(good(reader.read_all("w.csv")) == text);
  CHECK(good(reader.read_all("w.csv#month=2012-01")) == head + "2012/01/01,0,0,0,0,sun\n2012/01/02,0,0,0,0,fog\n");
  for (const auto& ref : good(MonthlySummary{scratch / "w.csv"}.inputs(reader))) CHECK(good(reader.describe(ref.uri)).content_hash == ref.content_hash);
  CHECK(det::tests::bad(reader.open("w.csv#month=2012-03")) == det::errc::not_found);
  CHECK(det::tests::bad(reader.open("other.csv")) == det::errc::not_found);
  CHECK(det::tests::bad(reader.open("other.csv#month=2012-01")) == det::errc::not_found);
}
