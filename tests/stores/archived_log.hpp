// SPDX-License-Identifier: BSL-1.0
/// \file
/// A signed log on the simulated disk whose older segments went to the archive, for whoever verifies one.
#ifndef KFM_DET_TESTS_STORES_ARCHIVED_LOG_HPP
#define KFM_DET_TESTS_STORES_ARCHIVED_LOG_HPP

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/simulate/disk.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/stores/verify_folder.hpp"
#include "kfm_det/wal/compact.hpp"
#include "tests/wal/signed_logs.hpp"

namespace kfm_det::testing {

struct ArchivedLog {
  using Disk = simulate::Disk;
  using Log = wal::Log<FileStore<Disk>::Stream, ManualClock, wal::Ed25519Signer>;
  Disk disk{};
  const ArchiveCodec* codec = nullptr;
  wal::Ed25519Signer signer = test_signer('a');
  std::string folder = "/log/" + signed_stream().text;
  std::vector<Head> heads{};             ///< the end of each run, and of the checkpoint
  Lsn base = 0;                          ///< of the checkpoint
  std::vector<std::string> archived{};   ///< paths, in order
  Book<> book{};

  /// `runs` of them, then a checkpoint (its ends as `edit` leaves them), then one more. What is below the checkpoint goes to the archive, or away.
  explicit ArchivedLog(const ArchiveCodec* with, int runs = 4, bool archive = true, void (*edit)(Json& payload) = nullptr) : codec(with) {
    FileStoreOptions options{.segment_bytes = 4096, .prewrite_bytes = 4096};
    options.archive = archive;
    options.codec = codec;
    auto stream = FileStore<Disk>::open("/log", options, disk).value().open_stream(signed_stream()).value();
    wal::LogOptions signing;
    signing.signing = wal::Signing::each_group;
    auto opened = Log::open(std::move(stream), signed_stream(), Head{signed_stream(), 0, 0, {}}, book.clock, [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); }, signing, signer);
    REQUIRE(opened);
    Log& log = opened.value();
    for (int i = 0; i < runs; ++i) heads.push_back(book.run(log, "run " + std::to_string(i)));
    wal::Compaction compaction(signed_stream());
    REQUIRE(log.read(1, [&](const wal::Line& line, const wal::WalRecord& one) { return compaction.see(line, one); }));
    auto payloads = compaction.payloads(log.line_bytes_max()).value();
    if (edit != nullptr) edit(payloads.at(0));
    std::vector<wal::WalRecord> group;
    for (Json& payload : payloads) {
      group.push_back(book.record("", 1000 + group.size(), wal::Phase::CONTROL, wal::operation::checkpoint, "", wal::Status::DONE));
      group.back().payload = std::move(payload);
    }
    heads.push_back(log.commit(group).value());
    base = heads.back().lsn + 1 - group.size();
    REQUIRE(log.drop_before(base));
    heads.push_back(book.run(log, "last"));
    REQUIRE(log.close());
    for (const auto& [path, bytes] : disk.files())
      if (path.find("/archive/") != std::string::npos) archived.push_back(path);
  }

  wal::VerifyReport verify(wal::VerifyOptions options = {}, bool with_codec = true) { return verify_folder(disk, folder, options, std::nullopt, with_codec ? codec : nullptr).value(); }
  Bytes bytes(const std::string& path) const { return disk.files().at(path); }
  void put(const std::string& path, const Bytes& text) {
    REQUIRE(disk.files().count(path) == 1);
    disk.damage(path, [&](Bytes& old) { old = text; });
  }
  /// A new file in the archive.
  void add(const std::string& path, const Bytes& text) {
    auto file = disk.create_exclusive(path).value();
    REQUIRE(segment::write_whole(disk, file, 0, text));
  }
  /// Packs `plain` in the place of an archived segment, under the name that fits, as somebody does who knows how it is done.
  void repack(std::size_t which, const Bytes& plain) {
    const std::string old = archived.at(which);
    std::string name = old;
    if (codec != nullptr) name.replace(name.rfind('-') + 1, 64, sha256(plain).hex());
    disk.lose(old);
    add(name, codec != nullptr ? codec->encode(plain).value() : plain);
    archived[which] = name;
  }
  Bytes plain(std::size_t which) const { return codec != nullptr ? codec->decode(bytes(archived.at(which)), 1 << 24).value() : bytes(archived.at(which)); }
  static std::vector<std::string> lines_of(const Bytes& plain) {
    std::vector<std::string> out;
    for (std::size_t at = plain.find_first_not_of('\n'); at < plain.size(); at = plain.find_first_not_of('\n', at)) {
      const std::size_t end = plain.find('\n', at);
      out.push_back(plain.substr(at, end - at));
      at = end;
    }
    return out;
  }
  static std::vector<std::string> frames_of(const Bytes& plain) {
    auto out = lines_of(plain);
    std::erase_if(out, [](const std::string& line) { return wal::read_line(line).kind != wal::LineKind::frame; });
    return out;
  }
  /// The segments that are in the folder.
  std::vector<std::string> live() const {
    std::vector<std::string> out;
    for (const auto& [path, bytes] : disk.files())
      if (path.ends_with(".jsonl") && path.starts_with(folder) && path.find("/archive/") == std::string::npos) out.push_back(path);
    return out;
  }
  static std::string name_of(const std::string& path) { return path.substr(path.rfind("archive/")); }
};

}  // namespace kfm_det::testing

#endif
