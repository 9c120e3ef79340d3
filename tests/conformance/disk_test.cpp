// SPDX-License-Identifier: BSL-1.0
// The fault model of the simulated disk, row by row: over all fates, what a power loss can leave, and nothing else.
#include <catch2/catch.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>

#include "kfm_det/conformance/choices.hpp"
#include "kfm_det/conformance/detail/store_on_disk.hpp"
#include "kfm_det/simulate/disk.hpp"

using namespace kfm_det;
using namespace kfm_det::conformance;
using simulate::Disk;
using simulate::Fault;
using simulate::Profile;
using simulate::Verb;

namespace {

constexpr std::size_t sector = simulate::sector_bytes;
using Outcomes = std::set<std::string>;

/// A sector in one letter: all of one kind, `h` for half new and half old, `0` zeros, `g` for what nobody wrote.
char letter_of(BytesView text) {
  const auto all = [&](char c) { return text.find_first_not_of(c) == BytesView::npos; };
  for (const char c : {'o', 'n', 'm', 's'})
    if (all(c)) return c;
  if (all('\0')) return '0';
  const std::size_t half = text.find('o');
  return half == text.size() / 2 && text.substr(0, half).find_first_not_of('n') == BytesView::npos && text.substr(half).find_first_not_of('o') == BytesView::npos ? 'h' : 'g';
}
std::string letters_of(BytesView bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += sector) out += letter_of(bytes.substr(at, sector));
  return out;
}
using Files = std::map<std::string, Bytes>;
/// What `told` says of the files when the power is back, over all fates.
template <class Told>
Outcomes over_all_fates(const Disk& disk, Profile profile, const Told& told) {
  Outcomes out;
  for (std::optional<ChoiceVector> given = ChoiceVector{}; given;) {
    Choices choices(*given);
    conformance::detail::ChoiceFates fates(choices);
    out.insert(told(disk.after_power_loss(profile, fates).files()));
    given = choices.next();
  }
  return out;
}
/// What a path can hold; "-": there is no such file.
Outcomes left_at(const Disk& disk, const std::string& path, Profile profile = Profile::standard) {
  return over_all_fates(disk, profile, [&](const Files& files) {
    const auto found = files.find(path);
    return found == files.end() ? std::string("-") : letters_of(found->second);
  });
}
Outcomes pairs_of(const std::string& letters) {
  Outcomes out;
  for (const char a : letters)
    for (const char b : letters) out.insert({a, b});
  return out;
}

/// A file of two durable sectors of `o`, open to be written.
struct OldFile {
  Disk disk;
  Disk::File file;
  explicit OldFile(std::size_t sectors = 2, simulate::DiskOptions options = {}) : disk(options) {
    disk.plant("/f", std::string(sectors * sector, 'o'));
    file = disk.open("/f", OpenMode::read_write).value();
  }
  void write(std::size_t at, std::size_t sectors, char c) { REQUIRE(disk.write(file, at * sector, std::string(sectors * sector, c)).value() == sectors * sector); }
};
}  // namespace

TEST_CASE("each sector that was written since the last sync is new, old, half of each, zero or garbage, on its own") {
  OldFile old;
  old.write(0, 2, 'n');
  CHECK(left_at(old.disk, "/f") == pairs_of("noh0g"));
  CHECK(left_at(old.disk, "/f", Profile::kill) == Outcomes{"nn"});
  const Outcomes ordered = left_at(old.disk, "/f", Profile::ordered);   // a prefix of what was done
  CHECK(ordered.contains("oo"));
  CHECK(ordered.contains("nn"));
  for (const char* never : {"on", "oh", "0o", "gg"}) CHECK_FALSE(ordered.contains(never));
}

TEST_CASE("what a sync that answered has covered stays; what was written before it may come back until then") {
  OldFile old;
  old.write(0, 1, 'm');
  old.write(0, 1, 'n');
  CHECK(left_at(old.disk, "/f") == Outcomes{"no", "oo", "ho", "0o", "go", "mo"});
  REQUIRE(old.disk.sync(old.file));
  CHECK(left_at(old.disk, "/f") == Outcomes{"no"});
}

