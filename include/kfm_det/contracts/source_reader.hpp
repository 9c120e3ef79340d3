// SPDX-License-Identifier: BSL-1.0
/// \file
/// SourceReader: the only eyes of an updater. Discovery and operations read the world through it, and nothing else does.
///
/// Laws, each with its usual bug:
///   SOURCE-1  describe(uri) hashes the very bytes that open(uri) gives. Bug: an ETag or an mtime as content hash.
///   SOURCE-2  a source that is not there is errc::not_found; one that cannot be reached now is errc::unavailable.
///             Bug: an outage read as "the input is gone", and its run is undone.
///   SOURCE-3  a read error is an error, never the end. Bug: half a file summarised.
/// Thread-safety: one reader may be used by many threads; one Source by one.
#ifndef KFM_DET_CONTRACTS_SOURCE_READER_HPP
#define KFM_DET_CONTRACTS_SOURCE_READER_HPP

#include <concepts>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/core/result.hpp"
#include "kfm_det/core/source_ref.hpp"

namespace kfm_det {

namespace source_reader_clause {
template <class R> concept describes = requires(R& reader, const std::string& uri) { { reader.describe(uri) } -> std::same_as<result<SourceRef>>; };
template <class R> concept has_source = requires { typename R::Source; } && std::movable<typename R::Source>;
template <class R> concept opens = requires(R& reader, const std::string& uri) { { reader.open(uri) } -> std::same_as<result<typename R::Source>>; };
template <class R> concept source_reads = requires(typename R::Source& source, std::span<char> into) { { source.read(into) } -> std::same_as<result<std::size_t>>; };
}  // namespace source_reader_clause

template <class R>
concept SourceReaderPolicy = source_reader_clause::describes<R> && source_reader_clause::has_source<R> && source_reader_clause::opens<R> && source_reader_clause::source_reads<R>;

/// Says in sentences which clauses R misses, all of them at once.
template <class R>
consteval bool diagnose_source_reader() {
  using namespace source_reader_clause;
  static_assert(describes<R>, "kfm_det source reader: needs `result<SourceRef> describe(uri)`, which hashes the bytes");
  static_assert(has_source<R>, "kfm_det source reader: needs a movable `Source`");
  static_assert(opens<R>, "kfm_det source reader: needs `result<Source> open(uri)`");
  static_assert(source_reads<R>, "kfm_det source reader: Source needs `result<size_t> read(span<char>)`; 0 is the end");
  return SourceReaderPolicy<R>;
}

/// What plan types and operations see of whichever reader the Environment carries: one type, so that a plan type needs no template.
class SourceReader {
 public:
  /// Bytes of one source, front to back.
  class Source {
   public:
    virtual ~Source() = default;
    /// Up to `into.size()` bytes; 0 is the end. Errors: as SOURCE-2 and SOURCE-3.
    [[nodiscard]] virtual result<std::size_t> read(std::span<char> into) = 0;
  };
  virtual ~SourceReader() = default;
  [[nodiscard]] virtual result<SourceRef> describe(const std::string& uri) = 0;
  [[nodiscard]] virtual result<std::unique_ptr<Source>> open(const std::string& uri) = 0;
  /// Each of them described, in their order: the whole of what inputs() does where the sources are known by name. Errors: as describe.
  [[nodiscard]] result<std::vector<SourceRef>> describe_all(std::span<const std::string> uris) {
    std::vector<SourceRef> out;
    out.reserve(uris.size());
    for (const std::string& uri : uris) {
      KFM_DET_TRY(auto ref, describe(uri));
      out.push_back(std::move(ref));
    }
    return out;
  }
  /// The whole source in memory; errc::limit_exceeded above `bytes_max`.
  [[nodiscard]] result<Bytes> read_all(const std::string& uri, std::size_t bytes_max = std::size_t{1} << 30) {
    KFM_DET_TRY(auto source, open(uri));
    Bytes out;
    char piece[16384];
    for (;;) {
      KFM_DET_TRY(const auto got, source->read(piece));
      if (got == 0) return out;
      if (out.size() + got > bytes_max)
        return Error(errc::limit_exceeded, "the source is larger than " + std::to_string(bytes_max) + " bytes", uri, "Read it in pieces, with open().");
      out.append(piece, got);
    }
  }
};

/// Any SourceReaderPolicy seen as a SourceReader. Keeps a reference: `reader` must live longer.
template <SourceReaderPolicy R>
class SourceReaderView final : public SourceReader {
 public:
  explicit SourceReaderView(R& reader) : reader_(&reader) {}
  [[nodiscard]] result<SourceRef> describe(const std::string& uri) override { return reader_->describe(uri); }
  [[nodiscard]] result<std::unique_ptr<Source>> open(const std::string& uri) override {
    KFM_DET_TRY(auto source, reader_->open(uri));
    return std::unique_ptr<Source>(std::make_unique<View>(std::move(source)));
  }

 private:
  struct View final : Source {
    explicit View(typename R::Source source) : inner(std::move(source)) {}
    [[nodiscard]] result<std::size_t> read(std::span<char> into) override { return inner.read(into); }
    typename R::Source inner;
  };
  R* reader_;
};

/// The smallest legal reader: texts in memory, by uri. Copies are independent.
class MemorySourceReader {
 public:
  class Source {
   public:
    explicit Source(std::shared_ptr<const Bytes> bytes) : bytes_(std::move(bytes)) {}
    [[nodiscard]] result<std::size_t> read(std::span<char> into) {
      const std::size_t take = into.size() < bytes_->size() - at_ ? into.size() : bytes_->size() - at_;
      if (take != 0) std::memcpy(into.data(), bytes_->data() + at_, take);
      at_ += take;
      return take;
    }
   private:
    std::shared_ptr<const Bytes> bytes_;
    std::size_t at_ = 0;
  };
  void put(const std::string& uri, Bytes bytes) { sources_[uri] = std::make_shared<const Bytes>(std::move(bytes)); }
  void erase(const std::string& uri) { sources_.erase(uri); }
  [[nodiscard]] result<SourceRef> describe(const std::string& uri) const {
    const auto found = sources_.find(uri);
    if (found == sources_.end()) return Error(errc::not_found, "there is no such source", uri, "Check the uri.");
    SourceRef ref;
    ref.uri = uri;
    ref.content_hash = ContentHash{sha256(*found->second)};
    return ref;
  }
  [[nodiscard]] result<Source> open(const std::string& uri) const {
    const auto found = sources_.find(uri);
    if (found == sources_.end()) return Error(errc::not_found, "there is no such source", uri, "Check the uri.");
    return Source(found->second);
  }
 private:
  std::map<std::string, std::shared_ptr<const Bytes>> sources_;
};
static_assert(SourceReaderPolicy<MemorySourceReader>);

}  // namespace kfm_det

#endif
