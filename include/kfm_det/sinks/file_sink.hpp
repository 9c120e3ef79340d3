// SPDX-License-Identifier: BSL-1.0
/// \file
/// FileSink: publications in plain files, for one process at a time and outputs of any size.
///
/// root/lock                      held while the sink is open
/// root/commits/<number>.json     one accepted request each (sinks/commit_record.hpp): token floor, head, keys, publications, versions
/// root/versions/<sha256>         bytes, named by their hash; never written again
/// tmp-* in both                  not named yet; harmless, removed when the sink is opened
///
/// Durability: what a verb answered survives power loss on a disk that keeps its word about flushes. Every file is written whole under a name that means
/// nothing, synced, renamed, and its folder synced; so a name that means something always has its bytes. A request is its commit record: floor, head and
/// effects become durable together, behind the bytes that they name. A staged file is renamed into place where that works, else copied.
/// When it is not known whether a name is durable (a rename or a sync of a folder failed), every verb answers errc::log_failed: open the sink again.
/// Memory: an index of all publications; bytes stay in their files. Each request costs two syncs, and two more when it brings bytes.
/// Thread-safety: all verbs may be called from any thread, also by visitors; they are serialised. One process: a second open() answers errc::busy.
#ifndef KFM_DET_SINKS_FILE_SINK_HPP
#define KFM_DET_SINKS_FILE_SINK_HPP

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "kfm_det/contracts/file_system.hpp"
#include "kfm_det/contracts/sink_rules.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/files/whole.hpp"
#include "kfm_det/sinks/commit_record.hpp"
#include "kfm_det/sinks/publication_tables.hpp"

namespace kfm_det {

struct FileSinkOptions {
  std::uint64_t commit_bytes_max = std::uint64_t{64} << 20;   ///< a request whose record would be longer is errc::limit_exceeded (bytes of outputs do not count)
};

template <class Fs = PosixFileSystem>
class FileSink {
  static_assert(diagnose_file_system<Fs>());

 public:
  static constexpr SinkClaims claims{.atomic_batch = true, .many_processes = false, .survives_power_loss = true};

  /// Opens the folder, or makes it. Errors: busy (another process has it open), corrupt_committed and hole (damaged; nothing is changed),
  /// unsupported_version, invalid_argument (an empty root), and the file system's.
  [[nodiscard]] static result<FileSink> open(std::string root, FileSinkOptions options = {}, Fs file_system = {}) {
    while (root.size() > 1 && root.back() == '/') root.pop_back();
    if (root.empty()) return Error(errc::invalid_argument, "the root of a file sink is empty", "FileSink::open", "Give a folder, such as state/outputs.");
    auto state = std::make_unique<State>(std::move(root), options, std::move(file_system));
    KFM_DET_TRY(state->open());
    return FileSink(std::move(state));
  }

  // The contract's verbs (contracts/sink.hpp). Beside the errors named there: the file system's (nothing was accepted), and log_failed (see above).

