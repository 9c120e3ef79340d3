// SPDX-License-Identifier: BSL-1.0
// Our own backends under the kit, as a stranger would run theirs: the other sources of this folder register the checks.
#include "kfm_det/conformance/interpose.hpp"
#include "kfm_det/conformance/main.hpp"

int main(int argc, char** argv) { return kfm_det::conformance::run_main(argc, argv); }
