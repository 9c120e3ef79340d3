// SPDX-License-Identifier: BSL-1.0
/// \file
/// Evidence: what a bad or torn verdict rests on, copied with its context to where nobody writes again. The contract's quarantine of WAL bytes.
///
/// root/<stream>/evidence/<name>/manifest.json   what it is: verdict, sentence, file, place, hashes; canonical JSON. <name> is the SHA-256 of these bytes
/// root/<stream>/evidence/<name>/region.bin      the damaged region and some KiB around it; not there where something is missing: no bytes show that
/// root/<stream>/evidence/tmp-*                  a copy that has no name yet; means nothing, and neither does a folder without a manifest
///
/// Laws, each with its usual bug:
///   EVIDENCE-1  what gather_evidence answered survives power loss. Bug: the copy is synced, its name is not.
///   EVIDENCE-2  evidence is never edited, overwritten or deleted, and the file that it was copied from is only read. Bug: the second copy replaces the first.
///   EVIDENCE-3  the same evidence again is the same name, and nothing is written. Bug: a name made of the time.
///   EVIDENCE-4  stopped anywhere, or out of space: there is whole evidence under its name, or none. Bug: half a copy under the final name.
///   EVIDENCE-5  bytes and manifest are what their hashes say; where they are not any more, it is said. Bug: evidence that nobody can check.
/// Thread-safety: any number of processes at once. The file system decides the rest.
#ifndef KFM_DET_STORES_EVIDENCE_HPP
#define KFM_DET_STORES_EVIDENCE_HPP

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/file_system.hpp"
#include "kfm_det/contracts/store.hpp"
#include "kfm_det/core/describe.hpp"
#include "kfm_det/files/whole.hpp"

namespace kfm_det {

struct EvidenceOptions {
  std::uint64_t context_bytes = 4096;   ///< copied in front of a region and behind it
};

/// A file that a region lies in, whole: its name in the stream's folder, and what it was when it was copied from.
struct EvidenceFile {
  std::string name;
  Digest sha256;
  std::uint64_t size = 0;
};
struct EvidenceCopy {
  std::uint64_t offset = 0, length = 0;   ///< in the file; the region and its context
  Digest sha256;
};
/// The last good frame before it.
struct EvidencePlace {
  Digest hash;
  Incarnation incarnation = 0;
  Lsn lsn = 0;
};
struct EvidenceManifest {
  std::string format;
  std::string stream, verdict, sentence;
  EvidencePlace behind;
  std::optional<EvidenceFile> file;        ///< none: no file shows it (a witness above the log)
  std::optional<EvidenceCopy> copy;        ///< none: something is missing
  std::uint64_t offset = 0, length = 0;    ///< of the region itself, in the file
};
KFM_DET_DESCRIBE(EvidenceFile, name, sha256, size)
KFM_DET_DESCRIBE(EvidenceCopy, offset, length, sha256)
KFM_DET_DESCRIBE(EvidencePlace, hash, incarnation, lsn)
KFM_DET_DESCRIBE(EvidenceManifest, format, stream, verdict, sentence, behind, file, copy, offset, length)
inline constexpr std::string_view evidence_format = "kfm_det/evidence/1";

struct KeptEvidence {
  Digest name;                  ///< of its folder, and SHA-256 of its manifest
  std::string folder;
  EvidenceManifest manifest;
  bool was_there = false;       ///< gathered before
  std::string trouble;          ///< of list_evidence: why it is not what its hashes say; empty where it is
};

namespace evidence {

inline constexpr std::string_view folder_name = "evidence", manifest_name = "manifest.json", region_name = "region.bin", temporary_prefix = "tmp-";
inline constexpr std::uint64_t manifest_bytes_max = 64 * 1024;

[[nodiscard]] inline std::string folder_of(const std::string& directory) { return directory + "/" + std::string(folder_name); }

/// Gives bytes [from, to) of a file in pieces. Errors: the file system's; io_error when the file ends before.
template <class Fs>
[[nodiscard]] result<void> read_pieces(Fs& fs, typename Fs::File& file, std::uint64_t from, std::uint64_t to, function_ref<result<void>(std::uint64_t at, BytesView)> visitor) {
  Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(std::max<std::uint64_t>(to - from, 1), 65536)), '\0');
  while (from < to) {
    KFM_DET_TRY(const std::size_t got, read_up_to(fs, file, from, std::span<char>(piece.data(), static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), to - from)))));
    if (got == 0) return Error(errc::io_error, "the file has become shorter while it was read", "offset " + std::to_string(from), "Somebody writes to it: stop that first");
    KFM_DET_TRY(visitor(from, BytesView(piece).substr(0, got)));
    from += got;
  }
  return success();
}

