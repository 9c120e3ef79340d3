// SPDX-License-Identifier: BSL-1.0
/// \file
/// ExamineAhead: batches of lines examined by several threads, and given in the order in which they came. The parallel part of verify.
///
/// The threads stay until it is destroyed, and what a batch needs (its bytes, its entries) is used again: a log costs as many allocations as it has batches in
/// flight, not as it has batches. The calling thread is one of the threads: it examines whenever what it waits for is not done.
/// Thread-safety: one thread calls. Errors: none; what the examination of a batch throws (std::bad_alloc alone) is thrown where that batch is taken.
#ifndef KFM_DET_WAL_EXAMINE_AHEAD_HPP
#define KFM_DET_WAL_EXAMINE_AHEAD_HPP

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/wal/examine.hpp"

namespace kfm_det::wal::detail {

class ExamineAhead {
 public:
  /// `how` is read by all threads from the first push() on, and may not change then. `threads` counts the one that calls; there are fewer where the system gives no more.
  ExamineAhead(const Examination& how, unsigned threads) : how_(how), threads_(std::clamp(threads, 1U, threads_max)), batches_(2 * std::size_t{threads_}) {}
  ExamineAhead(const ExamineAhead&) = delete;
  ExamineAhead& operator=(const ExamineAhead&) = delete;
  ~ExamineAhead() {
    {
      const std::lock_guard lock(mutex_);
      stops_ = true;
    }
    is_pushed_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  [[nodiscard]] bool is_full() const { return pushed_ - taken_ == batches_.size(); }

  /// Whole lines that begin at `offset` of their segment; copied. Not when it is full.
  void push(BytesView lines, std::uint64_t offset) {
    start();
    Batch& batch = batches_[pushed_ % batches_.size()];   // nobody else has it
    batch.bytes.assign(lines);
    batch.offset = offset;
    batch.is_done = false;
    {
      const std::lock_guard lock(mutex_);
      ++pushed_;
    }
    is_pushed_.notify_one();
  }

  /// The entries of the oldest batch, in order. Not when nothing was pushed.
  void take(EntryVisitor visitor) {
    Batch& oldest = batches_[taken_ % batches_.size()];
    {
      std::unique_lock lock(mutex_);
      while (!oldest.is_done) {
        if (claimed_ != pushed_) examine_next(lock);
        else is_done_.wait(lock);
      }
    }
    ++taken_;
    if (oldest.thrown) std::rethrow_exception(std::exchange(oldest.thrown, nullptr));
    for (Entry& entry : oldest.entries) visitor(std::move(entry));
  }

 private:
  struct Batch {
    Bytes bytes{};
    std::uint64_t offset = 0;
    std::vector<Entry> entries{};
    std::exception_ptr thrown{};
    bool is_done = false;   // under the mutex from push() to take()
  };

  static constexpr unsigned threads_max = 256;

  void start() {
    workers_.reserve(threads_ - 1);
    try {
      while (workers_.size() + 1 < threads_) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {   // no more threads: those that are here do it
      threads_ = static_cast<unsigned>(workers_.size()) + 1;
    }
  }
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      is_pushed_.wait(lock, [this] { return stops_ || claimed_ != pushed_; });
      if (stops_) return;
      examine_next(lock);
    }
  }
  /// The oldest batch that nobody has claimed. The lock is held before and behind, not meanwhile.
  void examine_next(std::unique_lock<std::mutex>& lock) {
    Batch& batch = batches_[claimed_++ % batches_.size()];
    lock.unlock();
    batch.entries.clear();
    try {
      examine(how_, batch.bytes, batch.offset, [&batch](Entry&& entry) { batch.entries.push_back(std::move(entry)); });
    } catch (...) {
      batch.thrown = std::current_exception();
    }
    lock.lock();
    batch.is_done = true;
    is_done_.notify_one();
  }

  const Examination& how_;
  unsigned threads_;
  std::vector<Batch> batches_;       // a ring: taken, claimed and pushed go round in it
  std::mutex mutex_;
  std::condition_variable is_pushed_, is_done_;
  std::uint64_t pushed_ = 0;         // written by the calling thread, under the mutex
  std::uint64_t claimed_ = 0;        // under the mutex
  std::uint64_t taken_ = 0;          // the calling thread's
  bool stops_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace kfm_det::wal::detail

#endif
