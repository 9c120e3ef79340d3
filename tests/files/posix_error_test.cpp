// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <cerrno>

#include "kfm_det/files/posix_error.hpp"

using namespace kfm_det;

TEST_CASE("an errno becomes the code that callers decide by") {
  const auto code = [](int number) { return posix_error(number, "call", "path").code(); };
  CHECK(code(ENOENT) == errc::not_found);
  CHECK(code(ENOTDIR) == errc::not_found);
  CHECK(code(EEXIST) == errc::conflict);
  CHECK(code(ENOSPC) == errc::no_space);
  CHECK(code(EDQUOT) == errc::no_space);
  CHECK(code(EACCES) == errc::permission_denied);
  CHECK(code(EPERM) == errc::permission_denied);
  CHECK(code(EROFS) == errc::permission_denied);
  CHECK(code(EIO) == errc::io_error);
  CHECK(code(EFBIG) == errc::limit_exceeded);
  CHECK(code(EMFILE) == errc::unavailable);
  CHECK(code(ESTALE) == errc::unavailable);
  CHECK(code(EOPNOTSUPP) == errc::unsupported);
  CHECK(code(EISDIR) == errc::invalid_argument);
  CHECK(code(12345) == errc::io_error);
}

TEST_CASE("what may pass by itself is temporary, what may not is permanent") {
  CHECK(posix_error(EIO, "pread", "x").retry() == Retry::temporary);
  CHECK(posix_error(ENOSPC, "pwrite", "x").retry() == Retry::temporary);
  CHECK(posix_error(EACCES, "open", "x").retry() == Retry::permanent);
  CHECK(posix_error(ENOENT, "open", "x").retry() == Retry::permanent);
}

TEST_CASE("the sentence names the call, the reason, the path and a remedy") {
  CHECK(posix_error(ENOSPC, "pwrite", "state/wal/7").message() ==
        "no_space: pwrite failed: No space left on device (errno 28) (state/wal/7). Free space on that file system, then run again.");
}