/// What stands in a file now. Errors: the file system's, limit_exceeded.
template <class Fs>
[[nodiscard]] result<Bytes> read_small(Fs& fs, const std::string& path) {
  KFM_DET_TRY(auto file, fs.open(path, OpenMode::read));
  KFM_DET_TRY(const std::uint64_t size, fs.size(file));
  if (size > manifest_bytes_max) return Error(errc::limit_exceeded, "a manifest of " + std::to_string(size) + " bytes", path, "Look what this file is.");
  Bytes out;
  KFM_DET_TRY(read_pieces(fs, file, 0, size, [&](std::uint64_t, BytesView piece) -> result<void> { out += piece; return success(); }));
  return out;
}
template <class Fs>
[[nodiscard]] result<Digest> hash_file(Fs& fs, const std::string& path) {
  KFM_DET_TRY(auto file, fs.open(path, OpenMode::read));
  KFM_DET_TRY(const std::uint64_t size, fs.size(file));
  Sha256 hash;
  KFM_DET_TRY(read_pieces(fs, file, 0, size, [&](std::uint64_t, BytesView piece) -> result<void> { hash.update(piece); return success(); }));
  return hash.finish();
}

[[nodiscard]] inline Error changed(const std::string& path) {
  return {errc::hash_mismatch, "evidence that was kept has been changed since", path, "Keep it as it is, and find out who changed it; the folder must be writable for nobody else"};
}

/// Names a temporary file. A name that is taken must stand for the same bytes: another process was faster, or an earlier attempt was stopped behind it.
template <class Fs>
[[nodiscard]] result<void> place(Fs& fs, const std::string& temporary, const std::string& path, const Digest& sha256) {
  auto named = fs.rename_no_replace(temporary, path);
  if (named) return success();
  if (named.error().code() != errc::conflict) return named.error();
  (void)fs.remove(temporary);
  KFM_DET_TRY(const Digest there, hash_file(fs, path));
  if (there != sha256) return changed(path);
  return success();
}

/// A file that nobody else writes, under a name that means nothing.
template <class Fs>
struct Temporary {
  typename Fs::File file;
  std::string path;
};
template <class Fs>
[[nodiscard]] result<Temporary<Fs>> temporary(Fs& fs, const std::string& folder, const Digest& name) {
  constexpr int tries_max = 4096;   // leftovers of those who were stopped, and others at work
  for (int n = 0; n < tries_max; ++n) {
    std::string path = folder + "/" + std::string(temporary_prefix) + name.hex().substr(0, 16) + "-" + std::to_string(n);
    auto made = fs.create_exclusive(path);
    if (made) return Temporary<Fs>{std::move(made).value(), std::move(path)};
    if (made.error().code() != errc::conflict) return made.error();
  }
  return Error(errc::limit_exceeded, "too many unfinished copies of this evidence", folder, "Remove the files that begin with tmp-: they mean nothing.");
}

/// Whether whole evidence has this name. Errors: hash_mismatch where it is not what it was.
template <class Fs>
[[nodiscard]] result<bool> is_kept(Fs& fs, const std::string& folder, const std::string& text, const EvidenceManifest& manifest) {
  KFM_DET_TRY(const bool there, fs.exists(folder + "/" + std::string(manifest_name)));
  if (!there) return false;
  KFM_DET_TRY(const Bytes found, read_small(fs, folder + "/" + std::string(manifest_name)));
  if (found != text) return changed(folder);
  if (!manifest.copy) return true;
  auto region = hash_file(fs, folder + "/" + std::string(region_name));
  if (!region && region.error().code() != errc::not_found) return region.error();
  if (!region || region.value() != manifest.copy->sha256) return changed(folder);
  return true;
}

