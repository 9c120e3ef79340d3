// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "kfm_det/files/posix_file_system.hpp"
#include "tests/files/scratch.hpp"

using namespace kfm_det;
using namespace kfm_det::tests;

namespace {

const PosixFileSystem fs;

void put(const std::string& path, BytesView bytes) {
  auto file = good(fs.create_exclusive(path));
  REQUIRE(good(fs.write(file, 0, bytes)) == bytes.size());
}

std::string get(const std::string& path) {
  auto file = good(fs.open(path, OpenMode::read));
  std::string bytes(good(fs.size(file)) + 1, '\0');
  bytes.resize(good(fs.read(file, 0, bytes)));
  return bytes;
}

}  // namespace

TEST_CASE("what is written at an offset is read at that offset, and 0 is the end") {
  const Scratch scratch;
  auto file = good(fs.create_exclusive(scratch / "f"));
  CHECK(file.path() == scratch / "f");
  CHECK(good(fs.write(file, 3, "abc")) == 3);
  CHECK(good(fs.write(file, 0, "")) == 0);
  CHECK(good(fs.size(file)) == 6);
  char into[10] = {};
  CHECK(good(fs.read(file, 1, into)) == 5);
  CHECK(std::string(into, 5) == std::string("\0\0abc", 5));
  CHECK(good(fs.read(file, 6, into)) == 0);
  CHECK(good(fs.read(file, 100, into)) == 0);
  good(fs.truncate(file, 4));
  CHECK(get(scratch / "f") == std::string("\0\0\0a", 4));
  good(fs.truncate(file, 5));
  CHECK(get(scratch / "f") == std::string("\0\0\0a\0", 5));
  CHECK(bad(fs.read(file, std::numeric_limits<std::uint64_t>::max(), into)) == errc::invalid_argument);
  CHECK(bad(fs.write(file, std::uint64_t{1} << 63, "x")) == errc::invalid_argument);
}

TEST_CASE("FS-1 a short write is handed on") {
  const Scratch scratch;
  Child child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit four{4, 4};
    if (::setrlimit(RLIMIT_FSIZE, &four) != 0) return 2;
    auto file = fs.create_exclusive(scratch / "f");
    const auto first = fs.write(file.value(), 0, "abcdef");
    if (!first || first.value() != 4) return 3;
    const auto second = fs.write(file.value(), 4, "ef");
    return !second && second.error().code() == errc::limit_exceeded ? 0 : 4;
  });
  CHECK(child.wait() == 0);
  CHECK(get(scratch / "f") == "abcd");
}

TEST_CASE("FS-2 FS-4 sync and sync_directory do what they say, and fail where there is nothing to sync") {
  const Scratch scratch;
  auto file = good(fs.create_exclusive(scratch / "f"));
  (void)good(fs.write(file, 0, "x"));
  good(fs.sync(file));
  good(fs.sync_directory(scratch.path()));
  good(fs.sync_directory("."));
  CHECK(bad(fs.sync_directory(scratch / "f")) == errc::not_found);  // not a directory
  CHECK(bad(fs.sync_directory(scratch / "none")) == errc::not_found);
}

TEST_CASE("FS-5 create_exclusive succeeds once, also in front of a dangling link") {
  const Scratch scratch;
  put(scratch / "f", "mine");
  CHECK(bad(fs.create_exclusive(scratch / "f")) == errc::conflict);
  CHECK(get(scratch / "f") == "mine");
  REQUIRE(::symlink("nowhere", (scratch / "link").c_str()) == 0);
  CHECK(bad(fs.create_exclusive(scratch / "link")) == errc::conflict);
  CHECK(good(fs.exists(scratch / "link")));
  CHECK_FALSE(good(fs.exists(scratch / "nowhere")));
  CHECK(bad(fs.create_exclusive(scratch / "no/f")) == errc::not_found);
}

