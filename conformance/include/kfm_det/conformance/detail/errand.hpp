// SPDX-License-Identifier: BSL-1.0
/// \file
/// Errand: a body in a thread of its own, which may be left behind: how the kit calls a verb that perhaps never comes back. JoinedThread: one that is waited for.
/// What their bodies throw (VERB-1) is thrown where they are waited for.
///
/// Thread-safety: one thread has the errand, another one runs it.
#ifndef KFM_DET_CONFORMANCE_DETAIL_ERRAND_HPP
#define KFM_DET_CONFORMANCE_DETAIL_ERRAND_HPP

#include <chrono>
#include <condition_variable>
#include <exception>
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
      std::exception_ptr thrown;
      try { body(); } catch (...) { thrown = std::current_exception(); }
      body = nullptr;   // what it holds goes before anybody is told that it is done
      const std::scoped_lock guard(state->mutex);
      state->thrown = thrown;
      state->done = true;
      state->changed.notify_all();
    }).detach();
  }
  [[nodiscard]] bool done_within(SteadyTime time) const {
    std::unique_lock guard(state_->mutex);
    const bool done = state_->changed.wait_for(guard, time, [&] { return state_->done; });
    if (done && state_->thrown) std::rethrow_exception(state_->thrown);
    return done;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    std::exception_ptr thrown;
  };
  std::shared_ptr<State> state_;
};

class JoinedThread {
 public:
  explicit JoinedThread(std::function<void()> body)
      : thrown_(std::make_unique<std::exception_ptr>()), thread_([thrown = thrown_.get(), body = std::move(body)] {
          try { body(); } catch (...) { *thrown = std::current_exception(); }
        }) {}
  JoinedThread(JoinedThread&&) noexcept = default;
  JoinedThread& operator=(JoinedThread&&) = delete;
  ~JoinedThread() { if (thread_.joinable()) thread_.join(); }
  void join() {
    thread_.join();
    if (*thrown_) std::rethrow_exception(*thrown_);
  }

 private:
  std::unique_ptr<std::exception_ptr> thrown_;
  std::thread thread_;
};

}  // namespace kfm_det::conformance::detail

#endif
