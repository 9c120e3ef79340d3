// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/digest.hpp"

#include <concepts>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace det = kfm_det;

TEST_CASE("SHA-256 gives the vectors of FIPS 180-4", "[core][digest]") {
  CHECK(det::sha256("").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(det::sha256("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(det::sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").hex() == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(det::sha256(std::string(1000000, 'a')).hex() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a Sha256 starts afresh after finish, and takes its bytes in any pieces", "[core][digest]") {
  det::Sha256 hash;
  CHECK(hash.update("ab").update("").update("c").finish() == det::sha256("abc"));
  CHECK(hash.finish() == det::sha256(""));
  CHECK(hash.update("abc").finish() == det::sha256("abc"));
  det::Sha256 moved = std::move(hash);
  CHECK(moved.update("abc").finish() == det::sha256("abc"));
  static_assert(!std::copyable<det::Sha256> && std::movable<det::Sha256>);
  CHECK(rc::check([](const std::vector<std::string>& parts) {
    det::Sha256 pieces;
    std::string whole;
    for (const auto& part : parts) { pieces.update(part); whole += part; }
    RC_ASSERT(pieces.finish() == det::sha256(whole));
  }));
}

TEST_CASE("a domain digest is over domain, newline, bytes", "[core][digest]") {
  CHECK(det::domain_digest("kfm_det/v1/test", "body") == det::sha256("kfm_det/v1/test\nbody"));
  CHECK(det::domain_digest("kfm_det/v1/test", {"bo", "dy"}) == det::sha256("kfm_det/v1/test\nbody"));
  CHECK(det::sha256({"a", "b", "c"}) == det::sha256("abc"));
  CHECK(det::sha256(std::initializer_list<det::BytesView>{}) == det::sha256(""));
}

TEST_CASE("each thread has its own context", "[core][digest]") {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&wrong, t] { for (int i = 0; i < 2000; ++i) wrong[t] += det::sha256("abc").bytes[0] != 0xba; });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
}

TEST_CASE("a digest reads its own text and nothing else", "[core][digest]") {
  const det::Digest abc = det::sha256("abc");
  CHECK(det::Digest::from_hex(abc.hex()).value() == abc);
  std::string upper = abc.hex();
  upper[1] = 'A';
  CHECK(det::Digest::from_hex(upper).error().where() == "byte 1");
  CHECK(det::Digest::from_hex("ba78").error().where() == "4 characters");
  CHECK(det::Digest::from_hex(abc.hex() + "00").error().code() == det::errc::invalid_argument);
  CHECK(det::Digest{}.is_zero());
  CHECK_FALSE(abc.is_zero());
  CHECK(abc.view().size() == 32);
  CHECK(det::Digest{} < abc);
}

TEST_CASE("digests of different things do not mix", "[core][digest]") {
  static_assert(!std::convertible_to<det::ContentHash, det::IdempotencyKey>);
  static_assert(!std::equality_comparable_with<det::ContentHash, det::EffectId>);
  static_assert(!std::convertible_to<det::Digest, det::PlanHash>);
  const det::EffectId id{det::sha256("abc")};
  CHECK(det::EffectId::from_hex(id.hex()).value() == id);
  CHECK(det::EffectId::from_hex("no").error().code() == det::errc::invalid_argument);
}
