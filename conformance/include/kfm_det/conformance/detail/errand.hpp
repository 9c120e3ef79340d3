// SPDX-License-Identifier: BSL-1.0
/// \file
/// Errand: a body in a thread of its own, which may be left behind: how the kit calls a verb that perhaps never comes back.
///
/// Thread-safety: one thread has the errand, another one runs it.
#ifndef KFM_DET_CONFORMANCE_DETAIL_ERRAND_HPP
#define KFM_DET_CONFORMANCE_DETAIL_ERRAND_HPP

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace kfm_det::conformance::detail {

using SteadyTime = std::chrono::steady_clock::duration;
[[nodiscard]] inline SteadyTime steady_now() { return std::chrono::steady_clock::now().time_since_epoch(); }

/// What the body holds, it holds by value: the one who sent it may be gone.
class Errand {
 public:
  explicit Errand(std::function<void()> body) : state_(std::make_shared<State>()) {
    std::thread([state = state_, body = std::move(body)]() mutable {
      body();
      body = nullptr;   // what it holds goes before anybody is told that it is done
      const std::scoped_lock guard(state->mutex);
      state->done = true;
      state->changed.notify_all();
    }).detach();
  }
  [[nodiscard]] bool done_within(SteadyTime time) const {
    std::unique_lock guard(state_->mutex);
    return state_->changed.wait_for(guard, time, [&] { return state_->done; });
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
  };
  std::shared_ptr<State> state_;
};

}  // namespace kfm_det::conformance::detail

#endif
