// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <limits>
#include <memory>
#include <string>

#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/locks/lease_folder.hpp"
#include "tests/files/scratch.hpp"
#include "tests/locks/watched.hpp"

using namespace kfm_det;
using namespace kfm_det::tests;

namespace {

using Folder = LeaseFolder<PosixFileSystem>;
using Standing = Folder::Standing;
PosixFileSystem fs;

LeaseRecord record(std::uint64_t ordinal, std::uint64_t sequence, Duration deadline, bool released = false) {
  return {ordinal, FencingToken{ordinal}, OwnerId{"a"}, "boot", deadline, released, sequence};
}

/// Both slots, written as they come; locked as long as the answer lives.
PosixFileSystem::File put(const Folder& folder, std::uint64_t ordinal, const Bytes& first, const Bytes& second) {
  auto file = good(fs.create_exclusive(folder.lease_path(ordinal)));
  good(write_all(fs, file, 0, first + second));
  REQUIRE(good(fs.lock(file)));
  return file;
}

void touch(const std::string& path) { (void)good(fs.create_exclusive(path)); }

}  // namespace

TEST_CASE("names are what counts in a folder, and strange ones do not") {
  const Scratch scratch;
  const Folder folder(fs, scratch.path());
  CHECK(good(folder.look()).highest == 0);
  for (const char* const name : {"lease-00000000000000000009", "lease-00000000000000000010", "lease-00000000000000000011.bak", "lease-12", "floor-00000000000000000100", "floor-00000000000000000099",
                                 "claim-x-1", "notes.txt"}) touch(scratch / name);
  const auto names = good(folder.look());
  CHECK(names.highest == 10);
  CHECK(names.floor == 100);
  CHECK(names.all.size() == 8);
  CHECK(bad(Folder(fs, scratch / "none").look()) == errc::not_found);
}

TEST_CASE("a lease file is over when it is released, not locked, or past its deadline in the same epoch") {
  const Scratch scratch;
  const Folder folder(fs, scratch.path());
  const auto standing = [&](std::uint64_t ordinal, Duration now, const std::string& epoch) { return good(folder.judge(ordinal, {now, epoch})).standing; };
  CHECK(standing(1, seconds(0), "boot") == Standing::vanished);
  {
    const auto owner = put(folder, 1, good(record(1, 0, seconds(10)).encode()), good(record(1, 1, seconds(10)).encode()));
    CHECK(standing(1, seconds(0), "boot") == Standing::held);
    CHECK(standing(1, seconds(10) - nanoseconds(1), "boot") == Standing::held);
    CHECK(standing(1, seconds(10), "boot") == Standing::over);
    CHECK(standing(1, seconds(1000), "another boot") == Standing::held);
  }
  CHECK(standing(1, seconds(0), "boot") == Standing::over);  // nobody holds the kernel lock
  CHECK(standing(1, seconds(0), "another boot") == Standing::over);
  const auto owner = put(folder, 2, good(record(2, 2, seconds(10), true).encode()), good(record(2, 1, seconds(10)).encode()));
  CHECK(standing(2, seconds(0), "boot") == Standing::over);
  CHECK(standing(2, seconds(0), "another boot") == Standing::over);
}

TEST_CASE("the valid slot of the highest sequence is what a file says, in either place") {
  const Scratch scratch;
  const Folder folder(fs, scratch.path());
  const Bytes two = good(record(1, 2, seconds(20)).encode()), three = good(record(1, 3, seconds(30)).encode()), torn = three.substr(0, 100) + std::string(924, '\0');
  const auto deadline = [&](std::uint64_t ordinal) {
    const auto found = good(folder.judge(ordinal, {seconds(0), "boot"})).record;
    return found ? found->deadline : Duration{-1};
  };
  const auto a = put(folder, 1, two, three);
  CHECK(deadline(1) == seconds(30));
  REQUIRE(good(fs.exists(folder.lease_path(1))));
  good(fs.remove(folder.lease_path(1)));
  const auto b = put(folder, 1, two, torn);  // while 3 was being written
  CHECK(deadline(1) == seconds(20));
  good(fs.remove(folder.lease_path(1)));
  const auto c = put(folder, 1, torn, three);
  CHECK(deadline(1) == seconds(30));
  good(fs.remove(folder.lease_path(1)));
  const auto d = put(folder, 1, torn, torn);
  CHECK(deadline(1) == Duration{-1});
  good(fs.remove(folder.lease_path(1)));
  const auto e = put(folder, 1, "", "");
  CHECK(deadline(1) == Duration{-1});
  const auto copied = put(folder, 2, two, three);  // speaks of another ordinal
  CHECK(deadline(2) == Duration{-1});
}

