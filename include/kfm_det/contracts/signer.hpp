// SPDX-License-Identifier: BSL-1.0
/// \file
/// Signer: signs the last frame of a group, and verifies. What is signed is wal::signed_bytes: domain-separated, with algorithm, key, stream and place inside.
/// A key id has 1 to 64 of [A-Za-z0-9._-], an algorithm 1 to 32 of [a-z0-9-]: both stand in the log as they are.
///
/// Laws, each with its usual bug:
///   SIGNER-1  verify(bytes, sign(bytes)) holds; it fails for any other bytes or signature. Bug: a verifier that warns and goes on.
///   SIGNER-2  algorithm and key are the reader's choice (key_id names the key), never the record's. Bug: "alg": "none".
/// Thread-safety: sign and verify may be called from any thread.
#ifndef KFM_DET_CONTRACTS_SIGNER_HPP
#define KFM_DET_CONTRACTS_SIGNER_HPP

#include <concepts>
#include <string>
#include <string_view>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/result.hpp"

namespace kfm_det {

namespace signer_clause {
template <class S> concept signs = requires(const S& signer, BytesView bytes) { { signer.sign(bytes) } -> std::same_as<result<Bytes>>; };
template <class S> concept verifies = requires(const S& signer, BytesView bytes, BytesView signature) { { signer.verify(bytes, signature) } -> std::same_as<result<void>>; };
template <class S> concept names_key = requires(const S& signer) { { signer.key_id() } -> std::convertible_to<std::string>; };
template <class S> concept names_algorithm = requires(const S& signer) { { signer.algorithm() } -> std::convertible_to<std::string_view>; };
}  // namespace signer_clause

template <class S>
concept Signer = signer_clause::signs<S> && signer_clause::verifies<S> && signer_clause::names_key<S> && signer_clause::names_algorithm<S>;

/// Says in sentences which clauses S misses, all of them at once.
template <class S>
consteval bool diagnose_signer() {
  static_assert(signer_clause::signs<S>, "kfm_det signer: needs `result<Bytes> sign(BytesView) const`");
  static_assert(signer_clause::verifies<S>, "kfm_det signer: needs `result<void> verify(BytesView bytes, BytesView signature) const`; errc::hash_mismatch when it does not fit");
  static_assert(signer_clause::names_key<S>, "kfm_det signer: needs `std::string key_id() const`");
  static_assert(signer_clause::names_algorithm<S>, "kfm_det signer: needs `std::string_view algorithm() const`, such as \"ed25519\"");
  return Signer<S>;
}

/// The null policy: a log without signatures. sign() answers errc::unsupported.
struct NoSigner {
  [[nodiscard]] result<Bytes> sign(BytesView) const { return Error(errc::unsupported, "this log is not signed", "NoSigner", "Give the Environment a signer."); }
  [[nodiscard]] result<void> verify(BytesView, BytesView) const { return Error(errc::unsupported, "this log is not signed", "NoSigner", "Give the Environment a signer."); }
  [[nodiscard]] std::string key_id() const { return {}; }
  [[nodiscard]] std::string_view algorithm() const { return "none"; }
};
static_assert(Signer<NoSigner>);

}  // namespace kfm_det

#endif
