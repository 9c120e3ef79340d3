// SPDX-License-Identifier: BSL-1.0
/// \file
/// The unit that the precompiled header is made for: CMake makes none for a target all of whose files skip it, as main.cpp must.
