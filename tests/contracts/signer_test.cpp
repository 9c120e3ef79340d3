// SPDX-License-Identifier: BSL-1.0
/// \file
/// NoSigner: a log without signatures says so, and takes nothing for signed.
#include "kfm_det/contracts/signer.hpp"

#include <catch2/catch.hpp>

TEST_CASE("the null signer neither signs nor lets a signature pass") {
  const kfm_det::NoSigner none;
  REQUIRE_FALSE(none.sign("bytes"));
  CHECK(none.sign("bytes").error().code() == kfm_det::errc::unsupported);
  REQUIRE_FALSE(none.verify("bytes", ""));
  CHECK(none.verify("bytes", "").error().code() == kfm_det::errc::unsupported);
  CHECK(none.verify("bytes", "signature").error().message() == "unsupported: this log is not signed (NoSigner). Give the Environment a signer.");
  CHECK(none.key_id().empty());
}
