// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <sys/stat.h>

#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/files/system_clock.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/stores/head_file.hpp"
#include "kfm_det/stores/signing_key.hpp"
#include "kfm_det/stores/verify_folder.hpp"
#include "tests/wal/signed_logs.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;
using wal::FindingCode;

namespace {
struct Folder {
  std::string path = std::filesystem::temp_directory_path() / "kfm_det_verify_XXXXXX";
  Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::error_code ignored; std::filesystem::remove_all(path, ignored); }
};
using Log = wal::Log<FileStore<>::Stream, ManualClock, wal::Ed25519Signer>;

/// Some tenures, so some segments; answers the durable head.
Head fill(const std::string& root, const wal::Ed25519Signer& signer, int tenures) {
  Book<> book;
  Head head{signed_stream(), 0, 0, {}};
  for (int i = 0; i < tenures; ++i) {
    auto stream = FileStore<>::open(root).value().open_stream(signed_stream()).value();
    auto log = Log::open(std::move(stream), signed_stream(), head, book.clock, [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); }, {}, signer);
    REQUIRE(log);
    for (int group = 0; group < 3; ++group) {
      std::vector<wal::WalRecord> records{book.runs.plan("run " + std::to_string(i * 3 + group), {})};
      head = log.value().commit(records).value();
    }
    REQUIRE(log.value().close());
  }
  return head;
}
std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}
void write_file(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }
std::vector<std::string> segments(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".jsonl") out.push_back(entry.path().string());
  std::sort(out.begin(), out.end());
  return out;
}
std::map<std::string, std::string> contents(const std::string& root) {
  std::map<std::string, std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) out[entry.path().string()] = entry.is_regular_file() ? read_file(entry.path().string()) : "";
  return out;
}
}  // namespace

TEST_CASE("verify_folder reads segments and archive, changes no byte, and says what it found") {
  const Folder root;
  const auto signer = test_signer('a');
  const Head head = fill(root.path, signer, 4);
  const std::string folder = root.path + "/" + signed_stream().text;
  PosixFileSystem fs;
  wal::VerifyOptions options;
  options.ring = ring_of(signer);
  options.witnesses = {head};
  const auto before = contents(root.path);
  auto report = verify_folder(fs, folder + "/", options).value();
  INFO(report.text());
  CHECK(report.findings.empty());
  CHECK(report.segments == 4);
  CHECK(report.entries == 12);
  CHECK(report.verified == head);
  CHECK(report.sealed_upto == 12);
  CHECK(contents(root.path) == before);

  const std::string expected = canonical(report.json()).value();
  std::filesystem::create_directory(folder + "/archive");
  const auto files = segments(folder);
  std::filesystem::rename(files[0], folder + "/archive/" + files[0].substr(files[0].rfind('/') + 1));
  std::filesystem::copy_file(files[1], folder + "/archive/" + files[1].substr(files[1].rfind('/') + 1));   // stopped before the unlink
  options.threads = 2;
  CHECK(canonical(verify_folder(fs, folder, options).value().json()).value() == expected);

  std::filesystem::resize_file(files[2], 0);
  report = verify_folder(fs, folder, options).value();
  CHECK(found(report, FindingCode::segment_empty));
  CHECK(report.verified.lsn == 6);
  std::filesystem::resize_file(files[2], std::uintmax_t{10} << 30);   // a file of 10 GB, none of which is on the disk
  report = verify_folder(fs, folder, options).value();
  CHECK(found(report, FindingCode::segment_too_large));
  std::filesystem::remove(files[2]);
  report = verify_folder(fs, folder, options).value();
  CHECK(report.answer().error().code() == errc::hole);
  std::filesystem::remove(files[3]);
  report = verify_folder(fs, folder, options).value();
  CHECK(report.findings.back().code == FindingCode::regressed);
}

