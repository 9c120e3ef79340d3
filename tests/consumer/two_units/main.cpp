// SPDX-License-Identifier: BSL-1.0
#include <kfm_det/kfm_det.hpp>
#include <kfm_det/adapters/sqlite.hpp>

kfm_det::Digest digest_of_the_other_unit();

int main() { return kfm_det::sha256("abc") == digest_of_the_other_unit() ? 0 : 1; }
