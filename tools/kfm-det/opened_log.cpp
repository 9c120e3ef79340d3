// SPDX-License-Identifier: BSL-1.0
#include "opened_log.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <utility>

#include <sys/stat.h>
#include <time.h>

#include <kfm_det/adapters/zstd.hpp>
#include <kfm_det/files/posix_error.hpp>

#include "exit_codes.hpp"

namespace kfm_det::tool {

namespace {

/// A copy of an archive, in a folder of the stream's name, is one too. Errors: as listing a folder.
[[nodiscard]] result<bool> is_log(const LookingFileSystem& fs, const std::string& folder) {
  KFM_DET_TRY(const segment::Listing names, segment::list(fs, folder));
  if (!names.segments.empty() || !names.claims.empty()) return true;
  KFM_DET_TRY(const auto archived, segment::list_archive(fs, folder));
  return !archived.empty();
}

[[nodiscard]] std::string joined(const std::string& folder, const std::string& name) { return (folder.ends_with('/') ? folder : folder + "/") + name; }

[[nodiscard]] bool is_directory(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

[[nodiscard]] std::vector<SegmentFile> segments_of(const LookingFileSystem& fs, const std::string& folder) {
  std::vector<SegmentFile> out;
  const auto names = segment::list(fs, folder);
  if (!names) return out;
  for (const auto& name : names.value().segments) {
    SegmentFile one{name, segment::path(folder, name), 0};
    one.bytes = bytes_of_file(one.path);
    out.push_back(std::move(one));
  }
  return out;
}

void pause_briefly() {
  const timespec moment{0, 20'000'000};
  ::nanosleep(&moment, nullptr);
}

/// The folders in a root that are logs. Errors: as listing a folder; where none of them can be seen to be one, why.
[[nodiscard]] result<std::vector<std::string>> logs_in(const LookingFileSystem& fs, const std::string& root) {
  std::vector<std::string> out;
  std::optional<Error> hidden;
  KFM_DET_TRY(const auto entries, fs.list(root));
  for (const std::string& entry : entries) {
    if (!is_directory(joined(root, entry))) continue;
    const auto found = is_log(fs, joined(root, entry));
    if (found && found.value()) out.push_back(entry);
    else if (!found && found.error().code() != errc::not_found && !hidden) hidden = found.error();   // it may be the one that is asked for
  }
  if (out.empty() && hidden) return *hidden;
  return out;
}

}  // namespace

result<std::string> absolute_folder(const std::string& given) {
  if (given.empty()) return Error(errc::invalid_argument, "the name of a log is empty", "", "Name the folder of a log, such as state/wal");
  struct FreeText { void operator()(char* text) const { std::free(text); } };
  const std::unique_ptr<char, FreeText> path(::realpath(given.c_str(), nullptr));
  if (!path) {
    if (errno == ENOENT) return Error(errc::not_found, "there is no such folder", given, "Name the folder of a log, such as state/wal");
    return posix_error(errno, "looking at the folder", given);
  }
  struct stat status = {};
  if (::stat(path.get(), &status) != 0) return posix_error(errno, "looking at the folder", given);
  if (!S_ISDIR(status.st_mode)) return Error(errc::invalid_argument, "a log is a folder, and this is a file", given, "Name the folder that holds the segments, or the one above it");
  return std::string(path.get());
}

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }   // behind npos is the beginning

std::string LogPlace::shown(std::string text) const {
  std::string name = without_slashes(given);
  if (!name.ends_with(stream.text)) name += (name == "/" ? "" : "/") + stream.text;
  for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder, at + name.size())) text.replace(at, folder.size(), name);
  return text;
}

result<LogPlace> find_log(const std::string& given) {
  const LookingFileSystem fs;
  KFM_DET_TRY(const std::string folder, absolute_folder(given));
  KFM_DET_TRY(const bool is_one, is_log(fs, folder));
  if (is_one) return LogPlace{given, folder, segment::parent_of(folder), {name_of(folder)}};
  KFM_DET_TRY(const auto logs, logs_in(fs, folder));
  if (logs.size() == 1) return LogPlace{given, joined(folder, logs.front()), folder, {logs.front()}};
  if (logs.empty()) return Error(errc::invalid_argument, "this is no log: neither it nor a folder in it holds a segment (<ordinal>-<LSN>.jsonl)", given, "Name the folder of a log, such as state/wal");
  std::string list;
  for (const auto& name : logs) list += (list.empty() ? "" : ", ") + name;
  return Error(errc::invalid_argument, count_of(logs.size(), "log") + " are in this folder: " + list, given, "Name one of them, as " + joined(given, logs.front()));
}

