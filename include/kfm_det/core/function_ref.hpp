// SPDX-License-Identifier: BSL-1.0
/// \file
/// function_ref: a reference to something callable, for parameters. Two pointers, no allocation.
///
/// It does not own: the callable must live as long as the call that gets the reference. Never store one.
#ifndef KFM_DET_CORE_FUNCTION_REF_HPP
#define KFM_DET_CORE_FUNCTION_REF_HPP

#include <memory>
#include <type_traits>
#include <utility>

namespace kfm_det {

template <class Signature>
class function_ref;

template <class R, class... Args>
class function_ref<R(Args...)> {
 public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, function_ref> && std::is_invocable_r_v<R, F&, Args...>)
  function_ref(F&& callable) noexcept {  // implicit: a lambda is handed over as it stands
    using Target = std::remove_reference_t<F>;
    if constexpr (std::is_function_v<Target>) {
      target_.function = reinterpret_cast<void (*)()>(std::addressof(callable));
      call_ = [](Storage target, Args... args) -> R { return reinterpret_cast<Target*>(target.function)(std::forward<Args>(args)...); };
    } else {
      target_.object = const_cast<void*>(static_cast<const void*>(std::addressof(callable)));
      call_ = [](Storage target, Args... args) -> R { return (*static_cast<Target*>(target.object))(std::forward<Args>(args)...); };
    }
  }

  R operator()(Args... args) const { return call_(target_, std::forward<Args>(args)...); }

 private:
  union Storage {
    void* object;
    void (*function)();
  };
  Storage target_{};
  R (*call_)(Storage, Args...) = nullptr;
};

}  // namespace kfm_det

#endif
