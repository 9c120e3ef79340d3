// SPDX-License-Identifier: BSL-1.0
// A stream's folder with any bytes in its segments: FileStore's inspect, scan, replay and recover. Looking changes no byte and finds what recovering finds;
// what a tenure begins on is what the next one finds.
//
// The input: a line "N", "R" or "C" (as it is, resealed, resealed and chained), then segments: a line "@@ ORDINAL FIRST" and the bytes up to the next such line.
#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/check.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/replay.hpp"

namespace {
using namespace kfm_det;
using simulate::Disk;

std::uint64_t eat_number(std::string_view& text) {
  std::uint64_t value = 0;
  while (text.starts_with(' ')) text.remove_prefix(1);
  text.remove_prefix(static_cast<std::size_t>(std::from_chars(text.data(), text.data() + text.size(), value).ptr - text.data()));
  return value;
}

void plant(const Disk& disk, const std::string& folder, std::string_view input) {
  const bool sealed = input.starts_with("R\n"), chained = input.starts_with("C\n");
  if (sealed || chained || input.starts_with("N\n")) input.remove_prefix(2);
  Digest link;
  while (!input.empty()) {
    std::uint64_t ordinal = 1, first = 1;
    if (input.starts_with("@@ ")) {
      input.remove_prefix(3);
      ordinal = eat_number(input);
      first = std::max<std::uint64_t>(eat_number(input), 1);
      input.remove_prefix(std::min(input.find('\n'), input.size() - 1) + (input.empty() ? 0 : 1));
    }
    const std::size_t next = input.find("\n@@ "), size = next == std::string_view::npos ? input.size() : next + 1;
    Bytes bytes(input.substr(0, size));
    input.remove_prefix(size);
    if (sealed || chained) bytes = fuzz::reseal_lines(bytes, chained, link);
    disk.plant(segment::path(folder, {ordinal, first}), std::move(bytes));
  }
}

FileStore<Disk>::Stream open(const Disk& disk, const StreamId& id) {
  return FileStore<Disk>::open("/log", {.segment_bytes = 8192, .prewrite_bytes = 4096}, disk).value().open_stream(id).value();
}

/// Every frame up to the tail, in order; with the state that they give, as far as they can be read.
/// `base`: where the log begins, LSN 1 or a checkpoint.
std::vector<std::string> frames(FileStore<Disk>::Stream& stream, Lsn base, Lsn upto) {
  std::vector<std::string> out;
  const auto last = stream.scan(1, [&](const Frame& frame) -> result<void> {
    FUZZ_CHECK(frame.lsn == out.size() + base);
    out.emplace_back(frame.bytes);
    return success();
  });
  FUZZ_CHECK(last && last.value() == upto && out.size() + base == upto + 1);
  return out;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const StreamId id = StreamId::of({"corpus", ""});
  Disk disk;
  plant(disk, "/log/" + id.text, {reinterpret_cast<const char*>(data), size});
  const auto before = disk.files();

  auto looking = open(disk, id);
  const auto found = looking.inspect({});
  if (!found) return 0;   // no folder
  const Recovery& recovery = found.value();
  FUZZ_CHECK(disk.files() == before);
  FUZZ_CHECK(recovery.proven <= recovery.tail.lsn && recovery.verdict != Verdict::io_error);
  FUZZ_CHECK(is_usable(recovery.verdict) || wal::verdict_error(recovery, id).remedy().size() > 10);
  const auto seen = frames(looking, recovery.base, recovery.tail.lsn);
  if (!seen.empty()) FUZZ_CHECK(wal::read_line(seen.back()).hash == recovery.tail.hash);
  wal::Replay replay;
  (void)wal::read_records(looking, 1, [&](const wal::Line& line, const wal::WalRecord& record) { return replay.apply(line, record); });

  for (const bool accept : {false, true}) {
    const Disk copy = disk.after_kill();
    auto writing = open(copy, id);
    const auto recovered = writing.recover({}, {accept});
    if (!recovered) {   // the names leave no ordinal
      FUZZ_CHECK(recovered.error().code() == errc::conflict || recovered.error().code() == errc::io_error);
      continue;
    }
    FUZZ_CHECK(recovered.value().verdict == recovery.verdict && recovered.value().tail == recovery.tail && recovered.value().proven == recovery.proven && recovered.value().base == recovery.base);
    if (!may_begin(recovery.verdict, {accept})) {
      for (const auto& [path, bytes] : before) FUZZ_CHECK(copy.files().at(path) == bytes);
      continue;
    }
    for (const auto& [path, bytes] : before)
      if (path.ends_with(".jsonl")) FUZZ_CHECK(copy.files().at(path) == bytes);   // evidence
    FUZZ_CHECK(frames(writing, recovery.base, recovery.tail.lsn) == seen);
    // The tenure writes a frame; the next one finds it behind what was there.
    std::string line;
    const wal::Envelope envelope{id, recovered.value().incarnation, recovery.tail.lsn + 1, recovery.tail.hash, 0, 1, recovery.tail.lsn};
    const Digest hash = wal::seal_frame(line, envelope, Json::object()).value();
    const BytesView group[] = {line};
    const auto appended = writing.append(recovery.tail.lsn, group);
    FUZZ_CHECK(appended && writing.sync() && writing.close());
    auto next = open(copy, id);
    const auto after = next.inspect({});
    FUZZ_CHECK(after && after.value().verdict == Verdict::clean && after.value().tail.hash == hash && after.value().proven == recovery.tail.lsn + 1);
    auto all = seen;
    all.push_back(line);
    FUZZ_CHECK(frames(next, recovery.base, recovery.tail.lsn + 1) == all);
  }
  return 0;
}