TEST_CASE("verify_folder works while a writer appends: what is half there is no error") {
  const Folder root;
  const auto signer = test_signer('a');
  const Head head = fill(root.path, signer, 1);
  const std::string folder = root.path + "/" + signed_stream().text;
  Book<> book;
  PosixFileSystem fs;
  wal::VerifyOptions options;
  options.ring = ring_of(signer);
  options.witnesses = {head};
  auto log = Log::open(FileStore<>::open(root.path).value().open_stream(signed_stream()).value(), signed_stream(), head, book.clock,
                       [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); }, {}, signer);
  REQUIRE(log);
  CHECK(verify_folder(fs, folder, options).value().tail == head);   // a claim, and no segment yet
  for (int i = 0; i < 3; ++i) {
    std::vector<wal::WalRecord> records{book.runs.plan("more " + std::to_string(i), {"a"}), book.runs.executed("more " + std::to_string(i), 2, "a")};
    if (i == 1) REQUIRE(log.value().append(records));
    else REQUIRE(log.value().commit(records));
    const auto report = verify_folder(fs, folder, options).value();
    INFO(report.text());
    CHECK(report.findings.empty());
    CHECK(report.tail == log.value().tail());
  }
  const std::string last = segments(folder).back(), whole = read_file(last);
  const std::size_t end = whole.rfind("}}\n");   // of the last entry; cut inside of its group
  write_file(last, whole.substr(0, end - 500));
  CHECK(codes(verify_folder(fs, folder, {}).value()) == "torn_tail ");
}

TEST_CASE("a copy under another name is another stream's log, unless one says whose it is") {
  const Folder root;
  fill(root.path, test_signer('a'), 1);
  std::filesystem::rename(root.path + "/" + signed_stream().text, root.path + "/copy");
  PosixFileSystem fs;
  CHECK(verify_folder(fs, root.path + "/copy", {}).value().answer().error().code() == errc::foreign);
  CHECK(verify_folder(fs, root.path + "/copy", {}, signed_stream()).value().findings.empty());
}

TEST_CASE("what is no log's folder is one sentence; with a witness it is a log that is gone") {
  const Folder root;
  PosixFileSystem fs;
  CHECK(verify_folder(fs, root.path + "/nowhere", {}).error().code() == errc::not_found);
  const auto nothing = verify_folder(fs, root.path, {});
  REQUIRE(!nothing);
  CHECK(nothing.error().message().find("there is no log in this folder") != std::string::npos);
  CHECK(verify_folder(fs, ".", {}).error().code() == errc::invalid_argument);
  wal::VerifyOptions options;
  options.witnesses = {{signed_stream(), 1, 5, sha256("x")}};
  CHECK(codes(verify_folder(fs, root.path + "/" + signed_stream().text, options).value()) == "log_missing ");
  write_file(root.path + "/file", "x");
  CHECK(!verify_folder(fs, root.path + "/file", {}));
  if (::geteuid() != 0) {
    std::filesystem::create_directory(root.path + "/closed");
    std::filesystem::permissions(root.path + "/closed", std::filesystem::perms::none);
    CHECK(verify_folder(fs, root.path + "/closed", {}).error().code() == errc::permission_denied);
    std::filesystem::permissions(root.path + "/closed", std::filesystem::perms::owner_all);
  }
}

TEST_CASE("what recovery refuses has an error, and what it accepts has none: a log cut and damaged at many places") {
  const Folder root;
  const Head head = fill(root.path, test_signer('a'), 2);
  const std::string folder = root.path + "/" + signed_stream().text;
  const auto files = segments(folder);
  PosixFileSystem fs;
  int refused = 0;
  for (const auto& file : files) {
    const std::string good = read_file(file);
    const std::size_t used = good.find_last_not_of('\n') + 1;
    for (std::size_t at = 0; at < used; at += 173) {
      for (const int how : {0, 1, 2}) {
        std::string bad = good;
        if (how == 0) bad[at] = static_cast<char>(bad[at] ^ 0x11);
        if (how == 1) bad.resize(at);
        if (how == 2) bad.erase(at, 700);
        write_file(file, bad);
        auto stream = FileStore<>::open(root.path).value().open_stream(signed_stream()).value();
        const Recovery recovery = stream.inspect({}).value();
        const auto report = verify_folder(fs, folder, {}).value();
        INFO("byte " << at << " of " << file << ", " << how << ": " << name(recovery.verdict) << "\n" << report.text());
        // Two things that recovery does not ask: what an empty file held that ends the log, and whether a MARK names the entry that stands there.
        if (!found(report, FindingCode::segment_empty) && !found(report, FindingCode::mark_differs)) CHECK(is_usable(recovery.verdict) == report.is_intact());
        if (is_usable(recovery.verdict) && report.is_intact()) CHECK(report.tail == recovery.tail);
        refused += !is_usable(recovery.verdict);
      }
    }
    write_file(file, good);
  }
  CHECK(refused > 50);
  CHECK(verify_folder(fs, folder, {}).value().verified == head);
}

