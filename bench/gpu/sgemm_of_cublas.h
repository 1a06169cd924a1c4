/// cuBLAS's single-precision product as a yardstick, loaded at run time: nothing here is linked with it.
#pragma once

#include <memory>

namespace mq {

class SgemmOfCublas {
 public:
  SgemmOfCublas();
  ~SgemmOfCublas();
  SgemmOfCublas(const SgemmOfCublas&) = delete;
  SgemmOfCublas& operator=(const SgemmOfCublas&) = delete;

  /// False where this machine has no cuBLAS, or one that does not start.
  bool is_there() const { return handle_ != nullptr; }
  /// c = a b^T for row-major a[n, n], b[n, n] and c[n, n] on device 0, in full single precision. Expects
  /// is_there().
  void multiply(int n, const float* a, const float* b, float* c) const;

 private:
  void* library_ = nullptr;
  void* handle_ = nullptr;
};

}  // namespace mq
