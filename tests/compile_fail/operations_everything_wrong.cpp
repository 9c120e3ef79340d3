// SPDX-License-Identifier: BSL-1.0
/// \file
/// Three operations with five things wrong: all of them are said, at once.
// expect: kfm_det operation: needs `struct Params {...}`: what the plan stores of a step
// expect: kfm_det operation: Params must be described: write KFM_DET_DESCRIBE(Operation::Params, fields...) behind the operation
// expect: kfm_det operation: needs `static result<Output> run(const Params&, StepContext&)`; static, so that it is pure by shape
// expect: kfm_det operation: name must be a `static constexpr std::string_view`
// expect: kfm_det operation: its type has no plain name (it is a template, unnamed, or not ASCII): give it a `static constexpr std::string_view name`
#include "kfm_det/plan/operation.hpp"

namespace det = kfm_det;

#ifdef KFM_DET_GOOD
struct Read {
  struct Params { std::string uri; };
  static det::result<det::Output> run(const Params&, det::StepContext&);
};
KFM_DET_DESCRIBE(Read::Params, uri)
using Listed = det::Operations<Read>;
#else
struct NoParams {
  static det::result<det::Output> run(det::StepContext&);
};
template <class T>
struct Read {
  struct Params { T uri; };
  static det::Output run(const Params&, det::StepContext&);
};
struct Write {
  struct Params {};
  static det::result<det::Output> run(const Params&, det::StepContext&);
  static std::string name();
};
KFM_DET_DESCRIBE(Write::Params)
using Listed = det::Operations<NoParams, Read<std::string>, Write>;
#endif
auto run(const det::Json& params, det::StepContext& context) { return Listed::names.size() == 0 ? det::run_operation<Listed>("Read", params, context) : det::Output::nothing(); }
