// SPDX-License-Identifier: BSL-1.0
/// \file
/// Bundle, the reading side. Strict: what is accepted is exactly what write_bundle() gives.
///
/// Laws, each with its usual bug:
///   BUNDLE-1  a bundle that was cut, edited, or added to anywhere is an error; nothing of it is given. Bug: the lines that still verify are taken.
///   BUNDLE-2  what is larger than its limits is refused before it is read. Bug: a length that is believed, a line of 10 GB.
///   BUNDLE-3  a newer format is unsupported_version, and says so. Bug: "damaged".
/// The hashes protect against accidents; who wants to forge a run must be met by signatures, which the lines still carry, and by the log. Pure functions.
#ifndef KFM_DET_WAL_BUNDLE_READER_HPP
#define KFM_DET_WAL_BUNDLE_READER_HPP

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/core/describe.hpp"
#include "kfm_det/core/json_parser.hpp"
#include "kfm_det/wal/bundle.hpp"

namespace kfm_det::wal {

struct BundleLimits {
  std::size_t bytes_max = std::size_t{256} << 20;
  std::size_t line_bytes_max = std::size_t{16} << 20;   ///< lines of a log have at most limits::line_bytes_max, unless somebody raised it
};

/// Errors: limit_exceeded; invalid_json (no bundle, cut, or something behind its end); unsupported_version; hash_mismatch (edited); as assemble_run.
[[nodiscard]] inline result<RecordedRun> read_bundle(BytesView text, const BundleLimits& limits = {}) {
  const auto bad = [](errc code, std::string what, std::string where) { return Error(code, std::move(what), std::move(where), "Extract the run again from its log, and copy the file whole."); };
  if (text.size() > limits.bytes_max) return bad(errc::limit_exceeded, "a bundle of " + std::to_string(text.size()) + " bytes; at most " + std::to_string(limits.bytes_max), "bundle");
  std::vector<BytesView> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    if (end == BytesView::npos) return bad(errc::invalid_json, "the bundle was cut: its last line has no end", "line " + std::to_string(lines.size() + 1));
    if (end - at > limits.line_bytes_max) return bad(errc::limit_exceeded, "a line of " + std::to_string(end - at) + " bytes; at most " + std::to_string(limits.line_bytes_max), "line " + std::to_string(lines.size() + 1));
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (lines.empty() || !lines.front().starts_with("{\"bundle\":{")) return bad(errc::invalid_json, "this is not a bundle of a run", "line 1");
  if (const auto json = parse_json(lines.front())) {
    const Json* bundle = json.value().find("bundle");
    const Json* format = bundle ? bundle->find("format") : nullptr;
    if (format && format->number() && *format->number() > double{bundle_format})
      return Error(errc::unsupported_version, "the bundle was written by a newer version", "line 1", "Use that version or a newer one.");
  }
  auto header = read_canonical<detail::BundleHeaderLine>(lines.front());
  if (!header) return header.error().at("line 1");
  if (header.value().bundle.format != bundle_format) return bad(errc::unsupported_version, "there is no such format of bundles", "line 1");
  const std::string last = "line " + std::to_string(lines.size());
  auto end = read_canonical<detail::BundleEndLine>(lines.back());
  if (lines.size() < 2 || !end) return bad(errc::invalid_json, "the bundle does not end with its end line: it was cut, or something was added behind it", last);
  const detail::BundleEnd& stated = end.value().end;
  const BytesView before = text.substr(0, text.size() - lines.back().size() - 1);
  if (stated.bytes != before.size() || stated.sha256 != sha256(before)) return bad(errc::hash_mismatch, "the bundle is not what its end line says: it was edited", last);
  const std::size_t inner = lines.size() - 2;
  if (stated.records > inner || stated.inputs != inner - stated.records) return bad(errc::invalid_json, "the bundle's end line counts other lines than there are", last);

  std::vector<std::string> records;
  for (std::size_t i = 1; i <= stated.records; ++i) records.emplace_back(lines[i]);
  KFM_DET_TRY(auto run, assemble_run(StreamId{header.value().bundle.stream}, header.value().bundle.run, std::move(records)));
  KFM_DET_TRY(const std::string again, write_bundle(run));   // places and inputs are what the lines say, in the one form that there is
  if (again != text) return bad(errc::invalid_json, "the bundle's head or inputs are not those of its lines", "run " + run.run.text());
  return run;
}

}  // namespace kfm_det::wal

#endif
