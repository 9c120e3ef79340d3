// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include "kfm_det/adapters/zstd.hpp"
#include "kfm_det/conformance/choices.hpp"
#include "kfm_det/conformance/detail/store_oracle.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "tests/files/scratch.hpp"
#include "tests/wal/records.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;
using tests::bad;
using tests::good;

TEST_CASE("zstd gives back what was packed, and is smaller for a segment") {
  const ZstdCodec codec;
  CHECK(codec.suffix() == ".zst");
  conformance::Random random(1);
  for (const std::size_t size : {0U, 1U, 1000U, 300'000U}) {
    Bytes plain(size, '\n');
    for (std::size_t i = 0; i < size / 2; ++i) plain[i] = static_cast<char>('a' + random.below(26U));
    const Bytes packed = good(codec.encode(plain));
    CHECK(good(codec.decode(packed, size)) == plain);
    if (size > 1) CHECK(bad(codec.decode(packed, size - 1)) == errc::limit_exceeded);
    if (size > 100) CHECK(packed.size() < size);
    for (std::size_t cut = 0; cut < packed.size(); cut += 1 + packed.size() / 20) CHECK(bad(codec.decode(BytesView(packed).substr(0, cut), size)) == errc::corrupt_committed);
  }
  CHECK(bad(codec.decode("not packed at all", 100)) == errc::corrupt_committed);
  CHECK(bad(ZstdCodec({.level = 0}).encode("x")) == errc::invalid_argument);
}

TEST_CASE("a small file that says that it is huge costs no more memory than is allowed") {
  const ZstdCodec codec;
  const Bytes packed = good(codec.encode(Bytes(std::size_t{64} << 20, '\n')));
  REQUIRE(packed.size() < 16384);
  CHECK(bad(codec.decode(packed, 4096)) == errc::limit_exceeded);
}

TEST_CASE("segments that were archived with zstd are read, checked and counted as the log") {
  const simulate::Disk disk;
  const ZstdCodec codec;
  const FileStoreOptions options{.segment_bytes = 4096, .prewrite_bytes = 4096, .codec = &codec};
  const auto open = [&] { return good(good(FileStore<simulate::Disk>::open("/log", options, disk)).open_stream(test_stream())); };
  auto owner = open();
  (void)good(owner.recover({}, {}));
  conformance::detail::Chain chain;
  conformance::detail::Frames log;
  for (int i = 0; i < 4; ++i) {
    const auto frames = conformance::detail::make_frames(test_stream(), chain, 1, 2600, "x");
    (void)good(owner.append(chain.last - 1, views(frames)));
    chain.durable = good(owner.sync());
    log.insert(log.end(), frames.begin(), frames.end());
  }
  REQUIRE(owner.archive_finished());
  std::vector<std::string> packed;
  for (const auto& [path, bytes] : disk.files())
    if (path.ends_with(".jsonl.zst")) packed.push_back(path);
  REQUIRE(packed.size() == 3);
  auto reader = open();
  CHECK(good(reader.inspect({})).tail.lsn == 4);
  std::size_t next = 0;
  CHECK(good(reader.scan(1, [&](const Frame& frame) -> result<void> { CHECK(frame.bytes == log.at(next++)); return success(); })) == 4);
  CHECK(next == 4);
  disk.damage(packed[0], [](Bytes& bytes) { bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1); });
  CHECK(good(open().inspect({})).verdict == Verdict::corrupt_committed);
  disk.damage(packed[0], [](Bytes& bytes) { bytes.resize(bytes.size() / 2); });
  CHECK(good(open().inspect({})).verdict == Verdict::corrupt_committed);
  // another segment's packed bytes under this name: the name says what the plain bytes hash to
  const Bytes other = disk.files().at(packed[1]);
  disk.damage(packed[0], [&](Bytes& bytes) { bytes = other; });
  const Recovery found = good(open().inspect({}));
  CHECK(found.verdict == Verdict::corrupt_committed);
  CHECK(found.evidence.at(0).sentence.find("does not hold what was packed") != std::string::npos);
}
