// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the fuzz targets share: a check that stops the fuzzer, and lines whose seals are made right again.
///
/// A changed byte breaks a line's hash, and everything behind the hash would never be reached. So the targets look at their input twice: as it is, and
/// resealed, as an adversary who can hash would write it.
#ifndef KFM_DET_FUZZ_CHECK_HPP
#define KFM_DET_FUZZ_CHECK_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/wal/envelope.hpp"

// NOLINTNEXTLINE: a macro, so that the line of the check is named
#define FUZZ_CHECK(...) ((__VA_ARGS__) ? void() : ::kfm_det::fuzz::broken(#__VA_ARGS__, __FILE__, __LINE__))

namespace kfm_det::fuzz {

[[noreturn]] inline void broken(const char* what, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: a promise is broken: %s\n", file, line, what);
  std::abort();
}

/// Puts `digest` over the 64 characters behind `at`.
inline void write_over(std::string& text, std::size_t at, const Digest& digest) { text.replace(at, 64, digest.hex()); }

/// The line with a seal that verifies, if it has the outer shape of one; `link`, when it is given, becomes its `prev`. Answers the line hash of a frame, zeros else.
inline Digest reseal(std::string& line, const Digest* link) {
  struct Shape { std::string_view head, seal, domain; };
  for (const Shape& shape : {Shape{"{\"body\":", ",\"hash\":\"", wal::frame_domain}, Shape{"{\"mark\":", ",\"sum\":\"", wal::mark_domain}}) {
    const std::size_t seal = line.rfind(shape.seal), place = seal + shape.seal.size();
    if (!line.starts_with(shape.head) || seal == std::string::npos || seal < shape.head.size() || line.size() < place + 66) continue;
    if (const std::size_t prev = line.find(",\"prev\":\""); link && shape.domain == wal::frame_domain && prev != std::string::npos && prev + 9 + 64 <= seal) write_over(line, prev + 9, *link);
    write_over(line, place, domain_digest(shape.domain, BytesView(line).substr(shape.head.size(), seal - shape.head.size())));
    return shape.domain == wal::frame_domain ? domain_digest(wal::line_domain, BytesView(line).substr(seal)) : Digest{};
  }
  return Digest{};
}

/// Every line of a text, resealed; `chained`: each frame linked to the one before it.
inline std::string reseal_lines(std::string_view text, bool chained, Digest& link) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line(text.substr(at, end - at));
    const Digest hash = reseal(line, chained ? &link : nullptr);
    if (hash != Digest{}) link = hash;
    out += line;
    if (end < text.size()) out += '\n';
    at = end + 1;
  }
  return out;
}

}  // namespace kfm_det::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

#endif
