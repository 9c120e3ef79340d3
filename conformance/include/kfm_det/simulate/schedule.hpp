// SPDX-License-Identifier: BSL-1.0
/// \file
/// Scheduler: runs real code as tasks of which exactly one goes on at a time, in an order that the caller decides: at the points that the code passes (point(),
/// which a hook of a simulated disk or clock calls), and where a task ends.
///
/// Tasks are threads, because real code may hold a mutex across a point. Then a task that is given the turn cannot go on: it waits for the mutex of one that
/// stands. That is noticed by looking at what the kernel says of its thread; the turn goes back, nobody is stopped any more in this run, and was_blocked()
/// says that what was explored is no more than calls as wholes. How fast that is noticed depends on the machine, which schedule is then played does not.
/// Threads are kept from run to run; a run of two tasks with two changes of turn costs some ten microseconds. Where tasks change only between calls, use no
/// scheduler: make the calls one after the other in the order you like.
/// Thread-safety: run(), start(), finish() from one thread; point(), take_turn() from the tasks.
#ifndef KFM_DET_SIMULATE_SCHEDULE_HPP
#define KFM_DET_SIMULATE_SCHEDULE_HPP

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kfm_det/core/assert.hpp"

namespace kfm_det::simulate {

class Scheduler {
 public:
  static constexpr std::size_t nobody = ~std::size_t{0};
  struct Decisions {
    /// 0 .. below-1; zero is the simplest. At a point: 0 goes on, n gives the turn to the n-th of the others. Where a task has ended: who goes on.
    std::function<std::uint32_t(std::uint32_t below)> pick;
    /// Before the turn changes: at a point, where it may call abandon(from); and behind the end of a task.
    std::function<void(std::size_t from, std::size_t to, bool has_ended)> at_change;
    std::uint32_t preemptions_max = 2;
  };

  Scheduler() = default;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler() {
    finish();
    {
      const std::scoped_lock guard(mutex_);
      over_ = true;
    }
    for (const auto& task : tasks_) task->wake.notify_all();
    for (const auto& task : tasks_) task->thread.join();
  }

  /// Runs all bodies, until each has ended or was abandoned. An exception that leaves a body is thrown here, when all have ended; the first one.
  void run(std::vector<std::function<void()>> bodies, Decisions decisions) {
    finish();
    decisions_ = std::move(decisions);
    preemptions_left_ = decisions_.preemptions_max;
    blocked_ = false;
    free_running_ = false;
    error_ = nullptr;
    while (tasks_.size() < bodies.size()) begin_thread();
    std::unique_lock guard(mutex_);
    count_ = bodies.size();
    for (std::size_t i = 0; i < count_; ++i) {
      tasks_[i]->body = std::move(bodies[i]);
      tasks_[i]->state = State::ready;
    }
    pass_on(decisions_.pick(static_cast<std::uint32_t>(count_)));
    wait_for_all(guard, false);
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }
  /// Whether somebody had to wait for what a standing task held.
  [[nodiscard]] bool was_blocked() const noexcept { return blocked_; }

  /// Lets abandoned tasks run to their ends: nothing of theirs counts any more, but their stacks must be left. Call it before what they use is destroyed.
  void finish() {
    std::unique_lock guard(mutex_);
    if (std::none_of(tasks_.begin(), tasks_.begin() + static_cast<std::ptrdiff_t>(count_), [](const auto& task) { return task->state == State::abandoned; })) return;
    free_running_ = true;
    for (std::size_t i = 0; i < count_; ++i)
      if (tasks_[i]->state == State::abandoned) tasks_[i]->state = State::ready;
    pass_on_to_first();
    wait_for_all(guard, true);
    error_ = nullptr;
  }

  // --- from within the tasks ------------------------------------------------------------------------------------------------------------------------

  [[nodiscard]] bool in_task() const { return current_task() != nobody; }
  /// Where the turn may change. Nothing happens in a thread that is no task.
  void point() {
    const std::size_t me = current_task();
    if (me == nobody) return;
    take_turn();
    if (free_running_ || preemptions_left_ == 0) return;
    std::vector<std::size_t>& others = others_;
    others.clear();
    {
      const std::scoped_lock guard(mutex_);
      for (std::size_t i = 0; i < count_; ++i)
        if (i != me && tasks_[i]->state == State::ready) others.push_back(i);
    }
    if (others.empty()) return;
    const std::uint32_t how = decisions_.pick(static_cast<std::uint32_t>(others.size()) + 1);
    if (how == 0) return;
    --preemptions_left_;
    const std::size_t to = others[how - 1];
    if (decisions_.at_change) decisions_.at_change(me, to, false);
    std::unique_lock guard(mutex_);
    if (free_running_) return;   // somebody waits for what is held here
    tasks_[me]->state = tasks_[me]->given_up ? State::abandoned : State::ready;
    pass_on(to);
    tasks_[me]->wake.wait(guard, [&] { return turn_ == me; });
  }
  /// What a task that had to wait for a mutex does before it touches what tasks share.
  void take_turn() {
    const std::size_t me = current_task();
    if (me == nobody) return;
    std::unique_lock guard(mutex_);
    tasks_[me]->wake.wait(guard, [&] { return turn_ == me; });
  }
  /// From at_change: this task never goes on (its process is dead), until finish().
  void abandon(std::size_t task) {
    const std::scoped_lock guard(mutex_);
    tasks_[task]->given_up = true;
    if (tasks_[task]->state == State::ready && turn_ != task) tasks_[task]->state = State::abandoned;
  }