TEST_CASE("FS-5 of many who rename to one name one succeeds, and nothing is replaced") {
  const Scratch scratch(true);
  constexpr int rounds = 100, threads = 4;
  for (int round = 0; round < rounds; ++round) {
    const std::string to = scratch / ("to-" + std::to_string(round));
    for (int i = 0; i < threads; ++i) put(scratch / ("from-" + std::to_string(i)), std::to_string(i));
    std::atomic<int> ready{0}, won{0}, conflicts{0}, winner{-1};
    std::vector<std::thread> pool;
    for (int i = 0; i < threads; ++i)
      pool.emplace_back([&, i] {
        for (++ready; ready.load() < threads;) {}
        const auto answer = fs.rename_no_replace(scratch / ("from-" + std::to_string(i)), to);
        if (answer) { ++won; winner = i; }
        else if (answer.error().code() == errc::conflict) ++conflicts;
      });
    for (std::thread& thread : pool) thread.join();
    REQUIRE(won == 1);
    REQUIRE(conflicts == threads - 1);
    REQUIRE(get(to) == std::to_string(winner.load()));
    for (int i = 0; i < threads; ++i)
      if (i != winner) good(fs.remove(scratch / ("from-" + std::to_string(i))));
  }
}

TEST_CASE("FS-5 the way around a kernel or file system without renameat2 keeps the same promises") {
  const Scratch scratch;
  put(scratch / "a", "a");
  put(scratch / "b", "b");
  good(detail::link_then_unlink(scratch / "a", scratch / "c"));
  CHECK_FALSE(good(fs.exists(scratch / "a")));
  CHECK(get(scratch / "c") == "a");
  CHECK(bad(detail::link_then_unlink(scratch / "b", scratch / "c")) == errc::conflict);
  CHECK(get(scratch / "b") == "b");
  CHECK(get(scratch / "c") == "a");
  CHECK(bad(detail::link_then_unlink(scratch / "none", scratch / "d")) == errc::not_found);
}

TEST_CASE("rename replaces, rename_no_replace and remove name what is missing") {
  const Scratch scratch;
  put(scratch / "a", "a");
  put(scratch / "b", "b");
  good(fs.rename(scratch / "a", scratch / "b"));
  CHECK(get(scratch / "b") == "a");
  CHECK_FALSE(good(fs.exists(scratch / "a")));
  CHECK(bad(fs.rename(scratch / "a", scratch / "b")) == errc::not_found);
  CHECK(bad(fs.rename_no_replace(scratch / "a", scratch / "c")) == errc::not_found);
  CHECK(bad(fs.remove(scratch / "a")) == errc::not_found);
  good(fs.remove(scratch / "b"));
  CHECK_FALSE(good(fs.exists(scratch / "b")));
}

TEST_CASE("FS-6 the lock is the File's: another File of the same process does not get it, and closing another one does not lose it") {
  const Scratch scratch;
  auto mine = good(fs.create_exclusive(scratch / "f"));
  CHECK_FALSE(good(fs.locked_elsewhere(mine)));
  CHECK(good(fs.lock(mine)));
  CHECK(good(fs.lock(mine)));  // again is no harm
  CHECK_FALSE(good(fs.locked_elsewhere(mine)));
  {
    auto other = good(fs.open(scratch / "f", OpenMode::read_write));
    CHECK(good(fs.locked_elsewhere(other)));
    CHECK_FALSE(good(fs.lock(other)));
    CHECK(good(fs.locked_elsewhere(good(fs.open(scratch / "f", OpenMode::read)))));
  }  // closes `other`: a POSIX lock would be gone now
  auto third = good(fs.open(scratch / "f", OpenMode::read_write));
  CHECK(good(fs.locked_elsewhere(third)));
  { const auto gone = std::move(mine); }
  CHECK_FALSE(good(fs.locked_elsewhere(third)));
  CHECK(good(fs.lock(third)));
}

