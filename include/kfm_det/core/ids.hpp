// SPDX-License-Identifier: BSL-1.0
/// \file
/// Ids: UUIDs that are derived and never drawn, and the strong types of a run, an entry, an updater and a business key.
///
/// Thread-safety: values. An UpdaterId keeps a view: give it a literal.
#ifndef KFM_DET_CORE_IDS_HPP
#define KFM_DET_CORE_IDS_HPP

#include <array>
#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/core/limits.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/core/utf8.hpp"

namespace kfm_det {

/// RFC 9562.
struct Uuid {
  std::array<unsigned char, 16> bytes{};

  /// "2ed6657d-e927-568b-95e1-2665a8aea6a2": 36 characters, lower case.
  [[nodiscard]] std::string text() const;
  /// Strict: exactly what text() gives. Errors: invalid_argument.
  [[nodiscard]] static result<Uuid> parse(std::string_view text);
  [[nodiscard]] bool is_nil() const noexcept { return *this == Uuid{}; }
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

/// The first 16 bytes of a digest of ours, with version and variant set: 122 of its bits.
[[nodiscard]] Uuid uuid_v8(const Digest& digest) noexcept;
/// SHA-1 of name space and name, as other tools derive it too.
[[nodiscard]] Uuid uuid_v5(const Uuid& name_space, BytesView name);

/// RFC 9562 appendix: the name spaces of UUIDv5.
inline constexpr Uuid uuid_namespace_dns{{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}};
inline constexpr Uuid uuid_namespace_url{{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}};

/// A UUID that cannot be mistaken for a UUID of something else.
template <class Tag>
struct StrongUuid {
  Uuid uuid{};

  [[nodiscard]] std::string text() const { return uuid.text(); }
  [[nodiscard]] static result<StrongUuid> parse(std::string_view text) {
    KFM_DET_TRY(const auto read, Uuid::parse(text));
    return StrongUuid{read};
  }
  [[nodiscard]] bool is_nil() const noexcept { return uuid.is_nil(); }
  friend auto operator<=>(const StrongUuid&, const StrongUuid&) = default;
};

struct RunIdTag {};
struct EntryIdTag {};
using RunId = StrongUuid<RunIdTag>;      ///< wal_id of the contract: one run, the same on a retry of its trigger over its inputs
using EntryId = StrongUuid<EntryIdTag>;  ///< one entry of the log

/// Names a versioned transform: `static constexpr UpdaterId id{"noaa-monthly-summary"};`
struct UpdaterId {
  std::string_view text;

  constexpr UpdaterId() = default;
  constexpr explicit UpdaterId(std::string_view id) : text(id) {}
  /// 1 to 128 of [a-z0-9._-], the first of [a-z0-9].
  [[nodiscard]] constexpr bool valid() const noexcept {
    if (text.empty() || text.size() > limits::updater_id_bytes_max) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      if (!alphanumeric && (i == 0 || (c != '.' && c != '_' && c != '-'))) return false;
    }
    return true;
  }
  friend constexpr auto operator<=>(const UpdaterId&, const UpdaterId&) = default;
};

/// What a publication is published under. Kept byte for byte: nothing is trimmed, folded or normalised.
struct BusinessKey {
  std::string text;

  BusinessKey() = default;
  BusinessKey(std::string key) : text(std::move(key)) {}       // implicit: a key is written as the text it is
  BusinessKey(std::string_view key) : text(key) {}
  BusinessKey(const char* key) : text(key) {}
  friend auto operator<=>(const BusinessKey&, const BusinessKey&) = default;
};

/// Not empty, at most 1024 bytes, UTF-8, no control characters (U+0000..U+001F, U+007F..U+009F). Errors: invalid_argument, limit_exceeded.
[[nodiscard]] result<void> valid_business_key(const BusinessKey& key);

namespace detail {

inline constexpr std::size_t uuid_size = 36;

constexpr bool uuid_dash(std::size_t at) noexcept { return at == 8 || at == 13 || at == 18 || at == 23; }

constexpr char* write_uuid(char* out, const Uuid& uuid) noexcept {
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
    *out++ = hex_digits[uuid.bytes[i] >> 4];
    *out++ = hex_digits[uuid.bytes[i] & 15];
  }
  return out;
}

template <std::size_t N>
Uuid uuid_from(const std::array<unsigned char, N>& hash, unsigned version) noexcept {
  static_assert(N >= 16);
  Uuid out;
  for (std::size_t i = 0; i < 16; ++i) out.bytes[i] = hash[i];
  out.bytes[6] = static_cast<unsigned char>((out.bytes[6] & 0x0fU) | version << 4);
  out.bytes[8] = static_cast<unsigned char>((out.bytes[8] & 0x3fU) | 0x80U);
  return out;
}

}  // namespace detail

inline std::string Uuid::text() const {
  std::string out(detail::uuid_size, '\0');
  detail::write_uuid(out.data(), *this);
  return out;
}

inline result<Uuid> Uuid::parse(std::string_view text) {
  const auto fail = [](std::size_t at) {
    return Error(errc::invalid_argument, "not a UUID in lower-case canonical form", detail::at_byte(at), "Write it as in 2ed6657d-e927-568b-95e1-2665a8aea6a2.");
  };
  if (text.size() != detail::uuid_size) return fail(text.size() < detail::uuid_size ? text.size() : detail::uuid_size);
  Uuid out;
  std::size_t digits = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (detail::uuid_dash(at)) {
      if (text[at] != '-') return fail(at);
      continue;
    }
    const unsigned value = detail::hex_value(text[at]);
    if (value > 15) return fail(at);
    out.bytes[digits / 2] = static_cast<unsigned char>(out.bytes[digits / 2] * 16U + value);
    ++digits;
  }
  return out;
}

inline Uuid uuid_v8(const Digest& digest) noexcept { return detail::uuid_from(digest.bytes, 8); }

inline Uuid uuid_v5(const Uuid& name_space, BytesView name) {
  return detail::uuid_from(detail::sha1({{reinterpret_cast<const char*>(name_space.bytes.data()), name_space.bytes.size()}, name}), 5);
}

inline result<void> valid_business_key(const BusinessKey& key) {
  const std::string_view text = key.text;
  if (text.empty()) return Error(errc::invalid_argument, "a business key is empty", {}, "Give the output the name that it is published under.");
  if (text.size() > limits::business_key_bytes_max)
    return Error(errc::limit_exceeded, "a business key is longer than " + std::to_string(limits::business_key_bytes_max) + " bytes", std::to_string(text.size()) + " bytes",
                 "Shorten it, or use a hash of it.");
  if (const std::size_t bad = utf8_fault(text); bad != std::string_view::npos)
    return Error(errc::invalid_argument, "a business key is not valid UTF-8", detail::at_byte(bad));
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f || c1)
      return Error(errc::invalid_argument, "a business key has a control character", detail::at_byte(i), "Take it out: keys are shown to people.");
  }
  return success();
}

}  // namespace kfm_det

#endif