std::optional<LogPlace> find_lost_log(const std::string& given, std::span<const StreamId> seen) {
  const LookingFileSystem fs;
  std::string folder = without_slashes(given);
  if (const auto there = absolute_folder(given); there) {
    const auto is_one = is_log(fs, there.value());
    const auto logs = logs_in(fs, there.value());
    if (!is_one || is_one.value() || !logs || !logs.value().empty()) return std::nullopt;
    folder = there.value();
  } else if (there.error().code() != errc::not_found) {
    return std::nullopt;
  }
  const StreamId named{name_of(folder)};
  if (std::find(seen.begin(), seen.end(), named) != seen.end()) return LogPlace{given, folder, segment::parent_of(folder), named};
  if (seen.empty() || named.text.find('@') != std::string::npos || std::any_of(seen.begin(), seen.end(), [&](const StreamId& one) { return one != seen.front(); })) return std::nullopt;
  return LogPlace{given, joined(folder, seen.front().text), folder, seen.front()};
}

const ArchiveCodec* archive_codec() {
  static const ZstdCodec codec;
  return &codec;
}

result<FileStore<LookingFileSystem>> looking_store(const LogPlace& place, const LookingFileSystem& fs) {
  FileStoreOptions options;
  options.codec = archive_codec();
  return FileStore<LookingFileSystem>::open(place.root, options, fs);
}

