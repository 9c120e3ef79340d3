// SPDX-License-Identifier: BSL-1.0
/// \file
/// result<T>: a T, or the one Error that says why there is none. The only way in which the library reports failure.
///
/// `KFM_DET_TRY(auto value, expression)` unwraps or returns the error from the function it stands in;
/// `KFM_DET_TRY(expression)` does so for result<void>.
#ifndef KFM_DET_CORE_RESULT_HPP
#define KFM_DET_CORE_RESULT_HPP

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/try.hpp>

#include "kfm_det/core/assert.hpp"
#include "kfm_det/core/error.hpp"

namespace kfm_det {

namespace detail {
/// Reading the value of a failed result (or the error of a good one) is a bug of the caller: it meets the assertion handler.
struct ResultPolicy : BOOST_OUTCOME_V2_NAMESPACE::policy::base {
  template <class Impl>
  static constexpr void wide_value_check(Impl&& self) {
    if (!base::_has_value(std::forward<Impl>(self))) assertion_failed("result has a value", __FILE__, __LINE__);
  }
  template <class Impl>
  static constexpr void wide_error_check(Impl&& self) {
    if (!base::_has_error(std::forward<Impl>(self))) assertion_failed("result has an error", __FILE__, __LINE__);
  }
};
}  // namespace detail

template <class T>
using result = BOOST_OUTCOME_V2_NAMESPACE::basic_result<T, Error, detail::ResultPolicy>;

/// The value of result<void>: `return success();`
[[nodiscard]] inline auto success() { return BOOST_OUTCOME_V2_NAMESPACE::success(); }

}  // namespace kfm_det

#define KFM_DET_TRY(...) BOOST_OUTCOME_TRY(__VA_ARGS__)

#endif
