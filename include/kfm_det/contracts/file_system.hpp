// SPDX-License-Identifier: BSL-1.0
/// \file
/// FileSystem: what file-backed policies are templated on: the real one, or a simulated disk.
///
/// A FileSystem is a cheap, copyable handle; copies mean the same disk. A File is a movable handle that closes itself.
/// Paths are UTF-8 bytes with '/'. Laws, each with its usual bug:
///   FS-1   write() may be short; what it returns is what was taken. Bug: a short write counted as whole.
///   FS-2   after sync(file) has answered, the bytes and the size that were written before the call survive power loss.
///          Bug: fsync of another descriptor, or of a buffer that was never written.
///   FS-3   a failed sync is answered once, and the next one may lie: the caller never retries. Bug: "fsync again, it worked".
///   FS-4   a name that was created, renamed or removed survives power loss only after sync_directory of its folder.
///          Bug: a synced file that nobody finds.
///   FS-5   create_exclusive and rename_no_replace: of several callers one succeeds, the others get errc::conflict. Bug: check, then create.
///   FS-6   lock() takes a lock that dies with its process, whatever its children hold, and is not lost when another handle of the file closes.
///          Bug: fcntl POSIX locks; an open file description that a forked child keeps.
///   FS-7   a read error is an error, never the end of the file. Bug: EIO as EOF.
///   FS-8   list() answers names in byte order. Bug: results that depend on the folder's hash order.
///   FS-9   what is not there is errc::not_found, a name that is taken errc::conflict; a call that answers one of them has changed no name, one that answers
///          success has done it, and none loses a file. Bug: an open that creates; an error that is swallowed.
///   FS-10  bytes come back as they were written, where they were written; what nobody wrote reads as zeros; 0 bytes are the end, and only there.
///          Bug: O_APPEND; a read across the end that is an error.
///   FS-11  a signal is no answer: an interrupted call is taken up again, or says what it has done. Bug: EINTR handed on.
///   FS-12  rename() replaces at once, and an open File goes on meaning its own file, whatever becomes of its name. Bug: remove, then rename.
/// Thread-safety: the handle may be used by many threads; one File by one writer, readers and one sync() at a time.
#ifndef KFM_DET_CONTRACTS_FILE_SYSTEM_HPP
#define KFM_DET_CONTRACTS_FILE_SYSTEM_HPP

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/result.hpp"

