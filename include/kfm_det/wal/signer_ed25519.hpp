// SPDX-License-Identifier: BSL-1.0
/// \file
/// Ed25519 (RFC 8032) by OpenSSL: a signer that has the private key, and the public key that verifies.
///
/// Private keys come as PEM PKCS#8 from a file (stores/signing_key.hpp checks who may read it) and never leave the object but by private_pem(). What
/// holds one in memory is wiped. Thread-safety: values that share an immutable key; sign and verify from any thread, with one OpenSSL context a thread.
#ifndef KFM_DET_WAL_SIGNER_ED25519_HPP
#define KFM_DET_WAL_SIGNER_ED25519_HPP

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "kfm_det/contracts/signer.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/wal/signature.hpp"

namespace kfm_det::wal {

inline constexpr std::string_view ed25519 = "ed25519";

/// Bytes that are wiped when their owner ends. Move only.
class SecretBytes {
 public:
  explicit SecretBytes(Bytes bytes = {}) noexcept : bytes_(std::move(bytes)) { wipe(bytes); }   // a short text is copied by its move
  SecretBytes(SecretBytes&& other) noexcept : SecretBytes(std::move(other.bytes_)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept { bytes_.swap(other.bytes_); return *this; }
  ~SecretBytes() { wipe(bytes_); }
  [[nodiscard]] BytesView view() const noexcept { return bytes_; }
  /// To read into: never make it longer, which would leave a copy behind.
  [[nodiscard]] Bytes& bytes() noexcept { return bytes_; }

 private:
  static void wipe(Bytes& bytes) noexcept {
    bytes.resize(bytes.capacity());   // allocates nothing
    OPENSSL_cleanse(bytes.data(), bytes.size());
  }
  Bytes bytes_;
};

namespace detail {
using Key = std::shared_ptr<EVP_PKEY>;
inline Key hold_key(EVP_PKEY* key) { return {key, [](EVP_PKEY* ours) { EVP_PKEY_free(ours); }}; }

/// The thread's own context, for one call. Emptied before and behind it: EVP_Digest{Sign,Verify}Init go on with the key of the call before, whatever key they are
/// given, while a context still has one; and no key may live longer than its owner.
class SignatureContext {
 public:
  SignatureContext() { EVP_MD_CTX_reset(get()); }
  SignatureContext(const SignatureContext&) = delete;
  SignatureContext& operator=(const SignatureContext&) = delete;
  ~SignatureContext() { EVP_MD_CTX_reset(get()); }
  [[nodiscard]] EVP_MD_CTX* get() const {
    struct Owner {
      EVP_MD_CTX* context = EVP_MD_CTX_new();
      Owner() { if (context == nullptr) throw std::bad_alloc(); }
      Owner(const Owner&) = delete;
      Owner& operator=(const Owner&) = delete;
      ~Owner() { EVP_MD_CTX_free(context); }
    };
    thread_local const Owner owner;
    return owner.context;
  }
};
inline const unsigned char* raw(BytesView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
inline std::unique_ptr<BIO, decltype(&BIO_free)> memory_of(BytesView bytes) { return {BIO_new_mem_buf(bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20))), &BIO_free}; }
/// For the reader of PEM, whose own would ask on the terminal.
inline int no_password(char*, int, int, void*) { return -1; }
/// OpenSSL's own words; its queue of errors is empty afterwards.
inline std::string openssl_words() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const words = code == 0 ? nullptr : ERR_reason_error_string(code);
  return words == nullptr ? "OpenSSL gives no reason" : words;
}
}  // namespace detail

/// The public half: what a key ring holds.
class Ed25519PublicKey {
 public:
  /// 32 bytes. Errors: invalid_argument.
  [[nodiscard]] static result<Ed25519PublicKey> from_raw(BytesView bytes) {
    if (bytes.size() != 32) return Error(errc::invalid_argument, "an Ed25519 public key has 32 bytes, this has " + std::to_string(bytes.size()), {}, "Give its 64 hex digits.");
    Ed25519PublicKey out;
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(out.raw_.data()));
    out.key_ = detail::hold_key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, out.raw_.data(), out.raw_.size()));
    if (!out.key_) return Error(errc::invalid_argument, "no Ed25519 public key", detail::openssl_words(), "Give the 64 hex digits that belong to the private key.");
    return out;
  }
  [[nodiscard]] static result<Ed25519PublicKey> from_hex(std::string_view text) {
    KFM_DET_TRY(const Bytes bytes, kfm_det::from_hex(text));
    return from_raw(bytes);
  }
  /// From PEM ("BEGIN PUBLIC KEY"), as `openssl pkey -pubout` writes it. Errors: invalid_argument (no PEM, another kind of key).
  [[nodiscard]] static result<Ed25519PublicKey> from_pem(BytesView pem) {
    const auto text = detail::memory_of(pem);
    const auto key = detail::hold_key(text ? PEM_read_bio_PUBKEY(text.get(), nullptr, detail::no_password, nullptr) : nullptr);
    if (!key) return Error(errc::invalid_argument, "this is no public key in PEM", detail::openssl_words(), "Write one: openssl pkey -in KEY -pubout.");
    return from_key(key);
  }
  [[nodiscard]] std::string hex() const { return to_hex(view()); }
  /// The id of a key that has no name: the first 16 digits of SHA-256 of its 32 bytes.
  [[nodiscard]] std::string fingerprint() const { return sha256(view()).hex().substr(0, 16); }

  /// Errors: hash_mismatch when it is not the signature of these bytes.
  [[nodiscard]] result<void> verify(BytesView bytes, BytesView signature) const {
    const detail::SignatureContext context;
    if (EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1) {   // nothing was looked at yet
      ERR_clear_error();
      throw std::bad_alloc();
    }
    if (signature.size() == 64 && EVP_DigestVerify(context.get(), detail::raw(signature), signature.size(), detail::raw(bytes), bytes.size()) == 1)
      return success();
    ERR_clear_error();
    return Error(errc::hash_mismatch, "the signature does not belong to these bytes", "key " + fingerprint(), "Whoever wrote them did not have the key.");
  }

 private:
  friend class Ed25519Signer;
  Ed25519PublicKey() = default;
  static result<Ed25519PublicKey> from_key(const detail::Key& key) {
    if (EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519)
      return Error(errc::invalid_argument, "the key is no Ed25519 key", std::string(EVP_PKEY_get0_type_name(key.get()) ? EVP_PKEY_get0_type_name(key.get()) : "unknown"), "Make one: openssl genpkey -algorithm ed25519 -out KEY.");
    std::array<char, 32> raw{};
    std::size_t size = raw.size();
    if (EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(raw.data()), &size) != 1) return Error(errc::invalid_argument, "the key has no public half", detail::openssl_words());
    return from_raw({raw.data(), size});
  }
  [[nodiscard]] BytesView view() const { return {reinterpret_cast<const char*>(raw_.data()), raw_.size()}; }
  std::array<unsigned char, 32> raw_{};
  detail::Key key_;
};

