// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <fstream>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include "kfm_det/files/file_source_reader.hpp"
#include "tests/files/scratch.hpp"

using namespace kfm_det;
using namespace kfm_det::tests;

namespace {
void put(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }
}  // namespace

TEST_CASE("SOURCE-1 describe hashes the very bytes that open gives, also those longer than its pieces") {
  const Scratch scratch;
  FileSourceReader reader;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{65535}, std::size_t{65536}, std::size_t{65537}, std::size_t{300'000}}) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>('a' + (i * i + i / 7) % 26);
    put(scratch / "data.csv", text);
    const SourceRef ref = good(reader.describe(scratch / "data.csv"));
    CHECK(ref.uri == scratch / "data.csv");
    CHECK(ref.content_hash == ContentHash{sha256(text)});
    SourceReaderView view(reader);
    CHECK(good(view.read_all(scratch / "data.csv")) == text);
  }
}

TEST_CASE("SOURCE-2 what is not there is not_found, and not a reason to try again") {
  const Scratch scratch;
  const FileSourceReader reader;
  put(scratch / "file", "x");
  for (const std::string& name : {scratch / "nothing", scratch / "no/thing", scratch / "file/below"}) {
    CHECK(bad(reader.describe(name)) == errc::not_found);
    CHECK(bad(reader.open(name)) == errc::not_found);
  }
  REQUIRE(::symlink("nowhere", (scratch / "dangling").c_str()) == 0);
  CHECK(bad(reader.describe(scratch / "dangling")) == errc::not_found);
}

TEST_CASE("SOURCE-2 what cannot be read now is no reason to believe that it is gone") {
  const FileSourceReader reader;
  // The memory of a process cannot be read at offset 0: a regular file whose reading fails with EIO.
  const auto described = reader.describe("/proc/self/mem");
  CHECK(bad(described) == errc::io_error);
  CHECK(described.error().retry() == Retry::temporary);
}

TEST_CASE("SOURCE-3 a read error in the middle is an error, not the end") {
  const FileSourceReader reader;
  auto source = good(reader.open("/proc/self/mem"));
  char piece[16];
  CHECK(bad(source.read(piece)) == errc::io_error);
}

TEST_CASE("no permission is said as such") {
  const Scratch scratch;
  put(scratch / "secret", "x");
  REQUIRE(::chmod((scratch / "secret").c_str(), 0) == 0);
  REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
  Child child([&] {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return 2;
    const auto answer = FileSourceReader{}.describe(scratch / "secret");
    return !answer && answer.error().code() == errc::permission_denied ? 0 : 1;
  });
  CHECK(child.wait() == 0);
}

TEST_CASE("directories, pipes and devices are refused with a sentence, without waiting") {
  const Scratch scratch;
  const FileSourceReader reader;
  REQUIRE(::mkfifo((scratch / "pipe").c_str(), 0600) == 0);
  CHECK(bad(reader.describe(scratch.path())) == errc::invalid_argument);
  CHECK(bad(reader.open(scratch.path())) == errc::invalid_argument);
  CHECK(bad(reader.describe(scratch / "pipe")) == errc::invalid_argument);
  CHECK(bad(reader.describe("/dev/null")) == errc::invalid_argument);
}

TEST_CASE("a path stands for itself, a file URI is percent-decoded") {
  const Scratch scratch;
  const FileSourceReader reader;
  put(scratch / "a b%20c\xC3\xA9", "odd");
  CHECK(good(reader.describe(scratch / "a b%20c\xC3\xA9")).content_hash == ContentHash{sha256("odd")});
  const std::string uri = "file://" + scratch.path() + "/a%20b%2520c%C3%a9";
  const SourceRef ref = good(reader.describe(uri));
  CHECK(ref.uri == uri);
  CHECK(ref.content_hash == ContentHash{sha256("odd")});

  CHECK(good(FileSourceReader::path_of("data/x.csv")) == "data/x.csv");
  CHECK(good(FileSourceReader::path_of("./a://b")) == "./a://b");  // what stands before "://" is no scheme
  CHECK(good(FileSourceReader::path_of("file:///x")) == "/x");
  CHECK(good(FileSourceReader::path_of("file://localhost/x")) == "/x");
}

TEST_CASE("uris that this reader cannot mean are refused") {
  for (const char* const uri : {"file://other/x", "file://x", "file:///a%2", "file:///a%zz", "file:///a%00b", "file:///a?b", "file:///a#b", "file://"}) {
    INFO(uri);
    CHECK(bad(FileSourceReader::path_of(uri)) == errc::invalid_argument);
  }
  CHECK_FALSE(FileSourceReader::path_of("").has_value());
  CHECK(bad(FileSourceReader::path_of(std::string_view("a\0b", 3))) == errc::invalid_argument);
  CHECK(bad(FileSourceReader::path_of("https://example.org/x")) == errc::unsupported);
  CHECK(bad(FileSourceReader::path_of("s3://bucket/x")) == errc::unsupported);
}
