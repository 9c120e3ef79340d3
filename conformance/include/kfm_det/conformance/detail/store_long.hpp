// SPDX-License-Identifier: BSL-1.0
/// \file
/// The parts of check_store about size: logs and groups longer than a page, a batch or a counter of few bits; frames that end at the edges of sectors and blocks.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_STORE_LONG_HPP
#define KFM_DET_CONFORMANCE_DETAIL_STORE_LONG_HPP

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/store_world.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/conformance/store_fixture.hpp"
#include "kfm_det/core/limits.hpp"

namespace kfm_det::conformance::detail {

[[nodiscard]] inline StreamId long_stream() { return StreamId::of(Scope{"kit", "long"}); }

/// One line of the script for many appends.
inline void append_many(StoreWorld& world, std::uint32_t groups, std::uint32_t count) {
  world.tell([&] { return "append " + std::to_string(groups) + (groups == 1 ? " group of " : " groups of ") + std::to_string(count) + (count == 1 ? " frame" : " frames"); });
  const bool was_silent = world.play().is_silent();
  world.play().be_silent(true);
  for (std::uint32_t i = 0; i < groups; ++i) world.append(world.owner, count, 0);
  world.play().be_silent(was_silent);
}

/// STORE-10. From any place: what comes is what was appended there.
inline void scan_from(StoreWorld& world, Lsn from) {
  const Frames& log = world.owner.log;
  if (from == 0 || from > log.size()) return;
  Lsn next = from;
  bool same = true;
  auto last = world.owner.stream->scan(from, [&](const Frame& frame) -> result<void> {
    same = same && frame.lsn == next && next <= log.size() && frame.bytes == log[static_cast<std::size_t>(next - 1)];
    ++next;
    return success();
  });
  world.play().expect("STORE-10", last && same && next == log.size() + 1, [&] {
    return "scan(" + std::to_string(from) + ") of a log of " + std::to_string(log.size()) + " frames " + (last ? "gives " + std::to_string(next - from) + " frames" + (same ? "" : ", not those that were appended there, or under other LSNs") : "answers " + last.error().message());
  });
}

/// A disk that is simulated writes a segment for each few frames: there the longest log is left out.
inline void long_logs(Play& play, const StoreDriver& driver) {
  struct Shape { std::uint32_t groups, count; };
  constexpr std::array<Shape, 5> shapes{Shape{12, 1}, Shape{300, 1}, Shape{1, 300}, Shape{275, 4}, Shape{66, 1000}};
  driver.wipe();
  StoreWorld world(play, long_stream(), driver.open, driver.claims);
  if (!world.begin()) return;
  const Shape shape = shapes[play.pick(driver.fingerprint ? 4 : 5)];
  append_many(world, shape.groups, shape.count);
  world.sync(world.owner);
  world.scan();
  for (const Lsn from : std::array<Lsn, 10>{2, 9, 10, 100, 101, 255, 256, 257, 1000, 1001}) scan_from(world, from);
  scan_from(world, world.owner.log.size() / 2);
  if (driver.crash) {
    play.tell("the power goes; open and recover");
    world.owner.stream.reset();
    driver.crash();
    if (!world.begin()) return;
  } else if (!world.kill()) {
    return;
  }
  world.append(world.owner, 1, 0);
  world.sync(world.owner);
}

/// A frame of exactly so many bytes.
[[nodiscard]] inline Frames frame_of(const StreamId& id, Chain& chain, std::size_t bytes) {
  std::size_t text = 1;
  for (int tries = 0; tries < 4; ++tries) {
    Chain next = chain;
    Frames frames = make_frames(id, next, 1, 0, std::string(text, 'x'));
    if (frames[0].size() == bytes) { chain = next; return frames; }
    text += bytes - frames[0].size();
  }
  return {};
}

/// STORE-15. Frames that end one byte before, on and behind the edges of sectors, pages and buffers, with their newline and without; three in a row. And each length
/// of a thousand, one behind the other, so that every place of a sector is an end.
inline void sizes(Play& play, const StoreDriver& driver) {
  static const std::vector<std::size_t> lengths = [] {
    std::vector<std::size_t> out;
    for (const std::size_t edge : {std::size_t{512}, std::size_t{1024}, std::size_t{1536}, std::size_t{2048}, std::size_t{4096}, std::size_t{8192}, std::size_t{16384}, std::size_t{65536}})
      for (const std::size_t length : {edge - 1, edge, edge + 1}) out.push_back(length);
    out.push_back(limits::line_bytes_max);
    return out;
  }();
  driver.wipe();
  StoreWorld world(play, long_stream(), driver.open, driver.claims);
  if (!world.begin()) return;
  const std::uint32_t which = play.pick(static_cast<std::uint32_t>(lengths.size()) + 1);
  const auto append = [&](std::size_t length) {
    Chain next = world.owner.chain;
    const Frames frames = frame_of(world.id(), next, length);
    if (!frames.empty()) world.append_frames(world.owner, frames, next);
  };
  if (which < lengths.size()) {
    play.tell("append three frames of " + std::to_string(lengths[which]) + " bytes");
    for (int i = 0; i < 3; ++i) append(lengths[which]);
  } else {
    play.tell("append a frame of each length from 350 to 1400 bytes");
    for (std::size_t length = 350; length <= 1400; ++length) append(length);
  }
  world.scan();
  world.sync(world.owner);
  if (!world.kill()) return;
  world.append(world.owner, 1, 0);
  world.sync(world.owner);
  world.scan();
}

inline void check_long(Explorer& explorer, const StoreDriver& driver) {
  explorer.run("long logs", {5, 0, driver.fingerprint ? "12 to 1100 frames, groups of up to 300" : "12 to 66000 frames, groups of up to 1000"}, [&](Play& play) { long_logs(play, driver); });
  explorer.run("sizes", {40, 0, "frames that end beside the edges of sectors, pages and buffers, up to the longest line"}, [&](Play& play) { sizes(play, driver); });
}

}  // namespace kfm_det::conformance::detail

#endif
