// SPDX-License-Identifier: BSL-1.0
/// \file
/// The parts of check_file_system that need nothing but the contract: names, contents, races, and power loss where the fixture can play one. Each against a
/// model of a few lines.
///
/// Thread-safety: check_races calls from several threads; the rest is one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_FILE_PARTS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_FILE_PARTS_HPP

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/any_file_system.hpp"
#include "kfm_det/conformance/detail/errand.hpp"
#include "kfm_det/conformance/explore.hpp"

namespace kfm_det::conformance::detail {

template <class T>
[[nodiscard]] std::string answer_of(const result<T>& answer) { return answer ? std::string("success") : std::string(kfm_det::name(answer.error().code())); }

/// Bytes of an open file from `offset` to its end, in pieces of `piece` bytes.
[[nodiscard]] inline result<Bytes> rest_of(AnyFileSystem& fs, Erased& file, std::uint64_t offset, std::size_t piece = 4096) {
  Bytes out, buffer(piece, '\0');
  for (int i = 0; i < 10'000; ++i) {
    KFM_DET_TRY(const std::size_t got, fs.read(file, offset + out.size(), std::span<char>(buffer)));
    if (got == 0) return out;
    if (got > buffer.size()) return Error(errc::io_error, "read() answers more bytes than were asked for", "check_file_system");
    out.append(buffer, 0, got);
  }
  return Error(errc::io_error, "the file does not end", "check_file_system");
}
[[nodiscard]] inline result<Bytes> content_of(AnyFileSystem& fs, const std::string& path) {
  KFM_DET_TRY(auto file, fs.open(path, OpenMode::read));
  return rest_of(fs, *file, 0);
}
/// Writes all, whatever a call takes.
[[nodiscard]] inline result<void> put_bytes(AnyFileSystem& fs, Erased& file, std::uint64_t offset, BytesView bytes) {
  while (!bytes.empty()) {
    KFM_DET_TRY(const std::size_t taken, fs.write(file, offset, bytes));
    if (taken == 0 || taken > bytes.size()) return Error(errc::io_error, "write() answers that it took " + std::to_string(taken) + " of " + std::to_string(bytes.size()) + " bytes", "check_file_system");
    offset += taken;
    bytes.remove_prefix(taken);
  }
  return success();
}
[[nodiscard]] inline result<FilePtr> make_file(AnyFileSystem& fs, const std::string& path, BytesView bytes) {
  KFM_DET_TRY(auto file, fs.create_exclusive(path));
  KFM_DET_TRY(put_bytes(fs, *file, 0, bytes));
  return file;
}
/// A call that must succeed, or the law is broken.
template <class T>
T must(Play& play, std::string_view law, result<T> answer, const std::string& what) {
  if (!answer) play.broke(law, what + " answers an error where nothing is wrong: " + answer.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(answer).value();
}

// --- names ----------------------------------------------------------------------------------------------------------------------------------------------

inline constexpr std::array<const char*, 3> file_names{"a", "b", "d/a"};

/// What names must mean: bytes, or no bytes for a folder.
using Tree = std::map<std::string, std::shared_ptr<Bytes>>;

/// FS-8, FS-9, FS-12: every name means what it should, and the lists say the same.
inline void same_tree(Play& play, AnyFileSystem& fs, const std::string& folder, const Tree& tree, std::string_view law = "FS-9") {
  for (const char* name : {"a", "b", "d", "d/a"}) {
    const std::string path = folder + "/" + name;
    const auto found = tree.find(name);
    const bool there = must(play, "FS-9", fs.exists(path), std::string("exists(") + name + ")");
    play.expect(law, there == (found != tree.end()), [&] { return std::string(name) + (there ? " is there, and should not be" : " is not there, and should be"); });
    auto content = content_of(fs, path);
    if (found == tree.end()) play.expect("FS-9", !content && content.error().code() == errc::not_found, [&] { return std::string("open() of ") + name + ", which is not there, answers " + answer_of(content) + " and not not_found"; });
    else if (!found->second) play.expect("FS-9", !content, [&] { return std::string("open() of the folder ") + name + " gives a file"; });
    else play.expect(law, content && content.value() == *found->second, [&] { return std::string(name) + " should hold \"" + *found->second + "\", and holds " + (content ? "\"" + content.value() + "\"" : answer_of(content)); });
  }
  for (const bool inner : {false, true}) {
    std::vector<std::string> wanted;
    for (const auto& [name, bytes] : tree)
      if (name.starts_with("d/") == inner) wanted.push_back(inner ? name.substr(2) : name);
    auto names = fs.list(inner ? folder + "/d" : folder);
    if (inner && !tree.contains("d")) { play.expect("FS-9", !names && names.error().code() == errc::not_found, [&] { return "list() of a folder that is not there answers " + answer_of(names) + " and not not_found"; }); continue; }
    play.expect("FS-8", names && names.value() == wanted, [&] { return std::string("list() does not give the names that are there, in byte order: ") + (names ? std::to_string(names.value().size()) + " names" : names.error().message()); });
  }
}

inline void check_names(Explorer& explorer, const Options& options, FileSystemBench& bench) {
  const auto trial = [&](std::uint32_t ops_max) {
    return [&bench, ops_max](Play& play) {
      bench.wipe();
      const auto fs = bench.open();
      const std::string folder = bench.folder();
      Tree tree;
      struct Held { FilePtr file; std::shared_ptr<Bytes> bytes; std::unique_ptr<AnyMapping> mapping; };
      std::vector<Held> held;
      const auto answers = [&](std::string_view verb, const auto& answer, std::optional<errc> wanted) {
        play.note("answers " + answer_of(answer));
        const bool as_it_should = wanted ? !answer && answer.error().code() == *wanted : static_cast<bool>(answer);
        play.expect("FS-9", as_it_should, [&] { return std::string(verb) + " answers " + answer_of(answer) + (wanted ? " and not " + std::string(kfm_det::name(*wanted)) : std::string(" where nothing is wrong")); });
        return static_cast<bool>(answer);
      };
      const auto no_folder = [&](const std::string& name) { return name.starts_with("d/") && !tree.contains("d"); };
      for (std::uint32_t step = 0; step < ops_max && play.pick(2) == 1; ++step) {
        const std::uint32_t op = play.pick(26);
        if (op < 3) {
          const std::string name = file_names[op], text = "file " + std::to_string(step);
          play.tell("create_exclusive(" + name + "), write \"" + text + "\"");
          auto made = fs->create_exclusive(folder + "/" + name);
          if (answers("create_exclusive()", made, tree.contains(name) ? std::optional(errc::conflict) : no_folder(name) ? std::optional(errc::not_found) : std::nullopt)) {
            must(play, "FS-1", put_bytes(*fs, *made.value(), 0, text), "write()");
            auto mapping = must(play, "FS-12", fs->map(*made.value()), "map()");
            tree[name] = std::make_shared<Bytes>(text);
            held.push_back({std::move(made).value(), tree[name], std::move(mapping)});
          }
        } else if (op < 6) {
          const std::string name = file_names[op - 3];
          play.tell("remove(" + name + ")");
          if (answers("remove()", fs->remove(folder + "/" + name), tree.contains(name) ? std::nullopt : std::optional(errc::not_found))) tree.erase(name);
        } else if (op < 24) {
          const bool replaces = op < 15;
          const std::uint32_t pair = (op - 6) % 9;
          const std::string from = file_names[pair / 3], to = file_names[pair % 3], verb = replaces ? "rename" : "rename_no_replace";
          if (!replaces && from == to) continue;   // no two callers
          play.tell(verb + "(" + from + " -> " + to + ")");
          auto answer = replaces ? fs->rename(folder + "/" + from, folder + "/" + to) : fs->rename_no_replace(folder + "/" + from, folder + "/" + to);
          if (answers(verb + "()", answer, !tree.contains(from) || no_folder(to) ? std::optional(errc::not_found) : !replaces && tree.contains(to) ? std::optional(errc::conflict) : std::nullopt) && from != to) {
            tree[to] = tree[from];
            tree.erase(from);
          }
        } else {
          const std::string name = op == 24 ? "d" : "a";
          if (op == 25 && !tree.contains("a")) continue;
          play.tell("make_directory(" + name + ")");
          if (answers("make_directory()", fs->make_directory(folder + "/" + name), op == 25 ? std::optional(errc::conflict) : std::nullopt)) tree["d"] = nullptr;
        }
        same_tree(play, *fs, folder, tree);
      }
      for (Held& one : held) {   // whatever became of its name
        auto content = rest_of(*fs, *one.file, 0);
        play.expect("FS-12", content && content.value() == *one.bytes, [&] { return "a File that is open should hold \"" + *one.bytes + "\", and reads as " + (content ? "\"" + content.value() + "\"" : answer_of(content)); });
        play.expect("FS-12", one.mapping->bytes() == *one.bytes, "a mapping does not show its own file any more");
        must(play, "FS-12", put_bytes(*fs, *one.file, one.bytes->size(), "+"), "write() to a File whose name has changed");
        *one.bytes += '+';
      }
      same_tree(play, *fs, folder, tree, "FS-12");
    };
  };
  explorer.run("names", {std::min<std::uint64_t>(20'000, std::uint64_t{80} * options.cases), 0, "up to 3 of create, remove, both renames and make_directory, of 3 names and a folder, and every open File behind them"}, trial(3));
  explorer.run("longer names", {0, options.cases, "up to 12 operations"}, trial(12));
  explorer.run("lists", {1, 0, "names of every byte, hidden ones, and 300 of them"}, [&](Play& play) {
    bench.wipe();
    const auto fs = bench.open();
    std::vector<std::string> names;
    for (const char* name : {"b", "a", "B", "-", ".hidden", "a b", "ab", "\xC3\xA4", "\xFE", "~", "\x01", "z.tmp"}) names.emplace_back(name);
    for (int i = 0; i < 300; ++i) names.push_back("n" + std::to_string(i * 7919 % 300));
    play.tell("create " + std::to_string(names.size()) + " files; list()");
    for (const std::string& name : names) (void)must(play, "FS-9", make_file(*fs, bench.folder() + "/" + name, ""), "create_exclusive()");
    std::sort(names.begin(), names.end());
    const auto found = must(play, "FS-8", fs->list(bench.folder()), "list()");
    play.expect("FS-8", found == names, [&] {
      const auto at = std::mismatch(names.begin(), names.end(), found.begin(), found.end());
      return "list() gives " + std::to_string(found.size()) + " names where " + std::to_string(names.size()) + " are there; the first that is not in its place: " + (at.second == found.end() ? "none" : *at.second);
    });
  });
}

// --- contents -------------------------------------------------------------------------------------------------------------------------------------------

inline void check_contents(Explorer& explorer, const Options& options, FileSystemBench& bench) {
  const auto trial = [&](std::uint32_t ops_max) {
    return [&bench, ops_max](Play& play) {
      constexpr std::array<std::uint64_t, 4> offsets{0, 1, 511, 4096}, sizes{0, 1, 512, 5000};
      constexpr std::array<std::size_t, 3> lengths{3, 1, 600};
      bench.wipe();
      const auto fs = bench.open();
      const std::string path = bench.folder() + "/a";
      FilePtr file = must(play, "FS-9", fs->create_exclusive(path), "create_exclusive()");
      Bytes model;
      for (std::uint32_t step = 0; step < ops_max && play.pick(2) == 1; ++step) {
        const std::uint32_t op = play.pick(21);
        if (op < 12) {
          const std::uint64_t at = offsets[op / 3];
          const Bytes bytes(lengths[op % 3], static_cast<char>('A' + step));
          play.tell("write " + std::to_string(bytes.size()) + " bytes at " + std::to_string(at));
          for (std::size_t done = 0; done < bytes.size();) {
            const std::size_t taken = must(play, "FS-1", fs->write(*file, at + done, BytesView(bytes).substr(done)), "write()");
            play.expect("FS-1", taken > 0 && taken <= bytes.size() - done, [&] { return "write() of " + std::to_string(bytes.size() - done) + " bytes answers " + std::to_string(taken); });
            if (model.size() < at + done + taken) model.resize(at + done + taken, '\0');
            model.replace(at + done, taken, bytes, done, taken);
            done += taken;
          }
        } else if (op < 16) {
          play.tell("truncate to " + std::to_string(sizes[op - 12]));
          must(play, "FS-10", fs->truncate(*file, sizes[op - 12]), "truncate()");
          model.resize(sizes[op - 12], '\0');
        } else if (op < 19) {
          const std::uint64_t bytes = sizes[op - 15];
          play.tell("allocate " + std::to_string(bytes));
          must(play, "FS-10", fs->allocate(*file, bytes), "allocate()");
          if (model.size() < bytes) model.resize(bytes, '\0');
        } else if (op == 19) {
          play.tell("open it again");
          file = must(play, "FS-9", fs->open(path, OpenMode::read_write), "open()");
        } else {
          play.tell("sync");
          must(play, "FS-2", fs->sync(*file), "sync()");
        }
        const std::uint64_t size = must(play, "FS-10", fs->size(*file), "size()");
        play.expect("FS-10", size == model.size(), [&] { return "size() answers " + std::to_string(size) + ", and the file has " + std::to_string(model.size()) + " bytes"; });
        const auto reader = must(play, "FS-9", fs->open(path, OpenMode::read), "open()");
        for (const std::uint64_t from : {std::uint64_t{0}, static_cast<std::uint64_t>(model.size() / 2), static_cast<std::uint64_t>(model.size()), static_cast<std::uint64_t>(model.size()) + 700}) {
          const Bytes got = must(play, "FS-10", rest_of(*fs, from == 0 ? *reader : *file, from, from == 0 ? 4096 : 900), "read()");
          const Bytes wanted = from < model.size() ? model.substr(from) : Bytes();
          play.expect("FS-10", got == wanted, [&] {
            const auto at = std::mismatch(wanted.begin(), wanted.end(), got.begin(), got.end());
            return "read from byte " + std::to_string(from) + " on the file has " + std::to_string(got.size()) + " bytes, and should have " + std::to_string(wanted.size()) + "; the first difference is " + std::to_string(at.first - wanted.begin()) + " bytes in";
          });
        }
        const auto mapping = must(play, "FS-10", fs->map(*file), "map()");
        play.expect("FS-10", mapping->bytes() == model, "a mapping shows other bytes than read()");
      }
      const std::uint64_t unit = must(play, "FS-9", fs->block_size(bench.folder()), "block_size()");
      play.expect("FS-9", unit != 0, "block_size() answers 0");
    };
  };
  explorer.run("contents", {std::min<std::uint64_t>(20'000, std::uint64_t{40} * options.cases), 0, "up to 3 of write at 4 offsets, truncate, allocate, open again and sync"}, trial(3));
  explorer.run("longer contents", {0, options.cases, "up to 12 operations"}, trial(12));
}

// --- races ----------------------------------------------------------------------------------------------------------------------------------------------

inline void check_races(Explorer& explorer, const Options& options, FileSystemBench& bench) {
  explorer.run("races", {0, std::max<std::uint32_t>(options.cases / 25, 8), "four threads that want one name, by create_exclusive or rename_no_replace"}, [&](Play& play) {
    constexpr std::uint32_t callers = 4;
    const bool creates = play.pick(2) == 0;
    bench.wipe();
    const auto fs = bench.open();
    const std::string folder = bench.folder();
    play.tell(std::string("four threads call ") + (creates ? "create_exclusive()" : "rename_no_replace()") + " for one name");
    if (!creates)
      for (std::uint32_t i = 0; i < callers; ++i) (void)must(play, "FS-9", make_file(*fs, folder + "/from" + std::to_string(i), std::to_string(i)), "create_exclusive()");
    std::array<std::optional<errc>, callers> answers;
    std::vector<JoinedThread> all;
    for (std::uint32_t i = 0; i < callers; ++i)
      all.emplace_back([&, i] {
        if (creates) { auto answer = fs->create_exclusive(folder + "/one"); if (!answer) answers[i] = answer.error().code(); }
        else if (auto answer = fs->rename_no_replace(folder + "/from" + std::to_string(i), folder + "/one"); !answer) answers[i] = answer.error().code();
      });
    for (JoinedThread& one : all) one.join();
    std::uint32_t winners = 0;
    for (std::uint32_t i = 0; i < callers; ++i) {
      winners += answers[i] ? 0U : 1U;
      play.expect("FS-5", !answers[i] || *answers[i] == errc::conflict, [&] { return "one that came late is answered " + std::string(kfm_det::name(*answers[i])) + " and not conflict"; });
      if (creates) continue;
      auto content = content_of(*fs, folder + (answers[i] ? "/from" + std::to_string(i) : std::string("/one")));
      play.expect("FS-5", content && content.value() == std::to_string(i), "a file that was refused the name is gone, or one that got it was replaced");
    }
    play.expect("FS-5", winners == 1, [&] { return std::to_string(winners) + " of four callers were told that the name is theirs"; });
  });
}

// --- power ----------------------------------------------------------------------------------------------------------------------------------------------

/// FS-2, FS-4. What no sync has covered may be there or not.
inline void check_power(Explorer& explorer, const Options& options, FileSystemBench& bench) {
  struct Node { Bytes cached, synced; bool dirty = false, twofold = false; };   // twofold: a rename was half done, and two names may mean it
  using NodePtr = std::shared_ptr<Node>;
  struct Name { NodePtr durable; std::vector<NodePtr> since; };
  const auto trial = [&](std::uint32_t ops_max) {
    return [&bench, ops_max](Play& play) {
      bench.wipe();
      auto fs = bench.open();
      const std::string folder = bench.folder();
      std::map<std::string, Name> names{{"a", {}}, {"b", {}}};
      std::map<std::string, std::pair<FilePtr, NodePtr>> open;
      const auto now = [](const Name& name) { return name.since.empty() ? name.durable : name.since.back(); };
      const auto lose_power = [&] {
        play.tell("the power goes");
        open.clear();
        fs.reset();
        bench.crash();
        fs = bench.open();
        for (auto& [which, one] : names) {
          auto found = content_of(*fs, folder + "/" + which);
          std::vector<NodePtr> may_be{one.durable};
          may_be.insert(may_be.end(), one.since.begin(), one.since.end());
          const bool may_be_gone = std::any_of(may_be.begin(), may_be.end(), [](const NodePtr& one_of) { return !one_of; });
          const bool may_be_there = std::any_of(may_be.begin(), may_be.end(), [](const NodePtr& one_of) { return one_of != nullptr; });
          if (!found) {
            play.expect("FS-4", found.error().code() == errc::not_found && may_be_gone, [&, &lost = which] { return lost + " was there when its folder was synced, and is gone: " + answer_of(found); });
            one = {};
            continue;
          }
          play.expect("FS-4", may_be_there, [&, &back = which] { return back + " was not there when its folder was synced, and is there again"; });
          const bool fits = std::any_of(may_be.begin(), may_be.end(), [&](const NodePtr& one_of) { return one_of && (one_of->dirty || one_of->twofold || one_of->synced == found.value()); });
          play.expect("FS-2", fits, [&, &lost = which] { return lost + " was synced, and has not the bytes that it had then: it holds " + std::to_string(found.value().size()) + " bytes"; });
          const auto left = std::make_shared<Node>(Node{found.value(), found.value(), false, !one.since.empty()});
          one = {left, {}};
          if (auto file = fs->open(folder + "/" + which, OpenMode::read_write)) open[which] = {std::move(file).value(), left};
        }
      };
      for (std::uint32_t crashes = 0, step = 0; step < ops_max && crashes < 2 && play.pick(2) == 1; ++step) {
        const std::uint32_t op = play.pick(12);
        const std::string name = op % 2 == 0 ? "a" : "b", other = op % 2 == 0 ? "b" : "a";
        const NodePtr node = now(names[name]);
        if (op < 2) {
          if (node) continue;
          play.tell("create " + name);
          auto file = must(play, "FS-9", fs->create_exclusive(folder + "/" + name), "create_exclusive()");
          const auto fresh = std::make_shared<Node>();
          open[name] = {std::move(file), fresh};
          names[name].since.push_back(fresh);
        } else if (op == 10) {
          play.tell("sync the folder");
          must(play, "FS-4", fs->sync_directory(folder), "sync_directory()");
          for (auto& [which, one] : names) { one.durable = now(one); one.since.clear(); }
        } else if (op == 11) {
          if (++crashes < 2) lose_power();
        } else if (!node || !open.contains(name) || open[name].second != node) {
          continue;
        } else if (op < 4) {
          play.tell("write to " + name);
          const Bytes bytes(700, static_cast<char>('A' + step));
          must(play, "FS-1", put_bytes(*fs, *open[name].first, node->cached.size(), bytes), "write()");
          node->cached += bytes;
          node->dirty = true;
        } else if (op < 6) {
          play.tell("sync " + name);
          must(play, "FS-2", fs->sync(*open[name].first), "sync()");
          node->synced = node->cached;
          node->dirty = false;
        } else if (op < 8) {
          play.tell("rename " + name + " to " + other);
          must(play, "FS-9", fs->rename(folder + "/" + name, folder + "/" + other), "rename()");
          names[other].since.push_back(node);
          names[name].since.push_back(nullptr);
          open[other] = std::move(open[name]);
          open.erase(name);
        } else {
          play.tell("remove " + name);
          must(play, "FS-9", fs->remove(folder + "/" + name), "remove()");
          names[name].since.push_back(nullptr);
        }
      }
      lose_power();
    };
  };
  explorer.run("power", {std::min<std::uint64_t>(60'000, std::uint64_t{100} * options.cases), 0, "up to 4 of create, write, sync, rename, remove, sync_directory and power loss, of two names; then the power goes"}, trial(4));
  explorer.run("longer power", {0, std::uint64_t{4} * options.cases, "up to 14 operations, two power losses"}, trial(14));
}

}  // namespace kfm_det::conformance::detail

#endif