TEST_CASE("a sync that failed leaves its pages clean: the next one answers success and writes nothing") {
  OldFile old;
  old.write(0, 2, 'n');
  bool fails = true;
  old.disk.on_fault([&](const simulate::Call& call) { return fails && call.verb == Verb::sync ? Fault{Fault::Kind::error, errc::io_error, 0} : Fault{}; });
  CHECK_FALSE(old.disk.sync(old.file));
  fails = false;
  REQUIRE(old.disk.sync(old.file));
  CHECK(left_at(old.disk, "/f") == pairs_of("noh0g"));
  old.write(0, 2, 'n');   // dirty again
  REQUIRE(old.disk.sync(old.file));
  CHECK(left_at(old.disk, "/f") == Outcomes{"nn"});
}

TEST_CASE("a file that has grown may be short, and hold what the free block held") {
  Disk disk;
  disk.plant("/f", "");
  disk.recycle(std::string(2 * sector, 's'));
  auto file = disk.open("/f", OpenMode::read_write).value();
  REQUIRE(disk.write(file, 0, std::string(2 * sector, 'n')));
  const Outcomes left = left_at(disk, "/f");
  for (const char* can : {"", "nn", "00", "ns", "sn", "ss", "gs"}) {
    INFO(can);
    CHECK(left.contains(can));
  }
  REQUIRE(disk.sync(file));
  CHECK(left_at(disk, "/f") == Outcomes{"nn"});
}

TEST_CASE("a file that has grown twice may have any of its sizes") {
  Disk disk;
  disk.plant("/f", "");
  auto file = disk.open("/f", OpenMode::read_write).value();
  for (const std::size_t at : {std::size_t{0}, std::size_t{1}}) REQUIRE(disk.write(file, at * sector, std::string(sector, 'n')));
  const Outcomes left = left_at(disk, "/f");
  for (const char* can : {"", "n", "nn"}) {
    INFO(can);
    CHECK(left.contains(can));
  }
}

TEST_CASE("a name is there for certain only when its folder was synced") {
  Disk disk;
  auto file = disk.create_exclusive("/f").value();
  REQUIRE(disk.write(file, 0, std::string(sector, 'n')));
  REQUIRE(disk.sync(file));
  CHECK(left_at(disk, "/f") == Outcomes{"-", "n"});
  REQUIRE(disk.sync_directory("/"));
  CHECK(left_at(disk, "/f") == Outcomes{"n"});
  REQUIRE(disk.rename("/f", "/g"));
  CHECK(left_at(disk, "/f") == Outcomes{"-", "n"});
  CHECK(left_at(disk, "/g") == Outcomes{"-", "n"});
  REQUIRE(disk.sync_directory("/"));
  CHECK(left_at(disk, "/f") == Outcomes{"-"});
  REQUIRE(disk.remove("/g"));
  CHECK(left_at(disk, "/g") == Outcomes{"-", "n"});
  REQUIRE(disk.sync_directory("/"));
  CHECK(left_at(disk, "/g") == Outcomes{"-"});
}

TEST_CASE("in the ordered profile what was done later is not there without what was done before") {
  Disk disk;
  (void)disk.create_exclusive("/f").value();
  (void)disk.create_exclusive("/g").value();
  CHECK(over_all_fates(disk, Profile::ordered, [](const Files& files) { return std::string(files.contains("/f") ? "f" : "") + (files.contains("/g") ? "g" : ""); }) == Outcomes{"", "f", "fg"});
}

TEST_CASE("in the paranoid profile the whole rewrite unit around a write can be lost, and no more than that") {
  OldFile old(6, {.block_bytes = 2 * sector});
  old.write(2, 1, 'n');
  bool beside = false, beyond = false, standard = false;
  for (const std::string& left : left_at(old.disk, "/f", Profile::paranoid)) {
    beside = beside || left[3] != 'o';
    beyond = beyond || left[1] != 'o' || left[4] != 'o';
  }
  for (const std::string& left : left_at(old.disk, "/f")) standard = standard || left[3] != 'o';
  CHECK(beside);
  CHECK_FALSE(beyond);
  CHECK_FALSE(standard);
}

TEST_CASE("writes may be short, by option and by fault") {
  OldFile old(2, {.write_bytes_max = 700});
  CHECK(old.disk.write(old.file, 0, std::string(2 * sector, 'n')).value() == 700);
  old.disk.on_fault([](const simulate::Call& call) { return call.verb == Verb::write ? Fault{Fault::Kind::short_write, errc::io_error, 1} : Fault{}; });
  CHECK(old.disk.write(old.file, 0, std::string(2 * sector, 'n')).value() == 1);
}
