// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/files/whole.hpp"
#include "tests/files/scratch.hpp"

using namespace kfm_det;
using namespace kfm_det::tests;

namespace {

/// Takes and gives at most three bytes at a time; nothing at all when `full`.
struct Stingy {
  struct File { std::string bytes; };
  bool full = false;
  result<std::size_t> write(File& file, std::uint64_t offset, BytesView bytes) const {
    if (full) return std::size_t{0};
    const BytesView some = bytes.substr(0, 3);
    if (file.bytes.size() < offset + some.size()) file.bytes.resize(offset + some.size());
    file.bytes.replace(offset, some.size(), some);
    return some.size();
  }
  result<std::size_t> read(File& file, std::uint64_t offset, std::span<char> into) const {
    const std::string some = offset < file.bytes.size() ? file.bytes.substr(offset, into.size() < 3 ? into.size() : 3) : std::string();
    std::copy(some.begin(), some.end(), into.begin());
    return some.size();
  }
};

/// Writes down what is synced, and denies what it is told to.
struct Noting : PosixFileSystem {
  explicit Noting(std::vector<std::string>& list, std::string deny_path = {}) : synced(&list), deny(std::move(deny_path)) {}
  result<void> sync_directory(const std::string& path) const {
    synced->push_back(path);
    if (path == deny) return Error(errc::permission_denied, "no", path, "no");
    return PosixFileSystem::sync_directory(path);
  }
  std::vector<std::string>* synced;
  std::string deny;
};

}  // namespace

TEST_CASE("FS-1 short writes and reads are continued") {
  Stingy fs;
  Stingy::File file;
  good(write_all(fs, file, 2, "0123456789"));
  CHECK(file.bytes == std::string("\0\0", 2) + "0123456789");
  std::string back(20, '.');
  CHECK(good(read_up_to(fs, file, 2, back)) == 10);
  CHECK(back == "0123456789..........");
  fs.full = true;
  CHECK(bad(write_all(fs, file, 0, "x")) == errc::io_error);
  good(write_all(fs, file, 0, ""));
}

TEST_CASE("the parent of a path") {
  CHECK(parent_directory("a") == ".");
  CHECK(parent_directory("a/") == ".");
  CHECK(parent_directory("a/b") == "a");
  CHECK(parent_directory("/a") == "/");
  CHECK(parent_directory("/") == "/");
  CHECK(parent_directory("/a/b/") == "/a");
}

TEST_CASE("FS-4 folders are made from the top, and each name is synced in its parent, also those that were there") {
  const Scratch scratch;
  std::vector<std::string> synced;
  Noting fs(synced);
  good(make_directories(fs, scratch / "a/./b//c/"));
  CHECK(good(fs.exists(scratch / "a/b/c")));
  CHECK(synced == std::vector<std::string>{"/", "/tmp", scratch.path(), scratch / "a/.", scratch / "a/./b/"});
  synced.clear();
  good(make_directories(fs, scratch / "a/b/c"));
  CHECK(synced.size() == 5);
}

TEST_CASE("a parent that may not be read matters only to those who had to make something in it") {
  const Scratch scratch;
  std::vector<std::string> synced;
  Noting fs(synced, scratch.path());
  CHECK(bad(make_directories(fs, scratch / "a")) == errc::permission_denied);
  good(make_directories(fs, scratch / "a"));
}

TEST_CASE("a file in the way of a folder is a conflict") {
  const Scratch scratch;
  PosixFileSystem fs;
  (void)good(fs.create_exclusive(scratch / "a"));
  CHECK(bad(make_directories(fs, scratch / "a")) == errc::conflict);
  CHECK(bad(make_directories(fs, scratch / "a/b")) == errc::conflict);
}

TEST_CASE("numbers in names have twenty digits and one reading") {
  constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
  CHECK(name_number(7) == "00000000000000000007");
  CHECK(name_number(largest) == "18446744073709551615");
  std::uint64_t value = 1;
  CHECK((parse_name_number("00000000000000000000", value) && value == 0));
  CHECK((parse_name_number("18446744073709551615", value) && value == largest));
  value = 5;
  for (const char* const text : {"", "7", "0000000000000000007", "000000000000000000007", "0000000000000000000a", "+0000000000000000007", "18446744073709551616", "99999999999999999999"}) {
    INFO(text);
    CHECK_FALSE(parse_name_number(text, value));
    CHECK(value == 5);
  }
}
