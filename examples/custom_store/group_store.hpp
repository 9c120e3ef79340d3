// SPDX-License-Identifier: BSL-1.0
/// \file
/// GroupStore: an example of a Store with a format of its own. One file for each group of frames; small, honest, and slow (three syncs a group).
///
/// root/<stream>/<tenure>.claim                     an owner came: made by exclusive creation, empty
/// root/<stream>/<tenure>-<last>.start              what that owner found: its first frame is `last` + 1; empty
/// root/<stream>/<first>-<count>-<tenure>.group     "KGRP", count, each frame behind its length, SHA-256 of all that (numbers: 4 bytes, little endian)
/// root/<stream>/tmp-<tenure>                       a group that is not named yet; means nothing
///
/// Durability: a group is whole and synced before it gets its name, and the name is synced before append() answers; so sync() has only to look whether a
/// later owner came. A group whose first frame lies above the `last` of a later owner's start is dead: its owner slept, and was never told that it counts.
/// Thread-safety: as the contract asks; one mutex.
#ifndef KFM_DET_EXAMPLES_CUSTOM_STORE_GROUP_STORE_HPP
#define KFM_DET_EXAMPLES_CUSTOM_STORE_GROUP_STORE_HPP

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kfm_det/contracts/file_system.hpp>
#include <kfm_det/contracts/store.hpp>
#include <kfm_det/core/digest.hpp>
#include <kfm_det/files/posix_file_system.hpp>
#include <kfm_det/wal/recovery.hpp>

namespace example {

namespace det = kfm_det;

/// A group as bytes, and back.
struct GroupFile {
  static void put(std::string& out, std::uint32_t number) {
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(number >> shift & 0xFF);
  }
  static std::uint32_t get(std::string_view bytes, std::size_t at) {
    std::uint32_t out = 0;
    for (int i = 0; i < 4; ++i) out |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)])) << (8 * i);
    return out;
  }
  static std::string write(std::span<const std::string_view> group) {
    std::string out = "KGRP";
    put(out, static_cast<std::uint32_t>(group.size()));
    for (const std::string_view frame : group) { put(out, static_cast<std::uint32_t>(frame.size())); out += frame; }
    out += det::sha256(out).view();
    return out;
  }
  /// Nothing is believed before the hash has been compared; no length is believed at all.
  static bool read(std::string_view bytes, std::uint32_t count, std::vector<std::string>& into) {
    constexpr std::size_t hash_bytes = 32;
    if (bytes.size() < 8 + hash_bytes || !bytes.starts_with("KGRP")) return false;
    const std::string_view body = bytes.substr(0, bytes.size() - hash_bytes);
    if (det::sha256(body).view() != bytes.substr(body.size())) return false;
    if (get(body, 4) != count) return false;
    std::size_t at = 8;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (body.size() - at < 4 || body.size() - at - 4 < get(body, at)) return false;
      into.emplace_back(body.substr(at + 4, get(body, at)));
      at += 4 + into.back().size();
    }
    return at == body.size();
  }
};

template <class Fs = det::PosixFileSystem>
class GroupStore {
 public:
  static constexpr det::StoreClaims claims{.survives_power_loss = true, .many_processes = true, .detects_corruption = true, .trims = false};
  class Stream;

  [[nodiscard]] static det::result<GroupStore> open(std::string root, Fs file_system = {}) { return GroupStore(std::move(root), std::move(file_system)); }
  [[nodiscard]] det::result<Stream> open_stream(const det::StreamId& id) { return Stream(root_, fs_, id); }

 private:
  GroupStore(std::string root, Fs fs) : root_(std::move(root)), fs_(std::move(fs)) {}
  std::string root_;
  Fs fs_;
};

