/// The product of kernels/library_product.h by cuBLAS. Source: NVIDIA, cuBLAS Library User's Guide,
/// CUDA 13.0.
///
/// The library is opened when it is first asked for, so that programs start where it is missing.
#include <cublas_v2.h>
#include <dlfcn.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "meltquench/core/contract.h"
#include "meltquench/core/error.h"
#include "meltquench/kernels/library_product.h"

namespace mq::cuda {
namespace {

/// The functions used, null where the library is missing.
struct Cublas {
  decltype(&cublasCreate_v2) create = nullptr;
  decltype(&cublasDestroy_v2) destroy = nullptr;
  decltype(&cublasSetStream_v2) set_stream = nullptr;
  decltype(&cublasSgemm_v2) sgemm = nullptr;
  decltype(&cublasGetStatusString) text_of = nullptr;

  Cublas() {
    void* library =
        dlopen(("libcublas.so." + std::to_string(CUBLAS_VER_MAJOR)).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return;
    find(library, "cublasCreate_v2", create);
    find(library, "cublasDestroy_v2", destroy);
    find(library, "cublasSetStream_v2", set_stream);
    find(library, "cublasSgemm_v2", sgemm);
    find(library, "cublasGetStatusString", text_of);
  }
  bool is_complete() const { return create && destroy && set_stream && sgemm && text_of; }

 private:
  template <class Function>
  static void find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
  }
};

const Cublas& cublas() {
  static const Cublas functions;
  return functions;
}

void check(cublasStatus_t status, const Exec& exec, const char* doing) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw ResourceError("cuBLAS on CUDA device " + std::to_string(exec.device) + " failed while " + doing +
                      ": " + cublas().text_of(status) + "; use train.gemm = \"exact\"");
}

/// A handle belongs to one device and one thread.
cublasHandle_t handle_of(const Exec& exec) {
  struct Handles {
    std::map<int, cublasHandle_t> of_device;
    ~Handles() {
      for (const auto& [device, handle] : of_device) cublas().destroy(handle);
    }
  };
  thread_local Handles handles;
  cublasHandle_t& handle = handles.of_device[exec.device];
  if (handle == nullptr) check(cublas().create(&handle), exec, "starting");
  check(cublas().set_stream(handle, static_cast<cudaStream_t>(exec.stream)), exec, "choosing the stream");
  return handle;
}

/// How cuBLAS, which counts down columns, sees the transpose of a matrix with these sizes and strides.
struct Transposed {
  cublasOperation_t operation;
  int leading;  // at least the size along memory, even where there is a single row or column

  Transposed(std::size_t rows, std::size_t columns, std::size_t row, std::size_t column)
      : operation(column == 1 ? CUBLAS_OP_N : CUBLAS_OP_T),
        leading(static_cast<int>(column == 1 ? std::max(row, columns) : std::max(column, rows))) {
    MQ_EXPECTS(row == 1 || column == 1);
  }
};

}  // namespace

bool has_cublas() { return cublas().is_complete(); }

/// c^T = b^T a^T.
void cublas_product(const Exec& exec, const FloatProduct& op) {
  if (op.rows == 0 || op.columns == 0) return;
  const cudaError_t error = cudaSetDevice(exec.device);
  if (error != cudaSuccess) {
    throw ResourceError("CUDA device " + std::to_string(exec.device) +
                        " failed while selecting it: " + cudaGetErrorString(error));
  }
  const Transposed a(op.rows, op.depth, op.a_row, op.a_column),
      b(op.depth, op.columns, op.b_row, op.b_column);
  const float one = 1.0f, old = op.adds ? 1.0f : 0.0f;
  check(cublas().sgemm(handle_of(exec), b.operation, a.operation, static_cast<int>(op.columns),
                       static_cast<int>(op.rows), static_cast<int>(op.depth), &one, op.b, b.leading, op.a,
                       a.leading, &old, op.c, static_cast<int>(op.c_row)),
        exec, "multiplying");
}

}  // namespace mq::cuda
