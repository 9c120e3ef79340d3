// SPDX-License-Identifier: BSL-1.0
/// \file
/// SHA-256: what everything is identified and protected by. The one OpenSSL seam of the core room.
///
/// Thread-safety: a Sha256 belongs to one thread at a time; the free functions keep one context per thread and may be called
/// from any. Neither fails, but for std::bad_alloc where OpenSSL gets no memory.
/// Every hash of ours starts with a domain tag (`domain_digest`), so that no text of one kind can pass for another.
#ifndef KFM_DET_CORE_DIGEST_HPP
#define KFM_DET_CORE_DIGEST_HPP

#include <array>
#include <compare>
#include <cstddef>
#include <initializer_list>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <openssl/evp.h>

#include "kfm_det/core/assert.hpp"
#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/result.hpp"

namespace kfm_det {

/// 32 bytes of SHA-256. Zero means "none" wherever a format says so.
struct Digest {
  std::array<unsigned char, 32> bytes{};

  /// 64 lower-case digits.
  [[nodiscard]] std::string hex() const { return to_hex(view()); }
  /// Strict: 64 lower-case digits. Errors: invalid_argument.
  [[nodiscard]] static result<Digest> from_hex(std::string_view text);
  [[nodiscard]] bool is_zero() const noexcept { return *this == Digest{}; }
  [[nodiscard]] BytesView view() const noexcept { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
  friend auto operator<=>(const Digest&, const Digest&) = default;
};

namespace detail { class Sha256Behind; }

/// SHA-256 in pieces. After finish() it starts afresh, with the same context: reuse one where speed matters.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
  Sha256& operator=(Sha256&& other) noexcept { std::swap(context_, other.context_); return *this; }
  ~Sha256() { EVP_MD_CTX_free(context_); }

  Sha256& update(BytesView bytes);
  [[nodiscard]] Digest finish();

 private:
  friend class detail::Sha256Behind;
  void become(const Sha256& other);
  [[nodiscard]] Digest end();   // nothing but become() may follow

  EVP_MD_CTX* context_;
};

[[nodiscard]] Digest sha256(BytesView bytes);
/// Of the parts, one behind the other.
[[nodiscard]] Digest sha256(std::initializer_list<BytesView> parts);
/// SHA-256(domain + "\n" + bytes). A domain is a text of ours without a newline, such as "kfm_det/v1/inputs".
[[nodiscard]] Digest domain_digest(std::string_view domain, BytesView bytes);
[[nodiscard]] Digest domain_digest(std::string_view domain, std::initializer_list<BytesView> parts);

/// The same for a domain that is a constant, and faster: the domain is hashed once a thread, and what that came to is copied.
template <const std::string_view& domain>
[[nodiscard]] Digest domain_digest(BytesView bytes);

/// A digest that cannot be mistaken for a digest of something else.
template <class Tag>
struct StrongDigest {
  Digest digest{};

  [[nodiscard]] std::string hex() const { return digest.hex(); }
  [[nodiscard]] static result<StrongDigest> from_hex(std::string_view text) {
    KFM_DET_TRY(const auto read, Digest::from_hex(text));
    return StrongDigest{read};
  }
  [[nodiscard]] bool is_zero() const noexcept { return digest.is_zero(); }
  friend auto operator<=>(const StrongDigest&, const StrongDigest&) = default;
};

struct ContentHashTag {};
struct IdempotencyKeyTag {};
struct EffectIdTag {};
struct PlanHashTag {};
struct InputHashTag {};
using ContentHash = StrongDigest<ContentHashTag>;        ///< of content: bytes, metadata and tombstone flag (core/idempotency_key.hpp), or of a source's bytes
using IdempotencyKey = StrongDigest<IdempotencyKeyTag>;  ///< names stored bytes, not events
using EffectId = StrongDigest<EffectIdTag>;              ///< one thing that a step of a run will publish
using PlanHash = StrongDigest<PlanHashTag>;
using InputHash = StrongDigest<InputHashTag>;

/// Of a plan's canonical text.
[[nodiscard]] inline PlanHash plan_hash(BytesView text) { return PlanHash{domain_digest("kfm_det/v1/plan", text)}; }

namespace detail {

/// Fetched once: a fetch by name for every hash costs more than hashing a line. Every provider that there is knows SHA-256, so where OpenSSL has none it lacks
/// memory (of its reasons it tells little then): std::bad_alloc, and the next call asks again.
inline const EVP_MD* fetched_sha256() {
  static const EVP_MD* const md = [] {
    const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    if (fetched == nullptr) throw std::bad_alloc();
    return fetched;
  }();
  return md;
}

/// SHA-256 of texts that begin with the same one. A copy of a context costs less than to begin one and to hash the beginning again.
class Sha256Behind {
 public:
  explicit Sha256Behind(std::initializer_list<BytesView> beginning) {
    for (const BytesView part : beginning) beginning_.update(part);
  }
  [[nodiscard]] Digest operator()(BytesView rest) {
    whole_.become(beginning_);
    return whole_.update(rest).end();
  }

