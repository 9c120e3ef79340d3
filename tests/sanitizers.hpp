// SPDX-License-Identifier: BSL-1.0
/// \file
/// Which sanitizer this is compiled with: KFM_DET_TESTS_ADDRESS_SANITIZER, KFM_DET_TESTS_THREAD_SANITIZER; and how often a costly test repeats itself.
#ifndef KFM_DET_TESTS_SANITIZERS_HPP
#define KFM_DET_TESTS_SANITIZERS_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#define KFM_DET_TESTS_ADDRESS_SANITIZER
#elif defined(__SANITIZE_THREAD__)
#define KFM_DET_TESTS_THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KFM_DET_TESTS_ADDRESS_SANITIZER
#elif __has_feature(thread_sanitizer)
#define KFM_DET_TESTS_THREAD_SANITIZER
#endif
#endif

namespace kfm_det::testing {

#if defined(KFM_DET_TESTS_ADDRESS_SANITIZER) || defined(KFM_DET_TESTS_THREAD_SANITIZER)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

/// The number that an environment variable gives, or what is usual; less where a sanitizer makes everything slow.
inline std::uint64_t number_of(const char* name, std::uint64_t usual, std::uint64_t sanitized) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : is_sanitized ? sanitized : usual;
}

/// The step through all bytes of a file: each of them, or one in seven where a sanitizer makes everything slow. (With seven, every bit of a byte has its turn, too.)
inline constexpr std::size_t byte_step = is_sanitized ? 7 : 1;

}  // namespace kfm_det::testing

#endif
