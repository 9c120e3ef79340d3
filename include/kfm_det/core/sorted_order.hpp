// SPDX-License-Identifier: BSL-1.0
/// \file
/// A stable sort of places instead of things: one function for all, where std::sort would be compiled again for each.
///
/// Thread-safety: a pure function. Time n log n for every input.
#ifndef KFM_DET_CORE_SORTED_ORDER_HPP
#define KFM_DET_CORE_SORTED_ORDER_HPP

#include <cstddef>
#include <vector>

#include "kfm_det/core/function_ref.hpp"

namespace kfm_det {

/// The places 0 to count - 1 in the order of `less(place, place)`; equal ones stay as they are.
[[nodiscard]] inline std::vector<std::size_t> sorted_order(std::size_t count, function_ref<bool(std::size_t, std::size_t)> less) {
  std::vector<std::size_t> order(count), merged(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = i;
  for (std::size_t width = 1; width < count; width *= 2) {
    for (std::size_t begin = 0; begin < count; begin += 2 * width) {
      const std::size_t middle = count - begin < width ? count : begin + width, end = count - middle < width ? count : middle + width;
      std::size_t left = begin, right = middle;
      for (std::size_t at = begin; at < end; ++at) merged[at] = right == end || (left < middle && !less(order[right], order[left])) ? order[left++] : order[right++];
    }
    order.swap(merged);
  }
  return order;
}

}  // namespace kfm_det

#endif
