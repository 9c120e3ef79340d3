// SPDX-License-Identifier: BSL-1.0
/// \file
/// StepContext: what an operation may see: recorded inputs, upstream outputs, services. Nothing else makes it pure.
///
/// Thread-safety: one operation, one thread. The context lives as long as the call of Operation::run.
#ifndef KFM_DET_UPDATER_STEP_CONTEXT_HPP
#define KFM_DET_UPDATER_STEP_CONTEXT_HPP

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/source_reader.hpp"
#include "kfm_det/plan/step.hpp"
#include "kfm_det/updater/environment.hpp"
#include "kfm_det/updater/spool.hpp"

namespace kfm_det {

class StepContext {
 public:
  /// What the updater lends to a context.
  struct Host {
    SourceReader* reader = nullptr;
    std::span<const SourceRef> inputs;
    Spool* spool = nullptr;
    const Services* services = nullptr;
    std::function<result<Bytes>(const std::string& step)> load_upstream;
    std::function<result<void>()> heartbeat;
    std::function<bool()> cancelled;
    std::function<void(std::uint64_t done, std::uint64_t total)> progress;
  };
  StepContext(Host host, const Step& step) : host_(std::move(host)), step_(&step) {}
  StepContext(const StepContext&) = delete;
  StepContext& operator=(const StepContext&) = delete;

  /// A recorded input, its bytes checked against the recorded hash while they are read; what the operation leaves unread is read and checked behind it.
  /// Errors: input_changed (other bytes than recorded), not_found, unavailable, invalid_argument (not an input of this run).
  [[nodiscard]] result<std::unique_ptr<SourceReader::Source>> open(const SourceRef& ref) {
    if (std::find(host_.inputs.begin(), host_.inputs.end(), ref) == host_.inputs.end())
      return Error(errc::invalid_argument, "the step opens a source that is not an input of this run", step_->id + ": " + ref.uri, "Return it from inputs() and hand it to the step in its params.");
    KFM_DET_TRY(auto source, host_.reader->open(ref.uri));
    opened_.push_back(std::make_shared<Checked>(std::move(source), ref));
    return std::unique_ptr<SourceReader::Source>(std::make_unique<Handle>(opened_.back()));
  }
  /// open() and read to the end. errc::limit_exceeded above `bytes_max`.
  [[nodiscard]] result<Bytes> read_all(const SourceRef& ref, std::size_t bytes_max = std::size_t{1} << 30) {
    KFM_DET_TRY(auto source, open(ref));
    Bytes out;
    char piece[16384];
    for (;;) {
      KFM_DET_TRY(const std::size_t got, source->read(piece));
      if (got == 0) return out;
      if (out.size() + got > bytes_max) return Error(errc::limit_exceeded, "the source is larger than " + std::to_string(bytes_max) + " bytes", ref.uri, "Read it in pieces, with open().");
      out.append(piece, got);
    }
  }

  /// The bytes that an upstream step gave. Errors: invalid_argument for a step that this one does not depend on.
  [[nodiscard]] result<BytesView> upstream(const std::string& step) {
    if (std::find(step_->after.begin(), step_->after.end(), step) == step_->after.end())
      return Error(errc::invalid_argument, "the step asks for the output of " + step + ", which it does not depend on", step_->id, "Declare it with .after().");
    const auto found = loaded_.find(step);
    if (found != loaded_.end()) return BytesView(found->second);
    KFM_DET_TRY(auto bytes, host_.load_upstream(step));
    return BytesView(loaded_[step] = std::move(bytes));
  }
  [[nodiscard]] result<BytesView> upstream(const StepRef& step) { return upstream(step.id); }
  /// The steps that this one depends on, by id.
  [[nodiscard]] const std::vector<std::string>& dependencies() const { return step_->after; }

  /// A file for an output larger than memory.
  [[nodiscard]] result<Stage> stage() { return host_.spool->stage(); }

  /// What the Environment was given of this type. errc::not_found names the remedy.
  template <class T>
  [[nodiscard]] result<T*> service() const {
    if (T* found = host_.services->find<T>()) return found;
    return Error(errc::not_found, "the step asks for a service that the Environment does not have", step_->id, "Add it with environment.services.add().");
  }

  [[nodiscard]] bool cancelled() const { return host_.cancelled && host_.cancelled(); }
  /// For steps that take long: renews the lease when it is time. errc::lease_lost: stop, nothing more can be published.
  [[nodiscard]] result<void> heartbeat() { return host_.heartbeat(); }
  void progress(std::uint64_t done, std::uint64_t total) { if (host_.progress) host_.progress(done, total); }

  /// The updater's: reads what was left unread, so that every input was checked whole.
  [[nodiscard]] result<void> finish() {
    char piece[16384];
    for (const auto& source : opened_)
      while (!source->ended) { KFM_DET_TRY(source->read(piece)); }
    return success();
  }

 private:
  struct Checked {
    Checked(std::unique_ptr<SourceReader::Source> source, SourceRef recorded) : inner(std::move(source)), ref(std::move(recorded)) {}
    std::unique_ptr<SourceReader::Source> inner;
    SourceRef ref;
    Sha256 hash;
    bool ended = false;
    result<std::size_t> read(std::span<char> into) {
      if (ended || into.empty()) return std::size_t{0};
      KFM_DET_TRY(const std::size_t got, inner->read(into));
      if (got != 0) { hash.update(BytesView(into.data(), got)); return got; }
      ended = true;
      const Digest found = hash.finish();
      if (found != ref.content_hash.digest)
        return Error(errc::input_changed, "the source has other bytes than the run recorded (" + found.hex().substr(0, 12) + ", not " + ref.content_hash.hex().substr(0, 12) + ")", ref.uri,
                     "Put the recorded bytes back, or trigger again: the run is given up and a new one takes the new bytes");
      return std::size_t{0};
    }
  };
  struct Handle final : SourceReader::Source {
    explicit Handle(std::shared_ptr<Checked> source) : checked(std::move(source)) {}
    [[nodiscard]] result<std::size_t> read(std::span<char> into) override { return checked->read(into); }
    std::shared_ptr<Checked> checked;
  };

  Host host_;
  const Step* step_;
  std::vector<std::shared_ptr<Checked>> opened_;
  std::map<std::string, Bytes> loaded_;
};

}  // namespace kfm_det

#endif
