// SPDX-License-Identifier: BSL-1.0
/// \file
/// Bundle, the writing side: one run in one file, to be looked at and replayed elsewhere (docs/formats/bundle.md).
///
///   {"bundle":{"begin":H,"end":H,"format":1,"run":"<uuid>","stream":"<stream id>"}}       H = {"hash":"<hex>","incarnation":K,"lsn":N}
///   {"body":...,"hash":"<hex>"}                                                           the run's lines, as they were sealed
///   {"input":{"content_hash":"<hex>","partition":{...},"uri":"..."}}                      the run's inputs, in the order of its plan
///   {"end":{"bytes":B,"inputs":I,"records":R,"sha256":"<hex>"}}                           of all that is before this line
///
/// JSON Lines, each line RFC 8785 and ended by one LF. Self-contained: what is missing are the inputs' bytes, which their hashes name. Pure functions.
#ifndef KFM_DET_WAL_BUNDLE_HPP
#define KFM_DET_WAL_BUNDLE_HPP

#include <cstdint>
#include <string>
#include <string_view>

#include "kfm_det/core/describe.hpp"
#include "kfm_det/wal/recorded_run.hpp"

namespace kfm_det::wal {

inline constexpr std::uint32_t bundle_format = 1;

namespace detail {

struct BundlePlace {
  Digest hash;
  Incarnation incarnation = 0;
  Lsn lsn = 0;
};
struct BundleHeader {
  BundlePlace begin, end;
  std::uint32_t format = bundle_format;
  RunId run;
  std::string stream;
};
struct BundleEnd {
  std::uint64_t bytes = 0, inputs = 0, records = 0;
  Digest sha256;
};
struct BundleHeaderLine { BundleHeader bundle; };
struct BundleInputLine { SourceRef input; };
struct BundleEndLine { BundleEnd end; };
KFM_DET_DESCRIBE(BundlePlace, hash, incarnation, lsn)
KFM_DET_DESCRIBE(BundleHeader, begin, end, format, run, stream)
KFM_DET_DESCRIBE(BundleEnd, bytes, inputs, records, sha256)
KFM_DET_DESCRIBE(BundleHeaderLine, bundle)
KFM_DET_DESCRIBE(BundleInputLine, input)
KFM_DET_DESCRIBE(BundleEndLine, end)

}  // namespace detail

/// The whole file. Errors: invalid_json for what cannot be written (it never came from a log).
[[nodiscard]] inline result<std::string> write_bundle(const RecordedRun& run) {
  const auto place = [](const Head& head) { return detail::BundlePlace{head.hash, head.incarnation, head.lsn}; };
  std::string out;
  KFM_DET_TRY(append_canonical(out, detail::BundleHeaderLine{{place(run.begin), place(run.end), bundle_format, run.run, run.stream.text}}));
  out += '\n';
  for (const RecordedLine& line : run.lines) {
    out += line.text;
    out += '\n';
  }
  for (const SourceRef& ref : run.inputs) {
    KFM_DET_TRY(append_canonical(out, detail::BundleInputLine{ref}));
    out += '\n';
  }
  const detail::BundleEnd end{out.size(), run.inputs.size(), run.lines.size(), sha256(out)};
  KFM_DET_TRY(append_canonical(out, detail::BundleEndLine{end}));
  out += '\n';
  return out;
}

}  // namespace kfm_det::wal

#endif