template <class Fs>
class GroupStore<Fs>::Stream {
 public:
  [[nodiscard]] det::result<det::Recovery> recover(std::span<const det::Head> witnesses, det::RecoverOptions options) {
    const std::scoped_lock guard(*mutex_);
    state_ = State::ended;
    KFM_DET_TRY(make_folder());
    KFM_DET_TRY(auto before, list());
    tenure_ = before.highest + 1;
    if (auto claimed = fs_.create_exclusive(path(number(tenure_) + ".claim")); !claimed) return claimed.error();
    KFM_DET_TRY(fs_.sync_directory(folder_));   // what is read below is on the medium
    KFM_DET_TRY(auto names, list());
    KFM_DET_TRY(auto found, judge(names, witnesses, options));
    if (!det::may_begin(found.verdict, options)) return found;
    if (auto begun = fs_.create_exclusive(path(number(tenure_) + "-" + number(found.tail.lsn) + ".start")); !begun) return begun.error();
    KFM_DET_TRY(fs_.sync_directory(folder_));
    state_ = State::writing;
    if (auto mine = still_mine(); !mine) return mine.error();
    return found;
  }
  [[nodiscard]] det::result<det::Recovery> inspect(std::span<const det::Head> witnesses) {
    const std::scoped_lock guard(*mutex_);
    state_ = State::fresh;
    KFM_DET_TRY(const bool there, fs_.exists(folder_));
    if (!there) return judge({}, witnesses, {});
    KFM_DET_TRY(auto names, list());
    return judge(names, witnesses, {});
  }
  [[nodiscard]] det::result<det::Lsn> append(det::Lsn expected_last, std::span<const det::BytesView> group) {
    const std::scoped_lock guard(*mutex_);
    KFM_DET_TRY(may_write());
    if (group.empty() || std::any_of(group.begin(), group.end(), [](det::BytesView frame) { return frame.empty() || frame.find('\n') != det::BytesView::npos; }))
      return det::Error(det::errc::invalid_argument, "a group has frames, and a frame is one line that is not empty", folder_, "Seal records with wal::seal_frame.");
    const std::string bytes = GroupFile::write(group);
    if (bytes == last_group_ && last_ == expected_last + group.size()) return last_;
    if (expected_last != last_) return lost();
    const std::string name = number(last_ + 1) + "-" + number(group.size()) + "-" + number(tenure_) + ".group";
    if (auto written = write_file(bytes); !written) {
      (void)fs_.remove(temporary());
      return written.error();
    }
    if (auto named = fs_.rename_no_replace(temporary(), path(name)); !named) {
      (void)fs_.remove(temporary());
      return named.error();
    }
    groups_.push_back({last_ + 1, static_cast<std::uint32_t>(group.size()), name});
    last_ += group.size();
    last_group_ = bytes;
    if (auto synced = fs_.sync_directory(folder_); !synced) return failed(synced.error());
    return last_;
  }
  [[nodiscard]] det::result<det::Lsn> sync() {
    const std::scoped_lock guard(*mutex_);
    KFM_DET_TRY(may_write());
    KFM_DET_TRY(still_mine());
    durable_ = last_;
    return durable_;
  }
  [[nodiscard]] det::result<det::Lsn> scan(det::Lsn from, det::FrameVisitor visitor) {
    std::vector<Group> groups;
    {
      const std::scoped_lock guard(*mutex_);
      groups = groups_;
    }
    det::Lsn lsn = 0;
    for (const Group& group : groups) {
      std::vector<std::string> frames;
      KFM_DET_TRY(const std::string bytes, read_file(path(group.name)));
      if (!GroupFile::read(bytes, group.count, frames)) return det::Error(det::errc::corrupt_committed, "a group does not verify any more", path(group.name), "Recover the stream to see what is left.");
      for (const std::string& frame : frames)
        if (++lsn >= std::max<det::Lsn>(from, 1)) { KFM_DET_TRY(visitor(det::Frame{lsn, frame})); }
    }
    return lsn;
  }
  [[nodiscard]] det::Tail tail() const { const std::scoped_lock guard(*mutex_); return {last_, durable_}; }
  [[nodiscard]] det::result<void> prove() { KFM_DET_TRY(sync()); return det::success(); }   // a group proves itself
  [[nodiscard]] det::result<void> close() {
    if (state_ != State::writing) return det::success();
    auto proven = prove();
    state_ = State::ended;
    return proven;
  }
  [[nodiscard]] det::result<void> drop_before(det::Lsn) { return det::Error(det::errc::unsupported, "this store does not trim", folder_, "Keep the whole log."); }

