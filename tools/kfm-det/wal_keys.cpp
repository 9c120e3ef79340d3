// SPDX-License-Identifier: BSL-1.0
// kfm-det wal keys: signing keys, and the ring of public keys that a reader trusts.
#include <memory>

#include <kfm_det/stores/signing_key.hpp>
#include <kfm_det/wal/key_ring.hpp>

#include "command.hpp"
#include "key_ring_file.hpp"
#include "opened_log.hpp"
#include "table.hpp"

namespace kfm_det::tool {

namespace {

[[nodiscard]] result<wal::KeyRing> read_ring_or_none(const std::string& path) {
  KFM_DET_TRY(const bool there, LookingFileSystem().exists(path));
  if (!there) return wal::KeyRing();
  return read_ring(path);
}

/// Whole or not at all, and durable.
result<void> write_ring(const std::string& path, const wal::KeyRing& ring) {
  const PosixFileSystem fs;
  const std::string temporary = path + ".tmp";
  KFM_DET_TRY(auto file, fs.create_exclusive(temporary));
  const auto write = [&]() -> result<void> {
    KFM_DET_TRY(write_all(fs, file, 0, ring.text()));
    KFM_DET_TRY(fs.sync(file));
    KFM_DET_TRY(fs.rename(temporary, path));
    return fs.sync_directory(parent_directory(path));
  };
  auto written = write();
  if (!written) (void)fs.remove(temporary);
  return written;
}

[[nodiscard]] std::string text_of(const Order& place) { return std::to_string(place.incarnation) + ":" + std::to_string(place.lsn); }

void print(Screen& screen, const wal::KeyRing& ring) {
  if (screen.wishes.json) return screen.json(parse_json(ring.text()).value().set("kind", Json("kfm-det wal keys")));   // its format is the ring's
  Table table({{"key"}, {"from"}, {"to"}, {"public key", false, 16, 2}, {"actors", false, 10, 3}});
  for (const auto& key : ring.keys()) {
    std::string actors;
    for (const auto& actor : key.actors ? *key.actors : std::vector<std::string>()) actors += (actors.empty() ? "" : ", ") + actor;
    table.row({{key.id, Tone::strong}, text_of(key.from), key.to ? text_of(*key.to) : std::string("open"), key.key.hex(), key.actors ? actors : std::string("everybody")});
  }
  table.print(screen);
}

void add_new(Tool& tool, CLI::App& keys) {
  struct Arguments { std::string key, name; };
  const auto given = std::make_shared<Arguments>();
  CLI::App& command = add_command(tool, keys, "new", "A new Ed25519 signing key, in a file that you alone may read",
    "Its public half is printed. What is there is never written over. The updater gets it by load_signing_key().\n\nExample:\n  kfm-det wal keys new signing.pem --name 2026a",
    [&tool, given]() -> result<int> {
      KFM_DET_TRY(const auto signer, wal::Ed25519Signer::generate(given->name));
      if (auto saved = save_signing_key(given->key, signer); !saved) return name_is_taken(saved.error(), given->key);
      if (tool.screen.wishes.json) tool.screen.json(Json::object({{"algorithm", Json("ed25519")}, {"format", Json(1)}, {"key", Json(signer.key_id())}, {"kind", Json("kfm-det wal keys new")}, {"public_key", Json(signer.public_key().hex())}}));
      else {
        tool.screen.field("key", {signer.key_id(), Tone::strong});
        tool.screen.field("public key", signer.public_key().hex());
        if (!given->name.empty()) tool.screen.say({"The file does not hold the name: say " + given->name + " again wherever the key is given.", Tone::dim});
      }
      return exit_code::done;
    });
  command.add_option("FILE", given->key, "The private key, a new file")->required()->type_name("");
  command.add_option("--name", given->name, "The key's id (its fingerprint)")->type_name("ID");
}

void add_show(Tool& tool, CLI::App& keys) {
  const auto given = std::make_shared<std::string>();
  CLI::App& command = add_command(tool, keys, "show", "The keys of a ring, and where in the log each of them is valid", "Places are incarnation:LSN.\n\nExample:\n  kfm-det wal keys show weather.ring",
    [&tool, given]() -> result<int> {
      KFM_DET_TRY(const wal::KeyRing ring, read_ring(*given));
      print(tool.screen, ring);
      return exit_code::done;
    });
  command.add_option("FILE", *given, "The ring")->required()->type_name("");
}

result<wal::RingKey> of_private(const std::string& path, const std::string& name) {
  if (path.empty()) return Error(errc::invalid_argument, "no key was given", {}, "Give one: --key FILE, or --public-key FILE");
  KFM_DET_TRY(const auto signer, load_signing_key(path, name));
  return wal::RingKey{signer.key_id(), signer.public_key()};
}
result<wal::RingKey> of_public(const std::string& path, const std::string& name) {
  KFM_DET_TRY(auto key, read_public_key(path));
  std::string id = name.empty() ? key.fingerprint() : name;
  return wal::RingKey{std::move(id), std::move(key)};
}

void add_add(Tool& tool, CLI::App& keys) {
  struct Arguments { std::string ring, key, public_key, name, log; std::vector<std::string> actors; bool dry_run = false; };
  const auto given = std::make_shared<Arguments>();
  CLI::App& command = add_command(tool, keys, "add", "Adds a key to a ring; the key that is open so far ends where the log ends now",
    "The first key of a ring is valid from the beginning. To rotate: stop the updater, add the next key with --log, and let the updater start with it: the old key ends at the log's last record, the new one begins behind it.\n\n"
    "Examples:\n  kfm-det wal keys add weather.ring --key signing.pem --name 2026a\n  kfm-det wal keys add weather.ring --key next.pem --name 2026b --log state/wal\n  openssl pkey -in next.pem -pubout -out next.pub   # where it signs\n  kfm-det wal keys add weather.ring --public-key next.pub --name 2026b --log state/wal   # where it is verified",
    [&tool, given]() -> result<int> {
      KFM_DET_TRY(wal::KeyRing ring, read_ring_or_none(given->ring));
      KFM_DET_TRY(wal::RingKey key, given->public_key.empty() ? of_private(given->key, given->name) : of_public(given->public_key, given->name));
      if (!given->log.empty()) {
        KFM_DET_TRY(auto log, OpenedLog::open(tool.screen, given->log));
        if (const int code = log.outcome(tool.screen); code != exit_code::done) return code;
        const Head& tail = log.recovery().tail;
        if (tail.lsn != 0) {
          const auto closed = ring.close({tail.incarnation, tail.lsn});
          if (!closed && closed.error().code() != errc::not_found) return closed.error();
          key.from = {tail.incarnation, tail.lsn + 1};
        }
      }
      if (!given->actors.empty()) key.actors = given->actors;
      if (auto added = ring.add(std::move(key)); !added) return added.error().advise("To rotate, say where the old key ends: --log LOG");
      if (!given->dry_run) { KFM_DET_TRY(write_ring(given->ring, ring)); }
      print(tool.screen, ring);
      if (given->dry_run) tool.screen.say("nothing was changed");
      return exit_code::done;
    });
  command.add_option("FILE", given->ring, "The ring; made when it is not there")->required()->type_name("");
  CLI::Option* const key = command.add_option("--key", given->key, "The private key whose public half is added")->type_name("FILE");
  command.add_option("--public-key", given->public_key, "The public half alone, where the private key is not: PEM, or 64 hex digits")->type_name("FILE")->excludes(key);
  command.add_option("--name", given->name, "The key's id (its fingerprint)")->type_name("ID");
  command.add_option("--log", given->log, "The log that is signed: where the key that is open so far ends")->type_name("LOG");
  command.add_option("--actor", given->actors, "Who may write under it; nobody named: everybody (may be given more than once)")->type_name("NAME")->expected(1)->take_all();
  command.add_flag("-n,--dry-run", given->dry_run, "Show the ring as it would be, and write nothing");
}

}  // namespace

void add_wal_keys(Tool& tool, CLI::App& wal) {
  CLI::App& keys = *wal.add_subcommand("keys", "Signing keys, and the ring of public keys that a reader trusts");
  keys.require_subcommand(1);
  add_new(tool, keys);
  add_show(tool, keys);
  add_add(tool, keys);
}

}  // namespace kfm_det::tool
