// SPDX-License-Identifier: BSL-1.0
/// \file
/// The key on the command line: which one a log is gone on with, and which one is refused.
///
/// A record under a wrong key spoils a signed log for ever: no ring can be written in which it verifies. So a signed log is gone on with under the key of its
/// last signature, or under the one of which the reader's own ring says that it is valid next. Thread-safety: plain functions.
#ifndef KFM_DET_TOOLS_KFM_DET_SIGNING_ARGUMENT_HPP
#define KFM_DET_TOOLS_KFM_DET_SIGNING_ARGUMENT_HPP

#include <optional>
#include <string>

#include <kfm_det/stores/signing_key.hpp>
#include <kfm_det/wal/examine.hpp>
#include <kfm_det/wal/key_ring.hpp>

#include "command.hpp"
#include "key_ring_file.hpp"
#include "opened_log.hpp"

namespace kfm_det::tool {

struct SigningArguments {
  std::string key, key_name, ring;
};

inline void add_signing_options(CLI::App& command, SigningArguments& given) {
  CLI::Option* const key = command.add_option("--key", given.key, "The private key that signs, when the log is signed: a PEM file that is yours alone")->type_name("FILE");
  command.add_option("--key-name", given.key_name, "The key's id in the ring (its fingerprint)")->type_name("ID")->needs(key);
  command.add_option("--keys", given.ring, "The ring that the log is verified with: --key must be the one that is valid next, also where another one signed so far (a rotation)")->type_name("FILE")->needs(key);
}

namespace detail {
/// Whether the signature of a line was made with this key, whatever either of them is called.
[[nodiscard]] inline result<bool> was_signed_with(const wal::Line& line, BytesView text, const wal::Ed25519Signer& signer) {
  wal::KeyRing ring;
  KFM_DET_TRY(ring.add({std::string(line.signature.key), signer.public_key()}));
  wal::Examination how;
  how.stream = StreamId{std::string(line.stream)};
  how.ring = &ring;
  how.records = how.checkpoints = false;
  bool out = false;
  wal::examine(how, text, 0, [&](wal::Entry&& entry) { out = entry.signature == wal::SignatureState::valid; });
  return out;
}

[[nodiscard]] inline result<void> fits_ring(const wal::KeyRing& ring, const Order& next, const wal::Ed25519Signer& signer, const SigningArguments& given, const std::string& actor) {
  const std::string place = "LSN " + std::to_string(next.lsn) + " of incarnation " + std::to_string(next.incarnation);
  const wal::RingKey* const key = ring.valid_at(next);
  if (key == nullptr) return Error(errc::invalid_argument, "no key of this ring is valid where the log goes on, at " + place, given.ring, "Add one: kfm-det wal keys add RING --key FILE --log LOG");
  if (key->key.hex() != signer.public_key().hex()) return Error(errc::invalid_argument, "the ring says that " + key->id + " signs at " + place + ", and this is another key", given.key, "Give the key that is valid there");
  if (key->id != signer.key_id()) return Error(errc::invalid_argument, "this key is called " + key->id + " in the ring, and not " + signer.key_id(), given.key, "Say its name: --key-name " + key->id);
  if (!key->allows(actor)) return Error(errc::invalid_argument, "the ring does not let " + actor + " write under " + key->id, given.ring, "Say who you are: --actor NAME");
  return success();
}
[[nodiscard]] inline result<void> fits_last_signature(const std::string& text, const wal::Ed25519Signer& signer, const SigningArguments& given) {
  const wal::Line line = wal::read_line(text);
  const std::string name(line.signature.key), at = " (LSN " + std::to_string(line.lsn) + ")";
  KFM_DET_TRY(const bool is_its_key, was_signed_with(line, text, signer));
  if (name == signer.key_id() && is_its_key) return success();
  if (is_its_key) return Error(errc::invalid_argument, "this key is called " + name + " in the log" + at + ", and not " + signer.key_id(), given.key, "Say its name: --key-name " + name);
  return Error(errc::invalid_argument, "the log was last signed with " + name + at + ", and this is another key: what it signs could not be verified", given.key,
               "Give the key " + name + ", as --key FILE --key-name " + name + "; where the next one is valid from here on, show the ring that says so: --keys RING");
}
}  // namespace detail

/// The key that the log is gone on with; nothing where it is not signed and none was given. `accepts_loss`: the next record begins an incarnation.
/// Errors: invalid_argument for a key that does not fit, or a signed log without one; those of reading key and ring.
[[nodiscard]] inline result<std::optional<wal::Ed25519Signer>> choose_signer(const OpenedLog& log, const SigningArguments& given, const std::string& actor, bool accepts_loss) {
  const auto last = last_signed_line(log.place(), log.first());
  if (given.key.empty()) {
    if (last) return Error(errc::invalid_argument, "this log is signed, and no key was given: what would be written could not be verified", log.place().given, "Give the key that is valid now: --key FILE");
    return std::optional<wal::Ed25519Signer>();
  }
  KFM_DET_TRY(auto signer, load_signing_key(given.key, given.key_name));
  if (!given.ring.empty()) {
    KFM_DET_TRY(const wal::KeyRing ring, read_ring(given.ring));
    const bool begins = accepts_loss && can_accept(log.recovery().verdict);
    KFM_DET_TRY(detail::fits_ring(ring, {log.recovery().incarnation + (begins ? 1 : 0), log.recovery().tail.lsn + 1}, signer, given, actor));
  } else if (last) {
    KFM_DET_TRY(detail::fits_last_signature(*last, signer, given));
  }
  return std::optional<wal::Ed25519Signer>(std::move(signer));
}

}  // namespace kfm_det::tool

#endif
