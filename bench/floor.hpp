// SPDX-License-Identifier: BSL-1.0
// The physical floor: bare system calls on a file that is there already, and SHA-256 with one context that is used again.
#ifndef KFM_DET_BENCH_FLOOR_HPP
#define KFM_DET_BENCH_FLOOR_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "measure.hpp"

namespace kfm_det::bench {

/// Writes go to the next place that a log's would: a new unit of 4 KiB behind each sync.
class RawFile {
 public:
  enum class Kind {
    prewritten,  ///< newlines, written and synced before, and written over again and again: what a sync of data alone costs
    growing,     ///< empty at first: each write makes the file longer, and each sync has that to write down too
  };
  explicit RawFile(const std::string& path, Kind kind = Kind::prewritten) : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666)), kind_(kind) {
    const std::string newlines(std::size_t{1} << 20, '\n');
    for (std::uint64_t at = 0; kind == Kind::prewritten && at < bytes; at += newlines.size()) put(newlines, at);
    if (descriptor_ < 0 || ::fsync(descriptor_) != 0) give_up("cannot make " + path);
  }
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;
  ~RawFile() { ::close(descriptor_); }

  void write(std::string_view text) {
    if (at_ + text.size() > bytes) {
      at_ = 0;
      if (kind_ == Kind::growing && ::ftruncate(descriptor_, 0) != 0) give_up("ftruncate failed");
    }
    put(text, at_);
    at_ += text.size();
  }
  void sync() {
    if (::fdatasync(descriptor_) != 0) give_up("fdatasync failed");
    at_ = (at_ + 4095) / 4096 * 4096;
  }

 private:
  static constexpr std::uint64_t bytes = std::uint64_t{16} << 20;
  void put(std::string_view text, std::uint64_t at) {
    if (::pwrite(descriptor_, text.data(), text.size(), static_cast<off_t>(at)) != static_cast<ssize_t>(text.size())) give_up("pwrite failed");
  }
  int descriptor_;
  Kind kind_;
  std::uint64_t at_ = 0;
};

class RawSha256 {
 public:
  RawSha256() : context_(EVP_MD_CTX_new()), algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)) {
    if (EVP_DigestInit_ex2(context_, algorithm_, nullptr) != 1) give_up("no SHA-256");
  }
  RawSha256(const RawSha256&) = delete;
  RawSha256& operator=(const RawSha256&) = delete;
  ~RawSha256() {
    EVP_MD_CTX_free(context_);
    EVP_MD_free(algorithm_);
  }
  /// The first byte, so that nobody can leave it out.
  unsigned char operator()(std::string_view text) {
    unsigned char out[32];
    EVP_DigestUpdate(context_, text.data(), text.size());
    EVP_DigestFinal_ex(context_, out, nullptr);
    EVP_DigestInit_ex2(context_, nullptr, nullptr);
    return out[0];
  }

 private:
  EVP_MD_CTX* context_;
  EVP_MD* algorithm_;
};

}  // namespace kfm_det::bench

#endif
