#include "meltquench/bench/gpu/sgemm_of_cublas.h"

#include <dlfcn.h>

namespace mq {
namespace {

// The part of cublas_api.h that is used here: enumerations and the handle as C passes them.
using Create = int (*)(void** handle);
using Destroy = int (*)(void* handle);
using Sgemm = int (*)(void* handle, int op_a, int op_b, int m, int n, int k, const float* alpha,
                      const float* a, int lda, const float* b, int ldb, const float* beta, float* c, int ldc);
constexpr int kAsItIs = 0, kTransposed = 1;

template <class Function>
Function find(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

}  // namespace

SgemmOfCublas::SgemmOfCublas() {
  for (const char* name : {"libcublas.so.13", "libcublas.so.12", "libcublas.so"}) {
    if (library_ == nullptr) library_ = dlopen(name, RTLD_NOW);
  }
  if (library_ == nullptr) return;
  const auto create = find<Create>(library_, "cublasCreate_v2");
  if (create == nullptr || create(&handle_) != 0) handle_ = nullptr;
}

SgemmOfCublas::~SgemmOfCublas() {
  if (handle_ != nullptr) find<Destroy>(library_, "cublasDestroy_v2")(handle_);
  if (library_ != nullptr) dlclose(library_);
}

void SgemmOfCublas::multiply(int n, const float* a, const float* b, float* c) const {
  static const auto sgemm = find<Sgemm>(library_, "cublasSgemm_v2");
  const float one = 1.0f, zero = 0.0f;
  // Column-major c^T = (b^T)^T a^T.
  sgemm(handle_, kTransposed, kAsItIs, n, n, n, &one, b, n, a, n, &zero, c, n);
}

}  // namespace mq