/// What a region is, and where: reads its file whole, once.
template <class Fs>
[[nodiscard]] result<EvidenceManifest> describe(Fs& fs, const std::string& directory, const StreamId& stream, const Recovery& recovery, const Evidence& region, const EvidenceOptions& options) {
  EvidenceManifest out;
  out.format = evidence_format;
  out.stream = stream.text;
  out.verdict = name(recovery.verdict);
  out.sentence = region.sentence;
  out.behind = {recovery.tail.hash, recovery.tail.incarnation, recovery.tail.lsn};
  out.offset = region.offset;
  out.length = region.length;
  const std::string lead = directory + "/";
  if (!region.where.starts_with(lead)) return out;
  EvidenceFile file;
  EvidenceCopy copy;
  file.name = region.where.substr(lead.size());
  KFM_DET_TRY(auto opened, fs.open(region.where, OpenMode::read));
  KFM_DET_TRY(file.size, fs.size(opened));
  const std::uint64_t from = std::min(region.offset, file.size), to = from + std::min(region.length, file.size - from);
  copy.offset = from - std::min(from, options.context_bytes);
  copy.length = to + std::min(options.context_bytes, file.size - to) - copy.offset;
  Sha256 whole, part;
  KFM_DET_TRY(read_pieces(fs, opened, 0, file.size, [&](std::uint64_t at, BytesView piece) -> result<void> {
    whole.update(piece);
    const std::uint64_t first = std::max(at, copy.offset), last = std::min<std::uint64_t>(at + piece.size(), copy.offset + copy.length);
    if (first < last) part.update(piece.substr(static_cast<std::size_t>(first - at), static_cast<std::size_t>(last - first)));
    return success();
  }));
  file.sha256 = whole.finish();
  copy.sha256 = part.finish();
  out.file = std::move(file);
  if (region.length != 0) out.copy = copy;
  return out;
}

/// Copies and syncs under temporary names, then names: nothing has its name before all of it is on the medium.
template <class Fs>
[[nodiscard]] result<void> write(Fs& fs, const std::string& directory, const std::string& folder, const Digest& name, const std::string& text, const EvidenceManifest& manifest) {
  const std::string parent = folder_of(directory);
  KFM_DET_TRY(make_directories(fs, parent));
  std::vector<std::string> unnamed;
  const auto undone = [&](Error error) -> Error {
    for (const auto& path : unnamed) (void)fs.remove(path);
    return error.advise("Nothing was accepted or changed; make room, then try again");
  };
  if (manifest.copy) {
    auto to = temporary(fs, parent, name);
    if (!to) return undone(to.error());
    unnamed.push_back(to.value().path);
    auto from = fs.open(directory + "/" + manifest.file->name, OpenMode::read);
    if (!from) return undone(from.error());
    Sha256 hash;
    const std::uint64_t start = manifest.copy->offset;
    auto copied = read_pieces(fs, from.value(), start, start + manifest.copy->length, [&](std::uint64_t at, BytesView piece) -> result<void> {
      hash.update(piece);
      return write_all(fs, to.value().file, at - start, piece);
    });
    if (!copied) return undone(copied.error().at(unnamed.back()));
    if (hash.finish() != manifest.copy->sha256) return undone(Error(errc::unavailable, "the file was changed while it was copied", directory + "/" + manifest.file->name, "Stop who writes to it, then try again"));
    if (auto synced = fs.sync(to.value().file); !synced) return undone(synced.error().at(unnamed.back()));
  }
  auto to = temporary(fs, parent, name);
  if (!to) return undone(to.error());
  unnamed.push_back(to.value().path);
  if (auto written = write_all(fs, to.value().file, 0, text); !written) return undone(written.error().at(unnamed.back()));
  if (auto synced = fs.sync(to.value().file); !synced) return undone(synced.error().at(unnamed.back()));

  if (auto made = fs.make_directory(folder); !made) return undone(made.error());
  if (auto synced = fs.sync_directory(parent); !synced) return undone(synced.error());
  if (manifest.copy) {
    if (auto placed = place(fs, unnamed.front(), folder + "/" + std::string(region_name), manifest.copy->sha256); !placed) return undone(placed.error());
    if (auto synced = fs.sync_directory(folder); !synced) return undone(synced.error());   // a manifest never stands without its bytes
  }
  if (auto placed = place(fs, unnamed.back(), folder + "/" + std::string(manifest_name), name); !placed) return undone(placed.error());
  return success();
}

}  // namespace evidence

