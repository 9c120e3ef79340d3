// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a test starts and kills: publishes wave after wave of three effects, and says of each that was acknowledged its number, on standard output.
/// usage: sqlite_writer_program FILE FIRST
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <unistd.h>

#include "kfm_det/adapters/sqlite.hpp"
#include "waves.hpp"  // beside it: a program is compiled without the project's folder

int main(int argc, char** argv) {
  using namespace kfm_det;
  if (argc != 3) return 2;
  auto sink = SqliteSink::open(argv[1], {.busy_timeout_ms = 60000, .checkpoint_pages = 8});
  if (!sink) return 3;
  for (std::uint64_t wave = std::strtoull(argv[2], nullptr, 10);; ++wave) {
    const auto batch = test::wave_of(wave);
    if (!sink.value().upsert(test::wave_tenure(), test::wave_head(wave), batch)) return 4;
    if (wave % 4 == 0)
      if (!sink.value().withdraw(test::wave_tenure(), test::wave_head(wave), test::wave_back(wave))) return 5;
    if (::write(STDOUT_FILENO, &wave, sizeof wave) != static_cast<ssize_t>(sizeof wave)) return 6;
  }
}
