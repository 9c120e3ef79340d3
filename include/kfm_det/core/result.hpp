// SPDX-License-Identifier: BSL-1.0
/// \file
/// result<T>: a T, or the one Error that says why there is none. The only way in which the library reports failure.
///
/// `KFM_DET_TRY(auto value, expression)` unwraps or returns the error from the function it stands in;
/// `KFM_DET_TRY(expression)` does so for result<void>.
///
/// Law VERB-1: a verb of a backend answers with a result, whatever the world does: it throws nothing but std::bad_alloc, where there is no memory, and it
///             does not end the process. Bug: an exception of a client library that nobody catches; abort() on a bad answer.
///
/// Why this is not Outcome: docs/decisions/0002-result.md (compile time, measured).
/// Thread-safety: as T; an Error is shared and immutable.
#ifndef KFM_DET_CORE_RESULT_HPP
#define KFM_DET_CORE_RESULT_HPP

#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "kfm_det/core/assert.hpp"
#include "kfm_det/core/error.hpp"

namespace kfm_det {

/// The value of result<void>: `return success();`
struct Success {};
[[nodiscard]] constexpr Success success() noexcept { return {}; }

template <class T>
class [[nodiscard]] result {
  static_assert(!std::is_reference_v<T> && !std::same_as<std::remove_cv_t<T>, Error>, "kfm_det result: T is a value, and not Error");
  static_assert(std::is_nothrow_move_constructible_v<T>, "kfm_det result: moving a T must not throw");

 public:
  using value_type = T;

  /// From whatever makes a T without a cast.
  template <class U = T>
    requires(!std::same_as<std::remove_cvref_t<U>, result> && !std::same_as<std::remove_cvref_t<U>, Error> && std::convertible_to<U &&, T>)
  result(U&& value) : good_(true), value_(std::forward<U>(value)) {}
  result(Error error) noexcept : good_(false), error_(std::move(error)) {}
  result(const result& other) : good_(other.good_) {
    if (good_) std::construct_at(std::addressof(value_), other.value_);
    else std::construct_at(std::addressof(error_), other.error_);
  }
  result(result&& other) noexcept : good_(other.good_) {
    if (good_) std::construct_at(std::addressof(value_), std::move(other.value_));
    else std::construct_at(std::addressof(error_), std::move(other.error_));
  }
  result& operator=(result other) noexcept {
    destroy();
    good_ = other.good_;
    if (good_) std::construct_at(std::addressof(value_), std::move(other.value_));
    else std::construct_at(std::addressof(error_), std::move(other.error_));
    return *this;
  }
  ~result() { destroy(); }

  [[nodiscard]] bool has_value() const noexcept { return good_; }
  [[nodiscard]] bool has_error() const noexcept { return !good_; }
  explicit operator bool() const noexcept { return good_; }

  /// Reading the value of a failed result is a bug of the caller: it meets the assertion handler.
  [[nodiscard]] T& value() & { KFM_DET_ASSERT(good_); return value_; }
  [[nodiscard]] const T& value() const& { KFM_DET_ASSERT(good_); return value_; }
  /// By value: `for (auto& x : call().value())` looks at something that lives.
  [[nodiscard]] T value() && { KFM_DET_ASSERT(good_); return std::move(value_); }
  [[nodiscard]] const Error& error() const { KFM_DET_ASSERT(!good_); return error_; }

 private:
  void destroy() noexcept {
    if (good_) std::destroy_at(std::addressof(value_));
    else std::destroy_at(std::addressof(error_));
  }
  bool good_;
  union {
    T value_;
    Error error_;
  };
};

template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;
  result(Success) noexcept {}
  result(Error error) noexcept : error_(std::move(error)) {}

  [[nodiscard]] bool has_value() const noexcept { return !error_; }
  [[nodiscard]] bool has_error() const noexcept { return error_.has_value(); }
  explicit operator bool() const noexcept { return !error_; }
  void value() const { KFM_DET_ASSERT(!error_); }
  [[nodiscard]] const Error& error() const { KFM_DET_ASSERT(error_.has_value()); return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace kfm_det

#define KFM_DET_DETAIL_JOIN_(a, b) a##b
#define KFM_DET_DETAIL_JOIN(a, b) KFM_DET_DETAIL_JOIN_(a, b)
#define KFM_DET_DETAIL_TRY_VOID(name, ...) \
  auto&& name = (__VA_ARGS__);             \
  if (!name) return name.error()
#define KFM_DET_DETAIL_TRY_VALUE(name, target, ...) \
  auto&& name = (__VA_ARGS__);                      \
  if (!name) return name.error();                   \
  target = std::forward<decltype(name)>(name).value()
#define KFM_DET_DETAIL_TRY_ONE(...) KFM_DET_DETAIL_TRY_VOID(KFM_DET_DETAIL_JOIN(kfm_det_try_, __COUNTER__), __VA_ARGS__)
#define KFM_DET_DETAIL_TRY_MORE(target, ...) KFM_DET_DETAIL_TRY_VALUE(KFM_DET_DETAIL_JOIN(kfm_det_try_, __COUNTER__), target, __VA_ARGS__)
#define KFM_DET_DETAIL_TRY_PICK(_1, _2, _3, _4, _5, _6, _7, _8, name, ...) name
#define KFM_DET_TRY(...)                                                                                                                              \
  KFM_DET_DETAIL_TRY_PICK(__VA_ARGS__, KFM_DET_DETAIL_TRY_MORE, KFM_DET_DETAIL_TRY_MORE, KFM_DET_DETAIL_TRY_MORE, KFM_DET_DETAIL_TRY_MORE, KFM_DET_DETAIL_TRY_MORE, \
                          KFM_DET_DETAIL_TRY_MORE, KFM_DET_DETAIL_TRY_MORE, KFM_DET_DETAIL_TRY_ONE, )(__VA_ARGS__)

#endif