 private:
  Sha256 beginning_, whole_;
};

inline Sha256& thread_sha256() {
  thread_local Sha256 context;
  return context;
}

/// For UUIDv5 only, whose definition asks for it; nothing of ours rests on SHA-1.
[[nodiscard]] inline std::array<unsigned char, 20> sha1(std::initializer_list<BytesView> parts) {
  std::array<unsigned char, 20> out{};
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  if (context == nullptr) throw std::bad_alloc();
  bool ok = EVP_DigestInit_ex(context, EVP_sha1(), nullptr) == 1;
  for (const BytesView part : parts) ok = ok && EVP_DigestUpdate(context, part.data(), part.size()) == 1;
  ok = ok && EVP_DigestFinal_ex(context, out.data(), nullptr) == 1;
  EVP_MD_CTX_free(context);
  KFM_DET_ASSERT(ok);
  return out;
}

}  // namespace detail

inline result<Digest> Digest::from_hex(std::string_view text) {
  Digest out;
  if (text.size() != 2 * out.bytes.size())
    return Error(errc::invalid_argument, "a SHA-256 digest has 64 hex digits", std::to_string(text.size()) + " characters");
  const std::size_t bad = detail::read_hex(reinterpret_cast<char*>(out.bytes.data()), text);
  if (bad != std::string_view::npos)
    return Error(errc::invalid_argument, "not a lower-case hex digit", detail::at_byte(bad), "Write 0-9 and a-f.");
  return out;
}

inline Sha256::Sha256() : context_(nullptr) {
  const EVP_MD* const md = detail::fetched_sha256();
  context_ = EVP_MD_CTX_new();
  if (context_ != nullptr && EVP_DigestInit_ex2(context_, md, nullptr) == 1) return;
  EVP_MD_CTX_free(context_);
  throw std::bad_alloc();
}

inline Sha256& Sha256::update(BytesView bytes) {
  KFM_DET_ASSERT(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1);
  return *this;
}

inline void Sha256::become(const Sha256& other) {
  if (EVP_MD_CTX_copy_ex(context_, other.context_) != 1) throw std::bad_alloc();
}

inline Digest Sha256::end() {
  Digest out;
  KFM_DET_ASSERT(EVP_DigestFinal_ex(context_, out.bytes.data(), nullptr) == 1);
  return out;
}

inline Digest Sha256::finish() {
  const Digest out = end();
  KFM_DET_ASSERT(EVP_DigestInit_ex2(context_, nullptr, nullptr) == 1);
  return out;
}

inline Digest sha256(BytesView bytes) { return detail::thread_sha256().update(bytes).finish(); }

inline Digest sha256(std::initializer_list<BytesView> parts) {
  Sha256& hash = detail::thread_sha256();
  for (const BytesView part : parts) hash.update(part);
  return hash.finish();
}

inline Digest domain_digest(std::string_view domain, std::initializer_list<BytesView> parts) {
  Sha256& hash = detail::thread_sha256().update(domain).update("\n");
  for (const BytesView part : parts) hash.update(part);
  return hash.finish();
}

inline Digest domain_digest(std::string_view domain, BytesView bytes) { return domain_digest(domain, {bytes}); }

template <const std::string_view& domain>
inline Digest domain_digest(BytesView bytes) {
  thread_local detail::Sha256Behind hash({domain, "\n"});
  return hash(bytes);
}

}  // namespace kfm_det

#endif