TEST_CASE("a private key is read from a file that is its owner's alone, and from nothing else") {
  const Folder root;
  const std::string path = root.path + "/key.pem";
  const auto signer = wal::Ed25519Signer::generate().value();
  REQUIRE(save_signing_key(path, signer));
  struct stat made = {};
  REQUIRE(::stat(path.c_str(), &made) == 0);
  CHECK((made.st_mode & 0777) == 0600);
  CHECK(save_signing_key(path, signer).error().code() == errc::conflict);
  const auto loaded = load_signing_key(path, "release-1");
  REQUIRE(loaded);
  CHECK(loaded.value().public_key().hex() == signer.public_key().hex());
  CHECK(loaded.value().key_id() == "release-1");
  for (const mode_t mode : {0640U, 0604U, 0620U, 0610U, 0666U}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    const auto refused = load_signing_key(path);
    REQUIRE(!refused);
    CHECK(refused.error().code() == errc::permission_denied);
    CHECK(refused.error().remedy().find("chmod 600") != std::string::npos);
  }
  REQUIRE(::chmod(path.c_str(), 0400) == 0);
  CHECK(load_signing_key(path));
  CHECK(load_signing_key(root.path).error().code() == errc::invalid_argument);
  CHECK(load_signing_key(root.path + "/nothing").error().code() == errc::not_found);
  REQUIRE(::mkfifo((root.path + "/fifo").c_str(), 0600) == 0);
  CHECK(load_signing_key(root.path + "/fifo").error().code() == errc::invalid_argument);
  write_file(root.path + "/text", "secret words");
  REQUIRE(::chmod((root.path + "/text").c_str(), 0600) == 0);
  const auto no_key = load_signing_key(root.path + "/text");
  REQUIRE(!no_key);
  CHECK(no_key.error().message().find("secret words") == std::string::npos);
  if (::geteuid() == 0) {
    REQUIRE(::chown(path.c_str(), 12345, 12345) == 0);
    CHECK(load_signing_key(path).error().message().find("another user") != std::string::npos);
  }
}

TEST_CASE("a head in a file comes back; anything else is refused in a sentence") {
  const Folder root;
  PosixFileSystem fs;
  const std::string path = root.path + "/head.json";
  const Head head{signed_stream(), 2, 9007199254740993u, sha256("x")};
  REQUIRE(write_head(fs, path, head));
  CHECK(read_file(path) == "{\"hash\":\"" + head.hash.hex() + "\",\"incarnation\":2,\"lsn\":\"9007199254740993\",\"stream\":\"counts@x\"}\n");
  CHECK(read_head(fs, path).value() == head);
  write_file(path + ".tmp", "left by a write that was interrupted");
  REQUIRE(write_head(fs, path, {signed_stream(), 2, 7, sha256("y")}));
  CHECK(read_head(fs, path).value().lsn == 7);
  CHECK(!std::filesystem::exists(path + ".tmp"));
  CHECK(write_head(fs, path, Head{}).error().code() == errc::invalid_argument);
  for (const std::string& bad : {std::string(), std::string("{}"), std::string("[1]"), std::string("{\"hash\":\"00\",\"incarnation\":1,\"lsn\":1,\"stream\":\"s\"}"), "{\"hash\":\"" + std::string(64, '0') + "\",\"incarnation\":1,\"lsn\":1,\"stream\":\"s\"}"}) {
    write_file(path, bad);
    const auto refused = read_head(fs, path);
    REQUIRE(!refused);
    CHECK(refused.error().message().find(path) != std::string::npos);
  }
  write_file(path, std::string(10'000, ' '));
  CHECK(read_head(fs, path).error().code() == errc::limit_exceeded);
}
