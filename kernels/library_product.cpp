#include "meltquench/kernels/library_product.h"

#include <array>
#include <cstddef>
#include <optional>

namespace mq {

#if defined(MQ_HAVE_CUBLAS)
namespace cuda {
bool has_cublas();
void cublas_product(const Exec& exec, const FloatProduct& op);
}  // namespace cuda
#endif

namespace {

std::array<std::optional<LibraryProduct>, 3> registered{};

}  // namespace

LibraryProduct library_product(Backend backend) {
  const auto& known = registered[static_cast<std::size_t>(backend)];
#if defined(MQ_HAVE_CUBLAS)
  if (backend == Backend::cuda && !known && cuda::has_cublas()) return cuda::cublas_product;
#endif
  return known.value_or(nullptr);
}

void register_library_product(Backend backend, LibraryProduct product) {
  registered[static_cast<std::size_t>(backend)] = product;
}

}  // namespace mq