  [[nodiscard]] result<Head> begin(const Tenure& tenure, const StreamId& stream) {
    State& my = *state_;
    const std::scoped_lock guard(my.mutex);
    KFM_DET_TRY(my.usable());
    PublicationTables changes;
    KFM_DET_TRY(const bool rose, my.raise_floor(tenure, changes));
    if (rose) { KFM_DET_TRY(my.commit(std::move(changes))); }
    return my.tables.witness(stream);
  }
  [[nodiscard]] result<std::vector<UpsertResult>> upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch) {
    Contents contents;
    return state_->change(tenure, head, contents, [&](PublicationLayer& layer) -> result<std::vector<UpsertResult>> {
      std::vector<UpsertResult> results;
      const auto take = [&](const NewVersion& fresh, bool is_stored) { return state_->take(fresh, is_stored, contents); };
      for (const Upsert& one : batch) {
        KFM_DET_TRY(const UpsertResult result, layer.publish(tenure, one, take));
        results.push_back(result);
      }
      return results;
    });
  }
  [[nodiscard]] result<void> withdraw(const Tenure& tenure, const Head& head, std::span<const Withdrawal> batch) {
    Contents contents;
    return state_->change(tenure, head, contents, [&](PublicationLayer& layer) -> result<void> {
      for (const Withdrawal& one : batch) { KFM_DET_TRY(layer.withdraw(tenure, one)); }
      return success();
    });
  }
  [[nodiscard]] result<std::optional<Publication>> find(const EffectId& effect) {
    return look([&](const PublicationTables& tables) { return tables.publication(effect); });
  }
  [[nodiscard]] result<std::optional<StoredVersion>> find(const IdempotencyKey& key) {
    return look([&](const PublicationTables& tables) {
      const auto found = tables.versions.find(key);
      return found == tables.versions.end() ? std::optional<StoredVersion>() : std::optional(found->second.about);
    });
  }
  /// The last piece is handed out only after the whole has been verified.
  [[nodiscard]] result<void> read(const IdempotencyKey& key, BytesVisitor visitor) {
    KFM_DET_TRY(const auto about, find(key));
    if (!about) return sink_rules::unknown_version(key);
    Fs fs = state_->fs;   // a handle: the bytes are read outside of the lock
    auto file = fs.open(state_->version_path(about->bytes_hash), OpenMode::read);
    if (!file) return file.error().code() == errc::not_found ? sink_rules::damaged(key) : file.error();
    Sha256 hash;
    Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(sink_rules::piece_bytes, about->size + 1)), '\0'), held;
    std::uint64_t size = 0;
    for (;;) {
      KFM_DET_TRY(const std::size_t got, read_up_to(fs, file.value(), size, piece));
      if (got == 0) break;
      if (!held.empty()) { KFM_DET_TRY(visitor(held)); }
      held.assign(piece, 0, got);
      hash.update(held);
      size += got;
      if (size > about->size) return sink_rules::damaged(key);
    }
    if (hash.finish() != about->bytes_hash) return sink_rules::damaged(key);
    return held.empty() ? result<void>(success()) : visitor(held);
  }
  [[nodiscard]] result<std::optional<Publication>> current(const BusinessKey& key) {
    return look([&](const PublicationTables& tables) { return tables.current(key); });
  }
  [[nodiscard]] result<void> history(const BusinessKey& key, PublicationVisitor visitor) {
    KFM_DET_TRY(const auto all, look([&](const PublicationTables& tables) { return tables.history(key); }));   // a copy, so that the visitor may call back
    for (const Publication& one : all) { KFM_DET_TRY(visitor(one)); }
    return success();
  }
  [[nodiscard]] result<void> keys(KeyVisitor visitor) {
    KFM_DET_TRY(const auto all, look([&](const PublicationTables& tables) {
      std::vector<BusinessKey> out;
      for (const auto& [key, scope] : tables.scopes) out.push_back({key});
      return out;
    }));
    for (const BusinessKey& key : all) { KFM_DET_TRY(visitor(key)); }
    return success();
  }
  [[nodiscard]] result<std::optional<Scope>> scope_of(const BusinessKey& key) {
    return look([&](const PublicationTables& tables) {
      const auto found = tables.scopes.find(key.text);
      return found == tables.scopes.end() ? std::optional<Scope>() : std::optional<Scope>(found->second);
    });
  }
  [[nodiscard]] result<Head> witness(const StreamId& stream) {
    return look([&](const PublicationTables& tables) { return tables.witness(stream); });
  }

 private:
  using Contents = std::map<Digest, NewVersion>;   // bytes that a request brings, by their hash

  struct State {
    State(std::string folder, FileSinkOptions opts, Fs file_system)
        : root(std::move(folder)), commits(root + "/commits"), versions(root + "/versions"), options(opts), fs(std::move(file_system)) {}

    std::mutex mutex;
    std::string root, commits, versions;
    FileSinkOptions options;
    Fs fs;
    std::optional<typename Fs::File> lock;
    PublicationTables tables;
    std::set<Digest> stored;              // hashes that a durable commit names
    std::uint64_t last = 0;               // the number of the last commit
    std::optional<Error> failed;          // why nothing is answered any more

    [[nodiscard]] std::string version_path(const Digest& hash) const { return versions + "/" + hash.hex(); }
    [[nodiscard]] std::string commit_path(std::uint64_t number) const { return commits + "/" + name_number(number) + ".json"; }
    [[nodiscard]] result<void> usable() const {
      if (failed) return *failed;
      return success();
    }
    Error fail(const Error& cause) {
      failed.emplace(errc::log_failed, "it is not known whether the last request is durable: " + cause.what(), cause.where(), "Open the sink again, and ask find(effect) what has happened.");
      return *failed;
    }

    result<void> open() {
      KFM_DET_TRY(make_directories(fs, commits));
      KFM_DET_TRY(make_directories(fs, versions));
      KFM_DET_TRY(take_lock());
      KFM_DET_TRY(remove_leftovers(versions));
      KFM_DET_TRY(remove_leftovers(commits));
      KFM_DET_TRY(const auto names, fs.list(commits));
      KFM_DET_TRY(fs.sync_directory(commits));   // what is believed from here on is on the medium
      for (const std::string& name : names) {
        std::uint64_t number = 0;
        if (name.size() != name_digits + 5 || !name.ends_with(".json") || !parse_name_number(std::string_view(name).substr(0, name_digits), number)) continue;   // not ours
        if (number != last + 1) return Error(errc::hole, "commit " + std::to_string(last + 1) + " is missing", commits, "A file was removed: restore the sink from a copy. Nothing was changed.");
        KFM_DET_TRY(const Bytes text, read_commit(commits + "/" + name));
        KFM_DET_TRY(auto changes, commit_record::read(number, text, commits + "/" + name));
        accept(std::move(changes));
        last = number;
      }
      return success();
    }
    result<void> take_lock() {
      const std::string path = root + "/lock";
      auto file = fs.open(path, OpenMode::read_write);
      if (!file && file.error().code() == errc::not_found) {
        file = fs.create_exclusive(path);
        if (!file && file.error().code() == errc::conflict) file = fs.open(path, OpenMode::read_write);
      }
      if (!file) return file.error();
      KFM_DET_TRY(const bool taken, fs.lock(file.value()));
      if (!taken) return Error(errc::busy, "another process has this sink open", root, "One process at a time; SqliteSink is for several.");
      lock.emplace(std::move(file).value());
      return success();
    }
    /// They mean nothing; that one cannot be removed does no harm.
    result<void> remove_leftovers(const std::string& folder) {
      KFM_DET_TRY(const auto names, fs.list(folder));
      for (const std::string& name : names)
        if (name.starts_with("tmp-")) (void)fs.remove(folder + "/" + name);
      return success();
    }
    result<Bytes> read_commit(const std::string& path) {
      KFM_DET_TRY(auto file, fs.open(path, OpenMode::read));
      KFM_DET_TRY(const std::uint64_t size, fs.size(file));
      if (size > std::max(options.commit_bytes_max, std::uint64_t{64} << 20)) return Error(errc::corrupt_committed, "a commit record of " + std::to_string(size) + " bytes", path, "Look what this file is. Nothing was changed.");
      Bytes out(static_cast<std::size_t>(size), '\0');
      KFM_DET_TRY(const std::size_t got, read_up_to(fs, file, 0, out));
      out.resize(got);
      return out;
    }
    void accept(PublicationTables changes) {
      for (const auto& [key, version] : changes.versions) stored.insert(version.about.bytes_hash);
      tables.add(std::move(changes));
    }

    /// SINK-6. Whether it rose.
    result<bool> raise_floor(const Tenure& tenure, PublicationTables& changes) {
      const auto found = tables.floors.find(tenure.scope);
      KFM_DET_TRY(const bool higher, sink_rules::raises_floor(found == tables.floors.end() ? sink_rules::Floor{} : found->second, tenure));
      if (higher) changes.floors[tenure.scope] = {tenure.token, tenure.owner};
      return higher;
    }
    /// One request: judged as a whole, then its bytes, then its record.
    template <class Work>
    auto change(const Tenure& tenure, const Head& head, Contents& contents, Work&& work) -> decltype(work(std::declval<PublicationLayer&>())) {
      const std::scoped_lock guard(mutex);
      KFM_DET_TRY(usable());
      PublicationLayer layer(tables);
      KFM_DET_TRY(const bool rose, raise_floor(tenure, layer.changes()));
      auto raised = layer.raise_witness(head);
      auto answer = raised ? work(layer) : decltype(work(layer))(raised.error());
      if (!answer) {
        if (rose) {   // SINK-13: the floor is all that is left of it; when it cannot be raised, that is the answer
          PublicationTables floor;
          floor.floors = std::move(layer.changes().floors);
          KFM_DET_TRY(commit(std::move(floor)));
        }
        return answer;
      }
      PublicationTables& changes = layer.changes();
      if (!changes.floors.empty() || !changes.witnesses.empty() || !changes.rows.empty() || !changes.scopes.empty() || !changes.versions.empty()) {
        KFM_DET_TRY(put(contents));
        KFM_DET_TRY(commit(std::move(changes)));
      }
      return answer;
    }

    /// SINK-8, when bytes come in. A staged file that is gone was taken over by an earlier try: then its bytes are here.
    result<std::uint64_t> take(const NewVersion& fresh, bool is_stored, Contents& contents) {
      if (const auto* staged = std::get_if<StagedFile>(&fresh.bytes)) {
        KFM_DET_TRY(const bool there, fs.exists(staged->path));
        KFM_DET_TRY(const bool here, fs.exists(version_path(fresh.bytes_hash)));
        if (!there && here) {
          NewVersion taken = fresh;
          taken.bytes = StagedFile{version_path(fresh.bytes_hash), staged->size};
          return sink_rules::check_content(fs, taken, [](BytesView) -> result<void> { return success(); });
        }
      }
      KFM_DET_TRY(const auto size, sink_rules::check_content(fs, fresh, [](BytesView) -> result<void> { return success(); }));
      if (!is_stored && !stored.contains(fresh.bytes_hash)) contents.emplace(fresh.bytes_hash, fresh);
      return size;
    }
    /// Makes the bytes durable under their hashes.
    result<void> put(const Contents& contents) {
      for (const auto& content : contents) {
        const Digest& hash = content.first;
        const NewVersion& fresh = content.second;
        if (const auto* staged = std::get_if<StagedFile>(&fresh.bytes)) {
          KFM_DET_TRY(auto file, fs.open(staged->path, OpenMode::read));
          KFM_DET_TRY(fs.sync(file));
          if (fs.rename(staged->path, version_path(hash))) continue;
        }
        KFM_DET_TRY(write_new(versions, version_path(hash), [&](typename Fs::File& file) -> result<void> {
          std::uint64_t at = 0;
          KFM_DET_TRY(sink_rules::check_content(fs, fresh, [&](BytesView piece) -> result<void> {
            KFM_DET_TRY(write_all(fs, file, at, piece));
            at += piece.size();
            return success();
          }));
          return success();
        }));
      }
      if (contents.empty()) return success();
      if (auto synced = fs.sync_directory(versions); !synced) return fail(synced.error());
      return success();
    }
    /// A file that is whole and synced before it has its name. Errors: nothing has this name then.
    template <class Fill>
    result<void> write_new(const std::string& folder, const std::string& path, Fill fill) {
      const std::string temporary = folder + "/tmp-" + path.substr(folder.size() + 1);
      const auto fill_and_sync = [&]() -> result<void> {
        auto file = fs.create_exclusive(temporary);
        if (!file && file.error().code() == errc::conflict) {   // of an earlier try that failed
          KFM_DET_TRY(fs.remove(temporary));
          file = fs.create_exclusive(temporary);
        }
        if (!file) return file.error();
        KFM_DET_TRY(fill(file.value()));
        return fs.sync(file.value());
      };
      auto made = fill_and_sync();
      if (made) made = fs.rename(temporary, path);
      if (!made) (void)fs.remove(temporary);
      return made;
    }
    /// The moment at which a request becomes true.
    result<void> commit(PublicationTables changes) {
      KFM_DET_TRY(const std::string text, commit_record::write(last + 1, changes));
      if (text.size() > options.commit_bytes_max) return Error(errc::limit_exceeded, "the record of this request has " + std::to_string(text.size()) + " bytes", commits, "Send fewer outputs in one request, or less metadata.");
      KFM_DET_TRY(write_new(commits, commit_path(last + 1), [&](typename Fs::File& file) { return write_all(fs, file, 0, text); }));
      if (auto synced = fs.sync_directory(commits); !synced) return fail(synced.error());
      ++last;
      accept(std::move(changes));
      return success();
    }
  };

  explicit FileSink(std::unique_ptr<State> state) : state_(std::move(state)) {}
  template <class Work>
  auto look(Work&& work) -> result<decltype(work(std::declval<const PublicationTables&>()))> {
    const std::scoped_lock guard(state_->mutex);
    KFM_DET_TRY(state_->usable());
    return work(state_->tables);
  }

  std::unique_ptr<State> state_;
};
static_assert(SinkPolicy<FileSink<>>);

}  // namespace kfm_det

#endif