 private:
  friend class GroupStore;
  enum class State : std::uint8_t { fresh, writing, ended, failed };
  struct Group { det::Lsn first = 0; std::uint32_t count = 0; std::string name; };
  struct Start { std::uint64_t tenure = 0; det::Lsn last = 0; };
  struct Owned { Group group; std::uint64_t tenure = 0; };
  struct Names {
    std::uint64_t highest = 0;
    std::vector<Start> starts;
    std::vector<Owned> groups;
  };

  Stream(const std::string& root, Fs fs, const det::StreamId& id) : fs_(std::move(fs)), root_(root), folder_(root + "/" + id.text), id_(id) {}

  static std::string number(std::uint64_t value) {
    const std::string text = std::to_string(value);
    return std::string(20 - text.size(), '0') + text;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] std::string temporary() const { return path("tmp-" + number(tenure_)); }
  [[nodiscard]] det::Error lost() { state_ = State::ended; return {det::errc::conflict, "another owner has taken this log over", folder_, "Take the lease again and recover."}; }
  [[nodiscard]] det::Error failed(const det::Error& cause) { state_ = State::failed; return {det::errc::log_failed, "the log could not be made durable: " + cause.what(), folder_, "Mend the disk, then start again."}; }
  [[nodiscard]] det::result<void> may_write() {
    if (state_ == State::writing) return det::success();
    if (state_ == State::failed) return det::Error(det::errc::log_failed, "an earlier sync of this log failed", folder_, "Open the store again and recover.");
    if (state_ == State::ended) return lost();
    return det::Error(det::errc::invalid_argument, "the first call of a tenure is recover()", folder_);
  }
  [[nodiscard]] det::result<void> still_mine() {
    auto later = fs_.exists(path(number(tenure_ + 1) + ".claim"));
    if (!later) return failed(later.error());
    if (later.value()) return lost();
    return det::success();
  }
  /// The entry of a folder is durable before anything is made inside of it.
  [[nodiscard]] det::result<void> make_folder() {
    for (std::size_t at = 1; at <= folder_.size(); ++at) {
      if (at != folder_.size() && folder_[at] != '/') continue;
      const std::string one = folder_.substr(0, at);
      const std::size_t slash = one.rfind('/');
      KFM_DET_TRY(fs_.make_directory(one));
      KFM_DET_TRY(fs_.sync_directory(slash == std::string::npos ? "." : slash == 0 ? "/" : one.substr(0, slash)));
    }
    return det::success();
  }
  [[nodiscard]] det::result<void> write_file(const std::string& bytes) {
    auto file = fs_.create_exclusive(temporary());
    if (!file && file.error().code() == det::errc::conflict) {   // of an attempt that failed
      KFM_DET_TRY(fs_.remove(temporary()));
      file = fs_.create_exclusive(temporary());
    }
    if (!file) return file.error();
    for (std::size_t at = 0; at < bytes.size();) {
      KFM_DET_TRY(const std::size_t taken, fs_.write(file.value(), at, std::string_view(bytes).substr(at)));
      if (taken == 0) return det::Error(det::errc::io_error, "the file takes no more bytes", temporary());
      at += taken;
    }
    return fs_.sync(file.value());
  }
  [[nodiscard]] det::result<std::string> read_file(const std::string& name) {
    KFM_DET_TRY(auto file, fs_.open(name, det::OpenMode::read));
    KFM_DET_TRY(const std::uint64_t size, fs_.size(file));
    std::string out(static_cast<std::size_t>(size), '\0');
    std::size_t at = 0;
    while (at < out.size()) {
      KFM_DET_TRY(const std::size_t got, fs_.read(file, at, std::span<char>(out.data() + at, out.size() - at)));
      if (got == 0) break;
      at += got;
    }
    out.resize(at);
    return out;
  }