TEST_CASE("FS-6 the lock covers what the file will grow to, and survives a rename") {
  const Scratch scratch;
  auto mine = good(fs.create_exclusive(scratch / "f"));
  CHECK(good(fs.lock(mine)));
  (void)good(fs.write(mine, 100'000, "x"));
  good(fs.rename(scratch / "f", scratch / "g"));
  CHECK(good(fs.locked_elsewhere(good(fs.open(scratch / "g", OpenMode::read)))));
}

TEST_CASE("FS-6 the lock dies with its process") {
  const Scratch scratch;
  put(scratch / "f", "");
  const Pipe locked;
  Child child([&] {
    auto file = fs.open(scratch / "f", OpenMode::read_write);
    if (!fs.lock(file.value()).value()) return 1;
    locked.write('l');
    for (;;) ::pause();
  });
  REQUIRE(locked.read() == 'l');
  auto mine = good(fs.open(scratch / "f", OpenMode::read_write));
  CHECK(good(fs.locked_elsewhere(mine)));
  CHECK_FALSE(good(fs.lock(mine)));
  CHECK(child.kill() == 1000 + SIGKILL);
  CHECK_FALSE(good(fs.locked_elsewhere(mine)));
  CHECK(good(fs.lock(mine)));
}

TEST_CASE("FS-6 a forked child has the File without its lock, and keeps it from nobody") {
  const Scratch scratch;
  auto mine = good(fs.create_exclusive(scratch / "f"));
  auto unlocked = good(fs.create_exclusive(scratch / "g"));
  CHECK(good(fs.lock(mine)));
  CHECK((::fcntl(mine.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
  const Pipe go, there;
  Child heir([&] {
    char byte = '-';
    const auto elsewhere = fs.locked_elsewhere(mine);
    const auto taken = fs.lock(mine);
    const bool asked = elsewhere && elsewhere.value() && taken && !taken.value();
    const bool works = fs.write(mine, 0, "h") && fs.read(mine, 0, std::span<char>(&byte, 1)) && byte == 'h' && fs.write(unlocked, 0, "u");
    const bool closed_on_exec = (::fcntl(mine.descriptor(), F_GETFD) & FD_CLOEXEC) != 0;
    there.write('t');
    const bool gone = go.read() == 'g';
    const auto after = fs.lock(mine);   // and may have it when it is free
    return asked && works && closed_on_exec && gone && after && after.value() ? 0 : 1;
  });
  CHECK(there.read() == 't');
  const auto other = good(fs.open(scratch / "f", OpenMode::read));
  CHECK(good(fs.locked_elsewhere(other)));
  { const auto gone = std::move(mine); }
  CHECK_FALSE(good(fs.locked_elsewhere(other)));
  go.write('g');
  CHECK(heir.wait() == 0);
}

TEST_CASE("a lock needs a file that is open for writing, and says so") {
  const Scratch scratch;
  put(scratch / "f", "");
  auto file = good(fs.open(scratch / "f", OpenMode::read));
  CHECK(bad(fs.lock(file)) == errc::invalid_argument);
}

TEST_CASE("FS-7 a read error is an error") {
  const auto memory = good(fs.open("/proc/self/mem", OpenMode::read));
  char into[8];
  CHECK(bad(fs.read(memory, 0, into)) == errc::io_error);
}

TEST_CASE("FS-8 list answers names in byte order, without . and .., hidden ones too") {
  const Scratch scratch;
  const std::vector<std::string> sorted{".hidden", "A", "Z", "a", "aa", "b", "lease-10", "lease-9", "\xC3\xA9"};
  for (const std::size_t i : {std::size_t{8}, std::size_t{2}, std::size_t{5}, std::size_t{0}, std::size_t{7}, std::size_t{1}, std::size_t{6}, std::size_t{3}, std::size_t{4}}) put(scratch / sorted[i], "");
  CHECK(good(fs.list(scratch.path())) == sorted);
  CHECK(bad(fs.list(scratch / "none")) == errc::not_found);
  CHECK(bad(fs.list(scratch / "A")) == errc::not_found);
}

TEST_CASE("FS-8 list gives all of many") {
  const Scratch scratch(true);
  for (int i = 0; i < 3000; ++i) put(scratch / std::to_string(10'000 + i), "");
  const auto names = good(fs.list(scratch.path()));
  REQUIRE(names.size() == 3000);
  CHECK(names.front() == "10000");
  CHECK(names.back() == "12999");
}

TEST_CASE("make_directory is content with one that is there, and with nothing else") {
  const Scratch scratch;
  good(fs.make_directory(scratch / "d"));
  good(fs.make_directory(scratch / "d"));
  REQUIRE(::symlink("d", (scratch / "link").c_str()) == 0);
  good(fs.make_directory(scratch / "link"));
  put(scratch / "f", "");
  CHECK(bad(fs.make_directory(scratch / "f")) == errc::conflict);
  CHECK(bad(fs.make_directory(scratch / "no/d")) == errc::not_found);
}

TEST_CASE("exists is a name lookup") {
  const Scratch scratch;
  put(scratch / "f", "");
  CHECK(good(fs.exists(scratch / "f")));
  CHECK(good(fs.exists(scratch.path())));
  CHECK_FALSE(good(fs.exists(scratch / "g")));
  CHECK_FALSE(good(fs.exists(scratch / "f/below")));
  CHECK(bad(fs.exists(scratch / std::string(300, 'x'))) == errc::invalid_argument);
}

TEST_CASE("open refuses what is no file, without waiting for a pipe's other end") {
  const Scratch scratch;
  REQUIRE(::mkfifo((scratch / "pipe").c_str(), 0600) == 0);
  CHECK(bad(fs.open(scratch / "pipe", OpenMode::read)) == errc::invalid_argument);
  CHECK(bad(fs.open(scratch / "pipe", OpenMode::read_write)) == errc::invalid_argument);
  CHECK(bad(fs.open(scratch.path(), OpenMode::read)) == errc::invalid_argument);
  CHECK(bad(fs.open(scratch.path(), OpenMode::read_write)) == errc::invalid_argument);
  CHECK(bad(fs.open(scratch / "none", OpenMode::read)) == errc::not_found);
  put(scratch / "f", "");
  CHECK(bad(fs.open(scratch / "f/below", OpenMode::read)) == errc::not_found);
}

TEST_CASE("a file that is open for reading is not written") {
  const Scratch scratch;
  put(scratch / "f", "x");
  auto file = good(fs.open(scratch / "f", OpenMode::read));
  CHECK(bad(fs.write(file, 0, "y")) == errc::invalid_argument);
  CHECK(bad(fs.truncate(file, 0)) == errc::invalid_argument);
  CHECK(get(scratch / "f") == "x");
}

TEST_CASE("a mapping shows the file, outlives it, and may be empty") {
  const Scratch scratch;
  put(scratch / "f", "mapped");
  put(scratch / "empty", "");
  auto mapping = [&] {
    const auto file = good(fs.open(scratch / "f", OpenMode::read));
    return good(fs.map(file));
  }();
  CHECK(mapping.bytes() == "mapped");
  auto moved = std::move(mapping);
  CHECK(moved.bytes() == "mapped");
  moved = good(fs.map(good(fs.open(scratch / "empty", OpenMode::read))));
  CHECK(moved.bytes().empty());
}

TEST_CASE("allocate makes room and never shortens or overwrites") {
  for (const bool in_memory : {false, true}) {
    const Scratch scratch(in_memory);
    auto file = good(fs.create_exclusive(scratch / "f"));
    (void)good(fs.write(file, 0, "abc"));
    good(fs.allocate(file, 0));
    good(fs.allocate(file, 2));
    CHECK(get(scratch / "f") == "abc");
    good(fs.allocate(file, 200'000));
    CHECK(get(scratch / "f") == "abc" + std::string(199'997, '\0'));
    struct stat found = {};
    REQUIRE(::stat((scratch / "f").c_str(), &found) == 0);
    CHECK(found.st_blocks * 512 >= 196'608);  // not a hole
    CHECK(bad(fs.allocate(file, std::numeric_limits<std::uint64_t>::max())) == errc::invalid_argument);
  }
}

TEST_CASE("no space is no_space") {
  auto full = good(fs.open("/dev/full", OpenMode::read_write));
  const auto answer = fs.write(full, 0, "x");
  CHECK(bad(answer) == errc::no_space);
  CHECK(answer.error().message() == "no_space: pwrite failed: No space left on device (errno 28) (/dev/full). Free space on that file system, then run again.");
  const Scratch scratch(true);
  auto file = good(fs.create_exclusive(scratch / "f"));
  struct statvfs space = {};
  REQUIRE(::statvfs(scratch.path().c_str(), &space) == 0);
  CHECK(bad(fs.allocate(file, (space.f_blocks + 1000) * space.f_frsize)) == errc::no_space);
}

TEST_CASE("no permission is permission_denied") {
  const Scratch scratch;
  put(scratch / "f", "x");
  REQUIRE(::chmod(scratch.path().c_str(), 0555) == 0);
  REQUIRE(::chmod((scratch / "f").c_str(), 0400) == 0);
  Child child([&] {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return 2;
    if (auto made = fs.create_exclusive(scratch / "g"); made || made.error().code() != errc::permission_denied) return 3;
    if (auto removed = fs.remove(scratch / "f"); removed || removed.error().code() != errc::permission_denied) return 4;
    if (auto opened = fs.open(scratch / "f", OpenMode::read_write); opened || opened.error().code() != errc::permission_denied) return 5;
    if (auto made = fs.make_directory(scratch / "d"); made || made.error().code() != errc::permission_denied) return 6;
    if (auto moved = fs.rename_no_replace(scratch / "f", scratch / "g"); moved || moved.error().code() != errc::permission_denied) return 7;
    return 0;
  });
  CHECK(child.wait() == 0);
  REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
}

TEST_CASE("a file survives the exhaustion of descriptors, and the error says what to do") {
  Child child([] {
    const rlimit few{8, 8};
    if (::setrlimit(RLIMIT_NOFILE, &few) != 0) return 2;
    std::vector<PosixFileSystem::File> open;
    for (int i = 0; i < 10; ++i) {
      auto file = fs.open("/dev/null", OpenMode::read);
      if (!file) return file.error().code() == errc::unavailable && file.error().remedy().find("ulimit -n") != std::string::npos ? 0 : 3;
      open.push_back(std::move(file).value());
    }
    return 4;
  });
  CHECK(child.wait() == 0);
}

TEST_CASE("a signal does not show") {
  const Scratch scratch;
  // Without SA_RESTART a blocking call answers EINTR. Regular files are seldom interrupted; the retry itself is what is held here.
  int calls = 0;
  CHECK(detail::uninterrupted([&] { errno = EINTR; return ++calls < 3 ? -1 : 7; }) == 7);
  CHECK(calls == 3);
  CHECK(detail::uninterrupted([&] { errno = EIO; ++calls; return -1; }) == -1);
  CHECK(calls == 4);
}

TEST_CASE("block_size is a power of two, and no smaller than a page, a block or a physical sector") {
  const Scratch scratch;
  put(scratch / "f", "");
  struct stat found = {};
  REQUIRE(::stat(scratch.path().c_str(), &found) == 0);
  for (const std::string& path : {scratch.path(), scratch / "f"}) {
    const std::uint64_t unit = good(fs.block_size(path));
    CHECK((unit & (unit - 1)) == 0);
    CHECK(unit >= 4096);
    CHECK(unit >= static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
    CHECK(unit >= std::min<std::uint64_t>(static_cast<std::uint64_t>(found.st_blksize), 65536));
    CHECK(unit >= detail::physical_sector(found.st_dev));
    CHECK(unit <= 1 << 20);
  }
  CHECK(bad(fs.block_size(scratch / "none")) == errc::not_found);
}

TEST_CASE("files may be moved, and the one that was there closes") {
  const Scratch scratch;
  put(scratch / "a", "a");
  put(scratch / "b", "b");
  auto file = good(fs.open(scratch / "a", OpenMode::read));
  file = good(fs.open(scratch / "b", OpenMode::read));
  char into[2];
  CHECK(good(fs.read(file, 0, into)) == 1);
  CHECK(into[0] == 'b');
}
