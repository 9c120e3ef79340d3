// SPDX-License-Identifier: BSL-1.0
/// \file
/// MonthlySummary: daily observations to monthly summaries and yearly roll-ups. The example of an updater: one plan type, two operations.
#ifndef KFM_DET_EXAMPLES_MONTHLY_SUMMARY_MONTHLY_SUMMARY_HPP
#define KFM_DET_EXAMPLES_MONTHLY_SUMMARY_MONTHLY_SUMMARY_HPP

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <kfm_det/kfm_det.hpp>

#include "csv.hpp"
#include "months_reader.hpp"
#include "summary.hpp"

namespace weather {

// [operations]
/// "seattle/2012-01", "seattle/2012": what a summary is published under.
inline det::BusinessKey key_of(const std::string& period) { return "seattle/" + period; }

inline det::result<det::Output> publish(const Summary& summary) {
  KFM_DET_TRY(auto bytes, det::canonical(summary));
  det::Json units = det::Json::object();
  for (const Column& column : columns) units.set(std::string(column.name), column.unit);
  return det::Output::publish(key_of(summary.period), std::move(bytes), det::Json::object({{"period", summary.period}, {"units", std::move(units)}}));
}

/// The days of one month, added up.
struct SummarizeMonth {
  struct Params { det::SourceRef source; std::string month; };
  static det::result<det::Output> run(const Params& params, det::StepContext& context) {
    KFM_DET_TRY(const auto text, context.read_all(params.source));   // checked against the recorded hash
    KFM_DET_TRY(const auto days, read_days(text, params.source.uri));
    Summary month{.place = "Seattle", .period = params.month};
    for (const Day& day : days) month.add(day);
    return publish(month);
  }
};
KFM_DET_DESCRIBE(SummarizeMonth::Params, source, month)

/// The months of one year, added up: what it waits for is what it reads.
struct SummarizeYear {
  struct Params { std::string year; };
  static det::result<det::Output> run(const Params& params, det::StepContext& context) {
    Summary year{.place = "Seattle", .period = params.year};
    for (const std::string& step : context.dependencies()) {
      KFM_DET_TRY(const auto bytes, context.upstream(step));
      KFM_DET_TRY(const auto month, det::read_canonical<Summary>(bytes));
      year.add(month);
    }
    return publish(year);
  }
};
KFM_DET_DESCRIBE(SummarizeYear::Params, year)
// [operations]

// [plan]
struct MonthlySummary {
  static constexpr det::UpdaterId id{"noaa-monthly-summary"};
  static constexpr det::Version version{1, 0, 0};
  static constexpr det::MissingKeys missing_keys = det::MissingKeys::retire;   // a month that leaves the file is no longer current
  using Operations = det::Operations<SummarizeMonth, SummarizeYear>;

  std::string data;   ///< path of the observations file

  /// One input for each month that the file has. Nothing else looks at the world.
  [[nodiscard]] det::result<std::vector<det::SourceRef>> inputs(det::SourceReader& reader) const {
    KFM_DET_TRY(const auto months, months_of(reader));
    std::vector<det::SourceRef> refs;
    for (const auto& [month, lines] : months)
      refs.push_back({name() + std::string(month_mark) + month, det::ContentHash{det::sha256(lines.bytes)}, {{"month", month}}});
    return refs;
  }

  /// Refuses a month with a row that is not right: nothing is published, and the error names file, line and reason.
  [[nodiscard]] det::result<void> gate(const det::SourceRef& ref, det::SourceReader& reader) const {
    KFM_DET_TRY(const auto months, months_of(reader));
    const auto found = months.find(ref.partition.at("month"));
    if (found == months.end() || det::sha256(found->second.bytes) != ref.content_hash.digest)
      return det::Error(det::errc::input_changed, "the file was changed while it was looked at", data, "Run again.").with(det::Retry::temporary);
    KFM_DET_TRY(read_days(found->second.bytes, data, found->second.numbers));
    return det::success();
  }

  /// A step for each month, and one for each year that waits for its months. A function of the inputs alone.
  static det::result<void> plan(std::span<const det::SourceRef> inputs, det::PlanBuilder<Operations>& plan) {
    std::map<std::string, std::vector<det::StepRef>> years;
    for (const det::SourceRef& input : inputs) {
      const std::string& month = input.partition.at("month");
      years[month.substr(0, 4)].push_back(plan.step<SummarizeMonth>(month, {input, month}).publishes(key_of(month)).care({"public"}));
    }
    for (const auto& [year, months] : years) plan.step<SummarizeYear>(year, {year}).after(months).publishes(key_of(year)).care({"public"});
    return det::success();
  }

  [[nodiscard]] std::string folder() const { return data.find('/') == std::string::npos ? "." : data.rfind('/') == 0 ? "/" : data.substr(0, data.rfind('/')); }
  [[nodiscard]] std::string name() const { return data.substr(data.rfind('/') + 1); }   // npos + 1 is 0

 private:
  [[nodiscard]] det::result<std::map<std::string, MonthLines>> months_of(det::SourceReader& reader) const {
    KFM_DET_TRY(const auto text, reader.read_all(name()));
    return split_months(text, data);
  }
};
// [plan]

}  // namespace weather

#endif
