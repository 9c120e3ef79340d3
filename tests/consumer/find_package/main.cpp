// SPDX-License-Identifier: BSL-1.0
#include <kfm_det/kfm_det.hpp>
#include <kfm_det/adapters/sqlite.hpp>

int main() { return kfm_det::sha256("abc") == kfm_det::sha256("abd") ? 1 : 0; }
