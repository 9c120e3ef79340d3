// SPDX-License-Identifier: BSL-1.0
/// \file
/// The exit codes of kfm-det: the library's classes (kfm_det::exit_code), and two that only a tool meets. docs/exit-codes.md and the man page say the same;
/// a test compares them. Pure functions.
#ifndef KFM_DET_TOOLS_KFM_DET_EXIT_CODES_HPP
#define KFM_DET_TOOLS_KFM_DET_EXIT_CODES_HPP

#include <array>
#include <string_view>

#include <kfm_det/updater/report.hpp>

namespace kfm_det::tool {

namespace exit_code {
inline constexpr int done = 0;
inline constexpr int usage = 2;
inline constexpr int not_there = 10;
}  // namespace exit_code

struct ExitCode {
  int code;
  std::string_view meaning;
};
/// For --help and the man page.
inline constexpr std::array exit_codes{
    ExitCode{0, "done; the log can be trusted as far as this command looks"},
    ExitCode{1, "another error; read the sentence"},
    ExitCode{2, "wrong arguments, or what was named is no log"},
    ExitCode{4, "somebody else works on the scope: wait"},
    ExitCode{5, "somebody else went on: nothing to do"},
    ExitCode{6, "a verdict on the log or the sink, or a finding; nothing was changed"},
    ExitCode{7, "the run ended without committing, or stands in the way"},
    ExitCode{8, "the world: no permission, no space, an error of the disk, a program that is not installed"},
    ExitCode{9, "a graceful stop: start again"},
    ExitCode{10, "what was named is not there: a folder, a run, a key"},
};

[[nodiscard]] constexpr int exit_code_of(errc code) noexcept { return code == errc::not_found ? exit_code::not_there : kfm_det::exit_code(code); }

}  // namespace kfm_det::tool

#endif