/// Keeps every region that the verdict rests on: one folder each, in the order of `recovery.evidence`. `directory` is the stream's folder.
/// Errors: no_space, io_error and what else the file system answers (nothing half-named is left); hash_mismatch (what was kept before has been changed);
/// unavailable (somebody writes to the file).
template <class Fs>
[[nodiscard]] result<std::vector<KeptEvidence>> gather_evidence(Fs& fs, const std::string& directory, const StreamId& stream, const Recovery& recovery, const EvidenceOptions& options = {}) {
  std::vector<KeptEvidence> out;
  for (const Evidence& region : recovery.evidence) {
    KeptEvidence one;
    KFM_DET_TRY(one.manifest, evidence::describe(fs, directory, stream, recovery, region, options));
    KFM_DET_TRY(const std::string text, canonical(one.manifest));
    one.name = sha256(text);
    one.folder = evidence::folder_of(directory) + "/" + one.name.hex();
    KFM_DET_TRY(one.was_there, evidence::is_kept(fs, one.folder, text, one.manifest));
    if (!one.was_there) { KFM_DET_TRY(evidence::write(fs, directory, one.folder, one.name, text, one.manifest)); }
    KFM_DET_TRY(fs.sync_directory(one.folder));   // also of what was there: whoever wrote it may have been stopped before
    KFM_DET_TRY(fs.sync_directory(evidence::folder_of(directory)));
    KFM_DET_TRY(fs.sync_directory(directory));
    out.push_back(std::move(one));
  }
  return out;
}

/// What was kept, by name, checked against its hashes. Looks only. Errors: the file system's.
template <class Fs>
[[nodiscard]] result<std::vector<KeptEvidence>> list_evidence(Fs& fs, const std::string& directory) {
  std::vector<KeptEvidence> out;
  const std::string parent = evidence::folder_of(directory);
  KFM_DET_TRY(const bool there, fs.exists(parent));
  if (!there) return out;
  KFM_DET_TRY(const auto names, fs.list(parent));
  for (const std::string& name : names) {
    const auto digest = Digest::from_hex(name);
    if (!digest) continue;
    KeptEvidence one{digest.value(), parent + "/" + name, {}, true, {}};
    auto text = evidence::read_small(fs, one.folder + "/" + std::string(evidence::manifest_name));
    if (!text && text.error().code() == errc::not_found) continue;   // an attempt that was stopped
    if (!text && text.error().code() != errc::limit_exceeded) return text.error();
    auto manifest = text ? read_canonical<EvidenceManifest>(text.value()) : result<EvidenceManifest>(text.error());
    if (!manifest || sha256(text.value()) != one.name) {
      one.trouble = "its manifest is not the one that was written";
    } else {
      one.manifest = std::move(manifest).value();
      if (auto kept = evidence::is_kept(fs, one.folder, text.value(), one.manifest); !kept) one.trouble = kept.error().what();
    }
    out.push_back(std::move(one));
  }
  return out;
}

/// What Operator::accept_loss and repair() take as `keep`: gathers, and answers the names; also of what was kept of this very place before, by a repair that was
/// stopped: where it had begun its segment, the verdict may be another one by now. For stores over files, which tell root() and file_system().
template <class St>
class EvidenceKeeper {
 public:
  EvidenceKeeper(St& store, StreamId stream, EvidenceOptions options = {}) : store_(store), stream_(std::move(stream)), options_(options) {}
  [[nodiscard]] result<std::vector<Digest>> operator()(const Recovery& recovery) const {
    auto fs = store_.file_system();
    const std::string directory = store_.root() + "/" + stream_.text;
    KFM_DET_TRY(const auto kept, gather_evidence(fs, directory, stream_, recovery, options_));
    std::vector<Digest> names;
    for (const auto& one : kept) names.push_back(one.name);
    KFM_DET_TRY(const auto before, list_evidence(fs, directory));
    for (const auto& one : before)
      if (one.trouble.empty() && one.manifest.behind.lsn == recovery.tail.lsn && one.manifest.behind.hash == recovery.tail.hash && std::find(names.begin(), names.end(), one.name) == names.end()) names.push_back(one.name);
    return names;
  }

 private:
  St& store_;
  StreamId stream_;
  EvidenceOptions options_;
};

}  // namespace kfm_det

#endif
