// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/checksum.hpp"

#include <string>
#include <unordered_map>

#include <catch2/catch.hpp>

namespace det = kfm_det;

TEST_CASE("XXH3-64 gives xxHash's own vectors", "[core][checksum]") {
  // Sanity vectors of the specification: bytes of the PRIME32 generator.
  std::string bytes;
  std::uint64_t generator = 2654435761U;
  while (bytes.size() < 256) {
    bytes += static_cast<char>(static_cast<unsigned char>(generator >> 56));
    generator *= 11400714785074694797ULL;
  }
  CHECK(det::xxh3("") == 0x2D06800538D394C2ULL);
  CHECK(det::xxh3(bytes.substr(0, 1)) == 0xC44BDFF4074EECDBULL);
  CHECK(det::xxh3(bytes.substr(0, 6)) == 0x27B56A84CD2D7325ULL);
  CHECK(det::xxh3(bytes.substr(0, 12)) == 0xA713DAF0DFBB77E7ULL);
  CHECK(det::xxh3(bytes.substr(0, 24)) == 0xA3FE70BF9D3510EBULL);
  CHECK(det::xxh3(bytes.substr(0, 48)) == 0x397DA259ECBA1F11ULL);
  CHECK(det::xxh3(bytes.substr(0, 80)) == 0xBCDEFBBB2C47C90AULL);
  CHECK(det::xxh3(bytes.substr(0, 195)) == 0xCD94217EE362EC3AULL);
  CHECK(det::xxh3("abc", 1) != det::xxh3("abc"));
}

TEST_CASE("a map keyed by bytes finds by view", "[core][checksum]") {
  std::unordered_map<std::string, int, det::BytesHash, std::equal_to<>> map{{"a", 1}};
  CHECK(map.find(std::string_view("a"))->second == 1);
}
