// SPDX-License-Identifier: BSL-1.0
/// \file
/// SINK on the command line: which backend, and where. So far `sqlite:FILE`.
#ifndef KFM_DET_TOOLS_KFM_DET_SINK_ARGUMENT_HPP
#define KFM_DET_TOOLS_KFM_DET_SINK_ARGUMENT_HPP

#include <string>

#include <kfm_det/adapters/sqlite.hpp>

namespace kfm_det::tool {

/// Errors: invalid_argument for another backend, not_found for a file that is not there (nothing is made), and as SqliteSink::open.
[[nodiscard]] inline result<SqliteSink> open_sink(const std::string& text, bool read_only) {
  constexpr std::string_view sqlite = "sqlite:";
  if (!text.starts_with(sqlite) || text.size() == sqlite.size()) return Error(errc::invalid_argument, "this is no sink that the tool knows", text, "Give sqlite:FILE, the updater's database");
  const std::string path = text.substr(sqlite.size());
  {
    auto looked = SqliteSink::open(path, {.read_only = true});
    if (read_only) return looked;
    if (!looked && looked.error().code() == errc::not_found) return looked;   // nothing is made
  }   // closed: SQLite shares its index within a process, and one that may not be written would stay so. What else was wrong, whoever writes mends or tells
  return SqliteSink::open(path);
}

}  // namespace kfm_det::tool

#endif
