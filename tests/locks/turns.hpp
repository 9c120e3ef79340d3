// SPDX-License-Identifier: BSL-1.0
/// \file
/// Turns: runs two bodies in one exactly given interleaving.
///
/// They are two stacks of one thread, not two threads: a thousand schedules then cost milliseconds, also on a machine that is busy. So a body must not
/// wait for the other one (a mutex that is held across a point would never be free), and must not throw.
#ifndef KFM_DET_TESTS_LOCKS_TURNS_HPP
#define KFM_DET_TESTS_LOCKS_TURNS_HPP

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <ucontext.h>

#include "tests/sanitizers.hpp"

#ifdef KFM_DET_TESTS_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef KFM_DET_TESTS_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace kfm_det::tests {

/// The first body begins. `slices[i]` says how many points the i-th slice lasts, then the other one goes on, and `at_change(i)` runs between, also when
/// the first of them has ended. When the slices are used up the running one runs to its end and the other one after it.
class Turns {
 public:
  Turns(std::vector<std::size_t> slices, std::function<void(std::size_t)> at_change) : slices_(std::move(slices)), at_change_(std::move(at_change)) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  void run(const std::function<void()>& first, const std::function<void()>& second) {
    Turns* const outer = std::exchange(running(), this);
    stacks_[0].begin(first);
    stacks_[1].begin(second);
    stacks_[caller].here();
    change_to(0);
    for (int i = 0; i < caller; ++i) stacks_[i].end();
    running() = outer;
  }
  /// What the bodies call where the turn may change.
  void point() {
    if (changes == slices_.size() || ended_) return;
    if (slices_[changes] != 0) { --slices_[changes]; return; }
    at_change_(changes++);
    change_to(1 - turn_);
  }
  std::size_t changes = 0;  ///< that there were

 private:
  static constexpr int caller = 2;
  static constexpr std::size_t stack_bytes = std::size_t{1} << 20;

  struct Stack {
    ucontext_t context = {};
    std::unique_ptr<char[]> memory;
    const std::function<void()>* body = nullptr;
    bool done = false;
    const void* bottom = nullptr;  // what sanitizers want to know
    std::size_t bytes = 0;
    void* fake = nullptr;
    void* fiber = nullptr;

    void begin(const std::function<void()>& what) {
      body = &what;
      memory.reset(new char[stack_bytes]);
      bottom = memory.get();
      bytes = stack_bytes;
      ::getcontext(&context);
      context.uc_stack.ss_sp = memory.get();
      context.uc_stack.ss_size = stack_bytes;
      context.uc_link = nullptr;
      ::makecontext(&context, &Turns::enter, 0);
#ifdef KFM_DET_TESTS_THREAD_SANITIZER
      fiber = __tsan_create_fiber(0);
#endif
    }
    void here() {
#ifdef KFM_DET_TESTS_THREAD_SANITIZER
      fiber = __tsan_get_current_fiber();
#endif
    }
    void end() {
#ifdef KFM_DET_TESTS_THREAD_SANITIZER
      __tsan_destroy_fiber(fiber);
#endif
    }
  };

  static Turns*& running() {
    static thread_local Turns* one = nullptr;
    return one;
  }
  static void enter() {
    Turns* const self = running();
    self->arrived(nullptr);
    Stack& mine = self->stacks_[self->turn_];
    (*mine.body)();
    mine.done = true;
    const int other = 1 - self->turn_;
    if (!std::exchange(self->ended_, true)) self->at_change_(self->changes);
    self->change_to(self->stacks_[other].done ? caller : other);
  }
  void change_to(int next) {
    Stack &from = stacks_[turn_], &to = stacks_[next];
    from_ = turn_;
    turn_ = next;
#ifdef KFM_DET_TESTS_ADDRESS_SANITIZER
    __sanitizer_start_switch_fiber(from.done ? nullptr : &from.fake, to.bottom, to.bytes);
#endif
#ifdef KFM_DET_TESTS_THREAD_SANITIZER
    __tsan_switch_to_fiber(to.fiber, 0);
#endif
    ::swapcontext(&from.context, &to.context);
    arrived(from.fake);
  }
  void arrived([[maybe_unused]] void* fake) {
#ifdef KFM_DET_TESTS_ADDRESS_SANITIZER
    const void* bottom = nullptr;
    std::size_t bytes = 0;
    __sanitizer_finish_switch_fiber(fake, &bottom, &bytes);
    if (from_ == caller) { stacks_[caller].bottom = bottom; stacks_[caller].bytes = bytes; }
#endif
  }

  std::vector<std::size_t> slices_;
  std::function<void(std::size_t)> at_change_;
  Stack stacks_[3];
  int turn_ = caller, from_ = caller;
  bool ended_ = false;
};

}  // namespace kfm_det::tests

#endif
