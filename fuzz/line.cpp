// SPDX-License-Identifier: BSL-1.0
// One line of a log: read_line, read_record, Replay. Whatever the bytes are, the answer is a value; what is accepted is what would have been written.
#include <string>
#include <string_view>

#include "fuzz/check.hpp"
#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/core/typed_writer.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/replay.hpp"

namespace {
using namespace kfm_det;

void look_at(std::string_view text) {
  const wal::Line line = wal::read_line(text);
  if (line.kind == wal::LineKind::mark) FUZZ_CHECK(!line.stream.empty() || text.find("\"stream\":\"\"") != std::string_view::npos);
  if (line.kind != wal::LineKind::frame) return;
  FUZZ_CHECK(line.lsn != 0 && line.group_index < line.group_count);
  FUZZ_CHECK(line.record.data() >= text.data() && line.record.data() + line.record.size() <= text.data() + text.size());
  const auto record = wal::read_record(line);
  if (!record) {
    FUZZ_CHECK(record.error().code() == errc::unsupported_version && !record.error().remedy().empty());
    return;
  }
  FUZZ_CHECK(canonical(record.value()).value() == line.record);
  (void)wal::head_of(record.value(), StreamId{std::string(line.stream)});
  wal::Replay replay;
  const auto applied = replay.apply(line, record.value());
  FUZZ_CHECK(applied || applied.error().code() == errc::corrupt_committed || applied.error().code() == errc::unsupported_version);
  if (applied) (void)replay.apply(line, record.value());   // twice cannot be, and must not hurt
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  look_at(text);
  std::string sealed = text;
  (void)fuzz::reseal(sealed, nullptr);
  look_at(sealed);
  return 0;
}
