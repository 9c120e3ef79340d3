// SPDX-License-Identifier: BSL-1.0
/// \file
/// MonthsReader: a source reader that gives one month of a file as a source of its own: "seattle-weather.csv#month=2012-01".
///
/// So a run records one input for each month, and a changed day changes one of them. A uri is a file's name within `folder`: what is summarised
/// depends on what is in the file, not on where it lies. Thread-safety: no state, any thread; one Source by one thread.
#ifndef KFM_DET_EXAMPLES_MONTHLY_SUMMARY_MONTHS_READER_HPP
#define KFM_DET_EXAMPLES_MONTHLY_SUMMARY_MONTHS_READER_HPP

#include <cstring>
#include <span>
#include <string>
#include <utility>

#include <kfm_det/contracts/source_reader.hpp>
#include <kfm_det/files/file_source_reader.hpp>

#include "csv.hpp"

namespace weather {

inline constexpr std::string_view month_mark = "#month=";

struct MonthsReader {
  std::string folder = ".";

  class Source {
   public:
    explicit Source(det::Bytes bytes) : bytes_(std::move(bytes)) {}
    [[nodiscard]] det::result<std::size_t> read(std::span<char> into) {
      const std::size_t take = std::min(into.size(), bytes_.size() - at_);
      if (take != 0) std::memcpy(into.data(), bytes_.data() + at_, take);
      at_ += take;
      return take;
    }

   private:
    det::Bytes bytes_;
    std::size_t at_ = 0;
  };

  [[nodiscard]] det::result<det::SourceRef> describe(const std::string& uri) const {
    KFM_DET_TRY(const det::Bytes bytes, bytes_of(uri));
    return det::SourceRef{uri, det::ContentHash{det::sha256(bytes)}, {}};
  }
  /// Errors: those of FileSourceReader; gate_rejected for a file that cannot be cut into months; not_found for a month that has no row.
  [[nodiscard]] det::result<Source> open(const std::string& uri) const {
    KFM_DET_TRY(det::Bytes bytes, bytes_of(uri));
    return Source(std::move(bytes));
  }

 private:
  [[nodiscard]] det::result<det::Bytes> bytes_of(const std::string& uri) const {
    const std::size_t mark = uri.rfind(month_mark);
    const std::string path = folder + "/" + uri.substr(0, mark);
    det::FileSourceReader files;
    det::SourceReaderView view(files);
    KFM_DET_TRY(det::Bytes text, view.read_all(path));
    if (mark == std::string::npos) return text;
    KFM_DET_TRY(auto months, split_months(text, path));
    const auto month = months.find(uri.substr(mark + month_mark.size()));
    if (month == months.end()) return det::Error(det::errc::not_found, "the file has no row of this month", uri, "Run again: the month is retired.");
    return std::move(month->second.bytes);
  }
};
static_assert(det::diagnose_source_reader<MonthsReader>());

}  // namespace weather

#endif