std::uint64_t bytes_of_file(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

std::vector<SegmentFile> segments_of(const LogPlace& place) { return segments_of(LookingFileSystem(), place.folder); }

std::optional<std::string> last_signed_line(const LogPlace& place, Lsn first) {
  const LookingFileSystem fs;
  const auto names = segment::list(fs, place.folder);
  auto places = names ? segment::places_of(fs, place.folder, names.value()) : result<std::vector<segment::Place>>(names.error());
  if (!places) return std::nullopt;
  std::reverse(places.value().begin(), places.value().end());
  for (segment::Place& part : places.value()) {
    if (part.name.first < first) continue;   // folded, and never read again
    auto file = segment::open_place(fs, place.folder, part);
    const auto bytes = file ? segment::read_place(fs, *file.value(), part, archive_codec()) : result<Bytes>(file.error());
    if (!bytes) continue;
    const BytesView view = bytes.value();
    for (std::size_t end = view.find_last_not_of('\n'); end != BytesView::npos;) {
      const std::size_t begin = view.rfind('\n', end) + 1;   // behind npos is the beginning
      const BytesView text = view.substr(begin, end + 1 - begin);
      end = begin == 0 ? BytesView::npos : view.find_last_not_of('\n', begin - 1);
      if (!text.ends_with("}}")) continue;   // no signature ends otherwise, and few other lines do: the rest need not be hashed
      const wal::Line line = wal::read_line(text);
      if (line.kind == wal::LineKind::frame && line.stream == place.stream.text && line.signature) return std::string(text);
    }
  }
  return std::nullopt;
}

result<void> refuse_strangers_files(const LogPlace& place, const std::vector<SegmentFile>& segments) {
  const LookingFileSystem fs;
  std::uint64_t total = 0;
  for (const auto& one : segments) {
    KFM_DET_TRY(const auto bytes, segment::read_whole(fs, one.path));
    if (wal::read_line(BytesView(bytes).substr(0, bytes.find('\n'))).kind == wal::LineKind::mark) return success();   // every segment is born with one
    total += one.bytes;
  }
  if (segments.empty()) return success();
  return Error(errc::corrupt_committed, total == 0 ? "the log's files have 0 bytes" : "nothing in these " + bytes_of(total) + " is a line of a log", place.given, "Look where these files come from; restore the folder from a copy");
}

Error of_another_stream(const Error& error) {
  return Error(error.code(), error.what(), error.where(), "The folder of a log bears its stream's name, and a copy must keep it: look for the folder's old name, or for files that were put into the wrong folder");
}

result<OpenedLog> OpenedLog::open(Screen& screen, const std::string& given, std::span<const Head> witnesses) {
  KFM_DET_TRY(LogPlace place, find_log(given));
  std::uint64_t read = 0, total = 0;
  const auto progress = std::make_shared<std::pair<std::uint64_t, std::uint64_t>>();
  const LookingFileSystem fs([&screen, progress](std::uint64_t bytes) { screen.progress("reading the log", progress->first += bytes, progress->second); });
  auto segments = segments_of(fs, place.folder);
  for (const auto& one : segments) total += one.bytes;
  progress->first = read;
  progress->second = 2 * total;   // once for the verdict, once for the records

  KFM_DET_TRY(auto store, looking_store(place, fs));
  KFM_DET_TRY(auto stream, store.open_stream(place.stream));
  KFM_DET_TRY(Recovery recovery, stream.inspect(witnesses));
  for (int again = 0; again < 3 && recovery.verdict != Verdict::clean && recovery.verdict != Verdict::io_error; ++again) {   // a writer may be half way through a line
    pause_briefly();
    progress->first = 0;
    KFM_DET_TRY(recovery, stream.inspect(witnesses));
  }
  if (is_usable(recovery.verdict) && recovery.tail.lsn == 0) { KFM_DET_TRY(refuse_strangers_files(place, segments)); }
  KFM_DET_TRY(auto archived, segment::list_archive(fs, place.folder));
  return OpenedLog(std::move(place), std::move(stream), std::move(recovery), std::move(segments), std::move(archived));
}

std::uint64_t OpenedLog::bytes() const {
  std::uint64_t out = 0;
  for (const auto& one : segments_) out += one.bytes;
  return out;
}

std::string OpenedLog::where_older_are() const {
  return "the checkpoint at LSN " + std::to_string(first()) + (archived_.empty() ? "" : ", and as they were sealed in " + place_.shown(segment::archive_path(place_.folder)) + " (" + count_of(archived_.size(), "segment") + ")");
}

Error OpenedLog::was_folded(const std::string& what, const RunId& run) const {
  const std::string stream = place_.stream.text, archive = place_.shown(segment::archive_path(place_.folder));
  return Error(errc::not_found, what + " was folded into the checkpoint at LSN " + std::to_string(first()), run.text(),
               archived_.empty() ? "Look for a copy of the log from before it was compacted" : "Its records are in the archive: mkdir -p old/" + stream + " && cp -r " + archive + " old/" + stream + "/, then ask `old`");
}

void OpenedLog::print_verdict(Screen& screen) const {
  const bool good = is_usable(recovery_.verdict);
  screen.field("log", {place_.stream.text + ", in " + place_.given, Tone::strong});
  std::string text{name(recovery_.verdict)};
  if (recovery_.tail.lsn == 0) text += good ? ": no record yet" : "";
  else if (good) {
    const std::uint64_t proven = recovery_.proven < first() ? 0 : recovery_.proven - first() + 1;
    text += ": " + count_of(records(), "record") + (is_compacted() ? " (LSN " + std::to_string(first()) + " to " + std::to_string(recovery_.tail.lsn) + ")" : "") + ", ";
    if (proven == records()) text += "all of them proven durable";
    else text += (proven == 0 ? std::string("none") : std::to_string(proven)) + " of them proven durable; the last " + std::to_string(records() - proven) + " rest on one copy until the next sync";
  } else text += "; " + count_of(records(), "record") + " can be read in front of it";
  if (recovery_.verdict == Verdict::torn_tail) text += "; behind them something unproven was cut, and is kept";
  screen.field("verdict", {text, recovery_.verdict == Verdict::clean ? Tone::good : good ? Tone::warning : Tone::bad});
  if (is_compacted()) screen.field("compacted", "LSN 1 to " + std::to_string(first() - 1) + " are in " + where_older_are());
  else if (!archived_.empty()) screen.field("archive", count_of(archived_.size(), "segment") + " of the log in " + place_.shown(segment::archive_path(place_.folder)));
  for (const auto& item : recovery_.evidence) {
    screen.field("evidence", place_.shown(item.where) + (item.length != 0 ? ", bytes " + std::to_string(item.offset) + " to " + std::to_string(item.offset + item.length) : "") + ": " + item.sentence);
  }
}

Json OpenedLog::to_json() const {
  Json evidence = Json::array();
  for (const auto& item : recovery_.evidence)
    evidence.push(Json::object({{"length", Json(item.length)}, {"offset", Json(item.offset)}, {"sentence", Json(printable(item.sentence))}, {"where", Json(printable(item.where))}}));
  return Json::object({{"archived_segments", Json(static_cast<std::uint64_t>(archived_.size()))}, {"evidence", std::move(evidence)}, {"first_lsn", Json(first())}, {"last_lsn", Json(recovery_.tail.lsn)}, {"incarnation", Json(recovery_.incarnation)}, {"proven", Json(recovery_.proven)}, {"records", Json(records())},
                       {"stream", Json(printable(place_.stream.text))}, {"verdict", Json(name(recovery_.verdict))}});
}

int OpenedLog::outcome(Screen& screen) const {
  if (is_usable(recovery_.verdict)) return exit_code::done;
  Error error = wal::verdict_error(recovery_, place_.stream);
  if (recovery_.verdict == Verdict::foreign) error = of_another_stream(error);
  screen.error(place_.shown(error.message()));
  if (can_accept(recovery_.verdict))
    screen.say({"kfm-det wal evidence: what this rests on; kfm-det wal repair: what accepting the loss would mean.", Tone::dim});
  return exit_code_of(error.code());
}

}  // namespace kfm_det::tool