 private:
  enum class State : std::uint8_t { idle, ready, running, waiting, ended, abandoned };   // waiting: for a mutex of another task
  struct Task {
    std::thread thread;
    std::condition_variable wake;
    std::function<void()> body;
    State state = State::idle;
    bool given_up = false;
    int kernel_id = 0;
  };
  struct Identity {
    const Scheduler* scheduler = nullptr;
    std::size_t task = nobody;
  };
  static Identity& identity() {
    static thread_local Identity one;
    return one;
  }
  [[nodiscard]] std::size_t current_task() const { return identity().scheduler == this ? identity().task : nobody; }

  void begin_thread() {
    const std::size_t number = tasks_.size();
    tasks_.push_back(std::make_unique<Task>());
    Task& task = *tasks_.back();
    task.thread = std::thread([this, number, &task] {
      identity() = {this, number};
      std::unique_lock guard(mutex_);
      task.kernel_id = static_cast<int>(::syscall(SYS_gettid));
      for (;;) {
        task.wake.wait(guard, [&] { return over_ || (turn_ == number && task.state == State::running && task.body); });
        if (over_) return;
        const auto body = std::exchange(task.body, nullptr);
        guard.unlock();
        std::exception_ptr thrown;
        try {
          body();
        } catch (...) {
          thrown = std::current_exception();
        }
        guard.lock();
        task.wake.wait(guard, [&] { return turn_ == number; });   // one that had waited for a mutex may end out of turn
        if (thrown && !error_) error_ = thrown;
        task.state = State::ended;
        task.given_up = false;
        ++progress_;
        hand_over_behind_an_end(guard, number);
      }
    });
  }
  /// With mutex_ held.
  void pass_on(std::size_t to) {
    turn_ = to;
    tasks_[to]->state = State::running;
    ++progress_;
    tasks_[to]->wake.notify_all();
  }
  void pass_on_to_first() {
    for (std::size_t i = 0; i < count_; ++i)
      if (tasks_[i]->state == State::ready || tasks_[i]->state == State::waiting || tasks_[i]->state == State::running) return pass_on(i);
    turn_ = nobody;
    all_done_.notify_all();
  }
  void hand_over_behind_an_end(std::unique_lock<std::mutex>& guard, std::size_t me) {
    std::vector<std::size_t> able;
    for (std::size_t i = 0; i < count_; ++i)
      if (tasks_[i]->state == State::ready || tasks_[i]->state == State::waiting) able.push_back(i);
    if (able.empty()) {
      turn_ = nobody;
      all_done_.notify_all();
      return;
    }
    const bool decides = !free_running_;
    std::size_t to = able[0];
    if (decides) {
      guard.unlock();   // at_change may ask this scheduler something
      if (able.size() != 1) to = able[decisions_.pick(static_cast<std::uint32_t>(able.size()))];
      if (decisions_.at_change) decisions_.at_change(me, to, true);
      guard.lock();
    }
    pass_on(to);
  }
  void wait_for_all(std::unique_lock<std::mutex>& guard, bool finishing) {
    const auto done = [&] {
      return turn_ == nobody || std::all_of(tasks_.begin(), tasks_.begin() + static_cast<std::ptrdiff_t>(count_), [&](const auto& task) {
               return task->state == State::ended || task->state == State::idle || (!finishing && task->state == State::abandoned);
             });
    };
    std::uint64_t seen = progress_;
    int still = 0;
    while (!done()) {
      if (all_done_.wait_for(guard, std::chrono::milliseconds(5), done)) break;
      if (progress_ != seen || turn_ == nobody || !sleeps(tasks_[turn_]->kernel_id)) {
        seen = progress_;
        still = 0;
        continue;
      }
      // The one whose turn it is sleeps, and not because he waits for his turn.
      if (++still < 3) continue;
      still = 0;
      release_a_holder();
      seen = progress_;
    }
    turn_ = nobody;
  }
  /// Whoever stands may hold what the running one waits for: each of them in turn runs on to its end.
  void release_a_holder() {
    blocked_ = true;
    free_running_ = true;
    tasks_[turn_]->state = State::waiting;
    for (std::size_t step = 1; step <= count_; ++step) {
      const std::size_t next = (turn_ + step) % count_;
      if (tasks_[next]->state == State::ready || tasks_[next]->state == State::abandoned) {
        tasks_[next]->state = State::ready;
        return pass_on(next);
      }
    }
    for (std::size_t step = 1; step <= count_; ++step) {   // all have begun: the turn goes round until somebody gets on
      const std::size_t next = (turn_ + step) % count_;
      if (tasks_[next]->state == State::waiting) return pass_on(next);
    }
  }
  /// What the kernel says: asleep, or stopped in a lock.
  [[nodiscard]] static bool sleeps(int kernel_id) {
    const std::string path = "/proc/self/task/" + std::to_string(kernel_id) + "/stat";
    char text[512] = {};
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    const ssize_t got = ::read(descriptor, text, sizeof text - 1);
    ::close(descriptor);
    const std::string line(text, got > 0 ? static_cast<std::size_t>(got) : 0);
    const std::size_t name_end = line.rfind(')');
    return name_end != std::string::npos && name_end + 2 < line.size() && line[name_end + 2] == 'S';
  }

  std::mutex mutex_;
  std::condition_variable all_done_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<std::size_t> others_;
  Decisions decisions_;
  std::size_t count_ = 0, turn_ = nobody;
  std::uint32_t preemptions_left_ = 0;
  std::uint64_t progress_ = 0;
  std::atomic<bool> free_running_ = false;   // looked at without the mutex
  bool blocked_ = false, over_ = false;
  std::exception_ptr error_;
};

}  // namespace kfm_det::simulate

#endif
