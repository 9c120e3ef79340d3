// SPDX-License-Identifier: BSL-1.0
/// \file
/// Another program as a filter: text goes in, text comes out. No shell is involved. Thread-safety: one thread.
#ifndef KFM_DET_TOOLS_KFM_DET_SUBPROCESS_HPP
#define KFM_DET_TOOLS_KFM_DET_SUBPROCESS_HPP

#include <string>
#include <vector>

#include <kfm_det/core/result.hpp>

namespace kfm_det::tool {

/// What `words[0]` (looked for in PATH) writes to stdout when it is given `input`. Its stderr is ours.
/// Errors: unavailable (there is no such program; `package` names where it comes from), io_error (it failed).
[[nodiscard]] result<std::string> filtered(const std::vector<std::string>& words, const std::string& input, const std::string& package);

}  // namespace kfm_det::tool

#endif
