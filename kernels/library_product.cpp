#include "meltquench/kernels/library_product.h"

#include <array>
#include <cstddef>

namespace mq {

#if defined(MQ_HAVE_CUBLAS)
namespace cuda {
bool has_cublas();
void cublas_product(const Exec& exec, const FloatProduct& op);
}  // namespace cuda
#endif

namespace {

std::array<LibraryProduct, 3> registered{};

}  // namespace

LibraryProduct library_product(Backend backend) {
#if defined(MQ_HAVE_CUBLAS)
  if (backend == Backend::cuda && registered[static_cast<std::size_t>(backend)] == nullptr) {
    return cuda::has_cublas() ? cuda::cublas_product : nullptr;
  }
#endif
  return registered[static_cast<std::size_t>(backend)];
}

void register_library_product(Backend backend, LibraryProduct product) {
  registered[static_cast<std::size_t>(backend)] = product;
}

}  // namespace mq