class Ed25519Signer {
 public:
  /// From PEM PKCS#8 ("BEGIN PRIVATE KEY"). `name`: the key's id in the ring; empty: its fingerprint.
  /// Errors: invalid_argument (no PEM, encrypted, another kind of key, a name that cannot stand in a log). No error says anything of the key.
  [[nodiscard]] static result<Ed25519Signer> from_pem(BytesView pem, std::string name = {}) {
    const auto refuse = [](std::string what, std::string remedy) { return Error(errc::invalid_argument, std::move(what), detail::openssl_words(), std::move(remedy)); };
    if (pem.find("BEGIN ENCRYPTED PRIVATE KEY") != BytesView::npos)
      return refuse("the private key is encrypted, and nobody is here to ask for its password", "Decrypt it into a file that only you may read: openssl pkey -in KEY -out PLAIN.");
    const auto text = detail::memory_of(pem);
    auto key = detail::hold_key(text ? PEM_read_bio_PrivateKey(text.get(), nullptr, detail::no_password, nullptr) : nullptr);
    if (!key) return refuse("this is no private key in PEM", "Make one: openssl genpkey -algorithm ed25519 -out KEY, and chmod 600 KEY.");
    return from_key(std::move(key), std::move(name));
  }
  /// From the 32 secret bytes of RFC 8032; for tests. Errors: invalid_argument.
  [[nodiscard]] static result<Ed25519Signer> from_seed(BytesView seed, std::string name = {}) {
    auto key = detail::hold_key(seed.size() == 32 ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, detail::raw(seed), seed.size()) : nullptr);
    if (!key) return Error(errc::invalid_argument, "an Ed25519 seed has 32 bytes", detail::openssl_words());
    return from_key(std::move(key), std::move(name));
  }
  /// A new key, from OpenSSL's random numbers. Errors: unavailable.
  [[nodiscard]] static result<Ed25519Signer> generate(std::string name = {}) {
    auto key = detail::hold_key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    if (!key) return Error(errc::unavailable, "no key could be made", detail::openssl_words(), "Look at OpenSSL's configuration.");
    return from_key(std::move(key), std::move(name));
  }

  /// 64 bytes. Errors: unavailable, where OpenSSL fails.
  [[nodiscard]] result<Bytes> sign(BytesView bytes) const {
    const detail::SignatureContext context;
    Bytes out(64, '\0');
    std::size_t size = out.size();
    if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, detail::raw(bytes), bytes.size()) != 1 || size != out.size())
      return Error(errc::unavailable, "Ed25519 could not sign", detail::openssl_words(), "Look at OpenSSL's configuration.");
    return out;
  }
  [[nodiscard]] result<void> verify(BytesView bytes, BytesView signature) const { return public_key_.verify(bytes, signature); }
  [[nodiscard]] std::string key_id() const { return name_; }
  [[nodiscard]] std::string_view algorithm() const { return ed25519; }
  [[nodiscard]] const Ed25519PublicKey& public_key() const { return public_key_; }

  /// PEM PKCS#8, for the file that is to hold it. Errors: unavailable.
  [[nodiscard]] result<SecretBytes> private_pem() const {
    const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_secmem()), &BIO_free);
    char* data = nullptr;
    if (!text || PEM_write_bio_PKCS8PrivateKey(text.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) return Error(errc::unavailable, "the key cannot be written as PEM", detail::openssl_words());
    const long size = BIO_get_mem_data(text.get(), &data);
    return SecretBytes(Bytes(data, static_cast<std::size_t>(size)));
  }

 private:
  Ed25519Signer(detail::Key key, Ed25519PublicKey public_key, std::string name) : key_(std::move(key)), public_key_(std::move(public_key)), name_(std::move(name)) {}
  static result<Ed25519Signer> from_key(detail::Key key, std::string name) {
    KFM_DET_TRY(auto public_key, Ed25519PublicKey::from_key(key));
    if (name.empty()) name = public_key.fingerprint();
    if (!is_key_id(name)) return Error(errc::invalid_argument, "a key id that cannot stand in a log", name, "Use 1 to 64 of A-Z a-z 0-9 . _ -");
    return Ed25519Signer(std::move(key), std::move(public_key), std::move(name));
  }

  detail::Key key_;
  Ed25519PublicKey public_key_;
  std::string name_;
};
static_assert(Signer<Ed25519Signer>);

}  // namespace kfm_det::wal

#endif