  /// "<number>-<number>-<number><suffix>", as many numbers as `into` has room for.
  static bool parse(std::string_view name, std::string_view suffix, std::span<std::uint64_t> into) {
    if (!name.ends_with(suffix) || name.size() != into.size() * 21 - 1 + suffix.size()) return false;
    for (std::size_t i = 0; i < into.size(); ++i) {
      const std::string_view text = name.substr(i * 21, 20);
      const auto got = std::from_chars(text.data(), text.data() + text.size(), into[i]);
      if (got.ec != std::errc() || got.ptr != text.data() + text.size() || (i + 1 < into.size() && name[i * 21 + 20] != '-')) return false;
    }
    return true;
  }
  [[nodiscard]] det::result<Names> list() {
    KFM_DET_TRY(const auto all, fs_.list(folder_));
    Names out;
    for (const std::string& name : all) {   // what is none of ours means nothing
      std::uint64_t numbers[3] = {};
      if (parse(name, ".claim", std::span(numbers, 1))) out.highest = std::max(out.highest, numbers[0]);
      else if (parse(name, ".start", std::span(numbers, 2))) out.starts.push_back({numbers[0], numbers[1]});
      else if (parse(name, ".group", std::span(numbers, 3)) && numbers[0] > 0 && numbers[1] > 0 && numbers[1] <= 0xFFFFFFFFu) out.groups.push_back({{numbers[0], static_cast<std::uint32_t>(numbers[1]), name}, numbers[2]});
    }
    for (const Start& start : out.starts) out.highest = std::max(out.highest, start.tenure);
    for (const Owned& one : out.groups) out.highest = std::max(out.highest, one.tenure);
    std::erase_if(out.groups, [&](const Owned& one) {
      return std::any_of(out.starts.begin(), out.starts.end(), [&](const Start& start) { return start.tenure > one.tenure && one.group.first > start.last; });
    });
    std::sort(out.groups.begin(), out.groups.end(), [](const Owned& a, const Owned& b) { return std::pair(a.group.first, a.tenure) < std::pair(b.group.first, b.tenure); });
    return out;
  }

  /// The verdict comes from the library's own judge: it gets the lines, and what this store knows besides.
  [[nodiscard]] det::result<det::Recovery> judge(const Names& names, std::span<const det::Head> witnesses, det::RecoverOptions options) {
    groups_.clear();
    last_group_.clear();
    std::string lines;
    std::vector<det::Evidence> bad;
    det::Lsn next = 1, proven = 0;
    for (const Start& start : names.starts)   // but for what was given up since: a later owner that began lower had accepted a loss
      if (std::none_of(names.starts.begin(), names.starts.end(), [&](const Start& other) { return other.tenure > start.tenure && other.last < start.last; })) proven = std::max(proven, start.last);
    bool is_unreadable = false;
    for (const Owned& one : names.groups) {
      proven = std::max(proven, one.group.first - 1 + one.group.count);   // a group has its name when it is whole
      auto bytes = read_file(path(one.group.name));
      std::vector<std::string> frames;
      if (!bytes) {
        is_unreadable = true;
        bad.push_back({path(one.group.name), 0, 0, bytes.error().what()});
      } else if (!bad.empty() || one.group.first != next || !GroupFile::read(bytes.value(), one.group.count, frames)) {
        if (bad.empty()) bad.push_back({path(one.group.name), 0, one.group.first == next ? bytes.value().size() : 0, one.group.first == next ? "this group does not verify" : "LSN " + std::to_string(next) + " is missing in front of this group"});
      } else {
        for (const std::string& frame : frames) lines += frame + "\n";
        groups_.push_back(one.group);
        next += one.group.count;
      }
    }
    det::wal::Judge judge(id_, lines.empty() ? std::vector<det::wal::SegmentName>{} : std::vector<det::wal::SegmentName>{{1, 1}}, witnesses);
    if (!judge.living().empty()) judge.feed(lines, folder_);
    judge.store_proves(proven);
    if (is_unreadable) judge.unreadable(bad.front().where, det::Error(det::errc::io_error, bad.front().sentence));
    det::Recovery out = judge.finish(options.accept_loss);
    out.evidence.insert(out.evidence.begin(), bad.begin(), bad.end());
    while (!groups_.empty() && groups_.back().first > out.tail.lsn) groups_.pop_back();
    last_ = durable_ = out.tail.lsn;
    return out;
  }

  Fs fs_;
  std::string root_, folder_;
  det::StreamId id_;
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
  State state_ = State::fresh;
  std::uint64_t tenure_ = 0;
  det::Lsn last_ = 0, durable_ = 0;
  std::vector<Group> groups_;
  std::string last_group_;
};

}  // namespace example

#endif
