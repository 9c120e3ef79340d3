// SPDX-License-Identifier: BSL-1.0
// check_file_system and the watched system calls: what is right passes, what is broken is named by its law, a fixture without more than it must have is enough.
#include <catch2/catch.hpp>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "kfm_det/conformance/check_file_system.hpp"
#include "kfm_det/conformance/fates.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "tests/conformance/brought_back.hpp"
#include "tests/files/scratch.hpp"

using namespace kfm_det;
using namespace kfm_det::conformance;

namespace {

template <class Fs>
struct DiskFixture {
  using FileSystem = Fs;
  FileSystem open() { return disk; }
  std::string folder() { return "/kit"; }
  void wipe() {
    disk = Fs();
    (void)disk.make_directory("/kit").has_value();
    (void)disk.sync_directory("/").has_value();
  }
  void crash() {
    WorstFates fates;
    disk.lose_power(simulate::Profile::standard, fates);
  }
  Fs disk;
};

/// A power loss takes what was synced, too: the folder's sync is forgotten.
struct FolderNeverSynced : simulate::Disk {
  result<void> sync_directory(const std::string& path) { return path == "/" ? Disk::sync_directory(path) : result<void>(success()); }
};
struct SyncNeverCalled : simulate::Disk {
  result<void> sync(File&) { return success(); }
};
struct ReadsAcrossTheEnd : simulate::Disk {
  result<std::size_t> read(File& file, std::uint64_t offset, std::span<char> into) {
    KFM_DET_TRY(const std::uint64_t bytes, size(file));
    if (offset + into.size() > bytes && offset < bytes && into.size() < 1000) return std::size_t{0};
    return Disk::read(file, offset, into);
  }
};
struct LocksNothing : simulate::Disk {
  result<bool> lock(File&) { return true; }
};

struct BareFixture {
  using FileSystem = PosixFileSystem;
  FileSystem open() { return {}; }
  std::string folder() { return scratch->path(); }
  void wipe() { scratch = std::make_unique<tests::Scratch>(true); }
  std::unique_ptr<tests::Scratch> scratch;
};
struct WholeFixture : BareFixture {
  static constexpr bool on_this_machine = true;
};

Options few() {
  Options options;
  options.cases = 10;
  return options;
}
template <class Fixture>
void dies_of(const std::string& law) {
  const Report report = check_file_system<Fixture>(few());
  REQUIRE_FALSE(report.passed());
  const Violation* broken = report.find(law);
  INFO(report.to_text());
  REQUIRE(broken != nullptr);
  CHECK(broken->operations <= 6);
  CHECK(broken->usual_cause == find_law(law)->usual_cause);
  (void)testing::brought_back(&check_file_system<Fixture>, *broken);
}

/// A file system as some languages have it: what is not there is an exception.
struct ThrowingDisk : simulate::Disk {
  [[nodiscard]] result<void> remove(const std::string& path) {
    auto out = simulate::Disk::remove(path);
    if (!out && out.error().code() == errc::not_found) throw std::runtime_error("no such file");
    return out;
  }
};

}  // namespace

TEST_CASE("the simulated disk keeps the laws of a file system") {
  const Report report = check_file_system<DiskFixture<simulate::Disk>>(few());
  INFO(report.to_text());
  CHECK(report.passed());
  CHECK(report.laws.contains("FS-4"));
}

TEST_CASE("the file system of this machine keeps them, call by call") {
  const Report report = check_file_system<WholeFixture>(few());
  INFO(report.to_text());
  CHECK(report.passed());
  if (!simulate::SystemCalls::available()) return;   // then `bounds` says so
  for (const char* law : {"FS-1", "FS-2", "FS-3", "FS-4", "FS-5", "FS-6", "FS-7", "FS-8", "FS-9", "FS-10", "FS-11", "FS-12"}) {
    CAPTURE(law);
    CHECK(report.laws.contains(law));
  }
}

TEST_CASE("a fixture may hold the least, and the report says what was left out") {
  const Report report = check_file_system<BareFixture>(few());
  CHECK(report.passed());
  CHECK_FALSE(report.laws.contains("FS-11"));
  CHECK(report.to_json().find("left out, the fixture has no crash()") != std::string::npos);
  CHECK(report.to_json().find("left out, the fixture is not on_this_machine") != std::string::npos);
}

TEST_CASE("a broken file system dies of its law") {
  dies_of<DiskFixture<FolderNeverSynced>>("FS-4");
  dies_of<DiskFixture<SyncNeverCalled>>("FS-2");
  dies_of<DiskFixture<ReadsAcrossTheEnd>>("FS-10");
  dies_of<DiskFixture<LocksNothing>>("FS-6");
}

TEST_CASE("watched system calls are seen, answered, shortened, and thrown through") {
  if (!simulate::SystemCalls::available()) return;
  const tests::Scratch scratch(true);
  const std::string path = scratch / "f";
  std::vector<std::string> seen;
  int interrupted = 0;
  long first = 0, second = 0, third = 0;
  simulate::SystemCalls calls([&](const simulate::SystemCall& call) {
    seen.emplace_back(call.name);
    if (call.verb != simulate::SystemVerb::write) return simulate::SystemAnswer::as_asked();
    if (call.number == 1) return simulate::SystemAnswer::error(EINTR);
    if (call.number == 2) return simulate::SystemAnswer::shorter(2);
    return simulate::SystemAnswer::as_asked();
  });
  REQUIRE(calls.watch([&] {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    first = ::pwrite(file, "abcd", 4, 0);
    interrupted = errno;
    second = ::pwrite(file, "abcd", 4, 0);
    third = ::pwrite(file, "xyz", 3, 2);
    ::close(file);
  }));
  CHECK(first == -1);
  CHECK(interrupted == EINTR);
  CHECK(second == 2);
  CHECK(third == 3);
  CHECK(seen == std::vector<std::string>{"openat", "pwrite64", "pwrite64", "pwrite64", "close"});
  const PosixFileSystem fs;
  auto file = tests::good(fs.open(path, OpenMode::read));
  std::array<char, 8> into{};
  CHECK(tests::good(fs.read(file, 0, into)) == 5);
  CHECK(std::string(into.data(), 5) == "abxyz");
  CHECK_THROWS_AS(calls.watch([] { throw std::runtime_error("from the code"); }), std::runtime_error);
  CHECK(::access(path.c_str(), F_OK) == 0);   // whoever watched is not watched
}

TEST_CASE("VERB-1 an exception out of a file system is told, and its line brings it back") { kfm_det::testing::threw(check_file_system<DiskFixture<ThrowingDisk>>, "no such file", {}); }