TEST_CASE("a slot that is torn only while it is written is read again, and the newest one is found") {
  const Scratch scratch;
  auto watch = std::make_shared<Watch>();
  WatchedFileSystem watched(watch);
  const LeaseFolder<WatchedFileSystem> folder(watched, scratch.path());
  const Bytes two = good(record(1, 2, seconds(20)).encode()), three = good(record(1, 3, seconds(30)).encode()), four = good(record(1, 4, seconds(40)).encode());
  // What the reader got in his first look: 1 before it was overwritten by 3, and 2 while it was overwritten by 4. He must not believe 1.
  auto file = put(Folder(fs, scratch.path()), 1, std::string(1024, '\0'), good(record(1, 1, seconds(10)).encode()));
  int reads = 0;
  *watch = [&](std::string_view call, const std::string&) -> std::optional<Error> {
    if (call == "read" && ++reads == 2) {
      good(write_all(fs, file, 0, four));
      good(write_all(fs, file, 1024, three));
    }
    return std::nullopt;
  };
  CHECK(good(folder.judge(1, {seconds(0), "boot"})).record->deadline == seconds(40));
  CHECK(reads == 2);
}

TEST_CASE("a record that cannot be read is judged by the kernel lock alone") {
  const Scratch scratch;
  const Folder folder(fs, scratch.path());
  {
    const auto owner = put(folder, 1, "garbage", "");
    const auto found = good(folder.judge(1, {Duration{std::numeric_limits<std::int64_t>::max()}, "boot"}));
    CHECK(found.standing == Standing::held);
    CHECK_FALSE(found.record);
  }
  CHECK(good(folder.judge(1, {seconds(0), "boot"})).standing == Standing::over);
}

TEST_CASE("a floor is raised only when the ordinals do not reach, and never below another one") {
  const Scratch scratch;
  const Folder folder(fs, scratch.path());
  const auto raise = [&](std::uint64_t ordinal, std::uint64_t needed) { return good(folder.raise_floor(good(folder.look()), ordinal, FencingToken{needed})); };
  CHECK(raise(5, 0) == 0);
  CHECK(raise(5, 4) == 0);
  CHECK(good(folder.look()).all.empty());
  CHECK(raise(5, 5) == 5);
  CHECK(good(folder.look()).floor == 5);
  CHECK(raise(6, 10) == 5);   // 5 + 6 is above 10
  CHECK(raise(6, 11) == 11);
  CHECK(raise(6, 11) == 11);  // now it is there
  CHECK(bad(folder.raise_floor(good(folder.look()), 6, FencingToken{std::numeric_limits<std::uint64_t>::max()})) == errc::limit_exceeded);
  touch(scratch / "floor-18446744073709551615");
  CHECK(bad(folder.raise_floor(good(folder.look()), 6, FencingToken{0})) == errc::limit_exceeded);
}

TEST_CASE("tidy keeps the highest two grants, the floor in force, claims that are alive, and what it does not know") {
  const Scratch scratch;
  const Folder folder(fs, scratch.path());
  for (int i = 1; i <= 5; ++i) touch(folder.lease_path(static_cast<std::uint64_t>(i)));
  for (const char* const name : {"floor-00000000000000000007", "floor-00000000000000000009", "claim-dead-1", "notes.txt"}) touch(scratch / name);
  auto alive = good(fs.create_exclusive(scratch / "claim-alive-1"));
  REQUIRE(good(fs.lock(alive)));
  folder.tidy(good(folder.look()), 5, 9);
  CHECK(good(fs.list(scratch.path())) ==
        std::vector<std::string>{"claim-alive-1", "floor-00000000000000000009", "lease-00000000000000000004", "lease-00000000000000000005", "notes.txt"});
}

TEST_CASE("shows: the highest, by its own name, with the very record") {
  const Scratch scratch;
  const Folder folder(fs, scratch.path());
  const LeaseRecord mine = record(2, 1, seconds(10));
  CHECK_FALSE(good(folder.shows(mine)));
  const auto file = put(folder, 2, good(record(2, 0, seconds(10)).encode()), good(mine.encode()));
  CHECK(good(folder.shows(mine)));
  CHECK_FALSE(good(folder.shows(record(2, 2, seconds(10)))));
  CHECK_FALSE(good(folder.shows(record(2, 1, seconds(11)))));
  touch(folder.lease_path(3));
  CHECK_FALSE(good(folder.shows(mine)));
  CHECK_FALSE(good(Folder(fs, scratch / "none").shows(mine)));
}