namespace kfm_det {

enum class OpenMode : std::uint8_t { read, read_write };

namespace file_system_clause {
template <class F> concept copyable = std::copy_constructible<F>;
template <class F> concept has_file = requires { typename F::File; } && std::movable<typename F::File>;
template <class F> concept has_mapping = requires { typename F::Mapping; } && requires(const typename F::Mapping& mapping) { { mapping.bytes() } -> std::convertible_to<BytesView>; };
template <class F> concept opens = requires(F& fs, const std::string& path) { { fs.open(path, OpenMode::read) } -> std::same_as<result<typename F::File>>; };
template <class F> concept creates = requires(F& fs, const std::string& path) { { fs.create_exclusive(path) } -> std::same_as<result<typename F::File>>; };
template <class F> concept reads = requires(F& fs, typename F::File& file, std::uint64_t offset, std::span<char> into) { { fs.read(file, offset, into) } -> std::same_as<result<std::size_t>>; };
template <class F> concept writes = requires(F& fs, typename F::File& file, std::uint64_t offset, BytesView bytes) { { fs.write(file, offset, bytes) } -> std::same_as<result<std::size_t>>; };
template <class F> concept maps = requires(F& fs, typename F::File& file) { { fs.map(file) } -> std::same_as<result<typename F::Mapping>>; };
template <class F> concept syncs = requires(F& fs, typename F::File& file) { { fs.sync(file) } -> std::same_as<result<void>>; };
template <class F> concept syncs_directory = requires(F& fs, const std::string& path) { { fs.sync_directory(path) } -> std::same_as<result<void>>; };
template <class F> concept truncates = requires(F& fs, typename F::File& file, std::uint64_t bytes) { { fs.truncate(file, bytes) } -> std::same_as<result<void>>; };
template <class F> concept sizes = requires(F& fs, typename F::File& file) { { fs.size(file) } -> std::same_as<result<std::uint64_t>>; };
template <class F> concept allocates = requires(F& fs, typename F::File& file, std::uint64_t bytes) { { fs.allocate(file, bytes) } -> std::same_as<result<void>>; };
template <class F> concept exists = requires(F& fs, const std::string& path) { { fs.exists(path) } -> std::same_as<result<bool>>; };
template <class F> concept renames = requires(F& fs, const std::string& path) { { fs.rename(path, path) } -> std::same_as<result<void>>; };
template <class F> concept renames_no_replace = requires(F& fs, const std::string& path) { { fs.rename_no_replace(path, path) } -> std::same_as<result<void>>; };
template <class F> concept removes = requires(F& fs, const std::string& path) { { fs.remove(path) } -> std::same_as<result<void>>; };
template <class F> concept lists = requires(F& fs, const std::string& path) { { fs.list(path) } -> std::same_as<result<std::vector<std::string>>>; };
template <class F> concept makes_directory = requires(F& fs, const std::string& path) { { fs.make_directory(path) } -> std::same_as<result<void>>; };
template <class F> concept locks = requires(F& fs, typename F::File& file) { { fs.lock(file) } -> std::same_as<result<bool>>; };
template <class F> concept probes_lock = requires(F& fs, typename F::File& file) { { fs.locked_elsewhere(file) } -> std::same_as<result<bool>>; };
template <class F> concept tells_block_size = requires(F& fs, const std::string& path) { { fs.block_size(path) } -> std::same_as<result<std::uint64_t>>; };
}  // namespace file_system_clause

template <class F>
concept FileSystem = file_system_clause::copyable<F> && file_system_clause::has_file<F> && file_system_clause::has_mapping<F> &&
                     file_system_clause::opens<F> && file_system_clause::creates<F> && file_system_clause::reads<F> && file_system_clause::writes<F> &&
                     file_system_clause::maps<F> && file_system_clause::syncs<F> && file_system_clause::syncs_directory<F> &&
                     file_system_clause::truncates<F> && file_system_clause::sizes<F> && file_system_clause::allocates<F> && file_system_clause::exists<F> &&
                     file_system_clause::renames<F> && file_system_clause::renames_no_replace<F> && file_system_clause::removes<F> &&
                     file_system_clause::lists<F> && file_system_clause::makes_directory<F> && file_system_clause::locks<F> &&
                     file_system_clause::probes_lock<F> && file_system_clause::tells_block_size<F>;

/// Says in sentences which clauses F misses, all of them at once.
template <class F>
consteval bool diagnose_file_system() {
  using namespace file_system_clause;
  static_assert(copyable<F>, "kfm_det file system: must be copy constructible; copies mean the same disk");
  static_assert(has_file<F>, "kfm_det file system: needs a movable `File`");
  static_assert(has_mapping<F>, "kfm_det file system: needs a `Mapping` with `bytes()`");
  static_assert(opens<F>, "kfm_det file system: needs `result<File> open(path, OpenMode)`; errc::not_found when it is not there");
  static_assert(creates<F>, "kfm_det file system: needs `result<File> create_exclusive(path)`; errc::conflict when it is there");
  static_assert(reads<F>, "kfm_det file system: needs `result<size_t> read(File&, offset, span<char>)`; 0 is the end");
  static_assert(writes<F>, "kfm_det file system: needs `result<size_t> write(File&, offset, BytesView)`; it may be short");
  static_assert(maps<F>, "kfm_det file system: needs `result<Mapping> map(File&)`");
  static_assert(syncs<F>, "kfm_det file system: needs `result<void> sync(File&)`: bytes and size survive power loss");
  static_assert(syncs_directory<F>, "kfm_det file system: needs `result<void> sync_directory(path)`: names survive power loss");
  static_assert(truncates<F>, "kfm_det file system: needs `result<void> truncate(File&, bytes)`");
  static_assert(sizes<F>, "kfm_det file system: needs `result<uint64_t> size(File&)`");
  static_assert(allocates<F>, "kfm_det file system: needs `result<void> allocate(File&, bytes)`");
  static_assert(exists<F>, "kfm_det file system: needs `result<bool> exists(path)`: a name lookup");
  static_assert(renames<F>, "kfm_det file system: needs `result<void> rename(from, to)`: replaces, atomically");
  static_assert(renames_no_replace<F>, "kfm_det file system: needs `result<void> rename_no_replace(from, to)`; errc::conflict when `to` is there");
  static_assert(removes<F>, "kfm_det file system: needs `result<void> remove(path)`");
  static_assert(lists<F>, "kfm_det file system: needs `result<vector<string>> list(path)`: names in byte order");
  static_assert(makes_directory<F>, "kfm_det file system: needs `result<void> make_directory(path)`; one that is there is success");
  static_assert(locks<F>, "kfm_det file system: needs `result<bool> lock(File&)`: true when taken; dies with the process");
  static_assert(probes_lock<F>, "kfm_det file system: needs `result<bool> locked_elsewhere(File&)`: asks without taking");
  static_assert(tells_block_size<F>, "kfm_det file system: needs `result<uint64_t> block_size(path)`: the largest unit that a torn write can harm");
  return FileSystem<F>;
}

}  // namespace kfm_det

#endif
